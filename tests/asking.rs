//! What is asked for on a page, and the letters that it leads to.

use bulletin::campaign;
use bulletin::db::Db;
use bulletin::feedback::{self, requests::Confirmed};
use bulletin::request::Kind;
use bulletin::subscription::{Act, Language, State};
use bulletin::suppression::{self, Reason};
use chrono::Duration;
use sqlx::Connection;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::support::news::{ATTACHMENT, DEPRESSION, form, issue};
use crate::support::{News, databases, each_database, root};

fn subjects(news: &News, address: &str) -> Vec<String> {
    let mails = news.peer.mails_to(address).into_iter();
    let subject = |mail: String| {
        let line = mail.lines().find(|line| line.starts_with("Subject:"));
        line.expect("it has a subject").to_owned()
    };
    mails.map(subject).collect()
}

each_database!(whoever_confirms_is_subscribed_and_welcome);
async fn whoever_confirms_is_subscribed_and_welcome(db: Db) {
    let news = News::start(db).await;
    news.publish(&issue("2026-02", &[&[ATTACHMENT], &[DEPRESSION]]))
        .await;
    let asked = news
        .ask(Kind::SignUp, "ann@peer.test", form(&[ATTACHMENT]), None)
        .await;
    assert_eq!(news.reader("ann@peer.test").await.state, State::Pending);
    news.publish(&issue("2026-03", &[&[ATTACHMENT]])).await;
    assert_eq!(news.preview("2026-03").await.recipients, 0, "not yet");
    assert_eq!(news.confirm(asked).await, Confirmed::Subscribed);
    let reader = news.reader("ann@peer.test").await;
    assert_eq!(reader.state, State::Active);
    assert_eq!(reader.topics.0, [ATTACHMENT]);
    assert_eq!(reader.name, "Ann Other");
    let consents = news.consents("ann@peer.test").await;
    let proof = consents[0].proof.as_deref().expect("it is proved");
    assert_eq!(consents[0].act, Act::Granted);
    for told in ["\"text\":\"1\"", "\"page\":\"/subscribe\"", "confirmed_at"] {
        assert!(proof.contains(told), "{proof}");
    }
    assert_eq!(subjects(&news, "ann@peer.test").len(), 2);
    let welcome = news.peer.mails_to("ann@peer.test").pop().unwrap();
    assert!(welcome.contains("Study 1 of 2026-03"), "the newest issue");
    assert_eq!(news.confirm(asked).await, Confirmed::Over, "once");
    assert_eq!(news.account().await.accepted, 2);
    assert_eq!(news.preview("2026-03").await.recipients, 1);
}

each_database!(a_confirmation_is_too_late_after_a_week_and_nobody_is_kept);
async fn a_confirmation_is_too_late_after_a_week_and_nobody_is_kept(db: Db) {
    let news = News::start(db).await;
    let asked = news
        .ask(Kind::SignUp, "ann@peer.test", form(&[]), None)
        .await;
    news.wait(Duration::days(7) + Duration::seconds(1));
    assert_eq!(news.confirm(asked).await, Confirmed::Over);
    news.requests().settle().await.unwrap();
    let mut tx = news.db.read().await.unwrap();
    let left = bulletin::subscriber::page(&mut tx, uuid::Uuid::nil(), 10).await;
    assert!(left.unwrap().is_empty());
    drop(tx);
    news.wait(Duration::days(1));
    news.requests().settle().await.unwrap();
    let letters = news.dump("delivery").await;
    assert_eq!((letters.len(), news.account().await.planned), (1, 1));
    assert!(
        !letters[0].contains("confirm"),
        "letters are forgotten, but for the number of the newest: {letters:?}"
    );
}

each_database!(an_address_is_asked_once_a_day_and_three_times_ever);
async fn an_address_is_asked_once_a_day_and_three_times_ever(db: Db) {
    let news = News::start(db).await;
    let ways = ["victim@peer.test", "Victim@PEER.test", "victim+a@peer.test"];
    for _ in 0..5 {
        for way in ways {
            news.ask(Kind::SignUp, way, form(&[]), None).await;
        }
        news.wait(Duration::hours(24) + Duration::seconds(1));
    }
    let sent: usize = news.peer.times_taken().values().sum();
    assert_eq!(sent, 3);
}

each_database!(who_answered_may_be_asked_again);
async fn who_answered_may_be_asked_again(db: Db) {
    let news = News::start(db).await;
    for _ in 0..5 {
        let asked = news
            .ask(Kind::SignUp, "ann@peer.test", form(&[]), None)
            .await;
        assert_eq!(news.confirm(asked).await, Confirmed::Subscribed);
        let reader = news.reader("ann@peer.test").await;
        let mut tx = news.db.begin().await.unwrap();
        feedback::unsubscribe(&mut tx, &reader, "test", news.now())
            .await
            .unwrap();
        feedback::goodbye(&mut tx, &reader, news.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        news.wait(Duration::hours(25));
    }
    news.deliver_all().await;
    assert_eq!(subjects(&news, "ann@peer.test").len(), 15);
}

each_database!(a_reader_who_signs_up_again_is_told_so_and_nothing_changes);
async fn a_reader_who_signs_up_again_is_told_so_and_nothing_changes(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[DEPRESSION]).await;
    let asked = news
        .ask(Kind::SignUp, "ann@peer.test", form(&[ATTACHMENT]), None)
        .await;
    let mail = news.peer.mails_to("ann@peer.test").pop().unwrap();
    assert!(mail.contains("/p/") && !mail.contains("/c/"), "{mail}");
    news.confirm(asked).await;
    assert_eq!(news.reader("ann@peer.test").await.topics.0, [DEPRESSION]);
}

each_database!(who_bounced_or_was_erased_may_come_back_and_who_complained_is_left_alone);
async fn who_bounced_or_was_erased_may_come_back_and_who_complained_is_left_alone(db: Db) {
    let news = News::start(db).await;
    for (reason, comes_back) in [
        (Reason::HardBounce, true),
        (Reason::Erased, true),
        (Reason::Complaint, false),
        (Reason::Manual, false),
    ] {
        let address = format!("{}@peer.test", reason.as_str().replace('_', ""));
        let hash = bulletin::subscriber::Address::parse(&address)
            .unwrap()
            .hash(&news.keys);
        let mut tx = news.db.begin().await.unwrap();
        suppression::suppress(&mut tx, &hash, reason, "", news.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let asked = news.ask(Kind::SignUp, &address, form(&[]), None).await;
        let letters = news.peer.mails_to(&address).len();
        assert_eq!(letters, usize::from(comes_back), "{reason}");
        let confirmed = news.confirm(asked).await == Confirmed::Subscribed;
        assert_eq!(confirmed, comes_back, "{reason}");
        assert_eq!(news.is_suppressed(&address).await, !comes_back, "{reason}");
    }
}

each_database!(a_reader_moves_once_the_new_address_confirms_and_the_old_one_is_told);
async fn a_reader_moves_once_the_new_address_confirms_and_the_old_one_is_told(db: Db) {
    let news = News::start(db).await;
    news.subscribe("old@peer.test", &[DEPRESSION]).await;
    let id = news.reader("old@peer.test").await.id;
    let asked = news
        .ask(Kind::Address, "new@peer.test", form(&[]), Some(id))
        .await;
    assert_eq!(news.reader("old@peer.test").await.id, id, "not yet");
    assert_eq!(news.peer.mails_to("new@peer.test").len(), 1);
    assert_eq!(news.confirm(asked).await, Confirmed::Moved);
    assert_eq!(news.reader("new@peer.test").await.id, id);
    let told = news.peer.mails_to("old@peer.test");
    assert_eq!(told.len(), 1);
    assert!(!told[0].contains("new@peer.test"), "{}", told[0]);
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news.deliver_all().await;
    assert_eq!(news.peer.mails_to("new@peer.test").len(), 2);
    assert_eq!(news.peer.mails_to("old@peer.test").len(), 1);
}

each_database!(nobody_moves_to_a_readers_address_and_a_new_one_that_bounces_harms_nobody);
async fn nobody_moves_to_a_readers_address_and_a_new_one_that_bounces_harms_nobody(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[]).await;
    news.subscribe("bob@peer.test", &[]).await;
    let ann = news.reader("ann@peer.test").await.id;
    let asked = news
        .ask(Kind::Address, "bob@peer.test", form(&[]), Some(ann))
        .await;
    assert_eq!(news.peer.mails_to("bob@peer.test").len(), 0);
    assert_eq!(news.confirm(asked).await, Confirmed::Over);
    news.ask(Kind::Address, "550.gone@peer.test", form(&[]), Some(ann))
        .await;
    assert_eq!(news.account().await.bounced, 1);
    assert!(!news.is_suppressed("ann@peer.test").await);
}

each_database!(a_fresh_link_goes_to_the_readers_address_alone_and_five_times_a_day);
async fn a_fresh_link_goes_to_the_readers_address_alone_and_five_times_a_day(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[]).await;
    for address in ["nobody@peer.test", "ann@peer.test"] {
        for _ in 0..7 {
            news.ask(Kind::Manage, address, form(&[]), None).await;
        }
    }
    assert_eq!(news.peer.mails_to("nobody@peer.test").len(), 0);
    assert_eq!(news.peer.mails_to("ann@peer.test").len(), 5);
    assert!(news.peer.mails_to("ann@peer.test")[0].contains("/m/"));
}

each_database!(a_letter_is_tried_again_and_is_the_same_letter);
async fn a_letter_is_tried_again_and_is_the_same_letter(db: Db) {
    let news = News::start(db).await;
    news.ask(
        Kind::SignUp,
        "lost.ann@peer.test",
        bulletin::request::Form {
            language: Language::French,
            ..form(&[])
        },
        None,
    )
    .await;
    news.wait(Duration::hours(1));
    news.deliver_all().await;
    let mails = news.peer.mails_to("lost.ann@peer.test");
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0], mails[1]);
}

each_database!(an_erased_reader_leaves_no_address_in_any_letter_or_request);
async fn an_erased_reader_leaves_no_address_in_any_letter_or_request(db: Db) {
    let news = News::start(db).await;
    news.subscribe("ann@peer.test", &[]).await;
    let ann = news.reader("ann@peer.test").await;
    news.ask(Kind::Address, "452.new@peer.test", form(&[]), Some(ann.id))
        .await;
    let mut tx = news.db.begin().await.unwrap();
    feedback::erase(&mut tx, &ann, news.now()).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = news.db.read().await.unwrap();
    for sql in [
        "SELECT count(*) FROM delivery WHERE content LIKE '%peer.test%' OR reply LIKE '%peer.test%'",
        "SELECT count(*) FROM request WHERE address <> '' OR form IS NOT NULL",
    ] {
        let found: i64 = match &mut tx {
            bulletin::db::Tx::Sqlite(tx) => {
                sqlx::query_scalar(sql).fetch_one(&mut **tx).await.unwrap()
            }
            bulletin::db::Tx::Postgres(tx) => {
                sqlx::query_scalar(sql).fetch_one(&mut **tx).await.unwrap()
            }
        };
        assert_eq!(found, 0, "{sql}");
    }
}

/// Fills a database as the version before letters had it, with one delivery.
macro_rules! as_it_was {
    ($connection:ty, $url:expr, $folder:literal, $id:literal, $none:literal) => {{
        let mut old = <$connection>::connect(&$url).await.unwrap();
        steps_until($folder, 5).run(&mut old).await.unwrap();
        let rows = concat!(
            "INSERT INTO issue (id, month, changed_at) VALUES (1, '2026-02', '2026-02-01T00:00:00Z'); ",
            "INSERT INTO choice (id, topics, research_types) VALUES (", $id, ", '[]', '[]'); ",
            "INSERT INTO subscriber (id, address, address_hash, name, state, choice_id, frequency, format, language, ",
            "time_zone, since) VALUES (", $id, ", 'a@peer.test', ", $none, ", '', 'active', ", $id,
            ", 'monthly', 'html', 'en', '', '2026-01-01T00:00:00Z'); ",
            "INSERT INTO campaign (id, issue_id, state, content, fingerprint, on_unknown, planned_at, start_at, planned) ",
            "VALUES (7, 1, 'running', '{}', 'f', 'retry', '2026-02-01T00:00:00Z', '2026-02-01T00:00:00Z', 1); ",
            "INSERT INTO delivery (id, campaign_id, subscriber_id, content, state, attempts, reply, changed_at) ",
            "VALUES (9, 7, ", $id, ", '1', 'accepted', 1, '250 OK', '2026-02-01T00:00:00Z')",
        );
        sqlx::raw_sql(rows).execute(&mut old).await.unwrap();
        old.close().await.unwrap();
    }};
}

/// The migration that brought letters, over rows as the version before had them.
#[tokio::test(flavor = "multi_thread")]
async fn what_stood_before_there_were_letters_stands_after() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = format!("sqlite://{}", folder.path().join("test.db").display());
    for url in [Some(file), databases::new_postgres_url()]
        .into_iter()
        .flatten()
    {
        match url.starts_with("sqlite") {
            true => as_it_was!(
                sqlx::SqliteConnection,
                format!("{url}?mode=rwc"),
                "sqlite",
                "x'00112233445566778899aabbccddeeff'",
                "x''"
            ),
            false => as_it_was!(
                sqlx::PgConnection,
                url,
                "postgres",
                "'00112233-4455-6677-8899-aabbccddeeff'",
                "''"
            ),
        }
        let db = Db::open(&url).await.unwrap();
        let mut tx = db.read().await.unwrap();
        let account = campaign::account(&mut tx, Some(7)).await.unwrap();
        assert_eq!((account.planned, account.accepted), (1, 1));
        let reader = "00112233-4455-6677-8899-aabbccddeeff".parse().unwrap();
        let deliveries = bulletin::subscriber::deliveries(&mut tx, reader)
            .await
            .unwrap();
        assert_eq!(deliveries[0].reply.as_deref(), Some("250 OK"));
        assert_eq!(
            campaign::account(&mut tx, Some(0)).await.unwrap().planned,
            0
        );
        drop(tx);
        db.close().await;
    }
}

/// The migrations as the version had them whose last was number `last`.
fn steps_until(folder: &str, last: i64) -> Migrator {
    let folder = root().join("migrations").join(folder);
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    names.sort();
    let steps = (1..=last).zip(names).map(|(number, path)| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let sql = sqlx::SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(
            std::fs::read_to_string(path).unwrap(),
        ));
        Migration::new(number, name.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(steps.collect())
}
