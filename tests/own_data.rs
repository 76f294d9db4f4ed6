//! What is held of a reader: all of it for them to take, nothing of it once they are erased, none of it in a log, and
//! none of it changed by who merely opens links.

mod links;
mod log;

use std::collections::{BTreeMap, BTreeSet};

use bulletin::db::Db;
use bulletin::feedback::acting::Came;
use bulletin::mask::masked;
use bulletin::outbox::{self, EVENTS, New};
use bulletin::record::{self, Shown, What};
use bulletin::request::{self, Form, Kind};
use bulletin::returned::Way;
use bulletin::secret::Purpose;
use bulletin::subscriber::Address;
use bulletin::suppression::{self, Reason};
use bulletin::verp;
use data_encoding::HEXLOWER;

use crate::support::dump::found;
use crate::support::news::{ATTACHMENT, EMPATHY, form, issue};
use crate::support::pages::Pages;
use crate::support::{News, each_database};

/// As nothing else is written.
const ADDRESS: &str = "canary.kanarie@peer.test";
const NAME: &str = "=HYPERLINK(Kanarie)";

/// A reader with a row in every table that can have one; gives the path of a fresh link.
async fn canary(news: &News, pages: &Pages) -> String {
    news.publish(&issue("2026-03", &[&[EMPATHY], &[ATTACHMENT]]))
        .await;
    let hook = New {
        id: uuid::Uuid::new_v4(),
        url: "https://hook.test/",
        events: &EVENTS,
        with_address: true,
        made_by: "dora",
    };
    let mut tx = news.db.begin().await.unwrap();
    outbox::add(&mut tx, &news.keys, &hook, news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
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
    look_at(news).await;
    let request = news.ask(Kind::Data, ADDRESS, form(&[]), None).await;
    format!("/m/{}", news.keys.link(Purpose::Manage, request))
}

/// Somebody of the operator's looks at the reader.
async fn look_at(news: &News) {
    let shown = Shown {
        who: "dora",
        what: What::Subscriber,
        subscriber: Some(news.reader(ADDRESS).await.id),
        readers: 1,
    };
    let mut tx = news.db.begin().await.unwrap();
    record::note(&mut tx, &shown, news.now()).await.unwrap();
    tx.commit().await.unwrap();
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
            // The address once more, to be found by.
            "subscriber" | "address_block" => 1,
            "suppression" => count("suppression"),
            "consent" => count("consents"),
            "delivery" => count("digests") + count("letters"),
            "request" => count("requests"),
            "returned" => count("returned"),
            "released" => count("released"),
            "kept" => count("mails"),
            "reading" => count("readings"),
            "hook_event" => count("told"),
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
