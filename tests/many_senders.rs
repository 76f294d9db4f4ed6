//! Several senders on one PostgreSQL: none does another's work, and one that was given up changes nothing any more.

use std::time::Duration;

use bulletin::db::{Db, Tx};
use bulletin::deliver::Until;
use bulletin::deliver::presence::Presence;
use bulletin::deliver::smtp::Outcome;
use tokio_util::sync::CancellationToken;

use crate::support::news::{DEPRESSION, issue, random};
use crate::support::{News, databases};

const LEASE: Duration = Duration::from_secs(30);

async fn news(readers: usize) -> Option<News> {
    let news = News::start(databases::postgres().await?.db).await;
    for number in 0..readers {
        news.subscribe(&format!("r{number}@peer.test"), &[]).await;
    }
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    Some(news)
}

async fn announce(news: &News, sender: i64) -> Presence {
    Presence::announce(&news.db, sender, LEASE, &news.sender().clock)
        .await
        .unwrap()
}

async fn execute(db: &Db, sql: &'static str) {
    let Db::Postgres(pool) = db else {
        unreachable!("these stories are PostgreSQL's")
    };
    sqlx::query(sql).execute(pool).await.unwrap();
}

async fn counts(news: &News, sender: &Presence) -> bool {
    let mut tx: Tx = news.db.begin().await.unwrap();
    sender.still_counts(&mut tx).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stands_still_beyond_the_lease_is_given_up_and_writes_nothing_more() {
    let Some(news) = news(3).await else { return };
    let (stopped, other) = (announce(&news, 1).await, announce(&news, 2).await);
    let mut tx = news.db.begin().await.unwrap();
    let held = news.claim(&mut tx, stopped.sender, 2).await;
    tx.commit().await.unwrap();
    let recover = async || {
        let clock = news.sender().clock;
        other.recover_others(&news.db, &clock).await.unwrap()
    };
    assert_eq!(recover().await, 0, "it lives");
    assert!(counts(&news, &stopped).await && stopped.lease.may_finish());
    execute(
        &news.db,
        "UPDATE sender SET lease_until = lease_until - interval '1 minute' WHERE id = 1",
    )
    .await;
    assert_eq!(recover().await, 2);
    assert_eq!(news.account().await.unknown, 2);
    assert!(!counts(&news, &stopped).await && counts(&news, &other).await);
    let late = Outcome::not_now("452 4.2.2 full");
    let mut tx = news.db.begin().await.unwrap();
    let settled = [(held[0].delivery.clone(), late)];
    assert_eq!(news.settle(&mut tx, stopped.sender, &settled).await, 0);
    tx.commit().await.unwrap();
    assert_eq!(news.account().await.unknown, 2, "too late to say anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_is_nearly_over_by_any_clock_finishes_no_message() {
    let Some(news) = news(1).await else { return };
    let sender = announce(&news, 1).await;
    assert!(sender.lease.may_finish());
    news.wait(chrono::Duration::seconds(25));
    assert!(
        !sender.lease.may_finish(),
        "a machine that slept has only its wall clock to tell"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_leave_leaves_nothing_behind() {
    let Some(news) = news(4).await else { return };
    news.deliver_all().await;
    let Db::Postgres(pool) = &news.db else { return };
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM sender")
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!((left, news.account().await.accepted), (0, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_was_given_up_goes_on_under_another_number_and_loses_nothing() {
    let Some(news) = news(60).await else { return };
    let sending = tokio::spawn(news.sender().run(
        random(),
        Until::NothingDue,
        CancellationToken::new(),
    ));
    let mut given_up = 0;
    while !sending.is_finished() {
        if news.peer.taken().len() > (given_up + 1) * 10 {
            given_up += 1;
            execute(&news.db, "DELETE FROM sender").await;
        }
        tokio::task::yield_now().await;
    }
    sending.await.unwrap().unwrap();
    assert!(given_up > 0);
    // What it held when it was given up is unknown, until a sender looks for what others left.
    news.deliver_all().await;
    assert_eq!(news.account().await.accepted, 60);
    let repeats = news.peer.taken().len() - 60;
    assert!(repeats <= 3 * given_up, "{repeats} of {given_up}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_senders_do_the_work_once() {
    let Some(news) = news(200).await else { return };
    let senders = (0..4).map(|_| {
        let stop = CancellationToken::new();
        tokio::spawn(news.sender().run(random(), Until::NothingDue, stop))
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap().unwrap();
    }
    assert_eq!(news.account().await.accepted, 200);
    assert!(news.peer.times_taken().values().all(|times| *times == 1));
}
