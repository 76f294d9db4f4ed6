//! One reader, entered by hand with the consent that they gave elsewhere.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{Tx, on};
use crate::outbox::{self, Event};
use crate::secret::Keys;
use crate::subscriber::{self, Address, Pending};
use crate::subscription::{self, Act, Preferences, State};
use crate::suppression::{self, Reason};

/// Longest account of how a consent was given, in characters.
const LONGEST_SOURCE: usize = 200;

/// Who is to be entered.
pub struct Entry<'a> {
    pub id: Uuid,
    pub address: &'a Address,
    pub name: &'a str,
    pub preferences: &'a Preferences,
    /// How the consent was given, and when.
    pub consent_source: &'a str,
    pub consent_at: DateTime<Utc>,
    /// When it runs out, if it was only implied.
    pub consent_until: Option<DateTime<Utc>>,
}

/// What an entry came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    Added,
    /// There is a reader of this address.
    Known(Uuid, State),
    /// The address gets no mail: only its owner can ask for that.
    Suppressed(Reason),
}

/// Whether a text can be an account of how a consent was given.
pub fn is_a_source(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= LONGEST_SOURCE
        && !text.chars().any(char::is_control)
}

/// Adds an active reader, unless the address is a reader's already or gets no mail.
pub async fn enter(
    tx: &mut Tx,
    keys: &Keys,
    entry: &Entry<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<Entered> {
    let address_hash = entry.address.hash(keys);
    if let Some(known) = subscriber::by_address(tx, &address_hash).await? {
        return Ok(Entered::Known(known.id, known.state));
    }
    if let Some(found) = suppression::of(tx, &address_hash).await? {
        return Ok(Entered::Suppressed(found.reason));
    }
    let new = Pending {
        id: entry.id,
        address: entry.address,
        address_hash,
        name: entry.name,
        preferences: entry.preferences,
    };
    subscriber::add(tx, &new, now).await?;
    subscription::begin(tx, entry.id, entry.consent_at).await?;
    expire(tx, entry.id, entry.consent_until).await?;
    record(tx, &address_hash, entry, now).await?;
    outbox::tell(tx, Event::Subscribed, &address_hash, now).await?;
    Ok(Entered::Added)
}

async fn expire(tx: &mut Tx, id: Uuid, until: Option<DateTime<Utc>>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE subscriber SET consent_until = $2 WHERE id = $1"
    )
    .bind(id)
    .bind(until)
    .execute(conn)
    .await
    .map(drop))
}

/// The consent is as old as was told; it is written down now.
async fn record(
    tx: &mut Tx,
    address_hash: &[u8],
    entry: &Entry<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
        "INSERT INTO consent (address_hash, act, at, source, recorded_at) VALUES ($1, $2, $3, $4, $5)"
    )
    .bind(address_hash)
    .bind(Act::Granted.as_str())
    .bind(entry.consent_at)
    .bind(entry.consent_source)
    .bind(now)
    .execute(conn)
    .await
    .map(drop)
    })
}
