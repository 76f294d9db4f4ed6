//! What becomes of mail at each receiving domain, and whether one begins to dislike us.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use crate::db::{Tx, on, row};
use crate::mask::masked;

/// It is looked at the campaigns of so many days.
const DAYS: i64 = 90;

/// A domain's dislike shows within so many days.
const LATELY: Duration = Duration::days(7);

/// So many refusals of ours or complaints at least before a domain is warned of.
const FEWEST_BLOCKED: i64 = 3;
const FEWEST_COMPLAINED: i64 = 2;
const FEWEST_DEFERRED: i64 = 10;

/// More than one in so many of a domain's mails: blocked, and called spam. Large receivers ask for at most one complaint
/// in a thousand.
const BLOCKED_ONE_IN: i64 = 50;
const COMPLAINED_ONE_IN: i64 = 1000;

/// One receiving domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Domain {
    pub domain: String,
    /// As the deliveries stand now.
    pub accepted: i64,
    pub deferred: i64,
    pub bounced: i64,
    /// Of what came back: refused for our sake, and called spam.
    pub blocked: i64,
    pub complained: i64,
    /// The last words of a refusal or a delay there, without addresses.
    pub last_words: Option<String>,
    pub last_words_at: Option<DateTime<Utc>>,
    /// Why an operator should look.
    pub warning: Option<String>,
}

row! {
    /// How deliveries to one domain stand.
    pub struct Stand {
        pub domain: String,
        pub accepted: i64,
        pub deferred: i64,
        pub bounced: i64,
        /// Those that came to their end lately.
        pub ended_lately: i64,
    }
}

row! {
    /// What came back from one domain.
    pub struct Back {
        pub domain: String,
        pub blocked: i64,
        pub complained: i64,
        pub blocked_lately: i64,
        pub complained_lately: i64,
    }
}

type Words = (String, Option<String>, DateTime<Utc>);

/// Every domain that mail went to in the last 90 days, the largest first. Costs a pass over these deliveries.
pub async fn list(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<Vec<Domain>> {
    let since = now - Duration::days(DAYS);
    let mut domains: BTreeMap<String, (Domain, Lately)> = BTreeMap::new();
    for stand in stands(tx, since, now - LATELY).await? {
        let (domain, lately) = domains.entry(stand.domain).or_default();
        (domain.accepted, domain.deferred, domain.bounced) =
            (stand.accepted, stand.deferred, stand.bounced);
        lately.ended = stand.ended_lately;
    }
    for back in came_back(tx, since, now - LATELY).await? {
        let (domain, lately) = domains.entry(back.domain).or_default();
        (domain.blocked, domain.complained) = (back.blocked, back.complained);
        (lately.blocked, lately.complained) = (back.blocked_lately, back.complained_lately);
    }
    for (name, words, at) in last_words(tx, since).await? {
        let (domain, _) = domains.entry(name).or_default();
        if words.is_some() && domain.last_words_at.is_none_or(|known| known < at) {
            domain.last_words = words.map(|words| masked(&words).into_owned());
            domain.last_words_at = Some(at);
        }
    }
    let named = domains.into_iter().map(|(name, (domain, lately))| Domain {
        warning: lately.warning(domain.deferred),
        domain: name,
        ..domain
    });
    let mut list: Vec<Domain> = named.collect();
    list.sort_by_key(|one| -(one.accepted + one.deferred + one.bounced));
    Ok(list)
}

/// What of a domain happened lately.
#[derive(Default)]
struct Lately {
    ended: i64,
    blocked: i64,
    complained: i64,
}

impl Lately {
    fn warning(&self, deferred: i64) -> Option<String> {
        let Lately {
            ended,
            blocked,
            complained,
        } = *self;
        if blocked >= FEWEST_BLOCKED && blocked * BLOCKED_ONE_IN > ended {
            return Some(format!(
                "it refused {blocked} mails for the sender's sake within a week, of {ended}: read its words, and look at \
                 SPF, DKIM and DMARC and at whether the relay's address is on a blocklist"
            ));
        }
        if complained >= FEWEST_COMPLAINED && complained * COMPLAINED_ONE_IN > ended {
            return Some(format!(
                "{complained} of its readers called our mail spam within a week, of {ended} mails: look at where their \
                 addresses come from"
            ));
        }
        (deferred >= FEWEST_DEFERRED && deferred > ended).then(|| {
            format!("it puts off most of our mail: {deferred} wait, and {ended} came to their end within a week")
        })
    }
}

/// Where an address is, on this database.
fn domain_of(tx: &Tx) -> &'static str {
    match tx {
        Tx::Sqlite(_) => "substr(s.address, instr(s.address, '@') + 1)",
        Tx::Postgres(_) => "split_part(s.address, '@', 2)",
    }
}

async fn stands(
    tx: &mut Tx,
    since: DateTime<Utc>,
    lately: DateTime<Utc>,
) -> sqlx::Result<Vec<Stand>> {
    let sql = format!(
        "SELECT {} AS domain, count(*) FILTER (WHERE d.state = 'accepted') AS accepted, \
         count(*) FILTER (WHERE d.state = 'deferred') AS deferred, \
         count(*) FILTER (WHERE d.state = 'bounced') AS bounced, \
         count(*) FILTER (WHERE d.state IN ('accepted', 'bounced') AND d.changed_at >= $2) AS ended_lately \
         FROM delivery d JOIN campaign c ON c.id = d.campaign_id JOIN subscriber s ON s.id = d.subscriber_id \
         WHERE c.issue_id IS NULL OR c.planned_at >= $1 GROUP BY 1",
        domain_of(tx)
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(since)
        .bind(lately)
        .fetch_all(conn)
        .await)
}

async fn came_back(
    tx: &mut Tx,
    since: DateTime<Utc>,
    lately: DateTime<Utc>,
) -> sqlx::Result<Vec<Back>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT domain, count(*) FILTER (WHERE class = 'block') AS blocked, \
             count(*) FILTER (WHERE kind = 'complaint') AS complained, \
             count(*) FILTER (WHERE class = 'block' AND at >= $2) AS blocked_lately, \
             count(*) FILTER (WHERE kind = 'complaint' AND at >= $2) AS complained_lately \
             FROM returned WHERE at >= $1 AND domain IS NOT NULL AND did <> 'noted' GROUP BY domain",
        )
        .bind(since)
        .bind(lately)
        .fetch_all(conn)
        .await
    })
}

/// The last words of what came back, and of what is put off now.
async fn last_words(tx: &mut Tx, since: DateTime<Utc>) -> sqlx::Result<Vec<Words>> {
    let sql = format!(
        "SELECT domain, words, at FROM (SELECT r.domain, COALESCE(r.words, d.reply) AS words, r.at, \
           row_number() OVER (PARTITION BY r.domain ORDER BY r.at DESC, r.id DESC) AS place \
           FROM returned r LEFT JOIN delivery d ON d.id = r.delivery_id \
           WHERE r.at >= $1 AND r.domain IS NOT NULL AND r.class IS NOT NULL) said WHERE place = 1 \
         UNION ALL SELECT domain, words, at FROM (SELECT {domain} AS domain, d.reply AS words, d.changed_at AS at, \
           row_number() OVER (PARTITION BY {domain} ORDER BY d.changed_at DESC) AS place \
           FROM delivery d JOIN subscriber s ON s.id = d.subscriber_id WHERE d.state = 'deferred') waits WHERE place = 1",
        domain = domain_of(tx)
    );
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(since)
        .fetch_all(conn)
        .await)
}

#[cfg(test)]
mod tests {
    use super::Lately;

    #[test]
    fn a_domain_is_warned_of_when_it_refuses_complains_or_waits_too_much() {
        for (ended, blocked, complained, deferred, word) in [
            (100, 2, 0, 0, ""),
            (100, 3, 0, 0, "refused 3"),
            (150, 3, 0, 0, ""),
            (100, 0, 1, 0, ""),
            (1_000, 0, 2, 0, "called our mail spam"),
            (2_000, 0, 2, 0, ""),
            (5, 0, 0, 9, ""),
            (5, 0, 0, 10, "puts off"),
        ] {
            let lately = Lately {
                ended,
                blocked,
                complained,
            };
            let warning = lately.warning(deferred).unwrap_or_default();
            assert_eq!(warning.is_empty(), word.is_empty(), "{warning}");
            assert!(warning.contains(word), "{warning}");
        }
    }
}
