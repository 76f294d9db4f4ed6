//! A feed as JSON Feed 1.1 (jsonfeed.org/version/1.1).

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{Feed, published};

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    title: &'a str,
    home_page_url: &'a str,
    feed_url: &'a str,
    description: &'a str,
    language: &'static str,
    authors: [Author<'a>; 1],
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
    url: String,
}

#[derive(Serialize)]
struct Item<'a> {
    id: String,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_url: Option<String>,
    title: &'a str,
    content_html: String,
    date_published: String,
    date_modified: String,
    tags: Vec<&'a str>,
    language: &'a str,
}

pub(super) fn response(feed: &Feed<'_>) -> Response {
    let items = feed.entries.iter().map(|entry| Item {
        id: feed.url(entry),
        url: feed.url(entry),
        external_url: entry.doi.as_deref().map(crate::citation::doi::url),
        title: &entry.title,
        content_html: feed.content(entry).into_string(),
        date_published: published(entry).to_rfc3339(),
        date_modified: entry.changed_at.to_rfc3339(),
        tags: feed.topics(entry).map(|(_, name)| name).collect(),
        language: &entry.language,
    });
    let document = Document {
        version: "https://jsonfeed.org/version/1.1",
        title: &feed.title,
        home_page_url: &feed.page,
        feed_url: &feed.itself,
        description: &feed.about,
        language: feed.language.as_str(),
        authors: [Author {
            name: &feed.site.publisher.name,
            url: feed.site.url(&feed.language.path("/")),
        }],
        items: items.collect(),
    };
    let text = serde_json::to_string(&document).expect("texts are JSON");
    let kind = [(CONTENT_TYPE, "application/feed+json; charset=utf-8")];
    (kind, text).into_response()
}
