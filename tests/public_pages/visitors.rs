//! What browsers and search engines are told beside the pages.

use bulletin::db::Db;
use bulletin::secret::Purpose;

use super::study;
use crate::support::pages::Pages;
use crate::support::{News, each_database};

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
