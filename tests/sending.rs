//! Sending: what the relay says is what the account says.

use bulletin::config::OnUnknown;
use bulletin::db::Db;
use bulletin::deliver::presence::{Presence, PresenceError};
use bulletin::deliver::smtp::Outcome;
use bulletin::deliver::{SendError, Trouble, Until};
use bulletin::subscription::State;
use bulletin::{campaign, feedback};
use chrono::Duration;
use tokio_util::sync::CancellationToken;

use crate::support::news::{ATTACHMENT, DEPRESSION, issue, month, random};
use crate::support::{News, Peer, each_database};

each_database!(everyone_gets_their_mail_and_the_account_balances);
async fn everyone_gets_their_mail_and_the_account_balances(db: Db) {
    let news = News::start(db).await;
    for number in 0..40 {
        news.subscribe(&format!("reader{number}@peer.test"), &[DEPRESSION])
            .await;
    }
    news.subscribe("550.gone@peer.test", &[DEPRESSION]).await;
    news.subscribe("557.policy@peer.test", &[DEPRESSION]).await;
    news.subscribe("452.full@peer.test", &[DEPRESSION]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION], &[ATTACHMENT]]))
        .await;
    assert_eq!(news.plan("2026-03").await.recipients, 43);
    news.deliver_all().await;
    let account = news.account().await;
    assert_eq!(
        (
            account.planned,
            account.accepted,
            account.bounced,
            account.deferred
        ),
        (43, 40, 2, 1)
    );
    let times = news.peer.times_taken();
    assert_eq!(times.len(), 40);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

each_database!(the_same_issue_sent_twice_reaches_nobody_twice);
async fn the_same_issue_sent_twice_reaches_nobody_twice(db: Db) {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    let first = news.plan("2026-03").await;
    news.deliver_all().await;
    news.subscribe("late@peer.test", &[]).await;
    let second = news.plan("2026-03").await;
    news.deliver_all().await;
    assert!(!first.settled && second.settled);
    assert_eq!(
        (second.recipients, second.fingerprint),
        (1, first.fingerprint)
    );
    assert_eq!(news.peer.taken().len(), 1);
}

each_database!(a_hard_bounce_suppresses_the_address);
async fn a_hard_bounce_suppresses_the_address(db: Db) {
    let news = News::start(db).await;
    news.subscribe("550.gone@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    assert!(news.is_suppressed("550.gone@peer.test").await);
    news.publish(&issue("2026-04", &[&[DEPRESSION]])).await;
    let next = news.plan("2026-04").await;
    assert_eq!((next.recipients, next.excluded["suppressed"]), (0, 1));
}

each_database!(a_refusal_that_is_not_the_readers_fault_suppresses_nobody);
async fn a_refusal_that_is_not_the_readers_fault_suppresses_nobody(db: Db) {
    let news = News::start(db).await;
    news.subscribe("557.policy@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    assert_eq!(news.account().await.bounced, 1);
    assert!(!news.is_suppressed("557.policy@peer.test").await);
}

each_database!(a_deferred_mail_is_tried_again_after_its_wait_as_the_same_message);
async fn a_deferred_mail_is_tried_again_after_its_wait_as_the_same_message(db: Db) {
    let news = News::start(db).await;
    news.subscribe("once.greylisted@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    assert_eq!(news.account().await.deferred, 1);
    news.wait(Duration::minutes(4));
    news.deliver_all().await;
    assert_eq!(news.account().await.deferred, 1, "not before its time");
    news.wait(Duration::minutes(2));
    news.deliver_all().await;
    assert_eq!(news.account().await.accepted, 1);
}

each_database!(what_stays_deferred_is_given_up_when_its_life_ends);
async fn what_stays_deferred_is_given_up_when_its_life_ends(db: Db) {
    let news = News::start(db).await;
    news.subscribe("452.full@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    for _ in 0..30 {
        news.deliver_all().await;
        news.wait(Duration::hours(9));
    }
    assert_eq!(news.account().await.bounced, 1);
    assert!(
        !news.is_suppressed("452.full@peer.test").await,
        "a full mailbox is no bad address"
    );
}

each_database!(
    a_connection_lost_after_the_messages_end_is_unknown_and_tried_again_as_the_same_message
);
async fn a_connection_lost_after_the_messages_end_is_unknown_and_tried_again_as_the_same_message(
    db: Db,
) {
    let news = News::start(db).await;
    news.subscribe("lost.once@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    assert_eq!(news.account().await.unknown, 1);
    news.wait(Duration::minutes(10));
    news.deliver_all().await;
    assert_eq!(news.account().await.accepted, 1);
    let mails = news.peer.mails_to("lost.once@peer.test");
    assert_eq!(mails.len(), 2);
    assert_eq!(
        mails[0], mails[1],
        "a retry is the same bytes, Message-ID and Date included"
    );
}

each_database!(a_campaign_that_holds_what_is_unknown_does_not_repeat_it);
async fn a_campaign_that_holds_what_is_unknown_does_not_repeat_it(db: Db) {
    let mut news = News::start(db).await;
    news.settings.on_unknown = OnUnknown::Hold;
    news.subscribe("lost.once@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    news.wait(Duration::days(2));
    news.deliver_all().await;
    assert_eq!(news.account().await.unknown, 1);
    assert_eq!(news.peer.taken().len(), 1);
}

each_database!(who_leaves_after_the_plan_gets_nothing_more);
async fn who_leaves_after_the_plan_gets_nothing_more(db: Db) {
    let news = News::start(db).await;
    news.subscribe("stays@peer.test", &[]).await;
    news.subscribe("leaves@peer.test", &[]).await;
    news.subscribe("erased@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let (leaves, erased) = (
        news.reader("leaves@peer.test").await,
        news.reader("erased@peer.test").await,
    );
    let mut tx = news.db.begin().await.unwrap();
    feedback::unsubscribe(&mut tx, &leaves, "test", news.now())
        .await
        .unwrap();
    feedback::erase(&mut tx, &erased, news.now()).await.unwrap();
    tx.commit().await.unwrap();
    news.deliver_all().await;
    let account = news.account().await;
    assert_eq!((account.accepted, account.suppressed), (1, 2));
    assert_eq!(news.reader("leaves@peer.test").await.state, State::Ended);
    assert!(news.is_suppressed("erased@peer.test").await);
}

each_database!(a_suppression_is_read_when_a_delivery_is_claimed);
async fn a_suppression_is_read_when_a_delivery_is_claimed(db: Db) {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let reader = news.reader("a@peer.test").await;
    let mut tx = news.db.begin().await.unwrap();
    let reason = bulletin::suppression::Reason::Manual;
    bulletin::suppression::suppress(&mut tx, &reader.address_hash, reason, "", news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    news.deliver_all().await;
    assert_eq!(news.account().await.suppressed, 1);
    assert!(news.peer.taken().is_empty());
}

each_database!(a_relay_that_is_away_costs_nothing);
async fn a_relay_that_is_away_costs_nothing(db: Db) {
    let mut news = News::start(db).await;
    news.subscribe("a@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let there = news.peer.address;
    news.peer.address = "127.0.0.1:1".parse().unwrap();
    let failed = news.try_deliver_all().await;
    assert!(matches!(failed, Err(SendError::Relay(_))), "{failed:?}");
    assert_eq!(news.account().await.waiting, 1);
    news.peer.address = there;
    news.deliver_all().await;
    assert_eq!(news.account().await.accepted, 1);
}

each_database!(a_paused_campaign_rests_and_a_cancelled_one_ends);
async fn a_paused_campaign_rests_and_a_cancelled_one_ends(db: Db) {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let mut tx = news.db.begin().await.unwrap();
    let id = campaign::of_month(&mut tx, month("2026-03"))
        .await
        .unwrap()
        .unwrap()
        .id;
    assert!(
        campaign::set_state(&mut tx, id, campaign::State::Paused)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    news.deliver_all().await;
    assert_eq!(news.account().await.waiting, 1);
    let mut tx = news.db.begin().await.unwrap();
    campaign::cancel(&mut tx, id, news.now()).await.unwrap();
    assert!(
        !campaign::set_state(&mut tx, id, campaign::State::Running)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    news.deliver_all().await;
    assert_eq!(news.account().await.suppressed, 1);
}

each_database!(what_a_sender_that_is_gone_held_is_tried_again);
async fn what_a_sender_that_is_gone_held_is_tried_again(db: Db) {
    let news = News::start(db).await;
    for number in 0..5 {
        news.subscribe(&format!("r{number}@peer.test"), &[]).await;
    }
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let mut tx = news.db.begin().await.unwrap();
    let claimed = news.claim(&mut tx, random(), 2).await;
    tx.commit().await.unwrap();
    assert_eq!((claimed.len(), news.account().await.in_flight), (2, 2));
    news.deliver_all().await;
    assert_eq!(news.account().await.accepted, 5);
}

each_database!(a_stopped_sender_finishes_what_is_on_the_wire);
async fn a_stopped_sender_finishes_what_is_on_the_wire(db: Db) {
    let news = News::start(db).await;
    for number in 0..30 {
        news.subscribe(&format!("r{number}@peer.test"), &[]).await;
    }
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let stop = CancellationToken::new();
    let sending = tokio::spawn(news.sender().run(random(), Until::Stopped, stop.clone()));
    while news.peer.taken().len() < 3 {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    sending.await.unwrap().unwrap();
    let account = news.account().await;
    assert_eq!(account.accepted as usize, news.peer.taken().len());
    assert_eq!((account.in_flight, account.unknown), (0, 0));
    news.deliver_all().await;
    assert!(news.peer.times_taken().values().all(|times| *times == 1));
    assert_eq!(news.account().await.accepted, 30);
}

#[tokio::test]
async fn on_sqlite_a_second_sender_refuses_to_start() {
    let database = crate::support::databases::sqlite().await;
    let clock = bulletin::clock::system();
    let announce = |sender| {
        Presence::announce(
            &database.db,
            sender,
            std::time::Duration::from_secs(30),
            &clock,
        )
    };
    let _first = announce(1).await.unwrap();
    let second = announce(2).await;
    assert!(matches!(second, Err(PresenceError::Taken)));
}

each_database!(a_relay_that_refuses_the_sender_costs_no_reader_anything);
async fn a_relay_that_refuses_the_sender_costs_no_reader_anything(db: Db) {
    let mut news = News::start(db).await;
    for number in 0..9 {
        news.subscribe(&format!("r{number}@peer.test"), &[]).await;
    }
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let friendly = std::mem::replace(&mut news.peer, Peer::that_wants_a_password().await);
    assert!(matches!(
        news.try_deliver_all().await,
        Err(SendError::Relay(Trouble::Refuses(words)))
            if words == "530 5.7.0 <(address)>: Authentication required"
    ));
    let account = news.account().await;
    assert_eq!((account.bounced, account.accepted), (0, 0), "{account:?}");
    news.peer = friendly;
    news.wait(Duration::minutes(5));
    news.deliver_all().await;
    assert_eq!(news.account().await.accepted, 9);
}

each_database!(what_is_in_flight_when_its_reader_is_erased_is_forgotten);
async fn what_is_in_flight_when_its_reader_is_erased_is_forgotten(db: Db) {
    let news = News::start(db).await;
    news.subscribe("452.full@peer.test", &[]).await;
    news.subscribe("550.gone@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let sender = random();
    let mut tx = news.db.begin().await.unwrap();
    let claimed = news.claim(&mut tx, sender, 2).await;
    for address in ["452.full@peer.test", "550.gone@peer.test"] {
        let reader = news.reader_in(&mut tx, address).await;
        feedback::erase(&mut tx, &reader, news.now()).await.unwrap();
    }
    let later = Outcome::not_now("452 4.2.2 452.full@peer.test is full");
    news.settle(&mut tx, sender, &[(claimed[0].delivery.clone(), later)])
        .await;
    tx.commit().await.unwrap();
    // The other one's sender is gone; what it held must not be looked for again and again.
    news.deliver_all().await;
    let account = news.account().await;
    assert_eq!(
        (account.suppressed, account.unknown, account.in_flight),
        (1, 1, 0),
        "{account:?}"
    );
    assert!(news.peer.taken().is_empty());
}

each_database!(a_delivery_that_cannot_become_a_message_fails_alone);
async fn a_delivery_that_cannot_become_a_message_fails_alone(db: Db) {
    let news = News::start(db).await;
    for number in 0..12 {
        news.subscribe(&format!("r{number}@peer.test"), &[]).await;
    }
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let poison = "UPDATE delivery SET content = 'no selection' \
        WHERE id IN (SELECT id FROM delivery ORDER BY id LIMIT 3)";
    match &news.db {
        Db::Sqlite { write, .. } => drop(sqlx::query(poison).execute(write).await.unwrap()),
        Db::Postgres(pool) => drop(sqlx::query(poison).execute(pool).await.unwrap()),
    }
    news.deliver_all().await;
    let account = news.account().await;
    assert_eq!((account.accepted, account.bounced), (9, 3), "{account:?}");
    let again = news.plan("2026-03").await;
    assert!(
        again.warnings[0].contains("3 readers"),
        "{:?}",
        again.warnings
    );
    news.publish(&issue("2026-04", &[&[DEPRESSION]])).await;
    assert_eq!(news.plan("2026-04").await.recipients, 12);
    assert!(!news.is_suppressed("r0@peer.test").await);
}
