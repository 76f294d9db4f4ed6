//! The readers' pages: links from mails, over real HTTP.

use bulletin::config::OnNothing;
use bulletin::db::Db;
use bulletin::secret::Purpose;
use bulletin::subscription::{Act, State};

use crate::support::news::{ATTACHMENT, DEPRESSION, issue};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

each_database!(one_click_ends_the_subscription_and_may_be_repeated);
async fn one_click_ends_the_subscription_and_may_be_repeated(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("a@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    let path = format!(
        "/u/{}",
        news.keys
            .link(Purpose::Unsubscribe, news.reader("a@peer.test").await.id)
    );
    for _ in 0..2 {
        let (status, header, _) = pages.ask("POST", &path, "List-Unsubscribe=One-Click").await;
        assert_eq!(status, 200);
        assert!(
            !header.contains("set-cookie") && !header.contains("location:"),
            "{header}"
        );
    }
    assert_eq!(news.reader("a@peer.test").await.state, State::Ended);
    assert_eq!(
        news.account().await.suppressed,
        1,
        "what was queued is not sent"
    );
    let acts: Vec<Act> = news
        .consents("a@peer.test")
        .await
        .iter()
        .map(|consent| consent.act)
        .collect();
    assert_eq!(acts, [Act::Granted, Act::Withdrawn]);
    let (status, _, page) = pages.ask("POST", &format!("{path}/undo"), "").await;
    assert_eq!((status, page.contains("Welcome back")), (200, true));
    assert_eq!(news.reader("a@peer.test").await.state, State::Active);
}

each_database!(opening_any_link_changes_nothing);
async fn opening_any_link_changes_nothing(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("a@peer.test", &[ATTACHMENT]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    let reader = news.reader("a@peer.test").await;
    let [preferences, unsubscribe] = news.renderer.links(reader.id);
    let path = |url: &str| {
        url.strip_prefix("https://news.example.org")
            .unwrap()
            .to_owned()
    };
    for link in [
        path(&preferences),
        path(&unsubscribe),
        "/issues/2026-03".into(),
        "/summaries/1".into(),
        "/".into(),
    ] {
        for method in ["GET", "HEAD", "GET"] {
            assert_eq!(pages.ask(method, &link, "").await.0, 200, "{method} {link}");
        }
    }
    let after = news.reader("a@peer.test").await;
    assert_eq!(
        (after.state, after.topics.0),
        (State::Active, vec![ATTACHMENT.to_owned()])
    );
    assert_eq!(news.consents("a@peer.test").await.len(), 1);
}

each_database!(a_link_is_good_for_its_purpose_and_its_reader_alone);
async fn a_link_is_good_for_its_purpose_and_its_reader_alone(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("a@peer.test", &[]).await;
    let reader = news.reader("a@peer.test").await;
    let leave = news.keys.link(Purpose::Unsubscribe, reader.id);
    assert_eq!(pages.ask("GET", &format!("/p/{leave}"), "").await.0, 404);
    for index in 0..leave.len() {
        let mut forged = leave.clone().into_bytes();
        forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert_eq!(
            pages.ask("POST", &format!("/u/{forged}"), "x").await.0,
            404,
            "{index}"
        );
    }
    assert_eq!(news.reader("a@peer.test").await.state, State::Active);
}

each_database!(preferences_are_shown_as_they_are_and_kept_as_chosen);
async fn preferences_are_shown_as_they_are_and_kept_as_chosen(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("a@peer.test", &[ATTACHMENT]).await;
    let path = format!(
        "/p/{}",
        news.keys
            .link(Purpose::Preferences, news.reader("a@peer.test").await.id)
    );
    let (_, _, page) = pages.ask("GET", &path, "").await;
    assert!(
        page.contains(&format!("value=\"{ATTACHMENT}\" checked")),
        "{page}"
    );
    let form = format!(
        "topics={DEPRESSION}&topics=empathy&frequency=quarterly&format=text&language=fr&on_nothing=note"
    );
    assert_eq!(pages.ask("POST", &path, &form).await.0, 200);
    let reader = news.reader("a@peer.test").await;
    assert_eq!(reader.topics.0, [DEPRESSION, "empathy"]);
    assert_eq!(reader.on_nothing, Some(OnNothing::Note));
    assert_eq!(pages.ask("POST", &path, "topics=ants").await.0, 400);
    assert_eq!(
        news.reader("a@peer.test").await.topics.0,
        [DEPRESSION, "empathy"]
    );
}

each_database!(every_answer_is_guarded_and_hostile_text_stays_text);
async fn every_answer_is_guarded_and_hostile_text_stays_text(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let mut hostile = issue("2026-03", &[&[DEPRESSION]]);
    hostile.summaries[0].title = "<img src=x onerror=alert(1)>".to_owned();
    hostile.summaries[0].summary = vec!["<script>alert(1)</script>".to_owned()];
    news.publish(&hostile).await;
    for path in [
        "/",
        "/issues",
        "/issues/2026-03",
        "/summaries/1",
        "/nothing",
        "/issues/x",
        "/style.css",
        "/u/x",
    ] {
        let (_, header, body) = pages.ask("GET", path, "").await;
        for wanted in [
            "content-security-policy: default-src 'none'",
            "referrer-policy: no-referrer",
            "nosniff",
            "cross-origin-opener-policy: same-origin",
            "strict-transport-security: max-age=63072000",
        ] {
            assert!(header.contains(wanted), "{path}: {wanted}");
        }
        assert!(
            !body.contains("<script>") && !body.contains("<img"),
            "{path}"
        );
        assert!(!header.contains("set-cookie"));
    }
}
