//! How often a page may be asked for something that costs somebody else a mail, and how often a program may call.
//!
//! Kept in memory: what it guards is safe without it (an address gets one letter a day, whoever asks), and a restart
//! forgives. Where several processes serve, each counts for itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::network::Network;

/// In an hour, from one network. (A limit of eleven is known to have hurt people behind one address.)
const MOST_OF_ONE: u32 = 40;
/// In an hour, from one network, before its visitors are asked for work.
const FREE_OF_ONE: u32 = 8;
/// In ten minutes, from everywhere, before everybody is asked for work.
const FREE_OF_ALL: u32 = 60;
/// In ten minutes, from everywhere: what is more is a flood.
const MOST_OF_ALL: u32 = 2_000;

/// Networks that are remembered; a flood from more of them makes everybody work.
const MOST_NETWORKS: usize = 20_000;

/// Calls of one token in a minute, twenty in each second of it: a program that takes a list of readers over one by one
/// needs not wait, and one that runs wild leaves the pages their share of the database.
pub const MOST_CALLS: u32 = 1_200;

/// Tokens that are remembered before those that have been quiet are forgotten.
const MOST_TOKENS: usize = 1_000;

/// What has been asked lately.
#[derive(Default)]
pub struct Limits(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    networks: HashMap<Network, Window>,
    all: Window,
    /// When networks that had been quiet were forgotten last.
    forgot_at: DateTime<Utc>,
}

/// How often each token has called lately.
#[derive(Default)]
pub struct Calls(Mutex<HashMap<Uuid, Window>>);

/// How many since when.
#[derive(Clone, Copy, Default)]
struct Window {
    since: DateTime<Utc>,
    count: u32,
}

/// Whether one more may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    Freely,
    /// Only who has let their machine work for it, or has waited.
    WithWork,
    NotBefore(DateTime<Utc>),
}

impl Window {
    /// One more; the count within `length`.
    fn add(&mut self, now: DateTime<Utc>, length: Duration) -> u32 {
        if now - self.since >= length || now < self.since {
            *self = Window {
                since: now,
                count: 0,
            };
        }
        self.count = self.count.saturating_add(1);
        self.count
    }
}

impl Limits {
    /// Counts one more from `network`, and says whether it may be.
    pub fn count(&self, network: Network, now: DateTime<Utc>) -> May {
        let (hour, while_) = (Duration::hours(1), Duration::minutes(10));
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.forget(now, hour);
        let all = counts.all.add(now, while_);
        let is_full = counts.networks.len() >= MOST_NETWORKS;
        let of_one = match counts.networks.get_mut(&network) {
            Some(window) => window.add(now, hour),
            None if is_full => FREE_OF_ONE + 1,
            None => counts.networks.entry(network).or_default().add(now, hour),
        };
        if of_one > MOST_OF_ONE {
            let since = counts
                .networks
                .get(&network)
                .map_or(now, |window| window.since);
            return May::NotBefore(since + hour);
        }
        if all > MOST_OF_ALL {
            return May::NotBefore(counts.all.since + while_);
        }
        match of_one > FREE_OF_ONE || all > FREE_OF_ALL {
            true => May::WithWork,
            false => May::Freely,
        }
    }
}

impl Calls {
    /// Counts one more of a token that is known; gives the seconds to wait where it is one too many.
    pub fn count(&self, token: Uuid, now: DateTime<Utc>) -> Result<(), u32> {
        let minute = Duration::minutes(1);
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MOST_TOKENS {
            tokens.retain(|_, window| now - window.since < minute);
        }
        let window = tokens.entry(token).or_default();
        if window.add(now, minute) <= MOST_CALLS {
            return Ok(());
        }
        let rest = (window.since + minute - now).num_seconds() + 1;
        Err(rest.try_into().unwrap_or(60))
    }
}

impl Counts {
    /// When there are too many, and once a minute at most: networks that have been quiet for an hour.
    fn forget(&mut self, now: DateTime<Utc>, hour: Duration) {
        let is_time = now - self.forgot_at >= Duration::minutes(1) || now < self.forgot_at;
        if self.networks.len() >= MOST_NETWORKS && is_time {
            self.networks.retain(|_, window| now - window.since < hour);
            self.forgot_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-03T14:00:00Z".parse().unwrap()
    }

    fn network(number: u32) -> Network {
        IpAddr::from(number.to_be_bytes()).into()
    }

    #[test]
    fn one_network_works_for_its_ninth_and_waits_after_its_fortieth() {
        let limits = Limits::default();
        let of: Vec<May> = (0..42).map(|_| limits.count(network(1), now())).collect();
        assert!(of[..8].iter().all(|may| *may == May::Freely));
        assert!(of[8..40].iter().all(|may| *may == May::WithWork));
        let later = now() + Duration::hours(1);
        assert_eq!(of[40..], [May::NotBefore(later), May::NotBefore(later)]);
        assert_eq!(limits.count(network(2), now()), May::Freely);
        assert_eq!(limits.count(network(1), later), May::Freely);
    }

    #[test]
    fn a_flood_from_everywhere_makes_everybody_work_and_then_wait() {
        let limits = Limits::default();
        for number in 0..60 {
            assert_eq!(limits.count(network(number), now()), May::Freely);
        }
        assert_eq!(limits.count(network(99), now()), May::WithWork);
        for number in 61..2_000 {
            limits.count(network(number + 1000), now());
        }
        assert!(matches!(limits.count(network(7), now()), May::NotBefore(_)));
        let later = now() + Duration::minutes(10);
        assert_eq!(limits.count(network(7), later), May::Freely);
    }

    #[test]
    fn a_token_calls_so_often_in_a_minute_and_then_waits_and_no_other_does() {
        let calls = Calls::default();
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        for _ in 0..MOST_CALLS {
            assert_eq!(calls.count(one, now()), Ok(()));
        }
        let later = now() + Duration::seconds(40);
        assert_eq!(calls.count(one, later), Err(21));
        assert_eq!(calls.count(other, later), Ok(()));
        assert_eq!(calls.count(one, later + Duration::seconds(21)), Ok(()));
        for number in 0..5_000 {
            let now = now() + Duration::minutes(number);
            assert_eq!(calls.count(Uuid::new_v4(), now), Ok(()));
        }
        assert!(calls.0.lock().unwrap().len() <= MOST_TOKENS);
    }

    #[test]
    fn memory_has_an_end() {
        let limits = Limits::default();
        for number in 0..30_000 {
            limits.count(network(number), now());
        }
        assert_eq!(limits.0.lock().unwrap().networks.len(), MOST_NETWORKS);
        limits.count(network(1), now() + Duration::hours(2));
        assert_eq!(limits.0.lock().unwrap().networks.len(), 1);
    }
}
