//! The ledger: one task that writes down outcomes and hands out claims, for all connections in one commit.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::Until;
use super::presence::Presence;
use super::queue::{self, Claimed, Due};
use super::smtp::Outcome;
use crate::clock::Clock;
use crate::db::Db;

/// How long a sender without work waits before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How long a sender waits for a database that cannot commit. Meanwhile nothing is sent.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// How often a sender looks for others that have gone and left deliveries in flight.
const RECOVER_AGAIN: Duration = Duration::from_secs(30);

/// What a connection asks of the ledger.
pub(super) struct Asked {
    /// What became of the delivery that it held.
    settled: Option<(Due, Outcome)>,
    wants: Wants,
    answer: oneshot::Sender<Answer>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// To be told when something is due.
    Notice,
    /// A delivery.
    Work,
    /// Only to have its outcome written down.
    Nothing,
}

pub(super) enum Answer {
    Work(Box<Claimed>),
    /// Something is due.
    Due,
    /// Nothing is due: hang up and ask for notice.
    NothingNow,
    /// The sender ends.
    Over,
}

impl Asked {
    pub(super) fn is_anything_due(answer: oneshot::Sender<Answer>) -> Asked {
        Asked {
            settled: None,
            wants: Wants::Notice,
            answer,
        }
    }

    pub(super) fn for_work(
        settled: Option<(Due, Outcome)>,
        answer: oneshot::Sender<Answer>,
    ) -> Asked {
        Asked {
            settled,
            wants: Wants::Work,
            answer,
        }
    }

    pub(super) fn settle(
        settled: Option<(Due, Outcome)>,
        answer: oneshot::Sender<Answer>,
    ) -> Asked {
        Asked {
            settled,
            wants: Wants::Nothing,
            answer,
        }
    }
}

pub(super) struct Ledger {
    pub(super) db: Db,
    pub(super) presence: Presence,
    pub(super) life: chrono::Duration,
    pub(super) clock: Clock,
    pub(super) until: Until,
    pub(super) stop: CancellationToken,
}

/// Makes unknown what senders that are no more held in flight.
pub(super) async fn recover(db: &Db, presence: &Presence, clock: &Clock) -> sqlx::Result<()> {
    for gone in presence.gone(db).await? {
        let mut tx = db.begin().await?;
        let recovered = queue::recover(&mut tx, gone, clock()).await?;
        tx.commit().await?;
        tracing::warn!(
            recovered,
            "deliveries that a stopped sender held are unknown now"
        );
    }
    Ok(())
}

impl Ledger {
    /// Serves the connections until the last one is gone.
    pub(super) async fn run(self, mut asked: mpsc::Receiver<Asked>) -> sqlx::Result<()> {
        let mut held = BTreeSet::new();
        let mut waiting: Vec<Asked> = Vec::new();
        let mut recovered = Instant::now();
        while self.gather(&mut asked, &mut waiting).await {
            if recovered.elapsed() > RECOVER_AGAIN {
                recovered = Instant::now();
                if let Err(error) = recover(&self.db, &self.presence, &self.clock).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "what others held could not be looked at"
                    );
                }
            }
            let round = self.round(&mut waiting, &mut held).await;
            let claims = match round {
                Some(claims) => claims,
                None => {
                    waiting
                        .drain(..)
                        .for_each(|asked| drop(asked.answer.send(Answer::Over)));
                    continue;
                }
            };
            self.answer(&mut waiting, claims, &mut held);
        }
        Ok(())
    }

    /// Waits for the next question, and takes whatever others have come meanwhile. `false` when nobody is left to ask.
    async fn gather(&self, asked: &mut mpsc::Receiver<Asked>, waiting: &mut Vec<Asked>) -> bool {
        let before = waiting.len();
        tokio::select! {
            more = asked.recv_many(waiting, 1024) => more > 0 || before > 0,
            () = tokio::time::sleep(LOOK_AGAIN), if before > 0 => true,
            () = self.stop.cancelled(), if before > 0 => true,
        }
    }

    /// One commit: every outcome, and a claim for every connection that wants one.
    /// `None` when the sender was stopped while the database could not commit.
    async fn round(
        &self,
        waiting: &mut [Asked],
        held: &mut BTreeSet<i64>,
    ) -> Option<(Vec<Claimed>, bool)> {
        let mut failed = false;
        loop {
            match self.commit(waiting, held, failed).await {
                Ok(done) => return Some(done),
                Err(error) => {
                    failed = true;
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the database cannot commit; sending waits"
                    );
                    tokio::time::sleep(TRY_AGAIN).await;
                    if self.stop.is_cancelled() {
                        return None;
                    }
                }
            }
        }
    }

    async fn commit(
        &self,
        waiting: &[Asked],
        held: &BTreeSet<i64>,
        failed: bool,
    ) -> sqlx::Result<(Vec<Claimed>, bool)> {
        let now = (self.clock)();
        let sender = self.presence.sender;
        let mut tx = self.db.begin().await?;
        if failed {
            let held: Vec<i64> = held.iter().copied().collect();
            queue::hand_back_others(&mut tx, sender, &held, now).await?;
        }
        for (due, outcome) in waiting.iter().filter_map(|asked| asked.settled.as_ref()) {
            queue::settle(&mut tx, sender, due, outcome, self.life, now).await?;
        }
        let mut claims = Vec::new();
        let mut more = false;
        if !self.stop.is_cancelled() {
            let wanted = waiting
                .iter()
                .filter(|asked| asked.wants == Wants::Work)
                .count();
            claims = queue::claim(&mut tx, sender, now, wanted).await?;
            let listens = waiting.iter().any(|asked| asked.wants == Wants::Notice);
            more =
                listens && claims.len() == wanted && queue::is_anything_due(&mut tx, now).await?;
        }
        tx.commit().await?;
        Ok((claims, more))
    }

    /// Hands out the claims. Who gets none goes on waiting, or hears that there is nothing, or that it is over.
    fn answer(
        &self,
        waiting: &mut Vec<Asked>,
        (claims, more): (Vec<Claimed>, bool),
        held: &mut BTreeSet<i64>,
    ) {
        for (due, _) in waiting.iter_mut().filter_map(|asked| asked.settled.take()) {
            held.remove(&due.id);
        }
        let nothing_left =
            claims.is_empty() && !more && held.is_empty() && self.until == Until::NothingDue;
        let over = self.stop.is_cancelled() || nothing_left;
        let mut claims = claims.into_iter();
        let mut wake = more;
        let mut listening = Vec::new();
        for asked in waiting.drain(..) {
            let answer = match asked.wants {
                Wants::Nothing => Answer::Due,
                Wants::Work => match claims.next() {
                    Some(claimed) => {
                        held.insert(claimed.delivery.id);
                        Answer::Work(Box::new(claimed))
                    }
                    None if over => Answer::Over,
                    None => Answer::NothingNow,
                },
                Wants::Notice if over => Answer::Over,
                // One at a time: its first question wakes the next, while there is more.
                Wants::Notice if std::mem::take(&mut wake) => Answer::Due,
                Wants::Notice => {
                    listening.push(asked);
                    continue;
                }
            };
            // A connection's task that died asks no more; its claim is recovered like any other.
            drop(asked.answer.send(answer));
        }
        *waiting = listening;
    }
}
