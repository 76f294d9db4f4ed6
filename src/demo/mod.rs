//! The demo: sample months, sample readers, and a mail catcher to send to. Nothing here is needed to run the service.

pub mod catcher;
pub mod pages;

use chrono::{DateTime, Datelike, Duration, Utc};

use crate::issue::Issue;
use crate::topic::Vocabulary;

/// Sample months in the editor's Markdown: summaries of really published studies, in our own words.
const ISSUES: [(&str, &str); 9] = [
    ("2020-08.md", include_str!("issues/2020-08.md")),
    ("2020-09.md", include_str!("issues/2020-09.md")),
    ("2020-10.md", include_str!("issues/2020-10.md")),
    ("2020-11.md", include_str!("issues/2020-11.md")),
    ("2020-12.md", include_str!("issues/2020-12.md")),
    ("2021-02.md", include_str!("issues/2021-02.md")),
    ("2021-03.md", include_str!("issues/2021-03.md")),
    ("2022-10.md", include_str!("issues/2022-10.md")),
    ("2022-11.md", include_str!("issues/2022-11.md")),
];

/// How long ago those consented who never did in so many words: three weeks before it runs out.
const IMPLIED_DAYS: i64 = 730 - 21;

/// How many sample readers there are.
const READERS: usize = 200;

const NAMES: [&str; 20] = [
    "Amara Okafor",
    "Benoît Lévesque",
    "Chen Wei",
    "Dana Petersen",
    "Élise Gagnon",
    "Farid Haddad",
    "Grace Whitfield",
    "Hiroshi Tanaka",
    "Inés Romero",
    "Jonas Lindqvist",
    "Kateřina Nováková",
    "Liam O'Connor",
    "Maya Goldberg",
    "Niamh Byrne",
    "Oluwaseun Ade",
    "Priya Raman",
    "Quentin Moreau",
    "Rosa Álvarez",
    "Søren Holm",
    "Тамара Иванова",
];

/// The sample months.
pub fn issues() -> Result<Vec<Issue>, crate::import::ImportError> {
    let mut issues = Vec::new();
    for (name, text) in ISSUES {
        issues.extend(crate::import::read(name, text.as_bytes())?.issues);
    }
    Ok(issues)
}

/// The sample readers as the CSV file that an operator would import: always the same ones.
///
/// Most choose some topics, some everything; a few read French, want text alone, or a round-up each quarter. Of three
/// the catcher says that there is no such mailbox, of two that the mailbox is full at first. Of two the consent is only
/// implied, and nearly over.
pub fn readers(vocabulary: &Vocabulary, now: DateTime<Utc>) -> String {
    let mut csv = crate::enrol::COLUMNS.join(",");
    for number in 0..READERS {
        csv.push('\n');
        csv.push_str(&reader(vocabulary, number, now).join(","));
    }
    csv.push('\n');
    csv
}

fn reader(vocabulary: &Vocabulary, number: usize, now: DateTime<Utc>) -> [String; 11] {
    let mut dice = Dice(number as u64 + 1);
    let name = NAMES[number % NAMES.len()];
    let local = match number {
        40 | 90 | 140 => format!("gone{number}"),
        60 | 120 => format!("full{number}"),
        _ => format!("reader{number}"),
    };
    let is_implied = matches!(number, 116 | 184);
    let days = match 20 + dice.roll(900) as i64 {
        _ if is_implied => IMPLIED_DAYS,
        days => days,
    };
    let consent = now - Duration::days(days);
    [
        format!("{local}@example.org"),
        name.to_owned(),
        topics(vocabulary, &mut dice),
        if dice.roll(8) == 0 {
            "meta-analysis;systematic-review".to_owned()
        } else {
            String::new()
        },
        if dice.roll(10) == 0 {
            "quarterly"
        } else {
            "monthly"
        }
        .to_owned(),
        if dice.roll(8) == 0 { "text" } else { "html" }.to_owned(),
        if name.contains(['é', 'î', 'É']) {
            "fr"
        } else {
            "en"
        }
        .to_owned(),
        ["America/Toronto", "Europe/Paris", "Asia/Tokyo"][dice.roll(3)].to_owned(),
        format!(
            "{:04}-{:02}-{:02}",
            consent.year(),
            consent.month(),
            consent.day()
        ),
        "sign-up sheet of the spring conference".to_owned(),
        if is_implied { "implied" } else { "express" }.to_owned(),
    ]
}

fn topics(vocabulary: &Vocabulary, dice: &mut Dice) -> String {
    let wanted = [0, 1, 2, 3, 4, 6][dice.roll(6)];
    let topics = (0..wanted).map(|_| {
        vocabulary.topics[dice.roll(vocabulary.topics.len())]
            .slug
            .as_str()
    });
    topics.collect::<Vec<_>>().join(";")
}

/// The same numbers at every run (an xorshift generator).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D;
        self.0 ^= self.0 >> 29;
        (self.0 >> 16) as usize % sides
    }
}
