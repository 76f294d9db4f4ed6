//! A delivery that something came back of, and what is to be done about it.

use chrono::{DateTime, Utc};

use super::said::Said;
use super::{ERASED, Terms};
use crate::bounce::Class;
use crate::campaign::DeliveryState;
use crate::db::{Tx, on, row};
use crate::letter::{self, Letter};
use crate::request;
use crate::returned::{self, Did};
use crate::subscriber::{self, Subscriber};
use crate::suppression;

row! {
    /// A delivery, as far as it matters for what comes back of it.
    pub struct Sent {
        pub id: i64,
        pub campaign_id: i64,
        pub subscriber_id: Option<uuid::Uuid>,
        pub content: String,
        pub state: DeliveryState,
        /// When it was claimed first.
        pub first_tried_at: Option<DateTime<Utc>>,
        pub changed_at: DateTime<Utc>,
    }
}

/// A delivery that something came back of, with its reader.
pub(super) struct Case {
    pub(super) sent: Sent,
    pub(super) reader: Option<Subscriber>,
    /// How many reports said that it failed, and how many of these that somebody was refused.
    pub(super) failures: (i64, i64),
}

/// What is to be done, and why.
pub(super) struct Ruling {
    pub(super) did: Did,
    pub(super) note: &'static str,
    /// The delivery counts as bounced.
    pub(super) bounces: bool,
}

impl Ruling {
    pub(super) fn of(did: Did, note: &'static str) -> Ruling {
        Ruling {
            did,
            note,
            bounces: false,
        }
    }

    pub(super) fn noted(why: &'static str) -> Ruling {
        Ruling::of(Did::Noted, why)
    }
}

impl Case {
    /// Reads the delivery, and keeps others from changing it meanwhile.
    pub(super) async fn open(tx: &mut Tx, delivery: i64) -> sqlx::Result<Option<Case>> {
        let sql = format!(
            "SELECT id, campaign_id, subscriber_id, content, state, first_tried_at, changed_at FROM delivery \
             WHERE id = $1 {}",
            tx.on_postgres("FOR UPDATE")
        );
        let sent: Option<Sent> = on!(&mut *tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(delivery)
            .fetch_optional(conn)
            .await)?;
        let Some(sent) = sent else {
            return Ok(None);
        };
        let reader = match sent.subscriber_id {
            Some(reader) => subscriber::by_id(tx, reader).await?,
            None => None,
        };
        let failures = returned::failures(tx, delivery).await?;
        Ok(Some(Case {
            sent,
            reader,
            failures,
        }))
    }

    /// It was claimed, and what the relay said is not written down yet.
    pub(super) fn is_under_way(&self) -> bool {
        self.sent.state == DeliveryState::InFlight
    }

    /// Whether the relay has, or may have, taken it.
    fn was_sent(&self) -> bool {
        match self.sent.state {
            DeliveryState::Accepted | DeliveryState::Unknown => true,
            // By a report, and not by the relay's refusal.
            DeliveryState::Bounced => self.failures.0 > 0,
            _ => false,
        }
    }

    pub(super) fn offered_at(&self) -> DateTime<Utc> {
        self.sent.first_tried_at.unwrap_or(self.sent.changed_at)
    }

    pub(super) async fn rule(
        &self,
        tx: &mut Tx,
        said: &Said<'_>,
        terms: &Terms,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Ruling> {
        if let Said::Nothing(why) = said {
            return Ok(Ruling::noted(why));
        }
        if !self.was_sent() {
            return Ok(Ruling::noted("that delivery was not sent"));
        }
        if now > self.offered_at() + terms.valid {
            return Ok(Ruling::noted(
                "that delivery is older than bounce.valid allows",
            ));
        }
        let bounces = said.failed().is_some();
        let did = match said.failed().map(|failed| failed.verdict.class) {
            Some(Class::Block) => Some(Did::Warned),
            Some(Class::Hard) => Some(Did::Suppressed),
            Some(Class::Soft) => Some(Did::Counted),
            _ => None,
        };
        let ruling = match (self.spares_the_reader(tx).await?, did) {
            (_, Some(Did::Warned)) => Ruling::of(Did::Warned, "never the reader's fault"),
            (Some(why), Some(_)) => Ruling::of(Did::Bounced, why),
            (Some(why), None) => Ruling::noted(why),
            (None, Some(did)) => Ruling::of(did, ""),
            (None, None) => Ruling::of(Did::Unsubscribed, ""),
        };
        Ok(Ruling { bounces, ..ruling })
    }

    /// Why nothing that is said of this delivery is about the reader as they are now.
    async fn spares_the_reader(&self, tx: &mut Tx) -> sqlx::Result<Option<&'static str>> {
        let Some(reader) = &self.reader else {
            return Ok(Some(ERASED));
        };
        let is_letter = self.sent.campaign_id == letter::CAMPAIGN;
        let letter = is_letter.then(|| Letter::of(&self.sent.content)).flatten();
        if letter.is_some_and(|letter| letter.to.is_some()) {
            return Ok(Some("it went to another address than the reader's"));
        }
        let since = self.offered_at();
        if reader.since > since {
            return Ok(Some("the reader has asked for mail again since"));
        }
        if request::has_moved(tx, reader.id, since).await? {
            return Ok(Some("the reader has another address since"));
        }
        let released = suppression::was_released(tx, &reader.address_hash, since).await?;
        Ok(released.then_some("the operator has let the address have mail again since"))
    }
}
