//! The form in which a month is written -> its text. Fields of a summary bear a number that tells them from those of the
//! others; their order in the form is the order of the summaries, however somebody moved them.

use crate::citation::doi;
use crate::draft::{Text, Written};
use crate::import;
use crate::issue::Summary;
use crate::web::desk::Posted;

/// Summaries of one month; no more are read.
const MOST: usize = 40;

/// What the button that was pressed wants done besides saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Save,
    /// Save, and take it into the archive.
    Keep,
    Add,
    /// Places from 0.
    Up(usize),
    Down(usize),
    Out(usize),
    /// Tick the topics and the type that are suggested for this one.
    Suggested(usize),
    AllSuggested,
    /// Make the teaser from the titles.
    Teaser,
}

/// What was sent.
pub(super) struct Sent {
    pub from: i64,
    pub text: Text,
    pub act: Act,
    /// The page sent it, not its author.
    pub by_itself: bool,
}

impl Act {
    fn read(written: &str) -> Act {
        let (word, place) = written.split_once('.').unwrap_or((written, ""));
        let place: Option<usize> = place.parse().ok();
        match (word, place) {
            ("keep", _) => Act::Keep,
            ("add", _) => Act::Add,
            ("teaser", _) => Act::Teaser,
            ("all", _) => Act::AllSuggested,
            ("up", Some(place)) => Act::Up(place),
            ("down", Some(place)) => Act::Down(place),
            ("out", Some(place)) => Act::Out(place),
            ("suggested", Some(place)) => Act::Suggested(place),
            _ => Act::Save,
        }
    }

    /// The place of the summary to look at afterwards.
    pub(super) fn lands(self, summaries: usize) -> Option<usize> {
        match self {
            Act::Add => summaries.checked_sub(1),
            Act::Up(place) => Some(place.saturating_sub(1)),
            Act::Down(place) => Some((place + 1).min(summaries.saturating_sub(1))),
            Act::Suggested(place) => Some(place),
            _ => None,
        }
    }
}

/// Reads the form. Whatever it holds, it becomes a text.
pub(super) fn read(posted: &Posted) -> Sent {
    let mut order: Vec<&str> = Vec::new();
    for (name, _) in posted.fields() {
        if let Some((number, _)) = number_and_field(name)
            && !order.contains(&number)
            && order.len() < MOST
        {
            order.push(number);
        }
    }
    let act = Act::read(posted.get("do"));
    let mut summaries: Vec<Written> = order.iter().map(|number| summary(posted, number)).collect();
    // A button names the summary by the number of its fields, wherever that stands by now.
    let act = at_its_place(act, &order);
    arrange(&mut summaries, act);
    let teaser = import::line(posted.get("teaser"));
    let mut text = Text {
        teaser: (!teaser.is_empty()).then_some(teaser),
        summaries,
    };
    if act == Act::Teaser {
        text.teaser = text.teaser_of_titles().or(text.teaser);
    }
    Sent {
        from: posted.get("from").parse().unwrap_or(0),
        text,
        act,
        by_itself: posted.get("by") == "itself",
    }
}

fn at_its_place(act: Act, order: &[&str]) -> Act {
    let place = |number: usize| {
        let number = number.to_string();
        order.iter().position(|known| *known == number)
    };
    let moved = match act {
        Act::Up(number) => place(number).map(Act::Up),
        Act::Down(number) => place(number).map(Act::Down),
        Act::Out(number) => place(number).map(Act::Out),
        Act::Suggested(number) => place(number).map(Act::Suggested),
        act => Some(act),
    };
    moved.unwrap_or(Act::Save)
}

fn arrange(summaries: &mut Vec<Written>, act: Act) {
    match act {
        Act::Add if summaries.len() < MOST => {
            let language = summaries.last().map_or("en", |last| &last.summary.language);
            let summary = Summary {
                language: language.to_owned(),
                ..Summary::default()
            };
            summaries.push(Written { id: None, summary });
        }
        Act::Up(place) if place > 0 => summaries.swap(place, place - 1),
        Act::Down(place) if place + 1 < summaries.len() => summaries.swap(place, place + 1),
        Act::Out(place) => drop(summaries.remove(place)),
        _ => {}
    }
}

/// `s3.title` is field `title` of summary `3`.
fn number_and_field(name: &str) -> Option<(&str, &str)> {
    let (number, field) = name.strip_prefix('s')?.split_once('.')?;
    let is_number = (1..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some((number, field))
}

fn summary(posted: &Posted, number: &str) -> Written {
    let name = |field: &str| format!("s{number}.{field}");
    let line = |field: &str| import::line(posted.get(&name(field)));
    let paragraphs = |field: &str| import::paragraphs(posted.get(&name(field)));
    let language = match line("language").as_str() {
        language if is_language(language) => language.to_owned(),
        _ => "en".to_owned(),
    };
    let mut topics: Vec<String> = posted
        .all(&name("topic"))
        .into_iter()
        .map(str::to_owned)
        .collect();
    topics.sort_unstable();
    topics.dedup();
    let mut written = Written {
        id: line("id").parse().ok(),
        summary: Summary {
            title: line("title"),
            citation: None,
            doi: read_doi(&line("doi")),
            summary: paragraphs("summary"),
            implications: paragraphs("implications"),
            topics,
            research_type: Some(line("type")).filter(|kind| !kind.is_empty()),
            language,
        },
    };
    written.cite(&line("citation"));
    written
}

/// A DOI in whatever way it was written; what is none stays as it is, for its author to see.
fn read_doi(written: &str) -> Option<String> {
    let found = doi::find(written).filter(|found| found.start == 0);
    let kept = found.map_or_else(|| written.to_owned(), |found| found.doi);
    (!kept.is_empty()).then_some(kept)
}

fn is_language(written: &str) -> bool {
    (2..=8).contains(&written.len()) && written.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}
