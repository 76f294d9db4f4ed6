//! Issues that go out by themselves: once for each slot, whatever stops, starts and steps.

use bulletin::campaign;
use bulletin::config::{OnNothing, OnUnknown};
use bulletin::db::Db;
use bulletin::deliver::queue;
use bulletin::plan::{self, ReadersTime, Settings};
use bulletin::schedule::{Schedule, instant};
use bulletin::slot::{self, Noted, Scheduler, SlotError, State, Terms};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::America::Toronto;
use tokio_util::sync::CancellationToken;

use crate::support::news::{DEPRESSION, issue, month};
use crate::support::{News, each_database};

/// The rule of these stories. Its slots here are 9 March, 09:00 (13:00 UTC), and so on.
const EVERY_DAY: &str = "every day, 09:00";
const FIRST_TUESDAY: &str = "first Tuesday of the month, 09:00";

fn toronto(rule: &str) -> Schedule {
    Schedule {
        rule: rule.parse().unwrap(),
        zone: Toronto,
    }
}

fn terms() -> Terms {
    Terms {
        grace: Duration::hours(2),
        undo: Duration::seconds(10),
        readers_zone: false,
        on_nothing: OnNothing::Skip,
        on_unknown: OnUnknown::Retry,
    }
}

fn at(utc: &str) -> DateTime<Utc> {
    utc.parse().unwrap()
}

/// A service with one reader, an issue for March, and a clock at the time given.
async fn news(db: Db, now: &str) -> News {
    let news = News::start(db).await;
    set_clock(&news, now);
    news.subscribe("a@peer.test", &[]).await;
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    news
}

fn set_clock(news: &News, utc: &str) {
    news.wait(at(utc) - news.now());
}

/// A process with this schedule starts.
async fn start(news: &News, schedule: &Schedule) {
    let mut tx = news.db.begin().await.unwrap();
    slot::begin(&mut tx, schedule, news.now()).await.unwrap();
    tx.commit().await.unwrap();
}

/// One look at the schedule, as the running process does it: everything that is due.
async fn look_with(news: &News, schedule: &Schedule, terms: &Terms) -> Vec<Noted> {
    let mut noted = Vec::new();
    loop {
        let mut tx = news.db.read().await.unwrap();
        let due = slot::is_due(&mut tx, schedule, terms, news.now()).await;
        drop(tx);
        if !due.unwrap() {
            return noted;
        }
        let mut tx = news.db.begin().await.unwrap();
        let taken = slot::schedule_due(&mut tx, schedule, terms, news.now()).await;
        tx.commit().await.unwrap();
        match taken.unwrap() {
            Some(taken) => noted.push(taken.noted),
            None => return noted,
        }
    }
}

async fn look(news: &News, schedule: &Schedule) -> Vec<Noted> {
    look_with(news, schedule, &terms()).await
}

/// What the slots came to: the wall time's day, the state and the issue.
fn told(noted: &[Noted]) -> Vec<(&str, State, Option<&str>)> {
    let tell = |noted: &'_ Noted| -> (usize, State) { (noted.wall_time.len(), noted.state) };
    assert!(noted.iter().all(|noted| tell(noted).0 == 16));
    noted
        .iter()
        .map(|noted| (&noted.wall_time[5..10], noted.state, noted.month.as_deref()))
        .collect()
}

/// A sender would have nothing to claim. (One that is waited for stays for what is due in seconds.)
async fn nothing_is_due(news: &News) -> bool {
    let mut tx = news.db.read().await.unwrap();
    let due = queue::campaigns_with_due(&mut tx, news.now())
        .await
        .unwrap();
    due.is_empty()
}

async fn held(news: &News) -> Vec<Noted> {
    slot::held(&mut news.db.read().await.unwrap())
        .await
        .unwrap()
}

each_database!(an_issue_goes_out_once_in_its_slot_however_often_anyone_starts);
async fn an_issue_goes_out_once_in_its_slot_however_often_anyone_starts(db: Db) {
    let news = news(db, "2026-03-03T13:59:49Z").await;
    let schedule = toronto(FIRST_TUESDAY);
    start(&news, &schedule).await;
    assert!(
        look(&news, &schedule).await.is_empty(),
        "the undo window has not come yet"
    );
    news.wait(Duration::seconds(1));
    let noted = look(&news, &schedule).await;
    assert_eq!(told(&noted), [("03-03", State::Settled, Some("2026-03"))]);
    news.wait(Duration::seconds(9));
    assert!(
        nothing_is_due(&news).await,
        "nothing leaves before the slot"
    );
    for wait in [1, 5, 3600, 86_400] {
        news.wait(Duration::seconds(wait));
        start(&news, &schedule).await;
        assert!(look(&news, &schedule).await.is_empty());
        news.deliver_all().await;
    }
    assert_eq!(news.peer.times_taken()["a@peer.test"], 1);
    let mail = &news.peer.mails_to("a@peer.test")[0];
    assert!(
        mail.contains("\r\nDate: Tue, 3 Mar 2026 14:00:00 "),
        "{mail}"
    );
}

each_database!(two_schedulers_at_once_settle_one_campaign);
async fn two_schedulers_at_once_settle_one_campaign(db: Db) {
    let news = news(db, "2026-03-03T14:00:00Z").await;
    let schedule = toronto(FIRST_TUESDAY);
    news.wait(-Duration::hours(1));
    start(&news, &schedule).await;
    news.wait(Duration::hours(1));
    let looks = (0..8).map(|_| {
        let (db, schedule, now) = (news.db.clone(), schedule.clone(), news.now());
        tokio::spawn(async move {
            let mut tx = db.begin().await.unwrap();
            let taken = slot::schedule_due(&mut tx, &schedule, &terms(), now).await;
            tx.commit().await.unwrap();
            taken.unwrap().is_some()
        })
    });
    let mut taken = 0;
    for look in looks.collect::<Vec<_>>() {
        taken += usize::from(look.await.unwrap());
    }
    assert_eq!(taken, 1);
    assert_eq!(news.account().await.planned, 1);
}

each_database!(a_late_start_sends_within_the_grace_and_holds_beyond_it);
async fn a_late_start_sends_within_the_grace_and_holds_beyond_it(db: Db) {
    let news = news(db, "2026-03-02T12:00:00Z").await;
    let schedule = toronto(EVERY_DAY);
    start(&news, &schedule).await;
    set_clock(&news, "2026-03-02T19:00:00Z");
    let noted = look(&news, &schedule).await;
    assert_eq!(told(&noted), [("03-02", State::Held, Some("2026-03"))]);
    let alarm = held(&news).await[0].alarm();
    assert!(
        alarm.contains("5 hours later") && alarm.contains("`bulletin send 2026-03`"),
        "{alarm}"
    );
    set_clock(&news, "2026-03-03T14:00:00Z");
    let noted = look(&news, &schedule).await;
    assert_eq!(
        told(&noted),
        [("03-03", State::Empty, None)],
        "only by hand"
    );
    news.plan("2026-03").await;
    assert!(held(&news).await.is_empty(), "it was sent by hand");
    news.publish(&issue("2026-04", &[&[DEPRESSION]])).await;
    set_clock(&news, "2026-04-01T14:00:00Z");
    let noted = look(&news, &schedule).await;
    assert_eq!(noted.len(), 29, "each missed day is noted");
    assert_eq!(
        noted[28].state,
        State::Settled,
        "one hour late is within the grace"
    );
    assert_eq!(noted[28].month.as_deref(), Some("2026-04"));
    assert!(noted[..28].iter().all(|noted| noted.state == State::Empty));
}

each_database!(a_clock_that_steps_back_and_forth_sends_nothing_twice_and_leaves_nothing_out);
async fn a_clock_that_steps_back_and_forth_sends_nothing_twice_and_leaves_nothing_out(db: Db) {
    let news = news(db, "2026-03-03T13:30:00Z").await;
    let schedule = toronto(EVERY_DAY);
    start(&news, &schedule).await;
    let (hour, day) = (Duration::hours(1), Duration::days(1));
    news.wait(hour);
    let noted = look(&news, &schedule).await;
    assert_eq!(told(&noted), [("03-03", State::Settled, Some("2026-03"))]);
    for step in [-hour, hour, -day, day, hour, -hour] {
        news.wait(step);
        start(&news, &schedule).await;
        assert!(look(&news, &schedule).await.is_empty(), "{step}");
    }
    news.publish(&issue("2026-04", &[&[DEPRESSION]])).await;
    set_clock(&news, "2026-04-01T12:30:00Z");
    assert!(
        look(&news, &schedule)
            .await
            .iter()
            .all(|noted| noted.state == State::Empty)
    );
    // A day too far ahead, the slot of today looks missed and that of tomorrow comes; the clock is set right again.
    news.wait(day + hour);
    let noted = look(&news, &schedule).await;
    assert_eq!(
        told(&noted),
        [
            ("04-01", State::Held, Some("2026-04")),
            ("04-02", State::Empty, None)
        ]
    );
    news.wait(-day - hour);
    assert!(
        look(&news, &schedule).await.is_empty(),
        "09:00 has not come"
    );
    assert!(held(&news).await.is_empty(), "nothing was missed after all");
    news.wait(hour);
    let noted = look(&news, &schedule).await;
    assert_eq!(told(&noted), [("04-01", State::Settled, Some("2026-04"))]);
    news.wait(day);
    let noted = look(&news, &schedule).await;
    assert_eq!(told(&noted), [("04-02", State::Empty, None)]);
    assert_eq!(
        news.account().await.planned,
        1 + 1,
        "two issues, one reader"
    );
}

each_database!(a_new_or_changed_rule_counts_from_when_it_is_first_run);
async fn a_new_or_changed_rule_counts_from_when_it_is_first_run(db: Db) {
    let news = news(db, "2026-03-03T14:30:00Z").await;
    let (tuesdays, daily) = (toronto(FIRST_TUESDAY), toronto(EVERY_DAY));
    start(&news, &tuesdays).await;
    assert!(
        look(&news, &tuesdays).await.is_empty(),
        "it was not there at 09:00"
    );
    start(&news, &daily).await;
    assert!(look(&news, &daily).await.is_empty());
    let mut tx = news.db.begin().await.unwrap();
    let refused = slot::schedule_due(&mut tx, &tuesdays, &terms(), news.now()).await;
    assert!(
        matches!(refused, Err(SlotError::OtherRule)),
        "the later start counts"
    );
    drop(tx);
    news.wait(Duration::days(1));
    start(&news, &daily).await;
    let noted = look(&news, &daily).await;
    assert_eq!(told(&noted), [("03-04", State::Settled, Some("2026-03"))]);
}

each_database!(only_a_new_issue_of_a_recent_month_goes_out);
async fn only_a_new_issue_of_a_recent_month_goes_out(db: Db) {
    let news = News::start(db).await;
    set_clock(&news, "2026-03-02T13:00:00Z");
    let schedule = toronto(EVERY_DAY);
    start(&news, &schedule).await;
    let next = async || {
        news.wait(Duration::days(1));
        let noted = look(&news, &schedule).await;
        assert_eq!(noted.len(), 1);
        (noted[0].state, noted[0].month.clone())
    };
    news.wait(Duration::hours(1));
    assert_eq!(
        look(&news, &schedule).await[0].state,
        State::Empty,
        "nothing was imported"
    );
    news.publish(&issue("2025-12", &[&[DEPRESSION]])).await;
    assert_eq!(
        next().await,
        (State::Held, Some("2025-12".to_owned())),
        "three months old"
    );
    assert_eq!(held(&news).await.len(), 1);
    assert_eq!(next().await, (State::Empty, None), "it is held once");
    for month in ["2025-11", "2026-02", "2026-04"] {
        news.publish(&issue(month, &[&[DEPRESSION]])).await;
    }
    assert_eq!(
        next().await,
        (State::Settled, Some("2026-02".to_owned())),
        "not the one to come"
    );
    assert!(held(&news).await.is_empty(), "a newer one has gone out");
    assert_eq!(
        next().await,
        (State::Empty, None),
        "older ones do not come after newer ones"
    );
}

each_database!(a_campaign_cancelled_within_the_undo_window_costs_no_mail);
async fn a_campaign_cancelled_within_the_undo_window_costs_no_mail(db: Db) {
    let news = news(db, "2026-03-03T13:59:50Z").await;
    let schedule = toronto(FIRST_TUESDAY);
    news.wait(-Duration::days(1));
    start(&news, &schedule).await;
    news.wait(Duration::days(1));
    assert_eq!(look(&news, &schedule).await.len(), 1);
    news.wait(Duration::seconds(9));
    assert!(nothing_is_due(&news).await);
    let mut tx = news.db.begin().await.unwrap();
    let found = campaign::of_month(&mut tx, month("2026-03"))
        .await
        .unwrap()
        .unwrap();
    campaign::cancel(&mut tx, found.id, news.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    news.wait(Duration::days(1));
    news.deliver_all().await;
    assert!(news.peer.taken().is_empty());
    assert_eq!(news.account().await.suppressed, 1);
}

async fn enrol_in(news: &News, address: &str, zone: &str) {
    let csv = format!(
        "address,topics,time_zone,consent_at,consent_source\n{address},*,{zone},2026-01-01,form\n"
    );
    let (enrolled, refused) = news.enrol(&csv).await;
    assert_eq!(enrolled.added, 1, "{refused:?}");
}

each_database!(each_reader_gets_it_at_nine_on_their_own_clock);
async fn each_reader_gets_it_at_nine_on_their_own_clock(db: Db) {
    let news = news(db, "2026-03-01T14:00:00Z").await;
    enrol_in(&news, "east@peer.test", "Pacific/Auckland").await;
    enrol_in(&news, "west@peer.test", "America/Vancouver").await;
    let schedule = toronto(FIRST_TUESDAY);
    let terms = Terms {
        readers_zone: true,
        ..terms()
    };
    start(&news, &schedule).await;
    // 09:00 on Tuesday in Auckland is 20:00 UTC on Monday.
    set_clock(&news, "2026-03-02T19:59:49Z");
    assert!(look_with(&news, &schedule, &terms).await.is_empty());
    news.wait(Duration::seconds(1));
    assert_eq!(look_with(&news, &schedule, &terms).await.len(), 1);
    let span = news.plan("2026-03").await.due.unwrap();
    assert_eq!(span.first, at("2026-03-02T20:00:00Z"));
    assert_eq!(span.last, at("2026-03-03T17:00:00Z"));
    set_clock(&news, "2026-03-02T19:59:59Z");
    assert!(nothing_is_due(&news).await);
    for (time, takers) in [
        ("2026-03-02T20:00:00Z", 1),
        ("2026-03-03T13:59:00Z", 1),
        ("2026-03-03T14:00:00Z", 2),
        ("2026-03-03T16:59:00Z", 2),
        ("2026-03-03T17:00:00Z", 3),
    ] {
        set_clock(&news, time);
        assert!(look_with(&news, &schedule, &terms).await.is_empty());
        news.deliver_all().await;
        assert_eq!(news.peer.taken().len(), takers, "{time}");
    }
    let mail = &news.peer.mails_to("west@peer.test")[0];
    assert!(
        mail.contains("\r\nDate: Mon, 2 Mar 2026 20:00:00 "),
        "the campaign's start: {mail}"
    );
}

each_database!(an_issue_that_comes_in_before_the_slots_own_time_still_goes_out);
async fn an_issue_that_comes_in_before_the_slots_own_time_still_goes_out(db: Db) {
    let news = News::start(db).await;
    set_clock(&news, "2026-03-02T12:00:00Z");
    enrol_in(&news, "east@peer.test", "Pacific/Auckland").await;
    let schedule = toronto(FIRST_TUESDAY);
    let terms = Terms {
        readers_zone: true,
        ..terms()
    };
    start(&news, &schedule).await;
    set_clock(&news, "2026-03-03T10:00:00Z");
    assert!(
        look_with(&news, &schedule, &terms).await.is_empty(),
        "it waits for an issue"
    );
    news.publish(&issue("2026-03", &[&[DEPRESSION]])).await;
    assert_eq!(
        look_with(&news, &schedule, &terms).await[0].state,
        State::Settled
    );
    let span = news.plan("2026-03").await.due.unwrap();
    assert_eq!(
        span.first,
        news.now() + terms.undo,
        "Auckland's time is past"
    );
}

each_database!(a_send_at_readers_own_time_starts_no_earlier_than_now);
async fn a_send_at_readers_own_time_starts_no_earlier_than_now(db: Db) {
    let news = news(db, "2026-03-03T12:00:00Z").await;
    enrol_in(&news, "east@peer.test", "Pacific/Auckland").await;
    let wall = "2026-03-03T09:00:00".parse().unwrap();
    let settings = Settings {
        now: news.now(),
        start_at: news.now(),
        readers_time: Some(ReadersTime {
            wall,
            fallback: Toronto,
        }),
        ..news.settings
    };
    let mut tx = news.db.begin().await.unwrap();
    let (_, plan) = plan::settle(&mut tx, month("2026-03"), &settings)
        .await
        .unwrap();
    let span = plan.due.unwrap();
    assert_eq!(
        (span.first, span.last),
        (news.now(), instant(wall, Toronto))
    );
    let warned = plan
        .warnings
        .iter()
        .any(|words| words.contains("in 1 time zones"));
    assert!(warned, "{:?}", plan.warnings);
}

each_database!(the_scheduler_notes_what_is_due_and_stops_when_told);
async fn the_scheduler_notes_what_is_due_and_stops_when_told(db: Db) {
    let news = news(db, "2026-03-03T13:00:00Z").await;
    let schedule = toronto(FIRST_TUESDAY);
    start(&news, &schedule).await;
    let stop = CancellationToken::new();
    let scheduler = Scheduler {
        db: news.db.clone(),
        schedule,
        terms: terms(),
        clock: std::sync::Arc::new(|| at("2026-03-03T14:00:00Z")),
    };
    let running = tokio::spawn(scheduler.run(stop.clone()));
    while news.account().await.planned == 0 {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    running.await.unwrap();
}
