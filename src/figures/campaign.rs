//! Figures of one campaign: by receiving domain, what servers said, and topics.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::types::Json;

use super::{FEWEST, domain_of, stamp};
use crate::campaign::{self, Account, Campaign};
use crate::content::Selection;
use crate::db::{Db, Tx, on, row};
use crate::mask::masked;
use crate::sending::missed::{self, CanGoAgain};

/// What stands for every small domain together.
pub const SMALL: &str = "";

/// What stands for every topic, by who chose none.
pub const ALL_TOPICS: &str = "*";

/// An account with the moment at which it was counted.
#[derive(Clone, Debug)]
pub struct Counted {
    pub account: Account,
    pub at: DateTime<Utc>,
}

row! {
    /// How deliveries to one receiving domain stand.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct Domain {
        pub domain: String,
        pub accepted: i64,
        pub waiting: i64,
        pub deferred: i64,
        pub in_flight: i64,
        pub bounced: i64,
        pub suppressed: i64,
        pub unknown: i64,
    }
}

row! {
    /// What the servers of one domain said, and how often.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct Refusal {
        pub domain: String,
        /// A bounce or a complaint, or `deferred` while it is still tried.
        pub kind: String,
        pub class: String,
        /// The enhanced status code, or nothing.
        pub status: String,
        pub mails: i64,
        /// The last of their words, without addresses.
        pub words: String,
    }
}

row! {
    /// How many asked for a topic, and to how many a summary of it went.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct Topic {
        pub topic: String,
        pub asked: i64,
        pub delivered: i64,
    }
}

impl Domain {
    pub fn sum(&self) -> i64 {
        self.accepted
            + self.waiting
            + self.deferred
            + self.in_flight
            + self.bounced
            + self.suppressed
            + self.unknown
    }
}

/// A campaign of no more deliveries is counted for each page: that takes some milliseconds.
const COUNTED_AT_ONCE: i64 = 10_000;

/// So many domains at most have a row of their own.
const MOST_DOMAINS: i64 = 200;

/// So many kinds of refusals at most are kept.
const MOST_REFUSALS: usize = 400;

/// A campaign that is older stays as it was counted.
const COUNTED_FOR: TimeDelta = TimeDelta::days(60);

/// While a campaign goes out it is counted again and again, and takes one part in so many of the time.
const PART_OF_THE_TIME: i64 = 20;
const SOONEST: TimeDelta = TimeDelta::seconds(8);

/// The account of a campaign: as it is now on a short list, otherwise as it was counted last. `None` before that.
pub async fn account(
    tx: &mut Tx,
    campaign: &Campaign,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Counted>> {
    let planned = campaign::planned(tx, campaign.id).await?;
    if planned <= COUNTED_AT_ONCE {
        let account = campaign::account(tx, Some(campaign.id)).await?;
        return Ok(Some(Counted { account, at: now }));
    }
    let Some(at) = counted_at(tx, campaign.id).await? else {
        return Ok(None);
    };
    let mut account = Account {
        planned,
        ..Account::default()
    };
    for domain in domains(tx, campaign.id).await? {
        account.accepted += domain.accepted;
        account.waiting += domain.waiting;
        account.deferred += domain.deferred;
        account.in_flight += domain.in_flight;
        account.bounced += domain.bounced;
        account.suppressed += domain.suppressed;
        account.unknown += domain.unknown;
    }
    Ok(Some(Counted { account, at }))
}

/// When a campaign was counted last.
pub async fn counted_at(tx: &mut Tx, campaign: i64) -> sqlx::Result<Option<DateTime<Utc>>> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT counted_at FROM campaign_figures WHERE campaign_id = $1"
    )
    .bind(campaign)
    .fetch_optional(conn)
    .await)
}

/// How many could be tried again: as it is now on a short list, otherwise as it was counted last.
pub async fn can_go_again(
    tx: &mut Tx,
    campaign: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<CanGoAgain> {
    if campaign::planned(tx, campaign).await? <= COUNTED_AT_ONCE {
        return missed::can_go_again(tx, campaign, now).await;
    }
    let counted: Option<(i64, i64, i64)> = on!(tx, |conn| {
        sqlx::query_as(
        "SELECT again_refused, again_unknown, again_lifted FROM campaign_figures WHERE campaign_id = $1"
    )
    .bind(campaign)
    .fetch_optional(conn)
    .await
    })?;
    let (refused, unknown, lifted) = counted.unwrap_or_default();
    Ok(CanGoAgain {
        refused,
        unknown,
        lifted,
    })
}

/// By domain, the largest first, the small ones together at the end.
pub async fn domains(tx: &mut Tx, campaign: i64) -> sqlx::Result<Vec<Domain>> {
    let mut domains: Vec<Domain> = on!(tx, |conn| {
        sqlx::query_as(
            "SELECT domain, accepted, waiting, deferred, in_flight, bounced, suppressed, unknown \
             FROM campaign_domain WHERE campaign_id = $1 ORDER BY domain",
        )
        .bind(campaign)
        .fetch_all(conn)
        .await
    })?;
    domains.sort_by_key(|domain| (domain.domain == SMALL, -domain.sum()));
    Ok(domains)
}

/// What servers said, the most frequent first; of one domain or of all.
pub async fn refusals(
    tx: &mut Tx,
    campaign: i64,
    domain: Option<&str>,
) -> sqlx::Result<Vec<Refusal>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT domain, kind, class, status, mails, words FROM campaign_refusal \
             WHERE campaign_id = $1 AND ($2 IS NULL OR domain = $2) ORDER BY mails DESC, domain, kind, class, status",
        )
        .bind(campaign)
        .bind(domain)
        .fetch_all(conn)
        .await
    })
}

/// Topics asked for and topics delivered.
pub async fn topics(tx: &mut Tx, campaign: i64) -> sqlx::Result<Vec<Topic>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT topic, asked, delivered FROM campaign_topic WHERE campaign_id = $1 ORDER BY asked DESC, topic",
        )
        .bind(campaign)
        .fetch_all(conn)
        .await
    })
}

/// Campaigns of which something has changed since they were counted.
pub(super) async fn to_count(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
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

/// A domain's sums, and its first and last delivery.
type Stand = (String, i64, i64, i64, i64, i64, i64, i64, i64, i64);

/// One pass over the campaign's deliveries, which gives the numbers of the first and the last too. Who was erased is at
/// no domain any more, and counts with the small ones.
async fn by_domain(tx: &mut Tx, campaign: i64) -> sqlx::Result<(Vec<Domain>, (i64, i64))> {
    let states = [
        "accepted",
        "waiting",
        "deferred",
        "in_flight",
        "bounced",
        "suppressed",
        "unknown",
    ];
    let counted: Vec<String> = states
        .iter()
        .map(|state| format!("count(*) FILTER (WHERE d.state = '{state}') AS {state}"))
        .collect();
    let summed: Vec<String> = states
        .iter()
        .map(|state| format!("CAST(sum({state}) AS BIGINT)"))
        .collect();
    let sql = format!(
        "WITH counted AS (SELECT COALESCE({}, '') AS domain, count(*) AS mails, {}, min(d.id) AS first_id, \
           max(d.id) AS last_id FROM delivery d LEFT JOIN subscriber s ON s.id = d.subscriber_id \
           WHERE d.campaign_id = $1 GROUP BY 1), \
         placed AS (SELECT counted.*, row_number() OVER (ORDER BY mails DESC, domain) AS place FROM counted) \
         SELECT CASE WHEN place <= $2 AND mails >= $3 THEN domain ELSE '' END, {}, min(first_id), max(last_id) \
         FROM placed GROUP BY 1",
        domain_of(tx),
        counted.join(", "),
        summed.join(", ")
    );
    let stands: Vec<Stand> = on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(campaign)
        .bind(MOST_DOMAINS)
        .bind(FEWEST)
        .fetch_all(conn)
        .await)?;
    let ends = (
        stands.iter().map(|stand| stand.8).min().unwrap_or(0),
        stands.iter().map(|stand| stand.9).max().unwrap_or(0),
    );
    let domain = |stand: Stand| Domain {
        domain: stand.0,
        accepted: stand.1,
        waiting: stand.2,
        deferred: stand.3,
        in_flight: stand.4,
        bounced: stand.5,
        suppressed: stand.6,
        unknown: stand.7,
    };
    Ok((stands.into_iter().map(domain).collect(), ends))
}

/// What came back of the campaign's deliveries, and why some are still tried.
async fn said(
    tx: &mut Tx,
    campaign: i64,
    (first, last): (i64, i64),
    known: &HashSet<&str>,
) -> sqlx::Result<Vec<Refusal>> {
    let mut said: Vec<Refusal> = on!(&mut *tx, |conn| {
        sqlx::query_as(
            "WITH back AS (SELECT r.domain, r.kind, COALESCE(r.class, '') AS class, COALESCE(r.status, '') AS status, \
               count(*) AS mails, max(r.id) AS last_id FROM returned r JOIN delivery d ON d.id = r.delivery_id \
               WHERE r.delivery_id >= $2 AND r.delivery_id <= $3 AND d.campaign_id = $1 AND r.domain IS NOT NULL \
                 AND r.did <> 'noted' AND r.kind IN ('bounce', 'complaint') GROUP BY 1, 2, 3, 4) \
             SELECT back.domain, back.kind, back.class, back.status, back.mails, \
               COALESCE(r.words, CASE back.kind WHEN 'bounce' THEN d.reply END, '') AS words \
             FROM back JOIN returned r ON r.id = back.last_id JOIN delivery d ON d.id = r.delivery_id",
        )
        .bind(campaign)
        .bind(first)
        .bind(last)
        .fetch_all(conn)
        .await
    })?;
    said.extend(put_off(tx, campaign).await?);
    Ok(together(said, known))
}

/// What is still tried, by domain and words.
async fn put_off(tx: &mut Tx, campaign: i64) -> sqlx::Result<Vec<Refusal>> {
    let sql = format!(
        "SELECT {} AS domain, 'deferred' AS kind, '' AS class, '' AS status, count(*) AS mails, \
         COALESCE(d.reply, '') AS words FROM delivery d JOIN subscriber s ON s.id = d.subscriber_id \
         WHERE d.{} AND d.state = 'deferred' AND +d.campaign_id = $1 GROUP BY 1, 6",
        domain_of(tx),
        missed::TRIED
    );
    let put_off: Vec<Refusal> = on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(campaign)
        .fetch_all(conn)
        .await)?;
    let with_status = |one: Refusal| Refusal {
        status: status_in(&one.words).unwrap_or_default().to_owned(),
        ..one
    };
    Ok(put_off.into_iter().map(with_status).collect())
}

/// The first enhanced status code (RFC 3463) in a server's words.
fn status_in(words: &str) -> Option<&str> {
    words.split_whitespace().take(4).find(|word| {
        let mut parts = word.split('.');
        let is_number = |part: Option<&str>, most: usize| {
            part.is_some_and(|part| {
                (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        matches!(word.as_bytes().first(), Some(b'4' | b'5'))
            && is_number(parts.next(), 1)
            && is_number(parts.next(), 3)
            && is_number(parts.next(), 3)
            && parts.next().is_none()
    })
}

/// Adds up what says the same, masks the words, and puts small domains together.
fn together(said: Vec<Refusal>, known: &HashSet<&str>) -> Vec<Refusal> {
    let mut sums: BTreeMap<(String, String, String, String), Refusal> = BTreeMap::new();
    for mut one in said {
        if !known.contains(one.domain.as_str()) {
            SMALL.clone_into(&mut one.domain);
        }
        one.words = masked(&one.words).chars().take(500).collect();
        let key = (
            one.domain.clone(),
            one.kind.clone(),
            one.class.clone(),
            one.status.clone(),
        );
        match sums.get_mut(&key) {
            Some(sum) => sum.mails += one.mails,
            None => drop(sums.insert(key, one)),
        }
    }
    let mut refusals: Vec<Refusal> = sums.into_values().collect();
    refusals.sort_by_key(|one| -one.mails);
    refusals.truncate(MOST_REFUSALS);
    refusals
}

/// To how many readers a summary of each topic went.
async fn delivered(tx: &mut Tx, campaign: i64) -> sqlx::Result<HashMap<String, i64>> {
    let Json(content) = campaign::content(tx, campaign).await?.0;
    let counts: Vec<(String, i64)> = on!(tx, |conn| {
        sqlx::query_as(
            "SELECT content, count(*) FROM delivery WHERE campaign_id = $1 AND state = 'accepted' GROUP BY content",
        )
        .bind(campaign)
        .fetch_all(conn)
        .await
    })?;
    let mut delivered = HashMap::new();
    for (text, mails) in counts {
        let Ok(selection) = text.parse::<Selection>() else {
            continue;
        };
        let items = selection.full.iter().filter_map(|p| content.item(*p));
        let topics: HashSet<&String> = items.flat_map(|item| &item.summary.topics).collect();
        for topic in topics {
            *delivered.entry(topic.clone()).or_insert(0) += mails;
        }
    }
    Ok(delivered)
}

/// How many active readers asked for each topic.
async fn asked(tx: &mut Tx) -> sqlx::Result<Vec<(String, i64)>> {
    let each = match tx {
        Tx::Sqlite(_) => "json_each(c.topics) t",
        Tx::Postgres(_) => "jsonb_array_elements_text(c.topics) t(value)",
    };
    let none = match tx {
        Tx::Sqlite(_) => "c.topics = '[]'",
        Tx::Postgres(_) => "c.topics = CAST('[]' AS jsonb)",
    };
    let sql = format!(
        "WITH chosen AS (SELECT choice_id, count(*) AS readers FROM subscriber WHERE state = 'active' GROUP BY choice_id) \
         SELECT t.value, CAST(sum(chosen.readers) AS BIGINT) FROM chosen JOIN choice c ON c.id = chosen.choice_id, {each} \
           GROUP BY 1 \
         UNION ALL SELECT '{ALL_TOPICS}', CAST(sum(chosen.readers) AS BIGINT) FROM chosen \
           JOIN choice c ON c.id = chosen.choice_id WHERE {none} HAVING sum(chosen.readers) > 0"
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)
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

#[cfg(test)]
mod tests {
    use super::status_in;

    #[test]
    fn a_status_code_is_found_in_a_servers_words() {
        for (words, status) in [
            ("451 4.7.1 Greylisted, come back", Some("4.7.1")),
            ("452 mailbox full 4.2.2", Some("4.2.2")),
            ("421 come back at 4.30", None),
            ("450 10.1.1.4 is slow", None),
            ("", None),
        ] {
            assert_eq!(status_in(words), status, "{words}");
        }
    }
}
