//! The HTML part of a digest.

use maud::{Markup, html};

use crate::Language;
use crate::clean::direction;
use crate::contents::{Article, Contents, Mention, Tongue};
use crate::layout::{self, layout, link, panel, row};
use crate::link::Citation;
use crate::template::Hole;

/// The HTML part, with marks where something personal belongs.
pub(crate) fn of(contents: &Contents) -> String {
    let language = contents.language;
    let rows = html! {
        (layout::first_row(&masthead(contents)))
        @for article in &contents.articles { (row(&full(article, language))) }
        @if !contents.also.is_empty() { (row(&also(contents))) }
        (row(&footer(contents)))
    };
    let title = format!("{}, {}", contents.publication, contents.period);
    layout(language, &title, &rows).into_string()
}

/// The first line stands first, seen by all: an inbox shows it beside the subject.
fn masthead(contents: &Contents) -> Markup {
    html! {
        p class="quiet" style=(layout::OPENING) { (contents.opening) }
        h1 class="ink" dir=(direction(&contents.publication)) style=(layout::MASTHEAD) {
            (contents.publication)
        }
        p class="quiet" style=(layout::PERIOD) { (contents.period) }
    }
}

fn full(article: &Article, language: Language) -> Markup {
    let heading = &article.heading;
    let Tongue { lang, dir } = &heading.tongue;
    html! {
        @if let Some(kind) = &heading.kind {
            p class="link" style=(layout::KIND) { (kind) }
        }
        h2 class="ink" lang=[lang] dir=[dir] style=(layout::TITLE) {
            (titled(heading, "ink", layout::TITLE_LINK))
        }
        @if let Some(citation) = &article.citation { (cited(citation, &heading.tongue)) }
        @for paragraph in &article.summary {
            p lang=[lang] dir=[dir] style=(layout::TEXT) { (paragraph) }
        }
        @if !article.implications.is_empty() {
            (panel(&practice(article, language)))
        }
        @if !article.topics.is_empty() {
            p class="quiet" style=(layout::SMALL) {
                (language.topics()) " " (article.topics.join(" · "))
            }
        }
    }
}

fn practice(article: &Article, language: Language) -> Markup {
    let Tongue { lang, dir } = &article.heading.tongue;
    html! {
        h3 class="link" style=(layout::PRACTICE) { (language.practice()) }
        @for paragraph in &article.implications {
            p lang=[lang] dir=[dir] style=(layout::TEXT) { (paragraph) }
        }
    }
}

fn cited(citation: &Citation, tongue: &Tongue) -> Markup {
    html! {
        p class="quiet" lang=[&tongue.lang] dir=[tongue.dir] style=(layout::CITATION) {
            (citation.text)
            @if let Some(url) = &citation.link { " " (link(url, url)) }
        }
    }
}

fn also(contents: &Contents) -> Markup {
    html! {
        h2 class="ink" style=(layout::SECTION) { (contents.also_heading) }
        ul style=(layout::LIST) {
            @for mention in &contents.also {
                li style=(layout::ITEM) {
                    span lang=[&mention.tongue.lang] dir=[mention.tongue.dir] {
                        (titled(mention, "link", "color:#17655b;text-decoration:underline"))
                    }
                    @if let Some(kind) = &mention.kind {
                        " " span class="quiet" style=(layout::ASIDE) { "(" (kind) ")" }
                    }
                }
            }
        }
    }
}

fn titled(mention: &Mention, class: &str, style: &str) -> Markup {
    html! {
        @match &mention.url {
            Some(url) => a class=(class) href=(url) style=(style) { (mention.title) },
            None => (mention.title),
        }
    }
}

fn footer(contents: &Contents) -> Markup {
    let language = contents.language;
    html! {
        p class="quiet" style=(layout::SMALL) { (Hole::Why.mark()) }
        p class="quiet" style=(layout::SMALL) {
            (link(Hole::Preferences.mark(), language.preferences()))
            br;
            (link(Hole::Unsubscribe.mark(), language.unsubscribe()))
            @if let Some(url) = &contents.view_url {
                br; (link(url, language.read_on_the_web()))
            }
            @if let Some(url) = &contents.archive_url { br; (link(url, language.archive())) }
        }
        p class="quiet" style=(layout::SMALL) { (language.no_watching()) }
        p class="quiet" style=(layout::SMALL) { (sender(contents)) }
    }
}

fn sender(contents: &Contents) -> Markup {
    let contact = &contents.contact;
    html! {
        (contents.language.sent_by())
        @for line in &contents.sender { br; (line) }
        @if !contact.text.is_empty() {
            br; (contents.language.contact()) " "
            @match &contact.url {
                Some(url) => (link(url, &contact.text)),
                None => (contact.text),
            }
        }
    }
}
