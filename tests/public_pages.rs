//! The public site: in both languages, for everybody alike.

use bulletin::archive::{self, Filter, Terms};
use bulletin::db::Db;
use bulletin::secret::Purpose;

use crate::support::news::{ATTACHMENT, DEPRESSION, EMPATHY, issue};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

each_database!(every_page_stands_in_both_languages_and_names_its_twin);
async fn every_page_stands_in_both_languages_and_names_its_twin(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    for (english, french) in [
        ("/issues", "/fr/issues"),
        ("/issues/2026-03", "/fr/issues/2026-03"),
        ("/summaries/1", "/fr/summaries/1"),
    ] {
        for (path, language, twin) in [(english, "en", french), (french, "fr", english)] {
            let (status, _, body) = pages.ask("GET", path, "").await;
            assert_eq!(status, 200, "{path}");
            for wanted in [
                format!("<html lang=\"{language}\">"),
                format!("rel=\"canonical\" href=\"https://news.example.org{path}\""),
                format!("hreflang=\"en\" href=\"https://news.example.org{english}\""),
                format!("hreflang=\"fr\" href=\"https://news.example.org{french}\""),
                format!("<a href=\"{twin}\" lang="),
                "1 Sample Street, Ottawa".to_owned(),
                "mailto:editor@example.org".to_owned(),
            ] {
                assert!(body.contains(&wanted), "{path} lacks {wanted}\n{body}");
            }
        }
    }
    let (_, _, french) = pages.ask("GET", "/fr/issues/2026-03", "").await;
    assert!(
        french.contains("mars 2026") && french.contains("symptômes"),
        "{french}"
    );
}

each_database!(a_refusal_stands_in_the_frame_and_in_the_visitors_language);
async fn a_refusal_stands_in_the_frame_and_in_the_visitors_language(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    for (method, path, status, words) in [
        ("GET", "/nothing", 404, "Page not found"),
        ("GET", "/fr/nothing", 404, "Page introuvable"),
        ("GET", "/fr/issues/2020-13", 404, "Page introuvable"),
        ("GET", "/issues/%ff", 400, "could not be understood"),
        ("GET", "/u/forged", 404, "This link does not work"),
        ("POST", "/fr/issues", 405, "Cette page ne le permet pas"),
    ] {
        let (answered, header, body) = pages.ask(method, path, "").await;
        assert_eq!(answered, status, "{path}");
        assert!(header.contains("cache-control: no-store"), "{header}");
        assert!(header.contains("text/html"), "{header}");
        for wanted in [words, "1 Sample Street", "noindex", "<h1>"] {
            assert!(body.contains(wanted), "{path} lacks {wanted}\n{body}");
        }
    }
    let (status, header, _) = pages.ask("GET", "/fr/", "").await;
    assert_eq!((status, header.contains("location: /fr")), (308, true));
}

/// A study of 2026-03 with a citation, for what is made of one.
fn study() -> bulletin::issue::Issue {
    let mut issue = issue("2026-03", &[&[DEPRESSION, EMPATHY]]);
    let summary = &mut issue.summaries[0];
    summary.title = "Élan & </script> Empathy".to_owned();
    summary.citation = Some("Peluso, P. R., & Freund, R. R. (2018). Therapist expression & outcome. Psychotherapy, 55(4), 461–472. https://doi.org/10.1002/(SICI)1099(1997)4:1<1::AID>3.0.CO;2-#".to_owned());
    summary.doi = Some("10.1002/(SICI)1099(1997)4:1<1::AID>3.0.CO;2-#".to_owned());
    summary.summary = vec!["Kleinstäuber found a “naïve” therapist.".to_owned()];
    issue
}

each_database!(a_search_minds_neither_case_nor_accents_and_marks_what_it_found);
async fn a_search_minds_neither_case_nor_accents_and_marks_what_it_found(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.publish(&study()).await;
    news.publish(&issue("2026-02", &[&[ATTACHMENT]])).await;
    for query in [
        "KLEINSTAUBER",
        "kleinst%C3%A4uber",
        "na%C3%AFve+therapists",
        "Elan",
        "peluso+461",
    ] {
        let (status, _, body) = pages.ask("GET", &format!("/search?q={query}"), "").await;
        assert_eq!(status, 200);
        assert!(body.contains("1\u{A0}summary found"), "{query}\n{body}");
        assert!(body.contains("/summaries/1\""), "{query}\n{body}");
        assert!(body.contains("noindex"), "{query}");
    }
    let (_, _, body) = pages.ask("GET", "/search?q=kleinstauber+naive", "").await;
    assert!(
        body.contains("<mark>Kleinstäuber</mark> found a “<mark>naïve</mark>” therapist."),
        "{body}"
    );
    let (_, _, body) = pages.ask("GET", "/search?q=script+elan", "").await;
    assert!(
        body.contains("<mark>Élan</mark> &amp; &lt;/<mark>script</mark>&gt;"),
        "{body}"
    );
    let (_, _, body) = pages
        .ask("GET", "/fr/search?q=kleinstauber+absent", "")
        .await;
    assert!(body.contains("0\u{A0}résumé trouvé"), "{body}");
    let (_, _, body) = pages.ask("GET", "/search", "").await;
    assert!(body.contains("All 2\u{A0}summaries"), "{body}");
}

each_database!(a_title_that_fits_stands_before_a_text_that_does);
async fn a_title_that_fits_stands_before_a_text_that_does(db: Db) {
    let news = News::start(db).await;
    let mut issue = issue("2026-02", &[&[EMPATHY], &[EMPATHY], &[EMPATHY]]);
    issue.summaries[0].summary = vec!["It speaks of repair once.".to_owned()];
    issue.summaries[1].title = "Rupture and Repair".to_owned();
    news.publish(&issue).await;
    let mut tx = news.db.read().await.unwrap();
    let filter = Filter {
        terms: Terms::read("repair"),
        ..Filter::default()
    };
    let found = archive::entries(&mut tx, &filter, 10, 0).await.unwrap();
    let titles: Vec<&str> = found.iter().map(|entry| entry.title.as_str()).collect();
    assert_eq!(titles, ["Rupture and Repair", "Study 1 of 2026-02"]);
}

each_database!(topics_types_and_words_limit_together_and_are_counted);
async fn topics_types_and_words_limit_together_and_are_counted(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let mut first = issue(
        "2026-02",
        &[&[EMPATHY], &[EMPATHY, ATTACHMENT], &[DEPRESSION]],
    );
    first.summaries[1].research_type = Some("meta-analysis".to_owned());
    news.publish(&first).await;
    let filter = |words: &str, topics: &[&str], types: &[&str]| {
        let owned = |slugs: &[&str]| slugs.iter().map(|slug| (*slug).to_owned()).collect();
        Filter {
            terms: Terms::read(words),
            topics: owned(topics),
            research_types: owned(types),
            found: None,
        }
    };
    let mut tx = news.db.read().await.unwrap();
    for (filter, expected) in [
        (filter("", &[], &[]), 3),
        (filter("", &[EMPATHY], &[]), 2),
        (filter("", &[EMPATHY, DEPRESSION], &[]), 3),
        (filter("", &[EMPATHY], &["survey"]), 1),
        (filter("study 2", &[EMPATHY], &["meta-analysis"]), 1),
        (filter("study 3", &[EMPATHY], &[]), 0),
    ] {
        let count = archive::count(&mut tx, &filter).await.unwrap();
        assert_eq!(count, expected, "{filter:?}");
        let entries = archive::entries(&mut tx, &filter, 10, 0).await.unwrap();
        assert_eq!(entries.len() as i64, expected, "{filter:?}");
        let mut once = filter.clone();
        once.look_up(&mut tx).await.unwrap();
        assert_eq!(archive::count(&mut tx, &once).await.unwrap(), expected);
        let looked_up = archive::entries(&mut tx, &once, 10, 0).await.unwrap();
        let ids = |entries: &[archive::Entry]| entries.iter().map(|e| e.id).collect::<Vec<_>>();
        assert_eq!(ids(&looked_up), ids(&entries), "the same, asked once");
    }
    let counts = archive::counts(&mut tx, &filter("study", &[EMPATHY], &["survey"])).await;
    let counts = counts.unwrap();
    assert_eq!(counts.topics.get(EMPATHY), Some(&1));
    assert_eq!(counts.topics.get(DEPRESSION), Some(&1));
    assert_eq!(counts.topics.get(ATTACHMENT), None);
    assert_eq!(counts.research_types.get("meta-analysis"), Some(&1));
    let path = format!("/search?topic={EMPATHY}&topic=nonsense&type=survey&q=");
    let (_, _, body) = pages.ask("GET", &path, "").await;
    assert!(
        body.contains(&format!("value=\"{EMPATHY}\" checked")),
        "{body}"
    );
    assert!(
        body.contains("(1 chosen)") && body.contains("1\u{A0}summary found"),
        "{body}"
    );
}

each_database!(no_query_makes_the_search_fail);
async fn no_query_makes_the_search_fail(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.publish(&study()).await;
    let words: String = (0..9_000).map(|number| format!("w{number}+")).collect();
    for query in [
        "%00",
        "%22",
        "%27%22--",
        "NEAR(a+b)",
        "a+OR",
        "title:x",
        "*",
        "-x",
        "%5Cu0",
        "a%22+OR+%22b",
        "%27:*%26!%28",
        "(((",
        "%FF%FE",
        "%F0%9F%92%A9",
        "a&q=b&q=%00c",
        "&page=-1",
        "&page=99999999999999999999",
        "&topic=%27",
        "AND+OR+NOT",
        "%E0%A4%BE",
        "%CC%81",
        &"x".repeat(60_000),
        &words,
    ] {
        let (status, _, body) = pages.ask("GET", &format!("/search?q={query}"), "").await;
        assert_eq!(status, 200, "{}", &query[..query.len().min(50)]);
        assert!(body.contains("<h2 id=\"found\">"));
    }
    let mut tx = news.db.read().await.unwrap();
    for query in ["é".repeat(100_000), "a ".repeat(10_000), "\0".repeat(9)] {
        let filter = Filter {
            terms: Terms::read(&query),
            ..Filter::default()
        };
        archive::count(&mut tx, &filter).await.unwrap();
    }
}

each_database!(the_search_knows_what_was_changed_and_what_stood_before_it);
async fn the_search_knows_what_was_changed_and_what_stood_before_it(db: Db) {
    let news = News::start(db).await;
    let mut issue = issue("2026-02", &[&[EMPATHY]]);
    news.publish(&issue).await;
    issue.summaries[0].summary = vec!["Everything about zebras.".to_owned()];
    news.publish(&issue).await;
    let found = async |words: &str| {
        let filter = Filter {
            terms: Terms::read(words),
            ..Filter::default()
        };
        let mut tx = news.db.read().await.unwrap();
        archive::count(&mut tx, &filter).await.unwrap()
    };
    assert_eq!((found("zebra").await, found("found").await), (1, 0));
    match &news.db {
        Db::Sqlite { write, .. } => {
            let emptied = sqlx::query("DELETE FROM summary_search")
                .execute(write)
                .await;
            emptied.map(drop)
        }
        Db::Postgres(pool) => {
            let emptied = sqlx::query("DELETE FROM summary_search")
                .execute(pool)
                .await;
            emptied.map(drop)
        }
    }
    .unwrap();
    assert_eq!(found("zebra").await, 0);
    for _ in 0..2 {
        archive::complete_search(&news.db).await.unwrap();
        assert_eq!(found("zebra").await, 1);
    }
}

each_database!(a_long_list_is_read_page_by_page);
async fn a_long_list_is_read_page_by_page(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    for month in 1..=9 {
        let topics: &[&[&str]] = &[&[EMPATHY], &[EMPATHY], &[EMPATHY]];
        news.publish(&issue(&format!("2025-0{month}"), topics))
            .await;
    }
    for (path, page, previous, next) in [
        (
            "/topics/empathy",
            "Page 1 of 3",
            None,
            Some("/topics/empathy?page=2"),
        ),
        (
            "/topics/empathy?page=2",
            "Page 2 of 3",
            Some("/topics/empathy\""),
            Some("?page=3"),
        ),
        (
            "/fr/topics/empathy?page=77",
            "Page 3 sur 3",
            Some("/fr/topics/empathy?page=2"),
            None,
        ),
        (
            "/search?q=study&page=2",
            "Page 2 of 3",
            Some("/search?q=study\""),
            Some("/search?q=study&amp;page=3"),
        ),
    ] {
        let (_, _, body) = pages.ask("GET", path, "").await;
        for wanted in [Some(page), previous, next].into_iter().flatten() {
            assert!(body.contains(wanted), "{path} lacks {wanted}\n{body}");
        }
        assert_eq!(body.contains("rel=\"prev\""), previous.is_some(), "{path}");
        assert_eq!(body.contains("rel=\"next\""), next.is_some(), "{path}");
    }
}

each_database!(a_summary_leads_to_its_study_its_topics_and_its_neighbours);
async fn a_summary_leads_to_its_study_its_topics_and_its_neighbours(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.publish(&study()).await;
    news.publish(&issue("2026-02", &[&[EMPATHY], &[]])).await;
    news.publish(&issue("2026-04", &[&[EMPATHY]])).await;
    let (_, _, body) = pages.ask("GET", "/fr/summaries/1", "").await;
    for wanted in [
        "href=\"https://doi.org/10.1002/(SICI)1099(1997)4:1%3C1::AID%3E3.0.CO;2-%23\"",
        "href=\"/fr/topics/empathy\"",
        "rel=\"prev\" lang=\"en\" href=\"/fr/summaries/3\"",
        "rel=\"next\" lang=\"en\" href=\"/fr/summaries/4\"",
        "Peluso PR, Freund RR. Therapist expression &amp; outcome. Psychotherapy. 2018;55(4):461-472.",
        "<h2 id=\"cite\">Citer cette étude</h2>",
    ] {
        assert!(body.contains(wanted), "{wanted}\n{body}");
    }
    let (_, rest) = body
        .split_once("<script type=\"application/ld+json\">")
        .unwrap();
    let (described, _) = rest.split_once("</script>").unwrap();
    let described: serde_json::Value = serde_json::from_str(described).unwrap();
    assert_eq!(described["@type"], "Review");
    assert_eq!(described["name"], "Élan & </script> Empathy");
    assert_eq!(described["itemReviewed"]["@type"], "ScholarlyArticle");
    assert_eq!(
        described["itemReviewed"]["author"][1]["familyName"],
        "Freund"
    );
    let (_, header, text) = pages.ask("GET", "/summaries/1/cite.bib", "").await;
    assert!(
        header.contains("filename=\"peluso2018therapist.bib\""),
        "{header}"
    );
    assert!(text.starts_with("@article{peluso2018therapist,"), "{text}");
    let (_, _, text) = pages.ask("GET", "/summaries/2/cite.ris", "").await;
    assert!(
        text.contains("UR  - https://news.example.org/summaries/2\r\n"),
        "{text}"
    );
    for path in [
        "/summaries/9/cite.bib",
        "/summaries/x",
        "/topics/ants",
        "/fr/topics/ants/feed.atom",
    ] {
        assert_eq!(pages.ask("GET", path, "").await.0, 404, "{path}");
    }
}

each_database!(feeds_are_well_formed_and_say_when_they_changed);
async fn feeds_are_well_formed_and_say_when_they_changed(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let (_, _, empty) = pages.ask("GET", "/feed.atom", "").await;
    assert!(
        empty
            .parse::<atom_syndication::Feed>()
            .unwrap()
            .entries
            .is_empty()
    );
    let mut study = study();
    study.summaries[0].title += "\u{1}]]>";
    news.publish(&study).await;
    news.wait(chrono::Duration::hours(1));
    news.publish(&issue("2026-02", &[&[ATTACHMENT]])).await;
    for (path, entries, language) in [
        ("/feed.atom", 2, "en"),
        ("/fr/feed.atom", 2, "fr"),
        ("/topics/empathy/feed.atom", 1, "en"),
        ("/fr/topics/attachment/feed.atom", 1, "fr"),
    ] {
        let (_, header, body) = pages.ask("GET", path, "").await;
        assert!(header.contains("application/atom+xml"), "{header}");
        assert!(
            header.contains("last-modified: tue, 03 mar 2026 1"),
            "{header}"
        );
        let feed: atom_syndication::Feed = body.parse().unwrap();
        assert_eq!(feed.entries.len(), entries, "{path}");
        assert_eq!(feed.lang.as_deref(), Some(language));
        assert_eq!(feed.id, format!("https://news.example.org{path}"));
        assert_eq!(
            feed.updated,
            feed.entries
                .iter()
                .map(|entry| entry.updated)
                .max()
                .unwrap()
        );
    }
    let (_, _, body) = pages.ask("GET", "/feed.atom", "").await;
    let feed: atom_syndication::Feed = body.parse().unwrap();
    assert_eq!(feed.entries[0].id, "https://news.example.org/summaries/1");
    assert_eq!(feed.entries[0].title.value, "Élan & </script> Empathy]]>");
    assert_eq!(feed.entries[0].categories[1].term, "empathy");
    let content = feed.entries[0]
        .content
        .as_ref()
        .unwrap()
        .value
        .as_ref()
        .unwrap();
    assert!(content.contains("<p>Kleinstäuber found"), "{content}");
    for path in ["/feed.json", "/fr/topics/empathy/feed.json"] {
        let (_, header, body) = pages.ask("GET", path, "").await;
        assert!(header.contains("application/feed+json"), "{header}");
        let feed: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
        assert_eq!(
            feed["items"][0]["date_published"],
            "2026-03-01T00:00:00+00:00"
        );
        assert_eq!(feed["feed_url"], format!("https://news.example.org{path}"));
    }
}

each_database!(a_readers_own_feed_has_what_they_chose_and_ends_with_them);
async fn a_readers_own_feed_has_what_they_chose_and_ends_with_them(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.publish(&issue(
        "2026-03",
        &[&[EMPATHY], &[DEPRESSION], &[ATTACHMENT]],
    ))
    .await;
    news.subscribe("a@peer.test", &[EMPATHY, ATTACHMENT]).await;
    let id = news.reader("a@peer.test").await.id;
    let path = format!("/f/{}", news.keys.link(Purpose::Feed, id));
    let (status, header, body) = pages.ask("GET", &path, "").await;
    assert_eq!(status, 200, "{body}");
    assert!(
        header.contains("cache-control: no-store") && !header.contains("etag"),
        "{header}"
    );
    let feed: atom_syndication::Feed = body.parse().unwrap();
    let titles: Vec<&str> = feed
        .entries
        .iter()
        .map(|entry| entry.title.value.as_str())
        .collect();
    assert_eq!(titles, ["Study 1 of 2026-03", "Study 3 of 2026-03"]);
    assert!(!body.contains("peer.test"));
    let leave = news.keys.link(Purpose::Unsubscribe, id);
    assert_eq!(pages.ask("GET", &format!("/f/{leave}"), "").await.0, 404);
    pages
        .ask("POST", &format!("/u/{leave}"), "leave=page")
        .await;
    let (status, header, body) = pages.ask("GET", &path, "").await;
    assert_eq!(status, 410);
    assert!(
        header.contains("no-store") && body.contains("No longer here"),
        "{header}\n{body}"
    );
}

each_database!(what_a_browser_has_already_is_not_sent_again);
async fn what_a_browser_has_already_is_not_sent_again(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.publish(&study()).await;
    for path in [
        "/",
        "/fr",
        "/issues/2026-03",
        "/summaries/1",
        "/search?q=elan",
        "/feed.json",
        "/sitemap.xml",
        "/summaries/1/cite.ris",
    ] {
        let (status, header, body) = pages.ask("GET", path, "").await;
        assert_eq!(status, 200, "{path}");
        assert!(
            header.contains("cache-control: public, max-age="),
            "{header}"
        );
        assert_eq!(pages.tag(path).await, pages.tag(path).await, "{path}");
        let (status, head, nothing) = pages.ask("HEAD", path, "").await;
        assert_eq!((status, nothing.as_str()), (200, ""), "{path}");
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{head}"
        );
    }
    let exact = pages.tag("/issues/2026-03").await;
    for (asked, status) in [
        (format!("If-None-Match: {exact}\r\n"), 304),
        (format!("If-None-Match: \"x\", W/{exact}\r\n"), 304),
        ("If-None-Match: *\r\n".to_owned(), 304),
        ("If-None-Match: \"x\"\r\n".to_owned(), 200),
        (
            "If-Modified-Since: Tue, 03 Mar 2099 14:00:00 GMT\r\n".to_owned(),
            200,
        ),
    ] {
        let (answered, header, body) = pages.ask_with("GET", "/issues/2026-03", &asked, "").await;
        assert_eq!(answered, status, "{asked}");
        assert_eq!(body.is_empty(), status == 304);
        assert!(
            header.contains("etag: ") && header.contains("cache-control: public"),
            "{header}"
        );
    }
    for (since, status) in [
        ("Tue, 03 Mar 2026 14:00:00", 304),
        ("Tue, 03 Mar 2026 13:59:59", 200),
    ] {
        let asked = format!("If-Modified-Since: {since} GMT\r\n");
        assert_eq!(
            pages.ask_with("GET", "/feed.atom", &asked, "").await.0,
            status,
            "{since}"
        );
    }
    let mut changed = study();
    changed.summaries[0].summary.push("More.".to_owned());
    news.publish(&changed).await;
    let asked = format!("If-None-Match: {exact}\r\n");
    assert_eq!(
        pages.ask_with("GET", "/issues/2026-03", &asked, "").await.0,
        200
    );
}

each_database!(search_engines_are_told_every_page_and_none_of_a_readers_own);
async fn search_engines_are_told_every_page_and_none_of_a_readers_own(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.publish(&study()).await;
    let (_, _, robots) = pages.ask("GET", "/robots.txt", "").await;
    for wanted in [
        "Disallow: /p/\n",
        "Disallow: /u/\n",
        "Disallow: /f/\n",
        "Sitemap: https://news.example.org/sitemap.xml\n",
    ] {
        assert!(robots.contains(wanted), "{robots}");
    }
    let (_, header, sitemap) = pages.ask("GET", "/sitemap.xml", "").await;
    assert!(header.contains("application/xml"), "{header}");
    for path in [
        "/",
        "/fr",
        "/issues/2026-03",
        "/fr/summaries/1",
        "/topics/empathy",
    ] {
        let wanted = format!("<loc>https://news.example.org{path}</loc>");
        assert!(sitemap.contains(&wanted), "{wanted}");
    }
    assert!(
        sitemap.contains(
            "<loc>https://news.example.org/summaries/1</loc><lastmod>2026-03-03</lastmod>"
        )
    );
    news.subscribe("a@peer.test", &[]).await;
    let id = news.reader("a@peer.test").await.id;
    for (purpose, page) in [(Purpose::Preferences, "p"), (Purpose::Unsubscribe, "u")] {
        let path = format!("/{page}/{}", news.keys.link(purpose, id));
        let (_, header, body) = pages.ask("GET", &path, "").await;
        assert!(
            header.contains("no-store") && body.contains("noindex"),
            "{path}"
        );
    }
}

each_database!(an_empty_archive_has_all_its_pages);
async fn an_empty_archive_has_all_its_pages(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    for path in [
        "/",
        "/issues",
        "/topics",
        "/topics/empathy",
        "/search",
        "/search?q=x",
        "/feed.json",
        "/sitemap.xml",
    ] {
        for path in [
            path.to_owned(),
            format!("/fr{}", path.trim_end_matches('/')),
        ] {
            if path.ends_with("sitemap.xml") && path.starts_with("/fr") {
                continue;
            }
            assert_eq!(pages.ask("GET", &path, "").await.0, 200, "{path}");
        }
    }
}

each_database!(the_privacy_page_says_who_answers_and_leaves_out_what_nobody_set);
async fn the_privacy_page_says_who_answers_and_leaves_out_what_nobody_set(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    for (path, heading, absent) in [
        (
            "/privacy",
            "Who answers for personal information",
            "Where you can complain",
        ),
        ("/fr/privacy", "Personne responsable", "Où porter plainte"),
    ] {
        let (status, _, page) = pages.ask("GET", path, "").await;
        assert_eq!(status, 200);
        assert!(
            page.contains(heading) && page.contains("privacy@example.org"),
            "{page}"
        );
        assert!(
            page.contains("1 Sample Street") && !page.contains(absent),
            "{page}"
        );
    }
}
