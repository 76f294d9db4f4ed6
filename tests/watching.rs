//! Watching the delivery: what the service says of itself is true.

use std::net::SocketAddr;

use bulletin::db::Db;
use bulletin::deliver::Until;
use bulletin::standing::RelayTrouble;
use bulletin::web::status::{self, Status};
use chrono::Duration;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::alarms::{planned, tamper};
use crate::support::desk::{Desk, page};
use crate::support::news::{DEPRESSION, issue, random};
use crate::support::{News, Peer, databases, each_database};

/// Asks over real HTTP; status, header and body.
async fn ask(at: SocketAddr, path: &str, header: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (header, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        header[9..12].parse().unwrap(),
        header.to_lowercase(),
        body.to_owned(),
    )
}

fn status_of(news: &News) -> Status {
    Status::new(
        news.db.clone(),
        news.clock(),
        news.standing.clone(),
        news.metrics.clone(),
    )
}

async fn tell(news: &News) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let told = status::routes(status_of(news));
    tokio::spawn(async move { axum::serve(listener, told).await });
    at
}

each_database!(metrics_tell_what_was_sent_and_name_nobody);
async fn metrics_tell_what_was_sent_and_name_nobody(db: Db) {
    let news = News::start(db).await;
    for number in 0..30 {
        news.subscribe(&format!("reader{number}@many.test"), &[])
            .await;
    }
    news.subscribe("alone@few.test", &[]).await;
    news.subscribe("452.full@few.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let at = tell(&news).await;
    let (code, header, before) = ask(at, "/metrics", "").await;
    assert_eq!(code, 200);
    assert!(header.contains("content-type: application/openmetrics-text; version=1.0.0"));
    assert!(
        before.contains("bulletin_queue_deliveries{state=\"waiting\"} 32\n"),
        "{before}"
    );
    news.deliver_all().await;
    news.wait(Duration::minutes(30));
    let text = loop {
        let (_, _, text) = ask(at, "/metrics", "").await;
        if text.contains("bulletin_queue_deliveries{state=\"deferred\"} 1\n") {
            break text;
        }
    };
    for line in [
        "bulletin_deliveries_total{state=\"accepted\"} 31",
        "bulletin_deliveries_total{state=\"deferred\"} 1",
        "bulletin_domain_outcomes_total{domain=\"many.test\",state=\"accepted\"} 20",
        "bulletin_domain_outcomes_total{domain=\"other\",state=\"accepted\"} 11",
        "bulletin_attempt_seconds_count 32",
        "bulletin_connections_open 0",
        "bulletin_connections_busy 0",
        "bulletin_queue_deliveries{state=\"waiting\"} 0",
        "bulletin_campaigns{state=\"running\"} 1",
        "bulletin_connect_failures_total 0",
        "bulletin_alarms_total{kind=\"storm_of_refusals\"} 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in {text}");
    }
    let age = text
        .lines()
        .find_map(|line| line.strip_prefix("bulletin_oldest_due_age_seconds "));
    assert!(
        (1000.0..1800.0).contains(&age.unwrap().parse::<f64>().unwrap()),
        "{age:?}"
    );
    assert!(!text.contains('@') && !text.contains("few.test"), "{text}");
    let helped = |name: &&str| text.contains(&format!("# HELP {name} "));
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    assert!(
        names
            .iter()
            .map(|line| line.split(' ').next().unwrap())
            .all(|name| helped(&name))
    );
}

each_database!(metrics_beside_the_pages_are_for_this_machine_alone);
async fn metrics_beside_the_pages_are_for_this_machine_alone(db: Db) {
    let news = News::start(db).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let pages = status::public_routes(status_of(&news));
    let unnamed = pages.clone();
    let pages = pages.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, pages).await });
    assert_eq!(ask(at, "/metrics", "").await.0, 200);
    for header in [
        "X-Forwarded-For: 192.0.2.1\r\n",
        "forwarded: for=192.0.2.1\r\n",
    ] {
        assert_eq!(ask(at, "/metrics", header).await.0, 404, "{header}");
        assert_eq!(ask(at, "/health", header).await.0, 200);
        assert_eq!(ask(at, "/ready", header).await.0, 200);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, unnamed).await });
    assert_eq!(
        ask(at, "/metrics", "").await.0,
        404,
        "whose peer is unknown"
    );
}

each_database!(ready_says_what_keeps_us_from_sending);
async fn ready_says_what_keeps_us_from_sending(db: Db) {
    let news = News::start(db).await;
    let at = tell(&news).await;
    assert_eq!(ask(at, "/ready", "").await.0, 200);
    news.standing.relay(Some(RelayTrouble::Away));
    news.standing.hold(Some("paused: this database is a copy"));
    let (code, _, words) = ask(at, "/ready", "").await;
    assert_eq!(code, 503);
    assert!(
        words.contains("the relay cannot be reached") && words.contains("a copy"),
        "{words}"
    );
    assert_eq!(
        ask(at, "/health", "").await.0,
        200,
        "a supervisor must not kill us for that"
    );
    news.standing.relay(None);
    news.standing.hold(None);
    drop(news.standing.task("the scheduler"));
    assert_eq!(ask(at, "/ready", "").await.0, 200);
    let (code, _, words) = ask(at, "/health", "").await;
    assert!(code == 503 && words.contains("the scheduler"), "{words}");
    let elsewhere = tell(&news).await;
    news.db.close().await;
    let (code, _, words) = ask(elsewhere, "/ready", "").await;
    assert!(
        code == 503 && words.contains("the database cannot be written to"),
        "{words}"
    );
    assert_eq!(
        ask(elsewhere, "/metrics", "").await.0,
        200,
        "the counters are there all the same"
    );
}

each_database!(a_database_that_cannot_commit_is_said_and_sending_goes_on_by_itself);
async fn a_database_that_cannot_commit_is_said_and_sending_goes_on_by_itself(db: Db) {
    let news = planned(db, "reader", 5).await;
    let at = tell(&news).await;
    tamper(&news.db, "ALTER TABLE suppression RENAME TO elsewhere").await;
    let stop = CancellationToken::new();
    let sending = tokio::spawn(news.sender().run(random(), Until::Stopped, stop.clone()));
    let words = loop {
        let (code, _, words) = ask(at, "/ready", "").await;
        if code == 503 {
            break words;
        }
    };
    assert!(
        words.contains("cannot commit; sending waits and goes on by itself"),
        "{words}"
    );
    assert_eq!(news.peer.taken().len(), 0);
    tamper(&news.db, "ALTER TABLE elsewhere RENAME TO suppression").await;
    while news.peer.taken().len() < 5 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(at, "/ready", "").await.0, 200);
    stop.cancel();
    sending.await.unwrap().unwrap();
    assert!(
        news.metrics
            .text()
            .contains("bulletin_waits_seconds_total{reason=\"database\"}")
    );
}

each_database!(a_relay_that_is_away_is_said_until_it_is_back);
async fn a_relay_that_is_away_is_said_until_it_is_back(db: Db) {
    let mut news = planned(db, "reader", 3).await;
    let there = std::mem::replace(&mut news.peer.address, "127.0.0.1:1".parse().unwrap());
    assert!(news.try_deliver_all().await.is_err());
    let troubles = news.standing.keeps_from_sending();
    assert!(
        troubles[0].contains("the relay cannot be reached"),
        "{troubles:?}"
    );
    news.peer.address = there;
    news.deliver_all().await;
    assert!(news.standing.keeps_from_sending().is_empty());
    let refusing = std::mem::replace(&mut news.peer, Peer::that_wants_a_password().await);
    drop(refusing);
    news.publish(&issue("2026-04", &[&[DEPRESSION]])).await;
    news.plan("2026-04").await;
    assert!(news.try_deliver_all().await.is_err());
    let troubles = news.standing.keeps_from_sending();
    assert!(troubles[0].contains("the relay refuses us"), "{troubles:?}");
}

/// A desk whose readers' addresses begin with `kind`.
fn desk(database: Option<String>, relay: &str, kind: &str, readers: usize) -> Desk {
    let desk = Desk::new(database, relay);
    desk.run(&["import", &page()]);
    let mut csv = "address,consent_at,consent_source\n".to_owned();
    for number in 0..readers {
        csv += &format!("{kind}{number}@peer.test,2020-01-01,form\n");
    }
    desk.write("readers.csv", &csv);
    assert!(
        desk.run(&["subscriber", "import", "readers.csv"])
            .status
            .success()
    );
    desk
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_that_an_alarm_paused_fails_and_says_why() {
    let peer = Peer::start().await;
    let desk = desk(None, &format!("smtp://{}", peer.address), "550.gone", 60);
    let output = desk.run(&["send", "2022-11", "--wait"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("2022-11 is paused: a storm of refusals"),
        "{error}"
    );
    let shown = String::from_utf8(desk.run(&["campaign", "status", "2022-11"]).stdout).unwrap();
    assert!(
        shown.contains("(paused)") && shown.contains("Paused by itself: a storm of"),
        "{shown}"
    );
    assert!(
        shown.contains("a second, from the first to the last"),
        "{shown}"
    );
    let listed = desk.json(&["campaign", "list"]);
    assert!(
        listed[0]["paused_because"]
            .as_str()
            .unwrap()
            .contains("campaign resume 2022-11")
    );
    assert!(listed[0]["per_second"].as_f64().unwrap() > 0.0);
    assert_eq!(
        desk.json(&["campaign", "resume", "2022-11"])["state"],
        "running"
    );
    let account = desk.json(&["send", "2022-11", "--wait"]);
    assert_eq!(account["bounced"], 60, "{account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_line_has_an_address_whatever_the_relay_says() {
    no_address_in_the_log(None).await;
    if let Some(url) = databases::new_postgres_url() {
        no_address_in_the_log(Some(url)).await;
    }
}

async fn no_address_in_the_log(database: Option<String>) {
    let peer = Peer::start().await;
    let relay = format!("smtp://{}", peer.address);
    let desk = desk(database, &relay, "quoted.canary", 12);
    let output = desk
        .command(&[
            "send",
            "2022-11",
            "--wait",
            "--json",
            "--log-format",
            "json",
        ])
        .env("RUST_LOG", "debug")
        .output()
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let offered: Vec<&Value> = lines
        .iter()
        .filter(|line| line["message"] == "offered")
        .collect();
    assert_eq!(offered.len(), 12, "{log}");
    for line in offered {
        assert!(
            line["delivery"].is_i64() && line["milliseconds"].is_u64(),
            "{line}"
        );
        let fields = ["campaign", "outcome", "code"].map(|field| line[field].as_str().unwrap());
        assert_eq!(fields, ["2022-11", "bounced", "550 5.1.1"], "{line}");
        assert!(line["domain"] == "other" || line["domain"] == "peer.test");
    }
    for canary in ["canary", "quoted.", "@"] {
        assert!(!log.contains(canary), "{canary} in {log}");
    }
}
