//! What is written down of the operator's own people: who looked at readers, and what went wrong with readers' data.

use std::io::Write;
use std::process::Stdio;

use bulletin::db::{Db, Tx};
use bulletin::incident::{self, Added, Kind, New};
use bulletin::record::{self, Shown, What};
use serde_json::Value;

use crate::support::desk::{Desk, page};
use crate::support::{News, databases, each_database};

async fn refuses(news: &News, statement: &'static str) {
    let done = match news.db.begin().await.unwrap() {
        Tx::Sqlite(mut tx) => sqlx::query(statement).execute(&mut *tx).await.map(drop),
        Tx::Postgres(mut tx) => sqlx::query(statement).execute(&mut *tx).await.map(drop),
    };
    let error = done.expect_err(statement).to_string();
    assert!(error.contains("append-only"), "{statement}: {error}");
}

each_database!(the_record_of_readings_can_only_grow_and_loses_only_the_id_of_who_is_erased);
async fn the_record_of_readings_can_only_grow_and_loses_only_the_id_of_who_is_erased(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[]).await;
    let ann = news.reader("ann@peer.test").await;
    let mut tx = news.db.begin().await.unwrap();
    for (what, subscriber) in [(What::Subscribers, None), (What::Subscriber, Some(ann.id))] {
        let shown = Shown {
            who: "desk of Dora",
            what,
            subscriber,
            readers: 1,
        };
        record::note(&mut tx, &shown, news.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    for statement in [
        "DELETE FROM reading",
        "UPDATE reading SET who = 'nobody'",
        "UPDATE reading SET readers = 0, subscriber_id = NULL",
        "UPDATE reading SET subscriber_id = (SELECT id FROM subscriber) WHERE subscriber_id IS NULL",
    ] {
        refuses(&news, statement).await;
    }
    let mut tx = news.db.begin().await.unwrap();
    let of_ann = record::newest(&mut tx, Some(ann.id), 10).await.unwrap();
    assert_eq!(of_ann.len(), 1);
    assert_eq!(of_ann, record::of_reader(&mut tx, ann.id).await.unwrap());
    bulletin::feedback::erase(&mut tx, &ann, news.now())
        .await
        .unwrap();
    let left = record::newest(&mut tx, None, 10).await.unwrap();
    let left: Vec<_> = left
        .iter()
        .map(|one| (one.what, one.who.as_str(), one.subscriber_id))
        .collect();
    let who = "desk of Dora";
    assert_eq!(
        left,
        [
            (What::Subscriber, who, None),
            (What::Subscribers, who, None)
        ]
    );
}

each_database!(the_register_of_incidents_can_only_grow);
async fn the_register_of_incidents_can_only_grow(db: Db) {
    let news = News::start(db).await;
    let now = news.now();
    let new = New {
        what: "a list was mailed to ann@peer.test",
        happened: "on 2 March",
        noticed_at: now,
        concerned: "readers of March: addresses",
        readers: 12,
        risk: "low: it was deleted",
        who: "dora",
    };
    let mut tx = news.db.begin().await.unwrap();
    let number = incident::add(&mut tx, &new, now).await.unwrap();
    let account = incident::by_id(&mut tx, number).await.unwrap().unwrap();
    assert_eq!(account.incident.what, "a list was mailed to (address)");
    assert_eq!(account.tell_by(), Some(now + incident::TELL_WITHIN));
    let mut append = async |number, kind, words| {
        let added = Added {
            kind,
            at: now,
            words,
            who: "dora",
        };
        incident::append(&mut tx, number, &added, now)
            .await
            .unwrap()
    };
    assert!(append(number, Kind::Told, "the authority, by its form").await);
    assert!(append(number, Kind::Closed, "the export asks twice now").await);
    assert!(!append(number + 1, Kind::Note, "nothing").await);
    tx.commit().await.unwrap();
    for statement in [
        "DELETE FROM incident_line",
        "DELETE FROM incident",
        "UPDATE incident SET risk = 'none'",
        "UPDATE incident_line SET words = ''",
    ] {
        refuses(&news, statement).await;
    }
    let accounts = incident::list(&mut news.db.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!((accounts.len(), accounts[0].lines.len()), (1, 2));
    assert!(!accounts[0].is_open());
    assert_eq!(accounts[0].tell_by(), None);
}

const READERS: &str = "address,consent_at,consent_source\nann@peer.test,2026-01-01,form\nben@peer.test,2026-01-01,form\n";

fn receive(desk: &Desk, mail: &[u8]) {
    let mut command = desk.command(&["bounce", "receive"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(mail).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Each command that shows something of readers, and what the record says of it.
fn readings_by_commands(database: Option<String>) {
    let desk = Desk::new(database, "smtp://127.0.0.1:1");
    let file = desk.write("readers.csv", READERS);
    desk.json(&["subscriber", "import", &file]);
    assert_eq!(desk.json(&["record", "list"]), Value::Array(Vec::new()));
    let ann = desk.json(&["subscriber", "show", "ann@peer.test"])["id"].clone();
    desk.run(&["subscriber", "show", "nobody@peer.test"]);
    desk.run(&["subscriber", "export"]);
    desk.json(&["suppression", "add", "ben@peer.test"]);
    desk.json(&["suppression", "list"]);
    desk.run(&["suppression", "export"]);
    desk.json(&["bounce", "kept", "list"]);
    desk.run(&["bounce", "kept", "show", "1"]);
    receive(
        &desk,
        b"From: <ann@peer.test>\nSubject: hello\n\nMay I ask something?\n",
    );
    assert!(desk.run(&["bounce", "kept", "show", "1"]).status.success());
    let months = desk.json(&["import", &page()]);
    let month = months["files"][0]["issues"][0].as_str().unwrap();
    desk.run(&["preview", month, "--as", "ann@peer.test"]);
    let told = desk.json(&["record", "list"]);
    let told: Vec<_> = told.as_array().unwrap().iter().rev().collect();
    let told: Vec<_> = told
        .iter()
        .map(|one| {
            (
                one["what"].as_str().unwrap(),
                one["readers"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("subscriber", 1),
            ("subscriber", 0),
            ("subscribers", 2),
            ("suppressions", 1),
            ("suppressions", 1),
            ("kept_mails", 0),
            ("kept_mail", 1),
            ("preview", 1),
        ]
    );
    let of_ann = desk.json(&["record", "list", "--subscriber", ann.as_str().unwrap()]);
    let of_ann: Vec<_> = of_ann
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["what"].clone())
        .collect();
    assert_eq!(of_ann, ["preview", "kept_mail", "subscriber"]);
    let words = desk.run(&["record", "list"]).stdout;
    let words = String::from_utf8(words).unwrap();
    assert!(words.contains("subscribers") && words.contains("2 readers"));
    assert!(words.contains(" on the host"), "{words}");
    assert!(!words.contains("peer.test"), "{words}");
}

#[test]
fn every_command_that_shows_readers_is_written_down_on_sqlite() {
    readings_by_commands(None);
}

#[test]
fn every_command_that_shows_readers_is_written_down_on_postgres() {
    if let Some(url) = databases::new_postgres_url() {
        readings_by_commands(Some(url));
    }
}

#[test]
fn an_incident_is_written_down_and_closed_by_commands() {
    let desk = Desk::new(None, "smtp://127.0.0.1:1");
    let add = [
        "incident",
        "add",
        "--what",
        "a backup lay open",
        "--happened",
        "between 1 and 3 March 2026",
        "--noticed",
        "2026-03-03",
        "--concerned",
        "all readers: addresses and topics",
        "--readers",
        "40",
        "--risk",
        "topics are delicate; nobody fetched it",
    ];
    let added = desk.json(&add);
    assert_eq!(added["number"], 1);
    assert_eq!(added["tell_by"], "2026-03-06T00:00:00Z");
    let told = [
        "incident",
        "told",
        "1",
        "--words",
        "the commissioner",
        "--at",
        "2026-03-04",
    ];
    desk.json(&told);
    desk.json(&["incident", "risk", "1", "--words", "low after all"]);
    desk.json(&["incident", "note", "1", "--words", "the folder is closed"]);
    desk.json(&["incident", "close", "1", "--words", "nothing more to do"]);
    let shown = desk.json(&["incident", "show", "1"]);
    let kinds = shown["lines"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["told", "risk", "note", "closed"]);
    assert_eq!(shown["concerned"], "all readers: addresses and topics");
    for arguments in [&["incident", "list"][..], &["incident", "show", "1"]] {
        let words = String::from_utf8(desk.run(arguments).stdout).unwrap();
        assert!(words.contains("a backup lay open"), "{words}");
    }
    for refused in [
        &["incident", "show", "2"][..],
        &["incident", "close", "2", "--words", "x"],
        &["incident", "note", "1", "--words", " "],
        &[
            "incident",
            "note",
            "1",
            "--words",
            "x",
            "--at",
            "2999-01-01",
        ],
    ] {
        assert!(!desk.run(refused).status.success(), "{refused:?}");
    }
}
