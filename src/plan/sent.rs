//! No summary is sent to the same reader twice.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlx::types::Json;

use super::describe::counts;
use super::{PlanError, Settings};
use crate::campaign;
use crate::content::{Content, Selection};
use crate::db::{Tx, on};

/// No summary is sent to the same reader twice: takes out of the new deliveries what an earlier campaign sent.
///
/// Whole groups at a time: readers with the same content now and the same content then. Gives how many readers
/// are left with nothing new.
pub(super) async fn leave_out(
    tx: &mut Tx,
    campaign: i64,
    content: &Content,
    settings: &Settings,
) -> Result<i64, PlanError> {
    let mut emptied = 0;
    for earlier in campaigns_sharing_a_summary(tx, campaign).await? {
        let Json(then) = campaign::content(tx, earlier).await?.0;
        let touched = touched(tx, campaign, content, &then).await?;
        let mut changes = Vec::new();
        for (now_text, then_text) in pairs(tx, campaign, earlier, &touched).await? {
            let selection: Selection = now_text.parse()?;
            // What could not be read then was not sent.
            let Ok(then_selection) = then_text.parse() else {
                continue;
            };
            let had = had(content, &selection, &then, &then_selection);
            if selection.full.iter().any(|position| had.contains(position)) {
                let left = selection.without(&had).map(|left| left.to_string());
                changes.push(json!({ "now": now_text, "before": then_text, "left": left }));
            }
        }
        emptied += replace(tx, campaign, earlier, &changes, settings).await?;
    }
    Ok(emptied)
}

/// Which contents of the new campaign hold a summary of the earlier one in full: mostly few, or none.
async fn touched(
    tx: &mut Tx,
    campaign: i64,
    now: &Content,
    then: &Content,
) -> Result<Vec<Value>, PlanError> {
    let is_shared = |position: &usize| {
        now.item(*position).is_some_and(|item| {
            then.items
                .iter()
                .any(|known| known.summary_id == item.summary_id)
        })
    };
    let mut touched = Vec::new();
    for (text, _) in counts(tx, campaign).await? {
        let selection: Selection = text.parse()?;
        if selection.full.iter().any(is_shared) {
            touched.push(json!({ "now": text }));
        }
    }
    Ok(touched)
}

async fn campaigns_sharing_a_summary(tx: &mut Tx, campaign: i64) -> sqlx::Result<Vec<i64>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT DISTINCT o.campaign_id FROM campaign_summary n \
         JOIN campaign_summary o ON o.summary_id = n.summary_id AND o.campaign_id <> n.campaign_id \
         WHERE n.campaign_id = $1 ORDER BY o.campaign_id",
    )
    .bind(campaign)
    .fetch_all(conn)
    .await)
}

/// The deliveries of `earlier` that went out, or may yet: those count as sent.
pub(super) const COUNTS_AS_SENT: &str =
    "o.campaign_id = $2 AND o.state NOT IN ('suppressed', 'bounced')";

/// What readers of the new contents `touched` get, with what they got then; each pair once.
async fn pairs(
    tx: &mut Tx,
    campaign: i64,
    earlier: i64,
    touched: &[Value],
) -> sqlx::Result<Vec<(String, String)>> {
    if touched.is_empty() {
        return Ok(Vec::new());
    }
    let rows = tx.rows();
    let sql = format!(
        "SELECT DISTINCT n.content, o.content FROM delivery n JOIN delivery o ON o.subscriber_id = n.subscriber_id \
         WHERE n.campaign_id = $3 AND {COUNTS_AS_SENT} AND n.content IN (SELECT {} FROM {}) ORDER BY 1, 2",
        rows.text("now"),
        rows.all()
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(Json(touched))
        .bind(earlier)
        .bind(campaign)
        .fetch_all(conn)
        .await)
}

/// Which positions of the new content the earlier mail held in full.
pub(super) fn had(
    now: &Content,
    selection: &Selection,
    then: &Content,
    sent: &Selection,
) -> BTreeSet<usize> {
    let sent: BTreeSet<i64> = sent
        .full
        .iter()
        .filter_map(|p| then.item(*p))
        .map(|item| item.summary_id)
        .collect();
    let is_sent = |position: &usize| {
        now.item(*position)
            .is_some_and(|item| sent.contains(&item.summary_id))
    };
    let all = 1..=now.items.len();
    all.filter(is_sent)
        .filter(|position| !selection.had.contains(position))
        .collect()
}

/// Gives each group its new content, or takes its deliveries out where nothing is left: all groups in one pass. Says how
/// many were taken out.
async fn replace(
    tx: &mut Tx,
    campaign: i64,
    earlier: i64,
    changes: &[Value],
    settings: &Settings,
) -> sqlx::Result<i64> {
    if changes.is_empty() {
        return Ok(0);
    }
    let rows = tx.rows();
    let changed = format!(
        "WITH change AS MATERIALIZED (SELECT {} AS now_text, {} AS then_text, {} AS remains FROM {}), \
         changed AS (SELECT n.id, change.remains FROM delivery n \
           JOIN delivery o ON o.subscriber_id = n.subscriber_id AND {COUNTS_AS_SENT} \
           JOIN change ON change.now_text = n.content AND change.then_text = o.content WHERE n.campaign_id = $3)",
        rows.text("now"),
        rows.text("before"),
        rows.text("left"),
        rows.all()
    );
    let empty = format!(
        "{changed} DELETE FROM delivery WHERE id IN (SELECT id FROM changed WHERE remains IS NULL)"
    );
    let shorten = format!(
        "{changed} UPDATE delivery SET content = changed.remains, changed_at = $4 FROM changed \
         WHERE delivery.id = changed.id AND changed.remains IS NOT NULL"
    );
    let emptied = on!(&mut *tx, |conn| sqlx::query(sqlx::AssertSqlSafe(empty))
        .bind(Json(changes))
        .bind(earlier)
        .bind(campaign)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    on!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(shorten))
        .bind(Json(changes))
        .bind(earlier)
        .bind(campaign)
        .bind(settings.now)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(emptied as i64)
}
