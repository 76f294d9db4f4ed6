//! One commit of the ledger: outcomes written down, and deliveries claimed.

use std::time::Instant;

use chrono::{DateTime, Utc};

use super::{Came, Ledger};
use crate::campaign::DeliveryState;
use crate::deliver::book::Wants;
use crate::deliver::queue;
use crate::deliver::round::{Done, Round};
use crate::deliver::settled::Settled;
use crate::letter;

/// Why a round did not come about.
pub(super) enum Failed {
    GivenUp,
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Failed {
        Failed::Database(error)
    }
}

impl Ledger {
    pub(super) async fn commit(&mut self, failed: bool) -> Result<Came, Failed> {
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
}
