//! Providers post their events over HTTP: what is theirs changes readers, once, and nothing else does.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulletin::db::Db;
use bulletin::suppression::Reason;
use bulletin::web::hooks::{self, Certificates, Hooks, Spent};
use bulletin::web::server::Patience;
use bulletin::webhook::{Provider, Secret, sns};
use chrono::Duration;
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::returned::{sent, suppression_of};
use crate::support::news::random;
use crate::support::pages::Pages;
use crate::support::{News, each_database, root};
use crate::webhooks::signed::{SendGrid, mailgun};

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:bulletin-bounces";
const KEY: &str = "a signing key of thirty letters";
const WORD: &str = "hooks:a word of some length";

/// A news service with two readers, one of whom is gone, and its hooks.
struct Posts {
    news: News,
    pages: Pages,
    sendgrid: SendGrid,
}

impl Posts {
    async fn start(db: Db) -> Posts {
        let readers = ["gone@peer.test", "stays@peer.test"];
        Posts::with(db, &readers, &[Provider::Postmark, Provider::Brevo]).await
    }

    /// `open` to whoever brings the word.
    async fn with(db: Db, readers: &[&str], open: &[Provider]) -> Posts {
        let news = sent(db, readers).await;
        // As if it had been sent just now, whatever the clock has gone on by.
        let sendgrid = SendGrid::new();
        let mut secrets = BTreeMap::from([
            (Provider::SendGrid, sendgrid.secret()),
            (Provider::Mailgun, Secret::Key(KEY.to_owned())),
            (Provider::Ses, Secret::Topics(vec![TOPIC.to_owned()])),
        ]);
        secrets.extend(
            open.iter()
                .map(|provider| (*provider, Secret::Word(WORD.to_owned()))),
        );
        let hooks = Hooks {
            receiver: news.receiver(),
            secrets,
            certificates: certificates(),
            spent: Spent::default(),
        };
        let pages = Pages::of(hooks::routes(Arc::new(hooks)), Patience::default()).await;
        Posts {
            news,
            pages,
            sendgrid,
        }
    }

    async fn post(&self, provider: &str, lines: &[(String, String)], body: &str) -> u16 {
        let lines: String = lines
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let path = format!("/hooks/{provider}");
        let (status, _, said) = self.pages.ask_with("POST", &path, &lines, body).await;
        assert!(!said.contains("peer.test"), "{said}");
        status
    }

    async fn reason(&self) -> Option<Reason> {
        suppression_of(&self.news, "gone@peer.test").await
    }

    /// A failure for good, by SendGrid's words.
    fn gone(&self, event: &str) -> String {
        json!([{
            "event": "bounce", "type": "bounce", "email": "gone@peer.test", "sg_event_id": event, "status": "5.1.1",
            "reason": "550 5.1.1 <gone@peer.test>: Recipient address rejected: User unknown in virtual mailbox table",
        }])
        .to_string()
    }
}

/// With the certificate that the fixtures' posts were signed for; nothing is fetched.
fn certificates() -> Certificates {
    let folder = root().join("tests/fixtures/webhooks");
    let body = std::fs::read(folder.join("sns-2.json")).unwrap();
    let place = sns::open(&body, &[TOPIC.to_owned()]).unwrap().certificate();
    let certificates = Certificates::default();
    certificates.keep(
        &place.unwrap(),
        std::fs::read(folder.join("sns.pem")).unwrap(),
    );
    certificates
}

fn basic() -> [(String, String); 1] {
    let word = BASE64.encode(WORD.as_bytes());
    [("Authorization".to_owned(), format!("Basic {word}"))]
}

each_database!(only_what_a_provider_signed_changes_a_reader_and_only_once);
async fn only_what_a_provider_signed_changes_a_reader_and_only_once(db: Db) {
    let posts = Posts::start(db).await;
    let body = posts.gone("event-1");
    let now = posts.news.now();
    let lines = posts.sendgrid.sign(now, body.as_bytes());
    let forged = SendGrid::new().sign(now, body.as_bytes());
    assert_eq!(posts.post("sendgrid", &[], &body).await, 401);
    assert_eq!(posts.post("sendgrid", &forged, &body).await, 401);
    let altered = body.replace("gone@", "stays@");
    assert_eq!(posts.post("sendgrid", &lines, &altered).await, 401);
    assert_eq!(posts.reason().await, None);
    let counted = "bulletin_hook_refusals_total 3\n";
    assert!(posts.news.metrics.text().contains(counted));

    assert_eq!(posts.post("sendgrid", &lines, &body).await, 200);
    assert_eq!(posts.reason().await, Some(Reason::HardBounce));
    let account = posts.news.account().await;
    assert_eq!((account.accepted, account.bounced), (1, 1));
    assert_eq!(
        posts.post("sendgrid", &lines, &body).await,
        200,
        "it comes again"
    );
    assert_eq!(posts.news.account().await, account);
    posts.news.wait(Duration::minutes(10));
    assert_eq!(
        posts.post("sendgrid", &lines, &body).await,
        401,
        "kept and sent later"
    );
}

each_database!(a_signature_over_a_token_serves_one_post);
async fn a_signature_over_a_token_serves_one_post(db: Db) {
    let posts = Posts::start(db).await;
    let now = posts.news.now();
    let event = |event: &str, reader: &str| -> Value {
        json!({ "event": event, "id": format!("{event} {reader}"), "recipient": reader, "severity": "permanent", "reason": "bounce" })
    };
    let arrived = mailgun(KEY, now, "token-1", &event("delivered", "stays@peer.test"));
    assert_eq!(posts.post("mailgun", &[], &arrived).await, 200);
    let gone = mailgun(KEY, now, "token-1", &event("failed", "gone@peer.test"));
    assert_eq!(posts.post("mailgun", &[], &gone).await, 401);
    assert_eq!(posts.reason().await, None);
    let gone = mailgun(KEY, now, "token-2", &event("failed", "gone@peer.test"));
    assert_eq!(posts.post("mailgun", &[], &gone).await, 200);
    assert_eq!(posts.reason().await, Some(Reason::HardBounce));
    assert_eq!(
        posts.post("mailgun", &[], &gone).await,
        200,
        "it comes again"
    );
}

each_database!(a_secret_that_is_sent_along_opens_its_providers_hook);
async fn a_secret_that_is_sent_along_opens_its_providers_hook(db: Db) {
    let posts = Posts::start(db).await;
    let complaint = json!({
        "RecordType": "SpamComplaint", "MessageID": "m", "ID": 42, "Type": "SpamComplaint", "Email": "gone@peer.test",
    })
    .to_string();
    assert_eq!(posts.post("postmark", &[], &complaint).await, 401);
    assert_eq!(posts.reason().await, None);
    assert_eq!(posts.post("postmark", &basic(), &complaint).await, 200);
    assert_eq!(posts.reason().await, Some(Reason::Complaint));
    let leaves = json!({
        "event": "unsubscribed", "email": "stays@peer.test", "message-id": "<m@x>", "ts_event": 1, "id": 4,
    })
    .to_string();
    assert_eq!(posts.post("brevo", &basic(), &leaves).await, 200);
    let stays = posts.news.reader("stays@peer.test").await;
    assert_eq!(stays.state, bulletin::subscription::State::Ended);
}

each_database!(a_secret_that_is_missing_or_wrong_does_nothing_and_a_post_counts_once);
async fn a_secret_that_is_missing_or_wrong_does_nothing_and_a_post_counts_once(db: Db) {
    let all = [
        (
            Provider::Postmark,
            "a@peer.test",
            json!({ "RecordType": "Bounce", "MessageID": "m", "ID": 7, "Type": "HardBounce", "Email": "a@peer.test" }),
        ),
        (
            Provider::SparkPost,
            "b@peer.test",
            json!([{ "msys": { "message_event": {
            "type": "bounce", "event_id": "1", "rcpt_to": "b@peer.test", "bounce_class": "10" } } }]),
        ),
        (
            Provider::Brevo,
            "c@peer.test",
            json!({ "event": "hard_bounce", "email": "c@peer.test", "message-id": "<m@x>", "ts_event": 1, "id": 4 }),
        ),
        (
            Provider::Mailjet,
            "d@peer.test",
            json!({ "event": "bounce", "time": 1, "email": "d@peer.test", "MessageID": 2, "hard_bounce": true, "error_related_to": "recipient" }),
        ),
    ];
    let (readers, open) = (
        all.each_ref().map(|one| one.1),
        all.each_ref().map(|one| one.0),
    );
    let posts = Posts::with(db, &readers, &open).await;
    let wrong = [(
        "Authorization".to_owned(),
        "Bearer hooks:another word".to_owned(),
    )];
    for (provider, reader, body) in &all {
        let (provider, body) = (provider.to_string(), body.to_string());
        assert_eq!(posts.post(&provider, &[], &body).await, 401, "{provider}");
        assert_eq!(
            posts.post(&provider, &wrong, &body).await,
            401,
            "{provider}"
        );
        assert_eq!(
            suppression_of(&posts.news, reader).await,
            None,
            "{provider}"
        );
        assert_eq!(
            posts.post(&provider, &basic(), &body).await,
            200,
            "{provider}"
        );
        let reason = suppression_of(&posts.news, reader).await;
        assert_eq!(reason, Some(Reason::HardBounce), "{provider}");
        let account = posts.news.account().await;
        assert_eq!(
            posts.post(&provider, &basic(), &body).await,
            200,
            "{provider} again"
        );
        assert_eq!(posts.news.account().await, account, "{provider} again");
    }
    let account = posts.news.account().await;
    assert_eq!((account.accepted, account.bounced), (0, 4));
}

each_database!(a_topic_of_ours_is_heard_and_a_strangers_is_not);
async fn a_topic_of_ours_is_heard_and_a_strangers_is_not(db: Db) {
    let posts = Posts::start(db).await;
    let body = |name: &str| {
        let path = root().join("tests/fixtures/webhooks").join(name);
        std::fs::read_to_string(path).unwrap()
    };
    for stranger in ["sns-other-topic.json", "sns-other-key.json"] {
        assert_eq!(
            posts.post("ses", &[], &body(stranger)).await,
            401,
            "{stranger}"
        );
    }
    assert_eq!(posts.reason().await, None);
    assert_eq!(posts.post("ses", &[], &body("sns-1.json")).await, 200);
    assert_eq!(posts.reason().await, Some(Reason::HardBounce));
    let account = posts.news.account().await;
    assert_eq!(
        posts.post("ses", &[], &body("sns-2.json")).await,
        200,
        "the same event"
    );
    assert_eq!(posts.news.account().await, account);
}

each_database!(what_is_no_post_of_a_provider_is_turned_away);
async fn what_is_no_post_of_a_provider_is_turned_away(db: Db) {
    let posts = Posts::start(db).await;
    for unknown in ["sparkpost", "mailjet", "", "nobody", "SendGrid"] {
        assert_eq!(posts.post(unknown, &basic(), "{}").await, 404, "{unknown}");
    }
    for body in ["", "{}", "[", "null", "{\"event\": 3}"] {
        assert_eq!(posts.post("brevo", &basic(), body).await, 422, "{body}");
    }
    let large = " ".repeat(300 * 1024);
    assert_eq!(posts.post("brevo", &basic(), &large).await, 413);
    assert_eq!(posts.reason().await, None);
}

each_database!(an_event_about_a_mail_that_is_being_sent_comes_again);
async fn an_event_about_a_mail_that_is_being_sent_comes_again(db: Db) {
    let posts = Posts::start(db).await;
    let news = &posts.news;
    news.publish(&crate::support::news::issue(
        "2026-04",
        &[&[crate::support::news::DEPRESSION]],
    ))
    .await;
    news.plan("2026-04").await;
    let sender = random();
    let mut tx = news.db.begin().await.unwrap();
    let claimed = news.claim(&mut tx, sender, 2).await;
    tx.commit().await.unwrap();
    let claimed = claimed.iter().map(|claim| claim.delivery.id);
    let name = |delivery: i64| news.keys.delivery_name("message-id", delivery);
    let events: Vec<Value> = claimed
        .map(|delivery| {
            json!({
                "event": "bounce", "type": "bounce", "email": "gone@peer.test", "sg_event_id": delivery.to_string(),
                "status": "5.1.1", "reason": "550 5.1.1 User unknown", "smtp-id": format!("<{}@x>", name(delivery)),
            })
        })
        .collect();
    let body = Value::from(events).to_string();
    let lines = posts.sendgrid.sign(news.now(), body.as_bytes());
    assert_eq!(posts.post("sendgrid", &lines, &body).await, 503);
    assert_eq!(posts.reason().await, None);
}
