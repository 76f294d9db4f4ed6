//! Suppressions: addresses that get no mail, and why. Only a keyed hash of the address is kept.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use sqlx::types::Json;

use crate::db::{Tx, on, row, word};

word! {
    /// Why an address gets no mail.
    pub enum Reason {
        /// Its mail server said for good that there is no such mailbox.
        HardBounce = "hard_bounce",
        Complaint = "complaint",
        /// The reader asked to be forgotten.
        Erased = "erased",
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

/// Suppresses an address. The first reason stays.
pub async fn suppress(
    tx: &mut Tx,
    address_hash: &[u8],
    reason: Reason,
    note: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "INSERT INTO suppression (address_hash, reason, note, since) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (address_hash) DO NOTHING",
    )
    .bind(address_hash)
    .bind(reason.as_str())
    .bind(note)
    .bind(now)
    .execute(conn)
    .await
    .map(drop))
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

/// Why an address is suppressed, if it is.
pub async fn of(tx: &mut Tx, address_hash: &[u8]) -> sqlx::Result<Option<Suppression>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT reason, note, since FROM suppression WHERE address_hash = $1"
    )
    .bind(address_hash)
    .fetch_optional(conn)
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
