//! The trials themselves.

mod clocks;
mod crashes;
mod ext4;
mod lasting;
mod leavers;
mod matrix;
mod power;
mod returned;
mod soak;
mod starts;
mod storage;
mod upgrades;
mod workers;

use std::time::Instant;

use clap::{Args, ValueEnum};

use crate::ground::{Ground, Kind, Which};
use crate::tally::Tally;

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Killed at a random instant (R1, F1)
    Kills,
    /// Killed at every call that writes to the disk or the wire (R2, F2)
    Points,
    /// Every outcome is on the disk before its connection goes on, by a trace of the calls (F3)
    PowerCut,
    /// Told to stop in the middle (R9, F4)
    Stops,
    /// Two, three and four workers at once (R5, F15)
    Workers,
    /// A worker sleeps past its lease and wakes (R5, F16)
    Pauses,
    /// PostgreSQL crashes and comes back (R6, F14)
    Restarts,
    /// Another process holds SQLite's lock (R6, F12)
    Locks,
    /// The disk is full (R6, F13)
    FullDisks,
    /// The disk cannot be written to (R6, F13)
    ReadOnly,
    /// Readers leave in the middle (R8, F23)
    Leavers,
    /// Every answer of a relay at every command, TLS gone wrong, and silence (R4, F6 to F11)
    Matrix,
    /// The account is asked for all the time (R12)
    Balance,
    /// The relay is away for a while (F5)
    RelayAway,
    /// Backups are made in the middle (F28)
    Backup,
    /// Rows that cannot become a message (F25)
    Poison,
    /// Killed at start again and again (F26)
    RestartLoop,
    /// Killed in the middle of an upgrade's changes to the tables (F27)
    Upgrades,
    /// The clock steps back and forth, by seconds, an hour and a day (F17)
    Clocks,
    /// A real Postfix reports what it cannot deliver
    Reports,
    /// A real Exim reports what it cannot deliver, and what is late
    EximReports,
    /// Ten thousand reports a minute, half of them twice, while people sign up (F24)
    ReportStorm,
    /// Random faults for a long time (R10)
    Soak,
}

/// How much of it.
#[derive(Args, Clone, Debug)]
pub struct Extent {
    /// Chooses the instants; the same seed chooses the same
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How often, on each database; each trial has a number of its own
    #[arg(long)]
    pub runs: Option<u64>,
    /// Only every so many of the crash points
    #[arg(long, default_value_t = 1)]
    pub every: u64,
    /// How many readers
    #[arg(long)]
    pub readers: Option<usize>,
    #[arg(long, default_value = "both")]
    pub database: Which,
    /// How long a soak lasts
    #[arg(long, default_value_t = 10)]
    pub minutes: u64,
}

/// What a trial has to go by.
pub struct Trial<'g> {
    pub ground: &'g Ground,
    pub kind: Kind,
    pub extent: &'g Extent,
    pub tally: &'g Tally,
}

impl Trial<'_> {
    fn runs(&self, usual: u64) -> u64 {
        self.extent.runs.unwrap_or(usual)
    }

    fn readers(&self, usual: usize) -> usize {
        self.extent.readers.unwrap_or(usual)
    }
}

impl Scenario {
    /// Runs the scenario on each database that it can run on.
    pub fn run(self, ground: &Ground, extent: &Extent, tally: &Tally) {
        for kind in extent.database.kinds() {
            let trial = Trial {
                ground,
                kind: *kind,
                extent,
                tally,
            };
            let name = format!("{} {kind}", self.name());
            let began = Instant::now();
            match self.try_on(&trial) {
                Ok(Some(line)) => {
                    let seed = extent.seed;
                    tally.sum_up(format!("{name} (seed {seed}): {line}"), began.elapsed());
                }
                Ok(None) => {}
                Err(error) if error.to_string().starts_with("left out: ") => {
                    let why = error.to_string();
                    tally.left_out(format!("{name}: {}", why.trim_start_matches("left out: ")));
                }
                Err(error) => {
                    tally.count(&name, Err(error));
                }
            }
        }
    }

    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The line that says what came of it; `None` where there is nothing to try on this database.
    fn try_on(self, trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
        match self {
            Scenario::Kills => crashes::kills(trial),
            Scenario::Points => crashes::points(trial),
            Scenario::PowerCut => power::power_cut(trial),
            Scenario::Stops => crashes::stops(trial),
            Scenario::Workers => workers::workers(trial),
            Scenario::Pauses => workers::pauses(trial),
            Scenario::Restarts => storage::restarts(trial),
            Scenario::Locks => storage::locks(trial),
            Scenario::FullDisks => storage::full_disks(trial),
            Scenario::ReadOnly => storage::read_only(trial),
            Scenario::Leavers => leavers::leavers(trial),
            Scenario::Matrix => matrix::matrix(trial),
            Scenario::Balance => lasting::balance(trial),
            Scenario::RelayAway => lasting::relay_away(trial),
            Scenario::Backup => lasting::backup(trial),
            Scenario::Poison => lasting::poison(trial),
            Scenario::RestartLoop => starts::restart_loop(trial),
            Scenario::Upgrades => upgrades::upgrades(trial),
            Scenario::Clocks => clocks::clocks(trial),
            Scenario::Reports => returned::postfix(trial),
            Scenario::EximReports => returned::exim(trial),
            Scenario::ReportStorm => returned::storm(trial),
            Scenario::Soak => soak::soak(trial),
        }
    }
}
