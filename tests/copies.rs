//! Copies of a database, and senders that fall again and again: nothing is sent that a person would not want.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bulletin::db::Db;
use bulletin::instance::{self, InstanceError, Standing};
use bulletin::start;
use chrono::{DateTime, Utc};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::support::desk::{Desk, page};
use crate::support::{Peer, databases, each_database};

fn at(utc: &str) -> DateTime<Utc> {
    utc.parse().unwrap()
}

/// A desk with this database, whose campaigns begin at once.
fn at_work(database: String, peer: &Peer) -> Desk {
    Desk::new(Some(database), &format!("smtp://{}", peer.address))
        .with("SITE_LISTEN", "127.0.0.1:0")
        .with("DELIVERY_UNDO", "0s")
}

/// The same, at which three months and one reader have come in.
fn desk(database: String, peer: &Peer) -> Desk {
    let desk = at_work(database, peer);
    desk.done(&["import", &page()]);
    let readers = "address,consent_at,consent_source\na@peer.test,2020-01-01,form\n";
    desk.write("readers.csv", readers);
    desk.done(&["subscriber", "import", "readers.csv"]);
    desk
}

/// Waits for something that another process does.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::task::yield_now().await;
    }
}

/// What a site says to `/ready`; nothing while it is not up.
fn ready(site: SocketAddr) -> String {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(site)?;
        write!(
            stream,
            "GET /ready HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().unwrap_or_default()
}

/// Starts a command that nobody listens to.
fn quietly(mut command: Command) -> Child {
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn stop(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The first month is sent from the original; the copy, at `copy`, sends nothing before it is adopted.
async fn a_copy_is_paused_until_it_is_adopted(copy: Desk, peer: &Peer) {
    assert_eq!(peer.taken().len(), 1);
    copy.refused(&["send", "2020-03", "--wait"], "`bulletin adopt`");
    copy.refused(&["send", "2020-03"], "`bulletin adopt`");
    copy.refused(&["worker"], "`bulletin adopt`");
    let examined = String::from_utf8(copy.run(&["doctor"]).stdout).unwrap();
    assert!(
        examined.contains("mend  this copy of the database: "),
        "{examined}"
    );
    assert_eq!(peer.taken().len(), 1);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = free.local_addr().unwrap();
    drop(free);
    let mut serve = copy.command(&["serve"]);
    serve.env("BULLETIN_SITE_LISTEN", site.to_string());
    let serving = quietly(serve);
    until(
        "the site that is up says why it sends nothing",
        async || {
            let said = ready(site);
            said.starts_with("HTTP/1.1 503") && said.contains("`bulletin adopt`")
        },
    )
    .await;
    assert!(
        !ready(site).contains(copy.folder.path().to_str().unwrap()),
        "and not where it lies"
    );
    copy.done(&["adopt"]);
    copy.done(&["send", "2020-03"]);
    until(
        "the site that was up sends once it is adopted",
        async || peer.taken().len() == 2,
    )
    .await;
    until("and has nothing to say any more", async || {
        ready(site).starts_with("HTTP/1.1 200")
    })
    .await;
    stop(serving);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_file_starts_paused_and_adopting_frees_it() {
    let peer = Peer::start().await;
    let folder = TempDir::new().unwrap();
    let [first, second] = ["first.db", "second.db"].map(|name| folder.path().join(name));
    let original = desk(format!("sqlite://{}", first.display()), &peer);
    original.done(&["send", "2022-11", "--wait"]);
    std::fs::copy(&first, &second).unwrap();
    let copy = at_work(format!("sqlite://{}", second.display()), &peer);
    a_copy_is_paused_until_it_is_adopted(copy, &peer).await;
    original.done(&["send", "2020-03", "--wait"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_put_back_in_its_place_starts_paused() {
    let peer = Peer::start().await;
    let database = TempDir::new().unwrap();
    let [file, backup] = ["b.db", "backup.db"].map(|name| database.path().join(name));
    let desk = desk(format!("sqlite://{}", file.display()), &peer);
    desk.done(&["send", "2022-11", "--wait"]);
    std::fs::copy(&file, &backup).unwrap();
    std::fs::copy(&backup, &file).unwrap();
    desk.done(&["send", "2020-03", "--wait"]);
    // Its own backup as it was a moment ago is no copy; that of before the last send is, though it lies where it did.
    std::fs::copy(&backup, &file).unwrap();
    desk.refused(&["send", "2020-03", "--wait"], "after this copy was made");
    desk.done(&["adopt"]);
    desk.done(&["send", "2020-03", "--wait"]);
    std::fs::rename(&backup, &file).unwrap();
    desk.refused(&["send", "2020-03", "--wait"], "inode");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloned_postgres_database_starts_paused_and_adopting_frees_it() {
    let (Some(first), Some(other)) = (databases::new_postgres_url(), databases::new_postgres_url())
    else {
        return;
    };
    let peer = Peer::start().await;
    let original = desk(first.clone(), &peer);
    original.done(&["send", "2022-11", "--wait"]);
    let name = |url: &str| {
        let path = url.split('?').next().unwrap();
        path.rsplit('/').next().unwrap().to_owned()
    };
    let clone = format!("{}_clone", name(&first));
    let sql = format!("CREATE DATABASE {clone} TEMPLATE {}", name(&first));
    let pool = sqlx::PgPool::connect(&other).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .execute(&pool)
        .await
        .unwrap();
    let copy = at_work(first.replace(&name(&first), &clone), &peer);
    a_copy_is_paused_until_it_is_adopted(copy, &peer).await;
}

each_database!(a_database_that_never_sent_is_marked_by_its_first_sender);
async fn a_database_that_never_sent_is_marked_by_its_first_sender(db: Db) {
    let now = at("2026-03-03T14:00:00Z");
    assert_eq!(instance::look(&db).await.unwrap(), Standing::NeverSent);
    for token in 0..3 {
        let token = uuid::Uuid::from_u128(token);
        instance::check(&db, token, now).await.unwrap();
        assert_eq!(instance::look(&db).await.unwrap(), Standing::Sends);
    }
}

each_database!(a_mark_that_many_ask_for_at_once_still_fits);
async fn a_mark_that_many_ask_for_at_once_still_fits(db: Db) {
    let asked = (0..40).map(|_| {
        let db = db.clone();
        tokio::spawn(async move {
            let now = at("2026-03-03T14:00:00Z");
            instance::check(&db, uuid::Uuid::new_v4(), now)
                .await
                .unwrap();
            assert_eq!(instance::look(&db).await.unwrap(), Standing::Sends);
        })
    });
    for asked in asked.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
}

each_database!(three_starts_that_came_to_nothing_pause_the_fourth);
async fn three_starts_that_came_to_nothing_pause_the_fourth(db: Db) {
    let this = start::this_process();
    assert!(start::is_alive(&this));
    // The same number at another time: a process of before.
    let (fallen, _) = this.rsplit_once(' ').unwrap();
    let fallen = format!("{fallen} 1");
    assert!(!start::is_alive(&fallen));
    let paused = async |now: &str| {
        let mut tx = db.read().await.unwrap();
        start::paused_until(&mut tx, at(now), start::is_alive)
            .await
            .unwrap()
    };
    let begin = async |sender: i64, process: &str, now: &str| {
        let mut tx = db.begin().await.unwrap();
        start::begin(&mut tx, sender, process, at(now))
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    begin(1, &fallen, "2026-03-03T14:00:00Z").await;
    begin(2, &fallen, "2026-03-03T14:01:00Z").await;
    begin(3, &fallen, "2026-03-03T14:02:00Z").await;
    begin(4, &this, "2026-03-03T14:03:00Z").await;
    begin(5, "elsewhere 17 1", "2026-03-03T14:03:00Z").await;
    assert_eq!(
        paused("2026-03-03T14:04:00Z").await,
        Some(at("2026-03-03T14:10:00Z"))
    );
    assert_eq!(
        paused("2026-03-03T14:10:00Z").await,
        None,
        "the ten minutes are over"
    );
    let mut tx = db.begin().await.unwrap();
    start::progressed(&mut tx, 2).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        paused("2026-03-03T14:04:00Z").await,
        None,
        "one got something done"
    );
    begin(6, &fallen, "2026-03-03T14:03:00Z").await;
    assert!(paused("2026-03-03T14:04:00Z").await.is_some());
    let mut tx = db.begin().await.unwrap();
    start::ended(&mut tx, 6).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        paused("2026-03-03T14:04:00Z").await,
        None,
        "one stopped as it should"
    );
}

each_database!(a_restart_loop_is_said_as_long_as_it_lasts);
async fn a_restart_loop_is_said_as_long_as_it_lasts(db: Db) {
    let this = start::this_process();
    let (fallen, _) = this.rsplit_once(' ').unwrap();
    for sender in 1..=3 {
        let mut tx = db.begin().await.unwrap();
        let began = at("2026-03-03T14:00:00Z");
        start::begin(&mut tx, sender, &format!("{fallen} 1"), began)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let standing = bulletin::standing::Standing::default();
    let wait = |now: &str| {
        let (db, standing, stop) = (db.clone(), standing.clone(), CancellationToken::new());
        let now = at(now);
        let clock: bulletin::clock::Clock = std::sync::Arc::new(move || now);
        let stopping = stop.clone();
        let waiting =
            tokio::spawn(async move { start::wait_out(&db, &clock, &standing, &stopping).await });
        (waiting, stop)
    };
    let (waiting, stop) = wait("2026-03-03T14:09:00Z");
    until("it says so", async || {
        standing.keeps_from_sending().iter().any(|why| {
            why.contains("3 starts within 10 minutes") && why.ends_with("at 2026-03-03T14:10:00Z")
        })
    })
    .await;
    stop.cancel();
    assert!(!waiting.await.unwrap().unwrap(), "told to stop meanwhile");
    let (waiting, _) = wait("2026-03-03T14:10:00Z");
    assert!(waiting.await.unwrap().unwrap());
    assert!(standing.keeps_from_sending().is_empty());
}

/// Killed three times before anything was due, `serve` keeps its site and sends nothing; a send by hand still goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_crashes_pause_serve_but_not_a_send_by_hand() {
    let peer = Peer::start().await;
    let database = databases::sqlite().await;
    let desk = desk(database.url.clone(), &peer);
    let fallen = async || {
        let mut tx = database.db.read().await.unwrap();
        let now = bulletin::clock::now();
        start::paused_until(&mut tx, now, |_| false).await.unwrap()
    };
    for _ in 0..3 {
        let before = starts(&database.db).await;
        let mut serving = quietly(desk.command(&["serve"]));
        until("it starts", async || {
            starts(&database.db).await > before || serving.try_wait().unwrap().is_some()
        })
        .await;
        stop(serving);
    }
    assert!(fallen().await.is_some());
    let output = desk.folder.path().join("said");
    let said = std::fs::File::create(&output).unwrap();
    let serving = desk
        .command(&["serve"])
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .unwrap();
    desk.done(&["send", "2022-11"]);
    until("it says why it is paused", async || {
        std::fs::read_to_string(&output)
            .unwrap()
            .contains("sending is paused: 3 starts within 10 minutes")
    })
    .await;
    assert!(peer.taken().is_empty());
    desk.done(&["send", "2022-11", "--wait"]);
    assert_eq!(peer.taken().len(), 1);
    stop(serving);
    assert_eq!(
        starts(&database.db).await,
        3,
        "a start that is paused is none"
    );
}

async fn starts(db: &Db) -> i64 {
    let bulletin::db::Db::Sqlite { read, .. } = db else {
        panic!("a file")
    };
    sqlx::query_scalar("SELECT count(*) FROM sender_start")
        .fetch_one(read)
        .await
        .unwrap()
}

#[test]
fn a_copy_says_where_it_was_and_what_to_do() {
    let error: InstanceError = instance::Copied {
        marked: "/a/b.db (inode 1)".to_owned(),
        here: "/c/b.db (inode 2)".to_owned(),
    }
    .into();
    let words = error.to_string();
    for part in ["/a/b.db (inode 1)", "/c/b.db (inode 2)", "`bulletin adopt`"] {
        assert!(words.contains(part), "{words}");
    }
}
