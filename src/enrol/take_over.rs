//! Taking over: sorted lines become readers, many in one transaction.
//!
//! Address hashes and choices come in no order, and an index that is written all over costs more the longer it gets.
//! What was sorted first writes each index from one end to the other.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::record::{Line, NewChoice, write_not_taken};
use super::sorter::{SortError, Sorted, Sorter};
use super::{EnrolError, Enrolment};
use crate::address_book;
use crate::db::{Db, Tx, Value, on};
use crate::subscription::{self, Act, State};

/// Records that go to the database at a time: PostgreSQL makes ready for a thousand rows at each COPY.
const CHUNK: usize = 5_000;

/// Chunks in a transaction: on SQLite others wait for it to end.
const CHUNKS: usize = 10;

/// Makes sure that the choices are kept.
pub(super) async fn keep_choices(db: &Db, mut choices: Sorted) -> Result<(), EnrolError> {
    let mut next = Chunk::read(&mut choices)?;
    while !next.is_empty() {
        let mut tx = db.begin().await?;
        for _ in 0..CHUNKS {
            let chunk = next;
            let mut rows: Vec<_> = chunk
                .records()
                .map(NewChoice::read)
                .map(|new| (new.id, new.slugs))
                .collect();
            rows.dedup_by_key(|(id, _)| *id);
            let keep = subscription::keep_choices(&mut tx, &rows);
            let (kept, read) = tokio::join!(keep, async { Chunk::read(&mut choices) });
            kept?;
            next = read?;
            if next.is_empty() {
                break;
            }
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Lines that are taken over.
pub(super) struct TakingOver<'a> {
    enrolment: &'a Enrolment<'a>,
    db: &'a Db,
    lines: Sorted,
    /// The file's name and SHA-256.
    file: [&'a str; 2],
    /// Its number in the consent record, once a reader has come out of it.
    file_id: Option<i64>,
    not_taken: Sorter,
    pub added: u64,
}

impl<'a> TakingOver<'a> {
    pub fn new(
        enrolment: &'a Enrolment<'a>,
        db: &'a Db,
        lines: Sorted,
        file: [&'a str; 2],
    ) -> TakingOver<'a> {
        TakingOver {
            enrolment,
            db,
            lines,
            file,
            file_id: None,
            not_taken: Sorter::default(),
            added: 0,
        }
    }

    /// Adds the lines as active readers with the consent they gave, but for who is suppressed or known. `progress` hears
    /// which part of them is done.
    ///
    /// New ids rise in the order of the address hashes.
    pub async fn run(&mut self, progress: impl Fn(f64)) -> Result<(), EnrolError> {
        let count = self.lines.count as f64;
        let (mut done, mut before) = (0, [0; 32]);
        let mut next = Chunk::read(&mut self.lines)?;
        while !next.is_empty() {
            let mut tx = self.db.begin().await?;
            let mut ids = Ids::beginning_with((self.enrolment.new_id)());
            for _ in 0..CHUNKS {
                let chunk = next;
                let lines: Vec<Line<'_>> = chunk.records().map(Line::read).collect();
                let new = self.choose(&mut tx, &lines, &mut before, &mut ids).await?;
                let file_id = match new.is_empty() {
                    true => None,
                    false => Some(self.record_file(&mut tx).await?),
                };
                let write = write(&mut tx, &new, file_id, self.enrolment.now);
                // The next are read while the database is at work.
                let (written, read) = tokio::join!(write, async { Chunk::read(&mut self.lines) });
                written?;
                next = read?;
                done += lines.len();
                if next.is_empty() {
                    break;
                }
            }
            tx.commit().await?;
            self.added += u64::from(ids.given);
            progress(done as f64 / count);
        }
        Ok(())
    }

    /// The lines whose address may not come in, by their number.
    pub fn not_taken(self) -> Result<Sorted, SortError> {
        self.not_taken.sorted()
    }

    /// The file's number, under which it is recorded with the first reader who comes out of it.
    async fn record_file(&mut self, tx: &mut Tx) -> sqlx::Result<i64> {
        if let Some(known) = self.file_id {
            return Ok(known);
        }
        let [name, sha256] = self.file;
        let id = subscription::record_file(tx, name, sha256, self.enrolment.now).await?;
        self.file_id = Some(id);
        Ok(id)
    }

    /// The lines that are taken, each with its id. `before` is the address hash of the line before them.
    async fn choose<'l, 'b>(
        &mut self,
        tx: &mut Tx,
        lines: &'l [Line<'b>],
        before: &mut [u8; 32],
        ids: &mut Ids,
    ) -> Result<Vec<(Uuid, &'l Line<'b>)>, EnrolError> {
        let known = known(tx, lines).await?;
        let mut new = Vec::with_capacity(lines.len());
        for line in lines {
            let suppressed = match known.get(line.address_hash) {
                Some(suppressed) => Some(*suppressed),
                None => (line.address_hash == before).then_some(false),
            };
            before.copy_from_slice(line.address_hash);
            match suppressed {
                Some(suppressed) => self
                    .not_taken
                    .push(|to| write_not_taken(line, suppressed, to))?,
                None => new.push((ids.next(), line)),
            }
        }
        Ok(new)
    }
}

/// Ends an import. PostgreSQL counts its tables again, so that the next plan knows how long they have become.
pub(super) async fn close(db: Db, added: u64) -> sqlx::Result<()> {
    let mut tx = db.read().await?;
    let analyze = tx.on_postgres("ANALYZE subscriber, choice, consent");
    if added > 0 && !analyze.is_empty() {
        on!(&mut tx, |conn| sqlx::query(analyze)
            .execute(conn)
            .await
            .map(drop))?;
    }
    tx.commit().await?;
    db.close().await;
    Ok(())
}

/// Some records, one behind the other.
struct Chunk {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Chunk {
    fn read(from: &mut Sorted) -> Result<Chunk, EnrolError> {
        let mut chunk = Chunk {
            bytes: Vec::new(),
            ends: Vec::with_capacity(CHUNK),
        };
        while chunk.ends.len() < CHUNK && from.next(&mut chunk.bytes)? {
            chunk.ends.push(chunk.bytes.len());
        }
        Ok(chunk)
    }

    fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn records(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.bytes[start..*end])
    }
}

/// Ids for the readers of one transaction: they begin as the first does, and their last four bytes count.
struct Ids {
    first: Uuid,
    given: u32,
}

impl Ids {
    fn beginning_with(first: Uuid) -> Ids {
        Ids { first, given: 0 }
    }

    fn next(&mut self) -> Uuid {
        self.given += 1;
        let mut bytes = self.first.into_bytes();
        bytes[12..].copy_from_slice(&self.given.to_be_bytes());
        Uuid::from_bytes(bytes)
    }
}

/// The address hashes among those of `lines` that may not come in, and whether it is for a suppression.
async fn known(tx: &mut Tx, lines: &[Line<'_>]) -> sqlx::Result<HashMap<Vec<u8>, bool>> {
    let mut known = HashMap::new();
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return Ok(known);
    };
    let (first, last) = (first.address_hash, last.address_hash);
    // A list that was empty has none so far: lines come in the order of their address hashes.
    if !within(tx, "subscriber", first, last, 1).await?.is_empty() {
        let subscribers = subscribers(tx, lines).await?;
        known.extend(subscribers.into_iter().map(|hash| (hash, false)));
    }
    for hash in within(tx, "suppression", first, last, i64::MAX).await? {
        known.insert(hash, true);
    }
    Ok(known)
}

/// The first `most` address hashes of a table of ours that lie between these two. Planned each time: what was right for
/// a short table would stay.
async fn within(
    tx: &mut Tx,
    table: &'static str,
    first: &[u8],
    last: &[u8],
    most: i64,
) -> sqlx::Result<Vec<Vec<u8>>> {
    let sql = format!(
        "SELECT address_hash FROM {table} WHERE address_hash BETWEEN $1 AND $2 ORDER BY address_hash LIMIT $3"
    );
    on!(tx, |conn| sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(first)
        .bind(last)
        .bind(most)
        .persistent(false)
        .fetch_all(conn)
        .await)
}

/// The address hashes of `lines` that are subscribers'.
///
/// PostgreSQL takes them as an array.
async fn subscribers(tx: &mut Tx, lines: &[Line<'_>]) -> sqlx::Result<Vec<Vec<u8>>> {
    const SQL: &str = "SELECT address_hash FROM subscriber WHERE address_hash";
    match tx {
        Tx::Sqlite(tx) => {
            let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new(SQL);
            query.push(" IN (");
            let mut list = query.separated(",");
            for line in lines {
                list.push_bind(line.address_hash);
            }
            query.push(")");
            query.build_query_scalar().fetch_all(&mut **tx).await
        }
        Tx::Postgres(tx) => {
            let hashes: Vec<&[u8]> = lines.iter().map(|line| line.address_hash).collect();
            sqlx::query_scalar(AssertSqlSafe(format!("{SQL} = ANY($1)")))
                .bind(hashes)
                .persistent(false)
                .fetch_all(&mut **tx)
                .await
        }
    }
}

/// Adds readers and records the consent that came with each.
async fn write(
    tx: &mut Tx,
    new: &[(Uuid, &Line<'_>)],
    file: Option<i64>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let entries = new
        .iter()
        .map(|(id, line)| (*id, line.address.to_lowercase()));
    address_book::enter(tx, &entries.collect::<Vec<_>>()).await?;
    let readers = new.iter().map(|(id, line)| {
        [
            Value::Uuid(*id),
            Value::Text(line.address),
            Value::Bytes(line.address_hash),
            Value::Text(line.name),
            Value::Text(State::Active.as_str()),
            Value::Uuid(line.choice_id),
            Value::Text(line.frequency.as_str()),
            Value::Text(line.format.as_str()),
            Value::Text(line.language.as_str()),
            Value::Text(line.time_zone),
            Value::Time(line.consent_at),
            line.consent_until.map_or(Value::Null, Value::Time),
        ]
    });
    tx.add_rows(
        "subscriber",
        "id, address, address_hash, name, state, choice_id, frequency, format, language, time_zone, since, consent_until",
        &readers.collect::<Vec<_>>(),
    )
    .await?;
    let consents = new.iter().map(|(_, line)| {
        [
            Value::Bytes(line.address_hash),
            Value::Text(Act::Granted.as_str()),
            Value::Time(line.consent_at),
            Value::Text(line.consent_source),
            Value::Time(now),
            file.map_or(Value::Null, Value::Integer),
            Value::Integer(line.number as i64),
        ]
    });
    let columns = "address_hash, act, at, source, recorded_at, file_id, line";
    tx.add_rows("consent", columns, &consents.collect::<Vec<_>>())
        .await
}
