//! `incident`, the register of what went wrong with personal data, and `record`, who looked at it.

use anyhow::{Context, bail, ensure};
use bulletin::clock;
use bulletin::incident::{self, Account, Added, Kind, New};
use bulletin::record;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::json;
use uuid::Uuid;

use super::Done;
use super::app::{App, moment};

#[derive(Subcommand)]
pub enum IncidentCommand {
    /// Write an incident down; nothing of it can be changed or taken out afterwards, and addresses in it are masked
    Add(Add),
    /// All of them, the newest first
    List,
    /// One of them, with all that was added
    Show { number: i64 },
    /// Somebody was told of it: the authority, the readers, the police
    Told(Addition),
    /// The risk of harm was judged anew
    Risk(Addition),
    /// What was found out, or done against it
    Note(Addition),
    /// Nothing more is to be done; say what came of it
    Close(Addition),
}

#[derive(Args)]
pub struct Add {
    /// What happened
    #[arg(long)]
    what: String,
    /// When, as well as it is known: a day, or 'between 1 and 3 March'
    #[arg(long)]
    happened: String,
    /// When it was noticed, as 2026-12-01 or 2026-12-01T09:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    noticed: Option<String>,
    /// Whom it concerned, and what of theirs: 'readers imported in May: address and topics'
    #[arg(long)]
    concerned: String,
    /// How many readers
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    readers: i64,
    /// How the risk of harm was judged, and by what: how delicate it is, how likely to be misused
    #[arg(long)]
    risk: String,
}

#[derive(Args)]
pub struct Addition {
    number: i64,
    /// Who was told and how, what was done, what came of it
    #[arg(long)]
    words: String,
    /// When it took place, as 2026-12-01 or 2026-12-01T09:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

#[derive(Subcommand)]
pub enum RecordCommand {
    /// Who looked at what is held of readers, or took it away, the newest first; readers stand in it by their ids
    List {
        /// About one reader alone, by the id that `subscriber show` tells
        #[arg(long, value_name = "ID")]
        subscriber: Option<Uuid>,
        #[arg(long, default_value_t = 1000)]
        limit: i64,
    },
}

pub async fn incident(app: &App, command: IncidentCommand) -> anyhow::Result<Done> {
    match command {
        IncidentCommand::Add(add) => write_down(app, &add).await,
        IncidentCommand::List => list(app).await,
        IncidentCommand::Show { number } => show(app, number).await,
        IncidentCommand::Told(added) => append(app, Kind::Told, &added).await,
        IncidentCommand::Risk(added) => append(app, Kind::Risk, &added).await,
        IncidentCommand::Note(added) => append(app, Kind::Note, &added).await,
        IncidentCommand::Close(added) => append(app, Kind::Closed, &added).await,
    }
}

pub async fn record(app: &App, command: RecordCommand) -> anyhow::Result<Done> {
    let RecordCommand::List { subscriber, limit } = command;
    let readings = record::newest(&mut app.db.read().await?, subscriber, limit).await?;
    app.show(&readings, || {
        for one in &readings {
            let at = one.at.format("%Y-%m-%d %H:%M:%SZ");
            let of = match one.subscriber_id {
                Some(id) => format!("subscriber {id}"),
                None => format!("{} readers", one.readers),
            };
            say!("{at}  {:<14}{:<24}{of}", one.what.as_str(), one.who);
        }
        if readings.is_empty() {
            say!("Nobody has looked at anything of readers yet.");
        }
    })?;
    Ok(Done::Wholly)
}

async fn write_down(app: &App, add: &Add) -> anyhow::Result<Done> {
    let (now, who) = (clock::now(), app.who());
    for (option, text) in [
        ("--what", &add.what),
        ("--happened", &add.happened),
        ("--concerned", &add.concerned),
        ("--risk", &add.risk),
    ] {
        ensure!(!text.trim().is_empty(), "{option} is empty");
    }
    let new = New {
        what: &add.what,
        happened: &add.happened,
        noticed_at: past(add.noticed.as_deref(), now)?,
        concerned: &add.concerned,
        readers: add.readers,
        risk: &add.risk,
        who: &who,
    };
    let mut tx = app.db.begin().await?;
    let number = incident::add(&mut tx, &new, now).await?;
    tx.commit().await?;
    let tell_by = new.noticed_at + incident::TELL_WITHIN;
    app.show(&json!({ "number": number, "tell_by": tell_by }), || {
        say!("Incident {number}. Where it may harm somebody, the authority and those concerned are to be told: under the");
        say!("GDPR the authority by {}.", tell_by.format("%Y-%m-%d %H:%MZ"));
        say!("`bulletin incident told {number} --words WHO_AND_HOW` writes it down.");
    })?;
    Ok(Done::Wholly)
}

async fn append(app: &App, kind: Kind, addition: &Addition) -> anyhow::Result<Done> {
    let (now, who) = (clock::now(), app.who());
    ensure!(!addition.words.trim().is_empty(), "--words is empty");
    let added = Added {
        kind,
        at: past(addition.at.as_deref(), now)?,
        words: &addition.words,
        who: &who,
    };
    let mut tx = app.db.begin().await?;
    if !incident::append(&mut tx, addition.number, &added, now).await? {
        bail!(no_incident(addition.number));
    }
    tx.commit().await?;
    app.show(&json!({ "number": addition.number, "added": kind }), || {
        say!("Written down.")
    })?;
    Ok(Done::Wholly)
}

async fn list(app: &App) -> anyhow::Result<Done> {
    let accounts = incident::list(&mut app.db.read().await?).await?;
    app.show(&accounts, || {
        for account in &accounts {
            let one = &account.incident;
            let noticed = one.noticed_at.format("%Y-%m-%d");
            let stands = match (account.is_open(), account.tell_by()) {
                (false, _) => "closed".to_owned(),
                (true, None) => "open".to_owned(),
                (true, Some(by)) => format!("open, nobody told by {}", by.format("%Y-%m-%d")),
            };
            say!(
                "{:>4}  {noticed}  {:>7} readers  {}  ({stands})",
                one.id,
                one.readers,
                one.what
            );
        }
        if accounts.is_empty() {
            say!("No incident has been written down.");
        }
    })?;
    Ok(Done::Wholly)
}

async fn show(app: &App, number: i64) -> anyhow::Result<Done> {
    let account = incident::by_id(&mut app.db.read().await?, number).await?;
    let account = account.with_context(|| no_incident(number))?;
    app.show(&account, || print(&account))?;
    Ok(Done::Wholly)
}

fn print(account: &Account) {
    let one = &account.incident;
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%MZ").to_string();
    say!("Incident {}: {}", one.id, one.what);
    say!("  happened: {}", one.happened);
    say!("  noticed: {}", day(one.noticed_at));
    say!("  concerned: {} ({} readers)", one.concerned, one.readers);
    say!("  risk of harm: {}", one.risk);
    say!("  written down {} by {}", day(one.written_at), one.who);
    for line in &account.lines {
        let (at, kind) = (day(line.at), line.kind.as_str());
        say!(
            "  {at}  {kind:<7} {} (written down {} by {})",
            line.words,
            day(line.written_at),
            line.who
        );
    }
    if let Some(by) = account.tell_by() {
        say!(
            "  nobody was told yet; where it may harm somebody, the GDPR wants the authority told by {}",
            day(by)
        );
    }
}

fn no_incident(number: i64) -> String {
    format!("there is no incident {number}; `bulletin incident list` shows them")
}

/// What took place lies in the past.
fn past(written: Option<&str>, now: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    let at = match written {
        Some(written) => moment(written, now).context("a time")?,
        None => now,
    };
    ensure!(at <= now, "{at} is still to come");
    Ok(at)
}
