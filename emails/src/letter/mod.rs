//! Mails that one person asked for, or must be told of: from the confirmation of a sign-up to the
//! goodbye.
//!
//! The way is that of a digest: `subscribing` and `changing` have what each letter says, both
//! languages side by side, as a [`Body`]; `html` and `text` are two renderings of it.

mod body;
mod changing;
mod html;
mod phrases;
mod subscribing;
mod text;

use body::Body;
use changing::{address_changed, confirm_address, export_ready, fresh_link, password_link};
use subscribing::{already_subscribed, confirm, consent_ends, goodbye, to_begin_with, welcome};

use crate::{Also, Date, Email, Language, Month, Sender};

/// A mail to one person about their own subscription. It names no reader: whoever reads it by
/// mistake learns only what is in it.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    pub language: Language,
    /// What the publication is called.
    pub publication: &'a str,
    pub sender: Sender<'a>,
    pub kind: LetterKind<'a>,
}

/// What a letter is for, with the links that it offers, ready-made. A link that is no address of
/// the web is left out.
#[derive(Debug, Clone)]
pub enum LetterKind<'a> {
    /// A sign-up wants the consent of whoever reads this address (double opt-in).
    Confirm {
        asked: Asked<'a>,
        url: &'a str,
        days: u32,
    },
    /// Somebody signed up with the address of a reader who is subscribed already. The link leads to
    /// the reader's choices.
    AlreadySubscribed { url: &'a str },
    /// The sign-up is confirmed.
    Welcome {
        asked: Asked<'a>,
        /// To have something to read until the first digest comes.
        latest: Option<Latest<'a>>,
        preferences_url: &'a str,
        unsubscribe_url: &'a str,
    },
    /// Something to read on topics that the reader has added, as they asked.
    ToBeginWith {
        summaries: Vec<Also<'a>>,
        preferences_url: &'a str,
        unsubscribe_url: &'a str,
    },
    /// The reader has left.
    Goodbye { undo_url: &'a str },
    /// A link for what the one in a digest may not do, since digests are forwarded: changing the
    /// address, taking out what is held about the reader, erasing it.
    FreshLink { url: &'a str, hours: u32 },
    /// To the new address of a reader, who must confirm that it is theirs.
    ConfirmAddress { url: &'a str, days: u32 },
    /// To the address that a reader had until now.
    AddressChanged {
        /// The new address with most of its letters hidden.
        new_masked: &'a str,
    },
    /// The reader never said in so many words that they want it, and the time is nearly over for
    /// which that will do. The link leads to the button by which they say so.
    ConsentEnds {
        until: Date,
        url: &'a str,
        unsubscribe_url: &'a str,
    },
    /// What is held about the reader can be fetched.
    ExportReady { url: &'a str, hours: u32 },
    /// To somebody who works at the editor's desk: a link by which they set their password.
    PasswordLink { url: &'a str, hours: u32 },
}

/// What a reader asked for.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// Display names; none means every topic.
    pub topics: &'a [&'a str],
    /// Display names; none means every type.
    pub research_types: &'a [&'a str],
    pub frequency: Frequency,
}

/// How often a digest comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Frequency {
    Monthly,
    Quarterly,
}

/// What the last issue had for a reader.
#[derive(Debug, Clone)]
pub struct Latest<'a> {
    pub month: Month,
    /// Those that fit the reader's choices; there may be none.
    pub summaries: Vec<Also<'a>>,
}

/// The letter as its reader gets it.
pub fn letter(letter: &Letter) -> Email {
    let body = body(letter);
    Email {
        html: html::of(&body),
        text: text::of(&body),
        subject: body.subject,
    }
}

fn body(letter: &Letter) -> Body {
    match &letter.kind {
        LetterKind::Confirm { asked, url, days } => confirm(letter, asked, url, *days),
        LetterKind::AlreadySubscribed { url } => already_subscribed(letter, url),
        LetterKind::Welcome {
            asked,
            latest,
            preferences_url,
            unsubscribe_url,
        } => welcome(letter, asked, latest.as_ref())
            .foot_link(letter.language.preferences(), preferences_url)
            .foot_link(letter.language.unsubscribe(), unsubscribe_url),
        LetterKind::ToBeginWith {
            summaries,
            preferences_url,
            unsubscribe_url,
        } => to_begin_with(letter, summaries)
            .foot_link(letter.language.preferences(), preferences_url)
            .foot_link(letter.language.unsubscribe(), unsubscribe_url),
        LetterKind::Goodbye { undo_url } => goodbye(letter, undo_url),
        LetterKind::FreshLink { url, hours } => fresh_link(letter, url, *hours),
        LetterKind::ConfirmAddress { url, days } => confirm_address(letter, url, *days),
        LetterKind::AddressChanged { new_masked } => address_changed(letter, new_masked),
        LetterKind::ConsentEnds {
            until,
            url,
            unsubscribe_url,
        } => consent_ends(letter, *until, url)
            .foot_link(letter.language.unsubscribe(), unsubscribe_url),
        LetterKind::ExportReady { url, hours } => export_ready(letter, url, *hours),
        LetterKind::PasswordLink { url, hours } => password_link(letter, url, *hours),
    }
}
