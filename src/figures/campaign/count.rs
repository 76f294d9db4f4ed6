//! When a campaign is counted, and what is kept of it.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use super::servers::{by_domain, said};
use super::topics::{asked, delivered};
use super::{Domain, Refusal, topics};
use crate::db::{Db, Tx, on};
use crate::figures::stamp;
use crate::sending::missed;

/// A campaign that is older stays as it was counted.
const COUNTED_FOR: TimeDelta = TimeDelta::days(60);

/// While a campaign goes out it is counted again and again, and takes one part in so many of the time.
const PART_OF_THE_TIME: i64 = 20;
const SOONEST: TimeDelta = TimeDelta::seconds(8);

/// Campaigns of which something has changed since they were counted.
pub(in crate::figures) async fn to_count(
    tx: &mut Tx,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<i64>> {
    type Row = (i64, Option<String>, Option<DateTime<Utc>>, Option<i64>);
    let rows: Vec<Row> = on!(&mut *tx, |conn| {
        sqlx::query_as(
            "SELECT c.id, f.mark, f.counted_at, f.took_ms FROM campaign c \
             LEFT JOIN campaign_figures f ON f.campaign_id = c.id \
             WHERE c.issue_id IS NOT NULL AND (f.campaign_id IS NULL OR c.start_at > $1) ORDER BY c.id DESC",
        )
        .bind(now - COUNTED_FOR)
        .fetch_all(conn)
        .await
    })?;
    let mut to_count = Vec::new();
    for (id, known, counted_at, took_ms) in rows {
        let rest = SOONEST.max(TimeDelta::milliseconds(
            took_ms.unwrap_or(0) * PART_OF_THE_TIME,
        ));
        let is_rested = counted_at.is_none_or(|at| now - at >= rest || now < at);
        if is_rested && known.as_deref() != Some(mark(tx, id, now).await?.as_str()) {
            to_count.push(id);
        }
    }
    Ok(to_count)
}

/// Counts one campaign and keeps what came out.
pub async fn count(db: &Db, campaign: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
    let began = Instant::now();
    let mut tx = db.read().await?;
    // Read before: what changes meanwhile is counted the next time.
    let mark = mark(&mut tx, campaign, now).await?;
    let (domains, ends) = by_domain(&mut tx, campaign).await?;
    let known: HashSet<&str> = domains.iter().map(|one| one.domain.as_str()).collect();
    let refusals = said(&mut tx, campaign, ends, &known).await?;
    let delivered = delivered(&mut tx, campaign).await?;
    let asked = match topics(&mut tx, campaign).await?.is_empty() {
        true => asked(&mut tx).await?,
        false => Vec::new(),
    };
    let again = missed::can_go_again(&mut tx, campaign, now).await?;
    drop(tx);
    let took_ms = began.elapsed().as_millis() as i64;
    let mut tx = db.begin().await?;
    on!(&mut tx, |conn| {
        sqlx::query(
            "INSERT INTO campaign_figures (campaign_id, mark, counted_at, took_ms, again_refused, again_unknown, \
             again_lifted) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (campaign_id) DO UPDATE SET mark = excluded.mark, counted_at = excluded.counted_at, \
             took_ms = excluded.took_ms, again_refused = excluded.again_refused, \
             again_unknown = excluded.again_unknown, again_lifted = excluded.again_lifted",
        )
        .bind(campaign)
        .bind(mark)
        .bind(now)
        .bind(took_ms)
        .bind(again.refused)
        .bind(again.unknown)
        .bind(again.lifted)
        .execute(conn)
        .await
        .map(drop)
    })?;
    keep_domains(&mut tx, campaign, &domains).await?;
    keep_refusals(&mut tx, campaign, &refusals).await?;
    keep_topics(&mut tx, campaign, &asked, &delivered).await?;
    tx.commit().await
}

/// Changes with whatever the figures are made from. What is being sent changes all the time.
async fn mark(tx: &mut Tx, campaign: i64, now: DateTime<Utc>) -> sqlx::Result<String> {
    let (state, accepted, bounced, refused, came_back, is_open): (
        String,
        i64,
        i64,
        i64,
        i64,
        bool,
    ) = on!(tx, |conn| {
        sqlx::query_as(
            "SELECT c.state, t.accepted, t.bounced, t.refused, (SELECT COALESCE(max(id), 0) FROM returned) + (SELECT COALESCE(max(id), 0) FROM released), \
               EXISTS (SELECT 1 FROM delivery d WHERE d.campaign_id = c.id AND d.due_at IS NOT NULL) \
               OR EXISTS (SELECT 1 FROM delivery d WHERE d.claimed_by IS NOT NULL AND d.campaign_id = c.id) \
             FROM campaign c, (SELECT CAST(COALESCE(sum(accepted), 0) AS BIGINT) AS accepted, \
               CAST(COALESCE(sum(bounced), 0) AS BIGINT) AS bounced, \
               CAST(COALESCE(sum(refused), 0) AS BIGINT) AS refused FROM tally WHERE campaign_id = $1) t WHERE c.id = $1",
        )
        .bind(campaign)
        .fetch_one(conn)
        .await
    })?;
    let open = if is_open { stamp(now) } else { String::new() };
    Ok(format!(
        "{state} {accepted} {bounced} {refused} {came_back} {open}"
    ))
}

async fn keep_domains(tx: &mut Tx, campaign: i64, domains: &[Domain]) -> sqlx::Result<()> {
    forget(
        tx,
        "DELETE FROM campaign_domain WHERE campaign_id = $1",
        campaign,
    )
    .await?;
    for one in domains {
        on!(&mut *tx, |conn| {
            sqlx::query(
                "INSERT INTO campaign_domain (campaign_id, domain, accepted, waiting, deferred, in_flight, bounced, \
                 suppressed, unknown) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(campaign)
            .bind(&one.domain)
            .bind(one.accepted)
            .bind(one.waiting)
            .bind(one.deferred)
            .bind(one.in_flight)
            .bind(one.bounced)
            .bind(one.suppressed)
            .bind(one.unknown)
            .execute(conn)
            .await
            .map(drop)
        })?;
    }
    Ok(())
}

async fn keep_refusals(tx: &mut Tx, campaign: i64, refusals: &[Refusal]) -> sqlx::Result<()> {
    forget(
        tx,
        "DELETE FROM campaign_refusal WHERE campaign_id = $1",
        campaign,
    )
    .await?;
    for one in refusals {
        on!(&mut *tx, |conn| {
            sqlx::query(
                "INSERT INTO campaign_refusal (campaign_id, domain, kind, class, status, mails, words) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(campaign)
            .bind(&one.domain)
            .bind(&one.kind)
            .bind(&one.class)
            .bind(&one.status)
            .bind(one.mails)
            .bind(&one.words)
            .execute(conn)
            .await
            .map(drop)
        })?;
    }
    Ok(())
}

/// What was asked for is kept as it was first; what was delivered, as it is.
async fn keep_topics(
    tx: &mut Tx,
    campaign: i64,
    asked: &[(String, i64)],
    delivered: &HashMap<String, i64>,
) -> sqlx::Result<()> {
    let asked = asked.iter().map(|(topic, readers)| (topic, *readers, 0));
    let delivered = delivered.iter().map(|(topic, mails)| (topic, 0, *mails));
    for (topic, readers, mails) in asked.chain(delivered) {
        on!(&mut *tx, |conn| {
            sqlx::query(
                "INSERT INTO campaign_topic (campaign_id, topic, asked, delivered) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (campaign_id, topic) DO UPDATE SET delivered = excluded.delivered",
            )
            .bind(campaign)
            .bind(topic)
            .bind(readers)
            .bind(mails)
            .execute(conn)
            .await
            .map(drop)
        })?;
    }
    Ok(())
}

async fn forget(tx: &mut Tx, sql: &'static str, campaign: i64) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(sql)
        .bind(campaign)
        .execute(conn)
        .await
        .map(drop))
}
