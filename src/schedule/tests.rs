use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Duration, NaiveTime, Offset, TimeZone};

use super::*;

fn schedule(rule: &str) -> Schedule {
    Schedule {
        rule: rule.parse().unwrap(),
        zone: chrono_tz::America::Toronto,
    }
}

fn next(rule: &str, after: &str) -> String {
    let slot = schedule(rule).next(after.parse().unwrap()).unwrap();
    slot.at.to_rfc3339()
}

/// The first three dates of 2026 on which it comes, with the time.
fn walls(rule: &str) -> Vec<String> {
    let slots = schedule(rule).upcoming("2026-01-01T05:00:00Z".parse().unwrap(), 3);
    slots
        .iter()
        .map(|slot| slot.wall.format("%m-%d %H:%M").to_string())
        .collect()
}

#[test]
fn rules_in_words_mean_what_they_say() {
    for (rule, dates) in [
        (
            "first Tuesday of the month, 09:00",
            ["01-06 09:00", "02-03 09:00", "03-03 09:00"],
        ),
        (
            "first Tuesday, 09:00",
            ["01-06 09:00", "02-03 09:00", "03-03 09:00"],
        ),
        (
            "Second wednesday of the month at 9:00",
            ["01-14 09:00", "02-11 09:00", "03-11 09:00"],
        ),
        (
            "the 2nd Wednesday of each month, at 9:00",
            ["01-14 09:00", "02-11 09:00", "03-11 09:00"],
        ),
        (
            "fifth Friday of the month, 08:00",
            ["01-30 08:00", "05-29 08:00", "07-31 08:00"],
        ),
        (
            "last Friday of the month, 17:30",
            ["01-30 17:30", "02-27 17:30", "03-27 17:30"],
        ),
        (
            "every Monday, 08:00",
            ["01-05 08:00", "01-12 08:00", "01-19 08:00"],
        ),
        (
            "15th of the month, 09:00",
            ["01-15 09:00", "02-15 09:00", "03-15 09:00"],
        ),
        (
            "first day of the month, 09:00",
            ["01-01 09:00", "02-01 09:00", "03-01 09:00"],
        ),
        (
            "31st of the month, 09:00",
            ["01-31 09:00", "03-31 09:00", "05-31 09:00"],
        ),
        (
            "last day of the month, 10:00",
            ["01-31 10:00", "02-28 10:00", "03-31 10:00"],
        ),
        (
            "EVERY DAY 7:00",
            ["01-01 07:00", "01-02 07:00", "01-03 07:00"],
        ),
    ] {
        assert_eq!(walls(rule), dates, "{rule}");
    }
}

#[test]
fn a_rule_is_shown_as_it_was_understood() {
    for (written, shown) in [
        ("First tuesday at 9:00", "first Tuesday of the month, 09:00"),
        ("22nd, 23:59", "22nd of the month, 23:59"),
        ("11th of the month, 0:05", "11th of the month, 00:05"),
        (
            "on the last day of the month, at 10:00",
            "last day of the month, 10:00",
        ),
        ("every sun, 10:00", "every Sunday, 10:00"),
        ("0  9 * * 1-5", "0 9 * * Mon,Tue,Wed,Thu,Fri"),
    ] {
        let rule: Rule = written.parse().unwrap();
        assert_eq!(rule.to_string(), shown);
        let again: Rule = shown.parse().unwrap();
        assert_eq!(again.to_string(), shown);
    }
}

#[test]
fn weekdays_are_numbered_as_posix_numbers_them() {
    for (field, names) in [
        ("0", "Sun"),
        ("7", "Sun"),
        ("2", "Tue"),
        ("5-7", "Sun,Fri,Sat"),
        ("Fri-Mon", "Sun,Mon,Fri,Sat"),
        ("*/2", "Sun,Tue,Thu,Sat"),
        ("1-5/2,sat", "Mon,Wed,Fri,Sat"),
        ("*", "*"),
    ] {
        let rule: Rule = format!("0 9 * * {field}").parse().unwrap();
        assert_eq!(rule.to_string(), format!("0 9 * * {names}"));
    }
    assert_eq!(
        walls("0 9 1-7 * 2"),
        ["01-06 09:00", "02-03 09:00", "03-03 09:00"]
    );
}

#[test]
fn a_rule_that_cannot_be_used_is_refused_with_the_mend() {
    for (rule, words) in [
        ("0 0 9 1 * *", "has 6 cron fields; write five"),
        ("9:00", "write 'first Tuesday of the month, 09:00'"),
        ("99 9 * * *", "cron's five fields"),
        ("0 9 * * 8", "cron's five fields"),
        ("0 9 * * 1/2", "cron's five fields"),
        ("@monthly", "write 'first Tuesday"),
        ("", "cannot be understood"),
        ("sixth Tuesday, 09:00", "cannot be understood"),
        ("first Tuesday, 24:00", "cannot be understood"),
        ("first Tuesday, 9", "cannot be understood"),
        ("32nd of the month, 09:00", "cannot be understood"),
        ("every Tuesday of the month, 09:00", "cannot be understood"),
        ("0 9 30 2 *", "never comes"),
    ] {
        let error = rule.parse::<Rule>().unwrap_err().to_string();
        assert!(error.contains(words), "{rule}: {error}");
    }
}

#[test]
fn the_first_tuesday_comes_once_a_month() {
    let rule = "0 9 1-7 * Tue";
    assert_eq!(
        next(rule, "2026-06-01T00:00:00Z"),
        "2026-06-02T13:00:00+00:00"
    );
    assert_eq!(
        next(rule, "2026-06-02T13:00:00Z"),
        "2026-07-07T13:00:00+00:00"
    );
}

#[test]
fn a_time_that_the_clock_leaves_out_comes_right_after_the_change_and_once() {
    let rule = "every day, 02:30";
    assert_eq!(
        next(rule, "2026-03-08T06:00:00Z"),
        "2026-03-08T07:00:00+00:00"
    );
    assert_eq!(
        next(rule, "2026-03-08T07:00:00Z"),
        "2026-03-09T06:30:00+00:00"
    );
    assert_eq!(
        next("30 2 8 3 *", "2026-01-01T00:00:00Z"),
        "2026-03-08T07:00:00+00:00"
    );
}

#[test]
fn a_time_that_the_clock_doubles_comes_once() {
    let rule = "every day, 01:30";
    assert_eq!(
        next(rule, "2026-11-01T04:00:00Z"),
        "2026-11-01T05:30:00+00:00"
    );
    assert_eq!(
        next(rule, "2026-11-01T05:30:00Z"),
        "2026-11-02T06:30:00+00:00"
    );
    assert_eq!(
        next("50 1 * * *", "2026-11-01T06:45:00Z"),
        "2026-11-02T06:50:00+00:00"
    );
}

/// A change of clocks: what they showed and what they show from then on, with the offset after it.
type Change = (NaiveDateTime, NaiveDateTime, i32);

const YEARS: i32 = 5;

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()
}

/// The changes of a zone's clocks in 2026 to 2030.
fn changes(zone: Tz) -> Vec<Change> {
    let offset = |at: NaiveDateTime| zone.offset_from_utc_datetime(&at).fix();
    let mut changes = Vec::new();
    for day in first_day()
        .iter_days()
        .take_while(|day| day.year() < 2026 + YEARS)
    {
        let mut before = NaiveDateTime::from(day);
        let mut after = before + Duration::days(1);
        if offset(before) == offset(after) {
            continue;
        }
        while after - before > Duration::minutes(1) {
            let middle = before + Duration::minutes((after - before).num_minutes() / 2);
            match offset(middle) == offset(after) {
                true => after = middle,
                false => before = middle,
            }
        }
        let now = offset(after);
        changes.push((after + offset(before), after + now, now.local_minus_utc()));
    }
    changes
}

/// 09:00, the minute of the first change and the one before it, and a time within a gap and a fold of the zone.
fn times_to_try(changes: &[Change]) -> BTreeSet<NaiveTime> {
    let middle = |(before, after, _): &Change| {
        let width = (*after - *before).abs();
        (*before.min(after) + Duration::minutes(width.num_minutes() / 2)).time()
    };
    let gap = changes.iter().find(|(before, after, _)| after > before);
    let fold = changes.iter().find(|(before, after, _)| after < before);
    let mut times: BTreeSet<NaiveTime> = [gap, fold].into_iter().flatten().map(middle).collect();
    times.insert((changes[0].0 - Duration::minutes(1)).time());
    times.insert(changes[0].0.time());
    times.insert(NaiveTime::from_hms_opt(9, 0, 0).unwrap());
    times
}

/// Every day of the five years comes once, later than the day before, and as early as clocks allow.
fn each_day_comes_once(zone: Tz, time: NaiveTime) {
    let rule = format!("every day, {}", time.format("%H:%M"))
        .parse()
        .unwrap();
    let schedule = Schedule { rule, zone };
    let mut last = instant(first_day().into(), zone) - Duration::seconds(1);
    for day in first_day()
        .iter_days()
        .take_while(|day| day.year() < 2026 + YEARS)
    {
        let slot = schedule.next(last).unwrap();
        assert!(slot.at > last, "{zone} {time} {day}");
        assert_eq!(slot.wall, day.and_time(time), "{zone} {time} {day}");
        assert!(is_first_valid_minute(slot, zone), "{zone} {time} {day}");
        last = slot.at;
    }
}

/// Clocks show the rule's time for the first time; or they never do, and a minute before they showed less.
fn is_first_valid_minute(slot: Slot, zone: Tz) -> bool {
    let shown = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
    match zone.from_local_datetime(&slot.wall).earliest() {
        Some(first) => slot.at == first,
        None => shown(slot.at) > slot.wall && shown(slot.at - Duration::minutes(1)) < slot.wall,
    }
}

#[test]
fn in_every_zone_with_a_change_each_day_of_five_years_comes_exactly_once() {
    let mut clocks: BTreeMap<Vec<Change>, Tz> = BTreeMap::new();
    let mut zones = 0;
    for zone in chrono_tz::TZ_VARIANTS {
        let changes = changes(zone);
        zones += usize::from(!changes.is_empty());
        // Of zones whose clocks show the same all the time, one is enough.
        clocks.entry(changes).or_insert(zone);
    }
    clocks.remove(&Vec::new());
    let mut rules = 0;
    for (changes, zone) in &clocks {
        for time in times_to_try(changes) {
            each_day_comes_once(*zone, time);
            rules += 1;
        }
    }
    assert!(zones > 150 && rules >= 4 * clocks.len(), "{zones} {rules}");
    println!(
        "{zones} zones, {} different clocks, {rules} rules over five years",
        clocks.len()
    );
}

#[test]
fn a_moment_is_local_unless_it_has_an_offset() {
    let zone = chrono_tz::America::Toronto;
    let moment = |written| moment(written, zone).map(|at| at.to_rfc3339());
    assert_eq!(
        moment("2026-12-01 09:00").unwrap(),
        "2026-12-01T14:00:00+00:00"
    );
    assert_eq!(
        moment("2026-12-01T09:00:00Z").unwrap(),
        "2026-12-01T09:00:00+00:00"
    );
    assert_eq!(
        moment("2026-03-08 02:30:15").unwrap(),
        "2026-03-08T07:00:00+00:00"
    );
    assert_eq!(moment("tomorrow"), None);
}

proptest::proptest! {
    #[test]
    fn no_rule_makes_it_fall_over(
        fields in "[-0-9*/,]{1,4}( [-0-9*/,A-Za-z?]{1,5}){3,5}",
        words in "(every|last|first|31st|2|of|the|day|month|tue|Friday|,|at| ){1,6} ?[0-9]{0,3}:?[0-9]{0,3}",
    ) {
        for text in [fields, words] {
            if let Ok(rule) = text.parse::<Rule>() {
                let again: Rule = rule.to_string().parse().unwrap();
                proptest::prop_assert_eq!(again.to_string(), rule.to_string());
            }
        }
    }
}

#[test]
fn steps_and_ranges_that_make_no_sense_are_refused() {
    for rule in [
        "*/0 9 * * *",
        "0 */0 * * *",
        "0 9 1/0 * *",
        "0 9 7-1 * *",
        "0 9 * 0 *",
        "0 9 * * 1-5/0",
        "- 9 * * *",
    ] {
        assert!(rule.parse::<Rule>().is_err(), "{rule}");
    }
}
