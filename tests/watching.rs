//! Watching the delivery: alarms and storms stop a campaign, and what the service says of itself is true.

use std::net::SocketAddr;

use bulletin::alarm::{self, Kind};
use bulletin::campaign::{self, Campaign, State};
use bulletin::db::{Db, Tx};
use bulletin::deliver::Until;
use bulletin::deliver::round::Claimed;
use bulletin::deliver::smtp::{Outcome, Reply};
use bulletin::standing::RelayTrouble;
use bulletin::tally;
use bulletin::web::status::{self, Status};
use chrono::Duration;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::commands::{Desk, page};
use crate::support::news::{DEPRESSION, issue, month, random};
use crate::support::{News, Peer, databases, each_database};

/// Changes the tables behind the service's back.
async fn tamper(db: &Db, sql: &str) {
    let mut tx = db.begin().await.unwrap();
    for statement in sql.split(';') {
        let statement = AssertSqlSafe(statement.to_owned());
        match &mut tx {
            Tx::Sqlite(tx) => drop(sqlx::query(statement).execute(&mut **tx).await.unwrap()),
            Tx::Postgres(tx) => drop(sqlx::query(statement).execute(&mut **tx).await.unwrap()),
        }
    }
    tx.commit().await.unwrap();
}

async fn campaign(news: &News) -> Campaign {
    let mut tx = news.db.read().await.unwrap();
    let found = campaign::of_month(&mut tx, month("2026-03")).await;
    found.unwrap().unwrap()
}

async fn resume(news: &News) {
    let id = campaign(news).await.id;
    let mut tx = news.db.begin().await.unwrap();
    assert!(
        campaign::set_state(&mut tx, id, State::Running)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
}

/// A news service with a planned campaign for so many readers, whose addresses begin with `kind`.
async fn planned(db: Db, kind: &str, readers: usize) -> News {
    let news = News::start(db).await;
    enrol(&news, kind, readers).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news
}

async fn enrol(news: &News, kind: &str, readers: usize) {
    let mut csv = "address,consent_at,consent_source\n".to_owned();
    for number in 0..readers {
        csv += &format!("{kind}{number}@peer.test,2026-01-01,form\n");
    }
    news.enrol(&csv).await;
}

/// The campaign of four readers, two of whom have their mail, after somebody changed the tables.
async fn alarm_after(db: Db, sql: &str, kind: Kind, words: &str) {
    let news = planned(db, "reader", 4).await;
    let sender = random();
    let mut tx = news.db.begin().await.unwrap();
    let claimed = news.claim(&mut tx, sender, 2).await;
    let taken = |claim: Claimed| {
        let reply = Reply::new(250, "2.0.0 taken");
        (claim.delivery, Outcome::Accepted { reply })
    };
    let settled: Vec<_> = claimed.into_iter().map(taken).collect();
    assert_eq!(news.settle(&mut tx, sender, &settled).await, 2);
    tx.commit().await.unwrap();
    alarm::first_look(&news.db, campaign(&news).await.id, &news.metrics).await;
    assert_eq!(campaign(&news).await.state, State::Running, "all is well");

    tamper(&news.db, sql).await;
    news.deliver_all().await;
    let stopped = campaign(&news).await;
    assert_eq!(stopped.state, State::Paused);
    let because = stopped.paused_because.unwrap();
    assert!(because.contains(words), "{because}");
    assert!(because.contains("campaign resume 2026-03"), "{because}");
    assert_eq!(news.peer.taken().len(), 0, "nothing goes out any more");
    let counted = format!("bulletin_alarms_total{{kind=\"{kind}\"}} 1\n");
    assert!(news.metrics.text().contains(&counted));

    resume(&news).await;
    news.deliver_all().await;
    assert_eq!(
        campaign(&news).await.state,
        State::Paused,
        "it stops again while it lasts"
    );
    assert_eq!(news.peer.taken().len(), 0);
}

each_database!(a_delivery_that_disappeared_stops_the_campaign);
async fn a_delivery_that_disappeared_stops_the_campaign(db: Db) {
    let sql =
        "DELETE FROM delivery WHERE id = (SELECT max(id) FROM delivery WHERE state = 'waiting')";
    let words = "4 deliveries were planned, and their states add up to 3";
    alarm_after(db, sql, Kind::Unbalanced, words).await;
}

each_database!(a_state_that_is_none_stops_the_campaign);
async fn a_state_that_is_none_stops_the_campaign(db: Db) {
    let sql = "UPDATE delivery SET state = 'lost' WHERE id = (SELECT max(id) FROM delivery WHERE state = 'waiting')";
    alarm_after(db, sql, Kind::Unbalanced, "add up to 3").await;
}

each_database!(an_accepted_delivery_that_would_go_out_again_stops_the_campaign);
async fn an_accepted_delivery_that_would_go_out_again_stops_the_campaign(db: Db) {
    let sql = "UPDATE delivery SET state = 'waiting', due_at = changed_at \
               WHERE id = (SELECT min(id) FROM delivery WHERE state = 'accepted')";
    let words = "2 deliveries were written down as accepted and 1 stand so";
    alarm_after(db, sql, Kind::AcceptedTwice, words).await;
}

each_database!(more_mails_than_readers_stop_the_campaign);
async fn more_mails_than_readers_stop_the_campaign(db: Db) {
    let sql = "UPDATE tally SET accepted = 5";
    alarm_after(
        db,
        sql,
        Kind::MoreMailsThanReaders,
        "5 were accepted, and 4 were planned",
    )
    .await;
}

each_database!(two_deliveries_to_one_reader_stop_the_campaign);
async fn two_deliveries_to_one_reader_stop_the_campaign(db: Db) {
    // The same reader in two rows, which a constraint forbids; so the tables are made anew without it.
    let one_reader = "UPDATE delivery SET subscriber_id = (SELECT max(CAST(subscriber_id AS text)) FROM delivery)";
    let sql = match &db {
        Db::Sqlite { .. } => format!(
            "CREATE TABLE copy AS SELECT * FROM delivery; DROP TABLE delivery; ALTER TABLE copy RENAME TO delivery; {}",
            one_reader.replace("max(CAST(subscriber_id AS text))", "max(subscriber_id)")
        ),
        Db::Postgres(_) => format!(
            "ALTER TABLE delivery DROP CONSTRAINT delivery_campaign_id_subscriber_id_letter_key; {}",
            one_reader.replace(
                "max(CAST(subscriber_id AS text))",
                "CAST(max(CAST(subscriber_id AS text)) AS uuid)"
            )
        ),
    };
    alarm_after(
        db,
        &sql,
        Kind::ReaderTwice,
        "1 or more have several deliveries",
    )
    .await;
}

each_database!(two_subscriptions_of_one_address_stop_the_campaign);
async fn two_subscriptions_of_one_address_stop_the_campaign(db: Db) {
    let one_address =
        "UPDATE subscriber SET address_hash = (SELECT min(address_hash) FROM subscriber)";
    let sql = match &db {
        Db::Sqlite { .. } => format!(
            "PRAGMA defer_foreign_keys = on; CREATE TABLE copy AS SELECT * FROM subscriber; \
             ALTER TABLE subscriber RENAME TO old; CREATE UNIQUE INDEX copy_id ON copy (id); \
             ALTER TABLE copy RENAME TO subscriber; {one_address}"
        ),
        Db::Postgres(_) => "ALTER TABLE subscriber DROP CONSTRAINT subscriber_address_hash_key; \
             UPDATE subscriber SET address_hash = decode('00', 'hex')"
            .to_owned(),
    };
    alarm_after(
        db,
        &sql,
        Kind::ReaderTwice,
        "1 or more have several deliveries",
    )
    .await;
}

each_database!(a_storm_of_refusals_pauses_the_campaign_and_a_person_lets_it_go_on);
async fn a_storm_of_refusals_pauses_the_campaign_and_a_person_lets_it_go_on(db: Db) {
    let news = planned(db, "550.gone", 80).await;
    news.deliver_all().await;
    let stopped = campaign(&news).await;
    assert_eq!(stopped.state, State::Paused);
    let because = stopped.paused_because.unwrap();
    assert!(
        because.contains("a storm of refusals: 2")
            && because.contains("`bulletin campaign resume 2026-03`"),
        "{because}"
    );
    let account = news.account().await;
    // What the three connections hold when the 26th refusal is written down still goes its way.
    assert!((26..=29).contains(&account.bounced), "{account:?}");
    assert_eq!(account.waiting, 80 - account.bounced);
    let id = stopped.id;
    let mut tx = news.db.begin().await.unwrap();
    assert!(
        campaign::set_state(&mut tx, id, State::Paused)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert!(
        campaign(&news).await.paused_because.is_some(),
        "a pause on top keeps the reason"
    );
    resume(&news).await;
    assert_eq!(campaign(&news).await.paused_because, None);
    news.deliver_all().await;
    assert_eq!(
        news.account().await.bounced,
        80,
        "it does not pause for the same storm again"
    );
}

each_database!(a_storm_pauses_nothing_where_the_operator_does_not_want_it);
async fn a_storm_pauses_nothing_where_the_operator_does_not_want_it(db: Db) {
    let news = planned(db, "550.gone", 40).await;
    let mut sender = news.sender();
    sender.pause_on_bounces = false;
    sender
        .run(random(), Until::NothingDue, CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(news.account().await.bounced, 40);
}

/// Adds to what the campaign's senders have written down.
async fn ended(news: &News, accepted: i64, bounced: i64, refused: i64) {
    let (id, now) = (campaign(news).await.id, news.now().to_rfc3339());
    let sql = format!(
        "INSERT INTO tally (campaign_id, sender, accepted, bounced, refused, first_at, last_at) \
         VALUES ({id}, 7, {accepted}, {bounced}, {refused}, '{now}', '{now}') \
         ON CONFLICT (campaign_id, sender) DO UPDATE SET accepted = tally.accepted + excluded.accepted, \
         bounced = tally.bounced + excluded.bounced, refused = tally.refused + excluded.refused"
    );
    tamper(&news.db, &sql).await;
}

each_database!(mails_given_up_at_their_lifes_end_are_no_storm);
async fn mails_given_up_at_their_lifes_end_are_no_storm(db: Db) {
    let news = planned(db, "reader", 1).await;
    let id = campaign(&news).await.id;
    ended(&news, 0, 100, 0).await;
    let left = alarm::watch_for_storm(&news.db, id, &news.metrics).await;
    assert_eq!(left.unwrap(), Some(10));
}

each_database!(after_a_storm_only_one_twice_as_bad_pauses_again);
async fn after_a_storm_only_one_twice_as_bad_pauses_again(db: Db) {
    let news = planned(db, "reader", 1).await;
    let id = campaign(&news).await.id;
    let left_after = async |accepted: i64, refused: i64| {
        ended(&news, accepted, refused, refused).await;
        let left = alarm::watch_for_storm(&news.db, id, &news.metrics).await;
        left.unwrap()
    };
    let two_in_a_hundred = left_after(980, 20).await;
    assert_eq!(two_in_a_hundred, Some(0), "no storm, and near to one");
    assert_eq!(left_after(0, 20).await, None, "more than that are");
    let because = campaign(&news).await.paused_because.unwrap();
    assert!(because.contains("40 of 1020 mails"), "{because}");
    resume(&news).await;
    assert_eq!(left_after(93, 7).await, Some(3));
    let less_than_twice_the_share = left_after(1000, 60).await;
    assert_eq!(less_than_twice_the_share, Some(23));
    assert_eq!(left_after(0, 40).await, None, "and not at more");
    let mut tx = news.db.read().await.unwrap();
    let totals = tally::totals(&mut tx, id).await.unwrap();
    assert_eq!((totals.accepted, totals.refused), (2073, 147));
}

each_database!(what_stood_before_the_books_were_kept_is_in_them);
/// The migration, over rows as the version before had them.
async fn what_stood_before_the_books_were_kept_is_in_them(db: Db) {
    let news = planned(db, "reader", 3).await;
    news.deliver_all().await;
    let undo = "DROP TABLE tally; DROP TABLE probe; DROP INDEX delivery_open; \
        ALTER TABLE campaign DROP COLUMN planned; ALTER TABLE campaign DROP COLUMN paused_because; \
        ALTER TABLE campaign DROP COLUMN forgiven_ended; ALTER TABLE campaign DROP COLUMN forgiven_refused";
    let refused = "UPDATE delivery SET state = 'bounced', reply = '550 5.1.1 Gone' \
        WHERE id = (SELECT max(id) FROM delivery)";
    let text = match &news.db {
        Db::Sqlite { .. } => include_str!("../migrations/sqlite/0005_watching.sql"),
        Db::Postgres(_) => include_str!("../migrations/postgres/0005_watching.sql"),
    };
    let bare: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect();
    let again = bare.join("\n");
    tamper(
        &news.db,
        &format!("{undo};{refused};{}", again.trim().trim_end_matches(';')),
    )
    .await;
    let account = news.account().await;
    assert_eq!(
        (account.planned, account.accepted, account.bounced),
        (3, 2, 1)
    );
    let id = campaign(&news).await.id;
    let mut tx = news.db.read().await.unwrap();
    let totals = tally::totals(&mut tx, id).await.unwrap();
    assert_eq!((totals.accepted, totals.bounced, totals.refused), (2, 1, 1));
    assert_eq!(alarm::check(&mut tx, id).await.unwrap(), None);
}

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
