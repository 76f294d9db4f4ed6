//! The list of refused lines: the file's own columns behind the line's number and the reason. Mended, it can be imported
//! itself.

use std::io::{self, Write};

use csv::{QuoteStyle, WriterBuilder};

use super::Refused;
use crate::cell;
use crate::subscription::Language;

/// Writes the list, whose first line names the columns.
pub struct Refusals<W: Write> {
    csv: csv::Writer<W>,
    has_heading: bool,
    /// Whether a spreadsheet may open it: then nothing in it is a formula.
    for_spreadsheets: bool,
    /// Of the reasons.
    language: Language,
}

impl<W: Write> Refusals<W> {
    /// As the lines stood in the file.
    pub fn new(to: W) -> Refusals<W> {
        Refusals {
            csv: WriterBuilder::new().flexible(true).from_writer(to),
            has_heading: false,
            for_spreadsheets: false,
            language: Language::English,
        }
    }

    /// Each cell in quotes, as `cell::writer` has it, and with an apostrophe before what a spreadsheet would run; an
    /// import takes it away again.
    pub fn for_spreadsheets(to: W, language: Language) -> Refusals<W> {
        let mut quoting = WriterBuilder::new();
        quoting.flexible(true).quote_style(QuoteStyle::Always);
        Refusals {
            csv: quoting.from_writer(to),
            has_heading: false,
            for_spreadsheets: true,
            language,
        }
    }

    pub fn add(&mut self, refused: &Refused) -> io::Result<()> {
        if !self.has_heading {
            let heading = refused.heading.iter().map(String::as_str);
            self.csv
                .write_record(["line", "reason"].into_iter().chain(heading))?;
            self.has_heading = true;
        }
        let line = refused.line.to_string();
        let reason = refused.why.told(self.language);
        let fields = [line.as_str(), reason.as_str()]
            .into_iter()
            .chain(refused.fields.iter().map(String::as_str));
        let written = match self.for_spreadsheets {
            true => self.csv.write_record(
                fields
                    .map(cell::not_a_formula)
                    .map(|cell| cell.into_owned()),
            ),
            false => self.csv.write_record(fields),
        };
        Ok(written?)
    }

    /// Writes out what is still held back.
    pub fn end(mut self) -> io::Result<W> {
        self.csv.flush()?;
        self.csv
            .into_inner()
            .map_err(|error| io::Error::other(error.to_string()))
    }
}
