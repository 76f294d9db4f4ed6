//! Enrolling: subscribers out of a CSV file, with the consent that each of them gave elsewhere.

pub mod beside;
mod line;
mod record;
pub mod refusals;
mod sorter;
mod take_over;
mod why;

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use chrono::{DateTime, Duration, Utc};
use csv::{ByteRecord, Reader, ReaderBuilder};
use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};
use serde::Serialize;
use uuid::Uuid;

pub use self::line::ConsentKind;
use self::line::Lines;
use self::record::{NotTaken, write_choice, write_line};
pub use self::sorter::SortError;
use self::sorter::{Sorted, Sorter};
use self::take_over::{TakingOver, close, keep_choices};
pub use self::why::Why;
use crate::db::Db;
use crate::secret::Keys;
use crate::topic::Vocabulary;

/// The columns that are read; only `address`, `consent_at` and `consent_source` must be there and filled.
pub const COLUMNS: [&str; 11] = [
    "address",
    "name",
    "topics",
    "research_types",
    "frequency",
    "format",
    "language",
    "time_zone",
    "consent_at",
    "consent_source",
    "consent_kind",
];

/// Columns that a list of refused lines has besides; they are passed over when it is imported again.
const PASSED_OVER: [&str; 2] = ["line", "reason"];

/// After how many lines `progress` hears of it.
const GLANCE: u64 = 1_000;

/// A line longer than this is a quote that was never closed, or an attack.
const LONGEST_LINE_BYTES: usize = 1 << 20;

/// What an import came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Enrolled {
    pub added: u64,
    pub refused: u64,
}

/// A line that was refused, and why.
#[derive(Debug)]
pub struct Refused {
    /// Counted from 1, the heading being the first.
    pub line: u64,
    pub why: Why,
    /// The file's own heading, and the line under it.
    pub heading: Rc<[String]>,
    pub fields: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    #[error("the file cannot be read as CSV")]
    Csv(#[from] csv::Error),
    #[error("the file has no heading; the first line must name the columns: {}", COLUMNS.join(","))]
    NoHeading,
    #[error("there is no column '{name}'; the columns are {}", COLUMNS.join(","))]
    UnknownColumn { name: String },
    #[error("the column '{0}' is missing; address, consent_at and consent_source must be there")]
    MissingColumn(&'static str),
    #[error("the column '{0}' stands twice")]
    ColumnTwice(String),
    #[error("the list of refused lines cannot be written")]
    Refusals(#[source] io::Error),
    #[error(transparent)]
    Sorting(#[from] SortError),
    #[error(
        "the database failed; readers that were added are kept, and importing the file again adds the others"
    )]
    Database(#[from] sqlx::Error),
}

/// What an import needs beside the file.
pub struct Enrolment<'a> {
    pub db: &'a Db,
    pub keys: &'a Keys,
    pub vocabulary: &'a Vocabulary,
    pub now: DateTime<Utc>,
    /// How long a consent lasts that was only implied.
    pub implied_life: Duration,
    /// Gives the beginning of the ids of new subscribers; ids that rise with time keep the tables in order.
    pub new_id: &'a dyn Fn() -> Uuid,
}

impl Enrolment<'_> {
    /// Adds every line of `file`, which the consent record calls `name`, that can be taken as an active subscriber, and hands every other to `refuse`: first
    /// those that cannot be read, then those whose address may not come in. Nobody who is suppressed, or has left, is
    /// brought back.
    ///
    /// Reads and sorts the lines, then takes them over, in bounded memory. `progress` hears how far this is, in bytes
    /// of the file, each counted twice: when it is read and when it is taken over.
    pub async fn run(
        &self,
        name: &str,
        file: impl Read,
        mut refuse: impl FnMut(Refused) -> io::Result<()>,
        progress: impl Fn(u64),
    ) -> Result<Enrolled, EnrolError> {
        let mut source = Source::open(file)?;
        let mut reading = Lines::new(self, &source.record)?;
        let heading = reading.columns();
        let mut enrolled = Enrolled::default();
        let mut refuse = |line, why, fields| {
            enrolled.refused += 1;
            let heading = heading.clone();
            let refused = Refused {
                line,
                why,
                heading,
                fields,
            };
            refuse(refused).map_err(EnrolError::Refusals)
        };
        let (lines, choices, bytes) = source.sort(&mut reading, &mut refuse, &progress)?;
        let db = self.db.apart().await?;
        keep_choices(&db, choices).await?;
        let progress = |part: f64| progress(bytes + (bytes as f64 * part) as u64);
        let sha256 = source.sha256();
        let mut taking_over = TakingOver::new(self, &db, lines, [name, &sha256]);
        let taken_over = taking_over.run(progress).await;
        let added = taking_over.added;
        let mut not_taken = taking_over.not_taken()?;
        let mut record = Vec::new();
        while not_taken.next(&mut record)? {
            let line = NotTaken::read(&record);
            let why = match line.suppressed {
                true => Why::Suppressed,
                false => Why::Known,
            };
            refuse(line.number, why, record::fields(line.fields))?;
            record.clear();
        }
        taken_over?;
        close(db, added).await?;
        enrolled.added = added;
        Ok(enrolled)
    }
}

/// The file, its heading or a line at a time.
struct Source<R> {
    reader: Reader<Capped<R>>,
    /// What was read last.
    record: ByteRecord,
    since_line: Rc<Cell<usize>>,
}

impl<R: Read> Source<R> {
    /// With its heading read.
    fn open(file: R) -> Result<Source<R>, EnrolError> {
        let since_line = Rc::new(Cell::new(0));
        let capped = Capped {
            file,
            read: since_line.clone(),
            sum: Context::new(&SHA256),
        };
        let mut reader = ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .from_reader(capped);
        let mut record = ByteRecord::new();
        if !reader.read_byte_record(&mut record)? {
            return Err(EnrolError::NoHeading);
        }
        Ok(Source {
            reader,
            record,
            since_line,
        })
    }

    /// Of what has been read so far, in hexadecimal digits.
    fn sha256(&self) -> String {
        HEXLOWER.encode(self.reader.get_ref().sum.clone().finish().as_ref())
    }

    /// The lines that read well and their choices, sorted, and the length of the file; hands each other line to `refuse`.
    fn sort(
        &mut self,
        reading: &mut Lines<'_>,
        refuse: &mut impl FnMut(u64, Why, Vec<String>) -> Result<(), EnrolError>,
        progress: &impl Fn(u64),
    ) -> Result<(Sorted, Sorted, u64), EnrolError> {
        let (mut lines, mut choices) = (Sorter::default(), Sorter::default());
        loop {
            self.since_line.set(0);
            let number = self.reader.position().line();
            if !self.reader.read_byte_record(&mut self.record)? {
                break;
            }
            let record = &self.record;
            match reading.read(record) {
                Ok(new) => {
                    if let Some(choice) = &new.choice {
                        choices.push(|to| write_choice(new.choice_id, choice, to))?;
                    }
                    lines.push(|to| write_line(number, &new, record, to))?;
                }
                Err(why) => refuse(number, why, fields(record))?,
            }
            if number.is_multiple_of(GLANCE) {
                progress(self.reader.position().byte());
            }
        }
        let bytes = self.reader.position().byte();
        Ok((lines.sorted()?, choices.sorted()?, bytes))
    }
}

/// Refuses to read on when one line takes more than its share; sums up what it reads.
struct Capped<R> {
    file: R,
    read: Rc<Cell<usize>>,
    sum: Context,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read.get() > LONGEST_LINE_BYTES {
            return Err(io::Error::other(
                "a line is longer than 1 MB; is a quote not closed?",
            ));
        }
        let read = self.file.read(buffer)?;
        self.read.set(self.read.get() + read);
        self.sum.update(&buffer[..read]);
        Ok(read)
    }
}

fn fields(record: &ByteRecord) -> Vec<String> {
    record
        .iter()
        .map(|field| String::from_utf8_lossy(field).into_owned())
        .collect()
}
