//! The tally: what each sender has written down as ended, in the same transaction as the deliveries themselves.
//!
//! A second book beside the first. What the two disagree on is a mistake of ours (`alarm`); and how many of a campaign's
//! mails were refused is known after every commit, without counting a million rows. Each sender adds to a row of its
//! own, so that senders do not wait for each other.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::campaign::DeliveryState;
use crate::db::{Tx, on, row};

/// What ended within one transaction.
#[derive(Debug, Default)]
pub struct Tally {
    ended: BTreeMap<i64, Ended>,
    repeats: usize,
}

#[derive(Debug, Default)]
struct Ended {
    accepted: i64,
    bounced: i64,
    refused: i64,
}

row! {
    /// What a campaign's senders have written down, together.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Totals {
        pub accepted: i64,
        pub bounced: i64,
        /// Of the bounced, those that were refused rather than given up at the end of their life.
        pub refused: i64,
        /// When the first and the last were written down.
        pub first_at: Option<DateTime<Utc>>,
        pub last_at: Option<DateTime<Utc>>,
    }
}

impl Totals {
    /// How many deliveries have come to their end by an attempt.
    pub fn ended(&self) -> i64 {
        self.accepted + self.bounced
    }

    /// Ends a second, on average from the first to the last; `None` before there are two moments to measure between.
    pub fn per_second(&self) -> Option<f64> {
        let took = (self.last_at? - self.first_at?).as_seconds_f64();
        (took > 0.0).then(|| (self.ended() as f64 / took * 10.0).round() / 10.0)
    }
}

impl Tally {
    /// Counts a delivery that was written down in this state, if the state is an end. `refused`: by the relay, for good.
    /// Only what was really written counts, and not what a sender that lost its claim would have written.
    pub fn count(&mut self, campaign: i64, state: DeliveryState, refused: bool) {
        if !matches!(state, DeliveryState::Accepted | DeliveryState::Bounced) {
            return;
        }
        let ended = self.ended.entry(campaign).or_default();
        match state {
            DeliveryState::Accepted => ended.accepted += 1,
            _ => ended.bounced += 1,
        }
        ended.refused += i64::from(refused && state == DeliveryState::Bounced);
    }

    /// Notes an outcome whose claim had been lost: another sender judges that delivery. What the relay accepted may so
    /// come twice.
    pub fn lost(&mut self, accepted: bool) {
        self.repeats += usize::from(accepted);
    }

    /// How many mails were accepted whose claims had been lost.
    pub fn repeats(&self) -> usize {
        self.repeats
    }

    /// The campaigns in which something was refused.
    pub fn with_refusals(&self) -> impl Iterator<Item = i64> {
        let refused = self.ended.iter().filter(|(_, ended)| ended.refused > 0);
        refused.map(|(campaign, _)| *campaign)
    }

    /// Adds it to what `sender` has written down before.
    pub async fn write(&self, tx: &mut Tx, sender: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
        for (campaign, ended) in &self.ended {
            on!(&mut *tx, |conn| {
                sqlx::query(
                "INSERT INTO tally (campaign_id, sender, accepted, bounced, refused, first_at, last_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (campaign_id, sender) DO UPDATE SET \
                 accepted = tally.accepted + excluded.accepted, bounced = tally.bounced + excluded.bounced, \
                 refused = tally.refused + excluded.refused, last_at = excluded.last_at",
            )
            .bind(campaign)
            .bind(sender)
            .bind(ended.accepted)
            .bind(ended.bounced)
            .bind(ended.refused)
            .bind(now)
            .execute(conn)
            .await
            .map(drop)
            })?;
        }
        Ok(())
    }
}

/// What a campaign's senders have written down, together.
pub async fn totals(tx: &mut Tx, campaign: i64) -> sqlx::Result<Totals> {
    on!(tx, |conn| {
        sqlx::query_as(
        "SELECT CAST(COALESCE(sum(accepted), 0) AS BIGINT) AS accepted, \
         CAST(COALESCE(sum(bounced), 0) AS BIGINT) AS bounced, CAST(COALESCE(sum(refused), 0) AS BIGINT) AS refused, \
         min(first_at) AS first_at, max(last_at) AS last_at FROM tally WHERE campaign_id = $1",
    )
    .bind(campaign)
    .fetch_one(conn)
    .await
    })
}
