//! What came back is acted on: a verdict changes a reader only where a signature of ours names a delivery that was sent
//! lately. All else is a note.

use chrono::{DateTime, Duration, Utc};

use super::leave;
use crate::alarm::{self, Allowed, Raised};
use crate::bounce::{Action, Class, Kind, Reading, Recipient};
use crate::campaign::DeliveryState;
use crate::db::{Tx, on, row};
use crate::letter::{self, Letter};
use crate::request;
use crate::returned::score::{self, Limit};
use crate::returned::{self, Did, New, Returned, Way, status_text};
use crate::secret::Keys;
use crate::subscriber::{self, Subscriber};
use crate::suppression::{self, Reason};
use crate::tally;

/// By what rules it is acted.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How long after it was offered a delivery's return path is believed.
    pub valid: Duration,
    pub soft: Limit,
    /// When refusals are a storm that pauses their campaign; `None`: never.
    pub storm: Option<Allowed>,
    /// Whether a reader who leaves gets a last letter, with a way back.
    pub goodbye: bool,
}

/// How something came, and by what it is known when it comes again.
#[derive(Clone, Copy, Debug)]
pub struct Came<'a> {
    pub way: Way,
    /// A provider's number of the event, a mail's Message-ID, or all of it.
    pub id: &'a [u8],
}

/// What acting came to.
#[derive(Debug)]
pub enum Acted {
    Done(Done),
    /// It came before, and changes nothing.
    Again,
    /// Its delivery is being sent just now, and whether it was accepted is not written down yet: let it come again.
    TooEarly,
}

/// What was done, to be told once it is committed.
#[derive(Debug)]
pub struct Done {
    pub kind: Kind,
    pub class: Option<Class>,
    pub reason: String,
    pub delivery: Option<i64>,
    pub did: Did,
    /// Why, without any address.
    pub note: String,
    /// A reader had been subscribed until now.
    pub has_left: bool,
    /// A storm that has just paused its campaign.
    pub raised: Option<Raised>,
}

/// Acts on what a mail or a provider's event says, all of it or nothing, and keeps it.
pub async fn act(
    tx: &mut Tx,
    keys: &Keys,
    terms: &Terms,
    reading: &Reading,
    came: Came<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<Acted> {
    let case = match reading.delivery {
        Some(delivery) => Case::open(tx, delivery).await?,
        None => None,
    };
    let reader = case.as_ref().and_then(|case| case.reader.as_ref());
    let said = Said::of(reading, reader.map(|reader| reader.address.as_str()));
    let mark = said.mark(keys, reading, came);
    if returned::is_known(tx, &mark).await? {
        return Ok(Acted::Again);
    }
    if case.as_ref().is_some_and(|case| case.is_under_way()) && said.changes_something() {
        return Ok(Acted::TooEarly);
    }
    let ruling = match &case {
        Some(case) => case.rule(tx, &said, terms, now).await?,
        None => Ruling::noted(match reading.delivery {
            Some(_) => "the delivery is not known any more",
            None => "no signature of ours",
        }),
    };
    let matter = Matter {
        said: &said,
        reading,
        case: case.as_ref(),
        mark: &mark,
        way: came.way,
        now,
    };
    matter.settle(tx, terms, ruling).await
}

/// Ends the subscription that a signed unsubscribe address or subject belongs to, as one click does: at any time, for it
/// is the reader who asks.
pub async fn leave_by_mail(
    tx: &mut Tx,
    keys: &Keys,
    terms: &Terms,
    delivery: i64,
    came: Came<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<Acted> {
    let reading = Reading {
        kind: Kind::Unsubscribe,
        because: "its unsubscribe address",
        delivery: Some(delivery),
        recipients: Vec::new(),
    };
    let said = Said::Leaves;
    let case = Case::open(tx, delivery).await?;
    let mark = said.mark(keys, &reading, came);
    if returned::is_known(tx, &mark).await? {
        return Ok(Acted::Again);
    }
    let ruling = match &case {
        Some(case) if case.reader.is_some() => Ruling::of(Did::Unsubscribed, ""),
        Some(_) => Ruling::noted(ERASED),
        None => Ruling::noted("the delivery is not known any more"),
    };
    let matter = Matter {
        said: &said,
        reading: &reading,
        case: case.as_ref(),
        mark: &mark,
        way: came.way,
        now,
    };
    matter.settle(tx, terms, ruling).await
}

const ERASED: &str = "the reader was erased";

/// What of a mail matters for a delivery.
enum Said<'a> {
    Failed(&'a Recipient),
    Complains,
    Leaves,
    /// It is never counted, and why.
    Nothing(&'static str),
}

impl<'a> Said<'a> {
    fn of(reading: &'a Reading, reader: Option<&str>) -> Said<'a> {
        match reading.kind {
            Kind::Complaint => Said::Complains,
            Kind::Unsubscribe => Said::Leaves,
            Kind::Bounce => match the_one(&reading.recipients, reader) {
                Some(recipient) if recipient.verdict.class == Class::Delayed => {
                    Said::Nothing("it is still being tried")
                }
                Some(recipient) => match recipient.action {
                    Action::Failed => Said::Failed(recipient),
                    Action::Delayed => Said::Nothing("it is still being tried"),
                    Action::Delivered | Action::Relayed | Action::Expanded => {
                        Said::Nothing("it arrived")
                    }
                },
                None => Said::Nothing("it does not say that anything failed"),
            },
            Kind::Autoreply => Said::Nothing("a program answered for somebody"),
            Kind::Report => Said::Nothing("it is about no reader"),
            Kind::Success => Said::Nothing("it arrived"),
            Kind::None => Said::Nothing("an ordinary mail"),
        }
    }

    fn changes_something(&self) -> bool {
        !matches!(self, Said::Nothing(_))
    }

    fn failed(&self) -> Option<&'a Recipient> {
        match self {
            Said::Failed(recipient) => Some(recipient),
            _ => None,
        }
    }

    /// The same event about the same delivery has the same mark, by whatever way it comes; a warning and the failure that
    /// follows it have not, even under one Message-ID.
    fn mark(&self, keys: &Keys, reading: &Reading, came: Came<'_>) -> String {
        let class = self.failed().map_or("", |one| one.verdict.class.as_str());
        let delivery = reading.delivery.unwrap_or(-1);
        let what = format!("{}\n{class}\n{delivery}\n", reading.kind);
        keys.mark(&[what.as_bytes(), came.id].concat())
    }
}

/// The recipient that speaks for a delivery, which has one reader: by their own address if it is named. An alias may have
/// led to several mailboxes; what one of them did not get, another may have, so the mildest verdict counts.
fn the_one<'a>(recipients: &'a [Recipient], reader: Option<&str>) -> Option<&'a Recipient> {
    recipients.iter().min_by_key(|one| {
        let address = one.address.as_deref().unwrap_or_default();
        let is_theirs = reader.is_some_and(|reader| reader.eq_ignore_ascii_case(address));
        let arrived = matches!(
            one.action,
            Action::Delivered | Action::Relayed | Action::Expanded
        );
        let class = match one.verdict.class {
            Class::Delayed => 0,
            Class::Block => 1,
            Class::Soft => 2,
            Class::Hard => 3,
        };
        (!is_theirs, !arrived, class)
    })
}

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
struct Case {
    sent: Sent,
    reader: Option<Subscriber>,
    /// How many reports said that it failed, and how many of these that somebody was refused.
    failures: (i64, i64),
}

/// What is to be done, and why.
struct Ruling {
    did: Did,
    note: &'static str,
    /// The delivery counts as bounced.
    bounces: bool,
}

impl Ruling {
    fn of(did: Did, note: &'static str) -> Ruling {
        Ruling {
            did,
            note,
            bounces: false,
        }
    }

    fn noted(why: &'static str) -> Ruling {
        Ruling::of(Did::Noted, why)
    }
}

impl Case {
    /// Reads the delivery, and keeps others from changing it meanwhile.
    async fn open(tx: &mut Tx, delivery: i64) -> sqlx::Result<Option<Case>> {
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
    fn is_under_way(&self) -> bool {
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

    fn offered_at(&self) -> DateTime<Utc> {
        self.sent.first_tried_at.unwrap_or(self.sent.changed_at)
    }

    async fn rule(
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

/// Something that came back, with all that is known of it.
struct Matter<'a> {
    said: &'a Said<'a>,
    reading: &'a Reading,
    case: Option<&'a Case>,
    mark: &'a str,
    way: Way,
    now: DateTime<Utc>,
}

impl Matter<'_> {
    /// Keeps it, as long as there is not too much of that delivery, and does what the ruling says.
    async fn settle(&self, tx: &mut Tx, terms: &Terms, ruling: Ruling) -> sqlx::Result<Acted> {
        let new = New {
            mark: self.mark,
            subscriber_id: self.reader().map(|reader| reader.id),
            row: self.row(&ruling),
        };
        returned::add(tx, &new).await?;
        let mut done = Done {
            kind: self.reading.kind,
            class: new.row.class,
            reason: new.row.reason,
            delivery: new.row.delivery_id,
            did: ruling.did,
            note: ruling.note.to_owned(),
            has_left: false,
            raised: None,
        };
        self.change_the_reader(tx, terms, &mut done).await?;
        if let (true, Some(case)) = (ruling.bounces, self.case) {
            done.raised = self.bounce(tx, case, terms).await?;
        }
        Ok(Acted::Done(done))
    }

    fn reader(&self) -> Option<&Subscriber> {
        self.case.and_then(|case| case.reader.as_ref())
    }

    async fn change_the_reader(
        &self,
        tx: &mut Tx,
        terms: &Terms,
        done: &mut Done,
    ) -> sqlx::Result<()> {
        let Some(reader) = self.reader() else {
            return Ok(());
        };
        let (hash, now) = (&reader.address_hash, self.now);
        match (done.did, self.said) {
            (Did::Suppressed, Said::Failed(failed)) => {
                let code = failed.status.map(status_text).unwrap_or_default();
                suppression::suppress(tx, hash, Reason::HardBounce, &code, now).await
            }
            (Did::Counted, _) => {
                if let Some(note) = score::weigh(tx, reader.id, terms.soft, now).await? {
                    returned::set_did(tx, self.mark, Did::Suppressed, &note).await?;
                    (done.did, done.note) = (Did::Suppressed, note);
                }
                Ok(())
            }
            (Did::Unsubscribed, Said::Complains) => {
                done.has_left = leave(tx, reader, "complaint", false, now).await?;
                suppression::suppress(tx, hash, Reason::Complaint, "", now).await
            }
            (Did::Unsubscribed, _) => {
                let source = "a mail that asks to unsubscribe";
                done.has_left = leave(tx, reader, source, terms.goodbye, now).await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The delivery did not arrive after all: both books are corrected. Gives the storm that this may make it.
    async fn bounce(
        &self,
        tx: &mut Tx,
        case: &Case,
        terms: &Terms,
    ) -> sqlx::Result<Option<Raised>> {
        let campaign = case.sent.campaign_id;
        let class = self.said.failed().map(|failed| failed.verdict.class);
        let is_refused = matches!(class, Some(Class::Hard | Class::Block));
        let at = case.offered_at();
        if case.sent.state == DeliveryState::Bounced {
            if is_refused && case.failures.1 == 0 {
                tally::refused(tx, campaign, at).await?;
            }
        } else {
            set_bounced(tx, case.sent.id, self.now).await?;
            let was_accepted = case.sent.state == DeliveryState::Accepted;
            tally::came_back(tx, campaign, was_accepted, is_refused, at).await?;
        }
        match terms.storm {
            Some(allowed) if is_refused && campaign != letter::CAMPAIGN => {
                alarm::pause_in_storm(tx, campaign, allowed).await
            }
            _ => Ok(None),
        }
    }

    fn row(&self, ruling: &Ruling) -> Returned {
        let failed = self.said.failed();
        let told = failed.or_else(|| the_one(&self.reading.recipients, None));
        let domain = self.reader().and_then(|reader| {
            let (_, domain) = reader.address.rsplit_once('@')?;
            Some(domain.to_owned())
        });
        // Of whom we do not know, we keep nothing that may name them. What is kept is shown on a terminal.
        let words = told.map(|one| one.words.replace(char::is_control, " "));
        let words = words.filter(|words| self.reader().is_some() && !words.is_empty());
        let verdict = told.filter(|_| self.reading.kind == Kind::Bounce);
        let verdict = verdict.map(|one| &one.verdict);
        Returned {
            at: self.now,
            way: self.way,
            kind: self.reading.kind,
            class: verdict.map(|verdict| verdict.class),
            reason: verdict.map_or("", |verdict| verdict.reason).to_owned(),
            because: verdict
                .map_or(self.reading.because, |verdict| verdict.because)
                .to_owned(),
            status: told.and_then(|one| one.status).map(status_text),
            delivery_id: self.case.map(|case| case.sent.id),
            domain,
            words,
            did: ruling.did,
            note: ruling.note.to_owned(),
        }
    }
}

async fn set_bounced(tx: &mut Tx, delivery: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE delivery SET state = 'bounced', due_at = NULL, changed_at = $2 WHERE id = $1"
    )
    .bind(delivery)
    .bind(now)
    .execute(conn)
    .await
    .map(drop))
}
