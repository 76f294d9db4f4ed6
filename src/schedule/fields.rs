//! A rule of five cron fields.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDateTime;

use super::RuleError;

/// A rule as cron writes it: minute, hour, day of month, month, weekday. All five must fit: where day of month and
/// weekday are both given, a day must be both, which Vixie's cron sees otherwise.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    written: String,
    rule: Box<cron::Schedule>,
}

/// Weekdays by their number, 0 to 6.
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

impl Fields {
    /// Whether `text` means to be cron: its first word could be a field of minutes.
    pub(super) fn look_like(text: &str) -> bool {
        text.split_whitespace().next().is_some_and(|first| {
            first
                .bytes()
                .all(|b| b.is_ascii_digit() || b"*/,-".contains(&b))
        })
    }

    pub(super) fn parse(text: &str) -> Result<Fields, RuleError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(RuleError::Fields {
                rule: text.to_owned(),
                fields: fields.len(),
            });
        };
        let wrong = || RuleError::Unknown(text.to_owned());
        let weekday = weekdays(weekday).ok_or_else(wrong)?;
        let written = format!("{minute} {hour} {day} {month} {weekday}");
        let rule = cron::Schedule::from_str(&format!("0 {written}")).map_err(|_| wrong())?;
        Ok(Fields {
            written,
            rule: Box::new(rule),
        })
    }

    /// The first wall-clock time after `after`. The crate skips and doubles times where clocks are changed; it is
    /// asked about wall-clock time taken for UTC, where it does neither.
    pub(super) fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        let next = self.rule.after(&after.and_utc()).next()?;
        Some(next.naive_utc())
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// The field of weekdays by names alone. Dialects number them differently: here 0 and 7 are Sunday, as POSIX has it,
/// while the crate counts from 1 and knows no range over the end of its week.
fn weekdays(field: &str) -> Option<String> {
    if field == "*" || field == "?" {
        return Some(field.to_owned());
    }
    let mut days = [false; 7];
    for item in field.split(',') {
        let (range, step) = item.split_once('/').unwrap_or((item, "1"));
        let step: usize = step.parse().ok().filter(|step| (1..=7).contains(step))?;
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (0, 6),
            Some((first, last)) => (weekday(first)?, weekday(last)?),
            None if item.contains('/') => return None,
            None => (weekday(range)?, weekday(range)?),
        };
        let last = if last < first { last + 7 } else { last };
        (first..=last)
            .step_by(step)
            .for_each(|day| days[day % 7] = true);
    }
    let named = (0..7).filter(|day| days[*day]).map(|day| WEEKDAYS[day]);
    Some(named.collect::<Vec<_>>().join(","))
}

/// A weekday's number, 0 to 7, from that or its name.
fn weekday(text: &str) -> Option<usize> {
    let number = text.parse().ok().filter(|number| *number <= 7);
    number.or_else(|| {
        let name: chrono::Weekday = text.parse().ok()?;
        Some(name.num_days_from_sunday() as usize)
    })
}
