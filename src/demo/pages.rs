//! The demo's pages: what was caught, and the plan behind it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};

use super::catcher::{Catcher, Caught};
use crate::content::Occasion;
use crate::plan::Plan;
use crate::subscription::Language;
use crate::web::{Page, PageError, Site};

/// What the demo's pages show.
pub struct Exhibit {
    pub site: Site,
    pub catcher: Arc<Catcher>,
    /// The plan of what was sent.
    pub plan: Plan,
}

/// A mail's own HTML is shown as it is, but may load nothing and run nothing.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-popups";
const FRAME_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The pages under `/demo`.
pub fn routes(exhibit: Arc<Exhibit>) -> Router {
    Router::new()
        .route("/demo", get(overview))
        .route("/demo/mails", get(mails))
        .route("/demo/mails/{number}", get(mail))
        .route("/demo/mails/{number}/html", get(mail_html))
        .with_state(exhibit)
}

async fn overview(State(exhibit): State<Arc<Exhibit>>) -> Markup {
    let plan = &exhibit.plan;
    page(&exhibit, "Demo").show(
        html! {
            h1 { "What the demo did" }
            p {
                "The sample months are in the " a href="/issues" { "archive" } ". The issue " (plan.month) " went to "
                (plan.recipients) " readers as " (plan.variants.len()) " different mails; "
                a href="/demo/mails" { (exhibit.catcher.all().len()) " were caught" } "."
            }
            h2 { "Who got what" }
            table {
                caption { "Each distinct content with its readers" }
                thead { tr { th scope="col" { "Readers" } th scope="col" { "Summaries" } th scope="col" { "Orders" } } }
                tbody {
                    @for variant in &plan.variants {
                        tr {
                            td.number { (variant.subscribers) }
                            td {
                                @if variant.occasion != Occasion::Matched { p { "Nothing matched: " (variant.occasion.as_str()) } }
                                ul { @for title in &variant.summaries { li { (title) } } }
                            }
                            td.number { (variant.orders.len()) }
                        }
                    }
                }
            }
            h2 { "Who is left out" }
            ul { @for (reason, count) in &plan.excluded { li { (count) ": " (reason.replace('_', " ")) } } }
            @if !plan.warnings.is_empty() {
                h2 { "Worth a look" }
                ul { @for warning in &plan.warnings { li { (warning) } } }
            }
            p { "Fingerprint of the plan: " code { (plan.fingerprint) } }
        },
    )
}

async fn mails(State(exhibit): State<Arc<Exhibit>>) -> Markup {
    let caught = exhibit.catcher.all();
    page(&exhibit, "Caught mails").show(
        html! {
            h1 { "Caught mails" }
            p { (caught.len()) " mails, in the order in which they came." }
            table {
                caption { "Every mail with its reader" }
                thead { tr { th scope="col" { "To" } th scope="col" { "Subject" } th scope="col" { "Bytes" } } }
                tbody {
                    @for (number, mail) in caught.iter().enumerate() {
                        tr {
                            td { (mail.recipient) }
                            td { a href=(format!("/demo/mails/{number}")) { (mail.parts().subject) } }
                            td.number { (mail.source.len()) }
                        }
                    }
                }
            }
        },
    )
}

async fn mail(
    State(exhibit): State<Arc<Exhibit>>,
    Path(number): Path<usize>,
) -> Result<Response, PageError> {
    let caught = exhibit.catcher.get(number).ok_or(PageError::NotFound)?;
    let parts = caught.parts();
    let frame = format!("/demo/mails/{number}/html");
    let shown = page(&exhibit, &parts.subject).show(
        html! {
            h1 { (parts.subject) }
            p { "To " (caught.recipient) ", envelope sender " code { (caught.return_path) } }
            nav aria-label="Mails" {
                @if number > 0 { a href=(format!("/demo/mails/{}", number - 1)) { "Previous mail" } " " }
                a href="/demo/mails" { "All mails" } " "
                @if exhibit.catcher.get(number + 1).is_some() { a href=(format!("/demo/mails/{}", number + 1)) { "Next mail" } }
            }
            @if parts.html.is_some() {
                h2 #phone { "On a phone" }
                iframe.phone src=(frame) title="The mail, 375 pixels wide" {}
                h2 #desktop { "On a desktop" }
                iframe.desktop src=(frame) title="The mail, 800 pixels wide" {}
            } @else {
                p { "This reader wants text alone." }
            }
            (fold("Text", parts.text.as_deref().unwrap_or("no text part")))
            (fold("Header", &parts.header))
            (fold("Source", &String::from_utf8_lossy(&caught.source)))
        },
    );
    Ok(([(CONTENT_SECURITY_POLICY, FRAME_POLICY)], shown).into_response())
}

async fn mail_html(
    State(exhibit): State<Arc<Exhibit>>,
    Path(number): Path<usize>,
) -> Result<Response, PageError> {
    let html = exhibit
        .catcher
        .get(number)
        .as_ref()
        .map(Caught::parts)
        .and_then(|parts| parts.html);
    let html = html.ok_or(PageError::NotFound)?;
    Ok((
        [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, MAIL_POLICY),
        ],
        html,
    )
        .into_response())
}

fn page<'a>(exhibit: &'a Exhibit, title: &str) -> Page<'a> {
    Page::new(&exhibit.site, Language::English, title).unlisted()
}

fn fold(name: &str, text: &str) -> Markup {
    html! { details { summary { (name) } pre tabindex="0" { (text) } } }
}
