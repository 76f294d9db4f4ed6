//! Whose a post is: by the signature over it, or by a secret that comes along.

use bulletin::webhook::{self, Provider, Refused, Secret, sns};
use chrono::{DateTime, Duration, Utc};
use data_encoding::{BASE64, HEXLOWER};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::{TOPIC, fixture, now};

/// SendGrid, with a key of the test's own.
pub struct SendGrid(EcdsaKeyPair);

impl SendGrid {
    pub fn new() -> SendGrid {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        SendGrid(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap())
    }

    /// The key as SendGrid shows it.
    pub fn secret(&self) -> Secret {
        let start = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        let mut key = HEXLOWER.decode(start.as_bytes()).unwrap();
        key.extend_from_slice(self.0.public_key().as_ref());
        Secret::Key(BASE64.encode(&key))
    }

    /// The two header lines of a post.
    pub fn sign(&self, at: DateTime<Utc>, body: &[u8]) -> [(String, String); 2] {
        let timestamp = at.timestamp().to_string();
        let signed = [timestamp.as_bytes(), body].concat();
        let signature = self.0.sign(&SystemRandom::new(), &signed).unwrap();
        let line = |end: &str| format!("x-twilio-email-event-webhook-{end}");
        [
            (line("signature"), BASE64.encode(signature.as_ref())),
            (line("timestamp"), timestamp),
        ]
    }
}

fn check(
    provider: Provider,
    secret: &Secret,
    lines: &[(String, String)],
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Refused> {
    let header = |name: &str| {
        let line = lines.iter().find(|(known, _)| known == name);
        line.map(|(_, value)| value.as_str())
    };
    webhook::check(provider, secret, &header, body, now)
}

#[test]
fn sendgrid_is_believed_by_its_signature_over_time_and_body() {
    let (sendgrid, other) = (SendGrid::new(), SendGrid::new());
    let body = br#"[{"event":"bounce","email":"gone@peer.test","sg_event_id":"a"}]"#;
    let lines = sendgrid.sign(now(), body);
    let ask = |secret: &Secret, lines: &[(String, String)], body: &[u8], now| {
        check(Provider::SendGrid, secret, lines, body, now).is_ok()
    };
    let secret = sendgrid.secret();
    assert!(ask(&secret, &lines, body, now()));
    assert!(ask(&secret, &lines, body, now() + Duration::minutes(4)));

    let altered = [&body[..20], b"x", &body[21..]].concat();
    let shifted = [
        lines[0].clone(),
        (lines[1].0.clone(), (now().timestamp() + 1).to_string()),
    ];
    let with = |signature: &str| [(lines[0].0.clone(), signature.to_owned()), lines[1].clone()];
    let cut = with(&lines[0].1[..40]);
    let of_other_body = sendgrid.sign(now(), b"[]");
    assert!(!ask(&secret, &lines, &altered, now()), "altered");
    assert!(
        !ask(&secret, &lines, &[body.as_slice(), b" "].concat(), now()),
        "longer"
    );
    assert!(!ask(&secret, &lines, b"", now()), "empty");
    assert!(!ask(&secret, &shifted, body, now()), "another time");
    assert!(
        !ask(&secret, &[lines[1].clone()], body, now()),
        "no signature"
    );
    assert!(!ask(&secret, &[lines[0].clone()], body, now()), "no time");
    assert!(!ask(&secret, &with(""), body, now()), "empty signature");
    assert!(!ask(&secret, &with("%%%"), body, now()), "no base64");
    assert!(!ask(&secret, &cut, body, now()), "cut signature");
    assert!(
        !ask(&secret, &of_other_body, body, now()),
        "another body's signature"
    );
    assert!(!ask(&other.secret(), &lines, body, now()), "another key");
    assert!(
        !ask(&Secret::Key(String::new()), &lines, body, now()),
        "no key"
    );
    assert!(
        !ask(&secret, &lines, body, now() + Duration::minutes(5)),
        "stale"
    );
    assert!(
        !ask(&secret, &lines, body, now() - Duration::minutes(5)),
        "from the future"
    );
}

/// A post as Mailgun makes it.
pub fn mailgun(key: &str, at: DateTime<Utc>, token: &str, event: &Value) -> String {
    let timestamp = at.timestamp().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let signature = hmac::sign(&key, format!("{timestamp}{token}").as_bytes());
    let signature = HEXLOWER.encode(signature.as_ref());
    json!({
        "signature": { "timestamp": timestamp, "token": token, "signature": signature },
        "event-data": event,
    })
    .to_string()
}

#[test]
fn mailgun_is_believed_by_its_signature_over_time_and_token() {
    let event = json!({ "event": "failed", "id": "e1", "recipient": "gone@peer.test", "severity": "permanent" });
    let secret = Secret::Key("a signing key of thirty letters".to_owned());
    let Secret::Key(key) = &secret else {
        unreachable!("it is a key")
    };
    let ask =
        |body: &str, now| check(Provider::Mailgun, &secret, &[], body.as_bytes(), now).is_ok();
    let good = mailgun(key, now(), "token-1", &event);
    assert!(ask(&good, now()));
    let signature = &mailgun(key, now(), "token-2", &event);
    for (wrong, why) in [
        (good.replace("token-1", "token-3"), "another token"),
        (good.replace("1772546400", "1772546401"), "another time"),
        (
            mailgun("another key", now(), "token-1", &event),
            "another key",
        ),
        (mailgun("", now(), "token-1", &event), "an empty key"),
        (
            good.replace("\"signature\":{", "\"signed\":{"),
            "no signature",
        ),
        (good.replace("\"token\":", "\"tokem\":"), "no token"),
        (good[..good.len() / 2].to_owned(), "cut"),
        (String::new(), "empty"),
        ("[]".to_owned(), "a list"),
        (
            signature.replace("token-2", "token-1"),
            "another token's signature",
        ),
        (
            mailgun(key, now() - Duration::minutes(5), "token-1", &event),
            "stale",
        ),
        (
            mailgun(key, now() + Duration::minutes(5), "token-1", &event),
            "from the future",
        ),
    ] {
        assert!(!ask(&wrong, now()), "{why}: {wrong}");
    }
}

#[test]
fn who_signs_nothing_sends_the_secret_along() {
    let secret = Secret::Word("hooks:a word of some length".to_owned());
    let ask = |provider, value: &str| {
        let lines = [("authorization".to_owned(), value.to_owned())];
        check(provider, &secret, &lines, b"{}", now()).is_ok()
    };
    let word = "hooks:a word of some length";
    let basic = |word: &str| format!("Basic {}", BASE64.encode(word.as_bytes()));
    for provider in [
        Provider::Postmark,
        Provider::SparkPost,
        Provider::Brevo,
        Provider::Mailjet,
    ] {
        assert!(ask(provider, &basic(word)));
        assert!(ask(provider, &format!("bearer {word}")));
        assert!(check(provider, &secret, &[], b"{}", now()).is_err());
        for wrong in [
            "",
            "Basic",
            "Basic ",
            "Bearer ",
            word,
            "Digest x",
            &basic("hooks:"),
            &basic("hooks:a word of some lengt"),
            &basic("hooks:a word of some length "),
            &basic("HOOKS:a word of some length"),
            &format!("Basic {word}"),
            &format!("Bearer {}", BASE64.encode(word.as_bytes())),
        ] {
            assert!(!ask(provider, wrong), "{provider}: {wrong}");
        }
    }
    for signs in [Provider::Ses, Provider::SendGrid, Provider::Mailgun] {
        let nothing = Secret::Topics(Vec::new());
        assert!(check(signs, &nothing, &[], b"{}", now()).is_err());
    }
}

#[test]
fn sns_is_believed_by_its_signature_for_a_topic_of_ours() {
    let topics = [TOPIC.to_owned()];
    let certificate = fixture("sns.pem");
    let ask = |body: &[u8], now| sns::open(body, &topics)?.check(&certificate, now);
    for name in ["sns-1.json", "sns-2.json", "sns-confirm.json"] {
        assert!(ask(&fixture(name), now()).is_ok(), "{name}");
        let late = now() + Duration::minutes(59);
        assert!(ask(&fixture(name), late).is_ok(), "{name} offered again");
    }
    let good = String::from_utf8(fixture("sns-2.json")).unwrap();
    let message: Value = serde_json::from_str(&good).unwrap();
    let with = |field: &str, value: &str| {
        let mut message = message.clone();
        message[field] = json!(value);
        message.to_string()
    };
    for (wrong, why) in [
        (
            good.replace("gone@peer.test", "away@peer.test"),
            "another reader",
        ),
        (with("Subject", "Another"), "another subject"),
        (with("MessageId", "another"), "another id"),
        (
            with("Timestamp", "2026-03-03T14:00:01.000Z"),
            "another time",
        ),
        (with("Type", "UnsubscribeConfirmation"), "another type"),
        (with("SignatureVersion", "1"), "the older version"),
        (with("SignatureVersion", "3"), "an unknown version"),
        (with("Signature", ""), "no signature"),
        (with("Signature", "AAAA"), "a short signature"),
        (
            with("SigningCertURL", "https://evil.test/x.pem"),
            "another certificate",
        ),
        (
            with("TopicArn", "arn:aws:sns:eu-west-1:123456789012:other"),
            "another topic's name",
        ),
        (
            String::from_utf8(fixture("sns-other-topic.json")).unwrap(),
            "a stranger's topic, rightly signed",
        ),
        (
            String::from_utf8(fixture("sns-other-key.json")).unwrap(),
            "another key",
        ),
        (good[..200].to_owned(), "cut"),
    ] {
        assert!(ask(wrong.as_bytes(), now()).is_err(), "{why}");
    }
    let body = good.as_bytes();
    assert!(ask(body, now() + Duration::hours(1)).is_err(), "stale");
    assert!(
        ask(body, now() - Duration::hours(1)).is_err(),
        "from the future"
    );
}

/// The address that a body names is never asked: it may lead into our own network.
#[test]
fn a_topic_is_answered_where_it_is_and_not_where_its_body_says() {
    let topics = [TOPIC.to_owned()];
    let post = sns::open(&fixture("sns-confirm.json"), &topics).unwrap();
    let place = post.confirmation().unwrap();
    assert_eq!(place.host, "sns.eu-west-1.amazonaws.com");
    assert_eq!(
        place.path,
        "/?Action=ConfirmSubscription&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Abulletin-bounces\
         &Token=2336412f37fb687f5d51e6e2425f004a"
    );
    let post = sns::open(&fixture("sns-2.json"), &topics).unwrap();
    assert_eq!(post.confirmation(), None);
}
