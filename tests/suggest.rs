//! How well suggested topics and types of research agree with labels set by hand.

use std::collections::HashMap;

use bulletin::issue::{Month, Summary};
use bulletin::suggest::Suggester;
use bulletin::topic::Vocabulary;
use serde::Deserialize;

/// What a reader of the summary holds it to be about; `also` is what an editor might add.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    month: Option<String>,
    title: String,
    citation: Option<String>,
    /// The text itself, for the studies that are told in our own words.
    summary: Option<String>,
    implications: Option<String>,
    #[serde(default, rename = "tuned")]
    _tuned: bool,
    topics: Vec<String>,
    #[serde(default)]
    also: Vec<String>,
    research_type: String,
    #[serde(default)]
    research_type_also: Vec<String>,
}

#[derive(Deserialize)]
struct Labels {
    #[serde(alias = "study")]
    summary: Vec<Label>,
}

#[test]
fn suggestions_for_the_archive_pages_agree_with_the_labels() {
    let Some(summaries) = summaries_of_shared_pages() else {
        return;
    };
    let labels = labels("labels.toml");
    let mut found: HashMap<(String, String), Summary> = HashMap::new();
    for (month, summary) in summaries {
        found.insert((month.to_string(), summary.title.clone()), summary);
    }
    let labelled = labels.into_iter().map(|label| {
        let named = (label.month.clone().unwrap_or_default(), label.title.clone());
        let summary = found
            .remove(&named)
            .unwrap_or_else(|| panic!("no summary {named:?}"));
        (label, summary)
    });
    let agreement = Agreement::measure("archive pages", labelled.collect());
    agreement.must_reach(0.97, 0.92, 17);
}

#[test]
fn suggestions_for_studies_on_other_topics_agree_with_the_labels() {
    let labelled = labels("suggest-heldout.toml").into_iter().map(|label| {
        let summary = Summary {
            title: label.title.clone(),
            citation: label.citation.clone(),
            summary: label.summary.clone().into_iter().collect(),
            implications: label.implications.clone().into_iter().collect(),
            language: "en".to_owned(),
            ..Summary::default()
        };
        (label, summary)
    });
    let agreement = Agreement::measure("studies on other topics", labelled.collect());
    agreement.must_reach(0.95, 0.92, 34);
}

/// The real archive pages, if they are beside the project.
fn summaries_of_shared_pages() -> Option<Vec<(Month, Summary)>> {
    let mut summaries = Vec::new();
    for entry in
        std::fs::read_dir(crate::support::shared("pages")?).expect("the folder can be read")
    {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a page can be read");
        let read = bulletin::import::read("page.txt", &bytes).expect("a real page is understood");
        for issue in read.issues {
            summaries.extend(
                issue
                    .summaries
                    .into_iter()
                    .map(|summary| (issue.month, summary)),
            );
        }
    }
    Some(summaries)
}

fn labels(file: &str) -> Vec<Label> {
    let path = format!("{}/tests/fixtures/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the fixture is there");
    let labels: Labels = toml::from_str(&text).expect("the fixture can be read");
    labels.summary
}

#[derive(Default)]
struct Agreement {
    wanted: usize,
    wanted_found: usize,
    suggested: usize,
    suggested_rightly: usize,
    types_right: usize,
}

impl Agreement {
    /// Compares, and prints a line for each summary that is not all right, then the figures.
    fn measure(of: &str, labelled: Vec<(Label, Summary)>) -> Agreement {
        let vocabulary = Vocabulary::built_in();
        let suggester = Suggester::new(&vocabulary);
        let mut agreement = Agreement::default();
        for (label, summary) in &labelled {
            for slug in label.topics.iter().chain(&label.also) {
                assert!(
                    vocabulary
                        .topic(slug)
                        .is_some_and(|topic| topic.slug == *slug),
                    "{slug}"
                );
            }
            agreement.add(&suggester, label, summary);
        }
        println!(
            "{of}: recall {}/{} = {:.3}, precision {}/{} = {:.3}, types {}/{}",
            agreement.wanted_found,
            agreement.wanted,
            agreement.recall(),
            agreement.suggested_rightly,
            agreement.suggested,
            agreement.precision(),
            agreement.types_right,
            labelled.len(),
        );
        agreement
    }

    fn add(&mut self, suggester: &Suggester, label: &Label, summary: &Summary) {
        let given = suggester.topics(summary);
        let suggested = |slug: &String| given.iter().any(|suggestion| suggestion.slug == *slug);
        let right = |slug: &String| label.topics.contains(slug) || label.also.contains(slug);
        let missed: Vec<_> = label
            .topics
            .iter()
            .filter(|slug| !suggested(slug))
            .collect();
        let wrong: Vec<_> = given
            .iter()
            .filter(|suggestion| !right(&suggestion.slug))
            .collect();
        let types = suggester.research_types(summary);
        let kind = types.first().map_or("", |first| first.slug.as_str());
        let kind_right =
            label.research_type == kind || label.research_type_also.iter().any(|also| also == kind);
        if !missed.is_empty() || !wrong.is_empty() || !kind_right {
            println!(
                "{}: missed {missed:?}, wrong {wrong:?}, type '{kind}'",
                label.title
            );
        }
        self.wanted += label.topics.len();
        self.wanted_found += label.topics.len() - missed.len();
        self.suggested += given.len();
        self.suggested_rightly += given.len() - wrong.len();
        self.types_right += usize::from(kind_right);
    }

    fn recall(&self) -> f64 {
        self.wanted_found as f64 / self.wanted as f64
    }

    fn precision(&self) -> f64 {
        self.suggested_rightly as f64 / self.suggested as f64
    }

    fn must_reach(&self, recall: f64, precision: f64, types_right: usize) {
        assert!(self.recall() >= recall, "recall is {:.3}", self.recall());
        assert!(
            self.precision() >= precision,
            "precision is {:.3}",
            self.precision()
        );
        assert!(
            self.types_right >= types_right,
            "{} types are right",
            self.types_right
        );
    }
}
