use crate::clean::one_line;
use crate::contents::{Imprint, Mention};
use crate::letter::Letter;
use crate::subject::with_publication;
use crate::{Language, link};

/// Everything that the reader of a letter sees, in the order in which they see it.
pub(super) struct Body {
    pub language: Language,
    pub subject: String,
    /// The first line: what an inbox shows beside the subject.
    pub opening: String,
    pub publication: String,
    pub headline: &'static str,
    pub blocks: Vec<Block>,
    /// Something to read, under a heading.
    pub list: Option<(String, Vec<Mention>)>,
    /// The sentence that says why this address gets the mail.
    pub why: String,
    /// The links of the foot.
    pub links: Vec<Link>,
    pub imprint: Imprint,
}

pub(super) enum Block {
    Text(String),
    /// What the letter is there for.
    Button(Link),
    Panel {
        heading: &'static str,
        lines: Vec<String>,
    },
    /// A sentence that ends with the contact.
    TellUs(&'static str),
}

pub(super) struct Link {
    pub label: &'static str,
    pub url: String,
}

/// The lines of a letter that every kind has.
pub(super) struct Lines {
    /// The subject, less the name of the publication.
    pub subject: &'static str,
    pub opening: String,
    pub headline: &'static str,
    pub why: String,
}

impl Body {
    /// A letter with nothing yet between its head and its foot.
    pub fn of(letter: &Letter, lines: Lines) -> Self {
        Self {
            language: letter.language,
            subject: with_publication(lines.subject, letter.publication, letter.language),
            opening: lines.opening,
            publication: one_line(letter.publication),
            headline: lines.headline,
            blocks: Vec::new(),
            list: None,
            why: lines.why,
            links: Vec::new(),
            imprint: Imprint::of(&letter.sender),
        }
    }

    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Text(text.into()));
        self
    }

    pub fn button(mut self, label: &'static str, url: &str) -> Self {
        self.blocks.extend(Link::to(url, label).map(Block::Button));
        self
    }

    pub fn panel(mut self, heading: &'static str, lines: Vec<String>) -> Self {
        self.blocks.push(Block::Panel { heading, lines });
        self
    }

    pub fn list(mut self, heading: String, mentions: Vec<Mention>) -> Self {
        self.list = Some((heading, mentions));
        self
    }

    pub fn tell_us(mut self, sentence: &'static str) -> Self {
        self.blocks.push(Block::TellUs(sentence));
        self
    }

    pub fn foot_link(mut self, label: &'static str, url: &str) -> Self {
        self.links.extend(Link::to(url, label));
        self
    }
}

impl Link {
    fn to(url: &str, label: &'static str) -> Option<Self> {
        link::safe(url).map(|url| Self { label, url })
    }
}

/// The publication as it stands in a sentence: in French between guillemets, so that no article of
/// its own gets in the way of ours.
pub(super) fn named(letter: &Letter) -> String {
    let publication = one_line(letter.publication);
    match letter.language {
        Language::English => publication,
        Language::French => format!("«\u{A0}{publication}\u{A0}»"),
    }
}
