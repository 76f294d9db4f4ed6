//! The blocks of an archive page -> its issues.
//!
//! A month begins an issue; what stands above the first one is the site's own, the teaser aside.
//! A month with nothing below it is a link of the site. Everything below a month is either part of
//! a summary or named in a note.

use std::collections::HashSet;

use crate::issue::{Issue, Month};

use super::blocks::Block;
use super::kind::{Kind, Line, is_fragment, is_item, is_long, lines};
use super::{ImportError, Note, month, note, opening, section, teaser};

/// The issues of a page in its own order, and what a person should look at.
pub(super) fn issues(blocks: Vec<Block>, notes: &mut Vec<Note>) -> Result<Vec<Issue>, ImportError> {
    let above = blocks
        .iter()
        .take_while(|block| month::named(&block.text).is_none());
    let announced = teaser::find(above.cloned().collect::<Vec<_>>().as_slice());
    let lines = lines(blocks);
    let titles = section::title_levels(&lines);
    let mut parts = parts(&lines)?;
    parts.retain(|part| part.holds_content(notes));
    let mut issues: Vec<Issue> = Vec::new();
    let last = parts.len().saturating_sub(1);
    for (index, part) in parts.iter().enumerate() {
        let kept = part.content(&titles, index == last, notes);
        let language = if month::is_french(part.name) {
            "fr"
        } else {
            "en"
        };
        let summaries = section::summaries(&kept, &titles, language, notes)?;
        let line = part.line;
        match issues.iter_mut().find(|issue| issue.month == part.month) {
            Some(issue) => {
                note(
                    notes,
                    line,
                    format!("{} stands here again; its summaries were joined", part.name),
                );
                issue.summaries.extend(summaries);
            }
            None => issues.push(Issue {
                month: part.month,
                teaser: part.teaser.clone(),
                summaries,
            }),
        }
    }
    without_repeats(&mut issues, notes);
    if issues.is_empty() {
        return Err(ImportError::NoIssue);
    }
    announce(announced, &mut issues, notes);
    Ok(issues)
}

/// A month and the lines below it.
struct Part<'a> {
    month: Month,
    name: &'a str,
    line: usize,
    heading: Option<u8>,
    /// The line before is a month too, as in a list of links.
    is_listed: bool,
    /// The month's own teaser, where it stands right below the month.
    teaser: Option<String>,
    lines: &'a [Line],
}

fn parts(lines: &[Line]) -> Result<Vec<Part<'_>>, ImportError> {
    let starts = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| match line.kind {
            Kind::Month(month) => Some((at, month)),
            _ => None,
        });
    let starts: Vec<_> = starts.collect();
    let first = starts.first().map_or(lines.len(), |(at, _)| *at);
    if let Some(line) = lines[..first].iter().find(|line| line.is_anchor()) {
        return Err(ImportError::NoMonth {
            line: line.block.line,
        });
    }
    let ends = starts
        .iter()
        .skip(1)
        .map(|(at, _)| *at)
        .chain([lines.len()]);
    let part = |((start, month), end): (&(usize, _), usize)| {
        let (teaser, above) = own_teaser(&lines[start + 1..end]);
        Part {
            month: *month,
            name: lines[*start].text(),
            line: lines[*start].block.line,
            heading: lines[*start].block.heading,
            is_listed: *start > 0 && matches!(lines[start - 1].kind, Kind::Month(_)),
            teaser,
            lines: &lines[start + 1 + above..end],
        }
    };
    Ok(starts.iter().zip(ends).map(part).collect())
}

/// The teaser at the head of a month's lines, and how many of them it takes.
fn own_teaser(lines: &[Line]) -> (Option<String>, usize) {
    let is_lead = |line: &&Line| {
        line.text()
            .to_lowercase()
            .trim_matches(['.', '…', ' ', ':'])
            == "this month"
    };
    let lead = usize::from(lines.first().filter(is_lead).is_some());
    match lines
        .get(lead)
        .and_then(|line| teaser::find(std::slice::from_ref(&line.block)))
    {
        Some((_, teaser)) => (Some(teaser), lead + 1),
        None => (None, 0),
    }
}

impl Part<'_> {
    /// Whether anything below the month is a summary; otherwise the month is a link of the site.
    fn holds_content(&self, notes: &mut Vec<Note>) -> bool {
        if self.lines.iter().any(Line::is_anchor) {
            return true;
        }
        let has_text = |line: &Line| line.is(Kind::Text) && is_long(line.text());
        if !self.is_listed && self.lines.iter().any(has_text) {
            return true;
        }
        if !self.lines.is_empty() {
            let text = format!("no summary was found below {}; it was left out", self.name);
            note(notes, self.line, text);
        }
        false
    }

    /// The lines that belong to the month: without navigation, and without what follows it on the
    /// page. What is left out is named in the notes.
    fn content(&self, titles: &[u8], is_last: bool, notes: &mut Vec<Note>) -> Vec<Line> {
        let end = self.outside(titles).min(if is_last {
            self.trailing()
        } else {
            self.lines.len()
        });
        for line in &self.lines[end..] {
            left_out(line, notes);
        }
        let mut kept = Vec::new();
        for line in &self.lines[..end] {
            if line.is(Kind::Navigation) {
                left_out(line, notes);
            } else {
                kept.push(line.clone());
            }
        }
        kept
    }

    /// Where a heading of the month's own rank opens another part of the page.
    fn outside(&self, titles: &[u8]) -> usize {
        let Some(rank) = self
            .heading
            .filter(|rank| titles.iter().all(|title| title > rank))
        else {
            return self.lines.len();
        };
        let is_closing = |line: &Line| {
            line.is(Kind::Text) && line.block.heading.is_some_and(|level| level <= rank)
        };
        let after = self
            .lines
            .iter()
            .rposition(Line::is_anchor)
            .map_or(0, |at| at + 1);
        let closing = self.lines[after..].iter().position(is_closing);
        closing.map_or(self.lines.len(), |at| after + at)
    }

    /// Where the site's own lines begin behind the last paragraph of the page: at a list of links,
    /// after which nothing is the month's, or else at the last lines if they are no sentences.
    fn trailing(&self) -> usize {
        let lines = self.lines;
        let after = lines.iter().rposition(|line| line.is(Kind::Implications));
        let last_anchor = lines.iter().rposition(Line::is_anchor).unwrap_or(0);
        let first = after.map_or(2, |at| at + 2).min(lines.len());
        let own = self.own_to_the_site();
        let run = |at: usize| own[at..].iter().take_while(|is_own| **is_own).count();
        let mut at = first;
        while at < lines.len() {
            let length = run(at);
            if length >= 3 && last_anchor < at + length {
                return at;
            }
            at += length.max(1);
        }
        lines.len()
            - own[first..]
                .iter()
                .rev()
                .take_while(|is_own| **is_own)
                .count()
    }

    /// For each line whether it looks like the site's own. A list is the author's where a colon
    /// introduces it or its first item is a sentence.
    fn own_to_the_site(&self) -> Vec<bool> {
        let mut is_authors_list = false;
        let mut before = "";
        let mut own = Vec::with_capacity(self.lines.len());
        for line in self.lines {
            let text = line.text();
            let is_own = is_fragment(text) || line.is(Kind::Navigation);
            let is_first = !is_item(before);
            is_authors_list = is_item(text)
                && (is_authors_list || is_first && (before.ends_with(':') || !is_own));
            own.push(is_own && !is_authors_list);
            before = text;
        }
        own
    }
}

fn left_out(line: &Line, notes: &mut Vec<Note>) {
    let text = format!("left out, as the site's own: '{}'", opening(line.text()));
    note(notes, line.block.line, text);
}

/// A summary that a page prints twice in one month is one summary.
fn without_repeats(issues: &mut [Issue], notes: &mut Vec<Note>) {
    for issue in issues {
        let mut seen = HashSet::new();
        let mut kept = Vec::with_capacity(issue.summaries.len());
        for summary in issue.summaries.drain(..) {
            let texts = (
                summary.title.clone(),
                summary.summary.clone(),
                summary.implications.clone(),
            );
            if seen.insert(texts) {
                kept.push(summary);
            } else {
                note(
                    notes,
                    1,
                    format!(
                        "'{}' stands twice in {}; one was kept",
                        summary.title, issue.month
                    ),
                );
            }
        }
        issue.summaries = kept;
    }
}

/// The teaser announces the blog's newest month, which a page of older ones does not hold.
fn announce(teaser: Option<(usize, String)>, issues: &mut [Issue], notes: &mut Vec<Note>) {
    let Some((line, teaser)) = teaser else { return };
    let Some(newest) = issues.iter_mut().max_by_key(|issue| issue.month) else {
        return;
    };
    if newest.teaser.is_some() {
        return;
    }
    if teaser::fits(&teaser, &newest.summaries) {
        newest.teaser = Some(teaser);
    } else {
        let text = format!(
            "the teaser does not fit the titles of {}; it was left out",
            newest.month
        );
        note(notes, line, text);
    }
}
