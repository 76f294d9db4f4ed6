//! Forecasts: what a plan would come to, without writing anything.

use std::time::Duration;

use bulletin::config::OnNothing;
use bulletin::db::Db;
use bulletin::feedback;
use bulletin::forecast::{Failed, Forecasts};
use bulletin::issue::Month;
use bulletin::plan::{self, Plan, Settings, Terms, When};
use bulletin::suppression::{self, Reason};

use crate::support::dice::Dice;
use crate::support::news::{ATTACHMENT, DEPRESSION, EMPATHY, TRAINING, issue, month};
use crate::support::{News, each_database};

/// A minute, for a machine that is busy; nothing waits that long.
const PATIENCE: Duration = Duration::from_secs(60);

fn terms(news: &News) -> Terms {
    Terms {
        on_nothing: news.settings.on_nothing,
        on_unknown: news.settings.on_unknown,
        undo: chrono::Duration::zero(),
        zone: "America/Toronto".parse().unwrap(),
    }
}

async fn forecast(news: &News, of: &str, settings: &Settings) -> Plan {
    let apart = news.db.apart().await.unwrap();
    let mut tx = apart.read().await.unwrap();
    let plan = plan::forecast(&mut tx, month(of), settings).await.unwrap();
    drop(tx);
    apart.close().await;
    plan
}

/// What would be settled, in a transaction that is rolled back.
async fn settle(news: &News, of: Month, settings: &Settings) -> Plan {
    let mut tx = news.db.begin().await.unwrap();
    plan::settle(&mut tx, of, settings).await.unwrap().1
}

fn as_json(plan: &Plan) -> serde_json::Value {
    serde_json::to_value(plan).unwrap()
}

each_database!(a_forecast_is_what_would_be_settled_whoever_reads);
async fn a_forecast_is_what_would_be_settled_whoever_reads(db: Db) {
    let mut news = News::start(db).await;
    let mut dice = Dice::new(20_260_303);
    let topics = [DEPRESSION, ATTACHMENT, EMPATHY, TRAINING];
    let frequencies = ["monthly", "quarterly"];
    let mut csv = "address,topics,frequency,time_zone,consent_at,consent_source\n".to_owned();
    for reader in 0..60 {
        let chosen: Vec<&str> = topics.into_iter().filter(|_| dice.below(3) == 0).collect();
        csv += &format!(
            "r{reader}@peer.test,{},{},{},2026-01-01,form\n",
            chosen.join(";"),
            frequencies[dice.below(2)],
            ["", "America/Vancouver", "Asia/Tokyo"][dice.below(3)],
        );
    }
    let (enrolled, refused) = news.enrol(&csv).await;
    assert_eq!(enrolled.added, 60, "{refused:?}");
    for of in ["2026-01", "2026-02"] {
        news.publish(&issue(of, &[&[DEPRESSION], &[ATTACHMENT, EMPATHY]]))
            .await;
        news.plan(of).await;
    }
    news.deliver_all().await;
    let mut march = issue("2026-03", &[&[EMPATHY], &[TRAINING]]);
    march
        .summaries
        .push(issue("2026-02", &[&[DEPRESSION]]).summaries.remove(0));
    news.publish(&march).await;
    let mut tx = news.db.begin().await.unwrap();
    for reader in 0..6 {
        let reader = news
            .reader_in(&mut tx, &format!("r{reader}@peer.test"))
            .await;
        let hash = &reader.address_hash;
        match dice.below(3) {
            0 => suppression::suppress(&mut tx, hash, Reason::Manual, "", news.now())
                .await
                .unwrap(),
            1 => drop(
                feedback::pause(&mut tx, &reader, 3, news.now())
                    .await
                    .unwrap(),
            ),
            _ => drop(
                feedback::unsubscribe(&mut tx, &reader, "test", news.now())
                    .await
                    .unwrap(),
            ),
        }
    }
    tx.commit().await.unwrap();
    for on_nothing in [OnNothing::Skip, OnNothing::Note, OnNothing::Pick] {
        news.settings.on_nothing = on_nothing;
        let wall = "2026-03-04T09:00:00".parse().unwrap();
        for when in [When::Now, When::OnReadersClocks(wall)] {
            let settings = terms(&news).settings(when, news.now());
            let forecast = forecast(&news, "2026-03", &settings).await;
            let settled = settle(&news, month("2026-03"), &settings).await;
            assert!(
                forecast.excluded.contains_key("already_sent"),
                "{forecast:?}"
            );
            let (mut one, mut other) = (as_json(&forecast), as_json(&settled));
            // A zone in which nobody gets anything has a time all the same.
            if when != When::Now {
                one["due"].take();
                other["due"].take();
            }
            assert_eq!(one, other);
        }
    }
    let settings = terms(&news).settings(When::Now, news.now());
    assert_eq!(
        as_json(&forecast(&news, "2026-02", &settings).await),
        as_json(&settle(&news, month("2026-02"), &settings).await),
        "what is settled is told as it was"
    );
}

each_database!(a_forecast_is_kept_until_something_changes);
async fn a_forecast_is_kept_until_something_changes(db: Db) {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    let forecasts = Forecasts::new(news.db.clone(), terms(&news), news.clock());
    let march = month("2026-03");
    let look = async || forecasts.look(march, When::Now, PATIENCE).await.unwrap();
    let first = look().await;
    assert!(first.is_current);
    let first = first.known.unwrap();
    assert_eq!(first.plan.recipients, 1);
    news.wait(chrono::Duration::minutes(5));
    assert_eq!(
        look().await.known.unwrap().made_at,
        first.made_at,
        "nothing changed"
    );

    news.subscribe("b@peer.test", &[]).await;
    let impatient = forecasts
        .look(march, When::Now, Duration::ZERO)
        .await
        .unwrap();
    assert!(
        !impatient.is_current,
        "the old count is shown as an old one"
    );
    assert_eq!(impatient.known.unwrap().plan.recipients, 1);
    let second = look().await;
    assert!(second.is_current);
    assert_eq!(second.known.unwrap().plan.recipients, 2);

    news.publish(&issue("2026-03", &[&[DEPRESSION], &[EMPATHY]]))
        .await;
    assert_eq!(
        look().await.known.unwrap().plan.variants[0].summaries.len(),
        2
    );
    let nothing = forecasts
        .look(month("2031-01"), When::Now, PATIENCE)
        .await
        .unwrap();
    assert_eq!(nothing.failed, Some(Failed::NoIssue));
}

each_database!(a_forecast_holds_up_nobody_who_writes);
async fn a_forecast_holds_up_nobody_who_writes(db: Db) {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    // Somebody writes all the while, which on SQLite nobody else can.
    let writing = news.db.begin().await.unwrap();
    let settings = terms(&news).settings(When::Now, news.now());
    assert_eq!(forecast(&news, "2026-03", &settings).await.recipients, 1);
    drop(writing);
}
