//! What comes back changes a reader only where it should, and as often as it comes.

mod counted;
mod mails;
mod spared;

use bulletin::bounce::{Action, Class, Kind, Reading, Recipient, Status, Verdict};
use bulletin::campaign;
use bulletin::db::Db;
use bulletin::feedback::acting::Came;
use bulletin::feedback::timeline;
use bulletin::receive::Taken;
use bulletin::request::Kind as Asks;
use bulletin::returned::{Did, Way, domains};
use bulletin::subscription::State as Stands;
use bulletin::suppression::{self, Reason};
use bulletin::{alarm, verp};
use chrono::Duration;

use crate::support::news::{DEPRESSION, form, issue, month};
use crate::support::{News, databases, each_database};

/// A report that a delivery failed.
pub(crate) fn failed(delivery: Option<i64>, class: Class, reason: &'static str) -> Reading {
    let status: Status = match class {
        Class::Hard => (5, 1, 1),
        Class::Soft => (4, 2, 2),
        Class::Block => (5, 7, 1),
        Class::Delayed => (4, 4, 7),
    };
    Reading {
        kind: Kind::Bounce,
        because: "by hand",
        delivery,
        recipients: vec![Recipient {
            address: None,
            verdict: Verdict {
                class,
                reason,
                because: "by hand",
            },
            status: Some(status),
            action: match class {
                Class::Delayed => Action::Delayed,
                _ => Action::Failed,
            },
            words: format!("<{reason}@elsewhere.test> said the server"),
        }],
    }
}

pub(crate) fn hard(delivery: i64) -> Reading {
    failed(Some(delivery), Class::Hard, "user_unknown")
}

pub(crate) fn soft(delivery: i64) -> Reading {
    failed(Some(delivery), Class::Soft, "mailbox_full")
}

pub(crate) fn block(delivery: i64) -> Reading {
    failed(Some(delivery), Class::Block, "spam_detected")
}

/// Something that names nobody but the delivery.
pub(crate) fn only(kind: Kind, delivery: i64) -> Reading {
    Reading {
        kind,
        because: "by hand",
        delivery: Some(delivery),
        recipients: Vec::new(),
    }
}

async fn come(news: &News, reading: &Reading, id: &str) -> Taken {
    let way = Way::Webhook;
    let id = id.as_bytes();
    let taken = news.receiver().event(reading, Came { way, id }).await;
    let taken = taken.expect("the database is there");
    news.account().await;
    taken
}

/// An issue that went to these readers.
pub(crate) async fn sent(db: Db, readers: &[&str]) -> News {
    let news = News::start(db).await;
    for reader in readers {
        news.subscribe(reader, &[DEPRESSION]).await;
    }
    send(&news, "2026-03").await;
    news
}

async fn send(news: &News, of: &str) {
    news.publish(&issue(of, &[&[DEPRESSION]])).await;
    news.plan(of).await;
    news.deliver_all().await;
    // While a sender works, its clock goes on by itself.
    news.wait(Duration::minutes(1));
}

pub(crate) async fn suppression_of(news: &News, address: &str) -> Option<Reason> {
    let hash = news.reader(address).await.address_hash;
    let mut tx = news.db.read().await.unwrap();
    let found = suppression::of(&mut tx, &hash).await.unwrap();
    found.map(|found| found.reason)
}

/// No mistake of ours: the deliveries and the tally agree.
pub(crate) async fn no_alarm(news: &News) {
    let mut tx = news.db.read().await.unwrap();
    let campaign = campaign::of_month(&mut tx, month("2026-03")).await.unwrap();
    let found = alarm::check(&mut tx, campaign.unwrap().id).await.unwrap();
    assert_eq!(found, None);
}

each_database!(a_report_of_a_bad_address_suppresses_it_and_both_books_agree);
async fn a_report_of_a_bad_address_suppresses_it_and_both_books_agree(db: Db) {
    let news = sent(db, &["gone@peer.test", "stays@peer.test"]).await;
    let delivery = news.delivery_to("gone@peer.test");
    assert_eq!(
        come(&news, &hard(delivery), "1").await,
        Taken::Acted(Did::Suppressed)
    );
    assert_eq!(
        suppression_of(&news, "gone@peer.test").await,
        Some(Reason::HardBounce)
    );
    assert_eq!(suppression_of(&news, "stays@peer.test").await, None);
    let account = news.account().await;
    assert_eq!((account.accepted, account.bounced), (1, 1));
    no_alarm(&news).await;
    let reader = news.reader("gone@peer.test").await;
    let moments = timeline::of(&mut news.db.read().await.unwrap(), &reader).await;
    let moments = moments.unwrap();
    let told: Vec<_> = moments.iter().map(|moment| moment.what.as_str()).collect();
    let wanted = [
        "planned",
        "offered",
        "the relay said",
        "came back",
        "suppressed",
    ];
    assert_eq!(told, wanted, "{moments:?}");
    assert!(moments[3].words.contains("said the server"), "{moments:?}");
    assert_eq!(moments[4].words, "hard_bounce 5.1.1", "no address");
    news.publish(&issue("2026-04", &[&[DEPRESSION]])).await;
    let next = news.preview("2026-04").await;
    assert_eq!((next.recipients, next.excluded["suppressed"]), (1, 1));
}

each_database!(what_comes_again_changes_nothing);
async fn what_comes_again_changes_nothing(db: Db) {
    let news = sent(db, &["gone@peer.test"]).await;
    let delivery = news.delivery_to("gone@peer.test");
    come(&news, &hard(delivery), "1").await;
    let after = news.dump_all().await;
    assert_eq!(come(&news, &hard(delivery), "1").await, Taken::Again);
    assert_eq!(news.dump_all().await, after);
    come(&news, &hard(delivery), "2").await;
    let account = news.account().await;
    assert_eq!((account.accepted, account.bounced), (0, 1));
    no_alarm(&news).await;
}

each_database!(of_a_thousand_forged_stale_and_foreign_reports_none_suppresses);
async fn of_a_thousand_forged_stale_and_foreign_reports_none_suppresses(db: Db) {
    let news = sent(db, &["a@peer.test", "557.refused@peer.test"]).await;
    news.subscribe("waits@peer.test", &[DEPRESSION]).await;
    news.publish(&issue("2026-04", &[&[DEPRESSION]])).await;
    news.plan("2026-04").await;
    let delivery = news.delivery_to("a@peer.test");
    let others = News::start(databases::sqlite().await.db.clone()).await;
    let mut number = 0;
    let kinds = [Kind::Complaint, Kind::Unsubscribe];
    let all_about = |delivery: Option<i64>| {
        let failures = [Class::Hard, Class::Soft, Class::Block];
        let failures = failures.map(|class| failed(delivery, class, "user_unknown"));
        let others = kinds.map(|kind| Reading {
            delivery,
            ..only(kind, 0)
        });
        failures.into_iter().chain(others)
    };
    let mut readings = Vec::new();
    // Not signed, or with somebody else's key, or with a name that was changed.
    let path = verp::return_path(&news.keys, delivery, "bounce.example.org");
    let foreign = verp::return_path(&others.keys, delivery, "bounce.example.org");
    for place in 2..path.len() - "@bounce.example.org".len() {
        for other in ["a", "q", "7"] {
            let mut forged = path.clone();
            forged.replace_range(place..=place, other);
            if forged != path {
                readings.extend(all_about(verp::delivery(&news.keys, &forged)));
            }
        }
    }
    readings.extend(all_about(verp::delivery(&news.keys, &foreign)));
    // Signed, but of no delivery, of one that was refused at once, or of one that was not sent.
    let unknown = all_about(Some(i64::MAX)).chain(all_about(Some(0)));
    readings.extend(unknown);
    let mut tx = news.db.read().await.unwrap();
    let unsent: Vec<i64> = sqlx_ids(&mut tx, delivery).await;
    drop(tx);
    assert!(unsent.len() >= 3, "{unsent:?}");
    readings.extend(unsent.iter().flat_map(|other| all_about(Some(*other))));
    for reading in &readings {
        number += 1;
        let taken = come(&news, reading, &number.to_string()).await;
        assert_eq!(taken, Taken::Acted(Did::Noted), "{reading:?}");
    }
    // Too late.
    news.wait(Duration::days(31));
    while number < 1_000 {
        for reading in all_about(Some(delivery)) {
            number += 1;
            let taken = come(&news, &reading, &number.to_string()).await;
            let is_capped = matches!(taken, Taken::Acted(Did::Noted) | Taken::Again);
            assert!(is_capped, "{reading:?}");
        }
    }
    assert_eq!(news.dump("suppression").await, Vec::<String>::new());
    let reader = news.reader("a@peer.test").await;
    assert_eq!(reader.state, Stands::Active);
    let kept = news.dump("returned").await.len();
    assert!(kept < 1_000, "of one delivery only so much is kept: {kept}");
    news.wait(Duration::days(91));
    news.requests().settle().await.unwrap();
    let kept = news.dump("returned").await.len();
    assert!(kept < 200, "what strangers sent is forgotten: {kept}");
    news.wait(Duration::days(730));
    news.requests().settle().await.unwrap();
    assert_eq!(news.dump("returned").await, Vec::<String>::new());
}

/// Every delivery but this one.
async fn sqlx_ids(tx: &mut bulletin::db::Tx, but: i64) -> Vec<i64> {
    use bulletin::db::Tx;
    let sql = "SELECT id FROM delivery WHERE id <> $1";
    match tx {
        Tx::Sqlite(tx) => sqlx::query_scalar(sql).bind(but).fetch_all(&mut **tx).await,
        Tx::Postgres(tx) => sqlx::query_scalar(sql).bind(but).fetch_all(&mut **tx).await,
    }
    .unwrap()
}

each_database!(a_complaint_ends_the_subscription_for_good);
async fn a_complaint_ends_the_subscription_for_good(db: Db) {
    let news = sent(db, &["ann@peer.test"]).await;
    let delivery = news.delivery_to("ann@peer.test");
    come(&news, &hard(delivery), "1").await;
    let complaint = only(Kind::Complaint, delivery);
    assert_eq!(
        come(&news, &complaint, "2").await,
        Taken::Acted(Did::Unsubscribed)
    );
    let reader = news.reader("ann@peer.test").await;
    assert_eq!(reader.state, Stands::Ended);
    assert_eq!(
        suppression_of(&news, "ann@peer.test").await,
        Some(Reason::Complaint),
        "stronger than what the mail server said"
    );
    news.ask(Asks::SignUp, "ann@peer.test", form(&[DEPRESSION]), None)
        .await;
    assert_eq!(news.peer.mails_to("ann@peer.test").len(), 1, "no letter");
    assert!(news.is_suppressed("ann@peer.test").await);
}

each_database!(automatic_answers_and_reports_are_never_counted);
async fn automatic_answers_and_reports_are_never_counted(db: Db) {
    let news = sent(db, &["ann@peer.test"]).await;
    let delivery = news.delivery_to("ann@peer.test");
    let mut arrived = hard(delivery);
    arrived.recipients[0].action = Action::Delivered;
    let mut readings = vec![failed(Some(delivery), Class::Delayed, "expired"), arrived];
    let kinds = [
        Kind::Autoreply,
        Kind::Report,
        Kind::Success,
        Kind::None,
        Kind::Bounce,
    ];
    readings.extend(kinds.map(|kind| only(kind, delivery)));
    for (number, reading) in readings.iter().enumerate() {
        let taken = come(&news, reading, &number.to_string()).await;
        assert_eq!(taken, Taken::Acted(Did::Noted), "{reading:?}");
    }
    assert_eq!(news.account().await.accepted, 1);
    assert_eq!(news.dump("suppression").await, Vec::<String>::new());
}

each_database!(of_several_mailboxes_behind_one_address_the_mildest_verdict_counts);
async fn of_several_mailboxes_behind_one_address_the_mildest_verdict_counts(db: Db) {
    let news = sent(db, &["alias@peer.test", "two@peer.test"]).await;
    let mut reading = hard(news.delivery_to("alias@peer.test"));
    reading.recipients.extend(soft(0).recipients);
    let taken = come(&news, &reading, "1").await;
    assert_eq!(taken, Taken::Acted(Did::Counted));
    let mut reading = hard(news.delivery_to("two@peer.test"));
    reading.recipients[0].address = Some("Two@peer.test".to_owned());
    reading.recipients.extend(soft(0).recipients);
    let taken = come(&news, &reading, "2").await;
    assert_eq!(taken, Taken::Acted(Did::Suppressed), "their own is named");
}

each_database!(a_report_of_a_mail_that_is_just_being_sent_comes_again);
async fn a_report_of_a_mail_that_is_just_being_sent_comes_again(db: Db) {
    let news = News::start(db).await;
    news.subscribe("quick@peer.test", &[DEPRESSION]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let mut tx = news.db.begin().await.unwrap();
    let claimed = news.claim(&mut tx, 1, 1).await;
    tx.commit().await.unwrap();
    let delivery = claimed[0].delivery.id;
    let before = news.dump_all().await;
    let taken = come(&news, &hard(delivery), "1").await;
    assert_eq!(taken, Taken::TooEarly);
    assert_eq!(news.dump_all().await, before);
    let auto = only(Kind::Autoreply, delivery);
    assert_eq!(come(&news, &auto, "2").await, Taken::Acted(Did::Noted));
}

each_database!(what_the_relay_says_goes_through_the_same_judgement);
async fn what_the_relay_says_goes_through_the_same_judgement(db: Db) {
    let readers = [
        "550.gone@peer.test",
        "557.policy@peer.test",
        "452.full@peer.test",
    ];
    let news = sent(db, &readers).await;
    for _ in 0..3 {
        news.wait(Duration::days(2));
        news.deliver_all().await;
    }
    let told = async |address: &str| {
        let reader = news.reader(address).await;
        let mut tx = news.db.read().await.unwrap();
        let back = bulletin::returned::of_reader(&mut tx, reader.id)
            .await
            .unwrap();
        assert_eq!(back.len(), 1, "{address}: {back:?}");
        let one = back.into_iter().next().unwrap();
        assert_eq!(
            (one.way, one.domain.as_deref()),
            (Way::Relay, Some("peer.test"))
        );
        (one.class, one.did, one.status)
    };
    let of = |class, did, status: &str| (Some(class), did, Some(status.to_owned()));
    let gone = of(Class::Hard, Did::Suppressed, "5.1.1");
    assert_eq!(told("550.gone@peer.test").await, gone);
    let policy = of(Class::Block, Did::Warned, "5.7.1");
    assert_eq!(told("557.policy@peer.test").await, policy);
    let full = of(Class::Soft, Did::Counted, "4.2.2");
    assert_eq!(told("452.full@peer.test").await, full);
    assert_eq!(news.account().await.bounced, 3);
    assert_eq!(
        suppression_of(&news, "550.gone@peer.test").await,
        Some(Reason::HardBounce)
    );
    let listed = domains::list(&mut news.db.read().await.unwrap(), news.now()).await;
    assert_eq!(listed.unwrap()[0].blocked, 1);
    // What the relay refused was never sent, so nothing can be said of it later.
    let mut tx = news.db.read().await.unwrap();
    let refused = sqlx_ids(&mut tx, 0).await;
    drop(tx);
    for delivery in refused {
        let taken = come(
            &news,
            &only(Kind::Complaint, delivery),
            &delivery.to_string(),
        )
        .await;
        assert_eq!(taken, Taken::Acted(Did::Noted));
    }
}

each_database!(words_that_a_terminal_would_obey_are_kept_as_text);
async fn words_that_a_terminal_would_obey_are_kept_as_text(db: Db) {
    let news = sent(db, &["ann@peer.test"]).await;
    let mut reading = hard(news.delivery_to("ann@peer.test"));
    reading.recipients[0].words =
        "550 \u{1b}]0;owned\u{7}<script>\r\nforged\u{202e}line".to_owned();
    come(&news, &reading, "1").await;
    let reader = news.reader("ann@peer.test").await.id;
    let mut tx = news.db.read().await.unwrap();
    let back = bulletin::returned::of_reader(&mut tx, reader)
        .await
        .unwrap();
    let words = back[0].words.as_deref().unwrap();
    assert_eq!(words, "550  ]0;owned <script>  forged line");
}
