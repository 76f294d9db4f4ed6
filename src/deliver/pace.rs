//! Pace: how many mails may be under way to one receiving domain, so that none is pressed and none holds up the rest.
//!
//! A domain begins with a few connections, gains on every success and loses on every refusal for now, as mail servers
//! do it: faster until it first refuses, slowly from then on. One that is much slower than the others gets no more than its share of the connections.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// With so many mails under way at once a domain begins.
const AT_FIRST: f64 = 5.0;

/// What a success gains before the domain has ever refused: half a mail, so that there is room for half as many again
/// after each mail of now. Afterwards the same takes a success of every mail under way.
const GAIN_AT_FIRST: f64 = 0.5;

/// A domain is slow when its mails take so many times as long as all mails do.
const SLOW: f64 = 4.0;

/// Nobody is slow who is faster than this.
const NEVER_SLOW_BELOW: f64 = 0.5;

/// What part of the connections a slow domain may hold: one in so many, and at least one.
const SHARE: usize = 4;

/// How much the latest mail counts in a mean.
const WEIGHT: f64 = 0.05;

/// A delivery that finds no room is looked at again after this time at the latest, for room may come sooner than it seems.
pub const LOOK_AGAIN: chrono::Duration = chrono::Duration::seconds(30);

/// So soon, at the earliest.
const SOON: chrono::Duration = chrono::Duration::milliseconds(50);

/// Seconds that a mail is thought to take to a domain of which nothing is known yet.
const USUAL: f64 = 0.02;

/// How many deliveries are put off in a second at most, and at once: looking for one that has room must not take over.
const PUT_OFF_PER_SECOND: f64 = 10_000.0;
const PUT_OFF_AT_ONCE: f64 = 64.0;

/// Domains that are remembered; beyond it, those with nothing under way are forgotten.
const MOST_DOMAINS: usize = 10_000;

/// What a mail to a domain showed of the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It answers: it took the mail, or refused this recipient for good.
    Served,
    /// It refused for now.
    Pressed,
    /// Nothing: the trouble was between the relay and us.
    Nothing,
}

/// What one sender knows of the domains that it sends to.
pub struct Pace {
    /// The sender's connections.
    connections: usize,
    /// How many of them a domain may have at most.
    most: usize,
    domains: HashMap<String, Domain>,
    /// Seconds that a mail takes, over all domains.
    mean: Option<f64>,
    /// How many deliveries may be put off now, as of then.
    may_put_off: (f64, Instant),
}

struct Domain {
    /// When each mail that is under way was handed out.
    under_way: Vec<Instant>,
    /// How many may be.
    limit: f64,
    has_refused: bool,
    mean: Option<f64>,
    /// When the next delivery that finds no room is to look again.
    turn: DateTime<Utc>,
}

impl Pace {
    pub fn new(connections: usize, most_per_domain: Option<usize>) -> Pace {
        Pace {
            connections,
            most: most_per_domain.unwrap_or(connections).min(connections),
            domains: HashMap::new(),
            mean: None,
            may_put_off: (PUT_OFF_AT_ONCE, Instant::now()),
        }
    }

    /// How many more mails `domain` may have under way.
    pub fn room(&self, domain: &str, at: Instant) -> usize {
        let Some(known) = self.domains.get(domain) else {
            return (AT_FIRST as usize).min(self.most);
        };
        let mut limit = (known.limit as usize).clamp(1, self.most);
        if known.under_way.len() >= self.share() && self.is_slow(known, at) {
            limit = limit.min(self.share());
        }
        limit.saturating_sub(known.under_way.len())
    }

    /// When a delivery for which there is no room is to look again: each a little after the one before it, and twice as
    /// fast as they go out, so that there is always one when room comes.
    pub fn turn(&mut self, domain: &str, now: DateTime<Utc>) -> DateTime<Utc> {
        let known = self.domain(domain, now);
        let seconds = known.mean.unwrap_or(USUAL) / known.limit.max(1.0) / 2.0;
        let step = chrono::Duration::microseconds((seconds * 1e6) as i64);
        known.turn = (known.turn.max(now + SOON) + step).min(now + LOOK_AGAIN);
        known.turn
    }

    /// How many deliveries may be put off at `at`.
    pub fn may_put_off(&mut self, at: Instant) -> usize {
        let (left, then) = self.may_put_off;
        let more = at.saturating_duration_since(then).as_secs_f64() * PUT_OFF_PER_SECOND;
        self.may_put_off = ((left + more).min(PUT_OFF_AT_ONCE), at);
        self.may_put_off.0 as usize
    }

    /// So many were put off.
    pub fn put_off(&mut self, deliveries: usize) {
        self.may_put_off.0 = (self.may_put_off.0 - deliveries as f64).max(0.0);
    }

    /// A mail to `domain` is under way since `at`.
    pub fn offered(&mut self, domain: &str, at: Instant, now: DateTime<Utc>) {
        if self.domains.len() > MOST_DOMAINS {
            self.domains
                .retain(|_, domain| !domain.under_way.is_empty());
        }
        self.domain(domain, now).under_way.push(at);
    }

    /// The mail to `domain` that was handed out at `since` has come to an end.
    pub fn settled(&mut self, domain: &str, since: Instant, at: Instant, verdict: Verdict) {
        let Some(known) = self.domains.get_mut(domain) else {
            return;
        };
        if let Some(place) = known.under_way.iter().position(|other| *other == since) {
            known.under_way.swap_remove(place);
        }
        let step = 1.0 / known.limit;
        let gain = if known.has_refused {
            step
        } else {
            GAIN_AT_FIRST
        };
        match verdict {
            Verdict::Served => known.limit = (known.limit + gain).min(self.most as f64),
            Verdict::Pressed => {
                known.has_refused = true;
                known.limit = (known.limit - step).max(1.0);
            }
            Verdict::Nothing => return,
        }
        let took = at.saturating_duration_since(since).as_secs_f64();
        known.mean = Some(moved(known.mean, took));
        self.mean = Some(moved(self.mean, took));
    }

    fn domain(&mut self, domain: &str, now: DateTime<Utc>) -> &mut Domain {
        if !self.domains.contains_key(domain) {
            let new = Domain {
                under_way: Vec::new(),
                limit: AT_FIRST.min(self.most as f64),
                has_refused: false,
                mean: None,
                turn: now,
            };
            self.domains.insert(domain.to_owned(), new);
        }
        self.domains
            .get_mut(domain)
            .expect("it was put there if it was missing")
    }

    fn share(&self) -> usize {
        (self.connections / SHARE).max(1)
    }

    /// A mail that is still under way counts too: a domain that never answers has no mean.
    fn is_slow(&self, domain: &Domain, at: Instant) -> bool {
        let oldest = domain.under_way.iter().min();
        let waits = oldest.map_or(Duration::ZERO, |since| at.saturating_duration_since(*since));
        let slowness = domain.mean.unwrap_or(0.0).max(waits.as_secs_f64());
        slowness > NEVER_SLOW_BELOW.max(SLOW * self.mean.unwrap_or(0.0))
    }
}

/// The domain of an address.
pub fn domain(address: &str) -> &str {
    address
        .rsplit_once('@')
        .map_or(address, |(_, domain)| domain)
}

fn moved(mean: Option<f64>, latest: f64) -> f64 {
    mean.map_or(latest, |mean| mean + WEIGHT * (latest - mean))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    /// Offers and settles one mail that took so long.
    fn one(pace: &mut Pace, domain: &str, seconds: f64, verdict: Verdict) {
        let since = Instant::now();
        pace.offered(domain, since, NOW);
        pace.settled(
            domain,
            since,
            since + Duration::from_secs_f64(seconds),
            verdict,
        );
    }

    #[test]
    fn a_domain_gains_slowly_on_success_and_loses_on_refusals() {
        let mut pace = Pace::new(20, None);
        let at = Instant::now();
        assert_eq!(pace.room("a.example", at), 5);
        for _ in 0..6 {
            one(&mut pace, "a.example", 0.01, Verdict::Served);
        }
        assert_eq!(pace.room("a.example", at), 8, "fast at first");
        for _ in 0..1_000 {
            one(&mut pace, "a.example", 0.01, Verdict::Served);
        }
        assert_eq!(pace.room("a.example", at), 20, "never more than there are");
        for _ in 0..1_000 {
            one(&mut pace, "a.example", 0.01, Verdict::Pressed);
        }
        assert_eq!(pace.room("a.example", at), 1, "one is always tried");
        for _ in 0..6 {
            one(&mut pace, "a.example", 0.01, Verdict::Served);
        }
        assert_eq!(pace.room("a.example", at), 3, "slowly from then on");
        assert_eq!(
            pace.room("b.example", at),
            5,
            "others do not suffer from it"
        );
    }

    #[test]
    fn the_operators_limit_holds() {
        let mut pace = Pace::new(20, Some(2));
        for _ in 0..100 {
            one(&mut pace, "a.example", 0.01, Verdict::Served);
        }
        assert_eq!(pace.room("a.example", Instant::now()), 2);
    }

    #[test]
    fn a_slow_domain_gets_its_share_and_no_more_until_the_others_are_done() {
        let mut pace = Pace::new(20, None);
        for _ in 0..400 {
            one(&mut pace, "quick.example", 0.01, Verdict::Served);
        }
        for _ in 0..60 {
            one(&mut pace, "slow.example", 3.0, Verdict::Served);
            one(&mut pace, "quick.example", 0.01, Verdict::Served);
        }
        let at = Instant::now();
        for _ in 0..5 {
            pace.offered("slow.example", at, NOW);
        }
        // The share binds once it is held, for as long as the domain is slow beside the others.
        for _ in 0..200 {
            one(&mut pace, "quick.example", 0.01, Verdict::Served);
        }
        assert_eq!(pace.room("slow.example", at), 0);
        assert_eq!(pace.room("quick.example", at), 20);
        for _ in 0..200 {
            one(&mut pace, "slow.example", 3.0, Verdict::Served);
        }
        assert!(pace.room("slow.example", at) > 0, "alone, it is not slow");
    }

    #[test]
    fn a_domain_that_never_answers_is_slow_too() {
        let mut pace = Pace::new(8, None);
        let at = Instant::now();
        for _ in 0..2 {
            pace.offered("mute.example", at, NOW);
        }
        assert!(pace.room("mute.example", at) > 0);
        assert_eq!(pace.room("mute.example", at + Duration::from_secs(10)), 0);
    }

    #[test]
    fn who_finds_no_room_looks_again_in_turn_and_within_half_a_minute() {
        let mut pace = Pace::new(4, Some(1));
        let first = pace.turn("a.example", NOW);
        let second = pace.turn("a.example", NOW);
        assert!(NOW < first && first < second);
        for _ in 0..1_000 {
            assert!(pace.turn("a.example", NOW) <= NOW + LOOK_AGAIN);
        }
    }
}
