//! Delivery: claimed rows become messages, are offered to the relay, and what it says is written down.
//!
//! A connection holds one delivery at a time, and its outcome is durable before the connection offers the next one:
//! at a crash, at most as many deliveries as there are connections have an outcome that nobody can know. One commit
//! serves all connections that wait for it (`ledger`), so that this costs little.

pub mod outcome;
pub mod pace;
pub mod presence;
pub mod queue;
pub mod quota;
pub mod relay;
pub mod round;
pub mod settled;
pub mod smtp;
pub mod waits;
pub(crate) mod wake;

mod book;
mod connection;
mod dialogue;
mod dots;
mod ledger;
mod offers;
mod reply;
pub mod tls;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::book::Book;
use self::connection::Connection;
use self::ledger::{Closed, Ledger, View};
use self::pace::Pace;
use self::presence::{Presence, PresenceError};
use self::quota::Quota;
use self::relay::{ConnectError, Relay};
use self::wake::Wake;
use crate::alarm::{self, Allowed};
use crate::clock::Clock;
use crate::db::Db;
use crate::metrics::Metrics;
use crate::render::Renderer;
use crate::returned::score::Limit;
use crate::standing::Standing;

/// How long a connection that failed usually waits before the next try; doubled each time, up to a minute.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Delivers what is due, over several connections.
pub struct Sender {
    pub db: Db,
    pub relay: Relay,
    pub renderer: Arc<Renderer>,
    pub connections: usize,
    /// How many of them one receiving domain may have; as many as there are when not set.
    pub connections_per_domain: Option<usize>,
    pub quota: Quota,
    /// How long a deferred delivery is tried again.
    pub life: chrono::Duration,
    /// How long others take this sender for alive without hearing of it (PostgreSQL).
    pub lease: Duration,
    pub clock: Clock,
    /// How long a connection that failed waits at first; `FIRST_PAUSE` but in tests.
    pub first_pause: Duration,
    /// When a storm of refusals pauses its campaign; `None`: never.
    pub storm: Option<Allowed>,
    /// When a reader's soft failures are too many.
    pub soft: Limit,
    pub metrics: Metrics,
    pub standing: Standing,
}

/// When a sender ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Only when told to stop.
    Stopped,
    /// Once nothing is due any more; what was deferred waits for another sender.
    NothingDue,
}

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Presence(#[from] PresenceError),
    #[error("the relay cannot be used now; nothing is lost, what was not sent waits")]
    Relay(#[source] Trouble),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// What keeps the relay from being used, whoever the reader is.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(transparent)]
    Connect(ConnectError),
    /// In its own words, before it was told any recipient; without the return path, which it may quote.
    #[error("it refuses us: {0}")]
    Refuses(String),
}

impl Sender {
    /// Sends until `until` or `stop`; on `stop`, what is on the wire is finished and written down first.
    ///
    /// `number` is random and tells this sender's claims from those of others.
    pub async fn run(
        self,
        number: i64,
        until: Until,
        stop: CancellationToken,
    ) -> Result<(), SendError> {
        let over = CancellationToken::new();
        let (db, clock, metrics) = (self.db.clone(), self.clock.clone(), self.metrics.clone());
        let (task, told) = (
            self.standing.task("the watch over the accounts"),
            over.clone(),
        );
        let watching = tokio::spawn(async move {
            alarm::watch(db, clock, metrics, told).await;
            task.ended();
        });
        let ended = Arc::new(self).live_on(number, until, &stop).await;
        over.cancel();
        drop(watching.await);
        ended
    }

    /// Life after life, until one ends well.
    async fn live_on(
        self: Arc<Self>,
        started_as: i64,
        until: Until,
        stop: &CancellationToken,
    ) -> Result<(), SendError> {
        let mut number = started_as;
        while let Closed::GivenUp = self.live(started_as, number, until, stop).await? {
            number = number.wrapping_add(1) & i64::MAX;
        }
        Ok(())
    }

    /// One life of a sender: until it ends, or others give it up.
    async fn live(
        self: &Arc<Self>,
        started_as: i64,
        number: i64,
        until: Until,
        stop: &CancellationToken,
    ) -> Result<Closed, SendError> {
        let db = self.db.with_one_connection();
        let presence = Presence::announce(&self.db, number, self.lease, &self.clock).await?;
        let (ask, asked) = mpsc::channel(self.connections);
        let mut connections = JoinSet::new();
        for number in 0..self.connections {
            let connection = Connection {
                sender: self.clone(),
                number,
                lease: presence.lease.clone(),
                ask: ask.clone(),
                until,
                stop: stop.clone(),
            };
            connections.spawn(connection.run());
        }
        drop(ask);
        let ledger = Ledger {
            wake: Wake::listen(&self.db).await?,
            db,
            presence,
            life: self.life,
            clock: self.clock.clone(),
            until,
            stop: stop.clone(),
            pace: Pace::new(self.connections, self.connections_per_domain),
            quota: self.quota.clone(),
            started_as,
            book: Book::default(),
            view: View::default(),
            beside: self.db.clone(),
            storm: self.storm,
            soft: self.soft,
            metrics: self.metrics.clone(),
            standing: self.standing.clone(),
        };
        // A task like the connections: those who talk to each other all the time share the runtime's threads.
        let closed = tokio::spawn(ledger.run(asked)).await;
        let closed = closed.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        let mut ended = Ok(());
        while let Some(connection) = connections.join_next().await {
            let result = connection.unwrap_or_else(|panic| {
                tracing::error!(%panic, "a connection's task failed");
                Ok(())
            });
            ended = ended.and(result);
        }
        ended.map_err(SendError::Relay)?;
        Ok(closed)
    }
}
