//! A summary's title, citation and paragraphs, cut into words that know where they stand.

use std::ops::Range;

use crate::issue::Summary;
use crate::topic::fold;

use super::Piece;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    Title,
    Citation,
    Text,
}

/// A title or paragraph cut into words.
pub(super) struct Passage<'a> {
    pub(super) place: Place,
    text: &'a str,
    /// The words as they are compared, one after another.
    folded: String,
    pub(super) words: Vec<Word>,
}

pub(super) struct Word {
    /// In `folded`.
    folded: Range<usize>,
    /// In `text`.
    written: Range<usize>,
    /// No punctuation stands between words of one phrase.
    phrase: usize,
    sentence: usize,
    listed: bool,
    /// What a mention in its sentence is worth.
    worth: f64,
}

impl Passage<'_> {
    /// A word as it is compared.
    pub(super) fn word(&self, at: usize) -> &str {
        &self.folded[self.words[at].folded.clone()]
    }

    /// Whether the words of a cue stand together from `at` on.
    pub(super) fn has(&self, pieces: &[Piece], at: usize) -> bool {
        let last = at + pieces.len() - 1;
        last < self.words.len()
            && self.words[last].phrase == self.words[at].phrase
            && pieces
                .iter()
                .zip(at..)
                .all(|(piece, at)| piece.fits(self.word(at)))
    }

    /// Words as they stand in the text.
    pub(super) fn written(&self, words: Range<usize>) -> &str {
        &self.text[self.words[words.start].written.start..self.words[words.end - 1].written.end]
    }

    pub(super) fn sentence(&self, at: usize) -> usize {
        self.words[at].sentence
    }

    /// How much a mention counts for that begins at `at`.
    pub(super) fn worth(&self, at: usize) -> f64 {
        let word = &self.words[at];
        if word.listed {
            word.worth * LISTED
        } else {
            word.worth
        }
    }
}

/// All that a summary says, its paragraphs with lists marked and sentences weighed.
pub(super) fn passages(summary: &Summary) -> Vec<Passage<'_>> {
    let mut passages = vec![cut(&summary.title, Place::Title)];
    passages.extend(
        summary
            .citation
            .iter()
            .map(|citation| cut(title_cited(citation), Place::Citation)),
    );
    let summary_from = passages.len();
    passages.extend(
        summary
            .summary
            .iter()
            .map(|paragraph| cut(paragraph, Place::Text)),
    );
    weigh_sentences(&mut passages[summary_from..]);
    passages.extend(
        summary
            .implications
            .iter()
            .map(|paragraph| cut(paragraph, Place::Text)),
    );
    passages[summary_from..].iter_mut().for_each(mark_lists);
    passages
}

/// How much a mention counts for in the text, and where the study says what it did or found.
const IN_TEXT: f64 = 0.3;
const IN_POINT: f64 = 0.6;
/// A mention in a list of examples counts for this part of its worth.
const LISTED: f64 = 0.4;
/// Sentences that say what the study did, from the first; later ones tell results.
const AIM_SENTENCES: usize = 2;
/// An item of a list has no more words than this.
const ITEM_WORDS: usize = 4;

/// The study's title within a citation in APA style, without the journal, whose name says little about
/// the study; the whole citation where no year in brackets stands before the title.
fn title_cited(citation: &str) -> &str {
    let year = citation.match_indices('(').find(|(at, _)| {
        let digits = citation.as_bytes()[at + 1..].iter().take(4);
        digits.filter(|byte| byte.is_ascii_digit()).count() == 4
    });
    let after_year = year.and_then(|(at, _)| citation[at..].split_once(')'));
    let Some((_, title)) = after_year else {
        return citation;
    };
    let title = title.trim_start_matches(['.', ',', ' ']);
    title
        .find(". ")
        .or_else(|| title.find("? "))
        .map_or(title, |end| &title[..end])
}

/// Cuts a text into words. A possessive 's belongs to no word, so that a cue need not be written twice.
fn cut(text: &str, place: Place) -> Passage<'_> {
    let mut passage = Passage {
        place,
        text,
        folded: String::new(),
        words: Vec::new(),
    };
    let (mut phrase, mut sentence) = (0, 0);
    let mut letters = text.char_indices().peekable();
    while let Some((start, letter)) = letters.next() {
        if letter.is_alphanumeric() {
            let folded_start = passage.folded.len();
            passage.folded.extend(fold(letter));
            let mut end = start + letter.len_utf8();
            while let Some((at, more)) =
                letters.next_if(|(_, more)| more.is_alphanumeric() || is_accent(*more))
            {
                passage.folded.extend(fold(more));
                end = at + more.len_utf8();
            }
            let folded = folded_start..passage.folded.len();
            passage.words.push(Word {
                folded,
                written: start..end,
                phrase,
                sentence,
                listed: false,
                worth: IN_TEXT,
            });
        } else if is_possessive(&text[start..]) {
            letters.next();
        } else if !matches!(
            letter,
            ' ' | '\u{a0}' | '-' | '\u{2010}' | '\u{2011}' | '\'' | '’' | '‘' | '“' | '”' | '"'
        ) {
            phrase += 1;
            let ends = matches!(letter, '.' | '!' | '?');
            sentence +=
                usize::from(ends && letters.peek().is_none_or(|(_, next)| next.is_whitespace()));
        }
    }
    passage
}

fn is_accent(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

fn is_possessive(rest: &str) -> bool {
    let mut letters = rest.chars();
    matches!(letters.next(), Some('\'' | '’'))
        && letters.next() == Some('s')
        && letters.next().is_none_or(|next| !next.is_alphanumeric())
}

/// Marks the items of lists such as 'depression, anxiety, and PTSD': examples, not what the study is about.
fn mark_lists(passage: &mut Passage) {
    let mut first = 0;
    let mut short_items = 0;
    let mut list_from = 0;
    while first < passage.words.len() {
        let phrase = passage.words[first].phrase;
        let length = passage.words[first..]
            .iter()
            .take_while(|word| word.phrase == phrase)
            .count();
        let next = first + length;
        let after_comma = first > 0 && passage.between(first) == ",";
        let closes =
            after_comma && short_items > 1 && matches!(passage.word(first), "and" | "or" | "etc");
        let bracket =
            after_comma && short_items > 1 && length <= ITEM_WORDS && passage.closes_bracket(next);
        if !after_comma {
            (short_items, list_from) = (1, next.saturating_sub(ITEM_WORDS).max(first));
        } else if closes || bracket {
            let until = next.min(first + ITEM_WORDS + 1);
            passage.words[list_from..until]
                .iter_mut()
                .for_each(|word| word.listed = true);
            (short_items, list_from) = (0, next);
        } else if length <= ITEM_WORDS {
            short_items += 1;
        } else {
            (short_items, list_from) = (1, next - ITEM_WORDS);
        }
        first = next;
    }
}

impl Passage<'_> {
    /// What stands between a word and the one before it, spaces aside.
    fn between(&self, at: usize) -> &str {
        self.text[self.words[at - 1].written.end..self.words[at].written.start].trim()
    }

    /// Whether a bracket or an ellipsis follows the word before `at`.
    fn closes_bracket(&self, at: usize) -> bool {
        let rest = self.text[self.words[at - 1].written.end..].trim_start();
        rest.starts_with([')', ']', '…'])
    }
}

/// Gives more worth to the first sentences that say what the study did ('In this review, A and
/// colleagues …') and to those that give results in figures. Figures before these are of other
/// studies, so they count from there on, or everywhere if no sentence says what the study did.
fn weigh_sentences(paragraphs: &mut [Passage]) {
    let aims: Vec<(usize, Range<usize>)> = sentences(paragraphs)
        .filter(|(paragraph, words)| {
            words
                .clone()
                .any(|at| paragraphs[*paragraph].tells_aim(at, words.end))
        })
        .take(AIM_SENTENCES)
        .collect();
    let results_from = aims
        .first()
        .map_or((0, 0), |(paragraph, words)| (*paragraph, words.start));
    let results: Vec<(usize, Range<usize>)> = sentences(paragraphs)
        .filter(|(paragraph, words)| (*paragraph, words.start) >= results_from)
        .filter(|(paragraph, words)| {
            paragraphs[*paragraph]
                .written(words.clone())
                .contains(['=', '%'])
        })
        .collect();
    for (paragraph, words) in aims.into_iter().chain(results) {
        paragraphs[paragraph].words[words]
            .iter_mut()
            .for_each(|word| word.worth = IN_POINT);
    }
}

/// Each sentence as its paragraph's place and its words' range there.
fn sentences<'a>(paragraphs: &'a [Passage]) -> impl Iterator<Item = (usize, Range<usize>)> + 'a {
    paragraphs
        .iter()
        .enumerate()
        .flat_map(|(paragraph, passage)| {
            let mut end = 0;
            let sentences = passage
                .words
                .chunk_by(|word, next| word.sentence == next.sentence);
            sentences.map(move |words| {
                end += words.len();
                (paragraph, end - words.len()..end)
            })
        })
}

impl Passage<'_> {
    /// Whether words such as 'this large survey' or 'and colleagues' begin at `at`, in a sentence that ends before `end`.
    fn tells_aim(&self, at: usize, end: usize) -> bool {
        let study = |at: usize| {
            let nouns = [
                "study",
                "review",
                "article",
                "paper",
                "survey",
                "trial",
                "meta",
                "analysis",
                "experiment",
            ];
            nouns.contains(&self.word(at))
        };
        let pair = |first: &str, seconds: &[&str]| {
            self.word(at) == first && at + 1 < end && seconds.contains(&self.word(at + 1))
        };
        let named =
            matches!(self.word(at), "this" | "present") && (at + 1..end.min(at + 5)).any(study);
        named
            || pair("and", &["colleagues"])
            || pair("the", &["authors", "researchers"])
            || self.word(at) == "here"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_of_a_citation_says_nothing_about_the_study() {
        let citation =
            "Doe, J. (2019, May). Ants at work: A field study. Depression and Anxiety, 3, 1-9.";
        assert_eq!(title_cited(citation), "Ants at work: A field study");
        assert_eq!(
            title_cited("Doe (2019). Do ants work? Group Dynamics, 3."),
            "Do ants work"
        );
        assert_eq!(title_cited("no year"), "no year");
        assert_eq!(title_cited("(2019"), "(2019");
        assert_eq!(title_cited("é(20é"), "é(20é");
    }
}
