//! The text part of a letter: the same words and links as the HTML.

use super::body::{Block, Body};
use crate::page::Page;

pub(super) fn of(body: &Body) -> String {
    let mut page = Page::opened_with(&body.opening);
    page.heading(&body.publication, "=");
    page.paragraph(body.headline);
    for shown in &body.blocks {
        block(&mut page, shown, &body.imprint.contact.text);
    }
    if let Some((heading, mentions)) = &body.list {
        page.list(heading, mentions);
    }
    page.rule();
    page.paragraph(&body.why);
    for link in &body.links {
        page.labelled(link.label, &link.url);
    }
    page.paragraph(body.language.no_watching());
    page.imprint(&body.imprint, body.language);
    page.finished()
}

fn block(page: &mut Page, block: &Block, contact: &str) {
    match block {
        Block::Text(text) => page.paragraph(text),
        Block::Button(link) => page.labelled(link.label, &link.url),
        Block::Panel { heading, lines } => page.panel(heading, lines),
        Block::TellUs(sentence) => page.paragraph(&format!("{sentence} {contact}")),
    }
}
