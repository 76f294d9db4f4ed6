//! Delivery: claimed rows become messages, are offered to the relay, and what it says is written down.
//!
//! A connection holds one delivery at a time, and its outcome is durable before the connection offers the next one:
//! at a crash, at most as many deliveries as there are connections have an outcome that nobody can know. One commit
//! serves all connections that wait for it (`ledger`), so that this costs little.

pub mod outcome;
pub mod presence;
pub mod queue;
pub mod relay;
pub mod smtp;
pub mod waits;

mod dialogue;
mod ledger;
mod tls;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::ledger::{Answer, Asked, Ledger};
use self::presence::{Presence, PresenceError};
use self::queue::Claimed;
use self::relay::{ConnectError, Relay};
use self::smtp::{Envelope, Outcome, Session};
use crate::clock::Clock;
use crate::db::Db;
use crate::render::{Frozen, RenderError, Renderer};

/// How long a connection that failed waits before the next try; doubled each time, up to a minute.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often in a row a relay may be out of reach before a send that is waited for gives up.
const TRIES_WHEN_WAITED_FOR: u32 = 4;

/// Delivers what is due, over several connections.
pub struct Sender {
    pub db: Db,
    pub relay: Relay,
    pub renderer: Arc<Renderer>,
    pub connections: usize,
    /// How long a deferred delivery is tried again.
    pub life: chrono::Duration,
    pub clock: Clock,
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
    #[error("the relay cannot be reached; nothing is lost, what was not sent waits")]
    Relay(#[source] ConnectError),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
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
        let presence = Presence::announce(&self.db, number).await?;
        ledger::recover(&self.db, &presence, &self.clock).await?;
        let (ask, asked) = mpsc::channel(self.connections);
        let ledger = Ledger {
            db: self.db.clone(),
            presence,
            life: self.life,
            clock: self.clock.clone(),
            until,
            stop: stop.clone(),
        };
        let shared = Arc::new(self);
        let mut connections = JoinSet::new();
        for _ in 0..shared.connections {
            let connection = Connection {
                sender: shared.clone(),
                number,
                ask: ask.clone(),
                until,
                stop: stop.clone(),
            };
            connections.spawn(connection.run());
        }
        drop(ask);
        ledger.run(asked).await?;
        let mut ended = Ok(());
        while let Some(connection) = connections.join_next().await {
            let result = connection.unwrap_or_else(|panic| {
                tracing::error!(%panic, "a connection's task failed");
                Ok(())
            });
            ended = ended.and(result);
        }
        ended.map_err(SendError::Relay)
    }
}

struct Connection {
    sender: Arc<Sender>,
    number: i64,
    ask: mpsc::Sender<Asked>,
    until: Until,
    stop: CancellationToken,
}

impl Connection {
    /// Connects when there is work, offers one delivery after the other, and hangs up when there is none.
    async fn run(self) -> Result<(), ConnectError> {
        let mut failures = 0;
        while let Answer::Due = self.ask(Asked::is_anything_due).await {
            match self.sender.relay.connect().await {
                Ok(session) => {
                    failures = 0;
                    if !self.offer_all(session).await {
                        return Ok(());
                    }
                }
                Err(error) => {
                    failures += 1;
                    if self.until == Until::NothingDue && failures >= TRIES_WHEN_WAITED_FOR {
                        return Err(error);
                    }
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        failures,
                        "the relay cannot be reached"
                    );
                    self.pause(failures).await;
                }
            }
        }
        Ok(())
    }

    /// `false` when the ledger says that it is over.
    async fn offer_all(&self, mut session: Session) -> bool {
        let mut settled = None;
        loop {
            match self
                .ask(|answer| Asked::for_work(settled.take(), answer))
                .await
            {
                Answer::Work(claimed) => {
                    let outcome = self.offer(&mut session, &claimed).await;
                    settled = Some((claimed.delivery, outcome));
                }
                Answer::Due | Answer::NothingNow => {
                    session.quit().await;
                    return true;
                }
                Answer::Over => {
                    session.quit().await;
                    return false;
                }
            }
            if !session.is_usable() {
                self.ask(|answer| Asked::settle(settled.take(), answer))
                    .await;
                return true;
            }
        }
    }

    async fn offer(&self, session: &mut Session, claimed: &Claimed) -> Outcome {
        let delivery = claimed.delivery.id;
        let message = match self.render(claimed).await {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(
                    delivery,
                    error = &error as &dyn std::error::Error,
                    "no message can be made"
                );
                return error.outcome();
            }
        };
        let envelope = Envelope {
            return_path: &message.return_path,
            recipient: &message.recipient,
        };
        let outcome = session.send(&envelope, &message.bytes).await;
        tracing::debug!(
            delivery,
            outcome = outcome.name(),
            sender = self.number,
            "offered"
        );
        outcome
    }

    async fn render(&self, claimed: &Claimed) -> Result<crate::render::Message, RenderFailure> {
        let selection = claimed
            .delivery
            .content
            .parse()
            .map_err(RenderError::from)?;
        let frozen = self.frozen(claimed.delivery.campaign_id).await?;
        let renderer = &self.sender.renderer;
        let render = || {
            renderer.message(
                &frozen,
                &selection,
                &claimed.subscriber,
                claimed.delivery.id,
            )
        };
        // A panic in one message must not take the others along.
        let rendered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(render));
        Ok(rendered.map_err(|_| RenderFailure::Panic)??)
    }

    async fn frozen(&self, campaign: i64) -> sqlx::Result<Arc<Frozen>> {
        if let Some(known) = self.sender.renderer.frozen(campaign) {
            return Ok(known);
        }
        let mut tx = self.sender.db.read().await?;
        let (content, date) = crate::campaign::content(&mut tx, campaign).await?;
        Ok(self.sender.renderer.remember(Frozen {
            campaign,
            content: content.0,
            date,
        }))
    }

    async fn ask(
        &self,
        asked: impl FnOnce(tokio::sync::oneshot::Sender<Answer>) -> Asked,
    ) -> Answer {
        let (answer, answered) = tokio::sync::oneshot::channel();
        if self.ask.send(asked(answer)).await.is_err() {
            return Answer::Over;
        }
        answered.await.unwrap_or(Answer::Over)
    }

    async fn pause(&self, failures: u32) {
        let pause = FIRST_PAUSE
            .saturating_mul(1 << (failures - 1).min(6))
            .min(LONGEST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum RenderFailure {
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("rendering failed in a way that it never should")]
    Panic,
    #[error("the campaign's content cannot be read")]
    Database(#[from] sqlx::Error),
}

impl RenderFailure {
    fn outcome(&self) -> Outcome {
        match self {
            RenderFailure::Database(_) => Outcome::not_now("the database could not be read"),
            RenderFailure::Render(_) | RenderFailure::Panic => {
                Outcome::unsendable(&self.to_string())
            }
        }
    }
}
