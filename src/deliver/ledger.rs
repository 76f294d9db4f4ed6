//! The ledger: one task that writes down outcomes and hands out claims, for all connections in one round with the database.

mod commit;
mod looks;
mod storms;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::commit::Failed;
use super::Until;
use super::book::{Asked, Book, Wants};
use super::pace::Pace;
use super::presence::Presence;
use super::quota::Quota;
use super::round::Claimed;
use super::wake::Wake;
use crate::alarm::Allowed;
use crate::clock::Clock;
use crate::db::Db;
use crate::letter;
use crate::metrics::{Metrics, Wait};
use crate::returned::score::Limit;
use crate::standing::Standing;

/// How long a sender without work waits before it looks again, unless it is woken.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The same while deliveries are put off for want of room.
const LOOK_SOON: Duration = Duration::from_millis(50);

/// How long a sender waits for a database that cannot commit. Meanwhile nothing is sent.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// How often a sender looks for others that have gone and left deliveries in flight.
const RECOVER_AGAIN: Duration = Duration::from_secs(5);

/// How long a sender that is to stop goes on trying to write down what it knows.
const LAST_TRIES: Duration = Duration::from_secs(20);

/// How many turns of the runtime a round waits for more questions.
const TURNS: usize = 16;

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
    pub(super) view: View,
    /// For looks beside the rounds, on connections of their own.
    pub(super) beside: Db,
    /// `None`: no storm of refusals pauses a campaign.
    pub(super) storm: Option<Allowed>,
    pub(super) soft: Limit,
    pub(super) metrics: Metrics,
    pub(super) standing: Standing,
}

/// What the ledger has seen of the database lately.
#[derive(Default)]
pub(super) struct View {
    /// The campaigns that had something due when it was last looked at; those that ran out since are gone.
    campaigns: Vec<i64>,
    looked_at: Option<Instant>,
    /// The campaigns that were looked at before their first mail from here.
    begun: HashSet<i64>,
    recovered_at: Option<Instant>,
    /// Until when a quota forbids anything more but letters.
    full_until: Option<DateTime<Utc>>,
    /// When the last of those that were put off is to be looked at again.
    put_off: Option<DateTime<Utc>>,
    /// When the database first failed a sender that is to stop: connections that ask later get no time of their own.
    stopped_at: Option<Instant>,
    /// Something has been settled: whatever ends this start, it came to something.
    has_progressed: bool,
    /// What an earlier sender left to be weighed has been.
    has_weighed: bool,
    /// Of each campaign with refusals: how many more may come before it is looked at again, and when it was.
    storms: HashMap<i64, (i64, Instant)>,
    /// There may be more to claim at once.
    goes_on: bool,
}

impl View {
    /// While the quota is used up, only letters are worth a claim.
    fn limit_to_letters(&mut self, full_until: Option<DateTime<Utc>>) {
        if full_until.is_some() {
            self.campaigns.retain(|id| *id == letter::CAMPAIGN);
        }
    }
}

/// What one commit came to.
#[derive(Default)]
struct Came {
    /// How many deliveries were to be claimed.
    wanted: usize,
    claimed: Vec<Claimed>,
    /// How many more are due, counted no further than there are connections to tell.
    more: usize,
    full_until: Option<DateTime<Utc>>,
    /// Something was put off for a moment, by this sender or by one before it.
    soon: bool,
}

impl Ledger {
    /// Serves the connections until the last one is gone.
    pub(super) async fn run(mut self, mut asked: mpsc::Receiver<Asked>) -> Closed {
        while self.gather(&mut asked).await || self.book.returned() > 0 {
            self.recover_others().await;
            match self.round().await {
                Ok(Some(came)) => self.answer(came),
                Ok(None) => self.book.dismiss(),
                Err(()) => {
                    tracing::warn!(
                        "this sender was given up by others; it goes on under another number"
                    );
                    self.book.dismiss();
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
        let before = self.book.is_waited_for();
        let at_once = before && std::mem::take(&mut self.view.goes_on);
        let pause = match self.view.put_off {
            Some(_) => LOOK_SOON,
            None => LOOK_AGAIN,
        };
        let (began, without_work) = (Instant::now(), self.book.how_many_want(Wants::Work));
        let goes_on = tokio::select! {
            more = asked.recv_many(&mut new, 1024) => more > 0 || before,
            () = std::future::ready(()), if at_once => true,
            () = tokio::time::sleep(pause), if before => true,
            () = self.wake.woken(), if before => {
                self.view.looked_at = None;
                true
            }
            () = self.stop.cancelled(), if before => true,
        };
        if self.view.put_off.is_some() {
            let waited = began.elapsed() * without_work as u32;
            self.metrics.waited(Wait::Pace, waited);
        }
        self.book.take_in(new, &mut self.pace);
        self.wait_for_company(asked).await;
        goes_on
    }

    /// Lets others come who are about to: a round costs hardly more for ten mails than for one. Where there is nothing
    /// else to do, the turns pass at once.
    async fn wait_for_company(&mut self, asked: &mut mpsc::Receiver<Asked>) {
        for _ in 0..TURNS {
            if self.book.is_half_back() {
                return;
            }
            tokio::task::yield_now().await;
            let new = std::iter::from_fn(|| asked.try_recv().ok()).collect();
            self.book.take_in(new, &mut self.pace);
        }
    }

    async fn recover_others(&mut self) {
        let is_time = |at: Instant| at.elapsed() > RECOVER_AGAIN;
        if !self.view.recovered_at.is_none_or(is_time) {
            return;
        }
        self.view.recovered_at = Some(Instant::now());
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
    async fn round(&mut self) -> Result<Option<Came>, ()> {
        let mut failed = false;
        loop {
            match self.commit(failed).await {
                Ok(came) => {
                    self.standing.database(true);
                    return Ok(Some(came));
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
                        let since = *self.view.stopped_at.get_or_insert_with(Instant::now);
                        let settled = self.book.settled(self.life, (self.clock)());
                        if settled.is_empty() || since.elapsed() > LAST_TRIES {
                            return Ok(None);
                        }
                    }
                }
            }
        }
    }

    /// Hands out the claims.
    fn answer(&mut self, came: Came) {
        let now = (self.clock)();
        if self.book.forget_settled() > 0 {
            self.view.has_progressed = true;
        }
        self.note_quota(came.full_until);
        let is_empty = came.claimed.is_empty();
        let (offered, put_off) = self.book.sort_out(came.claimed, &mut self.pace, now);
        let put_off = self.view.put_off.max(put_off);
        self.view.put_off = put_off.filter(|last| *last >= now);
        self.view.goes_on |= self.book.returned() > 0;
        let is_idle = is_empty
            && !came.soon
            && came.more == 0
            && came.full_until.is_none()
            && self.view.put_off.is_none()
            && !self.view.goes_on
            && self.book.is_idle();
        let over = self.stop.is_cancelled() || (is_idle && self.until == Until::NothingDue);
        self.book.answer(offered, came.more, over);
    }

    fn note_quota(&mut self, full_until: Option<DateTime<Utc>>) {
        if let Some(until) = full_until
            && self.view.full_until != full_until
        {
            tracing::info!(%until, "the quota is used up; sending goes on by itself then");
        }
        self.view.full_until = full_until;
    }
}
