//! An issue as commands and the API show it.

use serde::Serialize;

use super::{Kept, KeptIssue};
use crate::citation;
use crate::suggest::{Suggester, Suggestion};

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
