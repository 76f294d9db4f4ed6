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

/// How long a connection that failed usually waits before the next try; doubled each time, up to a minute.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
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
    /// How long a connection that failed waits at first; `FIRST_PAUSE` but in tests.
    pub first_pause: Duration,
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
    /// In its own words, before it was told any recipient.
    #[error("it refuses us: {0}")]
    Refuses(String),
}

/// How a connection's work came to an end.
enum Ended {
    NothingNow,
    Refused(String),
    Over,
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
    async fn run(self) -> Result<(), Trouble> {
        let mut failures = 0;
        while let Answer::Due = self.ask(Asked::is_anything_due).await {
            let trouble = match self.sender.relay.connect().await {
                Err(error) => Trouble::Connect(error),
                Ok(session) => match self.offer_all(session).await {
                    Ended::Over => return Ok(()),
                    Ended::NothingNow => {
                        failures = 0;
                        continue;
                    }
                    Ended::Refused(words) => Trouble::Refuses(words),
                },
            };
            failures += 1;
            if self.until == Until::NothingDue && failures >= TRIES_WHEN_WAITED_FOR {
                return Err(trouble);
            }
            tracing::warn!(
                error = &trouble as &dyn std::error::Error,
                failures,
                "the relay is no help now"
            );
            self.pause(failures).await;
        }
        Ok(())
    }

    async fn offer_all(&self, mut session: Session) -> Ended {
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
                    return Ended::NothingNow;
                }
                Answer::Over => {
                    session.quit().await;
                    return Ended::Over;
                }
            }
            let refused = settled
                .as_ref()
                .filter(|(_, outcome)| outcome.is_between_the_relay_and_us());
            let ended = match refused {
                Some((_, outcome)) => Ended::Refused(outcome.words()),
                None if session.is_usable() => continue,
                None => Ended::NothingNow,
            };
            self.ask(|answer| Asked::settle(settled.take(), answer))
                .await;
            return ended;
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
        let pause = self
            .sender
            .first_pause
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
