//! The editor's format: an issue as Markdown that a person can write.
//!
//! ```text
//! +++
//! month = "2020-12"
//! teaser = "…I blog about one thing, and another."
//! language = "en"
//! +++
//!
//! # The title of a summary
//! > Lin, T., & Stone, S. J. (2021). A study. Psychotherapy, 58, 449–459.
//! Type: meta-analysis
//! Topics: depression, alliance
//! DOI: 10.1037/pst0000123
//! Language: fr
//!
//! A paragraph, whose lines
//! are joined with a space.
//!
//! - A line that begins with '- ' is a paragraph of its own, so lists can be written.
//!
//! ## Practice implications
//!
//! A paragraph.
//! ```
//!
//! Only `month` and the titles must be given; `language` is `en` unless it says otherwise. `DOI` is
//! for a study whose citation holds none, or another (`none`: it has none after all), `Language`
//! for a summary that is not in the issue's. The heading of the implications may have any of the
//! spellings that archive pages have. Another `+++` begins the front matter of another issue, so
//! that one file may hold a whole archive. All else is literal text: no emphasis, no links. Where text
//! would be taken for markup, a `\` goes before it; one `\` at the beginning of a line is dropped.
//! Text is brought into the same normal form as that of an archive page (plain spaces, no soft
//! hyphens), so an issue that was read once is read the same from what is written here.

use serde::{Deserialize, Serialize};

use crate::citation;
use crate::issue::{Issue, Month, Summary};

use super::blocks::{Block, lines};
use super::kind::{is_french_implications, is_implications};
use super::{ImportError, Note, fill_doi, is_same_doi, month, note, opening};

const MARK: &str = "+++";
const IMPLICATIONS: &str = "Practice implications";
const KEYS: [&str; 4] = ["Type", "Topics", "DOI", "Language"];

/// An issue in the editor's format. Reading it again gives the issue.
pub fn markdown(issue: &Issue) -> String {
    let language = issue
        .summaries
        .first()
        .map(|summary| summary.language.clone());
    let language = language.filter(|language| !language.is_empty());
    let front = FrontMatter {
        month: issue.month.to_string(),
        teaser: issue.teaser.clone(),
        language: language.clone().unwrap_or_else(default_language),
    };
    let front_matter = toml::to_string(&front).expect("three strings can be written as TOML");
    let mut text = format!("{MARK}\n{front_matter}{MARK}\n");
    for summary in &issue.summaries {
        write_summary(&mut text, summary, &front.language);
    }
    text
}

/// Any number of issues as one file, which `read` reads again.
pub fn archive<'a>(issues: impl IntoIterator<Item = &'a Issue>) -> String {
    let texts: Vec<String> = issues.into_iter().map(markdown).collect();
    texts.join("\n")
}

/// The issues that a text in the editor's format holds, in its order.
pub(super) fn issues(text: &str, notes: &mut Vec<Note>) -> Result<Vec<Issue>, ImportError> {
    let mut issues: Vec<Issue> = Vec::new();
    let (mut rest, mut above) = (text, 0);
    loop {
        let (issue, length) = issue(rest, above, notes)?;
        if issues.iter().any(|known| known.month == issue.month) {
            return Err(ImportError::MonthTwice {
                line: above + 1,
                month: issue.month.to_string(),
            });
        }
        issues.push(issue);
        above += rest[..length].matches('\n').count();
        rest = &rest[length..];
        if rest.is_empty() {
            return Ok(issues);
        }
    }
}

/// The issue that `text` opens with, and how many bytes of it that took. `above`: how many lines of the file stand above.
fn issue(text: &str, above: usize, notes: &mut Vec<Note>) -> Result<(Issue, usize), ImportError> {
    let (front, month, body) = front_matter(text, above)?;
    let start = text.len() - body.len();
    let body = &body[..next_issue(body)];
    let mut reading = Reading {
        summaries: Vec::new(),
        open: None,
        language: front.language,
        notes,
    };
    let offset = above + text[..start].matches('\n').count();
    let mut before = 0;
    for block in lines(body) {
        let is_apart = block.line > before + 1;
        before = block.line;
        let line = Block {
            line: block.line + offset,
            ..block
        };
        reading.line(&line, is_apart)?;
    }
    reading.close();
    let summaries = reading.summaries;
    if summaries.is_empty() {
        return Err(ImportError::TextBeforeTitle { line: offset + 1 });
    }
    let issue = Issue {
        month,
        teaser: front.teaser,
        summaries,
    };
    Ok((issue, start + body.len()))
}

/// Where in a body the front matter of another issue begins; its end, if there is none.
fn next_issue(body: &str) -> usize {
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        if line.trim_end() == MARK {
            return at;
        }
        at += line.len();
    }
    body.len()
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    month: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    teaser: Option<String>,
    #[serde(default = "default_language")]
    language: String,
}

fn default_language() -> String {
    "en".to_owned()
}

fn front_matter(text: &str, offset: usize) -> Result<(FrontMatter, Month, &str), ImportError> {
    let bad = |line: usize, message: &str| ImportError::BadFrontMatter {
        line,
        message: message.to_owned(),
    };
    let opened = text.trim_start();
    let above = offset + text[..text.len() - opened.len()].matches('\n').count();
    let mut rest = opened;
    if next_line(&mut rest) != Some(MARK) {
        return Err(bad(above + 1, "the front matter is missing"));
    }
    let start = rest;
    loop {
        let held = start.len() - rest.len();
        match next_line(&mut rest) {
            Some(MARK) => {
                let front = &start[..held];
                let line = |at: usize| {
                    above + 2 + front[..front.floor_char_boundary(at)].matches('\n').count()
                };
                let read: FrontMatter = toml::from_str(front).map_err(|e| {
                    bad(
                        e.span().map_or(above + 2, |span| line(span.start)),
                        e.message(),
                    )
                })?;
                let named = read
                    .month
                    .parse()
                    .ok()
                    .or_else(|| month::named(&read.month));
                let at = front.find("month").unwrap_or(0);
                let month = named.ok_or_else(|| bad(line(at), "the month cannot be read"))?;
                return Ok((read, month, rest));
            }
            Some(_) => {}
            None => return Err(bad(above + 1, "the front matter does not end")),
        }
    }
}

/// Takes the next line off `rest`, without spaces at its end.
fn next_line<'a>(rest: &mut &'a str) -> Option<&'a str> {
    if rest.is_empty() {
        return None;
    }
    let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
    *rest = after;
    Some(line.trim_end())
}

/// The summary being read.
struct Open {
    summary: Summary,
    title_line: usize,
    /// `DOI: none`, or the DOI itself.
    doi: Option<Option<String>>,
    keys: Vec<&'static str>,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Below the title: a citation and keys may come.
    Head,
    Text,
    Implications,
}

struct Reading<'a> {
    summaries: Vec<Summary>,
    open: Option<Open>,
    language: String,
    notes: &'a mut Vec<Note>,
}

impl Reading<'_> {
    /// One line that holds something; `is_apart`: an empty line stands above it.
    fn line(&mut self, block: &Block, is_apart: bool) -> Result<(), ImportError> {
        let (line, text) = (block.line, block.text.as_str());
        if text == "#" {
            return Err(ImportError::EmptyTitle { line });
        }
        if let Some(title) = text.strip_prefix("# ") {
            self.close();
            self.begin(line, title.trim());
            return Ok(());
        }
        let open = self
            .open
            .as_mut()
            .ok_or(ImportError::TextBeforeTitle { line })?;
        if text.starts_with('#') {
            return open.heading(line, text);
        }
        if let Some(citation) = text.strip_prefix('>') {
            return open.cite(line, citation.trim());
        }
        if open.place == Place::Head && open.key(line, text, is_apart)? {
            return Ok(());
        }
        open.text(text, is_apart);
        Ok(())
    }

    fn begin(&mut self, line: usize, title: &str) {
        let summary = Summary {
            title: literal(title).to_owned(),
            language: self.language.clone(),
            ..Summary::default()
        };
        self.open = Some(Open {
            summary,
            title_line: line,
            doi: None,
            keys: Vec::new(),
            place: Place::Head,
        });
    }

    fn close(&mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        fill_doi(&mut open.summary, None, open.title_line, self.notes);
        if let Some(doi) = open.doi {
            open.summary.doi = doi;
        }
        if open.summary.summary.is_empty() {
            let text = format!("'{}' has no text", opening(&open.summary.title));
            note(self.notes, open.title_line, text);
        }
        self.summaries.push(open.summary);
    }
}

impl Open {
    fn heading(&mut self, line: usize, text: &str) -> Result<(), ImportError> {
        let heading = text.trim_start_matches('#').trim();
        if !text.starts_with("## ") || !is_implications(heading) {
            return Err(ImportError::UnknownHeading {
                line,
                heading: opening(text),
            });
        }
        if self.place == Place::Implications {
            return Err(ImportError::SecondImplications { line });
        }
        self.place = Place::Implications;
        if is_french_implications(heading) && !self.keys.contains(&"Language") {
            self.summary.language = "fr".to_owned();
        }
        Ok(())
    }

    fn cite(&mut self, line: usize, text: &str) -> Result<(), ImportError> {
        if self.place != Place::Head {
            return Err(ImportError::LateCitation { line });
        }
        match &mut self.summary.citation {
            Some(citation) => *citation = format!("{citation} {}", literal(text)),
            None => self.summary.citation = Some(literal(text).to_owned()),
        }
        Ok(())
    }

    /// Whether the line was a key. Directly below the title anything that looks like one must be;
    /// behind an empty line only a slip of the pen, `Typ:` or `Topic:`, is refused.
    fn key(&mut self, line: usize, text: &str, is_apart: bool) -> Result<bool, ImportError> {
        let Some((word, value)) = key_and_value(text) else {
            return Ok(false);
        };
        let Some(key) = KEYS.into_iter().find(|key| key.eq_ignore_ascii_case(word)) else {
            if is_apart && !is_near_a_key(word) {
                return Ok(false);
            }
            return Err(ImportError::UnknownKey {
                line,
                key: word.to_owned(),
            });
        };
        if self.keys.contains(&key) {
            return Err(ImportError::KeyTwice {
                line,
                key: key.to_owned(),
            });
        }
        self.keys.push(key);
        match key {
            "Type" => self.summary.research_type = stated(value),
            "Topics" => self.summary.topics = value.split(',').filter_map(stated).collect(),
            "DOI" => self.doi = Some(doi(line, value)?),
            _ => self.summary.language = value.to_owned(),
        }
        Ok(true)
    }

    fn text(&mut self, text: &str, is_apart: bool) {
        let is_first = self.place == Place::Head;
        if is_first {
            self.place = Place::Text;
        }
        let paragraphs = match self.place {
            Place::Implications => &mut self.summary.implications,
            _ => &mut self.summary.summary,
        };
        match paragraphs.last_mut() {
            Some(paragraph) if !is_apart && !text.starts_with("- ") => {
                paragraph.push(' ');
                paragraph.push_str(literal(text));
            }
            _ => paragraphs.push(literal(text).to_owned()),
        }
    }
}

fn stated(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn doi(line: usize, value: &str) -> Result<Option<String>, ImportError> {
    if value.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let found = citation::doi::find(value).filter(|found| found.start == 0);
    let bad = || ImportError::BadDoi {
        line,
        text: opening(value),
    };
    found.map(|found| Some(found.doi)).ok_or_else(bad)
}

fn key_and_value(text: &str) -> Option<(&str, &str)> {
    let (word, value) = text.split_once(':')?;
    let is_word = (1..=12).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphabetic());
    is_word.then(|| (word, value.trim()))
}

/// Whether a word was probably meant for a key: its beginning, or the key and a letter more.
fn is_near_a_key(word: &str) -> bool {
    const OTHERS: [&str; 6] = ["tags", "topic", "lang", "citation", "title", "month"];
    let word = word.to_ascii_lowercase();
    let is_near = |key: &&str| {
        let key = key.to_ascii_lowercase();
        word.len() >= 3
            && (key.starts_with(&word) || word.starts_with(&key) && word.len() <= key.len() + 1)
    };
    KEYS.iter().any(is_near) || OTHERS.contains(&word.as_str())
}

/// Text without the one `\` that keeps it from being markup.
fn literal(text: &str) -> &str {
    text.strip_prefix('\\').unwrap_or(text)
}

/// Text with a `\` before it where it would be taken for markup.
fn escaped(text: &str) -> String {
    let is_key = key_and_value(text).is_some_and(|(word, _)| {
        KEYS.iter().any(|key| key.eq_ignore_ascii_case(word)) || is_near_a_key(word)
    });
    if is_key || text.starts_with(['#', '>', '\\']) || text == MARK {
        format!("\\{text}")
    } else {
        text.to_owned()
    }
}

fn write_summary(text: &mut String, summary: &Summary, language: &str) {
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!("\n# {}", escaped(&summary.title)));
    if let Some(citation) = &summary.citation {
        line(format!("> {}", escaped(citation)));
    }
    if let Some(research_type) = &summary.research_type {
        line(format!("Type: {research_type}"));
    }
    if !summary.topics.is_empty() {
        line(format!("Topics: {}", summary.topics.join(", ")));
    }
    let cited = citation::read(summary.citation.as_deref().unwrap_or_default()).doi;
    if !is_same_doi(summary.doi.as_deref(), cited.as_deref()) {
        line(format!("DOI: {}", summary.doi.as_deref().unwrap_or("none")));
    }
    if summary.language != language && !summary.language.is_empty() {
        line(format!("Language: {}", summary.language));
    }
    for paragraph in &summary.summary {
        line(format!("\n{}", escaped(paragraph)));
    }
    if !summary.implications.is_empty() {
        line(format!("\n## {IMPLICATIONS}"));
    }
    for paragraph in &summary.implications {
        line(format!("\n{}", escaped(paragraph)));
    }
}
