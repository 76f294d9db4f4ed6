//! Orders: what somebody at the desk wants to be sent. An order is a row before it is a campaign, so that a button that is
//! pressed again, or by two people at once, sends once.

use chrono::{DateTime, Duration, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use crate::audit::Deed;
use crate::campaign;
use crate::config::Config;
use crate::db::{Tx, on, row, word};
use crate::issue::Month;
use crate::plan::When;

word! {
    /// Where an order stands.
    pub enum State {
        /// It waits for a second person.
        Asked = "asked",
        /// It is to be settled.
        Placed = "placed",
        /// It has its campaign.
        Settled = "settled",
        /// Its campaign is to be undone: it stands still, and nothing of it went out.
        Recalled = "recalled",
        /// Undone, or never begun; the issue can be sent again.
        Withdrawn = "withdrawn",
        /// Nothing was sent; `because` says why.
        Refused = "refused",
    }
}

word! {
    /// Why an order came to nothing.
    pub enum Because {
        /// Somebody came, left or chose anew, or the issue was edited, after the plan was looked at.
        PlanChanged = "plan_changed",
        /// The issue had a campaign by then.
        SentAlready = "sent_already",
        /// There is no such issue any more, or nothing in it.
        NoIssue = "no_issue",
        /// The service was not fit to send.
        Failed = "failed",
    }
}

row! {
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Order {
        pub id: Uuid,
        pub month: String,
        /// The plan that was looked at.
        pub fingerprint: String,
        pub recipients: i64,
        pub due: Json<When>,
        pub state: State,
        pub asked_by: Uuid,
        pub asked_name: String,
        pub asked_at: DateTime<Utc>,
        /// Who agreed to it, where a second person has to.
        pub agreed_name: Option<String>,
        pub placed_at: Option<DateTime<Utc>>,
        pub campaign_id: Option<i64>,
        pub because: Option<Because>,
    }
}

impl Order {
    /// What the record says of its being asked for.
    pub fn deed(&self) -> Deed {
        match self.state {
            State::Asked => Deed::SendAsked,
            _ => Deed::SendOrdered,
        }
    }
}

/// An order to be.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// The key of the form: the same key, the same order.
    pub id: Uuid,
    pub month: Month,
    pub fingerprint: &'a str,
    pub recipients: i64,
    pub when: When,
    /// The account that asks, and its name.
    pub by: Uuid,
    pub name: &'a str,
}

/// What the operator allows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// Whether somebody else has to agree.
    pub second_person: bool,
    /// How many readers may be sent to by orders of one day; 0: any number.
    pub most_per_day: i64,
}

impl Rules {
    pub fn of(config: &Config) -> Rules {
        Rules {
            second_person: config.desk.second_person,
            most_per_day: config.desk.most_per_day,
        }
    }
}

/// What asking came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is a new order.
    New(Order),
    /// It was there before, or another one of this month: nothing changed.
    Known(Order),
    /// The issue has a campaign that no order made.
    Sent,
    /// So many readers were sent to within a day, and these would be too many.
    TooMany(i64),
}

/// What agreeing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreed {
    Yes,
    /// Whoever asked cannot agree to it themselves.
    Own,
    /// It waits for nobody.
    Over,
    /// So many readers were sent to within a day, and these would be too many.
    TooMany(i64),
}

/// The day of `most_per_day`.
const DAY: Duration = Duration::hours(24);

const COLUMNS: &str = "SELECT id, month, fingerprint, recipients, due, state, asked_by, asked_name, asked_at, agreed_name, \
     placed_at, campaign_id, because FROM send_order";

/// Writes an order down, unless there is one of that month; whoever asks again gets the same answer.
pub async fn ask(
    tx: &mut Tx,
    new: &New<'_>,
    rules: &Rules,
    now: DateTime<Utc>,
) -> sqlx::Result<Asked> {
    wait_in_line(tx).await?;
    if let Some(known) = known(tx, new).await? {
        return Ok(Asked::Known(known));
    }
    if campaign::of_month(tx, new.month).await?.is_some() {
        return Ok(Asked::Sent);
    }
    if let Some(already) = too_many(tx, new.recipients, rules, now).await? {
        return Ok(Asked::TooMany(already));
    }
    insert(tx, new, rules, now).await?;
    let order = by_id(tx, new.id).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok(Asked::New(order))
}

/// Agrees to an order, to the plan with this fingerprint.
pub async fn agree(
    tx: &mut Tx,
    id: Uuid,
    by: (Uuid, &str),
    plan: (&str, i64),
    rules: &Rules,
    now: DateTime<Utc>,
) -> sqlx::Result<Agreed> {
    wait_in_line(tx).await?;
    let order = by_id(tx, id).await?;
    let Some(order) = order.filter(|order| order.state == State::Asked) else {
        return Ok(Agreed::Over);
    };
    if order.asked_by == by.0 {
        return Ok(Agreed::Own);
    }
    // The order's own number counts already.
    if let Some(already) = too_many(tx, plan.1 - order.recipients, rules, now).await? {
        return Ok(Agreed::TooMany(already));
    }
    on!(tx, |conn| {
        sqlx::query(
            "UPDATE send_order SET state = 'placed', agreed_name = $2, fingerprint = $3, recipients = $4, placed_at = $5 \
             WHERE id = $1",
        )
        .bind(id)
        .bind(by.1)
        .bind(plan.0)
        .bind(plan.1)
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
    })?;
    Ok(Agreed::Yes)
}

/// Takes back an order that has no campaign yet; `false` when it is too late for that.
pub async fn withdraw(tx: &mut Tx, id: Uuid) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query(
        "UPDATE send_order SET state = 'withdrawn' WHERE id = $1 AND state IN ('asked', 'placed')"
    )
    .bind(id)
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1))
}

/// Calls a campaign back of which nothing went out: it stands still from this transaction on, and is undone afterwards.
/// `false` when it has begun.
pub async fn recall(tx: &mut Tx, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let Some(order) = by_id(tx, id).await? else {
        return Ok(false);
    };
    let Some(campaign) = order.campaign_id.filter(|_| order.state == State::Settled) else {
        return Ok(false);
    };
    let paused = on!(&mut *tx, |conn| {
        sqlx::query(
            "UPDATE campaign SET state = 'paused' WHERE id = $1 AND start_at > $2 AND state <> 'cancelled'",
        )
        .bind(campaign)
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() == 1)
    })?;
    if paused {
        move_on(tx, id, State::Settled, State::Recalled).await?;
    }
    Ok(paused)
}

/// The order of this key.
pub async fn by_id(tx: &mut Tx, id: Uuid) -> sqlx::Result<Option<Order>> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .fetch_optional(conn)
        .await)
}

/// The newest order of a month.
pub async fn of_month(tx: &mut Tx, month: Month) -> sqlx::Result<Option<Order>> {
    let sql = format!("{COLUMNS} WHERE month = $1 ORDER BY asked_at DESC, id LIMIT 1");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(month.to_string())
        .fetch_optional(conn)
        .await)
}

/// Orders that wait for a second person, the oldest first.
pub async fn asked(tx: &mut Tx) -> sqlx::Result<Vec<Order>> {
    in_state(tx, State::Asked).await
}

pub(super) async fn in_state(tx: &mut Tx, state: State) -> sqlx::Result<Vec<Order>> {
    let sql = format!("{COLUMNS} WHERE state = '{state}' ORDER BY asked_at, id");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)
}

/// `false` when it stands elsewhere by now.
pub(super) async fn move_on(tx: &mut Tx, id: Uuid, from: State, to: State) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query(
        "UPDATE send_order SET state = $3 WHERE id = $1 AND state = $2"
    )
    .bind(id)
    .bind(from.as_str())
    .bind(to.as_str())
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1))
}

/// Whether an order still has to be settled, and nobody else does: until the end of the transaction, others wait here.
pub(super) async fn is_mine_to_settle(tx: &mut Tx, id: Uuid) -> sqlx::Result<bool> {
    /// Any number, as long as nothing else in this database takes it: "plans" in ASCII.
    const SETTLING: i64 = 0x0070_6c61_6e73;
    lock(tx, SETTLING).await?;
    let order = by_id(tx, id).await?;
    Ok(order.is_some_and(|order| order.state == State::Placed))
}

pub(super) async fn settled(tx: &mut Tx, id: Uuid, campaign: i64) -> sqlx::Result<bool> {
    let moved = move_on(tx, id, State::Placed, State::Settled).await?;
    on!(tx, |conn| sqlx::query(
        "UPDATE send_order SET campaign_id = $2 WHERE id = $1 AND state = 'settled'"
    )
    .bind(id)
    .bind(campaign)
    .execute(conn)
    .await
    .map(drop))?;
    Ok(moved)
}

pub(super) async fn refuse(tx: &mut Tx, id: Uuid, because: Because) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE send_order SET state = 'refused', because = $2 WHERE id = $1 AND state = 'placed'"
    )
    .bind(id)
    .bind(because.as_str())
    .execute(conn)
    .await
    .map(drop))
}

/// The order of the same key, or an open one of the same month.
async fn known(tx: &mut Tx, new: &New<'_>) -> sqlx::Result<Option<Order>> {
    if let Some(same) = by_id(tx, new.id).await? {
        return Ok(Some(same));
    }
    let sql = format!(
        "{COLUMNS} WHERE month = $1 AND state IN ('asked', 'placed', 'settled', 'recalled')"
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(new.month.to_string())
        .fetch_optional(conn)
        .await)
}

/// How many readers were sent to within a day, if `more` are too many with them.
async fn too_many(
    tx: &mut Tx,
    more: i64,
    rules: &Rules,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<i64>> {
    if rules.most_per_day == 0 {
        return Ok(None);
    }
    let already: i64 = on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT CAST(COALESCE(sum(recipients), 0) AS BIGINT) FROM send_order \
             WHERE asked_at > $1 AND state IN ('asked', 'placed', 'settled')",
        )
        .bind(now - DAY)
        .fetch_one(conn)
        .await
    })?;
    Ok((already + more > rules.most_per_day).then_some(already))
}

async fn insert(tx: &mut Tx, new: &New<'_>, rules: &Rules, now: DateTime<Utc>) -> sqlx::Result<()> {
    let state = match rules.second_person {
        true => State::Asked,
        false => State::Placed,
    };
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO send_order (id, month, fingerprint, recipients, due, state, asked_by, asked_name, asked_at, \
             placed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(new.id)
        .bind(new.month.to_string())
        .bind(new.fingerprint)
        .bind(new.recipients)
        .bind(Json(new.when))
        .bind(state.as_str())
        .bind(new.by)
        .bind(new.name)
        .bind(now)
        .bind((state == State::Placed).then_some(now))
        .execute(conn)
        .await
        .map(drop)
    })
}

/// Whoever orders comes in turn, and sees what those before did.
async fn wait_in_line(tx: &mut Tx) -> sqlx::Result<()> {
    /// Any number, as long as nothing else in this database takes it: "send" in ASCII.
    const ORDERS: i64 = 0x7365_6e64;
    lock(tx, ORDERS).await
}

/// Waits for the lock of this number, until the end of the transaction. On SQLite every writer waits anyway.
async fn lock(tx: &mut Tx, number: i64) -> sqlx::Result<()> {
    match tx {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(tx) => sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(number)
            .execute(&mut **tx)
            .await
            .map(drop),
    }
}
