//! The mail that came back: where it begins in a text, and what its header says of us and of the recipient.

use super::address;
use super::header::Header;
use super::part::Mail;
use super::signs::SIGNS;
use super::words;

/// A text cut where the returned mail begins.
pub(super) struct Cut<'a> {
    pub words: &'a str,
    pub returned: Option<Header>,
}

/// Cuts a text in two: what the mail system says, and the mail that it returns below.
pub(super) fn cut(text: &str) -> Cut<'_> {
    let mut at = 0;
    let mut fields = 0;
    let mut telling = 0;
    let mut fields_at = 0;
    for line in text.split_inclusive('\n') {
        if is_divider(line) {
            let rest = &text[at + line.len()..];
            return Cut {
                words: &text[..at],
                returned: header(rest),
            };
        }
        match field(line) {
            Some(is_telling) => {
                if fields == 0 {
                    fields_at = at;
                    telling = 0;
                }
                fields += 1;
                telling += usize::from(is_telling);
            }
            None if line.starts_with([' ', '\t']) && fields > 0 && !line.trim().is_empty() => {}
            None => fields = 0,
        }
        // Several fields in a row are a header, whatever stands before it or does not.
        if fields >= 3 && telling >= 2 {
            return Cut {
                words: &text[..fields_at],
                returned: header(&text[fields_at..]),
            };
        }
        at += line.len();
    }
    Cut {
        words: text,
        returned: None,
    }
}

/// Headers of what came back, the best first: a part of its own, or what stands below the words.
pub(super) fn headers(mail: &Mail, below: Option<Header>) -> Vec<Header> {
    let mut headers: Vec<Header> = mail.returned.iter().take(8).cloned().collect();
    headers.extend(below);
    headers.retain(|header| !header.is_empty());
    headers
}

/// Recipients by the returned mail's own header, the surest first: whom a server wrote it for, then whom it names.
pub(super) fn recipients(returned: &[Header]) -> Vec<String> {
    let Some(header) = returned.first() else {
        return Vec::new();
    };
    let fields = [
        "x-failed-recipients",
        "x-original-to",
        "delivered-to",
        "x-envelope-to",
        "envelope-to",
        "to",
        "cc",
        "x-rcpt-to",
        "apparently-to",
    ];
    let mut found: Vec<String> = Vec::new();
    for name in fields {
        for value in header.all(name) {
            for address in address::all_of(value).take(50) {
                if !found.iter().any(|known| address::same(known, address)) {
                    found.push(address.to_owned());
                }
            }
        }
    }
    found
}

/// Who sent the returned mail: us, under whatever name.
pub(super) fn senders(mail: &Mail, returned: &[Header]) -> Vec<String> {
    let own = [
        "to",
        "from",
        "delivered-to",
        "x-original-to",
        "envelope-to",
        "reply-to",
    ];
    let theirs = [
        "from",
        "return-path",
        "sender",
        "reply-to",
        "errors-to",
        "x-sender",
        "resent-from",
    ];
    let own = own.iter().flat_map(|name| mail.header.all(name));
    let theirs = returned
        .iter()
        .flat_map(|header| theirs.iter().flat_map(|name| header.all(name)));
    own.chain(theirs)
        .flat_map(address::all_of)
        .map(str::to_owned)
        .collect()
}

fn header(text: &str) -> Option<Header> {
    // Some put a line or two between their divider and the header: of what the mail was, or a signature for Gmail.
    let mut rest = text.trim_start();
    for _ in 0..30 {
        let (header, _) = Header::split(rest.as_bytes());
        if ["to", "from", "subject", "received", "return-path"]
            .iter()
            .any(|name| header.has(name))
        {
            return Some(header);
        }
        rest = rest.split_once('\n')?.1.trim_start();
    }
    None
}

fn is_divider(line: &str) -> bool {
    if line.len() > 200 {
        return false;
    }
    let bare =
        line.trim_matches(|letter: char| letter.is_whitespace() || "-=*_#|>~:.+".contains(letter));
    !bare.is_empty() && SIGNS.returned.are(&words::folded(bare))
}

/// Whether a line begins with a field, and whether with one that a mail's header has and a report has not.
fn field(line: &str) -> Option<bool> {
    const TELLING: [&str; 13] = [
        "return-path",
        "received",
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "reply-to",
        "content-type",
        "content-transfer-encoding",
        "dkim-signature",
        "delivered-to",
    ];
    let (name, _) = line.split_once(':')?;
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    if TELLING.iter().any(|field| name.eq_ignore_ascii_case(field)) {
        Some(true)
    } else {
        (is_name && name.contains('-')).then_some(false)
    }
}
