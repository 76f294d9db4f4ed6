//! Unsubscribing by one click in a mail program, RFC 8058.

use bulletin::db::Db;
use bulletin::request::Kind;
use bulletin::subscription::State;
use bulletin::suppression::Reason;

use super::{ONE_CLICK, all_of, fresh, leaving, suppress};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

const PARTS: &str = "--x7\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x7--\r\n";

each_database!(one_click_is_taken_as_rfc_8058_has_it_and_in_no_other_way);
async fn one_click_is_taken_as_rfc_8058_has_it_and_in_no_other_way(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let url = "Content-Type: application/x-www-form-urlencoded\r\n";
    let parted = "Content-Type: multipart/form-data; boundary=x7\r\n";
    let quoted = "Content-Type: multipart/form-data; boundary=\"x7\"\r\n";
    let ended = format!("{ONE_CLICK}\r\n");
    let with_charset = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
    let taken = [
        (url, ONE_CLICK),
        (url, ended.as_str()),
        (with_charset, ONE_CLICK),
        (parted, PARTS),
        (quoted, PARTS),
    ];
    for (number, (fields, body)) in taken.into_iter().enumerate() {
        let address = format!("r{number}@peer.test");
        news.subscribe(&address, &[]).await;
        let path = leaving(&news, &address).await;
        let (status, header, says) = pages.ask_with("POST", &path, fields, body).await;
        assert_eq!(status, 200, "{fields}{body}");
        for never in ["set-cookie", "location:", "text/html"] {
            assert!(!header.contains(never), "{header}");
        }
        assert_eq!(says, "You are unsubscribed.\n");
        assert_eq!(news.reader(&address).await.state, State::Ended);
    }
    news.subscribe("ann@peer.test", &[]).await;
    let path = leaving(&news, "ann@peer.test").await;
    let wrong_part = PARTS.replace("One-Click", "Two-Clicks");
    let wrong_name = PARTS.replace("List-Unsubscribe", "List");
    let two_parts = PARTS.replace("--x7--", &PARTS[..PARTS.len() - 8]);
    for (fields, body) in [
        (url, ""),
        (url, "List-Unsubscribe=one-click"),
        (url, "List-Unsubscribe=One-Click&more=1"),
        (url, "x=List-Unsubscribe=One-Click"),
        (parted, ONE_CLICK),
        (parted, &wrong_part),
        (parted, &wrong_name),
        (parted, &two_parts),
        (url, PARTS),
    ] {
        let (status, ..) = pages.ask_with("POST", &path, fields, body).await;
        assert_eq!(status, 400, "{body}");
    }
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        pages.ask(method, &path, ONE_CLICK).await;
    }
    assert_eq!(news.reader("ann@peer.test").await.state, State::Active);
}

each_database!(one_click_a_hundred_times_at_once_is_one_withdrawal_and_one_goodbye);
async fn one_click_a_hundred_times_at_once_is_one_withdrawal_and_one_goodbye(db: Db) {
    let news = News::start(db).await;
    let pages = std::sync::Arc::new(Pages::start(&news).await);
    news.subscribe("ann@peer.test", &[]).await;
    let path = leaving(&news, "ann@peer.test").await;
    let clicks = (0..100).map(|_| {
        let (pages, path) = (pages.clone(), path.clone());
        tokio::spawn(async move { pages.ask("POST", &path, ONE_CLICK).await.0 })
    });
    for click in clicks.collect::<Vec<_>>() {
        assert_eq!(click.await.unwrap(), 200);
    }
    assert_eq!(news.consents("ann@peer.test").await.len(), 2);
    news.deliver_all().await;
    assert_eq!(news.peer.mails_to("ann@peer.test").len(), 1);
}

each_database!(one_click_is_answered_for_the_suppressed_and_the_erased_too);
async fn one_click_is_answered_for_the_suppressed_and_the_erased_too(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    for (address, reason) in [
        ("a@peer.test", Reason::HardBounce),
        ("b@peer.test", Reason::Complaint),
    ] {
        news.subscribe(address, &[]).await;
        suppress(&news, address, reason, "").await;
        let path = leaving(&news, address).await;
        assert_eq!(pages.ask("POST", &path, ONE_CLICK).await.0, 200);
        assert_eq!(news.reader(address).await.state, State::Ended);
    }
    news.subscribe("gone@peer.test", &[]).await;
    let path = leaving(&news, "gone@peer.test").await;
    let manage = fresh(&news, Kind::Manage, "gone@peer.test").await;
    let (_, _, page) = pages.ask("POST", &format!("{manage}/erase"), "").await;
    all_of(&page, &["You are erased"]);
    let before = news.dump_all().await;
    for _ in 0..3 {
        let (status, _, says) = pages.ask("POST", &path, ONE_CLICK).await;
        assert_eq!((status, says.as_str()), (200, "You are unsubscribed.\n"));
    }
    let (status, _, page) = pages.ask("GET", &path, "").await;
    assert_eq!(status, 200);
    all_of(&page, &["You are unsubscribed already"]);
    assert_eq!(pages.ask("POST", &path, "leave=page").await.0, 200);
    assert_eq!(news.dump_all().await, before);
}
