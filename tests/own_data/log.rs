//! What is logged while a reader uses their pages.

use std::io::Write;
use std::sync::{Arc, Mutex};

use bulletin::db::Db;
use bulletin::request::Kind;
use bulletin::secret::Purpose;

use super::{ADDRESS, canary};
use crate::support::news::form;
use crate::support::pages::Pages;
use crate::support::{News, databases};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

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
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).to_lowercase();
    for level in ["debug", "info"] {
        assert!(log.contains(level), "nothing of {level} was logged: {log}");
    }
    let tokens = [&centre, &leave, &like, &manage].map(|path| path[3..].to_lowercase());
    let secrets = ["kanarie".to_owned(), id.to_string()]
        .into_iter()
        .chain(tokens);
    for secret in secrets {
        if let Some(at) = log.find(&secret) {
            panic!(
                "{secret} stands in the log: {}",
                &log[at.saturating_sub(300)..at + 50]
            );
        }
    }
}

/// The log is the thread's own, so one thread does everything. While there is one subscriber alone,
/// `tracing` asks the thread that meets a callsite first whether anybody wants it, and that may be
/// the thread of another test, which has none: a second subscriber makes it ask them all.
#[test]
fn no_log_and_no_error_names_a_reader_or_their_link() {
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    for is_postgres in [false, true] {
        let log = Log::default();
        let to = log.clone();
        let keeping = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || to.clone())
            .finish();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        tracing::subscriber::with_default(keeping, || {
            runtime.block_on(async {
                let database = match is_postgres {
                    false => Some(databases::sqlite().await),
                    true => databases::postgres().await,
                };
                if let Some(database) = database {
                    all_ways(database.db.clone(), &log).await;
                }
            });
        });
    }
}
