//! A line of the file -> somebody to be added, or why not.

use std::collections::HashMap;
use std::rc::Rc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use csv::ByteRecord;
use uuid::Uuid;

use super::why::Why;
use super::{COLUMNS, EnrolError, Enrolment, PASSED_OVER, fields};
use crate::cell;
use crate::db::word;
use crate::subscriber::Address;
use crate::subscription::{Choice, Format, Frequency, Language};

/// Longest name and consent source, in characters.
pub(super) const LONGEST_TEXT: usize = 200;

/// Choices that are remembered by how the file writes them; it writes few of them in many ways.
const REMEMBERED: usize = 10_000;

/// Somebody to be added.
pub(super) struct New<'r> {
    pub address: Address,
    pub address_hash: [u8; 32],
    pub name: &'r str,
    pub choice_id: Uuid,
    /// `None` when a line before had it.
    pub choice: Option<Choice>,
    pub frequency: Frequency,
    pub format: Format,
    pub language: Language,
    /// Empty where the reader named none: then it is the operator's.
    pub time_zone: &'static str,
    pub consent_at: DateTime<Utc>,
    pub consent_source: &'r str,
    /// When it runs out, if it was only implied.
    pub consent_until: Option<DateTime<Utc>>,
}

word! {
    /// How a consent was given.
    pub enum ConsentKind {
        /// In so many words; it holds until it is withdrawn.
        Express = "express",
        /// By what the law takes for one, such as a purchase; it runs out by itself.
        Implied = "implied",
    }
}

/// Reads the lines of one file.
pub(super) struct Lines<'a> {
    enrolment: &'a Enrolment<'a>,
    heading: Heading,
    choices: HashMap<String, Uuid>,
}

impl<'a> Lines<'a> {
    pub fn new(
        enrolment: &'a Enrolment<'a>,
        heading: &ByteRecord,
    ) -> Result<Lines<'a>, EnrolError> {
        Ok(Lines {
            enrolment,
            heading: Heading::read(heading)?,
            choices: HashMap::new(),
        })
    }

    /// The names of the columns, in the file's order.
    pub fn columns(&self) -> Rc<[String]> {
        self.heading.names.clone()
    }

    /// The line, or why it cannot be taken.
    pub fn read<'r>(&mut self, record: &'r ByteRecord) -> Result<New<'r>, Why> {
        let heading = &self.heading;
        let column = |name: &'static str| -> Result<&'r str, Why> {
            let bytes = heading
                .place(name)
                .and_then(|place| record.get(place))
                .unwrap_or_default();
            std::str::from_utf8(bytes)
                .map(|field| cell::text(field.trim()))
                .map_err(|_| Why::NotUtf8(name))
        };
        let address = Address::parse(column("address")?).map_err(Why::Address)?;
        let consent_source = in_bounds("consent_source", column("consent_source")?)?;
        if consent_source.is_empty() {
            return Err(Why::NoSource);
        }
        let name = in_bounds("name", column("name")?)?;
        let frequency = word("frequency", column("frequency")?, Frequency::Monthly)?;
        let format = word("format", column("format")?, Format::Html)?;
        let language = word("language", column("language")?, Language::English)?;
        let time_zone = time_zone(column("time_zone")?)?;
        let consent_at = consent_at(column("consent_at")?, self.enrolment.now)?;
        let kind = word(
            "consent_kind",
            column("consent_kind")?,
            ConsentKind::Express,
        )?;
        let consent_until = self.consent_until(kind, consent_at)?;
        // The last that can fail: a choice is remembered once its line is taken.
        let (topics, types) = (column("topics")?, column("research_types")?);
        let (choice_id, choice) = self.choice(topics, types)?;
        Ok(New {
            address_hash: address.hash(self.enrolment.keys),
            address,
            name,
            choice_id,
            choice,
            frequency,
            format,
            language,
            time_zone,
            consent_at,
            consent_source,
            consent_until,
        })
    }

    /// When a consent of that kind runs out; one that has is none.
    fn consent_until(
        &self,
        kind: ConsentKind,
        given_at: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, Why> {
        let until = match kind {
            ConsentKind::Express => return Ok(None),
            ConsentKind::Implied => given_at + self.enrolment.implied_life,
        };
        match until > self.enrolment.now {
            true => Ok(Some(until)),
            false => Err(Why::RanOut(until.date_naive())),
        }
    }

    /// The id of a choice, and the choice itself unless a line before had it.
    fn choice(&mut self, topics: &str, types: &str) -> Result<(Uuid, Option<Choice>), Why> {
        let written = [topics, types].join("|");
        if let Some(known) = self.choices.get(&written) {
            return Ok((*known, None));
        }
        let vocabulary = self.enrolment.vocabulary;
        let topic = |name: &str| vocabulary.topic(name).map(|found| found.slug.clone());
        let kind = |name: &str| {
            vocabulary
                .research_type(name)
                .map(|found| found.slug.clone())
        };
        let choice = Choice::new(
            slugs(topics, topic, Why::NoSuchTopic)?,
            slugs(types, kind, Why::NoSuchType)?,
        );
        let id = choice.id();
        if self.choices.len() >= REMEMBERED {
            self.choices.clear();
        }
        self.choices.insert(written, id);
        Ok((id, Some(choice)))
    }
}

/// Which column stands where.
struct Heading {
    names: Rc<[String]>,
}

impl Heading {
    fn read(record: &ByteRecord) -> Result<Heading, EnrolError> {
        let names: Vec<String> = fields(record)
            .into_iter()
            .map(|name| {
                name.trim_start_matches('\u{FEFF}')
                    .trim()
                    .to_lowercase()
                    .replace([' ', '-'], "_")
            })
            .collect();
        for (index, name) in names.iter().enumerate() {
            if !COLUMNS.contains(&name.as_str()) && !PASSED_OVER.contains(&name.as_str()) {
                return Err(EnrolError::UnknownColumn { name: name.clone() });
            }
            if names[..index].contains(name) {
                return Err(EnrolError::ColumnTwice(name.clone()));
            }
        }
        let heading = Heading {
            names: names.into(),
        };
        let missing = ["address", "consent_at", "consent_source"]
            .into_iter()
            .find(|name| heading.place(name).is_none());
        missing.map_or(Ok(heading), |name| Err(EnrolError::MissingColumn(name)))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

fn in_bounds<'r>(name: &'static str, text: &'r str) -> Result<&'r str, Why> {
    if text.chars().count() <= LONGEST_TEXT && !text.chars().any(char::is_control) {
        Ok(text)
    } else {
        Err(Why::Unfit(name))
    }
}

/// Values between semicolons as slugs; nothing, or `*`, means all.
fn slugs(
    written: &str,
    find: impl Fn(&str) -> Option<String>,
    why_not: impl Fn(String) -> Why,
) -> Result<Vec<String>, Why> {
    if written == "*" {
        return Ok(Vec::new());
    }
    written
        .split(';')
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .map(|value| find(value).ok_or_else(|| why_not(value.to_owned())))
        .collect()
}

fn word<T: std::str::FromStr<Err = String>>(
    name: &'static str,
    written: &str,
    default: T,
) -> Result<T, Why> {
    if written.is_empty() {
        return Ok(default);
    }
    written.to_lowercase().parse().map_err(|wrong: String| {
        let allowed = wrong.strip_prefix("must be one of ").unwrap_or(&wrong);
        Why::NotOneOf(name, allowed.to_owned())
    })
}

/// Empty where the reader named none.
fn time_zone(written: &str) -> Result<&'static str, Why> {
    if written.is_empty() {
        return Ok("");
    }
    let zone: Tz = written.parse().map_err(|_| Why::NoSuchZone)?;
    Ok(zone.name())
}

/// A day, a day with a time (UTC), or a moment with an offset; never one to come.
fn consent_at(written: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Why> {
    if written.is_empty() {
        return Err(Why::NoTime);
    }
    let at = moment(written).ok_or(Why::TimeUnread)?;
    if at > now {
        Err(Why::TimeToCome)
    } else {
        Ok(at)
    }
}

/// The day first: it is how most lists have it.
fn moment(written: &str) -> Option<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(written, "%Y-%m-%d")
        .map(|day| day.and_time(chrono::NaiveTime::MIN).and_utc());
    day.or_else(|_| DateTime::parse_from_rfc3339(written).map(|at| at.to_utc()))
        .or_else(|_| {
            NaiveDateTime::parse_from_str(written, "%Y-%m-%d %H:%M:%S").map(|at| at.and_utc())
        })
        .or_else(|_| {
            NaiveDateTime::parse_from_str(written, "%Y-%m-%d %H:%M").map(|at| at.and_utc())
        })
        .ok()
}
