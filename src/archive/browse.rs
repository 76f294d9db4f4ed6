//! The archive as visitors read it: by topic, by type of research, by words, the newest first.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use sqlx::types::Json;

use super::words::Terms;
use crate::db::{Tx, on, row};
use crate::issue::Month;

/// What a visitor wants to see. What is empty does not limit.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// All of these words.
    pub terms: Terms,
    /// One of these topics, by slug.
    pub topics: Vec<String>,
    /// One of these types of research, by slug.
    pub research_types: Vec<String>,
}

row! {
    pub struct EntryRow {
        pub id: i64,
        pub month: String,
        pub title: String,
        pub citation: Option<String>,
        pub doi: Option<String>,
        pub summary: Json<Vec<String>>,
        pub implications: Json<Vec<String>>,
        pub language: String,
        pub research_type: Option<String>,
        pub changed_at: DateTime<Utc>,
    }
}

/// A summary in a list or a feed.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: i64,
    /// The newest issue that has it.
    pub month: Month,
    pub title: String,
    pub citation: Option<String>,
    pub doi: Option<String>,
    pub summary: Vec<String>,
    pub implications: Vec<String>,
    pub language: String,
    pub research_type: Option<String>,
    pub topics: Vec<String>,
    pub changed_at: DateTime<Utc>,
}

/// How many summaries each choice would show beside what else is chosen, by slug.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Of all that is chosen together.
    pub total: i64,
    pub topics: HashMap<String, i64>,
    pub research_types: HashMap<String, i64>,
}

row! {
    /// A summary that stands beside another one.
    #[derive(Clone, Debug)]
    pub struct Neighbour {
        pub id: i64,
        pub title: String,
        pub language: String,
    }
}

/// A summary stands in the newest issue that has it.
const IN_ITS_ISSUE: &str = "NOT EXISTS (SELECT 1 FROM issue_summary k JOIN issue j ON j.id = k.issue_id \
     WHERE k.summary_id = l.summary_id AND j.month > i.month)";

/// Summaries that `filter` lets through: what fits its words best first, otherwise the newest.
pub async fn entries(
    tx: &mut Tx,
    filter: &Filter,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<Entry>> {
    let ids = match filter.terms.is_empty() {
        true => newest_ids(tx, filter, limit, offset).await?,
        false => fitting_ids(tx, filter, limit, offset).await?,
    };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = listed(&ids);
    let sql = format!(
        "SELECT s.id, i.month, s.title, s.citation, s.doi, s.summary, s.implications, s.language, s.research_type, \
         s.changed_at FROM summary s JOIN issue_summary l ON l.summary_id = s.id JOIN issue i ON i.id = l.issue_id \
         WHERE s.id IN ({list}) AND {IN_ITS_ISSUE}"
    );
    let rows: Vec<EntryRow> = on!(&mut *tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)?;
    let mut topics = topics_of(tx, &list).await?;
    let mut entries: Vec<Entry> = rows
        .into_iter()
        .filter_map(|row| {
            let topics = topics.remove(&row.id).unwrap_or_default();
            entry(row, topics)
        })
        .collect();
    entries.sort_by_key(|entry| ids.iter().position(|id| *id == entry.id));
    Ok(entries)
}

/// SQLite keeps to the order of a `CROSS JOIN`: so it goes from issue to issue, and stops where there are enough.
async fn newest_ids(
    tx: &mut Tx,
    filter: &Filter,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<i64>> {
    let Limits { sql, values } = Limits::of(tx, filter, "l.summary_id");
    let sql = format!(
        "SELECT l.summary_id FROM issue i CROSS JOIN issue_summary l WHERE l.issue_id = i.id AND {sql} \
         AND {IN_ITS_ISSUE} ORDER BY i.month DESC, l.position LIMIT {limit} OFFSET {offset}"
    );
    on!(tx, |conn| {
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value);
        }
        query.fetch_all(conn).await
    })
}

/// A word in the title counts as much as eight or ten in the text.
async fn fitting_ids(
    tx: &mut Tx,
    filter: &Filter,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<i64>> {
    let (id, fits, best, terms) = match tx {
        Tx::Sqlite(_) => (
            "rowid",
            "summary_search MATCH $1",
            "bm25(summary_search, 8.0, 1.0)",
            filter.terms.for_sqlite(),
        ),
        Tx::Postgres(_) => (
            "summary_id",
            "words @@ CAST($1 AS tsquery)",
            "ts_rank('{0.1, 0.1, 0.1, 1.0}', words, CAST($1 AS tsquery)) DESC",
            filter.terms.for_postgres(),
        ),
    };
    let mut limits = Limits {
        sql: fits.to_owned(),
        values: vec![terms],
    };
    limits.by_slugs(filter, &unindexed(tx, id));
    let Limits { sql, values } = limits;
    let sql = format!(
        "SELECT {id} FROM summary_search WHERE {sql} ORDER BY {best}, {id} DESC LIMIT {limit} OFFSET {offset}"
    );
    on!(tx, |conn| {
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value);
        }
        query.fetch_all(conn).await
    })
}

/// How many summaries `filter` lets through.
pub async fn count(tx: &mut Tx, filter: &Filter) -> sqlx::Result<i64> {
    let Limits { sql, values } = Limits::of(tx, filter, "id");
    let sql = format!("SELECT count(*) FROM summary WHERE {sql}");
    on!(tx, |conn| {
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value);
        }
        query.fetch_one(conn).await
    })
}

/// How many summaries `filter` lets through, and what every topic and type of research has within the rest of it.
pub async fn counts(tx: &mut Tx, filter: &Filter) -> sqlx::Result<Counts> {
    let without_topics = Filter {
        topics: Vec::new(),
        ..filter.clone()
    };
    let without_types = Filter {
        research_types: Vec::new(),
        ..filter.clone()
    };
    let topics = Limits::of(tx, &without_topics, "summary_id");
    let types = Limits::of(tx, &without_types, "id");
    let topics = grouped(tx, topics, "summary_topic", "topic").await?;
    let types = grouped(tx, types, "summary", "research_type").await?;
    let is_let_through = |kind: &Option<String>| match (&filter.research_types, kind) {
        (all, _) if all.is_empty() => true,
        (some, Some(kind)) => some.contains(kind),
        (_, None) => false,
    };
    let let_through = types.iter().filter(|(kind, _)| is_let_through(kind));
    Ok(Counts {
        total: let_through.map(|(_, count)| count).sum(),
        topics: named(topics),
        research_types: named(types),
    })
}

async fn grouped(
    tx: &mut Tx,
    limits: Limits,
    table: &str,
    by: &str,
) -> sqlx::Result<Vec<(Option<String>, i64)>> {
    let Limits { sql, values } = limits;
    let sql = format!("SELECT {by}, count(*) FROM {table} WHERE {sql} GROUP BY {by}");
    on!(tx, |conn| {
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value);
        }
        query.fetch_all(conn).await
    })
}

fn named(counts: Vec<(Option<String>, i64)>) -> HashMap<String, i64> {
    let counts = counts.into_iter();
    counts
        .filter_map(|(name, count)| Some((name?, count)))
        .collect()
}

/// The summaries before and after one, in the order in which they were published.
pub async fn neighbours(
    tx: &mut Tx,
    month: Month,
    position: i64,
) -> sqlx::Result<[Option<Neighbour>; 2]> {
    let before = beside(tx, month, position, "<", "DESC").await?;
    let after = beside(tx, month, position, ">", "ASC").await?;
    Ok([before, after])
}

/// In the order of a `CROSS JOIN`, as above: from the month outwards, and no further than the first.
async fn beside(
    tx: &mut Tx,
    month: Month,
    position: i64,
    side: &str,
    order: &str,
) -> sqlx::Result<Option<Neighbour>> {
    let sql = format!(
        "SELECT s.id, s.title, s.language FROM issue i CROSS JOIN issue_summary l CROSS JOIN summary s \
         WHERE l.issue_id = i.id AND s.id = l.summary_id AND i.month {side}= $1 \
         AND (i.month <> $1 OR l.position {side} $2) ORDER BY i.month {order}, l.position {order} LIMIT 1"
    );
    on!(tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .bind(month.to_string())
        .bind(position)
        .fetch_optional(conn)
        .await)
}

/// The months of the issues before and after one.
pub async fn months_beside(tx: &mut Tx, month: Month) -> sqlx::Result<[Option<Month>; 2]> {
    let (before, after): (Option<String>, Option<String>) = on!(tx, |conn| {
        sqlx::query_as(
        "SELECT (SELECT max(month) FROM issue WHERE month < $1), (SELECT min(month) FROM issue WHERE month > $1)"
    )
    .bind(month.to_string())
    .fetch_one(conn)
    .await
    })?;
    Ok([before, after].map(|month| month.and_then(|month| month.parse().ok())))
}

/// Every summary's id and when it changed last, the latest first, at most `limit`.
pub async fn addresses(tx: &mut Tx, limit: i64) -> sqlx::Result<Vec<(i64, DateTime<Utc>)>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT id, changed_at FROM summary ORDER BY changed_at DESC, id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(conn)
        .await
    })
}

/// What a filter asks of the column with a summary's id; `values` are what its `$1`, `$2` and so on stand for. Where
/// there are words, they are `$1`.
struct Limits {
    sql: String,
    values: Vec<String>,
}

impl Limits {
    fn of(tx: &Tx, filter: &Filter, id: &str) -> Limits {
        let mut limits = Limits {
            sql: String::from("1 = 1"),
            values: Vec::new(),
        };
        let id = &unindexed(tx, id);
        if !filter.terms.is_empty() {
            let (found, terms) = match tx {
                Tx::Sqlite(_) => (
                    "SELECT rowid FROM summary_search WHERE summary_search MATCH $1",
                    filter.terms.for_sqlite(),
                ),
                Tx::Postgres(_) => (
                    "SELECT summary_id FROM summary_search WHERE words @@ CAST($1 AS tsquery)",
                    filter.terms.for_postgres(),
                ),
            };
            limits.values.push(terms);
            limits.sql += &format!(" AND {id} IN ({found})");
        }
        limits.by_slugs(filter, id);
        limits
    }

    fn by_slugs(&mut self, filter: &Filter, id: &str) {
        let (topics, types) = (&filter.topics, &filter.research_types);
        self.one_of(id, "summary_id FROM summary_topic WHERE topic", topics);
        self.one_of(id, "id FROM summary WHERE research_type", types);
    }

    fn one_of(&mut self, id: &str, which: &str, slugs: &[String]) {
        if slugs.is_empty() {
            return;
        }
        let first = self.values.len() + 1;
        self.values.extend_from_slice(slugs);
        let numbers = (first..=self.values.len()).map(|number| format!("${number}"));
        let list = numbers.collect::<Vec<_>>().join(", ");
        self.sql += &format!(" AND {id} IN (SELECT {which} IN ({list}))");
    }
}

/// A column as SQLite looks it up among ids that it finds once. Without the plus it would go from those to the summaries,
/// whose texts lie between the few bytes that are wanted, or look for the words anew for each.
fn unindexed(tx: &Tx, id: &str) -> String {
    match tx {
        Tx::Sqlite(_) => format!("+{id}"),
        Tx::Postgres(_) => id.to_owned(),
    }
}

fn listed(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    ids.join(", ")
}

/// The topics of the summaries whose ids are listed.
async fn topics_of(tx: &mut Tx, list: &str) -> sqlx::Result<HashMap<i64, Vec<String>>> {
    let sql = format!(
        "SELECT summary_id, topic FROM summary_topic WHERE summary_id IN ({list}) ORDER BY topic"
    );
    let rows: Vec<(i64, String)> = on!(tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)?;
    let mut topics: HashMap<i64, Vec<String>> = HashMap::new();
    for (id, topic) in rows {
        topics.entry(id).or_default().push(topic);
    }
    Ok(topics)
}

fn entry(row: EntryRow, topics: Vec<String>) -> Option<Entry> {
    Some(Entry {
        id: row.id,
        month: row.month.parse().ok()?,
        title: row.title,
        citation: row.citation,
        doi: row.doi,
        summary: row.summary.0,
        implications: row.implications.0,
        language: row.language,
        research_type: row.research_type,
        topics,
        changed_at: row.changed_at,
    })
}
