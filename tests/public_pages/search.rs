//! The search: what it finds, in which order, and that nothing asked of it makes it fail.

use bulletin::archive::{self, Filter, Terms};
use bulletin::db::Db;

use super::study;
use crate::support::news::{ATTACHMENT, DEPRESSION, EMPATHY, issue};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

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
        &[
            &[EMPATHY],
            &[EMPATHY, ATTACHMENT],
            &[DEPRESSION],
            &[ATTACHMENT],
        ],
    );
    first.summaries[1].research_type = Some("meta-analysis".to_owned());
    first.summaries[3].research_type = None;
    news.publish(&first).await;
    let filter = |words: &str, topics: &[&str], types: &[&str]| {
        let owned = |slugs: &[&str]| slugs.iter().map(|slug| (*slug).to_owned()).collect();
        Filter {
            terms: Terms::read(words),
            topics: owned(topics),
            research_types: owned(types),
        }
    };
    let mut tx = news.db.read().await.unwrap();
    for (filter, expected) in [
        (filter("", &[], &[]), 4),
        (filter("", &[ATTACHMENT], &[]), 2),
        (filter("", &[ATTACHMENT], &["survey"]), 0),
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
        let counts = archive::counts(&mut tx, &filter).await.unwrap();
        assert_eq!(counts.total, expected, "{filter:?}");
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
