//! The tally: what each sender has written down as ended, in the same transaction as the deliveries themselves.
//!
//! A second book beside the first. What the two disagree on is a mistake of ours (`alarm`); and how many of a campaign's
//! mails were refused is known after every commit, without counting a million rows. Each sender adds to a row of its
//! own, so that senders do not wait for each other.

use chrono::{DateTime, Utc};

use crate::db::{Tx, on, row};

/// Stands for all who receive what comes back, in the place of a sender's number.
const CAME_BACK: i64 = -1;

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

/// What a report by mail changes: a delivery that was offered at `offered_at` has bounced. It had been written down as
/// accepted if `was_accepted`; `is_refused`: the address or the sender was refused, for good.
pub async fn came_back(
    tx: &mut Tx,
    campaign: i64,
    was_accepted: bool,
    is_refused: bool,
    offered_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    add(
        tx,
        campaign,
        [-i64::from(was_accepted), 1, i64::from(is_refused)],
        offered_at,
    )
    .await
}

/// A delivery that had bounced for now is refused for good by another report.
pub async fn refused(tx: &mut Tx, campaign: i64, offered_at: DateTime<Utc>) -> sqlx::Result<()> {
    add(tx, campaign, [0, 0, 1], offered_at).await
}

/// So many that had bounced are tried again; `refused` of them had been refused for good.
pub async fn taken_up(
    tx: &mut Tx,
    campaign: i64,
    bounced: i64,
    refused: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    add(tx, campaign, [0, -bounced, -refused], now).await
}

/// The times stay those of the sending: how fast it was is told by them.
async fn add(
    tx: &mut Tx,
    campaign: i64,
    [accepted, bounced, refused]: [i64; 3],
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO tally (campaign_id, sender, accepted, bounced, refused, first_at, last_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (campaign_id, sender) DO UPDATE SET \
             accepted = tally.accepted + excluded.accepted, bounced = tally.bounced + excluded.bounced, \
             refused = tally.refused + excluded.refused",
        )
        .bind(campaign)
        .bind(CAME_BACK)
        .bind(accepted)
        .bind(bounced)
        .bind(refused)
        .bind(at)
        .execute(conn)
        .await
        .map(drop)
    })
}
