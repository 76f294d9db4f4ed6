//! Waiting for the service to come somewhere, as long as it still moves.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use super::{GLANCE, Lab, Running};
use crate::checker;

/// Past this, a service that sends nothing more is not on its way back by itself.
const STANDSTILL: Duration = Duration::from_secs(90);

impl Lab<'_> {
    /// Sends until nothing is left, hurrying what was put off, as one who restarts a service until it is done.
    pub fn finish(&self, month: &str) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < 2 * STANDSTILL {
            self.hurry()?;
            // A relay or a database away is the trial's own doing; the account tells what came of it.
            let _ = self.run(&["send", month, "--wait", "--json"]);
            let status = self.status(month)?;
            let number = |name: &str| status[name].as_i64().unwrap_or(-1);
            let left = ["waiting", "deferred", "in_flight"].map(number);
            let due = status.get("next_try_at").is_some_and(|at| !at.is_null());
            if left == [0; 3] && !due {
                return Ok(());
            }
        }
        bail!("it does not come to an end: {}", self.status(month)?)
    }

    /// Waits until the relay has taken so many in all, as long as `running` runs.
    pub fn wait_for_taken(&self, enough: u64, running: &mut Running) -> anyhow::Result<()> {
        let mut progress = (Instant::now(), self.relay.taken());
        while self.relay.taken() < enough && running.is_running()? {
            if self.relay.taken() != progress.1 {
                progress = (Instant::now(), self.relay.taken());
            }
            ensure!(
                progress.0.elapsed() < STANDSTILL,
                "nothing was sent for {STANDSTILL:?}: {}",
                running.last_words()
            );
            std::thread::sleep(GLANCE);
        }
        Ok(())
    }

    /// Waits until the relay takes another message, and says how long that was.
    pub fn wait_for_more(&self, running: &mut Running) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.wait_for_taken(self.relay.taken() + 1, running)?;
        Ok(began.elapsed())
    }

    /// Waits until nothing of the campaign waits or is in flight.
    pub fn wait_until_tried(&self, month: &str, running: &mut Running) -> anyhow::Result<()> {
        let mut progress = (Instant::now(), self.relay.taken());
        loop {
            let counts = self.on_store(self.store.counts(month))?;
            checker::hold_account(&counts, self.readers as i64)?;
            if !counts
                .iter()
                .any(|(state, _)| matches!(state.as_str(), "waiting" | "in_flight"))
            {
                return Ok(());
            }
            ensure!(running.is_running()?, "it ended: {}", running.last_words());
            if self.relay.taken() != progress.1 {
                progress = (Instant::now(), self.relay.taken());
            }
            ensure!(
                progress.0.elapsed() < STANDSTILL,
                "nothing was sent for {STANDSTILL:?} while {counts:?}: {}",
                running.last_words()
            );
            std::thread::sleep(50 * GLANCE);
        }
    }
}
