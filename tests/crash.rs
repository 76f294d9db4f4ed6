//! Killed in the middle of a send: nothing is lost, and at most one mail for each connection comes twice.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use bulletin::db::Db;

use crate::support::desk::{Desk, page};
use crate::support::{Peer, databases};

const READERS: usize = 600;
const CONNECTIONS: usize = 4;

/// Waits until the relay has so many, as long as the sender lives.
fn wait_for(peer: &Peer, enough: usize, sender: &mut Child) {
    let began = Instant::now();
    while peer.taken().len() < enough && sender.try_wait().unwrap().is_none() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "the sender sends nothing"
        );
        std::thread::yield_now();
    }
}

fn killed_again_and_again(database: &str, peer: &Peer) {
    let desk = Desk::new(
        Some(database.to_owned()),
        &format!("smtp://{}", peer.address),
    )
    .with("SMTP_CONNECTIONS", &CONNECTIONS.to_string());
    let mut csv = "address,consent_at,consent_source\n".to_owned();
    for number in 0..READERS {
        csv.push_str(&format!("r{number}@peer.test,2020-01-01,form\n"));
    }
    desk.write("readers.csv", &csv);
    desk.done(&["import", &page()]);
    desk.done(&["subscriber", "import", "readers.csv"]);
    let mut kills = 0;
    for enough in [20, 150, 310, 480] {
        let mut sender = desk
            .command(&["send", "2022-11", "--wait"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(peer, enough, &mut sender);
        sender.kill().unwrap();
        sender.wait().unwrap();
        kills += 1;
    }
    let account = desk.json(&["send", "2022-11", "--wait"]);
    assert_eq!(account["accepted"], READERS, "{account}");
    let times = peer.times_taken();
    assert_eq!(times.len(), READERS, "nobody is left out");
    let repeats: usize = times.values().map(|times| times - 1).sum();
    assert!(
        repeats <= kills * CONNECTIONS,
        "{repeats} repeats after {kills} kills"
    );
    let mut ids = std::collections::HashMap::new();
    for received in peer.taken() {
        let message = String::from_utf8(received.message).unwrap();
        let id = message
            .lines()
            .find(|line| line.starts_with("Message-ID"))
            .unwrap()
            .to_owned();
        assert_eq!(
            *ids.entry(received.recipients[0].clone())
                .or_insert_with(|| id.clone()),
            id,
            "a repeat is the same message"
        );
    }
    println!("{repeats} repeats after {kills} kills with {CONNECTIONS} connections");
}

/// In WAL mode SQLite flushes its log at each commit only when synchronous is FULL (2): without that, a power cut takes what was
/// committed last. Whoever commits outcomes does it through these handles.
#[tokio::test]
async fn sqlite_flushes_at_every_commit_whichever_the_connection() {
    let database = databases::sqlite().await;
    let Db::Sqlite { read, write, .. } = &database.db else {
        panic!("a file")
    };
    for pool in [read, write] {
        let flushes: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(pool)
            .await
            .unwrap();
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(pool)
            .await
            .unwrap();
        assert_eq!((flushes, journal.as_str()), (2, "wal"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sender_loses_nothing_on_sqlite() {
    let database = databases::sqlite().await;
    let peer = Peer::start().await;
    tokio::task::block_in_place(|| killed_again_and_again(&database.url, &peer));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sender_loses_nothing_on_postgres() {
    let Some(database) = databases::postgres().await else {
        return;
    };
    let peer = Peer::start().await;
    tokio::task::block_in_place(|| killed_again_and_again(&database.url, &peer));
}
