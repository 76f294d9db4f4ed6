//! What a plan would come to now, without writing anything: nobody has to wait for it, however long the list is.

use std::collections::HashMap;

use sqlx::types::Json;
use uuid::Uuid;

use super::describe::{describe, warnings};
use super::sent::{COUNTS_AS_SENT, had};
use super::{
    NOT_NOW, NOTHING, PAGE, Plan, PlanError, Read, Settings, Span, bound, choices, complete,
    freeze, line, readers, settled, zones,
};
use crate::archive;
use crate::campaign;
use crate::content::{Content, Selection};
use crate::db::{Tx, on};
use crate::issue::Month;

/// Readers that are looked at in one statement: each has to find its place again.
const READERS_AT_A_TIME: i64 = PAGE * 10;

/// The plan that `settle` would make: the same readers with the same content, under the same fingerprint.
///
/// To be asked in a transaction that only reads, on a connection of its own: it makes temporary tables. Millions of
/// readers take seconds.
pub async fn forecast(tx: &mut Tx, month: Month, settings: &Settings) -> Result<Plan, PlanError> {
    at_one_instant(tx).await?;
    let issue = archive::issue(tx, month)
        .await?
        .ok_or(PlanError::NoIssue(month))?;
    if issue.summaries.is_empty() {
        return Err(PlanError::Empty(month));
    }
    if let Some(campaign) = campaign::of_month(tx, month).await? {
        return settled(tx, campaign).await;
    }
    let content = freeze(tx, &issue).await?;
    let starts = zones::starts(tx, settings).await?;
    let mut earlier = Earlier::read(tx, &content).await?;
    choices::settle(tx, &content, month).await?;
    let mut read = Read::of(&content);
    let (mut after, mut already_sent) = (Uuid::nil(), 0);
    while let Some(page) = page(tx, settings, starts.first, after).await? {
        let last = page.lines().next_back().and_then(reader);
        if !earlier.touches(&content, &page)? {
            read.lines(&page);
        } else {
            let sent = sent(tx, &earlier, after, last.unwrap_or(after)).await?;
            let (rest, emptied) = earlier.taken_out(&content, &page, &sent)?;
            already_sent += emptied;
            read.lines(&rest);
        }
        let Some(last) = last else { break };
        after = last;
    }
    let (fingerprint, counts) = read.finish();
    let mut plan = describe(&content, counts, fingerprint, warnings(&issue));
    complete(tx, &mut plan, month, &starts, already_sent).await?;
    plan.due = (plan.recipients > 0).then_some(Span {
        first: starts.first,
        last: starts.last,
    });
    choices::forget(tx).await?;
    Ok(plan)
}

/// Whatever is read belongs together; on SQLite a transaction sees to that by itself.
async fn at_one_instant(tx: &mut Tx) -> sqlx::Result<()> {
    super::execute(
        tx,
        tx.on_postgres("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
    )
    .await
}

/// Readers after `after` with what they get, a line each.
async fn page(
    tx: &mut Tx,
    settings: &Settings,
    start_at: chrono::DateTime<chrono::Utc>,
    after: Uuid,
) -> sqlx::Result<Option<String>> {
    use sqlx::Row;
    let sql = format!(
        "SELECT string_agg({}, '' ORDER BY id) FROM ({} ORDER BY id LIMIT $8) reader",
        line(tx, "id"),
        readers("AND s.id > $7")
    );
    on!(tx, |conn| bound!(sql, settings, start_at)
        .bind(after)
        .bind(READERS_AT_A_TIME)
        .fetch_one(conn)
        .await
        .and_then(|row| row.try_get(0)))
}

/// Whose line it is.
fn reader(line: &str) -> Option<Uuid> {
    line.split(' ').next()?.parse().ok()
}

/// Campaigns that sent a summary of this content before.
struct Earlier {
    /// In their order, with their content.
    campaigns: Vec<(i64, Content)>,
    /// Whether a content holds a summary of theirs in full.
    touched: HashMap<String, bool>,
    /// What is left of a content for who had these: asked for many times over.
    known: HashMap<String, Option<String>>,
}

impl Earlier {
    async fn read(tx: &mut Tx, content: &Content) -> sqlx::Result<Earlier> {
        let rows = tx.rows();
        let sql = format!(
            "SELECT DISTINCT campaign_id FROM campaign_summary WHERE summary_id IN (SELECT {} FROM {}) ORDER BY campaign_id",
            rows.number(),
            rows.all()
        );
        let summaries: Vec<i64> = content.items.iter().map(|item| item.summary_id).collect();
        let ids: Vec<i64> = on!(&mut *tx, |conn| sqlx::query_scalar(sqlx::AssertSqlSafe(
            sql
        ))
        .bind(Json(&summaries))
        .fetch_all(conn)
        .await)?;
        let mut campaigns = Vec::new();
        for id in ids {
            let Json(then) = campaign::content(tx, id).await?.0;
            campaigns.push((id, then));
        }
        Ok(Earlier {
            campaigns,
            touched: HashMap::new(),
            known: HashMap::new(),
        })
    }

    /// Whether anybody on this page is to get a summary that one of these campaigns sent: mostly few are, or none.
    fn touches(&mut self, content: &Content, page: &str) -> Result<bool, PlanError> {
        if self.campaigns.is_empty() {
            return Ok(false);
        }
        for (_, text) in page.lines().filter_map(|line| line.split_once(' ')) {
            let known = self.touched.get(text).copied();
            let touched = match known {
                Some(touched) => touched,
                None => {
                    let selection: Selection = text.parse()?;
                    let touched = selection
                        .full
                        .iter()
                        .any(|position| self.sent(content, *position));
                    self.touched.insert(text.to_owned(), touched);
                    touched
                }
            };
            if touched {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn sent(&self, content: &Content, position: usize) -> bool {
        content.item(position).is_some_and(|item| {
            let items = self.campaigns.iter().flat_map(|(_, then)| &then.items);
            items
                .into_iter()
                .any(|known| known.summary_id == item.summary_id)
        })
    }

    /// The page without what its readers had before; with how many have nothing new.
    fn taken_out(
        &mut self,
        content: &Content,
        page: &str,
        sent: &[HashMap<Uuid, String>],
    ) -> Result<(String, i64), PlanError> {
        let mut rest = String::with_capacity(page.len());
        let mut emptied = 0;
        for line in page.lines() {
            let (Some(reader), Some((id, now))) = (reader(line), line.split_once(' ')) else {
                continue;
            };
            match self.left(content, now, reader, sent)? {
                Some(left) => rest.extend([id, " ", left.as_str(), "\n"]),
                None => emptied += 1,
            }
        }
        Ok((rest, emptied))
    }

    /// What is left of `now` for a reader; `None` for nothing.
    fn left(
        &mut self,
        content: &Content,
        now: &str,
        reader: Uuid,
        sent: &[HashMap<Uuid, String>],
    ) -> Result<Option<String>, PlanError> {
        let mut left = now.to_owned();
        for (number, sent) in sent.iter().enumerate() {
            let Some(then_text) = sent.get(&reader) else {
                continue;
            };
            let key = format!("{number} {left} {then_text}");
            let known = match self.known.get(&key) {
                Some(known) => known.clone(),
                None => {
                    let then = &self.campaigns[number].1;
                    let fresh = without(content, &left, then, then_text)?;
                    self.known.insert(key, fresh.clone());
                    fresh
                }
            };
            match known {
                Some(remains) => left = remains,
                None => return Ok(None),
            }
        }
        Ok(Some(left))
    }
}

/// What is left of `now_text` for who was sent `then_text`. What could not be read then was not sent.
fn without(
    content: &Content,
    now_text: &str,
    then: &Content,
    then_text: &str,
) -> Result<Option<String>, PlanError> {
    let selection: Selection = now_text.parse()?;
    let Ok(then_selection) = then_text.parse() else {
        return Ok(Some(now_text.to_owned()));
    };
    let had = had(content, &selection, then, &then_selection);
    if !selection.full.iter().any(|position| had.contains(position)) {
        return Ok(Some(now_text.to_owned()));
    }
    Ok(selection.without(&had).map(|left| left.to_string()))
}

/// What each earlier campaign sent to the readers after `after`, up to `last`.
async fn sent(
    tx: &mut Tx,
    earlier: &Earlier,
    after: Uuid,
    last: Uuid,
) -> sqlx::Result<Vec<HashMap<Uuid, String>>> {
    let sql = format!(
        "SELECT string_agg({}, '') FROM delivery o WHERE {COUNTS_AS_SENT} AND subscriber_id > $1 AND subscriber_id <= $3",
        line(tx, "subscriber_id")
    );
    let mut sent = Vec::new();
    for (campaign, _) in &earlier.campaigns {
        let lines: Option<String> = on!(&mut *tx, |conn| sqlx::query_scalar(sqlx::AssertSqlSafe(
            sql.clone()
        ))
        .bind(after)
        .bind(campaign)
        .bind(last)
        .fetch_one(conn)
        .await)?;
        let lines = lines.unwrap_or_default();
        let pairs = lines.lines().filter_map(|line| {
            let (_, content) = line.split_once(' ')?;
            Some((reader(line)?, content.to_owned()))
        });
        sent.push(pairs.collect());
    }
    Ok(sent)
}
