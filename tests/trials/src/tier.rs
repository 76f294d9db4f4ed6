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

/// Side by side, for those of the second mostly wait: for a lease, for a clock, for a relay that says nothing.
const QUICK: [&[Part]; 2] = [
    &[
        (Scenario::Kills, Some(6), Some(400), Which::Both),
        (Scenario::Points, None, Some(6), Which::Sqlite),
        (Scenario::PowerCut, None, Some(80), Which::Both),
        (Scenario::Stops, Some(5), Some(300), Which::Both),
        (Scenario::Workers, Some(2), Some(1200), Which::Both),
        (Scenario::Restarts, Some(3), None, Which::Postgres),
        (Scenario::Locks, Some(3), None, Which::Sqlite),
        (Scenario::Leavers, Some(100), Some(1000), Which::Both),
        (Scenario::Backup, Some(3), None, Which::Sqlite),
        (Scenario::Poison, None, Some(300), Which::Both),
        (Scenario::Upgrades, Some(2), Some(40), Which::Both),
        (Scenario::ReportStorm, None, Some(1000), Which::Both),
    ],
    &[
        (Scenario::Matrix, None, None, Which::Sqlite),
        (Scenario::Clocks, None, Some(400), Which::Postgres),
        (Scenario::Pauses, Some(2), Some(1200), Which::Postgres),
        (Scenario::Reports, None, Some(80), Which::Both),
        (Scenario::EximReports, None, Some(80), Which::Both),
        (Scenario::RestartLoop, None, Some(40), Which::Both),
        (Scenario::FullDisks, Some(2), None, Which::Sqlite),
        (Scenario::ReadOnly, Some(1), None, Which::Sqlite),
    ],
];

const LONG: [&[Part]; 1] = [&[
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
    (Scenario::EximReports, None, None, Which::Both),
    (Scenario::ReportStorm, None, None, Which::Both),
    (Scenario::Soak, None, None, Which::Both),
]];

impl Tier {
    /// Runs every part; `only` one of the databases where that is asked for. What stands in one row is done one after
    /// the other, each row on a ground of its own.
    pub fn run(
        self,
        ground: impl Fn() -> anyhow::Result<Ground>,
        seed: u64,
        only: Which,
        tally: &Tally,
    ) -> anyhow::Result<()> {
        let rows: &[&[Part]] = match self {
            Tier::Quick => &QUICK,
            Tier::Long => &LONG,
        };
        let grounds: Vec<Ground> = rows.iter().map(|_| ground()).collect::<Result<_, _>>()?;
        std::thread::scope(|scope| {
            for (row, ground) in rows.iter().zip(&grounds) {
                scope.spawn(|| {
                    row.iter()
                        .for_each(|part| self.part(part, ground, seed, only, tally))
                });
            }
        });
        Ok(())
    }

    fn part(self, part: &Part, ground: &Ground, seed: u64, only: Which, tally: &Tally) {
        let (scenario, runs, readers, database) = *part;
        let database = match (only, database) {
            (Which::Both, database) => database,
            (only, Which::Both) => only,
            (only, database) if only == database => database,
            _ => return,
        };
        let extent = Extent {
            seed,
            runs,
            // Each point is a send of its own: a small share of them shows that the way is sound.
            every: if self == Tier::Quick { 7 } else { 1 },
            readers,
            database,
            // A soak is in the long tier alone.
            minutes: 60,
        };
        scenario.run(ground, &extent, tally);
    }
}
