//! A draft's ends: the archive takes it, or nobody wants it.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Draft, Missing, newest};
use crate::archive::{self, Change};
use crate::db::{Tx, on};
use crate::issue::Month;
use crate::suggest::Suggester;

/// What came of keeping a draft.
#[derive(Clone, Debug, PartialEq)]
pub enum Keeping {
    /// What that changed in the archive.
    Kept(Vec<Change>),
    /// It is not finished.
    Unfinished(Vec<Missing>),
    /// Another version is the newest now: it should be looked at first.
    Another(i64),
    NoDraft,
}

/// Takes version `version` of a month's draft into the archive, if it is the newest and lacks nothing.
pub async fn keep(
    tx: &mut Tx,
    month: Month,
    version: i64,
    suggester: &Suggester,
    now: DateTime<Utc>,
) -> sqlx::Result<Keeping> {
    let Some(draft) = newest(tx, month).await? else {
        return Ok(Keeping::NoDraft);
    };
    if draft.version != version {
        return Ok(Keeping::Another(draft.version));
    }
    let Json(mut text) = draft.text;
    let missing = text.missing();
    if !missing.is_empty() {
        return Ok(Keeping::Unfinished(missing));
    }
    let ids: Vec<Option<i64>> = text.summaries.iter().map(|written| written.id).collect();
    let issue = text.issue(month);
    let (ids, changes) = archive::keep_whole(tx, &issue, &ids, suggester, now).await?;
    for (written, id) in text.summaries.iter_mut().zip(ids) {
        written.id = Some(id);
    }
    let draft = Draft {
        text: Json(text),
        ..draft
    };
    note(tx, month, &draft, now).await?;
    Ok(Keeping::Kept(changes))
}

/// Forgets a month's draft, with all its versions. What the archive has, it keeps.
pub async fn discard(tx: &mut Tx, month: Month) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query("DELETE FROM draft WHERE month = $1")
        .bind(month.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected() > 0))
}

/// Notes that the archive has it, and by which ids.
async fn note(tx: &mut Tx, month: Month, draft: &Draft, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE draft SET text = $3, kept_at = $4 WHERE month = $1 AND version = $2"
    )
    .bind(month.to_string())
    .bind(draft.version)
    .bind(&draft.text)
    .bind(now)
    .execute(conn)
    .await
    .map(drop))
}
