//! The database: one SQLite file, or PostgreSQL; one SQL text for both.

mod rows;

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

pub(crate) use self::rows::{Rows, Value};
use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool,
    Transaction,
};

/// How long a statement waits for another process that writes to the same SQLite file.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// Who writes very much does it in order, so that a page is written once for many rows: a cache of 12 MiB holds what is
/// in work (SQLite counts KiB, below zero), and a checkpoint each 32 MiB is seldom enough.
const WRITER_CACHE: &str = "-12288";
const WRITER_CHECKPOINT: &str = "8192";

/// Where PostgreSQL's senders listen for something to do.
pub(crate) const WAKE_CHANNEL: &str = "bulletin";

/// A plan that was made without knowing how few rows are meant must not go through whole tables.
const FEW_ROWS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
     SET enable_hashjoin = off; SET enable_mergejoin = off";

/// Who writes apart goes through sorted rows; SQLite sorts in as much memory again.
const APART_CACHE: &str = "-4096";

/// Temporary tables are looked up in any order: what nearly a million choices come to in a plan should fit.
const TEMPORARY_CACHE: &str = "-24576";

/// An open database with its migrations applied. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    Sqlite {
        /// Readers see the last commit and never wait for the writer.
        read: SqlitePool,
        /// One connection: writers queue here in turn, not in SQLite's busy loop.
        write: SqlitePool,
        file: PathBuf,
    },
    Postgres(PgPool),
}

/// An open transaction. Dropping it rolls back.
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("database.url must begin with sqlite:// or postgres://, as in sqlite://bulletin.db")]
    Scheme,
    #[error("database.url cannot be understood")]
    Url(#[source] sqlx::Error),
    #[error("the database cannot be opened")]
    Open(#[source] sqlx::Error),
    #[error("the folder or lock file of {} cannot be made", path.display())]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "the database's tables are not those of this version; restore the backup, or use the version that made them"
    )]
    Migrate(#[source] sqlx::migrate::MigrateError),
}

/// Runs one expression on the transaction's own driver: the text is written once and compiled for both.
macro_rules! on {
    ($tx:expr, |$conn:ident| $body:expr) => {
        match $tx {
            $crate::db::Tx::Sqlite(tx) => {
                #[allow(dead_code)]
                type Driver = sqlx::Sqlite;
                let $conn = &mut **tx;
                $body
            }
            $crate::db::Tx::Postgres(tx) => {
                #[allow(dead_code)]
                type Driver = sqlx::Postgres;
                let $conn = &mut **tx;
                $body
            }
        }
    };
}
pub(crate) use on;

/// A struct that a query's row becomes, column by name. (sqlx's derive would build the drivers twice.)
macro_rules! row {
    (@column $field:ident) => { stringify!($field) };
    (@column $field:ident $column:literal) => { $column };
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident : $type:ty $(= $column:literal)?),* $(,)?
    }) => {
        $(#[$meta])*
        pub struct $name { $($(#[$field_meta])* pub $field: $type),* }
        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $name
        where
            for<'a> &'a str: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>),*
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self { $($field: row.try_get($crate::db::row!(@column $field $($column)?))?),* })
            }
        }
    };
}
pub(crate) use row;

/// An enum that is kept as a word, in the database, in JSON and on the command line alike.
macro_rules! word {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_meta])* $variant),* }
        impl $name {
            /// Every value, in the order of the definition.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
            /// Every word, in that order.
            pub fn words() -> Vec<&'static str> { vec![$($word),*] }
            /// The word it is written as.
            pub fn as_str(self) -> &'static str { match self { $($name::$variant => $word),* } }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                $name::ALL.iter().copied().find(|value| value.as_str() == text)
                    .ok_or_else(|| format!("must be one of {}", $name::words().join(", ")))
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> { to.serialize_str(self.as_str()) }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                std::borrow::Cow::<str>::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl<DB: sqlx::Database> sqlx::Type<DB> for $name where str: sqlx::Type<DB> {
            fn type_info() -> DB::TypeInfo { <str as sqlx::Type<DB>>::type_info() }
            fn compatible(of: &DB::TypeInfo) -> bool { <str as sqlx::Type<DB>>::compatible(of) }
        }
        impl<'r, DB: sqlx::Database> sqlx::Decode<'r, DB> for $name where &'r str: sqlx::Decode<'r, DB> {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                Ok(<&'r str as sqlx::Decode<'r, DB>>::decode(value)?.parse()?)
            }
        }
    };
}
pub(crate) use word;

impl Db {
    /// Opens the database that `url` names, made when absent (SQLite), and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Db, DbError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            open_sqlite(Path::new(path.strip_prefix("//").unwrap_or(path))).await
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            open_postgres(url).await
        } else {
            Err(DbError::Scheme)
        }
    }

    /// A transaction that will write. On SQLite it takes the write lock at once, so that a later write cannot fail for it.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        match self {
            Db::Sqlite { write, .. } => Ok(Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?)),
            Db::Postgres(pool) => Ok(Tx::Postgres(pool.begin().await?)),
        }
    }

    /// A transaction that only reads.
    pub async fn read(&self) -> sqlx::Result<Tx> {
        match self {
            Db::Sqlite { read, .. } => Ok(Tx::Sqlite(read.begin().await?)),
            Db::Postgres(pool) => Ok(Tx::Postgres(pool.begin().await?)),
        }
    }

    /// A transaction that adds very many rows, every row they point at among those that are kept: SQLite does not look
    /// for it again, which is half the time of a big plan. Nobody may have another one open in the same task.
    pub async fn begin_apart(&self) -> sqlx::Result<Tx> {
        match self {
            Db::Sqlite { .. } => self.apart().await?.begin().await,
            Db::Postgres(_) => self.begin().await,
        }
    }

    /// The same database over one connection of its own (PostgreSQL), for who says the same few statements again and
    /// again, each about some rows that an index finds: it is not asked before each use whether it lives, and a
    /// statement is planned once, not anew for each number that it is given.
    pub(crate) fn with_one_connection(&self) -> Db {
        match self {
            Db::Sqlite { .. } => self.clone(),
            Db::Postgres(pool) => Db::Postgres(
                PgPoolOptions::new()
                    .max_connections(1)
                    .acquire_timeout(LOCK_WAIT)
                    .test_before_acquire(false)
                    .after_connect(|connection, _| {
                        Box::pin(async move {
                            let plans = sqlx::raw_sql(FEW_ROWS).execute(connection);
                            plans.await.map(drop)
                        })
                    })
                    .connect_lazy_with((*pool.connect_options()).clone()),
            ),
        }
    }

    /// A handle with one connection of its own, for `begin_apart` many times over.
    pub async fn apart(&self) -> sqlx::Result<Db> {
        match self {
            Db::Sqlite { write, file, .. } => {
                let options = SqliteConnectOptions::clone(&write.connect_options())
                    .foreign_keys(false)
                    .pragma("cache_size", APART_CACHE)
                    .pragma("temp.cache_size", TEMPORARY_CACHE);
                let pool = SqlitePoolOptions::new()
                    .max_connections(1)
                    .idle_timeout(None)
                    .max_lifetime(None)
                    .connect_with(options)
                    .await?;
                Ok(Db::Sqlite {
                    read: pool.clone(),
                    write: pool,
                    file: file.clone(),
                })
            }
            Db::Postgres(pool) => {
                let pool = PgPoolOptions::new()
                    .max_connections(1)
                    .idle_timeout(None)
                    .max_lifetime(None)
                    .connect_with(PgConnectOptions::clone(&pool.connect_options()));
                pool.await.map(Db::Postgres)
            }
        }
    }

    /// Waits until every connection has been given back and closed.
    pub async fn close(&self) {
        match self {
            Db::Sqlite { read, write, .. } => {
                read.close().await;
                write.close().await;
            }
            Db::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes durable what the transaction did.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Tx::Sqlite(tx) => tx.commit().await,
            Tx::Postgres(tx) => tx.commit().await,
        }
    }

    /// Wakes the senders once the transaction commits. On SQLite they look by themselves, twice a second.
    pub(crate) async fn wake_senders(&mut self) -> sqlx::Result<()> {
        if let Tx::Postgres(tx) = self {
            sqlx::query("SELECT pg_notify($1, '')")
                .bind(WAKE_CHANNEL)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    /// `text` on PostgreSQL, nothing on SQLite, where one writer at a time is the rule.
    pub(crate) fn on_postgres<'a>(&self, text: &'a str) -> &'a str {
        match self {
            Tx::Sqlite(_) => "",
            Tx::Postgres(_) => text,
        }
    }
}

/// A time as sqlx writes it into SQLite, for rows that go there as JSON.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

async fn open_sqlite(path: &Path) -> Result<Db, DbError> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(|source| DbError::Folder {
            path: path.into(),
            source,
        })?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(LOCK_WAIT)
        .foreign_keys(true);
    make_private(path).map_err(|source| DbError::Folder {
        path: path.into(),
        source,
    })?;
    // sqlx locks nothing while it migrates SQLite: two starters on one new file would collide.
    let _one_at_a_time = lock(path, "migrate", true)?;
    migrate_sqlite(&options).await?;
    let writer = options
        .clone()
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", WRITER_CHECKPOINT);
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(LOCK_WAIT * 2)
        .test_before_acquire(false)
        // SQLite rolls back by itself when the disk is full or fails; sqlx still counts the transaction as open.
        .before_acquire(|connection, _| {
            let fit = !sqlx::Connection::is_in_transaction(connection);
            Box::pin(async move { Ok(fit) })
        })
        .connect_with(writer)
        .await
        .map_err(DbError::Open)?;
    let read = SqlitePoolOptions::new()
        .max_connections(8)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(DbError::Open)?;
    Ok(Db::Sqlite {
        read,
        write,
        file: path.into(),
    })
}

/// Without the look after references: a table that is built anew is away for a moment.
async fn migrate_sqlite(options: &SqliteConnectOptions) -> Result<(), DbError> {
    let options = options.clone().foreign_keys(false);
    let mut connection = options.connect().await.map_err(DbError::Open)?;
    let migrated = migrations(SQLITE).run(&mut connection).await;
    migrated.map_err(DbError::Migrate)?;
    connection.close().await.map_err(DbError::Open)
}

/// Readers' addresses are for the operator's eyes alone: SQLite gives its other files the same rights as this one.
fn make_private(path: &Path) -> std::io::Result<()> {
    File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

async fn open_postgres(url: &str) -> Result<Db, DbError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(DbError::Url)?
        .application_name("bulletin")
        // Our statements are short or told what they need; compiling one costs up to a second each time, and a
        // connection that forbids sequential scans looks expensive enough for it to PostgreSQL.
        .options([("jit", "off")]);
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(LOCK_WAIT)
        .connect_with(options)
        .await
        .map_err(DbError::Open)?;
    migrations(POSTGRES)
        .run(&pool)
        .await
        .map_err(DbError::Migrate)?;
    Ok(Db::Postgres(pool))
}

/// An exclusive lock beside the database's file, held until the `File` is dropped or its process dies.
/// With `wait`, blocks until it is free; otherwise gives `None` when another process has it.
pub(crate) fn lock(database: &Path, what: &str, wait: bool) -> Result<Option<File>, DbError> {
    let mut path = database.as_os_str().to_owned();
    path.push(format!(".{what}.lock"));
    let fails = |source| DbError::Folder {
        path: path.clone().into(),
        source,
    };
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(fails)?;
    if wait {
        file.lock().map_err(fails)?;
        return Ok(Some(file));
    }
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(source)) => Err(fails(source)),
    }
}

/// Number, name and text of each migration; both databases have the same numbers and names.
type Steps = &'static [(i64, &'static str, &'static str)];

macro_rules! steps {
    ($folder:literal, $($number:literal $name:literal),*) => {
        &[$(($number, $name, include_str!(concat!("../migrations/", $folder, "/", $name, ".sql")))),*]
    };
}

const SQLITE: Steps = steps!(
    "sqlite", 1 "0001_start", 2 "0002_senders", 3 "0003_schedule", 4 "0004_big_lists", 5 "0005_watching",
    6 "0006_letters", 7 "0007_search", 8 "0008_returned", 9 "0009_retention",
    10 "0010_accounts", 11 "0011_desk", 12 "0012_proof", 13 "0013_drafts", 14 "0014_dispatch", 15 "0015_readers", 16 "0016_programs"
);
const POSTGRES: Steps = steps!(
    "postgres", 1 "0001_start", 2 "0002_senders", 3 "0003_schedule", 4 "0004_big_lists", 5 "0005_watching",
    6 "0006_letters", 7 "0007_search", 8 "0008_returned", 9 "0009_retention",
    10 "0010_accounts", 11 "0011_desk", 12 "0012_proof", 13 "0013_drafts", 14 "0014_dispatch", 15 "0015_readers", 16 "0016_programs"
);

fn migrations(steps: Steps) -> Migrator {
    Migrator::with_migrations(
        steps
            .iter()
            .map(|(number, name, text)| {
                let sql = AssertSqlSafe(*text).into_sql_str();
                Migration::new(*number, (*name).into(), MigrationType::Simple, sql, false)
            })
            .collect(),
    )
}
