//! Texts as a search sees them: words without case and accents, the same for both databases.

use std::ops::Range;

use crate::topic::fold;

/// Words of a query that count; the others are passed over, so that no query costs more than another.
const MOST_TERMS: usize = 12;

/// Letters of a word that count. PostgreSQL refuses words of 2 KB.
const MOST_LETTERS: usize = 60;

/// A term of so many letters also finds words that only begin with it.
const SHORTEST_STEM: usize = 4;

/// What somebody looks for: every term must be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms(Vec<Term>);

/// A folded word, of letters and digits alone: no database can take it for anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    word: String,
    /// It is the beginning of the words that are meant.
    is_stem: bool,
}

impl Terms {
    /// Reads what a visitor typed, whatever it is.
    pub fn read(query: &str) -> Terms {
        let mut terms: Vec<Term> = Vec::new();
        for (_, word) in words(query) {
            let term = Term::of(word);
            if !terms.contains(&term) {
                terms.push(term);
            }
            if terms.len() == MOST_TERMS {
                break;
            }
        }
        Terms(terms)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As SQLite's FTS5 takes it.
    pub(super) fn for_sqlite(&self) -> String {
        let terms = self.0.iter().map(|term| match term.is_stem {
            true => format!("\"{}\" *", term.word),
            false => format!("\"{}\"", term.word),
        });
        terms.collect::<Vec<_>>().join(" AND ")
    }

    /// As PostgreSQL's `tsquery` takes it.
    pub(super) fn for_postgres(&self) -> String {
        let terms = self.0.iter().map(|term| match term.is_stem {
            true => format!("'{}':*", term.word),
            false => format!("'{}'", term.word),
        });
        terms.collect::<Vec<_>>().join(" & ")
    }

    /// Which of the terms a folded word is.
    pub(super) fn place(&self, word: &str) -> Option<usize> {
        self.0.iter().position(|term| match term.is_stem {
            true => word.starts_with(&term.word),
            false => word == term.word,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Term {
    /// Whoever looks for 'alliances' means 'alliance' too.
    fn of(mut word: String) -> Term {
        let is_stem = word.chars().count() >= SHORTEST_STEM;
        if is_stem && word.chars().count() > SHORTEST_STEM && word.ends_with('s') {
            word.pop();
        }
        Term { word, is_stem }
    }
}

/// The words of a text, each folded, with the bytes that it takes.
pub(super) fn words(text: &str) -> impl Iterator<Item = (Range<usize>, String)> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while rest.next_if(|(_, c)| !is_of_word(*c)).is_some() {}
        let start = rest.peek()?.0;
        let mut end = start;
        let mut word = String::new();
        let mut letters = 0;
        while let Some((at, c)) = rest.next_if(|(_, c)| is_of_word(*c)) {
            end = at + c.len_utf8();
            if letters < MOST_LETTERS {
                match c.is_ascii() {
                    true => word.push(c.to_ascii_lowercase()),
                    false => word.extend(fold(c)),
                }
                letters += 1;
            }
        }
        Some((start..end, word))
    })
    .filter(|(_, word)| word.chars().any(char::is_alphanumeric))
}

/// An accent may follow its letter as a character of its own.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        words(text).map(|(_, word)| word).collect()
    }

    #[test]
    fn words_have_no_case_and_no_accents() {
        assert_eq!(
            folded("L’ÉTUDE: e\u{301}té, Kleinstäuber–Œuvre (95%)"),
            ["l", "etude", "ete", "kleinstauber", "oeuvre", "95"]
        );
        let text = "Un été.";
        let places: Vec<&str> = words(text).map(|(place, _)| &text[place]).collect();
        assert_eq!(places, ["Un", "été"]);
        assert_eq!(folded("\u{301} \0 \u{200b}"), Vec::<String>::new());
    }

    #[test]
    fn a_query_becomes_quoted_words_and_nothing_else() {
        let terms = Terms::read("Alliances \"NEAR\"(été OR x*) AND 'a' -b : ^c \\ & | !");
        assert_eq!(
            terms.for_sqlite(),
            "\"alliance\" * AND \"near\" * AND \"ete\" AND \"or\" AND \"x\" AND \"and\" AND \"a\" AND \"b\" AND \"c\""
        );
        assert_eq!(
            Terms::read("it's stress").for_postgres(),
            "'it' & 's' & 'stres':*"
        );
        assert!(Terms::read("\0 '\" * ( ) %").is_empty());
    }

    #[test]
    fn a_query_is_bounded() {
        let terms = Terms::read(&(0..10_000).map(|n| format!("w{n} ")).collect::<String>());
        assert_eq!(terms.len(), MOST_TERMS);
        let long = Terms::read(&"é".repeat(100_000));
        assert_eq!(long.for_sqlite().len(), MOST_LETTERS + 4);
    }

    proptest::proptest! {
        #[test]
        fn terms_hold_letters_and_digits_alone(query in ".{0,60}") {
            for term in Terms::read(&query).0 {
                proptest::prop_assert!(!term.word.is_empty());
                proptest::prop_assert!(!term.word.contains(['\'', '"', '\\', ' ', '\0', '*', ':']));
            }
        }
    }
}
