//! How much is tried: what a change must pass within minutes, and what the figures ask for.

use clap::ValueEnum;

use crate::ground::{Ground, Which};
use crate::scenario::{Extent, Scenario};
use crate::tally::Tally;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tier {
    /// Every scenario at a small size
    Quick,
    /// Every scenario at the size of its figure
    Long,
}

/// A scenario, how often, with how many readers, and on what.
type Part = (Scenario, Option<u64>, Option<usize>, Which);

const QUICK: &[Part] = &[
    (Scenario::Kills, Some(10), Some(400), Which::Both),
    (Scenario::Points, None, Some(6), Which::Sqlite),
    (Scenario::PowerCut, None, Some(80), Which::Both),
    (Scenario::Stops, Some(5), Some(300), Which::Both),
    (Scenario::Workers, Some(2), Some(2000), Which::Both),
    (Scenario::Pauses, Some(2), Some(1200), Which::Postgres),
    (Scenario::Restarts, Some(3), None, Which::Postgres),
    (Scenario::Locks, Some(3), None, Which::Sqlite),
    (Scenario::FullDisks, Some(2), None, Which::Sqlite),
    (Scenario::ReadOnly, Some(1), None, Which::Sqlite),
    (Scenario::Leavers, Some(100), Some(1000), Which::Both),
    (Scenario::Matrix, None, None, Which::Sqlite),
    (Scenario::Backup, Some(3), None, Which::Sqlite),
    (Scenario::Poison, None, Some(300), Which::Both),
    (Scenario::RestartLoop, None, Some(40), Which::Both),
    (Scenario::Upgrades, Some(2), Some(40), Which::Both),
    (Scenario::Clocks, None, Some(400), Which::Postgres),
    (Scenario::Reports, None, Some(80), Which::Both),
    (Scenario::ReportStorm, None, Some(1000), Which::Both),
];

const LONG: &[Part] = &[
    (Scenario::Kills, None, None, Which::Both),
    (Scenario::Points, None, None, Which::Both),
    (Scenario::PowerCut, None, None, Which::Both),
    (Scenario::Stops, None, None, Which::Both),
    (Scenario::Workers, None, None, Which::Both),
    (Scenario::Pauses, None, None, Which::Postgres),
    (Scenario::Restarts, None, None, Which::Postgres),
    (Scenario::Locks, None, None, Which::Sqlite),
    (Scenario::FullDisks, None, None, Which::Sqlite),
    (Scenario::ReadOnly, None, None, Which::Sqlite),
    (Scenario::Leavers, None, None, Which::Both),
    (Scenario::Matrix, None, None, Which::Both),
    (Scenario::Balance, None, None, Which::Both),
    (Scenario::RelayAway, None, None, Which::Both),
    (Scenario::Backup, None, None, Which::Sqlite),
    (Scenario::Poison, None, None, Which::Both),
    (Scenario::RestartLoop, None, None, Which::Both),
    (Scenario::Upgrades, None, None, Which::Both),
    (Scenario::Clocks, None, None, Which::Both),
    (Scenario::Reports, None, None, Which::Both),
    (Scenario::ReportStorm, None, None, Which::Both),
    (Scenario::Soak, None, None, Which::Both),
];

impl Tier {
    /// Runs every part, one after the other; `only` one of the databases where that is asked for.
    pub fn run(self, ground: &Ground, seed: u64, only: Which, tally: &Tally) {
        let parts = match self {
            Tier::Quick => QUICK,
            Tier::Long => LONG,
        };
        for (scenario, runs, readers, database) in parts {
            let database = match (only, *database) {
                (Which::Both, database) => database,
                (only, Which::Both) => only,
                (only, database) if only == database => database,
                _ => continue,
            };
            let extent = Extent {
                seed,
                runs: *runs,
                // Each point is a send of its own: a small share of them shows that the way is sound.
                every: if self == Tier::Quick { 7 } else { 1 },
                readers: *readers,
                database,
                // A soak is in the long tier alone.
                minutes: 60,
            };
            scenario.run(ground, &extent, tally);
        }
    }
}
