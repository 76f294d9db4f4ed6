//! Failures that count: soft ones towards a reader's score, blocks towards a storm.

use bulletin::campaign::{self, State};
use bulletin::db::Db;
use bulletin::receive::Taken;
use bulletin::returned::{Did, domains, score};
use bulletin::suppression::Reason;
use chrono::Duration;

use super::{block, come, send, sent, soft, suppression_of};
use crate::support::each_database;
use crate::support::news::month;

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
