//! Enrolling readers from a CSV file.

use bulletin::db::Db;
use bulletin::enrol::EnrolError;
use bulletin::feedback::{self, held::held};
use bulletin::subscriber::{Address, AddressError};
use bulletin::subscription::Act;
use uuid::Uuid;

use crate::support::news::DEPRESSION;
use crate::support::{News, each_database};

each_database!(a_line_becomes_a_reader_with_their_consent_on_record);
async fn a_line_becomes_a_reader_with_their_consent_on_record(db: Db) {
    let news = News::start(db).await;
    let csv = "address,name,topics,research_types,frequency,format,language,time_zone,consent_at,consent_source\r\n\
               Ann@Bücher.example,\"Lee, Ann\",Depression; CBT,rct,quarterly,text,fr,Europe/Paris,2020-05-03T14:00:00Z,sheet\r\n";
    let (enrolled, refused) = news.enrol(csv).await;
    assert_eq!((enrolled.added, enrolled.refused), (1, 0), "{refused:?}");
    let reader = news.reader("ann@bücher.example").await;
    assert_eq!(reader.address, "Ann@xn--bcher-kva.example");
    assert_eq!(reader.name, "Lee, Ann");
    assert_eq!(
        reader.topics.0,
        [
            "cognitive-therapy-ct-and-cognitive-behavioural-therapy-cbt",
            DEPRESSION
        ]
    );
    assert_eq!(reader.research_types.0, ["randomized-controlled-trial"]);
    let words = [
        reader.frequency.as_str(),
        reader.format.as_str(),
        reader.language.as_str(),
        &reader.time_zone,
    ];
    assert_eq!(words, ["quarterly", "text", "fr", "Europe/Paris"]);
    let consents = news.consents("ann@bücher.example").await;
    assert_eq!(
        (consents.len(), consents[0].act, consents[0].source.as_str()),
        (1, Act::Granted, "sheet")
    );
    assert_eq!(consents[0].at.to_rfc3339(), "2020-05-03T14:00:00+00:00");
}

each_database!(what_cannot_be_taken_is_refused_by_line_with_the_reason);
async fn what_cannot_be_taken_is_refused_by_line_with_the_reason(db: Db) {
    let news = News::start(db).await;
    let csv = "address,topics,frequency,time_zone,consent_at,consent_source\n\
               good@peer.test,*,,,2026-01-01,form\n\
               not an address,*,,,2026-01-01,form\n\
               GOOD@peer.test,*,,,2026-01-01,form\n\
               a@peer.test,ants,,,2026-01-01,form\n\
               a@peer.test,,daily,,2026-01-01,form\n\
               a@peer.test,,,Mars/Olympus,2026-01-01,form\n\
               a@peer.test,,,,yesterday,form\n\
               a@peer.test,,,,2999-01-01,form\n\
               a@peer.test,,,,2026-01-01,\n\
               a@peer.test,,,,,form\n";
    let (enrolled, refused) = news.enrol(csv).await;
    assert_eq!((enrolled.added, enrolled.refused), (1, 9));
    let mut reasons: Vec<(u64, String)> = refused
        .iter()
        .map(|refused| (refused.line, refused.why.to_string()))
        .collect();
    reasons.sort_unstable();
    let wanted = [
        (3, "the address has no '@'"),
        (4, "the address is a subscriber already"),
        (5, "there is no topic 'ants'"),
        (6, "frequency must be one of monthly, quarterly"),
        (7, "time_zone must be an IANA name"),
        (8, "consent_at must be written as"),
        (9, "consent_at lies in the future"),
        (10, "consent_source is empty"),
        (11, "consent_at is empty"),
    ];
    for ((line, reason), (wanted_line, words)) in reasons.iter().zip(wanted) {
        assert_eq!(*line, wanted_line);
        assert!(reason.starts_with(words), "line {line}: {reason}");
    }
}

each_database!(of_lines_with_one_address_the_first_is_taken_and_the_others_refused_in_order);
async fn of_lines_with_one_address_the_first_is_taken_and_the_others_refused_in_order(db: Db) {
    let news = News::start(db).await;
    let mut csv = "address,name,consent_at,consent_source\n".to_owned();
    for number in 0..7_000 {
        csv.push_str(&format!("r{number}@peer.test,first,2026-01-01,form\n"));
    }
    for number in (0..7_000).step_by(100) {
        csv.push_str(&format!("R{number}@peer.test,second,2026-01-01,form\n"));
    }
    let (enrolled, refused) = news.enrol(&csv).await;
    assert_eq!((enrolled.added, enrolled.refused), (7_000, 70));
    let numbers: Vec<u64> = refused.iter().map(|refused| refused.line).collect();
    assert_eq!(numbers, (7_002..7_072).collect::<Vec<u64>>());
    assert_eq!(refused[1].fields[..2], ["R100@peer.test", "second"]);
    assert_eq!(news.reader("r100@peer.test").await.name, "first");
    let again = news.enrol(&csv).await.0;
    assert_eq!((again.added, again.refused), (0, 7_070));
}

each_database!(a_choice_that_came_first_in_a_refused_line_is_kept_with_the_next);
async fn a_choice_that_came_first_in_a_refused_line_is_kept_with_the_next(db: Db) {
    let news = News::start(db).await;
    let csv = "address,topics,consent_at,consent_source\n\
               a@peer.test,depression,2999-01-01,form\n\
               b@peer.test,depression,2026-01-01,form\n\
               c@peer.test,depression,2026-01-01,form\n";
    assert_eq!(news.enrol(csv).await.0.added, 2);
    for address in ["b@peer.test", "c@peer.test"] {
        assert_eq!(news.reader(address).await.topics.0, [DEPRESSION]);
    }
}

each_database!(texts_come_through_as_they_were_written_taken_or_refused);
async fn texts_come_through_as_they_were_written_taken_or_refused(db: Db) {
    let news = News::start(db).await;
    let name = r#"C:\new\tab "x" \. \N é"#;
    let quoted = name.replace('"', "\"\"");
    let csv = format!(
        "address,name,language,consent_at,consent_source,line\n\
         odd@peer.test,\"{quoted}\",,2026-01-01,\\N,\"one\n\ttwo\\\0\"\n"
    );
    assert_eq!(news.enrol(&csv).await.0.added, 1);
    assert_eq!(news.reader("odd@peer.test").await.name, name);
    let (enrolled, refused) = news.enrol(&csv).await;
    assert_eq!((enrolled.added, enrolled.refused), (0, 1));
    let fields = [
        "odd@peer.test",
        name,
        "",
        "2026-01-01",
        "\\N",
        "one\n\ttwo\\\0",
    ];
    assert_eq!(
        (refused[0].line, &refused[0].fields[..]),
        (2, &fields.map(str::to_owned)[..])
    );
}

each_database!(nobody_who_was_suppressed_or_left_is_brought_back);
async fn nobody_who_was_suppressed_or_left_is_brought_back(db: Db) {
    let news = News::start(db).await;
    news.subscribe("erased@peer.test", &[]).await;
    news.subscribe("left@peer.test", &[]).await;
    let (erased, left) = (
        news.reader("erased@peer.test").await,
        news.reader("left@peer.test").await,
    );
    let mut tx = news.db.begin().await.unwrap();
    feedback::erase(&mut tx, &erased, news.now()).await.unwrap();
    feedback::unsubscribe(&mut tx, &left, "test", news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let csv = "address,consent_at,consent_source\nErased@peer.test,2026-01-01,form\nleft@PEER.test,2026-01-01,form\n";
    assert_eq!(news.enrol(csv).await.0.refused, 2);
}

each_database!(the_consent_record_can_only_grow);
async fn the_consent_record_can_only_grow(db: Db) {
    let news = News::start(db).await;
    news.subscribe("a@peer.test", &[]).await;
    for statement in [
        "UPDATE consent SET source = 'forged'",
        "DELETE FROM consent",
    ] {
        let refused = match news.db.begin().await.unwrap() {
            bulletin::db::Tx::Sqlite(mut tx) => {
                sqlx::query(statement).execute(&mut *tx).await.map(drop)
            }
            bulletin::db::Tx::Postgres(mut tx) => {
                sqlx::query(statement).execute(&mut *tx).await.map(drop)
            }
        };
        assert!(refused.unwrap_err().to_string().contains("append-only"));
    }
}

each_database!(where_a_consent_came_from_can_be_proved_by_the_file);
async fn where_a_consent_came_from_can_be_proved_by_the_file(db: Db) {
    let news = News::start(db).await;
    let csv = "address,consent_at,consent_source\n\
               ann@peer.test,2020-01-01,form\nnonsense,2020-01-01,form\nben@peer.test,2020-01-01,form\n";
    news.enrol(csv).await;
    news.enrol(csv).await;
    let sum = ring::digest::digest(&ring::digest::SHA256, csv.as_bytes());
    let sum = data_encoding::HEXLOWER.encode(sum.as_ref());
    for (address, line) in [("ann@peer.test", 2), ("ben@peer.test", 4)] {
        let consents = news.consents(address).await;
        assert_eq!(consents.len(), 1);
        let one = &consents[0];
        let file = (one.file.as_deref(), one.file_sha256.as_deref(), one.line);
        assert_eq!(file, (Some("readers.csv"), Some(&*sum), Some(line)));
    }
    let files = news.dump("consent_file").await;
    assert_eq!(files.len(), 1, "nobody came out of it the second time");
    let ann = news.reader("ann@peer.test").await;
    let mut tx = news.db.read().await.unwrap();
    let held = held(&mut tx, &news.keys, &ann).await.unwrap().csv();
    assert!(
        held.contains("\"consents\",\"1\",\"file\",\"readers.csv\"\n"),
        "{held}"
    );
    assert!(held.contains(&format!("\"file_sha256\",\"{sum}\"\n")));
    assert!(held.contains("\"consents\",\"1\",\"line\",\"2\"\n"));
}

#[tokio::test]
async fn a_file_that_is_no_such_list_is_refused_as_a_whole() {
    let database = crate::support::databases::sqlite().await;
    let news = News::start(database.db.clone()).await;
    let new_id = Uuid::new_v4;
    let run = async |csv: &[u8]| {
        let enrolment = bulletin::enrol::Enrolment {
            implied_life: chrono::Duration::days(730),
            db: &news.db,
            keys: &news.keys,
            vocabulary: &news.vocabulary,
            now: news.now(),
            new_id: &new_id,
        };
        enrolment
            .run("list.csv", csv, |_| Ok(()), |_| {})
            .await
            .unwrap_err()
    };
    assert!(matches!(run(b"").await, EnrolError::NoHeading));
    assert!(
        matches!(run(b"address,mood\n").await, EnrolError::UnknownColumn { name } if name == "mood")
    );
    assert!(matches!(
        run(b"address\n").await,
        EnrolError::MissingColumn("consent_at")
    ));
    assert!(matches!(
        run(b"address,address\n").await,
        EnrolError::ColumnTwice(_)
    ));
    let mut endless = b"address,consent_at,consent_source\n\"".to_vec();
    endless.resize(5_000_000, b'x');
    assert!(matches!(run(&endless).await, EnrolError::Csv(_)));
}

#[test]
fn addresses_are_read_as_they_are_used_and_no_further() {
    for (written, kept) in [
        (" ann@example.org ", "ann@example.org"),
        ("Ann.Lee+news@Example.ORG", "Ann.Lee+news@example.org"),
        ("用户@例え.jp", "用户@xn--r8jz45g.jp"),
        ("o'neil@example.org", "o'neil@example.org"),
    ] {
        assert_eq!(Address::parse(written).unwrap().as_str(), kept);
    }
    for (written, error) in [
        ("", AddressError::Empty),
        ("ann", AddressError::NoAt),
        ("@example.org", AddressError::LocalPart),
        ("a..b@example.org", AddressError::LocalPart),
        ("\"a b\"@example.org", AddressError::LocalPart),
        ("a@b@example.org", AddressError::LocalPart),
        ("a\r\nBcc: x@y.z@example.org", AddressError::LocalPart),
        ("a\u{202E}b@example.org", AddressError::LocalPart),
        ("a@localhost", AddressError::Domain),
        ("a@[127.0.0.1]", AddressError::Domain),
        ("a@127.0.0.1", AddressError::Domain),
        ("a@exa mple.org", AddressError::Domain),
        ("a@-x.org", AddressError::Domain),
    ] {
        assert_eq!(Address::parse(written), Err(error), "{written:?}");
    }
    assert_eq!(
        Address::parse(&format!("{}@example.org", "x".repeat(65))),
        Err(AddressError::LocalPart)
    );
    let shown = format!("{:?}", Address::parse("ann@example.org").unwrap());
    assert!(!shown.contains("ann"), "an address is not for logs");
}
