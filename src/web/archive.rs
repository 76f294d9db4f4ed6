//! The archive's pages: the same for everybody.

use axum::extract::{Path, State};
use maud::{Markup, html};

use super::{Page, PageError, Site};
use crate::archive::{self, Kept};
use crate::issue::{Month, Summary};
use crate::subscription::Language;

/// All issues.
pub async fn list(State(site): State<Site>, language: Language) -> Result<Markup, PageError> {
    let issues = archive::list(&mut site.db.read().await?).await?;
    let page = Page::new(&site, language, language.archive()).at("/issues");
    Ok(page.show(html! {
        h1 { (language.archive()) }
        @if issues.is_empty() { p { (language.nothing_yet()) } }
        ul.issues {
            @for issue in &issues {
                li {
                    a href=(language.path(&format!("/issues/{}", issue.month))) { (in_words(language, &issue.month)) }
                    " " span.about { (language.summaries(issue.summaries)) }
                    @if let Some(teaser) = &issue.teaser { p { (teaser) } }
                }
            }
        }
    }))
}

/// One issue, whole: what 'view in browser' leads to.
pub async fn issue(
    State(site): State<Site>,
    language: Language,
    Path(month): Path<String>,
) -> Result<Markup, PageError> {
    let month: Month = month.parse().map_err(|_| PageError::NotFound)?;
    let issue = archive::issue(&mut site.db.read().await?, month)
        .await?
        .ok_or(PageError::NotFound)?;
    let title = language.month(month);
    let page = Page::new(&site, language, title.as_str()).at(format!("/issues/{month}"));
    Ok(page.show(html! {
        h1 { (title) }
        @if let Some(teaser) = &issue.teaser { p.teaser { (teaser) } }
        @for kept in &issue.summaries { (whole(&site, language, kept, true)) }
    }))
}

/// One summary, at an address that lasts.
pub async fn summary(
    State(site): State<Site>,
    language: Language,
    Path(id): Path<String>,
) -> Result<Markup, PageError> {
    let id: i64 = id.parse().map_err(|_| PageError::NotFound)?;
    let mut tx = site.db.read().await?;
    let (month, kept) = archive::summary(&mut tx, id)
        .await?
        .ok_or(PageError::NotFound)?;
    let page =
        Page::new(&site, language, kept.summary.title.as_str()).at(format!("/summaries/{id}"));
    Ok(page.show(html! {
        (whole(&site, language, &kept, false))
        p { a href=(language.path(&format!("/issues/{month}"))) { (language.all_of(month)) } }
    }))
}

fn whole(site: &Site, language: Language, kept: &Kept, in_issue: bool) -> Markup {
    let Summary {
        title,
        citation,
        doi,
        summary,
        implications,
        topics,
        research_type,
        language: written_in,
    } = &kept.summary;
    let kind = research_type.as_deref();
    let kind = kind.and_then(|slug| site.vocabulary.research_type(slug));
    let topics = topics
        .iter()
        .filter_map(|slug| site.vocabulary.topic(slug))
        .map(|topic| language.pick(topic.name.as_str(), topic.name_fr.as_str()))
        .collect::<Vec<_>>();
    html! {
        article lang=(written_in) {
            @if in_issue {
                h2 { a href=(language.path(&format!("/summaries/{}", kept.id))) { (title) } }
            } @else {
                h1 { (title) }
            }
            @if let Some(kind) = kind {
                p.kind lang=(language) { (language.pick(&kind.name, &kind.name_fr)) }
            }
            @if let Some(citation) = citation { p.citation { (citation) } }
            @if let Some(doi) = doi { p.citation { a href=(format!("https://doi.org/{doi}")) { "doi:" (doi) } } }
            @for paragraph in summary { p { (paragraph) } }
            @if !implications.is_empty() {
                section.practice {
                    @if in_issue { h3 lang=(language) { (language.practice()) } } @else { h2 lang=(language) { (language.practice()) } }
                    @for paragraph in implications { p { (paragraph) } }
                }
            }
            @if !topics.is_empty() { p.topics lang=(language) { (topics.join(" · ")) } }
        }
    }
}

/// `2020-12` as `December 2020`.
fn in_words(language: Language, month: &str) -> String {
    let known = month.parse().map(|month| language.month(month));
    known.unwrap_or_else(|_| month.to_owned())
}
