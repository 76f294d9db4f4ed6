//! Signing up: a form, what it would have brought, and the request that it becomes. The page that follows is the same
//! whoever the address belongs to.

mod confirm;
mod form;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

pub use self::confirm::{confirm, confirming};
use self::form::{Filled, Shown, Wrong};
use super::limits::{May, Network};
use super::ticket::{self, Came};
use super::{POLICY, Page, PageError, Site};
use crate::archive;
use crate::content::Item;
use crate::plan;
use crate::request::{self, Kind, Request};
use crate::subscriber::Address;
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
    let ticket = ticket::new(&site.keys, (site.new_id)());
    let filled = Filled::empty(language, topics, ticket);
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
    // What fills in a field that nobody sees believes that it was heard.
    if filled.website.is_empty() {
        if let Some(wrong) = in_the_way(&site, network, &mut filled)? {
            return page(&site, language, &filled, Some(wrong), None).await;
        }
        write_down(&site, language, &filled, &address).await?;
    }
    Ok(asked(&site, language, &filled).into_response())
}

/// What keeps a form that is filled in rightly from being taken: its time, and how many there are.
fn in_the_way(
    site: &Site,
    network: Network,
    filled: &mut Filled,
) -> Result<Option<Wrong>, PageError> {
    let now = (site.clock)();
    let has_waited = match ticket::read(&site.keys, &filled.ticket, now) {
        Came::InTime { has_waited } => has_waited,
        // It goes on ageing: whoever presses again has waited meanwhile.
        Came::TooSoon => return Ok(Some(Wrong::PressAgain)),
        Came::TooLate => {
            filled.ticket = ticket::new(&site.keys, (site.new_id)());
            filled.nonce.clear();
            return Ok(Some(Wrong::PressAgain));
        }
    };
    let works = || ticket::is_worked_for(&filled.ticket, &filled.address, &filled.nonce);
    match site.limits.count(network, now) {
        May::Freely => Ok(None),
        May::WithWork if has_waited || works() => Ok(None),
        May::WithWork => {
            filled.nonce.clear();
            Ok(Some(Wrong::ManyAreAsking))
        }
        May::NotBefore(at) => Err(PageError::TooMany {
            seconds: (at - now).num_seconds().max(1).unsigned_abs(),
        }),
    }
}

async fn write_down(
    site: &Site,
    language: Language,
    filled: &Filled,
    address: &Address,
) -> Result<(), PageError> {
    let (id, now) = ((site.new_id)(), (site.clock)());
    let form = filled.kept(&language.path("/subscribe"));
    let request = Request::new(id, Kind::SignUp, address, &site.keys, form, now);
    let mut tx = site.db.begin().await?;
    request::add(&mut tx, &request).await?;
    tx.commit().await?;
    site.asked.notify_one();
    Ok(())
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
    let work = (wrong == Some(Wrong::ManyAreAsking)).then_some(ticket::BITS);
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
    let mut response = shown.into_response();
    if work.is_some() {
        let policy = HeaderValue::from_str(&format!("{POLICY}; script-src 'self'"));
        let policy = policy.expect("the policy is ASCII");
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// The newest issue as these choices would have brought it.
async fn would_have_got(
    site: &Site,
    language: Language,
    filled: &Filled,
) -> Result<Markup, PageError> {
    let mut tx = site.db.read().await?;
    let Some(newest) = archive::newest(&mut tx).await? else {
        return Ok(html! { section.preview { p { (language.nothing_published()) } } });
    };
    let content = plan::freeze(&mut tx, &newest).await?;
    let choice = Choice::new(filled.topics.clone(), filled.research_types.clone());
    let selection = content.select(&choice, content.this_month);
    let full = selection.map_or(Vec::new(), |selection| selection.full);
    let items: Vec<&Item> = full.iter().filter_map(|at| content.item(*at)).collect();
    Ok(html! {
        section.preview aria-labelledby="preview" {
            h2 #preview { (language.what_you_would_have_got(newest.month)) }
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
    html! {
        article lang=(summary.language) {
            @if let Some(kind) = kind { p.kind lang=(language) { (language.pick(&kind.name, &kind.name_fr)) } }
            h3 { a href=(language.path(&format!("/summaries/{}", item.summary_id))) { (summary.title) } }
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
    if slugs.is_empty() {
        return language.every_topic().to_owned();
    }
    let topics = slugs.iter().filter_map(|slug| site.vocabulary.topic(slug));
    let names = topics.map(|topic| language.pick(topic.name.as_str(), topic.name_fr.as_str()));
    names.collect::<Vec<_>>().join(", ")
}

/// The one script there is; only a page that asks for work loads it.
pub async fn work() -> impl IntoResponse {
    let kind = [(CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("../work.js"))
}
