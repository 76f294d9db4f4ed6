//! What comes back from readers: leaving, being forgotten. It changes only subscriptions, suppressions and what waits.

use chrono::{DateTime, Utc};

use crate::db::{Tx, on};
use crate::deliver::queue;
use crate::subscriber::{self, Subscriber};
use crate::subscription::{self, Act, State};
use crate::suppression::{self, Reason};

/// Ends a subscription, for what is queued too. Ending it twice changes nothing; `source` says by what way it came.
pub async fn unsubscribe(
    tx: &mut Tx,
    reader: &Subscriber,
    source: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    if reader.state == State::Ended {
        return Ok(());
    }
    subscription::set_state(tx, reader.id, State::Ended).await?;
    subscription::record(tx, &reader.address_hash, Act::Withdrawn, source, now).await?;
    queue::suppress_waiting(tx, reader.id, "the reader unsubscribed", now).await
}

/// Takes the subscription up again after the reader said so on a page of ours.
pub async fn resubscribe(
    tx: &mut Tx,
    reader: &Subscriber,
    source: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    if reader.state != State::Ended {
        return Ok(());
    }
    subscription::set_state(tx, reader.id, State::Active).await?;
    subscription::record(tx, &reader.address_hash, Act::Granted, source, now).await
}

/// Forgets a reader: only a keyed hash stays, so that no import brings them back, and the record that they consented.
pub async fn erase(tx: &mut Tx, reader: &Subscriber, now: DateTime<Utc>) -> sqlx::Result<()> {
    subscriber::wait_for_plans(tx).await?;
    queue::suppress_waiting(tx, reader.id, "the reader was erased", now).await?;
    forget_replies(tx, reader).await?;
    suppression::suppress(tx, &reader.address_hash, Reason::Erased, "", now).await?;
    subscription::record(tx, &reader.address_hash, Act::Erased, "erasure", now).await?;
    subscriber::remove(tx, reader.id).await
}

/// A relay's words may quote the address. What can still not be tried is not tried for somebody erased.
async fn forget_replies(tx: &mut Tx, reader: &Subscriber) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query("UPDATE delivery SET reply = NULL, due_at = NULL WHERE subscriber_id = $1 AND claimed_by IS NULL")
        .bind(reader.id)
        .execute(conn)
        .await
        .map(drop)
    })
}
