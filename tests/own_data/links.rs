//! Links to a reader's own pages: merely opened they change nothing, and none works that we did not make for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use bulletin::db::Db;
use bulletin::request::Kind;
use bulletin::secret::{Keys, Purpose};

use super::{ADDRESS, canary};
use crate::support::news::form;
use crate::support::pages::Pages;
use crate::support::{News, each_database};

/// Addresses of ours in a text: where its links lead, and its forms.
fn paths(text: &str) -> BTreeSet<String> {
    let text = text.replace("=\r\n", "").replace("=3D", "=");
    let mut paths = BTreeSet::new();
    for before in ["https://news.example.org", "href=\"", "action=\""] {
        for piece in text.split(before).skip(1) {
            let ends = ['"', '<', '>', ' ', ')', '\r', '\n', '#'];
            let path = piece.split(ends).next().unwrap();
            let path = path
                .strip_prefix("https://news.example.org")
                .unwrap_or(path);
            if path.starts_with('/') {
                paths.insert(path.replace("&amp;", "&"));
            }
        }
    }
    paths
}

each_database!(a_scanner_that_follows_every_link_changes_nothing);
async fn a_scanner_that_follows_every_link_changes_nothing(db: Db) {
    let news = News::start(db).await;
    let pages = Arc::new(Pages::start(&news).await);
    let manage = canary(&news, &pages).await;
    let pending = news
        .ask(Kind::SignUp, "pending@peer.test", form(&[]), None)
        .await;
    assert!(!pending.is_nil());
    let mut mails = news.peer.mails_to(ADDRESS);
    mails.extend(news.peer.mails_to("pending@peer.test"));
    mails.extend(news.peer.mails_to("kanarie2@peer.test"));
    let mut todo: BTreeSet<String> = mails.iter().flat_map(|mail| paths(mail)).collect();
    todo.extend([manage, "/".to_owned(), "/fr".to_owned()]);
    for wanted in ["/c/", "/m/", "/p/", "/u/", "/s/"] {
        let is_there = todo.iter().any(|path| path.starts_with(wanted));
        assert!(is_there, "no mail has {wanted}: {todo:?}");
    }
    let before = news.dump_all().await;
    let mut done = BTreeSet::new();
    while let Some(path) = todo.pop_first() {
        let visits = ["GET", "HEAD", "GET", "HEAD", "GET", "HEAD"].map(|method| {
            let (pages, path) = (pages.clone(), path.clone());
            tokio::spawn(async move { pages.ask(method, &path, "").await })
        });
        for visit in visits {
            let (status, _, body) = visit.await.unwrap();
            assert!(status < 500, "{status} {path}");
            todo.extend(paths(&body).into_iter().filter(|path| !done.contains(path)));
        }
        todo.remove(&path);
        done.insert(path);
        assert!(done.len() < 500, "pages have no end");
    }
    assert!(done.len() > 20, "{done:?}");
    assert_eq!(news.dump_all().await, before);
}

const PURPOSES: [Purpose; 7] = [
    Purpose::Unsubscribe,
    Purpose::Preferences,
    Purpose::Confirm,
    Purpose::Manage,
    Purpose::Form,
    Purpose::Feedback,
    Purpose::Feed,
];

/// Bits flipped, cut, lengthened, of another purpose, of a key that was taken away, and made up.
#[test]
fn of_a_hundred_thousand_forged_links_none_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::open(&folder.path().join("key")).unwrap();
    let others = Keys::open(&folder.path().join("other")).unwrap();
    let readers = (1..=100).map(|number| uuid::Uuid::from_u128(number << 64 | number));
    let mut forged = 0;
    let mut try_it = |purpose, token: &str, of: uuid::Uuid| {
        forged += 1;
        assert_ne!(keys.reader(purpose, token), Some(of), "{token}");
        assert_eq!(keys.reader(purpose, token), None, "{token}");
    };
    for reader in readers {
        for purpose in PURPOSES {
            let token = keys.link(purpose, reader);
            for other in PURPOSES.into_iter().filter(|other| *other != purpose) {
                try_it(other, &token, reader);
            }
            try_it(purpose, &others.link(purpose, reader), reader);
            let sealed = data_encoding::BASE64URL_NOPAD
                .decode(token.as_bytes())
                .unwrap();
            for bit in 0..sealed.len() * 8 {
                let mut flipped = sealed.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let flipped = data_encoding::BASE64URL_NOPAD.encode(&flipped);
                try_it(purpose, &flipped, reader);
            }
            for length in 0..token.len() {
                try_it(purpose, &token[..length], reader);
            }
            for more in ["A", "=", "AAAA", "%00", "/"] {
                try_it(purpose, &format!("{token}{more}"), reader);
            }
        }
    }
    assert!(forged > 100_000, "{forged}");
}

each_database!(a_link_opens_the_pages_of_its_purpose_and_no_others);
async fn a_link_opens_the_pages_of_its_purpose_and_no_others(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let manage = canary(&news, &pages).await;
    let id = news.reader(ADDRESS).await.id;
    let before = news.dump_all().await;
    let ends = [
        (
            "p",
            Purpose::Preferences,
            "frequency=monthly&format=html&language=fr",
            "",
        ),
        ("u", Purpose::Unsubscribe, "List-Unsubscribe=One-Click", ""),
        ("m", Purpose::Manage, "", "/erase"),
        ("s", Purpose::Feedback, "", "/1/fewer"),
        ("c", Purpose::Confirm, "", ""),
    ];
    let of_request = news.keys.reader(Purpose::Manage, &manage[3..]).unwrap();
    for (page, purpose, body, end) in ends {
        for other in PURPOSES.into_iter().filter(|other| *other != purpose) {
            for of in [id, of_request] {
                let path = format!("/{page}/{}{end}", news.keys.link(other, of));
                for method in ["GET", "POST"] {
                    let (status, ..) = pages.ask(method, &path, body).await;
                    assert_eq!(status, 404, "{method} {path}");
                }
            }
        }
    }
    assert_eq!(news.dump_all().await, before);
}
