//! Mailgun's webhooks: an HMAC (SHA-256) over a timestamp and a token, which it makes anew for each post.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER_PERMISSIVE;
use ring::hmac;
use serde::Deserialize;

use super::said::{Row, Said, What, failed, meaning, status_in};
use super::{Refused, is_fresh};
use crate::bounce::Class;

#[derive(Deserialize)]
struct Posted {
    signature: Signature,
    #[serde(rename = "event-data")]
    event: Happened,
}

#[derive(Deserialize)]
struct Signature {
    timestamp: String,
    token: String,
    signature: String,
}

#[derive(Deserialize)]
struct Happened {
    event: String,
    id: String,
    recipient: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    reason: String,
    #[serde(default, rename = "delivery-status")]
    status: DeliveryStatus,
    #[serde(default)]
    message: Message,
    #[serde(default)]
    envelope: Envelope,
}

#[derive(Default, Deserialize)]
struct DeliveryStatus {
    code: Option<i64>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    headers: Headers,
}

#[derive(Default, Deserialize)]
struct Headers {
    #[serde(default, rename = "message-id")]
    message_id: String,
}

#[derive(Default, Deserialize)]
struct Envelope {
    #[serde(default)]
    sender: String,
}

/// The signature does not cover the rest of the body: that each token counts once is what keeps it from being reused.
pub(super) fn check(key: &str, body: &[u8], now: DateTime<Utc>) -> Result<(), Refused> {
    let posted: Posted = serde_json::from_slice(body).map_err(|_| Refused::Missing("signature"))?;
    let Signature {
        timestamp,
        token,
        signature,
    } = posted.signature;
    let signature = HEXLOWER_PERMISSIVE
        .decode(signature.as_bytes())
        .map_err(|_| Refused::Wrong("signature"))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let signed = format!("{timestamp}{token}");
    hmac::verify(&key, signed.as_bytes(), &signature).map_err(|_| Refused::Wrong("signature"))?;
    is_fresh(&timestamp, now)
}

/// The token, by which a post is known again whatever else stands in it.
pub(super) fn token(body: &[u8]) -> Option<String> {
    let posted: Posted = serde_json::from_slice(body).ok()?;
    Some(posted.signature.token)
}

const EVENTS: &[Row] = &[
    ("delivered", What::Arrived),
    ("complained", What::Complaint),
    ("unsubscribed", What::Unsubscribe),
];

/// Why Mailgun gave up for good.
const REASONS: &[Row] = &[
    ("bounce", failed(Class::Hard, "rejected", "mailgun bounce")),
    (
        "hardfail",
        failed(Class::Hard, "rejected", "mailgun hardfail"),
    ),
    (
        "suppress-bounce",
        failed(Class::Hard, "bounced_before", "mailgun suppress-bounce"),
    ),
    ("suppress-complaint", What::Complaint),
    ("suppress-unsubscribe", What::Unsubscribe),
    (
        "espblock",
        failed(Class::Block, "blocked", "mailgun espblock"),
    ),
];

pub(super) fn read(body: &[u8]) -> Option<Vec<Said>> {
    let Posted { event, .. } = serde_json::from_slice(body).ok()?;
    let gave_up = failed(Class::Soft, "not_delivered", "mailgun failed");
    let what = match (event.event.as_str(), event.severity.as_str()) {
        ("failed", "temporary") => What::Delayed,
        ("failed", _) => meaning(REASONS, &event.reason).unwrap_or(gave_up),
        (word, _) => meaning(EVENTS, word).unwrap_or_default(),
    };
    let DeliveryStatus {
        code,
        message,
        description,
    } = event.status;
    let words = message.filter(|words| !words.is_empty()).or(description);
    let words = words.unwrap_or_default();
    let code = code.filter(|code| (200..600).contains(code));
    let is_told = words.starts_with(|letter: char| letter.is_ascii_digit());
    Some(vec![Said {
        id: event.id,
        what,
        address: event.recipient,
        status: status_in(&words),
        words: match code.filter(|_| !is_told && !words.is_empty()) {
            Some(code) => format!("{code} {words}"),
            None => words,
        },
        message_id: event.message.headers.message_id,
        return_path: event.envelope.sender,
    }])
}
