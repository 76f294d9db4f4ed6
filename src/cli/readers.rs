//! `subscriber`.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use bulletin::clock;
use bulletin::enrol::Refused;
use bulletin::enrol::refusals::Refusals;
use bulletin::feedback;
use bulletin::feedback::timeline::{self, Moment};
use bulletin::readers::sheet;
use bulletin::record::What;
use bulletin::subscriber::{self, Address, Subscriber};
use bulletin::subscription::{self, Consent};
use bulletin::suppression;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use uuid::Uuid;

use super::Done;
use super::app::App;

#[derive(Subcommand)]
pub enum SubscriberCommand {
    /// Add the readers of a CSV file; refused lines go to FILE.refused.csv
    Import { file: PathBuf },
    /// Everything held of one reader
    Show { address: String },
    /// Every reader, as CSV (or JSON lines with --json)
    Export,
    /// Forget a reader; only a keyed hash of the address stays, so that no import brings them back
    Erase { address: String },
}

/// A reader as `show` and `export` give them.
#[derive(Serialize)]
struct Shown {
    id: Uuid,
    address: String,
    name: String,
    state: String,
    topics: Vec<String>,
    research_types: Vec<String>,
    frequency: String,
    format: String,
    language: String,
    time_zone: String,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_until: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consents: Vec<ShownConsent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deliveries: Vec<subscriber::Delivered>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<String>,
    /// What became of them, moment by moment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    timeline: Vec<Moment>,
}

#[derive(Serialize)]
struct ShownConsent {
    act: String,
    at: String,
    source: String,
    /// What it was given to, where a page of ours asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<serde_json::Value>,
    /// The file that it came out of, where it was imported, and the line there.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<i64>,
}

pub async fn subscriber(app: &App, command: SubscriberCommand) -> anyhow::Result<Done> {
    match command {
        SubscriberCommand::Import { file } => import(app, &file).await,
        SubscriberCommand::Show { address } => show(app, &address).await,
        SubscriberCommand::Export => export(app).await,
        SubscriberCommand::Erase { address } => erase(app, &address).await,
    }
}

async fn import(app: &App, path: &Path) -> anyhow::Result<Done> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    // Its folder is the operator's own business.
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy();
    let bar = progress_bar(file.metadata().map(|about| about.len()).unwrap_or(0));
    let refusals = path.with_extension("refused.csv");
    let mut refused_to = None;
    let refuse = |refused: Refused| {
        let list = match refused_to.take() {
            Some(list) => list,
            None => Refusals::new(private_file(&refusals)?),
        };
        refused_to.insert(list).add(&refused)
    };
    let enrolled = app
        .enrolment()
        .run(&name, file, refuse, |bytes| bar.set_position(bytes))
        .await;
    bar.finish_and_clear();
    let enrolled = enrolled.with_context(|| path.display().to_string())?;
    if let Some(written) = refused_to {
        written
            .end()
            .with_context(|| format!("{} cannot be written", refusals.display()))?;
    }
    app.show(&enrolled, || {
        say!("{} added, {} refused.", enrolled.added, enrolled.refused);
        if enrolled.refused > 0 {
            say!(
                "The refused lines are in {}, each with its reason.",
                refusals.display()
            );
        }
    })?;
    Ok(if enrolled.refused > 0 {
        Done::PartlyRefused
    } else {
        Done::Wholly
    })
}

/// Each byte of the file counts twice, see `Enrolment::run`.
fn progress_bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {percent}%, {elapsed}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes * 2).with_style(style)
}

/// The file is made with the first refusal, so that a clean import leaves none.
fn private_file(path: &Path) -> std::io::Result<File> {
    File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

async fn show(app: &App, written: &str) -> anyhow::Result<Done> {
    let address = Address::parse(written)?;
    let hash = address.hash(&app.keys);
    let mut tx = app.db.read().await?;
    let known = subscriber::by_address(&mut tx, &hash).await?;
    drop(tx);
    let id = known.map(|reader| reader.id);
    app.note(What::Subscriber, id, i64::from(id.is_some()))
        .await?;
    let mut tx = app.db.read().await?;
    let suppressed = suppression::of(&mut tx, &hash).await?;
    let consents = subscription::consents(&mut tx, &hash).await?;
    let Some(reader) = subscriber::by_address(&mut tx, &hash).await? else {
        match suppressed {
            Some(found) => bail!(
                "there is no such subscriber; the address is suppressed since {} ({})",
                found.since,
                found.reason
            ),
            None => bail!("there is no such subscriber"),
        }
    };
    let mut shown = shown(reader.clone());
    shown.consents = consents.into_iter().map(shown_consent).collect();
    shown.deliveries = subscriber::deliveries(&mut tx, reader.id).await?;
    shown.timeline = timeline::of(&mut tx, &reader).await?;
    shown.suppressed = suppressed.map(|found| {
        format!(
            "{} since {}: {}",
            found.reason,
            found.since.to_rfc3339(),
            found.note
        )
    });
    app.show(&shown, || print_reader(&shown))?;
    Ok(Done::Wholly)
}

async fn export(app: &App) -> anyhow::Result<Done> {
    let all = subscriber::count(&mut app.db.read().await?).await?;
    app.note(What::Subscribers, None, all).await?;
    let mut csv = match app.json {
        true => None,
        false => Some(sheet::begin(std::io::stdout().lock())?),
    };
    let mut after = Uuid::nil();
    loop {
        let mut tx = app.db.read().await?;
        let page = subscriber::page(&mut tx, after, 1_000).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for reader in page {
            match &mut csv {
                Some(csv) => sheet::add(csv, &reader)?,
                None => say!("{}", serde_json::to_string(&shown(reader))?),
            }
        }
    }
    if let Some(csv) = &mut csv {
        csv.flush()?;
    }
    Ok(Done::Wholly)
}

async fn erase(app: &App, written: &str) -> anyhow::Result<Done> {
    let hash = Address::parse(written)?.hash(&app.keys);
    let mut tx = app.db.begin().await?;
    let Some(reader) = subscriber::by_address(&mut tx, &hash).await? else {
        bail!("there is no such subscriber");
    };
    feedback::erase(&mut tx, &reader, clock::now()).await?;
    tx.commit().await?;
    app.show(&serde_json::json!({ "erased": 1 }), || {
        say!("Erased. Only a keyed hash of the address is left.")
    })?;
    Ok(Done::Wholly)
}

fn shown(reader: Subscriber) -> Shown {
    Shown {
        id: reader.id,
        address: reader.address,
        name: reader.name,
        state: reader.state.to_string(),
        topics: reader.topics.0,
        research_types: reader.research_types.0,
        frequency: reader.frequency.to_string(),
        format: reader.format.to_string(),
        language: reader.language.to_string(),
        time_zone: reader.time_zone,
        since: reader.since.to_rfc3339(),
        paused_until: reader.paused_until.map(|at| at.to_rfc3339()),
        consent_until: reader.consent_until.map(|at| at.to_rfc3339()),
        consents: Vec::new(),
        deliveries: Vec::new(),
        suppressed: None,
        timeline: Vec::new(),
    }
}

fn shown_consent(consent: Consent) -> ShownConsent {
    ShownConsent {
        act: consent.act.to_string(),
        at: consent.at.to_rfc3339(),
        source: consent.source,
        proof: consent
            .proof
            .and_then(|proof| serde_json::from_str(&proof).ok()),
        file: consent.file,
        file_sha256: consent.file_sha256,
        line: consent.line,
    }
}

fn print_reader(reader: &Shown) {
    let all = |slugs: &[String]| {
        if slugs.is_empty() {
            "all".to_owned()
        } else {
            slugs.join(", ")
        }
    };
    say!("{}  {}", reader.address, reader.name);
    say!("  id {}", reader.id);
    say!("  {} since {}", reader.state, reader.since);
    say!("  topics: {}", all(&reader.topics));
    say!("  types of research: {}", all(&reader.research_types));
    say!(
        "  {}, {}, {}, {}",
        reader.frequency,
        reader.format,
        reader.language,
        match reader.time_zone.as_str() {
            "" => "no time zone of their own",
            zone => zone,
        }
    );
    if let Some(until) = &reader.paused_until {
        say!("  pauses until {until}");
    }
    if let Some(until) = &reader.consent_until {
        say!("  the consent is implied, and runs out at {until}");
    }
    if let Some(why) = &reader.suppressed {
        say!("  suppressed: {why}");
    }
    for consent in &reader.consents {
        say!(
            "  consent {} {} ({})",
            consent.act,
            consent.at,
            consent.source
        );
        if let (Some(file), Some(sum), Some(line)) =
            (&consent.file, &consent.file_sha256, consent.line)
        {
            say!("    line {line} of {file}, SHA-256 {sum}");
        }
    }
    for moment in &reader.timeline {
        let message = moment.message.as_deref().unwrap_or_default();
        let at = moment.at.format("%Y-%m-%d %H:%M:%SZ");
        say!("  {at}  {message:<8}{:<15} {}", moment.what, moment.words);
    }
}
