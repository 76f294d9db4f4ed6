//! `import`, `issue` and `topic`.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use bulletin::archive::{self, Change};
use bulletin::clock;
use bulletin::import;
use bulletin::issue::{Issue, Month, Summary};
use bulletin::subscription;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Done;
use super::app::{App, no_issue};

#[derive(Args)]
pub struct Import {
    /// Pages (text, HTML), Markdown files, folders of them, or '-'
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Say what would change and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Subcommand)]
pub enum IssueCommand {
    /// Every issue
    List,
    /// One issue with its summaries
    Show {
        month: Month,
        /// As the editor's Markdown, to be edited and imported again
        #[arg(long)]
        markdown: bool,
    },
    /// Confirm the suggested topics and types of research of an issue
    Confirm { month: Month },
}

#[derive(Subcommand)]
pub enum TopicCommand {
    /// Every topic, with how many summaries and subscribers it has
    List,
}

#[derive(Serialize)]
struct Imported {
    dry_run: bool,
    files: Vec<ImportedFile>,
    changes: Vec<Change>,
}

#[derive(Serialize)]
struct ImportedFile {
    file: String,
    issues: Vec<String>,
    summaries: usize,
    /// Why the file was refused, as a whole.
    refused: Option<String>,
    notes: Vec<Note>,
}

#[derive(Serialize)]
struct Note {
    line: usize,
    text: String,
}

pub async fn import(app: &App, import: Import) -> anyhow::Result<Done> {
    let mut imported = Imported {
        dry_run: import.dry_run,
        files: Vec::new(),
        changes: Vec::new(),
    };
    // Everything is read before the database is asked for its one writer's place.
    let mut issues = Vec::new();
    for path in files(&import.paths)? {
        let name = path.display().to_string();
        match read(app, &path) {
            Ok((read, notes)) => {
                imported.files.push(taken(name, &read, notes));
                issues.extend(read);
            }
            Err(error) => imported.files.push(refused(name, format!("{error:#}"))),
        }
    }
    let mut tx = app.db.begin().await?;
    for issue in &issues {
        let changes = archive::keep(&mut tx, issue, &app.suggester, clock::now()).await?;
        imported.changes.extend(changes);
    }
    if !import.dry_run {
        tx.commit().await?;
    }
    app.show(&imported, || print_import(&imported))?;
    let refused = imported.files.iter().any(|file| file.refused.is_some());
    Ok(if refused {
        Done::PartlyRefused
    } else {
        Done::Wholly
    })
}

pub async fn issue(app: &App, command: IssueCommand) -> anyhow::Result<Done> {
    match command {
        IssueCommand::List => list(app).await?,
        IssueCommand::Show { month, markdown } => show(app, month, markdown).await?,
        IssueCommand::Confirm { month } => confirm(app, month).await?,
    }
    Ok(Done::Wholly)
}

pub async fn topics(app: &App) -> anyhow::Result<Done> {
    let mut tx = app.db.read().await?;
    let listed = subscription::topics(&mut tx, &app.vocabulary).await?;
    app.show(&listed, || {
        for topic in &listed {
            say!(
                "{:<56} {:>4} summaries {:>8} subscribers",
                topic.slug,
                topic.summaries,
                topic.subscribers
            );
        }
    })?;
    Ok(Done::Wholly)
}

/// The files to read: a folder gives those in it that look like pages or Markdown, by name.
fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside: Vec<PathBuf> = std::fs::read_dir(path)
            .and_then(|entries| {
                entries
                    .map(|entry| entry.map(|entry| entry.path()))
                    .collect()
            })
            .with_context(|| format!("the folder {} cannot be read", path.display()))?;
        inside.retain(|file| file.is_file() && is_page(file));
        if inside.is_empty() {
            bail!(
                "the folder {} has no .txt, .html, .htm or .md files",
                path.display()
            );
        }
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}

fn is_page(file: &Path) -> bool {
    let ending = file
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default()
        .to_lowercase();
    ["txt", "html", "htm", "md", "markdown"].contains(&ending.as_str())
}

fn read(app: &App, path: &Path) -> anyhow::Result<(Vec<Issue>, Vec<Note>)> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .context("standard input cannot be read")?;
        bytes
    } else {
        std::fs::read(path).context("the file cannot be read")?
    };
    let mut read = import::read(&path.display().to_string(), &bytes)?;
    for summary in read
        .issues
        .iter_mut()
        .flat_map(|issue| &mut issue.summaries)
    {
        use_slugs(app, summary)?;
    }
    let notes = read.notes.into_iter().map(|note| Note {
        line: note.line,
        text: note.text,
    });
    Ok((read.issues, notes.collect()))
}

/// Topics and type as slugs of the vocabulary, by whatever name the file has them.
fn use_slugs(app: &App, summary: &mut Summary) -> anyhow::Result<()> {
    for topic in &mut summary.topics {
        let known = app.vocabulary.topic(topic);
        let known = known.with_context(|| {
            format!("there is no topic '{topic}'; `bulletin topic list` shows them")
        })?;
        *topic = known.slug.clone();
    }
    if let Some(kind) = &mut summary.research_type {
        let known = app.vocabulary.research_type(kind).with_context(|| {
            let slugs: Vec<&str> = app
                .vocabulary
                .research_types
                .iter()
                .map(|known| known.slug.as_str())
                .collect();
            format!(
                "there is no type of research '{kind}'; there are {}",
                slugs.join(", ")
            )
        })?;
        *kind = known.slug.clone();
    }
    Ok(())
}

fn taken(file: String, issues: &[Issue], notes: Vec<Note>) -> ImportedFile {
    ImportedFile {
        file,
        issues: issues.iter().map(|issue| issue.month.to_string()).collect(),
        summaries: issues.iter().map(|issue| issue.summaries.len()).sum(),
        refused: None,
        notes,
    }
}

fn refused(file: String, why: String) -> ImportedFile {
    ImportedFile {
        file,
        issues: Vec::new(),
        summaries: 0,
        refused: Some(why),
        notes: Vec::new(),
    }
}

fn summaries(count: impl Into<i128>) -> String {
    match count.into() {
        1 => "1 summary".to_owned(),
        count => format!("{count} summaries"),
    }
}

fn print_import(imported: &Imported) {
    for file in &imported.files {
        match &file.refused {
            Some(why) => say!("{}: refused: {why}", file.file),
            None => say!(
                "{}: {} in {}",
                file.file,
                summaries(file.summaries as i128),
                file.issues.join(", ")
            ),
        }
        for note in &file.notes {
            say!("  {}:{}: {}", file.file, note.line, note.text);
        }
    }
    for change in &imported.changes {
        say!("  {change}");
    }
    match (imported.changes.len(), imported.dry_run) {
        (0, _) => say!("Nothing changed: all of it was there already, or was refused."),
        (count, true) => say!("Changes: {count}, none of them made (--dry-run)."),
        (count, false) => say!("Changes: {count}."),
    }
}

async fn list(app: &App) -> anyhow::Result<()> {
    let mut tx = app.db.read().await?;
    let issues = archive::list(&mut tx).await?;
    app.show(&issues, || {
        for issue in &issues {
            say!(
                "{}  {}  {}",
                issue.month,
                summaries(issue.summaries),
                issue.teaser.as_deref().unwrap_or_default()
            );
        }
        if issues.is_empty() {
            say!("There are no issues yet; `bulletin import PATH` brings some in.");
        }
    })
}

async fn show(app: &App, month: Month, markdown: bool) -> anyhow::Result<()> {
    let mut tx = app.db.read().await?;
    let Some(issue) = archive::issue(&mut tx, month).await? else {
        bail!(no_issue(month));
    };
    if markdown {
        say_on!("{}", import::markdown(&archive::as_written(&issue)));
        return Ok(());
    }
    let shown = archive::shown(&issue, &app.suggester);
    app.show(&shown, || {
        say!(
            "{}  {}",
            shown.month,
            shown.teaser.as_deref().unwrap_or_default()
        );
        for summary in &shown.summaries {
            say!("\n{}", summary.title);
            say!("  {}", summary.citation.as_deref().unwrap_or("no citation"));
            say!(
                "  type: {}",
                summary.research_type.as_deref().unwrap_or("not known")
            );
            say!(
                "  topics: {}",
                if summary.topics.is_empty() {
                    "none confirmed".into()
                } else {
                    summary.topics.join(", ")
                }
            );
            for suggestion in &summary.suggested_topics {
                say!(
                    "  suggested: {} ({:.2}: {})",
                    suggestion.slug,
                    suggestion.score,
                    suggestion.because.join(", ")
                );
            }
            for paragraph in &summary.summary {
                say!("\n  {paragraph}");
            }
            say!("\n  Practice implications");
            for paragraph in &summary.implications {
                say!("\n  {paragraph}");
            }
        }
    })
}

async fn confirm(app: &App, month: Month) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    let Some(issue) = archive::issue(&mut tx, month).await? else {
        bail!(no_issue(month));
    };
    archive::confirm(&mut tx, &issue).await?;
    tx.commit().await?;
    for kept in &issue.summaries {
        if !app.json {
            say!("{}: {}", kept.summary.title, kept.summary.topics.join(", "));
        }
    }
    if app.json {
        say!("{{\"confirmed\": {}}}", issue.summaries.len());
    }
    Ok(())
}
