//! Who did not get a campaign, and why; and another try for those who never had it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::campaign::{self, DeliveryState};
use crate::db::{Tx, on, row, word};
use crate::tally;

row! {
    /// Somebody who did not get it, or not yet.
    #[derive(Clone, Debug)]
    pub struct Missed {
        pub delivery_id: i64,
        /// `None` once the reader is erased.
        pub address: Option<String>,
        pub attempts: i64,
        /// When it is tried again.
        pub due_at: Option<DateTime<Utc>>,
        pub changed_at: DateTime<Utc>,
        /// A server's words, or ours; they may quote the address.
        pub words: Option<String>,
        /// Whom it is blamed on, where something came back.
        pub class: Option<String>,
        pub status: Option<String>,
    }
}

word! {
    /// Deliveries that can be tried again without anybody getting the digest twice whose server took it.
    pub enum Again {
        /// Refused by the relay for a reason that may have passed, or for our sake; never those that were taken first.
        Refused = "refused",
        /// Nobody can know whether the relay has it. The same message goes again: who has it sees it once, where their
        /// mail program goes by its Message-ID.
        Unknown = "unknown",
        /// Held back for an address that was suppressed then, and has been let go since.
        Lifted = "lifted",
    }
}

/// How many could be tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CanGoAgain {
    pub refused: i64,
    pub unknown: i64,
    pub lifted: i64,
}

impl CanGoAgain {
    pub fn of(&self, which: Again) -> i64 {
        match which {
            Again::Refused => self.refused,
            Again::Unknown => self.unknown,
            Again::Lifted => self.lifted,
        }
    }
}

/// The conditions of the small indexes over deliveries that did not arrive, and over those that are still tried: SQLite
/// takes such an index only where these very words stand.
pub(crate) const MISSED: &str = "state IN ('bounced', 'suppressed')";
pub(crate) const TRIED: &str = "state IN ('deferred', 'unknown')";

/// How many are looked at before it is counted no further.
const COUNTED_UP_TO: i64 = 10_000;

/// Up to `limit` of those in a state, the ones after delivery `after`.
pub async fn missed(
    tx: &mut Tx,
    campaign: i64,
    state: DeliveryState,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<Missed>> {
    // The index over those that are still tried does not know the campaign, nor the order.
    let of_campaign = match state {
        DeliveryState::Bounced | DeliveryState::Suppressed => {
            format!("d.{MISSED} AND d.campaign_id = $1 AND d.id > $2")
        }
        _ => format!("d.{TRIED} AND +d.campaign_id = $1 AND +d.id > $2"),
    };
    let sql = format!(
        "SELECT d.id AS delivery_id, s.address, d.attempts, d.due_at, d.changed_at, \
           COALESCE(r.words, d.reply) AS words, r.class, r.status \
         FROM (SELECT * FROM delivery d WHERE d.state = '{state}' AND {of_campaign} \
           ORDER BY d.id LIMIT $3) d LEFT JOIN subscriber s ON s.id = d.subscriber_id \
         LEFT JOIN returned r ON r.id = (SELECT max(b.id) FROM returned b \
           WHERE b.delivery_id = d.id AND b.class IS NOT NULL) ORDER BY d.id"
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(campaign)
        .bind(after)
        .bind(limit)
        .fetch_all(conn)
        .await)
}

/// How many could be tried again, each counted up to 10,000.
pub async fn can_go_again(
    tx: &mut Tx,
    campaign: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<CanGoAgain> {
    let mut can = CanGoAgain::default();
    for which in Again::ALL {
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 {} LIMIT $3) found",
            candidates(*which)
        );
        let count: i64 = on!(&mut *tx, |conn| sqlx::query_scalar(sqlx::AssertSqlSafe(
            sql
        ))
        .bind(campaign)
        .bind(now)
        .bind(COUNTED_UP_TO)
        .fetch_one(conn)
        .await)?;
        match which {
            Again::Refused => can.refused = count,
            Again::Unknown => can.unknown = count,
            Again::Lifted => can.lifted = count,
        }
    }
    Ok(can)
}

/// Puts them into the queue again: the same rows, and so the same messages. Gives how many; the second time there are
/// none left. A campaign that was cancelled stays so.
pub async fn go_again(
    tx: &mut Tx,
    campaign: i64,
    which: Again,
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    if campaign::state(tx, campaign).await? == campaign::State::Cancelled {
        return Ok(0);
    }
    let given_up = match which {
        Again::Refused => count_given_up(tx, campaign, now).await?,
        _ => 0,
    };
    // Its life counts anew from the next try.
    let sql = format!(
        "UPDATE delivery SET due_at = $2, first_tried_at = NULL, changed_at = $2, \
         state = CASE WHEN state = 'unknown' THEN state WHEN attempts = 0 THEN 'waiting' ELSE 'deferred' END \
         WHERE id IN (SELECT d.id {})",
        candidates(which)
    );
    let again = on!(&mut *tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(campaign)
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() as i64))?;
    if which == Again::Refused && again > 0 {
        tally::taken_up(tx, campaign, again, again - given_up, now).await?;
    }
    tx.wake_senders().await?;
    Ok(again)
}

/// Readers who may be written to.
const MAY: &str = "JOIN subscriber s ON s.id = d.subscriber_id AND s.state = 'active' \
       AND (s.paused_until IS NULL OR s.paused_until <= $2) AND (s.consent_until IS NULL OR s.consent_until > $2) \
     LEFT JOIN suppression x ON x.address_hash = s.address_hash";

/// What was given up at the end of its life, rather than refused for good.
const GIVEN_UP: &str = "d.reply LIKE 'given up%'";

fn candidates(which: Again) -> String {
    let which = match which {
        Again::Refused => format!(
            "d.{MISSED} AND d.state = 'bounced' AND d.campaign_id = $1 AND ({GIVEN_UP} OR EXISTS (SELECT 1 FROM returned r \
               WHERE r.delivery_id = d.id AND r.class IN ('soft', 'block'))) \
             AND NOT EXISTS (SELECT 1 FROM returned r WHERE r.delivery_id = d.id \
               AND (r.way <> 'relay' OR r.class = 'hard'))"
        ),
        Again::Unknown => format!(
            "d.{TRIED} AND d.state = 'unknown' AND d.due_at IS NULL AND d.claimed_by IS NULL AND +d.campaign_id = $1"
        ),
        Again::Lifted => format!(
            "d.{MISSED} AND d.state = 'suppressed' AND d.campaign_id = $1 AND EXISTS (SELECT 1 FROM released l \
             WHERE l.address_hash = s.address_hash AND l.released_at > d.changed_at)"
        ),
    };
    format!("FROM delivery d {MAY} WHERE {which} AND x.address_hash IS NULL")
}

async fn count_given_up(tx: &mut Tx, campaign: i64, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let sql = format!(
        "SELECT count(*) {} AND {GIVEN_UP}",
        candidates(Again::Refused)
    );
    on!(tx, |conn| sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(campaign)
        .bind(now)
        .fetch_one(conn)
        .await)
}
