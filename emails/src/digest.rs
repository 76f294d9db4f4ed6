use crate::contents::Contents;
use crate::template::Template;
use crate::{Language, Period, html, subject, text};

/// The content of a digest that all readers with the same summaries and language share.
#[derive(Debug, Clone)]
pub struct Digest<'a> {
    /// The language of the frame, not of the summaries.
    pub language: Language,
    /// What the publication is called.
    pub publication: &'a str,
    pub period: Period,
    /// The editor's line about the issue; without one, the first line is made from the titles.
    pub teaser: Option<&'a str>,
    /// Shown in full, the best match first.
    pub summaries: Vec<Summary<'a>>,
    /// The other summaries of the period, shown as a list of links.
    pub also: Vec<Also<'a>>,
    pub occasion: Occasion,
    pub sender: Sender<'a>,
    /// Where the issue stands on the web: public, with nothing in it that names the reader.
    pub view_url: &'a str,
    pub archive_url: &'a str,
}

/// Why these summaries are the ones shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// The summaries in full are on the reader's topics.
    Matched,
    /// None was on the reader's topics: a note and the list, nothing in full.
    NothingMatched,
    /// None was on the reader's topics, and the editor's pick stands in.
    EditorsPick,
}

/// A summary shown in full.
#[derive(Debug, Clone)]
pub struct Summary<'a> {
    /// By which the reader may wish for more or fewer like it; without one, no such links stand
    /// beside it.
    pub id: Option<i64>,
    pub title: &'a str,
    pub url: &'a str,
    /// As published; a DOI in it is shown once, as the link at its end.
    pub citation: Option<&'a str>,
    /// Bare, as `10.1016/j.cpr.2019.101810`.
    pub doi: Option<&'a str>,
    /// The display name of the type of research.
    pub research_type: Option<&'a str>,
    pub summary: Vec<&'a str>,
    pub implications: Vec<&'a str>,
    /// Display names.
    pub topics: Vec<&'a str>,
    /// ISO code of the language of title, citation and paragraphs.
    pub language: &'a str,
}

/// A summary that is only named, with a link to it.
#[derive(Debug, Clone)]
pub struct Also<'a> {
    pub title: &'a str,
    pub url: &'a str,
    pub research_type: Option<&'a str>,
    /// ISO code of the language of the title.
    pub language: &'a str,
}

/// Who sends; the law wants all three in every mail.
#[derive(Debug, Clone)]
pub struct Sender<'a> {
    pub name: &'a str,
    /// May have several lines.
    pub postal_address: &'a str,
    /// An email address, a web address, or anything else to be shown as it is.
    pub contact: &'a str,
}

/// The digest for everybody who gets these summaries in this language, with holes for what is
/// personal.
pub fn digest(digest: &Digest) -> Template {
    let contents = Contents::of(digest);
    Template {
        language: digest.language,
        subject: subject::of(digest),
        html: crate::template::cut(&html::of(&contents)),
        text: crate::template::cut(&text::of(&contents)),
    }
}
