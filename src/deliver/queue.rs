//! The queue between the rounds: what is due, what senders that are gone held, and whose turn will not come.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::{Tx, on};

/// How many deliveries could be claimed at `now`, counted no further than `most`.
pub async fn count_due(
    tx: &mut Tx,
    campaigns: &[i64],
    now: DateTime<Utc>,
    most: usize,
) -> sqlx::Result<usize> {
    let mut found = 0;
    for campaign in campaigns {
        if found >= most {
            break;
        }
        let more: i64 = on!(&mut *tx, |conn| {
            sqlx::query_scalar(
            "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE campaign_id = $1 AND due_at <= $2 LIMIT $3) due",
        )
        .bind(campaign)
        .bind(now)
        .bind((most - found) as i64)
        .fetch_one(conn)
        .await
        })?;
        found += more.unsigned_abs() as usize;
    }
    Ok(found)
}

/// The campaigns that run and have something due at `now`, the first started first.
pub async fn campaigns_with_due(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT c.id FROM campaign c WHERE c.state = 'running' AND c.start_at <= $1 AND EXISTS \
         (SELECT 1 FROM delivery d WHERE d.campaign_id = c.id AND d.due_at <= $1) ORDER BY c.start_at",
        )
        .bind(now)
        .fetch_all(conn)
        .await
    })
}

/// Whether something of a campaign is being offered just now.
pub async fn is_in_flight(tx: &mut Tx, campaign: i64) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM delivery WHERE claimed_by IS NOT NULL AND +campaign_id = $1)"
    )
    .bind(campaign)
    .fetch_one(conn)
    .await)
}

/// What a sender that is gone held in flight becomes unknown: tried again at once, or held, as its campaign says.
pub async fn recover(tx: &mut Tx, gone: i64, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let recovered = on!(&mut *tx, |conn| {
        sqlx::query(
            "UPDATE delivery SET state = 'unknown', claimed_by = NULL, changed_at = $2, \
         due_at = CASE WHEN subscriber_id IS NULL AND letter >= 0 THEN NULL ELSE $2 END, \
         reply = 'the sender stopped while the message was on its way' WHERE claimed_by = $1",
        )
        .bind(gone)
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected())
    })?;
    on!(tx, |conn| {
        sqlx::query(
        "UPDATE delivery SET due_at = NULL WHERE state = 'unknown' AND due_at IS NOT NULL \
         AND campaign_id IN (SELECT id FROM campaign WHERE on_unknown = 'hold' OR state = 'cancelled')",
    )
    .execute(conn)
    .await
    .map(drop)
    })?;
    Ok(recovered)
}

/// Senders that hold something in flight.
pub async fn holders(tx: &mut Tx) -> sqlx::Result<Vec<i64>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT DISTINCT claimed_by FROM delivery WHERE claimed_by IS NOT NULL"
    )
    .fetch_all(conn)
    .await)
}

/// Claims that a failed commit may have left behind: of `sender`, but not among those its connections hold.
pub async fn hand_back_others(
    tx: &mut Tx,
    sender: i64,
    held: &[i64],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let rows = tx.rows();
    let sql = format!(
        "UPDATE delivery SET state = 'waiting', attempts = attempts - 1, due_at = $3, claimed_by = NULL, \
         changed_at = $3 WHERE claimed_by = $2 AND id NOT IN (SELECT {} FROM {})",
        rows.number(),
        rows.all()
    );
    on!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(Json(held))
        .bind(sender)
        .bind(now)
        .execute(conn)
        .await
        .map(drop))
}

/// Settles whatever waits for this subscriber as suppressed: an unsubscribe holds at once, for what is queued too.
pub async fn suppress_waiting(
    tx: &mut Tx,
    subscriber: Uuid,
    why: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE delivery SET state = 'suppressed', due_at = NULL, reply = $2, changed_at = $3 \
         WHERE subscriber_id = $1 AND state IN ('waiting', 'deferred')",
    )
    .bind(subscriber)
    .bind(why)
    .bind(now)
    .execute(conn)
    .await
    .map(drop))
}

/// When the next delivery of a campaign is due; `None` when none is left to try.
pub async fn next_due(tx: &mut Tx, campaign: i64) -> sqlx::Result<Option<DateTime<Utc>>> {
    on!(tx, |conn| {
        sqlx::query_scalar(
        "SELECT due_at FROM delivery WHERE campaign_id = $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
    )
    .bind(campaign)
    .fetch_optional(conn)
    .await
    })
}
