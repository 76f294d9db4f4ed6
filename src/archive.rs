//! The archive: issues and summaries as the database keeps them.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::Json;

use crate::citation;
use crate::db::{Tx, on, row};
use crate::issue::{Issue, Month, Summary};
use crate::suggest::{LIKELY, Suggester, Suggestion};

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

/// Takes an issue into the archive and says what that changed: nothing when it was there already.
///
/// A summary is the same one when title and citation agree, in whatever month it stands. What the file does not tell
/// (topics on an archive page, a citation) stays as it is, and nothing is removed because a file lacks it.
pub async fn keep(
    tx: &mut Tx,
    issue: &Issue,
    suggester: &Suggester,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Change>> {
    let mut changes = Changes {
        month: issue.month,
        list: Vec::new(),
    };
    let issue_id = keep_issue(tx, issue, now, &mut changes).await?;
    let before: Vec<i64> = positions(tx, issue_id).await?;
    let mut given = Vec::new();
    for summary in &issue.summaries {
        given.push(keep_summary(tx, summary, &before, suggester, now, &mut changes).await?);
    }
    place(tx, issue_id, &before, &given, &mut changes).await?;
    Ok(changes.list)
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

/// An issue as `issue show --json` and the API give it.
#[derive(Debug, Serialize)]
pub struct Shown {
    pub month: String,
    pub teaser: Option<String>,
    pub summaries: Vec<ShownSummary>,
}

#[derive(Debug, Serialize)]
pub struct ShownSummary {
    pub title: String,
    pub citation: Option<String>,
    pub authors: Option<String>,
    pub year: Option<i32>,
    pub journal: Option<String>,
    pub doi: Option<String>,
    pub summary: Vec<String>,
    pub implications: Vec<String>,
    /// What the editor confirmed.
    pub topics: Vec<String>,
    pub suggested_topics: Vec<Suggestion>,
    /// What the editor confirmed, otherwise the likeliest.
    pub research_type: Option<String>,
    pub research_type_confirmed: bool,
    pub suggested_research_types: Vec<Suggestion>,
    pub language: String,
}

/// What is known of an issue, with what is suggested for it.
pub fn shown(issue: &KeptIssue, suggester: &Suggester) -> Shown {
    let summaries = issue
        .summaries
        .iter()
        .map(|kept| shown_summary(kept, suggester))
        .collect();
    Shown {
        month: issue.month.to_string(),
        teaser: issue.teaser.clone(),
        summaries,
    }
}

fn shown_summary(kept: &Kept, suggester: &Suggester) -> ShownSummary {
    let summary = kept.summary.clone();
    let read = summary
        .citation
        .as_deref()
        .map(citation::read)
        .unwrap_or_default();
    ShownSummary {
        suggested_topics: suggester.topics(&summary),
        suggested_research_types: suggester.research_types(&summary),
        authors: read.authors,
        year: read.year,
        journal: read.journal,
        topics: if kept.topics_confirmed {
            summary.topics
        } else {
            Vec::new()
        },
        title: summary.title,
        citation: summary.citation,
        doi: summary.doi,
        summary: summary.summary,
        implications: summary.implications,
        research_type: summary.research_type,
        research_type_confirmed: kept.research_type_confirmed,
        language: summary.language,
    }
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

struct Changes {
    month: Month,
    list: Vec<Change>,
}

impl Changes {
    fn push(&mut self, title: Option<&str>, what: impl Into<String>) {
        self.list.push(Change {
            month: self.month.to_string(),
            title: title.map(str::to_owned),
            what: what.into(),
        });
    }
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

async fn keep_issue(
    tx: &mut Tx,
    issue: &Issue,
    now: DateTime<Utc>,
    changes: &mut Changes,
) -> sqlx::Result<i64> {
    let found: Option<(i64, Option<String>)> = on!(tx, |conn| sqlx::query_as(
        "SELECT id, teaser FROM issue WHERE month = $1"
    )
    .bind(issue.month.to_string())
    .fetch_optional(conn)
    .await)?;
    let Some((id, teaser)) = found else {
        changes.push(None, "new issue");
        return on!(tx, |conn| sqlx::query_scalar(
            "INSERT INTO issue (month, teaser, changed_at) VALUES ($1, $2, $3) RETURNING id",
        )
        .bind(issue.month.to_string())
        .bind(issue.teaser.as_deref())
        .bind(now)
        .fetch_one(conn)
        .await);
    };
    if issue.teaser.is_some() && issue.teaser != teaser {
        changes.push(
            None,
            differs("teaser", teaser.as_deref(), issue.teaser.as_deref()),
        );
        on!(tx, |conn| sqlx::query(
            "UPDATE issue SET teaser = $2, changed_at = $3 WHERE id = $1"
        )
        .bind(id)
        .bind(issue.teaser.as_deref())
        .bind(now)
        .execute(conn)
        .await
        .map(drop))?;
    }
    Ok(id)
}

async fn positions(tx: &mut Tx, issue_id: i64) -> sqlx::Result<Vec<i64>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT summary_id FROM issue_summary WHERE issue_id = $1 ORDER BY position"
    )
    .bind(issue_id)
    .fetch_all(conn)
    .await)
}

async fn keep_summary(
    tx: &mut Tx,
    given: &Summary,
    in_this_issue: &[i64],
    suggester: &Suggester,
    now: DateTime<Utc>,
    changes: &mut Changes,
) -> sqlx::Result<i64> {
    let id = match find(tx, given, in_this_issue).await? {
        Some(before) => {
            update(tx, &before, given, now, changes).await?;
            before.id
        }
        None => {
            changes.push(Some(&given.title), "new summary");
            insert(tx, given, now).await?
        }
    };
    keep_tags(tx, id, given, suggester, changes).await?;
    Ok(id)
}

/// The summary of the archive that `given` is, by its title, or within one issue by its DOI.
async fn find(
    tx: &mut Tx,
    given: &Summary,
    in_this_issue: &[i64],
) -> sqlx::Result<Option<SummaryRow>> {
    let candidates: Vec<SummaryRow> = on!(tx, |conn| {
        sqlx::query_as(
        "SELECT id, 0 + id AS position, title, citation, doi, summary, implications, language, research_type, \
         research_type_confirmed FROM summary WHERE title_key = $1 OR doi = $2 ORDER BY id",
    )
    .bind(title_key(&given.title))
    .bind(given.doi.as_deref())
    .fetch_all(conn)
    .await
    })?;
    let key = title_key(&given.title);
    let mut found = candidates.into_iter().filter(|row| {
        let here = in_this_issue.contains(&row.id);
        if title_key(&row.title) == key {
            here || same_study(row, given)
        } else {
            here
        }
    });
    Ok(found.next())
}

fn same_study(row: &SummaryRow, given: &Summary) -> bool {
    match (&row.doi, &given.doi, &row.citation, &given.citation) {
        (Some(old), Some(new), ..) => old.eq_ignore_ascii_case(new),
        (_, _, Some(old), Some(new)) => title_key(old) == title_key(new),
        _ => true,
    }
}

async fn insert(tx: &mut Tx, given: &Summary, now: DateTime<Utc>) -> sqlx::Result<i64> {
    on!(tx, |conn| {
        sqlx::query_scalar(
        "INSERT INTO summary (title_key, title, citation, doi, summary, implications, language, \
         research_type_confirmed, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
    )
    .bind(title_key(&given.title))
    .bind(given.title.as_str())
    .bind(given.citation.as_deref())
    .bind(given.doi.as_deref())
    .bind(Json(&given.summary))
    .bind(Json(&given.implications))
    .bind(given.language.as_str())
    .bind(false)
    .bind(now)
    .fetch_one(conn)
    .await
    })
}

async fn update(
    tx: &mut Tx,
    before: &SummaryRow,
    given: &Summary,
    now: DateTime<Utc>,
    changes: &mut Changes,
) -> sqlx::Result<()> {
    let citation = given.citation.clone().or_else(|| before.citation.clone());
    let doi = given.doi.clone().or_else(|| before.doi.clone());
    let mut what = Vec::new();
    let mut compare = |name: &str, old: Option<&str>, new: Option<&str>| {
        if old != new {
            what.push(differs(name, old, new));
        }
    };
    compare("title", Some(&before.title), Some(&given.title));
    compare("citation", before.citation.as_deref(), citation.as_deref());
    compare("DOI", before.doi.as_deref(), doi.as_deref());
    compare("language", Some(&before.language), Some(&given.language));
    what.extend(paragraphs_differ(
        "summary",
        &before.summary,
        &given.summary,
    ));
    what.extend(paragraphs_differ(
        "implications",
        &before.implications,
        &given.implications,
    ));
    if what.is_empty() {
        return Ok(());
    }
    for what in what {
        changes.push(Some(&given.title), what);
    }
    on!(tx, |conn| {
        sqlx::query(
        "UPDATE summary SET title_key = $2, title = $3, citation = $4, doi = $5, summary = $6, implications = $7, \
         language = $8, changed_at = $9 WHERE id = $1",
    )
    .bind(before.id)
    .bind(title_key(&given.title))
    .bind(given.title.as_str())
    .bind(citation)
    .bind(doi)
    .bind(Json(&given.summary))
    .bind(Json(&given.implications))
    .bind(given.language.as_str())
    .bind(now)
    .execute(conn)
    .await
    .map(drop)
    })
}

/// The editor's topics and type if the file gives them; suggestions wherever the editor has given none.
async fn keep_tags(
    tx: &mut Tx,
    id: i64,
    given: &Summary,
    suggester: &Suggester,
    changes: &mut Changes,
) -> sqlx::Result<()> {
    let before: Vec<(String, bool)> = on!(tx, |conn| sqlx::query_as(
        "SELECT topic, confirmed FROM summary_topic WHERE summary_id = $1 ORDER BY topic",
    )
    .bind(id)
    .fetch_all(conn)
    .await)?;
    let confirmed: Vec<String> = before
        .iter()
        .filter(|(_, confirmed)| *confirmed)
        .map(|(t, _)| t.clone())
        .collect();
    if given.topics.is_empty() && confirmed.is_empty() {
        let likely = suggester
            .topics(given)
            .into_iter()
            .filter(|s| s.score >= LIKELY)
            .map(|s| s.slug);
        set_topics(tx, id, likely.collect(), false).await?;
    } else if !given.topics.is_empty() {
        let mut topics = given.topics.clone();
        topics.sort_unstable();
        topics.dedup();
        if topics != confirmed {
            changes.push(Some(&given.title), format!("topics: {}", topics.join(", ")));
            set_topics(tx, id, topics, true).await?;
        }
    }
    keep_research_type(tx, id, given, suggester, changes).await
}

async fn set_topics(
    tx: &mut Tx,
    id: i64,
    topics: Vec<String>,
    confirmed: bool,
) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM summary_topic WHERE summary_id = $1"
    )
    .bind(id)
    .execute(conn)
    .await
    .map(drop))?;
    for topic in topics {
        on!(tx, |conn| sqlx::query(
            "INSERT INTO summary_topic (summary_id, topic, confirmed) VALUES ($1, $2, $3)"
        )
        .bind(id)
        .bind(topic)
        .bind(confirmed)
        .execute(conn)
        .await
        .map(drop))?;
    }
    Ok(())
}

async fn keep_research_type(
    tx: &mut Tx,
    id: i64,
    given: &Summary,
    suggester: &Suggester,
    changes: &mut Changes,
) -> sqlx::Result<()> {
    let (before, confirmed): (Option<String>, bool) = on!(tx, |conn| sqlx::query_as(
        "SELECT research_type, research_type_confirmed FROM summary WHERE id = $1",
    )
    .bind(id)
    .fetch_one(conn)
    .await)?;
    let (kind, is_confirmed) = match &given.research_type {
        Some(kind) => (Some(kind.clone()), true),
        None if confirmed => return Ok(()),
        None => (
            suggester
                .research_types(given)
                .into_iter()
                .next()
                .map(|suggestion| suggestion.slug),
            false,
        ),
    };
    if is_confirmed && (before != kind || !confirmed) {
        changes.push(
            Some(&given.title),
            format!("type of research: {}", kind.as_deref().unwrap_or("none")),
        );
    }
    on!(tx, |conn| sqlx::query(
        "UPDATE summary SET research_type = $2, research_type_confirmed = $3 WHERE id = $1"
    )
    .bind(id)
    .bind(kind)
    .bind(is_confirmed)
    .execute(conn)
    .await
    .map(drop))
}

/// Puts the summaries in the file's order; those that the file lacks stay, behind the others.
async fn place(
    tx: &mut Tx,
    issue_id: i64,
    before: &[i64],
    given: &[i64],
    changes: &mut Changes,
) -> sqlx::Result<()> {
    let mut order: Vec<i64> = Vec::new();
    let whole = before.iter().all(|id| given.contains(id));
    let (first, then) = if whole {
        (given, before)
    } else {
        (before, given)
    };
    for id in first.iter().chain(then) {
        if !order.contains(id) {
            order.push(*id);
        }
    }
    if order == before {
        return Ok(());
    }
    if !before.is_empty() && order.len() == before.len() {
        changes.push(None, "the order of the summaries");
    }
    on!(tx, |conn| sqlx::query(
        "DELETE FROM issue_summary WHERE issue_id = $1"
    )
    .bind(issue_id)
    .execute(conn)
    .await
    .map(drop))?;
    for (position, id) in (1_i64..).zip(order) {
        on!(tx, |conn| sqlx::query(
            "INSERT INTO issue_summary (issue_id, position, summary_id) VALUES ($1, $2, $3)"
        )
        .bind(issue_id)
        .bind(position)
        .bind(id)
        .execute(conn)
        .await
        .map(drop))?;
    }
    Ok(())
}

fn differs(name: &str, old: Option<&str>, new: Option<&str>) -> String {
    let quoted =
        |text: Option<&str>| text.map_or_else(|| "none".to_owned(), |text| format!("'{text}'"));
    format!("{name} was {}, is {}", quoted(old), quoted(new))
}

fn paragraphs_differ(name: &str, old: &[String], new: &[String]) -> Option<String> {
    let changed: Vec<String> = (0..old.len().max(new.len()))
        .filter(|&index| old.get(index) != new.get(index))
        .map(|index| (index + 1).to_string())
        .collect();
    (!changed.is_empty()).then(|| format!("{name}: paragraph {} changed", changed.join(", ")))
}
