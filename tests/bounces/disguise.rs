//! The same mail in another dress says the same: other ends of lines, a mailbox line, base64 around everything.

use bulletin::bounce;
use bulletin::secret::Keys;
use data_encoding::BASE64_MIME;

use super::{mails, said, samples, shared};

#[test]
fn line_ends_a_mailbox_line_and_base64_change_no_answer() {
    let keys = Keys::passing();
    let mut all = samples();
    if let Some(folder) = shared("bounces/messages") {
        all.extend(mails(&folder));
    }
    for (name, mail) in &all {
        let read = |mail: &[u8]| said(&bounce::read(mail, None, &keys));
        let plain = read(mail);
        let lines = with_lf(mail);
        let ended = |end: &[u8]| {
            let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').collect();
            lines.join(end)
        };
        let mut boxed = b"From MAILER-DAEMON Thu Apr 29 23:34:45 2010\n".to_vec();
        boxed.extend_from_slice(&lines);
        assert_eq!(read(&lines), plain, "{name} with LF");
        assert_eq!(read(&ended(b"\r\n")), plain, "{name} with CRLF");
        assert_eq!(read(&ended(b"\r")), plain, "{name} with CR");
        assert_eq!(read(&boxed), plain, "{name} with a mailbox line");
        assert_eq!(read(&in_base64(&lines)), plain, "{name} in base64");
    }
}

fn with_lf(mail: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(mail.len());
    let mut bytes = mail.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\r' {
            bytes.next_if_eq(&b'\n');
            lines.push(b'\n');
        } else {
            lines.push(byte);
        }
    }
    let begin = lines.iter().position(|byte| *byte != b'\n').unwrap_or(0);
    lines.split_off(begin)
}

/// Every part that has no parts, encoded as base64, whatever it was encoded as before.
fn in_base64(entity: &[u8]) -> Vec<u8> {
    let (header, body) = if let Some(body) = entity.strip_prefix(b"\n") {
        (&entity[..0], body)
    } else {
        match entity.windows(2).position(|pair| pair == b"\n\n") {
            Some(at) => (&entity[..at], &entity[at + 2..]),
            None => return entity.to_vec(),
        }
    };
    let text = String::from_utf8_lossy(header)
        .replace("\n ", " ")
        .replace("\n\t", " ");
    let field = |name: &str| {
        text.lines()
            .find(|line| line.to_ascii_lowercase().starts_with(name))
            .map(|line| line[name.len()..].trim().to_owned())
            .unwrap_or_default()
    };
    let kind = field("content-type:");
    let encoding = field("content-transfer-encoding:").to_ascii_lowercase();
    if kind.to_ascii_lowercase().starts_with("multipart/") {
        let boundary = boundary_of(&kind);
        return boundary.map_or(entity.to_vec(), |boundary| {
            parts_in_base64(header, body, &boundary)
        });
    }
    let body = match encoding.as_str() {
        "base64" => return entity.to_vec(),
        "quoted-printable" => {
            quoted_printable::decode(body, quoted_printable::ParseMode::Robust).unwrap()
        }
        _ => body.to_vec(),
    };
    let mut encoded = without_encoding(header);
    encoded.extend_from_slice(b"Content-Transfer-Encoding: base64\n\n");
    encoded.extend_from_slice(BASE64_MIME.encode(&body).replace("\r\n", "\n").as_bytes());
    encoded
}

fn boundary_of(kind: &str) -> Option<String> {
    let at = kind.to_ascii_lowercase().find("boundary=")?;
    let value = &kind[at + "boundary=".len()..];
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => value.split([';', ' ']).next()?,
    };
    Some(format!("--{value}"))
}

fn parts_in_base64(header: &[u8], body: &[u8], boundary: &str) -> Vec<u8> {
    let mut encoded = [header, b"\n\n"].concat();
    let mut part: Option<Vec<u8>> = None;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let is_boundary = line.trim_ascii_end() == boundary.as_bytes()
            || line.trim_ascii_end() == format!("{boundary}--").as_bytes();
        match (&mut part, is_boundary) {
            (part, true) => {
                if let Some(part) = part.take() {
                    encoded.extend(in_base64(&part));
                    encoded.push(b'\n');
                }
                encoded.extend_from_slice(line);
                *part = Some(Vec::new());
            }
            (Some(part), false) => part.extend_from_slice(line),
            (None, false) => encoded.extend_from_slice(line),
        }
    }
    // Behind the last boundary stands nothing that counts; where it is missing, the last part does.
    let rest = part.unwrap_or_default();
    if rest.trim_ascii().is_empty() {
        encoded
    } else {
        [encoded, in_base64(&rest)].concat()
    }
}

fn without_encoding(header: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        if !line
            .to_ascii_lowercase()
            .starts_with(b"content-transfer-encoding:")
        {
            kept.extend_from_slice(line);
        }
    }
    if !kept.is_empty() && !kept.ends_with(b"\n") {
        kept.push(b'\n');
    }
    kept
}
