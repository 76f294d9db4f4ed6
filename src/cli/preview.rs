//! `preview`.

use anyhow::Context;
use bulletin::archive;
use bulletin::clock;
use bulletin::config::OnNothing;
use bulletin::content::{Content, Occasion, Selection};
use bulletin::issue::Month;
use bulletin::plan;
use bulletin::record::What;
use bulletin::render::{Frozen, covers};
use bulletin::subscriber::{self, Address, Subscriber};
use bulletin::subscription::{Choice, Format, Frequency, Language, State as Subscribed};
use clap::Args;
use uuid::Uuid;

use super::app::{App, no_issue};
use super::{Done, PreviewFormat};

#[derive(Args)]
pub struct Preview {
    month: Month,
    /// For a reader who chose these topics [default: all]
    #[arg(long, value_delimiter = ',', conflicts_with = "as_address")]
    topics: Vec<String>,
    /// As this subscriber gets it
    #[arg(long = "as", value_name = "ADDRESS")]
    as_address: Option<String>,
    #[arg(long, default_value = "text")]
    format: PreviewFormat,
    /// The language of the frame, en or fr [default: the subscriber's]
    #[arg(long)]
    language: Option<Language>,
}

pub async fn preview(app: &App, preview: Preview) -> anyhow::Result<Done> {
    let mut tx = app.db.read().await?;
    let issue = archive::issue(&mut tx, preview.month)
        .await?
        .with_context(|| no_issue(preview.month))?;
    let content = plan::freeze(&mut tx, &issue).await?;
    let mut reader = match &preview.as_address {
        None => somebody(app, &preview.topics)?,
        Some(written) => {
            let hash = Address::parse(written)?.hash(&app.keys);
            let reader = subscriber::by_address(&mut tx, &hash).await?;
            let reader = reader.context("there is no such subscriber")?;
            app.note(What::Preview, Some(reader.id), 1).await?;
            reader
        }
    };
    reader.language = preview.language.unwrap_or(reader.language);
    let selection = selection(app, &content, &reader);
    if selection.occasion != Occasion::Matched && !app.json {
        eprintln!(
            "Nothing in this issue matches; by the settings this reader gets: {}.",
            on_nothing(app, &reader)
        );
    }
    let frozen = Frozen {
        campaign: 0,
        content,
        date: clock::now(),
    };
    let renderer = app.draft_renderer()?;
    if preview.format == PreviewFormat::Eml {
        let message = renderer.message(&frozen, &selection, &reader, 0)?;
        std::io::Write::write_all(&mut std::io::stdout().lock(), message.bytes())?;
        return Ok(Done::Wholly);
    }
    let email = renderer.email(&frozen, &selection, &reader)?;
    if app.json {
        let parts =
            serde_json::json!({ "subject": email.subject, "html": email.html, "text": email.text });
        say!("{}", serde_json::to_string_pretty(&parts)?);
        return Ok(Done::Wholly);
    }
    match preview.format {
        PreviewFormat::Html => say_on!("{}", email.html),
        _ => say_on!("Subject: {}\n\n{}", email.subject, email.text),
    }
    Ok(Done::Wholly)
}

/// A reader who does not exist, with these topics.
fn somebody(app: &App, written: &[String]) -> anyhow::Result<Subscriber> {
    let mut topics = Vec::new();
    for topic in written {
        let known = app.vocabulary.topic(topic);
        let known = known.with_context(|| {
            format!("there is no topic '{topic}'; `bulletin topic list` shows them")
        })?;
        topics.push(known.slug.clone());
    }
    Ok(Subscriber {
        id: Uuid::nil(),
        address: "reader@example.org".to_owned(),
        address_hash: Vec::new(),
        name: "A Reader".to_owned(),
        state: Subscribed::Active,
        topics: sqlx::types::Json(topics),
        research_types: sqlx::types::Json(Vec::new()),
        frequency: Frequency::Monthly,
        format: Format::Html,
        language: Language::English,
        time_zone: "UTC".to_owned(),
        on_nothing: None,
        since: clock::now(),
        paused_until: None,
        consent_until: None,
    })
}

/// What this reader would get; where that is nothing, the note that says so.
fn selection(app: &App, content: &Content, reader: &Subscriber) -> Selection {
    let choice = Choice::new(reader.topics.0.clone(), reader.research_types.0.clone());
    content
        .select(&choice, covers(content, reader.frequency))
        .unwrap_or_else(
            || match reader.on_nothing.unwrap_or(app.config.on_nothing) {
                bulletin::config::OnNothing::Pick => Selection::pick(),
                _ => Selection::note(),
            },
        )
}

fn on_nothing(app: &App, reader: &Subscriber) -> OnNothing {
    reader.on_nothing.unwrap_or(app.config.on_nothing)
}
