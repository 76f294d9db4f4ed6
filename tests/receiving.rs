//! The receiving side of SMTP and LMTP against clients that misbehave.

mod damage;

use std::time::Duration;

use bulletin::listen::{Limits, Settings, session};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::scripted::*;

#[tokio::test]
async fn a_second_message_cannot_be_smuggled_into_the_first() {
    // Each holds an end that a careless server would believe.
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n"] {
        let inner =
            format!("one{end}MAIL FROM:<x@y.test>\r\nRCPT TO:<z@y.test>\r\nDATA\r\ntwo\r\n");
        let script = Script::default();
        let said = converse(&script, &Settings::default(), &letter(&inner)).await;
        let taken = script.taken();
        assert_eq!(taken.len(), 1, "{end:?}: {said}");
        let unstuffed = match end {
            "\r\n.\n" | "\r\n.\r" => inner.replacen("\r\n.", "\r\n", 1),
            _ => inner.clone(),
        };
        assert_eq!(String::from_utf8_lossy(&taken[0].message), unstuffed);
    }
    // smtp-proto takes this one for an end; we take it for none and hang up.
    let script = Script::default();
    let said = converse(
        &script,
        &Settings::default(),
        &letter("one\r\n.\r\r\nRSET\r\n"),
    )
    .await;
    assert!(
        said.ends_with("554 5.6.0 A bare CR before the end\r\n"),
        "{said}"
    );
    assert!(script.taken().is_empty());
}

#[tokio::test]
async fn the_receiving_side_keeps_its_limits() {
    let limits = Limits {
        message_bytes: 50,
        recipients: 2,
        line_bytes: 100,
        errors: 3,
        idle: Duration::from_millis(100),
        ..Limits::default()
    };
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let long = "x".repeat(300);
    let mail = "EHLO c\r\nMAIL FROM:<a@b.test>\r\n";
    let rcpt = "RCPT TO:<c@d.test>\r\n";
    #[rustfmt::skip]
    let table = [
        (format!("NOOP {long}\r\nNOOP\r\n"), "220 500 250 421"),
        (format!("NOOP {long}{long}{long}{long}\r\nNOOP\r\nQUIT\r\n"), "220 500 250 221"),
        ("what\r\nMAIL FROM:<a@b.test>\r\nDATA\r\nNOOP\r\n".to_owned(), "220 500 503 421"),
        ("EHLO c\r\nMAIL FROM:<a@b.test> SIZE=51\r\nQUIT\r\n".to_owned(), "220 250 552 221"),
        (format!("{mail}{rcpt}{rcpt}{rcpt}QUIT\r\n"), "220 250 250 250 250 452 221"),
        (format!("{mail}{rcpt}DATA\r\n{long}\r\n.\r\nNOOP\r\nQUIT\r\n"), "220 250 250 250 354 552 250 221"),
        ("VRFY x\r\nHELP\r\nRSET\r\nSTARTTLS\r\n\r\n".to_owned(), "220 252 502 250 502 421"),
        (String::new(), "220 421"),
        (format!("{mail}{rcpt}DATA\r\nhalf"), "220 250 250 250 354 421"),
    ];
    for (sent, wanted) in table {
        let script = Script::default();
        let said = converse(&script, &settings, &sent).await;
        let codes: Vec<_> = said
            .lines()
            .filter(|line| line.as_bytes().get(3) == Some(&b' '))
            .map(|line| &line[..3])
            .collect();
        assert_eq!(codes.join(" "), wanted, "{sent}");
        assert!(script.taken().is_empty());
    }
}

#[tokio::test]
async fn lmtp_is_answered_for_each_recipient() {
    let script = Script::default();
    let sent = "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n";
    let said = converse(&script, &Settings::default(), sent).await;
    assert_eq!(said.matches("250 2.0.0 Kept\r\n").count(), 2);
    let taken = script.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].recipients, ["a@b.test", "c@d.test"]);
    assert_eq!(taken[0].return_path, "");
}

/// Says `first`, and then `then` each minute for as long as it is let. Gives what was answered and how long
/// the session lasted, by a clock that turns when everybody waits.
async fn drip(limits: Limits, first: &str, then: &str) -> (String, Duration) {
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let (client, server) = duplex(64 * 1024);
    let (mut hears, mut says) = tokio::io::split(client);
    let (script, stop) = (Script::default(), CancellationToken::new());
    let began = Instant::now();
    let talking = async {
        says.write_all(first.as_bytes()).await.unwrap();
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
            says.write_all(then.as_bytes()).await.unwrap();
        }
    };
    let mut said = String::new();
    tokio::select! {
        served = session(server, &script, &settings, &stop) => served.unwrap(),
        () = talking => unreachable!("it goes on"),
    }
    let took = began.elapsed();
    hears.read_to_string(&mut said).await.unwrap();
    assert!(script.taken().is_empty());
    (said, took)
}

#[tokio::test(start_paused = true)]
async fn who_drips_is_sent_away_in_a_command_in_a_message_and_between_them() {
    let limits = Limits {
        idle: Duration::from_secs(300),
        message: Duration::from_secs(600),
        life: Duration::from_secs(1800),
        ..Limits::default()
    };
    let mail = "EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n";
    for (first, then, seconds) in [
        // RFC 5321 section 4.5.3.2.7: five minutes for a command, whether of a byte a minute or of none.
        ("", "x", 300),
        ("EHLO c\r\nMAIL FROM:<", "x", 300),
        (mail, "x", 600),
        (mail, "x\r\n", 600),
        // Commands that come in time, and never an end of them.
        ("EHLO c\r\n", "NOOP\r\n", 1800),
        ("EHLO c\r\n", "RSET\r\n", 1800),
    ] {
        let (said, took) = drip(limits.clone(), first, then).await;
        assert!(
            said.ends_with("421 4.4.2 Too slow, or here for too long\r\n"),
            "{said}"
        );
        assert_eq!(took.as_secs(), seconds, "{first:?}, then {then:?}: {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_never_reads_what_is_answered_is_cut_off() {
    let (mut client, server) = duplex(64);
    let (script, stop) = (Script::default(), CancellationToken::new());
    let flood = async {
        while client.write_all(b"NOOP\r\n").await.is_ok() {}
        std::future::pending::<()>().await
    };
    let began = Instant::now();
    let settings = Settings::default();
    let ended = tokio::select! {
        ended = session(server, &script, &settings, &stop) => ended,
        () = flood => unreachable!("it waits for ever"),
    };
    assert!(ended.is_err());
    assert_eq!(began.elapsed(), settings.limits.idle);
}
