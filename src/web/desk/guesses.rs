//! How often a password may be guessed: some tries at once, then one after waits that grow.
//!
//! Kept in memory for accounts and networks alike, whether the account exists or not: a restart forgives, and cannot be
//! had from outside.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

use crate::network::Network;

/// Wrong tries before the first wait.
const FREE: u32 = 5;

/// Of one network, behind which several people may sit.
const FREE_OF_NETWORK: u32 = 20;

/// The first wait; each further wrong try doubles it.
const FIRST_WAIT_SECONDS: i64 = 30;

/// The longest wait.
const LONGEST_WAIT_SECONDS: i64 = 3_600;

/// Wrong tries are forgotten after a day without one.
const FORGOTTEN: Duration = Duration::hours(24);

/// Accounts and networks that are remembered each.
const MOST: usize = 20_000;

/// Wrong tries of late.
#[derive(Default)]
pub struct Guesses(Mutex<Wrong>);

#[derive(Default)]
struct Wrong {
    accounts: HashMap<[u8; 32], Tries>,
    networks: HashMap<Network, Tries>,
}

#[derive(Clone, Copy)]
struct Tries {
    wrong: u32,
    last: DateTime<Utc>,
    not_before: DateTime<Utc>,
}

impl Guesses {
    /// Takes a place for one try on an account (by a hash of its address), as if it were wrong already: many at once
    /// are counted before any has been checked. Gives the seconds to wait where it may not be.
    pub fn begin(
        &self,
        account: [u8; 32],
        network: Network,
        now: DateTime<Utc>,
    ) -> Result<(), i64> {
        let mut wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut wrong.accounts, now);
        make_room(&mut wrong.networks, now);
        let waits = [
            wait(&wrong.accounts, &account, now),
            wait(&wrong.networks, &network, now),
        ];
        let seconds = waits.into_iter().max().unwrap_or_default();
        if seconds > 0 {
            return Err(seconds);
        }
        count(&mut wrong.accounts, account, FREE, now);
        count(&mut wrong.networks, network, FREE_OF_NETWORK, now);
        Ok(())
    }

    /// The try was right: the account's count begins anew, and the network is given its place back.
    pub fn right(&self, account: [u8; 32], network: Network) {
        let mut wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.accounts.remove(&account);
        if let Some(tries) = wrong.networks.get_mut(&network) {
            tries.wrong = tries.wrong.saturating_sub(1);
            tries.not_before = tries.last;
        }
    }
}

/// Under a flood of names or networks, whoever is not known yet waits.
fn wait<K: Eq + Hash>(of: &HashMap<K, Tries>, key: &K, now: DateTime<Utc>) -> i64 {
    match of.get(key) {
        Some(tries) => (tries.not_before - now).num_seconds().max(0),
        None if of.len() >= MOST => FIRST_WAIT_SECONDS,
        None => 0,
    }
}

fn make_room<K: Eq + Hash>(of: &mut HashMap<K, Tries>, now: DateTime<Utc>) {
    if of.len() >= MOST {
        of.retain(|_, tries| now - tries.last < Duration::hours(1));
    }
}

fn count<K: Eq + Hash>(of: &mut HashMap<K, Tries>, key: K, free: u32, now: DateTime<Utc>) {
    let fresh = Tries {
        wrong: 0,
        last: now,
        not_before: now,
    };
    let tries = of.entry(key).or_insert(fresh);
    if now - tries.last >= FORGOTTEN {
        *tries = fresh;
    }
    tries.wrong = tries.wrong.saturating_add(1);
    tries.last = now;
    let beyond = tries.wrong.saturating_sub(free);
    if beyond > 0 {
        let doubled = FIRST_WAIT_SECONDS << (beyond - 1).min(10);
        tries.not_before = now + Duration::seconds(doubled.min(LONGEST_WAIT_SECONDS));
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn network(number: u32) -> Network {
        IpAddr::from(number.to_be_bytes()).into()
    }

    #[test]
    fn of_ten_thousand_guesses_a_handful_is_checked() {
        let guesses = Guesses::default();
        let start: DateTime<Utc> = "2026-03-03T14:00:00Z".parse().unwrap();
        let account = [7; 32];
        // One a second, each from another network.
        let checked = (0..10_000_u32)
            .filter(|second| {
                let now = start + Duration::seconds(i64::from(*second));
                guesses.begin(account, network(*second), now).is_ok()
            })
            .count();
        assert!(checked <= 20, "{checked}");
        // From one network, each on another account.
        let checked = (0..10_000_u32)
            .filter(|second| {
                let mut account = [0; 32];
                account[..4].copy_from_slice(&second.to_be_bytes());
                let now = start + Duration::seconds(i64::from(*second));
                guesses.begin(account, network(1 << 30), now).is_ok()
            })
            .count();
        assert!(checked <= 35, "{checked}");
    }

    #[test]
    fn who_is_right_begins_anew() {
        let guesses = Guesses::default();
        let now: DateTime<Utc> = "2026-03-03T14:00:00Z".parse().unwrap();
        for _ in 0..100 {
            for _ in 0..4 {
                assert_eq!(guesses.begin([1; 32], network(1), now), Ok(()));
            }
            for _ in 0..4 {
                guesses.right([1; 32], network(1));
            }
        }
    }
}
