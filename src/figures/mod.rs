//! Figures: what pages tell of campaigns and readers, counted in the background. Nothing is counted where mails are sent,
//! and no page counts a million rows.

pub mod campaign;
pub mod readers;

use std::time::Duration;

use chrono::Utc;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::db::{Db, Tx};

/// How often it is looked whether something has to be counted.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Groups of fewer readers are not told: who is in them could be guessed.
pub const FEWEST: i64 = 5;

/// Counts beside the site. Several of them on one database count the same.
#[derive(Clone)]
pub struct Counting {
    pub db: Db,
    pub clock: Clock,
}

impl Counting {
    /// Counts what has changed, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut trouble = false;
        while !stop.is_cancelled() {
            tokio::select! {
                counted = self.count() => {
                    if let Err(error) = &counted && !trouble {
                        let error = error as &dyn std::error::Error;
                        tracing::warn!(error, "figures of pages stay as they are, for the database fails");
                    }
                    trouble = counted.is_err();
                }
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Counts whatever has changed.
    pub async fn count(&self) -> sqlx::Result<()> {
        let now = (self.clock)();
        for campaign in campaign::to_count(&mut self.db.read().await?, now).await? {
            campaign::count(&self.db, campaign, now).await?;
        }
        readers::fold(&self.db, now).await?;
        readers::count_day(&self.db, now).await
    }
}

/// The part of an address behind the `@`, on this database.
fn domain_of(tx: &Tx) -> &'static str {
    match tx {
        Tx::Sqlite(_) => "substr(s.address, instr(s.address, '@') + 1)",
        Tx::Postgres(_) => "split_part(s.address, '@', 2)",
    }
}

/// A moment as it is kept in a mark.
fn stamp(at: chrono::DateTime<Utc>) -> String {
    crate::db::time(at)
}
