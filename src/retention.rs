//! Retention: what names a reader and is needed no more goes, once a day, with a record of what went.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Retention as Terms;
use crate::db::{Db, Tx, on, row};
use crate::feedback;
use crate::letter::{self, CONFIRM_DAYS};
use crate::subscriber;

/// How often it is looked whether a new day has begun.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(3600);

/// Readers, and rows, that go in one transaction: others wait for it.
const READERS_AT_A_TIME: i64 = 200;
const ROWS_AT_A_TIME: i64 = 5_000;

row! {
    /// What went on one day.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct Run {
        /// By UTC: `2026-03-03`.
        pub day: String,
        pub ran_at: DateTime<Utc>,
        /// Who left, or whose implied consent ran out.
        pub readers: i64,
        /// Deliveries that name nobody any more.
        pub deliveries: i64,
        pub requests: i64,
    }
}

/// Keeps to the operator's terms. Any number of them may run on one database: what one has taken away, no other finds.
#[derive(Clone)]
pub struct Retention {
    pub db: Db,
    pub terms: Terms,
    pub clock: Clock,
}

impl Retention {
    /// Sees to each day, until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.keep().await {
                Ok(Some(run)) => tracing::info!(
                    day = run.day,
                    readers = run.readers,
                    deliveries = run.deliveries,
                    requests = run.requests,
                    "what is needed no more is gone"
                ),
                Ok(None) => {}
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "what is needed no more stays for now, for the database fails"
                ),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Sees to this day; `None` when that was done.
    pub async fn keep(&self) -> sqlx::Result<Option<Run>> {
        let now = (self.clock)();
        let day = now.format("%Y-%m-%d").to_string();
        if last(&mut self.db.read().await?)
            .await?
            .is_some_and(|run| run.day >= day)
        {
            return Ok(None);
        }
        let run = Run {
            day,
            ran_at: now,
            readers: self.let_readers_go(now).await?,
            deliveries: self.clear_history(now).await?,
            requests: self.forget_requests(now).await?,
        };
        let mut tx = self.db.begin().await?;
        note(&mut tx, &run).await?;
        tx.commit().await?;
        Ok(Some(run))
    }

    async fn let_readers_go(&self, now: DateTime<Utc>) -> sqlx::Result<i64> {
        let mut gone = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let readers = over(&mut tx, now - self.terms.left, now).await?;
            if readers.is_empty() {
                return Ok(gone);
            }
            for reader in subscriber::of_ids(&mut tx, &readers).await? {
                feedback::let_go(&mut tx, &reader, now).await?;
                gone += 1;
            }
            tx.commit().await?;
        }
    }

    /// Campaign by campaign: a delivery stays for the account, and names nobody.
    async fn clear_history(&self, now: DateTime<Utc>) -> sqlx::Result<i64> {
        let before = now - self.terms.history;
        let mut cleared = 0;
        for campaign in begun_before(&mut self.db.read().await?, before).await? {
            loop {
                let mut tx = self.db.begin().await?;
                subscriber::wait_for_plans(&mut tx).await?;
                let rows = clear(&mut tx, campaign, before).await?;
                tx.commit().await?;
                if rows == 0 {
                    break;
                }
                cleared += rows;
            }
        }
        Ok(cleared)
    }

    async fn forget_requests(&self, now: DateTime<Utc>) -> sqlx::Result<i64> {
        let mut tx = self.db.begin().await?;
        let gone = on!(&mut tx, |conn| sqlx::query(
            "DELETE FROM request WHERE asked_at < $1 AND seen_at IS NOT NULL"
        )
        .bind(now - self.terms.requests)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() as i64))?;
        tx.commit().await?;
        Ok(gone)
    }
}

/// The last day that was seen to.
pub async fn last(tx: &mut Tx) -> sqlx::Result<Option<Run>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT day, ran_at, readers, deliveries, requests FROM retention_run ORDER BY day DESC LIMIT 1",
        )
        .fetch_optional(conn)
        .await
    })
}

/// Some readers whose time was over before `before`: they left, or their implied consent ran out. Who has asked for mail
/// again meanwhile, and may still confirm it, stays.
async fn over(tx: &mut Tx, before: DateTime<Utc>, now: DateTime<Utc>) -> sqlx::Result<Vec<Uuid>> {
    on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT s.id FROM subscriber s WHERE s.id IN ( \
               SELECT e.id FROM subscriber e WHERE e.state = 'ended' AND NOT EXISTS ( \
                 SELECT 1 FROM consent c WHERE c.address_hash = e.address_hash AND c.act = 'withdrawn' AND c.at > $1) \
               UNION SELECT e.id FROM subscriber e WHERE e.consent_until <= $1) \
             AND NOT EXISTS (SELECT 1 FROM request r WHERE r.subscriber_id = s.id AND r.asked_at >= $2) LIMIT $3",
        )
        .bind(before)
        .bind(now - Duration::days(CONFIRM_DAYS.into()))
        .bind(READERS_AT_A_TIME)
        .fetch_all(conn)
        .await
    })
}

/// Digests alone: letters are forgotten within days.
async fn begun_before(tx: &mut Tx, before: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT id FROM campaign WHERE start_at < $1 AND id <> $2 ORDER BY id"
    )
    .bind(before)
    .bind(letter::CAMPAIGN)
    .fetch_all(conn)
    .await)
}

/// Takes the readers out of some deliveries that came to their end before `before`; gives how many those were.
async fn clear(tx: &mut Tx, campaign: i64, before: DateTime<Utc>) -> sqlx::Result<i64> {
    on!(tx, |conn| {
        sqlx::query(
            "UPDATE delivery SET subscriber_id = NULL, reply = NULL WHERE id IN ( \
               SELECT id FROM delivery WHERE campaign_id = $1 AND subscriber_id IS NOT NULL AND changed_at < $2 \
               AND due_at IS NULL AND claimed_by IS NULL LIMIT $3)",
        )
        .bind(campaign)
        .bind(before)
        .bind(ROWS_AT_A_TIME)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() as i64)
    })
}

/// Two processes may have seen to one day: the first one's record stays.
async fn note(tx: &mut Tx, run: &Run) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO retention_run (day, ran_at, readers, deliveries, requests) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (day) DO NOTHING",
        )
        .bind(&run.day)
        .bind(run.ran_at)
        .bind(run.readers)
        .bind(run.deliveries)
        .bind(run.requests)
        .execute(conn)
        .await
        .map(drop)
    })
}
