//! Growth and loss of readers: the record of consents, counted by the hour; and how many readers there are, by the day.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use serde::Serialize;

use crate::db::{Db, Tx, on, row};

row! {
    /// Who came and who left within some time.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
    pub struct Moves {
        /// Consents given, by import, confirmation or coming back.
        pub granted: i64,
        /// Subscriptions that their readers ended.
        pub withdrawn: i64,
        /// Readers who asked to be forgotten, or were.
        pub erased: i64,
    }
}

row! {
    /// A month.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct MonthOfReaders {
        /// By UTC: `2026-03`.
        pub month: String,
        pub granted: i64,
        pub withdrawn: i64,
        pub erased: i64,
        /// How many readers there were when they were counted last in it.
        pub active: Option<i64>,
    }
}

/// Lines of the record that are counted in one transaction.
const LINES_AT_A_TIME: i64 = 50_000;

/// On PostgreSQL a line may be committed after one with a higher number: what is younger is not folded yet, but counted
/// by whoever asks.
const SETTLES: TimeDelta = TimeDelta::minutes(10);

/// So many lines at most are counted by whoever asks: an import adds a million.
const MOST_YOUNG: i64 = 20_000;

/// How often on a day readers are counted.
const COUNT_AGAIN: TimeDelta = TimeDelta::hours(1);

/// Who came and left from `since` on until `until`.
pub async fn moves(tx: &mut Tx, since: DateTime<Utc>, until: DateTime<Utc>) -> sqlx::Result<Moves> {
    let folded: Moves = on!(&mut *tx, |conn| {
        sqlx::query_as(
            "SELECT CAST(COALESCE(sum(granted), 0) AS BIGINT) AS granted, \
             CAST(COALESCE(sum(withdrawn), 0) AS BIGINT) AS withdrawn, \
             CAST(COALESCE(sum(erased), 0) AS BIGINT) AS erased FROM reader_hour WHERE hour >= $1 AND hour < $2",
        )
        .bind(hour_of(since))
        .bind(until)
        .fetch_one(conn)
        .await
    })?;
    let young: Moves = on!(tx, |conn| {
        sqlx::query_as(
            "SELECT count(*) FILTER (WHERE act = 'granted') AS granted, \
             count(*) FILTER (WHERE act = 'withdrawn') AS withdrawn, count(*) FILTER (WHERE act = 'erased') AS erased \
             FROM (SELECT act, recorded_at FROM consent WHERE id > (SELECT consent_id FROM reader_hour_end) \
               ORDER BY id LIMIT $3) young WHERE recorded_at >= $1 AND recorded_at < $2",
        )
        .bind(since)
        .bind(until)
        .bind(MOST_YOUNG)
        .fetch_one(conn)
        .await
    })?;
    Ok(Moves {
        granted: folded.granted + young.granted,
        withdrawn: folded.withdrawn + young.withdrawn,
        erased: folded.erased + young.erased,
    })
}

/// Month by month, the oldest first.
pub async fn months(tx: &mut Tx) -> sqlx::Result<Vec<MonthOfReaders>> {
    let month = match tx {
        Tx::Sqlite(_) => "substr(hour, 1, 7)",
        Tx::Postgres(_) => "to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM')",
    };
    let sql = format!(
        "SELECT m.month, m.granted, m.withdrawn, m.erased, (SELECT d.active FROM reader_day d \
           WHERE d.day >= m.month || '-01' AND d.day <= m.month || '-31' ORDER BY d.day DESC LIMIT 1) AS active \
         FROM (SELECT {month} AS month, CAST(sum(granted) AS BIGINT) AS granted, \
           CAST(sum(withdrawn) AS BIGINT) AS withdrawn, CAST(sum(erased) AS BIGINT) AS erased \
           FROM reader_hour GROUP BY 1) m ORDER BY m.month"
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)
}

/// How many readers there were when they were counted last, and on which day; with how many addresses are suppressed.
pub async fn newest_day(tx: &mut Tx) -> sqlx::Result<Option<(String, i64, i64)>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT day, active, suppressed FROM reader_day ORDER BY day DESC LIMIT 1"
    )
    .fetch_optional(conn)
    .await)
}

/// Counts the lines of the record that were added, portion by portion.
pub(super) async fn fold(db: &Db, now: DateTime<Utc>) -> sqlx::Result<()> {
    loop {
        let mut tx = db.read().await?;
        let (from, to) = next(&mut tx, now).await?;
        drop(tx);
        if to <= from {
            return Ok(());
        }
        let mut tx = db.begin().await?;
        // Whoever else counts has moved the end on by then.
        if advance(&mut tx, from, to).await? {
            add(&mut tx, from, to).await?;
        }
        tx.commit().await?;
    }
}

/// The next portion: the lines after the first number, up to the second.
async fn next(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<(i64, i64)> {
    let settled = match tx {
        Tx::Sqlite(_) => now + TimeDelta::days(1),
        Tx::Postgres(_) => now - SETTLES,
    };
    on!(tx, |conn| {
        sqlx::query_as(
            "WITH line AS (SELECT id, recorded_at FROM consent \
               WHERE id > (SELECT consent_id FROM reader_hour_end) ORDER BY id LIMIT $2) \
             SELECT (SELECT consent_id FROM reader_hour_end), \
               COALESCE((SELECT min(id) - 1 FROM line WHERE recorded_at > $1), (SELECT max(id) FROM line), 0)",
        )
        .bind(settled)
        .bind(LINES_AT_A_TIME)
        .fetch_one(conn)
        .await
    })
}

async fn advance(tx: &mut Tx, from: i64, to: i64) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query(
        "UPDATE reader_hour_end SET consent_id = $2 WHERE consent_id = $1"
    )
    .bind(from)
    .bind(to)
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1))
}

async fn add(tx: &mut Tx, from: i64, to: i64) -> sqlx::Result<()> {
    let hour = match tx {
        Tx::Sqlite(_) => "substr(recorded_at, 1, 13) || ':00:00+00:00'",
        Tx::Postgres(_) => "date_trunc('hour', recorded_at, 'UTC')",
    };
    let sql = format!(
        "INSERT INTO reader_hour (hour, granted, withdrawn, erased) \
         SELECT {hour}, count(*) FILTER (WHERE act = 'granted'), count(*) FILTER (WHERE act = 'withdrawn'), \
           count(*) FILTER (WHERE act = 'erased') FROM consent WHERE id > $1 AND id <= $2 GROUP BY 1 \
         ON CONFLICT (hour) DO UPDATE SET granted = reader_hour.granted + excluded.granted, \
           withdrawn = reader_hour.withdrawn + excluded.withdrawn, erased = reader_hour.erased + excluded.erased"
    );
    on!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(from)
        .bind(to)
        .execute(conn)
        .await
        .map(drop))
}

/// Counts readers once in an hour.
pub(super) async fn count_day(db: &Db, now: DateTime<Utc>) -> sqlx::Result<()> {
    let mut tx = db.read().await?;
    let day = now.format("%Y-%m-%d").to_string();
    if is_counted(&mut tx, now).await? {
        return Ok(());
    }
    let (active, suppressed): (i64, i64) = on!(&mut tx, |conn| {
        sqlx::query_as(
        "SELECT (SELECT count(*) FROM subscriber WHERE state = 'active'), (SELECT count(*) FROM suppression)"
    )
    .fetch_one(conn)
    .await
    })?;
    drop(tx);
    let mut tx = db.begin().await?;
    on!(&mut tx, |conn| {
        sqlx::query(
            "INSERT INTO reader_day (day, active, suppressed, counted_at) VALUES ($1, $2, $3, $4) ON CONFLICT (day) \
             DO UPDATE SET active = excluded.active, suppressed = excluded.suppressed, counted_at = excluded.counted_at",
        )
        .bind(day)
        .bind(active)
        .bind(suppressed)
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
    })?;
    tx.commit().await
}

async fn is_counted(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let last: Option<DateTime<Utc>> = on!(tx, |conn| sqlx::query_scalar(
        "SELECT counted_at FROM reader_day ORDER BY day DESC LIMIT 1"
    )
    .fetch_optional(conn)
    .await)?;
    Ok(last.is_some_and(|at| now - at < COUNT_AGAIN && at <= now))
}

fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    let hour = at.with_minute(0).and_then(|at| at.with_second(0));
    hour.and_then(|at| at.with_nanosecond(0)).unwrap_or(at)
}
