//! Orders: what somebody at the desk wants to be sent, settled after the page was answered.

use std::sync::Arc;

use bulletin::campaign;
use bulletin::config::OnUnknown;
use bulletin::db::Db;
use bulletin::plan::{Terms, When};
use bulletin::sending::order::{self, Agreed, Asked, Because, New, Order, Rules, State};
use bulletin::sending::orders::Orders;
use chrono::Duration;
use uuid::Uuid;

use crate::support::news::{DEPRESSION, EMPATHY, issue, month};
use crate::support::{News, each_database};

const ADA: Uuid = Uuid::from_u128(1);
const BEA: Uuid = Uuid::from_u128(2);
const NO_RULES: Rules = Rules {
    second_person: false,
    most_per_day: 0,
};

fn orders(news: &News) -> Orders {
    Orders {
        db: news.db.clone(),
        terms: Terms {
            on_nothing: news.settings.on_nothing,
            on_unknown: OnUnknown::Retry,
            undo: Duration::seconds(30),
            zone: chrono_tz::UTC,
        },
        clock: news.clock(),
        placed: Arc::default(),
    }
}

async fn ask(news: &News, id: Uuid, of: &str, rules: &Rules) -> Asked {
    let plan = news.preview(of).await;
    ask_for(news, id, of, &plan.fingerprint, plan.recipients, rules).await
}

async fn ask_for(
    news: &News,
    id: Uuid,
    of: &str,
    fingerprint: &str,
    recipients: i64,
    rules: &Rules,
) -> Asked {
    let new = New {
        id,
        month: month(of),
        fingerprint,
        recipients,
        when: When::Now,
        by: ADA,
        name: "Ada",
    };
    let mut tx = news.db.begin().await.unwrap();
    let asked = order::ask(&mut tx, &new, rules, news.now()).await.unwrap();
    tx.commit().await.unwrap();
    asked
}

async fn order_of(news: &News, of: &str) -> Order {
    let mut tx = news.db.read().await.unwrap();
    order::of_month(&mut tx, month(of)).await.unwrap().unwrap()
}

/// Two readers and an issue.
async fn start(db: Db) -> News {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[]).await;
    news.subscribe("b@peer.test", &[DEPRESSION]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news
}

each_database!(fifty_presses_at_once_are_one_campaign_whatever_their_keys);
async fn fifty_presses_at_once_are_one_campaign_whatever_their_keys(db: Db) {
    let news = Arc::new(start(db).await);
    let plan = news.preview("2026-03").await;
    let same = Uuid::new_v4();
    let presses = (0..50).map(|press| {
        let (news, fingerprint) = (news.clone(), plan.fingerprint.clone());
        let id = if press % 2 == 0 { same } else { Uuid::new_v4() };
        tokio::spawn(async move {
            let asked = ask_for(&news, id, "2026-03", &fingerprint, 2, &NO_RULES).await;
            let settled = orders(&news).settle().await;
            settled.unwrap();
            asked
        })
    });
    let mut new = 0;
    for press in presses.collect::<Vec<_>>() {
        match press.await.unwrap() {
            Asked::New(_) => new += 1,
            Asked::Known(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(new, 1);
    let order = order_of(&news, "2026-03").await;
    assert_eq!(order.state, State::Settled);
    let mut tx = news.db.read().await.unwrap();
    assert_eq!(campaign::list(&mut tx).await.unwrap().len(), 1);
    drop(tx);
    news.wait(Duration::minutes(1));
    news.deliver_all().await;
    assert_eq!(news.account().await.accepted, 2);
    assert_eq!(news.peer.mails_to("a@peer.test").len(), 1);
    let again = ask_for(
        &news,
        Uuid::new_v4(),
        "2026-03",
        &plan.fingerprint,
        2,
        &NO_RULES,
    )
    .await;
    assert!(matches!(again, Asked::Known(_)), "{again:?}");
}

each_database!(a_plan_that_has_changed_sends_nothing_and_can_be_ordered_anew);
async fn a_plan_that_has_changed_sends_nothing_and_can_be_ordered_anew(db: Db) {
    let news = start(db).await;
    ask(&news, Uuid::new_v4(), "2026-03", &NO_RULES).await;
    news.subscribe("c@peer.test", &[]).await;
    orders(&news).settle().await.unwrap();
    let order = order_of(&news, "2026-03").await;
    assert_eq!(
        (order.state, order.because),
        (State::Refused, Some(Because::PlanChanged))
    );
    assert_eq!(news.account().await.planned, 0);
    news.wait(Duration::seconds(1));
    let again = ask(&news, Uuid::new_v4(), "2026-03", &NO_RULES).await;
    assert!(matches!(again, Asked::New(_)), "{again:?}");
    orders(&news).settle().await.unwrap();
    assert_eq!(order_of(&news, "2026-03").await.state, State::Settled);
    assert_eq!(news.account().await.planned, 3);
}

each_database!(who_calls_back_in_time_has_sent_nothing_and_can_send_again);
async fn who_calls_back_in_time_has_sent_nothing_and_can_send_again(db: Db) {
    let news = start(db).await;
    ask(&news, Uuid::new_v4(), "2026-03", &NO_RULES).await;
    orders(&news).settle().await.unwrap();
    news.wait(Duration::seconds(29));
    let order = order_of(&news, "2026-03").await;
    let mut tx = news.db.begin().await.unwrap();
    assert!(order::recall(&mut tx, order.id, news.now()).await.unwrap());
    tx.commit().await.unwrap();
    news.wait(Duration::hours(1));
    news.deliver_all().await;
    assert!(news.peer.taken().is_empty(), "it stands still at once");
    orders(&news).settle().await.unwrap();
    assert_eq!(order_of(&news, "2026-03").await.state, State::Withdrawn);
    assert_eq!(news.account().await.planned, 0);

    news.publish(&issue("2026-03", &[&[DEPRESSION], &[EMPATHY]]))
        .await;
    let again = ask(&news, Uuid::new_v4(), "2026-03", &NO_RULES).await;
    assert!(matches!(again, Asked::New(_)), "{again:?}");
    orders(&news).settle().await.unwrap();
    news.wait(Duration::minutes(1));
    let order = order_of(&news, "2026-03").await;
    let mut tx = news.db.begin().await.unwrap();
    assert!(
        !order::recall(&mut tx, order.id, news.now()).await.unwrap(),
        "it has begun"
    );
    tx.commit().await.unwrap();
    news.deliver_all().await;
    assert_eq!(news.account().await.accepted, 2);
}

each_database!(an_order_that_is_taken_back_before_it_is_settled_sends_nothing);
async fn an_order_that_is_taken_back_before_it_is_settled_sends_nothing(db: Db) {
    let news = start(db).await;
    ask(&news, Uuid::new_v4(), "2026-03", &NO_RULES).await;
    let order = order_of(&news, "2026-03").await;
    let mut tx = news.db.begin().await.unwrap();
    assert!(order::withdraw(&mut tx, order.id).await.unwrap());
    tx.commit().await.unwrap();
    orders(&news).settle().await.unwrap();
    assert_eq!(news.account().await.planned, 0);
}

each_database!(where_two_are_needed_nobody_agrees_with_themselves);
async fn where_two_are_needed_nobody_agrees_with_themselves(db: Db) {
    let news = start(db).await;
    let rules = Rules {
        second_person: true,
        ..NO_RULES
    };
    ask(&news, Uuid::new_v4(), "2026-03", &rules).await;
    orders(&news).settle().await.unwrap();
    let order = order_of(&news, "2026-03").await;
    assert_eq!(order.state, State::Asked);
    assert_eq!(
        news.account().await.planned,
        0,
        "it waits for a second person"
    );
    // Meanwhile somebody came: the second person agrees to what they see themselves.
    news.subscribe("c@peer.test", &[]).await;
    let plan = news.preview("2026-03").await;
    let agree = async |by: Uuid, name: &str| {
        let mut tx = news.db.begin().await.unwrap();
        let plan = (plan.fingerprint.as_str(), plan.recipients);
        let agreed = order::agree(&mut tx, order.id, (by, name), plan, &rules, news.now()).await;
        tx.commit().await.unwrap();
        agreed.unwrap()
    };
    assert_eq!(agree(ADA, "Ada").await, Agreed::Own);
    assert_eq!(agree(BEA, "Bea").await, Agreed::Yes);
    assert_eq!(agree(BEA, "Bea").await, Agreed::Over);
    orders(&news).settle().await.unwrap();
    let order = order_of(&news, "2026-03").await;
    assert_eq!(
        (order.state, order.agreed_name.as_deref()),
        (State::Settled, Some("Bea"))
    );
    assert_eq!(news.account().await.planned, 3);
}

each_database!(more_readers_in_a_day_than_allowed_are_not_sent_to);
async fn more_readers_in_a_day_than_allowed_are_not_sent_to(db: Db) {
    let news = start(db).await;
    news.publish(&issue("2026-02", &[&[EMPATHY], &[DEPRESSION]]))
        .await;
    let rules = Rules {
        second_person: false,
        most_per_day: 3,
    };
    let first = ask(&news, Uuid::new_v4(), "2026-03", &rules).await;
    assert!(matches!(first, Asked::New(_)), "{first:?}");
    let second = ask(&news, Uuid::new_v4(), "2026-02", &rules).await;
    assert_eq!(second, Asked::TooMany(2));
    news.wait(Duration::hours(25));
    let later = ask(&news, Uuid::new_v4(), "2026-02", &rules).await;
    assert!(matches!(later, Asked::New(_)), "{later:?}");
}
