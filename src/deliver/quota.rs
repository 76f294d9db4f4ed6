//! Quotas: how many mails may be offered in an hour and in a day, and the growing days of a new sender's warm-up.
//!
//! They hold for all senders of a database together. What was offered is counted in the transaction that claims. Letters
//! are counted too, but pass when it is used up.

use chrono::{DateTime, Duration, DurationRound, SubsecRound, TimeZone, Utc};

use crate::db::{Tx, on};

/// PostgreSQL's advisory lock under which one sender at a time looks at a quota and takes from it.
const LOCK: i64 = 0x0062_756c_6c65_7469;

/// The operator's limits; without any, nothing is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Mails in an hour by the clock, UTC.
    pub per_hour: Option<u64>,
    /// Mails in a day, UTC.
    pub per_day: Option<u64>,
    /// Mails on the first day on which anything is offered, on the second, and so on; afterwards it no longer holds.
    pub warm_up: Vec<u64>,
}

/// What may still be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub mails: usize,
    /// When there is more, once nothing is left.
    pub until: DateTime<Utc>,
}

impl Quota {
    pub fn is_none(&self) -> bool {
        *self == Quota::default()
    }

    /// What is left at `now`. `None` without limits.
    pub async fn left(&self, tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<Option<Allowance>> {
        if self.is_none() {
            return Ok(None);
        }
        take_turns(tx).await?;
        let (hour, day) = (start_of_hour(now), start_of_day(now));
        let of_hour = offered_since(tx, hour).await?;
        let of_day = offered_since(tx, day).await?;
        let days = days_before(tx, day).await?;
        let warm_up = self.warm_up.get(days).copied();
        let per_day = match (self.per_day, warm_up) {
            (Some(day), Some(warm)) => Some(day.min(warm)),
            (day, warm) => day.or(warm),
        };
        let next_day = day + Duration::days(1);
        let left = [
            (self.per_hour, of_hour, hour + Duration::hours(1)),
            (per_day, of_day, next_day),
        ]
        .into_iter()
        .filter_map(|(limit, offered, until)| {
            let mails = usize::try_from(limit?.saturating_sub(offered)).unwrap_or(usize::MAX);
            Some(Allowance { mails, until })
        });
        // Where both are used up, the later one decides.
        Ok(Some(
            left.min_by_key(|left| (left.mails, std::cmp::Reverse(left.until)))
                .unwrap_or(Allowance {
                    mails: usize::MAX,
                    until: next_day,
                }),
        ))
    }

    /// Counts what was claimed at `now`; below zero, what went back to the queue.
    pub async fn count(&self, tx: &mut Tx, now: DateTime<Utc>, mails: i64) -> sqlx::Result<()> {
        if self.is_none() || mails == 0 {
            return Ok(());
        }
        on!(tx, |conn| sqlx::query(
            "INSERT INTO offered (hour, mails) VALUES ($1, $2) \
             ON CONFLICT (hour) DO UPDATE SET mails = offered.mails + excluded.mails",
        )
        .bind(start_of_hour(now))
        .bind(mails)
        .execute(conn)
        .await
        .map(drop))
    }
}

/// On SQLite one writer at a time is the rule anyway.
async fn take_turns(tx: &mut Tx) -> sqlx::Result<()> {
    if let Tx::Postgres(tx) = tx {
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(LOCK)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

async fn offered_since(tx: &mut Tx, hour: DateTime<Utc>) -> sqlx::Result<u64> {
    let offered: i64 = on!(tx, |conn| sqlx::query_scalar(
        "SELECT CAST(COALESCE(sum(mails), 0) AS bigint) FROM offered WHERE hour >= $1"
    )
    .bind(hour)
    .fetch_one(conn)
    .await)?;
    Ok(offered.unsigned_abs())
}

/// On how many days before this one anything was offered.
async fn days_before(tx: &mut Tx, day: DateTime<Utc>) -> sqlx::Result<usize> {
    let hours: Vec<DateTime<Utc>> = on!(tx, |conn| sqlx::query_scalar(
        "SELECT hour FROM offered WHERE hour < $1 ORDER BY hour"
    )
    .bind(day)
    .fetch_all(conn)
    .await)?;
    let mut days: Vec<_> = hours.iter().map(DateTime::date_naive).collect();
    days.dedup();
    Ok(days.len())
}

fn start_of_hour(now: DateTime<Utc>) -> DateTime<Utc> {
    now.duration_trunc(Duration::hours(1))
        .unwrap_or(now.trunc_subsecs(0))
}

fn start_of_day(now: DateTime<Utc>) -> DateTime<Utc> {
    Utc.from_utc_datetime(&now.date_naive().and_time(chrono::NaiveTime::MIN))
}
