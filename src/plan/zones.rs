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

/// Notes in `plan_zone` when each zone's readers get theirs, and gives the campaign's start: the first of these times,
/// or `settings.start_at` where that is later or no such time is asked for. With it, how many zones are past theirs.
pub(super) async fn settle(
    tx: &mut Tx,
    settings: &Settings,
) -> sqlx::Result<(DateTime<Utc>, usize)> {
    let not_before = settings.start_at;
    let Some(time) = settings.readers_time else {
        return Ok((not_before, 0));
    };
    let moments = moments(tx, time).await?;
    let past = moments.iter().filter(|(_, at)| *at < not_before).count();
    let start = moments.iter().map(|(_, at)| (*at).max(not_before)).min();
    let rows: Vec<_> = moments
        .iter()
        .map(|(zone, at)| serde_json::json!({"zone": zone, "at": db::time((*at).max(not_before))}))
        .collect();
    keep(tx, &rows).await?;
    Ok((start.unwrap_or(not_before), past))
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
