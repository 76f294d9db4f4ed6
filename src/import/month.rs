//! The month that a line of a page names.

use crate::issue::Month;

/// The month that a line names if it holds nothing else: 'December 2020', 'Dec. 2020', 'décembre,
/// 2020', in any case and with or without a colon behind it.
pub fn named(line: &str) -> Option<Month> {
    let line = line.trim_matches(['*', '_', '#', ':', ' ', '\u{A0}']);
    if line.len() > 30 {
        return None;
    }
    let (name, year) = line.rsplit_once(|c: char| c.is_whitespace() || c == ',')?;
    let name = name
        .trim_end_matches(|c: char| c.is_whitespace() || c == ',')
        .to_lowercase();
    let is_year = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
    let year = year
        .parse()
        .ok()
        .filter(|year| is_year && (1900..2200).contains(year))?;
    let month = number(name.strip_suffix('.').unwrap_or(&name))?;
    Some(Month { year, month })
}

/// Whether the line names its month in French alone.
pub(super) fn is_french(line: &str) -> bool {
    let word: String = line.chars().filter(|c| c.is_alphabetic()).collect();
    let word = word.to_lowercase();
    number(&word).is_some()
        && FRENCH
            .iter()
            .flat_map(|(_, names)| *names)
            .any(|n| *n == word)
}

const ENGLISH: [(u32, &[&str]); 12] = [
    (1, &["january", "jan"]),
    (2, &["february", "feb"]),
    (3, &["march", "mar"]),
    (4, &["april", "apr"]),
    (5, &["may"]),
    (6, &["june", "jun"]),
    (7, &["july", "jul"]),
    (8, &["august", "aug"]),
    (9, &["september", "sept", "sep"]),
    (10, &["october", "oct"]),
    (11, &["november", "nov"]),
    (12, &["december", "dec"]),
];

const FRENCH: [(u32, &[&str]); 12] = [
    (1, &["janvier", "janv"]),
    (2, &["février", "fevrier", "févr", "fevr"]),
    (3, &["mars"]),
    (4, &["avril", "avr"]),
    (5, &["mai"]),
    (6, &["juin"]),
    (7, &["juillet", "juil"]),
    (8, &["août", "aout"]),
    (9, &["septembre"]),
    (10, &["octobre"]),
    (11, &["novembre"]),
    (12, &["décembre", "decembre", "déc"]),
];

fn number(name: &str) -> Option<u32> {
    let mut months = ENGLISH.iter().chain(&FRENCH);
    months
        .find(|(_, names)| names.contains(&name))
        .map(|(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_in_the_ways_they_are_written() {
        let december = Some(Month {
            year: 2020,
            month: 12,
        });
        for line in [
            "December 2020",
            "DECEMBER, 2020",
            "Dec. 2020",
            "dec 2020:",
            "**December 2020**",
            "décembre 2020",
            "Décembre  2020",
        ] {
            assert_eq!(named(line), december, "{line}");
        }
        assert!(is_french("août 2020") && !is_french("August 2020"));
    }

    #[test]
    fn other_lines_are_not_months() {
        for line in [
            "",
            "2020",
            "December",
            "December 20",
            "5 December 2020",
            "December 2020 (3)",
            "- December 2020",
            "In December 2020",
            "Decembre2020",
        ] {
            assert_eq!(named(line), None, "{line}");
        }
    }
}
