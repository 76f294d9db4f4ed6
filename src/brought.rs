//! Files that are being brought in through the desk: kept for some days, read each time they are looked at, and taken over
//! only when somebody says so.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::db::{Tx, on, row};
use crate::draft::{self, Save, Saved, Text};
use crate::import::{self, ImportError, Note, Read};
use crate::issue::{Month, Summary};
use crate::topic::Vocabulary;

/// How long a file waits to be taken over.
const KEPT: Duration = Duration::days(7);

row! {
    /// A file, or a pasted text, whose name is empty.
    #[derive(Clone, Debug)]
    pub struct Brought {
        pub id: Uuid,
        pub name: String,
        pub bytes: Vec<u8>,
        pub brought_by: String,
        pub brought_at: DateTime<Utc>,
    }
}

/// What a file holds, and what of it found no place.
#[derive(Clone, Debug)]
pub struct Understood {
    pub read: Read,
    pub passed_over: Vec<Note>,
    /// Topics and types by names that the vocabulary does not have: left out of the issues.
    pub unknown: Vec<String>,
}

/// Keeps a file to be looked at; older ones go.
pub async fn add(
    tx: &mut Tx,
    id: Uuid,
    name: &str,
    bytes: &[u8],
    who: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(&mut *tx, |conn| sqlx::query(
        "DELETE FROM brought WHERE brought_at < $1"
    )
    .bind(now - KEPT)
    .execute(conn)
    .await
    .map(drop))?;
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO brought (id, name, bytes, brought_by, brought_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(name)
        .bind(bytes)
        .bind(who)
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
    })
}

pub async fn of_id(tx: &mut Tx, id: Uuid) -> sqlx::Result<Option<Brought>> {
    on!(tx, |conn| {
        sqlx::query_as("SELECT id, name, bytes, brought_by, brought_at FROM brought WHERE id = $1")
            .bind(id)
            .fetch_optional(conn)
            .await
    })
}

/// Reads the file, its topics and types as slugs of the vocabulary.
pub fn understand(brought: &Brought, vocabulary: &Vocabulary) -> Result<Understood, ImportError> {
    let mut read = import::read(&brought.name, &brought.bytes)?;
    let mut passed_over = import::passed_over(&brought.name, &brought.bytes, &read);
    // What a note is about already needs no second line.
    passed_over.retain(|passed| read.notes.iter().all(|note| note.line != passed.line));
    let mut unknown = Vec::new();
    for issue in &mut read.issues {
        for summary in &mut issue.summaries {
            unknown.extend(with_slugs(summary, vocabulary));
        }
    }
    unknown.sort_unstable();
    unknown.dedup();
    Ok(Understood {
        read,
        passed_over,
        unknown,
    })
}

/// Makes a month's draft of what was brought in: its newest version, whatever stood there before.
pub async fn as_draft(
    tx: &mut Tx,
    month: Month,
    text: &Text,
    who: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Saved> {
    let before = draft::newest(tx, month).await?;
    let save = Save {
        month,
        from: before.map_or(0, |before| before.version),
        text,
        who,
        by_itself: false,
        now,
    };
    draft::save(tx, &save).await
}

/// Gives the names that are unknown, and takes them out.
fn with_slugs(summary: &mut Summary, vocabulary: &Vocabulary) -> Vec<String> {
    let mut unknown = Vec::new();
    let mut topics = Vec::new();
    for written in std::mem::take(&mut summary.topics) {
        match vocabulary.topic(&written) {
            Some(topic) => topics.push(topic.slug.clone()),
            None => unknown.push(written),
        }
    }
    topics.sort_unstable();
    topics.dedup();
    summary.topics = topics;
    if let Some(written) = summary.research_type.take() {
        match vocabulary.research_type(&written) {
            Some(kind) => summary.research_type = Some(kind.slug.clone()),
            None => unknown.push(written),
        }
    }
    unknown
}
