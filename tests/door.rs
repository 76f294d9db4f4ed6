//! The door for bounces: nothing is taken but what is ours, and what is taken is committed.

use std::net::SocketAddr;
use std::sync::Arc;

use bulletin::db::Db;
use bulletin::listen;
use bulletin::receive::door::{self, Door};
use bulletin::returned::kept;
use bulletin::subscription::State;
use bulletin::verp;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use crate::support::news::{DEPRESSION, issue};
use crate::support::{News, each_database};

/// A door of this news service; closes when dropped.
struct Open {
    at: SocketAddr,
    stop: CancellationToken,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn open(news: &News, starttls: Option<tokio_rustls::TlsAcceptor>) -> Open {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let door = Arc::new(Door {
        receiver: news.receiver(),
    });
    let stop = CancellationToken::new();
    let settings = door::settings("bounce.example.org", starttls);
    tokio::spawn(listen::serve(listener, door, settings, stop.clone()));
    Open { at, stop }
}

/// Says something and gives the reply, all its lines.
async fn say<S: AsyncRead + AsyncWrite + Unpin>(to: &mut BufReader<S>, words: &str) -> String {
    to.get_mut().write_all(words.as_bytes()).await.unwrap();
    to.get_mut().flush().await.unwrap();
    hear(to).await
}

async fn hear<S: AsyncRead + AsyncWrite + Unpin>(from: &mut BufReader<S>) -> String {
    let mut reply = String::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).await.unwrap();
        let is_last = line.as_bytes().get(3) != Some(&b'-');
        reply += &line;
        if is_last {
            return reply;
        }
    }
}

async fn enter(door: &Open, hello: &str) -> BufReader<TcpStream> {
    let mut client = BufReader::new(TcpStream::connect(door.at).await.unwrap());
    assert!(hear(&mut client).await.starts_with("220"));
    assert!(say(&mut client, hello).await.starts_with("250"));
    assert!(
        say(&mut client, "MAIL FROM:<>\r\n")
            .await
            .starts_with("250")
    );
    client
}

fn report(of: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.peer.test\r\nSubject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n\
         Message-ID: <{of}@mx.peer.test>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\n\r\n\
         I could not deliver your message.\r\n<{of}>: host mx.peer.test said: 550 5.1.1 <{of}>: user unknown (in reply to RCPT TO command)\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.peer.test\r\n\r\n\
         Final-Recipient: rfc822; {of}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 <{of}>: user unknown\r\n\r\n--b--\r\n"
    )
}

async fn sent(db: Db, readers: &[&str]) -> News {
    let news = News::start(db).await;
    for reader in readers {
        news.subscribe(reader, &[DEPRESSION]).await;
    }
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    news.wait(chrono::Duration::minutes(1));
    news
}

fn path_of(news: &News, reader: &str) -> String {
    let delivery = news.delivery_to(reader);
    verp::return_path(&news.keys, delivery, "bounce.example.org")
}

each_database!(the_door_takes_what_is_ours_and_nothing_else);
async fn the_door_takes_what_is_ours_and_nothing_else(db: Db) {
    let news = sent(db, &["gone@peer.test", "leaves@peer.test"]).await;
    let door = open(&news, None).await;
    let mut client = enter(&door, "EHLO peer.test\r\n").await;
    let ours = path_of(&news, "gone@peer.test");
    let mut forged = ours.clone();
    forged.replace_range(5..6, if &ours[5..6] == "a" { "b" } else { "a" });
    for other in [
        "gone@peer.test",
        "postmaster@bounce.example.org",
        "editor@example.org",
        "b-@bounce.example.org",
        "leave-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@bounce.example.org",
        &forged,
    ] {
        let reply = say(&mut client, &format!("RCPT TO:<{other}>\r\n")).await;
        assert!(reply.starts_with("550 5.1.1"), "{other}: {reply}");
    }
    assert!(say(&mut client, "DATA\r\n").await.starts_with("503"));
    let shouted = ours.to_uppercase();
    let reply = say(&mut client, &format!("RCPT TO:<{shouted}>\r\n")).await;
    assert!(reply.starts_with("250"), "{reply}");
    assert!(say(&mut client, "DATA\r\n").await.starts_with("354"));
    let mail = report("gone@peer.test") + ".\r\n";
    assert!(say(&mut client, &mail).await.starts_with("250"));
    assert!(news.is_suppressed("gone@peer.test").await, "committed");
    let account = news.account().await;
    assert_eq!((account.accepted, account.bounced), (1, 1));
    let delivery = news.delivery_to("leaves@peer.test");
    let leave = verp::leave(&news.keys, delivery);
    say(&mut client, "MAIL FROM:<leaves@peer.test>\r\n").await;
    say(
        &mut client,
        &format!("RCPT TO:<{leave}@bounce.example.org>\r\n"),
    )
    .await;
    say(&mut client, "DATA\r\n").await;
    let reply = say(&mut client, "From: leaves@peer.test\r\n\r\n.\r\n").await;
    assert!(reply.starts_with("250"), "{reply}");
    let reader = news.reader("leaves@peer.test").await;
    assert_eq!(reader.state, State::Ended);
    assert!(!news.is_suppressed("leaves@peer.test").await);
}

each_database!(over_lmtp_each_recipient_has_its_answer);
async fn over_lmtp_each_recipient_has_its_answer(db: Db) {
    let news = sent(db, &["gone@peer.test", "also@peer.test"]).await;
    let door = open(&news, None).await;
    let mut client = enter(&door, "LHLO peer.test\r\n").await;
    for reader in ["gone@peer.test", "also@peer.test"] {
        let path = path_of(&news, reader);
        let reply = say(&mut client, &format!("RCPT TO:<{path}>\r\n")).await;
        assert!(reply.starts_with("250"), "{reply}");
    }
    say(&mut client, "DATA\r\n").await;
    let mail = report("gone@peer.test") + ".\r\n";
    assert!(say(&mut client, &mail).await.starts_with("250"));
    assert!(hear(&mut client).await.starts_with("250"));
    assert!(news.is_suppressed("gone@peer.test").await);
    assert_eq!(news.account().await.bounced, 2);
}

each_database!(what_is_too_large_is_refused_and_what_is_no_mail_waits_for_a_person);
async fn what_is_too_large_is_refused_and_what_is_no_mail_waits_for_a_person(db: Db) {
    let news = sent(db, &["ann@peer.test"]).await;
    let door = open(&news, None).await;
    let path = path_of(&news, "ann@peer.test");
    let mut client = enter(&door, "EHLO peer.test\r\n").await;
    say(&mut client, &format!("RCPT TO:<{path}>\r\n")).await;
    say(&mut client, "DATA\r\n").await;
    let large = "x".repeat(998) + "\r\n";
    let reply = say(&mut client, &(large.repeat(1100) + ".\r\n")).await;
    assert!(reply.starts_with("552"), "{reply}");
    say(&mut client, "MAIL FROM:<> SIZE=2000000\r\n").await;
    for mail in [
        "\0\u{1}\u{2}\r\n.\r\n",
        "\r\n.\r\n",
        "Hello, I like it.\r\n.\r\n",
    ] {
        let mut client = enter(&door, "EHLO peer.test\r\n").await;
        say(&mut client, &format!("RCPT TO:<{path}>\r\n")).await;
        say(&mut client, "DATA\r\n").await;
        assert!(say(&mut client, mail).await.starts_with("250"));
    }
    let mut tx = news.db.read().await.unwrap();
    assert_eq!(kept::count(&mut tx).await.unwrap(), 3);
    assert_eq!(news.account().await.accepted, 1);
}

each_database!(a_database_that_is_away_has_the_mail_brought_again);
async fn a_database_that_is_away_has_the_mail_brought_again(db: Db) {
    let news = sent(db, &["gone@peer.test"]).await;
    let door = open(&news, None).await;
    let path = path_of(&news, "gone@peer.test");
    let mut client = enter(&door, "EHLO peer.test\r\n").await;
    say(&mut client, &format!("RCPT TO:<{path}>\r\n")).await;
    say(&mut client, "DATA\r\n").await;
    news.db.close().await;
    let mail = report("gone@peer.test") + ".\r\n";
    let reply = say(&mut client, &mail).await;
    assert!(reply.starts_with("451 4.3.0"), "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_single_address_takes_every_place_at_the_door() {
    let database = crate::support::databases::sqlite().await;
    let news = News::start(database.db.clone()).await;
    let door = open(&news, None).await;
    let mut inside = Vec::new();
    for _ in 0..40 {
        inside.push(enter(&door, "EHLO x\r\n").await);
    }
    let mut one_more = BufReader::new(TcpStream::connect(door.at).await.unwrap());
    assert!(hear(&mut one_more).await.starts_with("421 4.7.0"));
    let mut leaving = inside.pop().unwrap();
    assert!(say(&mut leaving, "QUIT\r\n").await.starts_with("221"));
    assert_eq!(hear(&mut leaving).await, "", "the session is over");
    loop {
        let mut next = BufReader::new(TcpStream::connect(door.at).await.unwrap());
        if hear(&mut next).await.starts_with("220") {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_certificate_the_door_speaks_tls() {
    let database = crate::support::databases::sqlite().await;
    let news = sent(database.db.clone(), &["gone@peer.test"]).await;
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["bounce.example.org".to_owned()]).unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    assert!(door::starttls(&key, &cert).is_err(), "the wrong way round");
    let door = open(&news, Some(door::starttls(&cert, &key).unwrap())).await;
    let mut plain = BufReader::new(TcpStream::connect(door.at).await.unwrap());
    hear(&mut plain).await;
    assert!(say(&mut plain, "EHLO x\r\n").await.contains("STARTTLS"));
    assert!(say(&mut plain, "STARTTLS\r\n").await.starts_with("220"));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "bounce.example.org".try_into().unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, plain.into_inner()).await.unwrap();
    let mut client = BufReader::new(stream);
    let path = path_of(&news, "gone@peer.test");
    for words in [
        "EHLO x\r\n",
        "MAIL FROM:<>\r\n",
        &format!("RCPT TO:<{path}>\r\n"),
    ] {
        assert!(say(&mut client, words).await.starts_with("250"));
    }
    say(&mut client, "DATA\r\n").await;
    let mail = report("gone@peer.test") + ".\r\n";
    assert!(say(&mut client, &mail).await.starts_with("250"));
    assert!(news.is_suppressed("gone@peer.test").await);
}
