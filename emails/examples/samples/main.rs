//! Writes sample mails, `NAME.html` and `NAME.txt`, into the folder named as the only argument,
//! so that checkers and eyes can look at them:
//! `cargo run -p emails --example samples -- target/samples`.
//!
//! The studies, where named, are real; the words about them are made up for the samples.

mod letters;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use emails::{
    Also, Date, Digest, Email, Language, Month, Occasion, Period, Reader, Sender, Summary, digest,
    letter,
};
use letters::letters;

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("name the folder to write to"))?;
    fs::create_dir_all(&folder)?;
    for (name, contents) in samples() {
        let template = digest(&contents);
        let personal = reader(name).personal(template.language);
        write(&folder, name, template.fill(&personal))?;
    }
    for (name, contents) in letters() {
        write(&folder, &name, letter(&contents))?;
    }
    Ok(())
}

fn write(folder: &Path, name: &str, email: Email) -> io::Result<()> {
    println!("{name}: {} ({} bytes)", email.subject, email.html.len());
    fs::write(folder.join(format!("{name}.html")), email.html)?;
    fs::write(folder.join(format!("{name}.txt")), email.text)
}

fn samples() -> Vec<(&'static str, Digest<'static>)> {
    let apps = || also("Guided self-help for insomnia", Some("Meta-analysis"));
    let why = || also("Why people leave therapy early", None);
    vec![
        ("one", matched(vec![non_responders()], vec![])),
        (
            "two",
            matched(vec![smartphones(), non_responders()], vec![apps(), why()]),
        ),
        (
            "four-long",
            matched((0..4).map(|_| long()).collect(), vec![apps()]),
        ),
        (
            "teaser",
            Digest {
                teaser: Some(TEASER),
                ..matched(vec![smartphones()], vec![why()])
            },
        ),
        (
            "nothing-matched",
            Digest {
                occasion: Occasion::NothingMatched,
                ..matched(vec![], vec![apps(), why()])
            },
        ),
        (
            "editors-pick",
            Digest {
                occasion: Occasion::EditorsPick,
                ..matched(vec![smartphones()], vec![apps()])
            },
        ),
        (
            "quarter",
            Digest {
                period: QUARTER,
                ..matched(
                    vec![smartphones(), non_responders(), bare()],
                    vec![apps(), why()],
                )
            },
        ),
        ("bare", matched(vec![bare()], vec![])),
        ("hostile", hostile()),
        ("right-to-left", right_to_left()),
        (
            "french",
            french(Occasion::Matched, vec![apaisement(), smartphones()]),
        ),
        (
            "french-nothing-matched",
            french(Occasion::NothingMatched, vec![]),
        ),
        (
            "french-editors-pick",
            french(Occasion::EditorsPick, vec![apaisement()]),
        ),
    ]
}

const TEASER: &str =
    "…we look at apps that stand on their own, and at what a second treatment can do.";

const QUARTER: Period = Period::Quarter {
    first: Month {
        year: 2020,
        month: 10,
    },
    last: Month {
        year: 2020,
        month: 12,
    },
};

fn reader(name: &str) -> Reader<'static> {
    let topics: &[&str] = match name {
        "two" | "french" => &[
            "Depression and Depressive Symptoms",
            "Attendance, Attrition, and Drop-Out",
            "Empathy",
            "Training",
            "Attachment",
        ],
        "one" | "right-to-left" => &[],
        _ => &["Empathy", "Suicide and Crisis Intervention"],
    };
    Reader {
        topics,
        research_types: if name == "quarter" {
            &["Meta-analysis", "Survey"]
        } else {
            &[]
        },
        since: (name != "bare").then_some(Date {
            year: 2021,
            month: 3,
            day: 1,
        }),
        source: (name == "quarter").then_some("sheet at the autumn workshop"),
        wish_url: "https://bulletin.example.org/w/3vQ0ZkP1m7rUe8bXaYtCwg",
        preferences_url: "https://bulletin.example.org/p/3vQ0ZkP1m7rUe8bXaYtCwg",
        unsubscribe_url: "https://bulletin.example.org/u/3vQ0ZkP1m7rUe8bXaYtCwg",
    }
}

fn matched(summaries: Vec<Summary<'static>>, also: Vec<Also<'static>>) -> Digest<'static> {
    Digest {
        language: Language::English,
        publication: "Practice Research Bulletin",
        period: Period::Month(Month {
            year: 2020,
            month: 12,
        }),
        teaser: None,
        summaries,
        also,
        occasion: Occasion::Matched,
        sender: sender(),
        view_url: "https://bulletin.example.org/issues/2020-12",
        archive_url: "https://bulletin.example.org/issues",
    }
}

fn sender() -> Sender<'static> {
    Sender {
        name: "Practice Research Network",
        postal_address: "Room 204, 100 Example Street\nOttawa, Ontario  K1N 6N5\nCanada",
        contact: "editor@bulletin.example.org",
    }
}

fn french(occasion: Occasion, summaries: Vec<Summary<'static>>) -> Digest<'static> {
    Digest {
        language: Language::French,
        publication: "Bulletin de recherche clinique",
        occasion,
        ..matched(
            summaries,
            vec![also("Why people leave therapy early", Some("Enquête"))],
        )
    }
}

fn right_to_left() -> Digest<'static> {
    let study = Summary {
        title: "הברית הטיפולית בפגישות הראשונות",
        language: "he",
        citation: Some("כהן, א. (2020). הברית הטיפולית. פסיכותרפיה, 12, 3–9."),
        summary: vec![
            "במחקר זה נבדקו 120 מטופלים בשבע הפגישות הראשונות. ברית טובה בפגישה אחת ניבאה פחות תסמינים בפגישה הבאה.",
        ],
        implications: vec!["כדאי לשאול את המטופל על הקשר כבר בתחילת הטיפול."],
        ..bare()
    };
    Digest {
        publication: "עלון המחקר הטיפולי",
        ..matched(vec![study, smartphones()], vec![])
    }
}

/// Text that tries to be more than text, and words that no line can hold.
fn hostile() -> Digest<'static> {
    let title = "<script>alert(1)</script> & \"quotes\" \u{FDD0}\u{FDD1} Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";
    let study = Summary {
        title,
        url: "https://bulletin.example.org/summaries/a-very-long-address-that-goes-on-and-on-and-on-and-on-and-on-and-on?x=1&y=\"><b>",
        citation: Some(
            "Anonymous (2020). https://journal.example.org/2020/12/31/an-address-in-a-citation-that-is-longer-than-a-phone-is-wide/and-then-some.",
        ),
        doi: Some("10.1002/(SICI)1097-4679(199604)52:2<121::AID-JCLP1>3.0.CO;2-N"),
        summary: vec![
            "研究は患者の生活の質を調べました。研究は患者の生活の質を調べました。研究は患者の生活の質を調べました。👩‍👩‍👧 </td></table>",
        ],
        topics: vec![
            "Pneumonoultramicroscopicsilicovolcanoconiosis",
            "<b>bold</b>",
        ],
        ..smartphones()
    };
    matched(vec![study], vec![also(title, Some("</span>"))])
}

fn also(title: &'static str, research_type: Option<&'static str>) -> Also<'static> {
    Also {
        title,
        url: "https://bulletin.example.org/summaries/named-only",
        research_type,
        language: "en",
    }
}

fn bare() -> Summary<'static> {
    Summary {
        id: None,
        title: "How many sessions are enough?",
        url: "https://bulletin.example.org/summaries/how-many-sessions",
        citation: None,
        doi: None,
        research_type: None,
        summary: vec![
            "In outpatient clinics without a limit on sessions, clients who stayed longer improved more, above all those who came with the most severe problems.",
        ],
        implications: vec![],
        topics: vec![],
        language: "en",
    }
}

fn non_responders() -> Summary<'static> {
    Summary {
        id: Some(417),
        title: "Psychotherapy for Those Who Do Not Respond to Treatment",
        url: "https://bulletin.example.org/summaries/non-responders",
        citation: Some(
            "Gloster, A. T., Rinner, M. T., Ioannou, M., Villanueva, J., Block, V. J., Ferrari, G., ... & Karekla, M. (2020). Treating treatment non-responders: A meta-analysis of randomized controlled psychotherapy trials. Clinical Psychology Review, 75, https://doi.org/10.1016/j.cpr.2019.101810.",
        ),
        doi: Some("10.1016/j.cpr.2019.101810"),
        research_type: Some("Meta-analysis"),
        summary: vec![
            "Four in ten people with a mood or anxiety disorder are no better after a first treatment, which is most often a medication. Eighteen trials with 1734 people asked what happens when psychotherapy is added then.",
            "Symptoms eased to a moderate degree (SMD = 0.45; 95% CI: 0.16, 0.75), and quality of life rose by about as much. No diagnosis and no school of therapy stood out. Whether the gain lasts is open: at follow-up it did not outlive a correction for studies that were never published.",
        ],
        implications: vec![
            "A first treatment that failed is no reason to expect the next to fail. It seems worth offering psychotherapy as something new, not as more of the same, and saying so: that may give back some hope. Plan for what comes after, since lasting effects have not been shown.",
        ],
        topics: vec![
            "Depression and Depressive Symptoms",
            "Anxiety Disorders",
            "Combination Therapy",
        ],
        language: "en",
    }
}

fn smartphones() -> Summary<'static> {
    Summary {
        id: Some(417),
        title: "How Useful Are Smartphone Apps for Mental Health?",
        url: "https://bulletin.example.org/summaries/smartphone-apps",
        citation: Some(
            "Weisel, K.K., Fuhrmann, L.M., Berking, M., Baumeister, H., Cuijpers, P., & Ebert, D.D. (2019). Stand alone smartphone apps for mental health: A systematic review and meta-analysis. NPJ Digital Medicine, 2, 118. https://doi.org/10.1038/s41746-019-0188-8",
        ),
        doi: Some("10.1038/s41746-019-0188-8"),
        research_type: Some("Systematic review"),
        summary: vec![
            "Hundreds of apps promise help with mental health, and few have ever been tested. This review gathered 19 randomized trials of apps used with no therapist at hand. Only one of them had a low risk of bias.",
            "For depression there was a small effect right after use (g = 0.33; 95% CI: 0.10–0.57, p = .005), and one of similar size for giving up smoking. For anxiety and most other problems there was none that chance could not explain, and hardly any trial looked further ahead.",
        ],
        implications: vec![
            "Trials this weak tend to flatter what they test, so an app alone cannot be recommended as a treatment.",
            "Between sessions, and with a therapist who asks about it, an app may still have its place.",
        ],
        topics: vec![
            "Efficacy of Treatments",
            "Depression and Depressive Symptoms",
        ],
        language: "en",
    }
}

/// As long as the longest of an archive: some 700 words.
fn long() -> Summary<'static> {
    let study = non_responders();
    let summary = study.summary.iter().cycle().take(10).copied().collect();
    let implications = study.implications.iter().cycle().take(4).copied().collect();
    Summary {
        summary,
        implications,
        ..study
    }
}

fn apaisement() -> Summary<'static> {
    Summary {
        id: Some(417),
        title: "L’alliance thérapeutique dès les premières séances",
        url: "https://bulletin.example.org/summaries/alliance",
        citation: Some(
            "Flückiger, C., Rubel, J., Del Re, A. C., Horvath, A. O., Wampold, B. E., & Barber, J. P. (2020). The reciprocal relationship between alliance and early treatment symptoms. Journal of Consulting and Clinical Psychology, 88(9), 829–843.",
        ),
        doi: None,
        research_type: Some("Méta-analyse"),
        summary: vec![
            "Dix-sept études ont suivi, séance après séance, plus de 5000 personnes en début de thérapie. Une bonne alliance à une séance annonce moins de symptômes à la suivante, et l’inverse est vrai aussi.",
        ],
        implications: vec![
            "Convenir du but et des tâches dès le début, et revenir sur les tensions quand elles surviennent, fait partie du traitement.",
        ],
        topics: vec!["Alliance thérapeutique", "Facteurs liés au client"],
        language: "fr",
    }
}
