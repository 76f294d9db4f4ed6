//! From wall-clock time to moments, where clocks are changed.

use chrono::{DateTime, Duration, NaiveDateTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

/// The longest time that a clock change ever left out, in minutes: a whole day, at the date line.
const LONGEST_GAP: i64 = 25 * 60;

/// The moment at which clocks in `zone` show `wall`.
///
/// A time that a change doubles is its first pass. One that a change leaves out is the first minute after the change.
/// So the order of two times never turns around.
pub fn instant(wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    if let Some(at) = zone.from_local_datetime(&wall).earliest() {
        return at.to_utc();
    }
    let minute = wall - Duration::seconds(i64::from(wall.second()));
    (1..=LONGEST_GAP)
        .find_map(|later| {
            zone.from_local_datetime(&(minute + Duration::minutes(later)))
                .earliest()
        })
        .map_or(wall.and_utc(), |at| at.to_utc())
}

/// Local time as an operator writes it: `2026-12-01 09:00`.
pub fn local(written: &str) -> Option<NaiveDateTime> {
    [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
    ]
    .iter()
    .find_map(|format| NaiveDateTime::parse_from_str(written.trim(), format).ok())
}

/// A moment as an operator writes it: with an offset, or as local time in `zone`.
pub fn moment(written: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let exact = DateTime::parse_from_rfc3339(written.trim()).ok();
    exact
        .map(|at| at.to_utc())
        .or_else(|| local(written).map(|local| instant(local, zone)))
}
