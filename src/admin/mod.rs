//! Admins: who may use the editor's desk, and as what.

pub mod password;
pub mod second;
pub mod session;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::audit::{ON_THE_HOST, PROGRAM};
use crate::db::{Tx, on, row, word};
use crate::plain::is_plain;
use crate::secret::{Keys, Purpose, random, token_hash};
use crate::subscriber::Address;
use crate::subscription::Language;

word! {
    /// What an admin may do. Each may what stands before it, too.
    pub enum Role {
        /// Sees issues, campaigns and sums; no reader's address.
        Viewer = "viewer",
        /// Writes, sends, and sees to readers.
        Editor = "editor",
        /// Decides who may use the desk.
        Owner = "owner",
    }
}

row! {
    /// Somebody with an account, or one that has ended.
    #[derive(Clone, Serialize)]
    pub struct Admin {
        pub id: Uuid,
        pub address: String,
        pub name: String,
        pub role: Role,
        pub language: Language,
        /// An IANA name.
        pub time_zone: String,
        /// A PHC string; `None` before a password was set.
        #[serde(skip)]
        pub password: Option<String>,
        #[serde(skip)]
        pub second: Option<Vec<u8>>,
        #[serde(skip)]
        pub second_step: i64,
        pub since: DateTime<Utc>,
        /// Since when the account may do nothing any more.
        pub ended_at: Option<DateTime<Utc>>,
    }
}

/// How long a link works by which a password is set.
pub const LINK_LIFE: Duration = Duration::hours(24);

/// How many codes somebody gets who might lose the second factor.
const CODES: usize = 10;

/// Under this label the key of a second factor is sealed.
const SECOND: &str = "second factor";

const COLUMNS: &str = "SELECT id, address, name, role, language, time_zone, password, second, second_step, since, ended_at \
     FROM admin";

/// Longest name, in characters.
pub const LONGEST_NAME: usize = 100;

/// An account to be.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub id: Uuid,
    pub address: &'a Address,
    pub name: &'a str,
    pub role: Role,
    pub language: Language,
    pub time_zone: chrono_tz::Tz,
}

impl Admin {
    /// The key of the second factor, if one is set.
    pub fn second_key(&self, keys: &Keys) -> Option<Vec<u8>> {
        keys.open_sealed(SECOND, self.second.as_deref()?)
    }

    /// The zone in which this admin reads and writes times.
    pub fn zone(&self) -> chrono_tz::Tz {
        self.time_zone.parse().unwrap_or(chrono_tz::UTC)
    }

    pub fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }
}

/// Whether a text can be an account's name, by which records call somebody: one line, and neither as a program is called
/// there nor as a user of the host.
pub fn is_a_name(text: &str) -> bool {
    let folded = text.to_lowercase();
    !text.trim().is_empty()
        && text.chars().count() <= LONGEST_NAME
        && text.chars().all(is_plain)
        && !folded.starts_with(PROGRAM)
        && !folded.ends_with(ON_THE_HOST)
}

/// Whether another account than `id` is called so, one that has ended too: records could not tell the two apart.
pub async fn is_taken(tx: &mut Tx, name: &str, id: Uuid) -> sqlx::Result<bool> {
    let others = list(tx).await?.into_iter().filter(|other| other.id != id);
    let folded = name.to_lowercase();
    Ok(others
        .into_iter()
        .any(|other| other.name.to_lowercase() == folded))
}

/// Adds an account that nobody can sign in to before its owner has set a password; `false` when the address has one.
pub async fn add(tx: &mut Tx, new: &New<'_>, now: DateTime<Utc>) -> sqlx::Result<bool> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO admin (id, address, address_key, name, role, language, time_zone, since) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(new.id)
        .bind(new.address.as_str())
        .bind(new.address.normalised())
        .bind(new.name)
        .bind(new.role.as_str())
        .bind(new.language.as_str())
        .bind(new.time_zone.name())
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() == 1)
    })
}

/// The account of an address, ended or not.
pub async fn of_address(tx: &mut Tx, address: &Address) -> sqlx::Result<Option<Admin>> {
    let sql = format!("{COLUMNS} WHERE address_key = $1");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(address.normalised())
        .fetch_optional(conn)
        .await)
}

pub async fn by_id(tx: &mut Tx, id: Uuid) -> sqlx::Result<Option<Admin>> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .fetch_optional(conn)
        .await)
}

/// All accounts by name, those that have ended last.
pub async fn list(tx: &mut Tx) -> sqlx::Result<Vec<Admin>> {
    let sql = format!("{COLUMNS} ORDER BY ended_at IS NOT NULL, name, id");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)
}

/// How many owners there are who can still sign in: the last one is not to go.
pub async fn owners(tx: &mut Tx) -> sqlx::Result<i64> {
    on!(tx, |conn| {
        sqlx::query_scalar(
        "SELECT count(*) FROM admin WHERE role = 'owner' AND ended_at IS NULL AND password IS NOT NULL"
    )
    .fetch_one(conn)
    .await
    })
}

/// Changes how somebody is called and spoken to.
pub async fn set_manner(
    tx: &mut Tx,
    id: Uuid,
    name: &str,
    language: Language,
    time_zone: chrono_tz::Tz,
) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE admin SET name = $2, language = $3, time_zone = $4 WHERE id = $1"
    )
    .bind(id)
    .bind(name)
    .bind(language.as_str())
    .bind(time_zone.name())
    .execute(conn)
    .await
    .map(drop))
}

/// Changes what somebody may do. Their sessions end: what they may is settled anew.
pub async fn set_role(tx: &mut Tx, id: Uuid, role: Role) -> sqlx::Result<()> {
    on!(&mut *tx, |conn| sqlx::query(
        "UPDATE admin SET role = $2 WHERE id = $1"
    )
    .bind(id)
    .bind(role.as_str())
    .execute(conn)
    .await
    .map(drop))?;
    session::end_all(tx, id).await.map(drop)
}

/// Ends an account, its sessions and its links; or lets it begin again, without a password.
pub async fn set_ended(tx: &mut Tx, id: Uuid, at: Option<DateTime<Utc>>) -> sqlx::Result<()> {
    on!(&mut *tx, |conn| sqlx::query(
        "UPDATE admin SET ended_at = $2, password = NULL, second = NULL WHERE id = $1"
    )
    .bind(id)
    .bind(at)
    .execute(conn)
    .await
    .map(drop))?;
    forget_links(tx, id).await?;
    forget_codes(tx, id).await?;
    session::end_all(tx, id).await.map(drop)
}

/// Sets the password. All sessions and all links for a new one end.
pub async fn set_password(tx: &mut Tx, id: Uuid, hashed: &str) -> sqlx::Result<()> {
    on!(&mut *tx, |conn| sqlx::query(
        "UPDATE admin SET password = $2 WHERE id = $1"
    )
    .bind(id)
    .bind(hashed)
    .execute(conn)
    .await
    .map(drop))?;
    forget_links(tx, id).await?;
    session::end_all(tx, id).await.map(drop)
}

/// Sets the second factor, or takes it away; all sessions end. Gives codes for who loses it, shown this once.
pub async fn set_second(
    tx: &mut Tx,
    keys: &Keys,
    id: Uuid,
    key: Option<&[u8]>,
    step: i64,
) -> sqlx::Result<Vec<String>> {
    let sealed = key.map(|key| keys.seal(SECOND, key));
    on!(&mut *tx, |conn| sqlx::query(
        "UPDATE admin SET second = $2, second_step = $3 WHERE id = $1"
    )
    .bind(id)
    .bind(sealed)
    .bind(step)
    .execute(conn)
    .await
    .map(drop))?;
    forget_codes(tx, id).await?;
    session::end_all(tx, id).await?;
    let mut codes = Vec::new();
    if key.is_some() {
        for _ in 0..CODES {
            codes.push(add_code(tx, id).await?);
        }
    }
    Ok(codes)
}

/// Notes that the code of a step was taken; `false` when it, or a later one, was taken meanwhile.
pub async fn take_step(tx: &mut Tx, id: Uuid, step: i64) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query(
        "UPDATE admin SET second_step = $2 WHERE id = $1 AND second_step < $2"
    )
    .bind(id)
    .bind(step)
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1))
}

/// Uses up a code for who lost the second factor; `false` when it is none of theirs.
pub async fn take_code(tx: &mut Tx, id: Uuid, code: &str) -> sqlx::Result<bool> {
    let code: String = code
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric())
        .collect();
    on!(tx, |conn| sqlx::query(
        "DELETE FROM admin_code WHERE code_hash = $1 AND admin_id = $2"
    )
    .bind(token_hash(&code.to_ascii_uppercase()))
    .bind(id)
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1))
}

/// A link by which a password is set, good once and for `LINK_LIFE`; the one before ends.
pub async fn new_link(tx: &mut Tx, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<Uuid> {
    forget_links(tx, id).await?;
    let link = Uuid::from_bytes(random());
    on!(tx, |conn| sqlx::query(
        "INSERT INTO admin_link (id, admin_id, until) VALUES ($1, $2, $3)"
    )
    .bind(link)
    .bind(id)
    .bind(now + LINK_LIFE)
    .execute(conn)
    .await
    .map(drop))?;
    Ok(link)
}

/// Where a link leads that sets a password, below the site's address.
pub fn link_path(keys: &Keys, link: Uuid) -> String {
    format!("/desk/set/{}", keys.link(Purpose::Password, link))
}

/// Whose password a link sets, by its last part, while it works.
pub async fn of_link(
    tx: &mut Tx,
    keys: &Keys,
    token: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Admin>> {
    let Some(link) = keys.reader(Purpose::Password, token) else {
        return Ok(None);
    };
    let sql = format!(
        "{COLUMNS} WHERE ended_at IS NULL AND id = (SELECT admin_id FROM admin_link WHERE id = $1 AND until > $2)"
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(link)
        .bind(now)
        .fetch_optional(conn)
        .await)
}

async fn add_code(tx: &mut Tx, id: Uuid) -> sqlx::Result<String> {
    // Seventy-five bits: fifteen letters and digits of which none looks like another.
    let letters = data_encoding::BASE32_NOPAD.encode(&random::<10>());
    let code = &letters[..15];
    on!(tx, |conn| sqlx::query(
        "INSERT INTO admin_code (code_hash, admin_id) VALUES ($1, $2)"
    )
    .bind(token_hash(code))
    .bind(id)
    .execute(conn)
    .await
    .map(drop))?;
    Ok([&code[..5], &code[5..10], &code[10..]].join("-"))
}

async fn forget_links(tx: &mut Tx, id: Uuid) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM admin_link WHERE admin_id = $1"
    )
    .bind(id)
    .execute(conn)
    .await
    .map(drop))
}

async fn forget_codes(tx: &mut Tx, id: Uuid) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM admin_code WHERE admin_id = $1"
    )
    .bind(id)
    .execute(conn)
    .await
    .map(drop))
}
