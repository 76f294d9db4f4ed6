//! Letters: messages that one person asked for, such as a confirmation. Each is a delivery like any other, of a campaign
//! of its own that has no issue.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::{Tx, on};
use crate::subscriber::Address;
use crate::subscription::{Frequency, Language};

/// The campaign under which letters go out, before every other.
pub const CAMPAIGN: i64 = 0;

/// How long the link of a confirmation works; once.
pub const CONFIRM_DAYS: u32 = 7;

/// How long a fresh link works.
pub const FRESH_HOURS: u32 = 24;

/// A letter as its delivery keeps it (JSON): all of it that the reader's own row does not tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    /// When it was written: the date that the message bears, however often it is tried.
    pub at: DateTime<Utc>,
    pub language: Language,
    /// Where it goes, if not to the reader's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(flatten)]
    pub says: Says,
}

/// What a letter says. `request` is what its link belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "snake_case")]
pub enum Says {
    /// Is it you who asked for this? (Double opt-in.)
    Confirm {
        request: Uuid,
        topics: Vec<String>,
        research_types: Vec<String>,
        frequency: Frequency,
    },
    /// Somebody asked for what the reader has.
    AlreadySubscribed,
    Welcome {
        latest: Option<Latest>,
    },
    /// The newest on topics that the reader added, as they asked.
    ToBeginWith {
        /// The id of each summary, its title, and the language of that.
        summaries: Vec<(i64, String, String)>,
    },
    Goodbye,
    /// A link to what wants more than the link of a digest.
    FreshLink {
        request: Uuid,
    },
    /// Shall digests come to this address?
    ConfirmAddress {
        request: Uuid,
    },
    /// To the address that was: they go elsewhere now.
    AddressChanged {
        new_masked: String,
    },
    /// A consent that was only implied runs out: shall digests go on coming?
    ConsentEnds {
        until: DateTime<Utc>,
    },
    /// Here is what we hold about you.
    ExportReady {
        request: Uuid,
    },
    /// To somebody with an account at the desk: a link by which they set their password.
    PasswordLink {
        link: Uuid,
    },
}

/// What the newest issue had on a reader's topics when they came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latest {
    pub month: String,
    /// The id of each summary, and its title.
    pub summaries: Vec<(i64, String)>,
}

impl Letter {
    /// Reads a delivery's content; `None` for a digest's.
    pub fn of(content: &str) -> Option<Letter> {
        let letter = content.starts_with('{').then_some(content)?;
        serde_json::from_str(letter).ok()
    }

    /// Whether it may go to an address that gets no mail: only to ask whether it may again. Who may be asked was settled
    /// when it was written.
    pub fn asks_for_consent(&self) -> bool {
        matches!(self.says, Says::Confirm { .. })
    }
}

/// Queues a letter for a reader, due at `now`. `number` tells it from the reader's other letters: one that is queued
/// again under its number changes nothing.
pub async fn queue(
    tx: &mut Tx,
    reader: Uuid,
    number: Uuid,
    letter: &Letter,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    // Any 63 of a random number's bits tell as much.
    let number = (number.as_u128() as i64 & i64::MAX).max(1);
    add(tx, Some(reader), number, letter, now).await
}

/// Queues a letter for somebody who is no reader, such as an admin. No bounce of it is held against any reader.
pub async fn queue_to(
    tx: &mut Tx,
    address: &Address,
    number: Uuid,
    letter: Letter,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let letter = Letter {
        to: Some(address.as_str().to_owned()),
        ..letter
    };
    // Below zero: a letter without a reader whose reader was not erased.
    let number = -(number.as_u128() as i64 & i64::MAX).max(1);
    add(tx, None, number, &letter, now).await
}

async fn add(
    tx: &mut Tx,
    reader: Option<Uuid>,
    number: i64,
    letter: &Letter,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let content = serde_json::to_string(letter).expect("texts and times are JSON");
    let queued = on!(&mut *tx, |conn| {
        sqlx::query(
            "INSERT INTO delivery (campaign_id, subscriber_id, letter, content, state, due_at, attempts, changed_at) \
             VALUES ($1, $2, $3, $4, 'waiting', $5, 0, $5) ON CONFLICT DO NOTHING",
        )
        .bind(CAMPAIGN)
        .bind(reader)
        .bind(number)
        .bind(content)
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() as i64)
    })?;
    on!(&mut *tx, |conn| sqlx::query(
        "UPDATE campaign SET planned = planned + $2 WHERE id = $1"
    )
    .bind(CAMPAIGN)
    .bind(queued)
    .execute(conn)
    .await
    .map(drop))?;
    tx.wake_senders().await
}

/// Forgets letters that came to their end before `before`. Of the newest delivery of all the row stays, empty: SQLite would
/// give its number to the next one, and what comes back of the one would be taken for the other's.
pub async fn forget(tx: &mut Tx, before: DateTime<Utc>) -> sqlx::Result<()> {
    let gone = on!(&mut *tx, |conn| {
        sqlx::query(
            "DELETE FROM delivery WHERE campaign_id = $1 AND due_at IS NULL AND claimed_by IS NULL AND changed_at < $2 \
             AND id < (SELECT max(id) FROM delivery)",
        )
        .bind(CAMPAIGN)
        .bind(before)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() as i64)
    })?;
    on!(&mut *tx, |conn| {
        sqlx::query(
            "UPDATE delivery SET content = '', reply = NULL WHERE campaign_id = $1 AND due_at IS NULL \
             AND claimed_by IS NULL AND changed_at < $2 AND content <> ''",
        )
        .bind(CAMPAIGN)
        .bind(before)
        .execute(conn)
        .await
        .map(drop)
    })?;
    if gone == 0 {
        return Ok(());
    }
    on!(tx, |conn| sqlx::query(
        "UPDATE campaign SET planned = planned - $2 WHERE id = $1"
    )
    .bind(CAMPAIGN)
    .bind(gone)
    .execute(conn)
    .await
    .map(drop))
}
