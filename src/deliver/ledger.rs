//! The ledger: one task that writes down outcomes and hands out claims, for all connections in one commit.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::Until;
use super::pace::{self, Pace};
use super::presence::Presence;
use super::queue::{self, Claimed, Claims, Due};
use super::quota::Quota;
use super::smtp::Outcome;
use super::wake::Wake;
use crate::alarm;
use crate::clock::Clock;
use crate::db::Db;
use crate::metrics::{Metrics, Wait};
use crate::standing::Standing;
use crate::start;

/// How long a sender without work waits before it looks again, unless it is woken.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The same while deliveries are put off for want of room.
const LOOK_SOON: Duration = Duration::from_millis(50);

/// How long a sender waits for a database that cannot commit. Meanwhile nothing is sent.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// How often a sender looks for others that have gone and left deliveries in flight.
const RECOVER_AGAIN: Duration = Duration::from_secs(5);

/// How long a connection without work is kept open.
const LINGER: Duration = Duration::from_secs(5);

/// How long a sender that is to stop goes on trying to write down what it knows.
const LAST_TRIES: Duration = Duration::from_secs(20);

/// What a connection asks of the ledger.
pub(super) struct Asked {
    /// Which connection it is.
    pub(super) connection: usize,
    /// What became of the delivery that it held.
    pub(super) settled: Option<(Due, Outcome)>,
    pub(super) wants: Wants,
    pub(super) answer: oneshot::Sender<Answer>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
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
    /// Nothing has been due for a while: hang up and ask for notice.
    NothingNow,
    /// The outcome is written down.
    Written,
    /// The sender ends.
    Over,
}

/// How the ledger's work came to an end.
pub(super) enum Closed {
    /// Nobody asks any more.
    Done,
    /// Others have given this sender up: what it holds is theirs to judge, and it needs a new number.
    GivenUp,
}

pub(super) struct Ledger {
    pub(super) db: Db,
    pub(super) presence: Presence,
    pub(super) life: chrono::Duration,
    pub(super) clock: Clock,
    pub(super) until: Until,
    pub(super) stop: CancellationToken,
    pub(super) pace: Pace,
    pub(super) quota: Quota,
    /// The number that the sender started under, whatever it goes by now.
    pub(super) started_as: i64,
    pub(super) wake: Wake,
    pub(super) book: Book,
    /// For looks beside the rounds, on connections of their own.
    pub(super) beside: Db,
    pub(super) pause_on_bounces: bool,
    pub(super) metrics: Metrics,
    pub(super) standing: Standing,
}

/// What is going on between the ledger and its connections.
#[derive(Default)]
pub(super) struct Book {
    /// Questions that have no answer yet, with the moment they came.
    waiting: Vec<(Asked, Instant)>,
    /// What the connections hold: to which domain, and since when.
    held: HashMap<i64, (String, Instant)>,
    /// Connections that were told that something is due and have not come back yet.
    arriving: HashSet<usize>,
    /// The campaigns that had something due when it was last looked at.
    campaigns: Vec<i64>,
    /// The campaigns that were looked at before their first mail from here.
    begun: HashSet<i64>,
    looked_at: Option<Instant>,
    recovered_at: Option<Instant>,
    /// Until when a quota forbids anything more.
    full_until: Option<DateTime<Utc>>,
    /// When the last of those that were put off is to be looked at again.
    put_off: Option<DateTime<Utc>>,
    /// Something has been settled: whatever ends this start, it came to something.
    has_progressed: bool,
}

/// What one commit came to.
#[derive(Default)]
struct Round {
    claims: Claims,
    /// How many more are due, counted no further than there are connections to tell.
    more: usize,
    full_until: Option<DateTime<Utc>>,
    /// Something was put off for a moment, by this sender or by one before it.
    soon: bool,
}

/// Why a round did not come about.
enum Failed {
    GivenUp,
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Failed {
        Failed::Database(error)
    }
}

impl Ledger {
    /// Serves the connections until the last one is gone.
    pub(super) async fn run(mut self, mut asked: mpsc::Receiver<Asked>) -> Closed {
        while self.gather(&mut asked).await {
            self.recover_others().await;
            match self.round().await {
                Ok(Some(round)) => self.answer(round),
                Ok(None) => self.dismiss(),
                Err(()) => {
                    tracing::warn!(
                        "this sender was given up by others; it goes on under another number"
                    );
                    self.dismiss();
                    return Closed::GivenUp;
                }
            }
        }
        self.presence.end().await;
        Closed::Done
    }

    /// Waits for the next question, and takes whatever others have come meanwhile. `false` when nobody is left to ask.
    async fn gather(&mut self, asked: &mut mpsc::Receiver<Asked>) -> bool {
        let mut new = Vec::new();
        let before = !self.book.waiting.is_empty();
        let pause = match self.book.put_off {
            Some(_) => LOOK_SOON,
            None => LOOK_AGAIN,
        };
        let goes_on = tokio::select! {
            more = asked.recv_many(&mut new, 1024) => more > 0 || before,
            () = tokio::time::sleep(pause), if before => true,
            () = self.wake.woken(), if before => {
                self.book.looked_at = None;
                true
            }
            () = self.stop.cancelled(), if before => true,
        };
        let now = Instant::now();
        for asked in new {
            self.book.arriving.remove(&asked.connection);
            self.learn(&asked, now);
            self.book.waiting.push((asked, now));
        }
        goes_on
    }

    /// What an outcome shows of its domain counts before the next claim.
    fn learn(&mut self, asked: &Asked, at: Instant) {
        if let Some((due, outcome)) = &asked.settled
            && let Some((domain, since)) = self.book.held.get(&due.id)
        {
            self.pace.settled(domain, *since, at, outcome.verdict());
        }
    }

    async fn recover_others(&mut self) {
        let is_time = |at: Instant| at.elapsed() > RECOVER_AGAIN;
        if !self.book.recovered_at.is_none_or(is_time) {
            return;
        }
        self.book.recovered_at = Some(Instant::now());
        match self.presence.recover_others(&self.db, &self.clock).await {
            Ok(0) => {}
            Ok(recovered) => tracing::warn!(
                recovered,
                "deliveries that a stopped sender held are unknown now"
            ),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what others held could not be looked at"
            ),
        }
    }

    /// One commit: every outcome, and a claim for every connection that wants one. Tried until the database can.
    /// `None` when the sender was stopped meanwhile, an error when it was given up.
    async fn round(&mut self) -> Result<Option<Round>, ()> {
        let mut failed = false;
        let mut stopped = None;
        loop {
            match self.commit(failed).await {
                Ok(round) => {
                    self.standing.database(true);
                    return Ok(Some(round));
                }
                Err(Failed::GivenUp) => return Err(()),
                Err(Failed::Database(error)) => {
                    failed = true;
                    self.standing.database(false);
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the database cannot commit; sending waits"
                    );
                    tokio::time::sleep(TRY_AGAIN).await;
                    self.metrics.waited(Wait::Database, TRY_AGAIN);
                    if self.stop.is_cancelled() {
                        let since = *stopped.get_or_insert_with(Instant::now);
                        if self.book.settled().next().is_none() || since.elapsed() > LAST_TRIES {
                            return Ok(None);
                        }
                    }
                }
            }
        }
    }

    async fn commit(&mut self, failed: bool) -> Result<Round, Failed> {
        let now = (self.clock)();
        let sender = self.presence.sender;
        let began = Instant::now();
        let mut round = Round::default();
        let mut tx = self.db.begin().await?;
        let settled: Vec<(Due, Outcome)> = self.book.settled().cloned().collect();
        if settled.is_empty() && !failed {
            self.look(&mut tx, now).await?;
            if self.book.campaigns.is_empty() {
                round.soon = self.is_due_soon(&mut tx, now).await?;
                return Ok(round);
            }
        }
        if !self.presence.still_counts(&mut tx).await? {
            return Err(Failed::GivenUp);
        }
        if failed {
            let held: Vec<i64> = self.book.held.keys().copied().collect();
            queue::hand_back_others(&mut tx, sender, &held, now).await?;
        }
        let tally = queue::settle(&mut tx, sender, &settled, self.life, now).await?;
        let pause = self.pause_on_bounces;
        let raised = alarm::write_tally(&mut tx, &tally, sender, pause, now).await?;
        if !settled.is_empty() && !self.book.has_progressed {
            start::progressed(&mut tx, self.started_as).await?;
        }
        if !self.stop.is_cancelled() {
            self.claim(&mut tx, now, &mut round).await?;
            if let Some(new) = self.not_begun(&round) {
                drop(tx);
                alarm::first_look(&self.beside, new, &self.metrics).await;
                self.book.looked_at = None;
                return Box::pin(self.commit(failed)).await;
            }
        }
        tx.commit().await?;
        let rows = settled.len() + round.claims.claimed.len();
        self.metrics.commit(rows, began.elapsed());
        raised
            .iter()
            .for_each(|raised| raised.report(&self.metrics));
        if !failed {
            // After a failure, the claim may be gone because that commit was durable after all.
            (0..tally.repeats()).for_each(|_| self.metrics.repeated());
        }
        if !raised.is_empty() {
            self.book.looked_at = None;
        }
        Ok(round)
    }

    /// A campaign among the claims of which nothing went out from here yet; from now on it counts as begun.
    fn not_begun(&mut self, round: &Round) -> Option<i64> {
        let claimed = round.claims.claimed.iter();
        let mut campaigns = claimed.map(|claimed| claimed.delivery.campaign_id);
        campaigns.find(|campaign| self.book.begun.insert(*campaign))
    }

    async fn claim(
        &mut self,
        tx: &mut crate::db::Tx,
        now: DateTime<Utc>,
        round: &mut Round,
    ) -> sqlx::Result<()> {
        let wants = |wants: Wants| {
            let of = self.book.waiting.iter();
            of.filter(|(asked, _)| asked.wants == wants).count()
        };
        let (mut wanted, listening) = (wants(Wants::Work), wants(Wants::Notice));
        if wanted + listening == 0 {
            return Ok(());
        }
        if let Some(left) = self.quota.left(tx, now).await? {
            wanted = wanted.min(left.mails);
            round.full_until = (left.mails == 0).then_some(left.until);
            if left.mails == 0 {
                return Ok(());
            }
        }
        self.look(tx, now).await?;
        let (sender, campaigns) = (self.presence.sender, &self.book.campaigns);
        round.claims = queue::claim(tx, sender, campaigns, now, wanted, &mut self.pace).await?;
        let claimed = round.claims.claimed.len();
        self.quota.count(tx, now, claimed).await?;
        if claimed < wanted {
            // Perhaps another campaign has something by now.
            self.book.looked_at = None;
            round.soon = self.is_due_soon(tx, now).await?;
        } else if listening > 0 {
            let told = self.book.arriving.len();
            let due = queue::count_due(tx, &self.book.campaigns, now, listening + told).await?;
            round.more = due.saturating_sub(told);
        }
        Ok(())
    }

    /// Whether waiting is worth while for a sender that ends once nothing is due.
    async fn is_due_soon(&self, tx: &mut crate::db::Tx, now: DateTime<Utc>) -> sqlx::Result<bool> {
        if self.until != Until::NothingDue {
            return Ok(false);
        }
        let soon = now + pace::LOOK_AGAIN;
        Ok(!queue::campaigns_with_due(tx, soon).await?.is_empty())
    }

    /// Which campaigns have something due. While there is enough, it is not looked up for every claim.
    async fn look(&mut self, tx: &mut crate::db::Tx, now: DateTime<Utc>) -> sqlx::Result<()> {
        let is_old = |at: Instant| at.elapsed() > LOOK_AGAIN;
        if self.book.looked_at.is_none_or(is_old) {
            self.book.campaigns = queue::campaigns_with_due(tx, now).await?;
            self.book.looked_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Hands out the claims. Who gets none goes on waiting, or hears that there is nothing, or that it is over.
    fn answer(&mut self, round: Round) {
        self.forget_settled();
        self.note_quota(&round);
        let now = (self.clock)();
        let put_off = self.book.put_off.max(round.claims.put_off);
        self.book.put_off = put_off.filter(|last| *last >= now);
        let over = self.is_over(&round);
        let at = Instant::now();
        let mut claims = round.claims.claimed.into_iter();
        let mut more = round.more;
        for (asked, since) in std::mem::take(&mut self.book.waiting) {
            let answer = match asked.wants {
                Wants::Nothing => Answer::Written,
                Wants::Work => match claims.next() {
                    Some(claimed) => self.hand_out(claimed, at, now),
                    None if over => Answer::Over,
                    None if since.elapsed() > LINGER => Answer::NothingNow,
                    None => {
                        self.book.waiting.push((asked, since));
                        continue;
                    }
                },
                Wants::Notice if over => Answer::Over,
                Wants::Notice if more > 0 => {
                    more -= 1;
                    self.book.arriving.insert(asked.connection);
                    Answer::Due
                }
                Wants::Notice => {
                    self.book.waiting.push((asked, since));
                    continue;
                }
            };
            // A connection's task that died asks no more; its claim is recovered like any other.
            drop(asked.answer.send(answer));
        }
    }

    fn hand_out(&mut self, claimed: Claimed, at: Instant, now: DateTime<Utc>) -> Answer {
        let domain = pace::domain(&claimed.subscriber.address).to_owned();
        self.pace.offered(&domain, at, now);
        self.book.held.insert(claimed.delivery.id, (domain, at));
        Answer::Work(Box::new(claimed))
    }

    fn forget_settled(&mut self) {
        for (asked, _) in &mut self.book.waiting {
            if let Some((due, _)) = asked.settled.take() {
                self.book.has_progressed = true;
                self.book.held.remove(&due.id);
            }
        }
    }

    fn note_quota(&mut self, round: &Round) {
        if let Some(until) = round.full_until
            && self.book.full_until != round.full_until
        {
            tracing::info!(%until, "the quota is used up; sending goes on by itself then");
        }
        self.book.full_until = round.full_until;
    }

    /// Whether the sender is to end: because it was told to, or because there is nothing left to wait for.
    fn is_over(&self, round: &Round) -> bool {
        let is_idle = round.claims.claimed.is_empty()
            && !round.soon
            && round.more == 0
            && round.full_until.is_none()
            && self.book.held.is_empty()
            && self.book.arriving.is_empty();
        self.stop.is_cancelled() || (is_idle && self.until == Until::NothingDue)
    }

    /// Tells everybody who waits that it is over.
    fn dismiss(&mut self) {
        for (asked, _) in self.book.waiting.drain(..) {
            drop(asked.answer.send(Answer::Over));
        }
    }
}

impl Book {
    fn settled(&self) -> impl Iterator<Item = &(Due, Outcome)> {
        self.waiting
            .iter()
            .filter_map(|(asked, _)| asked.settled.as_ref())
    }
}
