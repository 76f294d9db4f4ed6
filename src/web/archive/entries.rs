//! A list of summaries, and the way from page to page of it.

use maud::{Markup, html};

use super::super::Site;
use super::{kind, topic_links};
use crate::archive::{self, Entry, Passage, Piece, Terms};
use crate::subscription::Language;

/// Summaries on one page.
pub(super) const PER_PAGE: i64 = 10;

/// Where a visitor is in a list.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// From 1.
    pub page: i64,
    pub pages: i64,
}

impl Place {
    /// The page that was asked for, if the list is long enough; otherwise its last one.
    pub fn of(wanted: i64, entries: i64) -> Place {
        let pages = ((entries + PER_PAGE - 1) / PER_PAGE).max(1);
        Place {
            page: wanted.clamp(1, pages),
            pages,
        }
    }

    /// How many summaries stand before this page.
    pub fn offset(self) -> i64 {
        (self.page - 1) * PER_PAGE
    }
}

/// Summaries with what was looked for marked, each under an `h3`.
pub(super) fn list(site: &Site, language: Language, entries: &[Entry], terms: &Terms) -> Markup {
    html! {
        @if !entries.is_empty() {
            ol.entries {
                @for entry in entries {
                    li { article aria-labelledby=(heading(entry)) { (one(site, language, entry, terms)) } }
                }
            }
        }
    }
}

/// The id of its heading, by which screen readers tell the articles apart.
fn heading(entry: &Entry) -> String {
    format!("s{}", entry.id)
}

fn one(site: &Site, language: Language, entry: &Entry, terms: &Terms) -> Markup {
    let text = archive::passage(&entry.summary, terms);
    let in_text = text.filter(|text| text.pieces.iter().any(|piece| piece.is_found));
    let passage = in_text
        .or_else(|| archive::passage(&entry.implications, terms).filter(finds))
        .or_else(|| archive::passage(&entry.summary, &Terms::default()));
    let issue = language.path(&format!("/issues/{}", entry.month));
    html! {
        p.when { a href=(issue) { (language.month(entry.month)) } }
        h3 id=(heading(entry)) lang=(entry.language) {
            a href=(language.path(&format!("/summaries/{}", entry.id))) {
                (pieces(&archive::marked(&entry.title, terms)))
            }
        }
        (kind(site, language, entry.research_type.as_deref()))
        @if let Some(passage) = passage { p lang=(entry.language) { (shown(&passage)) } }
        (topic_links(site, language, &entry.topics))
    }
}

/// The first words of a summary.
pub(super) fn opening(paragraphs: &[String], language: &str) -> Markup {
    let passage = archive::passage(paragraphs, &Terms::default());
    html! { @if let Some(passage) = passage { p lang=(language) { (shown(&passage)) } } }
}

fn finds(passage: &Passage<'_>) -> bool {
    passage.pieces.iter().any(|piece| piece.is_found)
}

fn shown(passage: &Passage<'_>) -> Markup {
    html! {
        @if passage.is_cut_before { "… " }
        (pieces(&passage.pieces))
        @if passage.is_cut_after { " …" }
    }
}

fn pieces(pieces: &[Piece<'_>]) -> Markup {
    html! {
        @for piece in pieces {
            @if piece.is_found { mark { (piece.text) } } @else { (piece.text) }
        }
    }
}

/// The way to the pages before and after. `address` gives the address of a page.
pub(super) fn pager(language: Language, place: Place, address: impl Fn(i64) -> String) -> Markup {
    let Place { page, pages } = place;
    html! {
        @if pages > 1 {
            nav.pages aria-label=(language.pages()) {
                @if page > 1 { a rel="prev" href=(address(page - 1)) { "← " (language.previous_page()) } }
                span { (language.page_of(page, pages)) }
                @if page < pages { a rel="next" href=(address(page + 1)) { (language.next_page()) " →" } }
            }
        }
    }
}
