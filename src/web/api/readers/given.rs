//! What programs say of readers: whom they look for, and what a reader is to get.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::readers::Filter;
use crate::subscriber::Subscriber;
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
    /// With what a reader has already, where there is one.
    pub(super) fn preferences(&self, reader: Option<&Subscriber>) -> Preferences {
        let slugs = |given: &Option<Vec<String>>, had: Option<&Vec<String>>| {
            given.clone().or_else(|| had.cloned()).unwrap_or_default()
        };
        let topics = slugs(&self.topics, reader.map(|reader| &reader.topics.0));
        let types = slugs(
            &self.research_types,
            reader.map(|reader| &reader.research_types.0),
        );
        let frequency = self.frequency.or(reader.map(|reader| reader.frequency));
        let format = self.format.or(reader.map(|reader| reader.format));
        let language = self.language.or(reader.map(|reader| reader.language));
        Preferences {
            choice: Choice::new(topics, types),
            frequency: frequency.unwrap_or(Frequency::Monthly),
            format: format.unwrap_or(Format::Html),
            language: language.unwrap_or(Language::English),
            on_nothing: reader.and_then(|reader| reader.on_nothing),
        }
    }
}
