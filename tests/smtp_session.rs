//! The SMTP session with the relay against a peer that fails at every point, and the receiving
//! side against clients that misbehave.

use std::future::pending;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bulletin::deliver::relay::{ConnectError, Deadlines, Relay};
use bulletin::deliver::smtp::{Envelope, Outcome, Phase, Reply, Session};
use bulletin::listen::{Answer, Limits, Mailbox, Received, Settings, Step, serve, session};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

const MESSAGE: &[u8] = b"Subject: Ants\r\n\r\nThey walk.\r\n";

const ENVELOPE: Envelope<'static> = Envelope {
    return_path: "bounce+1@news.test",
    recipient: "reader@peer.test",
};

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

#[tokio::test]
async fn tls_is_spoken_when_asked_for_and_never_left_out() {
    let authority = Authority::new();
    let good = authority.settings("127.0.0.1");
    let wrong_name = authority.settings("other.test");
    let stranger = Authority::new().settings("127.0.0.1");
    let no_tls = Settings::default();
    use Act::{Cut, Raw, Say, Silent};
    let usual = Script::default;
    let at = |act| Script::at(Place::StartTls, act);
    #[rustfmt::skip]
    let table = [
        (usual(), &good, "accepted: 250, usable"),
        (usual(), &wrong_name, "no session in the TLS handshake"),
        (usual(), &stranger, "no session in the TLS handshake"),
        (usual(), &no_tls, "no session in STARTTLS"),
        (at(Say("454 4.7.0 later")), &good, "no session in STARTTLS: 454"),
        (at(Say("501 5.5.4 no")), &good, "no session in STARTTLS: 501"),
        (at(Say("421 4.3.2 bye")), &good, "no session in STARTTLS: 421"),
        (at(Say("354 go")), &good, "no session in STARTTLS: a reply that does not belong"),
        (at(Cut), &good, "no session in STARTTLS: connection lost"),
        (at(Silent), &good, "no session in STARTTLS: no answer"),
        (at(Raw(b"220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n")), &good, "no session in STARTTLS: a reply that does not belong"),
        (at(Raw(b"220 go\r\nhalf")), &good, "no session in STARTTLS"),
        (at(Act::ReplyAndCut("220 2.0.0 go")), &good, "no session in the TLS handshake"),
    ];
    for (script, settings, wanted) in table {
        let told = script.to_string();
        let mut peer = Peer::with(script, settings.clone()).await;
        peer.scheme = "smtp+starttls";
        peer.authorities = vec![authority.certificate()];
        let found = peer.try_once(MESSAGE).await;
        assert!(found.starts_with(wanted), "{told}: {found}, not {wanted}");
        let secured = peer.script.taken().iter().all(|taken| taken.secured);
        assert!(secured && peer.script.taken().len() == usize::from(wanted.starts_with("acc")));
    }
}

#[tokio::test]
async fn implicit_tls_checks_the_name_too() {
    let authority = Authority::new();
    let cases = [
        (authority.settings("127.0.0.1"), true),
        (authority.settings("other.test"), false),
        (Authority::new().settings("127.0.0.1"), false),
    ];
    for (settings, is_good) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = settings.starttls.clone().unwrap();
        let script = Arc::new(Script::default());
        let mailbox = script.clone();
        let serving = tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            let Ok(tls) = acceptor.accept(tcp).await else {
                return;
            };
            let stop = CancellationToken::new();
            let _ = session(tls, &*mailbox, &Settings::default(), &stop).await;
        });
        let authorities = vec![authority.certificate()];
        let relay = relay("smtps", address).with_authorities(authorities);
        match relay.connect().await {
            Ok(mut session) => {
                assert!(is_good, "{address}");
                let outcome = session
                    .send(&ENVELOPE, &MESSAGE.repeat(20_000), always)
                    .await;
                assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
                assert!(session.is_usable());
                session.quit().await;
            }
            Err(failure) => {
                assert!(!is_good, "{failure:?}");
                assert!(matches!(failure, ConnectError::Tls { .. }));
            }
        }
        serving.await.unwrap();
        assert_eq!(script.taken().len(), usize::from(is_good));
    }
}

#[test]
fn a_ca_file_is_read_or_its_fault_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let read = || {
        let relay = Relay::parse("smtps://mail.test").unwrap();
        relay.with_ca_file(&path).map_err(|error| error.to_string())
    };
    assert!(read().unwrap_err().contains("cannot be read"));
    std::fs::write(&path, "no certificate").unwrap();
    assert!(read().unwrap_err().contains("no certificate in it"));
    std::fs::write(&path, Authority::new().0.pem()).unwrap();
    assert!(read().is_ok());
}

#[tokio::test]
async fn a_password_opens_the_session_or_says_why_not() {
    for (offered, wanted) in [
        ("AUTH LOGIN PLAIN", "accepted: 250, usable"),
        ("AUTH LOGIN", "accepted: 250, usable"),
        ("auth=login", "accepted: 250, usable"),
        ("AUTH CRAM-MD5", "no session in AUTH"),
        ("HELP", "no session in AUTH"),
    ] {
        let mut settings = Settings::default();
        settings.extensions.push(offered.to_owned());
        let mut peer = Peer::with(Script::default(), settings).await;
        peer.user = "anna:p%40ss%3Aword@";
        assert!(
            peer.try_once(MESSAGE).await.starts_with(wanted),
            "{offered}"
        );
        if offered == "HELP" {
            continue;
        }
        peer.user = "anna:wrong@";
        let found = peer.try_once(MESSAGE).await;
        assert!(found.starts_with("no session in AUTH"), "{found}");
        // Our script repeats what it was told, as some servers do.
        assert!(!found.contains("AGFubmEAd3Jvbmc="), "{found}");
    }
    let settings = Settings {
        extensions: vec!["AUTH PLAIN".to_owned()],
        ..Settings::default()
    };
    for act in [
        Act::Cut,
        Act::Silent,
        Act::Say("421 4.3.2 bye"),
        Act::Say("334 !"),
    ] {
        let mut peer = Peer::with(Script::at(Place::Auth, act), settings.clone()).await;
        peer.user = "anna:p%40ss%3Aword@";
        let found = peer.try_once(MESSAGE).await;
        assert!(found.starts_with("no session in AUTH"), "{act:?}: {found}");
    }
}

#[tokio::test]
async fn no_password_travels_in_plain_beyond_this_machine() {
    let route = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let here = route
        .connect("192.0.2.1:9")
        .and_then(|()| route.local_addr());
    let Some(here) = here.ok().filter(|here| !here.ip().is_loopback()) else {
        eprintln!("not run: this machine has no address but loopback");
        return;
    };
    let listener = TcpListener::bind((here.ip(), 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let relay = Relay::parse(&format!("smtp://anna:secret@{address}")).unwrap();
    let failure = relay.connect().await.err().unwrap();
    assert!(matches!(failure, ConnectError::PlainPassword { .. }));
    let (mut tcp, _) = listener.accept().await.unwrap();
    let mut heard = Vec::new();
    tcp.read_to_end(&mut heard).await.unwrap();
    assert!(heard.is_empty());
}

#[test]
fn a_relay_url_is_read_or_refused_without_showing_its_secrets() {
    for (url, shown) in [
        ("smtp://mail.test", "mail.test:25"),
        ("SMTP://mail.test/", "mail.test:25"),
        ("smtp+starttls://mail.test", "mail.test:587"),
        ("smtps://mail.test", "mail.test:465"),
        ("smtps://u:hunter2@mail.test:10465", "mail.test:10465"),
        ("smtps://u:hunter2@x/?#@mail.test", "mail.test:465"),
        ("smtp://u%40x:hunter2%25@[::1]:2525", "[::1]:2525"),
        ("smtp://127.0.0.1:2525", "127.0.0.1:2525"),
    ] {
        let relay = Relay::parse(url).unwrap();
        assert_eq!(relay.to_string(), shown);
        assert!(!format!("{relay:?}").contains("hunter2"));
    }
    for url in [
        "",
        "mail.test",
        "hunter2://mail.test",
        "u:hunter2@mail.test",
        "smtp://",
        "smtp://u:hunter2@",
        "smtp://u:hunter2@mail.test:0",
        "smtp://u:hunter2@mail.test:70000",
        "smtp://u:hunter2@mail.test:x",
        "smtp://u:hunter2@mail.test/hunter2",
        "smtp://hunter2@mail.test",
        "smtp://u:@mail.test",
        "smtp://:hunter2@mail.test",
        "smtp://u:hunter2%@mail.test",
        "smtp://u:hunter2%zz@mail.test",
        "smtp://u:hunter2%+1@mail.test",
        "smtp://u:hunter2%é@mail.test",
        "smtp://u:hunter2%00@mail.test",
        "smtp://u:hunter2%ff@mail.test",
        "smtp://u:hunter2@mail test",
        "smtp://u:hunter2@[::1",
        "smtp://u:hunter2@[mail]",
        "smtp://u:hunter2@[::1]x",
    ] {
        let refusal = Relay::parse(url).unwrap_err();
        assert!(
            !format!("{refusal} {refusal:?}").contains("hunter2"),
            "{url}"
        );
    }
    let greeted = |name| Relay::parse("smtp://mail.test").unwrap().with_hello(name);
    assert!(greeted("news.test").is_ok());
    assert!(greeted("news.test\r\nMAIL").is_err());
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
            eprintln!("not run: smtp-sink (Debian package postfix) is not installed");
            return;
        };
        let found = try_once(&relay("smtp", sink.address), MESSAGE).await;
        assert_eq!(found, wanted, "smtp-sink {option} {place}");
    }
}

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

/// A point of the session at which a script may step in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Connected,
    Hello,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Body,
    Message,
    Reset,
    Quit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Say(&'static str),
    Raw(&'static [u8]),
    Cut,
    ReplyAndCut(&'static str),
    Silent,
}

/// A mailbox that answers as it is told, and remembers.
#[derive(Default)]
struct Script {
    acts: Vec<(Place, Act)>,
    is_once: bool,
    seen: Mutex<Vec<Place>>,
    taken: Mutex<Vec<Received>>,
    user: Mutex<String>,
    done: AtomicUsize,
}

impl Script {
    fn at(place: Place, act: Act) -> Script {
        Script {
            acts: vec![(place, act)],
            ..Script::default()
        }
    }

    /// The act happens the first time only.
    fn once(mut self) -> Script {
        self.is_once = true;
        self
    }

    /// Whether some answer never comes, or not to its end.
    fn leaves_waiting(&self) -> bool {
        self.acts.iter().any(|(_, act)| match act {
            Act::Silent => true,
            Act::Raw(bytes) => !bytes.contains(&b'\n'),
            _ => false,
        })
    }

    fn count(&self, place: Place) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|found| **found == place).count()
    }

    fn taken(&self) -> Vec<Received> {
        self.taken.lock().unwrap().clone()
    }

    /// Lets in anna with the password `p@ss:word`, by PLAIN or LOGIN.
    fn judge_password(&self, said: &str) -> Answer {
        let mut user = self.user.lock().unwrap();
        match said {
            "AUTH PLAIN AGFubmEAcEBzczp3b3Jk" => Answer::reply("235 2.7.0 in"),
            "AUTH LOGIN" => Answer::reply("334 VXNlcm5hbWU6"),
            "YW5uYQ==" => {
                *user = said.to_owned();
                Answer::reply("334 UGFzc3dvcmQ6")
            }
            "cEBzczp3b3Jk" if *user == "YW5uYQ==" => Answer::reply("235 2.7.0 in"),
            _ => Answer::reply(&format!("535 5.7.8 no {said}")),
        }
    }
}

impl std::fmt::Display for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.acts)
    }
}

impl Mailbox for Script {
    async fn answer(&self, step: Step<'_>) -> Answer {
        let place = match &step {
            Step::Connected => Place::Connected,
            Step::Hello(_) => Place::Hello,
            Step::StartTls => Place::StartTls,
            Step::Auth(_) => Place::Auth,
            Step::Mail(_) => Place::Mail,
            Step::Rcpt(_) => Place::Rcpt,
            Step::Data => Place::Data,
            Step::Body => Place::Body,
            Step::Message(_) => Place::Message,
            Step::Reset => Place::Reset,
            Step::Quit => Place::Quit,
        };
        self.seen.lock().unwrap().push(place);
        let act = self.acts.iter().find(|(at, _)| *at == place);
        let Some((_, act)) =
            act.filter(|_| !self.is_once || self.done.fetch_add(1, Ordering::Relaxed) == 0)
        else {
            return match step {
                Step::Message(received) => {
                    self.taken.lock().unwrap().push(received.clone());
                    Answer::usual()
                }
                Step::Auth(said) => self.judge_password(said),
                _ => Answer::usual(),
            };
        };
        match *act {
            Act::Say(line) => Answer::reply(line),
            Act::Raw(bytes) => Answer::raw(bytes),
            Act::Cut => Answer::close(),
            Act::ReplyAndCut(line) => Answer::reply(line).then_close(),
            Act::Silent => pending().await,
        }
    }
}

/// A scripted relay on a socket.
struct Peer {
    script: Arc<Script>,
    address: SocketAddr,
    scheme: &'static str,
    user: &'static str,
    authorities: Vec<CertificateDer<'static>>,
    stop: CancellationToken,
}

impl Peer {
    async fn start(script: Script) -> Peer {
        Peer::with(script, Settings::default()).await
    }

    async fn with(script: Script, settings: Settings) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (script, stop) = (Arc::new(script), CancellationToken::new());
        tokio::spawn(serve(listener, script.clone(), settings, stop.clone()));
        Peer {
            script,
            address,
            scheme: "smtp",
            user: "",
            authorities: Vec::new(),
            stop,
        }
    }

    fn relay(&self) -> Relay {
        let url = format!("{}://{}{}", self.scheme, self.user, self.address);
        let relay = Relay::parse(&url).unwrap();
        // Short only where it is sure to pass, as a busy machine may be slow.
        let relay = match self.script.leaves_waiting() {
            true => relay.with_deadlines(Deadlines {
                connect: Duration::from_secs(10),
                command: Duration::from_millis(300),
                after_dot: Duration::from_millis(400),
            }),
            false => relay.with_deadlines(patient()),
        };
        relay.with_authorities(self.authorities.clone())
    }

    async fn connect(&self) -> Result<Session, ConnectError> {
        self.relay().connect().await
    }

    async fn try_once(&self, message: &[u8]) -> String {
        try_once(&self.relay(), message).await
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// One attempt over a new session, in words.
async fn try_once(relay: &Relay, message: &[u8]) -> String {
    let begun = Instant::now();
    let mut session = match relay.connect().await {
        Ok(session) => session,
        Err(failure) => {
            let reason = match &failure {
                ConnectError::Refused { reply, .. } => reply.code.to_string(),
                ConnectError::Trouble { trouble, .. } => short(&trouble.to_string()),
                other => other.to_string(),
            };
            return format!("no session in {}: {reason}", failure.phase());
        }
    };
    let outcome = session.send(&ENVELOPE, message, always).await;
    assert!(begun.elapsed() < Duration::from_secs(30));
    let told = match outcome {
        Outcome::Accepted { reply } => format!("accepted: {}", reply.code),
        Outcome::Deferred {
            phase,
            reason,
            reply,
        } => {
            let reason = reply.map_or(short(&reason), |reply| reply.code.to_string());
            format!("deferred in {phase}: {reason}")
        }
        Outcome::Bounced { phase, reply } => format!("bounced in {phase}: {}", reply.code),
        Outcome::Unknown { reason } => format!("unknown in {}: {}", Phase::Dot, short(&reason)),
    };
    let state = if session.is_usable() {
        "usable"
    } else {
        "unusable"
    };
    format!("{told}, {state}")
}

/// The reason without its place and its figures.
fn short(reason: &str) -> String {
    let reasons = [
        "connection lost",
        "no answer",
        "no SMTP reply",
        "a reply that does not belong",
    ];
    let found = reasons.iter().find(|known| reason.starts_with(**known));
    found.map_or(reason, |known| known).to_owned()
}

fn relay(scheme: &str, address: SocketAddr) -> Relay {
    let relay = Relay::parse(&format!("{scheme}://{address}")).unwrap();
    relay.with_deadlines(patient())
}

/// A sender whose claim never runs out.
fn always() -> bool {
    true
}

/// What a session says at once to a relay that offers PIPELINING.
const GROUP: &str = "MAIL FROM:<bounce+1@news.test>\r\nRCPT TO:<reader@peer.test>\r\nDATA\r\n";

/// One attempt with a relay that gives these replies in turn, each to what it hears at once; at `cut` it hangs up.
/// Also what it has heard, from MAIL on.
async fn group_with(pipelining: bool, replies: &[String]) -> (String, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = relay("smtp", listener.local_addr().unwrap());
    let serving = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut chunk = vec![0; 4096];
        tcp.write_all(b"220 peer\r\n").await.unwrap();
        let hello = tcp.read(&mut chunk).await.unwrap();
        assert!(chunk[..hello].starts_with(b"EHLO"));
        let offer = if pipelining { "250-pipelining\r\n" } else { "" };
        let offers = format!("250-peer\r\n{offer}250 HELP\r\n");
        tcp.write_all(offers.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        for reply in replies {
            let length = tcp.read(&mut chunk).await.unwrap();
            heard.push(String::from_utf8_lossy(&chunk[..length]).into_owned());
            let (said, cut) = match reply.strip_suffix("cut\r\n") {
                Some(said) => (said, true),
                None => (reply.as_str(), false),
            };
            tcp.write_all(said.as_bytes()).await.unwrap();
            if cut {
                tcp.shutdown().await.unwrap();
            }
        }
        let mut rest = String::new();
        tcp.read_to_string(&mut rest).await.unwrap();
        heard.push(rest);
        heard
    };
    tokio::join!(try_once(&relay, MESSAGE), serving)
}

fn settings(pipelining: bool) -> Settings {
    let mut settings = Settings::default();
    settings
        .extensions
        .retain(|word| pipelining || word != "PIPELINING");
    settings
}

fn patient() -> Deadlines {
    let long = Duration::from_secs(20);
    Deadlines {
        connect: long,
        command: long,
        after_dot: long,
    }
}

/// A certificate authority for one test.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A server that proves to be `name`.
    fn settings(&self, name: &str) -> Settings {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Settings {
            starttls: Some(TlsAcceptor::from(Arc::new(config))),
            ..Settings::default()
        }
    }
}

/// Postfix's smtp-sink on a free port, ended with the test.
struct Sink {
    child: Child,
    address: SocketAddr,
}

impl Sink {
    async fn start(option: &str, place: &str) -> Option<Sink> {
        let program = ["/usr/sbin/smtp-sink", "/usr/bin/smtp-sink"];
        let program = program
            .iter()
            .find(|path| std::path::Path::new(path).exists())?;
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut command = Command::new(program);
        if !option.is_empty() {
            command.args([option, place]);
        }
        // As root it insists on being told whom to become.
        if std::fs::metadata("/proc/self").is_ok_and(|me| {
            use std::os::unix::fs::MetadataExt;
            me.uid() == 0
        }) {
            command.args(["-u", "nobody"]);
        }
        command.args([address.to_string(), "16".to_owned()]);
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        let sink = Sink { child, address };
        // It has no other way to say that it is ready.
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "smtp-sink starts"
            );
            tokio::task::yield_now().await;
        }
        Some(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A whole session with one message in it.
fn letter(message: &str) -> String {
    format!(
        "EHLO c.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n{message}\r\n.\r\nQUIT\r\n"
    )
    .replace("\r\n\r\n.\r\nQUIT", "\r\n.\r\nQUIT")
}

/// Says all at once, and gives what the receiving side says until it hangs up.
async fn converse(script: &Script, settings: &Settings, sent: &str) -> String {
    let (mut client, server): (DuplexStream, DuplexStream) = tokio::io::duplex(64 * 1024);
    let stop = CancellationToken::new();
    let mut said = Vec::new();
    let talking = async {
        client.write_all(sent.as_bytes()).await.unwrap();
        client.read_to_end(&mut said).await.unwrap();
    };
    let (served, ()) = tokio::join!(session(server, script, settings, &stop), talking);
    served.unwrap();
    String::from_utf8(said).unwrap()
}
