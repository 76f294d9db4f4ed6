//! Enrolling: subscribers out of a CSV file, with the consent that each of them gave elsewhere.

mod pending;

use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, Read};
use std::rc::Rc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use csv::{ByteRecord, ReaderBuilder};
use serde::Serialize;
use tokio::task::JoinHandle;
use uuid::Uuid;

use self::pending::{Line, Pending};
use crate::db::Db;
use crate::secret::Keys;
use crate::subscriber::{Address, NewSubscriber};
use crate::subscription::Choice;
use crate::topic::Vocabulary;

/// The columns that are read; only the first and the last two must be there and filled.
pub const COLUMNS: [&str; 10] = [
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
];

/// Columns that a list of refused lines has besides; they are passed over when it is imported again.
const PASSED_OVER: [&str; 2] = ["line", "reason"];

/// Lines that are read while as many are set down.
const CHUNK: usize = 1_000;

/// Lines that are taken over in one transaction, a multiple of `CHUNK`: on SQLite others wait for it to end.
const BATCH: usize = 100_000;

const SUPPRESSED: &str = "the address is suppressed; `bulletin subscriber show` says why";
const KNOWN: &str = "the address is a subscriber already, or stands in the file twice";

/// A line longer than this is a quote that was never closed, or an attack.
const LONGEST_LINE_BYTES: usize = 1 << 20;

/// Longest name and consent source, in characters.
const LONGEST_TEXT: usize = 200;

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
    pub reason: String,
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
    #[error(
        "the database failed; the lines before were kept, and importing the file again goes on from there"
    )]
    Database(#[from] sqlx::Error),
}

/// What an import needs beside the file.
pub struct Enrolment<'a> {
    pub db: &'a Db,
    pub keys: &'a Keys,
    pub vocabulary: &'a Vocabulary,
    pub now: DateTime<Utc>,
    /// Gives the beginning of the ids of new subscribers; ids that rise with time keep the tables in order.
    pub new_id: &'a dyn Fn() -> Uuid,
}

impl Enrolment<'_> {
    /// Adds every line of `file` that can be taken as an active subscriber, and hands every other to `refuse`.
    ///
    /// Reads as it goes, in bounded memory. `progress` hears how many bytes have been read. Nobody who is suppressed,
    /// or has left, is brought back.
    pub async fn run(
        &self,
        file: impl Read,
        mut refuse: impl FnMut(Refused) -> io::Result<()>,
        progress: impl Fn(u64),
    ) -> Result<Enrolled, EnrolError> {
        let since_line = Rc::new(Cell::new(0));
        let capped = Capped {
            file,
            read: since_line.clone(),
        };
        let mut reader = ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .from_reader(capped);
        let mut record = ByteRecord::new();
        if !reader.read_byte_record(&mut record)? {
            return Err(EnrolError::NoHeading);
        }
        let heading = Heading::read(&record)?;
        let columns = heading.names.clone();
        let mut refuse = |line, reason, fields| {
            let heading = columns.clone();
            refuse(Refused {
                line,
                reason,
                heading,
                fields,
            })
        };
        let mut enrolled = Enrolled::default();
        let mut pending = Pending::open(self.db).await?;
        let mut setting_down = tokio::spawn(pending.set_down(Vec::new()));
        let mut chunk = Vec::new();
        let mut seen = HashSet::new();
        loop {
            since_line.set(0);
            let line = reader.position().line();
            let more = reader.read_byte_record(&mut record)?;
            if more {
                let read = self.read_line(&heading, &record).and_then(|new| {
                    let is_new = seen.insert(start(&new.address_hash));
                    is_new.then_some(new).ok_or_else(|| KNOWN.to_owned())
                });
                match read {
                    Ok(new) => chunk.push(Line {
                        number: line,
                        new,
                        fields: as_json(&record),
                    }),
                    Err(reason) => {
                        enrolled.refused += 1;
                        refuse(line, reason, fields(&record)).map_err(EnrolError::Refusals)?;
                    }
                }
            }
            if chunk.len() == CHUNK || !more {
                pending = set_down(setting_down).await?;
                setting_down = tokio::spawn(pending.set_down(std::mem::take(&mut chunk)));
                progress(reader.position().byte());
            }
            if seen.len() >= BATCH || !more {
                pending = set_down(setting_down).await?;
                let take_over =
                    pending.take_over((self.new_id)(), self.now, |line, reason, fields| {
                        enrolled.refused += 1;
                        refuse(line, reason, fields).map_err(EnrolError::Refusals)
                    });
                enrolled.added += take_over.await?;
                seen.clear();
                if !more {
                    pending.close(enrolled.added).await?;
                    return Ok(enrolled);
                }
                setting_down = tokio::spawn(pending.set_down(Vec::new()));
            }
        }
    }

    fn read_line(&self, heading: &Heading, record: &ByteRecord) -> Result<NewSubscriber, String> {
        let column = |name: &str| -> Result<&str, String> {
            let bytes = heading
                .place(name)
                .and_then(|place| record.get(place))
                .unwrap_or_default();
            std::str::from_utf8(bytes)
                .map(str::trim)
                .map_err(|_| format!("{name} is not UTF-8"))
        };
        let in_bounds = |name: &str| -> Result<String, String> {
            let text = column(name)?;
            let fits = text.chars().count() <= LONGEST_TEXT && !text.chars().any(char::is_control);
            if fits {
                Ok(text.to_owned())
            } else {
                Err(format!(
                    "{name} is longer than {LONGEST_TEXT} characters or holds controls"
                ))
            }
        };
        let address = Address::parse(column("address")?).map_err(|error| error.to_string())?;
        let consent_source = in_bounds("consent_source")?;
        if consent_source.is_empty() {
            return Err("consent_source is empty: say how the consent was given".to_owned());
        }
        Ok(NewSubscriber {
            address_hash: address.hash(self.keys),
            address,
            name: in_bounds("name")?,
            choice: Choice::new(
                slugs(
                    column("topics")?,
                    |written| self.vocabulary.topic(written).map(|t| t.slug.clone()),
                    "topic",
                )?,
                slugs(
                    column("research_types")?,
                    |written| {
                        self.vocabulary
                            .research_type(written)
                            .map(|t| t.slug.clone())
                    },
                    "type of research",
                )?,
            ),
            frequency: word("frequency", column("frequency")?, "monthly")?,
            format: word("format", column("format")?, "html")?,
            language: word("language", column("language")?, "en")?,
            time_zone: time_zone(column("time_zone")?)?,
            consent_at: consent_at(column("consent_at")?, self.now)?,
            consent_source,
        })
    }
}

/// The end of a task that sets lines down; it runs on while the next lines are read.
async fn set_down(task: JoinHandle<sqlx::Result<Pending>>) -> sqlx::Result<Pending> {
    task.await.expect("the task neither panics nor is stopped")
}

/// Half of an address hash, which is enough to tell any two addresses apart.
fn start(hash: &[u8]) -> [u8; 16] {
    *hash
        .first_chunk()
        .expect("the hash has 32 bytes, see `Keys::address_hash`")
}

/// Which column stands where.
struct Heading {
    names: Rc<[String]>,
}

impl Heading {
    fn read(record: &ByteRecord) -> Result<Heading, EnrolError> {
        let names: Vec<String> = fields(record)
            .into_iter()
            .map(|name| {
                name.trim_start_matches('\u{FEFF}')
                    .trim()
                    .to_lowercase()
                    .replace([' ', '-'], "_")
            })
            .collect();
        for (index, name) in names.iter().enumerate() {
            if !COLUMNS.contains(&name.as_str()) && !PASSED_OVER.contains(&name.as_str()) {
                return Err(EnrolError::UnknownColumn { name: name.clone() });
            }
            if names[..index].contains(name) {
                return Err(EnrolError::ColumnTwice(name.clone()));
            }
        }
        let heading = Heading {
            names: names.into(),
        };
        let missing = ["address", "consent_at", "consent_source"]
            .into_iter()
            .find(|name| heading.place(name).is_none());
        missing.map_or(Ok(heading), |name| Err(EnrolError::MissingColumn(name)))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

/// Refuses to read on when one line takes more than its share.
struct Capped<R> {
    file: R,
    read: Rc<Cell<usize>>,
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
        Ok(read)
    }
}

fn fields(record: &ByteRecord) -> Vec<String> {
    record
        .iter()
        .map(|field| String::from_utf8_lossy(field).into_owned())
        .collect()
}

/// What `fields` gives, as JSON, without a text for each of them between.
fn as_json(record: &ByteRecord) -> String {
    let mut json = b"[".to_vec();
    for field in record {
        if json.len() > 1 {
            json.push(b',');
        }
        serde_json::to_writer(&mut json, &String::from_utf8_lossy(field))
            .expect("a text is JSON, and memory takes it");
    }
    json.push(b']');
    String::from_utf8(json).expect("JSON of texts is UTF-8")
}

/// Values between semicolons as slugs; nothing, or `*`, means all.
fn slugs(
    written: &str,
    find: impl Fn(&str) -> Option<String>,
    what: &str,
) -> Result<Vec<String>, String> {
    if written == "*" {
        return Ok(Vec::new());
    }
    written
        .split(';')
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .map(|value| {
            find(value).ok_or_else(|| {
                format!("there is no {what} '{value}'; `bulletin topic list` shows the topics")
            })
        })
        .collect()
}

fn word<T: std::str::FromStr<Err = String>>(
    name: &str,
    written: &str,
    default: &str,
) -> Result<T, String> {
    let written = if written.is_empty() { default } else { written };
    written
        .to_lowercase()
        .parse()
        .map_err(|allowed| format!("{name} {allowed}"))
}

/// Empty where the reader named none: then it is the operator's.
fn time_zone(written: &str) -> Result<String, String> {
    if written.is_empty() {
        return Ok(String::new());
    }
    let zone: Tz = written
        .parse()
        .map_err(|_| "time_zone must be an IANA name such as America/Toronto".to_owned())?;
    Ok(zone.name().to_owned())
}

/// A day, a day with a time (UTC), or a moment with an offset; never one to come.
fn consent_at(written: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    if written.is_empty() {
        return Err("consent_at is empty: say when the consent was given".to_owned());
    }
    let at = DateTime::parse_from_rfc3339(written)
        .map(|at| at.to_utc())
        .or_else(|_| {
            NaiveDateTime::parse_from_str(written, "%Y-%m-%d %H:%M:%S").map(|at| at.and_utc())
        })
        .or_else(|_| {
            NaiveDateTime::parse_from_str(written, "%Y-%m-%d %H:%M").map(|at| at.and_utc())
        })
        .or_else(|_| {
            NaiveDate::parse_from_str(written, "%Y-%m-%d")
                .map(|day| day.and_time(chrono::NaiveTime::MIN).and_utc())
        })
        .map_err(|_| {
            "consent_at must be written as 2020-05-03 or 2020-05-03T14:00:00Z".to_owned()
        })?;
    if at > now {
        Err("consent_at lies in the future".to_owned())
    } else {
        Ok(at)
    }
}
