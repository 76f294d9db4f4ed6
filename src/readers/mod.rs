//! Readers as the operator's people look for them: by a part of the address, by what can be asked about them, or both.

pub mod entry;
mod filter;
pub mod sheet;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

pub use self::filter::Filter;
use self::filter::{Bound, Statement, bind_all};
use crate::address_book;
pub use crate::address_book::{AddressBook, Order, Part};
use crate::db::{Tx, on};
use crate::subscriber::{self, Subscriber};

/// Up to here a page counts the readers for whom a filter holds.
const COUNTED: usize = 2_000;

/// Up to here it counts those with a part in their address, which takes far less time.
const COUNTED_BY_PART: usize = 20_000;

/// Hits of a search that are held against a filter for a page, and how many at a time.
const LOOKED_AT: usize = 3_000;
const AT_A_TIME: usize = 1_000;

/// Longest part of an address that is looked for; an address has no more bytes.
const LONGEST_PART: usize = 254;

/// Whom somebody looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    /// A part of the address.
    pub part: Option<String>,
    pub filter: Option<Filter>,
}

/// How many readers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Exactly(usize),
    /// Counting on would have taken too long.
    MoreThan(usize),
}

/// Some of the readers who were looked for.
#[derive(Clone)]
pub struct Listed {
    pub readers: Vec<Subscriber>,
    /// Behind whom the list goes on.
    pub next: Option<Uuid>,
    pub count: Count,
}

/// Which part of the list is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub order: Order,
    pub after: Option<Uuid>,
    pub most: usize,
}

impl<'a> Part<'a> {
    /// At this place of the list; nothing is counted but what is passed on the way.
    fn at(text: &'a str, place: Place) -> Part<'a> {
        Part {
            text,
            order: place.order,
            after: place.after,
            most: place.most,
            counted: 0,
        }
    }

    /// All who have it, counted to the last, of whom `most` are named.
    fn all(text: &'a str, most: usize) -> Part<'a> {
        Part {
            text,
            order: Order::Oldest,
            after: None,
            most,
            counted: usize::MAX,
        }
    }
}

impl Wanted {
    /// Whether it is something that a person may have asked for.
    pub fn is_fit(&self) -> bool {
        self.filter.as_ref().is_none_or(Filter::is_fit)
            && self
                .part
                .as_ref()
                .is_none_or(|part| !part.is_empty() && part.len() <= LONGEST_PART)
    }

    /// Everybody.
    pub fn is_all(&self) -> bool {
        self.part.is_none() && self.filter.is_none()
    }
}

impl Count {
    /// As far as it is known.
    pub fn least(self) -> usize {
        match self {
            Count::Exactly(readers) | Count::MoreThan(readers) => readers,
        }
    }

    /// What `found` means, counted no further than one more than `most`.
    fn of(found: usize, most: usize) -> Count {
        match found > most {
            true => Count::MoreThan(most),
            false => Count::Exactly(found),
        }
    }
}

/// Lists readers, page by page.
pub async fn list(
    tx: &mut Tx,
    book: &Arc<AddressBook>,
    wanted: &Wanted,
    place: Place,
    now: DateTime<Utc>,
) -> sqlx::Result<Listed> {
    let most = place.most;
    // One more than are shown says whether the list goes on.
    let one_more = Place {
        most: most + 1,
        ..place
    };
    let mut rest = None;
    let (mut ids, count) = match (&wanted.part, &wanted.filter) {
        (None, None) => {
            let all = address_book::count(tx).await?;
            let ids = filtered(tx, None, one_more, now).await?;
            (ids, Count::Exactly(all.unsigned_abs() as usize))
        }
        (None, Some(filter)) => {
            let found = count_filtered(tx, filter, COUNTED + 1, now).await?;
            let asked = Asked {
                filter,
                holds_for_many: found > COUNTED,
            };
            let ids = filtered(tx, Some(asked), one_more, now).await?;
            (ids, Count::of(found, COUNTED))
        }
        (Some(part), None) => {
            let looked_for = Part {
                counted: COUNTED_BY_PART + 1,
                ..Part::at(part, one_more)
            };
            let found = book.search(tx, looked_for).await?;
            (found.ids, Count::of(found.hits, COUNTED_BY_PART))
        }
        (Some(part), Some(filter)) => {
            let (ids, unseen, count) = both(tx, book, (part, filter), one_more, now).await?;
            rest = unseen;
            (ids, count)
        }
    };
    let next = match ids.len() > most {
        true => {
            ids.truncate(most);
            ids.last().copied()
        }
        false => rest,
    };
    let mut readers = subscriber::of_ids(tx, &ids).await?;
    readers.sort_by_key(|reader| ids.iter().position(|id| *id == reader.id));
    Ok(Listed {
        readers,
        next,
        count,
    })
}

/// How many there are, to the last one. It takes as long as it takes: for who is about to change them all.
pub async fn count(
    tx: &mut Tx,
    book: &Arc<AddressBook>,
    wanted: &Wanted,
    now: DateTime<Utc>,
) -> sqlx::Result<usize> {
    match (&wanted.part, &wanted.filter) {
        (None, None) => Ok(address_book::count(tx).await?.unsigned_abs() as usize),
        (None, Some(filter)) => count_filtered(tx, filter, usize::MAX, now).await,
        (Some(part), None) => Ok(book.search(tx, Part::all(part, 0)).await?.hits),
        (Some(part), Some(filter)) => {
            let hits = book.search(tx, Part::all(part, usize::MAX)).await?.ids;
            let mut found = 0;
            for some in hits.chunks(AT_A_TIME) {
                found += held_against(tx, some, filter, now).await?.len();
            }
            Ok(found)
        }
    }
}

/// The ids of the next ones behind `after`, oldest first, at most `most`, and behind whom the rest are; `None` when there
/// are no more. For who goes through all of them in portions.
pub async fn portion(
    tx: &mut Tx,
    book: &Arc<AddressBook>,
    wanted: &Wanted,
    (after, most): (Option<Uuid>, usize),
    now: DateTime<Utc>,
) -> sqlx::Result<Option<(Vec<Uuid>, Uuid)>> {
    let place = Place {
        order: Order::Oldest,
        after,
        most,
    };
    let filter = wanted.filter.as_ref();
    let ids = match &wanted.part {
        None => filtered(tx, filter.map(Asked::of), place, now).await?,
        Some(part) => book.search(tx, Part::at(part, place)).await?.ids,
    };
    let Some(last) = ids.last().copied() else {
        return Ok(None);
    };
    let ids = match (&wanted.part, filter) {
        (Some(_), Some(filter)) => held_against(tx, &ids, filter, now).await?,
        _ => ids,
    };
    Ok(Some((ids, last)))
}

/// Hits of a search that were held against a filter.
struct Looked {
    /// For whom it holds.
    held: Vec<Uuid>,
    /// Behind whom there are hits that nobody has looked at.
    rest: Option<Uuid>,
}

/// Looks at hits in the order of the list, as many as a page can wait for.
async fn look(
    tx: &mut Tx,
    book: &Arc<AddressBook>,
    (part, filter): (&str, &Filter),
    place: Place,
    now: DateTime<Utc>,
) -> sqlx::Result<Looked> {
    // One more than are looked at says whether there are others.
    let hits = Place {
        most: LOOKED_AT + 1,
        ..place
    };
    let mut hits = book.search(tx, Part::at(part, hits)).await?.ids;
    let goes_on = hits.len() > LOOKED_AT;
    hits.truncate(LOOKED_AT);
    let rest = hits.last().copied().filter(|_| goes_on);
    let mut held = Vec::new();
    for some in hits.chunks(AT_A_TIME) {
        held.extend(held_against(tx, some, filter, now).await?);
    }
    Ok(Looked { held, rest })
}

/// A page of hits for which a filter holds, with one more where there is one, and behind whom to look on where there may be.
async fn both(
    tx: &mut Tx,
    book: &Arc<AddressBook>,
    wanted: (&str, &Filter),
    place: Place,
    now: DateTime<Utc>,
) -> sqlx::Result<(Vec<Uuid>, Option<Uuid>, Count)> {
    let beginning = Place {
        after: None,
        ..place
    };
    let first = look(tx, book, wanted, beginning, now).await?;
    let count = match first.rest {
        Some(_) => Count::MoreThan(first.held.len()),
        None => Count::Exactly(first.held.len()),
    };
    let mut here = match place.after {
        Some(_) => look(tx, book, wanted, place, now).await?,
        None => first,
    };
    here.held.truncate(place.most);
    Ok((here.held, here.rest, count))
}

/// Those of `ids` for whom the filter holds, in their order.
async fn held_against(
    tx: &mut Tx,
    ids: &[Uuid],
    filter: &Filter,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    let mut statement = Statement::select(tx, "s.id", now);
    statement.ask(filter);
    statement.among(ids);
    let held: std::collections::HashSet<Uuid> =
        fetch_ids(tx, statement).await?.into_iter().collect();
    Ok(ids.iter().copied().filter(|id| held.contains(id)).collect())
}

/// A filter, and what is known of it.
#[derive(Clone, Copy)]
struct Asked<'a> {
    filter: &'a Filter,
    holds_for_many: bool,
}

impl<'a> Asked<'a> {
    fn of(filter: &'a Filter) -> Asked<'a> {
        Asked {
            filter,
            holds_for_many: false,
        }
    }
}

async fn filtered(
    tx: &mut Tx,
    asked: Option<Asked<'_>>,
    place: Place,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    let mut statement = Statement::select(tx, "s.id", now);
    match asked {
        Some(asked) => {
            statement.holds_for_many = asked.holds_for_many;
            statement.ask(asked.filter);
        }
        None => statement.say("1 = 1"),
    }
    let [behind, order] = match place.order {
        Order::Newest => [" AND s.id < ", " ORDER BY s.id DESC LIMIT "],
        Order::Oldest => [" AND s.id > ", " ORDER BY s.id LIMIT "],
    };
    if let Some(after) = place.after {
        statement.say(behind);
        statement.bind(Bound::Id(after));
    }
    statement.say(order);
    statement.bind(Bound::Number(place.most as i64));
    fetch_ids(tx, statement).await
}

async fn fetch_ids(tx: &mut Tx, statement: Statement) -> sqlx::Result<Vec<Uuid>> {
    let Statement { sql, bound, .. } = statement;
    on!(tx, |conn| bind_all!(
        sqlx::query_scalar(AssertSqlSafe(sql)),
        bound
    )
    .persistent(false)
    .fetch_all(conn)
    .await)
}

/// Counts no further than `most`.
async fn count_filtered(
    tx: &mut Tx,
    filter: &Filter,
    most: usize,
    now: DateTime<Utc>,
) -> sqlx::Result<usize> {
    let mut statement = Statement::select(tx, "1", now);
    statement.ask(filter);
    statement.say(" LIMIT ");
    statement.bind(Bound::Number(i64::try_from(most).unwrap_or(i64::MAX)));
    let Statement { sql, bound, .. } = statement;
    let sql = format!("SELECT count(*) FROM ({sql}) found");
    let found: i64 = on!(tx, |conn| bind_all!(
        sqlx::query_scalar(AssertSqlSafe(sql)),
        bound
    )
    .persistent(false)
    .fetch_one(conn)
    .await)?;
    Ok(found.unsigned_abs() as usize)
}
