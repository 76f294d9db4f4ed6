//! A mail as it came, made ready to be split: a bounded number of bytes, lines that end alike, no mailbox line.

use memchr::memchr;

/// What is read of a mail; the rest is left out. A report says what it has to say at its top.
const LARGEST: usize = 1 << 20;

/// The mail with every line ended by one LF, whatever ended it (CR, LF, CRLF, even CR CR LF), without the `From ` line
/// of a mailbox file and what is empty before the header.
pub(super) fn lines_of(mail: &[u8]) -> Vec<u8> {
    let mail = &mail[..mail.len().min(LARGEST)];
    let mut rest = unmarked(mail);
    loop {
        rest = rest.trim_ascii_start();
        let is_mailbox_line = rest.starts_with(b"From ") || rest.starts_with(b">From ");
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        match (is_mailbox_line, end) {
            (true, Some(end)) => rest = &rest[end..],
            _ => break,
        }
    }
    with_one_ending(rest)
}

/// Without the mark that some editors put before UTF-8.
fn unmarked(mail: &[u8]) -> &[u8] {
    mail.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(mail)
}

fn with_one_ending(mail: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(mail.len());
    let mut rest = mail;
    while let Some(at) = memchr(b'\r', rest) {
        lines.extend_from_slice(&rest[..at]);
        lines.push(b'\n');
        let after = &rest[at..];
        let returns = after.iter().take_while(|byte| **byte == b'\r').count();
        rest = match after.get(returns) {
            Some(b'\n') => &after[returns + 1..],
            // Each of several bare CR ends a line of its own.
            _ => &after[1..],
        };
    }
    lines.extend_from_slice(rest);
    lines
}

#[cfg(test)]
mod tests {
    use super::lines_of;

    #[test]
    fn every_way_to_end_a_line_gives_the_same_lines() {
        for mail in [
            "A: b\n\nc\n",
            "A: b\r\n\r\nc\r\n",
            "A: b\r\rc\r",
            "A: b\r\r\n\r\r\nc\r\r\n",
            "From MAILER-DAEMON Thu Apr 29\nA: b\n\nc\n",
            "\u{feff}\r\n>From x\r\nA: b\r\n\r\nc\r\n",
        ] {
            assert_eq!(lines_of(mail.as_bytes()), b"A: b\n\nc\n", "{mail:?}");
        }
    }

    #[test]
    fn no_more_is_read_than_a_megabyte() {
        assert_eq!(lines_of(&vec![b'x'; 3 << 20]).len(), 1 << 20);
    }
}
