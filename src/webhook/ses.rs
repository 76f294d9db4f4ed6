//! What Amazon SES says: notifications about an identity, and events of a configuration set, which differ in one name.

use serde::Deserialize;

use super::said::{Row, Said, What, failed, meaning, status};
use super::sns;
use crate::bounce::Class;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    #[serde(alias = "eventType")]
    notification_type: String,
    mail: Mail,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    delivery_delay: Option<Bounce>,
    delivery: Option<Delivery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    message_id: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    destination: Vec<String>,
    #[serde(default)]
    headers: Vec<Header>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    #[serde(default)]
    bounce_type: String,
    #[serde(default)]
    bounce_sub_type: String,
    #[serde(default)]
    feedback_id: String,
    #[serde(default)]
    timestamp: String,
    #[serde(default, alias = "delayedRecipients")]
    bounced_recipients: Vec<Failed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    email_address: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    diagnostic_code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    #[serde(default)]
    feedback_id: String,
    #[serde(default)]
    complaint_feedback_type: Option<String>,
    complained_recipients: Vec<Failed>,
}

#[derive(Deserialize)]
struct Delivery {
    #[serde(default)]
    timestamp: String,
    #[serde(default)]
    recipients: Vec<String>,
}

/// SES's types and subtypes of bounces.
const BOUNCES: &[Row] = &[
    (
        "Permanent General",
        failed(Class::Hard, "rejected", "ses Permanent General"),
    ),
    (
        "Permanent NoEmail",
        failed(Class::Hard, "user_unknown", "ses Permanent NoEmail"),
    ),
    (
        "Permanent Suppressed",
        failed(Class::Hard, "bounced_before", "ses Permanent Suppressed"),
    ),
    (
        "Permanent OnAccountSuppressionList",
        failed(
            Class::Hard,
            "bounced_before",
            "ses OnAccountSuppressionList",
        ),
    ),
    ("Permanent UnsubscribedRecipient", What::Unsubscribe),
    (
        "Transient MailboxFull",
        failed(Class::Soft, "mailbox_full", "ses MailboxFull"),
    ),
    (
        "Transient MessageTooLarge",
        failed(Class::Soft, "message_too_big", "ses MessageTooLarge"),
    ),
    (
        "Transient CustomTimeoutExceeded",
        failed(Class::Soft, "expired", "ses CustomTimeoutExceeded"),
    ),
    (
        "Transient ContentRejected",
        failed(Class::Block, "content_rejected", "ses ContentRejected"),
    ),
    (
        "Transient AttachmentRejected",
        failed(Class::Block, "content_rejected", "ses AttachmentRejected"),
    ),
];

/// Kinds of feedback (RFC 5965 section 3.1 and the registry) that are no complaint about us.
const NO_COMPLAINT: [&str; 2] = ["not-spam", "auth-failure"];

/// Reads what a topic passed on, or what SES says itself.
pub(super) fn read(body: &[u8]) -> Option<Vec<Said>> {
    match sns::message(body) {
        Some(message) => notification(message.as_bytes()),
        None => notification(body),
    }
}

fn notification(body: &[u8]) -> Option<Vec<Said>> {
    let posted: Posted = serde_json::from_slice(body).ok()?;
    let mail = &posted.mail;
    Some(match posted.notification_type.as_str() {
        "Bounce" => bounced(mail, posted.bounce?, false),
        "DeliveryDelay" => bounced(mail, posted.delivery_delay?, true),
        "Complaint" => complained(mail, posted.complaint?),
        "Delivery" => arrived(mail, posted.delivery?),
        "Reject" => {
            let what = failed(Class::Block, "content_rejected", "ses Reject");
            let to = mail.destination.iter();
            to.map(|address| said(mail, "reject", address, what))
                .collect()
        }
        _ => Vec::new(),
    })
}

fn bounced(mail: &Mail, bounce: Bounce, is_delay: bool) -> Vec<Said> {
    let word = format!("{} {}", bounce.bounce_type, bounce.bounce_sub_type);
    let otherwise = failed(Class::Soft, "not_delivered", "ses bounce");
    let what = match is_delay {
        true => What::Delayed,
        false => meaning(BOUNCES, &word).unwrap_or(otherwise),
    };
    let event = match bounce.feedback_id.is_empty() {
        true => bounce.timestamp,
        false => bounce.feedback_id,
    };
    let recipients = bounce.bounced_recipients.into_iter();
    recipients
        .map(|failed| Said {
            status: status(&failed.status),
            words: failed.diagnostic_code,
            ..said(mail, &event, &failed.email_address, what)
        })
        .collect()
}

fn complained(mail: &Mail, complaint: Complaint) -> Vec<Said> {
    let kind = complaint.complaint_feedback_type.unwrap_or_default();
    let what = match NO_COMPLAINT.contains(&kind.as_str()) {
        true => What::Else,
        false => What::Complaint,
    };
    // SES names all recipients of the domain that may have complained: only one alone is sure.
    let what = match complaint.complained_recipients.len() {
        1 => what,
        _ => What::Else,
    };
    let recipients = complaint.complained_recipients.iter();
    recipients
        .map(|reader| said(mail, &complaint.feedback_id, &reader.email_address, what))
        .collect()
}

fn arrived(mail: &Mail, delivery: Delivery) -> Vec<Said> {
    let recipients = delivery.recipients.iter();
    recipients
        .map(|address| said(mail, &delivery.timestamp, address, What::Arrived))
        .collect()
}

fn said(mail: &Mail, event: &str, address: &str, what: What) -> Said {
    let mut headers = mail.headers.iter();
    let message_id = headers.find(|header| header.name.eq_ignore_ascii_case("message-id"));
    Said {
        id: format!("{} {event} {address}", mail.message_id),
        what,
        address: address.to_owned(),
        message_id: message_id.map_or_else(String::new, |header| header.value.clone()),
        return_path: mail.source.clone(),
        ..Said::default()
    }
}
