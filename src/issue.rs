//! What a month publishes: an issue and its summaries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The month an issue is for, written `2020-12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
}

/// What `Month` was asked to read and could not.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is not a month; write it as 2020-12")]
pub struct MonthError(pub String);

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let wrong = || MonthError(text.to_owned());
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        if year.len() != 4
            || month.len() != 2
            || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        {
            return Err(wrong());
        }
        let month = Month {
            year: year.parse().map_err(|_| wrong())?,
            month: month.parse().map_err(|_| wrong())?,
        };
        if (1..=12).contains(&month.month) {
            Ok(month)
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// One month as an archive page or the editor's Markdown gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    pub month: Month,
    /// 'I blog about …': the line that announces this month, as published.
    pub teaser: Option<String>,
    pub summaries: Vec<Summary>,
}

/// One study as summarised for an issue, exactly as published.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub title: String,
    /// The citation as published; often missing.
    pub citation: Option<String>,
    /// The study's DOI, `10.…/…` without a prefix: read from the citation or from a link beside it, mended where it was damaged.
    pub doi: Option<String>,
    /// The summary's paragraphs.
    pub summary: Vec<String>,
    /// The paragraphs of 'Practice Implications'.
    pub implications: Vec<String>,
    /// Slugs of the topics that the editor gave. An archive page gives none.
    pub topics: Vec<String>,
    /// Slug of the type of research that the editor gave.
    pub research_type: Option<String>,
    /// ISO 639-1 code of the language that the summary is written in.
    pub language: String,
}
