//! Sending over the API: from a month that is put in to one that went out, once.

use std::collections::BTreeSet;
use std::sync::Arc;

use bulletin::config::OnUnknown;
use bulletin::db::Db;
use bulletin::plan::Terms;
use bulletin::sending::orders::Orders;
use bulletin::token::Scope;
use chrono::Duration;
use serde_json::{Value, json};

use crate::support::news::{DEPRESSION, EMPATHY, issue};
use crate::support::program::Program;
use crate::support::{News, each_database};

/// What settles orders beside the site.
async fn settle(news: &News) {
    let orders = Orders {
        db: news.db.clone(),
        terms: Terms {
            on_nothing: news.settings.on_nothing,
            on_unknown: OnUnknown::Retry,
            undo: Duration::seconds(10),
            zone: chrono_tz::UTC,
        },
        clock: news.clock(),
        placed: Arc::default(),
    };
    orders.settle().await.unwrap();
}

each_database!(a_month_is_written_sent_watched_and_held_up_over_the_api);
async fn a_month_is_written_sent_watched_and_held_up_over_the_api(db: Db) {
    let news = News::start(db).await;
    let program = Program::start(&news, Scope::ALL).await;
    let given = json!({"teaser": "This month", "summaries": [
        {"title": "Empathy helps", "summary": ["It does."], "implications": ["Listen."], "topics": [EMPATHY]},
        {"title": "Sadness passes", "citation": null, "summary": ["It does, too."], "topics": [DEPRESSION]},
    ]});
    let path = "/issues/2026-03";
    let changes = program.done("PUT", path, given.clone()).await;
    assert!(changes.as_array().unwrap().len() >= 3, "{changes}");
    assert_eq!(
        program.done("PUT", path, given).await,
        json!([]),
        "the same again changes nothing"
    );
    let shown = program.done("GET", path, Value::Null).await;
    assert_eq!(shown["summaries"][1]["topics"], json!([DEPRESSION]));
    let markdown = program.ask("GET", "/issues/2026-03/markdown", "", "").await;
    let back = program
        .ask(
            "PUT",
            path,
            "Content-Type: text/markdown\r\n",
            &markdown.body,
        )
        .await;
    assert_eq!(
        (back.status, &*back.body),
        (200, "[]"),
        "what is taken out can be put in again"
    );
    program
        .done("POST", "/issues/2026-03/confirm", Value::Null)
        .await;
    program
        .done(
            "PUT",
            "/issues/2026-02",
            json!({"summaries": [{"title": "Old", "summary": ["x"]}]}),
        )
        .await;
    let first = program.ask("GET", "/issues?limit=1", "", "").await;
    assert!(
        first.body.contains("2026-03") && !first.body.contains("2026-02"),
        "{}",
        first.body
    );
    assert!(
        first
            .header
            .contains("link: </api/v1/issues?limit=1&after=2026-03>; rel=\"next\""),
        "{}",
        first.header
    );
    let rest = program
        .ask("GET", "/issues?limit=1&after=2026-03", "", "")
        .await;
    assert!(rest.body.contains("2026-02") && !rest.header.contains("\r\nlink: "));
    news.subscribe("ann@peer.test", &[EMPATHY]).await;
    news.subscribe("bob@peer.test", &[]).await;
    program.done("GET", "/topics", Value::Null).await;
    let plan = program
        .done("GET", "/issues/2026-03/plan", Value::Null)
        .await;
    assert_eq!(plan["recipients"], 2);

    let send = json!({"fingerprint": plan["fingerprint"]});
    let header = "Content-Type: application/json\r\nIdempotency-Key: march-of-2026\r\n";
    let stale = json!({"fingerprint": "0123456789abcdef"}).to_string();
    let refused = program
        .ask("POST", "/issues/2026-03/send", header, &stale)
        .await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    let sent = program
        .ask("POST", "/issues/2026-03/send", header, &send.to_string())
        .await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    let order = program
        .done("GET", "/issues/2026-03/order", Value::Null)
        .await;
    assert_eq!(order["state"], "placed");
    settle(&news).await;
    let status = program.done("GET", "/campaigns/2026-03", Value::Null).await;
    assert_eq!(
        (&status["planned"], &status["waiting"]),
        (&json!(2), &json!(2))
    );
    for (act, state) in [
        ("pause", "paused"),
        ("pause", "paused"),
        ("resume", "running"),
    ] {
        let status = program
            .done("POST", &format!("/campaigns/2026-03/{act}"), Value::Null)
            .await;
        assert_eq!(status["state"], state, "{act}");
    }
    let back = program
        .done("DELETE", "/issues/2026-03/order", Value::Null)
        .await;
    assert_eq!(back["state"], "recalled", "nothing of it went out yet");
    settle(&news).await;
    let (status, _) = program.call("GET", "/campaigns/2026-03", Value::Null).await;
    assert_eq!(status, 404, "it was undone");
    let again = header.replace("march", "March");
    let sent = program
        .ask("POST", "/issues/2026-03/send", &again, &send.to_string())
        .await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    settle(&news).await;
    news.wait(Duration::seconds(11));
    news.deliver_all().await;
    let status = program.done("GET", "/campaigns/2026-03", Value::Null).await;
    assert_eq!(
        (&status["state"], &status["accepted"]),
        (&json!("finished"), &json!(2))
    );
    program
        .done("POST", "/campaigns/2026-03/cancel", Value::Null)
        .await;
    let (status, _) = program
        .call("POST", "/campaigns/2026-03/resume", Value::Null)
        .await;
    assert_eq!(status, 409, "cancelled is for good");
    assert_eq!(
        program.done("GET", "/campaigns", Value::Null).await[0]["state"],
        "cancelled"
    );
}

each_database!(fifty_orders_at_once_send_once);
async fn fifty_orders_at_once_send_once(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[EMPATHY]).await;
    news.publish(&issue("2026-03", &[&[EMPATHY]])).await;
    let scopes = [Scope::CampaignsRead, Scope::CampaignsSend];
    let program = Program::start(&news, &scopes).await;
    let plan = program
        .done("GET", "/issues/2026-03/plan", Value::Null)
        .await;
    let body = json!({"fingerprint": plan["fingerprint"]}).to_string();
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..50 {
        let (program, body) = (program.clone(), body.clone());
        calls.spawn(async move {
            let key = match number % 2 {
                0 => "the-same-key".to_owned(),
                _ => format!("another-key-{number}"),
            };
            let header = format!("Content-Type: application/json\r\nIdempotency-Key: {key}\r\n");
            let answer = program
                .ask("POST", "/issues/2026-03/send", &header, &body)
                .await;
            let json: Value = serde_json::from_str(&answer.body).unwrap();
            (answer.status, json["id"].as_str().map(str::to_owned))
        });
    }
    let answers = calls.join_all().await;
    let ids: BTreeSet<_> = answers.iter().filter_map(|(_, id)| id.clone()).collect();
    assert_eq!(ids.len(), 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|(status, _)| matches!(status, 202 | 409)),
        "{answers:?}"
    );
    settle(&news).await;
    settle(&news).await;
    news.wait(Duration::seconds(11));
    news.deliver_all().await;
    assert_eq!(news.account().await.accepted, 1);
    assert_eq!(news.peer.taken().len(), 1);
}
