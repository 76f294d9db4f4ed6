//! One command, one reply: what both the opening of a connection and each delivery are made of.

use std::fmt;
use std::time::Duration;

use tokio::time::timeout;

use super::reply::Reply;
use super::wire::{Broken, Stream, Wire};

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

/// A connection over which commands are said and replies are heard, each under its deadline.
pub struct Dialogue {
    wire: Wire,
}

impl Dialogue {
    /// Begins on an open connection; the server's greeting is still to be read.
    pub fn begin(stream: Box<dyn Stream>) -> Dialogue {
        let wire = Wire::new(stream);
        Dialogue { wire }
    }

    /// Sends a command, given with its CRLF, and waits for the reply to it, whichever it is.
    pub async fn command(
        &mut self,
        phase: Phase,
        command: &str,
        deadline: Duration,
    ) -> Result<Reply, Trouble> {
        self.say(phase, command, deadline).await?;
        self.heard(phase, deadline).await?;
        Ok(self.reply())
    }

    /// Sends one command or several.
    pub async fn say(
        &mut self,
        phase: Phase,
        commands: &str,
        deadline: Duration,
    ) -> Result<(), Trouble> {
        let writing = self.wire.write(commands.as_bytes());
        // A failure to write is no end yet: what the server said before it hung up, a 421 above
        // all, may still be read. If nothing is there, reading fails as well.
        match timeout(deadline, writing).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Trouble::Silent { phase, deadline }),
        }
    }

    /// Waits for a reply, and makes sure that nothing has come behind it: then the next command's
    /// reply would be taken for another's. Gives its code.
    pub async fn heard(&mut self, phase: Phase, deadline: Duration) -> Result<u16, Trouble> {
        let code = self.next(phase, deadline).await?;
        if self.wire.has_unread() && !self.reply().is_farewell() {
            let reply = self.reply();
            return Err(Trouble::OutOfStep { phase, reply });
        }
        Ok(code)
    }

    /// Waits for the next reply, whatever follows it. Gives its code.
    pub async fn next(&mut self, phase: Phase, deadline: Duration) -> Result<u16, Trouble> {
        match timeout(deadline, self.wire.next_reply()).await {
            Ok(Ok(code)) => Ok(code),
            Ok(Err(Broken::Lost)) => Err(Trouble::Lost { phase }),
            Ok(Err(Broken::Garbled)) => Err(Trouble::Malformed { phase }),
            Err(_) => Err(Trouble::Silent { phase, deadline }),
        }
    }

    /// The reply heard last.
    pub fn reply(&self) -> Reply {
        self.wire.reply()
    }

    /// The connection itself, for writing a message.
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// Ends the dialogue in plain, to begin another inside TLS.
    pub fn into_stream(self) -> Box<dyn Stream> {
        self.wire.into_stream()
    }
}
