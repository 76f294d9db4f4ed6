use maud::Render;

use crate::clean::one_line;
use crate::template::Hole;
use crate::{Date, Language, link, text};

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
    pub preferences_url: &'a str,
    pub unsubscribe_url: &'a str,
}

impl Reader<'_> {
    /// What goes into a hole of the HTML part, escaped.
    pub fn html(&self, hole: Hole, language: Language) -> String {
        self.content(hole, language).render().into_string()
    }

    /// What goes into a hole of the text part, wrapped; the hole stands alone on its line.
    pub fn text(&self, hole: Hole, language: Language) -> String {
        text::wrapped(&self.content(hole, language))
    }

    fn content(&self, hole: Hole, language: Language) -> String {
        match hole {
            Hole::Why => self.why(language),
            Hole::Preferences => link::safe(self.preferences_url).unwrap_or_default(),
            Hole::Unsubscribe => link::safe(self.unsubscribe_url).unwrap_or_default(),
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
