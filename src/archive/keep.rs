//! Taking an issue into the archive: what is new, what changed, what stays.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Change, SummaryRow, search, title_key};
use crate::db::{Tx, on};
use crate::issue::{Issue, Month, Summary};
use crate::suggest::{LIKELY, Suggester};

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
    let mut changes = Changes::of(issue.month, false);
    let issue_id = keep_issue(tx, issue, now, &mut changes).await?;
    let before: Vec<i64> = positions(tx, issue_id).await?;
    let mut given = Vec::new();
    for summary in &issue.summaries {
        given.push(keep_summary(tx, summary, None, &before, suggester, now, &mut changes).await?);
    }
    let order = order(&before, &given);
    if place(tx, issue_id, &before, order, &mut changes).await? {
        touch_issue(tx, issue_id, now).await?;
    }
    Ok(changes.list)
}

pub(super) struct Changes {
    month: Month,
    /// What is given is all there is: what it leaves empty is emptied.
    is_whole: bool,
    pub(super) list: Vec<Change>,
}

impl Changes {
    pub(super) fn of(month: Month, is_whole: bool) -> Changes {
        Changes {
            month,
            is_whole,
            list: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, title: Option<&str>, what: impl Into<String>) {
        self.list.push(Change {
            month: self.month.to_string(),
            title: title.map(str::to_owned),
            what: what.into(),
        });
    }
}

pub(super) async fn keep_issue(
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
    if (issue.teaser.is_some() || changes.is_whole) && issue.teaser != teaser {
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

pub(super) async fn positions(tx: &mut Tx, issue_id: i64) -> sqlx::Result<Vec<i64>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT summary_id FROM issue_summary WHERE issue_id = $1 ORDER BY position"
    )
    .bind(issue_id)
    .fetch_all(conn)
    .await)
}

pub(super) async fn keep_summary(
    tx: &mut Tx,
    given: &Summary,
    id: Option<i64>,
    in_this_issue: &[i64],
    suggester: &Suggester,
    now: DateTime<Utc>,
    changes: &mut Changes,
) -> sqlx::Result<i64> {
    let known = match id {
        Some(id) => by_id(tx, id).await?,
        None => None,
    };
    let known = match known {
        Some(known) => Some(known),
        None => find(tx, given, in_this_issue).await?,
    };
    let (id, is_changed) = match known {
        Some(before) => {
            let is_changed = update(tx, &before, given, now, changes).await?;
            (before.id, is_changed)
        }
        None => {
            changes.push(Some(&given.title), "new summary");
            (insert(tx, given, now).await?, true)
        }
    };
    if is_changed || !in_this_issue.contains(&id) {
        search::index(tx, id).await?;
    }
    if keep_tags(tx, id, given, suggester, changes).await? {
        touch(tx, id, now).await?;
    }
    Ok(id)
}

async fn by_id(tx: &mut Tx, id: i64) -> sqlx::Result<Option<SummaryRow>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT id, 0 + id AS position, title, citation, doi, summary, implications, language, research_type, \
             research_type_confirmed FROM summary WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(conn)
        .await
    })
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

/// SQLite gives the number of what was deleted last to the next row, unless it is told another.
async fn insert(tx: &mut Tx, given: &Summary, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let sql = match tx {
        Tx::Sqlite(_) => {
            "INSERT INTO summary (id, title_key, title, citation, doi, summary, implications, language, \
             research_type_confirmed, changed_at) SELECT 1 + max((SELECT COALESCE(max(id), 0) FROM summary), \
             (SELECT COALESCE(max(id), 0) FROM summary_gone)), $1, $2, $3, $4, $5, $6, $7, $8, $9 RETURNING id"
        }
        Tx::Postgres(_) => {
            "INSERT INTO summary (title_key, title, citation, doi, summary, implications, language, \
             research_type_confirmed, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id"
        }
    };
    on!(tx, |conn| {
        sqlx::query_scalar(sql)
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

/// Whether anything had to be changed.
async fn update(
    tx: &mut Tx,
    before: &SummaryRow,
    given: &Summary,
    now: DateTime<Utc>,
    changes: &mut Changes,
) -> sqlx::Result<bool> {
    let or_before = |given: &Option<String>, before: &Option<String>| match changes.is_whole {
        true => given.clone(),
        false => given.clone().or_else(|| before.clone()),
    };
    let citation = or_before(&given.citation, &before.citation);
    let doi = or_before(&given.doi, &before.doi);
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
        return Ok(false);
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
    })?;
    Ok(true)
}

/// Notes for feeds and browsers that the summary's topics or type are others now.
async fn touch(tx: &mut Tx, id: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE summary SET changed_at = $2 WHERE id = $1"
    )
    .bind(id)
    .bind(now)
    .execute(conn)
    .await
    .map(drop))
}

/// The editor's topics and type if the file gives them; suggestions wherever the editor has given none. Whether they
/// are others than before.
async fn keep_tags(
    tx: &mut Tx,
    id: i64,
    given: &Summary,
    suggester: &Suggester,
    changes: &mut Changes,
) -> sqlx::Result<bool> {
    let before: Vec<(String, bool)> = on!(&mut *tx, |conn| sqlx::query_as(
        "SELECT topic, confirmed FROM summary_topic WHERE summary_id = $1 ORDER BY topic",
    )
    .bind(id)
    .fetch_all(conn)
    .await)?;
    let is_confirmed = before.iter().any(|(_, confirmed)| *confirmed);
    let before: Vec<String> = before.into_iter().map(|(topic, _)| topic).collect();
    let (topics, by_editor) = match given.topics.is_empty() {
        true if is_confirmed && !changes.is_whole => (before.clone(), true),
        true => (suggested(suggester, given), false),
        false => (sorted(given.topics.clone()), true),
    };
    let are_others = topics != before;
    if by_editor && (are_others || !is_confirmed) {
        changes.push(Some(&given.title), format!("topics: {}", topics.join(", ")));
    }
    if are_others || by_editor != is_confirmed {
        set_topics(tx, id, topics, by_editor).await?;
    }
    let is_other_type = keep_research_type(tx, id, given, suggester, changes).await?;
    Ok(are_others || is_other_type)
}

fn suggested(suggester: &Suggester, summary: &Summary) -> Vec<String> {
    let all = suggester.topics(summary).into_iter();
    sorted(all.filter(|s| s.score >= LIKELY).map(|s| s.slug).collect())
}

fn sorted(mut topics: Vec<String>) -> Vec<String> {
    topics.sort_unstable();
    topics.dedup();
    topics
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
) -> sqlx::Result<bool> {
    let (before, confirmed): (Option<String>, bool) = on!(&mut *tx, |conn| sqlx::query_as(
        "SELECT research_type, research_type_confirmed FROM summary WHERE id = $1",
    )
    .bind(id)
    .fetch_one(conn)
    .await)?;
    let (kind, is_confirmed) = match &given.research_type {
        Some(kind) => (Some(kind.clone()), true),
        None if confirmed && !changes.is_whole => return Ok(false),
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
    let is_other = before != kind;
    on!(tx, |conn| sqlx::query(
        "UPDATE summary SET research_type = $2, research_type_confirmed = $3 WHERE id = $1"
    )
    .bind(id)
    .bind(kind)
    .bind(is_confirmed)
    .execute(conn)
    .await
    .map(drop))?;
    Ok(is_other)
}

pub(super) async fn touch_issue(tx: &mut Tx, id: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE issue SET changed_at = $2 WHERE id = $1"
    )
    .bind(id)
    .bind(now)
    .execute(conn)
    .await
    .map(drop))
}

/// The file's order; what it lacks stays, behind the others.
fn order(before: &[i64], given: &[i64]) -> Vec<i64> {
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
    order
}

/// Puts the summaries in this order, and no others. Whether it is another one now.
pub(super) async fn place(
    tx: &mut Tx,
    issue_id: i64,
    before: &[i64],
    order: Vec<i64>,
    changes: &mut Changes,
) -> sqlx::Result<bool> {
    if order == before {
        return Ok(false);
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
    Ok(true)
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
