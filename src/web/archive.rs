//! The archive's pages: the same for everybody.

use axum::extract::{Path, State};
use maud::{Markup, html};

use super::{PageError, Site, page};
use crate::archive::{self, Kept};
use crate::issue::{Month, Summary};

const PRACTICE: &str = "What this means for practice";

/// All issues.
pub async fn list(State(site): State<Site>) -> Result<Markup, PageError> {
    let issues = archive::list(&mut site.db.read().await?).await?;
    Ok(page(
        &site,
        "Archive",
        html! {
            h1 { "Archive" }
            @if issues.is_empty() { p { "Nothing has been published yet." } }
            ul.issues {
                @for issue in &issues {
                    li {
                        a href=(format!("/issues/{}", issue.month)) { (in_words(&issue.month)) }
                        @if let Some(teaser) = &issue.teaser { p { (teaser) } }
                    }
                }
            }
        },
    ))
}

/// One issue, whole: what 'view in browser' leads to.
pub async fn issue(
    State(site): State<Site>,
    Path(month): Path<String>,
) -> Result<Markup, PageError> {
    let month: Month = month.parse().map_err(|_| PageError::NotFound)?;
    let issue = archive::issue(&mut site.db.read().await?, month)
        .await?
        .ok_or(PageError::NotFound)?;
    let title = in_words(&month.to_string());
    Ok(page(
        &site,
        &title,
        html! {
            h1 { (title) }
            @if let Some(teaser) = &issue.teaser { p.teaser { (teaser) } }
            @for kept in &issue.summaries { (whole(&site, kept, true)) }
        },
    ))
}

/// One summary, at an address that lasts.
pub async fn summary(
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<Markup, PageError> {
    let id: i64 = id.parse().map_err(|_| PageError::NotFound)?;
    let mut tx = site.db.read().await?;
    let (month, kept) = archive::summary(&mut tx, id)
        .await?
        .ok_or(PageError::NotFound)?;
    Ok(page(
        &site,
        &kept.summary.title,
        html! {
            (whole(&site, &kept, false))
            p { a href=(format!("/issues/{month}")) { "All of " (in_words(&month.to_string())) } }
        },
    ))
}

fn whole(site: &Site, kept: &Kept, in_issue: bool) -> Markup {
    let Summary {
        title,
        citation,
        doi,
        summary,
        implications,
        topics,
        research_type,
        language,
    } = &kept.summary;
    html! {
        article lang=(language) {
            @if in_issue {
                h2 { a href=(format!("/summaries/{}", kept.id)) { (title) } }
            } @else {
                h1 { (title) }
            }
            @if let Some(kind) = research_type.as_deref().and_then(|slug| site.vocabulary.research_type(slug)) {
                p.kind lang="en" { (kind.name) }
            }
            @if let Some(citation) = citation { p.citation { (citation) } }
            @if let Some(doi) = doi { p.citation { a href=(format!("https://doi.org/{doi}")) { "doi:" (doi) } } }
            @for paragraph in summary { p { (paragraph) } }
            @if !implications.is_empty() {
                section.practice {
                    @if in_issue { h3 lang="en" { (PRACTICE) } } @else { h2 lang="en" { (PRACTICE) } }
                    @for paragraph in implications { p { (paragraph) } }
                }
            }
            @if !topics.is_empty() {
                p.topics lang="en" {
                    "Topics: " (topics.iter().filter_map(|slug| site.vocabulary.topic(slug)).map(|topic| topic.name.as_str()).collect::<Vec<_>>().join(" · "))
                }
            }
        }
    }
}

/// `2020-12` as `December 2020`.
fn in_words(month: &str) -> String {
    let Ok(month) = month.parse::<Month>() else {
        return month.to_owned();
    };
    let month = emails::Month {
        year: month.year,
        month: month.month,
    };
    emails::Language::English.month(month)
}
