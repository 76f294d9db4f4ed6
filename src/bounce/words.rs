//! A mail server's words, made ready for rules to look at.

use std::ops::Range;

use serde::Deserialize;

use super::Status;
use super::address;
use super::report;
use crate::topic::without_accent;

/// Bytes of a text that rules look at.
const LONGEST: usize = 64 << 10;

/// What a mail server was answering when it refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    #[default]
    Unknown,
    /// The connection itself, EHLO or STARTTLS: it knew no recipient yet.
    Connect,
    /// MAIL: it knew the sender alone.
    Sender,
    /// RCPT: what it says is about the recipient, if about no other.
    Recipient,
    /// DATA, or the message's end: it had taken the recipient before.
    Message,
}

/// The text in lower case with single spaces, without accents and reply codes, and with `@` for each address, so that a
/// phrase is found wherever lines break, whatever a server can write, and whoever it was said of. Scripts that write no
/// spaces get none.
pub(super) fn folded(text: &str) -> String {
    let end = (0..=text.len().min(LONGEST))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    let text = without_addresses(&text[..end]);
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace().filter(|word| !is_code(word)) {
        let touches = |letter: Option<char>| letter.is_some_and(writes_no_spaces);
        let goes_on = touches(folded.chars().next_back()) && touches(word.chars().next());
        if !folded.is_empty() && !goes_on {
            folded.push(' ');
        }
        for letter in word.chars() {
            match letter {
                '\u{2018}' | '\u{2019}' | '\u{b4}' | '`' => folded.push('\''),
                '\u{201c}' | '\u{201d}' => folded.push('"'),
                // Accents that a server could not write, or that follow their letter.
                '\u{300}'..='\u{36f}' => {}
                letter => match without_accent(letter) {
                    "" => folded.extend(letter.to_lowercase()),
                    plain => folded.push_str(plain),
                },
            }
        }
    }
    folded
}

/// Whether a phrase stands there as words of its own, and not within longer ones.
pub(super) fn is_whole(text: &str, at: Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let is_word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let begins_within = at.start > 0 && is_word(at.start) && is_word(at.start - 1);
    let ends_within = at.end > 0 && is_word(at.end - 1) && is_word(at.end);
    !begins_within && !ends_within
}

/// The first reply code (4xx or 5xx) of a text that stands as one.
pub(super) fn code(text: &str) -> Option<u16> {
    text.split(|letter: char| letter.is_whitespace() || "-:;,'\"[]()<>#=".contains(letter))
        .filter(|word| word.len() == 3)
        .find_map(|word| word.parse().ok().filter(|code| (400..600).contains(code)))
}

/// The most telling enhanced status code of a text: the first that is not `x.0.0`.
pub(super) fn status(text: &str) -> Option<Status> {
    let mut found = None;
    let mut rest = text;
    for _ in 0..8 {
        let Some((status, after)) = report::status(rest) else {
            break;
        };
        if status.0 != 2 {
            if (status.1, status.2) != (0, 0) {
                return Some(status);
            }
            found = found.or(Some(status));
        }
        rest = after;
    }
    found
}

fn without_addresses(text: &str) -> String {
    let mut without = String::with_capacity(text.len());
    let mut from = 0;
    for found in address::find(text, false) {
        let before = text[from..found.start].trim_end_matches(['<', '"', '\'', '(']);
        without.push_str(before);
        if !before.ends_with(char::is_whitespace) && before.len() < found.start - from {
            without.push(' ');
        }
        without.push('@');
        let after = &text[found.end..];
        from = found.end + (after.len() - after.trim_start_matches(['>', '"', '\'', ')']).len());
    }
    without.push_str(&text[from..]);
    without
}

/// `550`, `5.1.1`, `550-5.1.1`, `(#5.1.1)`: servers set them amid their sentences when those have several lines.
fn is_code(word: &str) -> bool {
    let bare = word.trim_matches(|letter: char| "()[]#:;,-".contains(letter));
    let is_reply = |word: &str| {
        word.len() == 3 && word.starts_with(['4', '5']) && word.bytes().all(|b| b.is_ascii_digit())
    };
    let is_status = |word: &str| matches!(report::status(word), Some((_, "")));
    is_reply(bare)
        || (is_status(bare) && bare.starts_with(['4', '5']))
        || bare
            .split_once(['-', ' '])
            .is_some_and(|(reply, status)| is_reply(reply) && is_status(status))
}

fn writes_no_spaces(letter: char) -> bool {
    matches!(letter, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff00}'..='\u{ff60}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_addresses_do_not_break_a_sentence() {
        assert_eq!(
            folded(
                "550-5.1.1 The email account that\n 550-5.1.1 you tried <a@b.c> to\treach 550 5.1.1 is gone"
            ),
            "the email account that you tried @ to reach is gone"
        );
        assert_eq!(
            folded("宛先が\n見つかり ません a b"),
            "宛先が見つかりません a b"
        );
        assert_eq!(folded("(#5.1.1) Don’t"), "don't");
        assert_eq!(folded("\"a@b.c\": no"), "@: no");
    }

    #[test]
    fn codes_are_read_from_replies() {
        assert_eq!(code("said: 550-5.1.1 x"), Some(550));
        assert_eq!(code("452 4.2.2 and 550"), Some(452));
        assert_eq!(code("host 1.2.3.4 5500"), None);
        assert_eq!(status("554 5.0.0 x 550 5.1.1 y"), Some((5, 1, 1)));
        assert_eq!(status("554 5.0.0"), Some((5, 0, 0)));
    }
}
