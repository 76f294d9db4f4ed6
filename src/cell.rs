//! Cells of a spreadsheet: what readers or relays wrote is text there, and nothing that it runs.

use std::borrow::Cow;
use std::io::Write;

/// Writes CSV (RFC 4180) for spreadsheets. Every field is quoted: one that takes the semicolon for its separator would
/// otherwise find another cell in the middle of a field.
pub fn writer<W: Write>(to: W) -> csv::Writer<W> {
    csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .from_writer(to)
}

/// A spreadsheet runs a cell that begins like a formula, in full-width characters too; a leading apostrophe keeps it
/// text.
pub fn not_a_formula(field: &str) -> Cow<'_, str> {
    if begins_like_one(field) {
        Cow::Owned(format!("'{field}"))
    } else {
        Cow::Borrowed(field)
    }
}

/// What a cell was before it was written: without the apostrophe that keeps it text.
pub fn text(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(field) if begins_like_one(field) => field,
        _ => cell,
    }
}

fn begins_like_one(field: &str) -> bool {
    const BEGINNINGS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    field.trim_start_matches(' ').starts_with(BEGINNINGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_begins_like_a_formula_stays_one() {
        for field in [
            "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＋1", "－1",
            "＠1",
        ] {
            let cell = not_a_formula(field);
            assert_eq!(cell, format!("'{field}"));
            assert_eq!(text(&cell), field);
        }
        for field in ["", "ann", "a=b", "1-1", "'=1"] {
            assert_eq!(not_a_formula(field), field);
        }
    }

    #[test]
    fn a_semicolon_begins_no_cell() {
        let mut csv = writer(Vec::new());
        csv.write_record(["a;=1+1", "say \"=1\""]).unwrap();
        let written = String::from_utf8(csv.into_inner().unwrap()).unwrap();
        assert_eq!(written, "\"a;=1+1\",\"say \"\"=1\"\"\"\n");
    }
}
