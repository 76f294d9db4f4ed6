//! A feed as Atom (RFC 4287).

use atom_syndication::{Category, Content, Entry, Link, Person, Text};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::{Feed, published};
use crate::archive;

pub(super) fn response(feed: &Feed<'_>) -> Response {
    let kind = [(CONTENT_TYPE, "application/atom+xml; charset=utf-8")];
    (kind, document(feed).to_string()).into_response()
}

fn document(feed: &Feed<'_>) -> atom_syndication::Feed {
    atom_syndication::Feed {
        id: feed.itself.clone(),
        title: Text::plain(clean(&feed.title)),
        subtitle: Some(Text::plain(clean(&feed.about))),
        updated: feed.updated().fixed_offset(),
        authors: vec![Person {
            name: clean(&feed.site.publisher.name),
            uri: Some(feed.site.url(&feed.language.path("/"))),
            ..Person::default()
        }],
        links: vec![
            link("self", "application/atom+xml", feed.itself.clone()),
            link("alternate", "text/html", feed.page.clone()),
        ],
        lang: Some(feed.language.as_str().to_owned()),
        entries: feed.entries.iter().map(|each| entry(feed, each)).collect(),
        ..atom_syndication::Feed::default()
    }
}

fn entry(feed: &Feed<'_>, entry: &archive::Entry) -> Entry {
    let content = feed.content(entry).into_string();
    Entry {
        id: feed.url(entry),
        title: Text {
            lang: Some(entry.language.clone()),
            ..Text::plain(clean(&entry.title))
        },
        updated: entry.changed_at.fixed_offset(),
        published: Some(published(entry).fixed_offset()),
        links: vec![link("alternate", "text/html", feed.url(entry))],
        categories: feed
            .topics(entry)
            .map(|(slug, name)| Category {
                term: slug.to_owned(),
                label: Some(clean(name)),
                scheme: None,
            })
            .collect(),
        content: Some(Content {
            lang: Some(entry.language.clone()),
            value: Some(clean(&content)),
            content_type: Some("html".to_owned()),
            ..Content::default()
        }),
        ..Entry::default()
    }
}

fn link(rel: &str, kind: &str, href: String) -> Link {
    Link {
        rel: rel.to_owned(),
        mime_type: Some(kind.to_owned()),
        href,
        ..Link::default()
    }
}

/// XML has no way at all to hold some characters (XML 1.0, section 2.2).
fn clean(text: &str) -> String {
    let is_fit = |c: &char| {
        matches!(c, '\t' | '\n' | '\r')
            || !(c.is_ascii_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
    };
    text.chars().filter(is_fit).collect()
}
