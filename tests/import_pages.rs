//! Archive pages and the editor's Markdown, read as a whole.

use std::path::{Path, PathBuf};

use bulletin::import::{ImportError, Read, markdown, read};
use bulletin::issue::{Issue, Month, Summary};
use proptest::prelude::*;

/// The real pages that are kept beside the project; none where it stands alone.
fn shared_pages() -> Vec<(String, String)> {
    let Some(folder) = crate::support::shared("pages") else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    paths.sort();
    let page = |path: &PathBuf| {
        let name = path
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .into_owned();
        (
            name,
            std::fs::read_to_string(path).expect("a page is UTF-8"),
        )
    };
    paths.iter().map(page).collect()
}

fn read_text(text: &str) -> Result<Read, ImportError> {
    read("page.txt", text.as_bytes())
}

fn months(read: &Read) -> Vec<(String, usize)> {
    let month = |issue: &Issue| (issue.month.to_string(), issue.summaries.len());
    read.issues.iter().map(month).collect()
}

/// Titles, citations and paragraphs in the order of the page.
fn texts(read: &Read) -> Vec<&str> {
    let summaries = read.issues.iter().flat_map(|issue| &issue.summaries);
    summaries
        .flat_map(|summary| {
            std::iter::once(&summary.title)
                .chain(&summary.citation)
                .chain(&summary.summary)
                .chain(&summary.implications)
        })
        .map(String::as_str)
        .collect()
}

#[test]
fn the_real_pages_give_their_months_and_summaries() {
    let expected: [&[(&str, usize)]; 3] = [
        &[
            ("2020-12", 2),
            ("2020-11", 1),
            ("2020-10", 1),
            ("2020-09", 1),
            ("2020-08", 1),
        ],
        &[("2022-11", 3), ("2022-10", 3)],
        &[("2021-03", 3), ("2021-02", 3)],
    ];
    for ((name, page), expected) in shared_pages().iter().zip(expected) {
        let read = read_text(page).expect(name);
        let expected: Vec<_> = expected
            .iter()
            .map(|(m, n)| ((*m).to_owned(), *n))
            .collect();
        assert_eq!(months(&read), expected, "{name}");
        assert!(
            read.issues.iter().all(|issue| issue.teaser.is_none()),
            "{name}"
        );
        assert_eq!(
            read.notes.len(),
            1,
            "{name}: only the teaser: {:?}",
            read.notes
        );
    }
}

#[test]
fn nothing_of_a_real_page_is_cut_joined_or_lost() {
    for (name, page) in shared_pages() {
        let read = read_text(&page).expect(&name);
        let is_heading =
            |line: &&str| bulletin::import::named(line).is_some() || line.ends_with("Implications");
        let lines = page.lines().map(str::trim).filter(|line| !line.is_empty());
        let below = lines.skip_while(|line| bulletin::import::named(line).is_none());
        let content: Vec<&str> = below.filter(|line| !is_heading(line)).collect();
        assert_eq!(texts(&read), content, "{name}");
    }
}

#[test]
fn citations_of_the_real_pages_are_read() {
    for (name, page) in shared_pages() {
        for issue in read_text(&page).expect(&name).issues {
            for summary in &issue.summaries {
                let Some(citation) = &summary.citation else {
                    continue;
                };
                let read = bulletin::citation::read(citation);
                assert!(
                    read.authors.is_some() && read.journal.is_some(),
                    "{citation}: {read:?}"
                );
                assert!(
                    read.year.is_some_and(|year| (2018..=2022).contains(&year)),
                    "{citation}"
                );
                assert_eq!(read.doi.is_some(), citation.contains("doi"), "{citation}");
                assert_eq!(read.doi, summary.doi);
            }
        }
    }
}

#[test]
fn a_real_page_is_read_the_same_from_what_is_written_of_it() {
    for (name, page) in shared_pages() {
        for issue in read_text(&page).expect(&name).issues {
            assert_eq!(again(&issue).issues, [issue]);
        }
    }
}

#[test]
fn a_real_page_in_other_clothes_is_the_same_page() {
    for (name, page) in shared_pages() {
        let plain = read_text(&page).expect(&name).issues;
        let altered = [
            page.replace('\n', "\r\n"),
            page.replace('\n', "\r"),
            format!("\u{FEFF}{page}"),
            page.replace('\n', "\n\n"),
            page.replace(" of ", "\u{A0}of\u{A0}"),
            page.replace("therap", "thera\u{AD}p\u{200B}"),
            page.replace("Practice Implications", "PRACTICAL IMPLICATIONS:"),
            page.replace("Practice Implications", "**Clinical Implications**"),
            format!(
                "{page}\n\n« Previous 1 2 3 Next »\nOlder posts\nUniversity of Somewhere\n© 2024 All rights reserved.\n"
            ),
        ];
        for text in altered {
            assert_eq!(read_text(&text).expect(&name).issues, plain, "{name}");
        }
        let wide: Vec<u8> = page.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let wide = [b"\xFF\xFE".as_slice(), &wide].concat();
        assert_eq!(read("-", &wide).expect(&name).issues, plain, "{name}");
    }
}

#[test]
fn a_real_page_cut_or_doubled_somewhere_does_no_harm() {
    for (name, page) in shared_pages() {
        let whole = texts_of(&read_text(&page).expect(&name));
        for at in (0..page.len()).step_by(500) {
            if let Ok(read) = read("page.txt", &page.as_bytes()[..at]) {
                assert!(texts_of(&read).len() <= whole.len(), "{name} cut at {at}");
            }
        }
        let lines: Vec<&str> = page.lines().collect();
        for at in 0..lines.len() {
            let doubled: Vec<&str> = [&lines[..=at], &lines[at..]].concat();
            if let Ok(read) = read_text(&doubled.join("\n")) {
                let mut found = texts_of(&read);
                found.dedup();
                assert_eq!(found, whole, "{name}, line {} doubled", at + 1);
            }
        }
    }
}

fn texts_of(read: &Read) -> Vec<String> {
    texts(read).into_iter().map(str::to_owned).collect()
}

/// A line that is missing is either harmless, or refused, or told: no study vanishes silently.
#[test]
fn a_line_missing_from_a_real_page_moves_no_other_line() {
    for (name, page) in shared_pages() {
        let lines: Vec<&str> = page.lines().collect();
        for at in 0..lines.len() {
            let rest: Vec<&str> = [&lines[..at], &lines[at + 1..]].concat();
            let Ok(read) = read_text(&rest.join("\n")) else {
                continue;
            };
            let mut whole = texts_of(&read_text(&page).expect(&name));
            whole.retain(|text| text != lines[at].trim());
            assert_eq!(
                texts_of(&read),
                whole,
                "{name} without line {}: {}",
                at + 1,
                lines[at]
            );
        }
    }
}

fn again(issue: &Issue) -> Read {
    let text = markdown(issue);
    read("issue.md", text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn line() -> impl Strategy<Value = String> {
    let marked = "(#|##|>|- |\\\\|Type:|typ:|Topics: a|DOI: x|Language:|\\+\\+\\+|\"|'|)";
    (marked, "[ -~À-ÿ–“”…]{0,40}[a-z.?]")
        .prop_map(|(mark, text)| format!("{mark}{text}").trim().to_owned())
}

fn summaries() -> impl Strategy<Value = Summary> {
    let slugs = || proptest::collection::vec("[a-z]{1,8}(-[a-z]{1,8})?", 0..3);
    let paragraphs = || proptest::collection::vec(line(), 0..4);
    (
        line(),
        proptest::option::of(line()),
        proptest::option::of("10\\.[0-9]{4,9}/[a-z]{1,9}"),
        paragraphs(),
        paragraphs(),
        slugs(),
        proptest::option::of("[a-z]{1,8}"),
        "(en|fr|de)",
    )
        .prop_map(
            |(title, citation, doi, summary, implications, topics, research_type, language)| {
                Summary {
                    title,
                    citation,
                    doi,
                    summary,
                    implications,
                    topics,
                    research_type,
                    language,
                }
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        year in 1900..2199,
        month in 1_u32..=12,
        teaser in proptest::option::of(line()),
        summaries in proptest::collection::vec(summaries(), 1..4),
    ) {
        let issue = Issue { month: Month { year, month }, teaser, summaries };
        prop_assert_eq!(&again(&issue).issues, &[issue]);
    }

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for name in ["-", "a.md", "a.html", "a.txt"] {
            let _ = read(name, &bytes);
        }
    }

    #[test]
    fn no_lines_do_harm(lines in proptest::collection::vec(
        "(May 2020|June 2020|Practice Implications|Lin, T. \\(2020\\)\\. A\\.|A Title of It|A long paragraph\\.|\\+\\+\\+|month = \"2020-05\"|# A|> b|</?(p|li|ul|h2|strong|main|form|br|table|td)( hidden)?>|- x|2|)", 0..40,
    )) {
        let text = lines.join("\n");
        for name in ["-", "a.md", "a.html", "a.txt"] {
            let _ = read(name, text.as_bytes());
        }
    }
}

/// What a fixture's JSON says of one summary; topics and types are the editor's, not the page's.
#[derive(serde::Deserialize)]
struct ExpectedSummary {
    title: String,
    citation: Option<String>,
    doi: Option<String>,
    summary: Vec<String>,
    implications: Vec<String>,
}

#[derive(serde::Deserialize)]
struct ExpectedIssue {
    month: String,
    teaser: Option<String>,
    summaries: Vec<ExpectedSummary>,
}

/// A teaser from its 'I blog' on: what stands before it may be a line of its own.
fn announcement(teaser: &Option<String>) -> Option<&str> {
    let teaser = teaser.as_deref()?;
    teaser.find("I blog").map(|at| &teaser[at..])
}

#[test]
fn pages_in_each_form_are_read_as_written_beside_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pages");
    for (page, expected) in [
        ("plain.txt", "plain.json"),
        ("windows.txt", "plain.json"),
        ("page.html", "plain.json"),
        ("older.txt", "older.json"),
    ] {
        let bytes = std::fs::read(folder.join(page)).expect("the page is there");
        let json = std::fs::read(folder.join(expected)).expect("its reading is there");
        let expected: Vec<ExpectedIssue> = serde_json::from_slice(&json).expect("it is JSON");
        let found = read(page, &bytes).expect(page).issues;
        assert_eq!(found.len(), expected.len(), "{page}");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found.month.to_string(), expected.month, "{page}");
            assert_eq!(
                announcement(&found.teaser),
                announcement(&expected.teaser),
                "{page}"
            );
            let same_doi = |found: &Summary, expected: &ExpectedSummary| {
                let lower = |doi: &Option<String>| doi.as_ref().map(|doi| doi.to_lowercase());
                lower(&found.doi) == lower(&expected.doi)
            };
            let mut pairs = found.summaries.iter().zip(&expected.summaries);
            assert!(
                pairs.all(|(found, expected)| same_doi(found, expected)),
                "{page}"
            );
            let read_dois = found.summaries.iter().map(|summary| summary.doi.clone());
            let pairs = expected.summaries.into_iter().zip(read_dois);
            let summaries = pairs.map(|(summary, doi)| Summary {
                title: summary.title,
                citation: summary.citation,
                doi,
                summary: summary.summary,
                implications: summary.implications,
                language: "en".to_owned(),
                ..Summary::default()
            });
            assert_eq!(found.summaries, summaries.collect::<Vec<_>>(), "{page}");
        }
    }
}

const MONTH: &str = "May 2020\n";
const SUMMARY: &str = "What Helps?\nLin, T., & Stone, S. J. (2021). A study. Psychotherapy, 5, 1–9.\nIt was studied.\nPractice Implications\nDo it.\n";

#[test]
fn a_page_is_refused_whole_where_a_part_is_missing() {
    let lines: Vec<&str> = SUMMARY.lines().collect();
    let without = |at: usize| {
        let mut rest = lines.clone();
        rest.remove(at);
        read_text(&format!("{MONTH}{SUMMARY}{}\n", rest.join("\n")))
    };
    assert_eq!(without(0), Err(ImportError::NoTitle { line: 7 }));
    assert!(without(1).is_ok(), "a citation may be missing");
    assert!(matches!(
        without(2),
        Err(ImportError::NothingBelow { line: 7, .. })
    ));
    assert!(matches!(
        without(4),
        Err(ImportError::NothingBelow { line: 10, .. })
    ));
    assert_eq!(read_text(SUMMARY), Err(ImportError::NoMonth { line: 2 }));
    assert_eq!(
        read_text("Blog\nMay 2020\nJune 2020\n"),
        Err(ImportError::NoIssue)
    );
}

#[test]
fn a_link_gives_the_doi_that_the_citation_leaves_out() {
    let page = "<h2>May 2020</h2><h3>What Helps?</h3><p>Lin, T., &amp; Stone, S. J. (2021). A study. \
        <i>Psychotherapy</i>, 5, 1–9. <a href='https://doi.org/10.1016/S0140-6736%2805%291'>Link</a></p>\
        <p>It was studied.<p><strong>Practice Implications:</strong> Do it.<ul><li>Well.</ul>";
    let read = read("-", page.as_bytes()).expect("a page");
    let summary = &read.issues[0].summaries[0];
    assert_eq!(summary.doi.as_deref(), Some("10.1016/S0140-6736(05)1"));
    assert_eq!(summary.summary, ["It was studied."]);
    assert_eq!(summary.implications, ["Do it.", "- Well."]);
}

#[test]
fn mistakes_in_the_editors_format_name_their_line() {
    let refused = |body: &str| {
        let text = format!("+++\r\nmonth = \"2020-05\"\r\n+++\r\n{body}");
        read("issue.md", text.as_bytes())
            .expect_err("it is refused")
            .to_string()
    };
    for (body, line, named) in [
        ("Text.\n", 4, "# Title"),
        ("# A\nTyp: survey\n", 5, "'Typ'"),
        ("# A\n\nTopic: a\n", 6, "'Topic'"),
        ("# A\nDOI: 12\n", 5, "'12'"),
        ("# A\nType: a\nType: b\n", 6, "twice"),
        ("# A\nx\n> Lin\n", 6, "citation"),
        (
            "# A\nx\n## Practice implications\ny\n## Practice implications\n",
            8,
            "second",
        ),
        ("# A\n### B\n", 5, "'### B'"),
    ] {
        let error = refused(body);
        assert!(
            error.starts_with(&format!("line {line}:")) && error.contains(named),
            "{error}"
        );
    }
    let front = |text: &str| {
        read("-", text.as_bytes())
            .expect_err("it is refused")
            .to_string()
    };
    assert!(
        front("+++\nmonth = \"2020-05\"\nmoth = 1\n+++\n")
            .starts_with("line 3: unknown field `moth`")
    );
    assert!(front("+++\nteaser = \"x\"\n+++\n").contains("missing field `month`"));
    assert!(front("+++\nmonth = \"May\"\n+++\n").contains("month cannot be read"));
}
