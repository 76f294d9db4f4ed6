//! Figures of one campaign: by receiving domain, what servers said, and topics.

mod count;
mod servers;
mod topics;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::campaign::{self, Account, Campaign};
use crate::db::{Tx, on, row};
use crate::sending::missed::{self, CanGoAgain};

pub use self::count::count;
pub(super) use self::count::to_count;

/// What stands for every small domain together.
pub const SMALL: &str = "";

/// What stands for every topic, by who chose none.
pub const ALL_TOPICS: &str = "*";

/// The states of deliveries, in the order in which figures tell them.
pub const STATES: [&str; 7] = [
    "accepted",
    "waiting",
    "deferred",
    "in_flight",
    "bounced",
    "suppressed",
    "unknown",
];

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
    /// How many are in each of `STATES`.
    pub fn counts(&self) -> [i64; 7] {
        [
            self.accepted,
            self.waiting,
            self.deferred,
            self.in_flight,
            self.bounced,
            self.suppressed,
            self.unknown,
        ]
    }

    pub fn sum(&self) -> i64 {
        self.counts().iter().sum()
    }
}

/// A campaign of no more deliveries is counted for each page: that takes some milliseconds.
const COUNTED_AT_ONCE: i64 = 10_000;

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
