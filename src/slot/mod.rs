//! Slots: the times at which the schedule's rule comes due. Each is noted once, in the transaction that settles its
//! campaign, however many processes look, stop and start again, and whatever their clocks do.

mod scheduler;
mod turn;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use crate::config::{OnNothing, OnUnknown};
use crate::db::{Tx, on, row, word};
use crate::issue::Month;
use crate::plan::{self, PlanError, ReadersTime, Settings};
use crate::schedule::{Schedule, Slot};

use self::turn::{Turn, turn};

pub use self::scheduler::Scheduler;

word! {
    /// What a slot came to.
    pub enum State {
        /// An issue's campaign was settled in it.
        Settled = "settled",
        /// There is an issue, but it goes out by hand alone.
        Held = "held",
        /// No issue had its turn.
        Empty = "empty",
    }
}

row! {
    /// A slot that has come.
    #[derive(Clone, Debug, Serialize)]
    pub struct Noted {
        /// As the rule says it, on the clocks of `time_zone`.
        pub wall_time: String,
        pub time_zone: String,
        pub at: DateTime<Utc>,
        pub state: State,
        /// The issue that had its turn.
        pub month: Option<String>,
        /// What it came to, for people.
        pub note: String,
    }
}

/// A slot just noted, with what the editor should know of the plan.
#[derive(Clone, Debug)]
pub struct Taken {
    pub noted: Noted,
    pub warnings: Vec<String>,
}

/// The operator's settings for what goes out by itself.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How late a slot may still be used.
    pub grace: Duration,
    /// How long before its first mail a campaign is settled.
    pub undo: Duration,
    /// Whether each reader gets it when their own clocks show the slot's time.
    pub readers_zone: bool,
    pub on_nothing: OnNothing,
    pub on_unknown: OnUnknown,
}

#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    #[error(
        "a process that was started later has another schedule.rule or time zone, and that one counts; give this one \
         the same settings"
    )]
    OtherRule,
    #[error("the slot's campaign cannot be settled")]
    Plan(#[from] PlanError),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// By so much do clocks differ from the first zone of the earth to the last.
const ZONES_SPAN_HOURS: i64 = 26;

/// All zones differ by multiples of this: what waits for the first of them is worth a look so often, and no more, for
/// it reads all readers.
const ZONES_STEP_MINUTES: i64 = 15;

/// By so much may the clocks of two hosts differ before one counts as wrong.
const CLOCKS_DIFFER_MINUTES: i64 = 1;

/// Lets the schedule count: a new or changed one from `now` on, one known from before as before.
pub async fn begin(tx: &mut Tx, schedule: &Schedule, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
        "INSERT INTO schedule (id, rule, time_zone, since) VALUES (1, $1, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET rule = excluded.rule, time_zone = excluded.time_zone, since = excluded.since \
         WHERE schedule.rule <> excluded.rule OR schedule.time_zone <> excluded.time_zone",
    )
    .bind(schedule.rule.to_string())
    .bind(schedule.zone.name())
    .bind(now)
    .execute(conn)
    .await
    .map(drop)
    })
}

/// Whether `schedule_due` has anything to do; changes nothing.
pub async fn is_due(
    tx: &mut Tx,
    schedule: &Schedule,
    terms: &Terms,
    now: DateTime<Utc>,
) -> Result<bool, SlotError> {
    Ok(was_a_clock_ahead(tx, now).await? || due(tx, schedule, terms, now).await?.is_some())
}

/// Notes the next slot that is due, and settles the campaign of the issue whose turn it is.
///
/// To be called until it gives `None`, each time in a transaction of its own that writes.
pub async fn schedule_due(
    tx: &mut Tx,
    schedule: &Schedule,
    terms: &Terms,
    now: DateTime<Utc>,
) -> Result<Option<Taken>, SlotError> {
    wait_in_line(tx).await?;
    mend_after_a_wrong_clock(tx, now).await?;
    let Some(slot) = due(tx, schedule, terms, now).await? else {
        return Ok(None);
    };
    let turn = turn(tx, &slot, terms, now).await?;
    // Until its own time an issue may still come in, also when readers in the east have had that time already.
    if !matches!(turn, Turn::Send(..)) && now + terms.undo < slot.at {
        return Ok(None);
    }
    let taken = take(tx, schedule, &slot, turn, terms, now).await?;
    Ok(Some(taken))
}

/// Every slot that was noted, the newest first, at most `limit`.
pub async fn list(tx: &mut Tx, limit: i64) -> sqlx::Result<Vec<Noted>> {
    let sql = format!("{COLUMNS} ORDER BY s.at DESC, s.id DESC LIMIT $1");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(limit)
        .fetch_all(conn)
        .await)
}

/// What a slot to come would send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// This issue, which is there.
    Sends(Month),
    /// An issue that is not there yet: that month's.
    Awaits(Month),
    /// The newest issue there is goes out by hand alone.
    TooOld(Month),
}

/// What a slot to come would send as things stand, with `taken` gone out in the slots before.
pub async fn ahead(tx: &mut Tx, slot: &Slot, taken: Option<Month>) -> sqlx::Result<Ahead> {
    turn::ahead(tx, slot, taken).await
}

/// Slots whose issue still waits for a person: neither it nor a newer one has gone out since.
pub async fn held(tx: &mut Tx) -> sqlx::Result<Vec<Noted>> {
    let sql = format!(
        "{COLUMNS} WHERE s.state = 'held' AND NOT EXISTS (SELECT 1 FROM campaign c \
         JOIN issue n ON n.id = c.issue_id WHERE n.month >= i.month) ORDER BY s.at"
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)
}

const COLUMNS: &str = "SELECT s.wall_time, s.time_zone, s.at, s.state, i.month, s.note \
     FROM slot s LEFT JOIN issue i ON i.id = s.issue_id";

impl Noted {
    /// What a person has to know of a held slot, and do.
    pub fn alarm(&self) -> String {
        let month = self.month.as_deref().unwrap_or("MONTH");
        format!(
            "{month} did not go out at {} ({}): {}; `bulletin send {month}` sends it",
            self.wall_time, self.time_zone, self.note
        )
    }
}

async fn take(
    tx: &mut Tx,
    schedule: &Schedule,
    slot: &Slot,
    turn: Turn,
    terms: &Terms,
    now: DateTime<Utc>,
) -> Result<Taken, SlotError> {
    let mut warnings = Vec::new();
    let mut campaign = None;
    let (state, issue, note) = match turn {
        Turn::Empty(note) => (State::Empty, None, note),
        Turn::Held(candidate, note) => (State::Held, Some(candidate), note),
        Turn::Send(candidate) => {
            let settings = settings(schedule, slot, terms, now);
            let (id, plan) = plan::settle(tx, candidate.month, &settings).await?;
            campaign = Some(id);
            warnings = plan.warnings;
            let note = format!("{} readers", plan.recipients);
            (State::Settled, Some(candidate), note)
        }
    };
    let noted = Noted {
        wall_time: slot.name(),
        time_zone: schedule.zone.name().to_owned(),
        at: slot.at,
        state,
        month: issue.as_ref().map(|issue| issue.month.to_string()),
        note,
    };
    keep(tx, &noted, issue.map(|issue| issue.id), campaign, now).await?;
    Ok(Taken { noted, warnings })
}

fn settings(schedule: &Schedule, slot: &Slot, terms: &Terms, now: DateTime<Utc>) -> Settings {
    let soonest = now + terms.undo;
    let readers_time = terms.readers_zone.then_some(ReadersTime {
        wall: slot.wall,
        fallback: schedule.zone,
    });
    Settings {
        on_nothing: terms.on_nothing,
        on_unknown: terms.on_unknown,
        now,
        start_at: if terms.readers_zone {
            soonest
        } else {
            slot.at.max(soonest)
        },
        readers_time,
    }
}

async fn keep(
    tx: &mut Tx,
    noted: &Noted,
    issue: Option<i64>,
    campaign: Option<i64>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "INSERT INTO slot (wall_time, time_zone, at, state, issue_id, campaign_id, note, noted_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&noted.wall_time)
    .bind(&noted.time_zone)
    .bind(noted.at)
    .bind(noted.state.as_str())
    .bind(issue)
    .bind(campaign)
    .bind(&noted.note)
    .bind(now)
    .execute(conn)
    .await
    .map(drop))
}

/// The next slot that wants to be noted at `now`.
async fn due(
    tx: &mut Tx,
    schedule: &Schedule,
    terms: &Terms,
    now: DateTime<Utc>,
) -> Result<Option<Slot>, SlotError> {
    let since = since(tx, schedule).await?.ok_or(SlotError::OtherRule)?;
    let mut after = last_come(tx, now).await?.max(Some(since.min(now)));
    while let Some(slot) = after.and_then(|after| schedule.next(after)) {
        if !is_noted(tx, schedule, &slot).await? {
            let opens = opens(tx, schedule, &slot, terms, now).await?;
            return Ok((opens <= now + terms.undo).then_some(slot));
        }
        after = Some(slot.at);
    }
    Ok(None)
}

/// When the first reader is to get the slot's issue: at the slot, or earlier where readers' own clocks count.
async fn opens(
    tx: &mut Tx,
    schedule: &Schedule,
    slot: &Slot,
    terms: &Terms,
    now: DateTime<Utc>,
) -> sqlx::Result<DateTime<Utc>> {
    let ahead = slot.at - (now + terms.undo);
    let is_worth_a_look = ahead <= Duration::hours(ZONES_SPAN_HOURS)
        && (-ahead).num_seconds().rem_euclid(ZONES_STEP_MINUTES * 60) < 60;
    if !terms.readers_zone || !is_worth_a_look {
        return Ok(slot.at);
    }
    let time = ReadersTime {
        wall: slot.wall,
        fallback: schedule.zone,
    };
    let first = plan::first_of_readers(tx, time).await?;
    Ok(first.map_or(slot.at, |first| first.min(slot.at)))
}

/// One process at a time notes slots; on SQLite, whose transactions that write queue up anyway, this does nothing.
async fn wait_in_line(tx: &mut Tx) -> sqlx::Result<()> {
    let sql = format!("SELECT id FROM schedule {}", tx.on_postgres("FOR UPDATE"));
    on!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .fetch_optional(conn)
        .await
        .map(drop))
}

/// What a clock that was ahead has noted, and has not come yet. What settled mail stays.
const NOTED_AHEAD: &str = "state <> 'settled' AND noted_at > $1 AND at > $1";

async fn was_a_clock_ahead(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM slot WHERE {NOTED_AHEAD}) \
         OR EXISTS (SELECT 1 FROM schedule WHERE since > $1)"
    );
    on!(tx, |conn| sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(now + Duration::minutes(CLOCKS_DIFFER_MINUTES))
        .fetch_one(conn)
        .await)
}

/// Takes back what such a clock noted, so that it comes when it is time.
async fn mend_after_a_wrong_clock(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<()> {
    let ahead = now + Duration::minutes(CLOCKS_DIFFER_MINUTES);
    let sql = format!("DELETE FROM slot WHERE {NOTED_AHEAD}");
    on!(&mut *tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(ahead)
        .execute(conn)
        .await
        .map(drop))?;
    on!(tx, |conn| sqlx::query(
        "UPDATE schedule SET since = $1 WHERE since > $2"
    )
    .bind(now)
    .bind(ahead)
    .execute(conn)
    .await
    .map(drop))
}

/// Since when this schedule counts; `None` when another one does.
async fn since(tx: &mut Tx, schedule: &Schedule) -> sqlx::Result<Option<DateTime<Utc>>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT since FROM schedule WHERE rule = $1 AND time_zone = $2"
    )
    .bind(schedule.rule.to_string())
    .bind(schedule.zone.name())
    .fetch_optional(conn)
    .await)
}

/// The latest slot noted whose time has come.
async fn last_come(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<Option<DateTime<Utc>>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT at FROM slot WHERE at <= $1 ORDER BY at DESC LIMIT 1"
    )
    .bind(now)
    .fetch_optional(conn)
    .await)
}

async fn is_noted(tx: &mut Tx, schedule: &Schedule, slot: &Slot) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM slot WHERE wall_time = $1 AND time_zone = $2)"
    )
    .bind(slot.name())
    .bind(schedule.zone.name())
    .fetch_one(conn)
    .await)
}
