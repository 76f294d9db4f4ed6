//! What a line of a page is, and what it looks like, told from its text alone.

use crate::citation;
use crate::issue::Month;

use super::blocks::Block;
use super::month;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Month(Month),
    /// A heading such as 'Practice Implications'.
    Implications,
    Citation,
    Navigation,
    Text,
}

/// A block and what it was found to be.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub block: Block,
    pub kind: Kind,
}

impl Line {
    pub fn text(&self) -> &str {
        &self.block.text
    }

    pub fn is(&self, kind: Kind) -> bool {
        self.kind == kind
    }

    /// Whether the line shows that a summary is near.
    pub fn is_anchor(&self) -> bool {
        matches!(self.kind, Kind::Implications | Kind::Citation)
    }
}

/// The kinds of a page's blocks. A heading of implications that runs into its paragraph becomes a
/// line of its own.
pub(super) fn lines(blocks: Vec<Block>) -> Vec<Line> {
    let parts = blocks
        .into_iter()
        .flat_map(|block| match run_in(&block.text) {
            Some((heading, text)) => {
                let heading = Block {
                    text: heading.to_owned(),
                    ..block.clone()
                };
                let text = Block {
                    text: text.to_owned(),
                    heading: None,
                    link: None,
                    ..block
                };
                vec![heading, text]
            }
            None => vec![block],
        });
    parts
        .map(|block| Line {
            kind: kind(&block),
            block,
        })
        .collect()
}

fn kind(block: &Block) -> Kind {
    let text = &block.text;
    if let Some(month) = month::named(text) {
        Kind::Month(month)
    } else if is_implications(text) {
        Kind::Implications
    } else if citation::is_citation(text) {
        Kind::Citation
    } else if is_navigation(text) {
        Kind::Navigation
    } else {
        Kind::Text
    }
}

/// Whether a line is the heading of a summary's implications, in any of its spellings.
pub(super) fn is_implications(line: &str) -> bool {
    const ENGLISH: &[&str] = &[
        "practice implications",
        "practice implication",
        "practical implications",
        "practical implication",
        "clinical implications",
        "clinical implication",
        "clinical practice implications",
        "practice and clinical implications",
        "implications for practice",
        "implications for clinical practice",
    ];
    names_implications(line)
        && (ENGLISH.contains(&plain(line).as_str()) || is_french_implications(line))
}

pub(super) fn is_french_implications(line: &str) -> bool {
    const FRENCH: &[&str] = &[
        "implications pour la pratique",
        "implications pour la pratique clinique",
        "implications pratiques",
        "implications cliniques",
    ];
    names_implications(line) && FRENCH.contains(&plain(line).as_str())
}

/// What all those headings have in common; nearly every other line is told by it at once.
fn names_implications(line: &str) -> bool {
    let mut parts = line.as_bytes().windows(11);
    line.len() <= 80 && parts.any(|part| part.eq_ignore_ascii_case(b"implication"))
}

/// 'Practice Implications: The findings …' as its heading and its paragraph.
fn run_in(text: &str) -> Option<(&str, &str)> {
    let head = &text[..text.floor_char_boundary(80)];
    let (at, stop) = head
        .char_indices()
        .find(|(_, c)| matches!(c, ':' | '–' | '—' | '.'))?;
    let rest = text[at + stop.len_utf8()..]
        .trim_start_matches('*')
        .trim_start();
    (is_implications(&text[..at]) && !rest.is_empty()).then(|| (text[..at].trim_end(), rest))
}

/// In lower case, without marks of emphasis, a colon at the end and doubled spaces.
fn plain(line: &str) -> String {
    let line = line.trim_matches(['*', '_', '#', ':', '.', ' ']);
    let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

/// Whether two lines are one title printed twice.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one == other || plain(one) == plain(other)
}

/// Whole lines that are links of a site, in lower case.
const NAVIGATION: &str = "older posts|newer posts|older|newer|next|next page|next post|previous|prev|previous page|\
    previous post|first|last|last page|first page|load more|show more|share|share this|\
    share this page|share this post|share on facebook|share on twitter|share on linkedin|facebook|\
    twitter|linkedin|instagram|youtube|tweet|email|e-mail|print|print this page|email this page|\
    read more|continue reading|more|back to top|back to the top|top|top of page|return to top|\
    back to blog|back|subscribe|unsubscribe|comments|no comments|leave a comment|add a comment|\
    add comment|leave a reply|comments are closed|permalink|archive|archives|categories|tags|\
    recent posts|search|menu|home|rss|rss feed|log in|login|skip to content|skip to main content|\
    contact us|suivant|précédent|partager|lire la suite|haut de page|retour en haut|imprimer|\
    s'abonner|s’abonner|abonnez-vous";

/// What lines begin with that belong to a site and not to a summary.
const FURNITURE: &str = "copyright |copyright:|©|(c) |all rights reserved|tous droits réservés|powered by |posted by |\
    posted in |posted on |filed under|tagged|subscribe to |sign up for |sign up to |follow us|tags:|\
    categories:|share:|share this:|skip to ";

/// Links of a site that no summary consists of: 'Older posts', '« Previous 1 2 3 Next »'.
fn is_navigation(line: &str) -> bool {
    if line.len() > 160 {
        return false;
    }
    let bare = line.strip_prefix("- ").unwrap_or(line).trim();
    let lower = bare
        .trim_matches(|c: char| " «»‹›<>←→↑…:.|[]".contains(c))
        .to_lowercase();
    let is_counted_month = lower.rsplit_once('(').is_some_and(|(name, count)| {
        month::named(name).is_some()
            && count
                .trim_end_matches(')')
                .bytes()
                .all(|b| b.is_ascii_digit())
    });
    NAVIGATION.split('|').any(|known| known == lower)
        || FURNITURE
            .split('|')
            .any(|opening| lower.starts_with(opening))
        || is_counted_month
        || (line.starts_with("- ") && month::named(bare).is_some())
        || is_pager(bare)
}

/// Page numbers and arrows, and the words between them.
fn is_pager(line: &str) -> bool {
    let is_part = |part: &str| {
        let part = part.to_lowercase();
        let words = [
            "next", "previous", "prev", "first", "last", "older", "newer", "page", "of",
        ];
        words.contains(&part.as_str())
            || part
                .chars()
                .all(|c| c.is_ascii_digit() || "«»‹›<>←→…|.·-".contains(c))
    };
    let is_moving = |c: char| c.is_ascii_digit() || "«»‹›←→|".contains(c);
    line.contains(is_moving) && line.split_whitespace().all(is_part)
}

/// Whether a line may be a title: short, opening like one, and without a sentence's end.
pub(super) fn is_title_like(text: &str) -> bool {
    text.len() <= 500
        && text.chars().count() <= 250
        && !is_item(text)
        && (text.ends_with("...") || !text.ends_with(['.', ';', ',', ':', '…']))
        && text.contains(char::is_alphabetic)
        && !text.starts_with(char::is_lowercase)
}

/// Whether a line can be taken for a title at a glance: capitals throughout, several words.
pub(super) fn is_surely_title(text: &str) -> bool {
    is_title_like(text)
        && !text.ends_with('!')
        && text.split_whitespace().count() >= 4
        && capitals(text) >= 0.75
}

pub(super) fn is_item(text: &str) -> bool {
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    text.starts_with(['-', '•', '·', '*']) && !text.starts_with("**")
        || (number.len() < text.len()
            && number.len() + 3 >= text.len()
            && number.starts_with([')', '.']))
}

/// A paragraph, from its length; a title is never so long.
pub(super) fn is_long(text: &str) -> bool {
    text.chars().nth(200).is_some()
}

/// Whether a text ends as a sentence does, its closing brackets and quotes aside.
pub(super) fn ends_sentence(text: &str) -> bool {
    let end = text.trim_end_matches([')', ']', '"', '”', '’', '\'', '»', '*', ' ']);
    end.ends_with(['.', '!', '?', '…', ':', ';'])
}

/// The share of capitals among the words of four letters and more, the first word aside.
pub(super) fn capitals(text: &str) -> f64 {
    let words = text.split_whitespace().skip(1);
    let long = words.filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 4);
    let (mut all, mut capital) = (0_u32, 0_u32);
    for word in long {
        let first = word.chars().find(|c| c.is_alphabetic());
        all += 1;
        capital += u32::from(first.is_some_and(|c| !c.is_lowercase()));
    }
    if all == 0 {
        0.5
    } else {
        f64::from(capital) / f64::from(all)
    }
}

/// A short line that is no sentence: a link, a name, an entry of a filter.
pub(super) fn is_fragment(text: &str) -> bool {
    let bare = text.strip_prefix("- ").unwrap_or(text);
    let is_short = text.len() <= 100 && !ends_sentence(text);
    is_short && (bare.split_whitespace().count() <= 2 || capitals(bare) >= 0.5)
}
