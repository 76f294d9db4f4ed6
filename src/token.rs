//! Tokens: by what other programs come in over the HTTP API, and what each may do there.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::audit::PROGRAM;
use crate::db::{Tx, on, row, word};
use crate::plain::is_plain;
use crate::secret::{random_token, token_hash};

word! {
    /// One thing that a token may do. None holds another.
    pub enum Scope {
        IssuesRead = "issues:read",
        IssuesWrite = "issues:write",
        CampaignsRead = "campaigns:read",
        /// Sending, and holding up what is being sent.
        CampaignsSend = "campaigns:send",
        /// Addresses, and all that is held of a reader.
        ReadersRead = "readers:read",
        ReadersWrite = "readers:write",
        SuppressionsRead = "suppressions:read",
        SuppressionsWrite = "suppressions:write",
        /// Which other programs are told what happens.
        HooksWrite = "hooks:write",
    }
}

row! {
    /// A token without what is secret about it.
    #[derive(Clone, Debug, Serialize)]
    pub struct Token {
        pub id: Uuid,
        /// Stands in the records for who did it.
        pub name: String,
        /// Words with spaces between them.
        pub scopes: String,
        pub made_by: String,
        pub made_at: DateTime<Utc>,
        /// From then on it is worth nothing.
        pub ends_at: Option<DateTime<Utc>>,
        /// To within `SEEN_EVERY`.
        pub used_at: Option<DateTime<Utc>>,
        pub revoked_at: Option<DateTime<Utc>>,
    }
}

/// A token to be.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub id: Uuid,
    pub name: &'a str,
    pub scopes: &'a [Scope],
    pub made_by: &'a str,
    pub ends_at: Option<DateTime<Utc>>,
}

/// How every token begins, so that programs which look for secrets in published text know one.
pub const PREFIX: &str = "blt_";

/// When it was used last is written down no more often.
pub const SEEN_EVERY: Duration = Duration::minutes(5);

/// Longest name, in characters.
pub const LONGEST_NAME: usize = 60;

const COLUMNS: &str =
    "SELECT id, name, scopes, made_by, made_at, ends_at, used_at, revoked_at FROM api_token";

impl Token {
    /// What it may do; words that this version does not know are nothing.
    pub fn scopes(&self) -> Vec<Scope> {
        let words = self.scopes.split(' ');
        words.filter_map(|word| word.parse().ok()).collect()
    }

    pub fn may(&self, scope: Scope) -> bool {
        self.scopes().contains(&scope)
    }

    /// Whether it can be used.
    pub fn counts(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.ends_at.is_none_or(|end| now < end)
    }

    /// Whether that it is used has to be written down.
    pub fn is_to_be_seen(&self, now: DateTime<Utc>) -> bool {
        self.used_at.is_none_or(|last| now - last >= SEEN_EVERY)
    }

    /// As records name it: no account is called so (`admin::is_a_name`).
    pub fn who(&self) -> String {
        format!("{PROGRAM}{}", self.name)
    }
}

/// Whether a text can be a token's name.
pub fn is_a_name(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= LONGEST_NAME && text.chars().all(is_plain)
}

/// Makes a token and gives it: it is kept nowhere. `None` when another that can be used has that name.
pub async fn add(tx: &mut Tx, new: &New<'_>, now: DateTime<Utc>) -> sqlx::Result<Option<String>> {
    let token = format!("{PREFIX}{}", random_token());
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
    let added = on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO api_token (id, token_hash, name, scopes, made_by, made_at, ends_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(new.id)
        .bind(token_hash(&token))
        .bind(new.name)
        .bind(scopes.join(" "))
        .bind(new.made_by)
        .bind(now)
        .bind(new.ends_at)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() == 1)
    })?;
    Ok(added.then_some(token))
}

/// The token that was given, whether it counts or not.
pub async fn of_text(tx: &mut Tx, token: &str) -> sqlx::Result<Option<Token>> {
    let sql = format!("{COLUMNS} WHERE token_hash = $1");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(token_hash(token))
        .fetch_optional(conn)
        .await)
}

pub async fn by_id(tx: &mut Tx, id: Uuid) -> sqlx::Result<Option<Token>> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .fetch_optional(conn)
        .await)
}

/// Those that were not revoked first, the newest first among them.
pub async fn list(tx: &mut Tx) -> sqlx::Result<Vec<Token>> {
    let sql = format!("{COLUMNS} ORDER BY revoked_at IS NOT NULL, made_at DESC, id");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)
}

/// Writes down that it was used.
pub async fn seen(tx: &mut Tx, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE api_token SET used_at = $2 WHERE id = $1"
    )
    .bind(id)
    .bind(now)
    .execute(conn)
    .await
    .map(drop))
}

/// Ends a token at once; `false` when it had been.
pub async fn revoke(tx: &mut Tx, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query(
        "UPDATE api_token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL"
    )
    .bind(id)
    .bind(now)
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1))
}
