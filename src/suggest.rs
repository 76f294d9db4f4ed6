//! Which topics a summary is about and what type of research it reports, guessed from its words.
//!
//! An archive page never says, so an editor starts from these guesses and sees the words behind each.
//! Every cue of the vocabulary (see `topics.toml`) is looked for as a sequence of words, and each
//! mention adds to its topic: most in a title, more where the study says what it did, less within a
//! list of examples. Further mentions of one cue add less and less, so that no word carries a topic by
//! being repeated. The sum becomes a score: 0.5 is a topic that a reader who chose it should be sent.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;

use serde::Serialize;

use crate::issue::Summary;
use crate::topic::{Cues, Vocabulary, fold};

mod passage;

use passage::{Passage, Place, passages};

/// A topic at or above this is taken until the editor says otherwise.
pub const LIKELY: f64 = 0.5;

/// A topic or type of research that a summary may well have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    pub slug: String,
    /// 0 to 1.
    pub score: f64,
    /// The words that led here as they stand in the text, the weightiest first.
    pub because: Vec<String>,
}

/// The cues of a vocabulary, made ready once for any number of summaries.
#[derive(Debug)]
pub struct Suggester {
    topics: Index,
    research_types: Index,
    /// Slug of the topic of a summary for which nothing is likely.
    fallback: Option<String>,
}

impl Suggester {
    pub fn new(vocabulary: &Vocabulary) -> Suggester {
        let topics = vocabulary
            .topics
            .iter()
            .map(|topic| (topic.slug.as_str(), &topic.cues));
        let types = vocabulary
            .research_types
            .iter()
            .map(|kind| (kind.slug.as_str(), &kind.cues));
        let fallback = vocabulary.topics.iter().find(|topic| topic.fallback);
        Suggester {
            topics: Index::new(topics),
            research_types: Index::new(types),
            fallback: fallback.map(|topic| topic.slug.clone()),
        }
    }

    /// The topics that are likely, best first; the fallback, with no words behind it, if none is.
    pub fn topics(&self, summary: &Summary) -> Vec<Suggestion> {
        let mut likely = self.topics.suggestions(&passages(summary));
        likely.retain(|suggestion| suggestion.score >= LIKELY);
        if likely.is_empty() {
            let alone = |slug: &String| Suggestion {
                slug: slug.clone(),
                score: LIKELY,
                because: Vec::new(),
            };
            likely.extend(self.fallback.as_ref().map(alone));
        }
        likely
    }

    /// Every type of research that has words in its favour, best first: the first is the one to take.
    pub fn research_types(&self, summary: &Summary) -> Vec<Suggestion> {
        self.research_types.suggestions(&passages(summary))
    }
}

/// What one mention of a strong, plain, faint cue is worth, and a title's own cue where it counts.
const STRONG: f64 = 2.4;
const PLAIN: f64 = 1.1;
const FAINT: f64 = 0.25;
const TITLE_ONLY: f64 = 0.8;

/// How much a mention counts for in a title; one in both titles is one.
const IN_TITLE: f64 = 1.2;
const IN_CITATION: f64 = 0.8;
/// A further mention in one sentence counts for this part of its worth.
const AGAIN: f64 = 0.5;

/// What any number of mentions in the text of one cue can come to.
const TEXT_AT_MOST: f64 = 1.5;
/// A text of so many words needs no correction; a mention weighs more in a short one.
const USUAL_WORDS: f64 = 300.0;
/// No word of a language is longer; this keeps a page that is one long word out of the suggestions.
const LONGEST_WORD: usize = 40;
const BECAUSE_AT_MOST: usize = 8;

/// All cues of the topics, or of the types of research, found by how their first word begins.
#[derive(Debug, Default)]
struct Index {
    slugs: Vec<String>,
    cues: Vec<Cue>,
    /// Where the cues of each entry stand in `cues`.
    entries: Vec<Range<usize>>,
    by_first_word: HashMap<String, Vec<usize>>,
    /// Those whose first word is open, by its first two letters.
    by_beginning: HashMap<String, Vec<usize>>,
}

#[derive(Debug)]
struct Cue {
    /// Which of `slugs` it speaks for.
    entry: usize,
    pieces: Vec<Piece>,
    /// Zero for words to pass over.
    weight: f64,
    title_only: bool,
}

/// One word of a cue; with `open`, any word that begins so.
#[derive(Debug)]
struct Piece {
    word: String,
    open: bool,
}

impl Piece {
    fn fits(&self, word: &str) -> bool {
        word == self.word
            || (self.open && word.len() <= LONGEST_WORD && word.starts_with(&self.word))
    }
}

impl Index {
    fn new<'a>(entries: impl Iterator<Item = (&'a str, &'a Cues)>) -> Index {
        let mut index = Index::default();
        for (entry, (slug, cues)) in entries.enumerate() {
            let from = index.cues.len();
            let tiers = [
                (&cues.title, TITLE_ONLY, true),
                (&cues.strong, STRONG, false),
                (&cues.plain, PLAIN, false),
                (&cues.faint, FAINT, false),
                (&cues.ignore, 0.0, false),
            ];
            for (written, weight, title_only) in tiers {
                for pieces in written
                    .iter()
                    .map(|cue| pieces(cue))
                    .filter(|pieces| !pieces.is_empty())
                {
                    index.add(Cue {
                        entry,
                        pieces,
                        weight,
                        title_only,
                    });
                }
            }
            index.slugs.push(slug.to_owned());
            index.entries.push(from..index.cues.len());
        }
        index
    }

    fn add(&mut self, cue: Cue) {
        let Piece { word, open } = &cue.pieces[0];
        let same_start = match open {
            true => self.by_beginning.entry(beginning(word).to_owned()),
            false => self.by_first_word.entry(word.clone()),
        };
        same_start.or_default().push(self.cues.len());
        self.cues.push(cue);
    }

    fn suggestions(&self, passages: &[Passage]) -> Vec<Suggestion> {
        let mut found: Vec<Evidence> = self.cues.iter().map(|_| Evidence::default()).collect();
        for passage in passages {
            self.read(passage, &mut found);
        }
        let words = passages
            .iter()
            .filter(|passage| passage.place == Place::Text)
            .map(|passage| passage.words.len());
        let shortness = (USUAL_WORDS / words.sum::<usize>().max(1) as f64)
            .sqrt()
            .clamp(1.0, 2.0);
        let mut suggestions: Vec<Suggestion> = (0..self.slugs.len())
            .filter_map(|entry| self.suggestion(entry, &found, shortness))
            .collect();
        suggestions.sort_by(|a, b| b.score.total_cmp(&a.score));
        suggestions
    }

    /// Adds up what speaks for one entry; nothing if no word does.
    fn suggestion(&self, entry: usize, found: &[Evidence], shortness: f64) -> Option<Suggestion> {
        let cues = self.entries[entry].clone();
        let speaking = self.cues[cues.clone()]
            .iter()
            .zip(&found[cues])
            .filter(|(_, seen)| !seen.forms.is_empty());
        let mut worth: Vec<(f64, &Evidence)> = speaking
            .map(|(cue, seen)| (cue.weight * seen.points(shortness), seen))
            .collect();
        worth.sort_by(|a, b| b.0.total_cmp(&a.0));
        let sum: f64 = worth.iter().map(|(points, _)| points).sum();
        let mut because: Vec<String> = worth
            .into_iter()
            .flat_map(|(_, seen)| seen.forms.clone())
            .collect();
        because.truncate(BECAUSE_AT_MOST);
        let score = (sum / (sum + 1.0) * 1000.0).round() / 1000.0;
        (!because.is_empty()).then(|| Suggestion {
            slug: self.slugs[entry].clone(),
            score,
            because,
        })
    }

    /// Notes every mention in a passage. Where mentions for one entry overlap, the first and longest counts.
    fn read(&self, passage: &Passage, found: &mut [Evidence]) {
        let mut read_until = vec![0; self.slugs.len()];
        let mut last_sentence = vec![None; self.slugs.len()];
        let mut here: Vec<usize> = Vec::new();
        for at in 0..passage.words.len() {
            here.clear();
            self.longest_at(passage, at, &mut here);
            for &at_hand in &here {
                let cue = &self.cues[at_hand];
                let mention = at..at + cue.pieces.len();
                if at < read_until[cue.entry] {
                    continue;
                }
                read_until[cue.entry] = mention.end;
                if cue.weight > 0.0 {
                    let sentence = passage.sentence(at);
                    let again = last_sentence[cue.entry].replace(sentence) == Some(sentence);
                    found[at_hand].add(passage, mention, again);
                }
            }
        }
    }

    /// Puts into `here` the cues that fit from word `at` on, the longest for each entry.
    fn longest_at(&self, passage: &Passage, at: usize, here: &mut Vec<usize>) {
        let word = passage.word(at);
        let maps = [
            self.by_first_word.get(word),
            self.by_beginning.get(beginning(word)),
        ];
        for &cue in maps.into_iter().flatten().flatten() {
            let new = &self.cues[cue];
            if (new.title_only && passage.place == Place::Text) || !passage.has(&new.pieces, at) {
                continue;
            }
            match here
                .iter_mut()
                .find(|other| self.cues[**other].entry == new.entry)
            {
                None => here.push(cue),
                Some(other) if new.goes_before(&self.cues[*other]) => *other = cue,
                Some(_) => {}
            }
        }
    }
}

impl Cue {
    /// Whether this one is taken where both fit: the longer, then the one to pass over, then the weightier.
    fn goes_before(&self, other: &Cue) -> bool {
        match self.pieces.len().cmp(&other.pieces.len()) {
            Ordering::Equal if other.weight == 0.0 => false,
            Ordering::Equal => self.weight == 0.0 || self.weight > other.weight,
            longer => longer == Ordering::Greater,
        }
    }
}

/// The mentions of one cue.
#[derive(Default)]
struct Evidence {
    in_titles: f64,
    in_text: f64,
    /// The different ways in which it is written, from the first.
    forms: Vec<String>,
}

impl Evidence {
    /// Adds a mention, `again` if its sentence had already spoken for the same entry.
    fn add(&mut self, passage: &Passage, words: Range<usize>, again: bool) {
        match passage.place {
            Place::Title => self.in_titles = self.in_titles.max(IN_TITLE),
            Place::Citation => self.in_titles = self.in_titles.max(IN_CITATION),
            Place::Text => {
                self.in_text += passage.worth(words.start) * if again { AGAIN } else { 1.0 }
            }
        }
        let form = passage.written(words);
        let known = self
            .forms
            .iter()
            .any(|known| known.eq_ignore_ascii_case(form));
        if !known && self.forms.len() < 2 {
            self.forms.push(form.to_owned());
        }
    }

    fn points(&self, shortness: f64) -> f64 {
        self.in_titles + TEXT_AT_MOST * (1.0 - (-self.in_text * shortness / TEXT_AT_MOST).exp())
    }
}

fn pieces(cue: &str) -> Vec<Piece> {
    let cut = |written: &str| -> Vec<Piece> {
        let folded: String = written.chars().flat_map(fold).collect();
        let words = folded
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty());
        let mut pieces: Vec<Piece> = words
            .map(|word| Piece {
                word: word.to_owned(),
                open: false,
            })
            .collect();
        if written.ends_with('*') {
            match pieces.last_mut() {
                Some(last) => last.open = true,
                None => pieces.push(Piece {
                    word: String::new(),
                    open: true,
                }),
            }
        }
        pieces
    };
    cue.split_whitespace().flat_map(cut).collect()
}

/// The first two letters, by which cues with an open first word are found; such a word has two at least.
fn beginning(word: &str) -> &str {
    word.char_indices()
        .nth(2)
        .map_or(word, |(end, _)| &word[..end])
}

#[cfg(test)]
mod tests;
