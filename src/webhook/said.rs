//! What providers say, each in its own words, in one form.

use super::Event;
use crate::bounce::{self, Action, Class, Kind, Reading, Recipient, Status, Verdict};
use crate::secret::Keys;
use crate::verp;

/// No more of a server's words is kept.
const MOST_WORDS: usize = 512;

/// One event as a provider tells it.
#[derive(Default)]
pub(super) struct Said {
    pub id: String,
    pub what: What,
    pub address: String,
    pub status: Option<Status>,
    /// What the receiving server said, as far as the provider tells.
    pub words: String,
    /// The `Message-ID` of our message, where the provider passes it on.
    pub message_id: String,
    /// The envelope's sender, where the provider passes it on.
    pub return_path: String,
}

/// What a provider's word for an event means.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum What {
    /// It failed. `class` is the gravest that the provider's own word allows, and what it is when the server said nothing
    /// clear; `reason` says why then.
    Failed {
        class: Class,
        reason: &'static str,
        because: &'static str,
    },
    Delayed,
    Complaint,
    Unsubscribe,
    Autoreply,
    Arrived,
    /// About something else.
    #[default]
    Else,
}

/// A row of a provider's table: its word, and what it means.
pub(super) type Row = (&'static str, What);

/// A failure, for the tables.
pub(super) const fn failed(class: Class, reason: &'static str, because: &'static str) -> What {
    What::Failed {
        class,
        reason,
        because,
    }
}

/// The meaning of a word in a table.
pub(super) fn meaning(table: &[Row], word: &str) -> Option<What> {
    let found = table.iter().find(|(known, _)| *known == word);
    found.map(|(_, what)| *what)
}

impl Said {
    /// The event, with our delivery where the provider passed on what names it.
    pub(super) fn event(self, keys: &Keys) -> Event {
        let kind = match self.what {
            What::Failed { .. } | What::Delayed => Kind::Bounce,
            What::Complaint => Kind::Complaint,
            What::Unsubscribe => Kind::Unsubscribe,
            What::Autoreply => Kind::Autoreply,
            What::Arrived => Kind::Success,
            What::Else => Kind::None,
        };
        Event {
            reading: Reading {
                kind,
                because: "provider",
                delivery: self.delivery(keys),
                recipients: self.recipient().into_iter().collect(),
            },
            id: self.id,
        }
    }

    fn delivery(&self, keys: &Keys) -> Option<i64> {
        let message_id = self.message_id.trim_matches(['<', '>', ' ']);
        let name = message_id.split_once('@').map_or("", |(name, _)| name);
        verp::delivery(keys, self.return_path.trim_matches(['<', '>', ' ']))
            .or_else(|| keys.delivery("message-id", name))
    }

    fn recipient(&self) -> Option<Recipient> {
        let (verdict, action) = match self.what {
            What::Failed {
                class,
                reason,
                because,
            } => (self.verdict(class, reason, because), Action::Failed),
            What::Delayed => (still_trying(), Action::Delayed),
            What::Complaint | What::Unsubscribe => (asked(), Action::Delivered),
            What::Autoreply | What::Arrived | What::Else => return None,
        };
        Some(Recipient {
            address: (!self.address.is_empty()).then(|| self.address.clone()),
            verdict,
            status: self.status,
            action,
            words: self.words.chars().take(MOST_WORDS).collect(),
        })
    }

    /// The server's words decide where they are clear; they never make worse what the provider says.
    fn verdict(&self, class: Class, reason: &'static str, because: &'static str) -> Verdict {
        let of_provider = Verdict {
            class,
            reason,
            because,
        };
        if self.words.trim().is_empty() {
            return of_provider;
        }
        let judged = bounce::judge(code(&self.words), self.status, &self.words);
        let is_graver = judged.class == Class::Hard && class != Class::Hard;
        match is_graver || judged.reason == bounce::UNDEFINED {
            true => of_provider,
            false => judged,
        }
    }
}

fn still_trying() -> Verdict {
    Verdict {
        class: Class::Delayed,
        reason: "delayed",
        because: "provider",
    }
}

/// Nothing failed.
fn asked() -> Verdict {
    Verdict {
        class: Class::Soft,
        reason: "asked",
        because: "provider",
    }
}

/// The reply code (RFC 5321 section 4.2) that words begin with; 0 where there is none.
fn code(words: &str) -> u16 {
    let words = words.trim_start();
    let words = words.strip_prefix("smtp;").unwrap_or(words).trim_start();
    let code = words.get(..3).and_then(|code| code.parse().ok());
    code.filter(|code| (200..600).contains(code)).unwrap_or(0)
}

/// `5.1.1`, where the text is one.
pub(super) fn status(text: &str) -> Option<Status> {
    let mut parts = text.trim().splitn(3, '.');
    let class = parts.next()?.parse().ok()?;
    let subject = parts.next()?.parse().ok()?;
    let detail = parts.next()?.parse().ok()?;
    matches!(class, 2 | 4 | 5).then_some((class, subject, detail))
}

/// A status that stands in a server's words.
pub(super) fn status_in(words: &str) -> Option<Status> {
    words
        .split(|letter: char| !(letter.is_ascii_digit() || letter == '.'))
        .find_map(status)
}
