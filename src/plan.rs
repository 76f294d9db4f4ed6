//! Planning: a campaign settles, once and in one transaction, who gets what.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use ring::digest;
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::archive::{self, KeptIssue};
use crate::campaign;
use crate::config::{OnNothing, OnUnknown};
use crate::content::{Content, Item, Occasion, Selection};
use crate::db::{Tx, on};
use crate::issue::Month;
use crate::subscription::{Choice, Frequency};

/// Choices, or deliveries, that are held in memory at a time.
const PAGE: i64 = 5_000;

/// What stands in `plan_choice` for choices that nothing matched.
const NOTHING: &str = "none";

/// What a plan comes to, for people and as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    pub month: String,
    pub recipients: i64,
    pub variants: Vec<Variant>,
    /// Readers whom nothing matched, whether they get a note, the pick or nothing.
    pub nothing_matched: i64,
    /// How many are left out, by reason.
    pub excluded: BTreeMap<String, i64>,
    pub warnings: Vec<String>,
    pub fingerprint: String,
    /// Whether the issue's campaign exists already; then this is what it settled.
    pub settled: bool,
}

/// One distinct content: a set of summaries.
#[derive(Clone, Debug, Serialize)]
pub struct Variant {
    /// Titles in the issue's order.
    pub summaries: Vec<String>,
    pub subscribers: i64,
    /// `matched`, or what a reader gets whom nothing matched: `note`, `pick`.
    pub occasion: &'static str,
    /// The orders in which it goes out, best match first, each with its readers.
    pub orders: Vec<Order>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Order {
    /// The selection's text (see `Selection`).
    pub selection: String,
    pub subscribers: i64,
}

/// The operator's choices for a campaign.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub on_nothing: OnNothing,
    pub on_unknown: OnUnknown,
    pub now: DateTime<Utc>,
    pub start_at: DateTime<Utc>,
}

#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("there is no issue {0}; `bulletin issue list` shows what there is")]
    NoIssue(Month),
    #[error("the issue {0} has no summaries")]
    Empty(Month),
    #[error("a stored selection cannot be read")]
    Selection(#[from] crate::content::SelectionError),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// Settles the campaign of `month` and gives its id and plan. To only look, roll the transaction back.
///
/// A campaign that exists stays as it is: planning twice changes nothing.
pub async fn settle(
    tx: &mut Tx,
    month: Month,
    settings: &Settings,
) -> Result<(i64, Plan), PlanError> {
    let issue = archive::issue(tx, month)
        .await?
        .ok_or(PlanError::NoIssue(month))?;
    if issue.summaries.is_empty() {
        return Err(PlanError::Empty(month));
    }
    if let Some(campaign) = campaign::of_month(tx, month).await? {
        let Json(content) = campaign::content(tx, campaign.id).await?.0;
        let plan = describe(
            tx,
            campaign.id,
            &content,
            0,
            campaign.fingerprint,
            Vec::new(),
            true,
        )
        .await?;
        return Ok((campaign.id, plan));
    }
    let content = freeze(tx, &issue).await?;
    let id = campaign::add(
        tx,
        issue.id,
        &content,
        settings.on_unknown,
        settings.now,
        settings.start_at,
    )
    .await?;
    match_choices(tx, &content, month).await?;
    add_deliveries(tx, id, settings).await?;
    let already_sent = leave_out_what_was_sent(tx, id, &content, settings).await?;
    let fingerprint = fingerprint(tx, id, &content).await?;
    campaign::set_fingerprint(tx, id, &fingerprint).await?;
    let mut plan = describe(
        tx,
        id,
        &content,
        already_sent,
        fingerprint,
        warnings(&issue),
        false,
    )
    .await?;
    plan.warnings.extend(unusual(tx, id, &plan).await?);
    on!(&mut *tx, |conn| sqlx::query("DELETE FROM plan_choice")
        .execute(conn)
        .await
        .map(drop))?;
    Ok((id, plan))
}

/// The months that a quarterly round-up with this issue covers, newest first; empty unless the quarter ends with it.
pub fn quarter_ending(month: Month) -> Vec<Month> {
    if !month.month.is_multiple_of(3) {
        return Vec::new();
    }
    (0..3)
        .map(|back| Month {
            year: month.year,
            month: month.month - back,
        })
        .collect()
}

/// The issue's content as it stands now, with the earlier months of the quarter behind it where a quarter ends.
pub async fn freeze(tx: &mut Tx, issue: &KeptIssue) -> sqlx::Result<Content> {
    let mut content = Content {
        month: issue.month.to_string(),
        teaser: issue.teaser.clone(),
        items: items(issue),
        this_month: issue.summaries.len(),
    };
    for month in quarter_ending(issue.month).into_iter().skip(1) {
        if let Some(earlier) = archive::issue(tx, month).await? {
            let new = items(&earlier).into_iter().filter(|item| {
                !content
                    .items
                    .iter()
                    .any(|known| known.summary_id == item.summary_id)
            });
            let new: Vec<Item> = new.collect();
            content.items.extend(new);
        }
    }
    Ok(content)
}

fn items(issue: &KeptIssue) -> Vec<Item> {
    let item = |kept: &archive::Kept| Item {
        summary_id: kept.id,
        summary: kept.summary.clone(),
    };
    issue.summaries.iter().map(item).collect()
}

/// Works out, choice by choice rather than reader by reader, what each comes to.
async fn match_choices(tx: &mut Tx, content: &Content, month: Month) -> sqlx::Result<()> {
    type ChoiceRow = (Uuid, Json<Vec<String>>, Json<Vec<String>>);
    on!(&mut *tx, |conn| sqlx::query("DELETE FROM plan_choice")
        .execute(conn)
        .await
        .map(drop))?;
    let mut frequencies = vec![(Frequency::Monthly, content.this_month)];
    if !quarter_ending(month).is_empty() {
        frequencies.push((Frequency::Quarterly, content.items.len()));
    }
    let mut after = Uuid::nil();
    loop {
        let choices: Vec<ChoiceRow> = on!(&mut *tx, |conn| sqlx::query_as(
            "SELECT id, topics, research_types FROM choice WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(conn)
        .await)?;
        let Some((last, ..)) = choices.last() else {
            return Ok(());
        };
        after = *last;
        let mut selected = Vec::new();
        for (id, Json(topics), Json(types)) in choices {
            let choice = Choice::new(topics, types);
            for (frequency, among) in &frequencies {
                let selection = content.select(&choice, *among);
                selected.push(serde_json::json!({
                    "choice": id.simple().to_string(),
                    "frequency": frequency,
                    "content": selection.map_or_else(|| NOTHING.to_owned(), |selection| selection.to_string()),
                }));
            }
        }
        keep_selected(tx, &selected).await?;
    }
}

async fn keep_selected(tx: &mut Tx, selected: &[serde_json::Value]) -> sqlx::Result<()> {
    let rows = tx.rows();
    let sql = format!(
        "INSERT INTO plan_choice (choice_id, frequency, content) SELECT {}, {}, {} FROM {}",
        rows.uuid("choice"),
        rows.text("frequency"),
        rows.text("content"),
        rows.all()
    );
    on!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(Json(selected))
        .execute(conn)
        .await
        .map(drop))
}

/// One delivery for each active reader who gets something.
async fn add_deliveries(tx: &mut Tx, campaign: i64, settings: &Settings) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
        "INSERT INTO delivery (campaign_id, subscriber_id, content, state, due_at, attempts, changed_at) \
         SELECT $1, s.id, \
           CASE WHEN p.content <> $2 THEN p.content \
                WHEN COALESCE(s.on_nothing, $3) = 'note' THEN CAST($4 AS text) ELSE CAST($5 AS text) END, \
           'waiting', $6, 0, $7 \
         FROM subscriber s JOIN plan_choice p ON p.choice_id = s.choice_id AND p.frequency = s.frequency \
         LEFT JOIN suppression x ON x.address_hash = s.address_hash \
         WHERE s.state = 'active' AND x.address_hash IS NULL \
           AND (p.content <> $2 OR COALESCE(s.on_nothing, $3) <> 'skip') \
         ON CONFLICT (campaign_id, subscriber_id) DO NOTHING",
    )
    .bind(campaign)
    .bind(NOTHING)
    .bind(settings.on_nothing.as_str())
    .bind(Selection::note().to_string())
    .bind(Selection::pick().to_string())
    .bind(settings.start_at)
    .bind(settings.now)
    .execute(conn)
    .await
    .map(drop)
    })
}

/// No summary is sent to the same reader twice: takes out of the new deliveries what an earlier campaign sent.
///
/// Whole groups at a time: readers with the same content now and the same content then. Gives how many readers
/// are left with nothing new.
async fn leave_out_what_was_sent(
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

/// Names exactly this content for exactly these readers.
async fn fingerprint(tx: &mut Tx, campaign: i64, content: &Content) -> sqlx::Result<String> {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(&serde_json::to_vec(content).expect("content has only texts and numbers"));
    let mut after = Uuid::nil();
    loop {
        let rows: Vec<(Uuid, String)> = on!(&mut *tx, |conn| {
            sqlx::query_as(
            "SELECT subscriber_id, content FROM delivery WHERE campaign_id = $1 AND subscriber_id > $2 \
             ORDER BY subscriber_id LIMIT $3",
        )
        .bind(campaign)
        .bind(after)
        .bind(PAGE)
        .fetch_all(conn)
        .await
        })?;
        for (subscriber, content) in &rows {
            hash.update(subscriber.as_bytes());
            hash.update(content.as_bytes());
            hash.update(b"\n");
        }
        let Some((last, _)) = rows.last() else { break };
        after = *last;
    }
    Ok(data_encoding::HEXLOWER.encode(&hash.finish().as_ref()[..8]))
}

async fn describe(
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
        fingerprint,
        settled,
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
fn warnings(issue: &KeptIssue) -> Vec<String> {
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
async fn unusual(tx: &mut Tx, campaign: i64, plan: &Plan) -> sqlx::Result<Vec<String>> {
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
