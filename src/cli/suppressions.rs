//! `suppression`: the addresses that get no mail.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use bulletin::cell;
use bulletin::clock;
use bulletin::mask::masked;
use bulletin::record::What;
use bulletin::subscriber::Address;
use bulletin::suppression::{self, Listed, Reason};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::Deserialize;
use serde_json::json;

use super::Done;
use super::app::{App, moment};

#[derive(Subcommand)]
pub enum SuppressionCommand {
    /// The newest first; only a keyed hash is known of who is no subscriber any more
    List {
        #[arg(long)]
        reason: Option<Reason>,
        #[arg(long, default_value_t = 1000)]
        limit: i64,
    },
    /// Keep an address from getting mail
    Add {
        address: String,
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Let one address have mail again; what it was suppressed for is kept with your note
    Release {
        address: String,
        #[arg(long)]
        note: String,
    },
    /// Add those of a CSV file: address or address_hash, and reason, since, note where known; '-' is standard input
    Import { file: PathBuf },
    /// All of them, as CSV (or JSON lines with --json)
    Export,
}

const COLUMNS: [&str; 5] = ["address", "address_hash", "reason", "since", "note"];

/// How many rows are read at a time.
const PAGE: i64 = 1_000;

pub async fn suppression(app: &App, command: SuppressionCommand) -> anyhow::Result<Done> {
    match command {
        SuppressionCommand::List { reason, limit } => list(app, reason, limit).await,
        SuppressionCommand::Add { address, note } => add(app, &address, &note).await,
        SuppressionCommand::Release { address, note } => release(app, &address, &note).await,
        SuppressionCommand::Import { file } => import(app, &file).await,
        SuppressionCommand::Export => export(app).await,
    }
}

async fn list(app: &App, reason: Option<Reason>, limit: i64) -> anyhow::Result<Done> {
    let listed = suppression::newest(&mut app.db.read().await?, reason, limit).await?;
    app.note(What::Suppressions, None, listed.len() as i64)
        .await?;
    let shown: Vec<_> = listed.iter().map(as_json).collect();
    app.show(&shown, || {
        if listed.is_empty() {
            say!("No address is suppressed, or none for that reason.");
        }
        for one in &listed {
            let hash = HEXLOWER.encode(&one.address_hash);
            let address = one.address.as_deref().unwrap_or(&hash[..16]);
            let since = one.since.format("%Y-%m-%d");
            say!(
                "{since}  {:<14}{address}  {}",
                one.reason.as_str(),
                one.note
            );
        }
    })?;
    Ok(Done::Wholly)
}

async fn add(app: &App, written: &str, note: &str) -> anyhow::Result<Done> {
    let hash = Address::parse(written)?.hash(&app.keys);
    let mut tx = app.db.begin().await?;
    let before = suppression::of(&mut tx, &hash).await?;
    let (note, now) = (masked(note), clock::now());
    suppression::suppress(&mut tx, &hash, Reason::Manual, &note, now).await?;
    tx.commit().await?;
    app.show(&json!({ "added": before.is_none() }), || match before {
        None => say!("The address gets no mail any more."),
        Some(found) => say!(
            "It got none before: {} since {}.",
            found.reason,
            found.since
        ),
    })?;
    Ok(Done::Wholly)
}

async fn release(app: &App, written: &str, note: &str) -> anyhow::Result<Done> {
    if note.trim().is_empty() {
        bail!("say why: --note 'the mailbox works again, by telephone'");
    }
    let hash = Address::parse(written)?.hash(&app.keys);
    let mut tx = app.db.begin().await?;
    let released = suppression::release(&mut tx, &hash, &masked(note), clock::now()).await?;
    let Some(found) = released else {
        bail!("the address is not suppressed");
    };
    tx.commit().await?;
    app.show(&json!({ "released": found.reason }), || {
        say!(
            "Released; it was suppressed since {} ({}). A subscription that ended stays so.",
            found.since,
            found.reason
        )
    })?;
    Ok(Done::Wholly)
}

/// A line of an import.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    address: String,
    #[serde(default)]
    address_hash: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    since: String,
    #[serde(default)]
    note: String,
}

async fn import(app: &App, path: &Path) -> anyhow::Result<Done> {
    let from: Box<dyn std::io::Read> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(
            std::fs::File::open(path)
                .with_context(|| format!("{} cannot be read", path.display()))?,
        ),
    };
    let (mut added, mut refused) = (0, Vec::new());
    let mut lines = csv::Reader::from_reader(from);
    let named = lines.headers().context("its first line cannot be read")?;
    if !named
        .iter()
        .any(|name| name == "address" || name == "address_hash")
    {
        bail!("its first line names no column 'address' and none 'address_hash'");
    }
    let mut tx = app.db.begin().await?;
    for (number, line) in (2..).zip(lines.into_deserialize::<Line>()) {
        let read = line.map_err(anyhow::Error::from);
        match read.and_then(|line| line.read(app, clock::now())) {
            Ok((hash, reason, note, since)) => {
                suppression::suppress(&mut tx, &hash, reason, &note, since).await?;
                added += 1;
            }
            Err(error) => refused.push(json!({ "line": number, "reason": error.to_string() })),
        }
    }
    tx.commit().await?;
    let told = json!({ "added": added, "refused": refused });
    app.show(&told, || {
        say!("{added} added, {} refused.", refused.len());
        for line in &refused {
            say!("  line {}: {}", line["line"], line["reason"]);
        }
    })?;
    Ok(match refused.is_empty() {
        true => Done::Wholly,
        false => Done::PartlyRefused,
    })
}

impl Line {
    fn read(
        &self,
        app: &App,
        now: DateTime<Utc>,
    ) -> anyhow::Result<(Vec<u8>, Reason, String, DateTime<Utc>)> {
        let hash = match cell::text(self.address.trim()) {
            "" => {
                let bytes = HEXLOWER_PERMISSIVE.decode(self.address_hash.trim().as_bytes());
                let bytes = bytes.ok().filter(|bytes| bytes.len() == 32);
                bytes.context("there is neither an address nor an address_hash of 64 digits")?
            }
            address => Address::parse(address)?.hash(&app.keys).to_vec(),
        };
        let reason = match self.reason.trim() {
            "" => Reason::Manual,
            word => word
                .parse()
                .map_err(|like| anyhow::anyhow!("the reason {like}"))?,
        };
        let note = masked(cell::text(self.note.trim())).into_owned();
        Ok((
            hash,
            reason,
            note,
            moment(self.since.trim(), now).context("since")?,
        ))
    }
}

async fn export(app: &App) -> anyhow::Result<Done> {
    let all = suppression::count(&mut app.db.read().await?).await?;
    app.note(What::Suppressions, None, all).await?;
    let mut csv = cell::writer(std::io::stdout().lock());
    if !app.json {
        csv.write_record(COLUMNS)?;
    }
    let mut after = Vec::new();
    loop {
        let mut tx = app.db.read().await?;
        let page = suppression::page(&mut tx, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.address_hash);
        for one in &page {
            if app.json {
                say!("{}", as_json(one));
                continue;
            }
            let record = [
                one.address.clone().unwrap_or_default(),
                HEXLOWER.encode(&one.address_hash),
                one.reason.to_string(),
                one.since.to_rfc3339(),
                one.note.clone(),
            ];
            let fields = record.each_ref().map(|field| cell::not_a_formula(field));
            csv.write_record(fields.iter().map(|field| field.as_bytes()))?;
        }
    }
    csv.flush()?;
    Ok(Done::Wholly)
}

fn as_json(one: &Listed) -> serde_json::Value {
    json!({
        "address": one.address,
        "address_hash": HEXLOWER.encode(&one.address_hash),
        "reason": one.reason,
        "since": one.since,
        "note": one.note,
    })
}
