use maud::Render;

use crate::clean::one_line;
use crate::template::Hole;
use crate::{Date, Language, link, page};

/// What differs from reader to reader.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// Display names of the topics chosen; none means every topic.
    pub topics: &'a [&'a str],
    /// Display names of the types of research chosen; none means every type.
    pub research_types: &'a [&'a str],
    /// The day of the sign-up.
    pub since: Option<Date>,
    /// How the address came to us where the reader did not sign up on our own pages, as
    /// 'list of the spring conference'.
    pub source: Option<&'a str>,
    /// What `/ID/more` and `/ID/fewer` are put behind, where a summary has an ID: one address for
    /// all summaries, since making one that nobody can guess takes longer than setting it in.
    pub wish_url: &'a str,
    pub preferences_url: &'a str,
    pub unsubscribe_url: &'a str,
}

/// What a reader has for themselves in a mail, in words: for each hole, what goes into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Personal {
    wish: String,
    why: String,
    preferences: String,
    unsubscribe: String,
}

impl Reader<'_> {
    /// What goes into the holes, worked out once for both parts.
    pub fn personal(&self, language: Language) -> Personal {
        let safe = |url| link::safe(url).unwrap_or_default();
        Personal {
            wish: safe(self.wish_url.trim_end_matches('/')),
            why: self.why(language),
            preferences: safe(self.preferences_url),
            unsubscribe: safe(self.unsubscribe_url),
        }
    }

    fn why(&self, language: Language) -> String {
        let topics: Vec<String> = self.topics.iter().map(|topic| one_line(topic)).collect();
        let types: Vec<String> = self.research_types.iter().map(|t| one_line(t)).collect();
        let mut why = language.why(self.since, &topics, &types);
        if let Some(source) = self.source.map(one_line).filter(|s| !s.is_empty()) {
            why.push(' ');
            why.push_str(&language.came_by(&source));
        }
        why
    }
}

impl Personal {
    /// What goes into a hole of the HTML part, escaped.
    pub fn html(&self, hole: Hole) -> String {
        self.words(hole).render().into_string()
    }

    /// What goes into a hole of the text part, wrapped; the hole begins its line.
    pub fn text(&self, hole: Hole) -> String {
        page::wrapped(self.words(hole))
    }

    fn words(&self, hole: Hole) -> &str {
        match hole {
            Hole::Wish => &self.wish,
            Hole::Why => &self.why,
            Hole::Preferences => &self.preferences,
            Hole::Unsubscribe => &self.unsubscribe,
        }
    }
}
