//! One session of the receiving side, command by command.

use std::io;

use smtp_proto::request::receiver::{DataReceiver, DummyDataReceiver};
use smtp_proto::{Error as Syntax, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Answer, Mailbox, Received, Settings, Step, Stream};

/// One session, from the greeting to the end of the connection.
pub async fn session<M: Mailbox>(
    stream: impl Stream + 'static,
    mailbox: &M,
    settings: &Settings,
    stop: &CancellationToken,
) -> io::Result<()> {
    let mut session = Session {
        stream: Box::new(stream),
        mailbox,
        settings,
        stop,
        over_at: Instant::now() + settings.limits.life,
        unread: Vec::new(),
        unsent: Vec::new(),
        errors: 0,
        lmtp: false,
        hello: None,
        secured: false,
        challenged: false,
        refused: false,
        envelope: None,
    };
    let ended = session.run().await;
    let _ = session.stream.shutdown().await;
    ended
}

/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;

struct Session<'s, M> {
    stream: Box<dyn Stream>,
    mailbox: &'s M,
    settings: &'s Settings,
    stop: &'s CancellationToken,
    /// When no further command is waited for.
    over_at: Instant,
    unread: Vec<u8>,
    /// Replies are kept until the client waits for them: one packet for a pipelined group.
    unsent: Vec<u8>,
    errors: u32,
    lmtp: bool,
    hello: Option<String>,
    secured: bool,
    /// Our last reply was a 334, so the next line is its answer and no command.
    challenged: bool,
    /// MAIL or RCPT was refused, so that what the client has said behind it (RFC 2920) may make
    /// no sense through no fault of its own.
    refused: bool,
    envelope: Option<Received>,
}

/// Whether the session goes on.
type Flow = io::Result<bool>;

/// What came of waiting for the client's bytes.
enum Heard {
    Bytes,
    Ended,
}

impl<M: Mailbox> Session<'_, M> {
    async fn run(&mut self) -> io::Result<()> {
        let greeting = format!("220 {} ESMTP", self.settings.hostname);
        let mut goes_on = self.ask(Step::Connected, &greeting).await?.goes_on;
        while goes_on {
            goes_on = match self.line().await? {
                Some(line) => self.obey(&line).await?,
                None => false,
            };
        }
        self.flush().await
    }

    async fn obey(&mut self, line: &[u8]) -> Flow {
        if self.challenged {
            return self.auth(line).await;
        }
        match Request::parse(&mut line.iter()) {
            Ok(Request::Ehlo { host }) => self.hello(&host, true, false).await,
            Ok(Request::Lhlo { host }) => self.hello(&host, true, true).await,
            Ok(Request::Helo { host }) => self.hello(&host, false, false).await,
            Ok(Request::Mail { from }) => self.mail(&from.address, from.size).await,
            Ok(Request::Rcpt { to }) => self.rcpt(&to.address).await,
            Ok(Request::Data) => self.begin_message().await,
            Ok(Request::Auth { .. }) => self.auth(line).await,
            Ok(Request::StartTls) => self.starttls().await,
            Ok(Request::Rset) => {
                (self.envelope, self.refused) = (None, false);
                Ok(self.ask(Step::Reset, "250 2.0.0 Forgotten").await?.goes_on)
            }
            Ok(Request::Quit) => {
                self.ask(Step::Quit, "221 2.0.0 Goodbye").await?;
                Ok(false)
            }
            Ok(Request::Noop { .. }) => self.say("250 2.0.0 Still here"),
            Ok(Request::Vrfy { .. }) => self.say("252 2.1.5 Send and see"),
            Ok(_) => self.object("502 5.5.1 Not offered"),
            Err(syntax) => self.object(complaint(&syntax)),
        }
    }

    async fn hello(&mut self, name: &str, extended: bool, lmtp: bool) -> Flow {
        let usual = match extended {
            true => self.offers(),
            false => format!("250 {}", self.settings.hostname),
        };
        let asked = self.ask(Step::Hello(name), &usual).await?;
        if asked.granted {
            (self.hello, self.lmtp, self.envelope) = (Some(name.to_owned()), lmtp, None);
        }
        Ok(asked.goes_on)
    }

    /// The reply to EHLO, with a line for each extension.
    fn offers(&self) -> String {
        let mut lines = vec![self.settings.hostname.clone()];
        lines.extend(self.settings.extensions.iter().cloned());
        if self.settings.starttls.is_some() && !self.secured {
            lines.push("STARTTLS".to_owned());
        }
        lines.push(format!("SIZE {}", self.settings.limits.message_bytes));
        let last = lines.len() - 1;
        let numbered = lines.iter().enumerate().map(|(nth, line)| {
            let mark = if nth == last { ' ' } else { '-' };
            format!("250{mark}{line}")
        });
        numbered.collect::<Vec<_>>().join("\r\n")
    }

    async fn starttls(&mut self) -> Flow {
        let Some(acceptor) = self.settings.starttls.clone().filter(|_| !self.secured) else {
            return self.object("502 5.5.1 Not offered");
        };
        let asked = self.ask(Step::StartTls, "220 2.0.0 Go ahead").await?;
        if !asked.granted || !asked.goes_on {
            return Ok(asked.goes_on);
        }
        self.flush().await?;
        // RFC 3207 section 4.2: what came in plain after the command is not to be believed.
        if !self.unread.is_empty() {
            return Ok(false);
        }
        let plain = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
        let handshake = tokio::time::timeout(self.settings.limits.idle, acceptor.accept(plain));
        self.stream = Box::new(handshake.await.map_err(io::Error::other)??);
        (self.secured, self.hello, self.envelope) = (true, None, None);
        Ok(true)
    }

    /// AUTH exists for mailboxes that answer it themselves; by itself nobody is let in.
    async fn auth(&mut self, line: &[u8]) -> Flow {
        let line = String::from_utf8_lossy(line);
        let step = Step::Auth(line.trim_end());
        let answer = self.mailbox.answer(step).await;
        self.challenged = answer.starts_with(b"3");
        self.give(answer, "502 5.5.1 Not offered")
            .map(|asked| asked.goes_on)
    }

    async fn mail(&mut self, from: &str, size: usize) -> Flow {
        if self.hello.is_none() || self.envelope.is_some() {
            return self.object("503 5.5.1 Not now");
        }
        if size > self.settings.limits.message_bytes {
            return self.say("552 5.3.4 Too large");
        }
        let asked = self.ask(Step::Mail(from), "250 2.1.0 Go on").await?;
        self.refused = !asked.granted;
        if asked.granted {
            self.envelope = Some(Received {
                hello: self.hello.clone().unwrap_or_default(),
                return_path: from.to_owned(),
                secured: self.secured,
                ..Received::default()
            });
        }
        Ok(asked.goes_on)
    }

    async fn rcpt(&mut self, to: &str) -> Flow {
        let Some(envelope) = &self.envelope else {
            return self.misplaced("503 5.5.1 MAIL comes first");
        };
        if envelope.recipients.len() >= self.settings.limits.recipients {
            return self.say("452 4.5.3 Too many recipients");
        }
        let asked = self.ask(Step::Rcpt(to), "250 2.1.5 Go on").await?;
        self.refused |= !asked.granted;
        if let Some(envelope) = self.envelope.as_mut().filter(|_| asked.granted) {
            envelope.recipients.push(to.to_owned());
        }
        Ok(asked.goes_on)
    }

    async fn begin_message(&mut self) -> Flow {
        let has_recipients = |envelope: &Received| !envelope.recipients.is_empty();
        if !self.envelope.as_ref().is_some_and(has_recipients) {
            return self.misplaced("503 5.5.1 RCPT comes first");
        }
        let answer = self.mailbox.answer(Step::Data).await;
        // Only a 354 opens the message; a mailbox may answer anything else to see what happens.
        let opens = answer.reply.is_none() || answer.starts_with(b"3");
        let asked = self.give(answer, "354 End with a dot")?;
        if !opens || !asked.goes_on {
            return Ok(asked.goes_on);
        }
        let Some(mut received) = self.envelope.take() else {
            return Ok(false);
        };
        let step = self.receive(&mut received.message).await?;
        match step {
            End::Whole => self.end_message(&received).await,
            End::TooLarge => {
                let answer = Answer::reply("552 5.3.4 Too large");
                self.judge(&received, answer)
            }
            End::Cut => Ok(false),
            // Nothing after it can be told from a command, so nothing after it is read.
            End::Unclear => {
                self.say("554 5.6.0 A bare CR before the end")?;
                Ok(false)
            }
        }
    }

    async fn end_message(&mut self, received: &Received) -> Flow {
        let answer = self.mailbox.answer(Step::Message(received)).await;
        self.judge(received, answer)
    }

    /// LMTP answers for each recipient (RFC 2033 section 4.2), SMTP for all at once.
    fn judge(&mut self, received: &Received, answer: Answer) -> Flow {
        let replies = if self.lmtp {
            received.recipients.len()
        } else {
            1
        };
        let mut goes_on = true;
        for _ in 0..replies {
            goes_on = self.give(answer.clone(), "250 2.0.0 Kept")?.goes_on;
        }
        Ok(goes_on)
    }

    /// Reads a message up to its lone dot. Only CRLF ends a line here: a bare LF around a dot is
    /// the trick by which a second message is smuggled in.
    async fn receive(&mut self, message: &mut Vec<u8>) -> io::Result<End> {
        let limit = self.settings.limits.message_bytes;
        let until = Instant::now() + self.settings.limits.message;
        let mut receiver = DataReceiver::new();
        // The line before the first is DATA's own, so that a dot may stand at the very start.
        receiver.ingest(&mut b"\r\n".iter(), &mut Vec::new());
        let mut excess: Option<DummyDataReceiver> = None;
        let mut asked = false;
        loop {
            let unread = std::mem::take(&mut self.unread);
            let mut bytes = unread.iter();
            let ended = match &mut excess {
                Some(excess) => excess.ingest(&mut bytes),
                None => receiver.ingest(&mut bytes, message),
            };
            self.unread = bytes.as_slice().to_vec();
            if ended && excess.is_none() && !(message.is_empty() || message.ends_with(b"\r\n")) {
                return Ok(End::Unclear);
            }
            if excess.is_none() && message.len() > limit {
                excess = Some(DummyDataReceiver::new_data(&receiver));
                *message = Vec::new();
            }
            if ended {
                return Ok(if excess.is_some() {
                    End::TooLarge
                } else {
                    End::Whole
                });
            }
            if !asked && !message.is_empty() {
                asked = true;
                let answer = self.mailbox.answer(Step::Body).await;
                if answer.reply.is_some() {
                    self.give(answer, "")?;
                    return Ok(End::Cut);
                }
            }
            if let Heard::Ended = self.hear(until).await? {
                return Ok(End::Cut);
            }
        }
    }

    /// The next command line with its line end; none when the client has gone or is sent away.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let limit = self.settings.limits.line_bytes;
        // Whoever sends a byte now and then has no more time than who sends none.
        let until = self.over_at.min(Instant::now() + self.settings.limits.idle);
        let (mut searched, mut too_long) = (0, false);
        loop {
            let found = self.unread[searched..]
                .iter()
                .position(|byte| *byte == b'\n');
            if let Some(at) = found {
                let rest = self.unread.split_off(searched + at + 1);
                let line = std::mem::replace(&mut self.unread, rest);
                if !too_long && line.len() <= limit {
                    return Ok(Some(line));
                }
                if !self.object("500 5.5.2 Line too long")? {
                    return Ok(None);
                }
                (searched, too_long) = (0, false);
                continue;
            }
            if self.unread.len() > limit {
                self.unread.clear();
                too_long = true;
            }
            searched = self.unread.len();
            if let Heard::Ended = self.hear(until).await? {
                return Ok(None);
            }
        }
    }

    /// Sends what is due and waits for more bytes from the client, `until` then at the latest.
    async fn hear(&mut self, until: Instant) -> io::Result<Heard> {
        self.flush().await?;
        let until = until.min(Instant::now() + self.settings.limits.idle);
        let mut chunk = [0; CHUNK];
        let read = tokio::select! {
            _ = self.stop.cancelled() => {
                return self.send_away("421 4.3.2 Closing for now").await;
            }
            read = tokio::time::timeout_at(until, self.stream.read(&mut chunk)) => read,
        };
        match read {
            Err(_) => {
                self.send_away("421 4.4.2 Too slow, or here for too long")
                    .await
            }
            Ok(Ok(0)) => Ok(Heard::Ended),
            Ok(read) => {
                self.unread.extend_from_slice(&chunk[..read?]);
                debug_assert!(
                    self.unread.len() <= self.settings.limits.line_bytes + CHUNK,
                    "what is unread has an end"
                );
                Ok(Heard::Bytes)
            }
        }
    }

    async fn send_away(&mut self, farewell: &str) -> io::Result<Heard> {
        self.say(farewell)?;
        self.flush().await?;
        Ok(Heard::Ended)
    }

    async fn ask(&mut self, step: Step<'_>, usual: &str) -> io::Result<Asked> {
        let answer = self.mailbox.answer(step).await;
        self.give(answer, usual)
    }

    fn give(&mut self, answer: Answer, usual: &str) -> io::Result<Asked> {
        let granted = !answer.starts_with(b"45");
        match answer.reply {
            Some(reply) => self.unsent.extend_from_slice(&reply),
            None => {
                self.say(usual)?;
            }
        }
        Ok(Asked {
            granted,
            goes_on: !answer.closes,
        })
    }

    fn say(&mut self, reply: &str) -> Flow {
        self.unsent.extend_from_slice(reply.as_bytes());
        self.unsent.extend_from_slice(b"\r\n");
        Ok(true)
    }

    /// Answers a command that comes too early, which counts against the client only if it could
    /// have known.
    fn misplaced(&mut self, reply: &str) -> Flow {
        match self.refused {
            true => self.say(reply),
            false => self.object(reply),
        }
    }

    /// Answers a command that makes no sense; too many of them end the session.
    fn object(&mut self, reply: &str) -> Flow {
        self.errors += 1;
        if self.errors < self.settings.limits.errors {
            return self.say(reply);
        }
        self.say("421 4.7.0 Too many errors")?;
        Ok(false)
    }

    async fn flush(&mut self) -> io::Result<()> {
        let writing = async {
            self.stream.write_all(&self.unsent).await?;
            self.stream.flush().await
        };
        // A client that sends without reading would hold the session for ever.
        let written = tokio::time::timeout(self.settings.limits.idle, writing).await;
        self.unsent.clear();
        written.map_err(io::Error::other)?
    }
}

/// What an answer did to the session.
struct Asked {
    granted: bool,
    goes_on: bool,
}

/// How a message ended.
enum End {
    Whole,
    TooLarge,
    Cut,
    Unclear,
}

fn complaint(syntax: &Syntax) -> &'static str {
    match syntax {
        Syntax::InvalidSenderAddress => "553 5.1.7 That is no address",
        Syntax::InvalidRecipientAddress => "553 5.1.3 That is no address",
        Syntax::UnsupportedParameter { .. } => "555 5.5.4 Unknown parameter",
        Syntax::SyntaxError { .. } | Syntax::InvalidParameter { .. } => "501 5.5.4 Malformed",
        _ => "500 5.5.1 Unknown command",
    }
}
