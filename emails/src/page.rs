//! A page of text in lines that any terminal shows.

use std::borrow::Cow;

use crate::Language;
use crate::clean::is_break;
use crate::contents::{Imprint, Mention};

/// Where a line is broken.
const WIDTH: usize = 72;

/// What no line exceeds, an address alone excepted; between the two are only characters that
/// belong to the one before.
const LIMIT: usize = 78;

const RULE: &str = "------------------------------------------------------------------------";

/// A text part while it is written.
pub(crate) struct Page(String);

impl Page {
    /// A page that begins with what an inbox shows beside the subject.
    pub fn opened_with(opening: &str) -> Self {
        let mut page = Self(String::new());
        page.paragraph(opening);
        page
    }

    pub fn finished(self) -> String {
        self.0
    }

    /// What sets the foot of a mail apart from the rest.
    pub fn rule(&mut self) {
        self.line(RULE);
        self.gap();
    }

    /// Who sends.
    pub fn imprint(&mut self, imprint: &Imprint, language: Language) {
        self.line(language.sent_by());
        imprint.lines.iter().for_each(|line| self.line(line));
        if !imprint.contact.text.is_empty() {
            self.line(&format!("{} {}", language.contact(), imprint.contact.text));
        }
    }

    /// Titles under a heading, and where each leads.
    pub fn list(&mut self, heading: &str, mentions: &[Mention]) {
        self.heading(heading, "-");
        self.gap();
        for mention in mentions {
            self.mention(mention);
        }
        self.gap();
    }

    fn mention(&mut self, mention: &Mention) {
        let entry = match &mention.kind {
            Some(kind) => format!("{} ({kind})", mention.title),
            None => mention.title.clone(),
        };
        self.0.push_str("* ");
        self.0.push_str(&wrapped_within(&entry, "  ", WIDTH - 2));
        self.gap_line();
        if let Some(url) = &mention.url {
            self.indented("  ", url);
        }
        self.gap();
    }

    /// A link, with what it does on the line before.
    pub fn labelled(&mut self, label: &str, url: &str) {
        self.line(label);
        self.line(url);
        self.gap();
    }

    /// Underlined as far as its longest line goes.
    pub fn heading(&mut self, text: &str, underline: &str) {
        let heading = wrapped(text);
        let longest = heading.lines().map(width).max().unwrap_or(0);
        self.line(text);
        self.line(&underline.repeat(longest.min(WIDTH)));
    }

    pub fn paragraph(&mut self, text: &str) {
        self.line(text);
        self.gap();
    }

    /// Paragraphs under a heading, set apart by a bar at their side.
    pub fn panel(&mut self, heading: &str, paragraphs: &[String]) {
        self.indented("| ", heading);
        for paragraph in paragraphs {
            self.0.push_str("|\n");
            self.indented("| ", paragraph);
        }
        self.gap();
    }

    fn indented(&mut self, indent: &str, text: &str) {
        self.0.push_str(indent);
        self.0
            .push_str(&wrapped_within(text, indent, WIDTH - indent.len()));
        self.gap_line();
    }

    /// Nothing for nothing, so that no blank line stands where a text is missing.
    pub fn line(&mut self, text: &str) {
        if !text.is_empty() {
            self.0.push_str(&wrapped(text));
            self.gap_line();
        }
    }

    pub fn gap_line(&mut self) {
        self.0.push('\n');
    }

    /// A blank line, unless there is one.
    pub fn gap(&mut self) {
        if !self.0.ends_with("\n\n") {
            self.gap_line();
        }
    }
}

/// The text in lines of at most [`WIDTH`] columns.
pub(crate) fn wrapped(text: &str) -> String {
    wrapped_within(text, "", WIDTH)
}

fn wrapped_within(text: &str, indent: &str, room: usize) -> String {
    let mut wrapped = String::with_capacity(text.len() + text.len() / 32);
    let mut used = 0;
    let words = text.split(is_break).filter(|word| !word.is_empty());
    for piece in words.flat_map(|word| pieces(word, room)) {
        let space = usize::from(piece.starts_a_word && used > 0);
        if used > 0 && (used + space + piece.columns > room || !piece.starts_a_word) {
            wrapped.push('\n');
            wrapped.push_str(indent);
            used = 0;
        } else if space == 1 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(&piece.text);
        used += piece.columns;
    }
    wrapped
}

/// A word, or what fits on a line of one that does not.
struct Piece<'a> {
    text: Cow<'a, str>,
    columns: usize,
    starts_a_word: bool,
}

/// An address stays whole, since half of one leads nowhere.
fn pieces(word: &str, room: usize) -> impl Iterator<Item = Piece<'_>> {
    let columns = width(word);
    let stays_whole = columns <= room || word.contains("://") || word.starts_with("mailto:");
    let whole = stays_whole.then_some(Piece {
        text: word.into(),
        columns,
        starts_a_word: true,
    });
    let broken = match stays_whole {
        true => Vec::new(),
        false => broken(word, room),
    };
    whole.into_iter().chain(broken)
}

fn broken(word: &str, room: usize) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut used = 0;
    for letter in word.chars() {
        let is_full = used + columns(letter) > room && !joins(letter, &text);
        if is_full || used + columns(letter) > room + LIMIT - WIDTH {
            pieces.push(Piece {
                text: std::mem::take(&mut text).into(),
                columns: std::mem::take(&mut used),
                starts_a_word: pieces.is_empty(),
            });
        }
        text.push(letter);
        used += columns(letter);
    }
    pieces.push(Piece {
        text: text.into(),
        columns: used,
        starts_a_word: pieces.is_empty(),
    });
    pieces
}

/// Whether a character is drawn as a part of what stands before it: an accent, or what an emoji is
/// made of.
fn joins(letter: char, before: &str) -> bool {
    before.ends_with('\u{200D}')
        || matches!(letter,
            '\u{300}'..='\u{36F}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}')
}

fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.chars().map(columns).sum()
}

/// Two columns for the characters of East Asia and for emoji, one for all others.
fn columns(letter: char) -> usize {
    let is_wide = matches!(letter,
        '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}'
        | '\u{1F300}'..='\u{1FAFF}' | '\u{20000}'..='\u{3FFFD}');
    if is_wide { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_within_those_too_long() {
        assert_eq!(wrapped_within("aa bb cc", "", 5), "aa bb\ncc");
        assert_eq!(wrapped_within("aa bb cc", "  ", 5), "aa bb\n  cc");
        assert_eq!(wrapped_within("x abcdefgh y", "", 5), "x\nabcde\nfgh y");
        assert_eq!(wrapped_within("研究研究", "", 5), "研究\n研究");
        assert_eq!(wrapped_within("a\u{A0}: b", "", 4), "a\u{A0}:\nb");
    }

    #[test]
    fn an_address_stays_whole() {
        let url = format!("https://x.test/{}", "a".repeat(100));
        assert_eq!(
            wrapped(&format!("see {url} there")),
            format!("see\n{url}\nthere")
        );
    }

    #[test]
    fn an_emoji_is_not_taken_apart() {
        let family = "👩\u{200D}👩\u{200D}👧";
        let line = wrapped_within(&format!("aaa{family}"), "", 4);
        assert_eq!(line, format!("aaa\n{family}"));
    }
}
