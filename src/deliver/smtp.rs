//! A session with the relay: one message after the other, each with an outcome that is certain or
//! says that it is not.
//!
//! Exactly once does not exist over SMTP (RFC 1047): from when the final dot may have left until a
//! reply is read, both sides may hold the message. Everything before is safe to try again.

use std::fmt::Write as _;
use std::future::poll_fn;
use std::io::IoSlice;
use std::time::Duration;

use tokio::time::timeout;

use super::dialogue::{Deadlines, Dialogue, Trouble};
use super::dots::stuffed;
use super::offers::{Needs, Offers};
use crate::pieces::Body;

pub use super::dialogue::Phase;
pub use super::reply::Reply;

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
    commands: Commands,
    /// Room for a message with dots to be doubled, kept to be used again.
    room: Vec<u8>,
}

impl Session {
    pub(super) fn new(dialogue: Dialogue, offers: Offers, deadlines: Deadlines) -> Session {
        Session {
            dialogue,
            offers,
            deadlines,
            usable: true,
            commands: Commands::default(),
            room: Vec::new(),
        }
    }

    /// Offers one message, with CRLF line ends, to one recipient.
    ///
    /// `may_finish` is asked just before the final dot may leave, as a claim on the delivery may
    /// have run out meanwhile. At a no the message stays unfinished, which is `Deferred` in
    /// `Phase::Body`, and the connection is done with.
    ///
    /// When this is dropped before its end, the session is not usable any more, and the outcome is
    /// to be taken as unknown.
    pub async fn send(
        &mut self,
        envelope: &Envelope<'_>,
        message: &[u8],
        may_finish: impl FnMut() -> bool,
    ) -> Outcome {
        self.send_body(envelope, &Body::from(message), may_finish)
            .await
    }

    /// The same for a message in pieces.
    pub async fn send_body(
        &mut self,
        envelope: &Envelope<'_>,
        message: &Body<'_>,
        may_finish: impl FnMut() -> bool,
    ) -> Outcome {
        let found = message.found();
        let needs = match self.offers.check(envelope, message.bytes(), found) {
            Ok(needs) => needs,
            Err(reply) => return Outcome::bounced(Phase::Check, reply),
        };
        if !self.is_usable() {
            return Outcome::from(Trouble::Lost { phase: Phase::Mail });
        }
        let mut room = std::mem::take(&mut self.room);
        let end: &[u8] = match message.ends_a_line() {
            true => b".\r\n",
            false => b"\r\n.\r\n",
        };
        let mut pieces: Vec<IoSlice<'_>> = match found.dots {
            true => {
                let whole: Vec<&[u8]> = message.pieces().collect();
                vec![IoSlice::new(stuffed(&whole.concat(), &mut room))]
            }
            false => message.pieces().map(IoSlice::new).collect(),
        };
        pieces.push(IoSlice::new(end));
        // Whoever drops us on the way leaves replies behind that nobody has read.
        self.usable = false;
        let size = self.offers.size.map(|_| message.bytes());
        self.commands.write(envelope, size, needs);
        let outcome = match self.open().await {
            Ok(()) => self.transmit(&mut pieces, may_finish).await,
            Err(outcome) => outcome,
        };
        self.room = room;
        outcome
    }

    /// Whether another message may be sent; if not, the caller drops the session.
    ///
    /// Also false when the relay has hung up meanwhile, which idle connections often meet.
    pub fn is_usable(&mut self) -> bool {
        self.usable && self.dialogue.wire().is_quiet_now()
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

    /// Says MAIL, RCPT and DATA, all at once where the relay takes that (RFC 2920), and hears the
    /// replies in their order; gives the outcome unless the relay now waits for the message.
    async fn open(&mut self) -> Result<(), Outcome> {
        let (at_once, deadline) = (self.offers.pipelining, self.deadlines.command);
        if at_once {
            let all = &self.commands.text;
            self.dialogue.say(Phase::Mail, all, deadline).await?;
        }
        let mut group = Group::default();
        for (phase, command) in self.commands.each() {
            if !at_once {
                self.dialogue.say(phase, command, deadline).await?;
            }
            // Only behind the last of a group is another reply one too many.
            let heard = match at_once && phase != Phase::Data {
                true => self.dialogue.next(phase, deadline).await,
                false => self.dialogue.heard(phase, deadline).await,
            };
            group.note(phase, heard, || self.dialogue.reply())?;
            if group.refusal.is_some() && !at_once {
                break;
            }
        }
        match group.refusal.take() {
            None => Ok(()),
            Some(outcome) => {
                self.usable = self.start_over(group).await;
                Err(outcome)
            }
        }
    }

    /// Makes the connection ready for the next message after a refusal; says whether that worked.
    async fn start_over(&mut self, group: Group) -> bool {
        let deadlines = self.deadlines;
        if !group.awaits_message {
            let reset = self
                .dialogue
                .command(Phase::Reset, "RSET\r\n", deadlines.command);
            return reset.await.is_ok_and(|reply| reply.is_positive());
        }
        if group.has_recipient {
            // MAIL alone was refused: a dot could send the recipient an empty message.
            return false;
        }
        // A message to nobody is awaited, which a lone dot ends (RFC 2920 section 3.1). What is
        // said to that is part of the refusal; no transaction stays open behind it.
        let ended = self
            .dialogue
            .command(Phase::Dot, ".\r\n", deadlines.after_dot);
        let heard = ended.await;
        heard.is_ok_and(|reply| !reply.is_farewell() && reply.code / 100 != 3)
    }

    /// Writes the message with its final dot, at once where the network takes it, and waits for the
    /// verdict.
    async fn transmit(
        &mut self,
        mut pieces: &mut [IoSlice<'_>],
        mut may_finish: impl FnMut() -> bool,
    ) -> Outcome {
        let deadline = self.deadlines.command;
        // With TLS this counts what the encryption has taken, so it may say "unknown" too early
        // but never too late.
        let whole: usize = pieces.iter().map(|piece| piece.len()).sum();
        let before_dot = whole - b".\r\n".len();
        let (wire, mut handed) = (self.dialogue.wire(), 0);
        while handed < whole {
            let writing = poll_fn(|context| {
                if handed <= before_dot {
                    if !may_finish() {
                        return Written::Forbidden.into();
                    }
                    // Nothing is to be said before the dot; what is, must not pass for its answer.
                    if !wire.is_quiet(context) {
                        return Written::Nothing.into();
                    }
                }
                let written = wire.poll_write(context, pieces);
                written.map(|written| match written.unwrap_or(0) {
                    0 => Written::Nothing,
                    bytes => Written::Bytes(bytes),
                })
            });
            match timeout(deadline, writing).await {
                Ok(Written::Bytes(bytes)) => {
                    handed += bytes;
                    IoSlice::advance_slices(&mut pieces, bytes);
                }
                Ok(Written::Forbidden) => return Outcome::unfinished(),
                Ok(Written::Nothing) if handed <= before_dot => return self.interrupted().await,
                Err(_) if handed <= before_dot => {
                    let phase = Phase::Body;
                    return Trouble::Silent { phase, deadline }.into();
                }
                Ok(Written::Nothing) | Err(_) => break,
            }
        }
        // A failure to flush shows in the reply that does not come.
        let _ = timeout(deadline, wire.flush()).await;
        self.verdict().await
    }

    /// Waits for the answer to the final dot.
    async fn verdict(&mut self) -> Outcome {
        let deadline = self.deadlines.after_dot;
        if let Err(trouble) = self.dialogue.next(Phase::Dot, deadline).await {
            return trouble.into();
        }
        let reply = self.dialogue.reply();
        let goes_on = !reply.is_farewell() && reply.code / 100 != 3;
        self.usable = goes_on && !self.dialogue.wire().has_unread();
        Outcome::judge(Phase::Dot, reply)
    }

    /// The relay spoke or hung up before the dot; in the latter case it may have said why.
    async fn interrupted(&mut self) -> Outcome {
        let phase = Phase::Body;
        match self.dialogue.next(phase, self.deadlines.command).await {
            Ok(_) => Outcome::judge(phase, self.dialogue.reply()),
            Err(trouble) => trouble.into(),
        }
    }
}

/// What came of trying to write a piece of a message.
enum Written {
    Bytes(usize),
    /// The connection takes no more, or the relay has spoken out of turn.
    Nothing,
    /// Who sends it may not finish it any more.
    Forbidden,
}

/// MAIL, RCPT and DATA for one message, in one text that is used again.
#[derive(Default)]
struct Commands {
    text: String,
    mail_bytes: usize,
    rcpt_bytes: usize,
}

impl Commands {
    fn write(&mut self, envelope: &Envelope<'_>, size: Option<usize>, needs: Needs) {
        let text = &mut self.text;
        text.clear();
        text.extend(["MAIL FROM:<", envelope.return_path, ">"]);
        if let Some(size) = size {
            write!(text, " SIZE={size}").expect("a String takes everything");
        }
        if needs.eight_bit {
            text.push_str(" BODY=8BITMIME");
        }
        if needs.utf8 {
            text.push_str(" SMTPUTF8");
        }
        text.push_str("\r\n");
        self.mail_bytes = text.len();
        text.extend(["RCPT TO:<", envelope.recipient, ">\r\n"]);
        self.rcpt_bytes = text.len() - self.mail_bytes;
        text.push_str("DATA\r\n");
    }

    fn each(&self) -> [(Phase, &str); 3] {
        let (mail, rest) = self.text.split_at(self.mail_bytes);
        let (rcpt, data) = rest.split_at(self.rcpt_bytes);
        [
            (Phase::Mail, mail),
            (Phase::Rcpt, rcpt),
            (Phase::Data, data),
        ]
    }
}

/// What the replies to MAIL, RCPT and DATA come to.
#[derive(Default)]
struct Group {
    /// RCPT was granted.
    has_recipient: bool,
    /// DATA was granted.
    awaits_message: bool,
    /// What the first refusal means for the message.
    refusal: Option<Outcome>,
}

impl Group {
    /// Takes the next reply; an outcome means that the connection is of no more use.
    fn note(
        &mut self,
        phase: Phase,
        heard: Result<u16, Trouble>,
        reply: impl FnOnce() -> Reply,
    ) -> Result<(), Outcome> {
        match heard {
            Ok(354) if phase == Phase::Data => self.awaits_message = true,
            Ok(200..=299) if phase != Phase::Data => self.has_recipient = phase == Phase::Rcpt,
            Ok(400..=599) => {
                let reply = reply();
                let is_farewell = reply.is_farewell();
                let first = self.refusal.take();
                let refusal = first.unwrap_or_else(|| Outcome::judge(phase, reply));
                if is_farewell {
                    return Err(refusal);
                }
                self.refusal = Some(refusal);
            }
            // With a reply too many, a refusal may have been another command's.
            Ok(_) => return Err(Outcome::judge(phase, reply())),
            Err(trouble @ Trouble::OutOfStep { .. }) => return Err(trouble.into()),
            Err(trouble) => return Err(self.refusal.take().unwrap_or_else(|| trouble.into())),
        }
        Ok(())
    }
}

impl Outcome {
    fn bounced(phase: Phase, reply: Reply) -> Outcome {
        Outcome::Bounced { phase, reply }
    }

    /// The message was begun and not ended.
    fn unfinished() -> Outcome {
        Outcome::Deferred {
            phase: Phase::Body,
            reason: "left unfinished before the final dot: the claim may have run out".to_owned(),
            reply: None,
        }
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
