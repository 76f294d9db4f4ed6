//! Tells hooks what happened, beside the pages and the delivery: at least once, to each in order, again for three days
//! where nobody takes it. The messages and signatures are those of Standard Webhooks.

mod post;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ring::hmac;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::post::{Reach, is_url};
use crate::clock::Clock;
use crate::db::{Db, Tx};
use crate::deliver::queue;
use crate::outbox::{self, Event, Hook, Told};
use crate::secret::Keys;
use crate::subscriber;

/// Tells hooks, in any number of processes on one database.
#[derive(Clone)]
pub struct Teller {
    pub db: Db,
    pub keys: Keys,
    pub clock: Clock,
    pub reach: Reach,
}

/// How often it is looked for something to tell.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Who has taken something to tell and does not say what came of it is gone after so long.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// So long after it happened, it is given up.
const GIVEN_UP: TimeDelta = TimeDelta::days(3);

/// The first wait; each is twice the one before.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(10);
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(6);

/// To one hook, before the others come in turn.
const AT_A_TIME: usize = 50;

impl Teller {
    /// Tells what there is, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let look = async {
                if let Err(error) = self.tell().await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "hooks are told nothing for now, for the database fails"
                    );
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            };
            tokio::select! {
                () = look => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Tells what is due; gives how many tries that were.
    pub async fn tell(&self) -> sqlx::Result<usize> {
        self.notice_ends().await?;
        let hooks = outbox::hooks(&mut self.db.read().await?).await?;
        let each = hooks.iter().map(|hook| self.tell_one(hook));
        let tries: Vec<sqlx::Result<usize>> = futures_util::future::join_all(each).await;
        let tries = tries.into_iter().sum::<sqlx::Result<usize>>()?;
        if tries == 0 && !hooks.is_empty() {
            let mut tx = self.db.begin().await?;
            outbox::tidy(&mut tx, (self.clock)()).await?;
            tx.commit().await?;
        }
        Ok(tries)
    }

    /// Campaigns of which nothing is left to try.
    async fn notice_ends(&self) -> sqlx::Result<()> {
        let mut tx = self.db.read().await?;
        let mut ended = Vec::new();
        for (id, month) in outbox::unfinished(&mut tx).await? {
            let is_over = queue::next_due(&mut tx, id).await?.is_none()
                && !queue::is_in_flight(&mut tx, id).await?;
            if is_over {
                ended.push((id, month));
            }
        }
        drop(tx);
        for (id, month) in ended {
            let mut tx = self.db.begin().await?;
            outbox::campaign_finished(&mut tx, id, &month, (self.clock)()).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// One after the other, until one is not taken.
    async fn tell_one(&self, hook: &Hook) -> sqlx::Result<usize> {
        for tries in 0..AT_A_TIME {
            let now = (self.clock)();
            let mut tx = self.db.read().await?;
            let Some(told) = outbox::next(&mut tx, hook.id, now).await? else {
                return Ok(tries);
            };
            drop(tx);
            let mut tx = self.db.begin().await?;
            if !outbox::claim(&mut tx, &told, now + LEASE).await? {
                return Ok(tries);
            }
            let body = body(&mut tx, hook, &told).await?;
            tx.commit().await?;
            let (answer, is_taken) = self.post(hook, &told, &body, now).await;
            let again = (!is_taken).then(|| again(&told, now)).flatten();
            let mut tx = self.db.begin().await?;
            outbox::answered(&mut tx, told.id, (&answer, is_taken), again, now).await?;
            tx.commit().await?;
            if again.is_some() {
                return Ok(tries + 1);
            }
        }
        Ok(AT_A_TIME)
    }

    /// What the other side answers, and whether it has taken it.
    async fn post(
        &self,
        hook: &Hook,
        told: &Told,
        body: &str,
        now: DateTime<Utc>,
    ) -> (String, bool) {
        let Some(key) = hook.key(&self.keys) else {
            let why = "its secret cannot be opened with this key file; make the hook anew";
            return (why.to_owned(), false);
        };
        let id = name(hook, told);
        let at = now.timestamp();
        let fields = [
            ("webhook-id", id.clone()),
            ("webhook-timestamp", at.to_string()),
            ("webhook-signature", signature(&key, &id, at, body)),
        ];
        match self.reach.post(&hook.url, &fields, body).await {
            Ok(status) => (status.to_string(), (200..300).contains(&status)),
            Err(error) => (error.to_string(), false),
        }
    }
}

/// What the other side knows an event by, however often it comes.
fn name(hook: &Hook, told: &Told) -> String {
    let name = Uuid::new_v5(&hook.id, &told.id.to_be_bytes());
    format!("msg_{}", name.simple())
}

/// Over id, time and body, so that none of them can be another's.
pub fn signature(key: &[u8], id: &str, at: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let code = hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", data_encoding::BASE64.encode(code.as_ref()))
}

/// What is said of it. Who was erased meanwhile is not named.
async fn body(tx: &mut Tx, hook: &Hook, told: &Told) -> sqlx::Result<String> {
    let mut about = json!({});
    if let Some(month) = &told.campaign {
        about["campaign"] = month.as_str().into();
    }
    if !matches!(told.event, Event::CampaignFinished | Event::Test) {
        let reader = match told.subscriber_id {
            Some(id) => subscriber::by_id(tx, id).await?,
            None => None,
        };
        about["reader"] = reader
            .as_ref()
            .map_or(Value::Null, |reader| reader.id.to_string().into());
        if hook.with_address {
            about["address"] = reader.map_or(Value::Null, |reader| reader.address.into());
        }
    }
    let body = json!({"type": told.event, "timestamp": told.at, "data": about});
    Ok(body.to_string())
}

/// When it is tried again, if it is not given up.
fn again(told: &Told, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let doublings = u32::try_from(told.attempts).unwrap_or(0).min(20);
    let wait = FIRST_WAIT * 2_i32.pow(doublings);
    let next = now + wait.min(LONGEST_WAIT);
    (next <= told.at + GIVEN_UP).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        // The example of its specification.
        let key = data_encoding::BASE64
            .decode(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
            .unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn waits_grow_and_end_after_three_days() {
        let mut now: DateTime<Utc> = "2026-03-03T14:00:00Z".parse().unwrap();
        let mut told = Told {
            id: 1,
            event: Event::Test,
            at: now,
            subscriber_id: None,
            campaign: None,
            attempts: 0,
            due_at: Some(now),
            answer: None,
            answered_at: None,
            is_taken: false,
        };
        let mut waits = Vec::new();
        while let Some(next) = again(&told, now) {
            waits.push((next - now).num_seconds());
            (now, told.attempts) = (next, told.attempts + 1);
        }
        assert_eq!(waits[..4], [10, 20, 40, 80]);
        assert!(
            waits.is_sorted() && waits.last() == Some(&21_600),
            "{waits:?}"
        );
        assert!(waits.iter().sum::<i64>() > 2 * 86_400, "{waits:?}");
    }
}
