//! A session with the relay: one message after the other, each with an outcome that is certain or
//! says that it is not.
//!
//! Exactly once does not exist over SMTP (RFC 1047): from when the final dot may have left until a
//! reply is read, both sides may hold the message. Everything before is safe to try again.

use std::io::BufRead;
use std::time::Duration;

use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::response::Response;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::dialogue::{Deadlines, Dialogue, Trouble};

pub use super::dialogue::{Phase, Reply};

/// Sender and recipient as SMTP sees them; an internationalised domain as its A-label.
#[derive(Clone, Copy)]
pub struct Envelope<'a> {
    /// Empty for a message that must not bounce.
    pub return_path: &'a str,
    pub recipient: &'a str,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The relay has taken the message over.
    Accepted { reply: Reply },
    /// It certainly has not, and may later.
    Deferred {
        phase: Phase,
        reason: String,
        /// None when the connection failed rather than the relay refused.
        reply: Option<Reply>,
    },
    /// It certainly will not. Whose fault it is depends on the phase: a refusal in MAIL, DATA or
    /// our own check is seldom the recipient's.
    Bounced { phase: Phase, reply: Reply },
    /// The message may or may not have been taken.
    Unknown { reason: String },
}

/// An open connection to the relay, for one message at a time.
pub struct Session {
    dialogue: Dialogue,
    offers: Offers,
    deadlines: Deadlines,
    usable: bool,
    /// The message as it travels, kept to be used again.
    outgoing: Vec<u8>,
}

impl Session {
    pub(super) fn new(dialogue: Dialogue, offers: Offers, deadlines: Deadlines) -> Session {
        Session {
            dialogue,
            offers,
            deadlines,
            usable: true,
            outgoing: Vec::new(),
        }
    }

    /// Offers one message, with CRLF line ends, to one recipient.
    ///
    /// When this is dropped before its end, the session is not usable any more, and the outcome is
    /// to be taken as unknown.
    pub async fn send(&mut self, envelope: &Envelope<'_>, message: &[u8]) -> Outcome {
        let mail = match self.offers.mail_command(envelope, message) {
            Ok(mail) => mail,
            Err(reply) => return Outcome::bounced(Phase::Check, reply),
        };
        if !self.usable {
            return Outcome::from(Trouble::Lost { phase: Phase::Mail });
        }
        if !encode(message, &mut self.outgoing) {
            let reply = Reply::new(554, "5.6.0 The message has a CR or LF that is no line end");
            return Outcome::bounced(Phase::Check, reply);
        }
        // Whoever drops us on the way leaves replies behind that nobody has read.
        self.usable = false;
        let rcpt = format!("RCPT TO:<{}>\r\n", envelope.recipient);
        let steps = [
            (Phase::Mail, mail.as_str(), 200..300),
            (Phase::Rcpt, rcpt.as_str(), 200..300),
            (Phase::Data, "DATA\r\n", 354..355),
        ];
        for (phase, command, wanted) in steps {
            let answered = self
                .dialogue
                .command(phase, command, self.deadlines.command);
            match answered.await {
                Err(trouble) => return trouble.into(),
                Ok(heard) if wanted.contains(&heard.reply.code) => {}
                Ok(heard) => return self.refused(phase, heard.reply).await,
            }
        }
        self.transmit().await
    }

    /// Whether another message may be sent; if not, the caller drops the session.
    ///
    /// Also false when the relay has hung up meanwhile, which idle connections often meet.
    pub fn is_usable(&self) -> bool {
        self.usable && self.dialogue.wire().is_quiet()
    }

    /// Takes leave, and does not wait long for the answer.
    pub async fn quit(mut self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        if self.usable {
            let patience = PATIENCE.min(self.deadlines.command);
            let farewell = self.dialogue.command(Phase::Quit, "QUIT\r\n", patience);
            let _ = farewell.await;
        }
        let _ = timeout(PATIENCE, self.dialogue.wire().shutdown()).await;
    }

    /// Judges a reply that was not the one wanted, and makes the session ready for the next
    /// message if the relay goes on.
    async fn refused(&mut self, phase: Phase, reply: Reply) -> Outcome {
        if reply.is_farewell() || !(reply.is_transient() || reply.is_permanent()) {
            return Outcome::judge(phase, reply);
        }
        let reset = self
            .dialogue
            .command(Phase::Reset, "RSET\r\n", self.deadlines.command);
        self.usable = reset.await.is_ok_and(|heard| heard.reply.is_positive());
        Outcome::judge(phase, reply)
    }

    /// Writes the message with its final dot, in one piece where the network takes it, and waits
    /// for the verdict.
    async fn transmit(&mut self) -> Outcome {
        let deadline = self.deadlines.command;
        // The last three bytes are the dot and its CRLF. With TLS this counts what the encryption
        // has taken, so it may say "unknown" too early but never too late.
        let before_dot = self.outgoing.len() - 3;
        let (mut wire, mut handed) = (self.dialogue.wire(), 0);
        while handed < self.outgoing.len() {
            let written = match timeout(deadline, wire.write(&self.outgoing[handed..])).await {
                Ok(result) => result.unwrap_or(0),
                Err(_) if handed <= before_dot => {
                    let phase = Phase::Body;
                    return Trouble::Silent { phase, deadline }.into();
                }
                Err(_) => break,
            };
            if written == 0 && handed <= before_dot {
                return self.interrupted().await;
            }
            if written == 0 {
                break;
            }
            handed += written;
        }
        // A failure to flush shows in the reply that does not come.
        let _ = timeout(deadline, wire.flush()).await;
        let verdict = self
            .dialogue
            .last_words(Phase::Dot, self.deadlines.after_dot);
        match verdict.await {
            Err(trouble) => trouble.into(),
            Ok(heard) => {
                let goes_on = !heard.reply.is_farewell() && heard.reply.code / 100 != 3;
                self.usable = goes_on && !self.dialogue.wire().has_unread();
                Outcome::judge(Phase::Dot, heard.reply)
            }
        }
    }

    /// The connection broke before the dot; the relay may have said why before it hung up.
    async fn interrupted(&mut self) -> Outcome {
        let phase = Phase::Body;
        match self
            .dialogue
            .last_words(phase, self.deadlines.command)
            .await
        {
            Ok(heard) => Outcome::judge(phase, heard.reply),
            Err(_) => Trouble::Lost { phase }.into(),
        }
    }
}

impl Outcome {
    fn bounced(phase: Phase, reply: Reply) -> Outcome {
        Outcome::Bounced { phase, reply }
    }

    /// What a reply means that ends an attempt in `phase`.
    fn judge(phase: Phase, reply: Reply) -> Outcome {
        match reply.code / 100 {
            2 if phase == Phase::Dot => Outcome::Accepted { reply },
            4 => Outcome::Deferred {
                phase,
                reason: format!("refused for now in {phase}"),
                reply: Some(reply),
            },
            5 => Outcome::Bounced { phase, reply },
            _ => Trouble::OutOfStep { phase, reply }.into(),
        }
    }
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Outcome {
        let (phase, reason, reply) = (trouble.phase(), trouble.to_string(), None);
        match phase {
            Phase::Dot => Outcome::Unknown { reason },
            _ => Outcome::Deferred {
                phase,
                reason,
                reply,
            },
        }
    }
}

/// What the relay can do, from its reply to EHLO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    pub eight_bit: bool,
    pub utf8: bool,
    pub starttls: bool,
    /// None if SIZE is not offered; zero if it is, without a limit (RFC 1870 section 3).
    pub size: Option<usize>,
    pub mechanisms: Vec<Mechanism>,
}

impl Offers {
    /// Keywords count in any case (RFC 5321 section 2.4), which lettre's own reading does not see.
    pub fn read(response: &Response) -> Offers {
        let mut offers = Offers::default();
        for line in response.message().skip(1) {
            // AUTH=LOGIN is how some old servers write it.
            let mut words = line.split([' ', '\t', '=']);
            let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
            match keyword.as_str() {
                "8BITMIME" => offers.eight_bit = true,
                "SMTPUTF8" => offers.utf8 = true,
                "STARTTLS" => offers.starttls = true,
                "SIZE" => offers.size = Some(words.next().map_or(0, |n| n.parse().unwrap_or(0))),
                "AUTH" => offers.mechanisms.extend(words.filter_map(mechanism)),
                _ => {}
            }
        }
        offers
    }

    /// The MAIL command for this message, or the reply we give in the relay's stead.
    fn mail_command(&self, envelope: &Envelope<'_>, message: &[u8]) -> Result<String, Reply> {
        let Envelope {
            return_path,
            recipient,
        } = envelope;
        if !(return_path.is_empty() || is_address(return_path)) {
            return Err(Reply::new(553, "5.1.7 The return path is no mail address"));
        }
        if !is_address(recipient) {
            return Err(Reply::new(553, "5.1.3 The recipient is no mail address"));
        }
        let needs_utf8 = !(return_path.is_ascii() && recipient.is_ascii());
        if needs_utf8 && !self.utf8 {
            return Err(Reply::new(550, "5.6.7 The relay does not offer SMTPUTF8"));
        }
        let is_eight_bit = !message.is_ascii();
        if is_eight_bit && !self.eight_bit {
            return Err(Reply::new(554, "5.6.3 The relay does not offer 8BITMIME"));
        }
        let limit = self.size.filter(|limit| *limit > 0);
        if limit.is_some_and(|limit| message.len() > limit) {
            return Err(Reply::new(
                552,
                "5.3.4 The message is too large for the relay",
            ));
        }
        let mut command = format!("MAIL FROM:<{return_path}>");
        if self.size.is_some() {
            command.push_str(&format!(" SIZE={}", message.len()));
        }
        if is_eight_bit {
            command.push_str(" BODY=8BITMIME");
        }
        if needs_utf8 {
            command.push_str(" SMTPUTF8");
        }
        command.push_str("\r\n");
        Ok(command)
    }
}

fn mechanism(word: &str) -> Option<Mechanism> {
    match word.to_ascii_uppercase().as_str() {
        "PLAIN" => Some(Mechanism::Plain),
        "LOGIN" => Some(Mechanism::Login),
        _ => None,
    }
}

/// Whether an address can be put between angle brackets without becoming something else. The
/// finer points are the relay's to judge; a line end or bracket would let an address give orders.
fn is_address(address: &str) -> bool {
    // RFC 5321 section 4.5.3.1.3 allows a path of 256 bytes, brackets included.
    const LONGEST: usize = 254;
    let forbidden =
        |letter: char| letter.is_control() || letter.is_whitespace() || matches!(letter, '<' | '>');
    let has_both_parts = address
        .rsplit_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    has_both_parts && address.len() <= LONGEST && !address.contains(forbidden)
}

/// Writes the message as it travels, with stuffed dots and the final one (RFC 5321 section
/// 4.5.2); says no to a message with a CR or LF of its own, which another server could take for a
/// line end and read what follows a dot there as commands.
fn encode(message: &[u8], outgoing: &mut Vec<u8>) -> bool {
    outgoing.clear();
    outgoing.reserve(message.len() + 64);
    let mut rest = message;
    // What has been looked at and not yet been copied: most messages are copied in one go.
    let mut from = 0;
    while !rest.is_empty() {
        let at = message.len() - rest.len();
        if rest[0] == b'.' {
            outgoing.extend_from_slice(&message[from..at]);
            outgoing.push(b'.');
            from = at;
        }
        let length = rest
            .skip_until(b'\n')
            .expect("reading from memory cannot fail");
        let line = &message[at..at + length];
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        if text.contains(&b'\r') || text.ends_with(b"\n") {
            return false;
        }
    }
    outgoing.extend_from_slice(&message[from..]);
    if !(message.is_empty() || message.ends_with(b"\r\n")) {
        outgoing.extend_from_slice(b"\r\n");
    }
    outgoing.extend_from_slice(b".\r\n");
    true
}
