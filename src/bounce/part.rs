//! A mail in its parts, as texts: MIME (RFC 2045 to 2049) as it is found, with boundaries that are missing or wrong.

use std::borrow::Cow;

use super::charset;
use super::header::{Header, Parameters};

/// How deep parts may lie in parts, and how many there may be; what is beyond is left out.
const DEEPEST: usize = 20;
const MOST: usize = 100;
/// Bytes of text that one part may have, of a mail within the mail fewer, and that all together may have. What a mail
/// system says, it says at the top.
const LONGEST_TEXT: usize = 256 << 10;
const LONGEST_WITHIN: usize = 64 << 10;
const MOST_TEXT: usize = 1 << 20;

/// A part without parts.
#[derive(Debug)]
pub(super) struct Part {
    /// Content type in lower case: `text/plain`, `message/delivery-status`.
    pub kind: String,
    /// The name of the file that it claims to be, in lower case.
    pub file: String,
    /// Empty for pictures, archives and the like.
    pub text: String,
    /// How many returned mails it lies in.
    pub within: usize,
}

/// A mail in its parts, in their order.
#[derive(Debug)]
pub(super) struct Mail {
    pub header: Header,
    pub parts: Vec<Part>,
    /// Headers of the mails within it, the outermost first.
    pub returned: Vec<Header>,
}

impl Mail {
    /// Splits a mail whose lines end with LF.
    pub fn split(bytes: &[u8]) -> Mail {
        let (header, body) = Header::split(bytes);
        let mut mail = Mail {
            header: header.clone(),
            parts: Vec::new(),
            returned: Vec::new(),
        };
        let mut room = MOST_TEXT;
        mail.add(header, body, 0, 0, &mut room);
        mail
    }

    /// Parts of the mail itself, and none of what it returns.
    pub fn own(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.within == 0)
    }

    /// What the Content-Type says of the whole, and of which kind its report is.
    pub fn report_type(&self) -> (String, String) {
        let parameters = Parameters::of(self.header.get("content-type").unwrap_or_default());
        let report = parameters.get("report-type").unwrap_or_default();
        (parameters.value, report.to_ascii_lowercase())
    }

    fn add(&mut self, header: Header, body: &[u8], depth: usize, within: usize, room: &mut usize) {
        if depth > DEEPEST || self.parts.len() >= MOST {
            return;
        }
        let content_type = header.get("content-type").unwrap_or_default().to_owned();
        let parameters = Parameters::of(&content_type);
        let encoding = header
            .get("content-transfer-encoding")
            .unwrap_or_default()
            .to_owned();
        let kind = match parameters.value.as_str() {
            "" => "text/plain",
            kind => kind,
        };
        if kind.starts_with("multipart/") {
            let boundary = parameters.get("boundary");
            let (body, children) = split_apart(body, boundary.as_deref(), &encoding);
            for child in children {
                let (header, body) = Header::split(&body[child]);
                self.add_child(header, body, depth + 1, within, room);
            }
        } else if is_a_mail(kind) {
            let bytes = with_lf(charset::decoded(body, &encoding));
            let (header, body) = Header::split(bytes.trim_ascii_start());
            self.returned.push(header.clone());
            self.add(header, body, depth + 1, within + 1, room);
        } else {
            self.add_leaf(header, kind, &parameters, body, &encoding, within, room);
        }
    }

    /// A part of a multipart. One that begins with the fields of a mail is one, whatever it should have said first.
    fn add_child(
        &mut self,
        header: Header,
        body: &[u8],
        depth: usize,
        within: usize,
        room: &mut usize,
    ) {
        let is_mail = ["from", "to", "received", "return-path", "subject"]
            .iter()
            .filter(|name| header.has(name))
            .count()
            >= 2;
        if is_mail && self.parts.len() < MOST {
            self.returned.push(header.clone());
            self.add(header, body, depth, within + 1, room);
        } else {
            self.add(header, body, depth, within, room);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "what `add` has already read is not read again"
    )]
    fn add_leaf(
        &mut self,
        header: Header,
        kind: &str,
        parameters: &Parameters<'_>,
        body: &[u8],
        encoding: &str,
        within: usize,
        room: &mut usize,
    ) {
        let disposition = header.get("content-disposition").unwrap_or_default();
        let file = parameters
            .get("name")
            .or_else(|| Parameters::of(disposition).get("filename"))
            .unwrap_or_default()
            .to_lowercase();
        let text = match holds_text(kind) {
            true => {
                let bytes = charset::decoded(body, encoding);
                let longest = if within == 0 {
                    LONGEST_TEXT
                } else {
                    LONGEST_WITHIN
                };
                let bytes = &bytes[..bytes.len().min(*room).min(longest)];
                charset::text(bytes, parameters.get("charset").as_deref())
            }
            false => String::new(),
        };
        let text = match text.contains('\r') {
            true => text.replace("\r\n", "\n").replace('\r', "\n"),
            false => text,
        };
        *room -= text.len().min(*room);
        if matches!(kind, "text/rfc822-headers" | "message/global-headers") {
            self.returned
                .push(Header::split(text.trim_start().as_bytes()).0);
        }
        let kind = kind.to_owned();
        self.parts.push(Part {
            kind,
            file,
            text,
            within,
        });
    }
}

/// A mail within a mail: as it was, or as RFC 6532 has it.
fn is_a_mail(kind: &str) -> bool {
    matches!(
        kind,
        "message/rfc822" | "message/global" | "message/rfc-822" | "message/news"
    )
}

fn holds_text(kind: &str) -> bool {
    let (family, _) = kind.split_once('/').unwrap_or((kind, ""));
    !matches!(family, "image" | "audio" | "video" | "font")
        && (family != "application"
            || kind == "application/json"
            || kind == "application/octet-stream")
}

/// The body of a multipart, decoded if it was encoded as a whole (which RFC 2045 forbids and mails do), and where its
/// parts lie in it. Where the boundary divides nothing, the lines are asked which one does.
fn split_apart<'a>(
    body: &'a [u8],
    boundary: Option<&str>,
    encoding: &str,
) -> (Cow<'a, [u8]>, Vec<std::ops::Range<usize>>) {
    let parts_of = |body: &[u8]| {
        let named = boundary.map(|boundary| ranges(body, boundary.as_bytes()));
        named
            .filter(|parts| !parts.is_empty())
            .or_else(|| likely_boundary(body).map(|line| ranges(body, line)))
            .unwrap_or_default()
    };
    let parts = parts_of(body);
    if !parts.is_empty() {
        return (Cow::Borrowed(body), parts);
    }
    let decoded = with_lf(charset::decoded(body, encoding));
    let parts = parts_of(&decoded);
    match parts.is_empty() {
        // No parts at all: the whole is one, and most likely text.
        true => {
            let whole = std::iter::once(0..decoded.len()).collect();
            (decoded, whole)
        }
        false => (decoded, parts),
    }
}

fn with_lf(bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match memchr::memchr(b'\r', &bytes) {
        Some(_) => Cow::Owned(super::source::lines_of(&bytes)),
        None => bytes,
    }
}

/// Where the parts lie between the lines `--boundary`.
fn ranges(body: &[u8], boundary: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut parts = Vec::new();
    let mut begin = None;
    let mut at = 0;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        if let Some(is_last) = divides(line, boundary) {
            if let Some(begin) = begin {
                parts.push(begin..at);
            }
            begin = (!is_last).then_some(at + line.len());
        }
        at += line.len();
    }
    // The last boundary is missing: what follows the one before is a part all the same.
    parts.extend(begin.filter(|begin| *begin < at).map(|begin| begin..at));
    parts
}

/// Whether a line divides parts, and then whether it is the last that does.
fn divides(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.trim_ascii().strip_prefix(b"--")?;
    match rest.strip_prefix(boundary)? {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}

/// The first line that looks like a boundary: it begins with `--`, and a Content field follows.
fn likely_boundary(body: &[u8]) -> Option<&[u8]> {
    let mut lines = body.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let next = lines.peek().copied().unwrap_or_default();
        let boundary = line.trim_ascii().strip_prefix(b"--");
        let is_field = next.len() > 8 && next[..8].eq_ignore_ascii_case(b"content-");
        if let Some(boundary) = boundary.filter(|boundary| is_field && boundary.len() > 4) {
            return Some(boundary);
        }
    }
    None
}
