//! What every letter looks like, and what holds whatever is in it.

mod support;

use emails::{
    Also, Asked, Date, Email, Frequency, Language, Latest, Letter, LetterKind, Month, Sender,
    letter,
};
use proptest::prelude::*;
use support::{odd_text, shown};

const URL: &str = "https://news.test/l/token";

const TONGUES: [(Language, &str); 2] = [(Language::English, "en"), (Language::French, "fr")];

fn asked<'a>() -> Asked<'a> {
    Asked {
        topics: &["Ants", "Attendance, Attrition, and Drop-Out"],
        research_types: &[],
        frequency: Frequency::Monthly,
    }
}

fn latest<'a>(summaries: Vec<Also<'a>>) -> Latest<'a> {
    let month = Month {
        year: 2026,
        month: 3,
    };
    Latest { month, summaries }
}

fn also<'a>(title: &'a str) -> Also<'a> {
    Also {
        title,
        url: "https://news.test/s/ants?a=1&b=2",
        research_type: Some("Survey"),
        language: "en",
    }
}

fn welcome<'a>(asked: Asked<'a>, latest: Option<Latest<'a>>) -> LetterKind<'a> {
    LetterKind::Welcome {
        asked,
        latest,
        preferences_url: "https://news.test/p/token",
        unsubscribe_url: "https://news.test/u/token",
    }
}

fn kinds<'a>() -> Vec<(&'static str, LetterKind<'a>)> {
    let ants = vec![also("Ants that nurse their wounded")];
    let quarterly = Asked {
        topics: &[],
        research_types: &["Survey", "Review or theory"],
        frequency: Frequency::Quarterly,
    };
    vec![
        ("confirm", confirm(asked(), 7)),
        ("already", LetterKind::AlreadySubscribed { url: URL }),
        ("welcome", welcome(asked(), Some(latest(ants)))),
        ("welcome_bare", welcome(quarterly, Some(latest(vec![])))),
        (
            "to_begin_with",
            to_begin_with(vec![also("Ants that sleep")]),
        ),
        ("goodbye", LetterKind::Goodbye { undo_url: URL }),
        ("fresh_link", fresh_link(24)),
        ("confirm_address", confirm_address()),
        ("address_changed", address_changed("j•••@hill.test")),
        ("consent_ends", consent_ends(URL)),
        ("export_ready", export_ready()),
        (
            "password_link",
            LetterKind::PasswordLink {
                url: URL,
                hours: 24,
            },
        ),
    ]
}

fn confirm(asked: Asked, days: u32) -> LetterKind {
    LetterKind::Confirm {
        asked,
        url: URL,
        days,
    }
}

fn to_begin_with(summaries: Vec<Also>) -> LetterKind {
    LetterKind::ToBeginWith {
        summaries,
        preferences_url: "https://news.test/p/token",
        unsubscribe_url: "https://news.test/u/token",
    }
}

fn fresh_link<'a>(hours: u32) -> LetterKind<'a> {
    LetterKind::FreshLink { url: URL, hours }
}

fn confirm_address<'a>() -> LetterKind<'a> {
    LetterKind::ConfirmAddress { url: URL, days: 7 }
}

fn address_changed(new_masked: &str) -> LetterKind<'_> {
    LetterKind::AddressChanged { new_masked }
}

fn consent_ends(url: &str) -> LetterKind<'_> {
    LetterKind::ConsentEnds {
        until: Date {
            year: 2026,
            month: 4,
            day: 1,
        },
        url,
        unsubscribe_url: "https://news.test/u/token",
    }
}

fn export_ready<'a>() -> LetterKind<'a> {
    LetterKind::ExportReady {
        url: URL,
        hours: 24,
    }
}

fn to<'a>(language: Language, kind: LetterKind<'a>) -> Letter<'a> {
    Letter {
        language,
        publication: "Nest News",
        sender: Sender {
            name: "Nest Society",
            postal_address: "1 Hill Road\r\nOttawa K1N 6N5",
            contact: "editor@news.test",
        },
        kind,
    }
}

fn in_english(kind: LetterKind) -> Email {
    letter(&to(Language::English, kind))
}

#[test]
fn every_kind_has_its_letter_in_both_languages() {
    for (language, code) in TONGUES {
        for (name, kind) in kinds() {
            let email = letter(&to(language, kind));
            insta::assert_snapshot!(format!("{name}_{code}"), shown(&email));
        }
    }
}

#[test]
fn every_letter_says_who_sends_and_why_and_what_it_is_about_in_forty_characters() {
    for (language, _) in TONGUES {
        for (name, kind) in kinds() {
            let email = letter(&to(language, kind));
            let why = language_of(
                language,
                "You get this mail because",
                "Vous recevez ce courriel",
            );
            for part in [&email.html, &email.text] {
                for owed in ["Nest Society", "1 Hill Road", "editor@news.test", why] {
                    assert!(part.contains(owed), "{name}: {owed}");
                }
                assert_eq!(part.matches(why).count(), 1, "{name}");
            }
            let about = email.subject.split(['\u{A0}', ':']).next().unwrap();
            assert!(email.subject.ends_with(": Nest News"), "{}", email.subject);
            assert!(about.chars().count() <= 34, "{about}");
        }
    }
}

fn language_of<'a>(language: Language, english: &'a str, french: &'a str) -> &'a str {
    match language {
        Language::English => english,
        Language::French => french,
    }
}

#[test]
fn both_parts_have_the_same_links() {
    for (name, kind) in kinds() {
        let email = in_english(kind);
        let quoted = email.html.split("href=\"").skip(1);
        let links = quoted.map(|rest| rest.split('"').next().unwrap());
        for link in links.map(|link| link.replace("&amp;", "&")) {
            let link = link.trim_start_matches("mailto:");
            assert!(email.text.contains(link), "{name}: {link}");
        }
        let of_text = email.text.lines().filter(|line| line.contains("://"));
        for link in of_text.map(str::trim) {
            let link = link.replace('&', "&amp;");
            assert!(email.html.contains(&format!("href=\"{link}\"")), "{name}");
        }
    }
}

#[test]
fn a_time_of_one_is_one() {
    assert!(
        in_english(confirm(asked(), 1))
            .html
            .contains("for 1 day. It")
    );
    assert!(in_english(fresh_link(1)).html.contains("for 1 hour."));
    let french = letter(&to(Language::French, fresh_link(1)));
    assert!(french.html.contains("pendant 1 heure."));
}

#[test]
fn a_link_that_leads_nowhere_safe_is_left_out() {
    let undo_url = "javascript:alert(1)";
    let email = in_english(LetterKind::Goodbye { undo_url });
    for part in [&email.html, &email.text] {
        assert!(!part.contains("javascript") && !part.contains("Undo and keep"));
    }
}

#[test]
fn a_long_name_of_the_publication_leaves_the_subject_its_key_words() {
    let publication = "Bulletin of ".repeat(12);
    let long = Letter {
        publication: &publication,
        ..to(Language::English, fresh_link(24))
    };
    let subject = letter(&long).subject;
    assert!(subject.starts_with("Your private link: Bulletin of"));
    assert!(subject.ends_with('…') && subject.chars().count() <= 78);
    let nameless = Letter {
        publication: "\u{202E} ",
        ..long
    };
    assert_eq!(letter(&nameless).subject, "Your private link");
}

proptest! {
    #[test]
    fn whatever_is_said_stays_in_its_place(
        word in odd_text(), text in odd_text(), url in odd_text(), kind in 0_usize..10,
    ) {
        let topics = [word.as_str(), &text, "Ants"];
        let asked = Asked {
            topics: &topics,
            research_types: &topics[..2],
            frequency: Frequency::Quarterly,
        };
        let summary = Also { title: &word, url: &url, research_type: Some(&text), language: &text };
        let kind = match kind {
            0 => LetterKind::Confirm { asked, url: &url, days: 7 },
            1 => LetterKind::AlreadySubscribed { url: &url },
            2 => welcome(asked, Some(latest(vec![summary, also(&text)]))),
            3 => LetterKind::Goodbye { undo_url: &url },
            4 => LetterKind::FreshLink { url: &url, hours: 0 },
            5 => LetterKind::ConfirmAddress { url: &url, days: u32::MAX },
            6 => address_changed(&word),
            7 => consent_ends(&url),
            8 => LetterKind::PasswordLink { url: &url, hours: 24 },
            _ => LetterKind::ExportReady { url: &url, hours: 24 },
        };
        for (language, _) in TONGUES {
            let hostile = Letter {
                publication: &text,
                sender: Sender { name: &word, postal_address: &text, contact: &url },
                ..to(language, kind.clone())
            };
            let email = letter(&hostile);
            prop_assert_eq!(&email, &letter(&hostile));
            support::assert_harmless(&email)?;
        }
    }
}
