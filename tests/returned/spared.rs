//! Readers whom a report spares: it is about an address or a consent that is theirs no more.

use bulletin::bounce::Kind;
use bulletin::campaign::{self, State};
use bulletin::db::Db;
use bulletin::receive::Taken;
use bulletin::request::{self, Kind as Asks, Request};
use bulletin::returned::Did;
use bulletin::subscriber::Address;
use bulletin::suppression::{self, Reason};
use bulletin::{feedback, letter};
use chrono::Duration;

use super::{come, hard, no_alarm, only, sent};
use crate::support::news::{DEPRESSION, form};
use crate::support::{News, each_database};

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
