//! Mails that came back and want a person: what could not be read, and what people wrote to an address of ours.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::Way;
use crate::db::{Tx, on, row};

/// So many bytes of a mail are kept, from its beginning.
pub const MOST_BYTES: usize = 256 * 1024;

/// So many mails are kept, the newest ones, and for so long.
const MOST: i64 = 500;
pub(super) const KEEP: Duration = Duration::days(90);

row! {
    /// A kept mail without its text.
    #[derive(Clone, Debug, Serialize)]
    pub struct Kept {
        pub id: i64,
        pub at: DateTime<Utc>,
        pub way: Way,
        pub why: String,
        pub delivery_id: Option<i64>,
        /// How long it was.
        pub bytes: i64,
    }
}

/// A mail to be kept.
pub struct New<'a> {
    pub mark: &'a str,
    pub at: DateTime<Utc>,
    pub way: Way,
    /// Holds no address.
    pub why: &'a str,
    pub delivery: Option<i64>,
    /// Of the address that wrote it.
    pub address_hash: Option<[u8; 32]>,
    pub mail: &'a [u8],
}

/// Keeps a mail, once.
pub async fn add(tx: &mut Tx, new: &New<'_>) -> sqlx::Result<()> {
    let beginning = &new.mail[..new.mail.len().min(MOST_BYTES)];
    let id: Option<i64> = on!(&mut *tx, |conn| {
        sqlx::query_scalar(
            "INSERT INTO kept (mark, at, way, why, delivery_id, subscriber_id, address_hash, bytes, mail) \
             VALUES ($1, $2, $3, $4, $5, (SELECT subscriber_id FROM delivery WHERE id = $5), $6, $7, $8) ON CONFLICT (mark) DO NOTHING RETURNING id",
        )
        .bind(new.mark)
        .bind(new.at)
        .bind(new.way.as_str())
        .bind(new.why)
        .bind(new.delivery)
        .bind(new.address_hash.as_ref().map(|hash| hash.as_slice()))
        .bind(new.mail.len() as i64)
        .bind(beginning)
        .fetch_optional(conn)
        .await
    })?;
    let Some(id) = id else {
        return Ok(());
    };
    on!(tx, |conn| sqlx::query("DELETE FROM kept WHERE id <= $1")
        .bind(id - MOST)
        .execute(conn)
        .await
        .map(drop))
}

/// All of them, oldest first.
pub async fn list(tx: &mut Tx) -> sqlx::Result<Vec<Kept>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT id, at, way, why, delivery_id, bytes FROM kept ORDER BY id"
    )
    .fetch_all(conn)
    .await)
}

/// How many there are.
pub async fn count(tx: &mut Tx) -> sqlx::Result<i64> {
    on!(tx, |conn| sqlx::query_scalar("SELECT count(*) FROM kept")
        .fetch_one(conn)
        .await)
}

/// The mail itself, as it came.
pub async fn mail(tx: &mut Tx, id: i64) -> sqlx::Result<Option<Vec<u8>>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT mail FROM kept WHERE id = $1"
    )
    .bind(id)
    .fetch_optional(conn)
    .await)
}

/// One of them without its text.
pub async fn by_id(tx: &mut Tx, id: i64) -> sqlx::Result<Option<Kept>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT id, at, way, why, delivery_id, bytes FROM kept WHERE id = $1"
    )
    .bind(id)
    .fetch_optional(conn)
    .await)
}

/// Whose it is, if it came to the return path of a delivery, or from the address, of a reader whom we still know.
pub async fn reader_of(tx: &mut Tx, id: i64) -> sqlx::Result<Option<Uuid>> {
    let found: Option<Option<Uuid>> = on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT COALESCE(k.subscriber_id, s.id) FROM kept k LEFT JOIN subscriber s ON s.address_hash = k.address_hash \
             WHERE k.id = $1",
        )
        .bind(id)
        .fetch_optional(conn)
        .await
    })?;
    Ok(found.flatten())
}

/// Forgets one; `false` when there is none of that number.
pub async fn drop_it(tx: &mut Tx, id: i64) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query("DELETE FROM kept WHERE id = $1")
        .bind(id)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() == 1))
}

/// What a reader wrote, or came to the return path of a delivery of theirs: the lines of each mail, as text.
pub async fn of_reader(
    tx: &mut Tx,
    reader: Uuid,
    address_hash: &[u8],
) -> sqlx::Result<Vec<Vec<String>>> {
    let mails: Vec<Vec<u8>> = on!(tx, |conn| sqlx::query_scalar(
        "SELECT mail FROM kept WHERE subscriber_id = $1 OR address_hash = $2 ORDER BY id"
    )
    .bind(reader)
    .bind(address_hash)
    .fetch_all(conn)
    .await)?;
    let texts = mails.iter().map(|mail| String::from_utf8_lossy(mail));
    let lines = texts.map(|text| {
        let text = text.replace("\r\n", "\n");
        text.split(['\r', '\n']).map(str::to_owned).collect()
    });
    Ok(lines.collect())
}

/// Forgets what somebody wrote from this address.
pub async fn forget_writer(tx: &mut Tx, address_hash: &[u8]) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM kept WHERE address_hash = $1"
    )
    .bind(address_hash)
    .execute(conn)
    .await
    .map(drop))
}
