//! Alarms: mistakes of ours that must not go on, and storms of refusals. Each pauses its campaign at once and says why.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::campaign::{self, State};
use crate::clock::Clock;
use crate::db::{Db, Tx, on, word};
use crate::metrics::Metrics;
use crate::tally;

/// How often campaigns that are being sent are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// A look at a long list takes its time: of all time, at most one part in so many.
const SHARE_OF_TIME: u32 = 50;

/// How long a campaign's first mails wait for the first look.
const FIRST_LOOK: Duration = Duration::from_millis(500);

/// The first so many ends of a campaign, of which more may be refusals than of all.
const FIRST_ENDS: i64 = 500;

/// How many refusals are no storm yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Per cent of the first 500 that have come to their end.
    pub of_first_percent: i64,
    /// Per cent of all, once there are more.
    pub of_all_percent: i64,
}

impl Default for Allowed {
    fn default() -> Allowed {
        Allowed {
            of_first_percent: 5,
            of_all_percent: 2,
        }
    }
}

word! {
    /// What kind of alarm it is, for metrics.
    pub enum Kind {
        Unbalanced = "unbalanced",
        MoreMailsThanReaders = "more_mails_than_readers",
        ReaderTwice = "reader_twice",
        AcceptedTwice = "accepted_twice",
        Storm = "storm_of_refusals",
    }
}

/// Why a campaign must not go on by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Alarm {
    #[error(
        "the account does not balance: {planned} deliveries were planned, and their states add up to {counted}"
    )]
    Unbalanced { planned: i64, counted: i64 },
    #[error("more mails than readers: {accepted} were accepted, and {planned} were planned")]
    MoreMailsThanReaders { planned: i64, accepted: i64 },
    #[error("the same reader twice: {readers} or more have several deliveries of this campaign")]
    ReaderTwice { readers: i64 },
    #[error(
        "{written} deliveries were written down as accepted and {standing} stand so: some were, or would be, sent twice"
    )]
    AcceptedTwice { written: i64, standing: i64 },
    #[error("a storm of refusals: {refused} of {ended} mails were refused for good")]
    Storm { refused: i64, ended: i64 },
}

/// A campaign that an alarm has paused.
#[derive(Clone, Debug)]
pub struct Raised {
    pub month: String,
    pub alarm: Alarm,
}

impl Alarm {
    pub fn kind(&self) -> Kind {
        match self {
            Alarm::Unbalanced { .. } => Kind::Unbalanced,
            Alarm::MoreMailsThanReaders { .. } => Kind::MoreMailsThanReaders,
            Alarm::ReaderTwice { .. } => Kind::ReaderTwice,
            Alarm::AcceptedTwice { .. } => Kind::AcceptedTwice,
            Alarm::Storm { .. } => Kind::Storm,
        }
    }

    /// What to do about it, in words.
    fn mend(&self, month: &str) -> String {
        match self {
            Alarm::Storm { .. } => format!(
                "`bulletin domain list` has the last words of each domain; look at them and at where the addresses come from, then `bulletin campaign resume {month}` \
                 goes on, or `cancel` ends it"
            ),
            _ => format!(
                "this is a mistake of the service, or somebody changed its tables: compare with a backup before \
                 `bulletin campaign resume {month}`, which stops again while it lasts"
            ),
        }
    }
}

impl Raised {
    /// Says it in the log and counts it, once what paused the campaign is committed.
    pub fn report(&self, metrics: &Metrics) {
        metrics.alarm(self.alarm.kind());
        tracing::error!(
            campaign = self.month,
            alarm = self.alarm.kind().as_str(),
            "the campaign is paused: {}",
            self.alarm
        );
    }
}

/// Pauses the campaign if its refusals are a storm: `None` then. Else how many more there may be before it is worth
/// while to look again.
pub async fn watch_for_storm(
    db: &Db,
    campaign: i64,
    allowed: Allowed,
    metrics: &Metrics,
) -> sqlx::Result<Option<i64>> {
    let since = since_forgiven(&mut db.read().await?, campaign).await?;
    let found = since.storm(allowed);
    let is_storm = found.is_some();
    act_on(db, campaign, found, metrics).await?;
    Ok((!is_storm).then(|| since.refusals_left(allowed)))
}

/// The same within a transaction that has just written a refusal down. What this gives is to be reported once it is
/// committed.
pub async fn pause_in_storm(
    tx: &mut Tx,
    campaign: i64,
    allowed: Allowed,
) -> sqlx::Result<Option<Raised>> {
    match since_forgiven(tx, campaign).await?.storm(allowed) {
        Some(alarm) => stop(tx, campaign, alarm).await,
        None => Ok(None),
    }
}

/// Looks for any mistake of ours in one campaign; changes nothing. Costs a pass over its deliveries and one over all
/// readers: about a second for a million.
pub async fn check(tx: &mut Tx, campaign: i64) -> sqlx::Result<Option<Alarm>> {
    if let Some(alarm) = check_account(tx, campaign).await? {
        return Ok(Some(alarm));
    }
    let readers = readers_twice(tx, campaign).await?;
    Ok((readers > 0).then_some(Alarm::ReaderTwice { readers }))
}

/// Looks for what may go wrong while mails go out: the account. Who gets one was settled before.
async fn check_account(tx: &mut Tx, campaign: i64) -> sqlx::Result<Option<Alarm>> {
    let (planned, counted, standing, written) = books(tx, campaign).await?;
    Ok(if counted != planned {
        Some(Alarm::Unbalanced { planned, counted })
    } else if written > planned {
        Some(Alarm::MoreMailsThanReaders {
            planned,
            accepted: written,
        })
    } else {
        (written != standing).then_some(Alarm::AcceptedTwice { written, standing })
    })
}

/// Pauses the campaign for this alarm; `None` when it was not running.
pub async fn stop(tx: &mut Tx, campaign: i64, alarm: Alarm) -> sqlx::Result<Option<Raised>> {
    let month = month(tx, campaign).await?;
    let because = format!("{alarm}; {}", alarm.mend(&month));
    let stopped = campaign::pause_because(tx, campaign, &because).await?;
    Ok(stopped.then_some(Raised { month, alarm }))
}

/// Looks at a campaign before its first mail, and pauses it on a finding. A long list is looked at beside its first
/// mails: they wait for half a second at most.
pub async fn first_look(db: &Db, campaign: i64, metrics: &Metrics) {
    let (db, metrics) = (db.clone(), metrics.clone());
    let looking = tokio::spawn(async move {
        let found = check(&mut db.read().await?, campaign).await?;
        act_on(&db, campaign, found, &metrics).await
    });
    if let Ok(Ok(Err(error))) = tokio::time::timeout(FIRST_LOOK, looking).await {
        warn(&error);
    }
}

/// Looks at the account of every running campaign that has work left, or had some since `since`.
pub async fn look(db: &Db, since: DateTime<Utc>, metrics: &Metrics) -> sqlx::Result<()> {
    let campaigns = being_sent(&mut db.read().await?, since).await?;
    for campaign in campaigns {
        let found = check_account(&mut db.read().await?, campaign).await?;
        act_on(db, campaign, found, metrics).await?;
    }
    Ok(())
}

/// Looks again and again until `stop`, and once more then. Beside a sender, in a task of its own.
pub async fn watch(db: Db, clock: Clock, metrics: Metrics, stop: CancellationToken) {
    let (mut since, mut pause) = (clock(), LOOK_AGAIN);
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
        let is_last = stop.is_cancelled();
        let (began, now) = (Instant::now(), clock());
        if let Err(error) = look(&db, since, &metrics).await {
            warn(&error);
        }
        if is_last {
            return;
        }
        since = now;
        pause = LOOK_AGAIN.max(began.elapsed() * SHARE_OF_TIME);
    }
}

async fn act_on(
    db: &Db,
    campaign: i64,
    found: Option<Alarm>,
    metrics: &Metrics,
) -> sqlx::Result<()> {
    let Some(alarm) = found else {
        return Ok(());
    };
    let mut tx = db.begin().await?;
    let raised = stop(&mut tx, campaign, alarm).await?;
    tx.commit().await?;
    if let Some(raised) = raised {
        raised.report(metrics);
    }
    Ok(())
}

fn warn(error: &sqlx::Error) {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "the accounts could not be looked at"
    );
}

/// How a campaign's mails ended since a person has let it go on, and what they had seen by then.
struct Since {
    ended: i64,
    refused: i64,
    seen_ended: i64,
    seen_refused: i64,
}

impl Since {
    /// Whether more of the campaign's mails are refused than may be.
    fn storm(&self, allowed: Allowed) -> Option<Alarm> {
        let Since { ended, refused, .. } = *self;
        let is_storm = !self.was_seen() && allowed.is_exceeded(ended, refused);
        is_storm.then_some(Alarm::Storm { refused, ended })
    }

    /// A person has seen that share and let it go on: this is another storm only when it is twice as bad.
    fn was_seen(&self) -> bool {
        self.seen_ended > 0 && self.refused * self.seen_ended <= 2 * self.seen_refused * self.ended
    }

    /// So many more, whatever else happens, are no storm.
    fn refusals_left(&self, allowed: Allowed) -> i64 {
        let least = allowed.of_all_percent.min(allowed.of_first_percent);
        let allowed = self.ended.max(FIRST_ENDS) * least / 100;
        let seen = (2 * self.seen_refused * self.ended)
            .checked_div(self.seen_ended)
            .unwrap_or(0);
        (allowed.max(seen) - self.refused).max(0)
    }
}

async fn since_forgiven(tx: &mut Tx, campaign: i64) -> sqlx::Result<Since> {
    let totals = tally::totals(tx, campaign).await?;
    let (seen_ended, seen_refused): (i64, i64) = on!(tx, |conn| sqlx::query_as(
        "SELECT forgiven_ended, forgiven_refused FROM campaign WHERE id = $1"
    )
    .bind(campaign)
    .fetch_one(conn)
    .await)?;
    Ok(Since {
        ended: totals.ended() - seen_ended,
        refused: totals.refused - seen_refused,
        seen_ended,
        seen_refused,
    })
}

impl Allowed {
    fn is_exceeded(self, ended: i64, refused: i64) -> bool {
        if ended <= FIRST_ENDS {
            refused * 100 > FIRST_ENDS * self.of_first_percent
        } else {
            refused * 100 > ended * self.of_all_percent
        }
    }
}

/// What must agree, read in one statement and so at one instant: how many deliveries were planned, how many stand in
/// one of the seven states, how many of these as accepted, and how many were written down as accepted.
async fn books(tx: &mut Tx, campaign: i64) -> sqlx::Result<(i64, i64, i64, i64)> {
    on!(tx, |conn| {
        sqlx::query_as(
        "SELECT c.planned, d.counted, d.standing, \
           (SELECT CAST(COALESCE(sum(t.accepted), 0) AS BIGINT) FROM tally t WHERE t.campaign_id = c.id) AS written \
         FROM campaign c, (SELECT count(*) FILTER (WHERE state = 'accepted') AS standing, \
           count(*) FILTER (WHERE state IN ('accepted', 'waiting', 'deferred', 'in_flight', 'bounced', 'suppressed', \
             'unknown')) AS counted FROM delivery WHERE campaign_id = $1) d WHERE c.id = $1",
    )
    .bind(campaign)
    .fetch_one(conn)
    .await
    })
}

/// Readers with two deliveries, or with two subscriptions that both have one. Indexes forbid either; so this looks along
/// those indexes, in their order, and joins only what it finds.
async fn readers_twice(tx: &mut Tx, campaign: i64) -> sqlx::Result<i64> {
    on!(tx, |conn| {
        sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM delivery WHERE campaign_id = $1 AND subscriber_id IS NOT NULL \
             GROUP BY subscriber_id, letter HAVING count(*) > 1 LIMIT 100) twice) \
           + (SELECT count(*) FROM (SELECT address_hash FROM subscriber GROUP BY address_hash \
             HAVING count(*) > 1 LIMIT 100) same \
             WHERE (SELECT count(*) FROM subscriber s JOIN delivery d ON d.subscriber_id = s.id \
               WHERE s.address_hash = same.address_hash AND d.campaign_id = $1) > 1)",
    )
    .bind(campaign)
    .fetch_one(conn)
    .await
    })
}

async fn being_sent(tx: &mut Tx, since: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    on!(tx, |conn| {
        sqlx::query_scalar(
        "SELECT c.id FROM campaign c WHERE c.state = $1 AND c.issue_id IS NOT NULL AND ( \
           EXISTS (SELECT 1 FROM delivery d WHERE d.campaign_id = c.id AND d.due_at IS NOT NULL) \
           OR EXISTS (SELECT 1 FROM delivery d WHERE d.campaign_id = c.id AND d.claimed_by IS NOT NULL) \
           OR EXISTS (SELECT 1 FROM tally t WHERE t.campaign_id = c.id AND t.last_at >= $2))",
    )
    .bind(State::Running.as_str())
    .bind(since)
    .fetch_all(conn)
    .await
    })
}

async fn month(tx: &mut Tx, campaign: i64) -> sqlx::Result<String> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT i.month FROM issue i JOIN campaign c ON c.issue_id = i.id WHERE c.id = $1"
    )
    .bind(campaign)
    .fetch_one(conn)
    .await)
}

#[cfg(test)]
mod tests {
    use super::Allowed;

    #[test]
    fn a_storm_is_26_of_the_first_500_and_later_more_than_one_in_50() {
        for (ended, refused, storm) in [
            (25, 25, false),
            (26, 26, true),
            (500, 25, false),
            (500, 26, true),
            (501, 10, false),
            (501, 11, true),
            (100_000, 2_000, false),
            (100_000, 2_001, true),
        ] {
            let is_storm = Allowed::default().is_exceeded(ended, refused);
            assert_eq!(is_storm, storm, "{refused} of {ended}");
        }
    }
}
