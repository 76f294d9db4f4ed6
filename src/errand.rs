//! Errands: one change of many readers, done in portions beside the pages. What is done is written down with each
//! portion, so that an errand goes on where it was, whichever process does it, and nothing is done twice.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::address_book;
use crate::clock::Clock;
use crate::db::{Db, Tx, on, row, word};
use crate::feedback;
use crate::readers::{self, AddressBook, Wanted};
use crate::subscriber::{self, Subscriber};
use crate::subscription::{self, Act, Choice, State as Subscription};

/// Readers in a portion: others wait for it.
const PORTION: usize = 200;

/// How often it is looked for errands of other processes, or of one that stopped.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(10);

/// How long an errand that came to its end is shown.
const KEEP_DAYS: i64 = 90;

/// What is done to each reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// They get this topic too; who gets every topic has it already.
    AddTopic(String),
    /// They get this topic no more. Who chose no other, or gets every topic, is left as they are.
    RemoveTopic(String),
    Unsubscribe,
    Erase,
}

word! {
    /// Where an errand stands.
    pub enum State {
        Running = "running",
        Done = "done",
        /// Somebody called it off; what was done stays so.
        Stopped = "stopped",
    }
}

row! {
    /// An errand as the database has it.
    #[derive(Clone, Debug)]
    pub struct Errand {
        pub id: Uuid,
        pub change: Json<Change>,
        /// `None` once it came to its end.
        pub wanted: Option<Json<Wanted>>,
        pub state: State,
        pub began_at: DateTime<Utc>,
        pub ended_at: Option<DateTime<Utc>>,
        /// How many there were when it began.
        pub readers: i64,
        pub seen: i64,
        pub changed: i64,
        pub after_id: Option<Uuid>,
    }
}

/// Does errands: one task beside the pages.
#[derive(Clone)]
pub struct Errands {
    pub db: Db,
    pub book: Arc<AddressBook>,
    pub clock: Clock,
    /// Told when there is a new one.
    pub called: Arc<Notify>,
}

/// Writes an errand down, to be done for those who are meant now or when their turn comes.
pub async fn begin(
    tx: &mut Tx,
    id: Uuid,
    change: &Change,
    wanted: &Wanted,
    readers: usize,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "INSERT INTO errand (id, change, wanted, state, began_at, readers, seen, changed) \
         VALUES ($1, $2, $3, 'running', $4, $5, 0, 0)"
    )
    .bind(id)
    .bind(Json(change))
    .bind(Json(wanted))
    .bind(now)
    .bind(readers as i64)
    .execute(conn)
    .await
    .map(drop))
}

const COLUMNS: &str = "SELECT id, change, wanted, state, began_at, ended_at, readers, seen, changed, after_id FROM errand";

/// The errand of an id.
pub async fn by_id(tx: &mut Tx, id: Uuid) -> sqlx::Result<Option<Errand>> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .fetch_optional(conn)
        .await)
}

/// Those that are being done.
pub async fn running(tx: &mut Tx) -> sqlx::Result<Vec<Errand>> {
    let sql = format!("{COLUMNS} WHERE state = 'running' ORDER BY began_at");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)
}

/// Calls an errand off; `false` when it was not being done. What was done stays so.
pub async fn stop(tx: &mut Tx, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
    end(tx, id, State::Stopped, now).await
}

impl Errands {
    /// Does them as they come, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let worked = self.portion().await;
            match worked {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "errands wait, for the database fails"
                ),
            }
            tokio::select! {
                () = self.called.notified() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Does one portion of the oldest errand that nobody else is at; `false` when there is none.
    pub async fn portion(&self) -> sqlx::Result<bool> {
        let now = (self.clock)();
        let mut tx = self.db.begin().await?;
        let Some(errand) = next(&mut tx).await? else {
            forget_old(&mut tx, now).await?;
            tx.commit().await?;
            return Ok(false);
        };
        let wanted = errand.wanted.clone().unwrap_or_default().0;
        let place = (errand.after_id, PORTION);
        // Who is no reader any more when it comes to them is not looked for among the filter's.
        match readers::portion(&mut tx, &self.book, &wanted, place, now).await? {
            Some((ids, last)) => {
                let changed = change_all(&mut tx, &errand.change, &ids, now).await?;
                note(&mut tx, errand.id, ids.len(), changed, last).await?;
            }
            None => {
                end(&mut tx, errand.id, State::Done, now).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }
}

async fn change_all(
    tx: &mut Tx,
    change: &Change,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    if *change == Change::Erase {
        subscriber::wait_for_plans(tx).await?;
        address_book::hold(tx).await?;
    }
    let mut readers = subscriber::of_ids(tx, ids).await?;
    readers.sort_by_key(|reader| reader.id);
    let mut changed = 0;
    for reader in &readers {
        changed += i64::from(change.apply(tx, reader, now).await?);
    }
    Ok(changed)
}

impl Change {
    /// Whether it changed anything.
    async fn apply(
        &self,
        tx: &mut Tx,
        reader: &Subscriber,
        now: DateTime<Utc>,
    ) -> sqlx::Result<bool> {
        match self {
            Change::AddTopic(_) | Change::RemoveTopic(_) => self.choose(tx, reader, now).await,
            Change::Unsubscribe => {
                feedback::unsubscribe(tx, reader, "ended at the desk, with others", now).await
            }
            Change::Erase => feedback::erase(tx, reader, now).await.map(|()| true),
        }
    }

    async fn choose(
        &self,
        tx: &mut Tx,
        reader: &Subscriber,
        now: DateTime<Utc>,
    ) -> sqlx::Result<bool> {
        let topics = reader.topics.0.clone();
        let Some(topics) = self.topics(topics) else {
            return Ok(false);
        };
        if reader.state == Subscription::Ended {
            return Ok(false);
        }
        let choice = Choice::new(topics, reader.research_types.0.clone());
        subscription::choose(tx, reader.id, &choice).await?;
        let source = "topics changed at the desk, with others'";
        subscription::record(tx, &reader.address_hash, Act::Changed, source, now).await?;
        Ok(true)
    }

    /// What a choice of topics becomes; `None` where it stays. An empty one means all of them.
    fn topics(&self, mut topics: Vec<String>) -> Option<Vec<String>> {
        match self {
            Change::AddTopic(slug) if !topics.is_empty() && !topics.contains(slug) => {
                topics.push(slug.clone());
                Some(topics)
            }
            Change::RemoveTopic(slug) if topics.len() > 1 && topics.contains(slug) => {
                topics.retain(|topic| topic != slug);
                Some(topics)
            }
            _ => None,
        }
    }
}

/// The oldest that is being done; on PostgreSQL, by nobody else just now.
async fn next(tx: &mut Tx) -> sqlx::Result<Option<Errand>> {
    let sql = format!(
        "{COLUMNS} WHERE state = 'running' ORDER BY began_at LIMIT 1 {}",
        tx.on_postgres("FOR UPDATE SKIP LOCKED")
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_optional(conn)
        .await)
}

async fn note(tx: &mut Tx, id: Uuid, seen: usize, changed: i64, after: Uuid) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE errand SET seen = seen + $2, changed = changed + $3, after_id = $4 WHERE id = $1"
    )
    .bind(id)
    .bind(seen as i64)
    .bind(changed)
    .bind(after)
    .execute(conn)
    .await
    .map(drop))
}

async fn end(tx: &mut Tx, id: Uuid, state: State, now: DateTime<Utc>) -> sqlx::Result<bool> {
    on!(tx, |conn| {
        sqlx::query(
        "UPDATE errand SET state = $2, ended_at = $3, wanted = NULL WHERE id = $1 AND state = 'running'"
    )
    .bind(id)
    .bind(state.as_str())
    .bind(now)
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    })
}

async fn forget_old(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM errand WHERE ended_at < $1"
    )
    .bind(now - chrono::Duration::days(KEEP_DAYS))
    .execute(conn)
    .await
    .map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_change_of_topics_makes_nothing_of_something_or_all_of_it() {
        let list = |topics: &[&str]| topics.iter().map(|topic| (*topic).to_owned()).collect();
        let add = Change::AddTopic("b".to_owned());
        let remove = Change::RemoveTopic("b".to_owned());
        assert_eq!(add.topics(list(&["a"])), Some(list(&["a", "b"])));
        assert_eq!(add.topics(list(&["b"])), None);
        assert_eq!(add.topics(list(&[])), None);
        assert_eq!(remove.topics(list(&["a", "b"])), Some(list(&["a"])));
        for stays in [&["b"][..], &["a"], &[]] {
            assert_eq!(remove.topics(list(stays)), None);
        }
    }
}
