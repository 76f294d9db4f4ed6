//! What the relay offers, and whether that is enough for a message.

use lettre::transport::smtp::authentication::Mechanism;

use super::reply::Reply;
use super::smtp::Envelope;
use crate::pieces::Found;

/// What the relay can do, from its reply to EHLO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// Several commands may travel in one go (RFC 2920).
    pub pipelining: bool,
    pub eight_bit: bool,
    pub utf8: bool,
    pub starttls: bool,
    /// None if SIZE is not offered; zero if it is, without a limit (RFC 1870 section 3).
    pub size: Option<usize>,
    pub mechanisms: Vec<Mechanism>,
}

impl Offers {
    /// Reads the texts of a reply to EHLO. Keywords count in any case (RFC 5321 section 2.4).
    pub fn read<T: AsRef<str>>(texts: impl Iterator<Item = T>) -> Offers {
        let mut offers = Offers::default();
        for text in texts.skip(1) {
            // AUTH=LOGIN is how some old servers write it.
            let mut words = text.as_ref().split([' ', '\t', '=']);
            let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
            match keyword.as_str() {
                "PIPELINING" => offers.pipelining = true,
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

    /// Whether the relay can take a message of so many bytes in which this was found; if not, the reply we give in its stead.
    pub fn check(
        &self,
        envelope: &Envelope<'_>,
        bytes: usize,
        found: Found,
    ) -> Result<Needs, Reply> {
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
        let needs = Needs {
            utf8: !(return_path.is_ascii() && recipient.is_ascii()),
            eight_bit: found.eight_bit,
        };
        if found.lone_ends {
            let refusal = "5.6.0 The message has a CR or LF that is no line end";
            return Err(Reply::new(554, refusal));
        }
        if needs.utf8 && !self.utf8 {
            return Err(Reply::new(550, "5.6.7 The relay does not offer SMTPUTF8"));
        }
        if needs.eight_bit && !self.eight_bit {
            return Err(Reply::new(554, "5.6.3 The relay does not offer 8BITMIME"));
        }
        let limit = self.size.filter(|limit| *limit > 0);
        if limit.is_some_and(|limit| bytes > limit) {
            let refusal = "5.3.4 The message is too large for the relay";
            return Err(Reply::new(552, refusal));
        }
        Ok(needs)
    }
}

/// The extensions that a message cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    pub utf8: bool,
    pub eight_bit: bool,
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
