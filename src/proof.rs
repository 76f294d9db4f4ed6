//! Proofs: a digest sent to a few addresses to be looked at in real inboxes, before anything goes out.
//!
//! A proof is no delivery. It stands in no account, belongs to no reader, and what comes back of it changes nothing; the
//! links in it lead to a page that says what it is. It is tried once, while nobody waits for it.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::config::Config;
use crate::content::{Content, Selection};
use crate::db::{Db, Tx, on, row, word};
use crate::deliver::relay::Relay;
use crate::deliver::smtp::{Envelope, Outcome, Session};
use crate::issue::Month;
use crate::look;
use crate::mask::masked;
use crate::render::{Message, NotReady, RenderError, Renderer};
use crate::secret::Keys;
use crate::subscriber::{Address, Subscriber};
use crate::topic::Vocabulary;

/// Addresses that one proof goes to at most.
pub const MOST: usize = 5;

/// Proofs that a desk sends in an hour: they are no way around anything.
pub const MOST_AN_HOUR: i64 = 30;

/// A proof that is still going after so long was cut off; nobody knows whether it arrived.
const LONGEST: Duration = Duration::minutes(15);

/// How long it is kept that one was sent.
const KEPT: Duration = Duration::days(30);

word! {
    /// What became of a proof.
    pub enum State {
        Going = "going",
        Accepted = "accepted",
        Refused = "refused",
        /// Refused for now; a proof is not tried again.
        Deferred = "deferred",
        Unknown = "unknown",
    }
}

row! {
    /// A proof to one address.
    #[derive(Clone, Debug)]
    pub struct Proof {
        pub id: Uuid,
        /// Masked.
        pub address: String,
        pub asked_by: String,
        pub asked_at: DateTime<Utc>,
        pub state: State,
        /// The relay's words.
        pub reply: String,
    }
}

/// A proof on its way.
pub struct Going {
    id: Uuid,
    message: Message,
}

/// What makes and sends proofs: the same as what sends digests.
pub struct Press {
    renderer: Renderer,
    relay: Relay,
}

/// Why no proof can be made.
#[derive(Debug, thiserror::Error)]
pub enum PressError {
    #[error(transparent)]
    NotReady(#[from] NotReady),
    #[error(transparent)]
    Relay(#[from] crate::deliver::relay::RelayError),
}

impl Press {
    pub fn new(config: &Config, keys: &Keys, vocabulary: &Vocabulary) -> Result<Press, PressError> {
        Ok(Press {
            renderer: Renderer::of(config, keys, vocabulary)?,
            relay: Relay::of(config)?,
        })
    }

    /// A proof of `selection` as `reader` would get it, to another address.
    pub fn make(
        &self,
        content: &Content,
        selection: &Selection,
        reader: &Subscriber,
        to: &Address,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Going, RenderError> {
        let reader = Subscriber {
            id: look::NOBODY,
            address: to.as_str().to_owned(),
            name: String::new(),
            ..reader.clone()
        };
        let mut message = Message::default();
        let frozen = look::frozen(content, now);
        self.renderer
            .compose_proof(&frozen, selection, &reader, id, &mut message)?;
        Ok(Going { id, message })
    }

    /// Offers the proofs to the relay, one after the other over one connection, and writes down what it said.
    pub async fn send(self, db: &Db, proofs: Vec<Going>) {
        let mut session: Option<Session> = None;
        for going in proofs {
            let (state, reply) = self.offer(&mut session, &going.message).await;
            if let Err(error) = settle(db, going.id, state, &reply).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "what became of a test cannot be written down");
            }
        }
        if let Some(session) = session {
            session.quit().await;
        }
    }

    async fn offer(&self, session: &mut Option<Session>, message: &Message) -> (State, String) {
        if !session.as_mut().is_some_and(|session| session.is_usable()) {
            *session = match self.relay.connect().await {
                Ok(session) => Some(session),
                Err(error) => return (State::Deferred, error.to_string()),
            };
        }
        let Some(session) = session else {
            return (State::Deferred, String::new());
        };
        let envelope = Envelope {
            return_path: &message.return_path,
            recipient: &message.recipient,
        };
        let outcome = session.send(&envelope, message.bytes(), || true).await;
        let state = match &outcome {
            Outcome::Accepted { .. } => State::Accepted,
            Outcome::Bounced { .. } => State::Refused,
            Outcome::Deferred { .. } => State::Deferred,
            Outcome::Unknown { .. } => State::Unknown,
        };
        (state, outcome.words())
    }
}

/// Notes that proofs are about to go, before any of them does. `false` if there were too many in the last hour.
pub async fn begin(
    tx: &mut Tx,
    month: Month,
    to: &[(Uuid, &Address)],
    who: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    forget(tx, now - KEPT).await?;
    if since(tx, now - Duration::hours(1)).await? + to.len() as i64 > MOST_AN_HOUR {
        return Ok(false);
    }
    for (id, address) in to {
        on!(&mut *tx, |conn| {
            sqlx::query(
                "INSERT INTO proof (id, month, address, asked_by, asked_at, state, reply) \
                 VALUES ($1, $2, $3, $4, $5, $6, '')",
            )
            .bind(*id)
            .bind(month.to_string())
            .bind(address.masked())
            .bind(who)
            .bind(now)
            .bind(State::Going.as_str())
            .execute(conn)
            .await
            .map(drop)
        })?;
    }
    Ok(true)
}

/// The proofs of a month, the newest first.
pub async fn of_month(tx: &mut Tx, month: Month) -> sqlx::Result<Vec<Proof>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT id, address, asked_by, asked_at, state, reply FROM proof WHERE month = $1 \
             ORDER BY asked_at DESC, address LIMIT 50",
        )
        .bind(month.to_string())
        .fetch_all(conn)
        .await
    })
}

impl Proof {
    /// Where it stands, as one has to take it at `now`.
    pub fn stands(&self, now: DateTime<Utc>) -> State {
        match self.state {
            State::Going if self.asked_at + LONGEST < now => State::Unknown,
            state => state,
        }
    }
}

async fn since(tx: &mut Tx, then: DateTime<Utc>) -> sqlx::Result<i64> {
    on!(tx, |conn| sqlx::query_scalar(
        "SELECT count(*) FROM proof WHERE asked_at > $1"
    )
    .bind(then)
    .fetch_one(conn)
    .await)
}

async fn forget(tx: &mut Tx, before: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM proof WHERE asked_at < $1"
    )
    .bind(before)
    .execute(conn)
    .await
    .map(drop))
}

/// A server's words may quote the address: it is masked.
async fn settle(db: &Db, id: Uuid, state: State, reply: &str) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    on!(&mut tx, |conn| sqlx::query(
        "UPDATE proof SET state = $2, reply = $3 WHERE id = $1"
    )
    .bind(id)
    .bind(state.as_str())
    .bind(masked(reply).into_owned())
    .execute(conn)
    .await
    .map(drop))?;
    tx.commit().await
}
