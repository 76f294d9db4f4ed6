//! Changes of many readers at once, and imports beside the pages.

use std::io::{Read, Write};
use std::sync::Arc;

use bulletin::db::Db;
use bulletin::enrol::beside::{self, Imports, Means, NotAList};
use bulletin::errand::{self, Change, Errands, State};
use bulletin::readers::entry::{self, Entered, Entry};
use bulletin::readers::{Filter, Wanted};
use bulletin::subscriber::Address;
use bulletin::subscription::{Choice, Format, Frequency, Language, Preferences};
use bulletin::suppression::{self, Reason};
use chrono::Duration;
use uuid::Uuid;

use crate::support::dump::found;
use crate::support::{News, each_database};

fn errands(news: &News) -> Errands {
    Errands {
        db: news.db.clone(),
        book: Arc::default(),
        clock: news.clock(),
        called: Arc::default(),
    }
}

async fn begin(news: &News, change: Change, part: &str, readers: usize) -> Uuid {
    let wanted = Wanted {
        part: Some(part.to_owned()),
        filter: Some(Filter::All(Vec::new())),
    };
    let id = Uuid::new_v4();
    let mut tx = news.db.begin().await.unwrap();
    errand::begin(&mut tx, id, &change, &wanted, readers, news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

async fn errand_of(news: &News, id: Uuid) -> errand::Errand {
    let mut tx = news.db.read().await.unwrap();
    errand::by_id(&mut tx, id).await.unwrap().unwrap()
}

/// So many readers of one topic, and one who gets everything.
async fn enrol(news: &News, readers: usize) {
    let mut csv =
        "address,topics,consent_at,consent_source\nall@many.test,,2026-01-01,form\n".to_owned();
    for number in 0..readers {
        csv.push_str(&format!("r{number}@many.test,empathy,2026-01-01,form\n"));
    }
    news.enrol(&csv).await;
}

each_database!(an_errand_goes_on_where_it_was_and_changes_everybody_once);
async fn an_errand_goes_on_where_it_was_and_changes_everybody_once(db: Db) {
    let news = News::start(db).await;
    enrol(&news, 450).await;
    news.subscribe("ann@other.test", &["empathy"]).await;
    let add = Change::AddTopic("attachment".to_owned());
    let id = begin(&news, add, "@many.", 451).await;
    assert!(errands(&news).portion().await.unwrap());
    let half = errand_of(&news, id).await;
    assert_eq!((half.state, half.seen), (State::Running, 200));
    // Two processes are at it.
    let (one, other) = (errands(&news), errands(&news));
    loop {
        let both = tokio::join!(one.portion(), other.portion());
        if !both.0.unwrap() && !both.1.unwrap() {
            break;
        }
    }
    let done = errand_of(&news, id).await;
    assert_eq!(
        (done.state, done.seen, done.changed),
        (State::Done, 451, 450)
    );
    assert!(done.wanted.is_none(), "whom it was about is not kept");
    for number in [0, 199, 200, 449] {
        let address = format!("r{number}@many.test");
        let topics = news.reader(&address).await.topics.0;
        assert_eq!(topics, ["attachment", "empathy"]);
        assert_eq!(news.consents(&address).await.len(), 2);
    }
    assert!(news.reader("all@many.test").await.topics.is_empty());
    assert_eq!(news.reader("ann@other.test").await.topics.0, ["empathy"]);
}

each_database!(many_readers_are_erased_as_one_is);
async fn many_readers_are_erased_as_one_is(db: Db) {
    let news = News::start(db).await;
    enrol(&news, 30).await;
    news.subscribe("ann@other.test", &[]).await;
    let id = begin(&news, Change::Erase, "many.test", 31).await;
    while errands(&news).portion().await.unwrap() {}
    assert_eq!(errand_of(&news, id).await.changed, 31);
    assert_eq!(found(&news.dump_all().await, "many.test"), [""; 0]);
    assert_eq!(news.dump("subscriber").await.len(), 1);
    let again = "address,consent_at,consent_source\nr1@many.test,2026-01-01,form\n";
    assert_eq!(news.enrol(again).await.0.refused, 1);
}

each_database!(an_errand_that_is_called_off_changes_nobody_more);
async fn an_errand_that_is_called_off_changes_nobody_more(db: Db) {
    let news = News::start(db).await;
    enrol(&news, 250).await;
    let id = begin(&news, Change::Unsubscribe, "many", 251).await;
    errands(&news).portion().await.unwrap();
    let mut tx = news.db.begin().await.unwrap();
    assert!(errand::stop(&mut tx, id, news.now()).await.unwrap());
    assert!(!errand::stop(&mut tx, id, news.now()).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!errands(&news).portion().await.unwrap());
    let stopped = errand_of(&news, id).await;
    assert_eq!((stopped.state, stopped.changed), (State::Stopped, 200));
}

fn means(news: &News) -> Means {
    Means {
        name: "list.csv".to_owned(),
        db: news.db.clone(),
        keys: news.keys.clone(),
        vocabulary: Arc::new(news.vocabulary.clone()),
        now: news.now(),
        implied_life: Duration::days(730),
        new_id: Uuid::new_v4,
        language: Language::English,
    }
}

fn file(bytes: &[u8]) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

each_database!(an_import_beside_the_pages_refuses_what_a_command_would);
async fn an_import_beside_the_pages_refuses_what_a_command_would(db: Db) {
    let news = News::start(db).await;
    let gone = Address::parse("gone@peer.test").unwrap().hash(&news.keys);
    let mut tx = news.db.begin().await.unwrap();
    suppression::suppress(&mut tx, &gone, Reason::Complaint, "", news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let csv = "address,name,consent_at,consent_source\n\
        ann@peer.test,'=Ann,2026-01-01,form\n\
        gone@peer.test,,2026-01-01,form\n\
        bob@peer.test,,2026-01-01,\n\
        no address,=1+1,2026-01-01,form\n";
    let mut list = file(csv.as_bytes());
    assert_eq!(beside::examine(&mut list).unwrap(), Ok(()));
    let (imports, id) = (Arc::<Imports>::default(), Uuid::new_v4());
    let import = imports.begin(id, list, means(&news)).unwrap();
    let beside::State::Done(enrolled) = import.ended().await else {
        panic!("it ends well");
    };
    assert_eq!((enrolled.added, enrolled.refused), (1, 3));
    assert_eq!(import.percent(), 100);
    assert_eq!(news.reader("ann@peer.test").await.name, "=Ann");
    assert!(news.is_suppressed("gone@peer.test").await);
    let mut refused = String::new();
    let known = imports.get(id).unwrap();
    known
        .refusals()
        .unwrap()
        .unwrap()
        .read_to_string(&mut refused)
        .unwrap();
    assert!(refused.starts_with(
        "\"line\",\"reason\",\"address\",\"name\",\"consent_at\",\"consent_source\"\n"
    ));
    assert!(
        refused.contains("suppressed") && refused.contains("'=1+1"),
        "{refused}"
    );
    assert!(refused.contains("consent_source is empty"), "{refused}");
    // Mended, the list is an import itself.
    let mended = refused.replace("\"2026-01-01\",\"\"", "\"2026-01-01\",telephone");
    assert_eq!(news.enrol(&mended).await.0.added, 1);
}

#[test]
fn what_is_no_list_is_not_taken() {
    for (bytes, why) in [
        (&b""[..], NotAList::Empty),
        (b"PK\x03\x04rest", NotAList::Zip),
        (b"\x1f\x8b\x08rest", NotAList::Compressed),
        (b"a\0d\0d\0r\0", NotAList::NoText),
    ] {
        assert_eq!(beside::examine(&mut file(bytes)).unwrap(), Err(why));
    }
}

each_database!(nobody_who_is_known_or_suppressed_is_entered_by_hand);
async fn nobody_who_is_known_or_suppressed_is_entered_by_hand(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[]).await;
    let gone = Address::parse("gone@peer.test").unwrap().hash(&news.keys);
    let mut tx = news.db.begin().await.unwrap();
    suppression::suppress(&mut tx, &gone, Reason::Erased, "", news.now())
        .await
        .unwrap();
    let preferences = Preferences {
        choice: Choice::default(),
        frequency: Frequency::Monthly,
        format: Format::Html,
        language: Language::English,
        on_nothing: None,
    };
    let mut entered = Vec::new();
    for address in ["Ann@peer.test", "Gone@peer.test", "new@peer.test"] {
        let entry = Entry {
            id: Uuid::new_v4(),
            address: &Address::parse(address).unwrap(),
            name: "",
            preferences: &preferences,
            consent_source: "by telephone",
            consent_at: news.now() - Duration::days(3),
            consent_until: None,
        };
        entered.push(
            entry::enter(&mut tx, &news.keys, &entry, news.now())
                .await
                .unwrap(),
        );
    }
    tx.commit().await.unwrap();
    assert!(matches!(entered[0], Entered::Known(..)));
    assert_eq!(
        entered[1..],
        [Entered::Suppressed(Reason::Erased), Entered::Added]
    );
    let consents = news.consents("new@peer.test").await;
    assert_eq!(
        (consents.len(), consents[0].source.as_str()),
        (1, "by telephone")
    );
}
