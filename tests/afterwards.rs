//! What is told of a campaign afterwards, and another try for who did not get it.

use bulletin::campaign::{self, Campaign, DeliveryState};
use bulletin::config::OnUnknown;
use bulletin::db::Db;
use bulletin::figures::{Counting, campaign as figures, readers};
use bulletin::sending::missed::{self, Again, CanGoAgain};
use bulletin::sending::progress::{Progress, progress};
use bulletin::sending::status::Stands;
use bulletin::{feedback, suppression};
use chrono::Duration;

use crate::support::news::{ATTACHMENT, DEPRESSION, EMPATHY, issue, month};
use crate::support::{News, each_database};

async fn march(news: &News) -> Campaign {
    let mut tx = news.db.read().await.unwrap();
    let found = campaign::of_month(&mut tx, month("2026-03")).await;
    found.unwrap().unwrap()
}

async fn look(news: &News) -> Progress {
    let march = march(news).await;
    progress(&mut news.db.read().await.unwrap(), &march)
        .await
        .unwrap()
}

async fn count(news: &News) {
    let counting = Counting {
        db: news.db.clone(),
        clock: news.clock(),
    };
    counting.count().await.unwrap();
}

async fn can_go_again(news: &News) -> CanGoAgain {
    let march = march(news).await;
    let mut tx = news.db.read().await.unwrap();
    missed::can_go_again(&mut tx, march.id, news.now())
        .await
        .unwrap()
}

async fn go_again(news: &News, which: Again) -> i64 {
    let march = march(news).await;
    let mut tx = news.db.begin().await.unwrap();
    let again = missed::go_again(&mut tx, march.id, which, news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    again
}

each_database!(figures_are_counted_after_the_fact_and_small_groups_together);
async fn figures_are_counted_after_the_fact_and_small_groups_together(db: Db) {
    let news = News::start(db).await;
    for number in 0..6 {
        news.subscribe(&format!("r{number}@large.test"), &[DEPRESSION])
            .await;
    }
    news.subscribe("550.gone@large.test", &[ATTACHMENT]).await;
    news.subscribe("452.full@small.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION, EMPATHY], &[ATTACHMENT]]))
        .await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    count(&news).await;
    let campaign = march(&news).await;
    let mut tx = news.db.read().await.unwrap();
    let domains = figures::domains(&mut tx, campaign.id).await.unwrap();
    let told: Vec<_> = domains
        .iter()
        .map(|one| (one.domain.as_str(), one.accepted, one.bounced, one.deferred))
        .collect();
    assert_eq!(told, [("large.test", 6, 1, 0), (figures::SMALL, 0, 0, 1)]);
    let refusals = figures::refusals(&mut tx, campaign.id, None).await.unwrap();
    let told: Vec<_> = refusals
        .iter()
        .map(|one| {
            (
                one.domain.as_str(),
                one.kind.as_str(),
                one.class.as_str(),
                one.mails,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (figures::SMALL, "deferred", "", 1),
            ("large.test", "bounce", "hard", 1)
        ]
    );
    assert!(
        refusals
            .iter()
            .all(|one| !one.words.is_empty() && !one.words.contains('@'))
    );
    let topics = figures::topics(&mut tx, campaign.id).await.unwrap();
    let of = |slug: &str| topics.iter().find(|one| one.topic == slug).unwrap();
    assert_eq!((of(DEPRESSION).asked, of(DEPRESSION).delivered), (6, 6));
    assert_eq!((of(EMPATHY).asked, of(EMPATHY).delivered), (0, 6));
    assert_eq!(of(figures::ALL_TOPICS).asked, 1);
    let counted = figures::account(&mut tx, &campaign, news.now())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(counted.account.sum(), counted.account.planned);
    let sum: i64 = domains.iter().map(figures::Domain::sum).sum();
    assert_eq!(sum, counted.account.planned);
    drop(tx);

    let first = figures::counted_at(&mut news.db.read().await.unwrap(), campaign.id)
        .await
        .unwrap();
    news.wait(Duration::days(6));
    news.deliver_all().await;
    count(&news).await;
    let mut tx = news.db.read().await.unwrap();
    let domains = figures::domains(&mut tx, campaign.id).await.unwrap();
    assert_eq!(domains[1].bounced, 1, "its life is over");
    let second = figures::counted_at(&mut tx, campaign.id).await.unwrap();
    assert_ne!(first, second);
    drop(tx);
    news.wait(Duration::hours(1));
    count(&news).await;
    let third = figures::counted_at(&mut news.db.read().await.unwrap(), campaign.id)
        .await
        .unwrap();
    assert_eq!(second, third, "nothing has changed");
}

each_database!(who_came_and_who_left_is_counted_once_by_the_month);
async fn who_came_and_who_left_is_counted_once_by_the_month(db: Db) {
    let news = News::start(db).await;
    for name in ["a", "b", "c"] {
        news.subscribe(&format!("{name}@peer.test"), &[]).await;
    }
    let began = news.now();
    news.wait(Duration::hours(2));
    let reader = news.reader("a@peer.test").await;
    let mut tx = news.db.begin().await.unwrap();
    feedback::unsubscribe(&mut tx, &reader, "test", news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let moves = async || {
        let mut tx = news.db.read().await.unwrap();
        let moves = readers::moves(&mut tx, began, news.now() + Duration::days(1)).await;
        moves.unwrap()
    };
    let before = moves().await;
    assert_eq!(
        (before.granted, before.withdrawn),
        (3, 1),
        "also what is not folded yet"
    );
    news.wait(Duration::hours(1));
    count(&news).await;
    count(&news).await;
    assert_eq!(moves().await, before);
    let mut tx = news.db.read().await.unwrap();
    let months = readers::months(&mut tx).await.unwrap();
    let told: Vec<_> = months
        .iter()
        .map(|one| (one.month.as_str(), one.granted, one.withdrawn, one.active))
        .collect();
    assert_eq!(told, [("2026-03", 3, 1, Some(2))]);
}

each_database!(progress_is_told_from_indexes_and_adds_up);
async fn progress_is_told_from_indexes_and_adds_up(db: Db) {
    let news = News::start(db).await;
    for address in ["a@peer.test", "550.gone@peer.test", "452.full@peer.test"] {
        news.subscribe(address, &[]).await;
    }
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let before = look(&news).await;
    assert_eq!(
        (before.state, before.planned, before.left),
        (Stands::Running, 3, 3)
    );
    news.deliver_all().await;
    let after = look(&news).await;
    assert_eq!((after.accepted, after.bounced, after.deferred), (1, 1, 1));
    assert_eq!((after.left, after.in_flight), (1, 0));
    let mut tx = news.db.begin().await.unwrap();
    let march = march(&news).await;
    campaign::cancel(&mut tx, march.id, news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let over = look(&news).await;
    assert_eq!(
        (over.state, over.suppressed, over.left),
        (Stands::Cancelled, 1, 0)
    );
}

each_database!(who_was_refused_for_now_can_be_tried_again_and_nobody_who_has_it);
async fn who_was_refused_for_now_can_be_tried_again_and_nobody_who_has_it(db: Db) {
    let news = News::start(db).await;
    for address in ["a@peer.test", "550.gone@peer.test", "452.full@peer.test"] {
        news.subscribe(address, &[]).await;
    }
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    news.wait(Duration::days(6));
    news.deliver_all().await;
    let account = news.account().await;
    assert_eq!((account.accepted, account.bounced), (1, 2));
    let can = can_go_again(&news).await;
    assert_eq!(
        can,
        CanGoAgain {
            refused: 1,
            unknown: 0,
            lifted: 0
        }
    );
    let campaign = march(&news).await;
    let mut tx = news.db.read().await.unwrap();
    let missed = missed::missed(&mut tx, campaign.id, DeliveryState::Bounced, 0, 10)
        .await
        .unwrap();
    let mut told: Vec<_> = missed
        .iter()
        .map(|one| one.address.as_deref().unwrap())
        .collect();
    told.sort_unstable();
    assert_eq!(told, ["452.full@peer.test", "550.gone@peer.test"]);
    let behind = missed[0].delivery_id;
    let second = missed::missed(&mut tx, campaign.id, DeliveryState::Bounced, behind, 10).await;
    assert_eq!(second.unwrap().len(), 1);
    drop(tx);

    assert_eq!(go_again(&news, Again::Refused).await, 1);
    assert_eq!(go_again(&news, Again::Refused).await, 0, "it waits already");
    news.deliver_all().await;
    assert_eq!(news.peer.mails_to("a@peer.test").len(), 1);
    let account = news.account().await;
    assert_eq!(
        (account.accepted, account.bounced, account.deferred),
        (1, 1, 1)
    );
    news.wait(Duration::days(6));
    news.deliver_all().await;
    let account = news.account().await;
    assert_eq!(
        (account.accepted, account.bounced),
        (1, 2),
        "its life began anew, and ended"
    );
    let after = look(&news).await;
    assert_eq!(
        (after.accepted, after.bounced, after.left),
        (1, 2, 0),
        "the tally knows it too"
    );
}

each_database!(whose_address_was_let_go_again_gets_what_was_held_back);
async fn whose_address_was_let_go_again_gets_what_was_held_back(db: Db) {
    let news = News::start(db).await;
    for address in ["a@peer.test", "left@peer.test"] {
        news.subscribe(address, &[]).await;
    }
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let suppressed = news.reader("a@peer.test").await;
    let left = news.reader("left@peer.test").await;
    let mut tx = news.db.begin().await.unwrap();
    let hash = &suppressed.address_hash;
    suppression::suppress(&mut tx, hash, suppression::Reason::Manual, "", news.now())
        .await
        .unwrap();
    feedback::unsubscribe(&mut tx, &left, "test", news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    news.deliver_all().await;
    assert_eq!(news.account().await.suppressed, 2);
    assert_eq!(can_go_again(&news).await.lifted, 0);
    news.wait(Duration::hours(1));
    let mut tx = news.db.begin().await.unwrap();
    suppression::release(&mut tx, hash, "a mistake", news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(go_again(&news, Again::Lifted).await, 1, "and not who left");
    news.deliver_all().await;
    assert_eq!(news.peer.mails_to("a@peer.test").len(), 1);
    assert_eq!(go_again(&news, Again::Lifted).await, 0);
    let account = news.account().await;
    assert_eq!((account.accepted, account.suppressed), (1, 1));
}

each_database!(what_nobody_can_know_goes_again_as_the_same_message);
async fn what_nobody_can_know_goes_again_as_the_same_message(db: Db) {
    let mut news = News::start(db).await;
    news.settings.on_unknown = OnUnknown::Hold;
    news.subscribe("lost.b@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    assert_eq!(news.account().await.unknown, 1);
    assert_eq!(can_go_again(&news).await.unknown, 1);
    assert_eq!(go_again(&news, Again::Unknown).await, 1);
    news.deliver_all().await;
    assert_eq!(news.account().await.accepted, 1);
    let mails = news.peer.mails_to("lost.b@peer.test");
    let id = |mail: &str| {
        let line = mail.lines().find(|line| line.starts_with("Message-ID:"));
        line.unwrap().to_owned()
    };
    assert!(mails.iter().all(|mail| id(mail) == id(&mails[0])));
}

each_database!(what_was_taken_and_came_back_later_is_not_sent_again);
async fn what_was_taken_and_came_back_later_is_not_sent_again(db: Db) {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    let delivery = news.delivery_to("a@peer.test");
    let reader = news.reader("a@peer.test").await;
    let mut tx = news.db.begin().await.unwrap();
    // As a report by mail leaves it: the relay had taken it, and it failed softly behind.
    let new = bulletin::returned::New {
        mark: "a report",
        subscriber_id: Some(reader.id),
        row: bulletin::returned::Returned {
            at: news.now(),
            way: bulletin::returned::Way::Listener,
            kind: bulletin::bounce::Kind::Bounce,
            class: Some(bulletin::bounce::Class::Soft),
            reason: "full".to_owned(),
            because: "full".to_owned(),
            status: Some("4.2.2".to_owned()),
            delivery_id: Some(delivery),
            domain: Some("peer.test".to_owned()),
            words: None,
            did: bulletin::returned::Did::Counted,
            note: String::new(),
        },
    };
    bulletin::returned::add(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    let sql = "UPDATE delivery SET state = 'bounced', reply = '250 taken'";
    crate::alarms::tamper(&news.db, sql).await;
    assert_eq!(can_go_again(&news).await, CanGoAgain::default());
    assert_eq!(go_again(&news, Again::Refused).await, 0);
}
