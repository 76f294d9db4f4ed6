//! Bytes -> text -> the lines that a page consists of.

use super::{Note, note};

/// One line or paragraph of a page, in the form in which it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// The line of the file, counted from 1.
    pub line: usize,
    /// Never empty.
    pub text: String,
    /// The level of the heading that the page makes of it.
    pub heading: Option<u8>,
    /// All of it is bold.
    pub is_strong: bool,
    /// The DOI that a link in it leads to.
    pub link: Option<String>,
}

/// The text of a file, its line ends made `\n`. UTF-8 and, with its mark, UTF-16 are read; other
/// bytes are taken for Windows-1252, which gives every byte some letter, and a note says so.
pub(super) fn decoded(bytes: &[u8], notes: &mut Vec<Note>) -> String {
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf_8_or_windows(rest, notes),
        _ => utf_8_or_windows(bytes, notes),
    };
    without_controls(&text, notes)
}

/// The lines of a plain text that hold something.
pub(super) fn lines(text: &str) -> Vec<Block> {
    let numbered = text.split('\n').enumerate();
    numbered
        .map(|(index, line)| Block {
            line: index + 1,
            text: normal(line),
            ..Block::default()
        })
        .filter(|block| !block.text.is_empty())
        .collect()
}

/// The form in which text is stored: no soft hyphens and no spaces of zero width, plain spaces for
/// non-breaking ones, nothing at the ends. All else stays as published.
pub(super) fn normal(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|c| !matches!(c, '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}'))
        .filter(|c| *c == '\t' || !c.is_control())
        .map(|c| match c {
            '\u{A0}' | '\u{202F}' => ' ',
            other => other,
        })
        .collect();
    kept.trim().to_owned()
}

fn utf_8_or_windows(bytes: &[u8], notes: &mut Vec<Note>) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(wrong) => {
            let before = &bytes[..wrong.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            note(
                notes,
                line,
                "this is not UTF-8; the file was read as Windows-1252",
            );
            bytes.iter().map(|byte| windows_1252(*byte)).collect()
        }
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks(2).map(|pair| match pair {
        [first, second] => unit([*first, *second]),
        _ => 0xFFFD,
    });
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Windows-1252 differs from the first 256 code points in the bytes 0x80 to 0x9F; the five that it
/// leaves open are controls there, and dropped as such.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž',
        '\u{8F}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => HIGH[usize::from(byte - 0x80)],
        other => char::from(other),
    }
}

/// Makes one `\n` of every line end, form feeds and the like included, and drops other controls.
fn without_controls(text: &str, notes: &mut Vec<Note>) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut line, mut first, mut dropped) = (1, 0, 0);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                kept.push('\n');
                line += 1;
            }
            c if c.is_control() && c != '\t' => {
                dropped += 1;
                first = if dropped == 1 { line } else { first };
            }
            c => kept.push(c),
        }
    }
    if dropped > 0 {
        note(
            notes,
            first,
            format!("{dropped} control characters were dropped, the first here"),
        );
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (String, usize) {
        let mut notes = Vec::new();
        (decoded(bytes, &mut notes), notes.len())
    }

    #[test]
    fn the_usual_encodings_are_read() {
        assert_eq!(
            read("\u{FEFF}é\r\nb\rc".as_bytes()),
            ("é\nb\nc".to_owned(), 0)
        );
        assert_eq!(read(b"\xFF\xFE\xE9\0\n\0"), ("é\n".to_owned(), 0));
        assert_eq!(read(b"\xFE\xFF\0\xE9\0\n"), ("é\n".to_owned(), 0));
        assert_eq!(
            read(b"caf\xE9 \x96 \x93x\x94"),
            ("café – “x”".to_owned(), 1)
        );
        assert_eq!(read(b"a\0b\x01"), ("ab".to_owned(), 1));
    }

    #[test]
    fn spaces_and_hyphens_that_cannot_be_seen_are_made_plain() {
        assert_eq!(
            normal("\u{A0}p\u{202F}<\u{A0}.05,  psy\u{AD}cho\u{200B} "),
            "p < .05,  psycho"
        );
    }
}
