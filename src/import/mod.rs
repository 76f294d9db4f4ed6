//! Archive pages and the editor's Markdown -> issues, without touching anything else.
//!
//! Bytes become blocks (`blocks`, `html`), blocks become issues (`page`); the editor's format has
//! its own way (`markdown`). A file is taken whole or not at all: what stops it is an
//! [`ImportError`], what a person should look at is a [`Note`], and both name a line.

mod blocks;
mod html;
mod kind;
mod markdown;
mod month;
mod page;
mod passed;
mod section;
mod teaser;
mod typed;

pub use markdown::{archive, markdown};
pub use month::named;
pub use passed::passed_over;
pub use typed::{line, paragraphs, text};

use crate::citation;
use crate::citation::doi;
use crate::issue::{Issue, Summary};

/// The most bytes that a file may have. The real pages have about twenty thousand.
pub const LARGEST_BYTES: usize = 4 * 1024 * 1024;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Read {
    /// In the order of the file, which on an archive page is the newest month first.
    pub issues: Vec<Issue>,
    /// In the order of the lines that they are about.
    pub notes: Vec<Note>,
}

/// Something that a person should know of a file that was read: shown as `FILE:LINE: text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub line: usize,
    pub text: String,
}

/// Why a file was refused as a whole, where, and what would mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("the file has {bytes} bytes; split it into files of at most {LARGEST_BYTES}")]
    TooLarge { bytes: usize },
    #[error("no month was found; put a line such as 'December 2020' above its summaries")]
    NoIssue,
    #[error(
        "line {line}: a summary stands here, above the first month; put a line such as 'December 2020' above it"
    )]
    NoMonth { line: usize },
    #[error(
        "line {line}: no title was found for the summary here; give it a line of its own above its citation or text"
    )]
    NoTitle { line: usize },
    #[error("line {line}: nothing stands below '{heading}'; add its text or remove the line")]
    NothingBelow { line: usize, heading: String },
    #[error(
        "line {line}: '{text}' stands between a month and its first title; move it or remove it"
    )]
    Stray { line: usize, text: String },
    #[error(
        "line {line}: {message}; the file begins with '+++', lines such as month = \"2020-12\", and '+++'"
    )]
    BadFrontMatter { line: usize, message: String },
    #[error(
        "line {line}: '{key}' is not known; use Type, Topics, DOI or Language, or put \\ before the line if it is text"
    )]
    UnknownKey { line: usize, key: String },
    #[error("line {line}: the month {month} stands in the file twice; join its summaries")]
    MonthTwice { line: usize, month: String },
    #[error("line {line}: '{key}' is given twice; keep one of them")]
    KeyTwice { line: usize, key: String },
    #[error("line {line}: '{text}' is not a DOI; write it as 10.1037/pst0000123, or 'none'")]
    BadDoi { line: usize, text: String },
    #[error("line {line}: text stands above the first title; begin a summary with '# Title'")]
    TextBeforeTitle { line: usize },
    #[error("line {line}: the title is empty; write '# ' and the title")]
    EmptyTitle { line: usize },
    #[error(
        "line {line}: '{heading}' is not a heading of a summary; use '## Practice implications', or put \\ before the line if it is text"
    )]
    UnknownHeading { line: usize, heading: String },
    #[error(
        "line {line}: a second heading of implications in one summary; begin the next summary with '# Title'"
    )]
    SecondImplications { line: usize },
    #[error(
        "line {line}: a citation stands below the text; move it below its title, or put \\ before the line if it is text"
    )]
    LateCitation { line: usize },
}

/// Reads a file by its name's ending and its content: the editor's Markdown (`.md`, `.markdown`, or
/// a first line `+++`), HTML, or the plain text of an archive page. `name` may be `-`.
pub fn read(name: &str, bytes: &[u8]) -> Result<Read, ImportError> {
    if bytes.len() > LARGEST_BYTES {
        return Err(ImportError::TooLarge { bytes: bytes.len() });
    }
    let mut notes = Vec::new();
    let text = blocks::decoded(bytes, &mut notes);
    let issues = if is_markdown(name, &text) {
        markdown::issues(&text, &mut notes)?
    } else if html::is_html(name, &text) {
        page::issues(html::blocks(&text), &mut notes)?
    } else {
        page::issues(blocks::lines(&text), &mut notes)?
    };
    notes.sort_by_key(|note| note.line);
    Ok(Read { issues, notes })
}

fn is_markdown(name: &str, text: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let opens = text.trim_start().lines().next().map(str::trim_end);
    name.ends_with(".md") || name.ends_with(".markdown") || opens == Some("+++")
}

/// Adds a note, with the part of a long text that is enough to find it.
fn note(notes: &mut Vec<Note>, line: usize, text: impl Into<String>) {
    notes.push(Note {
        line,
        text: text.into(),
    });
}

/// The beginning of a text, for a note or an error.
fn opening(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{} …", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// Fills a summary's DOI from its citation, or from a link beside it where that is all there is,
/// and warns of a citation whose own DOI does not work.
fn fill_doi(summary: &mut Summary, link: Option<String>, line: usize, notes: &mut Vec<Note>) {
    let cited = citation::read(summary.citation.as_deref().unwrap_or_default());
    let linked = link.filter(|_| cited.doi.is_none() || cited.doi_was_damaged);
    summary.doi = linked.or(cited.doi);
    if !cited.doi_was_damaged {
        return;
    }
    match &summary.doi {
        Some(doi) => note(
            notes,
            line,
            format!("the citation's DOI is damaged; it is kept as published, and {doi} is offered"),
        ),
        None => note(
            notes,
            line,
            "the citation's DOI is damaged and could not be mended",
        ),
    }
}

/// Whether two DOIs name the same study.
fn is_same_doi(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => doi::same(one, other),
        (one, other) => one == other,
    }
}
