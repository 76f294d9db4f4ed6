//! What an outcome means: for the record, and for the reader.

use std::time::Duration;

use super::pace;
use super::smtp::{Outcome, Phase, Reply};
use crate::bounce::{self, Class, Stage, Verdict};
use crate::campaign::DeliveryState;
use crate::returned::status_text;

impl Outcome {
    /// The word that logs and tests know it by.
    pub fn name(&self) -> &'static str {
        self.state().as_str()
    }

    /// The state that it leads to, as metrics count it.
    pub fn state(&self) -> DeliveryState {
        match self {
            Outcome::Accepted { .. } => DeliveryState::Accepted,
            Outcome::Deferred { .. } => DeliveryState::Deferred,
            Outcome::Bounced { .. } => DeliveryState::Bounced,
            Outcome::Unknown { .. } => DeliveryState::Unknown,
        }
    }

    /// What is kept with the delivery: the relay's words, or what happened.
    pub fn words(&self) -> String {
        match self {
            Outcome::Accepted { reply } | Outcome::Bounced { reply, .. } => reply.to_string(),
            Outcome::Deferred {
                reply: Some(reply), ..
            } => reply.to_string(),
            Outcome::Deferred { reason, .. } | Outcome::Unknown { reason } => reason.clone(),
        }
    }

    /// Whom a refusal of this message is blamed on; `None` where nobody said anything about it.
    ///
    /// What is refused for now is never a bad address, even at the end of a delivery's life.
    pub fn judged(&self) -> Option<Verdict> {
        let (phase, reply) = match self {
            Outcome::Bounced { phase, reply } => (phase, reply),
            Outcome::Deferred {
                phase,
                reply: Some(reply),
                ..
            } => (phase, reply),
            _ => return None,
        };
        let stage = match phase {
            Phase::Rcpt => Stage::Recipient,
            Phase::Data | Phase::Body | Phase::Dot => Stage::Message,
            _ => return None,
        };
        let verdict = bounce::judge_at(stage, reply.code, reply.status, &reply.text);
        let class = match verdict.class {
            Class::Hard if !reply.is_permanent() => Class::Soft,
            Class::Delayed => Class::Soft,
            class => class,
        };
        Some(Verdict { class, ..verdict })
    }

    /// The enhanced status code of a refusal.
    pub(super) fn status(&self) -> Option<String> {
        match self {
            Outcome::Bounced { reply, .. }
            | Outcome::Deferred {
                reply: Some(reply), ..
            } => reply.status.map(status_text),
            _ => None,
        }
    }

    /// What it shows of the receiving domain, for the pace.
    pub fn verdict(&self) -> pace::Verdict {
        match self {
            Outcome::Accepted { .. } => pace::Verdict::Served,
            Outcome::Bounced { phase, .. } if *phase != Phase::Check && *phase != Phase::Mail => {
                pace::Verdict::Served
            }
            Outcome::Deferred {
                phase,
                reply: Some(_),
                ..
            } if *phase != Phase::Mail => pace::Verdict::Pressed,
            _ => pace::Verdict::Nothing,
        }
    }

    /// Whether the trouble lies between the relay and us, before it knew whom the message was for: it wants a
    /// password, it throttles us, it hung up. Such a refusal costs no reader anything, and no attempt.
    pub fn is_between_the_relay_and_us(&self) -> bool {
        match self {
            Outcome::Deferred { phase, .. } | Outcome::Bounced { phase, .. } => {
                *phase == Phase::Mail
            }
            Outcome::Accepted { .. } | Outcome::Unknown { .. } => false,
        }
    }

    /// The reply's code alone: a server's words may quote the address, and a code may be kept when those must not be.
    pub fn code(&self) -> String {
        match self {
            Outcome::Accepted { reply }
            | Outcome::Bounced { reply, .. }
            | Outcome::Deferred {
                reply: Some(reply), ..
            } => match reply.status {
                Some((class, subject, detail)) => {
                    format!("{} {class}.{subject}.{detail}", reply.code)
                }
                None => reply.code.to_string(),
            },
            other => other.name().to_owned(),
        }
    }

    /// Whether the relay has answered for a recipient, so that nothing is wrong between it and us.
    pub fn is_the_relays_answer(&self) -> bool {
        match self {
            Outcome::Accepted { .. } => true,
            Outcome::Bounced { phase, .. } => !matches!(phase, Phase::Check | Phase::Mail),
            Outcome::Deferred { phase, reply, .. } => *phase != Phase::Mail && reply.is_some(),
            Outcome::Unknown { .. } => false,
        }
    }

    /// Whether the relay refused the message for good, rather than us.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Outcome::Bounced { .. }) && !self.is_between_the_relay_and_us()
    }

    /// Whether it was refused for our sake, for good: never the reader's fault.
    pub fn is_blocked(&self) -> bool {
        self.is_refusal()
            && self
                .judged()
                .is_some_and(|verdict| verdict.class == Class::Block)
    }

    /// The one line that the log has of an attempt; `domain` as the metrics name it. A server's words may quote an
    /// address: they stay in the database.
    pub fn log(&self, delivery: i64, campaign: &str, domain: &str, took: Duration) {
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    delivery,
                    campaign,
                    domain,
                    outcome = self.name(),
                    code = self.code(),
                    milliseconds = took.as_millis() as u64,
                    "offered"
                )
            };
        }
        match self {
            Outcome::Accepted { .. } => line!(debug),
            _ => line!(info),
        }
    }

    /// A message that we cannot even make: it fails alone, and the others go on.
    pub fn unsendable(why: &str) -> Outcome {
        Outcome::Bounced {
            phase: Phase::Check,
            reply: Reply::new(554, &format!("5.6.0 not sent: {why}")),
        }
    }

    /// The relay was out of reach when the message was ready: it costs no attempt.
    pub fn unreachable(why: &str) -> Outcome {
        Outcome::Deferred {
            phase: Phase::Mail,
            reason: why.to_owned(),
            reply: None,
        }
    }

    /// Nobody can know what became of it.
    pub fn interrupted(why: &str) -> Outcome {
        Outcome::Unknown {
            reason: why.to_owned(),
        }
    }

    /// Not offered for a reason that will pass.
    pub fn not_now(why: &str) -> Outcome {
        Outcome::Deferred {
            phase: Phase::Check,
            reason: why.to_owned(),
            reply: None,
        }
    }
}
