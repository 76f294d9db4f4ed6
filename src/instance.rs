//! Which copy of a database is the one that sends: a restored or cloned one must not write to the readers again.
//!
//! A database is marked with where it lies when a sender first runs on it; a clone lies elsewhere. A SQLite file that
//! is overwritten by its backup lies where it did. So it holds a token too, which is changed often and stands in a
//! file beside it as well: a backup holds one of before.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::db::{self, Db, DbError, Tx, on};

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
    #[error("the database's file, or the token beside it, cannot be read or written")]
    File(#[from] std::io::Error),
    #[error("the lock of the token beside the database cannot be had")]
    Lock(#[from] DbError),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// Whether this database may send; changes nothing.
pub async fn look(db: &Db) -> Result<Standing, InstanceError> {
    let _alone = alone(db).await?;
    let here = mark_of(db).await?;
    standing(&mut db.read().await?, db, here).await
}

/// To be asked before anything is sent, and now and then while something is. Marks a database that never sent, and
/// changes the token to `token`, which must be random.
pub async fn check(db: &Db, token: Uuid, now: DateTime<Utc>) -> Result<(), InstanceError> {
    let _alone = alone(db).await?;
    let here = mark_of(db).await?;
    let mut tx = db.begin().await?;
    if let Standing::Copied(copied) = standing(&mut tx, db, here.clone()).await? {
        return Err(copied.into());
    }
    mark(tx, db, &here, token, now).await
}

/// Makes this copy the one that sends.
pub async fn adopt(db: &Db, token: Uuid, now: DateTime<Utc>) -> Result<(), InstanceError> {
    let _alone = alone(db).await?;
    let here = mark_of(db).await?;
    mark(db.begin().await?, db, &here, token, now).await
}

/// A token and the file beside it are read and changed by one process at a time, for no transaction spans both. To be
/// taken before any transaction.
async fn alone(db: &Db) -> Result<Option<File>, InstanceError> {
    let Db::Sqlite { file, .. } = db else {
        return Ok(None);
    };
    let file = file.clone();
    let locked = tokio::task::spawn_blocking(move || db::lock(&file, "token", true)).await;
    Ok(locked.map_err(std::io::Error::other)??)
}

async fn standing(tx: &mut Tx, db: &Db, here: String) -> Result<Standing, InstanceError> {
    let Some((marked, token)) = marked(tx).await? else {
        return Ok(Standing::NeverSent);
    };
    if marked != here {
        return Ok(Standing::Copied(Copied { marked, here }));
    }
    if let Db::Sqlite { file, .. } = db
        && !Beside::of(file).read()?.contains(&token)
    {
        let marked = format!("{marked}, after this copy was made");
        return Ok(Standing::Copied(Copied { marked, here }));
    }
    Ok(Standing::Sends)
}

async fn marked(tx: &mut Tx) -> sqlx::Result<Option<(String, String)>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT mark, token FROM instance WHERE id = 1"
    )
    .fetch_optional(conn)
    .await)
}

/// Until the commit is certain, both tokens stand beside the file: a crash at any point leaves one that fits.
async fn mark(
    mut tx: Tx,
    db: &Db,
    here: &str,
    token: Uuid,
    now: DateTime<Utc>,
) -> Result<(), InstanceError> {
    let before = marked(&mut tx).await?.map(|(_, token)| token);
    let token = token.simple().to_string();
    let beside = match db {
        Db::Sqlite { file, .. } => Some(Beside::of(file)),
        Db::Postgres(_) => None,
    };
    if let Some(beside) = &beside {
        beside.write(&[Some(token.as_str()), before.as_deref()])?;
    }
    on!(&mut tx, |conn| {
        sqlx::query(
        "INSERT INTO instance (id, mark, token, marked_at) VALUES (1, $1, $2, $3) ON CONFLICT (id) \
         DO UPDATE SET mark = excluded.mark, token = excluded.token, marked_at = excluded.marked_at",
    )
    .bind(here)
    .bind(&token)
    .bind(now)
    .execute(conn)
    .await
    .map(drop)
    })?;
    tx.commit().await?;
    if let Some(beside) = &beside {
        beside.write(&[Some(token.as_str())])?;
    }
    Ok(())
}

/// The file beside a SQLite file that holds its token.
struct Beside(PathBuf);

impl Beside {
    fn of(database: &Path) -> Beside {
        let mut path = database.as_os_str().to_owned();
        path.push(".token");
        Beside(path.into())
    }

    /// Empty when there is none.
    fn read(&self) -> std::io::Result<Vec<String>> {
        match std::fs::read_to_string(&self.0) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Durable before the database's commit is: after a power cut a person must not be needed.
    fn write(&self, tokens: &[Option<&str>]) -> std::io::Result<()> {
        let tokens: Vec<&str> = tokens.iter().copied().flatten().collect();
        let new = self.0.with_extension("token.new");
        let mut file = File::create(&new)?;
        file.write_all(tokens.join("\n").as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, &self.0)?;
        match self.0.parent().filter(|folder| *folder != Path::new("")) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => File::open(".")?.sync_all(),
        }
    }
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

/// A dump restored elsewhere has another number in its cluster, or is in another cluster; restored to its place, its
/// tables have other numbers. Not every role may ask for the cluster's own number: the name says less, but something.
async fn mark_of_cluster(pool: &PgPool) -> sqlx::Result<String> {
    let (database, table, name): (i64, i64, String) = sqlx::query_as(
        "SELECT CAST(oid AS bigint), CAST(CAST('instance' AS regclass) AS bigint), CAST(datname AS text) \
         FROM pg_database WHERE datname = current_database()",
    )
    .fetch_one(pool)
    .await?;
    let place = format!("database {database}, table {table}");
    let may_ask: bool =
        sqlx::query_scalar("SELECT has_function_privilege('pg_control_system()', 'execute')")
            .fetch_one(pool)
            .await?;
    if !may_ask {
        return Ok(format!("{place} of '{name}'"));
    }
    let cluster: i64 = sqlx::query_scalar("SELECT system_identifier FROM pg_control_system()")
        .fetch_one(pool)
        .await?;
    Ok(format!("{place} of the cluster {cluster}"))
}
