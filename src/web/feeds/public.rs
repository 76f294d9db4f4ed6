//! Feeds for everybody.

use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::LAST_MODIFIED;
use axum::response::Response;

use super::super::archive::topics::{known, name};
use super::super::{PageError, Site};
use super::{Feed, atom, json, newest};
use crate::archive::Filter;
use crate::subscription::Language;

pub async fn all_atom(site: State<Site>, language: Language) -> Result<Response, PageError> {
    let feed = all(&site, language, "/feed.atom").await?;
    Ok(dated(&feed, atom::response(&feed)))
}

pub async fn all_json(site: State<Site>, language: Language) -> Result<Response, PageError> {
    let feed = all(&site, language, "/feed.json").await?;
    Ok(dated(&feed, json::response(&feed)))
}

pub async fn topic_atom(
    site: State<Site>,
    language: Language,
    Path(slug): Path<String>,
) -> Result<Response, PageError> {
    let feed = topic(&site, language, &slug, "feed.atom").await?;
    Ok(dated(&feed, atom::response(&feed)))
}

pub async fn topic_json(
    site: State<Site>,
    language: Language,
    Path(slug): Path<String>,
) -> Result<Response, PageError> {
    let feed = topic(&site, language, &slug, "feed.json").await?;
    Ok(dated(&feed, json::response(&feed)))
}

async fn all<'a>(site: &'a Site, language: Language, path: &str) -> Result<Feed<'a>, PageError> {
    let entries = newest(&mut site.db.read().await?, &Filter::default()).await?;
    Ok(Feed {
        site,
        language,
        title: site.name.clone(),
        about: language.what_this_is(&site.name),
        itself: site.url(&language.path(path)),
        page: site.url(&language.path("/")),
        entries,
    })
}

async fn topic<'a>(
    site: &'a Site,
    language: Language,
    slug: &str,
    file: &str,
) -> Result<Feed<'a>, PageError> {
    let topic = known(site, slug)?;
    let filter = Filter {
        topics: vec![topic.slug.clone()],
        ..Filter::default()
    };
    let entries = newest(&mut site.db.read().await?, &filter).await?;
    let path = format!("/topics/{slug}");
    Ok(Feed {
        site,
        language,
        title: format!("{} – {}", name(language, topic), site.name),
        about: language
            .pick(&topic.description, &topic.description_fr)
            .clone(),
        itself: site.url(&language.path(&format!("{path}/{file}"))),
        page: site.url(&language.path(&path)),
        entries,
    })
}

/// Tells programs that know no entity tags when the feed changed last.
fn dated(feed: &Feed<'_>, mut response: Response) -> Response {
    let date = feed
        .updated()
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(LAST_MODIFIED, date);
    }
    response
}
