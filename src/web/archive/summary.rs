//! One summary, at an address that lasts.

use axum::extract::{Path, State};
use maud::{Markup, html};

use super::super::{Page, PageError, Site};
use super::{body, cite, structured};
use crate::archive::{self, Kept, Neighbour};
use crate::issue::Month;
use crate::subscription::Language;

/// Letters of a description that search engines show.
const DESCRIBED: usize = 155;

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
    let beside = archive::neighbours(&mut tx, month, kept.position).await?;
    let page = Page::new(&site, language, kept.summary.title.as_str())
        .at(format!("/summaries/{id}"))
        .described(opening(&kept))
        .structured(structured::review(&site, language, month, &kept));
    Ok(page.show(html! {
        nav.crumb aria-label=(language.you_are_here()) {
            a href=(language.path("/issues")) { (language.archive()) }
            span aria-hidden="true" { " / " }
            a href=(language.path(&format!("/issues/{month}"))) { (language.month(month)) }
        }
        article lang=(kept.summary.language) {
            h1 { (kept.summary.title) }
            (body(&site, language, &kept, false))
        }
        (cite::section(&site, language, month, &kept))
        (neighbours(language, &beside))
        (invitation(language, month))
    }))
}

fn neighbours(language: Language, [before, after]: &[Option<Neighbour>; 2]) -> Markup {
    let link = |neighbour: &Neighbour, rel: &str| {
        html! {
            a rel=(rel) lang=(neighbour.language) href=(language.path(&format!("/summaries/{}", neighbour.id))) {
                (neighbour.title)
            }
        }
    };
    html! {
        @if before.is_some() || after.is_some() {
            nav.beside aria-label=(language.before_and_after()) {
                @if let Some(before) = before { p { (language.previous_summary()) br; (link(before, "prev")) } }
                @if let Some(after) = after { p { (language.next_summary()) br; (link(after, "next")) } }
            }
        }
    }
}

fn invitation(language: Language, month: Month) -> Markup {
    html! {
        p.calls.not-printed {
            a.button href=(language.path("/subscribe")) { (language.new_by_mail()) }
            " " a href=(language.path(&format!("/issues/{month}"))) { (language.read_issue(month)) }
        }
    }
}

/// The summary's first words, up to the end of one.
fn opening(kept: &Kept) -> String {
    let text = kept.summary.summary.first();
    let text = text.unwrap_or(&kept.summary.title);
    let Some((end, _)) = text.char_indices().nth(DESCRIBED) else {
        return text.clone();
    };
    let cut = text[..end].rfind(char::is_whitespace).unwrap_or(end);
    format!("{} …", text[..cut].trim_end_matches([',', ';', ' ']))
}
