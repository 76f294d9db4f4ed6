//! The table of the real mails: how many recipients are found, and how many are blamed rightly.

use std::collections::BTreeMap;

use bulletin::bounce::{self, Class, Kind, Recipient};
use bulletin::secret::Keys;

use super::{mails, shared};

/// What is expected of one mail.
struct Expected {
    file: String,
    /// Names of each recipient.
    recipients: Vec<Vec<String>>,
    classes: Vec<String>,
}

/// What came of all mails together.
#[derive(Debug, Default)]
struct Table {
    recipients: usize,
    found: usize,
    strays: usize,
    hard: usize,
    hard_found: usize,
    others: usize,
    others_called_hard: usize,
    delays: usize,
    delays_called_hard: usize,
    no_bounces: usize,
    no_bounces_counted: usize,
    complaints: usize,
    complaints_found: usize,
    other_kinds: usize,
    wrong: Vec<String>,
}

#[test]
fn real_mails_are_read_as_well_as_anybody_reads_them() {
    let Some(folder) = shared("bounces") else {
        return;
    };
    let expected = expected(&std::fs::read_to_string(folder.join("expected.csv")).unwrap());
    let mails: BTreeMap<String, Vec<u8>> = mails(&folder.join("messages")).into_iter().collect();
    let keys = Keys::passing();
    let mut table = Table::default();
    for expected in &expected {
        let reading = bounce::read(&mails[&expected.file], None, &keys);
        table.add(expected, reading.kind, &reading.recipients);
    }
    eprintln!("{}", table.shown());
    assert!(table.recipients - table.found <= 2, "{:#?}", table.wrong);
    assert!(table.strays <= 3, "{:#?}", table.wrong);
    assert!(
        table.hard_found * 100 >= table.hard * 95,
        "{:#?}",
        table.wrong
    );
    assert!(
        table.others_called_hard * 100 <= table.others * 2,
        "{:#?}",
        table.wrong
    );
    assert_eq!(table.delays_called_hard, 0, "{:#?}", table.wrong);
    assert_eq!(table.no_bounces_counted, 0, "{:#?}", table.wrong);
    assert_eq!(
        table.complaints_found, table.complaints,
        "{:#?}",
        table.wrong
    );
    assert!(
        table.recipients > 250 && table.hard > 80 && table.no_bounces > 20,
        "are they all here?"
    );
}

impl Table {
    fn add(&mut self, expected: &Expected, kind: Kind, recipients: &[Recipient]) {
        let first = expected.classes[0].as_str();
        let counts = matches!(kind, Kind::Bounce | Kind::Complaint | Kind::Unsubscribe);
        match first {
            "none" | "report" | "autoreply" | "success" => {
                self.no_bounces += 1;
                self.no_bounces_counted += usize::from(counts);
            }
            "complaint" | "unsubscribe" => {
                self.complaints += 1;
                self.complaints_found += usize::from(kind.as_str() == first);
            }
            _ if kind != Kind::Bounce => self.note(expected, format!("called {kind}")),
            _ => {}
        }
        self.other_kinds += usize::from(kind == Kind::Bounce && counts && !is_failure(first));
        let mut left: Vec<&Recipient> = recipients
            .iter()
            .filter(|one| one.address.is_some())
            .collect();
        for (number, names) in expected.recipients.iter().enumerate() {
            let class = expected.classes.get(number).map_or(first, String::as_str);
            let found = left.iter().position(|one| is_named(one, names));
            let found = found.map(|at| left.remove(at));
            self.recipients += 1;
            self.found += usize::from(found.is_some());
            if found.is_none() {
                self.note(expected, format!("{names:?} not found"));
            }
            self.blame(expected, class, found);
        }
        if !left.is_empty() {
            self.strays += left.len();
            self.note(expected, format!("strays {left:?}"));
        }
    }

    fn blame(&mut self, expected: &Expected, class: &str, found: Option<&Recipient>) {
        if !is_failure(class) {
            return;
        }
        let is_hard = found.is_some_and(|one| one.verdict.class == Class::Hard);
        let because = found.map_or("nothing", |one| one.verdict.because);
        if class == "hard" {
            self.hard += 1;
            self.hard_found += usize::from(is_hard);
        } else {
            self.others += 1;
            self.others_called_hard += usize::from(is_hard);
        }
        if class == "delayed" {
            self.delays += 1;
            self.delays_called_hard += usize::from(is_hard);
        }
        if is_hard != (class == "hard") {
            self.note(expected, format!("{class} called otherwise by {because}"));
        }
    }

    fn note(&mut self, expected: &Expected, wrong: String) {
        self.wrong.push(format!("{}: {wrong}", expected.file));
    }

    fn shown(&self) -> String {
        format!(
            "recipients found               {:4} of {}\nstray addresses                {:4}\n\
             hard found                     {:4} of {}\nothers called hard             {:4} of {}\n\
             delays called hard             {:4} of {}\nno bounces counted             {:4} of {}\n\
             complaints and opt-outs found  {:4} of {}",
            self.found,
            self.recipients,
            self.strays,
            self.hard_found,
            self.hard,
            self.others_called_hard,
            self.others,
            self.delays_called_hard,
            self.delays,
            self.no_bounces_counted,
            self.no_bounces,
            self.complaints_found,
            self.complaints,
        )
    }
}

fn is_failure(class: &str) -> bool {
    matches!(class, "hard" | "soft" | "block" | "delayed")
}

fn is_named(one: &Recipient, names: &[String]) -> bool {
    let address = one.address.as_deref().unwrap_or_default();
    names.iter().any(|name| name.eq_ignore_ascii_case(address))
}

fn expected(csv: &str) -> Vec<Expected> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let split = |text: &str| -> Vec<String> { text.split(';').map(str::to_owned).collect() };
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let name = record[0].rsplit('/').next().unwrap();
            let recipients = split(&record[1])
                .into_iter()
                .filter(|names| !names.is_empty());
            Expected {
                file: name.trim_end_matches(".eml").to_owned(),
                recipients: recipients
                    .map(|names| names.split('|').map(str::to_owned).collect())
                    .collect(),
                classes: split(&record[2]),
            }
        })
        .collect()
}
