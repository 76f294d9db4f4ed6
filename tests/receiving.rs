//! The receiving side of SMTP and LMTP against clients that misbehave.

use std::time::Duration;

use bulletin::listen::{Limits, Settings};

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
