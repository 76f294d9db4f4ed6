//! Schedules: when an issue is next due, in the operator's own time.

use std::str::FromStr;

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

/// A rule as cron writes it, in a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    rule: cron::Schedule,
    zone: Tz,
}

#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error(
        "schedule.rule '{rule}' has {fields} fields; write five: minute, hour, day of month, month, weekday"
    )]
    Fields { rule: String, fields: usize },
    #[error(
        "schedule.rule '{rule}' cannot be understood; '0 9 1-7 * Tue' is the first Tuesday of the month at 09:00"
    )]
    Rule {
        rule: String,
        source: Box<cron::error::Error>,
    },
}

impl Schedule {
    /// Reads five cron fields. Day of month and weekday must both fit: `0 9 1-7 * Tue` is the first Tuesday, 09:00.
    /// Weekdays are written as names, for cron's dialects number them differently.
    pub fn parse(rule: &str, zone: Tz) -> Result<Schedule, ScheduleError> {
        let fields = rule.split_whitespace().count();
        if fields != 5 {
            return Err(ScheduleError::Fields {
                rule: rule.to_owned(),
                fields,
            });
        }
        let parsed = cron::Schedule::from_str(&format!("0 {rule}")).map_err(|source| {
            ScheduleError::Rule {
                rule: rule.to_owned(),
                source: Box::new(source),
            }
        })?;
        Ok(Schedule { rule: parsed, zone })
    }

    /// When it is due for the first time after `after`. Each occurrence comes once: one that a clock change leaves out
    /// comes as much later as the clock was put forward, one that it doubles comes the first time.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // The crate's own handling of zones skips and doubles; on wall-clock time taken for UTC it does neither.
        let wall = after.with_timezone(&self.zone).naive_local() - Duration::hours(3);
        let occurrences = self.rule.after(&wall.and_utc());
        occurrences
            .map(|wall| instant(wall.naive_utc(), self.zone))
            .find(|at| *at > after)
    }
}

/// A moment as an operator writes it: with an offset, or as local time in `zone`.
pub fn moment(written: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let written = written.trim();
    let local = [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
    ]
    .iter()
    .find_map(|format| NaiveDateTime::parse_from_str(written, format).ok());
    let exact = DateTime::parse_from_rfc3339(written)
        .map(|at| at.to_utc())
        .ok();
    exact.or_else(|| local.map(|local| instant(local, zone)))
}

fn instant(wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => {
            let before = zone
                .offset_from_utc_datetime(&(wall - Duration::days(1)))
                .fix();
            (wall - before).and_utc()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(rule: &str, after: &str) -> String {
        let schedule = Schedule::parse(rule, chrono_tz::America::Toronto).unwrap();
        schedule.next(after.parse().unwrap()).unwrap().to_rfc3339()
    }

    #[test]
    fn the_first_tuesday_comes_once_a_month() {
        assert_eq!(
            next("0 9 1-7 * Tue", "2026-06-01T00:00:00Z"),
            "2026-06-02T13:00:00+00:00"
        );
        assert_eq!(
            next("0 9 1-7 * Tue", "2026-06-02T13:00:00Z"),
            "2026-07-07T13:00:00+00:00"
        );
    }

    #[test]
    fn a_time_that_the_clock_leaves_out_comes_an_hour_later_and_once() {
        assert_eq!(
            next("30 2 * * *", "2026-03-08T06:00:00Z"),
            "2026-03-08T07:30:00+00:00"
        );
        assert_eq!(
            next("30 2 * * *", "2026-03-08T07:30:00Z"),
            "2026-03-09T06:30:00+00:00"
        );
    }

    #[test]
    fn a_time_that_the_clock_doubles_comes_once() {
        assert_eq!(
            next("30 1 * * *", "2026-11-01T04:00:00Z"),
            "2026-11-01T05:30:00+00:00"
        );
        assert_eq!(
            next("30 1 * * *", "2026-11-01T05:30:00Z"),
            "2026-11-02T06:30:00+00:00"
        );
    }

    #[test]
    fn a_rule_of_another_form_is_refused_with_the_mend() {
        let error = Schedule::parse("0 0 9 1 * *", chrono_tz::UTC)
            .unwrap_err()
            .to_string();
        assert!(error.contains("has 6 fields"), "{error}");
        assert!(Schedule::parse("99 9 * * *", chrono_tz::UTC).is_err());
    }

    #[test]
    fn a_moment_is_local_unless_it_has_an_offset() {
        let zone = chrono_tz::America::Toronto;
        assert_eq!(
            moment("2026-12-01 09:00", zone).unwrap().to_rfc3339(),
            "2026-12-01T14:00:00+00:00"
        );
        assert_eq!(
            moment("2026-12-01T09:00:00Z", zone).unwrap().to_rfc3339(),
            "2026-12-01T09:00:00+00:00"
        );
        assert_eq!(moment("tomorrow", zone), None);
    }
}
