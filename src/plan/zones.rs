//! The same time of day for every reader, on their own clocks.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use sqlx::types::Json;

use super::Settings;
use crate::db::{self, Tx, on};
use crate::schedule::instant;

/// A time that readers' own clocks show when they get their mail.
#[derive(Clone, Copy, Debug)]
pub struct ReadersTime {
    pub wall: NaiveDateTime,
    /// For readers who named no zone.
    pub fallback: Tz,
}

/// When that time comes to the first active reader; `None` without any.
pub async fn first(tx: &mut Tx, time: ReadersTime) -> sqlx::Result<Option<DateTime<Utc>>> {
    Ok(moments(tx, time).await?.into_iter().map(|(_, at)| at).min())
}

/// When readers of each zone get theirs.
pub(super) struct Starts {
    /// The campaign's start: the first of these times, or `settings.start_at` where that is later or no such time is
    /// asked for.
    pub(super) first: DateTime<Utc>,
    pub(super) last: DateTime<Utc>,
    /// How many zones are past theirs.
    pub(super) late: usize,
    zones: Vec<(String, DateTime<Utc>)>,
}

/// Works it out; changes nothing.
pub(super) async fn starts(tx: &mut Tx, settings: &Settings) -> sqlx::Result<Starts> {
    let not_before = settings.start_at;
    let mut zones = match settings.readers_time {
        Some(time) => moments(tx, time).await?,
        None => Vec::new(),
    };
    let late = zones.iter().filter(|(_, at)| *at < not_before).count();
    for (_, at) in &mut zones {
        *at = (*at).max(not_before);
    }
    let times = || zones.iter().map(|(_, at)| *at);
    Ok(Starts {
        first: times().min().unwrap_or(not_before),
        last: times().max().unwrap_or(not_before),
        late,
        zones,
    })
}

/// Notes it in `plan_zone`.
pub(super) async fn settle(tx: &mut Tx, settings: &Settings) -> sqlx::Result<Starts> {
    let starts = starts(tx, settings).await?;
    if settings.readers_time.is_some() {
        let row = |(zone, at): &(String, DateTime<Utc>)| serde_json::json!({"zone": zone, "at": db::time(*at)});
        let rows: Vec<_> = starts.zones.iter().map(row).collect();
        keep(tx, &rows).await?;
    }
    Ok(starts)
}

/// Forgets what `settle` noted.
pub(super) async fn forget(tx: &mut Tx) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query("DELETE FROM plan_zone")
        .execute(conn)
        .await
        .map(drop))
}

/// The zones of active readers, as they are kept, each with its moment.
async fn moments(tx: &mut Tx, time: ReadersTime) -> sqlx::Result<Vec<(String, DateTime<Utc>)>> {
    let zones: Vec<String> = on!(tx, |conn| sqlx::query_scalar(
        "SELECT DISTINCT time_zone FROM subscriber WHERE state = 'active'"
    )
    .fetch_all(conn)
    .await)?;
    let moment = |zone: String| {
        let at = instant(time.wall, zone.parse().unwrap_or(time.fallback));
        (zone, at)
    };
    Ok(zones.into_iter().map(moment).collect())
}

async fn keep(tx: &mut Tx, zones: &[serde_json::Value]) -> sqlx::Result<()> {
    forget(tx).await?;
    let rows = tx.rows();
    let sql = format!(
        "INSERT INTO plan_zone (time_zone, at) SELECT {}, {} FROM {}",
        rows.text("zone"),
        rows.time("at"),
        rows.all()
    );
    on!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(Json(zones))
        .execute(conn)
        .await
        .map(drop))
}
