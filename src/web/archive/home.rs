//! The front page.

use axum::extract::State;
use maud::{Markup, html};

use super::super::{Page, PageError, Site};
use super::{entries, kind, teaser, topics};
use crate::archive::{self, KeptIssue};
use crate::subscription::Language;

/// What this is, what came last, and where to go on.
pub async fn home(State(site): State<Site>, language: Language) -> Result<Markup, PageError> {
    let mut tx = site.db.read().await?;
    let newest = archive::newest(&mut tx).await?;
    let counts = archive::topic_counts(&mut tx).await?;
    let about = language.what_you_get(&site.name);
    let page = Page::new(&site, language, site.name.as_str())
        .at("/")
        .described(about.as_str())
        .wide();
    Ok(page.show(html! {
        div.front {
            section.hero {
                h1 { (language.welcome()) }
                p.lead { (about) }
                p.calls {
                    a.button href=(language.path("/subscribe")) { (language.subscribe_free()) }
                    " " a href=(language.path("/issues")) { (language.all_issues()) }
                }
            }
            section.newest {
                h2 { (language.newest_issue()) }
                @match &newest {
                    Some(issue) => (announced(&site, language, issue)),
                    None => p { (language.nothing_yet()) },
                }
            }
            section.by-topic {
                h2 { (language.browse_topics()) }
                (topics::links(&site, language, &counts))
                p { a href=(language.path("/topics")) { (language.all_topics()) } }
            }
        }
    }))
}

fn announced(site: &Site, language: Language, issue: &KeptIssue) -> Markup {
    let path = language.path(&format!("/issues/{}", issue.month));
    html! {
        p.when { a href=(path) { (language.month(issue.month)) } }
        (teaser(issue))
        ul.announced {
            @for kept in &issue.summaries {
                li {
                    h3 lang=(kept.summary.language) {
                        a href=(language.path(&format!("/summaries/{}", kept.id))) { (kept.summary.title) }
                    }
                    (kind(site, language, kept.summary.research_type.as_deref()))
                    (entries::opening(&kept.summary.summary, &kept.summary.language))
                }
            }
        }
        p { a href=(path) { (language.read_issue(issue.month)) } }
    }
}
