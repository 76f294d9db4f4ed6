//! Issues by year and month, and one of them whole.

use axum::extract::{Path, State};
use maud::{Markup, html};

use super::super::{Page, PageError, Site};
use super::{body, teaser};
use crate::archive::{self, KeptIssue, Listed};
use crate::issue::Month;
use crate::subscription::Language;

/// All issues, year by year.
pub async fn list(State(site): State<Site>, language: Language) -> Result<Markup, PageError> {
    let issues = archive::list(&mut site.db.read().await?).await?;
    let about = language.issues_about(&site.name);
    let page = Page::new(&site, language, language.archive())
        .at("/issues")
        .described(about.as_str());
    let years = issues.chunk_by(|one, other| year(one) == year(other));
    Ok(page.show(html! {
        h1 { (language.archive()) }
        p.lead { (about) }
        @if issues.is_empty() { p { (language.nothing_yet()) } }
        @for issues in years {
            section.year {
                h2 { (year(&issues[0])) }
                ul.issues { @for issue in issues { (line(language, issue)) } }
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
    let mut tx = site.db.read().await?;
    let issue = archive::issue(&mut tx, month)
        .await?
        .ok_or(PageError::NotFound)?;
    let beside = archive::months_beside(&mut tx, month).await?;
    let title = language.month(month);
    let about = match &issue.teaser {
        Some(teaser) => teaser.clone(),
        None => language.issue_about(month, issue.summaries.len() as i64),
    };
    let page = Page::new(&site, language, title.as_str())
        .at(format!("/issues/{month}"))
        .described(about);
    Ok(page.show(html! {
        nav.crumb aria-label=(language.you_are_here()) {
            a href=(language.path("/issues")) { (language.archive()) }
        }
        h1 { (title) }
        (teaser(&issue))
        (contents(language, &issue))
        @for kept in &issue.summaries {
            article lang=(kept.summary.language) id=(format!("s{}", kept.id)) {
                h2 { a href=(language.path(&format!("/summaries/{}", kept.id))) { (kept.summary.title) } }
                (body(&site, language, kept, true))
            }
        }
        (neighbours(language, beside))
    }))
}

fn line(language: Language, issue: &Listed) -> Markup {
    let month: Option<Month> = issue.month.parse().ok();
    html! {
        li {
            a href=(language.path(&format!("/issues/{}", issue.month))) {
                @match month { Some(month) => (language.month(month)), None => (issue.month) }
            }
            " " span.about { (language.summaries(issue.summaries)) }
            @if let Some(teaser) = &issue.teaser { p { (teaser) } }
        }
    }
}

/// A list of what is in the issue; of one summary it would only repeat the title.
fn contents(language: Language, issue: &KeptIssue) -> Markup {
    html! {
        @if issue.summaries.len() > 1 {
            nav.contents aria-labelledby="contents" {
                h2 #contents { (language.in_this_issue()) }
                ol {
                    @for kept in &issue.summaries {
                        li lang=(kept.summary.language) { a href=(format!("#s{}", kept.id)) { (kept.summary.title) } }
                    }
                }
            }
        }
    }
}

fn neighbours(language: Language, [before, after]: [Option<Month>; 2]) -> Markup {
    let link = |month: Month, rel: &str| {
        html! { a rel=(rel) href=(language.path(&format!("/issues/{month}"))) { (language.month(month)) } }
    };
    html! {
        @if before.is_some() || after.is_some() {
            nav.beside aria-label=(language.before_and_after()) {
                @if let Some(month) = before { p { (language.earlier_issue()) " " (link(month, "prev")) } }
                @if let Some(month) = after { p { (language.later_issue()) " " (link(month, "next")) } }
            }
        }
    }
}

fn year(issue: &Listed) -> &str {
    issue.month.split('-').next().unwrap_or_default()
}
