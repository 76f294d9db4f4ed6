//! A sender's presence: whether it lives, and for how long it may go on without asking again.
//!
//! On SQLite a file's lock says it: one sender at a time, and the lock dies with the process. On PostgreSQL, where any
//! number may send from any host, a sender has a row with a *lease*, by the database's clock, and an advisory lock held
//! by a connection of its own. The lock tells at once that a process died, the lease that it is cut off or stands still.
//! Whose row is gone can neither claim nor settle: its number is the fence. It counts its lease on its own monotonic
//! clock from before it asked, so that it never believes to have longer than the database does.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::queue;
use crate::clock::Clock;
use crate::db::{self, Db, DbError, Tx};

/// How much of a lease must be left for a message to be finished: the reciprocal.
const MARGIN: u32 = 5;

/// How often a lease is renewed within its time.
const RENEWALS: u32 = 4;

/// How often a connection looks whether the lease has been renewed.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Held by a sender while it runs.
pub struct Presence {
    pub sender: i64,
    pub lease: Lease,
    held: Held,
}

enum Held {
    File { _lock: File },
    Row { pool: PgPool, _renewing: DropGuard },
}

/// How long a sender may go on, cheap to ask.
#[derive(Clone)]
pub struct Lease(Option<Arc<Remaining>>);

struct Remaining {
    began: Instant,
    /// Milliseconds after `began`.
    ends: AtomicU64,
    length: Duration,
    /// The wall clock stands in for the time that a suspended machine's monotonic clock leaves out.
    clock: Clock,
    renewed_at: Mutex<chrono::DateTime<chrono::Utc>>,
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
    pub async fn announce(
        db: &Db,
        sender: i64,
        lease: Duration,
        clock: &Clock,
    ) -> Result<Presence, PresenceError> {
        let pool = match db {
            Db::Sqlite { file, .. } => {
                let lock = db::lock(file, "send", false)?.ok_or(PresenceError::Taken)?;
                return Ok(Presence {
                    sender,
                    lease: Lease(None),
                    held: Held::File { _lock: lock },
                });
            }
            Db::Postgres(pool) => pool,
        };
        let remaining = Arc::new(Remaining {
            began: Instant::now(),
            ends: AtomicU64::new(0),
            length: lease,
            clock: clock.clone(),
            renewed_at: Mutex::new(clock()),
        });
        let mut connection = locked(pool, sender).await?;
        let asked = remaining.ask();
        sqlx::query(
            "INSERT INTO sender (id, lease_until) VALUES ($1, clock_timestamp() + make_interval(secs => $2))",
        )
        .bind(sender)
        .bind(lease.as_secs_f64())
        .execute(&mut connection)
        .await?;
        remaining.granted(asked);
        let stop = CancellationToken::new();
        let renewing = renew(
            pool.clone(),
            connection,
            sender,
            remaining.clone(),
            stop.clone(),
        );
        tokio::spawn(renewing);
        Ok(Presence {
            sender,
            lease: Lease(Some(remaining)),
            held: Held::Row {
                pool: pool.clone(),
                _renewing: stop.drop_guard(),
            },
        })
    }

    /// Whether this sender may still claim and settle; holds on until the transaction ends, so that nobody can declare
    /// it gone meanwhile.
    pub async fn still_counts(&self, tx: &mut Tx) -> sqlx::Result<bool> {
        let Tx::Postgres(tx) = tx else {
            return Ok(true);
        };
        let row: Option<i64> =
            sqlx::query_scalar("SELECT id FROM sender WHERE id = $1 FOR KEY SHARE")
                .bind(self.sender)
                .fetch_optional(&mut **tx)
                .await?;
        Ok(row.is_some())
    }

    /// Makes unknown what senders that are no more held in flight.
    pub async fn recover_others(&self, db: &Db, clock: &Clock) -> sqlx::Result<u64> {
        let mut recovered = 0;
        for gone in self.gone(db).await? {
            let mut tx = db.begin().await?;
            if may_be_removed(&mut tx, gone).await? {
                recovered += queue::recover(&mut tx, gone, clock()).await?;
            }
            tx.commit().await?;
        }
        Ok(recovered)
    }

    /// Takes leave: what the sender held is settled.
    pub async fn end(self) {
        if let Held::Row { pool, .. } = &self.held {
            // If it fails, the row goes when its lease has run out.
            let _ = sqlx::query("DELETE FROM sender WHERE id = $1")
                .bind(self.sender)
                .execute(pool)
                .await;
        }
    }

    /// Senders that hold something, or say that they live, and seem not to.
    async fn gone(&self, db: &Db) -> sqlx::Result<Vec<i64>> {
        let mut tx = db.read().await?;
        let mut holders = queue::holders(&mut tx).await?;
        if let Tx::Postgres(tx) = &mut tx {
            holders = sqlx::query_scalar(
                "SELECT DISTINCT claimed_by FROM delivery d WHERE claimed_by IS NOT NULL \
                   AND NOT EXISTS (SELECT 1 FROM sender s WHERE s.id = d.claimed_by) \
                 UNION SELECT id FROM sender s WHERE lease_until < clock_timestamp() OR NOT EXISTS \
                   (SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted \
                     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                     AND l.classid::bigint << 32 | l.objid::bigint = s.id)",
            )
            .fetch_all(&mut **tx)
            .await?;
        }
        holders.retain(|holder| *holder != self.sender);
        Ok(holders)
    }
}

impl Lease {
    /// Whether enough is left to finish a message: asked just before its end leaves.
    pub fn may_finish(&self) -> bool {
        let Some(remaining) = &self.0 else {
            return true;
        };
        remaining.left() > remaining.length / MARGIN
    }
}

impl Lease {
    /// Waits, no longer than a lease takes, until it has been renewed: a clock that was put forward, or a database that
    /// was away for a moment, is no reason to give anything up.
    pub async fn renewed(&self) -> bool {
        let Some(remaining) = &self.0 else {
            return true;
        };
        let began = Instant::now();
        while !self.may_finish() && began.elapsed() < remaining.length {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        self.may_finish()
    }
}

impl Remaining {
    fn ask(&self) -> (Instant, chrono::DateTime<chrono::Utc>) {
        (Instant::now(), (self.clock)())
    }

    fn granted(&self, (asked, wall): (Instant, chrono::DateTime<chrono::Utc>)) {
        let ends = asked.saturating_duration_since(self.began) + self.length;
        *self
            .renewed_at
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = wall;
        self.ends.store(
            u64::try_from(ends.as_millis()).unwrap_or(u64::MAX),
            Ordering::Release,
        );
    }

    fn left(&self) -> Duration {
        let ends = Duration::from_millis(self.ends.load(Ordering::Acquire));
        let by_monotonic = ends.saturating_sub(self.began.elapsed());
        let renewed_at = *self
            .renewed_at
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let by_wall = ((self.clock)() - renewed_at)
            .to_std()
            .map_or(self.length, |since| self.length.saturating_sub(since));
        by_monotonic.min(by_wall)
    }
}

/// A connection of one's own that holds the lock. Given back to the pool, it would go on holding it.
async fn locked(pool: &PgPool, sender: i64) -> sqlx::Result<PgConnection> {
    let mut connection = pool.acquire().await?.detach();
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(sender)
        .execute(&mut connection)
        .await?;
    Ok(connection)
}

/// Renews the lease until told to stop, or until the row is gone: then the sender has been given up by others.
async fn renew(
    pool: PgPool,
    connection: PgConnection,
    sender: i64,
    remaining: Arc<Remaining>,
    stop: CancellationToken,
) {
    let mut connection = Some(connection);
    loop {
        tokio::select! {
            () = tokio::time::sleep(remaining.length / RENEWALS) => {}
            () = stop.cancelled() => break,
        }
        match renew_once(&pool, &mut connection, sender, &remaining).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                connection = None;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the sender's lease could not be renewed; it is tried again"
                );
            }
        }
    }
    if let Some(connection) = connection {
        let _ = connection.close().await;
    }
}

/// An expired lease that nobody has acted on may be renewed: the row is what counts.
async fn renew_once(
    pool: &PgPool,
    connection: &mut Option<PgConnection>,
    sender: i64,
    remaining: &Remaining,
) -> sqlx::Result<bool> {
    let asked = remaining.ask();
    let held = match connection.take() {
        Some(held) => connection.insert(held),
        None => connection.insert(locked(pool, sender).await?),
    };
    let renewing = sqlx::query(
        "UPDATE sender SET lease_until = clock_timestamp() + make_interval(secs => $2) WHERE id = $1",
    )
    .bind(sender)
    .bind(remaining.length.as_secs_f64())
    .execute(held);
    // A database that does not answer in time is as good as gone; another connection is tried then.
    let renewed = tokio::time::timeout(remaining.length, renewing)
        .await
        .map_err(|_| sqlx::Error::PoolTimedOut)??;
    let is_there = renewed.rows_affected() == 1;
    if is_there {
        remaining.granted(asked);
    }
    Ok(is_there)
}

/// Removes the row of a sender that is gone. `false` when it lives after all. From here on it can write nothing.
async fn may_be_removed(tx: &mut Tx, gone: i64) -> sqlx::Result<bool> {
    let Tx::Postgres(tx) = tx else {
        return Ok(true);
    };
    // Locked first: a renewal that is under way counts.
    let expired: Option<bool> = sqlx::query_scalar(
        "SELECT lease_until < clock_timestamp() FROM sender WHERE id = $1 FOR UPDATE",
    )
    .bind(gone)
    .fetch_optional(&mut **tx)
    .await?;
    let lives = match expired {
        None | Some(true) => false,
        Some(false) => !is_free(tx, gone).await?,
    };
    if !lives {
        sqlx::query("DELETE FROM sender WHERE id = $1")
            .bind(gone)
            .execute(&mut **tx)
            .await?;
    }
    Ok(!lives)
}

async fn is_free(connection: &mut PgConnection, sender: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
        .bind(sender)
        .fetch_one(connection)
        .await
}
