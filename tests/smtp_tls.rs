//! What keeps a session with the relay from being read or answered by somebody else: TLS, passwords, the relay's URL.

use std::sync::Arc;

use bulletin::deliver::relay::{ConnectError, Relay};
use bulletin::deliver::smtp::Outcome;
use bulletin::listen::{Settings, session};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const MESSAGE: &[u8] = b"Subject: Ants\r\n\r\nThey walk.\r\n";
use crate::support::scripted::*;

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
