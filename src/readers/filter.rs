//! Which readers are meant: a tree of what can be asked about one, which becomes SQL here and nowhere else. Its words come
//! from closed lists; what was written by anybody is bound, never part of the text.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::Tx;
use crate::enrol::ConsentKind;
use crate::subscription::{Format, Frequency, Language, State};

/// One question about a reader, or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// All of them hold; of none, everybody.
    All(Vec<Filter>),
    /// One of them holds; of none, nobody.
    Any(Vec<Filter>),
    Not(Box<Filter>),
    State(State),
    /// They get summaries on it, for they chose it or everything; a slug.
    Topic(String),
    ResearchType(String),
    Language(Language),
    Frequency(Frequency),
    Format(Format),
    Consent(ConsentKind),
    /// Their consent was given then or later.
    Since(DateTime<Utc>),
    /// It was given earlier.
    Before(DateTime<Utc>),
    /// Their address gets no mail.
    Suppressed,
    /// A mail to them came back because of their mailbox.
    Bounced,
    /// They want no digests for a while.
    Paused,
}

/// More questions than this are no person's.
const MOST_QUESTIONS: usize = 100;

impl Filter {
    /// Whether it has a size that a person may have asked for.
    pub fn is_fit(&self) -> bool {
        self.questions() <= MOST_QUESTIONS
    }

    fn questions(&self) -> usize {
        1 + match self {
            Filter::All(parts) | Filter::Any(parts) => parts.iter().map(Filter::questions).sum(),
            Filter::Not(part) => part.questions(),
            _ => 0,
        }
    }
}

/// A statement about readers in the making, with what is bound to it.
pub(super) struct Statement {
    pub sql: String,
    pub bound: Vec<Bound>,
    is_postgres: bool,
    /// It is known to hold for many: the first in order are soon found by going through all readers.
    pub holds_for_many: bool,
    now: DateTime<Utc>,
}

/// What is bound to a statement.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    Id(Uuid),
    Text(String),
    Time(DateTime<Utc>),
    Number(i64),
}

/// Gives a query everything that is bound to its statement.
macro_rules! bind_all {
    ($query:expr, $bound:expr) => {
        $bound.into_iter().fold($query, |query, value| match value {
            $crate::readers::filter::Bound::Id(id) => query.bind(id),
            $crate::readers::filter::Bound::Text(text) => query.bind(text),
            $crate::readers::filter::Bound::Time(at) => query.bind(at),
            $crate::readers::filter::Bound::Number(number) => query.bind(number),
        })
    };
}
pub(super) use bind_all;

impl Statement {
    /// `SELECT what FROM subscriber s WHERE`; what is asked comes next.
    pub fn select(tx: &Tx, what: &str, now: DateTime<Utc>) -> Statement {
        Statement {
            sql: format!("SELECT {what} FROM subscriber s WHERE "),
            bound: Vec::new(),
            is_postgres: matches!(tx, Tx::Postgres(_)),
            holds_for_many: false,
            now,
        }
    }

    pub fn say(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// Says the number of what is bound next.
    pub fn bind(&mut self, value: Bound) {
        self.bound.push(value);
        let number = self.bound.len();
        self.say(&format!("${number}"));
    }

    /// Only these readers.
    pub fn among(&mut self, ids: &[Uuid]) {
        self.say(" AND s.id IN (");
        for (number, id) in ids.iter().enumerate() {
            if number > 0 {
                self.say(", ");
            }
            self.bind(Bound::Id(*id));
        }
        self.say(")");
    }

    pub fn ask(&mut self, filter: &Filter) {
        match filter {
            Filter::All(parts) => self.ask_each(parts, " AND ", "1 = 1"),
            Filter::Any(parts) => self.ask_each(parts, " OR ", "1 = 0"),
            Filter::Not(part) => {
                self.say("NOT (");
                self.ask(part);
                self.say(")");
            }
            // Words of ours stand in the text: an index of few rows is found by them.
            Filter::State(state) => self.say(&format!("s.state = '{state}'")),
            Filter::Language(language) => self.say(&format!("s.language = '{language}'")),
            Filter::Frequency(frequency) => self.say(&format!("s.frequency = '{frequency}'")),
            Filter::Format(format) => self.say(&format!("s.format = '{format}'")),
            Filter::Consent(ConsentKind::Implied) => self.say("s.consent_until IS NOT NULL"),
            Filter::Consent(ConsentKind::Express) => self.say("s.consent_until IS NULL"),
            Filter::Topic(slug) => self.ask_choice("topics", slug),
            Filter::ResearchType(slug) => self.ask_choice("research_types", slug),
            Filter::Since(at) => self.ask_time("s.since >= ", *at),
            Filter::Before(at) => self.ask_time("s.since < ", *at),
            Filter::Paused => {
                self.say("(s.paused_until IS NOT NULL AND ");
                self.ask_time("s.paused_until > ", self.now);
                self.say(")");
            }
            Filter::Suppressed => {
                // PostgreSQL knows how many there are. With `+` SQLite does not look up each of them first.
                let plus = match self.holds_for_many && !self.is_postgres {
                    true => "+",
                    false => "",
                };
                self.say(&format!(
                    "{plus}s.address_hash IN (SELECT x.address_hash FROM suppression x)"
                ));
            }
            Filter::Bounced => self.say(
                "s.id IN (SELECT r.subscriber_id FROM returned r \
                 WHERE r.subscriber_id IS NOT NULL AND r.class IN ('hard', 'soft'))",
            ),
        }
    }

    fn ask_each(&mut self, parts: &[Filter], between: &str, of_none: &str) {
        if parts.is_empty() {
            return self.say(of_none);
        }
        self.say("(");
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                self.say(between);
            }
            self.ask(part);
        }
        self.say(")");
    }

    fn ask_time(&mut self, sql: &str, at: DateTime<Utc>) {
        self.say(sql);
        self.bind(Bound::Time(at));
    }

    /// Many readers share a choice: those that are meant are found once. An empty list is all of them; slugs stand in it
    /// as JSON writes them, between quotes.
    fn ask_choice(&mut self, column: &str, slug: &str) {
        self.say(&format!(
            "s.choice_id IN (SELECT c.id FROM choice c WHERE c.{column} = '[]' OR "
        ));
        if self.is_postgres {
            self.say(&format!("c.{column} ? "));
            self.bind(Bound::Text(slug.to_owned()));
        } else {
            self.say(&format!("instr(c.{column}, "));
            self.bind(Bound::Text(format!("\"{slug}\"")));
            self.say(") > 0");
        }
        self.say(")");
    }
}
