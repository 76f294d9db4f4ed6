//! What came back is acted on: a verdict changes a reader only where a signature of ours names a delivery that was sent
//! lately. All else is a note.

mod case;
mod matter;
mod said;

use chrono::{DateTime, Duration, Utc};

use self::case::{Case, Ruling};
use self::matter::Matter;
use self::said::Said;
use crate::alarm::{Allowed, Raised};
use crate::bounce::{Class, Kind, Reading};
use crate::db::Tx;
use crate::returned::score::Limit;
use crate::returned::{self, Did, Way};
use crate::secret::Keys;

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
    /// The receiving domain, where the reader is known.
    pub domain: Option<String>,
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

/// Why nothing follows for somebody who is not there any more.
const ERASED: &str = "the reader was erased";
