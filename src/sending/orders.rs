//! The task that settles orders, beside the site, and undoes those that were called back.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::order::{self, Because, Order, State};
use super::{SendError, hold_back, settle};
use crate::campaign;
use crate::clock::Clock;
use crate::db::{Db, Tx, on};
use crate::instance::{self, Standing};
use crate::issue::Month;
use crate::plan::{PlanError, Terms};

/// How often it is looked for orders of other processes, or of one that stopped.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Settles orders as they come. Any number of them may run on one database: an order has one campaign.
#[derive(Clone)]
pub struct Orders {
    pub db: Db,
    pub terms: Terms,
    pub clock: Clock,
    /// Told when a page wrote one down.
    pub placed: Arc<Notify>,
}

impl Orders {
    /// Settles them until `stop`. What is being settled then is settled at the next start.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let look = async {
                if let Err(error) = self.settle().await {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "what was ordered to be sent waits, for the database fails"
                    );
                }
                tokio::select! {
                    () = self.placed.notified() => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
            };
            tokio::select! {
                () = look => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Settles and undoes what waits for it.
    pub async fn settle(&self) -> sqlx::Result<()> {
        let mut tx = self.db.read().await?;
        let recalled = order::in_state(&mut tx, State::Recalled).await?;
        let placed = order::in_state(&mut tx, State::Placed).await?;
        drop(tx);
        for order in recalled {
            self.undo(&order).await?;
        }
        for order in placed {
            self.settle_one(&order).await?;
        }
        Ok(())
    }

    async fn settle_one(&self, order: &Order) -> sqlx::Result<()> {
        if let Ok(Standing::Copied(_)) = instance::look(&self.db).await {
            tracing::error!(
                month = order.month,
                "not sent: this database is a copy; `bulletin adopt` makes it the one that sends"
            );
            return self.refuse(order, Because::Failed).await;
        }
        let Ok(month) = order.month.parse::<Month>() else {
            return self.refuse(order, Because::NoIssue).await;
        };
        let Json(when) = order.due;
        let settings = self.terms.settings(when, (self.clock)());
        let mut tx = self.db.begin_apart().await?;
        if !order::is_mine_to_settle(&mut tx, order.id).await? {
            return Ok(());
        }
        let settled = settle(&mut tx, month, &settings, Some(&order.fingerprint)).await;
        let because = match settled {
            Ok((_, plan)) if plan.settled => Because::SentAlready,
            Ok((id, plan)) => {
                hold_back(&mut tx, id, &plan, (self.clock)() + self.terms.undo).await?;
                // Whoever took the order back meanwhile has rolled all of it back.
                if order::settled(&mut tx, order.id, id).await? {
                    tx.commit().await?;
                    tracing::info!(
                        month = order.month,
                        readers = plan.recipients,
                        "settled as ordered at the desk"
                    );
                }
                return Ok(());
            }
            Err(SendError::Changed { plan, .. }) if plan.settled => Because::SentAlready,
            Err(SendError::Changed { .. }) => Because::PlanChanged,
            Err(SendError::Plan(PlanError::NoIssue(_) | PlanError::Empty(_))) => Because::NoIssue,
            Err(SendError::Plan(PlanError::Database(error))) => return Err(error),
            Err(error) => {
                tracing::error!(
                    month = order.month,
                    error = &error as &dyn std::error::Error,
                    "an order cannot be settled"
                );
                Because::Failed
            }
        };
        drop(tx);
        self.refuse(order, because).await
    }

    async fn refuse(&self, order: &Order, because: Because) -> sqlx::Result<()> {
        let mut tx = self.db.begin().await?;
        order::refuse(&mut tx, order.id, because).await?;
        tx.commit().await
    }

    /// Takes the campaign out again, so that the issue can be mended and sent. Had anything been offered all the same, it
    /// stays, and is cancelled.
    async fn undo(&self, order: &Order) -> sqlx::Result<()> {
        let now = (self.clock)();
        let Some(campaign) = order.campaign_id else {
            return Ok(());
        };
        let mut tx = self.db.begin_apart().await?;
        if take_out(&mut tx, campaign).await? {
            order::move_on(&mut tx, order.id, State::Recalled, State::Withdrawn).await?;
            return tx.commit().await;
        }
        drop(tx);
        let mut tx = self.db.begin().await?;
        cancel(&mut tx, campaign, order.id, now).await?;
        tx.commit().await
    }
}

async fn cancel(tx: &mut Tx, campaign: i64, order: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    campaign::cancel(tx, campaign, now).await?;
    order::move_on(tx, order, State::Recalled, State::Settled)
        .await
        .map(drop)
}

/// Takes out a campaign with its deliveries; `false` where one of these was offered.
async fn take_out(tx: &mut Tx, campaign: i64) -> sqlx::Result<bool> {
    for sql in [
        "DELETE FROM delivery WHERE campaign_id = $1 AND attempts = 0 AND claimed_by IS NULL",
        "UPDATE slot SET campaign_id = NULL WHERE campaign_id = $1",
        "DELETE FROM campaign_summary WHERE campaign_id = $1",
        "DELETE FROM campaign WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.campaign_id = $1)",
    ] {
        let done = on!(&mut *tx, |conn| sqlx::query(sql)
            .bind(campaign)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        if sql.starts_with("DELETE FROM campaign WHERE") {
            return Ok(done == 1);
        }
    }
    Ok(false)
}
