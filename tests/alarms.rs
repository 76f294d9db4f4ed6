//! Alarms and storms stop a campaign, and say why.

use bulletin::alarm::{self, Allowed, Kind};
use bulletin::campaign::{self, Campaign, State};
use bulletin::db::{Db, Tx};
use bulletin::deliver::Until;
use bulletin::deliver::round::Claimed;
use bulletin::deliver::smtp::{Outcome, Reply};
use bulletin::tally;
use sqlx::AssertSqlSafe;
use tokio_util::sync::CancellationToken;

use crate::support::news::{DEPRESSION, issue, month, random};
use crate::support::{News, each_database};

/// Changes the tables behind the service's back.
pub async fn tamper(db: &Db, sql: &str) {
    let mut tx = db.begin().await.unwrap();
    for statement in sql.split(';') {
        let statement = AssertSqlSafe(statement.to_owned());
        match &mut tx {
            Tx::Sqlite(tx) => drop(sqlx::query(statement).execute(&mut **tx).await.unwrap()),
            Tx::Postgres(tx) => drop(sqlx::query(statement).execute(&mut **tx).await.unwrap()),
        }
    }
    tx.commit().await.unwrap();
}

async fn campaign(news: &News) -> Campaign {
    let mut tx = news.db.read().await.unwrap();
    let found = campaign::of_month(&mut tx, month("2026-03")).await;
    found.unwrap().unwrap()
}

async fn resume(news: &News) {
    let id = campaign(news).await.id;
    let mut tx = news.db.begin().await.unwrap();
    assert!(
        campaign::set_state(&mut tx, id, State::Running)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
}

/// A news service with a planned campaign for so many readers, whose addresses begin with `kind`.
pub async fn planned(db: Db, kind: &str, readers: usize) -> News {
    let news = News::start(db).await;
    enrol(&news, kind, readers).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news.plan("2026-03").await;
    news
}

async fn enrol(news: &News, kind: &str, readers: usize) {
    let mut csv = "address,consent_at,consent_source\n".to_owned();
    for number in 0..readers {
        csv += &format!("{kind}{number}@peer.test,2026-01-01,form\n");
    }
    news.enrol(&csv).await;
}

/// The campaign of four readers, two of whom have their mail, after somebody changed the tables.
async fn alarm_after(db: Db, sql: &str, kind: Kind, words: &str) {
    let news = planned(db, "reader", 4).await;
    let sender = random();
    let mut tx = news.db.begin().await.unwrap();
    let claimed = news.claim(&mut tx, sender, 2).await;
    let taken = |claim: Claimed| {
        let reply = Reply::new(250, "2.0.0 taken");
        (claim.delivery, Outcome::Accepted { reply })
    };
    let settled: Vec<_> = claimed.into_iter().map(taken).collect();
    assert_eq!(news.settle(&mut tx, sender, &settled).await, 2);
    tx.commit().await.unwrap();
    alarm::first_look(&news.db, campaign(&news).await.id, &news.metrics).await;
    assert_eq!(campaign(&news).await.state, State::Running, "all is well");

    tamper(&news.db, sql).await;
    news.deliver_all().await;
    let stopped = campaign(&news).await;
    assert_eq!(stopped.state, State::Paused);
    let because = stopped.paused_because.unwrap();
    assert!(because.contains(words), "{because}");
    assert!(because.contains("campaign resume 2026-03"), "{because}");
    assert_eq!(news.peer.taken().len(), 0, "nothing goes out any more");
    let counted = format!("bulletin_alarms_total{{kind=\"{kind}\"}} 1\n");
    assert!(news.metrics.text().contains(&counted));

    resume(&news).await;
    news.deliver_all().await;
    assert_eq!(
        campaign(&news).await.state,
        State::Paused,
        "it stops again while it lasts"
    );
    assert_eq!(news.peer.taken().len(), 0);
}

each_database!(a_delivery_that_disappeared_stops_the_campaign);
async fn a_delivery_that_disappeared_stops_the_campaign(db: Db) {
    let sql =
        "DELETE FROM delivery WHERE id = (SELECT max(id) FROM delivery WHERE state = 'waiting')";
    let words = "4 deliveries were planned, and their states add up to 3";
    alarm_after(db, sql, Kind::Unbalanced, words).await;
}

each_database!(a_state_that_is_none_stops_the_campaign);
async fn a_state_that_is_none_stops_the_campaign(db: Db) {
    let sql = "UPDATE delivery SET state = 'lost' WHERE id = (SELECT max(id) FROM delivery WHERE state = 'waiting')";
    alarm_after(db, sql, Kind::Unbalanced, "add up to 3").await;
}

each_database!(an_accepted_delivery_that_would_go_out_again_stops_the_campaign);
async fn an_accepted_delivery_that_would_go_out_again_stops_the_campaign(db: Db) {
    let sql = "UPDATE delivery SET state = 'waiting', due_at = changed_at \
               WHERE id = (SELECT min(id) FROM delivery WHERE state = 'accepted')";
    let words = "2 deliveries were written down as accepted and 1 stand so";
    alarm_after(db, sql, Kind::AcceptedTwice, words).await;
}

each_database!(more_mails_than_readers_stop_the_campaign);
async fn more_mails_than_readers_stop_the_campaign(db: Db) {
    let sql = "UPDATE tally SET accepted = 5";
    alarm_after(
        db,
        sql,
        Kind::MoreMailsThanReaders,
        "5 were accepted, and 4 were planned",
    )
    .await;
}

each_database!(two_deliveries_to_one_reader_stop_the_campaign);
async fn two_deliveries_to_one_reader_stop_the_campaign(db: Db) {
    // The same reader in two rows, which a constraint forbids; so the tables are made anew without it.
    let one_reader = "UPDATE delivery SET subscriber_id = (SELECT max(CAST(subscriber_id AS text)) FROM delivery)";
    let sql = match &db {
        Db::Sqlite { .. } => format!(
            "CREATE TABLE copy AS SELECT * FROM delivery; DROP TABLE delivery; ALTER TABLE copy RENAME TO delivery; {}",
            one_reader.replace("max(CAST(subscriber_id AS text))", "max(subscriber_id)")
        ),
        Db::Postgres(_) => format!(
            "ALTER TABLE delivery DROP CONSTRAINT delivery_campaign_id_subscriber_id_letter_key; {}",
            one_reader.replace(
                "max(CAST(subscriber_id AS text))",
                "CAST(max(CAST(subscriber_id AS text)) AS uuid)"
            )
        ),
    };
    let words = "1 or more have several deliveries";
    alarm_after(db, &sql, Kind::ReaderTwice, words).await;
}

each_database!(two_subscriptions_of_one_address_stop_the_campaign);
async fn two_subscriptions_of_one_address_stop_the_campaign(db: Db) {
    let one_address =
        "UPDATE subscriber SET address_hash = (SELECT min(address_hash) FROM subscriber)";
    let sql = match &db {
        Db::Sqlite { .. } => format!(
            "PRAGMA defer_foreign_keys = on; CREATE TABLE copy AS SELECT * FROM subscriber; \
             ALTER TABLE subscriber RENAME TO old; CREATE UNIQUE INDEX copy_id ON copy (id); \
             ALTER TABLE copy RENAME TO subscriber; {one_address}"
        ),
        Db::Postgres(_) => "ALTER TABLE subscriber DROP CONSTRAINT subscriber_address_hash_key; \
             UPDATE subscriber SET address_hash = decode('00', 'hex')"
            .to_owned(),
    };
    let words = "1 or more have several deliveries";
    alarm_after(db, &sql, Kind::ReaderTwice, words).await;
}

each_database!(a_storm_of_refusals_pauses_the_campaign_and_a_person_lets_it_go_on);
async fn a_storm_of_refusals_pauses_the_campaign_and_a_person_lets_it_go_on(db: Db) {
    let news = planned(db, "550.gone", 80).await;
    news.deliver_all().await;
    let stopped = campaign(&news).await;
    assert_eq!(stopped.state, State::Paused);
    let because = stopped.paused_because.unwrap();
    assert!(
        because.contains("a storm of refusals: 2")
            && because.contains("`bulletin campaign resume 2026-03`"),
        "{because}"
    );
    let account = news.account().await;
    // What the three connections hold when the 26th refusal is written down still goes its way.
    assert!((26..=29).contains(&account.bounced), "{account:?}");
    assert_eq!(account.waiting, 80 - account.bounced);
    let id = stopped.id;
    let mut tx = news.db.begin().await.unwrap();
    assert!(
        campaign::set_state(&mut tx, id, State::Paused)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert!(
        campaign(&news).await.paused_because.is_some(),
        "a pause on top keeps the reason"
    );
    resume(&news).await;
    assert_eq!(campaign(&news).await.paused_because, None);
    news.deliver_all().await;
    assert_eq!(
        news.account().await.bounced,
        80,
        "it does not pause for the same storm again"
    );
}

each_database!(a_storm_pauses_nothing_where_the_operator_does_not_want_it);
async fn a_storm_pauses_nothing_where_the_operator_does_not_want_it(db: Db) {
    let news = planned(db, "550.gone", 40).await;
    let mut sender = news.sender();
    sender.storm = None;
    sender
        .run(random(), Until::NothingDue, CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(news.account().await.bounced, 40);
}

/// Adds to what the campaign's senders have written down.
async fn ended(news: &News, accepted: i64, bounced: i64, refused: i64) {
    let (id, now) = (campaign(news).await.id, news.now().to_rfc3339());
    let sql = format!(
        "INSERT INTO tally (campaign_id, sender, accepted, bounced, refused, first_at, last_at) \
         VALUES ({id}, 7, {accepted}, {bounced}, {refused}, '{now}', '{now}') \
         ON CONFLICT (campaign_id, sender) DO UPDATE SET accepted = tally.accepted + excluded.accepted, \
         bounced = tally.bounced + excluded.bounced, refused = tally.refused + excluded.refused"
    );
    tamper(&news.db, &sql).await;
}

each_database!(mails_given_up_at_their_lifes_end_are_no_storm);
async fn mails_given_up_at_their_lifes_end_are_no_storm(db: Db) {
    let news = planned(db, "reader", 1).await;
    let id = campaign(&news).await.id;
    ended(&news, 0, 100, 0).await;
    let left = alarm::watch_for_storm(&news.db, id, Allowed::default(), &news.metrics).await;
    assert_eq!(left.unwrap(), Some(10));
}

each_database!(after_a_storm_only_one_twice_as_bad_pauses_again);
async fn after_a_storm_only_one_twice_as_bad_pauses_again(db: Db) {
    let news = planned(db, "reader", 1).await;
    let id = campaign(&news).await.id;
    let left_after = async |accepted: i64, refused: i64| {
        ended(&news, accepted, refused, refused).await;
        let left = alarm::watch_for_storm(&news.db, id, Allowed::default(), &news.metrics).await;
        left.unwrap()
    };
    let two_in_a_hundred = left_after(980, 20).await;
    assert_eq!(two_in_a_hundred, Some(0), "no storm, and near to one");
    assert_eq!(left_after(0, 20).await, None, "more than that are");
    let because = campaign(&news).await.paused_because.unwrap();
    assert!(because.contains("40 of 1020 mails"), "{because}");
    resume(&news).await;
    assert_eq!(left_after(93, 7).await, Some(3));
    let less_than_twice_the_share = left_after(1000, 60).await;
    assert_eq!(less_than_twice_the_share, Some(23));
    assert_eq!(left_after(0, 40).await, None, "and not at more");
    let mut tx = news.db.read().await.unwrap();
    let totals = tally::totals(&mut tx, id).await.unwrap();
    assert_eq!((totals.accepted, totals.refused), (2073, 147));
}

each_database!(what_stood_before_the_books_were_kept_is_in_them);
/// The migration, over rows as the version before had them.
async fn what_stood_before_the_books_were_kept_is_in_them(db: Db) {
    let news = planned(db, "reader", 3).await;
    news.deliver_all().await;
    let undo = "DROP TABLE tally; DROP TABLE probe; DROP INDEX delivery_open; \
        ALTER TABLE campaign DROP COLUMN planned; ALTER TABLE campaign DROP COLUMN paused_because; \
        ALTER TABLE campaign DROP COLUMN forgiven_ended; ALTER TABLE campaign DROP COLUMN forgiven_refused";
    let refused = "UPDATE delivery SET state = 'bounced', reply = '550 5.1.1 Gone' \
        WHERE id = (SELECT max(id) FROM delivery)";
    let text = match &news.db {
        Db::Sqlite { .. } => include_str!("../migrations/sqlite/0005_watching.sql"),
        Db::Postgres(_) => include_str!("../migrations/postgres/0005_watching.sql"),
    };
    let bare: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect();
    let again = bare.join("\n");
    tamper(
        &news.db,
        &format!("{undo};{refused};{}", again.trim().trim_end_matches(';')),
    )
    .await;
    let account = news.account().await;
    assert_eq!(
        (account.planned, account.accepted, account.bounced),
        (3, 2, 1)
    );
    let id = campaign(&news).await.id;
    let mut tx = news.db.read().await.unwrap();
    let totals = tally::totals(&mut tx, id).await.unwrap();
    assert_eq!((totals.accepted, totals.bounced, totals.refused), (2, 1, 1));
    assert_eq!(alarm::check(&mut tx, id).await.unwrap(), None);
}
