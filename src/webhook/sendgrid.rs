//! SendGrid's signed event webhook: ECDSA (P-256, SHA-256) over a timestamp and the body.

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;

use super::said::{Row, Said, What, failed, meaning, status};
use super::{HeaderOf, Refused, is_fresh};
use crate::bounce::Class;

const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";

/// What stands before the point of a P-256 key in a SubjectPublicKeyInfo (RFC 5480 section 2).
const PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

pub(super) fn check(
    key: &str,
    header: HeaderOf<'_>,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Refused> {
    let signature = header(SIGNATURE).ok_or(Refused::Missing("signature"))?;
    let timestamp = header(TIMESTAMP).ok_or(Refused::Missing("timestamp"))?;
    let key = BASE64.decode(key.trim().as_bytes()).unwrap_or_default();
    let point = key
        .strip_prefix(&PREFIX)
        .ok_or(Refused::Wrong("setting webhook.sendgrid_key"))?;
    let signature = BASE64
        .decode(signature.trim().as_bytes())
        .map_err(|_| Refused::Wrong("signature"))?;
    let signed = [timestamp.as_bytes(), body].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(&signed, &signature)
        .map_err(|_| Refused::Wrong("signature"))?;
    is_fresh(timestamp, now)
}

#[derive(Deserialize)]
struct Posted {
    event: String,
    email: String,
    sg_event_id: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    response: String,
    #[serde(default)]
    status: String,
    #[serde(default, rename = "smtp-id")]
    message_id: String,
}

const EVENTS: &[Row] = &[
    ("bounce", failed(Class::Hard, "rejected", "sendgrid bounce")),
    ("deferred", What::Delayed),
    ("delivered", What::Arrived),
    ("spamreport", What::Complaint),
    ("unsubscribe", What::Unsubscribe),
    ("group_unsubscribe", What::Unsubscribe),
];

/// Why SendGrid did not even try.
const DROPPED: &[Row] = &[
    (
        "Bounced Address",
        failed(Class::Hard, "bounced_before", "sendgrid dropped"),
    ),
    (
        "Invalid",
        failed(Class::Hard, "bad_address", "sendgrid dropped"),
    ),
    ("Spam Reporting Address", What::Complaint),
    ("Unsubscribed Address", What::Unsubscribe),
];

pub(super) fn read(body: &[u8]) -> Option<Vec<Said>> {
    let posted: Vec<Posted> = serde_json::from_slice(body).ok()?;
    Some(posted.into_iter().map(said).collect())
}

fn said(posted: Posted) -> Said {
    let blocked = failed(Class::Soft, "blocked", "sendgrid blocked");
    let dropped = failed(Class::Soft, "not_tried", "sendgrid dropped");
    let what = match (posted.event.as_str(), posted.kind.as_str()) {
        ("bounce", "blocked") => Some(blocked),
        ("dropped", _) => meaning(DROPPED, &posted.reason).or(Some(dropped)),
        (event, _) => meaning(EVENTS, event),
    };
    let words = match posted.reason.is_empty() {
        true => posted.response,
        false => posted.reason,
    };
    Said {
        id: posted.sg_event_id,
        what: what.unwrap_or_default(),
        address: posted.email,
        status: status(&posted.status),
        words,
        message_id: posted.message_id,
        ..Said::default()
    }
}
