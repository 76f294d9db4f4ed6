//! A letter of every kind in both languages, and what may break one.

use emails::{Also, Asked, Date, Frequency, Language, Latest, Letter, LetterKind, Month, Sender};

const URL: &str = "https://bulletin.example.org/c/3vQ0ZkP1m7rUe8bXaYtCwg-8bXaYtCwg3vQ0ZkP1m7rUe";

/// Each with the name of its file.
pub fn letters() -> Vec<(String, Letter<'static>)> {
    let tongues = [(Language::English, "en"), (Language::French, "fr")];
    let mut letters = Vec::new();
    for (language, code) in tongues {
        for (name, kind) in kinds(language) {
            letters.push((format!("letter-{name}-{code}"), to(language, kind)));
        }
    }
    letters.push(("letter-hostile".to_owned(), hostile()));
    letters
}

fn to(language: Language, kind: LetterKind<'static>) -> Letter<'static> {
    let publication = match language {
        Language::English => "Practice Research Bulletin",
        Language::French => "Bulletin de recherche clinique",
    };
    Letter {
        language,
        publication,
        sender: crate::sender(),
        kind,
    }
}

fn kinds(language: Language) -> Vec<(&'static str, LetterKind<'static>)> {
    let (days, hours, url) = (7, 24, URL);
    let new_masked = "j•••@clinic.example.org";
    vec![
        (
            "confirm",
            LetterKind::Confirm {
                asked: some(language),
                url,
                days,
            },
        ),
        (
            "confirm-all",
            LetterKind::Confirm {
                asked: ALL,
                url,
                days,
            },
        ),
        ("already-subscribed", LetterKind::AlreadySubscribed { url }),
        ("welcome", welcome(some(language), summaries(language))),
        ("welcome-nothing-yet", welcome(ALL, vec![])),
        (
            "to-begin-with",
            LetterKind::ToBeginWith {
                summaries: summaries(language),
                preferences_url: "https://bulletin.example.org/p/3vQ0ZkP1m7rUe8bXaYtCwg",
                unsubscribe_url: "https://bulletin.example.org/u/3vQ0ZkP1m7rUe8bXaYtCwg",
            },
        ),
        ("goodbye", LetterKind::Goodbye { undo_url: url }),
        ("fresh-link", LetterKind::FreshLink { url, hours }),
        ("confirm-address", LetterKind::ConfirmAddress { url, days }),
        ("address-changed", LetterKind::AddressChanged { new_masked }),
        (
            "consent-ends",
            LetterKind::ConsentEnds {
                until: Date {
                    year: 2026,
                    month: 12,
                    day: 1,
                },
                url: "https://bulletin.example.org/p/3vQ0ZkP1m7rUe8bXaYtCwg",
                unsubscribe_url: "https://bulletin.example.org/u/3vQ0ZkP1m7rUe8bXaYtCwg",
            },
        ),
        ("export-ready", LetterKind::ExportReady { url, hours }),
    ]
}

const ALL: Asked<'static> = Asked {
    topics: &[],
    research_types: &[],
    frequency: Frequency::Quarterly,
};

fn some(language: Language) -> Asked<'static> {
    let (topics, research_types): (&[&str], &[&str]) = match language {
        Language::English => (
            &[
                "Depression and Depressive Symptoms",
                "Attendance, Attrition, and Drop-Out",
                "Empathy",
            ],
            &["Meta-analysis", "Systematic review"],
        ),
        Language::French => (
            &[
                "Alliance thérapeutique",
                "Dépression",
                "Abandon et assiduité",
            ],
            &["Méta-analyse", "Revue systématique"],
        ),
    };
    Asked {
        topics,
        research_types,
        frequency: Frequency::Monthly,
    }
}

fn welcome(asked: Asked<'static>, summaries: Vec<Also<'static>>) -> LetterKind<'static> {
    LetterKind::Welcome {
        asked,
        latest: Some(Latest {
            month: Month {
                year: 2026,
                month: 3,
            },
            summaries,
        }),
        preferences_url: "https://bulletin.example.org/p/3vQ0ZkP1m7rUe8bXaYtCwg",
        unsubscribe_url: "https://bulletin.example.org/u/3vQ0ZkP1m7rUe8bXaYtCwg",
    }
}

fn summaries(language: Language) -> Vec<Also<'static>> {
    let [review, survey] = match language {
        Language::English => ["Systematic review", "Survey"],
        Language::French => ["Revue systématique", "Enquête"],
    };
    vec![
        Also {
            title: "How Useful Are Smartphone Apps for Mental Health?",
            url: "https://bulletin.example.org/summaries/smartphone-apps",
            research_type: Some(review),
            language: "en",
        },
        Also {
            title: "Why people leave therapy early",
            url: "https://bulletin.example.org/summaries/leaving-early",
            research_type: Some(survey),
            language: "en",
        },
    ]
}

/// Text that tries to be more than text, and words that no line can hold.
fn hostile() -> Letter<'static> {
    let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";
    let asked = Asked {
        topics: &[
            "<b>bold</b></td></table> \u{FDD0}\u{202E}",
            "Pneumonoultramicroscopicsilicovolcanoconiosis-Pneumonoultramicroscopicsilicovolcanoconiosis",
            "研究は患者の生活の質を調べました。研究は患者の生活の質を調べました。",
        ],
        ..some(Language::English)
    };
    let bad = Also {
        title: "<script>alert(1)</script> & \"quotes\"",
        url: "https://bulletin.example.org/a-very-long-address-that-goes-on-and-on?x=1&y=\"><b>",
        research_type: Some("</span>"),
        language: "en",
    };
    Letter {
        publication: long,
        sender: Sender {
            name: "<i>Somebody</i>",
            postal_address: long,
            contact: "https://bulletin.example.org/an-address-to-write-to-that-is-longer-than-a-phone-is-wide",
        },
        ..to(Language::English, welcome(asked, vec![bad]))
    }
}
