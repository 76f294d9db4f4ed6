use crate::{Email, Language, Personal};

/// A mail rendered once for many readers, in pieces, with holes for what differs among them.
///
/// The pieces can be encoded for transport once; a hole stands for nothing but what
/// [`Personal::html`] or [`Personal::text`] gives for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub language: Language,
    pub subject: String,
    pub html: Vec<Part>,
    pub text: Vec<Part>,
}

/// A piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Fixed(String),
    Hole(Hole),
}

/// What a reader has for themselves in a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hole {
    /// The beginning of the addresses where the reader wishes for more or fewer like a summary;
    /// after it comes `/ID/more` or `/ID/fewer`.
    Wish,
    /// The sentence that says why this reader gets the mail.
    Why,
    /// The address of the reader's preferences.
    Preferences,
    /// The address of the page where the reader leaves.
    Unsubscribe,
}

impl Template {
    /// The mail for one reader.
    pub fn fill(&self, personal: &Personal) -> Email {
        Email {
            subject: self.subject.clone(),
            html: join(&self.html, |hole| personal.html(hole)),
            text: join(&self.text, |hole| personal.text(hole)),
        }
    }
}

impl Hole {
    /// Every hole, in the order of the definition.
    pub const ALL: [Self; 4] = [Self::Wish, Self::Why, Self::Preferences, Self::Unsubscribe];

    /// What marks the hole in a rendering until [`cut`] finds it: a Unicode noncharacter, which
    /// `clean` takes out of everything from outside, so that no content can forge a hole.
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::Why => "\u{FDD0}",
            Self::Preferences => "\u{FDD1}",
            Self::Unsubscribe => "\u{FDD2}",
            Self::Wish => "\u{FDD3}",
        }
    }
}

/// Cuts a rendering into what is fixed and what is a hole.
pub(crate) fn cut(rendering: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = rendering;
    while let Some((at, hole)) = first_hole(rest) {
        parts.push(Part::Fixed(rest[..at].to_owned()));
        parts.push(Part::Hole(hole));
        rest = &rest[at + hole.mark().len()..];
    }
    parts.push(Part::Fixed(rest.to_owned()));
    parts
}

fn first_hole(text: &str) -> Option<(usize, Hole)> {
    let found = Hole::ALL
        .into_iter()
        .filter_map(|hole| text.find(hole.mark()).map(|at| (at, hole)));
    found.min_by_key(|(at, _)| *at)
}

fn join(parts: &[Part], filling: impl Fn(Hole) -> String) -> String {
    let piece = |part: &Part| match part {
        Part::Fixed(text) => text.clone(),
        Part::Hole(hole) => filling(*hole),
    };
    parts.iter().map(piece).collect()
}
