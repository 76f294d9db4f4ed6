//! What comes back changes a reader only where it should, and as often as it comes.

use bulletin::bounce::{Action, Class, Kind, Reading, Recipient, Status, Verdict};
use bulletin::campaign::{self, State};
use bulletin::db::Db;
use bulletin::feedback::acting::Came;
use bulletin::feedback::timeline;
use bulletin::receive::Taken;
use bulletin::request::{self, Kind as Asks, Request};
use bulletin::returned::{Did, Way, domains, kept, score};
use bulletin::subscriber::Address;
use bulletin::subscription::State as Stands;
use bulletin::suppression::{self, Reason};
use bulletin::{alarm, feedback, letter, verp};
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

each_database!(soft_failures_count_once_a_day_and_suppress_at_the_limit);
async fn soft_failures_count_once_a_day_and_suppress_at_the_limit(db: Db) {
    let news = sent(db, &["full@peer.test"]).await;
    let address = "full@peer.test";
    let mut months = ["2026-04", "2026-05", "2026-06"].into_iter();
    for number in 0..4 {
        let delivery = news.delivery_to(address);
        assert_eq!(suppression_of(&news, address).await, None, "{number}");
        for again in ["a", "b", "c"] {
            let id = format!("{number}{again}");
            come(&news, &soft(delivery), &id).await;
        }
        if let Some(next) = months.next() {
            news.wait(Duration::days(30));
            send(&news, next).await;
        }
    }
    let found = suppression_of(&news, address).await;
    assert_eq!(found, Some(Reason::SoftBounces));
    assert_eq!(news.account().await.bounced, 4);
}

each_database!(a_delivery_that_went_through_takes_back_what_failed_before);
async fn a_delivery_that_went_through_takes_back_what_failed_before(db: Db) {
    let news = sent(db, &["full@peer.test"]).await;
    let score = async || {
        let reader = news.reader("full@peer.test").await.id;
        let mut tx = news.db.read().await.unwrap();
        score::of(&mut tx, reader, news.terms.soft, news.now())
            .await
            .unwrap()
    };
    come(&news, &soft(news.delivery_to("full@peer.test")), "1").await;
    assert_eq!(score().await, 1.0);
    news.wait(Duration::days(30));
    send(&news, "2026-04").await;
    news.wait(Duration::days(2));
    assert!(score().await > 0.8, "it may still come back");
    news.wait(Duration::days(4));
    assert_eq!(score().await, 0.0);
    news.wait(Duration::days(24));
    send(&news, "2026-05").await;
    come(&news, &soft(news.delivery_to("full@peer.test")), "2").await;
    assert_eq!(score().await, 1.0);
}

each_database!(a_block_is_never_the_readers_fault_and_many_pause_the_campaign);
async fn a_block_is_never_the_readers_fault_and_many_pause_the_campaign(db: Db) {
    let readers: Vec<String> = (0..27).map(|n| format!("r{n}@peer.test")).collect();
    let readers: Vec<&str> = readers.iter().map(String::as_str).collect();
    let news = sent(db, &readers).await;
    let state = async || {
        let mut tx = news.db.read().await.unwrap();
        let found = campaign::of_month(&mut tx, month("2026-03")).await.unwrap();
        found.unwrap()
    };
    for (number, reader) in readers[..26].iter().enumerate() {
        assert_eq!(state().await.state, State::Running, "{number}");
        let taken = come(&news, &block(news.delivery_to(reader)), reader).await;
        assert_eq!(taken, Taken::Acted(Did::Warned));
    }
    let paused = state().await;
    assert_eq!(paused.state, State::Paused);
    let because = paused.paused_because.unwrap();
    assert!(
        because.contains("a storm of refusals: 26 of 27"),
        "{because}"
    );
    assert_eq!(news.dump("suppression").await, Vec::<String>::new());
    let listed = domains::list(&mut news.db.read().await.unwrap(), news.now()).await;
    let listed = listed.unwrap();
    assert_eq!((listed.len(), listed[0].blocked), (1, 26));
    assert_eq!((listed[0].accepted, listed[0].bounced), (1, 26));
    let warning = listed[0].warning.as_deref().unwrap();
    assert!(warning.contains("refused 26 mails"), "{warning}");
    let words = listed[0].last_words.as_deref();
    assert_eq!(words, Some("<(address)> said the server"));
    assert!(
        news.metrics
            .text()
            .contains("came_back_total{what=\"block\"} 26")
    );
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

each_database!(what_is_said_of_an_earlier_address_or_consent_spares_the_reader);
async fn what_is_said_of_an_earlier_address_or_consent_spares_the_reader(db: Db) {
    let readers = [
        "moves@peer.test",
        "again@peer.test",
        "released@peer.test",
        "erased@peer.test",
    ];
    let news = sent(db, &readers).await;
    let deliveries = readers.map(|reader| news.delivery_to(reader));
    news.wait(Duration::hours(1));
    let moves = news.reader("moves@peer.test").await.id;
    let asked = news
        .ask(Asks::Address, "new@peer.test", form(&[]), Some(moves))
        .await;
    news.confirm(asked).await;
    let again = news.reader("again@peer.test").await;
    let mut tx = news.db.begin().await.unwrap();
    feedback::unsubscribe(&mut tx, &again, "test", news.now())
        .await
        .unwrap();
    let released = news.reader_in(&mut tx, "released@peer.test").await;
    let hash = &released.address_hash;
    suppression::suppress(&mut tx, hash, Reason::HardBounce, "", news.now())
        .await
        .unwrap();
    suppression::release(&mut tx, hash, "it works", news.now())
        .await
        .unwrap();
    let erased = news.reader_in(&mut tx, "erased@peer.test").await;
    feedback::erase(&mut tx, &erased, news.now()).await.unwrap();
    tx.commit().await.unwrap();
    let asked = news
        .ask(Asks::SignUp, "again@peer.test", form(&[DEPRESSION]), None)
        .await;
    news.confirm(asked).await;
    let before = news.dump("suppression").await;
    for (number, delivery) in deliveries.into_iter().enumerate() {
        let taken = come(&news, &hard(delivery), &number.to_string()).await;
        assert_eq!(taken, Taken::Acted(Did::Bounced), "{}", readers[number]);
        let complaint = only(Kind::Complaint, delivery);
        let taken = come(&news, &complaint, &format!("c{number}")).await;
        assert_eq!(taken, Taken::Acted(Did::Noted), "{}", readers[number]);
    }
    assert_eq!(news.dump("suppression").await, before);
    assert_eq!(news.account().await.bounced, 4);
    no_alarm(&news).await;
}

each_database!(a_letter_that_went_elsewhere_suppresses_nobody_and_makes_no_storm);
async fn a_letter_that_went_elsewhere_suppresses_nobody_and_makes_no_storm(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[DEPRESSION]).await;
    let reader = news.reader("ann@peer.test").await.id;
    let addresses: Vec<String> = (0..27).map(|n| format!("elsewhere{n}@peer.test")).collect();
    let mut tx = news.db.begin().await.unwrap();
    for elsewhere in &addresses {
        let address = Address::parse(elsewhere).unwrap();
        let id = uuid::Uuid::new_v4();
        let asked = Request {
            subscriber_id: Some(reader),
            ..Request::new(
                id,
                Asks::Address,
                &address,
                &news.keys,
                form(&[]),
                news.now(),
            )
        };
        request::add(&mut tx, &asked).await.unwrap();
    }
    tx.commit().await.unwrap();
    news.requests().settle().await.unwrap();
    news.deliver_all().await;
    news.wait(Duration::minutes(1));
    for elsewhere in &addresses {
        let delivery = news.delivery_to(elsewhere);
        let taken = come(&news, &hard(delivery), elsewhere).await;
        assert_eq!(taken, Taken::Acted(Did::Bounced));
    }
    news.ask(Asks::SignUp, "typo@peer.test", form(&[]), None)
        .await;
    come(&news, &hard(news.delivery_to("typo@peer.test")), "typo").await;
    assert!(!news.is_suppressed("ann@peer.test").await);
    assert!(news.is_suppressed("typo@peer.test").await, "it was its own");
    let mut tx = news.db.read().await.unwrap();
    let state = campaign::state(&mut tx, letter::CAMPAIGN).await.unwrap();
    assert_eq!(state, State::Running);
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

each_database!(a_mail_to_the_signed_address_unsubscribes_and_no_other_does);
async fn a_mail_to_the_signed_address_unsubscribes_and_no_other_does(db: Db) {
    let news = sent(db, &["ann@peer.test", "ben@peer.test"]).await;
    let address = |reader: &str| {
        let mails = news.peer.mails_to(reader);
        let field = mails[0].split("<mailto:").nth(1).unwrap();
        field.split('>').next().unwrap().to_owned()
    };
    let ann = address("ann@peer.test");
    let mail = |from: &str, subject: &str| {
        format!(
            "From: {from}\r\nTo: x@y.test\r\nSubject: {subject}\r\nMessage-ID: <{subject}@{from}>\r\n\r\n"
        )
    };
    let take = async |mail: String, to: Option<&str>| {
        let receiver = news.receiver();
        receiver.mail(mail.as_bytes(), to, Way::Pipe).await.unwrap()
    };
    let forged = ann.replacen("leave-", "leave-a", 1);
    for (to, wanted) in [
        (Some(forged.as_str()), Taken::Kept),
        (Some("ben@peer.test"), Taken::Again),
        (None, Taken::Again),
    ] {
        let taken = take(mail("ben@peer.test", "unsubscribe"), to).await;
        assert_eq!(taken, wanted, "{to:?}");
    }
    news.wait(Duration::days(400));
    let leaves = mail("whoever@elsewhere.test", "unsubscribe");
    let taken = take(leaves.clone(), Some(&ann)).await;
    assert_eq!(taken, Taken::Acted(Did::Unsubscribed));
    let reader = news.reader("ann@peer.test").await;
    assert_eq!(reader.state, Stands::Ended);
    assert_eq!(take(leaves, Some(&ann)).await, Taken::Again);
    let ben = news.reader("ben@peer.test").await;
    assert_eq!(ben.state, Stands::Active);
    let (name, _) = address("ben@peer.test").split_once('@').map(own).unwrap();
    let taken = take(mail("anybody@elsewhere.test", &name), None).await;
    assert_eq!(taken, Taken::Acted(Did::Unsubscribed), "by the subject");
    assert_eq!(suppression_of(&news, "ann@peer.test").await, None);
}

fn own((a, b): (&str, &str)) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

each_database!(what_cannot_be_acted_on_waits_for_a_person_within_bounds);
async fn what_cannot_be_acted_on_waits_for_a_person_within_bounds(db: Db) {
    let news = sent(db, &["ann@peer.test"]).await;
    for number in 0..520 {
        let mail = format!("From: Ann <ann@peer.test>\nMessage-ID: <{number}>\n\nHello.\n");
        let receiver = news.receiver();
        let taken = receiver.mail(mail.as_bytes(), None, Way::Pipe).await;
        assert_eq!(taken.unwrap(), Taken::Kept);
    }
    let mut tx = news.db.begin().await.unwrap();
    let list = kept::list(&mut tx).await.unwrap();
    assert_eq!(list.len(), 500, "the newest");
    let mail = kept::mail(&mut tx, list[0].id).await.unwrap().unwrap();
    assert!(mail.ends_with(b"Hello.\n"));
    assert!(kept::drop_it(&mut tx, list[0].id).await.unwrap());
    assert!(!kept::drop_it(&mut tx, list[0].id).await.unwrap());
    let reader = news.reader_in(&mut tx, "ann@peer.test").await;
    feedback::erase(&mut tx, &reader, news.now()).await.unwrap();
    assert_eq!(kept::count(&mut tx).await.unwrap(), 0, "by who wrote them");
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

each_database!(a_mailbox_that_the_relay_finds_full_every_month_is_suppressed_in_the_end);
async fn a_mailbox_that_the_relay_finds_full_every_month_is_suppressed_in_the_end(db: Db) {
    let news = sent(db, &["452.full@peer.test"]).await;
    for next in ["2026-04", "2026-05", "2026-06", "2026-07"] {
        assert!(!news.is_suppressed("452.full@peer.test").await, "{next}");
        for _ in 0..3 {
            news.wait(Duration::days(2));
            news.deliver_all().await;
        }
        news.wait(Duration::days(24));
        if next != "2026-07" {
            send(&news, next).await;
        }
    }
    assert_eq!(
        suppression_of(&news, "452.full@peer.test").await,
        Some(Reason::SoftBounces)
    );
}

/// An ARF report (RFC 5965) of a mail; `original` is the header that it quotes.
fn arf(original: &str) -> String {
    format!(
        "From: fbl@provider.test\nTo: complaints@example.org\nSubject: complaint\nMessage-ID: <1@provider.test>\n\
         MIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nThis is an email abuse report.\n\
         --b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: Provider/1\nVersion: 1\n\n\
         --b\nContent-Type: message/rfc822\n\n{original}\n\nText.\n--b--\n"
    )
}

each_database!(a_complaint_is_acted_on_by_our_signature_in_it_and_else_waits_for_a_person);
async fn a_complaint_is_acted_on_by_our_signature_in_it_and_else_waits_for_a_person(db: Db) {
    let news = sent(db, &["ann@peer.test"]).await;
    let take = async |original: &str| {
        let receiver = news.receiver();
        let mail = arf(original);
        receiver
            .mail(mail.as_bytes(), None, Way::Pipe)
            .await
            .unwrap()
    };
    let unsigned =
        "From: news@example.org\nTo: ann@peer.test\nSubject: News\nMessage-ID: <1@example.org>";
    assert_eq!(take(unsigned).await, Taken::Kept);
    assert_eq!(news.reader("ann@peer.test").await.state, Stands::Active);
    let delivery = news.delivery_to("ann@peer.test");
    let path = verp::return_path(&news.keys, delivery, "bounce.example.org");
    let signed = format!("Return-Path: <{path}>\n{unsigned}");
    assert_eq!(take(&signed).await, Taken::Acted(Did::Unsubscribed));
    assert_eq!(news.reader("ann@peer.test").await.state, Stands::Ended);
    assert!(news.is_suppressed("ann@peer.test").await);
}

each_database!(words_that_a_terminal_would_obey_are_kept_as_text);
async fn words_that_a_terminal_would_obey_are_kept_as_text(db: Db) {
    let news = sent(db, &["ann@peer.test"]).await;
    let mut reading = hard(news.delivery_to("ann@peer.test"));
    reading.recipients[0].words = "550 \u{1b}]0;owned\u{7}<script>\r\nforged line".to_owned();
    come(&news, &reading, "1").await;
    let reader = news.reader("ann@peer.test").await.id;
    let mut tx = news.db.read().await.unwrap();
    let back = bulletin::returned::of_reader(&mut tx, reader)
        .await
        .unwrap();
    let words = back[0].words.as_deref().unwrap();
    assert_eq!(words, "550  ]0;owned <script>  forged line");
}
