//! The link in a digest gets forwarded, so all that is a reader's alone wants a link that was mailed today.

use bulletin::db::Db;
use bulletin::request::Kind;
use bulletin::suppression::Reason;
use chrono::Duration;

use super::{all_of, centre, fresh, suppress};
use crate::sign_up::ticket;
use crate::support::news::form;
use crate::support::pages::Pages;
use crate::support::{News, each_database};

each_database!(a_digests_link_shows_the_address_masked_and_mails_a_fresh_one);
async fn a_digests_link_shows_the_address_masked_and_mails_a_fresh_one(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[]).await;
    let path = centre(&news, "ann@peer.test").await;
    let (_, _, page) = pages.ask("GET", &path, "").await;
    all_of(&page, &["a•••@p•••.test", "Change my address"]);
    assert!(!page.contains("ann@peer"), "{page}");
    let link = format!("{path}/link");
    let (_, _, mailed) = pages.ask("POST", &link, "for=manage").await;
    all_of(&mailed, &["a•••@p•••.test", "24 hours"]);
    assert_eq!(pages.ask("POST", &link, "for=data").await.0, 200);
    assert_eq!(pages.ask("POST", &link, "for=else").await.0, 400);
    news.requests().settle().await.unwrap();
    news.deliver_all().await;
    let mails = news.peer.mails_to("ann@peer.test");
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|mail| mail.contains("/m/")));
}

each_database!(a_fresh_link_is_asked_for_alike_whoever_the_address_belongs_to);
async fn a_fresh_link_is_asked_for_alike_whoever_the_address_belongs_to(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("ann@peer.test", &[]).await;
    news.subscribe("sue@peer.test", &[]).await;
    suppress(&news, "sue@peer.test", Reason::Complaint, "").await;
    for (page, words) in [
        ("/manage", "a link is on its way there"),
        ("/fr/manage", "un lien est en route"),
    ] {
        let (_, _, asking) = pages.ask("GET", page, "").await;
        all_of(&asking, &["name=\"address\"", "type=\"email\""]);
        assert!(asking.contains("name=\"token\" value=\""), "{asking}");
        let ticket = ticket(&news, 10);
        let mut answers = Vec::new();
        for who in ["ann", "sue", "bob"] {
            let form = format!("address={who}%40peer.test&website=&token={ticket}");
            let (status, header, body) = pages.ask("POST", page, &form).await;
            let header: Vec<_> = header
                .lines()
                .filter(|line| !line.starts_with("date:"))
                .map(str::to_owned)
                .collect();
            all_of(&body, &[words]);
            answers.push((status, header, body));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
        let (_, _, wrong) = pages.ask("POST", page, "address=ann").await;
        all_of(&wrong, &["aria-invalid=\"true\"", "value=\"ann\""]);
    }
    for wrong in [ticket(&news, 0), "forged".to_owned()] {
        let form = format!("address=ann%40peer.test&token={wrong}");
        let (_, _, soon) = pages.ask("POST", "/manage", &form).await;
        all_of(
            &soon,
            &["Press the button again", "value=\"ann@peer.test\""],
        );
    }
    let trapped = "address=ann%40peer.test&website=x";
    let (_, _, answer) = pages.ask("POST", "/manage", trapped).await;
    all_of(&answer, &["a link is on its way there"]);
    news.requests().settle().await.unwrap();
    news.deliver_all().await;
    assert_eq!(news.peer.mails_to("ann@peer.test").len(), 2);
    assert_eq!(news.peer.mails_to("sue@peer.test").len(), 0);
    assert_eq!(news.peer.mails_to("bob@peer.test").len(), 0);
}

each_database!(a_fresh_link_works_for_a_day_and_for_the_address_that_it_was_mailed_to);
async fn a_fresh_link_works_for_a_day_and_for_the_address_that_it_was_mailed_to(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    news.subscribe("old@peer.test", &[]).await;
    let id = news.reader("old@peer.test").await.id;
    let first = fresh(&news, Kind::Manage, "old@peer.test").await;
    let (_, _, page) = pages.ask("GET", &first, "").await;
    all_of(&page, &["old@peer.test", "data.csv", "data.json", "/erase"]);
    let (_, _, asked) = pages
        .ask(
            "POST",
            &format!("{first}/address"),
            "address=new%40peer.test",
        )
        .await;
    all_of(
        &asked,
        &["new@peer.test", "Until then digests come as before"],
    );
    let (_, _, wrong) = pages
        .ask("POST", &format!("{first}/address"), "address=new")
        .await;
    all_of(
        &wrong,
        &["not an address that mail can be sent to", "value=\"new\""],
    );
    news.requests().settle().await.unwrap();
    news.deliver_all().await;
    assert_eq!(news.peer.mails_to("new@peer.test").len(), 1);
    let asked = news
        .ask(Kind::Address, "newer@peer.test", form(&[]), Some(id))
        .await;
    news.confirm(asked).await;
    assert_eq!(news.reader("newer@peer.test").await.id, id);
    for part in ["", "/data.json", "/data.csv", "/erase"] {
        let (_, _, over) = pages.ask("GET", &format!("{first}{part}"), "").await;
        all_of(&over, &["This link is over", "href=\"/manage\""]);
        assert!(!over.contains("newer@peer.test"));
    }
    let second = fresh(&news, Kind::Data, "newer@peer.test").await;
    let (_, _, page) = pages.ask("GET", &second, "").await;
    all_of(&page, &["newer@peer.test"]);
    news.wait(Duration::hours(24) + Duration::seconds(1));
    let (status, _, over) = pages.ask("GET", &second, "").await;
    assert_eq!(status, 200);
    all_of(&over, &["This link is over"]);
    let (_, _, over) = pages.ask("POST", &format!("{second}/erase"), "").await;
    all_of(&over, &["This link is over"]);
    assert_eq!(news.reader("newer@peer.test").await.id, id, "not erased");
}
