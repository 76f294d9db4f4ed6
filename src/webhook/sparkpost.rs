//! SparkPost's webhooks: lists of events of several families.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::said::{Row, Said, What, failed, meaning, status_in};
use crate::bounce::Class;

#[derive(Deserialize)]
struct Posted {
    msys: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Happened {
    r#type: String,
    event_id: String,
    #[serde(default)]
    raw_rcpt_to: String,
    #[serde(default)]
    rcpt_to: String,
    #[serde(default)]
    bounce_class: String,
    #[serde(default)]
    raw_reason: String,
    #[serde(default)]
    msg_from: String,
}

const EVENTS: &[Row] = &[
    ("delivery", What::Arrived),
    ("delay", What::Delayed),
    ("spam_complaint", What::Complaint),
    ("list_unsubscribe", What::Unsubscribe),
    ("link_unsubscribe", What::Unsubscribe),
];

/// SparkPost's bounce classification codes.
const CLASSES: &[Row] = &[
    ("10", failed(Class::Hard, "user_unknown", "sparkpost 10")),
    ("30", failed(Class::Hard, "no_recipient", "sparkpost 30")),
    ("90", What::Unsubscribe),
    ("20", failed(Class::Soft, "not_delivered", "sparkpost 20")),
    ("21", failed(Class::Soft, "network_error", "sparkpost 21")),
    ("22", failed(Class::Soft, "mailbox_full", "sparkpost 22")),
    ("23", failed(Class::Soft, "message_too_big", "sparkpost 23")),
    ("24", failed(Class::Soft, "expired", "sparkpost 24")),
    ("25", failed(Class::Block, "blocked", "sparkpost 25")),
    ("50", failed(Class::Block, "blocked", "sparkpost 50")),
    ("51", failed(Class::Block, "spam_detected", "sparkpost 51")),
    ("52", failed(Class::Block, "spam_detected", "sparkpost 52")),
    (
        "53",
        failed(Class::Block, "policy_violation", "sparkpost 53"),
    ),
    (
        "54",
        failed(Class::Block, "relaying_denied", "sparkpost 54"),
    ),
    ("60", What::Autoreply),
    ("100", What::Autoreply),
];

pub(super) fn read(body: &[u8]) -> Option<Vec<Said>> {
    let posted: Vec<Posted> = serde_json::from_slice(body).ok()?;
    let events = posted
        .into_iter()
        .flat_map(|posted| posted.msys.into_values());
    // A family of events that we do not know may look otherwise: it says nothing of a mail's fate.
    let known = events.filter_map(|event| serde_json::from_value(event).ok());
    Some(known.map(said).collect())
}

fn said(event: Happened) -> Said {
    let unclear = failed(Class::Soft, "not_delivered", "sparkpost bounce");
    let what = match event.r#type.as_str() {
        "bounce" | "out_of_band" | "policy_rejection" => {
            meaning(CLASSES, &event.bounce_class).unwrap_or(unclear)
        }
        word => meaning(EVENTS, word).unwrap_or_default(),
    };
    Said {
        id: event.event_id,
        what,
        address: match event.raw_rcpt_to.is_empty() {
            true => event.rcpt_to,
            false => event.raw_rcpt_to,
        },
        status: status_in(&event.raw_reason),
        words: event.raw_reason,
        return_path: event.msg_from,
        ..Said::default()
    }
}
