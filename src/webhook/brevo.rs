//! Brevo's webhooks for transactional mail: one event a post.

use serde::Deserialize;
use serde_json::Value;

use super::said::{Row, Said, What, failed, meaning, status_in};
use crate::bounce::Class;

#[derive(Deserialize)]
struct Posted {
    event: String,
    email: String,
    #[serde(rename = "message-id")]
    message_id: String,
    ts_event: i64,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    reason: String,
}

const EVENTS: &[Row] = &[
    (
        "hard_bounce",
        failed(Class::Hard, "rejected", "brevo hard_bounce"),
    ),
    (
        "invalid_email",
        failed(Class::Hard, "bad_address", "brevo invalid_email"),
    ),
    (
        "soft_bounce",
        failed(Class::Soft, "not_delivered", "brevo soft_bounce"),
    ),
    ("error", failed(Class::Soft, "system_error", "brevo error")),
    ("blocked", failed(Class::Soft, "not_tried", "brevo blocked")),
    ("deferred", What::Delayed),
    ("spam", What::Complaint),
    ("unsubscribed", What::Unsubscribe),
    ("delivered", What::Arrived),
];

pub(super) fn read(body: &[u8]) -> Option<Vec<Said>> {
    let posted: Posted = serde_json::from_slice(body).ok()?;
    let Posted {
        event,
        message_id,
        ts_event,
        id,
        ..
    } = &posted;
    Some(vec![Said {
        // Its `id` is the webhook's, not the event's.
        id: format!("{message_id} {event} {ts_event} {id} {}", posted.email),
        what: meaning(EVENTS, event).unwrap_or_default(),
        status: status_in(&posted.reason),
        address: posted.email,
        words: posted.reason,
        message_id: posted.message_id,
        ..Said::default()
    }])
}
