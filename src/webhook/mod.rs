//! Events that mail providers post: whether they are theirs, and what they say. Nothing here touches the database.
//!
//! A provider that signs is believed by its signature over the bytes as they came; one that does not, by a secret that
//! it was given. What an event says is read like a mail that came back: the server's words decide, but nothing that the
//! provider calls temporary is ever called permanent.

mod basic;
mod brevo;
mod mailgun;
mod mailjet;
mod postmark;
mod said;
mod sendgrid;
mod ses;
pub mod sns;
mod sparkpost;

use chrono::{DateTime, Utc};

use crate::bounce::Reading;
use crate::db::word;
use crate::secret::Keys;

word! {
    /// Who posts; the word is the end of the address: `/hooks/sendgrid`.
    pub enum Provider {
        /// Amazon SES, through a topic of Amazon SNS.
        Ses = "ses",
        SendGrid = "sendgrid",
        Mailgun = "mailgun",
        Postmark = "postmark",
        SparkPost = "sparkpost",
        Brevo = "brevo",
        Mailjet = "mailjet",
    }
}

/// How old a signed post may be: it cannot be kept and sent again later.
pub const WINDOW_MINUTES: i64 = 5;

/// No provider posts more at once.
pub const MOST_BYTES: usize = 256 * 1024;

/// One thing that happened to one mail.
#[derive(Clone, Debug)]
pub struct Event {
    /// The provider's own name for it, the same when it is posted again.
    pub id: String,
    pub reading: Reading,
}

/// What the operator and the provider agreed on.
#[derive(Clone)]
pub enum Secret {
    /// SendGrid: its public key (DER, in base64). Mailgun: the signing key.
    Key(String),
    /// The rest: `user:password`, or a bearer's word, which the provider sends along.
    Word(String),
    /// Topics of SNS, by ARN: a valid signature alone says only that it is some topic of Amazon's.
    Topics(Vec<String>),
}

/// A post's header lines that matter, by name in small letters.
pub type HeaderOf<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// Why a post is not listened to.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the {0} is missing")]
    Missing(&'static str),
    #[error("the {0} is not right")]
    Wrong(&'static str),
    #[error("the post is older than it may be, or newer than now")]
    Stale,
    #[error("the topic is none of the setting webhook.ses_topics")]
    OtherTopic,
}

/// The body is not what this provider posts.
#[derive(Debug, thiserror::Error)]
#[error("the body is not what {0} posts")]
pub struct Unreadable(pub Provider);

/// Whether a post is the provider's own, by header and raw body. SNS needs a certificate first: see [`sns`].
pub fn check(
    provider: Provider,
    secret: &Secret,
    header: HeaderOf<'_>,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Refused> {
    match (provider, secret) {
        (Provider::SendGrid, Secret::Key(key)) => sendgrid::check(key, header, body, now),
        (Provider::Mailgun, Secret::Key(key)) => mailgun::check(key, body, now),
        (_, Secret::Word(word)) => basic::check(word, header),
        _ => Err(Refused::Missing("secret")),
    }
}

/// What a post says, in its order; what is no event about a mail's fate is left out.
pub fn read(provider: Provider, body: &[u8], keys: &Keys) -> Result<Vec<Event>, Unreadable> {
    let said = match provider {
        Provider::Ses => ses::read(body),
        Provider::SendGrid => sendgrid::read(body),
        Provider::Mailgun => mailgun::read(body),
        Provider::Postmark => postmark::read(body),
        Provider::SparkPost => sparkpost::read(body),
        Provider::Brevo => brevo::read(body),
        Provider::Mailjet => mailjet::read(body),
    };
    let said = said.ok_or(Unreadable(provider))?;
    Ok(said.into_iter().map(|said| said.event(keys)).collect())
}

/// What makes a post the only one of its kind, where the signature does not cover the body.
pub fn token(provider: Provider, body: &[u8]) -> Option<String> {
    match provider {
        Provider::Mailgun => mailgun::token(body),
        _ => None,
    }
}

/// Reads a post of whichever provider, for somebody who has one in a file.
pub fn guess(body: &[u8], keys: &Keys) -> Option<Vec<Event>> {
    Provider::ALL
        .iter()
        .find_map(|provider| read(*provider, body, keys).ok())
}

/// Whether the moment that a signature covers, in seconds since 1970, is now, give or take.
fn is_fresh(seconds: &str, now: DateTime<Utc>) -> Result<(), Refused> {
    let at = seconds.parse().ok();
    let at = at.and_then(|at| DateTime::from_timestamp(at, 0));
    match at.is_some_and(|at| (now - at).num_minutes().abs() < WINDOW_MINUTES) {
        true => Ok(()),
        false => Err(Refused::Stale),
    }
}
