//! The ledger: one task that writes down outcomes and hands out claims, for all connections in one round with the database.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Until;
use super::book::{Asked, Book, Wants};
use super::pace::{self, Pace};
use super::presence::Presence;
use super::queue;
use super::quota::Quota;
use super::round::{Claimed, Done, Round};
use super::settled::Settled;
use super::wake::Wake;
use crate::alarm::{self, Allowed};
use crate::campaign::DeliveryState;
use crate::clock::Clock;
use crate::db::Db;
use crate::letter;
use crate::metrics::{Metrics, Wait};
use crate::returned::score::{self, Limit};
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

/// How long a sender that is to stop goes on trying to write down what it knows.
const LAST_TRIES: Duration = Duration::from_secs(20);

/// How many turns of the runtime a round waits for more questions.
const TURNS: usize = 16;

/// How long it is known how many refusals are no storm yet: other senders have some as well.
const STORM_AGAIN: Duration = Duration::from_secs(1);

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

    async fn commit(&mut self, failed: bool) -> Result<Came, Failed> {
        let now = (self.clock)();
        if failed {
            self.hand_back_others(now).await?;
        }
        let settled = self.book.settled(self.life, now);
        let mut came = Came {
            full_until: self.view.full_until.filter(|until| now < *until),
            ..Came::default()
        };
        let claims = !self.stop.is_cancelled();
        if claims {
            self.look(now).await?;
            self.view.limit_to_letters(came.full_until);
            came.wanted = self.wanted();
        }
        if self.may_be_storm(&settled) {
            // Claimed after the look, if then.
            came.wanted = 0;
            self.view.goes_on = true;
        }
        if !settled.is_empty() || came.wanted > 0 {
            let began = Instant::now();
            let done = self.write(&settled, now, &mut came).await?;
            if !done.counts {
                return Err(Failed::GivenUp);
            }
            let rows = settled.len() + done.claimed.len();
            self.metrics.commit(rows, began.elapsed());
            if !failed {
                // After a failure, the claim may be gone because that commit was durable after all.
                self.count_repeats(&settled, done.written);
            }
            came.claimed = done.claimed;
        }
        // What is on the disk stays there, whatever the looks come to.
        if let Err(error) = self.look_around(&settled, claims, now, &mut came).await {
            came.soon = true;
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the queue could not be looked at"
            );
        }
        Ok(came)
    }

    /// How many deliveries the connections want and can be claimed, as far as is known.
    fn wanted(&mut self) -> usize {
        if self.view.campaigns.is_empty() || self.pace.may_put_off(Instant::now()) == 0 {
            return 0;
        }
        self.book.how_many_want(Wants::Work)
    }

    /// One trip, unless a quota has to be asked first. It counts letters too, and holds none up: a confirmation is to
    /// come while the reader still looks.
    async fn write(
        &mut self,
        settled: &[Settled],
        now: DateTime<Utc>,
        came: &mut Came,
    ) -> sqlx::Result<Done> {
        let mut round = Round {
            sender: self.presence.sender,
            settled,
            campaign: self.view.campaigns.first().copied().unwrap_or_default(),
            wanted: came.wanted,
            now,
        };
        if self.quota.is_none() {
            return round.alone(&self.db).await;
        }
        let mut tx = self.db.begin().await?;
        if !self.presence.still_counts(&mut tx).await? {
            return Ok(Done::default());
        }
        let returned = self.book.returned() as i64;
        self.quota.count(&mut tx, now, -returned).await?;
        if came.wanted > 0
            && round.campaign != letter::CAMPAIGN
            && let Some(left) = self.quota.left(&mut tx, now).await?
        {
            came.wanted = came.wanted.min(left.mails);
            came.full_until = (left.mails == 0).then_some(left.until);
            round.wanted = came.wanted;
        }
        let done = round.within(&mut tx).await?;
        let claimed = done.claimed.len() as i64;
        self.quota.count(&mut tx, now, claimed).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// What a commit may have claimed of which nobody heard.
    async fn hand_back_others(&self, now: DateTime<Utc>) -> Result<(), Failed> {
        let mut tx = self.db.begin().await?;
        if !self.presence.still_counts(&mut tx).await? {
            return Err(Failed::GivenUp);
        }
        let claimed = self.book.claimed();
        queue::hand_back_others(&mut tx, self.presence.sender, &claimed, now).await?;
        Ok(tx.commit().await?)
    }

    /// Accepted mails whose claims had been lost: another sender judges those deliveries, and may have sent them too.
    fn count_repeats(&self, settled: &[Settled], written: usize) {
        let accepted = |settled: &&Settled| settled.state == DeliveryState::Accepted;
        let lost = settled.len() - written.min(settled.len());
        let repeats = lost.min(settled.iter().filter(accepted).count());
        (0..repeats).for_each(|_| self.metrics.repeated());
    }

    /// What is to be seen to after a commit.
    async fn look_around(
        &mut self,
        settled: &[Settled],
        claims: bool,
        now: DateTime<Utc>,
        came: &mut Came,
    ) -> sqlx::Result<()> {
        if !settled.is_empty() && !self.view.has_progressed {
            let mut tx = self.db.begin().await?;
            start::progressed(&mut tx, self.started_as).await?;
            tx.commit().await?;
            self.view.has_progressed = true;
        }
        self.weigh(settled, now).await?;
        self.watch_for_storms(settled).await?;
        self.view.limit_to_letters(came.full_until);
        let is_full = came.full_until.is_some() && self.view.campaigns.is_empty();
        if !claims || is_full {
            return Ok(());
        }
        if self.view.campaigns.is_empty() || came.claimed.len() < came.wanted {
            return self.turn_to_the_next(now, came).await;
        }
        let listening = self.book.how_many_want(Wants::Notice);
        if listening > 0 {
            let told = self.book.arriving();
            let mut tx = self.db.read().await?;
            let most = listening + told;
            let due = queue::count_due(&mut tx, &self.view.campaigns, now, most).await?;
            came.more = due.saturating_sub(told);
        }
        Ok(())
    }

    /// The first campaign has nothing more that is due: perhaps another one has, by now.
    async fn turn_to_the_next(&mut self, now: DateTime<Utc>, came: &mut Came) -> sqlx::Result<()> {
        if self.view.campaigns.len() > 1 {
            self.view.campaigns.remove(0);
            self.view.goes_on = true;
            return Ok(());
        }
        self.view.looked_at = None;
        // Whether waiting is worth while for a sender that ends once nothing is due.
        if self.until == Until::NothingDue {
            let soon = now + pace::LOOK_AGAIN;
            let due = queue::campaigns_with_due(&mut self.db.read().await?, soon).await?;
            came.soon = !due.is_empty();
        }
        Ok(())
    }

    /// Weighs what soft refusals have left to be weighed, by this sender or by one that was gone before it did.
    async fn weigh(&mut self, settled: &[Settled], now: DateTime<Utc>) -> sqlx::Result<()> {
        let is_soft = settled.iter().any(Settled::is_to_be_weighed);
        if self.view.has_weighed && !is_soft {
            return Ok(());
        }
        loop {
            let mut tx = self.db.begin().await?;
            let weighed = score::weigh_all(&mut tx, self.soft, now).await?;
            tx.commit().await?;
            if weighed == 0 {
                break;
            }
        }
        self.view.has_weighed = true;
        Ok(())
    }

    /// Whether what is to be written down may make it a storm of refusals, as far as is known.
    fn may_be_storm(&mut self, settled: &[Settled]) -> bool {
        self.view
            .storms
            .retain(|_, (_, looked_at)| looked_at.elapsed() < STORM_AGAIN);
        let is_near = |(campaign, refused): (&i64, &i64)| {
            let left = self.view.storms.get(campaign);
            left.is_none_or(|(left, _)| left < refused)
        };
        self.storm.is_some() && refused(settled).iter().any(is_near)
    }

    /// Pauses a campaign of which too many mails are refused. Looked up only when there may be a storm.
    async fn watch_for_storms(&mut self, settled: &[Settled]) -> sqlx::Result<()> {
        let Some(allowed) = self.storm else {
            return Ok(());
        };
        for (campaign, refused) in refused(settled) {
            if let Some((left, _)) = self.view.storms.get_mut(&campaign)
                && *left >= refused
            {
                *left -= refused;
                continue;
            }
            let left =
                alarm::watch_for_storm(&self.beside, campaign, allowed, &self.metrics).await?;
            if left.is_none() {
                self.view.looked_at = None;
            }
            let known = (left.unwrap_or(0), Instant::now());
            self.view.storms.insert(campaign, known);
        }
        Ok(())
    }

    /// Which campaigns have something due. While there is enough, it is not looked up for every claim. One that nothing
    /// was sent of from here is looked at for mistakes first.
    async fn look(&mut self, now: DateTime<Utc>) -> sqlx::Result<()> {
        let is_old = |at: Instant| at.elapsed() > LOOK_AGAIN;
        if !self.view.looked_at.is_none_or(is_old) {
            return Ok(());
        }
        let mut campaigns = queue::campaigns_with_due(&mut self.db.read().await?, now).await?;
        let mut is_new = false;
        for campaign in &campaigns {
            if *campaign != letter::CAMPAIGN && self.view.begun.insert(*campaign) {
                alarm::first_look(&self.beside, *campaign, &self.metrics).await;
                is_new = true;
            }
        }
        if is_new {
            campaigns = queue::campaigns_with_due(&mut self.db.read().await?, now).await?;
        }
        self.view.campaigns = campaigns;
        self.view.looked_at = Some(Instant::now());
        Ok(())
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

/// How many mails of each campaign were refused for good. Letters go to addresses that anybody may have mistyped: they
/// make no storm.
fn refused(settled: &[Settled]) -> HashMap<i64, i64> {
    let mut refused = HashMap::new();
    let counts = |one: &&Settled| one.refused && one.campaign != letter::CAMPAIGN;
    for one in settled.iter().filter(counts) {
        *refused.entry(one.campaign).or_default() += 1;
    }
    refused
}
