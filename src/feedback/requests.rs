//! What requests lead to: letters first, and changes only once the link of a letter was used.
//!
//! It happens after the page was answered, so that neither the answer nor its time tells who is subscribed.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use sqlx::types::Json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{lift_own, may_be_lifted, welcome};
use crate::clock::Clock;
use crate::db::{Db, Tx, on};
use crate::deliver::queue;
use crate::letter::{self, CONFIRM_DAYS, FRESH_HOURS, Letter, Says};
use crate::outbox::{self, Event};
use crate::request::{self, Form, Kind, Request};
use crate::returned;
use crate::secret::Keys;
use crate::subscriber::{self, Address, Pending, Subscriber};
use crate::subscription::{self, Act, State};
use crate::suppression;

/// Letters that ask an address to confirm: one in so long, and so many that nobody answered, ever.
const ASK_AGAIN: Duration = Duration::hours(24);
const MOST_UNANSWERED: i64 = 3;

/// Fresh links for one mailbox: so many in a day.
const MOST_FRESH_LINKS: i64 = 5;

/// Requests that are looked at in one transaction.
const AT_A_TIME: i64 = 100;

/// How often it is looked for requests of other processes, or of one that stopped.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(20);

/// How long letters are kept that have come to their end.
const KEEP_LETTERS: Duration = Duration::days(7);

/// Settles requests: one task beside the site.
#[derive(Clone)]
pub struct Requests {
    pub db: Db,
    pub keys: Keys,
    pub clock: Clock,
    pub new_id: fn() -> Uuid,
    /// Told when a page wrote one down.
    pub asked: Arc<Notify>,
}

/// What the link of a confirmation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The subscription is confirmed.
    Subscribed,
    /// Digests come to the new address now.
    Moved,
    /// It was used before, or is too old.
    Over,
}

impl Requests {
    /// Settles them as they come, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.settle().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "requests wait, for the database fails"
                );
            }
            tokio::select! {
                () = self.asked.notified() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Settles what has been asked for, and forgets what is too old; gives how many requests that were.
    pub async fn settle(&self) -> sqlx::Result<usize> {
        let mut settled = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let requests = request::unseen(&mut tx, AT_A_TIME).await?;
            for request in &requests {
                self.settle_one(&mut tx, request).await?;
            }
            settled += requests.len();
            if requests.is_empty() {
                self.tidy(&mut tx).await?;
            }
            tx.commit().await?;
            if requests.is_empty() {
                return Ok(settled);
            }
        }
    }

    async fn settle_one(&self, tx: &mut Tx, request: &Request) -> sqlx::Result<()> {
        let now = (self.clock)();
        let written = match (Address::parse(&request.address), &request.form) {
            (Ok(address), Some(Json(form))) => match request.kind {
                Kind::SignUp => self.sign_up(tx, request, &address, form, now).await?,
                Kind::Manage | Kind::Data => self.fresh_link(tx, request, &address, now).await?,
                Kind::Address => self.new_address(tx, request, &address, form, now).await?,
            },
            _ => None,
        };
        match written {
            Some((reader, letter)) => {
                letter::queue(tx, reader, request.id, &letter, now).await?;
                request::answered(tx, request, reader, now).await
            }
            None => request::drop_it(tx, request.id).await,
        }
    }

    /// Asks whoever has the address whether it was them. Somebody who is subscribed is told so.
    async fn sign_up(
        &self,
        tx: &mut Tx,
        request: &Request,
        address: &Address,
        form: &Form,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<(Uuid, Letter)>> {
        if !may_ask(tx, request, now).await? {
            return Ok(None);
        }
        let address_hash = address.hash(&self.keys);
        let suppressed = suppression::of(tx, &address_hash).await?;
        if suppressed
            .as_ref()
            .is_some_and(|found| !may_be_lifted(found.reason))
        {
            return Ok(None);
        }
        let known = subscriber::by_address(tx, &address_hash).await?;
        let is_subscribed = |reader: &Subscriber| reader.state == State::Active;
        let reader = match known {
            Some(reader) if is_subscribed(&reader) && suppressed.is_none() => {
                let letter = letter_to(&reader, Says::AlreadySubscribed, now);
                return Ok(Some((reader.id, letter)));
            }
            Some(reader) => reader.id,
            None => {
                let new = Pending {
                    id: (self.new_id)(),
                    address,
                    address_hash,
                    name: &form.name,
                    preferences: &form.preferences(None),
                };
                subscriber::add(tx, &new, now).await?;
                new.id
            }
        };
        let says = Says::Confirm {
            request: request.id,
            topics: form.topics.clone(),
            research_types: form.research_types.clone(),
            frequency: form.frequency,
        };
        let letter = Letter {
            at: now,
            language: form.language,
            to: None,
            says,
        };
        Ok(Some((reader, letter)))
    }

    /// A link for what wants more than a digest's, to the reader's own address and nowhere else.
    async fn fresh_link(
        &self,
        tx: &mut Tx,
        request: &Request,
        address: &Address,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<(Uuid, Letter)>> {
        let kinds = [Kind::Manage, Kind::Data];
        let since = now - Duration::days(1);
        let letters = request::letters(tx, &kinds, &request.mailbox_hash, since).await?;
        if letters.lately >= MOST_FRESH_LINKS {
            return Ok(None);
        }
        let address_hash = address.hash(&self.keys);
        if suppression::of(tx, &address_hash).await?.is_some() {
            return Ok(None);
        }
        let reader = subscriber::by_address(tx, &address_hash).await?;
        let says = match request.kind {
            Kind::Data => Says::ExportReady {
                request: request.id,
            },
            _ => Says::FreshLink {
                request: request.id,
            },
        };
        Ok(reader.map(|reader| (reader.id, letter_to(&reader, says, now))))
    }

    /// Asks the new address whether digests shall come there. One that is a reader's own already is asked nothing.
    async fn new_address(
        &self,
        tx: &mut Tx,
        request: &Request,
        address: &Address,
        form: &Form,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<(Uuid, Letter)>> {
        let Some(reader) = request.subscriber_id else {
            return Ok(None);
        };
        let address_hash = address.hash(&self.keys);
        let known = subscriber::by_address(tx, &address_hash).await?;
        let is_taken = known.is_some_and(|known| known.state == State::Active);
        let suppressed = suppression::of(tx, &address_hash).await?;
        if is_taken || suppressed.is_some() || !may_ask(tx, request, now).await? {
            return Ok(None);
        }
        let letter = Letter {
            at: now,
            language: form.language,
            to: Some(address.as_str().to_owned()),
            says: Says::ConfirmAddress {
                request: request.id,
            },
        };
        Ok(Some((reader, letter)))
    }

    /// Forgets what nobody answered, letters that have come to their end, and what came back long ago.
    async fn tidy(&self, tx: &mut Tx) -> sqlx::Result<()> {
        let now = (self.clock)();
        let before = now - Duration::days(CONFIRM_DAYS.into());
        request::forget(tx, before).await?;
        forget_pending(tx, before).await?;
        returned::tidy(tx, now).await?;
        letter::forget(tx, now - KEEP_LETTERS).await
    }
}

/// Confirms what a request asked for: the button behind the link of its letter.
pub async fn confirm(
    tx: &mut Tx,
    keys: &Keys,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Confirmed> {
    let Some((request, form, reader)) = usable(tx, id, now).await? else {
        return Ok(Confirmed::Over);
    };
    if !request::use_up(tx, id, now).await? {
        return Ok(Confirmed::Over);
    }
    match request.kind {
        Kind::SignUp => subscribe(tx, &request, &form, &reader, now).await,
        Kind::Address => move_to(tx, keys, &request, &reader, now).await,
        Kind::Manage | Kind::Data => Ok(Confirmed::Over),
    }
}

/// The request behind a link that still works, with what was filled in and the reader.
pub async fn usable(
    tx: &mut Tx,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<(Request, Form, Subscriber)>> {
    let Some(mut request) = request::by_id(tx, id).await? else {
        return Ok(None);
    };
    let lives = match request.kind {
        Kind::SignUp | Kind::Address => Duration::days(CONFIRM_DAYS.into()),
        Kind::Manage | Kind::Data => Duration::hours(FRESH_HOURS.into()),
    };
    let is_over = request.used_at.is_some() || now > request.asked_at + lives;
    let (false, Some(Json(form)), Some(reader)) =
        (is_over, request.form.take(), request.subscriber_id)
    else {
        return Ok(None);
    };
    let reader = subscriber::by_id(tx, reader).await?;
    Ok(reader.map(|reader| (request, form, reader)))
}

async fn subscribe(
    tx: &mut Tx,
    request: &Request,
    form: &Form,
    reader: &Subscriber,
    now: DateTime<Utc>,
) -> sqlx::Result<Confirmed> {
    let suppressed = suppression::of(tx, &reader.address_hash).await?;
    if reader.state == State::Active && suppressed.is_none() {
        // Nobody was asked, or it was confirmed by another letter: what they chose since then stays.
        return Ok(Confirmed::Over);
    }
    lift_own(tx, &reader.address_hash).await?;
    let preferences = form.preferences(reader.on_nothing);
    subscription::prefer(tx, reader.id, &preferences).await?;
    let name = match form.name.as_str() {
        "" => &reader.name,
        name => name,
    };
    subscriber::describe(tx, reader.id, name, &reader.time_zone).await?;
    subscription::begin(tx, reader.id, now).await?;
    let proof = json!({
        "text": form.text,
        "language": form.language,
        "page": form.page,
        "asked_at": request.asked_at,
        "confirmed_at": now,
    });
    let source = "sign-up page, confirmed by mail";
    subscription::record_consent(tx, &reader.address_hash, source, &proof, now).await?;
    if reader.state != State::Active {
        outbox::tell(tx, Event::Subscribed, &reader.address_hash, now).await?;
    }
    welcome(tx, reader.id, request.id, now).await?;
    Ok(Confirmed::Subscribed)
}

/// The new address confirmed, so the old one is told.
async fn move_to(
    tx: &mut Tx,
    keys: &Keys,
    request: &Request,
    reader: &Subscriber,
    now: DateTime<Utc>,
) -> sqlx::Result<Confirmed> {
    let Ok(address) = Address::parse(&request.address) else {
        return Ok(Confirmed::Over);
    };
    let address_hash = address.hash(keys);
    if let Some(other) = subscriber::by_address(tx, &address_hash).await? {
        if other.state == State::Active {
            return Ok(Confirmed::Over);
        }
        subscriber::wait_for_plans(tx).await?;
        subscriber::remove(tx, other.id).await?;
    }
    subscriber::move_to(tx, reader.id, &address, &address_hash).await?;
    let told = Letter {
        to: Some(reader.address.clone()),
        ..letter_to(
            reader,
            Says::AddressChanged {
                new_masked: address.masked(),
            },
            now,
        )
    };
    letter::queue(
        tx,
        reader.id,
        Uuid::new_v5(&request.id, b"told"),
        &told,
        now,
    )
    .await?;
    let (old, new) = (&reader.address_hash, address_hash.as_slice());
    let gone = "moved to another address";
    subscription::record(tx, old, Act::Changed, gone, now).await?;
    let came = "moved from another address, confirmed by mail";
    subscription::record(tx, new, Act::Granted, came, now).await?;
    Ok(Confirmed::Moved)
}

/// Whether one more letter may ask this mailbox for anything.
async fn may_ask(tx: &mut Tx, request: &Request, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let kinds = [Kind::SignUp, Kind::Address];
    let letters = request::letters(tx, &kinds, &request.mailbox_hash, now - ASK_AGAIN).await?;
    Ok(letters.lately == 0 && letters.unanswered < MOST_UNANSWERED)
}

fn letter_to(reader: &Subscriber, says: Says, now: DateTime<Utc>) -> Letter {
    Letter {
        at: now,
        language: reader.language,
        to: None,
        says,
    }
}

/// Somebody who never confirmed is nobody's reader. Who has a request that can still be answered stays.
async fn forget_pending(tx: &mut Tx, before: DateTime<Utc>) -> sqlx::Result<()> {
    let gone: Vec<Uuid> = on!(&mut *tx, |conn| {
        sqlx::query_scalar(
        "SELECT s.id FROM subscriber s WHERE s.state = 'pending' AND s.since < $1 AND NOT EXISTS \
         (SELECT 1 FROM request r WHERE r.subscriber_id = s.id AND r.asked_at >= $1) LIMIT 1000"
    )
    .bind(before)
    .fetch_all(conn)
    .await
    })?;
    if gone.is_empty() {
        return Ok(());
    }
    subscriber::wait_for_plans(tx).await?;
    for id in gone {
        queue::suppress_waiting(tx, id, "nobody confirmed", before).await?;
        subscriber::remove(tx, id).await?;
    }
    Ok(())
}
