//! Planning: a campaign settles, once and in one transaction, who gets what.

mod choices;
mod describe;
mod forecast;
mod sent;
mod when;
mod zones;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use ring::digest;
use serde::Serialize;
use sqlx::types::Json;

use self::choices::{NOT_NOW, NOTHING};
use self::describe::{counts, describe, leave_out, span, unusual, warnings};
use self::zones::Starts;
use crate::archive::{self, KeptIssue};
use crate::campaign::{self, Campaign};
use crate::config::{OnNothing, OnUnknown};
use crate::content::{Content, Item, Occasion, Selection};
use crate::db::{Tx, on};
use crate::issue::Month;
use crate::subscriber;

pub use self::forecast::forecast;
pub use self::when::{Terms, WALL, When, wall};
pub use self::zones::{ReadersTime, first as first_of_readers};

/// Choices, or deliveries, that are read at a time.
const PAGE: i64 = 5_000;

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
    /// Whether it matched, or what a reader gets whom nothing matched.
    pub occasion: Occasion,
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

/// A query with `readers` in it, with the first six parameters bound.
macro_rules! bound {
    ($sql:expr, $settings:expr, $start_at:expr) => {
        sqlx::query(sqlx::AssertSqlSafe($sql))
            .bind(NOTHING)
            .bind($settings.on_nothing.as_str())
            .bind(Selection::note().to_string())
            .bind(Selection::pick().to_string())
            .bind($start_at)
            .bind(NOT_NOW)
    };
}
use bound;

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
        return Ok((campaign.id, settled(tx, campaign).await?));
    }
    subscriber::keep_all(tx).await?;
    let content = freeze(tx, &issue).await?;
    let starts = zones::settle(tx, settings).await?;
    let start_at = starts.first;
    let on_unknown = settings.on_unknown;
    let id = campaign::add(tx, issue.id, &content, on_unknown, settings.now, start_at).await?;
    choices::settle(tx, &content, month).await?;
    let (_, before) = ends(tx, 0).await?;
    add_deliveries(tx, id, settings, start_at).await?;
    zones::forget(tx).await?;
    // The first claims come at once, before PostgreSQL would count so many new rows by itself.
    execute(tx, tx.on_postgres("ANALYZE delivery")).await?;
    let already_sent = sent::leave_out(tx, id, &content, settings).await?;
    let (fingerprint, counts) = read_back(tx, id, before, &content).await?;
    let mut plan = describe(&content, counts, fingerprint, warnings(&issue));
    campaign::set_plan(tx, id, &plan.fingerprint, plan.recipients).await?;
    complete(tx, &mut plan, month, &starts, already_sent).await?;
    plan.due = span(tx, id).await?;
    choices::forget(tx).await?;
    Ok((id, plan))
}

/// What an existing campaign settled.
async fn settled(tx: &mut Tx, campaign: Campaign) -> Result<Plan, PlanError> {
    let Json(content) = campaign::content(tx, campaign.id).await?.0;
    let counts = counts(tx, campaign.id).await?;
    let plan = describe(&content, counts, campaign.fingerprint, Vec::new());
    Ok(Plan {
        due: span(tx, campaign.id).await?,
        settled: true,
        ..plan
    })
}

/// Adds who gets nothing, and what an editor should look at.
async fn complete(
    tx: &mut Tx,
    plan: &mut Plan,
    month: Month,
    starts: &Starts,
    already_sent: i64,
) -> sqlx::Result<()> {
    let is_quarter = !quarter_ending(month).is_empty();
    leave_out(tx, plan, starts.first, is_quarter, already_sent).await?;
    plan.warnings.extend(unusual(tx, plan).await?);
    if starts.late > 0 {
        plan.warnings.push(format!(
            "in {} time zones of readers that time is past: they get it at the start",
            starts.late
        ));
    }
    Ok(())
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

/// The newest issue that has summaries, with its content as it would go out now.
pub async fn newest(tx: &mut Tx) -> sqlx::Result<Option<(Month, Content)>> {
    let Some(issue) = archive::newest(tx).await? else {
        return Ok(None);
    };
    Ok(Some((issue.month, freeze(tx, &issue).await?)))
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

/// An empty text is nothing to do.
async fn execute(tx: &mut Tx, sql: &'static str) -> sqlx::Result<()> {
    if sql.is_empty() {
        return Ok(());
    }
    on!(tx, |conn| sqlx::query(sql).execute(conn).await.map(drop))
}

/// One delivery for each active reader who gets something, in the order of the readers: so each index is written from
/// one end to the other, and `read_back` meets them in that order.
async fn add_deliveries(
    tx: &mut Tx,
    campaign: i64,
    settings: &Settings,
    start_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    let readers = readers("");
    let sql = format!(
        "INSERT INTO delivery (campaign_id, subscriber_id, content, state, due_at, attempts, changed_at) \
         SELECT $7, id, content, 'waiting', COALESCE(at, $5), 0, $8 FROM ({readers}) reader ORDER BY id"
    );
    on!(tx, |conn| bound!(sql, settings, start_at)
        .bind(campaign)
        .bind(settings.now)
        .execute(conn)
        .await
        .map(drop))
}

/// Every active reader who gets something, with what; `which` says which readers are looked at, as `s`. To be bound by
/// `bound!`.
fn readers(which: &str) -> String {
    format!(
        "SELECT id, at, CASE WHEN content <> $1 THEN content \
           WHEN on_nothing = 'note' THEN CAST($3 AS text) ELSE CAST($4 AS text) END AS content \
         FROM (SELECT s.id, z.at, COALESCE(s.on_nothing, $2) AS on_nothing, \
             CASE s.frequency WHEN 'quarterly' THEN c.quarterly ELSE c.monthly END AS content \
           FROM subscriber s LEFT JOIN plan_choice p ON p.choice_id = s.choice_id \
           JOIN plan_content c ON c.id = COALESCE(p.content_id, 0) \
           LEFT JOIN suppression x ON x.address_hash = s.address_hash \
           LEFT JOIN plan_zone z ON z.time_zone = s.time_zone \
           WHERE s.state = 'active' AND x.address_hash IS NULL {which} \
             AND (s.paused_until IS NULL OR s.paused_until <= $5) \
             AND (s.consent_until IS NULL OR s.consent_until > $5)) reader \
         WHERE content <> $6 AND (content <> $1 OR on_nothing <> 'skip')"
    )
}

/// The numbers of the first and the last delivery after delivery `after`; both 0 where there is none.
async fn ends(tx: &mut Tx, after: i64) -> sqlx::Result<(i64, i64)> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT COALESCE((SELECT min(id) FROM delivery WHERE id > $1), 0), \
         COALESCE((SELECT max(id) FROM delivery WHERE id > $1), 0)"
    )
    .bind(after)
    .fetch_one(conn)
    .await)
}

/// Reads the new deliveries once, all those after delivery `before`: gives a fingerprint that names exactly this content
/// for exactly these readers, and how many get what. The database joins each page to one text, which costs a small part
/// of so many rows.
async fn read_back(
    tx: &mut Tx,
    campaign: i64,
    before: i64,
    content: &Content,
) -> sqlx::Result<(String, Vec<(String, i64)>)> {
    let (first, last) = ends(tx, before).await?;
    let mut read = Read::of(content);
    for from in (first..=last).step_by(PAGE as usize) {
        read.lines(&page(tx, campaign, from).await?.unwrap_or_default());
    }
    Ok(read.finish())
}

/// What a plan comes to, read line by line: the reader and, behind a space, what they get.
struct Read {
    hash: digest::Context,
    counts: HashMap<String, i64>,
}

impl Read {
    fn of(content: &Content) -> Read {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(&serde_json::to_vec(content).expect("content has only texts and numbers"));
        Read {
            hash,
            counts: HashMap::new(),
        }
    }

    fn lines(&mut self, page: &str) {
        self.hash.update(page.as_bytes());
        for (_, content) in page.lines().filter_map(|line| line.split_once(' ')) {
            match self.counts.get_mut(content) {
                Some(count) => *count += 1,
                None => drop(self.counts.insert(content.to_owned(), 1)),
            }
        }
    }

    fn finish(self) -> (String, Vec<(String, i64)>) {
        let fingerprint = data_encoding::HEXLOWER.encode(&self.hash.finish().as_ref()[..8]);
        (fingerprint, self.counts.into_iter().collect())
    }
}

/// Up to `PAGE` deliveries from number `from`, a line each: the reader and, behind a space, the content. The plus keeps both
/// databases from going by the campaign, where only the numbers lead straight to a page.
async fn page(tx: &mut Tx, campaign: i64, from: i64) -> sqlx::Result<Option<String>> {
    let sql = format!(
        "SELECT string_agg({}, '' ORDER BY id) FROM delivery WHERE id >= $1 AND id < $2 AND +campaign_id = $3",
        line(tx, "subscriber_id")
    );
    on!(tx, |conn| sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(from)
        .bind(from + PAGE)
        .bind(campaign)
        .fetch_one(conn)
        .await)
}

/// A reader's id, and behind a space what they get, as a line.
fn line(tx: &Tx, reader: &str) -> String {
    match tx {
        Tx::Sqlite(_) => format!("hex({reader}) || ' ' || content || char(10)"),
        Tx::Postgres(_) => format!("CAST({reader} AS text) || ' ' || content || chr(10)"),
    }
}
