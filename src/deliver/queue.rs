//! The queue: deliveries are claimed, and settled by what became of them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::smtp::Outcome;
use super::waits;
use crate::campaign::DeliveryState;
use crate::config::OnUnknown;
use crate::db::{Tx, on, row};
use crate::subscriber::{self, Subscriber};
use crate::subscription::State;
use crate::suppression;

/// A delivery that a connection holds, with what it needs to become a message.
#[derive(Clone)]
pub struct Claimed {
    pub delivery: Due,
    pub subscriber: Subscriber,
}

row! {
    /// A delivery whose time has come.
    #[derive(Clone, Debug)]
    pub struct Due {
        pub id: i64,
        pub campaign_id: i64,
        pub subscriber_id: Uuid,
        pub content: String,
        /// This one included once it is claimed.
        pub attempts: i64,
        pub on_unknown: String,
        /// Its life counts from here.
        pub first_tried_at: Option<DateTime<Utc>>,
    }
}

/// Claims up to `limit` deliveries for `sender`, the longest due first.
///
/// Who left or was suppressed since the plan is settled on the way and not handed out.
pub async fn claim(
    tx: &mut Tx,
    sender: i64,
    now: DateTime<Utc>,
    limit: usize,
) -> sqlx::Result<Vec<Claimed>> {
    let mut claimed = Vec::new();
    for campaign in campaigns_with_due(tx, now).await? {
        while claimed.len() < limit {
            let due = due(tx, campaign, now, limit - claimed.len()).await?;
            if due.is_empty() {
                break;
            }
            let ids: Vec<Uuid> = due.iter().map(|due| due.subscriber_id).collect();
            let readers: HashMap<Uuid, Subscriber> = subscriber::of_ids(tx, &ids)
                .await?
                .into_iter()
                .map(|reader| (reader.id, reader))
                .collect();
            let hashes: Vec<Vec<u8>> = readers
                .values()
                .map(|reader| reader.address_hash.clone())
                .collect();
            let suppressed: HashSet<Vec<u8>> = suppression::suppressed(tx, &hashes)
                .await?
                .into_iter()
                .collect();
            let may_get = |reader: &&Subscriber| {
                reader.state == State::Active && !suppressed.contains(&reader.address_hash)
            };
            let mut left = Vec::new();
            let mut taken = Vec::new();
            for due in due {
                match readers.get(&due.subscriber_id).filter(may_get) {
                    Some(reader) => {
                        taken.push(due.id);
                        let delivery = Due {
                            attempts: due.attempts + 1,
                            first_tried_at: due.first_tried_at.or(Some(now)),
                            ..due
                        };
                        claimed.push(Claimed {
                            delivery,
                            subscriber: reader.clone(),
                        });
                    }
                    None => left.push(due.id),
                }
            }
            take(tx, sender, &taken, now).await?;
            leave_out(tx, &left, now).await?;
        }
    }
    Ok(claimed)
}

/// Whether anything could be claimed at `now`.
pub async fn is_anything_due(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<bool> {
    Ok(!campaigns_with_due(tx, now).await?.is_empty())
}

/// Writes down what became of a claimed delivery. A sender that lost its claim changes nothing.
pub async fn settle(
    tx: &mut Tx,
    sender: i64,
    due: &Due,
    outcome: &Outcome,
    life: Duration,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let (state, due_at) = next_state(due, outcome, life, now);
    let words = match state {
        DeliveryState::Bounced if !matches!(outcome, Outcome::Bounced { .. }) => {
            format!("given up, its life being over: {}", outcome.words())
        }
        _ => outcome.words(),
    };
    if outcome.is_between_the_relay_and_us() {
        uncount(tx, sender, due).await?;
    }
    let is_ours = write(tx, sender, due, state, due_at, &words, now).await?;
    if is_ours
        && outcome.names_a_bad_address()
        && let Some(hash) = subscriber::address_hash(tx, due.subscriber_id).await?
    {
        let reason = suppression::Reason::HardBounce;
        suppression::suppress(tx, &hash, reason, &outcome.code(), now).await?;
    }
    Ok(())
}

/// What a sender that is gone held in flight becomes unknown: tried again at once, or held, as its campaign says.
pub async fn recover(tx: &mut Tx, gone: i64, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let recovered = on!(&mut *tx, |conn| {
        sqlx::query(
            "UPDATE delivery SET state = 'unknown', claimed_by = NULL, changed_at = $2, \
         due_at = CASE WHEN subscriber_id IS NULL THEN NULL ELSE $2 END, \
         reply = 'the sender stopped while the message was on its way' WHERE claimed_by = $1",
        )
        .bind(gone)
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected())
    })?;
    on!(tx, |conn| sqlx::query(
        "UPDATE delivery SET due_at = NULL WHERE state = 'unknown' AND due_at IS NOT NULL \
         AND campaign_id IN (SELECT id FROM campaign WHERE on_unknown = 'hold')",
    )
    .execute(conn)
    .await
    .map(drop))?;
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
    let claimed: Vec<i64> = on!(&mut *tx, |conn| sqlx::query_scalar(
        "SELECT id FROM delivery WHERE claimed_by = $1"
    )
    .bind(sender)
    .fetch_all(conn)
    .await)?;
    for id in claimed.into_iter().filter(|id| !held.contains(id)) {
        on!(&mut *tx, |conn| {
            sqlx::query(
            "UPDATE delivery SET state = 'waiting', attempts = attempts - 1, due_at = $2, claimed_by = NULL, \
             changed_at = $2 WHERE id = $1",
        )
        .bind(id)
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
        })?;
    }
    Ok(())
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
            let again = lives && due.on_unknown == OnUnknown::Retry.as_str();
            (DeliveryState::Unknown, again.then_some(next))
        }
    }
}

/// Takes back the attempt that claiming counted.
async fn uncount(tx: &mut Tx, sender: i64, due: &Due) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE delivery SET attempts = attempts - 1 WHERE id = $1 AND claimed_by = $2"
    )
    .bind(due.id)
    .bind(sender)
    .execute(conn)
    .await
    .map(drop))
}

async fn campaigns_with_due(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT c.id FROM campaign c WHERE c.state = 'running' AND EXISTS \
         (SELECT 1 FROM delivery d WHERE d.campaign_id = c.id AND d.due_at <= $1 \
         AND d.subscriber_id IS NOT NULL) ORDER BY c.start_at",
        )
        .bind(now)
        .fetch_all(conn)
        .await
    })
}

async fn due(
    tx: &mut Tx,
    campaign: i64,
    now: DateTime<Utc>,
    limit: usize,
) -> sqlx::Result<Vec<Due>> {
    let sql = format!(
        "SELECT d.id, d.campaign_id, d.subscriber_id, d.content, d.attempts, c.on_unknown, d.first_tried_at \
         FROM delivery d JOIN campaign c ON c.id = d.campaign_id \
         WHERE d.campaign_id = $1 AND d.due_at <= $2 AND d.subscriber_id IS NOT NULL \
         ORDER BY d.due_at LIMIT $3 {}",
        tx.on_postgres("FOR UPDATE OF d SKIP LOCKED")
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(campaign)
        .bind(now)
        .bind(limit as i64)
        .fetch_all(conn)
        .await)
}

async fn take(tx: &mut Tx, sender: i64, ids: &[i64], now: DateTime<Utc>) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    on!(tx, |conn| {
        let mut query = sqlx::QueryBuilder::<Driver>::new(
            "UPDATE delivery SET state = 'in_flight', due_at = NULL, attempts = attempts + 1, claimed_by = ",
        );
        query
            .push_bind(sender)
            .push(", first_tried_at = COALESCE(first_tried_at, ")
            .push_bind(now)
            .push("), changed_at = ")
            .push_bind(now)
            .push(" WHERE id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        query.push(")");
        query.build().execute(conn).await.map(drop)
    })
}

/// Settles deliveries of readers who must not be written to any more. What is unknown stays unknown, and untried.
async fn leave_out(tx: &mut Tx, ids: &[i64], now: DateTime<Utc>) -> sqlx::Result<()> {
    for id in ids {
        on!(&mut *tx, |conn| {
            sqlx::query(
            "UPDATE delivery SET state = CASE WHEN state = 'unknown' THEN state ELSE 'suppressed' END, \
             due_at = NULL, reply = 'the reader left or is suppressed', changed_at = $2 WHERE id = $1",
        )
        .bind(id)
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
        })?;
    }
    Ok(())
}

/// Writes the outcome, if the claim is still this sender's. Whose reader was erased meanwhile, or whose campaign was
/// cancelled, is not tried again.
async fn write(
    tx: &mut Tx,
    sender: i64,
    due: &Due,
    state: DeliveryState,
    due_at: Option<DateTime<Utc>>,
    words: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    on!(tx, |conn| {
        sqlx::query(
            "UPDATE delivery SET claimed_by = NULL, changed_at = $6, \
         reply = CASE WHEN subscriber_id IS NULL THEN NULL ELSE CAST($5 AS text) END, \
         state = CASE WHEN $3 = 'deferred' AND over THEN 'suppressed' ELSE CAST($3 AS text) END, \
         due_at = CASE WHEN over THEN NULL ELSE $4 END \
         FROM (SELECT d.id AS over_id, d.subscriber_id IS NULL OR c.state = 'cancelled' AS over \
           FROM delivery d JOIN campaign c ON c.id = d.campaign_id WHERE d.id = $1) now \
         WHERE id = $1 AND id = over_id AND claimed_by = $2",
        )
        .bind(due.id)
        .bind(sender)
        .bind(state.as_str())
        .bind(due_at)
        .bind(words)
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() == 1)
    })
}
