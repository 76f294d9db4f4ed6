//! A sender's presence: the database knows, without any clock, whether a sender still lives.

use std::fs::File;

use sqlx::PgConnection;

use super::queue;
use crate::db::{self, Db, DbError};

/// Held by a sender while it runs; dies with its process, however that ends.
///
/// On SQLite it is the lock of a file: one sender at a time. On PostgreSQL it is an advisory lock on the sender's
/// number, held by a connection of its own.
pub struct Presence {
    pub sender: i64,
    _held: Held,
}

enum Held {
    File { _lock: File },
    Lock { _connection: Box<PgConnection> },
}

#[derive(Debug, thiserror::Error)]
pub enum PresenceError {
    #[error("another process is sending from this database; on SQLite there can be only one")]
    Taken,
    #[error("the sender's lock cannot be had")]
    Lock(#[from] DbError),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Presence {
    /// Announces the sender of this random number.
    pub async fn announce(db: &Db, sender: i64) -> Result<Presence, PresenceError> {
        let held = match db {
            Db::Sqlite { file, .. } => Held::File {
                _lock: db::lock(file, "send", false)?.ok_or(PresenceError::Taken)?,
            },
            Db::Postgres(pool) => {
                // Taken out of the pool: given back, it would go on holding the lock.
                let mut connection = pool.acquire().await?.detach();
                sqlx::query("SELECT pg_advisory_lock($1)")
                    .bind(sender)
                    .execute(&mut connection)
                    .await?;
                Held::Lock {
                    _connection: Box::new(connection),
                }
            }
        };
        Ok(Presence {
            sender,
            _held: held,
        })
    }

    /// Of the senders that hold deliveries, those that are no more.
    pub async fn gone(&self, db: &Db) -> sqlx::Result<Vec<i64>> {
        let mut tx = db.read().await?;
        let mut holders = queue::holders(&mut tx).await?;
        holders.retain(|holder| *holder != self.sender);
        let Db::Postgres(pool) = db else {
            return Ok(holders);
        };
        let mut gone = Vec::new();
        let mut connection = pool.acquire().await?;
        for holder in holders {
            if is_free(&mut connection, holder).await? {
                gone.push(holder);
            }
        }
        Ok(gone)
    }
}

async fn is_free(connection: &mut PgConnection, sender: i64) -> sqlx::Result<bool> {
    let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(sender)
        .fetch_one(&mut *connection)
        .await?;
    if taken {
        sqlx::query("SELECT pg_advisory_unlock($1)")
            .bind(sender)
            .execute(connection)
            .await?;
    }
    Ok(taken)
}
