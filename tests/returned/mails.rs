//! Mails that ask for something: to leave, by a complaint, or of a person.

use bulletin::db::Db;
use bulletin::receive::Taken;
use bulletin::returned::{Did, Way, kept};
use bulletin::subscription::State as Stands;
use bulletin::{feedback, verp};
use chrono::Duration;

use super::{sent, suppression_of};
use crate::support::each_database;

each_database!(a_mail_to_the_signed_address_unsubscribes_and_no_other_does);
async fn a_mail_to_the_signed_address_unsubscribes_and_no_other_does(db: Db) {
    let news = sent(db, &["ann@peer.test", "ben@peer.test"]).await;
    let address = |reader: &str| {
        let mails = news.peer.mails_to(reader);
        let field = mails[0].split("<mailto:").nth(1).unwrap();
        field.split('>').next().unwrap().to_owned()
    };
    let ann = address("ann@peer.test");
    let mail = |from: &str, subject: &str| {
        format!(
            "From: {from}\r\nTo: x@y.test\r\nSubject: {subject}\r\nMessage-ID: <{subject}@{from}>\r\n\r\n"
        )
    };
    let take = async |mail: String, to: Option<&str>| {
        let receiver = news.receiver();
        receiver.mail(mail.as_bytes(), to, Way::Pipe).await.unwrap()
    };
    let forged = ann.replacen("leave-", "leave-a", 1);
    for (to, wanted) in [
        (Some(forged.as_str()), Taken::Kept),
        (Some("ben@peer.test"), Taken::Again),
        (None, Taken::Again),
    ] {
        let taken = take(mail("ben@peer.test", "unsubscribe"), to).await;
        assert_eq!(taken, wanted, "{to:?}");
    }
    news.wait(Duration::days(400));
    let leaves = mail("whoever@elsewhere.test", "unsubscribe");
    let taken = take(leaves.clone(), Some(&ann)).await;
    assert_eq!(taken, Taken::Acted(Did::Unsubscribed));
    let reader = news.reader("ann@peer.test").await;
    assert_eq!(reader.state, Stands::Ended);
    assert_eq!(take(leaves, Some(&ann)).await, Taken::Again);
    let ben = news.reader("ben@peer.test").await;
    assert_eq!(ben.state, Stands::Active);
    let (name, _) = address("ben@peer.test").split_once('@').map(own).unwrap();
    let taken = take(mail("anybody@elsewhere.test", &name), None).await;
    assert_eq!(taken, Taken::Acted(Did::Unsubscribed), "by the subject");
    assert_eq!(suppression_of(&news, "ann@peer.test").await, None);
}

fn own((a, b): (&str, &str)) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

each_database!(what_cannot_be_acted_on_waits_for_a_person_within_bounds);
async fn what_cannot_be_acted_on_waits_for_a_person_within_bounds(db: Db) {
    let news = sent(db, &["ann@peer.test"]).await;
    for number in 0..520 {
        let mail = format!("From: Ann <ann@peer.test>\nMessage-ID: <{number}>\n\nHello.\n");
        let receiver = news.receiver();
        let taken = receiver.mail(mail.as_bytes(), None, Way::Pipe).await;
        assert_eq!(taken.unwrap(), Taken::Kept);
    }
    let mut tx = news.db.begin().await.unwrap();
    let list = kept::list(&mut tx).await.unwrap();
    assert_eq!(list.len(), 500, "the newest");
    let mail = kept::mail(&mut tx, list[0].id).await.unwrap().unwrap();
    assert!(mail.ends_with(b"Hello.\n"));
    assert!(kept::drop_it(&mut tx, list[0].id).await.unwrap());
    assert!(!kept::drop_it(&mut tx, list[0].id).await.unwrap());
    let reader = news.reader_in(&mut tx, "ann@peer.test").await;
    feedback::erase(&mut tx, &reader, news.now()).await.unwrap();
    assert_eq!(kept::count(&mut tx).await.unwrap(), 0, "by who wrote them");
}

/// An ARF report (RFC 5965) of a mail; `original` is the header that it quotes.
fn arf(original: &str) -> String {
    format!(
        "From: fbl@provider.test\nTo: complaints@example.org\nSubject: complaint\nMessage-ID: <1@provider.test>\n\
         MIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nThis is an email abuse report.\n\
         --b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: Provider/1\nVersion: 1\n\n\
         --b\nContent-Type: message/rfc822\n\n{original}\n\nText.\n--b--\n"
    )
}

each_database!(a_complaint_is_acted_on_by_our_signature_in_it_and_else_waits_for_a_person);
async fn a_complaint_is_acted_on_by_our_signature_in_it_and_else_waits_for_a_person(db: Db) {
    let news = sent(db, &["ann@peer.test"]).await;
    let take = async |original: &str| {
        let receiver = news.receiver();
        let mail = arf(original);
        receiver
            .mail(mail.as_bytes(), None, Way::Pipe)
            .await
            .unwrap()
    };
    let unsigned =
        "From: news@example.org\nTo: ann@peer.test\nSubject: News\nMessage-ID: <1@example.org>";
    assert_eq!(take(unsigned).await, Taken::Kept);
    assert_eq!(news.reader("ann@peer.test").await.state, Stands::Active);
    let delivery = news.delivery_to("ann@peer.test");
    let path = verp::return_path(&news.keys, delivery, "bounce.example.org");
    let signed = format!("Return-Path: <{path}>\n{unsigned}");
    assert_eq!(take(&signed).await, Taken::Acted(Did::Unsubscribed));
    assert_eq!(news.reader("ann@peer.test").await.state, Stands::Ended);
    assert!(news.is_suppressed("ann@peer.test").await);
}
