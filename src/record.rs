//! The record of who looked at what is held of readers, or took it away: written before anything is shown, and only ever
//! added to. It holds no address; a reader stands in it by their id until they are erased.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::db::{Tx, on, row, word};

word! {
    /// What was looked at, or taken away.
    pub enum What {
        /// Everything held of one reader.
        Subscriber = "subscriber",
        /// The list of readers.
        Subscribers = "subscribers",
        /// Addresses that get no mail.
        Suppressions = "suppressions",
        /// Which mails wait for a person, without their text.
        KeptMails = "kept_mails",
        /// The text of such a mail.
        KeptMail = "kept_mail",
        /// A digest as one reader gets it.
        Preview = "preview",
    }
}

row! {
    /// One line of the record.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct Reading {
        pub id: i64,
        pub at: DateTime<Utc>,
        /// A user of the host, or of the desk.
        pub who: String,
        pub what: What,
        /// Where it was one reader who is not erased.
        pub subscriber_id: Option<Uuid>,
        /// Of how many readers something was shown.
        pub readers: i64,
    }
}

/// What somebody is about to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// A user of the host, or of the desk.
    pub who: &'a str,
    pub what: What,
    /// Where it is one reader.
    pub subscriber: Option<Uuid>,
    pub readers: i64,
}

/// Writes a line; what it is about may be shown once the transaction has been committed.
pub async fn note(tx: &mut Tx, shown: &Shown<'_>, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO reading (at, who, what, subscriber_id, readers) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(now)
        .bind(shown.who)
        .bind(shown.what.as_str())
        .bind(shown.subscriber)
        .bind(shown.readers)
        .execute(conn)
        .await
        .map(drop)
    })
}

/// The newest lines first, at most `limit`, of all readers or of one.
pub async fn newest(tx: &mut Tx, reader: Option<Uuid>, limit: i64) -> sqlx::Result<Vec<Reading>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT id, at, who, what, subscriber_id, readers FROM reading \
             WHERE $1 IS NULL OR subscriber_id = $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(reader)
        .bind(limit)
        .fetch_all(conn)
        .await
    })
}

/// Who looked at one reader, oldest first.
pub async fn of_reader(tx: &mut Tx, reader: Uuid) -> sqlx::Result<Vec<Reading>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT id, at, who, what, subscriber_id, readers FROM reading WHERE subscriber_id = $1 ORDER BY id",
        )
        .bind(reader)
        .fetch_all(conn)
        .await
    })
}
