//! The topics, and what there is on each.

use axum::extract::{Path, RawQuery, State};
use maud::{Markup, html};

use super::super::{Page, PageError, Site};
use super::entries::{self, PER_PAGE, Place};
use crate::archive::{self, Filter, Terms};
use crate::subscription::Language;
use crate::topic::Topic;

/// All topics, with what each is about.
pub async fn list(State(site): State<Site>, language: Language) -> Result<Markup, PageError> {
    let counts = archive::topic_counts(&mut site.db.read().await?).await?;
    let page = Page::new(&site, language, language.topics())
        .at("/topics")
        .described(language.topics_about())
        .wide();
    Ok(page.show(html! {
        h1 { (language.topics()) }
        p.lead { (language.topics_about()) }
        ul.catalogue {
            @for topic in in_order(&site, language) {
                li {
                    h2 { a href=(path(language, topic)) { (name(language, topic)) } }
                    p { (language.pick(&topic.description, &topic.description_fr)) }
                    p.about { (language.summaries(count(&counts, topic))) }
                }
            }
        }
    }))
}

/// One topic: its summaries, the newest first.
pub async fn topic(
    State(site): State<Site>,
    language: Language,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Markup, PageError> {
    let topic = known(&site, &slug)?;
    let filter = Filter {
        topics: vec![slug],
        ..Filter::default()
    };
    let mut tx = site.db.read().await?;
    let total = archive::count(&mut tx, &filter).await?;
    let place = Place::of(page_of(query.as_deref()), total);
    let found = archive::entries(&mut tx, &filter, PER_PAGE, place.offset()).await?;
    let path = format!("/topics/{}", topic.slug);
    let address = |page: i64| match page {
        1 => path.clone(),
        page => format!("{path}?page={page}"),
    };
    let about = language.pick(&topic.description, &topic.description_fr);
    let page = Page::new(&site, language, name(language, topic))
        .at(address(place.page))
        .described(about.as_str())
        .with_feeds(&path, name(language, topic));
    Ok(page.show(html! {
        nav.crumb aria-label=(language.you_are_here()) { a href=(language.path("/topics")) { (language.topics()) } }
        h1 { (name(language, topic)) }
        p.lead { (about) }
        p.calls.not-printed {
            a.button href=(language.path("/subscribe")) { (language.new_by_mail()) }
            " " a href=(language.path(&format!("/search?topic={}", topic.slug))) { (language.narrow_down()) }
        }
        h2 { (language.summaries(total)) }
        @if found.is_empty() { p { (language.nothing_on_this()) } }
        (entries::list(&site, language, &found, &Terms::default()))
        (entries::pager(language, place, |page| language.path(&address(page))))
        p.small.not-printed {
            (language.follow()) " "
            a href=(language.path(&format!("{path}/feed.atom"))) { "Atom" } ", "
            a href=(language.path(&format!("{path}/feed.json"))) { "JSON Feed" }
        }
    }))
}

/// Links to the topics that have summaries, with how many.
pub(super) fn links(site: &Site, language: Language, counts: &[(String, i64)]) -> Markup {
    html! {
        ul.cloud {
            @for topic in in_order(site, language) {
                @let count = count(counts, topic);
                @if count > 0 {
                    li {
                        a href=(path(language, topic)) { (name(language, topic)) }
                        " " span.about aria-hidden="true" { (language.number(count)) }
                        span.unseen { (language.summaries(count)) }
                    }
                }
            }
        }
    }
}

/// The topic that a page is about, by its slug alone: each has one address.
pub(in crate::web) fn known<'a>(site: &'a Site, slug: &str) -> Result<&'a Topic, PageError> {
    let mut topics = site.vocabulary.topics.iter();
    let found = topics.find(|topic| topic.slug == slug);
    found.ok_or(PageError::NotFound)
}

/// In the order of the alphabet of a language; English has the vocabulary's own.
pub(super) fn in_order(site: &Site, language: Language) -> Vec<&Topic> {
    let mut topics: Vec<&Topic> = site.vocabulary.topics.iter().collect();
    if language == Language::French {
        topics.sort_by_cached_key(|topic| archive::title_key(&topic.name_fr));
    }
    topics
}

pub(in crate::web) fn name(language: Language, topic: &Topic) -> &str {
    language.pick(topic.name.as_str(), topic.name_fr.as_str())
}

fn path(language: Language, topic: &Topic) -> String {
    language.path(&format!("/topics/{}", topic.slug))
}

fn count(counts: &[(String, i64)], topic: &Topic) -> i64 {
    let found = counts.iter().find(|(slug, _)| *slug == topic.slug);
    found.map_or(0, |(_, count)| *count)
}

/// The page that an address asks for; the first when it asks for nonsense.
fn page_of(query: Option<&str>) -> i64 {
    let mut values = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let page = values.find(|(name, _)| name == "page");
    page.and_then(|(_, value)| value.parse().ok()).unwrap_or(1)
}
