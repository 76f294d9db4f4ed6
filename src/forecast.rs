//! Forecasts: what a month's plan would come to now. Counting a million readers takes seconds, so it is done in the
//! background and what came out is kept, with what it was made from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use ring::digest;
use tokio::sync::{Notify, Semaphore};

use crate::archive;
use crate::clock::Clock;
use crate::db::{Db, Tx, on};
use crate::issue::Month;
use crate::plan::{self, Plan, PlanError, Terms, When};

/// A plan as it would have been settled at a moment.
#[derive(Clone, Debug)]
pub struct Forecast {
    pub plan: Plan,
    pub made_at: DateTime<Utc>,
    pub took: Duration,
    origin: Origin,
}

/// What is known of a plan now.
#[derive(Clone, Debug)]
pub struct Look {
    /// What was counted last, if anything was.
    pub known: Option<Arc<Forecast>>,
    /// Whether nothing has changed since.
    pub is_current: bool,
    /// Since when it is being counted.
    pub counting_since: Option<DateTime<Utc>>,
    /// Why the last count came to nothing, where it did.
    pub failed: Option<Failed>,
}

/// Why a plan cannot be forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    NoIssue,
    /// The issue has no summaries.
    Empty,
    /// The database; its words are in the log.
    Database,
}

/// What it was made from: whoever comes, leaves or chooses anew has a line in the record of consents.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    content: Vec<u8>,
    last_consent: i64,
    suppressions: i64,
    last_campaign: i64,
}

/// Keeps forecasts of this process, and makes them one at a time. Cheap to share.
pub struct Forecasts {
    db: Db,
    terms: Terms,
    clock: Clock,
    kept: Mutex<HashMap<Wanted, Kept>>,
    one_at_a_time: Semaphore,
    done: Notify,
}

type Wanted = (Month, When);

#[derive(Default)]
struct Kept {
    known: Option<Arc<Forecast>>,
    counting_since: Option<DateTime<Utc>>,
    /// With what it was tried from: what failed for the issue's sake is not tried again before the issue changes.
    failed: Option<(Failed, Origin)>,
}

/// Pauses end and consents run out without a line in any record.
const CURRENT_FOR: TimeDelta = TimeDelta::hours(1);

/// More months and times than this are not asked for at once.
const MOST_KEPT: usize = 32;

impl Forecasts {
    pub fn new(db: Db, terms: Terms, clock: Clock) -> Arc<Forecasts> {
        Arc::new(Forecasts {
            db,
            terms,
            clock,
            kept: Mutex::default(),
            one_at_a_time: Semaphore::new(1),
            done: Notify::new(),
        })
    }

    /// What is known of a month's plan. Where that is not current, it is counted anew in the background; on a short list
    /// that is done within `patience`, which is all that a caller waits.
    pub async fn look(
        self: &Arc<Self>,
        month: Month,
        when: When,
        patience: Duration,
    ) -> sqlx::Result<Look> {
        let origin = self.origin(month).await?;
        let look = self.look_now(month, when, &origin);
        if look.is_current || (look.failed.is_some() && look.counting_since.is_none()) {
            return Ok(look);
        }
        self.count(month, when);
        let until = tokio::time::Instant::now() + patience;
        loop {
            let mut done = std::pin::pin!(self.done.notified());
            done.as_mut().enable();
            let look = self.look_now(month, when, &origin);
            if look.counting_since.is_none() || tokio::time::timeout_at(until, done).await.is_err()
            {
                return Ok(look);
            }
        }
    }

    /// Counts it anew in the background, unless that is being done.
    pub fn count(self: &Arc<Self>, month: Month, when: When) {
        let mut kept = self.kept();
        if kept.len() >= MOST_KEPT {
            kept.retain(|_, one| one.counting_since.is_some());
        }
        let one = kept.entry((month, when)).or_default();
        if one.counting_since.is_some() {
            return;
        }
        one.counting_since = Some((self.clock)());
        drop(kept);
        let counting = Arc::clone(self);
        tokio::spawn(async move { counting.make(month, when).await });
    }

    fn look_now(&self, month: Month, when: When, origin: &Origin) -> Look {
        let kept = self.kept();
        let nothing = Kept::default();
        let one = kept.get(&(month, when)).unwrap_or(&nothing);
        let now = (self.clock)();
        let is_current = one.known.as_ref().is_some_and(|known| {
            known.origin == *origin && now.signed_duration_since(known.made_at) < CURRENT_FOR
        });
        let failed = one.failed.as_ref();
        Look {
            known: one.known.clone(),
            is_current,
            counting_since: one.counting_since,
            failed: failed
                .filter(|(failed, from)| *failed == Failed::Database || from == origin)
                .map(|(failed, _)| *failed),
        }
    }

    async fn make(&self, month: Month, when: When) {
        let began = Instant::now();
        let now = (self.clock)();
        let made = self.made(month, when, now).await;
        let mut kept = self.kept();
        let one = kept.entry((month, when)).or_default();
        one.counting_since = None;
        match made {
            Ok((plan, origin)) => {
                one.failed = None;
                one.known = Some(Arc::new(Forecast {
                    plan,
                    made_at: now,
                    took: began.elapsed(),
                    origin,
                }));
            }
            Err((failed, origin)) => one.failed = Some((failed, origin)),
        }
        drop(kept);
        self.done.notify_waiters();
    }

    async fn made(
        &self,
        month: Month,
        when: When,
        now: DateTime<Utc>,
    ) -> Result<(Plan, Origin), (Failed, Origin)> {
        let nothing = Origin {
            content: Vec::new(),
            last_consent: 0,
            suppressions: 0,
            last_campaign: 0,
        };
        let _turn = self.one_at_a_time.acquire().await;
        // Read before: what changes meanwhile makes the forecast an old one, and never a wrong one.
        let origin = self.origin(month).await.map_err(|error| {
            tell(&error);
            (Failed::Database, nothing)
        })?;
        let settings = self.terms.settings(when, now);
        let planned = async {
            let apart = self.db.apart().await?;
            let mut tx = apart.read().await?;
            let plan = plan::forecast(&mut tx, month, &settings).await;
            drop(tx);
            apart.close().await;
            plan
        };
        match planned.await {
            Ok(plan) => Ok((plan, origin)),
            Err(PlanError::NoIssue(_)) => Err((Failed::NoIssue, origin)),
            Err(PlanError::Empty(_)) => Err((Failed::Empty, origin)),
            Err(error) => {
                tell(&error);
                Err((Failed::Database, origin))
            }
        }
    }

    async fn origin(&self, month: Month) -> sqlx::Result<Origin> {
        let mut tx = self.db.read().await?;
        let content = match archive::issue(&mut tx, month).await? {
            Some(issue) => {
                let content = plan::freeze(&mut tx, &issue).await?;
                let json =
                    serde_json::to_vec(&content).expect("content has only texts and numbers");
                digest::digest(&digest::SHA256, &json).as_ref().to_vec()
            }
            None => Vec::new(),
        };
        let (last_consent, suppressions, last_campaign) = counted(&mut tx).await?;
        Ok(Origin {
            content,
            last_consent,
            suppressions,
            last_campaign,
        })
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Wanted, Kept>> {
        self.kept
            .lock()
            .expect("nobody fails while they hold the forecasts")
    }
}

/// The last line of the record of consents, how many addresses are suppressed, and the last campaign.
async fn counted(tx: &mut Tx) -> sqlx::Result<(i64, i64, i64)> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT (SELECT COALESCE(max(id), 0) FROM consent), (SELECT count(*) FROM suppression), \
         (SELECT COALESCE(max(id), 0) FROM campaign)"
    )
    .fetch_one(conn)
    .await)
}

fn tell(error: &(dyn std::error::Error + 'static)) {
    tracing::error!(error, "what a plan would come to cannot be counted");
}
