//! What mails are known by: the lists of `signs.toml`.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde::Deserialize;

use super::words::{self, Stage};

/// Phrases of which any may be found in a folded text.
#[derive(Debug)]
pub(super) struct Phrases {
    finder: AhoCorasick,
    phrases: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signs {
    pub returned: Phrases,
    pub introduces: Phrases,
    pub contacts: Phrases,
    pub stages: Stages,
    pub bounce: Bounce,
    pub autoreply: Autoreply,
    pub unsubscribe: Unsubscribe,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stages {
    none_left: Phrases,
    recipient: Phrases,
    sender: Phrases,
    message: Phrases,
    connect: Phrases,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bounce {
    pub subjects: Phrases,
    pub texts: Phrases,
    pub delayed: Phrases,
    pub delivered: Phrases,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Autoreply {
    pub subjects: Phrases,
    pub challenges: Phrases,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unsubscribe {
    pub words: Phrases,
}

pub(super) static SIGNS: LazyLock<Signs> = LazyLock::new(|| {
    toml::from_str(include_str!("signs.toml")).expect("a test reads the built-in signs")
});

impl Phrases {
    /// Whether one of them stands anywhere in a folded text.
    pub fn in_text(&self, folded: &str) -> bool {
        self.finder
            .find_overlapping_iter(folded)
            .any(|found| words::is_whole(folded, found.range()))
    }

    /// Whether a folded text begins with one of them.
    pub fn begin(&self, folded: &str) -> bool {
        self.phrases.iter().any(|phrase| {
            folded.starts_with(phrase.as_str()) && words::is_whole(folded, 0..phrase.len())
        })
    }

    /// Whether a folded text ends with one of them.
    pub fn end(&self, folded: &str) -> bool {
        self.phrases.iter().any(|phrase| {
            folded.ends_with(phrase.as_str())
                && words::is_whole(folded, folded.len() - phrase.len()..folded.len())
        })
    }

    /// Whether a folded text is one of them.
    pub fn are(&self, folded: &str) -> bool {
        self.phrases.iter().any(|phrase| phrase == folded)
    }
}

impl Stages {
    /// Whether a folded transcript shows that RCPT was refused, though the refusal stands below a later command.
    pub fn none_left(&self, folded: &str) -> bool {
        self.none_left.in_text(folded)
    }

    /// What the server was answering, by a folded text around its answer.
    pub fn of(&self, folded: &str) -> Stage {
        [
            (&self.recipient, Stage::Recipient),
            (&self.message, Stage::Message),
            (&self.sender, Stage::Sender),
            (&self.connect, Stage::Connect),
        ]
        .into_iter()
        .find(|(phrases, _)| phrases.in_text(folded))
        .map_or(Stage::Unknown, |(_, stage)| stage)
    }
}

impl<'de> Deserialize<'de> for Phrases {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let phrases: Vec<String> = Vec::<String>::deserialize(from)?
            .iter()
            .map(|phrase| words::folded(phrase))
            .collect();
        let finder = AhoCorasick::new(&phrases).map_err(serde::de::Error::custom)?;
        Ok(Phrases { finder, phrases })
    }
}
