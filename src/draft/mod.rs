//! Drafts: a month as it is being written in the desk, before the archive has it.
//!
//! Every save is a version, made from the one that its author had before their eyes. Who saves upon a version that somebody
//! else has replaced meanwhile overwrites nothing: they are shown both.

mod kept;
mod text;

use chrono::{DateTime, Duration, Utc};
use sqlx::types::Json;

pub use self::kept::{Keeping, discard, keep};
pub use self::text::{Missing, Text, Written, as_kept};
use crate::archive;
use crate::db::{Tx, on, row};
use crate::issue::Month;

/// Versions of a month that are kept.
const MOST_VERSIONS: i64 = 50;

/// What a page saved by itself this lately is replaced by its next save, so that the versions are worth looking at.
const ONE_SITTING: Duration = Duration::minutes(5);

row! {
    /// One version of a draft.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Draft {
        pub version: i64,
        pub text: Json<Text>,
        pub made_by: String,
        pub made_at: DateTime<Utc>,
        /// A page saved it while its author was typing.
        pub by_itself: bool,
        /// When it was taken into the archive; `None` while it is ahead of it.
        pub kept_at: Option<DateTime<Utc>>,
    }
}

row! {
    /// A version without its text; or the newest of a month.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Line {
        pub month: String,
        pub version: i64,
        pub made_by: String,
        pub made_at: DateTime<Utc>,
        pub by_itself: bool,
        pub kept_at: Option<DateTime<Utc>>,
    }
}

/// Where a month's text stands.
#[derive(Clone, Debug)]
pub struct Current {
    pub text: Text,
    /// 0 while there is no draft: then the text is the archive's, or empty.
    pub version: i64,
    /// Of the draft, where it is ahead of the archive.
    pub ahead: Option<Line>,
    pub in_archive: bool,
}

/// What somebody saves.
#[derive(Clone, Copy, Debug)]
pub struct Save<'a> {
    pub month: Month,
    /// The version that their text was made from; 0 for none.
    pub from: i64,
    pub text: &'a Text,
    pub who: &'a str,
    /// The page saves, not its author.
    pub by_itself: bool,
    pub now: DateTime<Utc>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Saved {
    /// It is this version.
    As(i64),
    /// Nothing was different: this version stands.
    Same(i64),
    /// Somebody else saved meanwhile, this; nothing was written.
    Meanwhile(Box<Draft>),
}

/// The text of a month as its author should see it: of the draft while that is ahead of the archive, else of the archive.
/// `None` where there is neither.
pub async fn current(tx: &mut Tx, month: Month) -> sqlx::Result<Option<Current>> {
    let draft = newest(tx, month).await?;
    let issue = archive::issue(tx, month).await?;
    let in_archive = issue.is_some();
    Ok(match (draft, issue) {
        (Some(draft), None) => Some(Current::of(month, draft, in_archive)),
        (Some(draft), _) if draft.kept_at.is_none() => Some(Current::of(month, draft, in_archive)),
        (draft, Some(issue)) => Some(Current {
            text: Text::of_archive(&issue),
            version: draft.map_or(0, |draft| draft.version),
            ahead: None,
            in_archive,
        }),
        (None, None) => None,
    })
}

impl Current {
    fn of(month: Month, draft: Draft, in_archive: bool) -> Current {
        Current {
            version: draft.version,
            ahead: Some(Line {
                month: month.to_string(),
                version: draft.version,
                made_by: draft.made_by,
                made_at: draft.made_at,
                by_itself: draft.by_itself,
                kept_at: draft.kept_at,
            }),
            text: draft.text.0,
            in_archive,
        }
    }
}

/// The newest version of a month.
pub async fn newest(tx: &mut Tx, month: Month) -> sqlx::Result<Option<Draft>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT version, text, made_by, made_at, by_itself, kept_at FROM draft \
             WHERE month = $1 ORDER BY version DESC LIMIT 1",
        )
        .bind(month.to_string())
        .fetch_optional(conn)
        .await
    })
}

/// One version of a month.
pub async fn version(tx: &mut Tx, month: Month, version: i64) -> sqlx::Result<Option<Draft>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT version, text, made_by, made_at, by_itself, kept_at FROM draft WHERE month = $1 AND version = $2",
        )
        .bind(month.to_string())
        .bind(version)
        .fetch_optional(conn)
        .await
    })
}

/// The versions of a month, the newest first.
pub async fn versions(tx: &mut Tx, month: Month) -> sqlx::Result<Vec<Line>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT month, version, made_by, made_at, by_itself, kept_at FROM draft WHERE month = $1 \
             ORDER BY version DESC",
        )
        .bind(month.to_string())
        .fetch_all(conn)
        .await
    })
}

/// The newest version of every month that has one.
pub async fn list(tx: &mut Tx) -> sqlx::Result<Vec<Line>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT month, version, made_by, made_at, by_itself, kept_at FROM draft d \
             WHERE version = (SELECT max(version) FROM draft n WHERE n.month = d.month) ORDER BY month DESC",
        )
        .fetch_all(conn)
        .await
    })
}

/// Saves a version, unless somebody else did meanwhile. The transaction must be one that writes.
pub async fn save(tx: &mut Tx, save: &Save<'_>) -> sqlx::Result<Saved> {
    let before = newest(tx, save.month).await?;
    let stands = before.as_ref().map_or(0, |draft| draft.version);
    let shown = current(tx, save.month).await?;
    if shown.is_some_and(|shown| shown.text == *save.text) {
        return Ok(Saved::Same(stands));
    }
    if let Some(before) = &before
        && stands != save.from
    {
        return Ok(Saved::Meanwhile(Box::new(before.clone())));
    }
    let version = stands + 1;
    if !insert(tx, save, version).await? {
        let theirs = newest(tx, save.month).await?;
        let theirs = theirs.expect("its number is taken");
        return Ok(Saved::Meanwhile(Box::new(theirs)));
    }
    let is_same_sitting = |draft: &Draft| {
        draft.by_itself
            && draft.kept_at.is_none()
            && draft.made_by == save.who
            && draft.made_at + ONE_SITTING > save.now
    };
    let replaced = before.filter(is_same_sitting).map(|draft| draft.version);
    tidy(tx, save.month, replaced, version - MOST_VERSIONS).await?;
    Ok(Saved::As(version))
}

/// Whether the number was free: on PostgreSQL two may save at once.
async fn insert(tx: &mut Tx, save: &Save<'_>, version: i64) -> sqlx::Result<bool> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO draft (month, version, text, made_by, made_at, by_itself) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (month, version) DO NOTHING",
        )
        .bind(save.month.to_string())
        .bind(version)
        .bind(Json(save.text))
        .bind(save.who)
        .bind(save.now)
        .bind(save.by_itself)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() == 1)
    })
}

/// Takes away the version that the newest replaces, and those up to `oldest`.
async fn tidy(tx: &mut Tx, month: Month, replaced: Option<i64>, oldest: i64) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM draft WHERE month = $1 AND (version <= $2 OR version = $3)"
    )
    .bind(month.to_string())
    .bind(oldest)
    .bind(replaced.unwrap_or(0))
    .execute(conn)
    .await
    .map(drop))
}
