//! The public site: in both languages, for everybody alike.

mod feeds;
mod search;
mod visitors;

use bulletin::db::Db;

use crate::support::news::{DEPRESSION, EMPATHY, issue};
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
