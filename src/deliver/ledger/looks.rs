//! What the ledger looks at before and after a commit: what is due, what is to be weighed, and who comes next.

use std::time::Instant;

use chrono::{DateTime, Utc};

use super::{Came, LOOK_AGAIN, Ledger};
use crate::alarm;
use crate::deliver::book::Wants;
use crate::deliver::settled::Settled;
use crate::deliver::{Until, pace, queue};
use crate::letter;
use crate::returned::score;
use crate::start;

impl Ledger {
    /// Which campaigns have something due. While there is enough, it is not looked up for every claim. One that nothing
    /// was sent of from here is looked at for mistakes first.
    pub(super) async fn look(&mut self, now: DateTime<Utc>) -> sqlx::Result<()> {
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

    /// What is to be seen to after a commit.
    pub(super) async fn look_around(
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
}
