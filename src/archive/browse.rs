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
const IN_ITS_ISSUE: &str = "JOIN issue_summary l ON l.summary_id = s.id JOIN issue i ON i.id = l.issue_id \
     AND i.month = (SELECT max(j.month) FROM issue_summary k JOIN issue j ON j.id = k.issue_id \
     WHERE k.summary_id = s.id)";

/// Summaries that `filter` lets through: what fits its words best first, otherwise the newest.
pub async fn entries(
    tx: &mut Tx,
    filter: &Filter,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<Entry>> {
    let Query {
        joins,
        limits,
        values,
    } = Query::of(tx, filter);
    let best = match (filter.terms.is_empty(), &*tx) {
        (true, _) => "",
        (false, Tx::Sqlite(_)) => "bm25(summary_search, 8.0, 1.0), ",
        (false, Tx::Postgres(_)) => {
            "ts_rank('{0.1, 0.1, 0.1, 1.0}', f.words, CAST($1 AS tsquery)) DESC, "
        }
    };
    let sql = format!(
        "SELECT s.id, i.month, s.title, s.citation, s.doi, s.summary, s.implications, s.language, s.research_type, \
         s.changed_at FROM {joins} {IN_ITS_ISSUE} {limits} \
         ORDER BY {best}i.month DESC, l.position, s.id LIMIT {limit} OFFSET {offset}"
    );
    let rows: Vec<EntryRow> = on!(&mut *tx, |conn| {
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value);
        }
        query.fetch_all(conn).await
    })?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut topics = topics_of(tx, &ids).await?;
    let entries = rows.into_iter().filter_map(|row| {
        let topics = topics.remove(&row.id).unwrap_or_default();
        entry(row, topics)
    });
    Ok(entries.collect())
}

/// How many summaries `filter` lets through.
pub async fn count(tx: &mut Tx, filter: &Filter) -> sqlx::Result<i64> {
    let Query {
        joins,
        limits,
        values,
    } = Query::of(tx, filter);
    let sql = format!("SELECT count(*) FROM {joins} {limits}");
    on!(tx, |conn| {
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value);
        }
        query.fetch_one(conn).await
    })
}

/// What every topic and type of research has within the rest of `filter`.
pub async fn counts(tx: &mut Tx, filter: &Filter) -> sqlx::Result<Counts> {
    let without_topics = Filter {
        topics: Vec::new(),
        ..filter.clone()
    };
    let without_types = Filter {
        research_types: Vec::new(),
        ..filter.clone()
    };
    let by_topic = "JOIN summary_topic t ON t.summary_id = s.id";
    Ok(Counts {
        topics: grouped(tx, &without_topics, by_topic, "t.topic").await?,
        research_types: grouped(tx, &without_types, "", "COALESCE(s.research_type, '')").await?,
    })
}

async fn grouped(
    tx: &mut Tx,
    filter: &Filter,
    join: &str,
    by: &str,
) -> sqlx::Result<HashMap<String, i64>> {
    let Query {
        joins,
        limits,
        values,
    } = Query::of(tx, filter);
    let sql = format!("SELECT {by}, count(*) FROM {joins} {join} {limits} GROUP BY 1");
    let rows: Vec<(String, i64)> = on!(tx, |conn| {
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value);
        }
        query.fetch_all(conn).await
    })?;
    Ok(rows.into_iter().collect())
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

async fn beside(
    tx: &mut Tx,
    month: Month,
    position: i64,
    side: &str,
    order: &str,
) -> sqlx::Result<Option<Neighbour>> {
    let sql = format!(
        "SELECT s.id, s.title, s.language FROM issue i JOIN issue_summary l ON l.issue_id = i.id \
         JOIN summary s ON s.id = l.summary_id WHERE i.month {side} $1 OR (i.month = $1 AND l.position {side} $2) \
         ORDER BY i.month {order}, l.position {order} LIMIT 1"
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

/// Every summary's id and when it changed last, the newest first, at most `limit`.
pub async fn addresses(tx: &mut Tx, limit: i64) -> sqlx::Result<Vec<(i64, DateTime<Utc>)>> {
    on!(tx, |conn| {
        sqlx::query_as(
        "SELECT id, changed_at FROM summary s \
         WHERE EXISTS (SELECT 1 FROM issue_summary l WHERE l.summary_id = s.id) ORDER BY id DESC LIMIT $1"
    )
    .bind(limit)
    .fetch_all(conn)
    .await
    })
}

/// The parts of a query that `filter` makes; `values` are what its `$1`, `$2` and so on stand for.
struct Query {
    joins: &'static str,
    limits: String,
    values: Vec<String>,
}

impl Query {
    fn of(tx: &Tx, filter: &Filter) -> Query {
        let mut query = Query {
            joins: "summary s",
            limits: String::from(
                "WHERE EXISTS (SELECT 1 FROM issue_summary o WHERE o.summary_id = s.id)",
            ),
            values: Vec::new(),
        };
        if !filter.terms.is_empty() {
            query.look_for(tx, &filter.terms);
        }
        if !filter.topics.is_empty() {
            let list = query.list(&filter.topics);
            query.limits += &format!(
                " AND EXISTS (SELECT 1 FROM summary_topic x WHERE x.summary_id = s.id AND x.topic IN ({list}))"
            );
        }
        if !filter.research_types.is_empty() {
            let list = query.list(&filter.research_types);
            query.limits += &format!(" AND s.research_type IN ({list})");
        }
        query
    }

    /// FTS5 knows its table by its own name alone.
    fn look_for(&mut self, tx: &Tx, terms: &Terms) {
        match tx {
            Tx::Sqlite(_) => {
                self.joins = "summary_search JOIN summary s ON s.id = summary_search.rowid";
                self.limits += " AND summary_search MATCH $1";
                self.values.push(terms.for_sqlite());
            }
            Tx::Postgres(_) => {
                self.joins = "summary_search f JOIN summary s ON s.id = f.summary_id";
                self.limits += " AND f.words @@ CAST($1 AS tsquery)";
                self.values.push(terms.for_postgres());
            }
        }
    }

    fn list(&mut self, values: &[String]) -> String {
        let first = self.values.len() + 1;
        self.values.extend_from_slice(values);
        let numbers = (first..=self.values.len()).map(|number| format!("${number}"));
        numbers.collect::<Vec<_>>().join(", ")
    }
}

async fn topics_of(tx: &mut Tx, ids: &[i64]) -> sqlx::Result<HashMap<i64, Vec<String>>> {
    let mut topics: HashMap<i64, Vec<String>> = HashMap::new();
    if ids.is_empty() {
        return Ok(topics);
    }
    let list: Vec<String> = ids.iter().map(i64::to_string).collect();
    let sql = format!(
        "SELECT summary_id, topic FROM summary_topic WHERE summary_id IN ({}) ORDER BY topic",
        list.join(", ")
    );
    let rows: Vec<(i64, String)> = on!(tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)?;
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
