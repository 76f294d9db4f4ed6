//! The public site: in both languages, for everybody alike.

use bulletin::db::Db;

use crate::support::news::{DEPRESSION, issue};
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
    let large = "x".repeat(70_000);
    assert_eq!(pages.ask("POST", "/p/x", &large).await.0, 413);
    let (status, header, _) = pages.ask("GET", "/fr/", "").await;
    assert_eq!((status, header.contains("location: /fr")), (308, true));
}
