//! Other programs are told what happens: signed, in order, until they take it, and nothing of who is erased.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bulletin::admin::Role;
use bulletin::db::Db;
use bulletin::deliver::tls::Trust;
use bulletin::feedback;
use bulletin::outbox::{self, EVENTS, Event, New};
use bulletin::request::Kind;
use bulletin::teller::{Reach, Teller, signature};
use chrono::Duration;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::support::editor::Editor;
use crate::support::news::{EMPATHY, form, issue};
use crate::support::scripted::Authority;
use crate::support::{News, each_database};

/// A program that listens, over TLS, and answers what it is told to.
struct Listener {
    at: SocketAddr,
    trust: Trust,
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

#[derive(Clone, Debug)]
struct Heard {
    id: String,
    at: i64,
    signature: String,
    body: String,
}

impl Listener {
    async fn start() -> Listener {
        let authority = Authority::new();
        let acceptor = authority.settings("hook.test").starttls.unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = Listener {
            at: socket.local_addr().unwrap(),
            trust: Trust::load(&[authority.certificate()]).unwrap(),
            heard: Arc::default(),
            answers: Arc::default(),
        };
        let (heard, answers) = (listener.heard.clone(), listener.answers.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut read = Vec::new();
                let mut part = [0; 4096];
                while !is_whole(&read) {
                    match stream.read(&mut part).await {
                        Ok(0) | Err(_) => break,
                        Ok(bytes) => read.extend_from_slice(&part[..bytes]),
                    }
                }
                heard.lock().unwrap().push(Heard::read(&read));
                let answer = answers
                    .lock()
                    .unwrap()
                    .pop_front()
                    .unwrap_or("204 No Content");
                let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
                drop(stream.write_all(answer.as_bytes()).await);
                drop(stream.shutdown().await);
            }
        });
        listener
    }

    fn teller(&self, news: &News) -> Teller {
        Teller {
            db: news.db.clone(),
            keys: news.keys.clone(),
            clock: news.clock(),
            reach: Reach::at(self.at, self.trust.clone()),
        }
    }

    fn answers(&self, answers: &[&'static str]) {
        self.answers.lock().unwrap().extend(answers);
    }

    /// What was heard since it was last asked.
    fn heard(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

fn is_whole(read: &[u8]) -> bool {
    let text = String::from_utf8_lossy(read);
    let Some((header, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    body.len() >= field(header, "content-length").parse().unwrap_or(0)
}

fn field(header: &str, name: &str) -> String {
    let fields = header.lines().filter_map(|line| line.split_once(": "));
    let mut values = fields.filter(|(given, _)| given.eq_ignore_ascii_case(name));
    values
        .next()
        .map(|(_, value)| value.to_owned())
        .unwrap_or_default()
}

impl Heard {
    fn read(request: &[u8]) -> Heard {
        let text = String::from_utf8_lossy(request);
        let (header, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(header.starts_with("POST /told?x=1 HTTP/1.1"), "{header}");
        assert_eq!(field(header, "host"), "hook.test");
        assert_eq!(field(header, "content-type"), "application/json");
        Heard {
            id: field(header, "webhook-id"),
            at: field(header, "webhook-timestamp").parse().unwrap(),
            signature: field(header, "webhook-signature"),
            body: body.to_owned(),
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn event(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

/// A hook at the listener; gives its id and the key of its secret.
async fn hook(news: &News, events: &[Event], with_address: bool) -> (Uuid, Vec<u8>) {
    let new = New {
        id: Uuid::new_v4(),
        url: "https://hook.test/told?x=1",
        events,
        with_address,
        made_by: "Ada",
    };
    let mut tx = news.db.begin().await.unwrap();
    let secret = outbox::add(&mut tx, &news.keys, &new, news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let key = secret.strip_prefix("whsec_").unwrap();
    (
        new.id,
        data_encoding::BASE64.decode(key.as_bytes()).unwrap(),
    )
}

each_database!(what_happens_to_readers_is_told_signed_and_in_order_and_imports_are_not);
async fn what_happens_to_readers_is_told_signed_and_in_order_and_imports_are_not(db: Db) {
    let news = News::start(db).await;
    let listener = Listener::start().await;
    let teller = listener.teller(&news);
    let (_, key) = hook(&news, &EVENTS, false).await;
    let (deaf, _) = hook(&news, &[Event::CampaignFinished], true).await;
    news.subscribe("550.gone@peer.test", &[EMPATHY]).await;
    let asked = news
        .ask(Kind::SignUp, "ann@peer.test", form(&[EMPATHY]), None)
        .await;
    assert_eq!(
        teller.tell().await.unwrap(),
        0,
        "an import is not told, nor who has not confirmed"
    );
    news.confirm(asked).await;
    let (ann, began) = (news.reader("ann@peer.test").await, news.now());
    news.publish(&issue("2026-03", &[&[EMPATHY]])).await;
    news.plan("2026-03").await;
    assert_eq!(
        teller.tell().await.unwrap(),
        1,
        "nothing is finished while mails wait"
    );
    news.deliver_all().await;
    // The sender's clock went on by itself.
    news.wait(Duration::minutes(1));
    let mut tx = news.db.begin().await.unwrap();
    assert!(
        feedback::unsubscribe(&mut tx, &ann, "a test", news.now())
            .await
            .unwrap()
    );
    assert!(
        !feedback::unsubscribe(&mut tx, &ann, "a test", news.now())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert_eq!(teller.tell().await.unwrap(), 4);
    assert_eq!(teller.tell().await.unwrap(), 0, "once");
    let heard = listener.heard();
    let events: Vec<String> = heard.iter().map(Heard::event).collect();
    let mut finished = events.clone();
    finished.retain(|event| event == "campaign_finished");
    assert_eq!(
        finished.len(),
        2,
        "each hook is told what it asked for: {events:?}"
    );
    let readers = events.iter().filter(|event| *event != "campaign_finished");
    assert!(
        readers.eq(["subscribed", "bounced", "unsubscribed"].iter()),
        "{events:?}"
    );
    let first = &heard[0];
    let told = json!({"type": "subscribed", "timestamp": began, "data": {"reader": ann.id}});
    assert_eq!(
        first.json(),
        told,
        "the id alone, where no more was asked for"
    );
    assert_eq!(
        first.signature,
        signature(&key, &first.id, first.at, &first.body)
    );
    assert_eq!(first.at, began.timestamp());
    let campaign = heard
        .iter()
        .find(|heard| heard.event() == "campaign_finished")
        .unwrap();
    assert_eq!(campaign.json()["data"], json!({"campaign": "2026-03"}));
    let mut tx = news.db.begin().await.unwrap();
    outbox::end(&mut tx, deaf, news.now()).await.unwrap();
    outbox::test(&mut tx, deaf, news.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        teller.tell().await.unwrap(),
        0,
        "who has ended is told nothing"
    );
}

each_database!(what_is_not_taken_is_told_again_and_given_up_after_three_days);
async fn what_is_not_taken_is_told_again_and_given_up_after_three_days(db: Db) {
    let news = News::start(db).await;
    let listener = Listener::start().await;
    let teller = listener.teller(&news);
    let (id, _) = hook(&news, &[Event::Subscribed], true).await;
    for address in ["ann@peer.test", "bob@peer.test"] {
        let asked = news
            .ask(Kind::SignUp, address, form(&[EMPATHY]), None)
            .await;
        news.confirm(asked).await;
    }
    // A redirect is no way to take it.
    listener.answers(&[
        "500 No",
        "302 Elsewhere\r\nLocation: https://evil.test/",
        "200 OK",
        "503 Later",
    ]);
    assert_eq!(teller.tell().await.unwrap(), 1, "the others wait behind it");
    assert_eq!(teller.tell().await.unwrap(), 0, "not at once");
    news.wait(Duration::seconds(10));
    assert_eq!(teller.tell().await.unwrap(), 1);
    news.wait(Duration::seconds(20));
    assert_eq!(teller.tell().await.unwrap(), 2);
    let heard = listener.heard();
    let ids: Vec<&str> = heard.iter().map(|heard| &*heard.id).collect();
    assert!(
        ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3],
        "{ids:?}"
    );
    assert_eq!(heard[0].body, heard[2].body);
    assert_eq!(heard[0].json()["data"]["address"], "ann@peer.test");
    let newest = async || {
        let mut tx = news.db.read().await.unwrap();
        outbox::newest(&mut tx, id, 10).await.unwrap()
    };
    let told = newest().await;
    assert_eq!(
        (told[1].is_taken, told[1].answer.as_deref()),
        (true, Some("200"))
    );
    assert_eq!(
        told[1].subscriber_id, None,
        "what was told names nobody any more"
    );
    assert_eq!(
        (told[0].is_taken, told[0].answer.as_deref()),
        (false, Some("503"))
    );
    listener.answers(&["503 Later"; 60]);
    for _ in 0..60 {
        news.wait(Duration::hours(2));
        teller.tell().await.unwrap();
    }
    let told = &newest().await[0];
    assert_eq!(
        (told.is_taken, told.due_at, told.subscriber_id),
        (false, None, None),
        "given up"
    );
    assert!((12..40).contains(&listener.heard().len()));
}

each_database!(an_erased_reader_is_named_to_nobody);
async fn an_erased_reader_is_named_to_nobody(db: Db) {
    let news = News::start(db).await;
    let listener = Listener::start().await;
    let (_, _) = hook(&news, &EVENTS, true).await;
    let asked = news
        .ask(Kind::SignUp, "ann@peer.test", form(&[EMPATHY]), None)
        .await;
    news.confirm(asked).await;
    let ann = news.reader("ann@peer.test").await;
    let mut tx = news.db.begin().await.unwrap();
    feedback::erase(&mut tx, &ann, news.now()).await.unwrap();
    tx.commit().await.unwrap();
    listener.teller(&news).tell().await.unwrap();
    let heard = listener.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(
        heard[0].json()["data"],
        json!({"reader": null, "address": null})
    );
}

each_database!(a_hook_is_made_tried_and_ended_at_the_desk);
async fn a_hook_is_made_tried_and_ended_at_the_desk(db: Db) {
    let news = News::start(db).await;
    let listener = Listener::start().await;
    let owner = Editor::sign_in(&news, Role::Owner).await;
    for url in [
        "http://hook.test/",
        "https://",
        "https://u:p@hook.test/",
        "javascript:alert(1)",
    ] {
        let refused = owner
            .post("/desk/hooks", &[("url", url), ("event", "bounced")])
            .await;
        assert_eq!(refused.status, 400, "{url}");
    }
    let url = "https://hook.test/told?x=1";
    assert_eq!(owner.post("/desk/hooks", &[("url", url)]).await.status, 400);
    let made = owner
        .post("/desk/hooks", &[("url", url), ("event", "bounced")])
        .await;
    let (_, rest) = made.body.split_once("<pre>whsec_").unwrap();
    let secret = rest.split('<').next().unwrap();
    let (_, rest) = made.body.split_once("href=\"/desk/hooks/").unwrap();
    let page = format!("/desk/hooks/{}", rest.split('"').next().unwrap());
    assert!(!owner.get(&page).await.body.contains(secret), "shown once");
    let tested = owner.post(&format!("{page}/test"), &[]).await;
    assert_eq!(tested.location(), format!("{page}?done=test"));
    listener.answers(&["418 I am <b>a teapot</b>"]);
    listener.teller(&news).tell().await.unwrap();
    let shown = owner.get(&page).await.body;
    assert!(shown.contains("a test") && shown.contains("418"), "{shown}");
    let ended = owner.post(&format!("{page}/end"), &[]).await;
    assert_eq!(ended.location(), "/desk/hooks?done=ended");
    assert_eq!(owner.get(&page).await.status, 404);
}
