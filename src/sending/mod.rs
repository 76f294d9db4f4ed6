//! Sending by hand: what a person orders is settled into a campaign, whether they say it on the command line or press a
//! button of the desk; and how a campaign stands.

pub mod missed;
pub mod order;
pub mod orders;
pub mod progress;
pub mod status;

use chrono::{DateTime, Utc};

use crate::campaign;
use crate::db::Tx;
use crate::issue::Month;
use crate::plan::{self, Plan, PlanError, Settings};

/// Why an issue was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(
        "the plan has changed: it was {wanted} and is {}; nothing was sent, look at it with `bulletin plan {}`",
        plan.fingerprint,
        plan.month
    )]
    Changed { wanted: String, plan: Box<Plan> },
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl From<sqlx::Error> for SendError {
    fn from(error: sqlx::Error) -> SendError {
        SendError::Plan(error.into())
    }
}

/// Settles a month's campaign, and gives its id and plan; with `wanted`, only if its plan has that fingerprint.
///
/// To be followed by `hold_back` and a commit. On an error the transaction has to be rolled back.
pub async fn settle(
    tx: &mut Tx,
    month: Month,
    settings: &Settings,
    wanted: Option<&str>,
) -> Result<(i64, Plan), SendError> {
    let (id, plan) = plan::settle(tx, month, settings).await?;
    match wanted {
        Some(wanted) if wanted != plan.fingerprint => Err(SendError::Changed {
            wanted: wanted.to_owned(),
            plan: Box::new(plan),
        }),
        _ => Ok((id, plan)),
    }
}

/// Nothing of a campaign that was just settled goes out before `soonest`: settling took its time, and it can be called
/// back until then.
pub async fn hold_back(
    tx: &mut Tx,
    id: i64,
    plan: &Plan,
    soonest: DateTime<Utc>,
) -> sqlx::Result<()> {
    match plan.settled {
        true => Ok(()),
        false => campaign::not_before(tx, id, soonest).await,
    }
}
