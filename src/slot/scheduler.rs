//! The task that notes slots as they come due.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{SlotError, State, Taken, Terms, ZONES_STEP_MINUTES, begin, is_due, schedule_due};
use crate::clock::Clock;
use crate::db::Db;
use crate::schedule::Schedule;

/// It looks so often even when nothing is to come: clocks are set, and machines sleep.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Sends issues by themselves. Any number of them may run on one database.
pub struct Scheduler {
    pub db: Db,
    pub schedule: Schedule,
    pub terms: Terms,
    pub clock: Clock,
}

impl Scheduler {
    /// Notes what comes due, until told to stop. A database that fails is asked again.
    pub async fn run(self, stop: CancellationToken) {
        let mut begun = false;
        let mut trouble = String::new();
        while !stop.is_cancelled() {
            let looked = self.look(&mut begun).await;
            let said = looked.as_ref().err().map(ToString::to_string);
            if let Err(error) = looked
                && said.as_ref() != Some(&trouble)
            {
                let error = &error as &dyn std::error::Error;
                tracing::error!(
                    error,
                    "the schedule cannot be looked after; it is tried again"
                );
            }
            trouble = said.unwrap_or_default();
            tokio::select! {
                () = tokio::time::sleep(self.until_next()) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn look(&self, begun: &mut bool) -> Result<(), SlotError> {
        if !*begun {
            let mut tx = self.db.begin().await?;
            begin(&mut tx, &self.schedule, (self.clock)()).await?;
            tx.commit().await?;
            *begun = true;
        }
        // Looking takes no lock; only what is due is worth one.
        while self.is_due().await? {
            let mut tx = self.db.begin_apart().await?;
            let taken = schedule_due(&mut tx, &self.schedule, &self.terms, (self.clock)()).await?;
            tx.commit().await?;
            match taken {
                Some(taken) => tell(&taken),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    async fn is_due(&self) -> Result<bool, SlotError> {
        let mut tx = self.db.read().await?;
        is_due(&mut tx, &self.schedule, &self.terms, (self.clock)()).await
    }

    /// How long until the next slot is to be settled, but never too long.
    fn until_next(&self) -> Duration {
        let now = (self.clock)() + self.terms.undo;
        let Some(wait) = self
            .schedule
            .next(now)
            .and_then(|slot| (slot.at - now).to_std().ok())
        else {
            return LOOK_AGAIN;
        };
        let step = u128::from(60_000 * ZONES_STEP_MINUTES.unsigned_abs());
        // A millisecond more, for what was cut off.
        let to_the_next_zone = Duration::from_millis((wait.as_millis() % step) as u64 + 1);
        let wait = if self.terms.readers_zone {
            to_the_next_zone
        } else {
            wait
        };
        wait.min(LOOK_AGAIN)
    }
}

fn tell(taken: &Taken) {
    let noted = &taken.noted;
    let slot = noted.wall_time.as_str();
    match noted.state {
        State::Settled => tracing::info!(
            slot,
            issue = noted.month,
            "the schedule sends it: {}",
            noted.note
        ),
        State::Held => tracing::error!(slot, "held: {}", noted.alarm()),
        State::Empty => tracing::warn!(slot, "nothing to send: {}", noted.note),
    }
    for warning in &taken.warnings {
        tracing::warn!(slot, issue = noted.month, "{warning}");
    }
}
