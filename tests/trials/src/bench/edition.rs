//! What the benchmark sends: an issue of three summaries whose mail is as large as asked for, to readers who chose
//! every topic. The text is filler, made by dice.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::ensure;

use crate::dice::Dice;
use crate::lab::Lab;

/// The month that is sent; no quarter ends with it.
pub const MONTH: &str = "2032-02";

/// How large a mail is, in bytes with its header.
pub const MAIL_BYTES: usize = 47_500;

/// Over how many receiving domains the readers are spread.
const DOMAINS: usize = 50;

const SUMMARIES: [&str; 3] = ["On waiting", "On counting", "On trying again"];

const TOPICS: &str =
    "depression-and-depressive-symptoms, therapist-factors, outcomes-and-deterioration";

const WORDS: [&str; 48] = [
    "after",
    "always",
    "a",
    "between",
    "change",
    "clients",
    "clinic",
    "counted",
    "days",
    "each",
    "effect",
    "few",
    "figure",
    "first",
    "found",
    "group",
    "have",
    "hours",
    "in",
    "interview",
    "know",
    "later",
    "less",
    "measure",
    "most",
    "nothing",
    "number",
    "of",
    "often",
    "once",
    "or",
    "people",
    "questions",
    "record",
    "session",
    "several",
    "sooner",
    "study",
    "than",
    "the",
    "their",
    "therapist",
    "they",
    "training",
    "two",
    "weeks",
    "with",
    "years",
];

/// Imports the issue into `lab`, made so long that its mail has `MAIL_BYTES`, and gives the mail as it goes out.
pub fn import(lab: &Lab<'_>) -> anyhow::Result<Vec<u8>> {
    let mut sentences = 60;
    let mut mail = Vec::new();
    for _ in 0..6 {
        std::fs::write(lab.folder.join("bench.md"), page(sentences))?;
        lab.run(&["import", "bench.md"])?;
        mail = lab
            .run(&["preview", MONTH, "--format", "eml"])?
            .into_bytes();
        if mail.len().abs_diff(MAIL_BYTES) < MAIL_BYTES / 50 {
            return Ok(mail);
        }
        // The frame has its own length, so this comes nearer and not there at once.
        sentences = (sentences * MAIL_BYTES / mail.len()).max(1);
    }
    ensure!(
        mail.len().abs_diff(MAIL_BYTES) < MAIL_BYTES / 10,
        "no issue gives a mail of {MAIL_BYTES} bytes: the last had {}",
        mail.len()
    );
    Ok(mail)
}

/// Writes `count` readers into a CSV file for `subscriber import`.
pub fn write_readers(path: &Path, count: usize, one_domain: bool) -> std::io::Result<()> {
    let mut csv = "address,name,consent_at,consent_source\n".to_owned();
    for number in 0..count {
        let domain = if one_domain { 0 } else { number % DOMAINS };
        let _ = writeln!(
            csv,
            "r{number}@d{domain}.test,Reader {number},2020-01-01,form"
        );
    }
    std::fs::write(path, csv)
}

fn page(sentences: usize) -> String {
    let mut dice = Dice::new(47);
    let mut page = format!("+++\nmonth = \"{MONTH}\"\n+++\n");
    for title in SUMMARIES {
        let _ = write!(
            page,
            "\n# {title}\n\n> Sample, A. (2031). {title}. Journal of Imagined Psychotherapy, 2(1), 1-9.\n\n\
             Type: survey\nTopics: {TOPICS}\n\n{}## Practice implications\n\n{}",
            paragraphs(&mut dice, sentences - sentences / 4),
            paragraphs(&mut dice, sentences / 4 + 1)
        );
    }
    page
}

/// Filler, six sentences to a paragraph.
pub fn paragraphs(dice: &mut Dice, sentences: usize) -> String {
    let mut text = String::new();
    for number in 1..=sentences {
        let words: Vec<&str> = (0..8 + dice.below(14))
            .map(|_| WORDS[dice.below(WORDS.len() as u64) as usize])
            .collect();
        let sentence = words.join(" ");
        let (first, rest) = sentence.split_at(1);
        let end = if number % 6 == 0 || number == sentences {
            "\n\n"
        } else {
            " "
        };
        let _ = write!(text, "{}{rest}.{end}", first.to_uppercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_length_gives_the_same_page() {
        assert_eq!(page(9), page(9));
        assert!(page(12).len() > page(9).len());
    }
}
