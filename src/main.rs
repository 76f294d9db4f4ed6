//! The `bulletin` command: arguments, start, stop.

mod cli;

use std::io::Write;
use std::process::ExitCode;

use bulletin::config::LogFormat;
use bulletin::mask::masked;
use clap::Parser;

/// By this a mail server that pipes mails to us knows to bring one again (sysexits.h).
const EX_TEMPFAIL: u8 = 75;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bulletin: the system gives no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(cli::run(arguments, start_log)) {
        Ok(cli::Done::Wholly) => ExitCode::SUCCESS,
        Ok(cli::Done::PartlyRefused) => ExitCode::FAILURE,
        Ok(cli::Done::TryAgain) => ExitCode::from(EX_TEMPFAIL),
        Err(error) => {
            eprintln!("bulletin: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Log lines go to standard error; `RUST_LOG` chooses how many. They name ids, never addresses or tokens.
fn start_log(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,bulletin=info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Masked)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// Standard error without addresses. No line of ours has one; but the words of a relay, of a database or of a library
/// within it might.
struct Masked;

impl Write for Masked {
    /// A line comes whole.
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        std::io::stderr().write_all(masked(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}
