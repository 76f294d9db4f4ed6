//! The archive: issues and summaries as the database keeps them.

mod all;
mod browse;
mod keep;
mod marked;
mod search;
mod shown;
mod whole;
mod words;

use std::fmt;

use serde::Serialize;
use sqlx::types::Json;

use crate::db::{Tx, on, row};
use crate::issue::{Issue, Month, Summary};

pub use self::all::all;
pub use self::browse::{
    Counts, Entry, Filter, Neighbour, addresses, count, counts, entries, months_beside, neighbours,
};
pub use self::keep::keep;
pub use self::marked::{Passage, Piece, marked, passage};
pub use self::search::complete as complete_search;
pub use self::shown::{Shown, ShownSummary, shown};
pub use self::whole::keep_whole;
pub use self::words::Terms;

/// One thing that an import changed, for the editor to read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    pub month: String,
    /// The summary's title; `None` when it is the issue itself.
    pub title: Option<String>,
    pub what: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.title {
            Some(title) => write!(f, "{} '{title}': {}", self.month, self.what),
            None => write!(f, "{}: {}", self.month, self.what),
        }
    }
}

/// A summary of the archive.
#[derive(Clone, Debug)]
pub struct Kept {
    pub id: i64,
    /// Its place in its issue, from 1.
    pub position: i64,
    /// `topics` and `research_type` hold what counts now: what was confirmed, otherwise what is suggested.
    pub summary: Summary,
    pub topics_confirmed: bool,
    pub research_type_confirmed: bool,
}

/// An issue of the archive.
#[derive(Clone, Debug)]
pub struct KeptIssue {
    pub id: i64,
    pub month: Month,
    pub teaser: Option<String>,
    pub summaries: Vec<Kept>,
}

row! {
    /// A line of the list of issues.
    #[derive(Clone, Debug, Serialize)]
    pub struct Listed {
        pub month: String,
        pub teaser: Option<String>,
        pub summaries: i64,
    }
}

row! {
    #[derive(Clone)]
    pub struct SummaryRow {
        pub id: i64,
        pub position: i64,
        pub title: String,
        pub citation: Option<String>,
        pub doi: Option<String>,
        pub summary: Json<Vec<String>>,
        pub implications: Json<Vec<String>>,
        pub language: String,
        pub research_type: Option<String>,
        pub research_type_confirmed: bool,
    }
}

/// Every issue, the newest first.
pub async fn list(tx: &mut Tx) -> sqlx::Result<Vec<Listed>> {
    on!(tx, |conn| {
        sqlx::query_as(
        "SELECT i.month, i.teaser, count(l.summary_id) AS summaries FROM issue i \
         LEFT JOIN issue_summary l ON l.issue_id = i.id GROUP BY i.id, i.month, i.teaser ORDER BY i.month DESC",
    )
    .fetch_all(conn)
    .await
    })
}

/// The issue of a month, whole.
pub async fn issue(tx: &mut Tx, month: Month) -> sqlx::Result<Option<KeptIssue>> {
    let found: Option<(i64, Option<String>)> = on!(tx, |conn| sqlx::query_as(
        "SELECT id, teaser FROM issue WHERE month = $1",
    )
    .bind(month.to_string())
    .fetch_optional(conn)
    .await)?;
    let Some((id, teaser)) = found else {
        return Ok(None);
    };
    let rows: Vec<SummaryRow> = on!(tx, |conn| {
        sqlx::query_as(
        "SELECT s.id, l.position, s.title, s.citation, s.doi, s.summary, s.implications, s.language, \
         s.research_type, s.research_type_confirmed FROM issue_summary l JOIN summary s ON s.id = l.summary_id \
         WHERE l.issue_id = $1 ORDER BY l.position",
    )
    .bind(id)
    .fetch_all(conn)
    .await
    })?;
    let topics = topics_of(tx, id).await?;
    let summaries = rows.into_iter().map(|row| kept(row, &topics)).collect();
    Ok(Some(KeptIssue {
        id,
        month,
        teaser,
        summaries,
    }))
}

/// The newest issue that has summaries.
pub async fn newest(tx: &mut Tx) -> sqlx::Result<Option<KeptIssue>> {
    let month: Option<String> = on!(&mut *tx, |conn| {
        sqlx::query_scalar(
            "SELECT i.month FROM issue i WHERE EXISTS (SELECT 1 FROM issue_summary l WHERE l.issue_id = i.id) \
             ORDER BY i.month DESC LIMIT 1",
        )
        .fetch_optional(conn)
        .await
    })?;
    match month.and_then(|month| month.parse().ok()) {
        Some(month) => issue(tx, month).await,
        None => Ok(None),
    }
}

/// A summary by its id, with the month of the newest issue that has it.
pub async fn summary(tx: &mut Tx, id: i64) -> sqlx::Result<Option<(Month, Kept)>> {
    let month: Option<String> = on!(&mut *tx, |conn| {
        sqlx::query_scalar(
        "SELECT i.month FROM issue i JOIN issue_summary l ON l.issue_id = i.id WHERE l.summary_id = $1 \
         ORDER BY i.month DESC LIMIT 1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
    })?;
    let Some(month) = month.and_then(|month| month.parse().ok()) else {
        return Ok(None);
    };
    let issue = issue(tx, month).await?;
    let kept = issue.and_then(|issue| issue.summaries.into_iter().find(|kept| kept.id == id));
    Ok(kept.map(|kept| (month, kept)))
}

/// Confirms what is suggested for an issue: its topics and types of research are the editor's from now on.
pub async fn confirm(tx: &mut Tx, issue: &KeptIssue) -> sqlx::Result<()> {
    for kept in &issue.summaries {
        on!(tx, |conn| sqlx::query(
            "UPDATE summary_topic SET confirmed = $2 WHERE summary_id = $1"
        )
        .bind(kept.id)
        .bind(true)
        .execute(conn)
        .await
        .map(drop))?;
        on!(tx, |conn| sqlx::query(
            "UPDATE summary SET research_type_confirmed = $2 WHERE id = $1"
        )
        .bind(kept.id)
        .bind(kept.summary.research_type.is_some())
        .execute(conn)
        .await
        .map(drop))?;
    }
    Ok(())
}

/// How many summaries each topic has.
pub async fn topic_counts(tx: &mut Tx) -> sqlx::Result<Vec<(String, i64)>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT topic, count(*) FROM summary_topic GROUP BY topic"
    )
    .fetch_all(conn)
    .await)
}

/// How many summaries each topic has in the twelve months that end with the newest issue.
pub async fn topic_counts_of_a_year(tx: &mut Tx) -> sqlx::Result<Vec<(String, i64)>> {
    let newest: Option<String> = on!(&mut *tx, |conn| {
        sqlx::query_scalar("SELECT max(month) FROM issue")
            .fetch_one(conn)
            .await
    })?;
    let newest: Option<Month> = newest.and_then(|month| month.parse().ok());
    let Some(newest) = newest else {
        return Ok(Vec::new());
    };
    let year_before = Month {
        year: newest.year - 1,
        ..newest
    };
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT t.topic, count(DISTINCT t.summary_id) FROM issue i JOIN issue_summary l ON l.issue_id = i.id \
             JOIN summary_topic t ON t.summary_id = l.summary_id WHERE i.month > $1 GROUP BY t.topic",
        )
        .bind(year_before.to_string())
        .fetch_all(conn)
        .await
    })
}

/// The issue as its file would give it: only what is confirmed counts as the editor's.
pub fn as_written(issue: &KeptIssue) -> Issue {
    let summaries = issue.summaries.iter().map(|kept| {
        let mut summary = kept.summary.clone();
        if !kept.topics_confirmed {
            summary.topics.clear();
        }
        if !kept.research_type_confirmed {
            summary.research_type = None;
        }
        summary
    });
    Issue {
        month: issue.month,
        teaser: issue.teaser.clone(),
        summaries: summaries.collect(),
    }
}

/// A title without case, accents, punctuation and double spaces.
pub fn title_key(title: &str) -> String {
    let folded: String = title
        .chars()
        .flat_map(crate::topic::fold)
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn topics_of(tx: &mut Tx, issue_id: i64) -> sqlx::Result<Vec<(i64, String, bool)>> {
    on!(tx, |conn| {
        sqlx::query_as(
        "SELECT t.summary_id, t.topic, t.confirmed FROM summary_topic t \
         JOIN issue_summary l ON l.summary_id = t.summary_id WHERE l.issue_id = $1 ORDER BY t.topic",
    )
    .bind(issue_id)
    .fetch_all(conn)
    .await
    })
}

fn kept(row: SummaryRow, topics: &[(i64, String, bool)]) -> Kept {
    let mine = || topics.iter().filter(|(summary, ..)| *summary == row.id);
    let topics_confirmed = mine().any(|(_, _, confirmed)| *confirmed);
    let counts = |confirmed: bool| confirmed || !topics_confirmed;
    Kept {
        id: row.id,
        position: row.position,
        topics_confirmed,
        research_type_confirmed: row.research_type_confirmed,
        summary: Summary {
            topics: mine()
                .filter(|(_, _, confirmed)| counts(*confirmed))
                .map(|(_, topic, _)| topic.clone())
                .collect(),
            title: row.title,
            citation: row.citation,
            doi: row.doi,
            summary: row.summary.0,
            implications: row.implications.0,
            language: row.language,
            research_type: row.research_type,
        },
    }
}
