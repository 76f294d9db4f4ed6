//! `bounce`, and what `bounce read` prints.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bulletin::bounce::{self, Reading, Recipient};
use bulletin::config::Config;
use bulletin::plain::plain;
use bulletin::secret::Keys;
use bulletin::webhook;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Done;
use super::returned::KeptCommand;

/// Bytes of a mail that are taken in; what the reader looks at is less.
const LARGEST: u64 = 2 << 20;

#[derive(Subcommand)]
pub enum BounceCommand {
    /// Say what mails are that came back, and change nothing
    Read(Read),
    /// Act on one mail from standard input, for a mail server's pipe: 75 (try again) while it cannot be kept, else 0
    Receive {
        /// The envelope's recipient, as the mail server knows it
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
    },
    /// Look into the mailboxes of bounce.imap once, as `serve` does all the time
    Fetch,
    /// Mails that came back and want a person
    #[command(subcommand)]
    Kept(KeptCommand),
}

#[derive(Args)]
pub struct Read {
    /// Mails, folders of them, or '-'
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// One line of the JSON.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    kind: bounce::Kind,
    because: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<i64>,
    recipients: Vec<LineRecipient<'a>>,
}

#[derive(Serialize)]
struct LineRecipient<'a> {
    address: Option<&'a str>,
    class: bounce::Class,
    status: Option<String>,
    reason: &'a str,
    action: bounce::Action,
    because: &'a str,
}

/// Puts the operator's own rules before the built-in ones, where the settings name some.
pub fn use_own_rules(config: &Config) -> anyhow::Result<()> {
    let Some(path) = &config.bounce_rules else {
        return Ok(());
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    bounce::add_rules(&text).with_context(|| path.display().to_string())
}

/// Prints what each mail is. What cannot be opened is named and does not stop the others.
pub fn read(config: &Config, read: &Read, json: bool) -> anyhow::Result<Done> {
    let keys = match config.key_file.exists() {
        true => Keys::open(&config.key_file)?,
        // None yet: no mail of ours is out, and a command that only looks makes no key.
        false => Keys::passing(),
    };
    let mut done = Done::Wholly;
    for path in &read.files {
        for file in mails_in(path)? {
            let name = file.display().to_string();
            match mail_of(&file) {
                Ok(mail) => {
                    for reading in readings(&mail, &keys) {
                        show(&name, &reading, json)?;
                    }
                }
                Err(error) => {
                    eprintln!("{name}: {error:#}");
                    done = Done::PartlyRefused;
                }
            }
        }
    }
    Ok(done)
}

/// What a mail says, or each event of a provider's post.
fn readings(mail: &[u8], keys: &Keys) -> Vec<Reading> {
    match webhook::guess(mail, keys) {
        Some(events) => events.into_iter().map(|event| event.reading).collect(),
        None => vec![bounce::read(mail, None, keys)],
    }
}

fn mail_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut mail = Vec::new();
    if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(LARGEST)
            .read_to_end(&mut mail)?;
    } else {
        let file = std::fs::File::open(path).context("cannot be opened")?;
        file.take(LARGEST).read_to_end(&mut mail)?;
    }
    Ok(mail)
}

/// The files of a folder and of those in it, by name; a file by itself.
fn mails_in(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).with_context(|| path.display().to_string())?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && !path.is_symlink() {
            files.extend(mails_in(&path)?);
        }
    }
    Ok(files)
}

fn show(file: &str, reading: &Reading, json: bool) -> anyhow::Result<()> {
    if json {
        let line = Line {
            file,
            kind: reading.kind,
            because: reading.because,
            delivery: reading.delivery,
            recipients: reading.recipients.iter().map(line_of).collect(),
        };
        say!("{}", serde_json::to_string(&line)?);
        return Ok(());
    }
    let ours = reading
        .delivery
        .map(|delivery| format!(", of delivery {delivery}"))
        .unwrap_or_default();
    say!("{file}: {} ({}){ours}", reading.kind, reading.because);
    for recipient in &reading.recipients {
        let line = line_of(recipient);
        say!(
            "  {}: {} {}, {}{} (rule {})",
            line.address.map_or("(nobody is named)".to_owned(), plain),
            line.action,
            line.class,
            line.reason,
            line.status
                .map(|status| format!(", {status}"))
                .unwrap_or_default(),
            line.because,
        );
        if !recipient.words.is_empty() {
            say!("    {}", plain(&recipient.words));
        }
    }
    Ok(())
}

fn line_of(recipient: &Recipient) -> LineRecipient<'_> {
    LineRecipient {
        address: recipient.address.as_deref(),
        class: recipient.verdict.class,
        status: recipient
            .status
            .map(|(class, subject, detail)| format!("{class}.{subject}.{detail}")),
        reason: recipient.verdict.reason,
        action: recipient.action,
        because: recipient.verdict.because,
    }
}
