//! What each choice comes to, worked out choice by choice rather than reader by reader.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{PAGE, execute, quarter_ending};
use crate::content::{Content, Selection};
use crate::db::{Tx, Value, on};
use crate::issue::Month;
use crate::subscription::Choice;

/// What stands in `plan_content` where nothing matched.
pub(super) const NOTHING: &str = "none";

/// What stands there for readers of a frequency whose turn it is not.
pub(super) const NOT_NOW: &str = "not now";

/// What monthly and what quarterly readers of a choice get.
type Contents = [Option<Selection>; 2];

/// Notes in `plan_choice` which content each choice comes to, and in `plan_content` what that is, this month and with the
/// quarter. Content 0 is nothing, and choices that come to it are not noted: most of them, where there are very many.
pub(super) async fn settle(tx: &mut Tx, content: &Content, month: Month) -> sqlx::Result<()> {
    make_tables(tx).await?;
    let is_quarter = !quarter_ending(month).is_empty();
    let mut contents: HashMap<Contents, i64> = HashMap::from([([None, None], 0)]);
    let mut after = Uuid::nil();
    while let Some(page) = page(tx, after).await? {
        let mut rows = Vec::with_capacity(PAGE as usize);
        for line in page.lines() {
            let (id, choice) = read(line)?;
            after = id;
            let selected = [
                content.select(&choice, content.this_month),
                is_quarter
                    .then(|| content.select(&choice, content.items.len()))
                    .flatten(),
            ];
            let next = contents.len() as i64;
            let number = *contents.entry(selected).or_insert(next);
            if number != 0 {
                rows.push([Value::Uuid(id), Value::Integer(number)]);
            }
        }
        tx.add_rows("plan_choice", "choice_id, content_id", &rows)
            .await?;
    }
    keep(tx, &contents, is_quarter).await?;
    // A new table's length is unknown to PostgreSQL until it is counted.
    execute(tx, tx.on_postgres("ANALYZE plan_choice")).await
}

/// Forgets what `settle` noted.
pub(super) async fn forget(tx: &mut Tx) -> sqlx::Result<()> {
    execute(tx, "DROP TABLE plan_choice").await?;
    execute(tx, "DROP TABLE plan_content").await
}

/// The tables live outside the database's own file and log, and no longer than the transaction.
async fn make_tables(tx: &mut Tx) -> sqlx::Result<()> {
    let choice = match tx {
        Tx::Sqlite(_) => {
            "CREATE TEMPORARY TABLE plan_choice (choice_id BLOB PRIMARY KEY, content_id INTEGER NOT NULL) WITHOUT ROWID"
        }
        Tx::Postgres(_) => {
            "CREATE TEMPORARY TABLE plan_choice (choice_id UUID PRIMARY KEY, content_id BIGINT NOT NULL)"
        }
    };
    let content = match tx {
        Tx::Sqlite(_) => {
            "CREATE TEMPORARY TABLE plan_content (id INTEGER PRIMARY KEY, monthly TEXT NOT NULL, quarterly TEXT NOT NULL)"
        }
        Tx::Postgres(_) => {
            "CREATE TEMPORARY TABLE plan_content (id BIGINT PRIMARY KEY, monthly TEXT NOT NULL, quarterly TEXT NOT NULL)"
        }
    };
    execute(tx, choice).await?;
    execute(tx, content).await
}

/// Up to `PAGE` choices after `after`, a line each, as `read` reads them. The database joins them to one text, which costs
/// a small part of so many rows.
async fn page(tx: &mut Tx, after: Uuid) -> sqlx::Result<Option<String>> {
    let line = match tx {
        Tx::Sqlite(_) => "hex(id) || topics || research_types || char(10)",
        Tx::Postgres(_) => {
            "CAST(id AS text) || CAST(topics AS text) || CAST(research_types AS text) || chr(10)"
        }
    };
    let sql = format!(
        "SELECT string_agg({line}, '' ORDER BY id) FROM \
         (SELECT id, topics, research_types FROM choice WHERE id > $1 ORDER BY id LIMIT $2) page"
    );
    on!(tx, |conn| sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(after)
        .bind(PAGE)
        .fetch_one(conn)
        .await)
}

/// A choice: its id, and behind it topics and types of research as JSON.
fn read(line: &str) -> sqlx::Result<(Uuid, Choice)> {
    let (id, lists) = line.split_at(line.find('[').unwrap_or(line.len()));
    let id = id.parse().map_err(unreadable)?;
    let mut lists = serde_json::Deserializer::from_str(lists).into_iter::<Vec<String>>();
    let mut list = || lists.next().unwrap_or_else(|| Ok(Vec::new()));
    let (topics, types) = (list().map_err(unreadable)?, list().map_err(unreadable)?);
    Ok((id, Choice::new(topics, types)))
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Writes down what the contents are.
async fn keep(
    tx: &mut Tx,
    contents: &HashMap<Contents, i64>,
    is_quarter: bool,
) -> sqlx::Result<()> {
    let text = |selection: &Option<Selection>| match selection {
        Some(selection) => selection.to_string(),
        None => NOTHING.to_owned(),
    };
    let texts: Vec<(i64, String, String)> = contents
        .iter()
        .map(|([monthly, quarterly], number)| {
            let quarterly = if is_quarter {
                text(quarterly)
            } else {
                NOT_NOW.to_owned()
            };
            (*number, text(monthly), quarterly)
        })
        .collect();
    let rows = texts.iter().map(|(number, monthly, quarterly)| {
        [
            Value::Integer(*number),
            Value::Text(monthly),
            Value::Text(quarterly),
        ]
    });
    tx.add_rows(
        "plan_content",
        "id, monthly, quarterly",
        &rows.collect::<Vec<_>>(),
    )
    .await
}
