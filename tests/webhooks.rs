//! Events of mail providers: whose they are, and what they say.

pub mod signed;

use bulletin::bounce::{Class, Kind};
use bulletin::secret::Keys;
use bulletin::webhook::{self, Event, Provider, sns};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::support::{root, shared};

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:bulletin-bounces";

pub fn now() -> DateTime<Utc> {
    "2026-03-03T14:00:00Z".parse().unwrap()
}

fn keys() -> Keys {
    let folder = tempfile::tempdir().unwrap();
    Keys::open(&folder.path().join("key")).unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(root().join("tests/fixtures/webhooks").join(name)).unwrap()
}

fn read(provider: Provider, body: &Value) -> Vec<Event> {
    webhook::read(provider, body.to_string().as_bytes(), &keys()).unwrap()
}

/// `bounce hard user_unknown`, `complaint`: what one event comes to.
fn short(event: &Event) -> String {
    let reading = &event.reading;
    match (reading.kind, reading.recipients.first()) {
        (Kind::Bounce, Some(recipient)) => {
            format!("{} {}", recipient.verdict.class, recipient.verdict.reason)
        }
        (kind, _) => kind.to_string(),
    }
}

#[test]
fn each_provider_is_understood() {
    let mailgun = |event: Value| json!({ "signature": { "timestamp": "1", "token": "t", "signature": "00" }, "event-data": event });
    let ses = |kind: &str, sub: &str| {
        json!({
            "eventType": "Bounce", "mail": { "messageId": "m" },
            "bounce": { "bounceType": kind, "bounceSubType": sub, "bouncedRecipients": [{ "emailAddress": "a@peer.test" }] },
        })
    };
    let sparkpost = |class: &str| {
        json!([{ "msys": { "message_event": {
            "type": "bounce", "event_id": "1", "rcpt_to": "a@peer.test", "bounce_class": class } } }])
    };
    let postmark = |kind: &str| json!({ "RecordType": "Bounce", "MessageID": "m", "ID": 7, "Type": kind, "Email": "a@peer.test" });
    let brevo = |event: &str| json!({ "event": event, "email": "a@peer.test", "message-id": "<m@news.test>", "ts_event": 1, "id": 4 });
    let mailjet = |event: &str, is_hard: bool, related: &str| json!({ "event": event, "time": 1, "email": "a@peer.test", "MessageID": 2, "hard_bounce": is_hard, "error_related_to": related });
    let sendgrid = |event: &str, kind: &str| json!([{ "event": event, "email": "a@peer.test", "sg_event_id": "1", "type": kind }]);
    for (provider, body, wanted) in [
        (
            Provider::Ses,
            ses("Permanent", "NoEmail"),
            "hard user_unknown",
        ),
        (
            Provider::Ses,
            ses("Transient", "MailboxFull"),
            "soft mailbox_full",
        ),
        (
            Provider::Ses,
            ses("Transient", "ContentRejected"),
            "block content_rejected",
        ),
        (
            Provider::Ses,
            ses("Undetermined", "Undetermined"),
            "soft not_delivered",
        ),
        (
            Provider::SendGrid,
            sendgrid("bounce", "bounce"),
            "hard rejected",
        ),
        (
            Provider::SendGrid,
            sendgrid("bounce", "blocked"),
            "soft blocked",
        ),
        (
            Provider::SendGrid,
            sendgrid("deferred", ""),
            "delayed delayed",
        ),
        (Provider::SendGrid, sendgrid("spamreport", ""), "complaint"),
        (
            Provider::SendGrid,
            sendgrid("unsubscribe", ""),
            "unsubscribe",
        ),
        (Provider::SendGrid, sendgrid("open", ""), "none"),
        (
            Provider::Mailgun,
            mailgun(
                json!({ "event": "failed", "id": "1", "recipient": "a@peer.test", "severity": "permanent", "reason": "bounce" }),
            ),
            "hard rejected",
        ),
        (
            Provider::Mailgun,
            mailgun(
                json!({ "event": "failed", "id": "1", "recipient": "a@peer.test", "severity": "temporary", "reason": "generic" }),
            ),
            "delayed delayed",
        ),
        (
            Provider::Mailgun,
            mailgun(json!({ "event": "complained", "id": "1", "recipient": "a@peer.test" })),
            "complaint",
        ),
        (Provider::Postmark, postmark("HardBounce"), "hard rejected"),
        (
            Provider::Postmark,
            postmark("SpamNotification"),
            "block spam_detected",
        ),
        (Provider::Postmark, postmark("AutoResponder"), "autoreply"),
        (Provider::Postmark, postmark("Transient"), "delayed delayed"),
        (Provider::SparkPost, sparkpost("10"), "hard user_unknown"),
        (Provider::SparkPost, sparkpost("22"), "soft mailbox_full"),
        (Provider::SparkPost, sparkpost("51"), "block spam_detected"),
        (Provider::SparkPost, sparkpost("1"), "soft not_delivered"),
        (Provider::Brevo, brevo("hard_bounce"), "hard rejected"),
        (Provider::Brevo, brevo("soft_bounce"), "soft not_delivered"),
        (Provider::Brevo, brevo("spam"), "complaint"),
        (Provider::Brevo, brevo("opened"), "none"),
        (
            Provider::Mailjet,
            mailjet("bounce", true, "recipient"),
            "hard rejected",
        ),
        (
            Provider::Mailjet,
            mailjet("bounce", true, "spam"),
            "block blocked",
        ),
        (
            Provider::Mailjet,
            mailjet("bounce", false, "mailbox"),
            "soft not_delivered",
        ),
        (
            Provider::Mailjet,
            mailjet("unsub", false, ""),
            "unsubscribe",
        ),
        (
            Provider::Mailjet,
            json!([mailjet("spam", false, "")]),
            "complaint",
        ),
    ] {
        let events = read(provider, &body);
        assert_eq!(events.len(), 1, "{provider}");
        assert_eq!(short(&events[0]), wanted, "{provider}: {body}");
        let again = read(provider, &body);
        assert_eq!(events[0].id, again[0].id, "it is known again");
    }
}

#[test]
fn our_own_delivery_is_known_by_its_message_id_or_its_return_path() {
    let keys = keys();
    let message_id = format!("<{}@news.test>", keys.delivery_name("message-id", 42));
    let body = json!([{ "event": "bounce", "email": "a@peer.test", "sg_event_id": "1", "smtp-id": message_id }]);
    let events = webhook::read(Provider::SendGrid, body.to_string().as_bytes(), &keys).unwrap();
    assert_eq!(events[0].reading.delivery, Some(42));
    let sender = bulletin::verp::return_path(&keys, 43, "news.test");
    let body = json!([{ "msys": { "message_event": { "type": "delay", "event_id": "1", "rcpt_to": "a@peer.test", "msg_from": sender } } }]);
    let events = webhook::read(Provider::SparkPost, body.to_string().as_bytes(), &keys).unwrap();
    assert_eq!(events[0].reading.delivery, Some(43));
}

/// Cut anywhere, and with any byte changed: an answer or none, and no panic.
#[test]
fn no_body_is_too_damaged_to_be_refused() {
    let keys = keys();
    let body = fixture("sns-2.json");
    for length in 0..body.len() {
        for provider in Provider::ALL {
            let _ = webhook::read(*provider, &body[..length], &keys);
        }
        let mut damaged = body.clone();
        damaged[length] = damaged[length].wrapping_add(length as u8 | 1);
        let _ = webhook::guess(&damaged, &keys);
        let _ = sns::open(&damaged, &[TOPIC.to_owned()]);
    }
    let deep = "[".repeat(100_000);
    assert!(webhook::guess(deep.as_bytes(), &keys).is_none());
}

/// Bodies that Amazon and Twilio really posted.
#[test]
fn real_posts_are_read_as_expected() {
    let Some(folder) = shared("bounces/webhooks") else {
        return;
    };
    let expected = std::fs::read_to_string(folder.join("expected.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(expected.as_bytes());
    let mut read = 0;
    for row in rows.records() {
        let row = row.unwrap();
        let body = std::fs::read(folder.join(&row[0])).unwrap();
        let events = webhook::guess(&body, &keys()).unwrap_or_else(|| panic!("{}", &row[0]));
        assert_eq!(events.len(), 1, "{}", &row[0]);
        let reading = &events[0].reading;
        let recipient = reading.recipients.first();
        let class = match reading.kind {
            Kind::Bounce => recipient.unwrap().verdict.class.as_str(),
            kind => kind.as_str(),
        };
        assert_eq!(class, &row[3], "{}", &row[0]);
        if let Some(recipient) = recipient {
            assert_eq!(recipient.address.as_deref(), Some(&row[2]), "{}", &row[0]);
        }
        if class == Class::Hard.as_str() || class == Class::Soft.as_str() {
            let (class, subject, detail) = recipient.unwrap().status.unwrap();
            assert_eq!(
                format!("{class}.{subject}.{detail}"),
                &row[4],
                "{}",
                &row[0]
            );
        }
        read += 1;
    }
    assert_eq!(read, 12);
}
