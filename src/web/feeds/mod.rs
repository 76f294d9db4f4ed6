//! Feeds: of everything, of a topic, and of what one reader chose. Each in either language, as Atom and as JSON.

mod atom;
mod json;
mod public;
mod reader;

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::Site;
use crate::archive::{self, Entry, Filter};
use crate::citation::doi;
use crate::db::Tx;
use crate::subscription::Language;

pub(super) use self::public::{all_atom, all_json, topic_atom, topic_json};
pub(super) use self::reader::own;

/// Summaries in a feed; about a year of them.
const MOST: i64 = 50;

/// What both forms of a feed are made of.
struct Feed<'a> {
    site: &'a Site,
    language: Language,
    title: String,
    about: String,
    /// The whole address of the feed itself, which is its id too.
    itself: String,
    /// The whole address of the page with the same summaries.
    page: String,
    entries: Vec<Entry>,
}

impl Feed<'_> {
    /// When anything in it changed last. An empty feed has never changed.
    fn updated(&self) -> DateTime<Utc> {
        let times = self.entries.iter().map(|entry| entry.changed_at);
        times.max().unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// The address that a summary has for ever, and its id.
    fn url(&self, entry: &Entry) -> String {
        let path = format!("/summaries/{}", entry.id);
        self.site.url(&self.language.path(&path))
    }

    fn topics<'b>(&'b self, entry: &'b Entry) -> impl Iterator<Item = (&'b str, &'b str)> {
        let known = entry.topics.iter();
        let known = known.filter_map(|slug| self.site.vocabulary.topic(slug));
        known.map(|topic| {
            let name = self.language.pick(&topic.name, &topic.name_fr);
            (topic.slug.as_str(), name.as_str())
        })
    }

    /// A summary whole, for who reads it elsewhere.
    fn content(&self, entry: &Entry) -> Markup {
        html! {
            @if let Some(citation) = &entry.citation { p { small { (citation) } } }
            @if let Some(doi) = &entry.doi { p { a href=(doi::url(doi)) { "doi:" (doi) } } }
            @for paragraph in &entry.summary { p { (paragraph) } }
            @if !entry.implications.is_empty() {
                h2 { (self.language.practice()) }
                @for paragraph in &entry.implications { p { (paragraph) } }
            }
        }
    }
}

/// The first day of its month: an import of old issues does not make them new.
fn published(entry: &Entry) -> DateTime<Utc> {
    let first = chrono::NaiveDate::from_ymd_opt(entry.month.year, entry.month.month, 1);
    first.map_or(entry.changed_at, |day| {
        day.and_time(chrono::NaiveTime::MIN).and_utc()
    })
}

async fn newest(tx: &mut Tx, filter: &Filter) -> sqlx::Result<Vec<Entry>> {
    archive::entries(tx, filter, MOST, 0).await
}
