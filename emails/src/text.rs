//! The text part of a digest: the same words and links as the HTML.

use crate::contents::{Article, Contents};
use crate::page::Page;
use crate::template::Hole;

/// The text part, with marks where something personal belongs.
pub(crate) fn of(contents: &Contents) -> String {
    let mut page = Page::opened_with(&contents.opening);
    page.heading(&contents.publication, "=");
    page.line(&contents.period);
    page.gap();
    for shown in &contents.articles {
        article(&mut page, shown, contents);
    }
    if !contents.also.is_empty() {
        page.list(contents.also_heading, &contents.also);
    }
    footer(&mut page, contents);
    page.finished()
}

fn article(page: &mut Page, article: &Article, contents: &Contents) {
    let heading = &article.heading;
    if let Some(kind) = &heading.kind {
        page.line(kind);
    }
    page.heading(&heading.title, "-");
    heading.url.iter().for_each(|url| page.line(url));
    page.gap();
    if let Some(citation) = &article.citation {
        page.line(&citation.text);
        citation.doi.iter().for_each(|doi| page.line(&doi.url));
        page.gap();
    }
    for paragraph in &article.summary {
        page.paragraph(paragraph);
    }
    if !article.implications.is_empty() {
        page.panel(contents.language.practice(), &article.implications);
    }
    if !article.topics.is_empty() {
        let topics = article.topics.join(" · ");
        page.paragraph(&format!("{} {topics}", contents.language.topics()));
    }
    if let Some(wishes) = &article.wishes {
        page.line(contents.language.more_like_this());
        page.line(&wishes.more);
        page.labelled(contents.language.fewer_like_this(), &wishes.fewer);
    }
    page.gap();
    page.gap_line();
}

fn footer(page: &mut Page, contents: &Contents) {
    let language = contents.language;
    page.rule();
    page.paragraph(Hole::Why.mark());
    page.labelled(language.preferences(), Hole::Preferences.mark());
    page.labelled(language.unsubscribe(), Hole::Unsubscribe.mark());
    if let Some(url) = &contents.view_url {
        page.labelled(language.read_on_the_web(), url);
    }
    if let Some(url) = &contents.archive_url {
        page.labelled(language.archive(), url);
    }
    page.paragraph(language.no_watching());
    page.imprint(&contents.imprint, language);
}
