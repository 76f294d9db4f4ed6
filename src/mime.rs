//! Messages on the wire: header fields (RFC 5322, 2047, 6532) and bodies (RFC 2045).

use std::fmt::Write;

use email_encoding::headers::rfc2047;
use email_encoding::headers::writer::EmailWriter;

/// Separates the parts of our messages. Quoted-printable text cannot hold `=_`, so no content can end a part.
pub const BOUNDARY: &str = "=_bulletin";

/// Letters in a line of quoted-printable, a soft break's `=` included (RFC 2045 section 6.7, rule 5).
const LONGEST_LINE: usize = 76;

/// Adds a field whose value is text for people: non-ASCII as encoded words, folded at 76 columns.
pub fn text_field(to: &mut String, name: &str, value: &str) {
    to.push_str(name);
    to.push_str(": ");
    {
        let start = name.len() + 2;
        let mut writer = EmailWriter::new(to, start, 0, false);
        let value = one_line(value);
        if value.bytes().all(is_printable) && !value.contains("=?") {
            writer
                .folding()
                .write_str(&value)
                .expect("a String takes everything");
        } else {
            rfc2047::encode(&value, &mut writer).expect("a String takes everything");
        }
    }
    to.push_str("\r\n");
}

/// Adds a field of one mailbox. A name is quoted or encoded as it needs; an address of UTF-8 stays as it is (RFC 6532).
pub fn mailbox_field(to: &mut String, field: &str, name: &str, address: &str) {
    to.push_str(field);
    to.push_str(": ");
    let name = one_line(name);
    if name.is_empty() {
        to.push_str(address);
    } else {
        let line = match name.bytes().all(is_printable) && !name.contains("=?") {
            true => quoted(to, field.len() + 2, &name),
            false => {
                let mut writer = EmailWriter::new(to, field.len() + 2, 0, false);
                rfc2047::encode(&name, &mut writer).expect("a String takes everything");
                writer.line_len()
            }
        };
        let fits = line + address.len() + 3 <= 76;
        to.push_str(if fits { " <" } else { "\r\n <" });
        to.push_str(address);
        to.push('>');
    }
    to.push_str("\r\n");
}

/// Adds a name as a quoted string, folded at its spaces (RFC 5322 section 3.2.4); gives the length of its last line.
/// Spam filters hold it against a name of plain letters when it comes encoded.
fn quoted(to: &mut String, mut column: usize, name: &str) -> usize {
    to.push('"');
    column += 1;
    for (nth, word) in name.split(' ').enumerate() {
        if nth > 0 {
            if column + 1 + word.len() > 76 {
                to.push_str("\r\n");
                column = 0;
            }
            to.push(' ');
            column += 1;
        }
        for letter in word.chars() {
            if matches!(letter, '"' | '\\') {
                to.push('\\');
                column += 1;
            }
            to.push(letter);
            column += 1;
        }
    }
    to.push('"');
    column + 1
}

/// Adds a field of protocol elements, each on a line of its own once they do not fit on one. ASCII only.
pub fn list_field(to: &mut String, field: &str, elements: &[&str]) {
    to.push_str(field);
    to.push(':');
    let mut column = field.len() + 1;
    for (index, element) in elements.iter().enumerate() {
        let comma = if index + 1 < elements.len() { "," } else { "" };
        if column + 1 + element.len() + comma.len() > 76 {
            to.push_str("\r\n");
            column = 0;
        }
        to.push(' ');
        to.push_str(element);
        to.push_str(comma);
        column += 1 + element.len() + comma.len();
    }
    to.push_str("\r\n");
}

/// Text in quoted-printable, its lines ending in CRLF and none of them beginning with a dot, which SMTP would have to
/// double. It may be set together of pieces, each encoded by itself and beginning a line.
pub fn quoted_printable(text: &str) -> String {
    let encoded = line_by_line(text);
    match encoded.starts_with('.') || encoded.contains("\n.") {
        true => without_dots(&encoded),
        false => encoded,
    }
}

fn line_by_line(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + text.len() / 16);
    for line in text.split_inclusive('\n') {
        let unended = line.strip_suffix('\n');
        let words = unended.map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        if stays_as_it_is(words) {
            encoded.push_str(words);
        } else {
            encoded.push_str(&quoted_printable::encode_to_str(words));
        }
        if unended.is_some() {
            encoded.push_str("\r\n");
        }
    }
    encoded
}

/// The same text with the dots at the lines' beginnings encoded, and a soft break where the rest no longer fits behind.
fn without_dots(encoded: &str) -> String {
    let mut without = String::with_capacity(encoded.len() + encoded.len() / 16);
    for mut line in encoded.split_inclusive('\n') {
        while let Some(rest) = line.strip_prefix('.') {
            without.push_str("=2E");
            line = rest;
            if rest.trim_end().len() + "=2E".len() <= LONGEST_LINE {
                break;
            }
            without.push_str("=\r\n");
        }
        without.push_str(line);
    }
    without
}

/// Ends an encoded piece so that the next begins on a new line without one being seen.
pub fn soft_break(encoded: &mut String) {
    if encoded.is_empty() || encoded.ends_with('\n') {
        return;
    }
    let last_line = &encoded[encoded.rfind('\n').map_or(0, |end| end + 1)..];
    if last_line.len() >= LONGEST_LINE {
        // The `=` would be one too many: the line's last letter goes to the next.
        let is_encoded = last_line.as_bytes()[last_line.len() - 3] == b'=';
        let letter = if is_encoded { 3 } else { 1 };
        encoded.insert_str(encoded.len() - letter, "=\r\n");
    }
    encoded.push_str("=\r\n");
}

/// Whether a line surely is its own quoted-printable form, as links and most lines of the text part are.
fn stays_as_it_is(line: &str) -> bool {
    let literal = |byte: u8| matches!(byte, b' '..=b'<' | b'>'..=b'~');
    line.len() <= 72 && line.bytes().all(literal) && !line.ends_with(' ')
}

fn is_printable(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte == b' '
}

/// Controls would end a field or hide what follows: they become spaces.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn line_by_line_the_encoding_is_that_of_the_whole(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["a", " ", "\t", "=", "é", "\n", "\r", "\r\n", "some words", ". "]),
                0..200,
            ),
        ) {
            let text = pieces.concat();
            let lines = text.replace("\r\n", "\n").replace('\n', "\r\n");
            prop_assert_eq!(line_by_line(&text), quoted_printable::encode_to_str(lines));
        }

        #[test]
        fn no_line_begins_with_a_dot_and_the_text_is_the_same(
            pieces in prop::collection::vec(
                prop::sample::select(vec![".", "..", "some words.", " ", "=", "é", "\n", "a.b", ".............."]),
                0..200,
            ),
        ) {
            let text = pieces.concat();
            let encoded = quoted_printable(&text);
            for line in encoded.split("\r\n") {
                prop_assert!(!line.starts_with('.') && line.len() <= LONGEST_LINE, "{line}");
            }
            let decode = |encoded: &str| {
                quoted_printable::decode(encoded, quoted_printable::ParseMode::Strict).unwrap()
            };
            prop_assert_eq!(decode(&encoded), decode(&line_by_line(&text)));
        }
    }

    fn mailbox(name: &str) -> String {
        let mut field = String::new();
        mailbox_field(&mut field, "To", name, "a@example.org");
        field
    }

    #[test]
    fn names_cannot_add_fields() {
        let field = mailbox("Ann\r\nBcc: x@example.org");
        assert_eq!(field.lines().count(), 1, "{field}");
        assert!(field.ends_with("<a@example.org>\r\n"));
    }

    #[test]
    fn names_are_quoted_or_encoded_as_they_need() {
        assert_eq!(mailbox("Ann Lee"), "To: \"Ann Lee\" <a@example.org>\r\n");
        assert!(mailbox("Zoë").contains("=?utf-8?b?"));
        assert_eq!(mailbox(""), "To: a@example.org\r\n");
    }

    #[test]
    fn plain_names_are_never_encoded_and_fold() {
        for name in ["Liam O'Connor", "Smith, Ann (Dr.) & Co", r#"a "b" \ c"#] {
            let field = mailbox(name);
            assert!(!field.contains("=?"), "{field}");
            let escaped = name.replace('\\', r"\\").replace('"', r#"\""#);
            assert_eq!(field, format!("To: \"{escaped}\" <a@example.org>\r\n"));
        }
        let long = "Research, Practice and You ".repeat(6);
        let field = mailbox(&long);
        assert!(field.lines().all(|line| line.len() <= 78), "{field}");
        assert_eq!(
            field.replace("\r\n ", " ").trim_end(),
            format!("To: \"{}\" <a@example.org>", long.trim_end())
        );
        assert!(
            mailbox("=?utf-8?q?x?=").contains("=?utf-8?b?"),
            "looks encoded, and is not"
        );
    }

    #[test]
    fn a_soft_break_behind_a_full_line_keeps_it_within_its_length() {
        for ending in ["x", "=2E"] {
            let text = "x".repeat(LONGEST_LINE - ending.len()) + ending;
            let mut encoded = text.clone();
            soft_break(&mut encoded);
            assert!(encoded.lines().all(|line| line.len() <= LONGEST_LINE));
            assert_eq!(encoded.replace("=\r\n", ""), text);
        }
    }

    #[test]
    fn long_texts_fold_below_78_columns() {
        let mut field = String::new();
        text_field(
            &mut field,
            "Subject",
            &"ein längerer Betreff für viele ".repeat(5),
        );
        text_field(&mut field, "Subject", &"a plain long subject ".repeat(8));
        assert!(field.lines().all(|line| line.len() <= 78), "{field}");
        assert!(!field.contains("\r\n\r\n"));
    }

    #[test]
    fn quoted_printable_lines_are_short_and_survive() {
        let text = format!("é{}\nend = here \n", "x".repeat(200));
        let encoded = quoted_printable(&text);
        assert!(encoded.lines().all(|line| line.len() <= 76));
        let decoded =
            quoted_printable::decode(&encoded, quoted_printable::ParseMode::Strict).unwrap();
        assert_eq!(
            String::from_utf8(decoded).unwrap().replace("\r\n", "\n"),
            text
        );
        assert!(!encoded.contains("=_"));
    }
}
