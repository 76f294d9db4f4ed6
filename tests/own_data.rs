//! What is held of a reader: all of it for them to take, nothing of it once they are erased, none of it in a log, and
//! none of it changed by who merely opens links.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};

use bulletin::db::Db;
use bulletin::feedback::acting::Came;
use bulletin::mask::masked;
use bulletin::request::{self, Form, Kind};
use bulletin::returned::Way;
use bulletin::secret::{Keys, Purpose};
use bulletin::subscriber::Address;
use bulletin::suppression::{self, Reason};
use bulletin::verp;
use data_encoding::HEXLOWER;

use crate::support::dump::found;
use crate::support::news::{ATTACHMENT, EMPATHY, form, issue};
use crate::support::pages::Pages;
use crate::support::{News, databases, each_database};

/// As nothing else is written.
const ADDRESS: &str = "canary.kanarie@peer.test";
const NAME: &str = "=HYPERLINK(Kanarie)";

/// A reader with a row in every table that can have one; gives the path of a fresh link.
async fn canary(news: &News, pages: &Pages) -> String {
    news.publish(&issue("2026-03", &[&[EMPATHY], &[ATTACHMENT]]))
        .await;
    let filled = Form {
        name: NAME.to_owned(),
        ..form(&[EMPATHY])
    };
    let asked = news.ask(Kind::SignUp, ADDRESS, filled.clone(), None).await;
    news.confirm(asked).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    let reader = news.reader(ADDRESS).await;
    let other = news
        .ask(Kind::Address, "kanarie2@peer.test", filled, Some(reader.id))
        .await;
    assert_ne!(other, asked);
    let leave = news.keys.link(Purpose::Unsubscribe, reader.id);
    pages
        .ask("POST", &format!("/u/{leave}"), "leave=page")
        .await;
    pages.ask("POST", &format!("/u/{leave}/undo"), "").await;
    news.deliver_all().await;
    come_back(news).await;
    let request = news.ask(Kind::Data, ADDRESS, form(&[]), None).await;
    format!("/m/{}", news.keys.link(Purpose::Manage, request))
}

/// What comes back of the reader's deliveries, in every way that leaves something: a report whose words quote the address,
/// a suppression that is released, and a mail of theirs that waits for a person.
async fn come_back(news: &News) {
    let receiver = news.receiver();
    let delivery = news.delivery_to(ADDRESS);
    let mut reading = crate::returned::hard(delivery);
    reading.recipients[0].words = format!("550 <{ADDRESS}>: who is kanarie?");
    reading.recipients[0].address = Some(ADDRESS.to_owned());
    let came = Came {
        way: Way::Pipe,
        id: b"1",
    };
    receiver.event(&reading, came).await.unwrap();
    let reader = news.reader(ADDRESS).await;
    let mut tx = news.db.begin().await.unwrap();
    let hash = &reader.address_hash;
    let note = format!("told {ADDRESS} on the telephone");
    suppression::suppress(&mut tx, hash, Reason::HardBounce, "", news.now())
        .await
        .unwrap();
    suppression::release(&mut tx, hash, &masked(&note), news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mail = format!("From: <{ADDRESS}>\nSubject: hello\n\nKanarie here.\n");
    let path = verp::return_path(&news.keys, delivery, "bounce.example.org");
    for to in [None, Some(path.as_str())] {
        let mail = format!("To: {}\n{mail}", to.unwrap_or("x"));
        receiver.mail(mail.as_bytes(), to, Way::Pipe).await.unwrap();
    }
}

/// Everything by which a row can name the reader.
async fn names(news: &News) -> Vec<String> {
    let reader = news.reader(ADDRESS).await;
    let address = Address::parse(ADDRESS).unwrap();
    let mailbox = request::mailbox_hash(&address, &news.keys);
    vec![
        reader.id.to_string(),
        reader.id.simple().to_string(),
        HEXLOWER.encode(&reader.address_hash),
        HEXLOWER.encode(&mailbox),
        ADDRESS.to_owned(),
        "kanarie".to_owned(),
    ]
}

each_database!(a_reader_takes_along_every_row_of_every_table_that_names_them);
async fn a_reader_takes_along_every_row_of_every_table_that_names_them(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let manage = canary(&news, &pages).await;
    let hash = news.reader(ADDRESS).await.address_hash;
    let mut tx = news.db.begin().await.unwrap();
    suppression::suppress(&mut tx, &hash, Reason::Manual, "a note", news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut rows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let dump = news.dump_all().await;
    for name in names(&news).await {
        for row in found(&dump, &name) {
            let (table, _) = row.split_once(':').unwrap();
            rows.entry(table.to_owned()).or_default().insert(row);
        }
    }
    let (status, header, json) = pages.ask("GET", &format!("{manage}/data.json"), "").await;
    assert_eq!(status, 200);
    assert!(header.contains("content-disposition: attachment; filename=\"my-data.json\""));
    assert!(header.contains("cache-control: no-store"), "{header}");
    let held: serde_json::Value = serde_json::from_str(&json).unwrap();
    let count = |part: &str| held[part].as_array().unwrap().len();
    for (table, rows) in rows {
        let held = match table.as_str() {
            "subscriber" => 1,
            "suppression" => count("suppression"),
            "consent" => count("consents"),
            "delivery" => count("digests") + count("letters"),
            "request" => count("requests"),
            "returned" => count("returned"),
            "released" => count("released"),
            "kept" => count("mails"),
            other => panic!("what {other} has of a reader is not in `Held`: {rows:?}"),
        };
        assert_eq!(held, rows.len(), "{table}: {rows:?}\n{json}");
    }
    assert_eq!((count("digests"), count("suppression")), (1, 1));
    let came_back = (count("returned"), count("released"), count("mails"));
    assert_eq!(came_back, (1, 1, 2));
    for held in [
        ADDRESS,
        "Study 1 of 2026-03",
        "kanarie2@peer.test",
        "confirmed_at",
        "a note",
        "who is kanarie?",
        "Kanarie here.",
        EMPATHY,
        "\"letter\": \"goodbye\"",
        "\"letter\": \"welcome\"",
    ] {
        assert!(json.contains(held), "{held}\n{json}");
    }
}

each_database!(what_a_spreadsheet_opens_runs_nothing);
async fn what_a_spreadsheet_opens_runs_nothing(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let manage = canary(&news, &pages).await;
    let reader = news.reader(ADDRESS).await;
    let centre = format!("/p/{}", news.keys.link(Purpose::Preferences, reader.id));
    for name in [
        "=1+1", "+1", "-1", "@SUM(A1)", "＝1", "＋1", "－1", "＠1", "x;=1+1",
    ] {
        let written: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let choices = format!("frequency=monthly&format=html&language=en&name={written}");
        pages.ask("POST", &centre, &choices).await;
        let (status, header, csv) = pages.ask("GET", &format!("{manage}/data.csv"), "").await;
        assert_eq!(status, 200);
        assert!(header.contains("attachment; filename=\"my-data.csv\""));
        let mut reading = csv::Reader::from_reader(csv.as_bytes());
        let mut names = 0;
        for record in reading.records() {
            let record = record.unwrap();
            for field in &record {
                assert!(!field.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']));
            }
            names += usize::from(&record[0] == "subscriber" && record[3].ends_with(name));
        }
        assert_eq!(names, 1, "{csv}");
        assert!(
            csv.lines()
                .all(|line| line.starts_with('"') && line.ends_with('"'))
        );
    }
}

each_database!(of_somebody_erased_no_table_says_who_they_were);
async fn of_somebody_erased_no_table_says_who_they_were(db: Db) {
    let news = News::start(db).await;
    let pages = Pages::start(&news).await;
    let manage = canary(&news, &pages).await;
    let id = news.reader(ADDRESS).await.id;
    let names = [
        ADDRESS.to_owned(),
        "kanarie".to_owned(),
        NAME.to_owned(),
        id.to_string(),
        id.simple().to_string(),
    ];
    let before = news.dump_all().await;
    assert!(names.iter().any(|name| !found(&before, name).is_empty()));
    let erase = format!("{manage}/erase");
    let (_, _, question) = pages.ask("GET", &erase, "").await;
    assert_eq!(question.matches("<button").count(), 1, "{question}");
    assert_eq!(news.reader(ADDRESS).await.id, id, "only asked");
    assert_eq!(pages.ask("POST", &erase, "").await.0, 200);
    let after = news.dump_all().await;
    assert_eq!(after["kept"], Vec::<String>::new());
    for name in names {
        assert_eq!(found(&after, &name), Vec::<String>::new(), "{name}");
    }
    assert!(
        news.is_suppressed(ADDRESS).await,
        "no import brings them back"
    );
    let (_, _, over) = pages.ask("GET", &manage, "").await;
    assert!(over.contains("This link is over"), "{over}");
    for (page, purpose) in [("p", Purpose::Preferences), ("s", Purpose::Feedback)] {
        let token = news.keys.link(purpose, id);
        let path = format!(
            "/{page}/{token}{}",
            if page == "s" { "/1/more" } else { "" }
        );
        assert_eq!(pages.ask("GET", &path, "").await.0, 404, "{path}");
    }
}

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
