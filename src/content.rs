//! The content of a campaign, frozen when it is planned, and which part of it a reader gets.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::db::word;
use crate::issue::Summary;
use crate::subscription::Choice;

/// What a campaign has to give: the issue's summaries, and for quarterly readers those of the two months before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Content {
    /// `2020-12`.
    pub month: String,
    pub teaser: Option<String>,
    /// In the issue's order; item `n` has position `n + 1`.
    pub items: Vec<Item>,
    /// How many of `items`, from the first, belong to the issue itself.
    pub this_month: usize,
}

/// A summary as it was when the campaign was planned.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Item {
    /// Names its page for ever.
    pub summary_id: i64,
    #[serde(flatten)]
    pub summary: Summary,
}

/// What one reader's mail holds. Readers with equal selections share one rendering.
///
/// Kept as text: `2,1` two summaries in full in this order; `2-1` the second, and the first not even listed, for the
/// reader has it already; `pick:1` nothing matched, so the editor's pick; `note` nothing matched, so a note.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selection {
    pub occasion: Occasion,
    /// Positions of the summaries in full, best match first.
    pub full: Vec<usize>,
    /// Positions that the reader was sent before.
    pub had: Vec<usize>,
}

word! {
    /// Why a mail holds what it holds.
    pub enum Occasion {
        Matched = "matched",
        /// Nothing matched: a line that says so.
        Note = "note",
        /// Nothing matched: the editor's pick.
        Pick = "pick",
    }
}

/// A text of the database that is no selection: the row was not written by this service.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not a selection of summaries")]
pub struct SelectionError(String);

impl Selection {
    pub fn note() -> Selection {
        Selection {
            occasion: Occasion::Note,
            full: Vec::new(),
            had: Vec::new(),
        }
    }

    /// The issue's first summary is the editor's pick.
    pub fn pick() -> Selection {
        Selection {
            occasion: Occasion::Pick,
            full: vec![1],
            had: Vec::new(),
        }
    }

    /// The same without what the reader `had` before; `None` when nothing is left.
    pub fn without(&self, had: &BTreeSet<usize>) -> Option<Selection> {
        let full: Vec<usize> = self
            .full
            .iter()
            .copied()
            .filter(|position| !had.contains(position))
            .collect();
        let had = self
            .had
            .iter()
            .chain(had)
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        (!full.is_empty()).then_some(Selection {
            occasion: self.occasion,
            full,
            had,
        })
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |positions: &[usize]| {
            positions
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(",")
        };
        match self.occasion {
            Occasion::Note => return f.write_str("note"),
            Occasion::Pick => f.write_str("pick:")?,
            Occasion::Matched => {}
        }
        f.write_str(&list(&self.full))?;
        if self.had.is_empty() {
            Ok(())
        } else {
            write!(f, "-{}", list(&self.had))
        }
    }
}

impl FromStr for Selection {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        if text == "note" {
            return Ok(Selection::note());
        }
        let (occasion, rest) = match text.strip_prefix("pick:") {
            Some(rest) => (Occasion::Pick, rest),
            None => (Occasion::Matched, text),
        };
        let list = |part: &str| {
            part.split(',')
                .map(|n| n.parse().map_err(|_| SelectionError(text.to_owned())))
                .collect::<Result<Vec<_>, _>>()
        };
        let (full, had) = match rest.split_once('-') {
            Some((full, had)) => (list(full)?, list(had)?),
            None => (list(rest)?, Vec::new()),
        };
        Ok(Selection {
            occasion,
            full,
            had,
        })
    }
}

impl Content {
    /// What of the first `among` items these choices ask for; `None` when nothing matches.
    ///
    /// A summary matches when it has one of the topics and one of the types; no choice means all of them, and a summary
    /// whose type nobody told is not withheld for its type. The more chosen topics it has, the earlier it stands.
    pub fn select(&self, choice: &Choice, among: usize) -> Option<Selection> {
        let mut matched: Vec<(usize, usize)> = self
            .items
            .iter()
            .take(among)
            .enumerate()
            .filter_map(|(index, item)| {
                score(&item.summary, choice).map(|score| (score, index + 1))
            })
            .collect();
        matched.sort_by_key(|(score, position)| (std::cmp::Reverse(*score), *position));
        let full: Vec<usize> = matched.into_iter().map(|(_, position)| position).collect();
        (!full.is_empty()).then_some(Selection {
            occasion: Occasion::Matched,
            full,
            had: Vec::new(),
        })
    }

    /// The same as items, best match first; empty when nothing matches.
    pub fn matching(&self, choice: &Choice, among: usize) -> impl Iterator<Item = &Item> {
        let selection = self.select(choice, among);
        let full = selection.map_or_else(Vec::new, |selection| selection.full);
        full.into_iter().filter_map(|position| self.item(position))
    }

    /// The item at a position; `None` for a position of another campaign.
    pub fn item(&self, position: usize) -> Option<&Item> {
        self.items.get(position.checked_sub(1)?)
    }

    /// Items that a mail of `selection` lists by title: the rest of what it covers and the reader has not had.
    pub fn rest(&self, selection: &Selection, covers: usize) -> Vec<&Item> {
        (1..=covers)
            .filter(|position| {
                !selection.full.contains(position) && !selection.had.contains(position)
            })
            .filter_map(|position| self.item(position))
            .collect()
    }
}

/// How many chosen topics a summary has; `None` when it does not match.
fn score(summary: &Summary, choice: &Choice) -> Option<usize> {
    let topics = summary
        .topics
        .iter()
        .filter(|topic| choice.topics().binary_search(topic).is_ok())
        .count();
    let of_topic = choice.topics().is_empty() || topics > 0;
    let of_type = match &summary.research_type {
        Some(kind) if !choice.research_types().is_empty() => choice.research_types().contains(kind),
        _ => true,
    };
    (of_topic && of_type).then_some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_reads_back_as_written() {
        for text in ["1", "2,1", "3-1,2", "pick:1", "note"] {
            assert_eq!(text.parse::<Selection>().unwrap().to_string(), text);
        }
        for wrong in ["", "a", "1,", "-1", "pick:"] {
            assert!(wrong.parse::<Selection>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_reader_had_is_neither_sent_nor_listed_again() {
        let selection: Selection = "2,1,3".parse().unwrap();
        assert_eq!(
            selection.without(&[1, 2].into()).unwrap().to_string(),
            "3-1,2"
        );
        assert_eq!(selection.without(&[1, 2, 3].into()), None);
    }
}
