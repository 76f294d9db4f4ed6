//! A plan in words and numbers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Order, Plan, PlanError, Span, Variant};
use crate::archive::KeptIssue;
use crate::content::{Content, Occasion, Selection};
use crate::db::{Tx, on};

pub(super) async fn describe(
    tx: &mut Tx,
    campaign: i64,
    content: &Content,
    already_sent: i64,
    fingerprint: String,
    warnings: Vec<String>,
    settled: bool,
) -> Result<Plan, PlanError> {
    let counts: Vec<(String, i64)> = on!(&mut *tx, |conn| {
        sqlx::query_as(
        "SELECT content, count(*) FROM delivery WHERE campaign_id = $1 GROUP BY content ORDER BY 2 DESC, 1",
    )
    .bind(campaign)
    .fetch_all(conn)
    .await
    })?;
    let recipients = counts.iter().map(|(_, count)| count).sum();
    let variants = variants(content, counts)?;
    let told: i64 = variants
        .iter()
        .filter(|v| v.occasion != "matched")
        .map(|v| v.subscribers)
        .sum();
    let excluded = if settled {
        BTreeMap::new()
    } else {
        excluded(tx, campaign, already_sent).await?
    };
    let nothing_matched = told + excluded.get("nothing_matched").copied().unwrap_or(0);
    Ok(Plan {
        month: content.month.clone(),
        recipients,
        variants,
        nothing_matched,
        excluded,
        warnings,
        due: span(tx, campaign).await?,
        fingerprint,
        settled,
    })
}

/// The index on what is due has both ends at hand; min and max together would read it all.
async fn span(tx: &mut Tx, campaign: i64) -> sqlx::Result<Option<Span>> {
    let ends: (Option<DateTime<Utc>>, Option<DateTime<Utc>>) = on!(tx, |conn| {
        sqlx::query_as(
        "SELECT (SELECT min(due_at) FROM delivery WHERE campaign_id = $1 AND due_at IS NOT NULL), \
             (SELECT max(due_at) FROM delivery WHERE campaign_id = $1 AND due_at IS NOT NULL)",
    )
    .bind(campaign)
    .fetch_one(conn)
    .await
    })?;
    Ok(match ends {
        (Some(first), Some(last)) => Some(Span { first, last }),
        _ => None,
    })
}

/// Groups the selections that hold the same summaries.
fn variants(content: &Content, counts: Vec<(String, i64)>) -> Result<Vec<Variant>, PlanError> {
    let mut groups: BTreeMap<(Occasion, Vec<usize>), Vec<Order>> = BTreeMap::new();
    for (text, subscribers) in counts {
        let selection: Selection = text.parse()?;
        let mut set = selection.full;
        set.sort_unstable();
        groups
            .entry((selection.occasion, set))
            .or_default()
            .push(Order {
                selection: text,
                subscribers,
            });
    }
    let mut variants: Vec<Variant> = groups
        .into_iter()
        .map(|((occasion, set), orders)| Variant {
            summaries: set
                .iter()
                .filter_map(|p| content.item(*p))
                .map(|item| item.summary.title.clone())
                .collect(),
            subscribers: orders.iter().map(|order| order.subscribers).sum(),
            occasion: match occasion {
                Occasion::Matched => "matched",
                Occasion::Note => "note",
                Occasion::Pick => "pick",
            },
            orders,
        })
        .collect();
    variants.sort_by_key(|variant| std::cmp::Reverse(variant.subscribers));
    Ok(variants)
}

/// Who gets nothing, and why.
async fn excluded(
    tx: &mut Tx,
    campaign: i64,
    already_sent: i64,
) -> sqlx::Result<BTreeMap<String, i64>> {
    let counts: Vec<(String, i64)> = on!(tx, |conn| sqlx::query_as(
        "SELECT reason, count(*) FROM (SELECT CASE \
           WHEN x.address_hash IS NOT NULL THEN 'suppressed' \
           WHEN s.state <> 'active' THEN s.state \
           WHEN p.choice_id IS NULL THEN 'not_this_month' \
           ELSE 'nothing_matched' END AS reason \
         FROM subscriber s \
         LEFT JOIN plan_choice p ON p.choice_id = s.choice_id AND p.frequency = s.frequency \
         LEFT JOIN suppression x ON x.address_hash = s.address_hash \
         LEFT JOIN delivery d ON d.campaign_id = $1 AND d.subscriber_id = s.id \
         WHERE d.id IS NULL) left_out GROUP BY reason",
    )
    .bind(campaign)
    .fetch_all(conn)
    .await)?;
    let mut excluded: BTreeMap<String, i64> = counts.into_iter().collect();
    if already_sent > 0 {
        excluded.insert("already_sent".to_owned(), already_sent);
        if let Some(nothing) = excluded.get_mut("nothing_matched") {
            *nothing -= already_sent;
        }
    }
    excluded.retain(|_, count| *count > 0);
    Ok(excluded)
}

/// What an editor should look at in the issue itself.
pub(super) fn warnings(issue: &KeptIssue) -> Vec<String> {
    let mut warnings = Vec::new();
    for kept in &issue.summaries {
        let title = &kept.summary.title;
        if kept.summary.topics.is_empty() {
            warnings.push(format!(
                "'{title}' has no topic: only readers who chose every topic get it"
            ));
        } else if !kept.topics_confirmed {
            warnings.push(format!(
                "'{title}': topics are only suggested ({}); `bulletin issue confirm {}` confirms them",
                kept.summary.topics.join(", "),
                issue.month
            ));
        }
        if kept.summary.implications.is_empty() {
            warnings.push(format!("'{title}' has no practice implications"));
        }
    }
    warnings
}

/// What differs much from the campaign of the issue before.
pub(super) async fn unusual(tx: &mut Tx, campaign: i64, plan: &Plan) -> sqlx::Result<Vec<String>> {
    let before: Option<(String, i64)> = on!(&mut *tx, |conn| sqlx::query_as(
        "SELECT i.month, count(d.id) FROM campaign c JOIN issue i ON i.id = c.issue_id \
         LEFT JOIN delivery d ON d.campaign_id = c.id WHERE c.id <> $1 AND i.month < $2 \
         GROUP BY c.id, i.month ORDER BY i.month DESC LIMIT 1",
    )
    .bind(campaign)
    .bind(plan.month.as_str())
    .fetch_optional(conn)
    .await)?;
    let mut warnings = Vec::new();
    if plan.recipients == 0 {
        warnings.push("nobody gets this issue".to_owned());
    }
    if let Some((month, then)) = before {
        let differs = (plan.recipients - then).abs();
        if differs * 5 > then.max(1) && differs > 5 {
            warnings.push(format!(
                "{} readers, where {month} had {then}",
                plan.recipients
            ));
        }
    }
    let everyone = plan.recipients + plan.excluded.values().sum::<i64>();
    if plan.nothing_matched * 2 > everyone && everyone > 5 {
        warnings.push(format!(
            "nothing matched for {} of {everyone} readers",
            plan.nothing_matched
        ));
    }
    Ok(warnings)
}
