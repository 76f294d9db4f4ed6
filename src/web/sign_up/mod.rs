//! Signing up: a form, what it would have brought, and the request that it becomes. The page that follows is the same
//! whoever the address belongs to.

mod confirm;
mod form;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

pub use self::confirm::{confirm, confirming};
use self::form::{Filled, Shown, Wrong};
use super::asking::{self, Carried};
use super::{Page, PageError, Site};
use crate::archive;
use crate::content::Item;
use crate::network::Network;
use crate::plan;
use crate::request::Kind;
use crate::subscription::{Choice, Language};

/// The form, empty but for topics that the address names: `/subscribe?topic=attachment`.
pub async fn open(
    State(site): State<Site>,
    language: Language,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let query = query.unwrap_or_default();
    let topics = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "topic")
        .filter_map(|(_, value)| Some(site.vocabulary.topic(&value)?.slug.clone()))
        .collect();
    let filled = Filled::empty(language, topics, Carried::new(&site));
    page(&site, language, &filled, None, None).await
}

/// Takes the form: shows what it would have brought, says what to mend, or writes the request down.
pub async fn take(
    State(site): State<Site>,
    language: Language,
    network: Network,
    body: Bytes,
) -> Result<Response, PageError> {
    let mut filled = Filled::read(&body, &site.vocabulary, language).ok_or(PageError::BadForm)?;
    if filled.only_shows {
        let shown = would_have_got(&site, language, &filled).await?;
        return page(&site, language, &filled, None, Some(shown)).await;
    }
    let address = match filled.address() {
        Ok(address) => address,
        Err(wrong) => return page(&site, language, &filled, Some(wrong), None).await,
    };
    if !filled.carried.is_a_programs() {
        let not_yet = filled.carried.not_yet(&site, network, &filled.address)?;
        if let Some(not_yet) = not_yet {
            return page(&site, language, &filled, Some(Wrong::NotYet(not_yet)), None).await;
        }
        let form = filled.kept(&language.path("/subscribe"));
        let tx = site.db.begin().await?;
        site.ask(tx, Kind::SignUp, &address, form, None).await?;
    }
    Ok(asked(&site, language, &filled).into_response())
}

/// The page with the form on it.
async fn page(
    site: &Site,
    language: Language,
    filled: &Filled,
    wrong: Option<Wrong>,
    preview: Option<Markup>,
) -> Result<Response, PageError> {
    let mut tx = site.db.read().await?;
    let counts = archive::topic_counts_of_a_year(&mut tx).await?;
    let work = asking::work(wrong.and_then(Wrong::not_yet));
    let form = Shown {
        site,
        language,
        filled,
        wrong,
        counts: &counts,
        work,
    };
    let shown = Page::new(site, language, language.sign_up_heading())
        .at("/subscribe")
        .described(language.sign_up_lead())
        .show(html! {
            h1 { (language.sign_up_heading()) }
            p.lead { (language.sign_up_lead()) }
            @if let Some(preview) = preview { (preview) }
            (form.markup())
            p { a href=(language.path("/manage")) { (language.already_subscribed()) } }
        });
    Ok(asking::with_form(shown, work))
}

/// The newest issue as these choices would have brought it.
async fn would_have_got(
    site: &Site,
    language: Language,
    filled: &Filled,
) -> Result<Markup, PageError> {
    let mut tx = site.db.read().await?;
    let Some((month, content)) = plan::newest(&mut tx).await? else {
        return Ok(html! { section.preview { p { (language.nothing_published()) } } });
    };
    let choice = Choice::new(filled.topics.clone(), filled.research_types.clone());
    let items: Vec<&Item> = content.matching(&choice, content.this_month).collect();
    Ok(html! {
        section.preview aria-labelledby="preview" {
            h2 #preview { (language.what_you_would_have_got(month)) }
            @if items.is_empty() { p { (language.nothing_that_month()) } }
            @for item in items { (in_short(site, language, item)) }
        }
    })
}

/// A summary's beginning, with the way to all of it.
fn in_short(site: &Site, language: Language, item: &Item) -> Markup {
    let summary = &item.summary;
    let kind = summary.research_type.as_deref();
    let kind = kind.and_then(|slug| site.vocabulary.research_type(slug));
    let heading = format!("s{}", item.summary_id);
    html! {
        article lang=(summary.language) aria-labelledby=(heading) {
            @if let Some(kind) = kind { p.kind lang=(language) { (language.pick(&kind.name, &kind.name_fr)) } }
            h3 id=(heading) { a href=(language.path(&format!("/summaries/{}", item.summary_id))) { (summary.title) } }
            @if let Some(first) = summary.summary.first() { p { (first) } }
        }
    }
}

/// What everybody is told.
fn asked(site: &Site, language: Language, filled: &Filled) -> Markup {
    let names = topic_names(site, language, &filled.topics);
    let heading = language.look_at_your_mail();
    Page::new(site, language, heading).unlisted().show(html! {
        h1 { (heading) }
        p.lead { (language.we_wrote_to()) " " strong.address { (filled.address) } "." }
        p { (language.press_the_button_there()) }
        p { (language.you_asked_for()) ": " (names) "." }
        h2 { (language.no_mail_came()) }
        ul { @for hint in language.what_may_help() { li { (hint) } } }
    })
}

fn topic_names(site: &Site, language: Language, slugs: &[String]) -> String {
    match slugs {
        [] => language.every_topic().to_owned(),
        _ => site.topic_names(language, slugs).join(", "),
    }
}

/// The one script there is; only a page that asks for work loads it.
pub async fn work() -> impl IntoResponse {
    let kind = [(CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("../work.js"))
}
