//! One command, one reply: what both the opening of a connection and each delivery are made of.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::wire::{Socket, Wire};

/// How far a session had come; what a reply means depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Connect,
    Greeting,
    Hello,
    StartTls,
    Tls,
    Auth,
    /// Our own judgement of envelope and message, before a word of them is said.
    Check,
    Mail,
    Rcpt,
    Data,
    /// From the 354 until the final dot may have left.
    Body,
    /// From when the final dot may have left; only a reply ends the doubt.
    Dot,
    Reset,
    Quit,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Connect => "the TCP connect",
            Phase::Greeting => "the greeting",
            Phase::Hello => "EHLO",
            Phase::StartTls => "STARTTLS",
            Phase::Tls => "the TLS handshake",
            Phase::Auth => "AUTH",
            Phase::Check => "the check before sending",
            Phase::Mail => "MAIL",
            Phase::Rcpt => "RCPT",
            Phase::Data => "DATA",
            Phase::Body => "the message",
            Phase::Dot => "the wait after the final dot",
            Phase::Reset => "RSET",
            Phase::Quit => "QUIT",
        })
    }
}

/// How long the relay may take; the defaults are those of RFC 5321 section 4.5.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// For all addresses of the relay together, and again for the TLS handshake.
    pub connect: Duration,
    /// For the greeting, for each command, and for each piece of a message to be taken.
    pub command: Duration,
    /// For the answer to the final dot.
    pub after_dot: Duration,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines {
            connect: Duration::from_secs(30),
            command: Duration::from_secs(300),
            after_dot: Duration::from_secs(600),
        }
    }
}

/// What the server said.
///
/// The text is the server's and often repeats the recipient's address: it belongs into the
/// attempt's row and before the editor's eyes, but not into a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// The enhanced status (RFC 3463), when the text begins with one of the code's class.
    pub status: Option<(u8, u16, u16)>,
    /// One line of at most 512 characters, without the enhanced status.
    pub text: String,
}

impl Reply {
    /// A reply made from its parts; the text's line ends become spaces, its excess is cut off.
    pub fn new(code: u16, text: &str) -> Reply {
        const LONGEST: usize = 512;
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let status = enhanced(code, word);
        let text = if status.is_some() { rest } else { text };
        let shown = |letter: char| if letter.is_control() { ' ' } else { letter };
        let text = text.trim().chars().take(LONGEST).map(shown).collect();
        Reply { code, status, text }
    }

    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    pub fn is_transient(&self) -> bool {
        self.code / 100 == 4
    }

    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// Whether the server closes the connection with this (RFC 5321 section 3.8).
    pub fn is_farewell(&self) -> bool {
        self.code == 421
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some((class, subject, detail)) = self.status {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        if !self.text.is_empty() {
            write!(f, " {}", self.text)?;
        }
        Ok(())
    }
}

/// Why there is no reply to go by. The connection is of no more use after any of these, as what
/// comes next could be the answer to something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("no answer within {} s in {phase}", deadline.as_secs_f32())]
    Silent { phase: Phase, deadline: Duration },
    #[error("connection lost in {phase}")]
    Lost { phase: Phase },
    #[error("no SMTP reply in {phase}")]
    Malformed { phase: Phase },
    #[error("a reply that does not belong there in {phase}: {reply}")]
    OutOfStep { phase: Phase, reply: Reply },
}

impl Trouble {
    pub fn phase(&self) -> Phase {
        match self {
            Trouble::Silent { phase, .. }
            | Trouble::Lost { phase }
            | Trouble::Malformed { phase }
            | Trouble::OutOfStep { phase, .. } => *phase,
        }
    }
}

/// A connection over which one command at a time is said.
pub struct Dialogue {
    connection: AsyncSmtpConnection,
    wire: Wire,
}

impl Dialogue {
    /// Begins on a connected socket; the server's greeting is still to be read.
    pub async fn begin(socket: Socket) -> Result<Dialogue, Trouble> {
        let wire = Wire::new(socket);
        let name = ClientId::Domain("opening".to_owned());
        // Nothing is sent or awaited here: the wire answers by itself.
        AsyncSmtpConnection::connect_with_transport(Box::new(wire.clone()), &name)
            .await
            .map(|connection| Dialogue { connection, wire })
            .map_err(|_| Trouble::Lost {
                phase: Phase::Connect,
            })
    }

    /// Sends a command, given with its CRLF, and waits for the reply to it, whichever it is.
    pub async fn command(
        &mut self,
        phase: Phase,
        command: &str,
        deadline: Duration,
    ) -> Result<Heard, Trouble> {
        let writing = self.wire.write_all(command.as_bytes());
        // A failure to write is no end yet: what the server said before it hung up, a 421 above
        // all, may still be read. If nothing is there, reading fails as well.
        if timeout(deadline, writing).await.is_err() {
            return Err(Trouble::Silent { phase, deadline });
        }
        self.heard(phase, deadline).await
    }

    /// Waits for a reply, and makes sure that nothing has come behind it: then the next command's
    /// reply would be taken for another's.
    pub async fn heard(&mut self, phase: Phase, deadline: Duration) -> Result<Heard, Trouble> {
        let heard = self.last_words(phase, deadline).await?;
        if self.wire.has_unread() && !heard.reply.is_farewell() {
            let reply = heard.reply;
            return Err(Trouble::OutOfStep { phase, reply });
        }
        Ok(heard)
    }

    /// Waits for a reply that counts whatever follows it.
    pub async fn last_words(&mut self, phase: Phase, deadline: Duration) -> Result<Heard, Trouble> {
        let Ok(read) = timeout(deadline, self.connection.read_response()).await else {
            return Err(Trouble::Silent { phase, deadline });
        };
        match read {
            Ok(response) => Ok(Heard::from(response)),
            Err(error) => match error.status() {
                Some(code) => {
                    let text = error.source().map(ToString::to_string).unwrap_or_default();
                    let reply = Reply::new(code.into(), &text);
                    let response = None;
                    Ok(Heard { reply, response })
                }
                None if self.wire.has_ended() => Err(Trouble::Lost { phase }),
                None if self.wire.is_garbled() || error.is_response() => {
                    Err(Trouble::Malformed { phase })
                }
                None => Err(Trouble::Lost { phase }),
            },
        }
    }

    /// The connection itself, for the handshake and for writing a message.
    pub fn wire(&self) -> Wire {
        self.wire.clone()
    }
}

/// A reply and, where it was positive, the lines it was made of.
pub struct Heard {
    pub reply: Reply,
    pub response: Option<Response>,
}

impl From<Response> for Heard {
    fn from(response: Response) -> Heard {
        let lines: Vec<_> = response.message().collect();
        Heard {
            reply: Reply::new(response.code().into(), &lines.join(" ")),
            response: Some(response),
        }
    }
}

/// Reads `5.1.1` where it agrees with the code (RFC 2034 section 4).
fn enhanced(code: u16, word: &str) -> Option<(u8, u16, u16)> {
    let mut parts = word.split('.').map(|part| {
        let is_number = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<u16>().ok().filter(|_| is_number)
    });
    let status = (parts.next()??, parts.next()??, parts.next()??);
    let class = u8::try_from(status.0).ok()?;
    let agrees = status.0 == code / 100 && matches!(class, 2 | 4 | 5);
    (agrees && parts.next().is_none()).then_some((class, status.1, status.2))
}
