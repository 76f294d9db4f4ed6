//! No summary is sent to the same reader twice.

use std::collections::BTreeSet;

use sqlx::types::Json;

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
        for (now_text, then_text) in pairs(tx, campaign, earlier).await? {
            let had = had(content, &now_text.parse()?, &then, &then_text.parse()?);
            let selection: Selection = now_text.parse()?;
            if !selection.full.iter().any(|position| had.contains(position)) {
                continue;
            }
            let left = selection.without(&had).map(|left| left.to_string());
            emptied +=
                replace(tx, campaign, earlier, &now_text, &then_text, left, settings).await?;
        }
    }
    Ok(emptied)
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
const COUNTS_AS_SENT: &str = "o.campaign_id = $2 AND o.state NOT IN ('suppressed', 'bounced')";

async fn pairs(tx: &mut Tx, campaign: i64, earlier: i64) -> sqlx::Result<Vec<(String, String)>> {
    let sql = format!(
        "SELECT DISTINCT n.content, o.content FROM delivery n JOIN delivery o ON o.subscriber_id = n.subscriber_id \
         WHERE n.campaign_id = $1 AND {COUNTS_AS_SENT} ORDER BY 1, 2"
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(campaign)
        .bind(earlier)
        .fetch_all(conn)
        .await)
}

/// Which positions of the new content the earlier mail held in full.
fn had(now: &Content, selection: &Selection, then: &Content, sent: &Selection) -> BTreeSet<usize> {
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

/// Gives a group its new content, or takes its deliveries out where nothing is left; says how many were taken out.
async fn replace(
    tx: &mut Tx,
    campaign: i64,
    earlier: i64,
    now_text: &str,
    then_text: &str,
    left: Option<String>,
    settings: &Settings,
) -> sqlx::Result<i64> {
    let group = format!(
        "campaign_id = $1 AND content = $3 AND subscriber_id IN \
         (SELECT o.subscriber_id FROM delivery o WHERE {COUNTS_AS_SENT} AND o.content = $4)"
    );
    let sql = match left {
        Some(_) => format!("UPDATE delivery SET content = $5, changed_at = $6 WHERE {group}"),
        None => format!(
            "DELETE FROM delivery WHERE {group} AND CAST($5 AS text) IS NULL AND changed_at <= $6"
        ),
    };
    let taken_out = left.is_none();
    on!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(campaign)
        .bind(earlier)
        .bind(now_text)
        .bind(then_text)
        .bind(left)
        .bind(settings.now)
        .execute(conn)
        .await
        .map(|done| if taken_out {
            done.rows_affected() as i64
        } else {
            0
        }))
}
