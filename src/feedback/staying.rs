//! Staying: an implied consent runs out, and its reader is asked in time, once, whether digests shall go on coming. They
//! say so by a button of the preferences page, which makes the consent an express one.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::db::{Db, Tx, on};
use crate::letter::{self, Letter, Says};
use crate::subscriber::{self, Subscriber};

/// How long before its end.
pub const DAYS_BEFORE: i64 = 30;

/// So many readers are asked on one day, those first whose consent ends first; the others on the next.
const MOST_A_DAY: i64 = 20_000;

/// Between the letters of two of them, of which a day has room for all: what somebody waits for, such as a confirmation,
/// goes between.
const STEP: Duration = Duration::seconds(3);

/// Readers who are asked in one transaction: others wait for it.
const AT_A_TIME: usize = 200;

/// Asks whose consent ends soon; gives how many those were. Whoever asks at the same time asks others.
pub async fn ask(db: &Db, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let readers = ending(&mut db.read().await?, now).await?;
    let (mut asked, mut due) = (0, now);
    for some in readers.chunks(AT_A_TIME) {
        let mut tx = db.begin().await?;
        for reader in subscriber::of_ids(&mut tx, some).await? {
            if ask_one(&mut tx, &reader, due, now).await? {
                asked += 1;
                due += STEP;
            }
        }
        tx.commit().await?;
    }
    Ok(asked)
}

/// When this reader was asked, if they were.
pub async fn asked_at(tx: &mut Tx, reader: Uuid) -> sqlx::Result<Option<DateTime<Utc>>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT reminded_at FROM subscriber WHERE id = $1"
    )
    .bind(reader)
    .fetch_one(conn)
    .await)
}

async fn ask_one(
    tx: &mut Tx,
    reader: &Subscriber,
    due: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let Some(until) = reader.consent_until else {
        return Ok(false);
    };
    if !note(tx, reader.id, now).await? {
        return Ok(false);
    }
    let letter = Letter {
        at: due,
        language: reader.language,
        to: None,
        says: Says::ConsentEnds { until },
    };
    let number = Uuid::new_v5(&reader.id, until.to_rfc3339().as_bytes());
    letter::queue(tx, reader.id, number, &letter, due).await?;
    Ok(true)
}

/// Readers who get digests, by a consent that ends soon, and who have not been asked yet.
async fn ending(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<Vec<Uuid>> {
    on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT s.id FROM subscriber s WHERE s.consent_until > $1 AND s.consent_until <= $2 AND s.state = 'active' \
             AND s.reminded_at IS NULL \
             AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.address_hash = s.address_hash) \
             ORDER BY s.consent_until, s.id LIMIT $3",
        )
        .bind(now)
        .bind(now + Duration::days(DAYS_BEFORE))
        .bind(MOST_A_DAY)
        .fetch_all(conn)
        .await
    })
}

/// Notes that the reader is asked now; `false` when they were, or have said so meanwhile, or left.
async fn note(tx: &mut Tx, reader: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
    on!(tx, |conn| {
        sqlx::query(
            "UPDATE subscriber SET reminded_at = $2 \
             WHERE id = $1 AND reminded_at IS NULL AND consent_until IS NOT NULL AND state = 'active'",
        )
        .bind(reader)
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() == 1)
    })
}
