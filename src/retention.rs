//! Retention: what names a reader and is needed no more goes, once a day, with a record of what went.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Retention as Terms;
use crate::db::{Db, Tx, on, row};
use crate::feedback::{self, staying};
use crate::letter::{self, CONFIRM_DAYS};
use crate::subscriber;
use crate::subscription;

/// How often it is looked whether a new day has begun.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(3600);

/// Readers, and rows, that go in one transaction: others wait for it.
const READERS_AT_A_TIME: i64 = 200;
const ROWS_AT_A_TIME: i64 = 5_000;

/// Addresses whose consents are looked for at a time.
const ADDRESSES_AT_A_TIME: i64 = 200;

row! {
    /// What went on one day.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct Run {
        /// By UTC: `2026-03-03`.
        pub day: String,
        pub ran_at: DateTime<Utc>,
        /// Who left, whose implied consent ran out, or whose mailbox takes no mail.
        pub readers: i64,
        /// Deliveries that name nobody any more.
        pub deliveries: i64,
        pub requests: i64,
        /// Lines of the consent record, of addresses that no reader has.
        pub consents: i64,
        /// Readers who were asked whether digests shall go on coming, before their implied consent runs out.
        pub reminded: i64,
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
                    consents = run.consents,
                    reminded = run.reminded,
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
            consents: self.forget_consents(now).await?,
            reminded: staying::ask(&self.db, now).await?,
        };
        let mut tx = self.db.begin().await?;
        note(&mut tx, &run).await?;
        tx.commit().await?;
        Ok(Some(run))
    }

    /// Each reader is looked at once, whatever comes of it: one whose row is damaged keeps no others.
    async fn let_readers_go(&self, now: DateTime<Utc>) -> sqlx::Result<i64> {
        let (mut gone, mut seen) = (0, Uuid::nil());
        loop {
            let mut tx = self.db.begin().await?;
            let over = over(&mut tx, &self.terms, seen, now).await?;
            let Some(last) = over.last() else {
                return Ok(gone);
            };
            seen = *last;
            let readers = subscriber::of_ids(&mut tx, &over).await?;
            for reader in &readers {
                feedback::let_go(&mut tx, reader, now).await?;
            }
            tx.commit().await?;
            gone += readers.len() as i64;
            for lost in over
                .iter()
                .filter(|id| !readers.iter().any(|reader| reader.id == **id))
            {
                tracing::warn!(subscriber = %lost, "cannot be let go, for what they chose is lost: erase them by hand");
            }
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

    /// What proves a consent goes when its time is over since the last line about the address, which no reader has any
    /// more: that line is younger than the last mail. They are looked for before anything is locked.
    async fn forget_consents(&self, now: DateTime<Utc>) -> sqlx::Result<i64> {
        let before = now - self.terms.consents;
        let (mut gone, mut seen) = (0, Vec::new());
        loop {
            let over = proofs_over(&mut self.db.read().await?, &seen, before).await?;
            let Some(last) = over.last() else {
                return Ok(gone);
            };
            seen.clone_from(last);
            let mut tx = self.db.begin().await?;
            for address_hash in &over {
                gone += subscription::forget_consents(&mut tx, address_hash, before).await?;
            }
            tx.commit().await?;
        }
    }
}

/// The last day that was seen to.
pub async fn last(tx: &mut Tx) -> sqlx::Result<Option<Run>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT day, ran_at, readers, deliveries, requests, consents, reminded FROM retention_run \
             ORDER BY day DESC LIMIT 1",
        )
        .fetch_optional(conn)
        .await
    })
}

/// Some readers behind `after`, in the order of their ids, whose time is over by now: they left, their implied consent ran
/// out, or their mailbox takes no mail. Who has asked for mail again meanwhile, and may still confirm it, stays.
async fn over(
    tx: &mut Tx,
    terms: &Terms,
    after: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT s.id FROM subscriber s WHERE s.id IN ( \
               SELECT e.id FROM subscriber e WHERE e.state = 'ended' AND NOT EXISTS ( \
                 SELECT 1 FROM consent c WHERE c.address_hash = e.address_hash AND c.act = 'withdrawn' AND c.at > $1) \
               UNION SELECT e.id FROM subscriber e WHERE e.consent_until <= $1 \
               UNION SELECT e.id FROM suppression x JOIN subscriber e ON e.address_hash = x.address_hash \
                 WHERE x.reason IN ('hard_bounce', 'soft_bounces') AND x.since <= $5) \
             AND NOT EXISTS (SELECT 1 FROM request r WHERE r.subscriber_id = s.id AND r.asked_at >= $2) \
             AND s.id > $4 ORDER BY s.id LIMIT $3",
        )
        .bind(now - terms.left)
        .bind(now - Duration::days(CONFIRM_DAYS.into()))
        .bind(READERS_AT_A_TIME)
        .bind(after)
        .bind(now - terms.unreachable)
        .fetch_all(conn)
        .await
    })
}

/// Some addresses behind `after`, in the order of their hashes, that no reader has, and of which the consent record says
/// nothing since `before`.
async fn proofs_over(
    tx: &mut Tx,
    after: &[u8],
    before: DateTime<Utc>,
) -> sqlx::Result<Vec<Vec<u8>>> {
    on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT c.address_hash FROM consent c WHERE c.address_hash > $1 \
             AND NOT EXISTS (SELECT 1 FROM subscriber s WHERE s.address_hash = c.address_hash) \
             GROUP BY c.address_hash HAVING max(c.recorded_at) < $2 ORDER BY c.address_hash LIMIT $3",
        )
        .bind(after)
        .bind(before)
        .bind(ADDRESSES_AT_A_TIME)
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
            "INSERT INTO retention_run (day, ran_at, readers, deliveries, requests, consents, reminded) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (day) DO NOTHING",
        )
        .bind(&run.day)
        .bind(run.ran_at)
        .bind(run.readers)
        .bind(run.deliveries)
        .bind(run.requests)
        .bind(run.consents)
        .bind(run.reminded)
        .execute(conn)
        .await
        .map(drop)
    })
}
