//! What Prometheus reads: counts, times and ages of the delivery. No address stands in any of it.
//!
//! Every label is resolved when `Metrics` is made, but those of domains: what is called for each mail costs a few
//! atomics and short locks, well below a microsecond, and formats nothing.

mod domains;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use chrono::{DateTime, Utc};
use prometheus_client::encoding::text;
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry, Unit};

use self::domains::Domains;
use crate::alarm;
use crate::campaign::{Backlog, DeliveryState, State};
use crate::db::word;

word! {
    /// A part of an attempt that is timed.
    pub enum Phase {
        /// From the first packet to where the relay lets us offer mail.
        Connect = "connect",
        /// Making and signing the message.
        Render = "render",
        /// From MAIL to the relay's word on the message.
        Offer = "offer",
    }
}

word! {
    /// What a connection that could offer mail waits for.
    pub enum Wait {
        Pace = "pace",
        Relay = "relay",
        Database = "database",
    }
}

word! {
    /// What came back, as it is counted.
    pub enum Back {
        Hard = "hard",
        Soft = "soft",
        Block = "block",
        Complaint = "complaint",
        Unsubscribe = "unsubscribe",
        /// It changed nothing: no signature of ours, too old, an automatic answer.
        Noted = "noted",
        /// It came before.
        Again = "again",
        /// It waits for a person.
        Kept = "kept",
    }
}

/// Counted since this process began. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Known>);

type Seconds = Counter<f64, AtomicU64>;

#[derive(Debug)]
struct Known {
    registry: Registry,
    outcomes: Vec<Counter>,
    domains: Domains,
    attempt: Histogram,
    phases: Vec<Histogram>,
    commit: Histogram,
    rows: Histogram,
    waits: Vec<Seconds>,
    open: Gauge,
    busy: Gauge,
    connects: Counter,
    connect_failures: Counter,
    queue: Vec<Gauge>,
    oldest_due: Gauge<f64, AtomicU64>,
    campaigns: Vec<Gauge>,
    unsubscribes: Counter,
    alarms: Vec<Counter>,
    repeats: Counter,
    came_back: Vec<Counter>,
    hook_refusals: Counter,
}

/// What an attempt comes to.
const OUTCOMES: [DeliveryState; 4] = [
    DeliveryState::Accepted,
    DeliveryState::Deferred,
    DeliveryState::Bounced,
    DeliveryState::Unknown,
];

/// Deliveries that have not come to their end.
const QUEUE: [DeliveryState; 4] = [
    DeliveryState::Waiting,
    DeliveryState::Deferred,
    DeliveryState::Unknown,
    DeliveryState::InFlight,
];

/// A gauge that is one higher while this lives.
#[derive(Debug)]
pub struct OneMore(Gauge);

impl Default for Metrics {
    fn default() -> Self {
        Metrics(Arc::new(known()))
    }
}

impl Metrics {
    /// An attempt came to this state, for a reader at this domain, after this time. Gives how logs may name the domain:
    /// one with few readers is near an address, and is `other`.
    pub fn outcome(&self, state: DeliveryState, domain: &str, took: Duration) -> Arc<str> {
        if let Some(place) = OUTCOMES.iter().position(|known| *known == state) {
            self.0.outcomes[place].inc();
        }
        self.0.attempt.observe(took.as_secs_f64());
        self.0.domains.count(domain, state)
    }

    /// A part of an attempt took this long.
    pub fn phase(&self, phase: Phase, took: Duration) {
        self.0.phases[index(Phase::ALL, phase)].observe(took.as_secs_f64());
    }

    /// A commit of so many outcomes and claims was durable after this time.
    pub fn commit(&self, rows: usize, took: Duration) {
        self.0.commit.observe(took.as_secs_f64());
        self.0.rows.observe(rows as f64);
    }

    /// A connection could not go on for this long.
    pub fn waited(&self, why: Wait, time: Duration) {
        self.0.waits[index(Wait::ALL, why)].inc_by(time.as_secs_f64());
    }

    pub fn connected(&self) {
        self.0.connects.inc();
    }

    /// A connection to the relay stands; keep what this gives as long as it does.
    pub fn open(&self) -> OneMore {
        OneMore::on(&self.0.open)
    }

    pub fn connect_failed(&self) {
        self.0.connect_failures.inc();
    }

    /// A connection offers a mail; keep what this gives as long as it does.
    pub fn busy(&self) -> OneMore {
        OneMore::on(&self.0.busy)
    }

    pub fn unsubscribed(&self) {
        self.0.unsubscribes.inc();
    }

    pub fn alarm(&self, kind: alarm::Kind) {
        self.0.alarms[index(alarm::Kind::ALL, kind)].inc();
    }

    /// The relay accepted a mail whose claim another sender had taken over meanwhile: its reader may have got it twice.
    pub fn repeated(&self) {
        self.0.repeats.inc();
    }

    /// Something of that kind came back of a mail to this domain, or was answered there at once.
    pub fn domain_came_back(&self, domain: &str, what: Back) {
        self.0.domains.came_back(domain, what);
    }

    /// Something came back by mail, or from a provider.
    pub fn came_back(&self, what: Back) {
        self.0.came_back[index(Back::ALL, what)].inc();
    }

    /// A post to a provider's hook was not the provider's.
    pub fn hook_refused(&self) {
        self.0.hook_refusals.inc();
    }

    /// What the database says is still to do.
    pub fn backlog(&self, backlog: &Backlog, now: DateTime<Utc>) {
        let counts = [
            backlog.waiting,
            backlog.deferred,
            backlog.unknown,
            backlog.in_flight,
        ];
        for (gauge, count) in self.0.queue.iter().zip(counts) {
            gauge.set(count);
        }
        let age = backlog
            .oldest_due
            .map_or(0.0, |due| (now - due).as_seconds_f64().max(0.0));
        self.0.oldest_due.set(age);
        for (gauge, state) in self.0.campaigns.iter().zip(State::ALL) {
            let of_state = backlog.campaigns.iter().find(|(known, _)| known == state);
            gauge.set(of_state.map_or(0, |(_, count)| *count));
        }
    }

    /// Everything, as OpenMetrics 1.0 text.
    pub fn text(&self) -> String {
        let mut written = String::new();
        text::encode(&mut written, &self.0.registry).expect("a String takes every text");
        written
    }
}

impl OneMore {
    fn on(gauge: &Gauge) -> OneMore {
        gauge.inc();
        OneMore(gauge.clone())
    }
}

impl Drop for OneMore {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Registers everything, under its name and with its help. A counter gets `_total` behind its name.
fn known() -> Known {
    let mut registry = Registry::with_prefix("bulletin");
    let to = &mut registry;
    let states = OUTCOMES.map(DeliveryState::as_str);
    let queue = QUEUE.map(DeliveryState::as_str);
    let kinds = words(alarm::Kind::ALL, alarm::Kind::as_str);
    let back = words(Back::ALL, Back::as_str);
    let campaigns = words(State::ALL, State::as_str);
    Known {
        outcomes: each(to, "deliveries", DELIVERIES, "state", &states),
        domains: Domains::register(to),
        attempt: timed(to, "attempt", ATTEMPT),
        phases: phases(to),
        commit: timed(to, "commit", COMMIT),
        rows: one(to, "commit_rows", ROWS, rows()),
        waits: waits(to),
        open: one(to, "connections_open", OPEN, Gauge::default()),
        busy: one(to, "connections_busy", BUSY, Gauge::default()),
        connects: one(to, "connects", CONNECTS, Counter::default()),
        connect_failures: one(to, "connect_failures", FAILURES, Counter::default()),
        queue: each(to, "queue_deliveries", IN_QUEUE, "state", &queue),
        oldest_due: one(to, "oldest_due_age_seconds", OLDEST_DUE, Gauge::default()),
        campaigns: each(to, "campaigns", CAMPAIGNS, "state", &campaigns),
        unsubscribes: one(to, "unsubscribes", UNSUBSCRIBES, Counter::default()),
        alarms: each(to, "alarms", ALARMS, "kind", &kinds),
        came_back: each(to, "came_back", CAME_BACK, "what", &back),
        hook_refusals: one(to, "hook_refusals", HOOK_REFUSALS, Counter::default()),
        repeats: one(to, "repeats", REPEATS, Counter::default()),
        registry,
    }
}

const DELIVERIES: &str = "Attempts, by the state they led to";
const ATTEMPT: &str = "From a claim in hand to the relay's last word, for each attempt";
const COMMIT: &str = "From a round's first statement until what it wrote is durable";
const ROWS: &str = "Outcomes and claims that one commit made durable";
const OPEN: &str = "Connections to the relay that stand";
const BUSY: &str = "Connections to the relay that offer a mail now";
const CONNECTS: &str = "Connections to the relay that were made";
const FAILURES: &str = "Connections to the relay that could not be made";
const IN_QUEUE: &str = "Deliveries that have not come to their end, by state";
const OLDEST_DUE: &str = "How long a delivery of a running campaign has been due, at most";
const CAMPAIGNS: &str = "Campaigns, by state";
const UNSUBSCRIBES: &str = "Readers who left by a link or by one click";
const ALARMS: &str = "Campaigns that an alarm paused, by its kind";
const REPEATS: &str = "Mails accepted after their claim was lost, which may have come twice";
const CAME_BACK: &str = "Mails and events that came back, by what they came to";
const HOOK_REFUSALS: &str = "Posts to a provider's hook that were not the provider's";
const PHASES: &str = "The parts of an attempt";
const WAITS: &str = "How long connections could not go on, by what they waited for";

fn one<M: Metric + Clone>(to: &mut Registry, name: &str, help: &str, metric: M) -> M {
    to.register(name, help, metric.clone());
    metric
}

/// One for each value of a label, all of them there from the start.
fn each<M: Metric + TypedMetric + Clone + Default>(
    to: &mut Registry,
    name: &str,
    help: &str,
    label: &'static str,
    values: &[&'static str],
) -> Vec<M> {
    let family = Family::<[(&'static str, &'static str); 1], M>::default();
    to.register(name, help, family.clone());
    let of = |value: &&'static str| family.get_or_create_owned(&[(label, *value)]);
    values.iter().map(of).collect()
}

fn timed(to: &mut Registry, name: &str, help: &str) -> Histogram {
    let histogram = times();
    to.register_with_unit(name, help, Unit::Seconds, histogram.clone());
    histogram
}

fn phases(to: &mut Registry) -> Vec<Histogram> {
    let family = Family::<_, Histogram>::new_with_constructor(times as fn() -> Histogram);
    to.register_with_unit("phase", PHASES, Unit::Seconds, family.clone());
    let of = |phase: &Phase| family.get_or_create_owned(&[("phase", phase.as_str())]);
    Phase::ALL.iter().map(of).collect()
}

fn waits(to: &mut Registry) -> Vec<Seconds> {
    let family = Family::<_, Seconds>::default();
    to.register_with_unit("waits", WAITS, Unit::Seconds, family.clone());
    let of = |why: &Wait| family.get_or_create_owned(&[("reason", why.as_str())]);
    Wait::ALL.iter().map(of).collect()
}

/// From 0.1 ms, a third of a fast commit, to 419 s, most of what a relay may take to think.
fn times() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 4.0, 12))
}

/// Up to two rows for each of 500 connections.
fn rows() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 2.0, 11))
}

fn words<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|value| word(*value)).collect()
}

fn index<T: PartialEq>(all: &[T], value: T) -> usize {
    let found = all.iter().position(|known| *known == value);
    found.expect("ALL has every value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_gets_its_label_once_it_has_many_outcomes_and_only_so_many_do() {
        let metrics = Metrics::default();
        let count = |domain: &str| {
            let took = Duration::from_millis(3);
            metrics.outcome(DeliveryState::Accepted, domain, took)
        };
        let labels: Vec<_> = (0..12).map(|_| count("many.test")).collect();
        let other = labels.iter().filter(|label| ***label == *"other");
        assert_eq!(other.count(), 10);
        assert_eq!(*labels[10], *"many.test");
        for domain in 0..300 {
            for _ in 0..11 {
                count(&format!("{domain}.test"));
            }
        }
        let text = metrics.text();
        let labelled = text.matches("state=\"accepted\"").count();
        assert_eq!(
            labelled,
            1 + 200 + 1,
            "all together, by domain, and the others"
        );
        assert!(!text.contains("299.test"));
    }

    #[test]
    fn a_domain_that_dislikes_us_is_told_by_name_once_it_does_so_often() {
        let metrics = Metrics::default();
        for _ in 0..12 {
            metrics.domain_came_back("many.test", Back::Block);
        }
        metrics.domain_came_back("many.test", Back::Complaint);
        metrics.domain_came_back("one.test", Back::Complaint);
        metrics.domain_came_back("one.test", Back::Hard);
        let text = metrics.text();
        for (domain, what, count) in [
            ("other", "block", 10),
            ("many.test", "block", 2),
            ("many.test", "complaint", 1),
            ("other", "complaint", 1),
        ] {
            let line = format!(
                "bulletin_domain_came_back_total{{domain=\"{domain}\",what=\"{what}\"}} {count}\n"
            );
            assert!(text.contains(&line), "{line}{text}");
        }
        assert!(!text.contains("one.test"));
    }

    #[test]
    fn what_stands_while_something_lives_ends_with_it() {
        let metrics = Metrics::default();
        metrics.connected();
        let open = metrics.open();
        assert!(metrics.text().contains("bulletin_connections_open 1\n"));
        drop(open);
        let text = metrics.text();
        assert!(text.contains("bulletin_connections_open 0\n"));
        assert!(text.contains("bulletin_connects_total 1\n"));
    }
}
