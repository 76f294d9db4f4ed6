//! What search engines are told: where the pages are, and which are no business of theirs.

use std::fmt::Write;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};

use super::{PageError, Site};
use crate::archive;
use crate::subscription::Language;

/// What stands behind a reader's own link. Each with the slash at its end.
const PERSONAL: [&str; 6] = ["/p/", "/u/", "/f/", "/c/", "/m/", "/s/"];

/// Summaries that a sitemap names: each stands there twice, and 50,000 addresses are all it may hold (sitemaps.org).
const MOST: i64 = 20_000;

pub(super) async fn robots(State(site): State<Site>) -> impl IntoResponse {
    let mut text = String::from("User-agent: *\n");
    for path in PERSONAL {
        writeln!(text, "Disallow: {path}").expect("a text takes more text");
    }
    writeln!(text, "\nSitemap: {}", site.url("/sitemap.xml")).expect("a text takes more text");
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}

pub(super) async fn sitemap(State(site): State<Site>) -> Result<impl IntoResponse, PageError> {
    let mut tx = site.db.read().await?;
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for path in [
        "/",
        "/issues",
        "/topics",
        "/search",
        "/subscribe",
        "/privacy",
    ] {
        add(&mut text, &site, path, None);
    }
    for issue in archive::list(&mut tx).await? {
        add(&mut text, &site, &format!("/issues/{}", issue.month), None);
    }
    for topic in &site.vocabulary.topics {
        add(&mut text, &site, &format!("/topics/{}", topic.slug), None);
    }
    for (id, changed_at) in archive::addresses(&mut tx, MOST).await? {
        add(
            &mut text,
            &site,
            &format!("/summaries/{id}"),
            Some(changed_at),
        );
    }
    text.push_str("</urlset>\n");
    Ok(([(CONTENT_TYPE, "application/xml; charset=utf-8")], text))
}

/// A page in both languages; that they are the same one they say themselves.
fn add(text: &mut String, site: &Site, path: &str, changed_at: Option<DateTime<Utc>>) {
    let changed = changed_at.map(|at| format!("<lastmod>{}</lastmod>", at.date_naive()));
    let changed = changed.unwrap_or_default();
    for language in Language::ALL {
        let url = site.url(&language.path(path));
        let url = url.replace('&', "&amp;").replace('\'', "&apos;");
        writeln!(text, "<url><loc>{url}</loc>{changed}</url>").expect("a text takes more text");
    }
}
