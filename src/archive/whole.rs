//! Taking an issue into the archive that was written in the desk: there, what is missing was taken out on purpose.

use chrono::{DateTime, Utc};

use super::keep::{Changes, keep_issue, keep_summary, place, positions, touch_issue};
use super::{Change, search};
use crate::db::{Tx, on};
use crate::issue::Issue;
use crate::suggest::Suggester;

/// Takes an issue into the archive that was written here as a whole: as `keep` does, but what it lacks is taken away, and
/// a summary that bears the id of one of the archive's is that one, whatever its title is now. Gives the ids of its
/// summaries too, in their order.
///
/// What went out in a mail stays in its issue, behind the others: the mail leads there.
pub async fn keep_whole(
    tx: &mut Tx,
    issue: &Issue,
    ids: &[Option<i64>],
    suggester: &Suggester,
    now: DateTime<Utc>,
) -> sqlx::Result<(Vec<i64>, Vec<Change>)> {
    let mut changes = Changes::of(issue.month, true);
    let issue_id = keep_issue(tx, issue, now, &mut changes).await?;
    let before: Vec<i64> = positions(tx, issue_id).await?;
    let mut given = Vec::new();
    for (index, summary) in issue.summaries.iter().enumerate() {
        let id = ids.get(index).copied().flatten();
        given.push(keep_summary(tx, summary, id, &before, suggester, now, &mut changes).await?);
    }
    let mut order: Vec<i64> = Vec::new();
    for id in &given {
        if !order.contains(id) {
            order.push(*id);
        }
    }
    let gone: Vec<i64> = before
        .iter()
        .copied()
        .filter(|id| !given.contains(id))
        .collect();
    for id in &gone {
        if went_out(tx, *id).await? {
            order.push(*id);
        }
    }
    if place(tx, issue_id, &before, order.clone(), &mut changes).await? {
        touch_issue(tx, issue_id, now).await?;
    }
    for id in gone.into_iter().filter(|id| !order.contains(id)) {
        changes.push(title_of(tx, id).await?.as_deref(), "taken out");
        forget_unless_listed(tx, id).await?;
    }
    Ok((given, changes.list))
}

/// Whether a mail has it, or is about to.
async fn went_out(tx: &mut Tx, id: i64) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM campaign_summary WHERE summary_id = $1)"
    )
    .bind(id)
    .fetch_one(conn)
    .await)
}

async fn title_of(tx: &mut Tx, id: i64) -> sqlx::Result<Option<String>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT title FROM summary WHERE id = $1"
    )
    .bind(id)
    .fetch_optional(conn)
    .await)
}

/// Takes a summary that no issue lists any more out of the archive. Its number is remembered: the world may know it.
async fn forget_unless_listed(tx: &mut Tx, id: i64) -> sqlx::Result<()> {
    let is_listed: bool = on!(&mut *tx, |conn| {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM issue_summary WHERE summary_id = $1)")
            .bind(id)
            .fetch_one(conn)
            .await
    })?;
    if is_listed {
        return Ok(());
    }
    search::forget(tx, id).await?;
    for sql in [
        "DELETE FROM summary_topic WHERE summary_id = $1",
        "DELETE FROM summary WHERE id = $1",
        "INSERT INTO summary_gone (id) VALUES ($1)",
    ] {
        on!(&mut *tx, |conn| sqlx::query(sql)
            .bind(id)
            .execute(conn)
            .await
            .map(drop))?;
    }
    Ok(())
}
