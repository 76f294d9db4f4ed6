//! The words of a reader's own pages, both languages side by side.
//!
//! In French a no-break space stands before a colon, a semicolon and a question mark, and within guillemets.

mod choosing;
mod leaving;
mod like;
mod links;
mod standing;

use chrono::{DateTime, Utc};

use crate::subscription::Language;

/// Says things in a language.
#[derive(Clone, Copy)]
pub(super) struct Words(pub Language);

impl Words {
    fn pick<T>(self, english: T, french: T) -> T {
        self.0.pick(english, french)
    }

    /// `3 March 2026`, `1er mars 2026`, by UTC.
    pub(in crate::web::reader) fn date(self, at: DateTime<Utc>) -> String {
        self.0.date(&at)
    }
}
