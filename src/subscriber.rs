//! Subscribers: people, each by one address.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use sqlx::types::Json;
use uuid::Uuid;

use crate::address_book;
use crate::campaign::DeliveryState;
use crate::config::OnNothing;
use crate::db::{Tx, on, row};
use crate::outbox;
use crate::secret::Keys;
use crate::subscription::{self, Choice, Format, Frequency, Language, Preferences, State};

/// An address that mail can be sent to: local part as written, domain as lower-case A-labels (RFC 5890).
///
/// No quoted local parts, comments or address literals: no reader has them, and they are how headers get forged.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    text: String,
    at: usize,
}

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the address is empty")]
    Empty,
    #[error("the address has no '@'")]
    NoAt,
    #[error(
        "the part before '@' is empty, too long (64 bytes), or has a character that is not allowed there"
    )]
    LocalPart,
    #[error("the domain is not a domain name with at least one dot")]
    Domain,
    #[error("the address is longer than 254 bytes")]
    TooLong,
}

impl Address {
    /// Reads an address as a person writes it; space around it does not count.
    pub fn parse(written: &str) -> Result<Address, AddressError> {
        let written = written.trim();
        if written.is_empty() {
            return Err(AddressError::Empty);
        }
        let (local, domain) = written.rsplit_once('@').ok_or(AddressError::NoAt)?;
        if !is_local_part(local) {
            return Err(AddressError::LocalPart);
        }
        let domain = ascii_domain(domain).ok_or(AddressError::Domain)?;
        if local.len() + 1 + domain.len() > 254 {
            return Err(AddressError::TooLong);
        }
        Ok(Address {
            text: format!("{local}@{domain}"),
            at: local.len(),
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn into_string(self) -> String {
        self.text
    }

    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// Enough of it for its owner to know it, too little for anybody else: `a•••@e•••.org`.
    pub fn masked(&self) -> String {
        let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
        let (host, top) = self
            .domain()
            .rsplit_once('.')
            .unwrap_or((self.domain(), ""));
        format!("{}•••@{}•••.{top}", first(&self.text), first(host))
    }

    /// The same for every way of writing the address that reaches the same mailbox in practice.
    pub fn normalised(&self) -> String {
        self.text.to_lowercase()
    }

    /// What stands for this address in suppressions and consents.
    pub fn hash(&self, keys: &Keys) -> [u8; 32] {
        keys.address_hash(&self.normalised())
    }
}

/// Addresses are kept out of logs: only `as_str` shows one.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(address)")
    }
}

row! {
    /// A subscriber as the database has it.
    #[derive(Clone)]
    pub struct Subscriber {
        pub id: Uuid,
        pub address: String,
        pub address_hash: Vec<u8>,
        /// Empty when not told.
        pub name: String,
        pub state: State,
        pub topics: Json<Vec<String>>,
        pub research_types: Json<Vec<String>>,
        pub frequency: Frequency,
        pub format: Format,
        pub language: Language,
        /// An IANA name.
        pub time_zone: String,
        /// `None` leaves it to the operator.
        pub on_nothing: Option<OnNothing>,
        /// When the consent that we act on was given.
        pub since: DateTime<Utc>,
        /// Digests come again from then on.
        pub paused_until: Option<DateTime<Utc>>,
        /// When a consent that was only implied runs out.
        pub consent_until: Option<DateTime<Utc>>,
    }
}

impl Subscriber {
    /// What the reader has chosen.
    pub fn preferences(&self) -> Preferences {
        Preferences {
            choice: Choice::new(self.topics.0.clone(), self.research_types.0.clone()),
            frequency: self.frequency,
            format: self.format,
            language: self.language,
            on_nothing: self.on_nothing,
        }
    }
}

row! {
    /// One mail of a reader's, and what became of it.
    #[derive(Clone, Debug, Serialize)]
    pub struct Delivered {
        pub month: String,
        pub state: DeliveryState,
        pub attempts: i64,
        /// The relay's last words.
        pub reply: Option<String>,
    }
}

const COLUMNS: &str = "SELECT s.id, s.address, s.address_hash, s.name, s.state, c.topics, c.research_types, \
     s.frequency, s.format, s.language, s.time_zone, s.on_nothing, s.since, s.paused_until, s.consent_until \
     FROM subscriber s JOIN choice c ON c.id = s.choice_id";

/// Longest name, in characters.
const LONGEST_NAME: usize = 200;

/// Whether a text may be a reader's name, of which it may be the empty one: it goes into a header and onto pages.
pub fn is_a_name(text: &str) -> bool {
    let is_fit = |c: char| c == ' ' || !(c.is_whitespace() || c.is_control() || is_invisible(c));
    text.chars().count() <= LONGEST_NAME && text.chars().all(is_fit)
}

/// The subscriber of an address, by its hash.
pub async fn by_address(tx: &mut Tx, address_hash: &[u8]) -> sqlx::Result<Option<Subscriber>> {
    let sql = format!("{COLUMNS} WHERE s.address_hash = $1");
    on!(tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .bind(address_hash)
        .fetch_optional(conn)
        .await)
}

/// The subscriber of an id.
pub async fn by_id(tx: &mut Tx, id: Uuid) -> sqlx::Result<Option<Subscriber>> {
    let sql = format!("{COLUMNS} WHERE s.id = $1");
    on!(tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .bind(id)
        .fetch_optional(conn)
        .await)
}

/// Up to `limit` subscribers after `after` in the order of their ids: all of them, page by page, in bounded memory.
pub async fn page(tx: &mut Tx, after: Uuid, limit: i64) -> sqlx::Result<Vec<Subscriber>> {
    let sql = format!("{COLUMNS} WHERE s.id > $1 ORDER BY s.id LIMIT $2");
    on!(tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .bind(after)
        .bind(limit)
        .fetch_all(conn)
        .await)
}

/// How many there are.
pub async fn count(tx: &mut Tx) -> sqlx::Result<i64> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT count(*) FROM subscriber"
    )
    .fetch_one(conn)
    .await)
}

/// The subscribers of these ids, in no order; unknown ids are passed over.
pub async fn of_ids(tx: &mut Tx, ids: &[Uuid]) -> sqlx::Result<Vec<Subscriber>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    on!(tx, |conn| {
        let mut query = sqlx::QueryBuilder::<Driver>::new(format!("{COLUMNS} WHERE s.id IN ("));
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        query.push(")");
        query.build_query_as().fetch_all(conn).await
    })
}

/// A subscriber who is to confirm first.
pub struct Pending<'a> {
    pub id: Uuid,
    pub address: &'a Address,
    pub address_hash: [u8; 32],
    pub name: &'a str,
    pub preferences: &'a Preferences,
}

/// Keeps a new subscriber who gets nothing but the letter that asks for a confirmation.
pub async fn add(tx: &mut Tx, new: &Pending<'_>, now: DateTime<Utc>) -> sqlx::Result<()> {
    let preferences = new.preferences;
    let entry = (new.id, new.address.normalised());
    address_book::enter(tx, &[entry]).await?;
    let [topics, types] = preferences.choice.as_json();
    let choice = preferences.choice.id();
    subscription::keep_choices(tx, &[(choice, [&topics, &types])]).await?;
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO subscriber (id, address, address_hash, name, state, choice_id, frequency, format, language,              time_zone, on_nothing, since) VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, '', $9, $10)",
        )
        .bind(new.id)
        .bind(new.address.as_str())
        .bind(new.address_hash.as_slice())
        .bind(new.name)
        .bind(choice)
        .bind(preferences.frequency.as_str())
        .bind(preferences.format.as_str())
        .bind(preferences.language.as_str())
        .bind(preferences.on_nothing.map(OnNothing::as_str))
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
    })
}

/// Gives a subscriber another address.
pub async fn move_to(
    tx: &mut Tx,
    id: Uuid,
    address: &Address,
    address_hash: &[u8],
) -> sqlx::Result<()> {
    address_book::strike(tx, id).await?;
    address_book::enter(tx, &[(id, address.normalised())]).await?;
    on!(tx, |conn| sqlx::query(
        "UPDATE subscriber SET address = $2, address_hash = $3 WHERE id = $1"
    )
    .bind(id)
    .bind(address.as_str())
    .bind(address_hash)
    .execute(conn)
    .await
    .map(drop))
}

/// Sets what the reader is called and in which zone they live; an empty name or zone is none.
pub async fn describe(tx: &mut Tx, id: Uuid, name: &str, time_zone: &str) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE subscriber SET name = $2, time_zone = $3 WHERE id = $1"
    )
    .bind(id)
    .bind(name)
    .bind(time_zone)
    .execute(conn)
    .await
    .map(drop))
}

/// What stands for a subscriber's address; `None` once they are erased.
pub async fn address_hash(tx: &mut Tx, id: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT address_hash FROM subscriber WHERE id = $1"
    )
    .bind(id)
    .fetch_optional(conn)
    .await)
}

/// A reader's mails, the newest issue first.
pub async fn deliveries(tx: &mut Tx, id: Uuid) -> sqlx::Result<Vec<Delivered>> {
    on!(tx, |conn| {
        sqlx::query_as(
        "SELECT i.month, d.state, d.attempts, d.reply FROM delivery d JOIN campaign c ON c.id = d.campaign_id \
         JOIN issue i ON i.id = c.issue_id WHERE d.subscriber_id = $1 ORDER BY i.month DESC",
    )
    .bind(id)
    .fetch_all(conn)
    .await
    })
}

/// Waits for plans that are being made on PostgreSQL, whose deliveries nobody else sees yet, and keeps others from
/// beginning until the transaction ends. (SQLite has one writer at a time.)
pub async fn wait_for_plans(tx: &mut Tx) -> sqlx::Result<()> {
    hold(tx, "SELECT pg_advisory_xact_lock($1)").await
}

/// Keeps subscribers from being removed until the transaction ends; any number of plans may do so at once.
pub async fn keep_all(tx: &mut Tx) -> sqlx::Result<()> {
    hold(tx, "SELECT pg_advisory_xact_lock_shared($1)").await
}

async fn hold(tx: &mut Tx, sql: &'static str) -> sqlx::Result<()> {
    /// Any number, as long as nothing else in this database takes it: "plan" in ASCII.
    const PLANS: i64 = 0x706c_616e;
    match tx {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(tx) => sqlx::query(sql)
            .bind(PLANS)
            .execute(&mut **tx)
            .await
            .map(drop),
    }
}

/// Removes the subscriber, and their id from their deliveries what came back of these, and the record of who looked at
/// them; what waits for them must have been settled before.
pub async fn remove(tx: &mut Tx, id: Uuid) -> sqlx::Result<()> {
    address_book::strike(tx, id).await?;
    outbox::forget_reader(tx, id).await?;
    for sql in [
        "UPDATE delivery SET subscriber_id = NULL WHERE subscriber_id = $1",
        "UPDATE returned SET subscriber_id = NULL, domain = NULL, words = NULL WHERE subscriber_id = $1",
        "DELETE FROM kept WHERE subscriber_id = $1",
        "UPDATE reading SET subscriber_id = NULL WHERE subscriber_id = $1",
        "DELETE FROM subscriber WHERE id = $1",
    ] {
        on!(&mut *tx, |conn| sqlx::query(sql)
            .bind(id)
            .execute(conn)
            .await
            .map(drop))?;
    }
    Ok(())
}

fn is_local_part(local: &str) -> bool {
    let allowed = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~.".contains(c)
            || (!c.is_ascii() && is_letter_like(c))
    };
    !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(allowed)
}

/// RFC 6532 allows any UTF-8; controls, spaces and the marks that turn reading direction are how people are deceived.
fn is_letter_like(c: char) -> bool {
    let unassigned = matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{FDD0}'..='\u{FDEF}' | '\u{FFF0}'..='\u{FFFF}' | '\u{E0000}'..);
    !c.is_control() && !c.is_whitespace() && !is_invisible(c) && !unassigned
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{061C}')
}

fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(domain.strip_suffix('.').unwrap_or(domain)).ok()?;
    let labels: Vec<&str> = ascii.split('.').collect();
    let is_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_name = labels.len() >= 2
        && labels.iter().all(is_label)
        && labels
            .last()
            .is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()));
    is_name.then_some(ascii)
}
