//! Pages behind the links in a reader's mail: choosing, leaving, coming back. No password; the link is the key.

use std::collections::HashSet;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use uuid::Uuid;

use super::{Page, PageError, Site};
use crate::config::OnNothing;
use crate::db::Tx;
use crate::feedback;
use crate::secret::Purpose;
use crate::subscriber::{self, Subscriber};
use crate::subscription::{
    self, Act, Choice, Format, Frequency, Language, Preferences, State as Subscribed,
};

/// What the reader chose, to be changed.
pub async fn preferences(
    State(site): State<Site>,
    Path(token): Path<String>,
) -> Result<Markup, PageError> {
    let mut tx = site.db.read().await?;
    let reader = reader(&site, &mut tx, Purpose::Preferences, &token).await?;
    Ok(preferences_page(&site, &reader, &token, false))
}

/// Keeps what the form says.
pub async fn prefer(
    State(site): State<Site>,
    Path(token): Path<String>,
    body: Bytes,
) -> Result<Markup, PageError> {
    let chosen = chosen(&site, &body).ok_or(PageError::BadForm)?;
    let now = (site.clock)();
    let mut tx = site.db.begin().await?;
    let before = reader(&site, &mut tx, Purpose::Preferences, &token).await?;
    subscription::prefer(&mut tx, before.id, &chosen).await?;
    subscription::record(
        &mut tx,
        &before.address_hash,
        Act::Changed,
        "preferences page",
        now,
    )
    .await?;
    let reader = reader(&site, &mut tx, Purpose::Preferences, &token).await?;
    tx.commit().await?;
    Ok(preferences_page(&site, &reader, &token, true))
}

/// A page with one button. Opening it changes nothing.
pub async fn leaving(
    State(site): State<Site>,
    Path(token): Path<String>,
) -> Result<Markup, PageError> {
    let mut tx = site.db.read().await?;
    let reader = reader(&site, &mut tx, Purpose::Unsubscribe, &token).await?;
    Ok(leaving_page(&site, reader.state, &token))
}

/// Ends the subscription: by the page's button, or by a mail program's one click (RFC 8058), which gets no page.
pub async fn leave(
    State(site): State<Site>,
    Path(token): Path<String>,
    body: Bytes,
) -> Result<Response, PageError> {
    let id = site
        .keys
        .reader(Purpose::Unsubscribe, &token)
        .ok_or(PageError::BadLink)?;
    let one_click = contains(&body, b"List-Unsubscribe=One-Click")
        || contains(&body, b"name=\"List-Unsubscribe\"");
    let source = if one_click {
        "one click in the mail program"
    } else {
        "unsubscribe page"
    };
    let mut tx = site.db.begin().await?;
    // A link of ours whose reader is gone has nothing left to end.
    let reader = subscriber::by_id(&mut tx, id).await?;
    if let Some(reader) = &reader {
        feedback::unsubscribe(&mut tx, reader, source, (site.clock)()).await?;
    }
    tx.commit().await?;
    if reader.is_some_and(|reader| reader.state == Subscribed::Active) {
        site.metrics.unsubscribed();
    }
    if one_click {
        return Ok((StatusCode::OK, "You are unsubscribed.").into_response());
    }
    Ok(leaving_page(&site, Subscribed::Ended, &token).into_response())
}

/// Undoes leaving, with the same link.
pub async fn come_back(
    State(site): State<Site>,
    Path(token): Path<String>,
) -> Result<Markup, PageError> {
    let mut tx = site.db.begin().await?;
    let reader = reader(&site, &mut tx, Purpose::Unsubscribe, &token).await?;
    feedback::resubscribe(
        &mut tx,
        &reader,
        "undo on the unsubscribe page",
        (site.clock)(),
    )
    .await?;
    tx.commit().await?;
    Ok(own_page(&site, "Welcome back").show(html! {
        h1 { "Welcome back" }
        p { "Your subscription goes on as it was." }
    }))
}

/// A page of one reader's own.
fn own_page<'a>(site: &'a Site, title: &str) -> Page<'a> {
    Page::new(site, Language::English, title).unlisted()
}

async fn reader(
    site: &Site,
    tx: &mut Tx,
    purpose: Purpose,
    token: &str,
) -> Result<Subscriber, PageError> {
    let id: Uuid = site.keys.reader(purpose, token).ok_or(PageError::BadLink)?;
    subscriber::by_id(tx, id).await?.ok_or(PageError::BadLink)
}

fn leaving_page(site: &Site, state: Subscribed, token: &str) -> Markup {
    if state == Subscribed::Ended {
        return own_page(site, "You are unsubscribed").show(html! {
            h1 { "You are unsubscribed" }
            p { "You get no more digests, not even one that was already on its way to be sent." }
            form method="post" action=(format!("/u/{token}/undo")) {
                button { "That was a mistake: subscribe me again" }
            }
        });
    }
    own_page(site, "Unsubscribe").show(html! {
        h1 { "Unsubscribe" }
        p { "You will get no more digests from " (site.name) "." }
        form method="post" action=(format!("/u/{token}")) { button { "Unsubscribe" } }
    })
}

fn preferences_page(site: &Site, reader: &Subscriber, token: &str, kept: bool) -> Markup {
    own_page(site, "What you get").show(
        html! {
            h1 { "What you get" }
            @if kept && reader.state == Subscribed::Active { p.done role="status" { "Kept. Your next digest will follow it." } }
        @if kept && reader.state != Subscribed::Active { p.done role="status" { "Kept, for the day you come back." } }
        @if reader.state == Subscribed::Ended { p { "You are unsubscribed and get no digests." } }
            form method="post" action=(format!("/p/{token}")) {
                fieldset {
                    legend { "Topics (none chosen means all of them)" }
                    @for topic in &site.vocabulary.topics {
                        (choice("checkbox", "topics", &topic.slug, &topic.name, Some(&topic.description), reader.topics.contains(&topic.slug)))
                    }
                }
                fieldset {
                    legend { "Types of research (none chosen means all of them)" }
                    @for kind in &site.vocabulary.research_types {
                        (choice("checkbox", "research_types", &kind.slug, &kind.name, Some(&kind.description), reader.research_types.contains(&kind.slug)))
                    }
                }
                fieldset {
                    legend { "How often" }
                    (choice("radio", "frequency", "monthly", "Every month", None, reader.frequency == Frequency::Monthly))
                    (choice("radio", "frequency", "quarterly", "A round-up each quarter", None, reader.frequency == Frequency::Quarterly))
                }
                fieldset {
                    legend { "In a month with nothing on your topics" }
                    (choice("radio", "on_nothing", "", "As the editor thinks best", None, reader.on_nothing.is_none()))
                    (choice("radio", "on_nothing", "skip", "Send nothing", None, reader.on_nothing == Some(OnNothing::Skip)))
                    (choice("radio", "on_nothing", "note", "Send a short note", None, reader.on_nothing == Some(OnNothing::Note)))
                    (choice("radio", "on_nothing", "pick", "Send the editor's pick", None, reader.on_nothing == Some(OnNothing::Pick)))
                }
                fieldset {
                    legend { "Form" }
                    (choice("radio", "format", "html", "With layout", None, reader.format == Format::Html))
                    (choice("radio", "format", "text", "Text alone", None, reader.format == Format::Text))
                }
                fieldset {
                    legend { "Language around the summaries" }
                    (choice("radio", "language", "en", "English", None, reader.language == Language::English))
                    (choice("radio", "language", "fr", "Français", None, reader.language == Language::French))
                }
                button { "Keep these choices" }
            }
        },
    )
}

fn choice(
    kind: &str,
    name: &str,
    value: &str,
    label: &str,
    description: Option<&str>,
    chosen: bool,
) -> Markup {
    html! {
        label.choice {
            input type=(kind) name=(name) value=(value) checked[chosen];
            span { span.name { (label) } @if let Some(text) = description { span.about { (text) } } }
        }
    }
}

/// `None` when a value is none of the form's.
fn chosen(site: &Site, body: &[u8]) -> Option<Preferences> {
    let (mut topics, mut research_types) = (Vec::new(), Vec::new());
    let mut named = HashSet::new();
    let mut preferences = Preferences {
        choice: Choice::default(),
        frequency: Frequency::Monthly,
        format: Format::Html,
        language: Language::English,
        on_nothing: None,
    };
    for (name, value) in form_urlencoded::parse(body) {
        match name.as_ref() {
            "topics" => topics.push(site.vocabulary.topic(&value)?.slug.clone()),
            "research_types" => {
                research_types.push(site.vocabulary.research_type(&value)?.slug.clone())
            }
            "frequency" => preferences.frequency = value.parse().ok()?,
            "format" => preferences.format = value.parse().ok()?,
            "language" => preferences.language = value.parse().ok()?,
            "on_nothing" if value.is_empty() => {}
            "on_nothing" => preferences.on_nothing = Some(value.parse().ok()?),
            _ => return None,
        }
        named.insert(name);
    }
    // A form that came without these was cut on its way; taking it would reset what the reader chose.
    if !["frequency", "format", "language"]
        .iter()
        .all(|name| named.contains(*name))
    {
        return None;
    }
    preferences.choice = Choice::new(topics, research_types);
    Some(preferences)
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|bytes| bytes == wanted)
}
