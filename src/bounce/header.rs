//! Header fields of a mail or a part, unfolded.

use super::charset;

/// Bytes of a header that are read; no honest one is half as long.
const LONGEST: usize = 64 << 10;
/// Fields that are kept.
const MOST: usize = 1000;

/// The fields in their order, names in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Header {
    fields: Vec<(String, String)>,
}

impl Header {
    /// Splits bytes into a header and the body behind it. What begins with no field has no header: it is all body.
    pub fn split(bytes: &[u8]) -> (Header, &[u8]) {
        let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() && bytes.len() - rest.len() < LONGEST {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            let after = &rest[(end + 1).min(rest.len())..];
            if line.trim_ascii().is_empty() {
                return (Header::of(fields), after);
            }
            let is_full = fields.len() == MOST;
            match (line.first(), fields.last_mut()) {
                (Some(b' ' | b'\t'), Some((_, value))) => {
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
                (_, last) => match (field(line), last) {
                    (Some(_), _) if is_full => {}
                    (Some(field), _) => fields.push(field),
                    (None, Some((_, value))) if goes_on(value, line, after) => {
                        value.push(b' ');
                        value.extend_from_slice(line.trim_ascii());
                    }
                    // The body, with no empty line before it.
                    _ => break,
                },
            }
            rest = after;
        }
        (Header::of(fields), rest)
    }

    fn of(fields: Vec<(String, Vec<u8>)>) -> Header {
        let text = |value: Vec<u8>| charset::text(value.trim_ascii(), None);
        Header {
            fields: fields
                .into_iter()
                .map(|(name, value)| (name, text(value)))
                .collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The first field of this name, in lower case, as it stands in the mail.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields
            .iter()
            .filter(move |field| field.0 == name)
            .map(|field| field.1.as_str())
    }

    /// The field as people read it: encoded words decoded, in lower case.
    pub fn folded(&self, name: &str) -> String {
        self.get(name)
            .map(|value| charset::words(value).to_lowercase())
            .unwrap_or_default()
    }

    /// Whether the field, so read, says one of these.
    pub fn says(&self, name: &str, words: &[&str]) -> bool {
        let value = self.folded(name);
        words.iter().any(|word| value.contains(word))
    }
}

/// A value with parameters, such as that of Content-Type (RFC 2045 section 5.1).
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters<'a> {
    /// In lower case.
    pub value: String,
    rest: &'a str,
}

impl<'a> Parameters<'a> {
    pub fn of(value: &'a str) -> Parameters<'a> {
        let (value, rest) = value.split_once(';').unwrap_or_else(|| {
            // Some forget the semicolon.
            value.split_once(char::is_whitespace).unwrap_or((value, ""))
        });
        Parameters {
            value: value.trim().to_ascii_lowercase(),
            rest,
        }
    }

    /// The parameter of this name, in lower case; of one in pieces (RFC 2231) all of them.
    pub fn get(&self, name: &str) -> Option<String> {
        let mut whole: Option<String> = None;
        for (key, value) in self.pairs() {
            let key = key.to_ascii_lowercase();
            let base = key.split('*').next().unwrap_or_default();
            if base == name {
                whole.get_or_insert_default().push_str(&value);
                if key == name {
                    break;
                }
            }
        }
        whole.filter(|value| !value.is_empty())
    }

    fn pairs(&self) -> Vec<(&'a str, String)> {
        let mut pairs = Vec::new();
        let mut rest = self.rest;
        while let Some((key, after)) = rest.split_once('=') {
            let key = key.rsplit([';', ' ', '\t']).find(|key| !key.is_empty());
            let after = after.trim_start();
            let (value, behind) = match after.strip_prefix('"') {
                Some(quoted) => unquoted(quoted),
                None => {
                    let end = after.find([';', ' ', '\t']).unwrap_or(after.len());
                    (after[..end].to_owned(), &after[end..])
                }
            };
            pairs.push((key.unwrap_or_default(), value));
            rest = behind;
        }
        pairs
    }
}

/// What stands before the closing quote, and what comes after it.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            _ => value.push(letter),
        }
    }
    (value, "")
}

/// Name and value of a line such as `Name: value`.
fn field(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    let is_name = !name.is_empty()
        && name.len() <= 76
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    is_name.then(|| {
        (
            String::from_utf8_lossy(name).to_ascii_lowercase(),
            line[colon + 1..].to_vec(),
        )
    })
}

/// Whether a line that is no field belongs to the one above, though its white space was lost: that one is unfinished, or
/// more of the header follows. A mailbox line amid the fields is taken along, too.
fn goes_on(value: &[u8], line: &[u8], after: &[u8]) -> bool {
    let end = memchr::memchr(b'\n', after).unwrap_or(after.len());
    let next = &after[..end];
    let is_boundary = line.starts_with(b"--");
    let header_follows = field(next).is_some() || next.starts_with(b" ") || next.starts_with(b"\t");
    !is_boundary
        && (value.trim_ascii_end().ends_with(b";")
            || (header_follows && !next.trim_ascii().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_unfold_and_the_body_is_what_follows() {
        let (header, body) = Header::split(b"A: b\n\tc\nX-Y : z\n\nbody: no\n");
        assert_eq!(header.get("a"), Some("b c"));
        assert_eq!(header.get("x-y"), Some("z"));
        assert_eq!(body, b"body: no\n");
    }

    #[test]
    fn what_begins_with_no_field_is_all_body() {
        let (header, body) = Header::split(b"Hi. This is the program\n\nA: b\n");
        assert!(header.is_empty());
        assert_eq!(body, b"Hi. This is the program\n\nA: b\n");
    }

    #[test]
    fn a_line_that_lost_its_white_space_still_belongs_to_its_field() {
        let (header, body) = Header::split(b"Received: a\n(b)\n c\nX: y;\nz=1\n\nbody\n");
        assert_eq!(header.get("received"), Some("a (b) c"));
        assert_eq!(header.get("x"), Some("y; z=1"));
        assert_eq!(body, b"body\n");
    }

    #[test]
    fn parameters_are_read_quoted_bare_in_pieces_and_without_their_semicolon() {
        for (value, boundary) in [
            (r#"multipart/report; boundary="a b;c""#, "a b;c"),
            (
                "multipart/report; report-type=x;boundary=abc/d.e",
                "abc/d.e",
            ),
            (r#"multipart/report; Boundary="a\"b""#, "a\"b"),
            ("multipart/mixed boundary=abc", "abc"),
            ("multipart/mixed; boundary*0=ab; boundary*1=cd", "abcd"),
        ] {
            let parameters = Parameters::of(value);
            assert_eq!(parameters.get("boundary").as_deref(), Some(boundary));
            assert!(parameters.value.starts_with("multipart/"));
        }
    }
}
