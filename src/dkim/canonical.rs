//! The relaxed form of header and body (RFC 6376 section 3.4), which is what is hashed.

use std::io::BufRead;

use super::crypto::digest::{Context, Digest, SHA256};

/// A header field: its name, and all of it with its folded lines and its line end.
pub(super) struct Field<'m> {
    name: &'m [u8],
    whole: &'m [u8],
}

impl<'m> Field<'m> {
    pub(super) fn new(whole: &'m [u8]) -> Field<'m> {
        let colon = whole.iter().position(|byte| *byte == b':');
        let name = &whole[..colon.unwrap_or(whole.len())];
        Field {
            name: name.trim_ascii_end(),
            whole,
        }
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// RFC 6376 section 3.4.2: the name in lower case, the value unfolded, with single spaces and
    /// none at its ends. The CRLF is left to the caller, as the signature's own field is hashed
    /// without.
    pub(super) fn relaxed(&self, out: &mut Vec<u8>) {
        out.extend(self.name.iter().map(u8::to_ascii_lowercase));
        out.push(b':');
        let colon = self.whole.iter().position(|byte| *byte == b':');
        let value = colon.map_or(&[][..], |colon| &self.whole[colon + 1..]);
        let words = value
            .split(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
            .filter(|word| !word.is_empty());
        for (nth, word) in words.enumerate() {
            if nth > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word);
        }
    }
}

/// Header and body, parted by the first empty line; without one, all is header.
pub(super) fn split(message: &[u8]) -> (&[u8], &[u8]) {
    let mut rest = message;
    while !rest.is_empty() {
        let line = take_line(&mut rest);
        if matches!(line, b"\r\n" | b"\n") {
            return (&message[..message.len() - rest.len() - line.len()], rest);
        }
    }
    (message, &[])
}

/// The header's fields, in their order.
pub(super) fn fields(header: &[u8]) -> Vec<Field<'_>> {
    let mut fields = Vec::with_capacity(32);
    let (mut start, mut rest) = (0, header);
    while !rest.is_empty() {
        take_line(&mut rest);
        if !matches!(rest.first(), Some(b' ' | b'\t')) {
            let end = header.len() - rest.len();
            fields.push(Field::new(&header[start..end]));
            start = end;
        }
    }
    fields
}

/// SHA-256 of the body's relaxed form (RFC 6376 section 3.4.4), without making a copy of it.
///
/// Nearly all lines of our mails are canonical as they stand, and are hashed where they lie.
pub(super) fn body_hash(body: &[u8]) -> Digest {
    let mut hash = Context::new(&SHA256);
    let mut scratch = Vec::new();
    let (mut lines, open_end) = lines_and_open_end(without_blank_end(body));
    while let Some(at) = first_to_change(lines) {
        let (as_they_are, rest) = lines.split_at(start_of_line(lines, at));
        hash.update(as_they_are);
        lines = rest;
        relaxed_line(take_line(&mut lines), &mut scratch);
        hash.update(&scratch);
    }
    hash.update(lines);
    if !open_end.is_empty() {
        relaxed_line(open_end, &mut scratch);
        hash.update(&scratch);
    }
    hash.finish()
}

/// Blank lines at the end do not count.
fn without_blank_end(mut body: &[u8]) -> &[u8] {
    while !body.is_empty() {
        let closed = body.strip_suffix(b"\n").unwrap_or(body);
        let start = start_of_line(closed, closed.len());
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        if !text_of(&body[start..]).iter().all(blank) {
            break;
        }
        body = &body[..start];
    }
    body
}

/// The lines that are ended, and what comes after them.
fn lines_and_open_end(body: &[u8]) -> (&[u8], &[u8]) {
    body.split_at(start_of_line(body, body.len()))
}

fn start_of_line(text: &[u8], at: usize) -> usize {
    let before = text[..at].iter().rposition(|byte| *byte == b'\n');
    before.map_or(0, |end| end + 1)
}

/// Where ended lines first differ from their relaxed form, or might; `lines` begins with a line.
fn first_to_change(lines: &[u8]) -> Option<usize> {
    /// Bytes looked at together. Without an exit among them, the compiler compares many at once.
    const BLOCK: usize = 256;
    let changes = |(before, byte): (&u8, &u8)| {
        (*before == b' ') & ((*byte == b' ') | (*byte == b'\r'))
            | (*byte == b'\t')
            | (*byte == b'\n') & (*before != b'\r')
    };
    if matches!(lines.first(), Some(b'\t' | b'\n')) {
        return Some(0);
    }
    let mut start = 0;
    while start + 1 < lines.len() {
        let end = lines.len().min(start + 1 + BLOCK);
        let pairs = || lines[start..end].iter().zip(&lines[start + 1..end]);
        if pairs().fold(false, |found, pair| found | changes(pair)) {
            return pairs().position(changes).map(|at| start + at + 1);
        }
        start += BLOCK;
    }
    None
}

fn relaxed_line(line: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for byte in text_of(line) {
        match byte {
            b' ' | b'\t' if out.last() == Some(&b' ') => {}
            b' ' | b'\t' => out.push(b' '),
            other => out.push(*other),
        }
    }
    if out.last() == Some(&b' ') {
        out.pop();
    }
    out.extend_from_slice(b"\r\n");
}

/// A line without its line end.
fn text_of(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Takes the next line off, with its line end if it has one.
fn take_line<'m>(rest: &mut &'m [u8]) -> &'m [u8] {
    let whole = *rest;
    let length = rest
        .skip_until(b'\n')
        .expect("reading from memory cannot fail");
    &whole[..length]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::crypto::digest::digest;
    use super::*;

    #[test]
    fn the_canonical_form_is_that_of_the_rfc() {
        // RFC 6376 section 3.4.5, with its tabs and blank lines.
        let message = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        let (header, body) = split(message);
        let mut canonical = Vec::new();
        for field in fields(header) {
            field.relaxed(&mut canonical);
            canonical.extend_from_slice(b"\r\n");
        }
        assert_eq!(canonical, b"a:X\r\nb:Y Z\r\n");
        assert_eq!(hash_of(body), sha256(b" C\r\nD E\r\n"));
    }

    #[test]
    fn a_body_is_hashed_as_if_written_out() {
        for (body, canonical) in [
            (&b""[..], &b""[..]),
            (b"\r\n\r\n \t\r\n", b""),
            (b"a", b"a\r\n"),
            (b"a \t", b"a\r\n"),
            (b"\r\n\r\na\r\n", b"\r\n\r\na\r\n"),
            (
                b"a\r\n \r\n\r\nb  c\r\nd\r\n\r\n",
                b"a\r\n\r\n\r\nb c\r\nd\r\n",
            ),
            (b"a\tb\r\nc\r\n  d\r\n", b"a b\r\nc\r\n d\r\n"),
            (b"\x0b\r\n", b"\x0b\r\n"),
        ] {
            assert_eq!(hash_of(body), sha256(canonical), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_hashed_as_if_written_out(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["a", " ", "\t", "\r\n", "\r\n\r\n", "\n", "\r", "text of a line "]),
                0..80,
            ),
            length in 0..600_usize,
        ) {
            let body = "x".repeat(length) + &pieces.concat();
            prop_assert_eq!(hash_of(body.as_bytes()), sha256(&written_out(body.as_bytes())));
        }
    }

    /// RFC 6376 section 3.4.4 word by word.
    fn written_out(body: &[u8]) -> Vec<u8> {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        let mut rest = body;
        while !rest.is_empty() {
            let mut line = Vec::new();
            relaxed_line(take_line(&mut rest), &mut line);
            lines.push(line);
        }
        while lines.last().is_some_and(|line| line == b"\r\n") {
            lines.pop();
        }
        lines.concat()
    }

    fn hash_of(body: &[u8]) -> Vec<u8> {
        body_hash(body).as_ref().to_vec()
    }

    fn sha256(bytes: &[u8]) -> Vec<u8> {
        digest(&SHA256, bytes).as_ref().to_vec()
    }
}
