//! What is kept of readers, and how long: implied consent that runs out, and the tidying of each day.

use bulletin::db::{Db, Tx};
use bulletin::request::Kind;
use bulletin::retention::{self, Retention, Run};
use bulletin::secret::Purpose;
use bulletin::subscription::Act;
use bulletin::suppression::{self, Reason};
use chrono::Duration;

use crate::support::dump::found;
use crate::support::news::{DEPRESSION, form, issue};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

fn retention(news: &News) -> Retention {
    Retention {
        db: news.db.clone(),
        terms: news.retention(),
        clock: news.clock(),
    }
}

async fn keep(news: &News) -> Option<Run> {
    retention(news).keep().await.unwrap()
}

/// Whom the issue would reach, and how many it would not for this reason.
async fn reached(news: &News, month: &str, reason: &str) -> (i64, i64) {
    let plan = news.preview(month).await;
    (
        plan.recipients,
        plan.excluded.get(reason).copied().unwrap_or_default(),
    )
}

async fn leave(news: &News, pages: &Pages, address: &str) {
    let reader = news.reader(address).await.id;
    let path = format!("/u/{}", news.keys.link(Purpose::Unsubscribe, reader));
    let (status, ..) = pages.ask("POST", &path, "leave=page").await;
    assert_eq!(status, 200);
}

async fn suppress(news: &News, address: &str, reason: Reason) {
    let hash = news.reader(address).await.address_hash;
    let mut tx = news.db.begin().await.unwrap();
    suppression::suppress(&mut tx, &hash, reason, "", news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

each_database!(an_implied_consent_runs_out_unless_the_reader_says_that_digests_shall_come);
async fn an_implied_consent_runs_out_unless_the_reader_says_that_digests_shall_come(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let given = (news.now() - Duration::days(700)).format("%Y-%m-%d");
    let csv = format!(
        "address,consent_at,consent_source,consent_kind\n\
         ann@peer.test,{given},bought a seat,implied\n\
         ben@peer.test,{given},bought a seat,Implied\n\
         cat@peer.test,{given},form,express\n\
         dan@peer.test,{given},form,\n\
         eve@peer.test,2020-01-01,bought a seat,implied\n\
         fay@peer.test,{given},form,perhaps\n"
    );
    let (enrolled, refused) = news.enrol(&csv).await;
    assert_eq!((enrolled.added, enrolled.refused), (4, 2));
    assert!(
        refused[0].why.to_string().contains("ran out on 2021-12-31"),
        "{}",
        refused[0].why.to_string()
    );
    assert!(
        refused[1].why.to_string().contains("express"),
        "{}",
        refused[1].why.to_string()
    );
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    assert_eq!(reached(&news, "2026-03", "consent_expired").await, (4, 0));

    let ann = news.reader("ann@peer.test").await;
    let path = format!("/p/{}", news.keys.link(Purpose::Preferences, ann.id));
    let (_, _, page) = pages.ask("GET", &path, "").await;
    assert!(page.contains("Shall digests go on coming?"), "{page}");
    let (_, _, page) = pages.ask("POST", &format!("{path}/stay"), "").await;
    assert!(!page.contains("Shall digests go on coming?"), "{page}");
    let consents = news.consents("ann@peer.test").await;
    assert_eq!(consents.len(), 2);
    assert!(consents[1].proof.is_some());

    news.wait(Duration::days(31));
    assert_eq!(reached(&news, "2026-03", "consent_expired").await, (3, 1));
    assert_eq!(
        keep(&news).await.unwrap().readers,
        0,
        "for four weeks it can be said"
    );
    news.wait(Duration::days(28));
    assert_eq!(keep(&news).await.unwrap().readers, 1);
    assert_eq!(reached(&news, "2026-03", "consent_expired").await, (3, 0));
    let again = csv.lines().take(1).chain(csv.lines().skip(2).take(1));
    let again = again.collect::<Vec<_>>().join("\n");
    let (enrolled, refused) = news.enrol(&again).await;
    assert_eq!(enrolled.added, 0);
    assert!(
        refused[0].why.to_string().contains("ran out"),
        "{}",
        refused[0].why.to_string()
    );
}

each_database!(who_left_is_forgotten_after_four_weeks_and_no_list_brings_them_back);
async fn who_left_is_forgotten_after_four_weeks_and_no_list_brings_them_back(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    for address in ["ann@peer.test", "ben@peer.test", "cat@peer.test"] {
        news.subscribe(address, &[]).await;
    }
    leave(&news, &pages, "ann@peer.test").await;
    news.wait(Duration::days(20));
    leave(&news, &pages, "ben@peer.test").await;
    assert_eq!(keep(&news).await.unwrap().readers, 0);
    assert_eq!(keep(&news).await, None, "once a day");
    news.wait(Duration::days(8));
    assert_eq!(keep(&news).await.unwrap().readers, 1);
    let everything = news.dump_all().await;
    assert_eq!(found(&everything, "ann@peer.test"), [""; 0]);
    assert!(!found(&everything, "ben@peer.test").is_empty());
    let acts: Vec<Act> = news
        .consents("ann@peer.test")
        .await
        .iter()
        .map(|one| one.act)
        .collect();
    assert_eq!(acts, [Act::Granted, Act::Withdrawn, Act::Erased]);
    let (enrolled, _) = news
        .enrol("address,consent_at,consent_source\nann@peer.test,2026-01-01,form\n")
        .await;
    assert_eq!(enrolled.added, 0);

    // Who asks for it themselves comes back; and who has asked is not forgotten before they can confirm.
    let request = news
        .ask(Kind::SignUp, "ann@peer.test", form(&[]), None)
        .await;
    news.requests().settle().await.unwrap();
    news.confirm(request).await;
    assert!(!news.is_suppressed("ann@peer.test").await);
    news.wait(Duration::days(19));
    news.ask(Kind::SignUp, "ben@peer.test", form(&[]), None)
        .await;
    news.requests().settle().await.unwrap();
    news.wait(Duration::days(2));
    assert_eq!(keep(&news).await.unwrap().readers, 0);
    news.wait(Duration::days(6));
    assert_eq!(keep(&news).await.unwrap().readers, 1);
}

each_database!(whose_mailbox_takes_no_mail_is_forgotten_like_who_left_and_no_list_brings_them_back);
async fn whose_mailbox_takes_no_mail_is_forgotten_like_who_left_and_no_list_brings_them_back(
    db: Db,
) {
    let news = News::start(db).await;
    for address in ["ann@peer.test", "ben@peer.test", "cat@peer.test"] {
        news.subscribe(address, &[]).await;
    }
    suppress(&news, "ann@peer.test", Reason::HardBounce).await;
    suppress(&news, "ben@peer.test", Reason::SoftBounces).await;
    suppress(&news, "cat@peer.test", Reason::Manual).await;
    news.wait(Duration::days(179));
    assert_eq!(keep(&news).await.unwrap().readers, 0);
    // Who asks for mail again is not forgotten before they can confirm.
    news.ask(Kind::SignUp, "ben@peer.test", form(&[]), None)
        .await;
    news.requests().settle().await.unwrap();
    news.wait(Duration::days(1));
    assert_eq!(keep(&news).await.unwrap().readers, 1);
    let everything = news.dump_all().await;
    assert_eq!(found(&everything, "ann@peer.test"), [""; 0]);
    assert!(!found(&everything, "ben@peer.test").is_empty());
    assert!(!found(&everything, "cat@peer.test").is_empty());
    let consents = news.consents("ann@peer.test").await;
    let acts: Vec<Act> = consents.iter().map(|one| one.act).collect();
    assert_eq!(acts, [Act::Granted, Act::Erased]);
    assert!(news.is_suppressed("ann@peer.test").await);
    let list = "address,consent_at,consent_source\nann@peer.test,2026-01-01,form\n";
    let (enrolled, refused) = news.enrol(list).await;
    assert_eq!(enrolled.added, 0);
    assert!(refused[0].why.to_string().contains("suppressed"));

    let request = news
        .ask(Kind::SignUp, "ann@peer.test", form(&[]), None)
        .await;
    news.requests().settle().await.unwrap();
    news.confirm(request).await;
    assert!(!news.is_suppressed("ann@peer.test").await);
    news.wait(Duration::days(8));
    assert_eq!(
        keep(&news).await.unwrap().readers,
        1,
        "ben alone, who did not confirm"
    );
}

each_database!(after_a_year_the_account_stays_and_names_nobody);
async fn after_a_year_the_account_stays_and_names_nobody(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[]).await;
    news.subscribe("550.ben@peer.test", &[]).await;
    news.ask(Kind::Manage, "ann@peer.test", form(&[]), None)
        .await;
    news.requests().settle().await.unwrap();
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    let before = news.account().await;
    news.wait(Duration::days(364));
    let run = keep(&news).await.unwrap();
    assert_eq!((run.deliveries, run.requests), (0, 0));
    assert_eq!(run.readers, 1, "ben has no mailbox");
    news.wait(Duration::days(2));
    let run = keep(&news).await.unwrap();
    assert_eq!((run.readers, run.deliveries, run.requests), (0, 1, 1));
    let after = news.account().await;
    assert_eq!(
        (before.accepted, before.bounced),
        (after.accepted, after.bounced)
    );
    let mut tx = news.db.read().await.unwrap();
    assert_eq!(retention::last(&mut tx).await.unwrap(), Some(run));
    assert_eq!(news.dump("retention_run").await.len(), 2);
}

/// Takes away what a reader chose, as only a hand in the database could; `false` where the database keeps that from
/// happening.
async fn lose_the_choice(news: &News, address: &str) -> bool {
    const CHOICE: &str =
        "DELETE FROM choice WHERE id = (SELECT choice_id FROM subscriber WHERE address = $1)";
    let Tx::Postgres(mut tx) = news.db.begin().await.unwrap() else {
        return false;
    };
    let done = sqlx::query(CHOICE).bind(address).execute(&mut *tx).await;
    tx.commit().await.unwrap();
    done.unwrap().rows_affected() == 1
}

each_database!(a_reader_whose_choice_is_lost_keeps_nobody_else);
async fn a_reader_whose_choice_is_lost_keeps_nobody_else(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &["empathy"]).await;
    news.subscribe("ben@peer.test", &[]).await;
    for address in ["ann@peer.test", "ben@peer.test"] {
        leave(&news, &pages, address).await;
    }
    let is_lost = lose_the_choice(&news, "ann@peer.test").await;
    news.wait(Duration::days(28));
    let run = keep(&news).await.unwrap();
    assert_eq!(run.readers, if is_lost { 1 } else { 2 });
    assert_eq!(found(&news.dump_all().await, "ben@peer.test"), [""; 0]);
}

each_database!(
    what_proves_a_consent_goes_three_years_after_the_last_mail_and_not_while_there_is_a_reader
);
async fn what_proves_a_consent_goes_three_years_after_the_last_mail_and_not_while_there_is_a_reader(
    db: Db,
) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    for address in ["ann@peer.test", "ben@peer.test", "cat@peer.test"] {
        news.subscribe(address, &[]).await;
    }
    let cat = news.reader("cat@peer.test").await.id;
    let moving = news
        .ask(Kind::Address, "new@peer.test", form(&[]), Some(cat))
        .await;
    news.confirm(moving).await;
    leave(&news, &pages, "ann@peer.test").await;
    news.wait(Duration::days(28));
    assert_eq!(keep(&news).await.unwrap().readers, 1);
    let proofs = async |address: &str| news.consents(address).await.len();
    assert_eq!(proofs("ann@peer.test").await, 3);
    // Cat's old address was written to for the last time when she moved, four weeks before ann's record was closed.
    news.wait(Duration::days(1096 - 28));
    assert_eq!(keep(&news).await.unwrap().consents, 0);
    news.wait(Duration::days(1));
    assert_eq!(keep(&news).await.unwrap().consents, 2);
    assert_eq!(proofs("cat@peer.test").await, 0);
    news.wait(Duration::days(27));
    assert_eq!(keep(&news).await.unwrap().consents, 0);
    assert_eq!(proofs("ann@peer.test").await, 3);
    news.wait(Duration::days(1));
    assert_eq!(keep(&news).await.unwrap().consents, 3);
    assert_eq!(proofs("ann@peer.test").await, 0);
    assert!(news.is_suppressed("ann@peer.test").await, "and stays so");
    assert_eq!(proofs("ben@peer.test").await, 1);
    assert_eq!(proofs("new@peer.test").await, 1);
}

each_database!(who_never_said_yes_in_so_many_words_is_asked_once_before_the_consent_ends);
async fn who_never_said_yes_in_so_many_words_is_asked_once_before_the_consent_ends(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let given = (news.now() - Duration::days(699)).format("%Y-%m-%d");
    let mut csv = "address,language,consent_at,consent_source,consent_kind\n".to_owned();
    for (name, language, kind) in [
        ("ann", "en", "implied"),
        ("ben", "fr", "implied"),
        ("cat", "en", "express"),
        ("left", "en", "implied"),
        ("gone", "en", "implied"),
    ] {
        csv += &format!("{name}@peer.test,{language},{given},bought a seat,{kind}\n");
    }
    news.enrol(&csv).await;
    leave(&news, &pages, "left@peer.test").await;
    suppress(&news, "gone@peer.test", Reason::Manual).await;
    assert_eq!(keep(&news).await.unwrap().reminded, 0, "it is not yet time");

    news.wait(Duration::days(1));
    assert_eq!(keep(&news).await.unwrap().reminded, 2);
    news.deliver_all().await;
    news.wait(Duration::seconds(3));
    news.deliver_all().await;
    let mails = |address: &str| news.peer.mails_to(address);
    let [ann, ben] = ["ann@peer.test", "ben@peer.test"].map(|address| mails(address).concat());
    let at = |second: &str| {
        [&ann, &ben]
            .iter()
            .filter(|mail| mail.contains(second))
            .count()
    };
    assert_eq!(
        (at(" 14:00:00 +0000"), at(" 14:00:03 +0000")),
        (1, 1),
        "not all at once"
    );
    assert!(ann.contains("Your subscription ends soon"), "{ann}");
    assert!(ann.contains("3 April 2026"), "{ann}");
    assert!(ben.contains("lang=3D\"fr\""), "{ben}");

    // Eight days on, the letter itself is forgotten; it is not sent again.
    for _ in 0..8 {
        news.wait(Duration::days(1));
        news.requests().settle().await.unwrap();
        assert_eq!(keep(&news).await.unwrap().reminded, 0);
    }
    news.deliver_all().await;
    assert_eq!(mails("ann@peer.test").len(), 1);

    let link = ann.replace("=\r\n", "");
    let link = link.split("https://news.example.org/p/").nth(1).unwrap();
    let token = link.split(['#', '"', '\r']).next().unwrap();
    let (status, _, page) = pages.ask("GET", &format!("/p/{token}"), "").await;
    assert_eq!(status, 200);
    assert!(page.contains("id=\"standing\"") && page.contains("/stay\""));
    pages.ask("POST", &format!("/p/{token}/stay"), "").await;
    let consents = news.consents("ann@peer.test").await;
    assert_eq!(consents.last().unwrap().act, Act::Granted);
    assert!(consents.last().unwrap().proof.is_some());
    news.publish(&issue("2026-05", &[&[DEPRESSION]])).await;
    news.wait(Duration::days(30));
    assert_eq!(reached(&news, "2026-05", "consent_expired").await, (2, 1));
}
