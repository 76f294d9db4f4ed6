//! A rule in words.

use std::fmt;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Weekday};

/// The days that words can name, at one time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words {
    days: Which,
    time: NaiveTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Every,
    EachWeek(Weekday),
    /// 1 to 31; a month without that day is left out.
    DayOfMonth(u32),
    LastDay,
    /// The first to the fifth of its kind in the month; a month without a fifth is left out.
    Nth(u32, Weekday),
    Last(Weekday),
}

/// How far ahead a day is looked for: the rarest is a fifth weekday, for which up to four months go by.
const FAR_ENOUGH_DAYS: usize = 200;

const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

impl Words {
    /// `first Tuesday of the month, 09:00` and the like, in any case, with commas and 'at', 'the', 'on' or without.
    pub(super) fn parse(text: &str) -> Option<Words> {
        let text = text.to_lowercase().replace(',', " ");
        let mut words: Vec<&str> = text.split_whitespace().collect();
        words.retain(|word| !["at", "the", "on"].contains(word));
        let time = time(words.pop()?)?;
        for ending in [
            &["of", "each", "month"][..],
            &["of", "every", "month"],
            &["of", "month"],
        ] {
            if words.ends_with(ending) && words.first() != Some(&"every") {
                words.truncate(words.len() - ending.len());
            }
        }
        let days = match words[..] {
            ["every", "day"] | ["daily"] => Which::Every,
            ["every", day] => Which::EachWeek(weekday(day)?),
            ["last", "day"] => Which::LastDay,
            ["last", day] => Which::Last(weekday(day)?),
            [number] | [number, "day"] => {
                Which::DayOfMonth(ordinal(number).filter(|day| (1..=31).contains(day))?)
            }
            [number, day] => Which::Nth(
                ordinal(number).filter(|n| (1..=5).contains(n))?,
                weekday(day)?,
            ),
            _ => return None,
        };
        Some(Words { days, time })
    }

    /// The first wall-clock time after `after`.
    pub(super) fn next(self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        after
            .date()
            .iter_days()
            .take(FAR_ENOUGH_DAYS)
            .filter(|date| self.days.has(*date))
            .map(|date| date.and_time(self.time))
            .find(|wall| *wall > after)
    }
}

impl Which {
    fn has(self, date: NaiveDate) -> bool {
        let is_near_the_end = |days: u64| {
            date.checked_add_days(Days::new(days))
                .is_none_or(|later| later.month() != date.month())
        };
        match self {
            Which::Every => true,
            Which::EachWeek(day) => date.weekday() == day,
            Which::DayOfMonth(day) => date.day() == day,
            Which::LastDay => is_near_the_end(1),
            Which::Nth(number, day) => date.weekday() == day && date.day0() / 7 + 1 == number,
            Which::Last(day) => date.weekday() == day && is_near_the_end(7),
        }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.days {
            Which::Every => write!(f, "every day")?,
            Which::EachWeek(day) => write!(f, "every {}", name(day))?,
            Which::DayOfMonth(day) => write!(f, "{day}{} of the month", ending(day))?,
            Which::LastDay => write!(f, "last day of the month")?,
            Which::Nth(number, day) => {
                let ordinal = ORDINALS[number as usize - 1];
                write!(f, "{ordinal} {} of the month", name(day))?;
            }
            Which::Last(day) => write!(f, "last {} of the month", name(day))?,
        }
        write!(f, ", {}", self.time.format("%H:%M"))
    }
}

/// `9:00` or `09:00`, up to `23:59`.
fn time(text: &str) -> Option<NaiveTime> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour) || !digits(minute) || minute.len() != 2 {
        return None;
    }
    NaiveTime::from_hms_opt(hour.parse().ok()?, minute.parse().ok()?, 0)
}

/// `tuesday`, `tue` or `tuesdays`.
fn weekday(text: &str) -> Option<Weekday> {
    text.parse()
        .or_else(|_| text.strip_suffix('s').unwrap_or(text).parse())
        .ok()
}

/// `second`, `2nd` or `2`.
fn ordinal(text: &str) -> Option<u32> {
    if let Some(at) = ORDINALS.iter().position(|word| *word == text) {
        return Some(at as u32 + 1);
    }
    let number = ["st", "nd", "rd", "th"]
        .iter()
        .find_map(|ending| text.strip_suffix(ending));
    number.unwrap_or(text).parse().ok()
}

fn ending(number: u32) -> &'static str {
    match (number % 10, number / 10) {
        (_, 1) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}

fn name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}
