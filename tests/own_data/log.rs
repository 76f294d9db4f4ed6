//! What is logged while a reader uses their pages.

use bulletin::db::Db;
use bulletin::request::Kind;
use bulletin::secret::Purpose;

use super::{ADDRESS, canary};
use crate::support::News;
use crate::support::log::{Log, logged};
use crate::support::news::form;
use crate::support::pages::Pages;

/// Goes all the ways of a reader's pages, the wrong ones too, with every level of the log kept.
async fn all_ways(db: Db, log: &Log) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let manage = canary(&news, &pages).await;
    let id = news.reader(ADDRESS).await.id;
    let bounces = "550.kanarie4@peer.test";
    news.ask(Kind::Address, bounces, form(&[]), Some(id)).await;
    let [centre, leave, like] = [
        ("p", Purpose::Preferences),
        ("u", Purpose::Unsubscribe),
        ("s", Purpose::Feedback),
    ]
    .map(|(page, purpose)| format!("/{page}/{}", news.keys.link(purpose, id)));
    let choices = "frequency=monthly&format=html&language=fr&name=Kanarie";
    for (method, path, body) in [
        ("GET", centre.clone(), ""),
        ("POST", centre.clone(), choices),
        ("POST", centre.clone(), "name=Kanarie"),
        ("POST", format!("{centre}/preview"), choices),
        ("POST", format!("{centre}/link"), "for=manage"),
        ("POST", format!("{centre}/again"), ""),
        ("POST", format!("{centre}/x"), "canary.kanarie"),
        ("GET", format!("{like}/1/more"), ""),
        ("POST", format!("{like}/1/fewer"), ""),
        ("POST", leave.clone(), "canary.kanarie"),
        ("POST", leave.clone(), "List-Unsubscribe=One-Click"),
        ("POST", format!("{leave}/why"), "why=kanarie"),
        ("POST", format!("{leave}/undo"), ""),
        ("GET", format!("{leave}x"), ""),
        (
            "POST",
            "/manage".to_owned(),
            "address=canary.kanarie%40peer.test&website=kanarie",
        ),
        ("GET", manage.clone(), ""),
        ("GET", format!("{manage}/data.csv"), ""),
        (
            "POST",
            format!("{manage}/address"),
            "address=kanarie3%40peer.test",
        ),
        ("GET", format!("{manage}/erase"), ""),
        ("POST", format!("{manage}/erase"), ""),
        ("GET", manage.clone(), ""),
        ("GET", centre.clone(), ""),
        ("POST", leave.clone(), "List-Unsubscribe=One-Click"),
    ] {
        let (status, header, page) = pages.ask(method, &path, body).await;
        assert!(status < 500, "{path}");
        for wanted in [
            "referrer-policy: no-referrer",
            "default-src 'none'",
            "no-store",
        ] {
            assert!(header.contains(wanted), "{path} lacks {wanted}");
        }
        assert!(!header.contains("set-cookie"), "{path}");
        assert!(!page.contains("src=\"http"), "{path}");
        for link in page.split("<link").skip(1) {
            let href = link.split("href=\"").nth(1).unwrap_or_default();
            let is_ours = href.starts_with('/') || href.starts_with("https://news.example.org/");
            assert!(is_ours, "{path}: {link}");
        }
        if status >= 400 {
            assert!(!page.to_lowercase().contains("kanarie"), "{path}\n{page}");
        }
    }
    news.requests().settle().await.unwrap();
    news.deliver_all().await;
    let tokens = [&centre, &leave, &like, &manage].map(|path| path[3..].to_lowercase());
    let secrets = ["kanarie".to_owned(), id.to_string()]
        .into_iter()
        .chain(tokens);
    log.names_none_of(secrets, &["debug", "info"]);
}

#[test]
fn no_log_and_no_error_names_a_reader_or_their_link() {
    logged(all_ways);
}
