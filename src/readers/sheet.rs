//! Readers as lines of a spreadsheet, for who takes them along.

use std::io::Write;

use crate::cell;
use crate::subscriber::Subscriber;

/// What the first line names.
const HEADING: [&str; 10] = [
    "address",
    "name",
    "state",
    "topics",
    "research_types",
    "frequency",
    "format",
    "language",
    "time_zone",
    "since",
];

/// Begins a sheet.
pub fn begin<W: Write>(to: W) -> csv::Result<csv::Writer<W>> {
    let mut csv = cell::writer(to);
    csv.write_record(HEADING)?;
    Ok(csv)
}

/// Adds a reader, whose own words are text in it and nothing that a spreadsheet runs.
pub fn add<W: Write>(csv: &mut csv::Writer<W>, reader: &Subscriber) -> csv::Result<()> {
    let record = [
        &reader.address,
        &reader.name,
        reader.state.as_str(),
        &reader.topics.join(";"),
        &reader.research_types.join(";"),
        reader.frequency.as_str(),
        reader.format.as_str(),
        reader.language.as_str(),
        &reader.time_zone,
        &reader.since.to_rfc3339(),
    ];
    let fields = record.map(cell::not_a_formula);
    csv.write_record(fields.iter().map(|field| field.as_bytes()))
}
