//! The HTML part of a letter.

use maud::{Markup, html};

use super::body::{Block, Body};
use crate::breakable::{Size, breakable};
use crate::contents::Imprint;
use crate::html::{imprint, list, masthead, reached};
use crate::layout::{self, button, first_row, layout, link, panel, row};

pub(super) fn of(body: &Body) -> String {
    let rows = html! {
        (first_row(&masthead(&body.opening, &body.publication, body.headline)))
        (row(&html! { @for shown in &body.blocks { (block(shown, &body.imprint)) } }))
        @if let Some((heading, mentions)) = &body.list { (row(&list(heading, mentions))) }
        (row(&foot(body)))
    };
    layout(body.language, body.headline, &rows).into_string()
}

fn block(block: &Block, imprint: &Imprint) -> Markup {
    match block {
        Block::Text(text) => paragraph(text),
        Block::Button(link) => button(&link.url, link.label),
        Block::Panel { heading, lines } => panel(&html! {
            h2 style=(layout::PRACTICE) { (heading) }
            @for line in lines { (paragraph(line)) }
        }),
        Block::TellUs(sentence) => html! {
            p style=(layout::TEXT) { (sentence) " " (reached(&imprint.contact)) }
        },
    }
}

fn paragraph(text: &str) -> Markup {
    html! { p style=(layout::TEXT) { (breakable(text, Size::Text)) } }
}

fn foot(body: &Body) -> Markup {
    let language = body.language;
    html! {
        p style=(layout::SMALL) { (breakable(&body.why, Size::Small)) }
        @if !body.links.is_empty() {
            p style=(layout::SMALL) {
                @for (index, shown) in body.links.iter().enumerate() {
                    @if index > 0 { br; }
                    (link(&shown.url, shown.label))
                }
            }
        }
        p style=(layout::SMALL) { (language.no_watching()) }
        p style=(layout::SMALL) { (imprint(&body.imprint, language)) }
    }
}
