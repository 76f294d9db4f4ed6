//! Schedules: when an issue is next due, in the operator's own time.

mod fields;
mod wall;
mod words;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;

use self::fields::Fields;
use self::words::Words;

pub use self::wall::{instant, local, moment};

/// A rule in a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub rule: Rule,
    pub zone: Tz,
}

/// When an issue goes out, in words or as cron writes it. `Display` gives it back as understood.
#[derive(Clone, Debug)]
pub struct Rule(Form);

#[derive(Clone, Debug)]
enum Form {
    Words(Words),
    Cron(Fields),
}

/// One occurrence of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// What the rule says; clocks show it but for the day on which a change leaves it out.
    pub wall: NaiveDateTime,
    pub at: DateTime<Utc>,
}

/// Why a rule cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RuleError {
    #[error(
        "'{rule}' has {fields} cron fields; write five (minute, hour, day of month, month, weekday), as in \
         '0 9 1-7 * Tue', or words, as in 'first Tuesday of the month, 09:00'"
    )]
    Fields { rule: String, fields: usize },
    #[error(
        "'{0}' cannot be understood; write 'first Tuesday of the month, 09:00', 'last Friday of the month, 17:30', \
         'every Monday, 08:00', '15th of the month, 09:00', 'last day of the month, 10:00', 'every day, 07:00', \
         or cron's five fields: '0 9 1-7 * Tue' is the first Tuesday of the month at 09:00"
    )]
    Unknown(String),
    #[error(
        "'{0}' never comes, for no month has such a day; 'last day of the month, 09:00' comes in each"
    )]
    Never(String),
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Rule, RuleError> {
        let text = text.trim();
        let form = if Fields::look_like(text) {
            Form::Cron(Fields::parse(text)?)
        } else {
            Form::Words(Words::parse(text).ok_or_else(|| RuleError::Unknown(text.to_owned()))?)
        };
        let rule = Rule(form);
        match rule.next(NaiveDateTime::from(NaiveDate::default())) {
            Some(_) => Ok(rule),
            None => Err(RuleError::Never(text.to_owned())),
        }
    }
}

impl Rule {
    fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        match &self.0 {
            Form::Words(words) => words.next(after),
            Form::Cron(fields) => fields.next(after),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Words(words) => words.fmt(f),
            Form::Cron(fields) => fields.fmt(f),
        }
    }
}

impl Schedule {
    /// When it is due for the first time after `after`.
    ///
    /// Each occurrence comes once: one that a clock change leaves out comes in the first minute after the change, one
    /// that it doubles comes the first time. Several that one change leaves out are one.
    pub fn next(&self, after: DateTime<Utc>) -> Option<Slot> {
        let mut wall = after.with_timezone(&self.zone).naive_local();
        loop {
            wall = self.rule.next(wall)?;
            let at = instant(wall, self.zone);
            if at > after {
                return Some(Slot { wall, at });
            }
        }
    }

    /// The next `count` occurrences.
    pub fn upcoming(&self, after: DateTime<Utc>, count: usize) -> Vec<Slot> {
        let next = |slot: &Slot| self.next(slot.at);
        std::iter::successors(self.next(after), next)
            .take(count)
            .collect()
    }
}

impl Slot {
    /// As it is kept and shown: `2026-12-01 09:00`.
    pub fn name(&self) -> String {
        self.wall.format("%Y-%m-%d %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests;
