//! What a draft holds, and what it still lacks.

use serde::{Deserialize, Serialize};

use crate::archive::{self, Kept, KeptIssue};
use crate::citation;
use crate::import;
use crate::issue::{Issue, Month, Summary};
use crate::suggest::Suggester;

/// Teaser and summaries of a month, however unfinished.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Text {
    #[serde(default)]
    pub teaser: Option<String>,
    #[serde(default)]
    pub summaries: Vec<Written>,
}

/// A summary being written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// The archive's, if it is one of it: then it stays the same summary, whatever is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    #[serde(flatten)]
    pub summary: Summary,
}

/// What keeps a draft out of the archive. A number is the place of a summary, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Summaries,
    Title(usize),
    /// Neither a summary nor implications.
    Words(usize),
    /// The same as an earlier one's: they would become one.
    OtherTitle(usize),
}

/// Longest teaser that is made from titles, in characters: what an inbox shows of it.
const LONGEST_TEASER: usize = 300;

impl Text {
    /// The archive's issue, as its editor wrote it.
    pub fn of_archive(issue: &KeptIssue) -> Text {
        let ids = issue.summaries.iter().map(|kept| Some(kept.id));
        let written = archive::as_written(issue);
        let summaries = written.summaries.into_iter().zip(ids);
        Text {
            teaser: written.teaser,
            summaries: summaries
                .map(|(summary, id)| Written { id, summary })
                .collect(),
        }
    }

    /// What a file gave.
    pub fn of_issue(issue: Issue) -> Text {
        let written = |summary| Written { id: None, summary };
        Text {
            teaser: issue.teaser,
            summaries: issue.summaries.into_iter().map(written).collect(),
        }
    }

    /// The same as an import would give it.
    pub fn issue(&self, month: Month) -> Issue {
        let summaries = self.summaries.iter();
        Issue {
            month,
            teaser: self.teaser.clone(),
            summaries: summaries.map(|written| written.summary.clone()).collect(),
        }
    }

    /// What must be mended before the archive takes it.
    pub fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        if self.summaries.is_empty() {
            missing.push(Missing::Summaries);
        }
        let mut titles = Vec::new();
        for (place, written) in (1..).zip(&self.summaries) {
            let summary = &written.summary;
            let title = archive::title_key(&summary.title);
            if title.is_empty() {
                missing.push(Missing::Title(place));
            } else if titles.contains(&title) {
                missing.push(Missing::OtherTitle(place));
            }
            titles.push(title);
            if summary.summary.is_empty() && summary.implications.is_empty() {
                missing.push(Missing::Words(place));
            }
        }
        missing
    }

    /// A line that announces the month, made of the titles.
    pub fn teaser_of_titles(&self) -> Option<String> {
        let summaries = self.summaries.iter().map(|written| &written.summary);
        let titles: Vec<&Summary> = summaries.filter(|s| !s.title.is_empty()).collect();
        let is_french = titles.first()?.language == "fr";
        let (opening, and) = match is_french {
            true => ("Ce mois-ci : ", " et "),
            false => ("This month: ", ", and "),
        };
        let quoted: Vec<String> = titles.iter().map(|s| quoted(&s.title, is_french)).collect();
        let listed = match quoted.as_slice() {
            [] => return None,
            [one] => one.clone(),
            [first, second] if !is_french => format!("{first} and {second}"),
            [rest @ .., last] => format!("{}{and}{last}", rest.join(", ")),
        };
        let teaser = format!("{opening}{listed}.");
        (teaser.chars().count() <= LONGEST_TEASER)
            .then_some(teaser)
            .or_else(|| Some(format!("{opening}{}.", quoted[0])))
    }
}

/// The issue as the archive would have it, were it kept now. A summary that the archive does not know has id 0.
pub fn as_kept(text: &Text, month: Month, suggester: &Suggester) -> KeptIssue {
    let summaries = (1..).zip(&text.summaries).map(|(position, written)| {
        let mut summary = written.summary.clone();
        let topics_confirmed = !summary.topics.is_empty();
        if !topics_confirmed {
            let suggested = suggester.topics(&summary);
            summary.topics = suggested.into_iter().map(|topic| topic.slug).collect();
        }
        summary.topics.sort_unstable();
        let research_type_confirmed = summary.research_type.is_some();
        if !research_type_confirmed {
            let mut suggested = suggester.research_types(&summary).into_iter();
            summary.research_type = suggested.next().map(|kind| kind.slug);
        }
        Kept {
            id: written.id.unwrap_or(0),
            position,
            summary,
            topics_confirmed,
            research_type_confirmed,
        }
    });
    KeptIssue {
        id: 0,
        month,
        teaser: text.teaser.clone(),
        summaries: summaries.collect(),
    }
}

fn quoted(title: &str, is_french: bool) -> String {
    let title = title.trim_end_matches('.');
    match is_french {
        true => format!("« {title} »"),
        false => format!("“{title}”"),
    }
}

impl Written {
    /// Takes what somebody pasted as a citation: a whole one, or a DOI alone. What it says of the study fills what is
    /// empty.
    pub fn cite(&mut self, pasted: &str) {
        let pasted = import::line(pasted);
        let found = citation::doi::find(&pasted);
        let is_doi_alone = found.as_ref().is_some_and(|found| {
            found.start == 0 && !pasted.contains(' ') || pasted.len() < found.doi.len() + 6
        });
        if pasted.is_empty() {
            self.summary.citation = None;
        } else if is_doi_alone {
            self.summary.doi = found.map(|found| found.doi);
        } else {
            let read = citation::read(&pasted);
            if self.summary.title.is_empty() {
                self.summary.title = read.title.unwrap_or_default();
            }
            self.summary.doi = read.doi.or(self.summary.doi.take());
            self.summary.citation = Some(pasted);
        }
    }
}
