//! Requests: what somebody asked for on a page where we cannot know who they are. A page only writes them down, and so
//! answers alike whoever the address belongs to; what they lead to is settled afterwards (`feedback`).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use crate::config::OnNothing;
use crate::db::{Tx, on, row, word};
use crate::secret::Keys;
use crate::subscriber::Address;
use crate::subscription::{Choice, Format, Frequency, Language, Preferences};

word! {
    /// What is asked for.
    pub enum Kind {
        SignUp = "sign_up",
        /// A fresh link, for what wants more than the link of a digest.
        Manage = "manage",
        /// Digests shall go to another address.
        Address = "address",
        /// What we hold about the reader.
        Data = "data",
    }
}

row! {
    /// A request as the database has it.
    #[derive(Clone)]
    pub struct Request {
        pub id: Uuid,
        pub kind: Kind,
        /// Empty once nobody needs it any more.
        pub address: String,
        pub mailbox_hash: Vec<u8>,
        /// `None` once it is forgotten.
        pub form: Option<Json<Form>>,
        pub asked_at: DateTime<Utc>,
        pub subscriber_id: Option<Uuid>,
        /// Its link works once.
        pub used_at: Option<DateTime<Utc>>,
    }
}

/// What was filled in, and where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Form {
    pub name: String,
    pub topics: Vec<String>,
    pub research_types: Vec<String>,
    pub frequency: Frequency,
    pub format: Format,
    pub language: Language,
    /// The path of the page.
    pub page: String,
    /// Which version of the words that consent was given to; empty when none was asked for.
    pub text: String,
}

/// Letters about requests that went to one mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letters {
    /// Since a moment.
    pub lately: i64,
    /// Since the last that was answered, whenever that was.
    pub unanswered: i64,
}

impl Form {
    pub fn preferences(&self, on_nothing: Option<OnNothing>) -> Preferences {
        Preferences {
            choice: Choice::new(self.topics.clone(), self.research_types.clone()),
            frequency: self.frequency,
            format: self.format,
            language: self.language,
            on_nothing,
        }
    }
}

impl Request {
    /// A request of a page, not yet looked at.
    pub fn new(
        id: Uuid,
        kind: Kind,
        address: &Address,
        keys: &Keys,
        form: Form,
        now: DateTime<Utc>,
    ) -> Request {
        Request {
            id,
            kind,
            address: address.as_str().to_owned(),
            mailbox_hash: mailbox_hash(address, keys).to_vec(),
            form: Some(Json(form)),
            asked_at: now,
            subscriber_id: None,
            used_at: None,
        }
    }

    /// Whether it was about the mailbox of `address`: a link that was mailed to an old address is not the new one's.
    pub fn is_about(&self, address: &str, keys: &Keys) -> bool {
        let address = Address::parse(address);
        address.is_ok_and(|address| mailbox_hash(&address, keys).as_slice() == self.mailbox_hash)
    }
}

/// What stands for the mailbox of an address in requests.
pub fn mailbox_hash(address: &Address, keys: &Keys) -> [u8; 32] {
    keys.address_hash(&mailbox(address))
}

/// The mailbox behind the usual ways of writing one address anew: what follows a plus is the owner's own, and Gmail
/// reads no dots. For limits alone: two people may come out the same.
fn mailbox(address: &Address) -> String {
    let normalised = address.normalised();
    let (local, domain) = normalised
        .rsplit_once('@')
        .unwrap_or((normalised.as_str(), ""));
    let local = local.split_once('+').map_or(local, |(local, _)| local);
    match domain {
        "gmail.com" | "googlemail.com" => format!("mailbox {}@gmail.com", local.replace('.', "")),
        _ => format!("mailbox {local}@{domain}"),
    }
}

/// Writes a request down.
pub async fn add(tx: &mut Tx, request: &Request) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO request (id, kind, address, mailbox_hash, form, asked_at, subscriber_id) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(request.id)
        .bind(request.kind.as_str())
        .bind(&request.address)
        .bind(&request.mailbox_hash)
        .bind(&request.form)
        .bind(request.asked_at)
        .bind(request.subscriber_id)
        .execute(conn)
        .await
        .map(drop)
    })
}

const COLUMNS: &str =
    "SELECT id, kind, address, mailbox_hash, form, asked_at, subscriber_id, used_at FROM request";

/// Up to `limit` requests that nobody has looked at, the oldest first; on PostgreSQL, none that another process looks at.
pub async fn unseen(tx: &mut Tx, limit: i64) -> sqlx::Result<Vec<Request>> {
    let sql = format!(
        "{COLUMNS} WHERE seen_at IS NULL ORDER BY id LIMIT $1 {}",
        tx.on_postgres("FOR UPDATE SKIP LOCKED")
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(limit)
        .fetch_all(conn)
        .await)
}

/// The request of an id.
pub async fn by_id(tx: &mut Tx, id: Uuid) -> sqlx::Result<Option<Request>> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .fetch_optional(conn)
        .await)
}

/// A letter about it goes out to this reader. The address stays only where it is to be the reader's.
pub async fn answered(
    tx: &mut Tx,
    request: &Request,
    reader: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let address = match request.kind {
        Kind::Address => request.address.as_str(),
        _ => "",
    };
    on!(tx, |conn| {
        sqlx::query(
            "UPDATE request SET seen_at = $2, subscriber_id = $3, address = $4 WHERE id = $1",
        )
        .bind(request.id)
        .bind(now)
        .bind(reader)
        .bind(address)
        .execute(conn)
        .await
        .map(drop)
    })
}

/// Nothing follows from it, and nothing is kept of it.
pub async fn drop_it(tx: &mut Tx, id: Uuid) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query("DELETE FROM request WHERE id = $1")
        .bind(id)
        .execute(conn)
        .await
        .map(drop))
}

/// Uses the request's link up; `false` when it was used before.
pub async fn use_up(tx: &mut Tx, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query(
        "UPDATE request SET used_at = $2, address = '' WHERE id = $1 AND used_at IS NULL"
    )
    .bind(id)
    .bind(now)
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1))
}

/// How many letters about such requests a mailbox got, `lately` meaning since `since`.
pub async fn letters(
    tx: &mut Tx,
    kinds: &[Kind],
    mailbox_hash: &[u8],
    since: DateTime<Utc>,
) -> sqlx::Result<Letters> {
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
    let sql = format!(
        "SELECT count(*) FILTER (WHERE seen_at > $2), count(*) FILTER (WHERE used_at IS NULL AND seen_at > COALESCE( \
           (SELECT max(used_at) FROM request WHERE mailbox_hash = $1 AND seen_at IS NOT NULL), $3)) \
         FROM request WHERE mailbox_hash = $1 AND seen_at IS NOT NULL AND kind IN ({})",
        kinds.join(", ")
    );
    let (lately, unanswered) = on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(mailbox_hash)
        .bind(since)
        .bind(DateTime::UNIX_EPOCH)
        .fetch_one(conn)
        .await)?;
    Ok(Letters { lately, unanswered })
}

/// Whether the reader has taken another address since `since`.
pub async fn has_moved(tx: &mut Tx, reader: Uuid, since: DateTime<Utc>) -> sqlx::Result<bool> {
    let moves: i64 = on!(tx, |conn| sqlx::query_scalar(
        "SELECT count(*) FROM request WHERE subscriber_id = $1 AND kind = $2 AND used_at > $3"
    )
    .bind(reader)
    .bind(Kind::Address.as_str())
    .bind(since)
    .fetch_one(conn)
    .await)?;
    Ok(moves > 0)
}

/// Empties what was filled in before `before`: only that something was asked for, by a keyed hash, is kept for the limits.
pub async fn forget(tx: &mut Tx, before: DateTime<Utc>) -> sqlx::Result<u64> {
    on!(tx, |conn| {
        sqlx::query(
        "UPDATE request SET form = NULL, address = '' WHERE asked_at < $1 AND seen_at IS NOT NULL AND form IS NOT NULL"
    )
    .bind(before)
    .execute(conn)
    .await
    .map(|done| done.rows_affected())
    })
}

/// Empties everything that a reader who is forgotten has ever filled in.
pub async fn forget_reader(tx: &mut Tx, reader: Uuid) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
        "UPDATE request SET form = NULL, address = '', subscriber_id = NULL WHERE subscriber_id = $1"
    )
    .bind(reader)
    .execute(conn)
    .await
    .map(drop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_written_in_several_ways_is_one() {
        let of = |written: &str| mailbox(&Address::parse(written).unwrap());
        assert_eq!(of("Some.One+news@gmail.com"), of("someone@googlemail.com"));
        assert_eq!(of("Ann+a@peer.test"), of("ann+b@PEER.test"));
        assert_ne!(of("a.nn@peer.test"), of("ann@peer.test"));
    }
}
