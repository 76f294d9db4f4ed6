//! Looking for readers: by a part of the address, by what can be asked about them, page by page.

use std::sync::Arc;

use bulletin::address_book;
use bulletin::db::{Db, Tx};
use bulletin::enrol::ConsentKind;
use bulletin::feedback;
use bulletin::readers::{self, AddressBook, Count, Filter, Listed, Order, Part, Place, Wanted};
use bulletin::subscriber::{self, Address, Pending, Subscriber};
use bulletin::subscription::{self, Choice, Format, Frequency, Language, Preferences, State};
use bulletin::suppression::{self, Reason};
use chrono::Duration;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::support::dice::Dice;
use crate::support::{News, each_database};

fn all_with(text: &str) -> Part<'_> {
    Part {
        text,
        order: Order::Oldest,
        after: None,
        most: usize::MAX,
        counted: usize::MAX,
    }
}

/// All of a list that is short enough for one page.
const WHOLE: Place = Place {
    order: Order::Oldest,
    after: None,
    most: 5_000,
};

fn part(part: &str) -> Wanted {
    Wanted {
        part: Some(part.to_owned()),
        filter: None,
    }
}

fn only(filter: Filter) -> Wanted {
    Wanted {
        part: None,
        filter: Some(filter),
    }
}

async fn list(news: &News, book: &Arc<AddressBook>, wanted: &Wanted, place: Place) -> Listed {
    let mut tx = news.db.read().await.unwrap();
    readers::list(&mut tx, book, wanted, place, news.now())
        .await
        .unwrap()
}

/// The addresses that are listed, in their alphabetical order; their number agrees with every way to count them.
async fn found(news: &News, wanted: &Wanted) -> Vec<String> {
    let book = Arc::<AddressBook>::default();
    let listed = list(news, &book, wanted, WHOLE).await;
    let readers = listed.readers.into_iter();
    let mut addresses: Vec<String> = readers.map(|reader| reader.address).collect();
    assert_eq!(listed.count, Count::Exactly(addresses.len()), "{wanted:?}");
    let mut tx = news.db.read().await.unwrap();
    let counted = readers::count(&mut tx, &book, wanted, news.now()).await;
    assert_eq!(counted.unwrap(), addresses.len(), "{wanted:?}");
    addresses.sort_unstable();
    addresses
}

async fn add(tx: &mut Tx, news: &News, id: Uuid, address: &str) {
    let address = Address::parse(address).unwrap();
    let new = Pending {
        id,
        address_hash: address.hash(&news.keys),
        address: &address,
        name: "",
        preferences: &Preferences {
            choice: Choice::default(),
            frequency: Frequency::Monthly,
            format: Format::Html,
            language: Language::English,
            on_nothing: None,
        },
    };
    subscriber::add(tx, &new, news.now()).await.unwrap();
}

async fn run(tx: &mut Tx, sql: &str) {
    match tx {
        Tx::Sqlite(tx) => sqlx::query(AssertSqlSafe(sql))
            .execute(&mut **tx)
            .await
            .map(drop),
        Tx::Postgres(tx) => sqlx::query(AssertSqlSafe(sql))
            .execute(&mut **tx)
            .await
            .map(drop),
    }
    .unwrap();
}

each_database!(a_part_of_an_address_finds_whoever_has_it);
async fn a_part_of_an_address_finds_whoever_has_it(db: Db) {
    let news = News::start(db).await;
    for address in [
        "Ann.Lee@peer.test",
        "ann_x%y@other.test",
        "bo@bücher.example",
        "ÉLISE@peer.test",
    ] {
        news.subscribe(address, &[]).await;
    }
    for (wanted, expected) in [
        ("ann", &["Ann.Lee@peer.test", "ann_x%y@other.test"][..]),
        ("N.LEE@P", &["Ann.Lee@peer.test"]),
        ("y", &["ann_x%y@other.test"]),
        ("bo", &["bo@xn--bcher-kva.example"]),
        ("xn--b", &["bo@xn--bcher-kva.example"]),
        ("Éli", &["ÉLISE@peer.test"]),
        ("_x%", &["ann_x%y@other.test"]),
        ("%", &["ann_x%y@other.test"]),
        ("n\na", &[]),
        ("\n", &[]),
        ("' OR 1=1 --", &[]),
    ] {
        assert_eq!(found(&news, &part(wanted)).await, expected, "{wanted}");
    }
    assert_eq!(found(&news, &Wanted::default()).await.len(), 4);
}

each_database!(who_is_erased_or_moves_is_found_accordingly_in_the_same_transaction);
async fn who_is_erased_or_moves_is_found_accordingly_in_the_same_transaction(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[]).await;
    news.subscribe("bob@peer.test", &[]).await;
    let book = Arc::<AddressBook>::default();
    assert_eq!(
        list(&news, &book, &part("peer"), WHOLE).await.readers.len(),
        2
    );
    let (ann, bob) = (
        news.reader("ann@peer.test").await,
        news.reader("bob@peer.test").await,
    );
    let mut tx = news.db.begin().await.unwrap();
    feedback::erase(&mut tx, &ann, news.now()).await.unwrap();
    let moved = Address::parse("Carla@Else.test").unwrap();
    let hash = moved.hash(&news.keys);
    subscriber::move_to(&mut tx, bob.id, &moved, &hash)
        .await
        .unwrap();
    let within = book.search(&mut tx, all_with("@")).await;
    assert_eq!(within.unwrap().ids, [bob.id]);
    drop(tx);
    assert_eq!(
        list(&news, &book, &part("ann@"), WHOLE).await.readers.len(),
        1
    );

    let mut tx = news.db.begin().await.unwrap();
    feedback::erase(&mut tx, &ann, news.now()).await.unwrap();
    subscriber::move_to(&mut tx, bob.id, &moved, &hash)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for gone in ["ann@", "bob@", "peer"] {
        assert!(
            list(&news, &book, &part(gone), WHOLE)
                .await
                .readers
                .is_empty()
        );
    }
    assert_eq!(
        list(&news, &book, &part("carla@else"), WHOLE)
            .await
            .readers
            .len(),
        1
    );
    let dump = news.dump_all().await;
    assert_eq!(crate::support::dump::found(&dump, "ann@peer.test"), [""; 0]);
}

each_database!(whatever_is_done_each_reader_stands_in_one_block);
async fn whatever_is_done_each_reader_stands_in_one_block(db: Db) {
    let news = News::start(db).await;
    let mut dice = Dice::new(11);
    let book = Arc::<AddressBook>::default();
    let mut csv = "address,consent_at,consent_source\n".to_owned();
    for number in 0..2_400 {
        csv.push_str(&format!("r{number}@peer.test,2026-01-01,form\n"));
    }
    news.enrol(&csv).await;
    for round in 0..12 {
        let mut tx = news.db.begin().await.unwrap();
        // Ids in any order: what comes between others splits blocks.
        for number in 0..dice.below(60) {
            let id = Uuid::from_u128(
                (dice.below(usize::MAX) as u128) << 64 | round << 32 | number as u128,
            );
            add(&mut tx, &news, id, &format!("s{round}-{number}@peer.test")).await;
        }
        let known = subscriber::page(&mut tx, Uuid::nil(), 10_000)
            .await
            .unwrap();
        for _ in 0..dice.below(60) {
            subscriber::remove(&mut tx, known[dice.below(known.len())].id)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
    }
    let mut tx = news.db.read().await.unwrap();
    let all = subscriber::page(&mut tx, Uuid::nil(), 10_000)
        .await
        .unwrap();
    let found = book.search(&mut tx, all_with("@peer.test"));
    let found = found.await.unwrap();
    let ids: Vec<Uuid> = all.iter().map(|reader| reader.id).collect();
    assert_eq!(found.ids, ids);
    assert_eq!(
        address_book::count(&mut tx).await.unwrap(),
        ids.len() as i64
    );
    for reader in all.iter().step_by(97) {
        let whole = reader.address.to_lowercase();
        let found = book.search(&mut tx, all_with(&whole)).await.unwrap();
        assert!(found.ids.contains(&reader.id), "{whole}");
    }
}

each_database!(a_database_of_an_older_version_is_completed_once);
async fn a_database_of_an_older_version_is_completed_once(db: Db) {
    let news = News::start(db).await;
    for number in 0..3 {
        news.subscribe(&format!("Reader{number}@peer.test"), &[])
            .await;
    }
    let mut tx = news.db.begin().await.unwrap();
    run(&mut tx, "DELETE FROM address_block").await;
    tx.commit().await.unwrap();
    assert!(found(&news, &part("reader")).await.is_empty());
    address_book::complete(&news.db).await.unwrap();
    let blocks = news.dump("address_block").await;
    assert_eq!(found(&news, &part("reader")).await.len(), 3);
    address_book::complete(&news.db).await.unwrap();
    assert_eq!(news.dump("address_block").await, blocks);
}

each_database!(a_list_is_gone_through_once_in_either_order_while_others_come_and_go);
async fn a_list_is_gone_through_once_in_either_order_while_others_come_and_go(db: Db) {
    let news = News::start(db).await;
    for number in 0..25 {
        let more = if number % 3 == 0 { ",,,fr" } else { "" };
        news.subscribe_with(&format!("r{number:02}@peer.test"), &[], more)
            .await;
    }
    let book = Arc::<AddressBook>::default();
    let french = Some(Filter::Language(Language::French));
    let wishes = [
        Wanted::default(),
        part("peer"),
        only(Filter::Language(Language::French)),
        Wanted {
            part: Some("r".to_owned()),
            filter: french,
        },
    ];
    for wanted in &wishes {
        for order in [Order::Newest, Order::Oldest] {
            let whole = Place { order, ..WHOLE };
            let expected: Vec<Uuid> = ids(&list(&news, &book, wanted, whole).await);
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let most = 4;
                let some = list(&news, &book, wanted, Place { order, after, most }).await;
                assert_eq!(some.count, Count::Exactly(expected.len()));
                seen.extend(ids(&some));
                after = some.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{wanted:?} {order}");
            let mut sorted = seen.clone();
            sorted.sort_unstable();
            if order == Order::Newest {
                sorted.reverse();
            }
            assert_eq!(seen, sorted);
        }
    }
}

fn ids(listed: &Listed) -> Vec<Uuid> {
    listed.readers.iter().map(|reader| reader.id).collect()
}

each_database!(every_filter_means_what_it_says);
async fn every_filter_means_what_it_says(db: Db) {
    let news = News::start(db).await;
    let all = different_readers(&news).await;
    let since = news.now() - Duration::days(30);
    let single = [
        Filter::State(State::Active),
        Filter::State(State::Ended),
        Filter::State(State::Pending),
        Filter::Topic("attachment".to_owned()),
        Filter::Topic("' OR '1'='1".to_owned()),
        Filter::ResearchType("survey".to_owned()),
        Filter::Language(Language::French),
        Filter::Frequency(Frequency::Quarterly),
        Filter::Format(Format::Text),
        Filter::Consent(ConsentKind::Implied),
        Filter::Consent(ConsentKind::Express),
        Filter::Since(since),
        Filter::Before(since),
        Filter::Suppressed,
        Filter::Bounced,
        Filter::Paused,
    ];
    let mut dice = Dice::new(5);
    let mut trees = single.to_vec();
    for _ in 0..40 {
        let mut one = || Box::new(trees[dice.below(trees.len())].clone());
        let tree = match trees.len() % 3 {
            0 => Filter::All(vec![*one(), *one()]),
            1 => Filter::Any(vec![*one(), *one(), *one()]),
            _ => Filter::Not(one()),
        };
        trees.push(tree);
    }
    trees.extend([Filter::All(Vec::new()), Filter::Any(Vec::new())]);
    for tree in trees {
        if !tree.is_fit() {
            continue;
        }
        let expected = |within: &str| {
            let meant = all.iter().filter(|one| one.is_meant(&tree, &news));
            let addresses = meant.map(|one| one.reader.address.clone());
            let mut addresses: Vec<String> = addresses.filter(|one| one.contains(within)).collect();
            addresses.sort_unstable();
            addresses
        };
        assert_eq!(
            found(&news, &only(tree.clone())).await,
            expected(""),
            "{tree:?}"
        );
        let with_part = Wanted {
            part: Some("1".to_owned()),
            filter: Some(tree.clone()),
        };
        assert_eq!(found(&news, &with_part).await, expected("1"), "{tree:?}");
        let written = serde_json::to_string(&tree).unwrap();
        assert_eq!(serde_json::from_str::<Filter>(&written).unwrap(), tree);
    }
}

/// A reader, and what other tables say of them.
struct Known {
    reader: Subscriber,
    suppressed: bool,
    bounced: bool,
}

impl Known {
    /// The filters told once more, without a database.
    fn is_meant(&self, filter: &Filter, news: &News) -> bool {
        let reader = &self.reader;
        let chose = |slugs: &[String], slug: &String| slugs.is_empty() || slugs.contains(slug);
        match filter {
            Filter::All(parts) => parts.iter().all(|part| self.is_meant(part, news)),
            Filter::Any(parts) => parts.iter().any(|part| self.is_meant(part, news)),
            Filter::Not(part) => !self.is_meant(part, news),
            Filter::State(state) => reader.state == *state,
            Filter::Topic(slug) => chose(&reader.topics.0, slug),
            Filter::ResearchType(slug) => chose(&reader.research_types.0, slug),
            Filter::Language(language) => reader.language == *language,
            Filter::Frequency(frequency) => reader.frequency == *frequency,
            Filter::Format(format) => reader.format == *format,
            Filter::Consent(kind) => {
                (*kind == ConsentKind::Implied) == reader.consent_until.is_some()
            }
            Filter::Since(at) => reader.since >= *at,
            Filter::Before(at) => reader.since < *at,
            Filter::Suppressed => self.suppressed,
            Filter::Bounced => self.bounced,
            Filter::Paused => reader.paused_until.is_some_and(|until| until > news.now()),
        }
    }
}

/// Forty readers who differ in everything that can be asked about.
async fn different_readers(news: &News) -> Vec<Known> {
    let mut csv = "address,topics,research_types,frequency,format,language,consent_at,consent_source,consent_kind\n"
        .to_owned();
    for number in 0..40 {
        let pick = |every: usize, word: &'static str| match number % every {
            0 => word,
            _ => "",
        };
        csv.push_str(&format!(
            "r{number}@peer.test,{},{},{},{},{},2026-{:02}-20,form,{}\n",
            ["attachment;empathy", "empathy", ""][number % 3],
            pick(2, "survey"),
            pick(5, "quarterly"),
            pick(4, "text"),
            pick(3, "fr"),
            1 + number % 2,
            pick(7, "implied"),
        ));
    }
    assert_eq!(news.enrol(&csv).await.0.added, 40);
    let mut tx = news.db.begin().await.unwrap();
    add(&mut tx, news, Uuid::new_v4(), "pending1@peer.test").await;
    for number in 0..40 {
        let reader = news
            .reader_in(&mut tx, &format!("r{number}@peer.test"))
            .await;
        if number % 6 == 1 {
            let until = news.now() + Duration::days(if number % 4 == 1 { 9 } else { -9 });
            subscription::pause(&mut tx, reader.id, Some(until))
                .await
                .unwrap();
        }
        if number % 9 == 2 {
            let hash = &reader.address_hash;
            suppression::suppress(&mut tx, hash, Reason::Manual, "", news.now())
                .await
                .unwrap();
        }
        if number % 8 == 3 {
            feedback::unsubscribe(&mut tx, &reader, "test", news.now())
                .await
                .unwrap();
        }
        if number % 5 == 4 {
            let class = if number % 2 == 0 { "soft" } else { "block" };
            let id = match tx {
                Tx::Sqlite(_) => format!("x'{}'", reader.id.simple()),
                Tx::Postgres(_) => format!("'{}'", reader.id),
            };
            run(
                &mut tx,
                &format!(
                    "INSERT INTO returned (mark, at, way, kind, class, reason, because, subscriber_id, did, note) \
                     VALUES ('{number}', '2026-03-01T00:00:00+00:00', 'relay', 'bounce', '{class}', '', '', {id}, \
                     'nothing', '')"
                ),
            )
            .await;
        }
    }
    tx.commit().await.unwrap();
    let mut tx = news.db.read().await.unwrap();
    let all = subscriber::page(&mut tx, Uuid::nil(), 100).await.unwrap();
    let number = |reader: &Subscriber| -> Option<usize> {
        let local = reader.address.split('@').next()?;
        local.strip_prefix('r')?.parse().ok()
    };
    all.into_iter()
        .map(|reader| Known {
            suppressed: number(&reader).is_some_and(|number| number % 9 == 2),
            bounced: number(&reader).is_some_and(|number| number % 10 == 4),
            reader,
        })
        .collect()
}
