//! The words of summaries, kept for the search in the transaction that keeps the summary.

use sqlx::types::Json;

use super::words::words;
use crate::db::{Db, Tx, on};

/// Words of one summary that can be found; PostgreSQL keeps at most 1 MB of them.
const MOST_WORDS: usize = 10_000;

/// Positions that PostgreSQL knows.
const LAST_POSITION: usize = 16_383;

/// Makes every summary found that stood before there was a search.
pub async fn complete(db: &Db) -> sqlx::Result<()> {
    if unfound(&mut db.read().await?).await?.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    for id in unfound(&mut tx).await? {
        index(&mut tx, id).await?;
    }
    tx.commit().await
}

async fn unfound(tx: &mut Tx) -> sqlx::Result<Vec<i64>> {
    let sql = match tx {
        Tx::Sqlite(_) => {
            "SELECT id FROM summary WHERE id NOT IN (SELECT rowid FROM summary_search) ORDER BY id"
        }
        Tx::Postgres(_) => {
            "SELECT id FROM summary s WHERE NOT EXISTS \
             (SELECT 1 FROM summary_search f WHERE f.summary_id = s.id) ORDER BY id"
        }
    };
    on!(tx, |conn| sqlx::query_scalar(sql).fetch_all(conn).await)
}

/// Makes a summary found by the words that it has now.
pub(super) async fn index(tx: &mut Tx, id: i64) -> sqlx::Result<()> {
    type Texts = (String, Option<String>, Json<Vec<String>>, Json<Vec<String>>);
    let (title, citation, summary, implications): Texts = on!(&mut *tx, |conn| sqlx::query_as(
        "SELECT title, citation, summary, implications FROM summary WHERE id = $1"
    )
    .bind(id)
    .fetch_one(conn)
    .await)?;
    let citation = citation.unwrap_or_default();
    let paragraphs = summary.iter().chain(implications.iter());
    let rest: Vec<String> = [&citation]
        .into_iter()
        .chain(paragraphs)
        .flat_map(|text| words(text).map(|(_, word)| word))
        .take(MOST_WORDS)
        .collect();
    let title: Vec<String> = words(&title)
        .map(|(_, word)| word)
        .take(MOST_WORDS)
        .collect();
    write(tx, id, &title, &rest).await
}

/// Makes a summary found no more.
pub(super) async fn forget(tx: &mut Tx, id: i64) -> sqlx::Result<()> {
    let sql = match tx {
        Tx::Sqlite(_) => "DELETE FROM summary_search WHERE rowid = $1",
        Tx::Postgres(_) => "DELETE FROM summary_search WHERE summary_id = $1",
    };
    on!(tx, |conn| sqlx::query(sql)
        .bind(id)
        .execute(conn)
        .await
        .map(drop))
}

/// Each database takes words in a way of its own; neither is left to divide a text by itself.
async fn write(tx: &mut Tx, id: i64, title: &[String], rest: &[String]) -> sqlx::Result<()> {
    match tx {
        Tx::Sqlite(tx) => {
            sqlx::query("DELETE FROM summary_search WHERE rowid = $1")
                .bind(id)
                .execute(&mut **tx)
                .await?;
            sqlx::query("INSERT INTO summary_search (rowid, title, text) VALUES ($1, $2, $3)")
                .bind(id)
                .bind(title.join(" "))
                .bind(rest.join(" "))
                .execute(&mut **tx)
                .await
                .map(drop)
        }
        Tx::Postgres(tx) => sqlx::query(
            "INSERT INTO summary_search (summary_id, words) VALUES ($1, CAST($2 AS tsvector)) \
             ON CONFLICT (summary_id) DO UPDATE SET words = excluded.words",
        )
        .bind(id)
        .bind(tsvector(title, rest))
        .execute(&mut **tx)
        .await
        .map(drop),
    }
}

/// `'word':1A 'other':2`, as PostgreSQL writes a `tsvector`.
fn tsvector(title: &[String], rest: &[String]) -> String {
    let weighed = title.iter().map(|word| (word, "A"));
    let all = weighed.chain(rest.iter().map(|word| (word, "")));
    let entries = all.enumerate().map(|(place, (word, weight))| {
        format!("'{word}':{}{weight}", (place + 1).min(LAST_POSITION))
    });
    entries.collect::<Vec<_>>().join(" ")
}
