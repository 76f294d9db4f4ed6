//! What comes back from readers: asking, confirming, leaving, being forgotten. It changes only subscriptions,
//! suppressions and what waits.

pub mod acting;
pub mod held;
pub mod requests;
pub mod staying;
pub mod timeline;

use chrono::{DateTime, Duration, Months, Utc};
use uuid::Uuid;

use crate::db::{Tx, on, word};
use crate::deliver::queue;
use crate::letter::{self, Latest, Letter, Says};
use crate::outbox::{self, Event};
use crate::plan;
use crate::request;
use crate::returned::kept;
use crate::subscriber::{self, Subscriber};
use crate::subscription::{self, Act, Choice, State};
use crate::suppression::{self, Reason};

/// How long leaving can be undone by a link.
pub const UNDO_DAYS: i64 = 28;

word! {
    /// Why a reader left, where they tell.
    pub enum Why {
        TooMany = "too_many",
        NotMyTopics = "not_my_topics",
        MovedOn = "moved_on",
        NeverAsked = "never_asked",
        Other = "other",
    }
}

/// Ends a subscription, for what is queued too; `source` says by what way it came. `false` when it had ended before:
/// ending it twice, even at once, changes nothing.
pub async fn unsubscribe(
    tx: &mut Tx,
    reader: &Subscriber,
    source: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    if !subscription::end(tx, reader.id).await? {
        return Ok(false);
    }
    subscription::record(tx, &reader.address_hash, Act::Withdrawn, source, now).await?;
    if reader.state == State::Active {
        outbox::tell(tx, Event::Unsubscribed, &reader.address_hash, now).await?;
    }
    queue::suppress_waiting(tx, reader.id, "the reader unsubscribed", now).await?;
    Ok(true)
}

/// The same with a last letter, if it is to be sent, for somebody who was a reader until now; gives whether they were.
pub async fn leave(
    tx: &mut Tx,
    reader: &Subscriber,
    source: &str,
    with_goodbye: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let ended = unsubscribe(tx, reader, source, now).await?;
    let was_active = ended && reader.state == subscription::State::Active;
    if was_active && with_goodbye {
        goodbye(tx, reader, now).await?;
    }
    Ok(was_active)
}

/// Takes the subscription up again after the reader said so on a page of ours. `false` when it had not ended, or so long
/// ago that they are to sign up again.
pub async fn resubscribe(
    tx: &mut Tx,
    reader: &Subscriber,
    source: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    if !may_come_back(tx, reader, now).await? || !subscription::take_up(tx, reader.id).await? {
        return Ok(false);
    }
    subscription::record(tx, &reader.address_hash, Act::Granted, source, now).await?;
    outbox::tell(tx, Event::Subscribed, &reader.address_hash, now).await?;
    Ok(true)
}

/// Whether who left may still undo it by a link: later than this, somebody else may have the mail that it stood in.
pub async fn may_come_back(
    tx: &mut Tx,
    reader: &Subscriber,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let left_at = subscription::withdrawn_at(tx, &reader.address_hash).await?;
    Ok(left_at.is_some_and(|at| now - at <= Duration::days(UNDO_DAYS)))
}

/// Lets the digests rest for some months, also one that waits to be sent; they come again by themselves. `None` when
/// there is nothing to rest from.
pub async fn pause(
    tx: &mut Tx,
    reader: &Subscriber,
    months: u32,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let until = now.checked_add_months(Months::new(months));
    let Some(until) = until.filter(|_| reader.state == State::Active) else {
        return Ok(None);
    };
    subscription::pause(tx, reader.id, Some(until)).await?;
    let source = format!("paused for {months} months on the preferences page");
    subscription::record(tx, &reader.address_hash, Act::Changed, &source, now).await?;
    queue::suppress_waiting(tx, reader.id, "the reader pauses", now).await?;
    Ok(Some(until))
}

/// Forgets a reader: only a keyed hash stays, so that no import brings them back, and the record that they consented.
pub async fn erase(tx: &mut Tx, reader: &Subscriber, now: DateTime<Utc>) -> sqlx::Result<()> {
    subscriber::wait_for_plans(tx).await?;
    suppression::suppress(tx, &reader.address_hash, Reason::Erased, "", now).await?;
    forget(tx, reader, "erasure", now).await
}

/// The same for a reader who left long ago, whose implied consent ran out, or whose mailbox takes no mail: nothing more
/// comes, so nothing more is needed. Who left, or is suppressed, no import brings back.
pub async fn let_go(tx: &mut Tx, reader: &Subscriber, now: DateTime<Utc>) -> sqlx::Result<()> {
    subscriber::wait_for_plans(tx).await?;
    if reader.state == State::Ended {
        suppression::suppress(tx, &reader.address_hash, Reason::Left, "", now).await?;
    }
    forget(tx, reader, "retention", now).await
}

async fn forget(
    tx: &mut Tx,
    reader: &Subscriber,
    source: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    queue::suppress_waiting(tx, reader.id, "the reader was erased", now).await?;
    forget_replies(tx, reader).await?;
    request::forget_reader(tx, reader.id).await?;
    kept::forget_writer(tx, &reader.address_hash).await?;
    subscription::record(tx, &reader.address_hash, Act::Erased, source, now).await?;
    subscriber::remove(tx, reader.id).await
}

/// A relay's words may quote the address, and a letter may hold one. What can still not be tried is not tried for somebody erased.
async fn forget_replies(tx: &mut Tx, reader: &Subscriber) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "UPDATE delivery SET reply = NULL, due_at = CASE WHEN claimed_by IS NULL THEN NULL ELSE due_at END, \
             content = CASE campaign_id WHEN $2 THEN '' ELSE content END \
             WHERE subscriber_id = $1 AND (claimed_by IS NULL OR campaign_id = $2)",
        )
        .bind(reader.id)
        .bind(letter::CAMPAIGN)
        .execute(conn)
        .await
        .map(drop)
    })
}

/// Says goodbye to a reader who left, with a way back.
pub async fn goodbye(tx: &mut Tx, reader: &Subscriber, now: DateTime<Utc>) -> sqlx::Result<()> {
    let letter = Letter {
        at: now,
        language: reader.language,
        to: None,
        says: Says::Goodbye,
    };
    let number = Uuid::new_v5(&reader.id, now.to_rfc3339().as_bytes());
    letter::queue(tx, reader.id, number, &letter, now).await
}

/// Sends a reader something to read on topics that they added: one such letter a day.
pub async fn send_to_begin_with(
    tx: &mut Tx,
    reader: &Subscriber,
    summaries: Vec<(i64, String, String)>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let letter = Letter {
        at: now,
        language: reader.language,
        to: None,
        says: Says::ToBeginWith { summaries },
    };
    let day = format!("to begin with {}", now.format("%Y-%m-%d"));
    let number = Uuid::new_v5(&reader.id, day.as_bytes());
    letter::queue(tx, reader.id, number, &letter, now).await
}

/// Welcomes a reader who confirmed, with what the newest issue has on their topics.
async fn welcome(tx: &mut Tx, reader: Uuid, request: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    let Some(reader) = subscriber::by_id(tx, reader).await? else {
        return Ok(());
    };
    let choice = Choice::new(reader.topics.0.clone(), reader.research_types.0.clone());
    let letter = Letter {
        at: now,
        language: reader.language,
        to: None,
        says: Says::Welcome {
            latest: latest(tx, &choice).await?,
        },
    };
    let number = Uuid::new_v5(&request, b"welcome");
    letter::queue(tx, reader.id, number, &letter, now).await
}

/// What the newest issue has for these choices; `None` when it has nothing, or there is none.
pub async fn latest(tx: &mut Tx, choice: &Choice) -> sqlx::Result<Option<Latest>> {
    let Some((month, content)) = plan::newest(tx).await? else {
        return Ok(None);
    };
    let items = content.matching(choice, content.this_month);
    let titles = items.map(|item| (item.summary_id, item.summary.title.clone()));
    let summaries: Vec<(i64, String)> = titles.collect();
    Ok((!summaries.is_empty()).then(|| Latest {
        month: month.to_string(),
        summaries,
    }))
}

/// What the owner of an address may take back by asking for mail again. Who complained, or was left out by the operator,
/// is asked nothing.
fn may_be_lifted(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::HardBounce | Reason::SoftBounces | Reason::Erased | Reason::Left
    )
}

/// Somebody with this address asked for mail and confirmed it.
async fn lift_own(tx: &mut Tx, address_hash: &[u8]) -> sqlx::Result<()> {
    match suppression::of(tx, address_hash).await? {
        Some(found) if may_be_lifted(found.reason) => suppression::lift(tx, address_hash).await,
        _ => Ok(()),
    }
}

/// Counts why somebody left, in that month and without who.
pub async fn note_reason(tx: &mut Tx, reason: Why, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "INSERT INTO leaving_reason (month, reason, readers) VALUES ($1, $2, 1) \
         ON CONFLICT (month, reason) DO UPDATE SET readers = leaving_reason.readers + 1"
    )
    .bind(now.format("%Y-%m").to_string())
    .bind(reason.as_str())
    .execute(conn)
    .await
    .map(drop))
}
