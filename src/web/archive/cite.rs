//! 'Cite this': as text to copy, and as files for programs that manage references.

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::super::{PageError, Site};
use crate::archive::{self, Kept};
use crate::citation::{Author, Reference};
use crate::issue::Month;
use crate::subscription::Language;

/// A file for BibTeX.
pub async fn bibtex(
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let reference = of(&site, &id).await?;
    let text = reference.bibtex();
    Ok(file(
        &reference,
        "bib",
        "application/x-bibtex; charset=utf-8",
        text,
    ))
}

/// A file in the format of Research Information Systems, which most programs read.
pub async fn ris(State(site): State<Site>, Path(id): Path<String>) -> Result<Response, PageError> {
    let reference = of(&site, &id).await?;
    let text = reference.ris();
    let kind = "application/x-research-info-systems; charset=utf-8";
    Ok(file(&reference, "ris", kind, text))
}

/// The part of a summary's page that says how to cite what it is about.
pub(super) fn section(site: &Site, language: Language, month: Month, kept: &Kept) -> Markup {
    let (reference, is_study) = reference(site, month, kept);
    let heading = match is_study {
        true => language.cite_this(),
        false => language.cite_summary(),
    };
    let path = |end: &str| format!("/summaries/{}/cite.{end}", kept.id);
    html! {
        section.cite.not-printed aria-labelledby="cite" {
            h2 #cite { (heading) }
            dl lang="en" {
                dt { "APA" } dd { (reference.apa()) }
                dt { "Vancouver" } dd { (reference.vancouver()) }
            }
            p.small {
                (language.for_programs()) " "
                a href=(path("bib")) download { "BibTeX" } ", " a href=(path("ris")) download { "RIS" }
            }
        }
    }
}

/// The study, if its citation can be read; otherwise our summary. And which of the two it is.
fn reference(site: &Site, month: Month, kept: &Kept) -> (Reference, bool) {
    let summary = &kept.summary;
    let study = summary
        .citation
        .as_deref()
        .and_then(|citation| Reference::read(citation, summary.doi.as_deref()));
    match study {
        Some(study) => (study, true),
        None => (ours(site, month, kept), false),
    }
}

fn ours(site: &Site, month: Month, kept: &Kept) -> Reference {
    let publisher = Author {
        family: site.publisher.name.clone(),
        given: String::new(),
    };
    let named = Language::English.month(month);
    let name = named.split(' ').next().unwrap_or_default();
    Reference {
        authors: vec![publisher],
        year: Some(month.year),
        date: format!("{}, {name}", month.year),
        title: kept.summary.title.clone(),
        journal: Some(site.name.clone()),
        url: Some(site.url(&format!("/summaries/{}", kept.id))),
        ..Reference::default()
    }
}

async fn of(site: &Site, id: &str) -> Result<Reference, PageError> {
    let id: i64 = id.parse().map_err(|_| PageError::NotFound)?;
    let found = archive::summary(&mut site.db.read().await?, id).await?;
    let (month, kept) = found.ok_or(PageError::NotFound)?;
    Ok(reference(site, month, &kept).0)
}

fn file(reference: &Reference, end: &str, kind: &'static str, text: String) -> Response {
    let named = format!("attachment; filename=\"{}.{end}\"", reference.key());
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, named),
    ];
    (headers, text).into_response()
}
