//! What a form carries so that programs find it dear: when it was made, and, while many ask, work done for it.

use chrono::{DateTime, Duration, Utc};
use ring::digest::{SHA256, digest};
use uuid::Uuid;

use crate::secret::{Keys, Purpose};

/// Nobody reads and fills in a form within this time.
const SOONEST: Duration = Duration::seconds(2);

/// A form that lay about for longer is made anew.
const LATEST: Duration = Duration::hours(24);

/// Without a script, waiting this long stands for work.
const WAIT: Duration = Duration::seconds(30);

/// Zero bits at the beginning of the hash: some 65,000 tries, a second or so in a browser.
pub const BITS: u32 = 16;

/// How a form came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// As a person's does. `has_waited` is whether so long that it stands for work.
    InTime {
        has_waited: bool,
    },
    TooSoon,
    /// Or the ticket is none of ours.
    TooLate,
}

/// A ticket for a form that is made now. Ids tell their time (UUID version 7), and nobody can make one.
pub fn new(keys: &Keys, id: Uuid) -> String {
    keys.link(Purpose::Form, id)
}

/// How the form with this ticket came in.
pub fn read(keys: &Keys, ticket: &str, now: DateTime<Utc>) -> Came {
    let Some(made) = keys.reader(Purpose::Form, ticket).and_then(made_at) else {
        return Came::TooLate;
    };
    match now - made {
        age if age > LATEST => Came::TooLate,
        age if age < SOONEST => Came::TooSoon,
        age => Came::InTime {
            has_waited: age >= WAIT,
        },
    }
}

/// Whether `nonce` was found by work for just this ticket and address: work once done serves no second address.
pub fn is_worked_for(ticket: &str, address: &str, nonce: &str) -> bool {
    let hash = digest(&SHA256, format!("{ticket}:{address}:{nonce}").as_bytes());
    let mut zeros = 0;
    for byte in hash.as_ref() {
        zeros += byte.leading_zeros();
        if *byte != 0 {
            break;
        }
    }
    nonce.len() <= 20 && zeros >= BITS
}

fn made_at(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(seconds.try_into().ok()?, nanos)
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Timestamp};

    use super::*;

    #[test]
    fn a_form_comes_too_soon_in_time_or_too_late() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(&folder.path().join("key")).unwrap();
        let made: DateTime<Utc> = "2026-03-03T14:00:00Z".parse().unwrap();
        let seconds = made.timestamp().try_into().unwrap();
        let ticket = new(
            &keys,
            Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, 0)),
        );
        for (after, came) in [
            (0, Came::TooSoon),
            (2, Came::InTime { has_waited: false }),
            (30, Came::InTime { has_waited: true }),
            (24 * 3600, Came::InTime { has_waited: true }),
            (24 * 3600 + 1, Came::TooLate),
            (-5, Came::TooSoon),
        ] {
            assert_eq!(read(&keys, &ticket, made + Duration::seconds(after)), came);
        }
        let other = keys.link(Purpose::Confirm, Uuid::new_v4());
        for forged in ["", "x", &ticket[1..], &other] {
            assert_eq!(read(&keys, forged, made), Came::TooLate, "{forged}");
        }
    }

    #[test]
    fn work_is_for_one_ticket_and_one_address() {
        let nonce = (0..u32::MAX)
            .map(|nonce| nonce.to_string())
            .find(|nonce| is_worked_for("t", "a@peer.test", nonce))
            .unwrap();
        assert!(!is_worked_for("u", "a@peer.test", &nonce));
        assert!(!is_worked_for("t", "b@peer.test", &nonce));
        assert!(!is_worked_for("t", "a@peer.test", ""));
    }
}
