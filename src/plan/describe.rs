//! A plan in words and numbers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Order, Plan, Span, Variant};
use crate::archive::KeptIssue;
use crate::content::{Content, Occasion, Selection};
use crate::db::{Tx, on};
use crate::subscription::Frequency;

/// Who gets what, without who is left out. Rows that cannot be read fail alone when they are sent, so they stop nothing
/// here either.
pub(super) fn describe(
    content: &Content,
    counts: Vec<(String, i64)>,
    fingerprint: String,
    mut warnings: Vec<String>,
) -> Plan {
    let recipients = counts.iter().map(|(_, count)| count).sum();
    let variants = variants(content, counts);
    let readable: i64 = variants.iter().map(|variant| variant.subscribers).sum();
    if readable < recipients {
        warnings.push(format!(
            "what {} readers are to get cannot be read: their mails will fail, the others go out",
            recipients - readable
        ));
    }
    let told = variants.iter().filter(|v| v.occasion != Occasion::Matched);
    Plan {
        month: content.month.clone(),
        recipients,
        nothing_matched: told.map(|v| v.subscribers).sum(),
        variants,
        excluded: BTreeMap::new(),
        warnings,
        due: None,
        fingerprint,
        settled: false,
    }
}

/// When the first and the last of those that wait are due. The index on it has both ends at hand; min and max together would read it all.
pub(super) async fn span(tx: &mut Tx, campaign: i64) -> sqlx::Result<Option<Span>> {
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

/// How many deliveries of a campaign have which content.
pub(super) async fn counts(tx: &mut Tx, campaign: i64) -> sqlx::Result<Vec<(String, i64)>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT content, count(*) FROM delivery WHERE campaign_id = $1 GROUP BY content"
    )
    .bind(campaign)
    .fetch_all(conn)
    .await)
}

/// Groups the selections that hold the same summaries.
fn variants(content: &Content, mut counts: Vec<(String, i64)>) -> Vec<Variant> {
    counts.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
    let mut groups: BTreeMap<(Occasion, Vec<usize>), Vec<Order>> = BTreeMap::new();
    for (text, subscribers) in counts {
        let Ok(selection) = text.parse::<Selection>() else {
            continue;
        };
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
            occasion,
            orders,
        })
        .collect();
    variants.sort_by_key(|variant| std::cmp::Reverse(variant.subscribers));
    variants
}

/// Says who gets nothing, and why: whoever could have got the issue and does not had nothing matched, or had it all.
pub(super) async fn leave_out(
    tx: &mut Tx,
    plan: &mut Plan,
    start_at: DateTime<Utc>,
    is_quarter: bool,
    already_sent: i64,
) -> sqlx::Result<()> {
    let not_now = if is_quarter {
        ""
    } else {
        Frequency::Quarterly.as_str()
    };
    let all = standings(tx, start_at, not_now, "subscriber s").await?;
    // The order of a CROSS JOIN is SQLite's too: from the shorter table into the longer.
    let among = "suppression x CROSS JOIN subscriber s WHERE s.address_hash = x.address_hash";
    let suppressed = standings(tx, start_at, not_now, among).await?;
    let [pending, ended, expired, paused, not_now, others] =
        [0, 1, 2, 3, 4, 5].map(|which| all[which] - suppressed[which]);
    let suppressed = suppressed.iter().sum();
    let nothing_matched = others - plan.recipients - already_sent;
    plan.nothing_matched += nothing_matched;
    plan.excluded = [
        ("suppressed", suppressed),
        ("pending", pending),
        ("ended", ended),
        ("consent_expired", expired),
        ("paused", paused),
        ("not_this_month", not_now),
        ("nothing_matched", nothing_matched),
        ("already_sent", already_sent),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(reason, count)| (reason.to_owned(), count))
    .collect();
    Ok(())
}

/// How many subscribers are pending, ended, no longer agreed to it, pausing, active but `not_now`, and the others. Those
/// of `from`: so who is suppressed is counted from the shorter table, and the others are not looked up there.
async fn standings(
    tx: &mut Tx,
    start_at: DateTime<Utc>,
    not_now: &str,
    from: &str,
) -> sqlx::Result<[i64; 6]> {
    let sql = format!(
        "SELECT count(*) FILTER (WHERE why = 0), count(*) FILTER (WHERE why = 1), count(*) FILTER (WHERE why = 2), \
         count(*) FILTER (WHERE why = 3), count(*) FILTER (WHERE why = 4), count(*) FILTER (WHERE why = 5) FROM \
         (SELECT CASE WHEN s.state = 'pending' THEN 0 WHEN s.state = 'ended' THEN 1 \
            WHEN s.consent_until <= $2 THEN 2 WHEN s.paused_until > $2 THEN 3 \
            WHEN s.frequency = $1 THEN 4 ELSE 5 END AS why FROM {from}) reader"
    );
    let counts: (i64, i64, i64, i64, i64, i64) =
        on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(not_now)
            .bind(start_at)
            .fetch_one(conn)
            .await)?;
    Ok(counts.into())
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
pub(super) async fn unusual(tx: &mut Tx, plan: &Plan) -> sqlx::Result<Vec<String>> {
    let before: Option<(String, i64)> = on!(&mut *tx, |conn| {
        sqlx::query_as(
        "SELECT i.month, c.planned FROM campaign c JOIN issue i ON i.id = c.issue_id WHERE i.month < $1 \
         ORDER BY i.month DESC LIMIT 1",
    )
    .bind(plan.month.as_str())
    .fetch_optional(conn)
    .await
    })?;
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
