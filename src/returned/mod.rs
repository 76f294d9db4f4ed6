//! What came back of deliveries: a row for each thing that was said of one, by whatever way, with what was done about it
//! and why. What came before is known by its mark and changes nothing.

pub mod domains;
pub mod kept;
pub mod score;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::bounce::{Class, Kind, Status};
use crate::db::{Tx, on, row, word};

word! {
    /// By what way something came back.
    pub enum Way {
        /// The relay said it while the message was offered.
        Relay = "relay",
        /// A mail to the service's own listener.
        Listener = "listener",
        /// A mail through a mail server's pipe.
        Pipe = "pipe",
        /// A mail out of a mailbox.
        Mailbox = "mailbox",
        /// An event that a provider told.
        Webhook = "webhook",
    }
}

word! {
    /// What was done about it.
    pub enum Did {
        /// The reader's address gets no mail any more.
        Suppressed = "suppressed",
        /// It counts towards the reader's score.
        Counted = "counted",
        /// The same, and whether the score is too high by now has still to be looked up.
        ToWeigh = "to_weigh",
        /// The operator is to blame, or to be told.
        Warned = "warned",
        /// The subscription has ended.
        Unsubscribed = "unsubscribed",
        /// The delivery counts as bounced, and nothing follows for the reader.
        Bounced = "bounced",
        /// Nothing.
        Noted = "noted",
    }
}

row! {
    /// One thing that came back.
    #[derive(Clone, Debug, Serialize)]
    pub struct Returned {
        pub at: DateTime<Utc>,
        pub way: Way,
        pub kind: Kind,
        pub class: Option<Class>,
        pub reason: String,
        pub because: String,
        pub status: Option<String>,
        pub delivery_id: Option<i64>,
        pub domain: Option<String>,
        /// The server's own words; they may quote the address.
        pub words: Option<String>,
        pub did: Did,
        pub note: String,
    }
}

/// Something that comes back, to be kept under its mark.
pub struct New<'a> {
    pub mark: &'a str,
    pub subscriber_id: Option<Uuid>,
    pub row: Returned,
}

/// How long what came back of a delivery is kept: as long as anybody may ask why a reader gets no mail.
const KEEP: Duration = Duration::days(730);

/// Mails that name no delivery of ours, which anybody can send: how long they are kept, and within how many of the
/// newest rows.
const KEEP_STRANGE: Duration = Duration::days(90);
const MOST_STRANGE: i64 = 10_000;

/// So much is kept of one delivery; a reader who knows its return path could send any number.
const MOST_OF_ONE: i64 = 50;

const COLUMNS: &str =
    "at, way, kind, class, reason, because, status, delivery_id, domain, words, did, note";

/// An enhanced status code as servers write it: `5.1.1`.
pub fn status_text(status: Status) -> String {
    let (class, subject, detail) = status;
    format!("{class}.{subject}.{detail}")
}

/// Keeps what came back, unless it came before or too much came of that delivery already.
pub async fn add(tx: &mut Tx, new: &New<'_>) -> sqlx::Result<()> {
    let row = &new.row;
    let id: Option<i64> = on!(&mut *tx, |conn| {
        sqlx::query_scalar(
            "INSERT INTO returned (mark, at, way, kind, class, reason, because, status, delivery_id, subscriber_id, \
             domain, words, did, note) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 \
             WHERE (SELECT count(*) FROM returned WHERE delivery_id = $9) < $15 \
             ON CONFLICT (mark) DO NOTHING RETURNING id",
        )
        .bind(new.mark)
        .bind(row.at)
        .bind(row.way.as_str())
        .bind(row.kind.as_str())
        .bind(row.class.map(Class::as_str))
        .bind(&row.reason)
        .bind(&row.because)
        .bind(&row.status)
        .bind(row.delivery_id)
        .bind(new.subscriber_id)
        .bind(&row.domain)
        .bind(&row.words)
        .bind(row.did.as_str())
        .bind(&row.note)
        .bind(MOST_OF_ONE)
        .fetch_optional(conn)
        .await
    })?;
    if let (Some(id), None) = (id, row.delivery_id) {
        forget_strange(tx, id).await?;
    }
    Ok(())
}

/// Corrects what was done about the thing with this mark.
pub async fn set_did(tx: &mut Tx, mark: &str, did: Did, note: &str) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE returned SET did = $2, note = $3 WHERE mark = $1"
    )
    .bind(mark)
    .bind(did.as_str())
    .bind(note)
    .execute(conn)
    .await
    .map(drop))
}

/// Whether this came before.
pub async fn is_known(tx: &mut Tx, mark: &str) -> sqlx::Result<bool> {
    let found: i64 = on!(tx, |conn| sqlx::query_scalar(
        "SELECT count(*) FROM returned WHERE mark = $1"
    )
    .bind(mark)
    .fetch_one(conn)
    .await)?;
    Ok(found > 0)
}

/// What came back by mail or from a provider about a delivery and meant something for it: how much of it failed, and how
/// much of that was a refusal of the address or of the sender.
pub async fn failures(tx: &mut Tx, delivery: i64) -> sqlx::Result<(i64, i64)> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT count(*), count(*) FILTER (WHERE class IN ('hard', 'block')) FROM returned \
             WHERE delivery_id = $1 AND way <> 'relay' AND kind = 'bounce' AND did <> 'noted'",
        )
        .bind(delivery)
        .fetch_one(conn)
        .await
    })
}

/// The newest delivery that the relay took for a reader, by their address.
pub async fn newest_sent(tx: &mut Tx, address_hash: &[u8]) -> sqlx::Result<Option<i64>> {
    on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT d.id FROM delivery d JOIN subscriber s ON s.id = d.subscriber_id \
             WHERE s.address_hash = $1 AND d.state IN ('accepted', 'unknown', 'bounced') \
             ORDER BY d.first_tried_at DESC, d.id DESC LIMIT 1",
        )
        .bind(address_hash)
        .fetch_optional(conn)
        .await
    })
}

/// Everything that came back of a reader's deliveries, oldest first.
pub async fn of_reader(tx: &mut Tx, reader: Uuid) -> sqlx::Result<Vec<Returned>> {
    let sql = format!("SELECT {COLUMNS} FROM returned WHERE subscriber_id = $1 ORDER BY at, id");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(reader)
        .fetch_all(conn)
        .await)
}

/// Forgets what is too old.
pub async fn tidy(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<()> {
    for (sql, before) in [
        (
            "DELETE FROM returned WHERE at < $1 AND delivery_id IS NULL",
            now - KEEP_STRANGE,
        ),
        ("DELETE FROM returned WHERE at < $1", now - KEEP),
        ("DELETE FROM kept WHERE at < $1", now - kept::KEEP),
    ] {
        on!(&mut *tx, |conn| sqlx::query(sql)
            .bind(before)
            .execute(conn)
            .await
            .map(drop))?;
    }
    Ok(())
}

/// Forgets what strangers sent before the row of this id, beyond what is kept of it.
async fn forget_strange(tx: &mut Tx, id: i64) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM returned WHERE delivery_id IS NULL AND id <= $1"
    )
    .bind(id - MOST_STRANGE)
    .execute(conn)
    .await
    .map(drop))
}
