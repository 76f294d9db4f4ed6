//! The queue: deliveries are claimed, and settled by what became of them.

use std::collections::HashMap;
use std::time::Instant;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::pace::{self, Pace};
use super::smtp::Outcome;
use super::waits;
use crate::campaign::DeliveryState;
use crate::config::{OnNothing, OnUnknown};
use crate::db::{Tx, on, row, time};
use crate::subscriber::{self, Subscriber};
use crate::subscription::{Format, Frequency, Language, State};
use crate::suppression;
use crate::tally::Tally;

/// How many rows are looked at together when the first look found some without room.
const WINDOW: usize = 64;

/// A delivery that a connection holds, with what it needs to become a message.
#[derive(Clone)]
pub struct Claimed {
    pub delivery: Due,
    pub subscriber: Subscriber,
}

/// A delivery whose time has come.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: i64,
    pub campaign_id: i64,
    pub subscriber_id: Uuid,
    pub content: String,
    /// This one included once it is claimed.
    pub attempts: i64,
    pub on_unknown: OnUnknown,
    /// Its life counts from here.
    pub first_tried_at: Option<DateTime<Utc>>,
}

/// What a claim came to.
#[derive(Default)]
pub struct Claims {
    pub claimed: Vec<Claimed>,
    /// When the last of those that were due and had no room is to be looked at again.
    pub put_off: Option<DateTime<Utc>>,
}

row! {
    /// A delivery with its reader, as one query reads both.
    pub struct DueRow {
        pub delivery_id: i64,
        pub campaign_id: i64,
        pub content: String,
        pub attempts: i64,
        pub on_unknown: OnUnknown,
        pub first_tried_at: Option<DateTime<Utc>>,
        pub suppressed: bool,
        pub id: Uuid,
        pub address: String,
        pub address_hash: Vec<u8>,
        pub name: String,
        pub state: State,
        pub topics: Json<Vec<String>>,
        pub research_types: Json<Vec<String>>,
        pub frequency: Frequency,
        pub format: Format,
        pub language: Language,
        pub time_zone: String,
        pub on_nothing: Option<OnNothing>,
        pub since: DateTime<Utc>,
    }
}

/// Claims up to `limit` deliveries of these campaigns for `sender`, the longest due first, as far as `pace` has room.
///
/// Who left or was suppressed since the plan is settled on the way and not handed out.
pub async fn claim(
    tx: &mut Tx,
    sender: i64,
    campaigns: &[i64],
    now: DateTime<Utc>,
    limit: usize,
    pace: &mut Pace,
) -> sqlx::Result<Claims> {
    let mut claims = Claims::default();
    let mut may_put_off = pace.may_put_off(Instant::now());
    for campaign in campaigns {
        let mut window = limit;
        loop {
            let wanted = limit - claims.claimed.len();
            if wanted == 0 || may_put_off == 0 {
                break;
            }
            window = window.min(wanted.max(may_put_off));
            let due = due(tx, *campaign, now, window).await?;
            let is_last = due.len() < window;
            let put_off = sort_out(tx, sender, due, now, limit, pace, &mut claims).await?;
            may_put_off = may_put_off.saturating_sub(put_off);
            if is_last {
                break;
            }
            window = WINDOW;
        }
    }
    Ok(claims)
}

/// Takes what may go out now, puts off what has no room, and settles what must not go out at all. Gives how many were
/// put off.
async fn sort_out(
    tx: &mut Tx,
    sender: i64,
    due: Vec<DueRow>,
    now: DateTime<Utc>,
    limit: usize,
    pace: &mut Pace,
    claims: &mut Claims,
) -> sqlx::Result<usize> {
    let at = Instant::now();
    let mut room: HashMap<String, usize> = HashMap::new();
    for held in &claims.claimed {
        let domain = pace::domain(&held.subscriber.address);
        let left = room_in(&mut room, pace, domain, at);
        *left = left.saturating_sub(1);
    }
    let (mut taken, mut put_off, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for row in due {
        if row.state != State::Active || row.suppressed {
            left_out.push(row.delivery_id);
            continue;
        }
        if claims.claimed.len() == limit {
            break;
        }
        let domain = pace::domain(&row.address);
        match room_in(&mut room, pace, domain, at) {
            0 => put_off.push((row.delivery_id, pace.turn(domain, now))),
            room => {
                *room -= 1;
                taken.push(row.delivery_id);
                claims.claimed.push(row.claimed(now));
            }
        }
    }
    let last = put_off.iter().map(|(_, turn)| *turn).max();
    claims.put_off = claims.put_off.max(last);
    pace.put_off(put_off.len());
    take(tx, sender, &taken, now).await?;
    postpone(tx, &put_off).await?;
    leave_out(tx, &left_out, now).await?;
    Ok(put_off.len())
}

fn room_in<'a>(
    room: &'a mut HashMap<String, usize>,
    pace: &Pace,
    domain: &str,
    at: Instant,
) -> &'a mut usize {
    if !room.contains_key(domain) {
        room.insert(domain.to_owned(), pace.room(domain, at));
    }
    room.get_mut(domain)
        .expect("it was put there if it was missing")
}

impl DueRow {
    fn claimed(self, now: DateTime<Utc>) -> Claimed {
        Claimed {
            delivery: Due {
                id: self.delivery_id,
                campaign_id: self.campaign_id,
                subscriber_id: self.id,
                content: self.content,
                attempts: self.attempts + 1,
                on_unknown: self.on_unknown,
                first_tried_at: self.first_tried_at.or(Some(now)),
            },
            subscriber: Subscriber {
                id: self.id,
                address: self.address,
                address_hash: self.address_hash,
                name: self.name,
                state: self.state,
                topics: self.topics,
                research_types: self.research_types,
                frequency: self.frequency,
                format: self.format,
                language: self.language,
                time_zone: self.time_zone,
                on_nothing: self.on_nothing,
                since: self.since,
            },
        }
    }
}

/// How many deliveries could be claimed at `now`, counted no further than `most`.
pub async fn count_due(
    tx: &mut Tx,
    campaigns: &[i64],
    now: DateTime<Utc>,
    most: usize,
) -> sqlx::Result<usize> {
    let mut found = 0;
    for campaign in campaigns {
        if found >= most {
            break;
        }
        let more: i64 = on!(&mut *tx, |conn| {
            sqlx::query_scalar(
            "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE campaign_id = $1 AND due_at <= $2 LIMIT $3) due",
        )
        .bind(campaign)
        .bind(now)
        .bind((most - found) as i64)
        .fetch_one(conn)
        .await
        })?;
        found += more.unsigned_abs() as usize;
    }
    Ok(found)
}

/// The campaigns that run and have something due at `now`, the first started first.
pub async fn campaigns_with_due(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT c.id FROM campaign c WHERE c.state = 'running' AND c.start_at <= $1 AND EXISTS \
         (SELECT 1 FROM delivery d WHERE d.campaign_id = c.id AND d.due_at <= $1) ORDER BY c.start_at",
        )
        .bind(now)
        .fetch_all(conn)
        .await
    })
}

/// Writes down what became of claimed deliveries, in one statement, and gives the tally of it. A sender that lost a claim
/// changes nothing of it.
pub async fn settle(
    tx: &mut Tx,
    sender: i64,
    settled: &[(Due, Outcome)],
    life: Duration,
    now: DateTime<Utc>,
) -> sqlx::Result<Tally> {
    let mut tally = Tally::default();
    if settled.is_empty() {
        return Ok(tally);
    }
    let rows: Vec<SettledRow> = settled
        .iter()
        .map(|(due, outcome)| settled_row(due, outcome, life, now))
        .collect();
    let ours = write(tx, sender, &rows, now).await?;
    for (due, outcome) in settled {
        if !ours.contains(&due.id) {
            tally.lost(matches!(outcome, Outcome::Accepted { .. }));
            continue;
        }
        let (state, _) = next_state(due, outcome, life, now);
        tally.count(due.campaign_id, state, outcome.is_refusal());
        if outcome.names_a_bad_address()
            && let Some(hash) = subscriber::address_hash(tx, due.subscriber_id).await?
        {
            let reason = suppression::Reason::HardBounce;
            suppression::suppress(tx, &hash, reason, &outcome.code(), now).await?;
        }
    }
    Ok(tally)
}

/// What is written down of one delivery, as the statement reads it.
#[derive(Serialize)]
struct SettledRow {
    id: i64,
    campaign: i64,
    state: DeliveryState,
    due: Option<String>,
    reply: String,
    /// How many attempts are taken back that claiming counted.
    uncounted: i64,
}

fn settled_row(due: &Due, outcome: &Outcome, life: Duration, now: DateTime<Utc>) -> SettledRow {
    let (state, due_at) = next_state(due, outcome, life, now);
    let reply = match state {
        DeliveryState::Bounced if !matches!(outcome, Outcome::Bounced { .. }) => {
            format!("given up, its life being over: {}", outcome.words())
        }
        _ => outcome.words(),
    };
    SettledRow {
        id: due.id,
        campaign: due.campaign_id,
        state,
        due: due_at.map(time),
        reply,
        uncounted: i64::from(outcome.is_between_the_relay_and_us()),
    }
}

/// What a sender that is gone held in flight becomes unknown: tried again at once, or held, as its campaign says.
pub async fn recover(tx: &mut Tx, gone: i64, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let recovered = on!(&mut *tx, |conn| {
        sqlx::query(
            "UPDATE delivery SET state = 'unknown', claimed_by = NULL, changed_at = $2, \
         due_at = CASE WHEN subscriber_id IS NULL THEN NULL ELSE $2 END, \
         reply = 'the sender stopped while the message was on its way' WHERE claimed_by = $1",
        )
        .bind(gone)
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected())
    })?;
    on!(tx, |conn| {
        sqlx::query(
        "UPDATE delivery SET due_at = NULL WHERE state = 'unknown' AND due_at IS NOT NULL \
         AND campaign_id IN (SELECT id FROM campaign WHERE on_unknown = 'hold' OR state = 'cancelled')",
    )
    .execute(conn)
    .await
    .map(drop)
    })?;
    Ok(recovered)
}

/// Senders that hold something in flight.
pub async fn holders(tx: &mut Tx) -> sqlx::Result<Vec<i64>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT DISTINCT claimed_by FROM delivery WHERE claimed_by IS NOT NULL"
    )
    .fetch_all(conn)
    .await)
}

/// Claims that a failed commit may have left behind: of `sender`, but not among those its connections hold.
pub async fn hand_back_others(
    tx: &mut Tx,
    sender: i64,
    held: &[i64],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let rows = tx.rows();
    let sql = format!(
        "UPDATE delivery SET state = 'waiting', attempts = attempts - 1, due_at = $3, claimed_by = NULL, \
         changed_at = $3 WHERE claimed_by = $2 AND id NOT IN (SELECT {} FROM {})",
        rows.number(),
        rows.all()
    );
    on!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(Json(held))
        .bind(sender)
        .bind(now)
        .execute(conn)
        .await
        .map(drop))
}

/// Settles whatever waits for this subscriber as suppressed: an unsubscribe holds at once, for what is queued too.
pub async fn suppress_waiting(
    tx: &mut Tx,
    subscriber: Uuid,
    why: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE delivery SET state = 'suppressed', due_at = NULL, reply = $2, changed_at = $3 \
         WHERE subscriber_id = $1 AND state IN ('waiting', 'deferred')",
    )
    .bind(subscriber)
    .bind(why)
    .bind(now)
    .execute(conn)
    .await
    .map(drop))
}

/// When the next delivery of a campaign is due; `None` when none is left to try.
pub async fn next_due(tx: &mut Tx, campaign: i64) -> sqlx::Result<Option<DateTime<Utc>>> {
    on!(tx, |conn| {
        sqlx::query_scalar(
        "SELECT due_at FROM delivery WHERE campaign_id = $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
    )
    .bind(campaign)
    .fetch_optional(conn)
    .await
    })
}

/// Where an outcome leads, and when the delivery is tried again, if ever.
fn next_state(
    due: &Due,
    outcome: &Outcome,
    life: Duration,
    now: DateTime<Utc>,
) -> (DeliveryState, Option<DateTime<Utc>>) {
    let between = outcome.is_between_the_relay_and_us();
    // The connection makes the pause then; who gets the next one is another delivery's luck.
    let next = if between {
        now
    } else {
        waits::next(due.id, due.attempts, now)
    };
    let lives = next <= due.first_tried_at.unwrap_or(now) + life;
    match outcome {
        Outcome::Accepted { .. } => (DeliveryState::Accepted, None),
        Outcome::Bounced { .. } if between && lives => (DeliveryState::Deferred, Some(next)),
        Outcome::Bounced { .. } => (DeliveryState::Bounced, None),
        Outcome::Deferred { .. } if lives => (DeliveryState::Deferred, Some(next)),
        Outcome::Deferred { .. } => (DeliveryState::Bounced, None),
        Outcome::Unknown { .. } => {
            let again = lives && due.on_unknown == OnUnknown::Retry;
            (DeliveryState::Unknown, again.then_some(next))
        }
    }
}

async fn due(
    tx: &mut Tx,
    campaign: i64,
    now: DateTime<Utc>,
    limit: usize,
) -> sqlx::Result<Vec<DueRow>> {
    // The rows first, and locked, by their index alone; what belongs to them then. `suppression` is read here, at every
    // claim, and so is whether the campaign still runs.
    let sql = format!(
        "WITH due AS MATERIALIZED (SELECT id, campaign_id, subscriber_id, content, attempts, first_tried_at, due_at \
           FROM delivery WHERE campaign_id = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3 {}) \
         SELECT d.id AS delivery_id, d.campaign_id, d.content, d.attempts, c.on_unknown, d.first_tried_at, \
           x.address_hash IS NOT NULL AS suppressed, s.id, s.address, s.address_hash, s.name, s.state, \
           h.topics, h.research_types, s.frequency, s.format, s.language, s.time_zone, s.on_nothing, s.since \
         FROM due d JOIN campaign c ON c.id = d.campaign_id AND c.state = 'running' \
         JOIN subscriber s ON s.id = d.subscriber_id JOIN choice h ON h.id = s.choice_id \
         LEFT JOIN suppression x ON x.address_hash = s.address_hash ORDER BY d.due_at",
        tx.on_postgres("FOR UPDATE SKIP LOCKED")
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(campaign)
        .bind(now)
        .bind(limit as i64)
        .fetch_all(conn)
        .await)
}

async fn take(tx: &mut Tx, sender: i64, ids: &[i64], now: DateTime<Utc>) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let rows = tx.rows();
    let sql = format!(
        "UPDATE delivery SET state = 'in_flight', due_at = NULL, attempts = attempts + 1, claimed_by = $2, \
         first_tried_at = COALESCE(first_tried_at, $3), changed_at = $3 WHERE id IN (SELECT {} FROM {})",
        rows.number(),
        rows.all()
    );
    on!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(Json(ids))
        .bind(sender)
        .bind(now)
        .execute(conn)
        .await
        .map(drop))
}

/// Puts deliveries off until their domain may have room.
async fn postpone(tx: &mut Tx, put_off: &[(i64, DateTime<Utc>)]) -> sqlx::Result<()> {
    if put_off.is_empty() {
        return Ok(());
    }
    let rows = tx.rows();
    let sql = format!(
        "UPDATE delivery SET due_at = later.due FROM (SELECT {} AS id, {} AS due FROM {}) later \
         WHERE delivery.id = later.id",
        rows.integer("id"),
        rows.time("due"),
        rows.all()
    );
    let put_off: Vec<serde_json::Value> = put_off
        .iter()
        .map(|(id, due)| serde_json::json!({ "id": id, "due": time(*due) }))
        .collect();
    on!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(Json(put_off))
        .execute(conn)
        .await
        .map(drop))
}

/// Settles deliveries of readers who must not be written to any more. What is unknown stays unknown, and untried.
async fn leave_out(tx: &mut Tx, ids: &[i64], now: DateTime<Utc>) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let rows = tx.rows();
    let sql = format!(
        "UPDATE delivery SET state = CASE WHEN state = 'unknown' THEN state ELSE 'suppressed' END, \
         due_at = NULL, reply = 'the reader left or is suppressed', changed_at = $2 \
         WHERE id IN (SELECT {} FROM {})",
        rows.number(),
        rows.all()
    );
    on!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(Json(ids))
        .bind(now)
        .execute(conn)
        .await
        .map(drop))
}

/// Writes the outcomes of claims that are still this sender's, and gives their ids. Whose reader was erased meanwhile,
/// or whose campaign was cancelled, is not tried again.
async fn write(
    tx: &mut Tx,
    sender: i64,
    settled: &[SettledRow],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<i64>> {
    let rows = tx.rows();
    // Found by its id, one after the other: with `+` the index of claims is no alternative to SQLite.
    let sql = format!(
        "UPDATE delivery SET claimed_by = NULL, changed_at = $3, attempts = attempts - o.uncounted, \
           reply = CASE WHEN subscriber_id IS NULL THEN NULL ELSE o.reply END, \
           state = CASE WHEN o.state = 'deferred' AND (subscriber_id IS NULL OR o.cancelled) \
             THEN 'suppressed' ELSE o.state END, \
           due_at = CASE WHEN subscriber_id IS NULL OR o.cancelled THEN NULL ELSE o.due END \
         FROM (SELECT {} AS id, {} AS state, {} AS due, {} AS reply, {} AS uncounted, c.state = 'cancelled' AS cancelled \
           FROM {} JOIN campaign c ON c.id = {}) o \
         WHERE delivery.id = o.id AND +delivery.claimed_by = $2 RETURNING delivery.id",
        rows.integer("id"),
        rows.text("state"),
        rows.time("due"),
        rows.text("reply"),
        rows.integer("uncounted"),
        rows.all(),
        rows.integer("campaign"),
    );
    on!(tx, |conn| sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(Json(settled))
        .bind(sender)
        .bind(now)
        .fetch_all(conn)
        .await)
}
