//! How far a campaign is, from small indexes and the tally alone: it may be asked each second.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::missed::{MISSED, TRIED};
use super::status::{Stands, stands};
use crate::campaign::{self, Campaign, State};
use crate::db::{Tx, on};
use crate::deliver::queue;
use crate::tally;

/// How far a campaign is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    pub state: Stands,
    pub planned: i64,
    pub accepted: i64,
    pub bounced: i64,
    /// Refused for now and tried again; counted up to `COUNTED_UP_TO`, like the next two.
    pub deferred: i64,
    /// Nobody can know whether the relay has it.
    pub unknown: i64,
    pub suppressed: i64,
    pub in_flight: i64,
    /// Those that have not come to their end.
    pub left: i64,
    /// On average from the first to the last.
    pub per_second: Option<f64>,
    /// When the next is due.
    pub next_due: Option<DateTime<Utc>>,
}

/// What is rare is counted no further.
pub const COUNTED_UP_TO: i64 = 20_000;

/// How far a campaign is now.
pub async fn progress(tx: &mut Tx, campaign: &Campaign) -> sqlx::Result<Progress> {
    let totals = tally::totals(tx, campaign.id).await?;
    let next_due = queue::next_due(tx, campaign.id).await?;
    let planned = campaign::planned(tx, campaign.id).await?;
    let [deferred, unknown, held, suppressed, in_flight] = rare(tx, campaign.id).await?;
    let left = planned - totals.accepted - totals.bounced - suppressed - held;
    Ok(Progress {
        state: stands(campaign, next_due, in_flight),
        planned,
        accepted: totals.accepted,
        bounced: totals.bounced,
        deferred,
        unknown,
        suppressed,
        in_flight,
        left: if next_due.is_none() && in_flight == 0 {
            0
        } else {
            left.max(0)
        },
        per_second: totals.per_second(),
        next_due,
    })
}

/// A campaign in a list.
#[derive(Clone, Debug)]
pub struct Brief {
    pub campaign: Campaign,
    pub state: Stands,
    pub planned: i64,
    pub accepted: i64,
    pub bounced: i64,
    pub left: i64,
}

/// Every campaign, the newest issue first. Only those that still go out are looked at one by one.
pub async fn overview(tx: &mut Tx) -> sqlx::Result<Vec<Brief>> {
    let counts: Vec<(i64, i64, i64, i64, bool)> = on!(&mut *tx, |conn| {
        sqlx::query_as(
            "SELECT c.id, c.planned, CAST(COALESCE(t.accepted, 0) AS BIGINT), CAST(COALESCE(t.bounced, 0) AS BIGINT), \
               EXISTS (SELECT 1 FROM delivery d WHERE d.campaign_id = c.id AND d.due_at IS NOT NULL) \
               OR EXISTS (SELECT 1 FROM delivery d WHERE d.claimed_by IS NOT NULL AND +d.campaign_id = c.id) \
             FROM campaign c LEFT JOIN (SELECT campaign_id, sum(accepted) AS accepted, sum(bounced) AS bounced \
               FROM tally GROUP BY campaign_id) t ON t.campaign_id = c.id",
        )
        .fetch_all(conn)
        .await
    })?;
    let mut briefs = Vec::new();
    for campaign in campaign::list(tx).await? {
        let Some((_, planned, accepted, bounced, is_open)) =
            counts.iter().find(|(id, ..)| *id == campaign.id)
        else {
            continue;
        };
        let (state, left) = match *is_open || campaign.state == State::Paused {
            true => {
                let far = progress(tx, &campaign).await?;
                (far.state, far.left)
            }
            false => (stands(&campaign, None, 0), 0),
        };
        briefs.push(Brief {
            campaign,
            state,
            planned: *planned,
            accepted: *accepted,
            bounced: *bounced,
            left,
        });
    }
    Ok(briefs)
}

/// Deferred, unknown, unknown and not tried again, suppressed, and in flight.
async fn rare(tx: &mut Tx, campaign: i64) -> sqlx::Result<[i64; 5]> {
    // SQLite takes a small index only where the words of its own condition stand; the plus keeps it from going by the
    // campaign, which has a million rows, where that index does not know it.
    let sql = format!(
        "SELECT \
             (SELECT count(*) FROM (SELECT 1 FROM delivery WHERE {TRIED} AND state = 'deferred' AND +campaign_id = $1 LIMIT $2) a), \
             (SELECT count(*) FROM (SELECT 1 FROM delivery WHERE {TRIED} AND state = 'unknown' AND +campaign_id = $1 LIMIT $2) b), \
             (SELECT count(*) FROM (SELECT 1 FROM delivery WHERE {TRIED} AND state = 'unknown' AND due_at IS NULL \
               AND +campaign_id = $1 LIMIT $2) c), \
             (SELECT count(*) FROM (SELECT 1 FROM delivery WHERE {MISSED} AND state = 'suppressed' AND campaign_id = $1 LIMIT $2) d), \
             (SELECT count(*) FROM delivery WHERE claimed_by IS NOT NULL AND +campaign_id = $1)"
    );
    let counts: (i64, i64, i64, i64, i64) = on!(tx, |conn| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(campaign)
            .bind(COUNTED_UP_TO)
            .fetch_one(conn)
            .await
    })?;
    Ok(counts.into())
}
