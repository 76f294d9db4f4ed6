//! The SMTP session with the relay against a peer that fails at every point.

use std::time::Duration;

use bulletin::deliver::relay::ConnectError;
use bulletin::deliver::smtp::{Envelope, Outcome, Phase, Reply};
use bulletin::listen::{Limits, Settings};
use tokio::net::TcpListener;

const MESSAGE: &[u8] = b"Subject: Ants\r\n\r\nThey walk.\r\n";
use crate::support::left_out;
use crate::support::scripted::*;

#[tokio::test]
async fn every_answer_at_every_point_has_its_outcome() {
    use Act::{Cut, Raw, ReplyAndCut, Say, Silent};
    use Place::*;
    #[rustfmt::skip]
    let table = [
        (Connected, Cut, "no session in the greeting: connection lost"),
        (Connected, Silent, "no session in the greeting: no answer"),
        (Connected, Say("421 4.3.2 full"), "no session in the greeting: 421"),
        (Connected, Say("454 4.7.0 later"), "no session in the greeting: 454"),
        (Connected, Say("554 5.7.1 no"), "no session in the greeting: 554"),
        (Connected, Raw(b"SSH-2.0-x\r\n"), "no session in the greeting: no SMTP reply"),
        (Connected, Raw(b"220 a\r\n220 b\r\n"), "no session in the greeting: a reply that does not belong"),
        (Connected, Say("354 go"), "no session in the greeting: a reply that does not belong"),
        (Hello, Cut, "no session in EHLO: connection lost"),
        (Hello, Silent, "no session in EHLO: no answer"),
        (Hello, Say("421 4.3.2 full"), "no session in EHLO: 421"),
        (Hello, Say("450 4.3.2 later"), "no session in EHLO: 450"),
        (Hello, Say("550 5.7.1 no"), "no session in EHLO: 550"),
        (Hello, Raw(b"250-one\r\n550 two\r\n"), "no session in EHLO: no SMTP reply"),
        (Mail, Cut, "deferred in MAIL: connection lost, unusable"),
        (Mail, Silent, "deferred in MAIL: no answer, unusable"),
        (Mail, Say("421 4.3.2 bye"), "deferred in MAIL: 421, unusable"),
        (Mail, Say("452 4.3.1 full"), "deferred in MAIL: 452, usable"),
        (Mail, Say("550 5.7.1 no"), "bounced in MAIL: 550, usable"),
        (Mail, Say("354 go"), "deferred in MAIL: a reply that does not belong, unusable"),
        (Mail, Raw(b"250 a\r\n250 b\r\n"), "deferred in MAIL: a reply that does not belong, unusable"),
        (Mail, Raw(b"what?\r\n"), "deferred in MAIL: no SMTP reply, unusable"),
        (Mail, ReplyAndCut("550 5.7.1 no"), "bounced in MAIL: 550, unusable"),
        (Rcpt, Cut, "deferred in RCPT: connection lost, unusable"),
        (Rcpt, Silent, "deferred in RCPT: no answer, unusable"),
        (Rcpt, Say("421 4.3.2 bye"), "deferred in RCPT: 421, unusable"),
        (Rcpt, Say("450 4.2.0 greylisted"), "deferred in RCPT: 450, usable"),
        (Rcpt, Say("550 5.1.1 nobody"), "bounced in RCPT: 550, usable"),
        (Rcpt, Say("571 5.7.1 no"), "bounced in RCPT: 571, usable"),
        (Rcpt, Say("550"), "bounced in RCPT: 550, usable"),
        (Rcpt, Raw(b"550 5.1.1 personne \xe0 l'adresse\r\n"), "bounced in RCPT: 550, usable"),
        (Rcpt, Raw(b"550-5.1.1 no\r\n550 5.1.1 body\r\n"), "bounced in RCPT: 550, usable"),
        (Rcpt, Say("354 go"), "deferred in RCPT: a reply that does not belong, unusable"),
        (Rcpt, Raw(b"\x00\xff\r\n"), "deferred in RCPT: no SMTP reply, unusable"),
        (Data, Cut, "deferred in DATA: connection lost, unusable"),
        (Data, Silent, "deferred in DATA: no answer, unusable"),
        (Data, Say("421 4.3.2 bye"), "deferred in DATA: 421, unusable"),
        (Data, Say("451 4.3.0 later"), "deferred in DATA: 451, usable"),
        (Data, Say("554 5.7.1 no"), "bounced in DATA: 554, usable"),
        (Data, Say("250 ok"), "deferred in DATA: a reply that does not belong, unusable"),
        (Data, Say("334 what"), "deferred in DATA: a reply that does not belong, unusable"),
        (Data, Raw(b"354 go\r\n250 ok\r\n"), "deferred in DATA: a reply that does not belong, unusable"),
        (Body, Cut, "deferred in the message: connection lost, unusable"),
        (Body, Silent, "deferred in the message: no answer, unusable"),
        (Message, Cut, "unknown in the wait after the final dot: connection lost, unusable"),
        (Message, Silent, "unknown in the wait after the final dot: no answer, unusable"),
        (Message, Say("421 4.3.2 bye"), "deferred in the wait after the final dot: 421, unusable"),
        (Message, Say("452 4.3.1 full"), "deferred in the wait after the final dot: 452, usable"),
        (Message, Say("554 5.6.0 spam"), "bounced in the wait after the final dot: 554, usable"),
        (Message, Say("354 go"), "unknown in the wait after the final dot: a reply that does not belong, unusable"),
        (Message, Raw(b"ok\r\n"), "unknown in the wait after the final dot: no SMTP reply, unusable"),
        (Message, Raw(b"25"), "unknown in the wait after the final dot: no answer, unusable"),
        (Message, Raw(b"250\r\n"), "accepted: 250, usable"),
        (Message, Raw(b"250 re\xe7u\n"), "accepted: 250, usable"),
        (Message, Raw(b"250 ok\r\n250 ok\r\n"), "accepted: 250, unusable"),
        (Message, Raw(b"250 ok\r\n421 bye\r\n"), "accepted: 250, unusable"),
        (Reset, Cut, "accepted: 250, usable"),
    ];
    // What reads otherwise when all three commands are said in one go.
    #[rustfmt::skip]
    let otherwise = [
        (Mail, Raw(b"250 a\r\n250 b\r\n"), "deferred in DATA: a reply that does not belong, unusable"),
        // The peer keeps its replies until all are ready.
        (Rcpt, Silent, "deferred in MAIL: no answer, unusable"),
        (Data, Silent, "deferred in MAIL: no answer, unusable"),
    ];
    let cases = table.iter().flat_map(|case| [(case, false), (case, true)]);
    for (&(place, act, wanted), pipelining) in cases {
        let same = |case: &&(Place, Act, &str)| pipelining && (case.0, case.1) == (place, act);
        let wanted = otherwise.iter().find(same).map_or(wanted, |case| case.2);
        let peer = Peer::with(Script::at(place, act), settings(pipelining)).await;
        // Large enough that the network cannot swallow it whole: the cut falls inside it.
        let message = match place {
            Place::Body => b"Long lines of text, and many of them.\r\n".repeat(400_000),
            _ => MESSAGE.to_vec(),
        };
        let found = peer.try_once(&message).await;
        assert_eq!(found, wanted, "{place:?} {act:?}, pipelining: {pipelining}");
    }
}

#[tokio::test]
async fn a_refusal_at_any_point_leaves_the_connection_for_the_next_message() {
    for place in [Place::Mail, Place::Rcpt, Place::Data, Place::Message] {
        let act = Act::Say("550 5.1.1 no");
        let peer = Peer::start(Script::at(place, act).once()).await;
        let mut session = peer.connect().await.unwrap();
        assert!(matches!(
            session.send(&ENVELOPE, MESSAGE, always).await,
            Outcome::Bounced { .. }
        ));
        for _ in 0..3 {
            let outcome = session.send(&ENVELOPE, MESSAGE, always).await;
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        }
        session.quit().await;
        assert_eq!(peer.script.count(Place::Connected), 1);
        let resets = usize::from(place != Place::Message);
        assert_eq!(peer.script.count(Place::Reset), resets);
        assert_eq!(peer.script.count(Place::Quit), 1);
    }
}

#[tokio::test]
async fn commands_travel_together_only_where_the_relay_takes_that() {
    for (pipelining, first) in [(true, GROUP), (false, "MAIL FROM:<bounce+1@news.test>\r\n")] {
        let replies = ["250 a\r\n", "250 b\r\n", "354 c\r\n", "250 d\r\n"];
        let group = [replies[..3].concat(), replies[3].to_owned()];
        let replies = match pipelining {
            true => group.to_vec(),
            false => replies.map(str::to_owned).to_vec(),
        };
        let (found, heard) = group_with(pipelining, &replies).await;
        assert_eq!(found, "accepted: 250, usable");
        assert_eq!(heard[0], first);
        assert_eq!(
            heard.concat(),
            format!("{GROUP}Subject: Ants\r\n\r\nThey walk.\r\n.\r\n")
        );
    }
}

#[tokio::test]
async fn each_reply_to_a_group_belongs_to_its_own_command() {
    let reset = "RSET\r\n";
    let dot = ".\r\n";
    #[rustfmt::skip]
    let table = [
        ("250 a|550 5.1.1 b|503 c", reset, "250 d", "bounced in RCPT: 550, usable"),
        ("250 a|450 4.2.0 b|503 c", reset, "250 d", "deferred in RCPT: 450, usable"),
        ("250 a|250 b|554 5.7.1 c", reset, "250 d", "bounced in DATA: 554, usable"),
        ("451 4.3.0 a|503 b|503 c", reset, "250 d", "deferred in MAIL: 451, usable"),
        ("250 a|550 5.1.1 b|503 c", reset, "421 d", "bounced in RCPT: 550, unusable"),
        ("250 a|550 5.1.1 b|354 c", dot, "554 d", "bounced in RCPT: 550, usable"),
        ("250 a|550 5.1.1 b|354 c", dot, "250 d", "bounced in RCPT: 550, usable"),
        ("250 a|550 5.1.1 b|354 c", dot, "421 d", "bounced in RCPT: 550, unusable"),
        ("250 a|450 4.2.0 b|354 c", dot, "cut", "deferred in RCPT: 450, unusable"),
        ("550 5.7.1 a|503 b|354 c", dot, "554 d", "bounced in MAIL: 550, usable"),
        // A dot would send the recipient an empty message.
        ("550 5.7.1 a|250 b|354 c", "", "", "bounced in MAIL: 550, unusable"),
        ("421 4.3.2 a", "", "", "deferred in MAIL: 421, unusable"),
        ("250 a|421 4.3.2 b", "", "", "deferred in RCPT: 421, unusable"),
        ("250 a|250 b|421 4.3.2 c", "", "", "deferred in DATA: 421, unusable"),
        ("250 a|550 5.1.1 b|421 4.3.2 c", "", "", "bounced in RCPT: 550, unusable"),
        ("250 a|550 5.1.1 b|cut", "", "", "bounced in RCPT: 550, unusable"),
        ("250 a|cut", "", "", "deferred in RCPT: connection lost, unusable"),
        ("250 a|250 b|cut", "", "", "deferred in DATA: connection lost, unusable"),
        ("250 a|what", "", "", "deferred in RCPT: no SMTP reply, unusable"),
        ("250 a|250 b|354 c|250 d", "", "", "deferred in DATA: a reply that does not belong, unusable"),
        ("250 a|250 b|250 c|354 d", "", "", "deferred in DATA: a reply that does not belong, unusable"),
        ("250 a|354 b|354 c", "", "", "deferred in RCPT: a reply that does not belong, unusable"),
        // One of the two is MAIL's, and nobody can say which.
        ("250 a|550 b|550 c|503 d", "", "", "deferred in DATA: a reply that does not belong, unusable"),
    ];
    for (group, next, reply, wanted) in table {
        let lines = |text: &str| format!("{}\r\n", text.replace('|', "\r\n"));
        let mut replies = vec![lines(group)];
        replies.extend((!reply.is_empty()).then(|| lines(reply)));
        let (found, heard) = group_with(true, &replies).await;
        assert_eq!(found, wanted, "{group}");
        assert_eq!(heard.concat(), format!("{GROUP}{next}"), "{group}");
    }
}

#[tokio::test]
async fn a_message_that_may_not_be_finished_is_not() {
    let peer = Peer::start(Script::default()).await;
    let large = b"Long lines of text, and many of them.\r\n".repeat(400_000);
    for message in [MESSAGE, &large] {
        let mut session = peer.connect().await.unwrap();
        let outcome = session.send(&ENVELOPE, message, || false).await;
        let Outcome::Deferred {
            phase: Phase::Body,
            reason,
            reply: None,
        } = outcome
        else {
            panic!("{outcome:?}");
        };
        assert!(reason.starts_with("left unfinished"), "{reason}");
        assert!(!session.is_usable());
    }
    let mut session = peer.connect().await.unwrap();
    let outcome = session.send(&ENVELOPE, MESSAGE, always).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    assert_eq!(peer.script.taken().len(), 1);
}

#[tokio::test]
async fn many_refused_recipients_cost_no_connection() {
    for pipelining in [true, false] {
        let script = Script::at(Place::Rcpt, Act::Say("550 5.1.1 no"));
        let peer = Peer::with(script, settings(pipelining)).await;
        let mut session = peer.connect().await.unwrap();
        for _ in 0..50 {
            let outcome = session.send(&ENVELOPE, MESSAGE, always).await;
            assert!(matches!(
                outcome,
                Outcome::Bounced {
                    phase: Phase::Rcpt,
                    ..
                }
            ));
        }
        assert!(session.is_usable());
    }
}

#[tokio::test]
async fn a_reset_that_fails_ends_the_session_but_not_the_refusal() {
    let mut script = Script::at(Place::Rcpt, Act::Say("550 5.1.1 no"));
    script.acts.push((Place::Reset, Act::Cut));
    let peer = Peer::start(script).await;
    let found = peer.try_once(MESSAGE).await;
    assert_eq!(found, "bounced in RCPT: 550, unusable");
}

#[tokio::test]
async fn a_relay_that_is_not_there_is_said_to_be_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = relay("smtp", address).connect().await.err().unwrap();
    assert!(matches!(failure, ConnectError::Unreachable { .. }));
    assert_eq!(failure.phase(), Phase::Connect);
}

#[tokio::test]
async fn an_idle_session_knows_when_the_relay_has_hung_up() {
    let peer = Peer::start(Script::default()).await;
    let mut session = peer.connect().await.unwrap();
    session.send(&ENVELOPE, MESSAGE, always).await;
    assert!(session.is_usable());
    peer.stop.cancel();
    let waiting = async {
        while session.is_usable() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), waiting)
        .await
        .expect("the farewell is seen");
}

#[tokio::test]
async fn a_send_that_is_dropped_half_way_ends_its_session() {
    let peer = Peer::start(Script::at(Place::Message, Act::Silent)).await;
    let mut session = peer.connect().await.unwrap();
    let sending = session.send(&ENVELOPE, MESSAGE, always);
    let dropped = tokio::time::timeout(Duration::from_millis(20), sending).await;
    assert!(dropped.is_err());
    assert!(!session.is_usable());
    let outcome = session.send(&ENVELOPE, MESSAGE, always).await;
    assert!(matches!(outcome, Outcome::Deferred { .. }));
}

#[tokio::test]
async fn an_address_cannot_give_orders() {
    let peer = Peer::start(Script::default()).await;
    let mut session = peer.connect().await.unwrap();
    let good = "a@b.test";
    for bad in [
        "a@b.test>\r\nRCPT TO:<c@d.test",
        "a@b.test\r",
        "a\n@b.test",
        "a@b.test>",
        "<a@b.test",
        "a b@b.test",
        "a@b.test\u{2028}",
        "a@b.test\0",
        "a",
        "@b.test",
        "a@",
    ] {
        let status = |outcome| match outcome {
            Outcome::Bounced {
                phase: Phase::Check,
                reply,
            } => (reply.code, reply.status),
            other => panic!("{other:?}"),
        };
        let (return_path, recipient) = (good, bad);
        let envelope = Envelope {
            return_path,
            recipient,
        };
        let outcome = session.send(&envelope, MESSAGE, always).await;
        assert_eq!(status(outcome), (553, Some((5, 1, 3))), "{bad:?}");
        let (return_path, recipient) = (bad, good);
        let envelope = Envelope {
            return_path,
            recipient,
        };
        let outcome = session.send(&envelope, MESSAGE, always).await;
        assert_eq!(status(outcome), (553, Some((5, 1, 7))), "{bad:?}");
    }
    assert_eq!(peer.script.count(Place::Mail), 0);
    let no_bounce = Envelope {
        return_path: "",
        recipient: good,
    };
    let outcome = session.send(&no_bounce, MESSAGE, always).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
}

#[tokio::test]
async fn what_the_relay_cannot_take_is_not_begun() {
    let plain = Settings {
        extensions: Vec::new(),
        limits: Limits {
            message_bytes: 100,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let able = Settings {
        limits: plain.limits.clone(),
        ..Settings::default()
    };
    let to = |recipient| Envelope {
        recipient,
        ..ENVELOPE
    };
    let large = b"x\r\n".repeat(34);
    #[rustfmt::skip]
    let table: [(&Settings, Envelope, &[u8], &str); 8] = [
        (&plain, to("jürgen@peer.test"), MESSAGE, "bounced in the check before sending: 550 5.6.7"),
        (&able, to("jürgen@peer.test"), MESSAGE, "accepted"),
        (&plain, ENVELOPE, "Grüße\r\n".as_bytes(), "bounced in the check before sending: 554 5.6.3"),
        (&able, ENVELOPE, "Grüße\r\n".as_bytes(), "accepted"),
        (&able, ENVELOPE, &large, "bounced in the check before sending: 552 5.3.4"),
        (&able, ENVELOPE, &large[..99], "accepted"),
        (&able, ENVELOPE, b"a\n.\r\nMAIL FROM:<x@y>\r\n", "bounced in the check before sending: 554 5.6.0"),
        (&able, ENVELOPE, b"a\r.\r\n", "bounced in the check before sending: 554 5.6.0"),
    ];
    for (settings, envelope, message, wanted) in table {
        let peer = Peer::with(Script::default(), settings.clone()).await;
        let mut session = peer.connect().await.unwrap();
        let found = match session.send(&envelope, message, always).await {
            Outcome::Bounced { phase, reply } => format!("bounced in {phase}: {reply}"),
            Outcome::Accepted { .. } => "accepted".to_owned(),
            other => panic!("{other:?}"),
        };
        assert!(found.starts_with(wanted), "{found} for {wanted}");
        assert!(session.is_usable());
        let begun = usize::from(wanted == "accepted");
        assert_eq!(peer.script.count(Place::Mail), begun);
        assert_eq!(peer.script.taken().len(), begun);
        if begun == 1 {
            assert_eq!(peer.script.taken()[0].recipients, [envelope.recipient]);
        }
    }
}

#[tokio::test]
async fn every_byte_arrives_dots_included() {
    let peer = Peer::start(Script::default()).await;
    let mut session = peer.connect().await.unwrap();
    let long = b"..x\r\n.\r\nword word\r\n".repeat(5_000);
    let messages: [&[u8]; 9] = [
        MESSAGE,
        b"",
        b"\r\n",
        b".\r\n",
        b"..\r\n...\r\n.a\r\n",
        b"\r\n.\r\n\r\n..\r\n",
        b"a\r\n\r\n\r\n",
        b"x.\r\n.",
        &long,
    ];
    for message in messages {
        let outcome = session.send(&ENVELOPE, message, always).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        let taken = peer.script.taken().pop().unwrap();
        let mut wanted = message.to_vec();
        if !message.is_empty() && !message.ends_with(b"\r\n") {
            wanted.extend_from_slice(b"\r\n");
        }
        assert_eq!(taken.message, wanted);
        assert_eq!(taken.return_path, ENVELOPE.return_path);
        assert_eq!(taken.recipients, [ENVELOPE.recipient]);
    }
}

#[tokio::test]
async fn a_reply_is_one_bounded_line_with_its_enhanced_status() {
    #[rustfmt::skip]
    let table = [
        (550, "5.1.1 No such user", Some((5, 1, 1)), "No such user"),
        (550, "5.1.1", Some((5, 1, 1)), ""),
        (550, "4.1.1 Odd", None, "4.1.1 Odd"),
        (250, "2.0.0 Ok", Some((2, 0, 0)), "Ok"),
        (452, "4.222.333 a\r\nb", Some((4, 222, 333)), "a  b"),
        (550, "5.1.1.1 x", None, "5.1.1.1 x"),
        (550, "5.1111.1 x", None, "5.1111.1 x"),
        (354, "3.0.0 x", None, "3.0.0 x"),
        (550, "5.1.+1 x", None, "5.1.+1 x"),
    ];
    for (code, text, status, shown) in table {
        let reply = Reply::new(code, text);
        assert_eq!(
            (reply.status, reply.text.as_str()),
            (status, shown),
            "{text}"
        );
    }
    let long = Reply::new(550, &"ü".repeat(5_000));
    assert_eq!(long.text.chars().count(), 512);
    assert_eq!(Reply::new(550, "5.1.1 x").to_string(), "550 5.1.1 x");
}

/// Postfix's own test server, as a peer that we have not written. It fails as it is told: `-q`
/// cuts, `-Q` says 421, `-r` a 4xx and `-f` a 5xx.
#[tokio::test]
async fn smtp_sink_is_understood_at_every_command() {
    #[rustfmt::skip]
    let table = [
        ("", "", "accepted: 250, usable"),
        ("-q", "connect", "no session in the greeting: connection lost"),
        ("-q", "ehlo", "no session in EHLO: connection lost"),
        ("-q", "mail", "deferred in MAIL: connection lost, unusable"),
        ("-q", "rcpt", "deferred in RCPT: connection lost, unusable"),
        ("-q", "data", "deferred in DATA: connection lost, unusable"),
        ("-q", ".", "unknown in the wait after the final dot: connection lost, unusable"),
        ("-Q", "connect", "no session in the greeting: 421"),
        ("-Q", "ehlo", "no session in EHLO: 421"),
        ("-Q", "mail", "deferred in MAIL: 421, unusable"),
        ("-Q", "rcpt", "deferred in RCPT: 421, unusable"),
        ("-Q", "data", "deferred in DATA: 421, unusable"),
        ("-Q", ".", "deferred in the wait after the final dot: 421, unusable"),
        ("-r", "mail", "deferred in MAIL: 450, usable"),
        ("-r", "rcpt", "deferred in RCPT: 450, usable"),
        ("-r", "data", "deferred in DATA: 450, usable"),
        ("-r", ".", "deferred in the wait after the final dot: 450, usable"),
        ("-f", "mail", "bounced in MAIL: 500, usable"),
        ("-f", "rcpt", "bounced in RCPT: 500, usable"),
        ("-f", "data", "bounced in DATA: 500, usable"),
        ("-f", ".", "bounced in the wait after the final dot: 500, usable"),
    ];
    for (option, place, wanted) in table {
        let Some(sink) = Sink::start(option, place).await else {
            left_out("smtp-sink (Debian package postfix) is not installed");
            return;
        };
        let found = try_once(&relay("smtp", sink.address), MESSAGE).await;
        assert_eq!(found, wanted, "smtp-sink {option} {place}");
    }
}
