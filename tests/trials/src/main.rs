//! The command line of the trials.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use trials::bench;
use trials::ground::{Ground, Which};
use trials::relay;
use trials::scenario::{Extent, Scenario};
use trials::tally::Tally;
use trials::tier::Tier;

#[derive(Parser)]
#[command(arg_required_else_help = true)]
struct Arguments {
    /// The program on trial [default: the one beside this]
    #[arg(long, global = true, value_name = "FILE")]
    bulletin: Option<PathBuf>,
    /// What this machine cannot show counts as failed
    #[arg(long, global = true)]
    nothing_left_out: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The instrumented relay by itself: takes mail, throws it away, and logs each message that it took
    Relay(relay::Command),
    /// The benchmark: speed and memory beside others', as Markdown tables
    Bench(bench::Options),
    /// The SMTP client by itself, as the benchmark runs it
    #[command(hide = true)]
    Client(bench::client::Command),
    /// Claims and results by themselves, as the benchmark runs them
    #[command(hide = true)]
    Ledger(bench::ledger::Command),
    /// Some trials
    Run {
        #[arg(required = true)]
        scenarios: Vec<Scenario>,
        #[command(flatten)]
        extent: Extent,
    },
    /// All trials, at one of two sizes
    All {
        tier: Tier,
        /// Chooses the instants; the same seed chooses the same
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[arg(long, default_value = "both")]
        database: Which,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let command = match arguments.command {
        Command::Relay(command) => {
            relay::run(command)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Client(command) => {
            bench::client::run(command)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Ledger(command) => {
            bench::ledger::run(&command)?;
            return Ok(ExitCode::SUCCESS);
        }
        other => other,
    };
    // What is quick is tried without waiting for PostgreSQL's flushes, as the other tests are.
    let durable = !matches!(
        command,
        Command::All {
            tier: Tier::Quick,
            ..
        }
    );
    let ground = || Ground::prepare(arguments.bulletin.as_deref(), durable);
    let tally = Tally::default();
    match command {
        Command::Relay(_) | Command::Client(_) | Command::Ledger(_) => {}
        Command::Bench(options) => {
            return Ok(match bench::run(options, &ground()?)? {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            });
        }
        Command::Run { scenarios, extent } => {
            let ground = ground()?;
            for scenario in scenarios {
                scenario.run(&ground, &extent, &tally);
            }
        }
        Command::All {
            tier,
            seed,
            database,
        } => tier.run(ground, seed, database, &tally)?,
    }
    Ok(match tally.close(arguments.nothing_left_out) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
