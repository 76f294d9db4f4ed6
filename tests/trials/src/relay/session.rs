//! One connection to the instrumented relay: no more of SMTP than a sender needs (RFC 5321), read in large pieces,
//! with as many replies in one write as there were commands in one read (RFC 2920).

use std::io::BufRead;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Shared, Taken, hash};

/// How much is read at once. Two messages of the usual size, or the better part of a large one.
const READ_BYTES: usize = 128 * 1024;

/// A longer line than this without an end is no command.
const LONGEST_COMMAND: usize = 8 * 1024;

/// Larger messages are cut off; SIZE says so (RFC 1870).
const LARGEST_MESSAGE: usize = 64 * 1024 * 1024;

const END: &[u8] = b"\r\n.\r\n";

struct Session {
    stream: TcpStream,
    number: u64,
    shared: Arc<Shared>,
    /// What was read and not yet understood begins at `at`.
    input: Vec<u8>,
    at: usize,
    replies: Vec<u8>,
    return_path: Option<String>,
    recipients: Vec<String>,
}

/// Whether the connection goes on.
#[derive(PartialEq)]
enum Then {
    GoOn,
    /// Say what is to be said, and hang up.
    Leave,
    /// Hang up without a word.
    Vanish,
}

/// Serves one connection until either side has had enough.
pub(super) async fn serve(stream: TcpStream, number: u64, shared: Arc<Shared>) {
    // Without this, a reply may wait 40 ms for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let mut session = Session {
        stream,
        number,
        shared,
        input: Vec::with_capacity(2 * READ_BYTES),
        at: 0,
        replies: b"220 relay.test ESMTP trials\r\n".to_vec(),
        return_path: None,
        recipients: Vec::new(),
    };
    // Whatever breaks is the sender's to notice.
    let _ = session.run().await;
}

impl Session {
    async fn run(&mut self) -> std::io::Result<()> {
        self.flush().await?;
        loop {
            let then = match self.next_line() {
                Some(line) => self.obey(&line).await?,
                None if self.input.len() - self.at > LONGEST_COMMAND => Then::Vanish,
                None => {
                    self.flush().await?;
                    self.read().await?;
                    continue;
                }
            };
            match then {
                Then::GoOn => {}
                Then::Vanish => return Ok(()),
                Then::Leave => return self.flush().await,
            }
        }
    }

    /// Commands are short: a copy of one costs nothing, and leaves the rest free to change.
    fn next_line(&mut self) -> Option<Vec<u8>> {
        let mut rest = &self.input[self.at..];
        let length = rest
            .skip_until(b'\n')
            .expect("reading from memory cannot fail");
        let line = &self.input[self.at..self.at + length];
        let line = line.strip_suffix(b"\n")?.to_vec();
        self.at += length;
        Some(line)
    }

    async fn obey(&mut self, line: &[u8]) -> std::io::Result<Then> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let verb: [u8; 4] = std::array::from_fn(|at| {
            line.get(at)
                .map_or(b' ', |letter| letter.to_ascii_uppercase())
        });
        match &verb {
            b"EHLO" => self.introduce(),
            b"HELO" => self.say("250 relay.test\r\n"),
            b"MAIL" => {
                self.forget();
                self.return_path = path(line);
                self.say("250 2.1.0 OK\r\n");
            }
            b"RCPT" => self.hear_recipient(line),
            b"DATA" if self.recipients.is_empty() => self.say("554 5.5.1 No valid recipients\r\n"),
            b"DATA" => {
                self.say("354 Go ahead\r\n");
                return self.message().await;
            }
            b"RSET" => {
                self.forget();
                self.say("250 2.0.0 OK\r\n");
            }
            b"NOOP" => self.say("250 2.0.0 OK\r\n"),
            b"QUIT" => {
                self.say("221 2.0.0 Bye\r\n");
                return Ok(Then::Leave);
            }
            _ => self.say("500 5.5.2 What?\r\n"),
        }
        Ok(Then::GoOn)
    }

    fn introduce(&mut self) {
        self.say("250-relay.test\r\n");
        if !self.shared.manners.no_pipelining {
            self.say("250-PIPELINING\r\n");
        }
        self.say("250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n");
        self.say(&format!("250 SIZE {LARGEST_MESSAGE}\r\n"));
    }

    fn hear_recipient(&mut self, line: &[u8]) {
        let Some(recipient) = path(line).filter(|_| self.return_path.is_some()) else {
            return self.say("503 5.5.1 MAIL first\r\n");
        };
        let verdict = self.shared.judge(recipient.as_bytes());
        if verdict.starts_with('2') {
            self.recipients.push(recipient);
        }
        self.say(verdict);
    }

    /// Takes the message in, and the log's line with it.
    async fn message(&mut self) -> std::io::Result<Then> {
        let mut reading = Reading::default();
        let length = loop {
            if let Some(end) = reading.end(&self.input[self.at..]) {
                break end;
            }
            if self.shared.manners.discard_body {
                reading.discard(&mut self.input, self.at);
            }
            if self.input.len() - self.at > LARGEST_MESSAGE {
                return Ok(Then::Vanish);
            }
            self.flush().await?;
            self.read().await?;
        };
        let message = &self.input[self.at..self.at + length];
        reading.note_message_id(message);
        let taken = Taken {
            micros: self.shared.micros(),
            connection: self.number,
            return_path: self.return_path.take().unwrap_or_default(),
            recipient: self.recipients.join(","),
            message_id: reading.message_id.unwrap_or_default(),
            bytes: (reading.discarded + length) as u64,
            hash: self.shared.manners.hash_body.then(|| hash(message)),
            leave: self.shared.manners.log_links.then(|| link(message)),
        };
        // The line end before the dot is the message's own, the dot and its line end are not.
        self.at += length + END.len() - 2;
        self.recipients.clear();
        let Ok(before) = self.shared.take(&taken) else {
            self.say("451 4.3.0 The log cannot be written\r\n");
            return Ok(Then::GoOn);
        };
        if self.shared.is_cut(before) {
            return Ok(Then::Vanish);
        }
        self.say("250 2.0.0 Taken\r\n");
        Ok(Then::GoOn)
    }

    fn forget(&mut self) {
        self.return_path = None;
        self.recipients.clear();
    }

    fn say(&mut self, reply: &str) {
        self.replies.extend_from_slice(reply.as_bytes());
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        if self.replies.is_empty() {
            return Ok(());
        }
        let delay = self.shared.delay();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        self.stream.write_all(&self.replies).await?;
        self.replies.clear();
        Ok(())
    }

    async fn read(&mut self) -> std::io::Result<()> {
        self.input.drain(..self.at);
        self.at = 0;
        self.input.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// How far the reading of a message has come.
#[derive(Default)]
struct Reading {
    /// No end begins before here.
    searched: usize,
    message_id: Option<String>,
    discarded: usize,
}

impl Reading {
    /// The message's length, its last line end included, once it is whole.
    ///
    /// A sender waits after its dot, so that the end usually is the end of what came; only what else may have come
    /// behind it is searched for.
    fn end(&mut self, input: &[u8]) -> Option<usize> {
        if input.ends_with(END) {
            let length = input.len() - (END.len() - 2);
            // Two messages cannot have come at once: the second had to wait for its 354.
            return Some(length);
        }
        let from = self.searched.saturating_sub(END.len());
        let mut at = from;
        while let Some(dot) = next_dot(&input[at..]) {
            let before = (at + dot).saturating_sub(2);
            if input[before..].starts_with(END) {
                return Some(before + 2);
            }
            at += dot + 1;
        }
        self.searched = input.len();
        None
    }

    /// Keeps no more than the end may need, once the Message-ID has been seen.
    fn discard(&mut self, input: &mut Vec<u8>, at: usize) {
        self.note_message_id(&input[at..]);
        let surplus = (input.len() - at).saturating_sub(END.len());
        if self.message_id.is_some() && surplus > 0 {
            input.drain(at..at + surplus);
            self.discarded += surplus;
            self.searched = 0;
        }
    }

    /// Finds the Message-ID in the header, or that there is none in a whole one.
    fn note_message_id(&mut self, message: &[u8]) {
        if self.message_id.is_some() {
            return;
        }
        self.message_id = header(message, b"message-id:");
    }
}

/// The value of the first header field of this name (with its colon, in small letters), empty in a whole header
/// without one; `None` while the header is not whole. Only fields that stand in one line are asked for.
fn header(message: &[u8], wanted: &[u8]) -> Option<String> {
    let value = from_field(message, wanted)?;
    let end = value.iter().position(|letter| *letter == b'\n')?;
    Some(String::from_utf8_lossy(&value[..end]).trim().to_owned())
}

/// The message from the value of this field on, or from the header's end.
fn from_field<'a>(message: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut rest = message;
    loop {
        let line = rest;
        let length = rest
            .skip_until(b'\n')
            .expect("reading from memory cannot fail");
        if length == 0 || line.starts_with(b"\r\n") {
            return Some(line).filter(|line| !line.is_empty());
        }
        let (name, value) = line.split_at(line.len().min(wanted.len()));
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
    }
}

/// Where the message says that its reader leaves (RFC 2369).
fn link(message: &[u8]) -> String {
    const FAR_ENOUGH: usize = 2048;
    let field = from_field(message, b"list-unsubscribe:").unwrap_or_default();
    path(&field[..field.len().min(FAR_ENOUGH)]).unwrap_or_default()
}

fn next_dot(input: &[u8]) -> Option<usize> {
    let mut rest = input;
    let length = rest
        .skip_until(b'.')
        .expect("reading from memory cannot fail");
    (length > 0 && input[length - 1] == b'.').then(|| length - 1)
}

/// What stands between the angle brackets; a tab would break the log's lines.
fn path(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, rest) = text.split_once('<')?;
    let (path, _) = rest.split_once('>')?;
    (!path.contains('\t')).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"From: a@b\r\nMessage-ID: <1@x>\r\n\r\nOne. Two.\r\n..stuffed\r\n";

    /// Feeds `input` in two pieces, cut at every place, and says what was found.
    fn read_in_pieces(input: &[u8], discard: bool) -> Vec<(usize, Option<String>)> {
        (1..input.len())
            .map(|cut| {
                let mut reading = Reading::default();
                let mut held = Vec::new();
                for piece in [&input[..cut], &input[cut..]] {
                    held.extend_from_slice(piece);
                    if let Some(end) = reading.end(&held) {
                        reading.note_message_id(&held[..end]);
                        return (reading.discarded + end, reading.message_id);
                    }
                    if discard {
                        reading.discard(&mut held, 0);
                    }
                }
                panic!("no end was found, cut at {cut}");
            })
            .collect()
    }

    #[test]
    fn the_end_is_found_however_the_message_is_cut_into_pieces() {
        for behind in ["", "MAIL FROM:<a@b>\r\n", "QUIT\r\n"] {
            let input = [MESSAGE, b".\r\n", behind.as_bytes()].concat();
            for discard in [false, true] {
                for found in read_in_pieces(&input, discard) {
                    assert_eq!(found, (MESSAGE.len(), Some("<1@x>".to_owned())));
                }
            }
        }
    }

    #[test]
    fn a_path_is_what_stands_between_the_brackets() {
        assert_eq!(path(b"MAIL FROM:<a@b> SIZE=12").as_deref(), Some("a@b"));
        assert_eq!(path(b"MAIL FROM:<>").as_deref(), Some(""));
        assert_eq!(path(b"RCPT TO: a@b"), None);
    }
}
