//! The HTML part of a digest.

use maud::{Markup, html};

use crate::Language;
use crate::breakable::{Size, breakable};
use crate::clean::direction;
use crate::contents::{Article, Contact, Contents, Imprint, Mention, Tongue};
use crate::layout::{self, layout, link, panel, row};
use crate::link::{Citation, Doi};
use crate::template::Hole;

/// The HTML part, with marks where something personal belongs.
pub(crate) fn of(contents: &Contents) -> String {
    let language = contents.language;
    let masthead = masthead(&contents.opening, &contents.publication, &contents.period);
    let rows = html! {
        (layout::first_row(&masthead))
        @for article in &contents.articles { (row(&full(article, language))) }
        @if !contents.also.is_empty() { (row(&list(contents.also_heading, &contents.also))) }
        (row(&footer(contents)))
    };
    let title = format!("{}, {}", contents.publication, contents.period);
    layout(language, &title, &rows).into_string()
}

/// The first line stands first, seen by all: an inbox shows it beside the subject.
pub(crate) fn masthead(opening: &str, publication: &str, below: &str) -> Markup {
    html! {
        p style=(layout::OPENING) { (breakable(opening, Size::Small)) }
        h1 dir=(direction(publication)) style=(layout::MASTHEAD) {
            (breakable(publication, Size::Masthead))
        }
        p style=(layout::PERIOD) { (below) }
    }
}

fn full(article: &Article, language: Language) -> Markup {
    let heading = &article.heading;
    let Tongue { lang, dir } = &heading.tongue;
    html! {
        @if let Some(kind) = &heading.kind {
            p style=(layout::KIND) { (breakable(kind, Size::Small)) }
        }
        h2 lang=[lang] dir=[dir] style=(layout::TITLE) {
            (titled(heading, Size::Title, layout::TITLE_LINK))
        }
        @if let Some(citation) = &article.citation { (cited(citation, &heading.tongue)) }
        @for paragraph in &article.summary {
            p lang=[lang] dir=[dir] style=(layout::TEXT) { (breakable(paragraph, Size::Text)) }
        }
        @if !article.implications.is_empty() {
            (panel(&practice(article, language)))
        }
        @if !article.topics.is_empty() {
            p style=(layout::SMALL) {
                (language.topics()) " " (breakable(&article.topics.join(" · "), Size::Small))
            }
        }
        @if let Some(wishes) = &article.wishes {
            p style=(layout::SMALL) {
                (link(&wishes.more, language.more_like_this())) " · "
                (link(&wishes.fewer, language.fewer_like_this()))
            }
        }
    }
}

fn practice(article: &Article, language: Language) -> Markup {
    let Tongue { lang, dir } = &article.heading.tongue;
    html! {
        h3 style=(layout::PRACTICE) { (language.practice()) }
        @for paragraph in &article.implications {
            p lang=[lang] dir=[dir] style=(layout::TEXT) { (breakable(paragraph, Size::Text)) }
        }
    }
}

fn cited(citation: &Citation, tongue: &Tongue) -> Markup {
    html! {
        p lang=[&tongue.lang] dir=[tongue.dir] style=(layout::CITATION) {
            (breakable(&citation.text, Size::Small))
            @if let Some(doi) = &citation.doi {
                @if !citation.text.is_empty() { br; }
                (doi_link(doi))
            }
        }
    }
}

/// The DOI itself is what is linked: it is shorter than its address and as well known.
fn doi_link(doi: &Doi) -> Markup {
    link(&doi.url, &format!("DOI {}", doi.name))
}

/// A list of titles, with the types of research where they are known.
pub(crate) fn list(heading: &str, mentions: &[Mention]) -> Markup {
    html! {
        h2 style=(layout::SECTION) { (heading) }
        ul style=(layout::LIST) {
            @for mention in mentions {
                li style=(layout::ITEM) {
                    span lang=[&mention.tongue.lang] dir=[mention.tongue.dir] {
                        (titled(mention, Size::Text, layout::LINK))
                    }
                    @if let Some(kind) = &mention.kind {
                        " " span style=(layout::ASIDE) { "(" (breakable(kind, Size::Small)) ")" }
                    }
                }
            }
        }
    }
}

fn titled(mention: &Mention, size: Size, style: &str) -> Markup {
    let title = breakable(&mention.title, size);
    html! {
        @match &mention.url {
            Some(url) => a href=(url) style=(style) { (title) },
            None => (title),
        }
    }
}

fn footer(contents: &Contents) -> Markup {
    let language = contents.language;
    html! {
        p style=(layout::SMALL) { (Hole::Why.mark()) }
        p style=(layout::SMALL) {
            (link(Hole::Preferences.mark(), language.preferences()))
            br;
            (link(Hole::Unsubscribe.mark(), language.unsubscribe()))
            @if let Some(url) = &contents.view_url {
                br; (link(url, language.read_on_the_web()))
            }
            @if let Some(url) = &contents.archive_url { br; (link(url, language.archive())) }
        }
        p style=(layout::SMALL) { (language.no_watching()) }
        p style=(layout::SMALL) { (imprint(&contents.imprint, language)) }
    }
}

/// Who sends.
pub(crate) fn imprint(imprint: &Imprint, language: Language) -> Markup {
    let contact = &imprint.contact;
    html! {
        (language.sent_by())
        @for line in &imprint.lines { br; (breakable(line, Size::Small)) }
        @if !contact.text.is_empty() { br; (language.contact()) " " (reached(contact)) }
    }
}

/// The contact, as a link where it is one.
pub(crate) fn reached(contact: &Contact) -> Markup {
    html! {
        @match &contact.url {
            Some(url) => (link(url, &contact.text)),
            None => (breakable(&contact.text, Size::Small)),
        }
    }
}
