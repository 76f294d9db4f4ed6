//! Pages behind a reader's own links, in the reader's language. No password: the link is the key, and each kind of link
//! is good for one thing.

mod form;
mod kept;
pub mod leaving;
pub mod like;
pub mod links;
pub mod manage;
pub mod preferences;
mod preview;
mod standing;
mod words;

use maud::Markup;
use uuid::Uuid;

use self::words::Words;
use super::{Page, PageError, Site};
use crate::db::Tx;
use crate::look;
use crate::request::Form;
use crate::secret::Purpose;
use crate::subscriber::{self, Address, Subscriber};
use crate::subscription::Language;

/// The reader of a link; one who is gone has no pages.
async fn reader_of(
    site: &Site,
    tx: &mut Tx,
    purpose: Purpose,
    token: &str,
) -> Result<Subscriber, PageError> {
    let id: Uuid = site.keys.reader(purpose, token).ok_or(PageError::BadLink)?;
    if id == look::NOBODY {
        return Err(PageError::OfATest);
    }
    subscriber::by_id(tx, id).await?.ok_or(PageError::BadLink)
}

/// A page that no search engine is to list.
fn page(site: &Site, language: Language, title: &str, content: Markup) -> Markup {
    Page::new(site, language, title).unlisted().show(content)
}

/// Enough of the reader's address for them to know it.
fn masked(reader: &Subscriber) -> String {
    Address::parse(&reader.address).map_or_else(|_| String::new(), |address| address.masked())
}

/// What a reader has chosen, as if it had been filled in on the page at `path`.
fn as_form(reader: &Subscriber, path: &str, text: &str) -> Form {
    Form {
        name: reader.name.clone(),
        topics: reader.topics.0.clone(),
        research_types: reader.research_types.0.clone(),
        frequency: reader.frequency,
        format: reader.format,
        language: reader.language,
        page: path.to_owned(),
        text: text.to_owned(),
    }
}
