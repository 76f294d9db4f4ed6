//! Pacing: limits by the hour and the day, a warm-up, and connections for each receiving domain.

use bulletin::db::Db;
use bulletin::deliver::Until;
use bulletin::deliver::quota::Quota;
use bulletin::feedback;
use chrono::{DateTime, Duration, Utc};
use tokio_util::sync::CancellationToken;

use crate::support::news::{DEPRESSION, issue, random};
use crate::support::{News, each_database};

/// What the quota leaves at `at`, having counted what is offered then.
async fn offer(db: &Db, quota: &Quota, at: &str, mails: usize) -> (usize, DateTime<Utc>) {
    let at: DateTime<Utc> = at.parse().unwrap();
    let mut tx = db.begin().await.unwrap();
    let left = quota.left(&mut tx, at).await.unwrap().unwrap();
    quota
        .count(&mut tx, at, mails.min(left.mails) as i64)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    (left.mails, left.until)
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

each_database!(an_hour_and_a_day_hold_no_more_than_they_may);
async fn an_hour_and_a_day_hold_no_more_than_they_may(db: Db) {
    let quota = Quota {
        per_hour: Some(10),
        per_day: Some(25),
        ..Quota::default()
    };
    assert_eq!(offer(&db, &quota, "2026-03-03T09:10:00Z", 10).await.0, 10);
    let full = offer(&db, &quota, "2026-03-03T09:59:59Z", 10).await;
    assert_eq!(full, (0, at("2026-03-03T10:00:00Z")));
    assert_eq!(offer(&db, &quota, "2026-03-03T10:00:00Z", 10).await.0, 10);
    assert_eq!(offer(&db, &quota, "2026-03-03T11:00:00Z", 10).await.0, 5);
    let full = offer(&db, &quota, "2026-03-03T12:00:00Z", 10).await;
    assert_eq!(full, (0, at("2026-03-04T00:00:00Z")));
    assert_eq!(offer(&db, &quota, "2026-03-04T00:00:00Z", 10).await.0, 10);
}

each_database!(a_warm_up_grows_by_the_days_on_which_something_was_sent);
async fn a_warm_up_grows_by_the_days_on_which_something_was_sent(db: Db) {
    let quota = Quota {
        warm_up: vec![2, 5],
        ..Quota::default()
    };
    assert_eq!(offer(&db, &quota, "2026-03-03T09:00:00Z", 2).await.0, 2);
    assert_eq!(offer(&db, &quota, "2026-03-03T23:00:00Z", 2).await.0, 0);
    // A month without mail warms nothing up.
    assert_eq!(offer(&db, &quota, "2026-04-07T09:00:00Z", 5).await.0, 5);
    assert_eq!(
        offer(&db, &quota, "2026-04-08T09:00:00Z", 9).await.0,
        usize::MAX
    );
}

each_database!(a_send_over_its_quota_goes_on_in_the_next_hour);
async fn a_send_over_its_quota_goes_on_in_the_next_hour(db: Db) {
    let mut news = News::start(db).await;
    news.quota.per_hour = Some(5);
    for number in 0..8 {
        news.subscribe(&format!("r{number}@peer.test"), &[]).await;
    }
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let mut sender = news.sender();
    sender.lease = std::time::Duration::from_secs(2);
    let sending = tokio::spawn(sender.run(random(), Until::NothingDue, CancellationToken::new()));
    while news.account().await.accepted < 5 {
        tokio::task::yield_now().await;
    }
    assert!(!sending.is_finished(), "it waits for the next hour");
    assert_eq!(news.peer.taken().len(), 5);
    news.wait(Duration::hours(1));
    sending.await.unwrap().unwrap();
    assert_eq!(news.account().await.accepted, 8);
}

each_database!(letters_pass_a_quota_that_is_used_up);
async fn letters_pass_a_quota_that_is_used_up(db: Db) {
    let mut news = News::start(db).await;
    news.quota.per_hour = Some(2);
    for number in 0..4 {
        news.subscribe(&format!("r{number}@peer.test"), &[]).await;
    }
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let stop = CancellationToken::new();
    let sending = tokio::spawn(news.sender().run(random(), Until::Stopped, stop.clone()));
    while news.account().await.accepted < 2 {
        tokio::task::yield_now().await;
    }
    let reader = news.reader("r0@peer.test").await;
    let mut tx = news.db.begin().await.unwrap();
    feedback::goodbye(&mut tx, &reader, news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    while news.peer.taken().len() < 3 {
        tokio::task::yield_now().await;
    }
    let taken = news.peer.taken();
    let is_letter = |message: &String| message.contains("You are unsubscribed");
    assert_eq!(taken.len(), 3, "the other digests wait");
    assert_eq!(
        news.peer
            .mails_to("r0@peer.test")
            .iter()
            .filter(|mail| is_letter(mail))
            .count(),
        1
    );
    stop.cancel();
    sending.await.unwrap().unwrap();
}

each_database!(a_domain_with_one_connection_gets_all_its_mail_and_holds_nobody_up);
async fn a_domain_with_one_connection_gets_all_its_mail_and_holds_nobody_up(db: Db) {
    let news = News::start(db).await;
    for number in 0..30 {
        news.subscribe(&format!("r{number}@one.test"), &[]).await;
    }
    for number in 0..10 {
        news.subscribe(&format!("r{number}@other{number}.test"), &[])
            .await;
    }
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let mut sender = news.sender();
    sender.connections_per_domain = Some(1);
    let stop = CancellationToken::new();
    sender.run(random(), Until::NothingDue, stop).await.unwrap();
    assert_eq!(news.account().await.accepted, 40);
    assert!(news.peer.times_taken().values().all(|times| *times == 1));
}
