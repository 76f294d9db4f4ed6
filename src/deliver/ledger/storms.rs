//! Storms of refusals, seen by the ledger as it writes them down.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Ledger;
use crate::alarm;
use crate::deliver::settled::Settled;
use crate::letter;

/// How long it is known how many refusals are no storm yet: other senders have some as well.
const STORM_AGAIN: Duration = Duration::from_secs(1);

impl Ledger {
    /// Whether what is to be written down may make it a storm of refusals, as far as is known.
    pub(super) fn may_be_storm(&mut self, settled: &[Settled]) -> bool {
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
    pub(super) async fn watch_for_storms(&mut self, settled: &[Settled]) -> sqlx::Result<()> {
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
