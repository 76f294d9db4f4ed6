//! The tally: what each sender has written down as ended, in the same transaction as the deliveries themselves.
//!
//! A second book beside the first. What the two disagree on is a mistake of ours (`alarm`); and how many of a campaign's
//! mails were refused is known after every commit, without counting a million rows. Each sender adds to a row of its
//! own, so that senders do not wait for each other.

use chrono::{DateTime, Utc};

use crate::db::{Tx, on, row};

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
