//! The whole database as text, to see what it holds and whether it changed.

use std::collections::BTreeMap;

use bulletin::db::Tx;
use data_encoding::HEXLOWER;
use sqlx::AssertSqlSafe;

use super::News;

impl News {
    /// Every row of a table, in some order that is the same each time; bytes and ids in hexadecimal.
    pub async fn dump(&self, table: &str) -> Vec<String> {
        let mut tx = self.db.read().await.expect("the database is there");
        let mut rows = rows(&mut tx, table).await;
        rows.sort_unstable();
        rows
    }

    /// Every row of every table.
    pub async fn dump_all(&self) -> BTreeMap<String, Vec<String>> {
        let mut tx = self.db.read().await.expect("the database is there");
        let mut all = BTreeMap::new();
        for table in tables(&mut tx).await {
            let mut rows = rows(&mut tx, &table).await;
            rows.sort_unstable();
            all.insert(table, rows);
        }
        all
    }
}

/// Every row in which this is written, in capitals or not, or in bytes, with its table.
pub fn found(dump: &BTreeMap<String, Vec<String>>, wanted: &str) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let bytes = HEXLOWER.encode(wanted.as_bytes());
    let rows = dump
        .iter()
        .flat_map(|(table, rows)| rows.iter().map(move |row| (table, row)));
    let has = |row: &str| row.contains(&wanted) || row.contains(&bytes);
    rows.filter(|(_, row)| has(&row.to_lowercase()))
        .map(|(table, row)| format!("{table}: {row}"))
        .collect()
}

async fn tables(tx: &mut Tx) -> Vec<String> {
    match tx {
        Tx::Sqlite(tx) => sqlx::query_scalar(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' \
             AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx%'",
        )
        .fetch_all(&mut **tx)
        .await
        .expect("tables have names"),
        Tx::Postgres(tx) => sqlx::query_scalar(
            "SELECT CAST(tablename AS text) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_sqlx%'",
        )
        .fetch_all(&mut **tx)
        .await
        .expect("tables have names"),
    }
}

async fn rows(tx: &mut Tx, table: &str) -> Vec<String> {
    match tx {
        Tx::Sqlite(tx) => {
            let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
                .bind(table)
                .fetch_all(&mut **tx)
                .await
                .expect("a table has columns");
            let quoted: Vec<String> = columns
                .iter()
                .map(|column| format!("'{column}=' || quote(\"{column}\")"))
                .collect();
            let sql = format!("SELECT {} FROM \"{table}\"", quoted.join(" || ' ' || "));
            sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_all(&mut **tx)
                .await
                .expect("a table has rows")
        }
        Tx::Postgres(tx) => {
            let sql = format!("SELECT CAST(to_jsonb(t) AS text) FROM \"{table}\" t");
            sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_all(&mut **tx)
                .await
                .expect("a table has rows")
        }
    }
}
