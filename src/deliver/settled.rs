//! What is written down of a claimed delivery: what became of it, or that it goes back to the queue.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use super::round::Due;
use super::smtp::Outcome;
use super::waits;
use crate::bounce::Class;
use crate::campaign::DeliveryState;
use crate::config::OnUnknown;
use crate::db::time;

/// One delivery, as the statement reads it that writes down many.
#[derive(Clone, Debug, Serialize)]
pub struct Settled {
    pub(super) id: i64,
    pub(super) campaign: i64,
    pub(super) state: DeliveryState,
    due: Option<String>,
    /// `None` leaves what stands there.
    pub(super) reply: Option<String>,
    /// How many attempts are taken back that claiming counted.
    uncounted: i64,
    /// The relay refused it for good, rather than its life being over.
    pub(super) refused: bool,
    /// Whom the refusal is blamed on, where it is one of this message; and for what, by which rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<Class>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'static str>,
    /// The enhanced status code that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// The code by which the recipient's server said that there is no such mailbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    bad_address: Option<String>,
}

impl Settled {
    /// What became of a delivery that was offered.
    pub fn by(due: &Due, outcome: &Outcome, life: Duration, now: DateTime<Utc>) -> Settled {
        let (state, due_at) = next_state(due, outcome, life, now);
        let reply = match state {
            DeliveryState::Bounced if !matches!(outcome, Outcome::Bounced { .. }) => {
                format!("given up, its life being over: {}", outcome.words())
            }
            _ => outcome.words(),
        };
        let is_over = state == DeliveryState::Bounced && !went_elsewhere(due);
        let verdict = is_over.then(|| outcome.judged()).flatten();
        let is_hard = verdict.as_ref().is_some_and(|one| one.class == Class::Hard);
        Settled {
            id: due.id,
            campaign: due.campaign_id,
            state,
            due: due_at.map(time),
            reply: Some(reply),
            uncounted: i64::from(outcome.is_between_the_relay_and_us()),
            refused: state == DeliveryState::Bounced && outcome.is_refusal(),
            class: verdict.as_ref().map(|one| one.class),
            reason: verdict.as_ref().map(|one| one.reason),
            because: verdict.as_ref().map(|one| one.because),
            status: verdict.and(outcome.status()),
            bad_address: is_hard.then(|| outcome.code()),
        }
    }

    /// Its domain has no room now: it goes back as it was, and is due again at `until`.
    pub(super) fn put_off(due: &Due, until: DateTime<Utc>) -> Settled {
        Settled {
            due: Some(time(until)),
            ..Settled::untried(due, due.before)
        }
    }

    /// Its reader left or is suppressed. What is unknown stays unknown, and is not tried again.
    pub(super) fn left_out(due: &Due) -> Settled {
        let state = match due.before {
            DeliveryState::Unknown => DeliveryState::Unknown,
            _ => DeliveryState::Suppressed,
        };
        Settled {
            reply: Some("the reader left or is suppressed".to_owned()),
            ..Settled::untried(due, state)
        }
    }

    /// Claimed and not offered.
    fn untried(due: &Due, state: DeliveryState) -> Settled {
        Settled {
            id: due.id,
            campaign: due.campaign_id,
            state,
            due: None,
            reply: None,
            uncounted: 1,
            refused: false,
            class: None,
            reason: None,
            because: None,
            status: None,
            bad_address: None,
        }
    }
}

impl Settled {
    /// Whether it is a soft failure, which counts towards its reader's score.
    pub(super) fn is_to_be_weighed(&self) -> bool {
        self.class == Some(Class::Soft)
    }
}

/// Whether it went to an address that is not its reader's, and says nothing about theirs.
fn went_elsewhere(due: &Due) -> bool {
    due.letter().is_some_and(|letter| letter.to.is_some())
}

/// Where an outcome leads, and when the delivery is tried again, if ever.
fn next_state(
    due: &Due,
    outcome: &Outcome,
    life: Duration,
    now: DateTime<Utc>,
) -> (DeliveryState, Option<DateTime<Utc>>) {
    let between = outcome.is_between_the_relay_and_us();
    // The connection makes the pause then; who gets the next one is another delivery's luck.
    let next = if between {
        now
    } else {
        waits::next(due.id, due.attempts, now)
    };
    let lives = next <= due.first_tried_at.unwrap_or(now) + life;
    match outcome {
        Outcome::Accepted { .. } => (DeliveryState::Accepted, None),
        Outcome::Bounced { .. } if between && lives => (DeliveryState::Deferred, Some(next)),
        Outcome::Bounced { .. } => (DeliveryState::Bounced, None),
        Outcome::Deferred { .. } if lives => (DeliveryState::Deferred, Some(next)),
        Outcome::Deferred { .. } => (DeliveryState::Bounced, None),
        Outcome::Unknown { .. } => {
            let again = lives && due.on_unknown == OnUnknown::Retry;
            (DeliveryState::Unknown, again.then_some(next))
        }
    }
}
