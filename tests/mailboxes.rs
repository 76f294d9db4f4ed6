//! Bounces are fetched out of mailboxes, over IMAP from a real server.

use std::sync::Arc;
use std::time::Duration;

use bulletin::db::Db;
use bulletin::receive::imap::{After, Mailbox, MailboxError};
use bulletin::suppression::Reason;
use bulletin::verp;
use tokio_util::sync::CancellationToken;

use crate::returned::{sent, suppression_of};
use crate::support::dovecot::{Dovecot, PASSWORD};
use crate::support::{News, each_database, left_out};

async fn dovecot() -> Option<Dovecot> {
    let started = Dovecot::start().await;
    if started.is_none() {
        left_out("Dovecot (Debian package dovecot-imapd) is not installed");
    }
    started
}

/// The report of a mail server that a reader is not there, to the return path of their mail.
fn report(news: &News, reader: &str) -> Vec<u8> {
    let delivery = news.delivery_to(reader);
    let to = verp::return_path(&news.keys, delivery, "news.test");
    let text = format!(
        "Delivered-To: {to}\r\nFrom: MAILER-DAEMON@mx.peer.test (Mail Delivery System)\r\nTo: {to}\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMessage-Id: <{delivery}@mx.peer.test>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\n<{reader}>: host mx.peer.test said: 550 5.1.1 <{reader}>: User unknown\r\n\
         \r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.peer.test\r\n\r\n\
         Final-Recipient: rfc822; {reader}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 <{reader}>: User unknown\r\n\r\n--b--\r\n"
    );
    text.into_bytes()
}

fn mailbox(dovecot: &Dovecot, scheme: &str, user: &str) -> Mailbox {
    let port = match scheme {
        "imaps" => dovecot.tls_port,
        _ => dovecot.port,
    };
    let password = PASSWORD.replace('@', "%40");
    let url = format!("{scheme}://{user}:{password}@localhost:{port}/INBOX");
    let mailbox = Mailbox::parse(&url).unwrap();
    mailbox.trusting(vec![dovecot.certificate.clone()])
}

each_database!(a_mailbox_is_emptied_into_another_and_each_mail_acted_on);
async fn a_mailbox_is_emptied_into_another_and_each_mail_acted_on(db: Db) {
    let Some(dovecot) = dovecot().await else {
        return;
    };
    let news = sent(db, &["gone@peer.test", "stays@peer.test"]).await;
    let after = After::MoveTo("Bulletin".to_owned());
    let note = b"From: ann@peer.test\r\nSubject: Thank you\r\nMessage-Id: <1@peer.test>\r\n\r\nA nice digest.\r\n";
    for (scheme, user) in [
        ("imap", "one"),
        ("imaps", "two"),
        ("imap+starttls", "three"),
    ] {
        dovecot.put(user, "1", &report(&news, "gone@peer.test"));
        dovecot.put(user, "2", note);
        dovecot.put(user, "3", &[0xff; 100]);
        let mailbox = mailbox(&dovecot, scheme, user);
        let taken = mailbox.empty(&news.receiver(), &after).await;
        assert_eq!(taken.unwrap(), 3, "{scheme}");
        assert_eq!(
            (dovecot.count(user, ""), dovecot.count(user, "Bulletin")),
            (0, 3)
        );
    }
    let reason = suppression_of(&news, "gone@peer.test").await;
    assert_eq!(reason, Some(Reason::HardBounce));
    let account = news.account().await;
    assert_eq!(
        (account.accepted, account.bounced),
        (1, 1),
        "once, however often it came"
    );
}

each_database!(mails_are_deleted_only_where_the_operator_says_so);
async fn mails_are_deleted_only_where_the_operator_says_so(db: Db) {
    let Some(dovecot) = dovecot().await else {
        return;
    };
    let news = sent(db, &["gone@peer.test", "stays@peer.test"]).await;
    dovecot.put("one", "1", &report(&news, "gone@peer.test"));
    let mailbox = mailbox(&dovecot, "imap", "one");
    let taken = mailbox.empty(&news.receiver(), &After::Delete).await;
    assert_eq!(taken.unwrap(), 1);
    assert_eq!(
        (dovecot.count("one", ""), dovecot.count("one", "Bulletin")),
        (0, 0)
    );
}

each_database!(a_mail_that_comes_while_we_wait_is_acted_on_at_once);
async fn a_mail_that_comes_while_we_wait_is_acted_on_at_once(db: Db) {
    let Some(dovecot) = dovecot().await else {
        return;
    };
    let dovecot = Arc::new(dovecot);
    let news = Arc::new(sent(db, &["gone@peer.test", "stays@peer.test"]).await);
    let stop = CancellationToken::new();
    let watching = {
        let (mailbox, receiver) = (mailbox(&dovecot, "imap", "one"), news.receiver());
        let stop = stop.clone();
        let after = After::MoveTo("Bulletin".to_owned());
        tokio::spawn(async move { mailbox.watch(&receiver, &after, 1, &stop).await })
    };
    // The first is found by looking, the second by word of the server.
    for (number, reader) in ["gone@peer.test", "stays@peer.test"]
        .into_iter()
        .enumerate()
    {
        dovecot.put("one", &format!("{number}"), &report(&news, reader));
        let mut look_again = tokio::time::interval(Duration::from_millis(20));
        let moved = async {
            while dovecot.count("one", "Bulletin") <= number {
                look_again.tick().await;
            }
        };
        let moved = tokio::time::timeout(Duration::from_secs(30), moved).await;
        assert!(moved.is_ok(), "mail {number} lies there");
        let reason = suppression_of(&news, reader).await;
        assert_eq!(reason, Some(Reason::HardBounce));
    }
    stop.cancel();
    watching.await.unwrap();
}

each_database!(a_mailbox_that_cannot_be_opened_says_why_and_nothing_is_lost);
async fn a_mailbox_that_cannot_be_opened_says_why_and_nothing_is_lost(db: Db) {
    let Some(dovecot) = dovecot().await else {
        return;
    };
    let news = sent(db, &["gone@peer.test", "stays@peer.test"]).await;
    dovecot.put("one", "1", &report(&news, "gone@peer.test"));
    let after = After::MoveTo("Bulletin".to_owned());
    let empty = async |url: String| {
        let mailbox = Mailbox::parse(&url).unwrap();
        let mailbox = mailbox.trusting(Vec::new());
        mailbox.empty(&news.receiver(), &after).await.unwrap_err()
    };
    let (port, tls_port) = (dovecot.port, dovecot.tls_port);
    let told = async |url: String| bulletin::receive::imap::told(&empty(url).await);
    let wrong_password = told(format!("imap://one:wrong@localhost:{port}")).await;
    assert_eq!(
        wrong_password,
        "the server says no: are user, password and mailbox right?"
    );
    let password = PASSWORD.replace('@', "%40");
    let no_mailbox = told(format!("imap://one:{password}@localhost:{port}/Absent")).await;
    assert_eq!(no_mailbox, wrong_password);
    let unknown = told(format!("imaps://one:{password}@localhost:{tls_port}")).await;
    assert!(unknown.contains("certificate"), "{unknown}");
    assert_eq!(dovecot.count("one", ""), 1);
}

#[test]
fn a_mailboxs_url_is_read_or_refused_without_showing_its_secrets() {
    let good = Mailbox::parse("imaps://bounces%40news.test:pass@mail.news.test/Bounces").unwrap();
    assert_eq!(format!("{good:?}"), "Mailbox { .. }");
    for (url, words) in [
        ("", "begin it with imaps://"),
        ("https://u:secret@h/", "begin it with imaps://"),
        ("imaps://mail.news.test/", "give user and password"),
        ("imaps://user@mail.news.test/", "give user and password"),
        ("imaps://:secret@mail.news.test/", "give user and password"),
        ("imaps://u:secret@mail.news.test:0/", "cannot be understood"),
        (
            "imaps://u:secret@mail.news.test:993x/",
            "cannot be understood",
        ),
        ("imaps://u:secret%2@mail.news.test/", "cannot be understood"),
        (
            "imaps://u:secret%0d%0aX@mail.news.test/",
            "cannot be understood",
        ),
        (
            "imaps://u:secret@mail.news.test/IN%0aBOX",
            "cannot be understood",
        ),
        ("imap://u:secret@mail.news.test/", "use imaps://"),
    ] {
        let error: MailboxError = Mailbox::parse(url).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(told.contains(words), "{url}: {told}");
        assert!(!told.contains("secret"), "{told}");
    }
}
