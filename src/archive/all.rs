//! The whole archive at once, for who takes it along: in four statements, however many issues there are.

use std::collections::HashMap;

use super::{KeptIssue, SummaryRow, kept};
use crate::db::{Tx, on};

/// Every issue, whole, the oldest first.
pub async fn all(tx: &mut Tx) -> sqlx::Result<Vec<KeptIssue>> {
    let issues: Vec<(i64, String, Option<String>)> = on!(&mut *tx, |conn| sqlx::query_as(
        "SELECT id, month, teaser FROM issue ORDER BY month"
    )
    .fetch_all(conn)
    .await)?;
    let links: Vec<(i64, i64, i64)> = on!(&mut *tx, |conn| sqlx::query_as(
        "SELECT issue_id, summary_id, position FROM issue_summary ORDER BY issue_id, position"
    )
    .fetch_all(conn)
    .await)?;
    let summaries: Vec<SummaryRow> = on!(&mut *tx, |conn| {
        sqlx::query_as(
        "SELECT id, CAST(0 AS bigint) AS position, title, citation, doi, summary, implications, language, research_type, \
         research_type_confirmed FROM summary"
    )
    .fetch_all(conn)
    .await
    })?;
    let topics: Vec<(i64, String, bool)> = on!(&mut *tx, |conn| sqlx::query_as(
        "SELECT summary_id, topic, confirmed FROM summary_topic ORDER BY topic"
    )
    .fetch_all(conn)
    .await)?;
    let mut topics_of: HashMap<i64, Vec<(i64, String, bool)>> = HashMap::new();
    for topic in topics {
        topics_of.entry(topic.0).or_default().push(topic);
    }
    let summaries: HashMap<i64, SummaryRow> =
        summaries.into_iter().map(|row| (row.id, row)).collect();
    let of_issue = |issue: i64| {
        let mine = links.iter().filter(move |(of, ..)| *of == issue);
        mine.filter_map(|(_, summary, position)| {
            let row = SummaryRow {
                position: *position,
                ..summaries.get(summary)?.clone()
            };
            let topics = topics_of.get(summary).map_or(&[][..], Vec::as_slice);
            Some(kept(row, topics))
        })
        .collect()
    };
    Ok(issues
        .into_iter()
        .filter_map(|(id, month, teaser)| {
            Some(KeptIssue {
                id,
                month: month.parse().ok()?,
                teaser,
                summaries: of_issue(id),
            })
        })
        .collect())
}
