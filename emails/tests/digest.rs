//! What a digest looks like on every occasion, and what holds whatever is in it.

mod support;

use emails::{
    Also, Date, Digest, Email, Hole, Language, Month, Occasion, Part, Period, Reader, Sender,
    Summary, digest,
};
use proptest::prelude::*;
use support::{is_noncharacter, odd_text, shown};

const DECEMBER: Month = Month {
    year: 2020,
    month: 12,
};

fn summary<'a>() -> Summary<'a> {
    Summary {
        id: Some(7),
        title: "Ants that nurse their wounded",
        url: "https://news.test/s/ants?a=1&b=2",
        citation: Some("Frank, E. (2020). Ants & wounds. Ecology, 7, https://doi.org/10.1/A.7."),
        doi: Some("10.1/a.7"),
        research_type: Some("Survey"),
        summary: vec!["Of 40 nests, 31 nursed.", "Most of the wounded lived."],
        implications: vec!["Leave the nest alone: it knows what it does."],
        topics: vec!["Ants", "Attendance, Attrition, and Drop-Out"],
        language: "en",
    }
}

fn also<'a>(title: &'a str) -> Also<'a> {
    Also {
        title,
        url: "https://news.test/s/bees",
        research_type: Some("Review or theory"),
        language: "en",
    }
}

fn plain<'a>(language: Language, occasion: Occasion) -> Digest<'a> {
    Digest {
        language,
        publication: "Nest News",
        period: Period::Month(DECEMBER),
        teaser: None,
        summaries: match occasion {
            Occasion::NothingMatched => vec![],
            _ => vec![summary()],
        },
        also: vec![also("Bees on the roof")],
        occasion,
        sender: Sender {
            name: "Nest Society",
            postal_address: "1 Hill Road\r\nOttawa K1N 6N5",
            contact: "editor@news.test",
        },
        view_url: "https://news.test/2020-12",
        archive_url: "https://news.test/issues",
    }
}

fn reader<'a>() -> Reader<'a> {
    Reader {
        topics: &["Ants", "Bees", "Wasps", "Moths", "Flies"],
        research_types: &[],
        since: Some(Date {
            year: 2021,
            month: 3,
            day: 1,
        }),
        source: None,
        wish_url: "https://news.test/w/token",
        preferences_url: "https://news.test/p/token",
        unsubscribe_url: "https://news.test/u/token",
    }
}

fn sent(contents: &Digest) -> Email {
    let template = digest(contents);
    template.fill(&reader().personal(template.language))
}

#[test]
fn every_occasion_has_its_mail_in_both_languages() {
    for (language, code) in [(Language::English, "en"), (Language::French, "fr")] {
        for occasion in [
            Occasion::Matched,
            Occasion::NothingMatched,
            Occasion::EditorsPick,
        ] {
            let name = format!("{occasion:?}_{code}");
            insta::assert_snapshot!(name, shown(&sent(&plain(language, occasion))));
        }
    }
}

#[test]
fn a_round_up_speaks_of_its_quarter() {
    let first = Month {
        year: 2020,
        month: 10,
    };
    let period = Period::Quarter {
        first,
        last: DECEMBER,
    };
    let contents = Digest {
        period,
        ..plain(Language::English, Occasion::NothingMatched)
    };
    let email = sent(&contents);
    assert_eq!(
        email.subject,
        "Nothing on your topics, 1 other study, October to December 2020"
    );
    assert!(email.text.contains("None of this quarter’s studies"));
}

#[test]
fn the_editors_line_comes_first_and_without_its_dots() {
    let contents = Digest {
        teaser: Some("...we look at nests."),
        ..plain(Language::English, Occasion::Matched)
    };
    let email = sent(&contents);
    assert!(email.text.starts_with("We look at nests.\n\nNest News\n"));
}

#[test]
fn what_is_missing_leaves_no_gap() {
    let bare = Summary {
        id: None,
        citation: None,
        doi: None,
        research_type: None,
        implications: vec![" "],
        topics: vec![],
        url: "javascript:alert(1)",
        ..summary()
    };
    let contents = Digest {
        summaries: vec![bare],
        also: vec![],
        view_url: "",
        ..plain(Language::English, Occasion::Matched)
    };
    let email = sent(&contents);
    for part in [&email.html, &email.text] {
        assert!(!part.contains("practice") && !part.contains("Topics:"));
        assert!(!part.contains("like this") && !part.contains("/w/token"));
        assert!(!part.contains("javascript") && !part.contains("Also this month"));
    }
    assert!(!email.html.contains("href=\"\"") && !email.text.contains("\n\n\n\n"));
}

#[test]
fn only_holes_differ_from_reader_to_reader() {
    let template = digest(&plain(Language::English, Occasion::Matched));
    for parts in [&template.html, &template.text] {
        let holes: Vec<&Part> = parts
            .iter()
            .filter(|p| matches!(p, Part::Hole(_)))
            .collect();
        let expected = [
            Hole::Wish,
            Hole::Wish,
            Hole::Why,
            Hole::Preferences,
            Hole::Unsubscribe,
        ];
        let expected = expected.map(Part::Hole);
        assert_eq!(holes, expected.iter().collect::<Vec<_>>());
    }
    let before = template.text.windows(2).filter_map(|pair| match pair {
        [Part::Fixed(text), Part::Hole(_)] => Some(text),
        _ => None,
    });
    assert!(before.into_iter().all(|text| text.ends_with('\n')));
}

#[test]
fn what_a_reader_has_is_escaped_and_cannot_make_a_hole() {
    let topics = ["<b>Ants</b> \u{FDD1}"];
    let hostile = Reader {
        topics: &topics,
        source: Some("\u{FDD2}\"><script>"),
        wish_url: "https://news.test/w\"><script>/",
        preferences_url: "https://news.test/\"><script>\u{FDD0}",
        unsubscribe_url: "javascript:alert(1)",
        ..reader()
    };
    let email = digest(&plain(Language::English, Occasion::Matched))
        .fill(&hostile.personal(Language::English));
    assert!(!email.html.contains("<script>") && !email.html.contains("<b>"));
    assert!(!email.html.contains("javascript:"));
    assert_eq!(email.html.matches("https://news.test/%22%3E").count(), 1);
    for wish in ["more", "fewer"] {
        let link = format!("https://news.test/w%22%3E%3Cscript%3E/7/{wish}");
        assert!(email.html.contains(&format!("\"{link}\"")));
        assert!(email.text.contains(&format!("\n{link}\n")));
    }
    assert!(!email.html.contains(is_noncharacter) && !email.text.contains(is_noncharacter));
}

#[test]
fn a_right_to_left_title_says_so() {
    let hebrew = Summary {
        title: "נמלים",
        language: "he",
        ..summary()
    };
    let contents = Digest {
        summaries: vec![hebrew],
        ..plain(Language::English, Occasion::Matched)
    };
    assert!(sent(&contents).html.contains("<h2 lang=\"he\" dir=\"rtl\""));
}

proptest! {
    #[test]
    fn whatever_is_said_stays_in_its_place(
        title in odd_text(), text in odd_text(), url in odd_text(), doi in odd_text(),
    ) {
        let study = Summary {
            id: Some(i64::MIN),
            title: &title,
            url: &url,
            citation: Some(&text),
            doi: Some(&doi),
            research_type: Some(&title),
            summary: vec![&text, &title],
            implications: vec![&text],
            topics: vec![&title, &text],
            language: &text,
        };
        let contents = Digest {
            publication: &text,
            teaser: Some(&title),
            summaries: vec![study],
            also: vec![also(&title)],
            sender: Sender { name: &title, postal_address: &text, contact: &url },
            view_url: &url,
            ..plain(Language::French, Occasion::Matched)
        };
        let email = sent(&contents);

        prop_assert_eq!(&email, &sent(&contents));
        prop_assert!(email.html.matches("news.test/p/token").count() == 1);
        prop_assert!(email.html.matches("news.test/w/token").count() == 2);
        support::assert_harmless(&email)?;
    }
}
