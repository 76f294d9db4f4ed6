//! Whose turn it is in a slot.

use chrono::{DateTime, Datelike, Duration, Utc};

use super::{Ahead, Terms};
use crate::db::{Tx, on};
use crate::issue::{Month, MonthError};
use crate::schedule::Slot;

/// What a slot comes to.
pub(super) enum Turn {
    Send(Candidate),
    Held(Candidate, String),
    Empty(String),
}

pub(super) struct Candidate {
    pub(super) id: i64,
    pub(super) month: Month,
    /// It has a campaign.
    settled: bool,
    /// An earlier slot held it.
    held: bool,
}

/// An issue that is older goes out by hand alone.
const OLDEST_MONTHS: i32 = 2;

/// The newest issue that is not for a month to come, and why it may not go out after all.
pub(super) async fn turn(
    tx: &mut Tx,
    slot: &Slot,
    terms: &Terms,
    now: DateTime<Utc>,
) -> sqlx::Result<Turn> {
    let of = month_of(slot);
    let Some(newest) = newest(tx, of).await? else {
        return Ok(Turn::Empty("no issue has been imported".to_owned()));
    };
    let month = newest.month;
    if newest.settled {
        let note = format!("{month} has its campaign, and there is nothing newer");
        return Ok(Turn::Empty(note));
    }
    if newest.held {
        let note = format!("{month} is held since an earlier slot, and there is nothing newer");
        return Ok(Turn::Empty(note));
    }
    let age = age(of, month);
    let late = now - slot.at;
    if age > OLDEST_MONTHS {
        let note = format!("it is {age} months old, and nothing newer is there");
        return Ok(Turn::Held(newest, note));
    }
    if late > terms.grace {
        let note = format!(
            "nothing ran then, and {} later is more than schedule.grace",
            in_words(late)
        );
        return Ok(Turn::Held(newest, note));
    }
    Ok(Turn::Send(newest))
}

/// What a slot to come would send.
pub(super) async fn ahead(tx: &mut Tx, slot: &Slot, taken: Option<Month>) -> sqlx::Result<Ahead> {
    let of = month_of(slot);
    Ok(match newest(tx, of).await? {
        Some(newest) if !newest.settled && !newest.held && taken != Some(newest.month) => {
            match age(of, newest.month) > OLDEST_MONTHS {
                true => Ahead::TooOld(newest.month),
                false => Ahead::Sends(newest.month),
            }
        }
        _ => Ahead::Awaits(of),
    })
}

fn month_of(slot: &Slot) -> Month {
    Month {
        year: slot.wall.year(),
        month: slot.wall.month(),
    }
}

/// By how many months one is older than the other.
fn age(of: Month, than: Month) -> i32 {
    (of.year - than.year) * 12 + of.month as i32 - than.month as i32
}

async fn newest(tx: &mut Tx, of: Month) -> sqlx::Result<Option<Candidate>> {
    let found: Option<(i64, String, bool, bool)> = on!(tx, |conn| {
        sqlx::query_as(
        "SELECT i.id, i.month, EXISTS (SELECT 1 FROM campaign c WHERE c.issue_id = i.id), \
         EXISTS (SELECT 1 FROM slot s WHERE s.issue_id = i.id AND s.state = 'held') \
         FROM issue i WHERE i.month <= $1 AND EXISTS (SELECT 1 FROM issue_summary l WHERE l.issue_id = i.id) \
         ORDER BY i.month DESC LIMIT 1",
    )
    .bind(of.to_string())
    .fetch_optional(conn)
    .await
    })?;
    let candidate = |(id, month, settled, held): (i64, String, bool, bool)| {
        let month = month
            .parse()
            .map_err(|error: MonthError| sqlx::Error::Decode(error.into()))?;
        Ok(Candidate {
            id,
            month,
            settled,
            held,
        })
    };
    found.map(candidate).transpose()
}

fn in_words(time: Duration) -> String {
    match (time.num_days(), time.num_hours(), time.num_minutes()) {
        (days @ 2.., ..) => format!("{days} days"),
        (_, hours @ 2.., _) => format!("{hours} hours"),
        (.., minutes) => format!("{minutes} minutes"),
    }
}
