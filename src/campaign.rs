//! Campaigns: one issue going out once, and the account of it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::Json;

use crate::config::OnUnknown;
use crate::content::Content;
use crate::db::{Tx, on, row, word};
use crate::issue::Month;

word! {
    /// Whether a campaign's deliveries may be claimed.
    pub enum State {
        Running = "running",
        Paused = "paused",
        /// For good: what waited is suppressed.
        Cancelled = "cancelled",
    }
}

word! {
    /// Where a delivery stands. ARCHITECTURE.md draws the moves between them.
    pub enum DeliveryState {
        /// Never offered yet, or handed back untried.
        Waiting = "waiting",
        /// Claimed by a sender that offers it to the relay.
        InFlight = "in_flight",
        /// The relay took responsibility for it.
        Accepted = "accepted",
        /// Refused for now; will be tried again.
        Deferred = "deferred",
        /// Refused for good, or for too long.
        Bounced = "bounced",
        /// Not offered, because the reader left or must not be written to, or the campaign was cancelled.
        Suppressed = "suppressed",
        /// The relay may or may not have it: the connection was lost after the message's end.
        Unknown = "unknown",
    }
}

row! {
    /// A campaign without its content.
    #[derive(Clone, Debug)]
    pub struct Campaign {
        pub id: i64,
        pub month: String,
        pub state: State,
        /// Why the service paused it by itself; `None` when a person did.
        pub paused_because: Option<String>,
        pub fingerprint: String,
        pub planned_at: DateTime<Utc>,
        /// No delivery is due before.
        pub start_at: DateTime<Utc>,
    }
}

/// What became of a campaign's deliveries. The seven states add up to `planned`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// As the plan froze it, not as counted now: so that a lost delivery shows.
    pub planned: i64,
    pub accepted: i64,
    pub waiting: i64,
    pub deferred: i64,
    pub in_flight: i64,
    pub bounced: i64,
    pub suppressed: i64,
    pub unknown: i64,
}

impl Account {
    /// The sum of the states; anything but `planned` would be a mistake of ours.
    pub fn sum(&self) -> i64 {
        self.accepted
            + self.waiting
            + self.deferred
            + self.in_flight
            + self.bounced
            + self.suppressed
            + self.unknown
    }
}

/// What is still to do, over all campaigns.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    pub waiting: i64,
    pub deferred: i64,
    pub unknown: i64,
    pub in_flight: i64,
    /// When that delivery of a running campaign was due which has been due longest, or is due first.
    pub oldest_due: Option<DateTime<Utc>>,
    pub campaigns: Vec<(State, i64)>,
}

const COLUMNS: &str = "SELECT c.id, i.month, c.state, c.paused_because, c.fingerprint, c.planned_at, c.start_at \
     FROM campaign c JOIN issue i ON i.id = c.issue_id";

/// The campaign of an issue, if it has been planned for good.
pub async fn of_month(tx: &mut Tx, month: Month) -> sqlx::Result<Option<Campaign>> {
    let sql = format!("{COLUMNS} WHERE i.month = $1");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(month.to_string())
        .fetch_optional(conn)
        .await)
}

/// Every campaign, the newest issue first.
pub async fn list(tx: &mut Tx) -> sqlx::Result<Vec<Campaign>> {
    let sql = format!("{COLUMNS} ORDER BY i.month DESC");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)
}

/// Keeps a new campaign and gives its id.
pub async fn add(
    tx: &mut Tx,
    issue_id: i64,
    content: &Content,
    on_unknown: OnUnknown,
    now: DateTime<Utc>,
    start_at: DateTime<Utc>,
) -> sqlx::Result<i64> {
    let id = on!(tx, |conn| {
        sqlx::query_scalar(
        "INSERT INTO campaign (issue_id, state, content, fingerprint, on_unknown, planned_at, start_at) \
         VALUES ($1, $2, $3, '', $4, $5, $6) RETURNING id",
    )
    .bind(issue_id)
    .bind(State::Running.as_str())
    .bind(Json(content))
    .bind(on_unknown.as_str())
    .bind(now)
    .bind(start_at)
    .fetch_one(conn)
    .await
    })?;
    for (position, item) in (1_i64..).zip(&content.items) {
        on!(tx, |conn| sqlx::query(
            "INSERT INTO campaign_summary (campaign_id, position, summary_id) VALUES ($1, $2, $3)",
        )
        .bind(id)
        .bind(position)
        .bind(item.summary_id)
        .execute(conn)
        .await
        .map(drop))?;
    }
    Ok(id)
}

/// Sets what its plan came to: the fingerprint, and how many deliveries there are.
pub async fn set_plan(tx: &mut Tx, id: i64, fingerprint: &str, planned: i64) -> sqlx::Result<()> {
    tx.wake_senders().await?;
    on!(tx, |conn| sqlx::query(
        "UPDATE campaign SET fingerprint = $2, planned = $3 WHERE id = $1"
    )
    .bind(id)
    .bind(fingerprint)
    .bind(planned)
    .execute(conn)
    .await
    .map(drop))
}

/// Nothing of it goes out before `at`, for planning takes its time and a campaign can be called back until then.
pub async fn not_before(tx: &mut Tx, id: i64, at: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE campaign SET start_at = $2 WHERE id = $1 AND start_at < $2"
    )
    .bind(id)
    .bind(at)
    .execute(conn)
    .await
    .map(drop))
}

/// The content as frozen, with the moment that every message of the campaign bears as its date.
pub async fn content(tx: &mut Tx, id: i64) -> sqlx::Result<(Json<Content>, DateTime<Utc>)> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT content, start_at FROM campaign WHERE id = $1"
    )
    .bind(id)
    .fetch_one(conn)
    .await)
}

/// The account of a campaign, or of all of them together: one statement, and so at one instant.
pub async fn account(tx: &mut Tx, id: Option<i64>) -> sqlx::Result<Account> {
    let counts: Vec<(String, i64)> = on!(tx, |conn| {
        sqlx::query_as(
            "SELECT 'planned', CAST(COALESCE(sum(planned), 0) AS BIGINT) FROM campaign WHERE $1 IS NULL OR id = $1 \
             UNION ALL \
             SELECT state, count(*) FROM delivery WHERE $1 IS NULL OR campaign_id = $1 GROUP BY state",
        )
        .bind(id)
        .fetch_all(conn)
        .await
    })?;
    let of = |what: &str| {
        let found = counts.iter().find(|(known, _)| known == what);
        found.map_or(0, |(_, count)| *count)
    };
    Ok(Account {
        planned: of("planned"),
        accepted: of(DeliveryState::Accepted.as_str()),
        waiting: of(DeliveryState::Waiting.as_str()),
        deferred: of(DeliveryState::Deferred.as_str()),
        in_flight: of(DeliveryState::InFlight.as_str()),
        bounced: of(DeliveryState::Bounced.as_str()),
        suppressed: of(DeliveryState::Suppressed.as_str()),
        unknown: of(DeliveryState::Unknown.as_str()),
    })
}

/// What is still to do. Read from small indexes alone, whatever was sent before.
pub async fn backlog(tx: &mut Tx) -> sqlx::Result<Backlog> {
    let counts: Vec<(String, i64, i64)> = on!(&mut *tx, |conn| {
        sqlx::query_as(
        "SELECT 'queued', count(*), count(*) FROM delivery WHERE due_at IS NOT NULL \
         UNION ALL SELECT 'in_flight', count(*), 0 FROM delivery WHERE claimed_by IS NOT NULL \
         UNION ALL SELECT state, count(*), count(due_at) FROM delivery WHERE state IN ('deferred', 'unknown') \
           GROUP BY state",
    )
    .fetch_all(conn)
    .await
    })?;
    let of = |what: &str| {
        let found = counts.iter().find(|(known, ..)| known == what);
        found.map_or((0, 0), |(_, all, due)| (*all, *due))
    };
    let ((deferred, deferred_due), (unknown, unknown_due)) = (of("deferred"), of("unknown"));
    Ok(Backlog {
        waiting: of("queued").1 - deferred_due - unknown_due,
        deferred,
        unknown,
        in_flight: of("in_flight").0,
        oldest_due: oldest_due(tx).await?,
        campaigns: by_state(tx).await?,
    })
}

async fn oldest_due(tx: &mut Tx) -> sqlx::Result<Option<DateTime<Utc>>> {
    let firsts: Vec<Option<DateTime<Utc>>> = on!(tx, |conn| {
        sqlx::query_scalar(
        "SELECT (SELECT d.due_at FROM delivery d WHERE d.campaign_id = c.id AND d.due_at IS NOT NULL \
           ORDER BY d.due_at LIMIT 1) FROM campaign c WHERE c.state = $1",
    )
    .bind(State::Running.as_str())
    .fetch_all(conn)
    .await
    })?;
    Ok(firsts.into_iter().flatten().min())
}

async fn by_state(tx: &mut Tx) -> sqlx::Result<Vec<(State, i64)>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT state, count(*) FROM campaign WHERE issue_id IS NOT NULL GROUP BY state"
    )
    .fetch_all(conn)
    .await)
}

/// How many deliveries its plan came to.
pub async fn planned(tx: &mut Tx, id: i64) -> sqlx::Result<i64> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT planned FROM campaign WHERE id = $1"
    )
    .bind(id)
    .fetch_one(conn)
    .await)
}

/// Whether its deliveries may be claimed.
pub async fn state(tx: &mut Tx, id: i64) -> sqlx::Result<State> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT state FROM campaign WHERE id = $1"
    )
    .bind(id)
    .fetch_one(conn)
    .await)
}

/// Pauses or resumes; `false` when the campaign is cancelled and stays so.
pub async fn set_state(tx: &mut Tx, id: i64, state: State) -> sqlx::Result<bool> {
    tx.wake_senders().await?;
    if state == State::Running {
        forgive(tx, id).await?;
    }
    on!(tx, |conn| sqlx::query(
        "UPDATE campaign SET state = $2 WHERE id = $1 AND state <> $3"
    )
    .bind(id)
    .bind(state.as_str())
    .bind(State::Cancelled.as_str())
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1))
}

/// Takes note of the storm that a person has seen, so that it does not pause the campaign again.
async fn forgive(tx: &mut Tx, id: i64) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "UPDATE campaign SET paused_because = NULL, \
             forgiven_ended = (SELECT COALESCE(sum(accepted + bounced), 0) FROM tally WHERE campaign_id = $1), \
             forgiven_refused = (SELECT COALESCE(sum(refused), 0) FROM tally WHERE campaign_id = $1) \
             WHERE id = $1 AND paused_because IS NOT NULL",
        )
        .bind(id)
        .execute(conn)
        .await
        .map(drop)
    })
}

/// Pauses a running campaign, and keeps why; `false` when it was not running.
pub async fn pause_because(tx: &mut Tx, id: i64, because: &str) -> sqlx::Result<bool> {
    on!(tx, |conn| {
        sqlx::query(
            "UPDATE campaign SET state = $2, paused_because = $3 WHERE id = $1 AND state = $4",
        )
        .bind(id)
        .bind(State::Paused.as_str())
        .bind(because)
        .bind(State::Running.as_str())
        .execute(conn)
        .await
        .map(|done| done.rows_affected() == 1)
    })
}

/// Cancels for good: whatever would still be offered is suppressed. What the relay has, it has.
pub async fn cancel(tx: &mut Tx, id: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
    set_state(tx, id, State::Cancelled).await?;
    on!(&mut *tx, |conn| sqlx::query(
        "UPDATE delivery SET due_at = NULL WHERE campaign_id = $1 AND state = 'unknown'",
    )
    .bind(id)
    .execute(conn)
    .await
    .map(drop))?;
    on!(tx, |conn| {
        sqlx::query(
        "UPDATE delivery SET state = $2, due_at = NULL, reply = 'the campaign was cancelled', changed_at = $3 \
         WHERE campaign_id = $1 AND due_at IS NOT NULL",
    )
    .bind(id)
    .bind(DeliveryState::Suppressed.as_str())
    .bind(now)
    .execute(conn)
    .await
    .map(drop)
    })
}
