//! The commands: what is typed, and what is printed.

/// Prints a line. Who reads it may have heard enough (`| head`): then the command ends, and well.
macro_rules! say {
    ($($words:tt)*) => { $crate::cli::print(format_args!("{}\n", format_args!($($words)*))) };
}

/// Prints without ending the line.
macro_rules! say_on {
    ($($words:tt)*) => { $crate::cli::print(format_args!($($words)*)) };
}

mod admins;
mod app;
mod bounces;
mod campaigns;
mod demo;
mod incidents;
mod issues;
mod planning;
mod preview;
mod progress;
mod readers;
mod returned;
mod scheduling;
mod sending;
mod serving;
mod suppressions;
mod tokens;

use std::path::PathBuf;

use bulletin::config::LogFormat;
use bulletin::issue::Month;
use clap::{Parser, Subcommand, ValueEnum};

use self::app::App;

/// A monthly research digest, by email, to people who chose their topics.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Arguments {
    /// The settings [default: bulletin.toml where it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON document and nothing else
    #[arg(long, global = true)]
    json: bool,
    /// How log lines are written, whatever log.format says: text or json
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything at once, with nothing to set up: import, plan, send, and a site to look at
    Demo(demo::Demo),
    /// Read archive pages, the editor's Markdown, or folders of them; '-' is standard input
    Import(issues::Import),
    /// What has been imported
    #[command(subcommand)]
    Issue(issues::IssueCommand),
    /// The topics that readers choose from
    #[command(subcommand)]
    Topic(issues::TopicCommand),
    /// The readers
    #[command(subcommand)]
    Subscriber(readers::SubscriberCommand),
    /// Addresses that get no mail, and why
    #[command(subcommand)]
    Suppression(suppressions::SuppressionCommand),
    /// What became of mail at each receiving domain
    #[command(subcommand)]
    Domain(returned::DomainCommand),
    /// One mail of an issue, as a reader would get it
    Preview(preview::Preview),
    /// Who would get what; changes nothing
    Plan {
        month: Month,
        #[command(flatten)]
        when: planning::When,
    },
    /// Plan an issue's campaign for good, and send it
    Send(sending::Send),
    /// What became of campaigns
    #[command(subcommand)]
    Campaign(campaigns::CampaignCommand),
    /// What comes back by mail
    #[command(subcommand)]
    Bounce(bounces::BounceCommand),
    /// What goes out by itself
    #[command(subcommand)]
    Schedule(scheduling::ScheduleCommand),
    /// What went wrong with readers' personal data, who was told, and what was done: the register that laws ask for
    #[command(subcommand)]
    Incident(incidents::IncidentCommand),
    /// Who looked at readers' personal data, or took it away
    #[command(subcommand)]
    Record(incidents::RecordCommand),
    /// Who may use the editor's desk
    #[command(subcommand)]
    Admin(admins::AdminCommand),
    /// By what other programs come in over the HTTP API
    #[command(subcommand)]
    Token(tokens::TokenCommand),
    /// What was done in the editor's desk, and whether the record of it is whole
    #[command(subcommand)]
    Audit(admins::AuditCommand),
    /// Make this copy of the database, restored or cloned, the one that sends
    Adopt,
    /// The site, the schedule and the delivery in one process
    Serve,
    /// Schedule and delivery alone; any number of them on PostgreSQL
    Worker,
    /// Is this installation fit to send?
    Doctor,
}

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Wholly,
    /// Something was refused, and printed.
    PartlyRefused,
    /// A mail could not be kept, and its server is to bring it again.
    TryAgain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PreviewFormat {
    Html,
    Text,
    /// The whole message, as it goes over the wire
    Eml,
}

/// What `say!` does.
fn print(words: std::fmt::Arguments<'_>) {
    use std::io::Write;
    if let Err(error) = std::io::stdout().lock().write_fmt(words) {
        std::process::exit(i32::from(error.kind() != std::io::ErrorKind::BrokenPipe));
    }
}

/// Does what was asked, after `start_log`: how lines are written is one of the settings.
pub async fn run(arguments: Arguments, start_log: fn(LogFormat)) -> anyhow::Result<Done> {
    let Arguments {
        config,
        json,
        log_format,
        command,
    } = arguments;
    if let Command::Demo(demo) = command {
        start_log(log_format.unwrap_or(LogFormat::Text));
        return demo::run(demo, json).await;
    }
    if let Command::Bounce(bounces::BounceCommand::Receive { to }) = &command {
        start_log(log_format.unwrap_or(LogFormat::Text));
        let to = to.as_deref();
        return Ok(returned::receive_or_try_again(config.as_deref(), json, to).await);
    }
    let config = bulletin::config::Config::load(config.as_deref())?;
    start_log(log_format.unwrap_or(config.log_format));
    bounces::use_own_rules(&config)?;
    if let Command::Doctor = command {
        return serving::doctor(config, json).await;
    }
    if let Command::Bounce(bounces::BounceCommand::Read(read)) = &command {
        return bounces::read(&config, read, json);
    }
    let app = App::open(config, json).await?;
    let done = match command {
        Command::Demo(_) | Command::Doctor => Ok(Done::Wholly),
        Command::Import(import) => issues::import(&app, import).await,
        Command::Issue(command) => issues::issue(&app, command).await,
        Command::Topic(issues::TopicCommand::List) => issues::topics(&app).await,
        Command::Subscriber(command) => readers::subscriber(&app, command).await,
        Command::Suppression(command) => suppressions::suppression(&app, command).await,
        Command::Bounce(bounces::BounceCommand::Kept(command)) => {
            returned::kept(&app, command).await
        }
        Command::Bounce(bounces::BounceCommand::Fetch) => returned::fetch(&app).await,
        Command::Bounce(_) => Ok(Done::Wholly),
        Command::Domain(command) => returned::domain(&app, command).await,
        Command::Preview(preview) => preview::preview(&app, preview).await,
        Command::Plan { month, when } => planning::plan(&app, month, when).await,
        Command::Send(send) => sending::send(&app, send).await,
        Command::Campaign(command) => campaigns::campaign(&app, command).await,
        Command::Schedule(command) => scheduling::schedule(&app, command).await,
        Command::Incident(command) => incidents::incident(&app, command).await,
        Command::Record(command) => incidents::record(&app, command).await,
        Command::Admin(command) => admins::admin(&app, command).await,
        Command::Token(command) => tokens::token(&app, command).await,
        Command::Audit(command) => admins::audit(&app, command).await,
        Command::Adopt => scheduling::adopt(&app).await,
        Command::Serve => serving::serve(&app).await,
        Command::Worker => serving::worker(&app).await,
    };
    app.db.close().await;
    done
}
