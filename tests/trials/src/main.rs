//! The command line of the trials.

use clap::{Parser, Subcommand};
use trials::relay;

#[derive(Parser)]
#[command(arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The instrumented relay by itself: takes mail, throws it away, and logs each message that it took
    Relay(relay::Command),
}

fn main() -> anyhow::Result<()> {
    let Command::Relay(command) = Arguments::parse().command;
    relay::run(command)
}
