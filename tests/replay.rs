//! The same events in any order, and half of them twice, come to the same state (F24).

use std::collections::BTreeMap;

use bulletin::bounce::{Class, Kind, Reading};
use bulletin::db::Db;
use bulletin::feedback::acting::Came;
use bulletin::returned::{Way, score};
use bulletin::{campaign, suppression};

use crate::returned::{block, failed, hard, no_alarm, only, sent, soft};
use crate::support::{News, databases};

/// What matters of the database when it is held against another in which the same came in another order.
async fn state(news: &News) -> BTreeMap<String, Vec<String>> {
    let mut tx = news.db.read().await.unwrap();
    let mut state = BTreeMap::new();
    for number in 0..READERS {
        let address = format!("r{number}@peer.test");
        let reader = news.reader_in(&mut tx, &address).await;
        let found = suppression::of(&mut tx, &reader.address_hash)
            .await
            .unwrap();
        let score = score::of(&mut tx, reader.id, news.terms.soft, news.now()).await;
        let told = vec![
            reader.state.to_string(),
            format!("{:?}", found.map(|found| (found.reason, found.note))),
            format!("{:.3}", score.unwrap()),
        ];
        state.insert(address, told);
    }
    let campaigns = campaign::list(&mut tx).await.unwrap();
    for one in campaigns {
        let account = campaign::account(&mut tx, Some(one.id)).await.unwrap();
        let totals = bulletin::tally::totals(&mut tx, one.id).await.unwrap();
        let told = (totals.accepted, totals.bounced, totals.refused);
        let told = vec![format!("{account:?} {told:?} {}", one.state)];
        state.insert(one.month, told);
    }
    state
}

const READERS: u64 = 60;

/// Numbers that look random and are the same each time.
fn dice(seed: &mut u64) -> u64 {
    *seed = seed
        .wrapping_mul(6364136223846793005)
        .wrapping_add(1442695040888963407);
    *seed >> 33
}

async fn replay(seed: u64, db: Db) -> BTreeMap<String, Vec<String>> {
    let readers: Vec<String> = (0..READERS).map(|n| format!("r{n}@peer.test")).collect();
    let readers: Vec<&str> = readers.iter().map(String::as_str).collect();
    let news = sent(db, &readers).await;
    let mut events = Vec::new();
    for (number, reader) in readers.iter().enumerate() {
        let delivery = news.delivery_to(reader);
        let all = [
            hard(delivery),
            soft(delivery),
            block(delivery),
            only(Kind::Complaint, delivery),
            only(Kind::Unsubscribe, delivery),
            only(Kind::Autoreply, delivery),
            failed(Some(delivery), Class::Delayed, "expired"),
        ];
        // Each reader has some of them, in every combination.
        let chosen = (number * 37 + 5) % 127 + 1;
        for (place, reading) in all.into_iter().enumerate() {
            if chosen & (1 << place) != 0 {
                events.push((format!("{number} {place}"), reading));
            }
        }
    }
    // Half of them come twice.
    let mut seed = seed;
    let repeats: Vec<_> = events.iter().step_by(2).cloned().collect();
    events.extend(repeats);
    for place in (1..events.len()).rev() {
        let other = dice(&mut seed) as usize % (place + 1);
        events.swap(place, other);
    }
    let receiver = news.receiver();
    let way = Way::Webhook;
    let coming = events
        .chunks(events.len() / 4 + 1)
        .map(async |events: &[(String, Reading)]| {
            for (id, reading) in events {
                let id = id.as_bytes();
                receiver.event(reading, Came { way, id }).await.unwrap();
            }
        });
    futures_util::future::join_all(coming).await;
    news.account().await;
    no_alarm(&news).await;
    state(&news).await
}

/// F24: the same events in three orders, half of them twice, four at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_any_order_and_any_number_the_same_events_come_to_the_same_state() {
    let mut states = Vec::new();
    for seed in [1, 2, 3] {
        let database = databases::sqlite().await;
        states.push(replay(seed, database.db.clone()).await);
        if let Some(database) = databases::postgres().await {
            states.push(replay(seed * 10, database.db.clone()).await);
        }
    }
    for other in &states[1..] {
        assert_eq!(*other, states[0]);
    }
    for reason in ["Complaint", "HardBounce", "None"] {
        let found = states[0].values();
        let found = found.filter(|told| told.join(" ").contains(reason));
        assert!(found.count() > 5, "{reason}");
    }
}
