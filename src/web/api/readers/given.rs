//! What programs say of readers: whom they look for, and what a reader is to get.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::readers::Filter;
use crate::subscription::{Choice, Format, Frequency, Language, Preferences, State};

#[derive(Deserialize)]
pub(super) struct Asked {
    pub part: Option<String>,
    state: Option<State>,
    topic: Option<String>,
    research_type: Option<String>,
    language: Option<Language>,
    frequency: Option<Frequency>,
    format: Option<Format>,
    since: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
    suppressed: Option<bool>,
    bounced: Option<bool>,
    paused: Option<bool>,
}

/// What is to be; what is not named stays, or is the usual.
#[derive(Deserialize)]
pub(super) struct Chosen {
    pub name: Option<String>,
    pub topics: Option<Vec<String>>,
    pub research_types: Option<Vec<String>>,
    pub frequency: Option<Frequency>,
    pub format: Option<Format>,
    pub language: Option<Language>,
    pub time_zone: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct NewReader {
    pub address: String,
    #[serde(flatten)]
    pub chosen: Chosen,
    pub consent: Option<Consent>,
}

#[derive(Deserialize)]
pub(super) struct Consent {
    pub source: String,
    pub at: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

impl Asked {
    /// All of what is asked has to hold.
    pub(super) fn filter(self) -> Option<Filter> {
        let whether = |is: Option<bool>, filter: Filter| {
            is.map(|is| match is {
                true => filter,
                false => Filter::Not(Box::new(filter)),
            })
        };
        let parts = [
            self.state.map(Filter::State),
            self.topic.map(Filter::Topic),
            self.research_type.map(Filter::ResearchType),
            self.language.map(Filter::Language),
            self.frequency.map(Filter::Frequency),
            self.format.map(Filter::Format),
            self.since.map(Filter::Since),
            self.before.map(Filter::Before),
            whether(self.suppressed, Filter::Suppressed),
            whether(self.bounced, Filter::Bounced),
            whether(self.paused, Filter::Paused),
        ];
        let parts: Vec<Filter> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then_some(Filter::All(parts))
    }
}

impl Chosen {
    /// With what there was where nothing is said.
    pub(super) fn over(&self, had: Preferences) -> Preferences {
        let slugs = |given: &Option<Vec<String>>, had: &[String]| {
            given.clone().unwrap_or_else(|| had.to_vec())
        };
        let topics = slugs(&self.topics, had.choice.topics());
        let types = slugs(&self.research_types, had.choice.research_types());
        Preferences {
            choice: Choice::new(topics, types),
            frequency: self.frequency.unwrap_or(had.frequency),
            format: self.format.unwrap_or(had.format),
            language: self.language.unwrap_or(had.language),
            on_nothing: had.on_nothing,
        }
    }
}
