//! Leaving: by one press on a page, or by a mail program's one click (RFC 8058). Undoing it, and telling why.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::{Words, page, reader_of};
use crate::feedback::{self, Why};
use crate::look;
use crate::secret::Purpose;
use crate::subscriber::{self, Subscriber};
use crate::subscription::{Language, State as Stands};
use crate::web::{PageError, Site};

/// What the page's own button sends.
const PRESSED: &[u8] = b"leave=page";

/// A page with one button. Opening it changes nothing.
pub async fn show(
    State(site): State<Site>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Markup, PageError> {
    let id = site.keys.reader(Purpose::Unsubscribe, &token);
    let id = id.ok_or(PageError::BadLink)?;
    let mut tx = site.db.read().await?;
    let reader = subscriber::by_id(&mut tx, id).await?;
    Ok(match reader {
        Some(reader) if reader.state == Stands::Ended => {
            let heading = Words(reader.language).you_had_left();
            let back = feedback::may_come_back(&mut tx, &reader, (site.clock)()).await?;
            left(
                &site,
                &reader,
                &token,
                heading,
                Shown {
                    back,
                    ..Shown::default()
                },
            )
        }
        Some(reader) => question(&site, &reader, &token),
        None if id == look::NOBODY => return Err(PageError::OfATest),
        None => nobody(&site, Language::asked_for(&headers)),
    })
}

/// The same for an address to which a form was sent.
pub async fn show_again(
    site: State<Site>,
    Path((token, _)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Markup, PageError> {
    show(site, Path(token), headers).await
}

/// Ends the subscription. A mail program gets no page, and 200 however often it asks, whether or not there still is a
/// reader: a link of ours has done what it is for.
pub async fn leave(
    State(site): State<Site>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let id = site.keys.reader(Purpose::Unsubscribe, &token);
    let id = id.ok_or(PageError::BadLink)?;
    let is_one_click = is_one_click(&headers, &body);
    let source = match is_one_click {
        true => "one click in the mail program",
        false if body.as_ref() == PRESSED => "unsubscribe page",
        false => return Err(PageError::BadForm),
    };
    let reader = end(&site, id, source).await?;
    if is_one_click {
        return Ok("You are unsubscribed.\n".into_response());
    }
    let page = match reader {
        Some(reader) => {
            let heading = Words(reader.language).you_have_left();
            left(&site, &reader, &token, heading, Shown::default())
        }
        None => nobody(&site, Language::asked_for(&headers)),
    };
    Ok(page.into_response())
}

/// What the page offers to somebody who has left: to undo it, and to tell why.
pub async fn step(
    State(site): State<Site>,
    Path((token, step)): Path<(String, String)>,
    body: Bytes,
) -> Result<Markup, PageError> {
    match step.as_str() {
        "undo" => undo(&site, &token).await,
        "why" => tell_why(&site, &token, &body).await,
        _ => Err(PageError::NotFound),
    }
}

/// Ends it in one transaction with what waits; the last letter goes to who was a reader until now.
async fn end(site: &Site, id: uuid::Uuid, source: &str) -> sqlx::Result<Option<Subscriber>> {
    let now = (site.clock)();
    let mut tx = site.db.begin().await?;
    let Some(reader) = subscriber::by_id(&mut tx, id).await? else {
        return Ok(None);
    };
    let was_active = feedback::leave(&mut tx, &reader, source, site.goodbye, now).await?;
    tx.commit().await?;
    if was_active {
        site.metrics.unsubscribed();
    }
    Ok(Some(reader))
}

async fn undo(site: &Site, token: &str) -> Result<Markup, PageError> {
    let mut tx = site.db.begin().await?;
    let reader = reader_of(site, &mut tx, Purpose::Unsubscribe, token).await?;
    let source = "undo on the unsubscribe page";
    let words = Words(reader.language);
    let back = feedback::resubscribe(&mut tx, &reader, source, (site.clock)()).await?;
    if !back && reader.state == Stands::Ended {
        let shown = Shown {
            back,
            ..Shown::default()
        };
        return Ok(left(site, &reader, token, words.you_had_left(), shown));
    }
    tx.commit().await?;
    let choices = site.keys.link(Purpose::Preferences, reader.id);
    let heading = words.welcome_back();
    let content = html! {
        h1 { (heading) }
        p.lead { (words.goes_on()) }
        p { a href=(format!("/p/{choices}")) { (words.what_you_get()) } }
    };
    Ok(page(site, words.0, heading, content))
}

/// Counts a reason, of somebody who has left and without who that is.
async fn tell_why(site: &Site, token: &str, body: &[u8]) -> Result<Markup, PageError> {
    let mut tx = site.db.begin().await?;
    let reader = reader_of(site, &mut tx, Purpose::Unsubscribe, token).await?;
    let mut why: Option<Why> = None;
    for (name, value) in form_urlencoded::parse(body) {
        match name.as_ref() {
            "why" => why = Some(value.parse().map_err(|_| PageError::BadForm)?),
            _ => return Err(PageError::BadForm),
        }
    }
    if reader.state != Stands::Ended {
        return Ok(question(site, &reader, token));
    }
    if let Some(why) = why {
        feedback::note_reason(&mut tx, why, (site.clock)()).await?;
        tx.commit().await?;
    }
    let mut tx = site.db.read().await?;
    let shown = Shown {
        back: feedback::may_come_back(&mut tx, &reader, (site.clock)()).await?,
        told: why.is_some(),
    };
    let heading = Words(reader.language).you_have_left();
    Ok(left(site, &reader, token, heading, shown))
}

/// What stands on the page of somebody who has left.
#[derive(Clone, Copy)]
struct Shown {
    /// It can still be undone.
    back: bool,
    /// They have told why.
    told: bool,
}

impl Default for Shown {
    fn default() -> Shown {
        Shown {
            back: true,
            told: false,
        }
    }
}

fn question(site: &Site, reader: &Subscriber, token: &str) -> Markup {
    let words = Words(reader.language);
    let choices = site.keys.link(Purpose::Preferences, reader.id);
    let choices = format!("/p/{choices}");
    let content = html! {
        h1 { (words.leave()) }
        p.lead { (words.leave_this(&site.name)) }
        form method="post" action=(format!("/u/{token}")) {
            p.buttons { button name="leave" value="page" { (words.leave()) } }
        }
        section aria-labelledby="also" {
            h2 #also { (words.also_possible()) }
            ul {
                li { a href=(choices) { (words.rather_fewer()) } }
                li { a href=(choices) { (words.rather_other_topics()) } }
            }
        }
    };
    page(site, words.0, words.leave(), content)
}

fn left(site: &Site, reader: &Subscriber, token: &str, heading: &str, shown: Shown) -> Markup {
    let words = Words(reader.language);
    let content = html! {
        h1 { (heading) }
        p.lead { (words.no_more()) }
        @if shown.back {
            form method="post" action=(format!("/u/{token}/undo")) {
                p.buttons { button.quiet { (words.undo()) } }
            }
        } @else {
            p { (words.too_late_to_undo()) }
            p.buttons { a.button.quiet href=(words.0.path("/subscribe")) { (words.0.subscribe()) } }
        }
        @if shown.told { p.done role="status" { (words.thank_you()) } } @else { (why(words, token)) }
    };
    page(site, words.0, heading, content)
}

fn why(words: Words, token: &str) -> Markup {
    html! {
        form method="post" action=(format!("/u/{token}/why")) aria-labelledby="why" {
            fieldset {
                legend #why { (words.why_did_you_leave()) }
                p.about { (words.why_is_counted()) }
                @for why in Why::ALL {
                    label.choice {
                        input type="radio" name="why" value=(why);
                        span { span.name { (words.why(*why)) } }
                    }
                }
                p.buttons { button.quiet { (words.tell()) } }
            }
        }
    }
}

fn nobody(site: &Site, language: Language) -> Markup {
    let words = Words(language);
    let content = html! { h1 { (words.you_had_left()) } p.lead { (words.nobody_here()) } };
    page(site, language, words.you_had_left(), content)
}

/// Whether this is a mail program's one click: the pair of RFC 8058 section 3.2 and nothing else, in either form.
fn is_one_click(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    match kind.and_then(boundary) {
        Some(boundary) => is_the_pair_in_parts(body, &boundary),
        None => body.trim_ascii_end() == b"List-Unsubscribe=One-Click",
    }
}

/// What parts a body of type `multipart/form-data` (RFC 2046 section 5.1.1).
fn boundary(kind: &str) -> Option<String> {
    let (kind, parameters) = kind.split_once(';')?;
    let mut parameters = parameters
        .split(';')
        .filter_map(|one| one.trim().split_once('='));
    let (_, boundary) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let boundary = boundary.trim_matches('"');
    let is_parted = kind.trim().eq_ignore_ascii_case("multipart/form-data");
    (is_parted && !boundary.is_empty()).then(|| boundary.to_owned())
}

/// One part, named `List-Unsubscribe`, that says `One-Click` (RFC 7578).
fn is_the_pair_in_parts(body: &[u8], boundary: &str) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    let delimiter = format!("--{boundary}");
    let mut parts = text.split(delimiter.as_str()).skip(1);
    let (Some(part), Some(end), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let part = part.replace("\r\n", "\n");
    let Some((header, content)) = part.trim_start().split_once("\n\n") else {
        return false;
    };
    let says_so = |line: &str| {
        let line = line.to_ascii_lowercase();
        line.starts_with("content-disposition:") && line.contains("name=\"list-unsubscribe\"")
    };
    end.starts_with("--") && header.lines().any(says_so) && content.trim_end() == "One-Click"
}
