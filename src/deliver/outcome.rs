//! What an outcome means: for the record, and for the reader.

use std::time::Duration;

use super::pace::Verdict;
use super::smtp::{Outcome, Phase, Reply};
use crate::campaign::DeliveryState;

/// Enhanced codes (RFC 3463) by which a server says for good that there is no such mailbox.
///
/// Other permanent refusals (spam, policy, size, a sender without authentication) are not the reader's fault and cost
/// them nothing but this one message.
const NO_SUCH_MAILBOX: [(u16, u16); 4] = [(1, 1), (1, 3), (1, 6), (1, 10)];

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

    /// Whether the recipient's server said that there is no such mailbox, and never will be.
    pub fn names_a_bad_address(&self) -> bool {
        let Outcome::Bounced {
            phase: Phase::Rcpt,
            reply,
        } = self
        else {
            return false;
        };
        reply.status.is_some_and(|(class, subject, detail)| {
            class == 5 && NO_SUCH_MAILBOX.contains(&(subject, detail))
        })
    }

    /// What it shows of the receiving domain, for the pace.
    pub fn verdict(&self) -> Verdict {
        match self {
            Outcome::Accepted { .. } => Verdict::Served,
            Outcome::Bounced { phase, .. } if *phase != Phase::Check && *phase != Phase::Mail => {
                Verdict::Served
            }
            Outcome::Deferred {
                phase,
                reply: Some(_),
                ..
            } if *phase != Phase::Mail => Verdict::Pressed,
            _ => Verdict::Nothing,
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
