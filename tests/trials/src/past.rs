//! A database as the first version made it, with the rows of today's: what an upgrade begins with.

use std::path::Path;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqlSafeStr};

use crate::store::Store;

const SQLITE: &str = include_str!("../../../migrations/sqlite/0001_start.sql");
const POSTGRES: &str = include_str!("../../../migrations/postgres/0001_start.sql");

/// Which rows the first version could hold: it had no campaign without an issue, under which letters go out.
fn held(table: &str) -> &'static str {
    match table {
        "campaign" => " WHERE issue_id IS NOT NULL",
        _ => "",
    }
}

/// Tables that are not the service's.
const OURS: &str = "name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx_%'";

/// Makes the first version's tables in `empty`, and takes the rows of `today` over, as far as those tables hold them.
pub async fn make(empty: &Store, today: &Store) -> sqlx::Result<()> {
    match (empty, today) {
        (Store::Sqlite(empty), Store::Sqlite(today)) => make_sqlite(empty, today).await,
        (Store::Postgres(empty), Store::Postgres(today)) => make_postgres(empty, today).await,
        _ => unreachable!("a trial has one kind of database"),
    }
}

async fn make_sqlite(empty: &Path, today: &Path) -> sqlx::Result<()> {
    // The order of the tables is of no matter then.
    let options = SqliteConnectOptions::new()
        .filename(empty)
        .foreign_keys(false);
    let mut connection = options.connect().await?;
    first(SQLITE).run(&mut connection).await?;
    sqlx::query("ATTACH $1 AS today")
        .bind(today.to_string_lossy())
        .execute(&mut connection)
        .await?;
    let tables: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT name FROM main.sqlite_master WHERE type = 'table' AND {OURS} \
         AND name IN (SELECT name FROM today.sqlite_master)"
    )))
    .fetch_all(&mut connection)
    .await?;
    for table in tables {
        take_over(&mut connection, &table).await?;
    }
    connection.close().await
}

async fn take_over(connection: &mut SqliteConnection, table: &str) -> sqlx::Result<()> {
    let columns: String = sqlx::query_scalar(
        "SELECT group_concat(name) FROM pragma_table_info($1, 'main') \
         WHERE name IN (SELECT name FROM pragma_table_info($1, 'today'))",
    )
    .bind(table)
    .fetch_one(&mut *connection)
    .await?;
    let sql = format!(
        "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM today.{table}{}",
        held(table)
    );
    sqlx::query(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .map(drop)
}

async fn make_postgres(empty: &str, today: &str) -> sqlx::Result<()> {
    let mut from = PgConnection::connect(today).await?;
    let mut to = PgConnection::connect(empty).await?;
    first(POSTGRES).run(&mut to).await?;
    // The order of the tables is of no matter then.
    sqlx::query("SET session_replication_role = replica")
        .execute(&mut to)
        .await?;
    let list = format!(
        "SELECT name FROM (SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public') t WHERE {OURS}"
    );
    let list = |connection| sqlx::query_scalar(AssertSqlSafe(list.clone())).fetch_all(connection);
    let known: Vec<String> = list(&mut from).await?;
    let tables: Vec<String> = list(&mut to).await?;
    for table in tables.iter().filter(|table| known.contains(table)) {
        let read = format!(
            "SELECT COALESCE(json_agg(t), '[]')::text FROM {table} t{}",
            held(table)
        );
        let rows: String = sqlx::query_scalar(AssertSqlSafe(read))
            .fetch_one(&mut from)
            .await?;
        let write = format!(
            "INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::{table}, $1::json)"
        );
        sqlx::query(AssertSqlSafe(write))
            .bind(rows)
            .execute(&mut to)
            .await?;
    }
    count_on(&mut to).await?;
    from.close().await?;
    to.close().await
}

/// Numbers that the server gives go on behind those that are there.
async fn count_on(connection: &mut PgConnection) -> sqlx::Result<()> {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public' \
         AND pg_get_serial_sequence(table_name, column_name) IS NOT NULL",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (table, column) in columns {
        let sql = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), COALESCE(max({column}), 0) + 1, false) \
             FROM {table}"
        );
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// As the first version's own: its step is known by number, name and text.
fn first(text: &'static str) -> Migrator {
    let sql = AssertSqlSafe(text).into_sql_str();
    let step = Migration::new(1, "0001_start".into(), MigrationType::Simple, sql, false);
    Migrator::with_migrations(vec![step])
}
