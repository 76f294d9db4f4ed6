//! Mailjet's event API: one event a post, or a list of them.

use serde::Deserialize;

use super::said::{Said, What, failed, status_in};
use crate::bounce::Class;

#[derive(Deserialize)]
#[serde(untagged)]
enum Posted {
    Many(Vec<Happened>),
    One(Happened),
}

#[derive(Deserialize)]
struct Happened {
    event: String,
    time: i64,
    email: String,
    #[serde(rename = "MessageID")]
    message: i64,
    #[serde(default)]
    hard_bounce: bool,
    #[serde(default)]
    error_related_to: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    comment: String,
}

/// What an error is related to, where it is the sender's or the content's fault.
const BLOCKS: [&str; 5] = ["sender", "spam", "content", "mailjet", "policy"];

pub(super) fn read(body: &[u8]) -> Option<Vec<Said>> {
    let posted: Posted = serde_json::from_slice(body).ok()?;
    let events = match posted {
        Posted::Many(events) => events,
        Posted::One(event) => vec![event],
    };
    Some(events.into_iter().map(said).collect())
}

fn said(event: Happened) -> Said {
    let what = match event.event.as_str() {
        "bounce" | "blocked" => failure(&event),
        "spam" => What::Complaint,
        "unsub" => What::Unsubscribe,
        "sent" => What::Arrived,
        _ => What::Else,
    };
    let words = match (event.error.as_str(), event.comment.as_str()) {
        (error, "") => error.to_owned(),
        ("", comment) => comment.to_owned(),
        (error, comment) => format!("{error}: {comment}"),
    };
    Said {
        id: format!(
            "{} {} {} {}",
            event.message, event.event, event.time, event.email
        ),
        what,
        address: event.email,
        status: status_in(&words),
        words,
        ..Said::default()
    }
}

fn failure(event: &Happened) -> What {
    let is_block = BLOCKS.contains(&event.error_related_to.as_str());
    match (event.hard_bounce, is_block) {
        (_, true) => failed(Class::Block, "blocked", "mailjet error_related_to"),
        (true, false) => failed(Class::Hard, "rejected", "mailjet hard_bounce"),
        (false, false) => failed(Class::Soft, "not_delivered", "mailjet bounce"),
    }
}
