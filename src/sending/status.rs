//! How a campaign stands, for the command line, the desk and the interface for programs.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::campaign::{self, Account, Campaign, State};
use crate::db::Tx;
use crate::deliver::queue;
use crate::tally;

/// A campaign and its account.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    pub campaign: String,
    pub state: Stands,
    /// Why the service paused it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_because: Option<String>,
    #[serde(flatten)]
    pub account: Account,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<DateTime<Utc>>,
    /// Until then the campaign can be called back before its first mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo_until: Option<DateTime<Utc>>,
    /// Mails that came to their end, on average from the first to the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
}

crate::db::word! {
    /// Whether a campaign goes out.
    pub enum Stands {
        Running = "running",
        Paused = "paused",
        Cancelled = "cancelled",
        /// Nothing is left to try.
        Finished = "finished",
    }
}

/// How a campaign stands now. Counts its deliveries, a second or so for each million.
pub async fn status(tx: &mut Tx, campaign: &Campaign, now: DateTime<Utc>) -> sqlx::Result<Status> {
    let account = campaign::account(tx, Some(campaign.id)).await?;
    let next_due = queue::next_due(tx, campaign.id).await?;
    let per_second = tally::totals(tx, campaign.id).await?.per_second();
    Ok(Status {
        campaign: campaign.month.clone(),
        state: stands(campaign, next_due, account.in_flight),
        paused_because: campaign.paused_because.clone(),
        account,
        seconds: None,
        next_try_at: next_due.filter(|_| campaign.state == State::Running),
        undo_until: undo_until(campaign, now),
        per_second,
    })
}

/// Whether it goes out, by when its next delivery is due and how many are on their way.
pub fn stands(campaign: &Campaign, next_due: Option<DateTime<Utc>>, in_flight: i64) -> Stands {
    match campaign.state {
        State::Running if next_due.is_none() && in_flight == 0 => Stands::Finished,
        State::Running => Stands::Running,
        State::Paused => Stands::Paused,
        State::Cancelled => Stands::Cancelled,
    }
}

/// Until when a campaign can be called back before its first mail; `None` when it has begun.
pub fn undo_until(campaign: &Campaign, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    Some(campaign.start_at).filter(|start| *start > now && campaign.state != State::Cancelled)
}
