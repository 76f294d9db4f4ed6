//! Planning: a campaign settles, once and in one transaction, who gets what.

mod describe;
mod sent;
mod zones;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ring::digest;
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use self::describe::{describe, unusual, warnings};
use crate::archive::{self, KeptIssue};
use crate::campaign;
use crate::config::{OnNothing, OnUnknown};
use crate::content::{Content, Item, Selection};
use crate::db::{Tx, on};
use crate::issue::Month;
use crate::subscription::{Choice, Frequency};

pub use self::zones::{ReadersTime, first as first_of_readers};

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
    /// When the first and the last of those that wait are due.
    pub due: Option<Span>,
    pub fingerprint: String,
    /// Whether the issue's campaign exists already; then this is what it settled.
    pub settled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
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
    /// No delivery is due before.
    pub start_at: DateTime<Utc>,
    /// Each reader's is due when their own clocks show this; `None`: all are due at the start.
    pub readers_time: Option<ReadersTime>,
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
    let (start_at, late_zones) = zones::settle(tx, settings).await?;
    let on_unknown = settings.on_unknown;
    let id = campaign::add(tx, issue.id, &content, on_unknown, settings.now, start_at).await?;
    match_choices(tx, &content, month).await?;
    add_deliveries(tx, id, settings, start_at).await?;
    zones::forget(tx).await?;
    let already_sent = sent::leave_out(tx, id, &content, settings).await?;
    let fingerprint = fingerprint(tx, id, &content).await?;
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
    campaign::set_plan(tx, id, &plan.fingerprint, plan.recipients).await?;
    plan.warnings.extend(unusual(tx, id, &plan).await?);
    if late_zones > 0 {
        plan.warnings.push(format!(
            "in {late_zones} time zones of readers that time is past: they get it at the start"
        ));
    }
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
async fn add_deliveries(
    tx: &mut Tx,
    campaign: i64,
    settings: &Settings,
    start_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
        "INSERT INTO delivery (campaign_id, subscriber_id, content, state, due_at, attempts, changed_at) \
         SELECT $1, s.id, \
           CASE WHEN p.content <> $2 THEN p.content \
                WHEN COALESCE(s.on_nothing, $3) = 'note' THEN CAST($4 AS text) ELSE CAST($5 AS text) END, \
           'waiting', COALESCE(z.at, $6), 0, $7 \
         FROM subscriber s JOIN plan_choice p ON p.choice_id = s.choice_id AND p.frequency = s.frequency \
         LEFT JOIN suppression x ON x.address_hash = s.address_hash \
         LEFT JOIN plan_zone z ON z.time_zone = s.time_zone \
         WHERE s.state = 'active' AND x.address_hash IS NULL \
           AND (p.content <> $2 OR COALESCE(s.on_nothing, $3) <> 'skip') \
         ON CONFLICT (campaign_id, subscriber_id) DO NOTHING",
    )
    .bind(campaign)
    .bind(NOTHING)
    .bind(settings.on_nothing.as_str())
    .bind(Selection::note().to_string())
    .bind(Selection::pick().to_string())
    .bind(start_at)
    .bind(settings.now)
    .execute(conn)
    .await
    .map(drop)
    })
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
