//! Signing up, over real HTTP: from the form to the first welcome.

use std::sync::Arc;
use std::time::{Duration as Time, Instant};

use bulletin::db::{Db, Tx};
use bulletin::request;
use bulletin::subscription::State;
use bulletin::suppression::{self, Reason};
use ring::digest::{SHA256, digest};

use crate::support::news::{ATTACHMENT, issue};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

/// What stands in a hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let start = page
        .find(&format!("name=\"{name}\" value=\""))
        .expect("the field is there");
    let rest = &page[start..];
    rest.split("value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned()
}

/// A ticket for a form that was opened some seconds ago.
pub fn ticket(news: &News, seconds_ago: i64) -> String {
    let at = (news.now().timestamp() - seconds_ago).try_into().unwrap();
    let made = uuid::Timestamp::from_unix(uuid::NoContext, at, 0);
    let id = uuid::Uuid::new_v7(made);
    news.keys.link(bulletin::secret::Purpose::Form, id)
}

fn form(ticket: &str, address: &str, more: &str) -> String {
    let address = address.replace('+', "%2B").replace('@', "%40");
    format!(
        "token={ticket}&nonce=&address={address}&name=Ann&website=&frequency=monthly&format=html&language=en{more}"
    )
}

async fn requests(news: &News) -> usize {
    let mut tx = news.db.begin().await.unwrap();
    let unseen = request::unseen(&mut tx, 100_000).await.unwrap().len();
    // Let go of at once: rows that one transaction holds, the next look would pass over.
    tx.commit().await.unwrap();
    unseen
}

/// The link of a page of ours in the last mail to `address`, without the site.
fn link(news: &News, address: &str, page: &str) -> String {
    let mail = news.peer.mails_to(address).pop().expect("a mail came");
    let mail = mail.replace("=\r\n", "").replace("=3D", "=");
    let start = format!("https://news.example.org{page}");
    let found = mail.find(&start).expect("the mail has the link");
    let rest = &mail[found + "https://news.example.org".len()..];
    rest.split(|c: char| c.is_whitespace() || c == '"')
        .next()
        .unwrap()
        .to_owned()
}

each_database!(from_the_form_to_the_welcome);
async fn from_the_form_to_the_welcome(db: Db) {
    let news = News::start(db).await;
    news.publish(&issue("2026-02", &[&[ATTACHMENT]])).await;
    let pages = Pages::start(&news).await;
    for (path, language) in [("/subscribe", "en"), ("/fr/subscribe", "fr")] {
        let (status, _, page) = pages
            .ask("GET", &format!("{path}?topic={ATTACHMENT}"), "")
            .await;
        assert_eq!(status, 200);
        assert!(page.contains("1 Sample Street, Ottawa"), "who asks");
        let ticked = page.matches("checked").count();
        assert_eq!(
            ticked, 4,
            "the topic of the link, and one of each three radios"
        );
        assert!(!hidden(&page, "token").is_empty());
        let address = format!("ann.{language}@peer.test");
        let body = form(
            &ticket(&news, 10),
            &address,
            &format!("&topics={ATTACHMENT}"),
        );
        let body = body.replace("language=en", &format!("language={language}"));
        let (status, header, page) = pages.ask("POST", path, &body).await;
        assert_eq!(status, 200, "{page}");
        assert!(page.contains(&address) && header.contains("cache-control: no-store"));
        news.requests().settle().await.unwrap();
        news.deliver_all().await;
        let confirm = link(&news, &address, "/c/");
        for _ in 0..3 {
            let (status, _, page) = pages.ask("GET", &confirm, "").await;
            assert_eq!(status, 200);
            assert!(page.contains("a•••@p•••.test") && !page.contains(&address));
        }
        assert_eq!(news.reader(&address).await.state, State::Pending);
        let (status, _, page) = pages.ask("POST", &confirm, "").await;
        assert_eq!(status, 200);
        assert!(page.contains("/p/"), "the way to one's choices");
        assert_eq!(news.reader(&address).await.state, State::Active);
        news.deliver_all().await;
        assert_eq!(news.peer.mails_to(&address).len(), 2);
        let (status, _, again) = pages.ask("POST", &confirm, "").await;
        assert_eq!((status, again.contains("/p/")), (200, false), "once");
    }
}

each_database!(the_form_shows_what_it_would_have_brought_and_asks_nothing);
async fn the_form_shows_what_it_would_have_brought_and_asks_nothing(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let show = |more: &str| form("", "", &format!("&action=show{more}"));
    let (_, _, page) = pages.ask("POST", "/subscribe", &show("")).await;
    assert!(page.contains("Nothing has been published yet"));
    news.publish(&issue("2026-02", &[&[ATTACHMENT], &["empathy"]]))
        .await;
    let (status, _, page) = pages
        .ask("POST", "/subscribe", &show("&topics=empathy"))
        .await;
    assert_eq!(status, 200);
    assert!(page.contains("Study 2 of 2026-02") && !page.contains("Study 1 of 2026-02"));
    assert!(
        page.contains("value=\"empathy\" checked"),
        "what was ticked stays"
    );
    let (_, _, page) = pages
        .ask("POST", "/fr/subscribe", &show("&topics=training"))
        .await;
    assert!(page.contains("Rien ce mois-là"), "{page}");
    assert_eq!(requests(&news).await, 0);
}

each_database!(what_is_wrong_is_said_at_its_place_and_nothing_is_lost);
async fn what_is_wrong_is_said_at_its_place_and_nothing_is_lost(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let good = ticket(&news, 10);
    let bidi = form(&good, "a@peer.test", "").replace("name=Ann", "name=A%E2%80%AEn");
    for (body, words) in [
        (form(&good, "nobody", ""), "not an address"),
        (form(&good, "a@b", ""), "not an address"),
        (
            form(&good, "a@peer.test%0D%0ABcc:x@y.test", ""),
            "not an address",
        ),
        (bidi, "This name"),
        (
            form(&ticket(&news, 0), "a@peer.test", ""),
            "Press the button again",
        ),
        (
            form(&ticket(&news, 90_000), "a@peer.test", ""),
            "Press the button again",
        ),
        (form("forged", "a@peer.test", ""), "Press the button again"),
    ] {
        let body = format!("{body}&topics={ATTACHMENT}");
        let (status, _, page) = pages.ask("POST", "/subscribe", &body).await;
        assert_eq!(status, 200);
        assert!(
            page.contains(words) && page.contains("role=\"alert\""),
            "{body}\n{page}"
        );
        assert!(
            page.contains(&format!("value=\"{ATTACHMENT}\" checked")),
            "kept"
        );
    }
    for body in ["topics=nothing", "frequency=never"] {
        assert_eq!(pages.ask("POST", "/subscribe", body).await.0, 400, "{body}");
    }
    // What a browser's extension or a scanner adds is passed over.
    assert_eq!(pages.ask("POST", "/subscribe", "unknown=1").await.0, 200);
    assert_eq!(requests(&news).await, 0);
}

each_database!(a_program_that_fills_in_everything_is_told_the_same_and_not_heard);
async fn a_program_that_fills_in_everything_is_told_the_same_and_not_heard(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let body = form(&ticket(&news, 10), "a@peer.test", "");
    let (_, _, heard) = pages.ask("POST", "/subscribe", &body).await;
    let filled = body.replace("website=", "website=https://spam.test");
    let (_, _, unheard) = pages.ask("POST", "/subscribe", &filled).await;
    assert_eq!(heard, unheard);
    assert_eq!(requests(&news).await, 1);
}

/// T2: neither the page nor its time tells who is subscribed.
async fn answers(news: &News, pages: &Pages, kind: &str, number: usize) -> Vec<(String, Time)> {
    let mut answers = Vec::new();
    for round in 0..number {
        let address = format!("{kind}{round}@peer.test");
        let body = form(&ticket(news, 10), &address, "");
        let began = Instant::now();
        let (status, _, page) = pages.ask("POST", "/subscribe", &body).await;
        assert_eq!(status, 200);
        answers.push((page.replace(&address, "(address)"), began.elapsed()));
    }
    answers
}

each_database!(the_answer_is_the_same_whoever_the_address_belongs_to);
async fn the_answer_is_the_same_whoever_the_address_belongs_to(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    for number in 0..8 {
        news.subscribe(&format!("known{number}@peer.test"), &[])
            .await;
        let gone = format!("gone{number}@peer.test");
        let hash = bulletin::subscriber::Address::parse(&gone)
            .unwrap()
            .hash(&news.keys);
        let mut tx = news.db.begin().await.unwrap();
        suppression::suppress(&mut tx, &hash, Reason::Complaint, "", news.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let mut all = Vec::new();
    for kind in ["known", "gone", "new"] {
        // Before the limit of one network: what is said then is the same for everybody too.
        all.push(answers(&news, &pages, kind, 2).await);
    }
    let pages_seen: Vec<&String> = all.iter().flatten().map(|(page, _)| page).collect();
    assert!(pages_seen.iter().all(|page| *page == pages_seen[0]));
    assert_eq!(requests(&news).await, 6, "and each leaves the same row");
}

each_database!(ten_thousand_sign_ups_of_one_victim_bring_one_mail);
/// T1, S7. The limits of networks and the work are passed by, as by an attacker with very many of both.
async fn ten_thousand_sign_ups_of_one_victim_bring_one_mail(db: Db) {
    let news = News::start(db).await;
    let kept = crate::support::news::form(&[]);
    let mut tx = news.db.begin().await.unwrap();
    for number in 0..10_000 {
        let written = match number % 4 {
            0 => "victim@peer.test".to_owned(),
            1 => "VICTIM@Peer.Test".to_owned(),
            _ => format!("victim+{number}@peer.test"),
        };
        let address = bulletin::subscriber::Address::parse(&written).unwrap();
        let id = uuid::Uuid::new_v4();
        let asked = request::Request::new(
            id,
            request::Kind::SignUp,
            &address,
            &news.keys,
            kept.clone(),
            news.now(),
        );
        request::add(&mut tx, &asked).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(news.requests().settle().await.unwrap(), 10_000);
    news.deliver_all().await;
    let mails: usize = news.peer.times_taken().values().sum();
    assert_eq!(mails, 1);
    let mut tx = news.db.read().await.unwrap();
    let sql = "SELECT count(*) FROM request WHERE address <> '' OR seen_at IS NULL";
    let kept: i64 = match &mut tx {
        Tx::Sqlite(tx) => sqlx::query_scalar(sql).fetch_one(&mut **tx).await.unwrap(),
        Tx::Postgres(tx) => sqlx::query_scalar(sql).fetch_one(&mut **tx).await.unwrap(),
    };
    assert_eq!(kept, 0, "nothing of what led to nothing");
}

each_database!(a_network_that_asks_often_works_for_it_or_waits);
async fn a_network_that_asks_often_works_for_it_or_waits(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let ask = async |ticket: &str, address: &str, nonce: &str| {
        let body = form(ticket, address, "").replace("nonce=", &format!("nonce={nonce}"));
        pages.ask("POST", "/subscribe", &body).await
    };
    for number in 0..8 {
        ask(&ticket(&news, 10), &format!("a{number}@peer.test"), "").await;
    }
    assert_eq!(requests(&news).await, 8);
    let fresh = ticket(&news, 10);
    let (_, header, page) = ask(&fresh, "b@peer.test", "").await;
    assert!(
        page.contains("data-work=\"16\"") && page.contains("/work.js"),
        "{page}"
    );
    assert!(header.contains("script-src 'self'"), "{header}");
    assert_eq!(hidden(&page, "token"), fresh, "it goes on ageing");
    assert_eq!(requests(&news).await, 8);
    let nonce = (0..u32::MAX).map(|nonce| nonce.to_string()).find(|nonce| {
        let hash = digest(&SHA256, format!("{fresh}:b@peer.test:{nonce}").as_bytes());
        hash.as_ref()[..2] == [0, 0]
    });
    ask(&fresh, "b@peer.test", &nonce.unwrap()).await;
    assert_eq!(requests(&news).await, 9, "work opens the door");
    ask(&ticket(&news, 40), "c@peer.test", "").await;
    assert_eq!(requests(&news).await, 10, "and so does waiting");
    for number in 0..40 {
        ask(&ticket(&news, 40), &format!("d{number}@peer.test"), "").await;
    }
    let (status, header, page) = ask(&ticket(&news, 40), "e@peer.test", "").await;
    assert_eq!(status, 429);
    assert!(header.contains("retry-after: 3600"), "{header}");
    assert!(page.contains("Too many at once"), "{page}");
    assert!(requests(&news).await <= 40);
}

each_database!(fifty_presses_at_once_confirm_once);
async fn fifty_presses_at_once_confirm_once(db: Db) {
    let news = News::start(db).await;
    let pages = Arc::new(Pages::start(&news).await);
    let body = form(&ticket(&news, 10), "ann@peer.test", "");
    pages.ask("POST", "/subscribe", &body).await;
    news.requests().settle().await.unwrap();
    news.deliver_all().await;
    let confirm = link(&news, "ann@peer.test", "/c/");
    let pressed = (0..50).map(|_| {
        let (pages, confirm) = (pages.clone(), confirm.clone());
        tokio::spawn(async move { pages.ask("POST", &confirm, "").await })
    });
    let (mut confirmed, mut over) = (0, 0);
    for press in pressed.collect::<Vec<_>>() {
        let (status, _, page) = press.await.unwrap();
        assert_eq!(status, 200);
        match page.contains("You are subscribed") {
            true => confirmed += 1,
            false => over += 1,
        }
    }
    assert_eq!((confirmed, over), (1, 49));
    assert_eq!(news.consents("ann@peer.test").await.len(), 1);
    news.deliver_all().await;
    assert_eq!(news.peer.mails_to("ann@peer.test").len(), 2, "one welcome");
}
