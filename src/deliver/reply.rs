//! What the relay says. Servers differ, so lines are read leniently; replies are counted strictly,
//! as each belongs to one command.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr;

use crate::plain::is_plain;

/// What the server said.
///
/// The text is the server's and often repeats the recipient's address: it belongs into the
/// attempt's row and before the editor's eyes, but not into a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// The enhanced status (RFC 3463), when the text begins with one of the code's class.
    pub status: Option<(u8, u16, u16)>,
    /// One line of at most 512 characters, without the enhanced status.
    pub text: String,
}

impl Reply {
    /// A reply made from its parts; the text's line ends become spaces, its excess is cut off.
    pub fn new(code: u16, text: &str) -> Reply {
        const LONGEST: usize = 512;
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let status = enhanced(code, word);
        let text = if status.is_some() { rest } else { text };
        let shown = |letter| if is_plain(letter) { letter } else { ' ' };
        let text = text.trim();
        let mut line = String::with_capacity(text.len().min(LONGEST));
        line.extend(text.chars().take(LONGEST).map(shown));
        let text = line;
        Reply { code, status, text }
    }

    /// Reads the bytes of a whole reply, as [`measure`] has found it.
    pub(super) fn read(code: u16, bytes: &[u8]) -> Reply {
        let mut lines = texts(bytes);
        let mut text = lines.next().unwrap_or_default();
        for line in lines {
            text += " ";
            text += line;
        }
        Reply::new(code, &text)
    }

    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    pub fn is_transient(&self) -> bool {
        self.code / 100 == 4
    }

    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// Whether it says no, for now or for good.
    pub fn is_refusal(&self) -> bool {
        self.is_transient() || self.is_permanent()
    }

    /// Whether the server closes the connection with this (RFC 5321 section 3.8).
    pub fn is_farewell(&self) -> bool {
        self.code == 421
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some((class, subject, detail)) = self.status {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        if !self.text.is_empty() {
            write!(f, " {}", self.text)?;
        }
        Ok(())
    }
}

/// How far the first reply in some bytes goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// More has to come.
    Partial,
    Whole {
        code: u16,
        bytes: usize,
    },
    /// It never becomes one, whatever comes.
    Never,
}

/// Measures the reply that begins here: lines with one and the same code, a hyphen after it in all
/// but the last (RFC 5321 section 4.2).
///
/// A bare LF will do as a line's end and the code alone as a line, as none of that can be relied
/// on, and a message must not become unknown for it.
pub fn measure(unread: &[u8]) -> Extent {
    /// A line may have 512 bytes (RFC 5321 section 4.5.3.1.5); servers are chattier than that.
    const LINE_BYTES: usize = 1000;
    /// More than the longest list of extensions, so that nobody fills our memory.
    const REPLY_BYTES: usize = 32 * 1024;
    let (mut start, mut first) = (0, None);
    while let Some(at) = memchr(b'\n', &unread[start..]) {
        let line = &unread[start..=start + at];
        let Some((code, is_last)) = code(line).filter(|_| line.len() <= LINE_BYTES) else {
            return Extent::Never;
        };
        if *first.get_or_insert(code) != code {
            return Extent::Never;
        }
        start += line.len();
        if is_last {
            return Extent::Whole { code, bytes: start };
        }
    }
    if unread.len() - start > LINE_BYTES || start > REPLY_BYTES {
        return Extent::Never;
    }
    Extent::Partial
}

/// The texts of a reply's lines, without codes and line ends.
pub fn texts(reply: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    reply.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let text = line.trim_ascii_end().get(4..).unwrap_or_default();
        String::from_utf8_lossy(text)
    })
}

/// A line's code, and whether it is its reply's last.
fn code(line: &[u8]) -> Option<(u16, bool)> {
    let [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = line else {
        return None;
    };
    let digit = |byte: &u8| u16::from(byte - b'0');
    let code = digit(a) * 100 + digit(b) * 10 + digit(c);
    match rest {
        [b' ' | b'\r' | b'\n', ..] => Some((code, true)),
        [b'-', ..] => Some((code, false)),
        _ => None,
    }
}

/// Reads `5.1.1` where it agrees with the code (RFC 2034 section 4).
fn enhanced(code: u16, word: &str) -> Option<(u8, u16, u16)> {
    let mut parts = word.split('.').map(|part| {
        let is_number = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<u16>().ok().filter(|_| is_number)
    });
    let status = (parts.next()??, parts.next()??, parts.next()??);
    let class = u8::try_from(status.0).ok()?;
    let agrees = status.0 == code / 100 && matches!(class, 2 | 4 | 5);
    (agrees && parts.next().is_none()).then_some((class, status.1, status.2))
}
