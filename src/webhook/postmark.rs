//! Postmark's webhooks.

use serde::Deserialize;

use super::said::{Row, Said, What, failed, meaning, status_in};
use crate::bounce::Class;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Posted {
    record_type: String,
    #[serde(rename = "MessageID")]
    message_id: String,
    #[serde(default, rename = "ID")]
    id: Option<u64>,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    recipient: String,
    #[serde(default)]
    details: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    suppress_sending: bool,
    #[serde(default)]
    origin: Option<String>,
    #[serde(default)]
    changed_at: String,
}

const TYPES: &[Row] = &[
    (
        "HardBounce",
        failed(Class::Hard, "rejected", "postmark HardBounce"),
    ),
    (
        "BadEmailAddress",
        failed(Class::Hard, "bad_address", "postmark BadEmailAddress"),
    ),
    (
        "SoftBounce",
        failed(Class::Soft, "not_delivered", "postmark SoftBounce"),
    ),
    (
        "DnsError",
        failed(Class::Soft, "network_error", "postmark DnsError"),
    ),
    (
        "Undeliverable",
        failed(Class::Soft, "not_delivered", "postmark Undeliverable"),
    ),
    (
        "Unknown",
        failed(Class::Soft, "not_delivered", "postmark Unknown"),
    ),
    (
        "Blocked",
        failed(Class::Block, "blocked", "postmark Blocked"),
    ),
    (
        "SpamNotification",
        failed(Class::Block, "spam_detected", "postmark SpamNotification"),
    ),
    (
        "VirusNotification",
        failed(Class::Block, "virus_detected", "postmark VirusNotification"),
    ),
    (
        "DMARCPolicy",
        failed(Class::Block, "auth_failure", "postmark DMARCPolicy"),
    ),
    ("Transient", What::Delayed),
    ("SpamComplaint", What::Complaint),
    ("Unsubscribe", What::Unsubscribe),
    ("AutoResponder", What::Autoreply),
    ("ChallengeVerification", What::Autoreply),
    ("AddressChange", What::Autoreply),
];

pub(super) fn read(body: &[u8]) -> Option<Vec<Said>> {
    let posted: Posted = serde_json::from_slice(body).ok()?;
    let is_readers = posted.origin.as_deref() == Some("Recipient");
    let what = match posted.record_type.as_str() {
        "Bounce" => meaning(TYPES, &posted.r#type).unwrap_or_default(),
        "SpamComplaint" => What::Complaint,
        "SubscriptionChange" if posted.suppress_sending && is_readers => What::Unsubscribe,
        "Delivery" => What::Arrived,
        _ => What::Else,
    };
    let words = match posted.details.is_empty() {
        true => posted.description,
        false => posted.details,
    };
    let own = posted.id.map_or(posted.changed_at, |id| id.to_string());
    let address = match posted.email.is_empty() {
        true => posted.recipient,
        false => posted.email,
    };
    Some(vec![Said {
        id: format!("{} {} {own}", posted.record_type, posted.message_id),
        what,
        status: status_in(&words),
        address,
        words,
        ..Said::default()
    }])
}
