//! All that an inbox shows, as pure functions from data to subject, HTML and text.
//!
//! Nothing here knows a database, a clock, a network or a configuration: the same data gives the
//! same bytes. A mail that many readers get is rendered once, as a [`Template`] with holes, and what
//! is [`Personal`] to a [`Reader`] is set in.
//!
//! The way of a digest: [`Digest`] is what the service hands in; `contents` cleans it and decides
//! what is shown; `html` and `text` are two renderings of that one decision, so that both parts
//! have the same words and links; `template` cuts them where something personal belongs. A mail to
//! one person is a [`Letter`].

mod breakable;
mod clean;
mod contents;
mod digest;
mod html;
mod layout;
mod letter;
mod link;
mod page;
mod reader;
mod subject;
mod template;
mod text;
mod words;

pub use digest::{Also, Digest, Occasion, Sender, Summary, digest};
pub use letter::{Asked, Frequency, Latest, Letter, LetterKind, letter};
pub use reader::{Personal, Reader};
pub use template::{Hole, Part, Template};

/// A language in which the frame of a mail is written; the summaries may be in any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    English,
    French,
}

/// One mail as its reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// A month of a year, January being 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    pub year: i32,
    pub month: u32,
}

/// A day, as a reader would write it; January is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    pub year: i32,
    pub month: u32,
    pub day: u32,
}

/// What a digest covers: one issue, or the issues of a quarterly round-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    Month(Month),
    Quarter { first: Month, last: Month },
}
