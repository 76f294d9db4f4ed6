//! The archive's pages: the same for everybody.

pub(super) mod cite;
pub(super) mod entries;
pub(super) mod home;
pub(super) mod issues;
pub(super) mod search;
mod structured;
pub(super) mod summary;
pub(super) mod topics;
mod words;

use maud::{Markup, html};

use super::Site;
use crate::archive::{Kept, KeptIssue};
use crate::citation::doi;
use crate::issue::Summary;
use crate::subscription::Language;

/// A summary as it is read, from its first line to its topics, without its title.
fn body(site: &Site, language: Language, kept: &Kept, in_issue: bool) -> Markup {
    let Summary {
        citation,
        doi,
        summary,
        implications,
        topics,
        research_type,
        ..
    } = &kept.summary;
    html! {
        (kind(site, language, research_type.as_deref()))
        @if let Some(citation) = citation { p.citation lang="en" { (without_link(citation)) } }
        @if let Some(doi) = doi {
            p.citation { a href=(doi::url(doi)) { "doi:" (doi) } }
        }
        @for paragraph in summary { p { (paragraph) } }
        @if !implications.is_empty() {
            section.practice {
                @if in_issue { h3 lang=(language) { (language.practice()) } }
                @else { h2 lang=(language) { (language.practice()) } }
                @for paragraph in implications { p { (paragraph) } }
            }
        }
        (topic_links(site, language, topics))
    }
}

/// What announces an issue, in the language of its summaries as far as we know.
fn teaser(issue: &KeptIssue) -> Markup {
    let language = issue.summaries.first().map(|kept| &kept.summary.language);
    html! { @if let Some(teaser) = &issue.teaser { p.teaser lang=[language] { (teaser) } } }
}

fn kind(site: &Site, language: Language, slug: Option<&str>) -> Markup {
    let kind = slug.and_then(|slug| site.vocabulary.research_type(slug));
    html! {
        @if let Some(kind) = kind {
            p.kind lang=(language) { (language.pick(&kind.name, &kind.name_fr)) }
        }
    }
}

fn topic_links(site: &Site, language: Language, slugs: &[String]) -> Markup {
    let topics: Vec<_> = slugs
        .iter()
        .filter_map(|slug| site.vocabulary.topic(slug))
        .collect();
    html! {
        @if !topics.is_empty() {
            ul.tags lang=(language) aria-label=(language.topics()) {
                @for topic in topics {
                    li { a href=(language.path(&format!("/topics/{}", topic.slug))) { (language.pick(&topic.name, &topic.name_fr)) } }
                }
            }
        }
    }
}

/// A citation without the address at its end, which stands beside it as a link.
fn without_link(citation: &str) -> &str {
    match citation.rfind("https://doi.org/") {
        Some(at) if !citation[at..].trim_end().contains(' ') => citation[..at].trim_end(),
        _ => citation,
    }
}
