//! Issues: listed, read, and taken into the archive, as JSON or as the editor's Markdown.

use axum::http::Method;
use serde::Deserialize;

use super::call::{Call, Taken};
use super::forms::{COUNT, DOI, LANGUAGE_CODE, LINE, MONTH, SLUGS};
use super::operation::{Answer, Body, Content, Operation, Reply, Said};
use super::paging::{LIMIT, MOST, cut};
use super::problem::Problem;
use super::schema::{Field, Schema, field, fields, optional};
use crate::archive::{self, KeptIssue};
use crate::audit::Deed;
use crate::import;
use crate::issue::{Issue, Month, Summary};
use crate::token::Scope;
use crate::topic::Vocabulary;

pub(super) fn operations() -> Vec<Operation> {
    use Scope::{IssuesRead as Read, IssuesWrite as Write};
    const ISSUE: &str = "/issues/{month}";
    vec![
        Operation::new(Method::GET, "/issues", Read, ["issue_list", "Every issue, the newest first"], list)
            .query(&[AFTER, LIMIT])
            .gives(&Schema::List(&LISTED, MOST)),
        Operation::new(Method::GET, ISSUE, Read, ["issue_get", "One issue with its summaries"], show)
            .gives(&ISSUE_SHOWN),
        Operation::new(
            Method::GET,
            "/issues/{month}/markdown",
            Read,
            ["issue_markdown", "One issue as the editor's Markdown"],
            markdown,
        )
        .gives_as(200, Content::Markdown, ""),
        Operation::new(Method::PUT, ISSUE, Write, ["issue_put", "Take an issue into the archive"], put)
            .about(
                "The issue is from then on as it is given: what it lacks is taken out, unless a mail had it. A summary \
                 is the same one as before where its title, or within the issue its DOI, is the same. Gives what that \
                 changed: nothing, if it was so already.",
            )
            .takes(Body::Markdown(&ISSUE_GIVEN))
            .gives(&CHANGES),
        Operation::new(
            Method::POST,
            "/issues/{month}/confirm",
            Write,
            ["issue_confirm", "Confirm the suggested topics and types of research"],
            confirm,
        )
        .gives(&ISSUE_SHOWN),
    ]
}

const AFTER: Field = optional("after", MONTH, "Goes on behind this month.");

const PARAGRAPHS: Schema = Schema::List(
    &Schema::Text {
        least: 1,
        most: 20_000,
    },
    200,
);

const LISTED: Schema = Schema::Named(
    "ListedIssue",
    &Schema::Object(&[fields! {
        field month: MONTH;
        field teaser: Schema::Maybe(&LINE), "The line that announces the month.";
        field summaries: COUNT, "How many it has.";
    }]),
);

const TITLE: Schema = Schema::Text {
    least: 1,
    most: 1_000,
};

const ISSUE_GIVEN: Schema = Schema::Named(
    "IssueGiven",
    &Schema::Object(&[fields! {
        optional teaser: Schema::Maybe(&TITLE), "The line that announces the month.";
        field summaries: Schema::List(&SUMMARY_GIVEN, 50), "In the order of the issue.";
    }]),
);

const SUMMARY_GIVEN: Schema = Schema::Named(
    "SummaryGiven",
    &Schema::Object(&[fields! {
        field title: TITLE;
        optional citation: Schema::Maybe(&TITLE), "As published.";
        optional doi: Schema::Maybe(&DOI), "Of the study.";
        optional summary: PARAGRAPHS, "Its paragraphs.";
        optional implications: PARAGRAPHS, "The paragraphs of what it means for practice.";
        optional topics: Schema::List(&Schema::Topic, 36),
            "What the editor confirms; where there are none, likely ones are suggested.";
        optional research_type: Schema::Maybe(&Schema::ResearchType);
        optional language: LANGUAGE_CODE, "Of its text; en if nothing is said.";
    }]),
);

const SUGGESTED: Schema = Schema::List(
    &Schema::Named(
        "Suggestion",
        &Schema::Object(&[fields! {
            field slug: LINE;
            field score: Schema::Number, "0 to 1.";
            field because: SLUGS, "The words that led to it.";
        }]),
    ),
    1_000,
);

const ISSUE_SHOWN: Schema = Schema::Named(
    "Issue",
    &Schema::Object(&[fields! {
        field month: MONTH;
        field teaser: Schema::Maybe(&LINE);
        field summaries: Schema::List(&SUMMARY_SHOWN, 1_000);
    }]),
);

const PARAGRAPHS_SHOWN: Schema = Schema::List(
    &Schema::Text {
        least: 0,
        most: 1_000_000,
    },
    10_000,
);

const SUMMARY_SHOWN: Schema = Schema::Named(
    "Summary",
    &Schema::Object(&[fields! {
        field title: LINE;
        field citation: Schema::Maybe(&LINE);
        field authors: Schema::Maybe(&LINE), "Read from the citation, like the next two.";
        field year: Schema::Maybe(&Schema::Whole { least: 0, most: 9_999 });
        field journal: Schema::Maybe(&LINE);
        field doi: Schema::Maybe(&LINE);
        field summary: PARAGRAPHS_SHOWN;
        field implications: PARAGRAPHS_SHOWN;
        field topics: SLUGS, "What the editor confirmed.";
        field suggested_topics: SUGGESTED;
        field research_type: Schema::Maybe(&LINE), "What was confirmed, otherwise the likeliest.";
        field research_type_confirmed: Schema::Flag;
        field suggested_research_types: SUGGESTED;
        field language: LINE;
    }]),
);

const CHANGES: Schema = Schema::List(
    &Schema::Named(
        "Change",
        &Schema::Object(&[fields! {
            field month: MONTH;
            field title: Schema::Maybe(&LINE), "Of the summary; null where it is about the issue.";
            field what: Schema::Text { least: 0, most: 100_000 };
        }]),
    ),
    10_000,
);

/// An issue as it is sent to us.
#[derive(Deserialize)]
struct IssueGiven {
    teaser: Option<String>,
    summaries: Vec<SummaryGiven>,
}

#[derive(Deserialize)]
struct SummaryGiven {
    title: String,
    citation: Option<String>,
    doi: Option<String>,
    #[serde(default)]
    summary: Vec<String>,
    #[serde(default)]
    implications: Vec<String>,
    #[serde(default)]
    topics: Vec<String>,
    research_type: Option<String>,
    language: Option<String>,
}

async fn list(call: Call) -> Answer {
    let mut issues = archive::list(&mut call.reading().await?).await?;
    if let Some(after) = call.text("after") {
        issues.retain(|issue| issue.month.as_str() < after);
    }
    let is_more = cut(&mut issues, call.limit());
    let next = issues.last().map(|issue| issue.month.clone());
    Ok(call.part(issues, next.filter(|_| is_more)))
}

async fn show(call: Call) -> Answer {
    let issue = issue_of(&call).await?;
    Ok(Reply::json(archive::shown(&issue, &call.desk.suggester)))
}

async fn markdown(call: Call) -> Answer {
    let issue = issue_of(&call).await?;
    let text = import::markdown(&archive::as_written(&issue));
    Ok(Reply {
        said: Said::Markdown(text),
        ..Reply::nothing().status(200)
    })
}

async fn put(call: Call) -> Answer {
    let month = call.month()?;
    let issue = match &call.body {
        Taken::Markdown(bytes) => written(month, bytes, &call.desk.site.vocabulary)?,
        _ => call.body::<IssueGiven>()?.into_issue(month),
    };
    look_over(&issue)?;
    let mut tx = call.begin().await?;
    let ids = vec![None; issue.summaries.len()];
    let suggester = &call.desk.suggester;
    let (_, changes) = archive::keep_whole(&mut tx, &issue, &ids, suggester, call.now).await?;
    if !changes.is_empty() {
        let (subject, count) = (month.to_string(), issue.summaries.len() as i64);
        call.audit(&mut tx, Deed::IssueKept, &subject, count)
            .await?;
    }
    tx.commit().await?;
    Ok(Reply::json(changes))
}

async fn confirm(call: Call) -> Answer {
    let month = call.month()?;
    let mut tx = call.begin().await?;
    let issue = found(month, archive::issue(&mut tx, month).await?)?;
    archive::confirm(&mut tx, &issue).await?;
    let (subject, count) = (month.to_string(), issue.summaries.len() as i64);
    call.audit(&mut tx, Deed::IssueKept, &subject, count)
        .await?;
    let issue = found(month, archive::issue(&mut tx, month).await?)?;
    tx.commit().await?;
    Ok(Reply::json(archive::shown(&issue, &call.desk.suggester)))
}

async fn issue_of(call: &Call) -> Result<KeptIssue, Problem> {
    let month = call.month()?;
    let mut tx = call.reading().await?;
    found(month, archive::issue(&mut tx, month).await?)
}

fn found(month: Month, issue: Option<KeptIssue>) -> Result<KeptIssue, Problem> {
    issue.ok_or_else(|| no_issue(month))
}

pub(super) fn no_issue(month: Month) -> Problem {
    Problem::not_found(format!(
        "there is no issue {month}; GET /api/v1/issues shows what there is, PUT takes one in"
    ))
}

impl IssueGiven {
    fn into_issue(self, month: Month) -> Issue {
        let summaries = self.summaries.into_iter().map(|given| Summary {
            title: given.title,
            citation: given.citation,
            doi: given.doi,
            summary: given.summary,
            implications: given.implications,
            topics: given.topics,
            research_type: given.research_type,
            language: given.language.unwrap_or_else(|| "en".to_owned()),
        });
        Issue {
            month,
            teaser: self.teaser,
            summaries: summaries.collect(),
        }
    }
}

/// The one issue of a Markdown file, its topics and types as slugs.
fn written(month: Month, bytes: &[u8], vocabulary: &Vocabulary) -> Result<Issue, Problem> {
    let unfit = |why: String| Problem::does_not_fit("body", why);
    let read = import::read("issue.md", bytes).map_err(|error| unfit(error.to_string()))?;
    let mut issues = read.issues.into_iter();
    let (Some(mut issue), None) = (issues.next(), issues.next()) else {
        return Err(unfit("the file has to hold one issue".to_owned()));
    };
    if issue.month != month {
        return Err(Problem::conflict(format!(
            "the file is of {}, the address of {month}",
            issue.month
        )));
    }
    for summary in &mut issue.summaries {
        for topic in &mut summary.topics {
            let known = vocabulary.topic(topic);
            let known = known.ok_or_else(|| {
                unfit(format!(
                    "there is no topic '{topic}'; GET /api/v1/topics shows them"
                ))
            })?;
            topic.clone_from(&known.slug);
        }
        if let Some(kind) = &mut summary.research_type {
            let known = vocabulary.research_type(kind);
            let known =
                known.ok_or_else(|| unfit(format!("there is no type of research '{kind}'")))?;
            kind.clone_from(&known.slug);
        }
    }
    Ok(issue)
}

/// What the archive would not take.
fn look_over(issue: &Issue) -> Result<(), Problem> {
    let mut titles: Vec<String> = Vec::new();
    for (index, summary) in issue.summaries.iter().enumerate() {
        let at = format!("body /summaries/{index}");
        let title = archive::title_key(&summary.title);
        if title.is_empty() {
            return Err(Problem::does_not_fit(
                at + "/title",
                "a title has letters or digits",
            ));
        }
        if titles.contains(&title) {
            let says = "an earlier summary has this title: the two would become one";
            return Err(Problem::does_not_fit(at + "/title", says));
        }
        if summary.summary.is_empty() && summary.implications.is_empty() {
            let says = "a summary has paragraphs in summary, in implications, or in both";
            return Err(Problem::does_not_fit(at, says));
        }
        titles.push(title);
    }
    if titles.is_empty() {
        let says = "an issue has at least one summary";
        return Err(Problem::does_not_fit("body /summaries", says));
    }
    Ok(())
}
