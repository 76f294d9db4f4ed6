//! Leaving, pausing, and all the ways back.

use bulletin::db::Db;
use bulletin::secret::Purpose;
use bulletin::subscription::{Act, State};
use bulletin::suppression::Reason;
use chrono::Duration;

use super::{ONE_CLICK, all_of, centre, leaving, suppress};
use crate::support::news::{DEPRESSION, EMPATHY, issue};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

each_database!(whose_mail_came_back_is_told_so_and_starts_again_by_confirming);
async fn whose_mail_came_back_is_told_so_and_starts_again_by_confirming(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[EMPATHY]).await;
    suppress(&news, "ann@peer.test", Reason::HardBounce, "550 5.1.1").await;
    let path = centre(&news, "ann@peer.test").await;
    let (_, _, page) = pages.ask("GET", &path, "").await;
    all_of(&page, &["3\u{A0}March 2026", "550 5.1.1", "Start again"]);
    assert!(!page.contains("Get my data"), "no mail can bring it");
    let (_, _, asked) = pages.ask("POST", &format!("{path}/again"), "").await;
    all_of(&asked, &["a•••@p•••.test", "seven days"]);
    assert!(news.is_suppressed("ann@peer.test").await, "not yet");
    news.requests().settle().await.unwrap();
    news.deliver_all().await;
    let mail = news.peer.mails_to("ann@peer.test").pop().unwrap();
    let mail = mail.replace("=\r\n", "");
    let (_, token) = mail.split_once("/c/").unwrap();
    let token: String = token.chars().take(38).collect();
    let request = news.keys.reader(Purpose::Confirm, &token).unwrap();
    news.confirm(request).await;
    assert!(!news.is_suppressed("ann@peer.test").await);
    assert_eq!(news.reader("ann@peer.test").await.topics.0, [EMPATHY]);
    let (_, _, page) = pages.ask("GET", &path, "").await;
    assert!(!page.contains("550 5.1.1") && page.contains("Get my data"));
}

each_database!(who_complained_or_left_is_told_so);
async fn who_complained_or_left_is_told_so(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    for (address, reason, words) in [
        ("a@peer.test", Reason::Complaint, "as unwanted"),
        ("b@peer.test", Reason::Manual, "by hand"),
    ] {
        news.subscribe(address, &[]).await;
        suppress(&news, address, reason, "").await;
        let path = centre(&news, address).await;
        let (_, _, page) = pages.ask("GET", &path, "").await;
        all_of(&page, &[words, "editor@example.org"]);
        assert!(!page.contains("Start again"), "{page}");
    }
    news.subscribe("c@peer.test", &[]).await;
    let leave = leaving(&news, "c@peer.test").await;
    pages.ask("POST", &leave, "leave=page").await;
    let path = centre(&news, "c@peer.test").await;
    let (_, _, page) = pages.ask("GET", &path, "").await;
    all_of(&page, &["You unsubscribed.", "Send me digests again"]);
    let rest = "frequency=monthly&format=html&language=en&name=C";
    let (_, _, page) = pages.ask("POST", &path, rest).await;
    all_of(&page, &["for the day you come back"]);
    let (_, _, page) = pages.ask("POST", &format!("{path}/back"), "").await;
    all_of(&page, &["Welcome back"]);
    assert_eq!(news.reader("c@peer.test").await.state, State::Active);
}

each_database!(leaving_by_the_page_is_undone_by_the_page_or_the_goodbye);
async fn leaving_by_the_page_is_undone_by_the_page_or_the_goodbye(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[]).await;
    let path = leaving(&news, "ann@peer.test").await;
    let (_, _, page) = pages.ask("GET", &path, "").await;
    assert_eq!(page.matches("<button").count(), 1, "{page}");
    all_of(&page, &["one round-up each quarter", "/p/"]);
    let (_, _, left) = pages.ask("POST", &path, "leave=page").await;
    all_of(
        &left,
        &["You are unsubscribed", "Undo", "Why did you leave?"],
    );
    let (_, _, again) = pages.ask("GET", &path, "").await;
    all_of(&again, &["You are unsubscribed already", "Undo"]);
    news.deliver_all().await;
    let goodbye = news.peer.mails_to("ann@peer.test");
    assert_eq!(goodbye.len(), 1);
    let goodbye = goodbye[0].replace("=\r\n", "");
    assert!(goodbye.contains(&path), "the way back:\n{goodbye}");
    let (_, _, back) = pages.ask("POST", &format!("{path}/undo"), "").await;
    all_of(&back, &["Welcome back"]);
    assert_eq!(news.reader("ann@peer.test").await.state, State::Active);
    let acts = news.consents("ann@peer.test").await;
    let acts: Vec<Act> = acts.iter().map(|consent| consent.act).collect();
    assert_eq!(acts, [Act::Granted, Act::Withdrawn, Act::Granted]);
}

each_database!(leaving_can_be_undone_for_four_weeks);
async fn leaving_can_be_undone_for_four_weeks(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[]).await;
    let (path, choices) = (
        leaving(&news, "ann@peer.test").await,
        centre(&news, "ann@peer.test").await,
    );
    pages.ask("POST", &path, ONE_CLICK).await;
    news.wait(Duration::days(28));
    let (_, _, page) = pages.ask("GET", &path, "").await;
    all_of(&page, &["Undo"]);
    news.wait(Duration::seconds(1));
    let (_, _, page) = pages.ask("GET", &path, "").await;
    all_of(&page, &["28 days", "sign up again", "/subscribe"]);
    assert!(
        !page.contains("name=\"topics\""),
        "no choice that would bring nothing"
    );
    assert!(!page.contains("Undo: "), "{page}");
    let (_, _, page) = pages.ask("GET", &choices, "").await;
    all_of(&page, &["sign up again", "/subscribe"]);
    assert!(!page.contains("Send me digests again"), "{page}");
    for (path, body) in [
        (format!("{path}/undo"), ""),
        (format!("{choices}/back"), ""),
    ] {
        let (status, _, page) = pages.ask("POST", &path, body).await;
        assert_eq!(status, 200);
        all_of(&page, &["sign up again"]);
        assert_eq!(news.reader("ann@peer.test").await.state, State::Ended);
    }
}

each_database!(a_reader_takes_a_break_and_digests_come_again_by_themselves);
async fn a_reader_takes_a_break_and_digests_come_again_by_themselves(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[]).await;
    news.subscribe("ben@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let path = centre(&news, "ann@peer.test").await;
    let (_, _, page) = pages.ask("GET", &path, "").await;
    all_of(
        &page,
        &["Take a break", "value=\"1\"", "value=\"3\"", "value=\"6\""],
    );
    for wrong in ["", "months=2", "months=1&months=3", "months=x"] {
        let (status, ..) = pages.ask("POST", &format!("{path}/pause"), wrong).await;
        assert_eq!(status, 400, "{wrong}");
    }
    let (_, _, page) = pages
        .ask("POST", &format!("{path}/pause"), "months=1")
        .await;
    let until = news.reader("ann@peer.test").await.paused_until.unwrap();
    assert_eq!(until, news.now() + chrono::Months::new(1));
    all_of(&page, &["You are taking a break", "End the break now"]);
    assert!(!page.contains("Take a break"), "{page}");
    news.deliver_all().await;
    assert!(
        news.peer.mails_to("ann@peer.test").is_empty(),
        "not even what waited"
    );

    news.publish(&issue("2026-04", &[&[EMPATHY]])).await;
    let plan = news.preview("2026-04").await;
    assert_eq!((plan.recipients, plan.excluded["paused"]), (1, 1));
    news.wait(until - news.now());
    let plan = news.preview("2026-04").await;
    assert_eq!((plan.recipients, plan.excluded.get("paused")), (2, None));

    pages
        .ask("POST", &format!("{path}/pause"), "months=6")
        .await;
    let (_, _, page) = pages.ask("POST", &format!("{path}/resume"), "").await;
    all_of(&page, &["goes on as it was", "Take a break"]);
    assert_eq!(news.preview("2026-04").await.recipients, 2);
}

each_database!(why_somebody_left_is_counted_once_they_left_and_without_who);
async fn why_somebody_left_is_counted_once_they_left_and_without_who(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[]).await;
    let path = leaving(&news, "ann@peer.test").await;
    let why = format!("{path}/why");
    pages.ask("POST", &why, "why=too_many").await;
    assert!(news.dump("leaving_reason").await.is_empty(), "still here");
    pages.ask("POST", &path, "leave=page").await;
    for _ in 0..2 {
        let (_, _, page) = pages.ask("POST", &why, "why=too_many").await;
        all_of(&page, &["Thank you"]);
    }
    let (_, _, page) = pages.ask("POST", &why, "").await;
    all_of(&page, &["Why did you leave?"]);
    assert_eq!(pages.ask("POST", &why, "why=ants").await.0, 400);
    let counted = news.dump("leaving_reason").await;
    assert_eq!(counted.len(), 1);
    for part in ["2026-03", "too_many", "2"] {
        assert!(counted[0].contains(part), "{counted:?}");
    }
}
