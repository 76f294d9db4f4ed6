//! The database under a service on trial, read by SQL beside it, on a connection of one's own each time.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// Where the rows are.
#[derive(Clone, Debug)]
pub enum Store {
    Sqlite(PathBuf),
    /// An address, as in `database.url`.
    Postgres(String),
}

/// A delivery as the service has it on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub id: i64,
    pub state: String,
    pub address: String,
    pub attempts: i64,
    /// When it was claimed first.
    pub first_tried_at: Option<DateTime<Utc>>,
    pub reply: String,
}

type Fields = (i64, String, String, i64, Option<DateTime<Utc>>, String);

/// Runs an expression on a new connection, whichever the database.
macro_rules! with {
    ($store:expr, |$connection:ident| $body:expr) => {
        match $store {
            Store::Sqlite(path) => {
                let mut $connection = sqlite(path).connect().await?;
                let result = $body;
                $connection.close().await?;
                result
            }
            Store::Postgres(url) => {
                let mut $connection = PgConnectOptions::from_str(url)?.connect().await?;
                let result = $body;
                $connection.close().await?;
                result
            }
        }
    };
}

impl Store {
    /// The campaign's deliveries; a reader who was erased has no address.
    pub async fn rows(&self, month: &str) -> sqlx::Result<Vec<Row>> {
        let found: Vec<Fields> = with!(self, |connection| {
            sqlx::query_as(
                "SELECT d.id, d.state, COALESCE(s.address, '') AS address, CAST(d.attempts AS bigint) AS attempts, \
                 d.first_tried_at, COALESCE(d.reply, '') AS reply FROM delivery d \
                 JOIN campaign c ON c.id = d.campaign_id JOIN issue i ON i.id = c.issue_id \
                 LEFT JOIN subscriber s ON s.id = d.subscriber_id WHERE i.month = $1 ORDER BY d.id",
            )
            .bind(month)
            .fetch_all(&mut connection)
            .await
        })?;
        Ok(found.into_iter().map(Row::from).collect())
    }

    /// How many deliveries are in each state, at one moment.
    pub async fn counts(&self, month: &str) -> sqlx::Result<Vec<(String, i64)>> {
        with!(self, |connection| {
            sqlx::query_as(
                "SELECT d.state, count(*) FROM delivery d JOIN campaign c ON c.id = d.campaign_id \
                 JOIN issue i ON i.id = c.issue_id WHERE i.month = $1 GROUP BY d.state",
            )
            .bind(month)
            .fetch_all(&mut connection)
            .await
        })
    }

    /// The number that a query gives.
    pub async fn number(&self, sql: &str) -> sqlx::Result<i64> {
        with!(self, |connection| {
            sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut connection)
                .await
        })
    }

    /// The text that a query gives.
    pub async fn text(&self, sql: &str) -> sqlx::Result<String> {
        with!(self, |connection| {
            sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut connection)
                .await
        })
    }

    /// Runs a statement, for what only a trial would do.
    pub async fn execute(&self, sql: &str) -> sqlx::Result<u64> {
        with!(self, |connection| {
            sqlx::query(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .map(|done| done.rows_affected())
        })
    }

    /// What was put off is due now: the trials cannot wait for minutes.
    pub async fn hurry(&self) -> sqlx::Result<u64> {
        let past = match self {
            Store::Sqlite(_) => "'2020-01-01T00:00:00+00:00'",
            Store::Postgres(_) => "CAST('2020-01-01T00:00:00Z' AS timestamptz)",
        };
        let sql = format!(
            "UPDATE delivery SET due_at = {past} WHERE due_at IS NOT NULL AND state IN ('deferred', 'unknown')"
        );
        self.execute(&sql).await
    }

    /// Takes SQLite's write lock and holds it.
    pub async fn hold_the_lock(&self, how_long: Duration) -> sqlx::Result<()> {
        let Store::Sqlite(path) = self else {
            return Ok(());
        };
        let mut connection = sqlite(path).connect().await?;
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await?;
        tokio::time::sleep(how_long).await;
        sqlx::query("ROLLBACK").execute(&mut connection).await?;
        connection.close().await
    }
}

impl From<Fields> for Row {
    fn from(fields: Fields) -> Row {
        let (id, state, address, attempts, first_tried_at, reply) = fields;
        Row {
            id,
            state,
            address,
            attempts,
            first_tried_at,
            reply,
        }
    }
}

fn sqlite(path: &std::path::Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(30))
}
