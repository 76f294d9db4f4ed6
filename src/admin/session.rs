//! Who is signed in. A session is a random token in a cookie; what is kept is its hash.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::Role;
use crate::db::{Tx, on, row};
use crate::secret::token_hash;

/// A session ends this long after it began, whatever is done in it.
const LONGEST: Duration = Duration::hours(12);

/// And when nothing was done for so long: an owner's sooner than others'.
const IDLE: Duration = Duration::hours(2);
const IDLE_OWNER: Duration = Duration::minutes(30);

/// How long a proof of who one is counts as fresh.
const FRESH: Duration = Duration::minutes(10);

/// How exactly it is known when a session was used last: a page is not to cost a write each time.
const SEEN_STEP: Duration = Duration::minutes(5);

row! {
    #[derive(Clone, Debug)]
    pub struct Session {
        pub token_hash: Vec<u8>,
        pub admin_id: Uuid,
        pub since: DateTime<Utc>,
        pub seen_at: DateTime<Utc>,
        pub proved_at: DateTime<Utc>,
    }
}

impl Session {
    fn is_over(&self, role: Role, now: DateTime<Utc>) -> bool {
        let idle = match role {
            Role::Owner => IDLE_OWNER,
            Role::Editor | Role::Viewer => IDLE,
        };
        now - self.since >= LONGEST || now - self.seen_at >= idle
    }

    /// Whether its owner has proved lately who they are.
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now - self.proved_at < FRESH
    }

    /// Whether it is time to note that the session is in use.
    pub fn is_to_be_seen(&self, now: DateTime<Utc>) -> bool {
        now - self.seen_at >= SEEN_STEP
    }
}

/// Begins a session of somebody who has just proved who they are; `token` goes into the cookie.
pub async fn begin(tx: &mut Tx, admin: Uuid, token: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
        "INSERT INTO desk_session (token_hash, admin_id, since, seen_at, proved_at) VALUES ($1, $2, $3, $3, $3)"
    )
    .bind(token_hash(token))
    .bind(admin)
    .bind(now)
    .execute(conn)
    .await
    .map(drop)
    })
}

/// The session of a cookie, where it is not over for somebody of that role: `role_of` tells the role of its admin.
pub async fn of_token(tx: &mut Tx, token: &str) -> sqlx::Result<Option<Session>> {
    on!(tx, |conn| {
        sqlx::query_as(
        "SELECT token_hash, admin_id, since, seen_at, proved_at FROM desk_session WHERE token_hash = $1"
    )
    .bind(token_hash(token))
    .fetch_optional(conn)
    .await
    })
}

impl Session {
    /// Whether it still counts for an admin of that role.
    pub fn counts(&self, role: Role, now: DateTime<Utc>) -> bool {
        !self.is_over(role, now)
    }
}

/// Notes that a session is in use.
pub async fn seen(tx: &mut Tx, session: &Session, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE desk_session SET seen_at = $2 WHERE token_hash = $1"
    )
    .bind(&session.token_hash)
    .bind(now)
    .execute(conn)
    .await
    .map(drop))
}

/// The sessions of one admin, the one used last first.
pub async fn of_admin(tx: &mut Tx, admin: Uuid) -> sqlx::Result<Vec<Session>> {
    on!(tx, |conn| {
        sqlx::query_as(
        "SELECT token_hash, admin_id, since, seen_at, proved_at FROM desk_session WHERE admin_id = $1 \
         ORDER BY seen_at DESC"
    )
    .bind(admin)
    .fetch_all(conn)
    .await
    })
}

/// Ends one session.
pub async fn end(tx: &mut Tx, session: &Session) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM desk_session WHERE token_hash = $1"
    )
    .bind(&session.token_hash)
    .execute(conn)
    .await
    .map(drop))
}

/// Ends all sessions of an admin; gives how many there were.
pub async fn end_all(tx: &mut Tx, admin: Uuid) -> sqlx::Result<i64> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM desk_session WHERE admin_id = $1"
    )
    .bind(admin)
    .execute(conn)
    .await
    .map(|done| done.rows_affected() as i64))
}

/// Forgets sessions that were over long ago.
pub async fn forget(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM desk_session WHERE since < $1"
    )
    .bind(now - LONGEST)
    .execute(conn)
    .await
    .map(drop))
}
