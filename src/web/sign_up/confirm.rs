//! The page behind a confirmation's link: one button, and what it did.

use axum::extract::{Path, State};
use maud::{Markup, html};
use uuid::Uuid;

use super::topic_names;
use crate::feedback::requests::{self, Confirmed};
use crate::request::{Form, Kind};
use crate::secret::Purpose;
use crate::subscriber::Address;
use crate::subscription::Language;
use crate::web::{Page, PageError, Site};

/// What is to be confirmed, with one button. Opening it changes nothing.
pub async fn confirming(
    State(site): State<Site>,
    Path(token): Path<String>,
) -> Result<Markup, PageError> {
    let id = request_of(&site, &token)?;
    let mut tx = site.db.read().await?;
    let found = requests::usable(&mut tx, id, (site.clock)()).await?;
    let Some((request, form, reader)) = found else {
        return Ok(over(&site, language_of(&site, id).await?));
    };
    let (address, button) = match request.kind {
        Kind::Address => (&request.address, form.language.yes_move()),
        _ => (&reader.address, form.language.yes_subscribe()),
    };
    let masked = Address::parse(address).map_or(String::new(), |address| address.masked());
    Ok(page(&site, &form, request.kind, &masked, button, &token))
}

/// Does what was asked for.
pub async fn confirm(
    State(site): State<Site>,
    Path(token): Path<String>,
) -> Result<Markup, PageError> {
    let id = request_of(&site, &token)?;
    let language = language_of(&site, id).await?;
    let mut tx = site.db.begin().await?;
    let request = crate::request::by_id(&mut tx, id).await?;
    let confirmed = requests::confirm(&mut tx, &site.keys, id, (site.clock)()).await?;
    tx.commit().await?;
    let reader = request.and_then(|request| request.subscriber_id);
    let [heading, words] = match confirmed {
        Confirmed::Subscribed => language.you_are_subscribed(),
        Confirmed::Moved => language.you_have_moved(),
        Confirmed::Over => return Ok(over(&site, language)),
    };
    let choices = reader.map(|reader| site.keys.link(Purpose::Preferences, reader));
    Ok(Page::new(&site, language, heading).unlisted().show(html! {
        h1 { (heading) }
        p.lead { (words) }
        @if let Some(token) = choices {
            p { a.button href=(format!("/p/{token}")) { (language.change_your_choices()) } }
        }
        p { a href=(language.path("/issues")) { (language.read_while_you_wait()) } }
    }))
}

fn page(site: &Site, form: &Form, kind: Kind, masked: &str, button: &str, token: &str) -> Markup {
    let language = form.language;
    let heading = language.is_it_you();
    Page::new(site, language, heading).unlisted().show(html! {
        h1 { (heading) }
        p.lead { (language.subscribe_this(&site.name)) }
        p { strong.address { (masked) } }
        @if kind == Kind::SignUp {
            p { (language.you_asked_for()) ": " (topic_names(site, language, &form.topics)) "; " (language.often(form.frequency)) "." }
            p.small { (language.consent(&site.name, &site.publisher.name)) }
        }
        form method="post" action=(format!("/c/{token}")) { button { (button) } }
        p.small { (language.or_do_nothing()) }
    })
}

fn over(site: &Site, language: Language) -> Markup {
    let [heading, words] = language.link_is_over();
    Page::new(site, language, heading).unlisted().show(html! {
        h1 { (heading) }
        p.lead { (words) }
        p { a.button href=(language.path("/subscribe")) { (language.sign_up_heading()) } }
        p { a href=(language.path("/manage")) { (language.already_subscribed()) } }
    })
}

fn request_of(site: &Site, token: &str) -> Result<Uuid, PageError> {
    let id = site.keys.reader(Purpose::Confirm, token);
    id.ok_or(PageError::BadLink)
}

/// The language of the request, or of its reader once what was filled in is forgotten.
async fn language_of(site: &Site, id: Uuid) -> Result<Language, PageError> {
    let mut tx = site.db.read().await?;
    let Some(request) = crate::request::by_id(&mut tx, id).await? else {
        return Err(PageError::BadLink);
    };
    if let Some(form) = &request.form {
        return Ok(form.language);
    }
    let reader = match request.subscriber_id {
        Some(reader) => crate::subscriber::by_id(&mut tx, reader).await?,
        None => None,
    };
    Ok(reader.map_or(Language::English, |reader| reader.language))
}
