//! The table of rules: which words and codes of a mail server mean what. See `rules.toml` for how to read it.

use std::collections::HashMap;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use serde::Deserialize;

use super::words::{self, Stage};
use super::{Class, Status};

/// As many rules as this project has, five times over; an operator's file may not slow every mail down.
const MOST_PHRASES: usize = 10_000;

static TABLE: OnceLock<Table> = OnceLock::new();

/// What is wrong with a table of rules.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("the rules are not of the shape that rules.toml explains: {0}")]
    Shape(#[from] toml::de::Error),
    #[error("the rule {rule} names the words {words:?}, which stand nowhere under [words]")]
    NoSuchWords { rule: String, words: String },
    #[error("the rule {rule} asks for the status {status:?}, which is none: 5, 5.1 or 5.1.1")]
    NoSuchStatus { rule: String, status: String },
    #[error("there are more than {MOST_PHRASES} phrases")]
    TooMany,
    #[error("rules are in use already; an own table is to be named before the first mail is read")]
    TooLate,
}

/// Puts the operator's own rules before the built-in ones, in the shape of `rules.toml`. To be called once, before the
/// first mail is read.
pub fn add_rules(own: &str) -> Result<(), RulesError> {
    let mut file: File = toml::from_str(own)?;
    let built_in: File = toml::from_str(BUILT_IN)?;
    file.rule.extend(built_in.rule);
    for (name, phrases) in built_in.words {
        file.words.entry(name).or_default().extend(phrases);
    }
    TABLE.set(Table::of(file)?).map_err(|_| RulesError::TooLate)
}

/// The rules in use.
pub(super) fn table() -> &'static Table {
    TABLE.get_or_init(|| {
        let file = toml::from_str(BUILT_IN).expect("a test reads the built-in rules");
        Table::of(file).expect("a test reads the built-in rules")
    })
}

const BUILT_IN: &str = include_str!("rules.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    words: HashMap<String, Vec<String>>,
    #[serde(default)]
    rule: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: String,
    class: Class,
    reason: String,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    codes: Vec<u16>,
    #[serde(default)]
    status: Vec<String>,
    #[serde(default)]
    at: Vec<Stage>,
}

/// What a rule comes to, and when it holds: every condition that it has, and of each at least one alternative.
#[derive(Debug)]
pub(super) struct Rule {
    pub name: String,
    pub class: Class,
    pub reason: String,
    /// Numbers of lists of phrases.
    says: Vec<usize>,
    unless: Vec<usize>,
    codes: Vec<u16>,
    status: Vec<Pattern>,
    at: Vec<Stage>,
}

/// Class, subject and detail of a status code, as far as a rule asks for them.
type Pattern = (u8, Option<u16>, Option<u16>);

/// What is known of a reply besides its words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Codes {
    pub code: Option<u16>,
    /// Of the reply itself, and of the report about it.
    pub statuses: [Option<Status>; 2],
    pub stage: Stage,
}

/// Which lists of phrases a text has something of.
pub(super) struct Said(Vec<bool>);

#[derive(Debug)]
pub(super) struct Table {
    rules: Vec<Rule>,
    finder: AhoCorasick,
    phrases: Vec<Phrase>,
    lists: usize,
}

/// Pieces that stand in this order, not far from each other; the finder looks for the first.
#[derive(Debug)]
struct Phrase {
    list: usize,
    rest: Vec<String>,
}

/// Bytes that may lie between two pieces of a phrase.
const GAP: usize = 100;

impl Table {
    fn of(file: File) -> Result<Table, RulesError> {
        let mut lists = Lists::default();
        for (name, phrases) in &file.words {
            lists.add(Some(name), phrases);
        }
        let rules = file
            .rule
            .into_iter()
            .map(|rule| lists.rule(rule))
            .collect::<Result<Vec<_>, _>>()?;
        if lists.firsts.len() > MOST_PHRASES {
            return Err(RulesError::TooMany);
        }
        Ok(Table {
            rules,
            finder: AhoCorasick::new(&lists.firsts).expect("so few phrases fit"),
            phrases: lists.phrases,
            lists: lists.count,
        })
    }

    /// Looks for every phrase in a text that `words::folded` has made ready.
    pub fn said(&self, folded: &str) -> Said {
        let mut said = vec![false; self.lists];
        for found in self.finder.find_overlapping_iter(folded) {
            let phrase = &self.phrases[found.pattern().as_usize()];
            if !said[phrase.list]
                && words::is_whole(folded, found.range())
                && follows(&folded[found.end()..], &phrase.rest)
            {
                said[phrase.list] = true;
            }
        }
        Said(said)
    }

    /// The first rule with words of its own that holds.
    pub fn by_words(&self, said: &Said, codes: &Codes) -> Option<&Rule> {
        self.rules
            .iter()
            .find(|rule| !rule.says.is_empty() && rule.holds(Some(said), codes))
    }

    /// The first rule without words that asks for a status.
    pub fn by_status(&self, codes: &Codes) -> Option<&Rule> {
        self.rules
            .iter()
            .find(|rule| rule.says.is_empty() && !rule.status.is_empty() && rule.holds(None, codes))
    }

    /// The first rule that asks for neither.
    pub fn by_code(&self, codes: &Codes) -> Option<&Rule> {
        self.rules
            .iter()
            .find(|rule| rule.says.is_empty() && rule.status.is_empty() && rule.holds(None, codes))
    }
}

impl Rule {
    fn holds(&self, said: Option<&Said>, codes: &Codes) -> bool {
        let says = |list: &usize| said.is_some_and(|said| said.0[*list]);
        (self.says.is_empty() || self.says.iter().any(says))
            && !self.unless.iter().any(says)
            && (self.codes.is_empty() || codes.code.is_some_and(|code| self.codes.contains(&code)))
            && (self.at.is_empty() || self.at.contains(&codes.stage))
            && (self.status.is_empty()
                || codes
                    .statuses
                    .iter()
                    .flatten()
                    .any(|status| self.takes(*status)))
    }

    fn takes(&self, (class, subject, detail): Status) -> bool {
        self.status.iter().any(|wanted| {
            wanted.0 == class
                && wanted.1.is_none_or(|wanted| wanted == subject)
                && wanted.2.is_none_or(|wanted| wanted == detail)
        })
    }
}

#[derive(Default)]
struct Lists {
    named: HashMap<String, usize>,
    firsts: Vec<String>,
    phrases: Vec<Phrase>,
    count: usize,
}

impl Lists {
    fn add(&mut self, name: Option<&str>, phrases: &[String]) -> usize {
        let list = self.count;
        self.count += 1;
        for phrase in phrases {
            let mut pieces = phrase
                .split(" * ")
                .map(words::folded)
                .filter(|piece| !piece.is_empty());
            if let Some(first) = pieces.next() {
                self.firsts.push(first);
                let rest = pieces.collect();
                self.phrases.push(Phrase { list, rest });
            }
        }
        if let Some(name) = name {
            self.named.insert(name.to_owned(), list);
        }
        list
    }

    fn rule(&mut self, text: RuleText) -> Result<Rule, RulesError> {
        let mut says = self.listed(&text.name, &text.words)?;
        if !text.says.is_empty() {
            says.push(self.add(None, &text.says));
        }
        Ok(Rule {
            says,
            unless: self.listed(&text.name, &text.unless)?,
            status: patterns(&text)?,
            name: text.name,
            class: text.class,
            reason: text.reason,
            codes: text.codes,
            at: text.at,
        })
    }

    fn listed(&self, rule: &str, names: &[String]) -> Result<Vec<usize>, RulesError> {
        let number = |name: &String| {
            self.named
                .get(name)
                .copied()
                .ok_or_else(|| RulesError::NoSuchWords {
                    rule: rule.to_owned(),
                    words: name.clone(),
                })
        };
        names.iter().map(number).collect()
    }
}

fn patterns(rule: &RuleText) -> Result<Vec<Pattern>, RulesError> {
    let pattern = |status: &String| {
        pattern(status).ok_or_else(|| RulesError::NoSuchStatus {
            rule: rule.name.clone(),
            status: status.clone(),
        })
    };
    rule.status.iter().map(pattern).collect()
}

/// The beginning of a status code: `5`, `5.1` or `5.1.1`.
fn pattern(text: &str) -> Option<Pattern> {
    let numbers: Vec<u16> = text
        .split('.')
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    let class = u8::try_from(*numbers.first()?).ok()?;
    (numbers.len() <= 3).then(|| (class, numbers.get(1).copied(), numbers.get(2).copied()))
}

/// Whether the further pieces of a phrase come in `text` one after the other.
fn follows(mut text: &str, pieces: &[String]) -> bool {
    for piece in pieces {
        let near = (0..=text.len().min(GAP + piece.len()))
            .rev()
            .find(|end| text.is_char_boundary(*end))
            .unwrap_or(0);
        match text[..near].find(piece.as_str()) {
            Some(at) => text = &text[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Table, RulesError> {
        Table::of(toml::from_str(text)?)
    }

    #[test]
    fn the_built_in_rules_have_names_of_their_own_and_the_last_asks_for_nothing() {
        let mut names: Vec<&str> = table().rules.iter().map(|rule| &*rule.name).collect();
        let last = table().rules.last().unwrap();
        assert!(last.holds(None, &Codes::default()), "{last:?}");
        let rules = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), rules);
        let is_word = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        for rule in &table().rules {
            assert!(rule.reason.chars().all(is_word), "{rule:?}");
        }
    }

    #[test]
    fn a_phrase_with_a_gap_wants_its_pieces_in_order_and_near() {
        let table = parsed("[words]\nx = [\"user * unknown\"]\n").unwrap();
        let said = |text: &str| table.said(&words::folded(text)).0[0];
        assert!(said("The USER <a@b.c> is\nunknown."));
        assert!(!said("unknown user"));
        assert!(!said(&format!("user {} unknown", "x".repeat(200))));
        assert!(!said("users are unknowns"), "not within words");
    }

    #[test]
    fn mistakes_in_a_table_are_named() {
        let rule = "[[rule]]\nname = \"a\"\nclass = \"soft\"\nreason = \"x\"\n";
        let why = |more: &str| parsed(&format!("{rule}{more}")).unwrap_err().to_string();
        assert!(why("words = [\"nothing\"]").contains("\"nothing\""));
        assert!(why("wrods = []").contains("wrods"));
        assert!(why("class = \"harsh\"").contains("class"));
        assert!(why("status = [\"5.x\"]").contains("5.x"));
    }
}
