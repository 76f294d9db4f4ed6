//! How a campaign stands by receiving domain, and what the servers said.

use std::collections::{BTreeMap, HashSet};

use super::{Domain, Refusal, SMALL, STATES};
use crate::db::{Tx, on};
use crate::figures::{FEWEST, domain_of};
use crate::mask::masked;
use crate::sending::missed;

/// So many domains at most have a row of their own.
const MOST_DOMAINS: i64 = 200;

/// So many kinds of refusals at most are kept.
const MOST_REFUSALS: usize = 400;

/// A domain's sums, and its first and last delivery.
type Stand = (String, i64, i64, i64, i64, i64, i64, i64, i64, i64);

/// One pass over the campaign's deliveries, which gives the numbers of the first and the last too. Who was erased is at
/// no domain any more, and counts with the small ones.
pub(super) async fn by_domain(
    tx: &mut Tx,
    campaign: i64,
) -> sqlx::Result<(Vec<Domain>, (i64, i64))> {
    let counted: Vec<String> = STATES
        .iter()
        .map(|state| format!("count(*) FILTER (WHERE d.state = '{state}') AS {state}"))
        .collect();
    let summed: Vec<String> = STATES
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
pub(super) async fn said(
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
