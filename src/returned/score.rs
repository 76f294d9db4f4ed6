//! The score of soft failures: each day with one counts one, halves with time, and all is forgotten once a delivery went
//! through.
//!
//! It is worked out from the rows each time, so that it does not matter in which order they came.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use uuid::Uuid;

use super::Did;
use crate::db::{Tx, on};
use crate::outbox::{self, Event};
use crate::subscriber;
use crate::suppression::{self, Reason};

/// When a reader's soft failures are too many.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// A score that suppresses; 0: none does.
    pub score: u32,
    /// After so long, a failure counts half.
    pub half_life: Duration,
}

/// After so long without a report, an accepted delivery went through: servers try for four to five days (RFC 5321
/// section 4.5.4.1).
const WENT_THROUGH: Duration = Duration::days(5);

/// How many rows are weighed in one transaction.
const AT_A_TIME: i64 = 100;

/// The reader's score at `now`.
pub async fn of(tx: &mut Tx, reader: Uuid, limit: Limit, now: DateTime<Utc>) -> sqlx::Result<f64> {
    let since = counts_since(tx, reader, now).await?;
    let failures: Vec<DateTime<Utc>> = on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT at FROM returned WHERE subscriber_id = $1 AND class = 'soft' AND at > $2 \
             AND did IN ('counted', 'to_weigh', 'suppressed')",
        )
        .bind(reader)
        .bind(since)
        .fetch_all(conn)
        .await
    })?;
    Ok(score(&failures, limit.half_life, now))
}

/// Suppresses the reader if their score has come to the limit; gives it in words if so.
pub async fn weigh(
    tx: &mut Tx,
    reader: Uuid,
    limit: Limit,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    let score = of(tx, reader, limit, now).await?;
    if limit.score == 0 || score < f64::from(limit.score) {
        return Ok(None);
    }
    let Some(hash) = subscriber::address_hash(tx, reader).await? else {
        return Ok(None);
    };
    suppression::suppress(tx, &hash, Reason::SoftBounces, "", now).await?;
    outbox::tell(tx, Event::Bounced, &hash, now).await?;
    Ok(Some(format!(
        "the score of soft failures is {score:.1}, and {} suppress",
        limit.score
    )))
}

/// Weighs what the relay's refusals have left to be weighed; gives how many there were, at most a hundred.
pub async fn weigh_all(tx: &mut Tx, limit: Limit, now: DateTime<Utc>) -> sqlx::Result<usize> {
    let open: Vec<(String, Option<Uuid>)> = on!(&mut *tx, |conn| {
        sqlx::query_as(
            "SELECT mark, subscriber_id FROM returned WHERE did = 'to_weigh' ORDER BY id LIMIT $1",
        )
        .bind(AT_A_TIME)
        .fetch_all(conn)
        .await
    })?;
    for (mark, reader) in &open {
        let too_much = match reader {
            Some(reader) => weigh(tx, *reader, limit, now).await?,
            None => None,
        };
        let (did, note) = match too_much {
            Some(note) => (Did::Suppressed, note),
            None => (Did::Counted, String::new()),
        };
        super::set_did(tx, mark, did, &note).await?;
    }
    Ok(open.len())
}

/// Since when failures count: after the last delivery that went through, and after the operator let the address have mail
/// again.
async fn counts_since(
    tx: &mut Tx,
    reader: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<DateTime<Utc>> {
    let (went_through, released): (Option<DateTime<Utc>>, Option<DateTime<Utc>>) = on!(
        tx,
        |conn| {
            sqlx::query_as(
                "SELECT (SELECT max(changed_at) FROM delivery WHERE subscriber_id = $1 AND state = 'accepted' \
                   AND changed_at < $2), \
                 (SELECT max(r.released_at) FROM released r JOIN subscriber s ON s.address_hash = r.address_hash \
                   WHERE s.id = $1)",
            )
            .bind(reader)
            .bind(now - WENT_THROUGH)
            .fetch_one(conn)
            .await
        }
    )?;
    let last = went_through.max(released);
    Ok(last.unwrap_or(DateTime::UNIX_EPOCH))
}

fn score(failures: &[DateTime<Utc>], half_life: Duration, now: DateTime<Utc>) -> f64 {
    let mut days: BTreeMap<NaiveDate, DateTime<Utc>> = BTreeMap::new();
    for at in failures {
        let latest = days.entry(at.date_naive()).or_insert(*at);
        *latest = (*latest).max(*at);
    }
    let half_life = half_life.as_seconds_f64().max(1.0);
    let worth = |at: &DateTime<Utc>| {
        let age = (now - *at).as_seconds_f64().max(0.0);
        0.5_f64.powf(age / half_life)
    };
    days.values().map(worth).fold(0.0, |sum, one| sum + one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_counts_once_and_half_after_its_half_life() {
        let now: DateTime<Utc> = "2026-03-03T14:00:00Z".parse().unwrap();
        let half = Duration::days(100);
        let ago = |days: i64| now - Duration::days(days);
        let rounded = |failures: &[DateTime<Utc>]| (score(failures, half, now) * 100.0).round();
        assert_eq!(rounded(&[]), 0.0);
        assert_eq!(rounded(&[now, now - Duration::hours(3)]), 100.0);
        assert_eq!(rounded(&[now, ago(100)]), 150.0);
        assert_eq!(rounded(&[ago(100), now]), 150.0, "in any order");
        assert_eq!(rounded(&[ago(200)]), 25.0);
    }
}
