//! A connection's work: it asks for a delivery, makes the message, offers it, and brings the outcome back.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::book::{Answer, Asked, Wants};
use super::pace;
use super::presence::Lease;
use super::relay::ConnectError;
use super::round::{Claimed, Due};
use super::smtp::{Envelope, Outcome, Session};
use super::{Sender, Trouble, Until};
use crate::mask::masked;
use crate::metrics::{Back, Phase, Wait};
use crate::render::{Frozen, Message, RenderError};
use crate::standing::RelayTrouble;

/// The longest wait between two tries of a connection that fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often in a row a relay may be out of reach before a send that is waited for gives up.
const TRIES_WHEN_WAITED_FOR: u32 = 4;

pub(super) struct Connection {
    pub(super) sender: Arc<Sender>,
    /// Which of the sender's connections it is.
    pub(super) number: usize,
    pub(super) lease: Lease,
    pub(super) ask: mpsc::Sender<Asked>,
    pub(super) until: Until,
    pub(super) stop: CancellationToken,
}

/// How a session came to its end.
enum Ended {
    NothingNow,
    Refused(String),
    Over,
}

/// What became of the delivery that the connection held.
type Settled = Option<(Due, Outcome)>;

impl Connection {
    /// Connects when there is work, offers one delivery after the other, and hangs up when there is none.
    pub(super) async fn run(self) -> Result<(), Trouble> {
        let mut failures = 0;
        while let Answer::Due = self.ask(None, Wants::Notice).await {
            let trouble = match self.connect().await {
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
            self.tell(&trouble, failures);
            if self.until == Until::NothingDue && failures >= TRIES_WHEN_WAITED_FOR {
                // So that nobody waits for this connection.
                self.ask(None, Wants::Nothing).await;
                return Err(trouble);
            }
            self.pause(failures).await;
        }
        Ok(())
    }

    /// Says it when the relay's trouble is a new one: every connection meets it, at every try.
    fn tell(&self, trouble: &Trouble, failures: u32) {
        let now = match trouble {
            Trouble::Connect(_) => RelayTrouble::Away,
            Trouble::Refuses(_) => RelayTrouble::Refuses,
        };
        let error = trouble as &dyn std::error::Error;
        match self.sender.standing.relay(Some(now)) {
            true => tracing::warn!(
                error,
                "the relay is no help now; it is asked again and again"
            ),
            false => tracing::debug!(error, failures, "nor is it for this connection"),
        }
    }

    fn relay_answers(&self) {
        if self.sender.standing.relay(None) {
            tracing::info!("the relay takes mail again");
        }
    }

    /// Connects, and tells whoever watches how that went.
    async fn connect(&self) -> Result<Session, ConnectError> {
        let (began, metrics) = (Instant::now(), &self.sender.metrics);
        let connected = self.sender.relay.connect().await;
        metrics.phase(Phase::Connect, began.elapsed());
        match &connected {
            Ok(_) => metrics.connected(),
            Err(_) => metrics.connect_failed(),
        }
        connected
    }

    async fn offer_all(&self, mut session: Session) -> Ended {
        let _open = self.sender.metrics.open();
        let mut settled = None;
        let mut message = Message::sharing();
        loop {
            match self.ask(settled.take(), Wants::Work).await {
                Answer::Work(claimed) => {
                    let _busy = self.sender.metrics.busy();
                    let offering =
                        AssertUnwindSafe(self.offer(&mut session, &mut message, &claimed));
                    // A panic over one row is that row's failure, and no other's.
                    let outcome = offering.catch_unwind().await.unwrap_or_else(|_| {
                        tracing::error!(delivery = claimed.delivery.id, "offering it panicked");
                        Outcome::interrupted("a mistake of ours while it was offered")
                    });
                    settled = Some((claimed.delivery, outcome));
                }
                Answer::NothingNow => {
                    self.sender.standing.relay(None);
                    session.quit().await;
                    return Ended::NothingNow;
                }
                Answer::Over | Answer::Due | Answer::Written => {
                    session.quit().await;
                    return Ended::Over;
                }
            }
            let refused = settled
                .as_ref()
                .filter(|(_, outcome)| outcome.is_between_the_relay_and_us());
            let ended = match refused {
                Some((_, outcome)) => Ended::Refused(masked(&outcome.words()).into_owned()),
                None if session.is_usable() => continue,
                None => Ended::NothingNow,
            };
            self.ask(settled.take(), Wants::Nothing).await;
            return ended;
        }
    }

    /// Offers one delivery, and tells whoever watches what became of it.
    async fn offer(
        &self,
        session: &mut Session,
        message: &mut Message,
        claimed: &Claimed,
    ) -> Outcome {
        let began = Instant::now();
        let outcome = self.attempt(session, message, claimed).await;
        let took = began.elapsed();
        if outcome.is_the_relays_answer() {
            self.relay_answers();
        }
        let Due {
            id, campaign_id, ..
        } = claimed.delivery;
        let domain = pace::domain(&claimed.subscriber.address);
        if outcome.is_blocked() {
            self.sender.metrics.domain_came_back(domain, Back::Block);
        }
        let domain = self.sender.metrics.outcome(outcome.state(), domain, took);
        let frozen = self.sender.renderer.frozen(campaign_id);
        let month = frozen.as_ref().map_or("", |frozen| &frozen.content.month);
        outcome.log(id, month, &domain, took);
        outcome
    }

    async fn attempt(
        &self,
        session: &mut Session,
        message: &mut Message,
        claimed: &Claimed,
    ) -> Outcome {
        let delivery = claimed.delivery.id;
        let (metrics, began) = (&self.sender.metrics, Instant::now());
        if let Err(error) = self.compose(claimed, message).await {
            tracing::error!(
                delivery,
                error = &error as &dyn std::error::Error,
                "no message can be made"
            );
            return error.outcome();
        }
        metrics.phase(Phase::Render, began.elapsed());
        if !self.lease.renewed().await {
            return Outcome::unreachable("the sender's lease is over");
        }
        if !session.is_usable()
            && let Err(outcome) = self.connect_again(session).await
        {
            return outcome;
        }
        let envelope = Envelope {
            return_path: &message.return_path,
            recipient: &message.recipient,
        };
        let may_finish = || self.lease.may_finish();
        let began = Instant::now();
        let body = message.body();
        let outcome = session.send_body(&envelope, &body, may_finish).await;
        metrics.phase(Phase::Offer, began.elapsed());
        outcome
    }

    /// A relay may hang up on a connection that waited for work.
    async fn connect_again(&self, session: &mut Session) -> Result<(), Outcome> {
        match self.connect().await {
            Ok(new) => {
                *session = new;
                Ok(())
            }
            Err(error) => {
                let outcome = Outcome::unreachable(&error.to_string());
                self.tell(&Trouble::Connect(error), 1);
                Err(outcome)
            }
        }
    }

    /// Makes the message in `message`, which is used again and again.
    async fn compose(&self, claimed: &Claimed, message: &mut Message) -> Result<(), RenderFailure> {
        let Claimed {
            delivery,
            subscriber,
        } = claimed;
        let renderer = &self.sender.renderer;
        if let Some(letter) = delivery.letter() {
            return guarded(|| renderer.compose_letter(&letter, subscriber, delivery.id, message));
        }
        let selection = delivery.content.parse().map_err(RenderError::from)?;
        let frozen = self.frozen(delivery.campaign_id).await?;
        guarded(|| renderer.compose(&frozen, &selection, subscriber, delivery.id, message))
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

    /// Brings `settled` to the ledger, and waits until it is durable and there is an answer.
    async fn ask(&self, settled: Settled, wants: Wants) -> Answer {
        let (answer, answered) = oneshot::channel();
        let asked = Asked {
            connection: self.number,
            settled,
            wants,
            answer,
        };
        if self.ask.send(asked).await.is_err() {
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
        self.sender.metrics.waited(Wait::Relay, pause);
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

/// A message that cannot be made was certainly not sent.
fn guarded(compose: impl FnOnce() -> Result<(), RenderError>) -> Result<(), RenderFailure> {
    let composed = std::panic::catch_unwind(AssertUnwindSafe(compose));
    Ok(composed.map_err(|_| RenderFailure::Panic)??)
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
