//! The lines below one month -> its summaries.
//!
//! The places of titles are settled first (`starts`), from what is certain to what is likely:
//! the line above a citation, a heading of the rank that titles have, the month's first line, and
//! between two headings of implications the line that looks most like a title.

use std::collections::BTreeSet;

use crate::issue::Summary;

use super::kind::{
    Kind, Line, capitals, ends_sentence, is_french_implications, is_item, is_long, is_same,
    is_surely_title, is_title_like,
};
use super::{ImportError, Note, fill_doi, note, opening};

/// The ranks of heading that the page's titles have; empty where they are no headings.
pub(super) fn title_levels(lines: &[Line]) -> Vec<u8> {
    let is_titled = |pair: &&[Line]| {
        let opens_month = matches!(pair[0].kind, Kind::Month(_));
        let (title, below) = (&pair[1], &pair[2]);
        title.is(Kind::Text) && (opens_month || below.is(Kind::Citation))
    };
    let titles = lines
        .windows(3)
        .filter(is_titled)
        .filter_map(|pair| pair[1].block.heading);
    titles.collect::<BTreeSet<u8>>().into_iter().collect()
}

/// The summaries of a month, each line of it in its place.
pub(super) fn summaries(
    lines: &[Line],
    titles: &[u8],
    language: &str,
    notes: &mut Vec<Note>,
) -> Result<Vec<Summary>, ImportError> {
    let lines = without_doubles(lines, notes);
    let starts: Vec<usize> = starts(&lines, titles, notes)?.into_iter().collect();
    let first = starts.first().copied().unwrap_or(lines.len());
    for line in &lines[..first] {
        if is_long(line.text()) || line.is_anchor() {
            return Err(ImportError::Stray {
                line: line.block.line,
                text: opening(line.text()),
            });
        }
        let text = format!(
            "left out, between the month and its first title: '{}'",
            opening(line.text())
        );
        note(notes, line.block.line, text);
    }
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let ranges = starts.iter().copied().zip(ends);
    ranges
        .map(|(start, end)| summary(&lines[start..end], language, notes))
        .collect()
}

/// Headings of implications, citations and titles that stand twice in a row stand once.
fn without_doubles(lines: &[Line], notes: &mut Vec<Note>) -> Vec<Line> {
    let mut kept: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        let is_double = kept.last().is_some_and(|before| {
            before.kind == line.kind
                && is_same(before.text(), line.text())
                && (line.is_anchor() || is_title_like(line.text()))
        });
        if is_double {
            note(
                notes,
                line.block.line,
                format!("'{}' stands twice", opening(line.text())),
            );
        } else {
            kept.push(once(line, notes));
        }
    }
    kept
}

/// A title printed twice on one line, as a heading and its own link come out.
fn once(line: &Line, notes: &mut Vec<Note>) -> Line {
    let mut line = line.clone();
    let text = line.text();
    let half = text.len() / 2;
    let one = text.get(..half).map(str::trim_end).unwrap_or_default();
    let is_twice = text
        .get(half..)
        .is_some_and(|rest| rest.trim_start() == one);
    if line.is(Kind::Text) && is_twice && one.len() >= 15 && is_title_like(one) {
        let one = one.to_owned();
        note(
            notes,
            line.block.line,
            format!("'{}' stands twice", opening(&one)),
        );
        line.block.text = one;
    }
    line
}

/// The places of the titles.
fn starts(
    lines: &[Line],
    titles: &[u8],
    notes: &mut Vec<Note>,
) -> Result<BTreeSet<usize>, ImportError> {
    let mut starts = BTreeSet::new();
    for at in 0..lines.len() {
        if is_headed(lines, at, titles) {
            starts.insert(at);
        }
    }
    above_citations(lines, &mut starts)?;
    at_the_top(lines, &mut starts)?;
    between_implications(lines, &mut starts, notes)?;
    if titles.is_empty() {
        by_their_looks(lines, &mut starts, notes);
    }
    Ok(starts)
}

/// A heading of the titles' rank, with something below it.
fn is_headed(lines: &[Line], at: usize, titles: &[u8]) -> bool {
    let is_title = |line: &Line| {
        line.is(Kind::Text)
            && line
                .block
                .heading
                .is_some_and(|level| titles.contains(&level))
    };
    is_title(&lines[at]) && lines.get(at + 1).is_some_and(|below| !is_title(below))
}

/// The line above a citation is a title, unless it is a paragraph: then the citation stands below
/// its summary's text, and says nothing of a title.
fn above_citations(lines: &[Line], starts: &mut BTreeSet<usize>) -> Result<(), ImportError> {
    for (at, line) in lines.iter().enumerate() {
        if !line.is(Kind::Citation) {
            continue;
        }
        let above = at.checked_sub(1).map(|above| &lines[above]);
        match above {
            Some(above) if above.is(Kind::Text) => {
                let opens = at == 1 || lines[at - 2].is(Kind::Implications);
                let is_sentence = above.text().ends_with('.') && capitals(above.text()) < 0.5;
                let is_paragraph = is_long(above.text()) && !is_title_like(above.text());
                if !is_paragraph && !is_item(above.text()) && (at == 1 || !is_sentence && !opens) {
                    starts.insert(at - 1);
                } else if at == 1 || !has_open_summary(&lines[..at], starts) {
                    return Err(ImportError::NoTitle {
                        line: line.block.line,
                    });
                }
            }
            Some(above) if above.is(Kind::Citation) => {}
            _ => {
                return Err(ImportError::NoTitle {
                    line: line.block.line,
                });
            }
        }
    }
    Ok(())
}

/// Whether the lines end within a summary that has neither a citation nor implications yet.
fn has_open_summary(lines: &[Line], starts: &BTreeSet<usize>) -> bool {
    let start = starts.last().copied().unwrap_or(0);
    !lines[start..].iter().any(Line::is_anchor)
}

/// The month's first line is a title if its text or its implications follow before another title.
fn at_the_top(lines: &[Line], starts: &mut BTreeSet<usize>) -> Result<(), ImportError> {
    let Some(top) = lines.first() else {
        return Ok(());
    };
    let first = starts.first().copied().unwrap_or(lines.len());
    let holds_summary = lines[..first]
        .iter()
        .any(|line| line.is_anchor() || is_long(line.text()));
    if first == 0 || !(holds_summary || starts.is_empty()) {
        return Ok(());
    }
    let is_paragraph = is_long(top.text()) || (top.text().len() > 120 && ends_sentence(top.text()));
    if !top.is(Kind::Text) || is_item(top.text()) || (is_paragraph && !is_title_like(top.text())) {
        return Err(ImportError::NoTitle {
            line: top.block.line,
        });
    }
    starts.insert(0);
    Ok(())
}

/// Each heading of implications has its title: between two of them, one must be found.
fn between_implications(
    lines: &[Line],
    starts: &mut BTreeSet<usize>,
    notes: &mut Vec<Note>,
) -> Result<(), ImportError> {
    let heads = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.is(Kind::Implications));
    let heads: Vec<usize> = heads.map(|(at, _)| at).collect();
    for pair in heads.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if starts.range(from + 1..to).next().is_none() {
            let at = likeliest(lines, from, to, notes);
            starts.insert(at.ok_or(ImportError::NoTitle {
                line: lines[to].block.line,
            })?);
        }
    }
    Ok(())
}

/// The line between two headings of implications that looks most like a title. At least one line
/// stands above it and one below it; a line with a full stop is taken only where no other will do.
fn likeliest(lines: &[Line], from: usize, to: usize, notes: &mut Vec<Note>) -> Option<usize> {
    let places = || from + 2..to.saturating_sub(1);
    let mut best: Vec<(i32, usize)> = places()
        .filter(|at| is_title_like(lines[*at].text()))
        .map(|at| (likelihood(lines, at), at))
        .collect();
    best.sort_unstable();
    let Some((most, at)) = best.pop() else {
        let is_capital = |at: &usize| {
            let text = lines[*at].text();
            text.len() <= 150 && !is_item(text) && capitals(text) >= 0.75
        };
        return places().rfind(is_capital);
    };
    if best.last().is_some_and(|(next, _)| most - next < 10) {
        let text = format!(
            "taken for a title, though other lines near it look like one: '{}'",
            opening(lines[at].text())
        );
        note(notes, lines[at].block.line, text);
    }
    Some(at)
}

fn likelihood(lines: &[Line], at: usize) -> i32 {
    let (line, above, below) = (&lines[at], &lines[at - 1], &lines[at + 1]);
    let text = line.text();
    let characters = text.chars().count().min(250);
    let mut likelihood = -i32::try_from(characters / 10).expect("at most 25");
    let mut add = |points: i32, holds: bool| likelihood += if holds { points } else { 0 };
    add(100, line.block.heading.is_some());
    add(50, line.block.is_strong && !below.block.is_strong);
    add(25, capitals(text) >= 0.75);
    add(15, capitals(text) >= 0.5);
    add(20, is_long(below.text()));
    add(5, ends_sentence(below.text()));
    add(10, ends_sentence(above.text()));
    add(-20, above.text().ends_with(':'));
    add(-10, text.ends_with('!'));
    add(-10, characters > 150);
    add(-5, text.split_whitespace().count() < 3);
    likelihood
}

/// A title in all but its surroundings, between two paragraphs: a summary that lacks its heading
/// of implications, or stands above one that does.
fn by_their_looks(lines: &[Line], starts: &mut BTreeSet<usize>, notes: &mut Vec<Note>) {
    for at in 1..lines.len().saturating_sub(1) {
        let (line, above, below) = (&lines[at], &lines[at - 1], &lines[at + 1]);
        let is_between = is_long(above.text())
            && ends_sentence(above.text())
            && is_long(below.text())
            && above.is(Kind::Text)
            && below.is(Kind::Text);
        if is_between && is_surely_title(line.text()) && starts.insert(at) {
            let text = format!(
                "taken for a title from its looks alone: '{}'",
                opening(line.text())
            );
            note(notes, line.block.line, text);
        }
    }
}

/// One summary from its title on.
fn summary(lines: &[Line], language: &str, notes: &mut Vec<Note>) -> Result<Summary, ImportError> {
    let line = lines[0].block.line;
    let mut summary = Summary {
        title: lines[0].text().to_owned(),
        language: language.to_owned(),
        ..Summary::default()
    };
    let mut heading: Option<&Line> = None;
    for line in &lines[1..] {
        match line.kind {
            Kind::Implications => heading = Some(line),
            Kind::Citation if summary.citation.is_none() => cite(&mut summary, line, notes),
            Kind::Text if summary.summary.is_empty() && is_same(line.text(), &summary.title) => {
                note(
                    notes,
                    line.block.line,
                    format!("'{}' stands twice", opening(line.text())),
                );
            }
            _ if heading.is_some() => summary.implications.push(line.text().to_owned()),
            _ => summary.summary.push(line.text().to_owned()),
        }
    }
    join_lone_doi(&mut summary, &lines[1..], notes);
    if let Some(second) = lines[1..]
        .iter()
        .filter(|line| line.is(Kind::Citation))
        .nth(1)
    {
        note(
            notes,
            second.block.line,
            "a second citation; it was kept as a paragraph",
        );
    }
    let below = |heading: &Line| ImportError::NothingBelow {
        line: heading.block.line,
        heading: opening(heading.text()),
    };
    if summary.summary.is_empty() {
        return Err(below(&lines[0]));
    }
    match heading {
        Some(heading) if summary.implications.is_empty() => return Err(below(heading)),
        Some(heading) if is_french_implications(heading.text()) => {
            summary.language = "fr".to_owned()
        }
        Some(_) => {}
        None => note(
            notes,
            line,
            format!("'{}' has no implications", opening(&summary.title)),
        ),
    }
    let link = lines.iter().find_map(|line| line.block.link.clone());
    let cited = lines.iter().find(|line| line.is(Kind::Citation));
    fill_doi(
        &mut summary,
        link,
        cited.map_or(line, |cited| cited.block.line),
        notes,
    );
    Ok(summary)
}

fn cite(summary: &mut Summary, line: &Line, notes: &mut Vec<Note>) {
    summary.citation = Some(line.text().to_owned());
    if !summary.summary.is_empty() {
        note(
            notes,
            line.block.line,
            "the citation stands below the text; it was read all the same",
        );
    }
}

/// A citation whose DOI was put on the next line is one citation.
fn join_lone_doi(summary: &mut Summary, lines: &[Line], notes: &mut Vec<Note>) {
    let (Some(cited), Some(citation)) = (lines.first(), &mut summary.citation) else {
        return;
    };
    let Some(next) = lines.get(1).filter(|_| cited.is(Kind::Citation)) else {
        return;
    };
    let is_lone = next.text().split_whitespace().count() <= 2
        && crate::citation::doi::find(next.text()).is_some_and(|found| found.start < 6);
    if is_lone && crate::citation::doi::find(citation).is_none() && !summary.summary.is_empty() {
        *citation = format!("{citation} {}", summary.summary.remove(0));
        note(
            notes,
            next.block.line,
            "the DOI on a line of its own was joined to its citation",
        );
    }
}
