//! A line, a choice or a refusal as the bytes that are sorted: each begins with what it is sorted by.

use chrono::{DateTime, Utc};
use csv::ByteRecord;
use uuid::Uuid;

use super::line::New;
use crate::subscription::{Choice, Format, Frequency, Language};

/// A line that reads well; sorted by its address hash, and lines with the same in the file's order.
pub(super) struct Line<'b> {
    pub address_hash: &'b [u8],
    /// Counted from 1, the heading being the first.
    pub number: u64,
    pub choice_id: Uuid,
    pub consent_at: DateTime<Utc>,
    pub consent_until: Option<DateTime<Utc>>,
    pub frequency: Frequency,
    pub format: Format,
    pub language: Language,
    pub address: &'b str,
    pub name: &'b str,
    pub time_zone: &'b str,
    pub consent_source: &'b str,
    /// The fields as they stand in the file, as `fields` reads them.
    pub fields: &'b [u8],
}

/// A choice; sorted by its id.
pub(super) struct NewChoice<'b> {
    pub id: Uuid,
    /// Topics and types of research, each as JSON.
    pub slugs: [&'b str; 2],
}

/// A line whose address may not come in; sorted by its number.
pub(super) struct NotTaken<'b> {
    pub number: u64,
    pub suppressed: bool,
    pub fields: &'b [u8],
}

/// Writes what `Line` reads.
pub(super) fn write_line(number: u64, new: &New<'_>, record: &ByteRecord, to: &mut Vec<u8>) {
    to.extend_from_slice(&new.address_hash);
    to.extend_from_slice(&number.to_be_bytes());
    to.extend_from_slice(new.choice_id.as_bytes());
    to.extend_from_slice(&new.consent_at.timestamp_micros().to_be_bytes());
    let until = new.consent_until.map_or(0, |at| at.timestamp_micros());
    to.extend_from_slice(&until.to_be_bytes());
    to.extend_from_slice(&[new.frequency as u8, new.format as u8, new.language as u8]);
    let address = new.address.as_str();
    for text in [address, new.name, new.time_zone, new.consent_source] {
        push(text.as_bytes(), to);
    }
    record.iter().for_each(|field| push(field, to));
}

impl<'b> Line<'b> {
    pub fn read(bytes: &'b [u8]) -> Line<'b> {
        let mut rest = Rest(bytes);
        Line {
            address_hash: rest.take(32),
            number: rest.number(),
            choice_id: rest.id(),
            consent_at: DateTime::from_timestamp_micros(rest.number() as i64)
                .expect("`write_line` had it from a time"),
            consent_until: match rest.number() as i64 {
                0 => None,
                until => DateTime::from_timestamp_micros(until),
            },
            frequency: rest.word(Frequency::ALL),
            format: rest.word(Format::ALL),
            language: rest.word(Language::ALL),
            address: rest.text(),
            name: rest.text(),
            time_zone: rest.text(),
            consent_source: rest.text(),
            fields: rest.0,
        }
    }
}

/// Writes what `NewChoice` reads.
pub(super) fn write_choice(id: Uuid, choice: &Choice, to: &mut Vec<u8>) {
    to.extend_from_slice(id.as_bytes());
    for json in choice.as_json() {
        push(json.as_bytes(), to);
    }
}

impl<'b> NewChoice<'b> {
    pub fn read(bytes: &'b [u8]) -> NewChoice<'b> {
        let mut rest = Rest(bytes);
        NewChoice {
            id: rest.id(),
            slugs: [rest.text(), rest.text()],
        }
    }
}

/// Writes what `NotTaken` reads.
pub(super) fn write_not_taken(line: &Line<'_>, suppressed: bool, to: &mut Vec<u8>) {
    to.extend_from_slice(&line.number.to_be_bytes());
    to.push(suppressed.into());
    to.extend_from_slice(line.fields);
}

impl<'b> NotTaken<'b> {
    pub fn read(bytes: &'b [u8]) -> NotTaken<'b> {
        let mut rest = Rest(bytes);
        NotTaken {
            number: rest.number(),
            suppressed: rest.take(1) == [1],
            fields: rest.0,
        }
    }
}

/// The fields of a line as they stand in the file.
pub(super) fn fields(bytes: &[u8]) -> Vec<String> {
    let mut rest = Rest(bytes);
    let mut fields = Vec::new();
    while !rest.0.is_empty() {
        fields.push(String::from_utf8_lossy(rest.bytes()).into_owned());
    }
    fields
}

/// A length is one byte, or 255 and four more.
fn push(text: &[u8], to: &mut Vec<u8>) {
    if text.len() < 255 {
        to.push(text.len() as u8);
    } else {
        to.push(255);
        to.extend_from_slice(&(text.len() as u32).to_be_bytes());
    }
    to.extend_from_slice(text);
}

/// What is still to be read of a record. All of them were written here, so none is too short.
struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn take(&mut self, length: usize) -> &'b [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().expect("as many were taken")
    }

    fn number(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }

    fn id(&mut self) -> Uuid {
        Uuid::from_bytes(self.array())
    }

    fn word<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.array::<1>()[0])]
    }

    fn bytes(&mut self) -> &'b [u8] {
        let length = match self.array::<1>()[0] {
            255 => u32::from_be_bytes(self.array()) as usize,
            short => usize::from(short),
        };
        self.take(length)
    }

    fn text(&mut self) -> &'b str {
        std::str::from_utf8(self.bytes()).expect("it was written as a text")
    }
}
