//! How long a deferred delivery waits before it is tried again.

use chrono::{DateTime, Duration, Utc};

/// Minutes to wait after each attempt; the last goes on until the delivery's life ends.
/// RFC 5321 section 4.5.4.1 asks for at least 30 minutes in general; the first two are for greylisting.
pub const MINUTES: [i64; 7] = [5, 15, 30, 60, 120, 240, 480];

/// When a delivery is due again after `attempts` attempts, the last at `now`.
///
/// Up to a tenth is added, always the same for the same delivery, so that what was deferred together does not come
/// back in one moment.
pub fn next(delivery: i64, attempts: i64, now: DateTime<Utc>) -> DateTime<Utc> {
    let step = usize::try_from(attempts - 1)
        .unwrap_or(0)
        .min(MINUTES.len() - 1);
    let wait = Duration::minutes(MINUTES[step]);
    let share = (delivery.wrapping_mul(0x9E37_79B9) + attempts).rem_euclid(100) as i32;
    now + wait + wait * share / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_within_a_tenth_of_the_table() {
        let now = DateTime::UNIX_EPOCH;
        for attempts in 1..=20 {
            let table = Duration::minutes(MINUTES[(attempts as usize - 1).min(6)]);
            for delivery in [0, 1, 17, i64::MAX] {
                let wait = next(delivery, attempts, now) - now;
                assert!(
                    wait >= table && wait <= table * 11 / 10,
                    "{attempts} {delivery}: {wait}"
                );
            }
        }
    }
}
