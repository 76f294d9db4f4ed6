//! Which copy of a database is the one that sends: a restored or cloned one must not write to the readers again.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::db::{Db, on};

/// Where a database stands towards its mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was ever sent from it.
    NeverSent,
    /// It lies where it was first sent from.
    Sends,
    /// It lies elsewhere: it was copied, restored or moved.
    Copied(Copied),
}

/// A database that must be adopted before it sends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this database was copied, restored or moved (it sent from {marked}, and is {here}), so nothing is sent from it: \
     another copy may be sending, and what was sent since the copy was made would go out twice. If this is the one \
     that shall send, `bulletin adopt` makes it so"
)]
pub struct Copied {
    pub marked: String,
    pub here: String,
}

#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    #[error(transparent)]
    Copied(#[from] Copied),
    #[error("the database's file cannot be looked at")]
    File(#[from] std::io::Error),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// Whether this database may send; changes nothing.
pub async fn look(db: &Db) -> Result<Standing, InstanceError> {
    let here = mark_of(db).await?;
    let marked: Option<String> = on!(&mut db.read().await?, |conn| sqlx::query_scalar(
        "SELECT mark FROM instance WHERE id = 1"
    )
    .fetch_optional(conn)
    .await)?;
    Ok(match marked {
        None => Standing::NeverSent,
        Some(marked) if marked == here => Standing::Sends,
        Some(marked) => Standing::Copied(Copied { marked, here }),
    })
}

/// To be asked before anything is sent. Marks a database that never sent.
pub async fn check(db: &Db, now: DateTime<Utc>) -> Result<(), InstanceError> {
    if look(db).await? == Standing::NeverSent {
        let here = mark_of(db).await?;
        write(db, "DO NOTHING", &here, now).await?;
    }
    match look(db).await? {
        Standing::Copied(copied) => Err(copied.into()),
        Standing::Sends | Standing::NeverSent => Ok(()),
    }
}

/// Makes this copy the one that sends.
pub async fn adopt(db: &Db, now: DateTime<Utc>) -> Result<(), InstanceError> {
    let here = mark_of(db).await?;
    let anew = "DO UPDATE SET mark = excluded.mark, marked_at = excluded.marked_at";
    Ok(write(db, anew, &here, now).await?)
}

async fn write(db: &Db, otherwise: &str, mark: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    let sql = format!(
        "INSERT INTO instance (id, mark, marked_at) VALUES (1, $1, $2) ON CONFLICT (id) {otherwise}"
    );
    on!(&mut tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(mark)
        .bind(now)
        .execute(conn)
        .await
        .map(drop))?;
    tx.commit().await
}

/// What a copy cannot have in common with what it was copied from.
async fn mark_of(db: &Db) -> Result<String, InstanceError> {
    match db {
        Db::Sqlite { file, .. } => Ok(mark_of_file(file)?),
        Db::Postgres(pool) => Ok(mark_of_cluster(pool).await?),
    }
}

/// The path alone would be the same for a file restored to its place or within a container, the inode alone for
/// another disk's.
fn mark_of_file(file: &Path) -> std::io::Result<String> {
    let inode = std::fs::metadata(file)?.ino();
    Ok(format!(
        "{} (inode {inode})",
        file.canonicalize()?.display()
    ))
}

/// A dump restored elsewhere has another number in its cluster, or is in another cluster. Not every role may ask for
/// the cluster's own number; number and name of the database tell less, but something.
async fn mark_of_cluster(pool: &PgPool) -> sqlx::Result<String> {
    let (database, name): (i64, String) = sqlx::query_as(
        "SELECT CAST(oid AS bigint), CAST(datname AS text) FROM pg_database WHERE datname = current_database()",
    )
    .fetch_one(pool)
    .await?;
    let may_ask: bool =
        sqlx::query_scalar("SELECT has_function_privilege('pg_control_system()', 'execute')")
            .fetch_one(pool)
            .await?;
    if !may_ask {
        return Ok(format!("database {database} '{name}'"));
    }
    let cluster: i64 = sqlx::query_scalar("SELECT system_identifier FROM pg_control_system()")
        .fetch_one(pool)
        .await?;
    Ok(format!("database {database} of the cluster {cluster}"))
}
