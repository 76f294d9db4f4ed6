//! Suppressions: addresses that get no mail, and why. Only a keyed hash of the address is kept.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde::Serialize;
use sqlx::types::Json;

use crate::db::{Tx, on, row, word};

word! {
    /// Why an address gets no mail.
    pub enum Reason {
        /// Its mail server said for good that there is no such mailbox.
        HardBounce = "hard_bounce",
        /// It failed softly again and again.
        SoftBounces = "soft_bounces",
        /// The reader called a mail spam.
        Complaint = "complaint",
        /// The reader asked to be forgotten.
        Erased = "erased",
        /// They left, and their address is no longer kept.
        Left = "left",
        /// The operator decided.
        Manual = "manual",
    }
}

row! {
    #[derive(Clone, Debug)]
    pub struct Suppression {
        pub reason: Reason,
        /// What led to it, in words; holds no address.
        pub note: String,
        pub since: DateTime<Utc>,
    }
}

row! {
    /// A suppression with the address, where a subscriber still has it.
    #[derive(Clone)]
    pub struct Listed {
        pub address_hash: Vec<u8>,
        pub address: Option<String>,
        pub reason: Reason,
        pub note: String,
        pub since: DateTime<Utc>,
    }
}

row! {
    /// A suppression that the operator lifted.
    #[derive(Clone, Debug, Serialize)]
    pub struct Released {
        pub reason: Reason,
        pub note: String,
        pub since: DateTime<Utc>,
        pub released_at: DateTime<Utc>,
        /// Why it was lifted.
        pub because: String,
    }
}

/// Suppresses an address. The first reason stays, unless the new one is the stronger: what a reader said stands above what
/// their mail server said, and no mailbox at all above one that fails.
pub async fn suppress(
    tx: &mut Tx,
    address_hash: &[u8],
    reason: Reason,
    note: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
        "INSERT INTO suppression (address_hash, reason, note, since) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (address_hash) DO UPDATE SET reason = excluded.reason, note = excluded.note, since = excluded.since \
         WHERE (suppression.reason = 'soft_bounces' AND excluded.reason IN ('hard_bounce', 'complaint')) \
         OR (suppression.reason = 'hard_bounce' AND excluded.reason = 'complaint')",
    )
    .bind(address_hash)
    .bind(reason.as_str())
    .bind(note)
    .bind(now)
    .execute(conn)
    .await
    .map(drop)
    })
}

/// Lets an address have mail again.
pub async fn lift(tx: &mut Tx, address_hash: &[u8]) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM suppression WHERE address_hash = $1"
    )
    .bind(address_hash)
    .execute(conn)
    .await
    .map(drop))
}

/// Lets an address have mail again because the operator says so, and keeps what was; `None` when nothing was. `because`
/// holds no address.
pub async fn release(
    tx: &mut Tx,
    address_hash: &[u8],
    because: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Suppression>> {
    let Some(found) = of(tx, address_hash).await? else {
        return Ok(None);
    };
    lift(tx, address_hash).await?;
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO released (address_hash, reason, note, since, released_at, because) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(address_hash)
        .bind(found.reason.as_str())
        .bind(&found.note)
        .bind(found.since)
        .bind(now)
        .bind(because)
        .execute(conn)
        .await
        .map(drop)
    })?;
    Ok(Some(found))
}

/// Whether the operator has released the address since `since`.
pub async fn was_released(
    tx: &mut Tx,
    address_hash: &[u8],
    since: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let released: i64 = on!(tx, |conn| sqlx::query_scalar(
        "SELECT count(*) FROM released WHERE address_hash = $1 AND released_at > $2"
    )
    .bind(address_hash)
    .bind(since)
    .fetch_one(conn)
    .await)?;
    Ok(released > 0)
}

/// What the operator has released of an address, oldest first.
pub async fn releases(tx: &mut Tx, address_hash: &[u8]) -> sqlx::Result<Vec<Released>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT reason, note, since, released_at, because FROM released WHERE address_hash = $1 ORDER BY id",
        )
        .bind(address_hash)
        .fetch_all(conn)
        .await
    })
}

/// Why an address is suppressed, if it is.
pub async fn of(tx: &mut Tx, address_hash: &[u8]) -> sqlx::Result<Option<Suppression>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT reason, note, since FROM suppression WHERE address_hash = $1"
    )
    .bind(address_hash)
    .fetch_optional(conn)
    .await)
}

const LISTED: &str = "SELECT x.address_hash, s.address, x.reason, x.note, x.since \
     FROM suppression x LEFT JOIN subscriber s ON s.address_hash = x.address_hash";

/// The newest suppressions, of one reason or of all, at most `limit`.
pub async fn newest(tx: &mut Tx, reason: Option<Reason>, limit: i64) -> sqlx::Result<Vec<Listed>> {
    let sql = format!(
        "{LISTED} WHERE $1 IS NULL OR x.reason = $1 ORDER BY x.since DESC, x.address_hash LIMIT $2"
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(reason.map(Reason::as_str))
        .bind(limit)
        .fetch_all(conn)
        .await)
}

/// The next ones that are older than `behind`, the newest first, at most `limit`.
pub async fn older(
    tx: &mut Tx,
    (since, address_hash): (DateTime<Utc>, &[u8]),
    limit: i64,
) -> sqlx::Result<Vec<Listed>> {
    let sql = format!(
        "{LISTED} WHERE (x.since, x.address_hash) < ($1, $2) ORDER BY x.since DESC, x.address_hash DESC LIMIT $3"
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(since)
        .bind(address_hash)
        .bind(limit)
        .fetch_all(conn)
        .await)
}

/// Up to `limit` suppressions behind this hash, in the order of the hashes: all of them, page by page.
pub async fn page(tx: &mut Tx, after: &[u8], limit: i64) -> sqlx::Result<Vec<Listed>> {
    let sql = format!("{LISTED} WHERE x.address_hash > $1 ORDER BY x.address_hash LIMIT $2");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(after)
        .bind(limit)
        .fetch_all(conn)
        .await)
}

/// How many there are.
pub async fn count(tx: &mut Tx) -> sqlx::Result<i64> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT count(*) FROM suppression"
    )
    .fetch_one(conn)
    .await)
}

/// Which of these hashes are suppressed.
pub async fn suppressed(tx: &mut Tx, hashes: &[Vec<u8>]) -> sqlx::Result<Vec<Vec<u8>>> {
    let rows = tx.rows();
    let sql = format!(
        "SELECT address_hash FROM suppression WHERE address_hash IN (SELECT {} FROM {})",
        rows.bytes("hash"),
        rows.all()
    );
    let hashes: Vec<serde_json::Value> = hashes
        .iter()
        .map(|hash| serde_json::json!({ "hash": HEXLOWER.encode(hash) }))
        .collect();
    on!(tx, |conn| sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(Json(&hashes))
        .fetch_all(conn)
        .await)
}
