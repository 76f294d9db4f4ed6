//! Who gets one of the mails, and why: some readers at a time, masked.

use axum::extract::{Path, RawQuery};
use maud::html;
use uuid::Uuid;

use super::super::table::{self, Text};
use super::mail::{self, Wanted};
use super::steps::{Step, steps};
use super::{Answer, DeskError, MENU, Visit, current, month_of, path};
use crate::content::{Content, Selection};
use crate::look;
use crate::record::What;
use crate::subscriber::{self, Address, Subscriber};
use crate::subscription::State;
use crate::suppression;

/// Readers that are looked through for one page, and shown on it.
const LOOKED_THROUGH: i64 = 1_000;
const SHOWN: usize = 20;

/// A reader of the mail.
struct Found {
    id: Uuid,
    masked: String,
    topics: Vec<String>,
}

/// Readers of a selection, found by looking through the list from where the address says.
pub(super) async fn show(
    visit: Visit,
    Path(month): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let month = month_of(&month)?;
    let wanted = Wanted::read(query.as_deref());
    let written = wanted.selection().ok_or(DeskError::NotFound)?;
    let mut tx = visit.begin().await?;
    let current = current(&mut tx, month).await?;
    let content = mail::content(&mut tx, &visit, month, &current).await?;
    let selection = look::read_selection(&content, written).ok_or(DeskError::NotFound)?;
    let readers = subscriber::page(&mut tx, after(query.as_deref()), LOOKED_THROUGH).await?;
    let is_end = (readers.len() as i64) < LOOKED_THROUGH;
    let mut last = Uuid::nil();
    let mut found: Vec<Found> = Vec::new();
    for reader in &readers {
        if found.len() == SHOWN {
            break;
        }
        last = reader.id;
        if gets(&visit, &content, &selection, reader)
            && suppression::of(&mut tx, &reader.address_hash)
                .await?
                .is_none()
        {
            found.push(of_reader(&visit, &content, &selection, reader));
        }
    }
    let is_end = is_end && readers.last().is_none_or(|reader| reader.id == last);
    visit
        .note(&mut tx, What::Subscribers, None, found.len() as i64)
        .await?;
    tx.commit().await?;
    let title = visit.say("Who gets this mail", "Qui reçoit ce message");
    Ok(visit.page(format!("{title} – {}", visit.month_heading(month))).under(MENU).wide().show(html! {
        nav.crumb aria-label=(visit.say("You are here", "Vous êtes ici")) {
            a href=(path(month, "")) { (visit.month_heading(month)) } " › "
            a href=(Step::Look.path(month)) { (Step::Look.name(&visit)) }
        }
        h1 { (title) }
        (steps(&visit, month, Some(Step::Look)))
        p.lead { (visit.say(
            "Some of its readers, in no order that means anything. It is noted that you looked.",
            "Quelques-uns de ses lecteurs, sans ordre particulier. Il est noté que vous avez regardé.",
        )) }
        ul.plain { @for position in &selection.full { @if let Some(item) = content.item(*position) { li lang=(item.summary.language) { (item.summary.title) } } } }
        @if found.is_empty() {
            p { @if is_end { (visit.say("No more readers.", "Plus aucun lecteur.")) }
                @else { (visit.say("None among those looked through; look further.", "Aucun parmi ceux qui ont été parcourus\u{A0}; continuez.")) } }
        } @else {
            (table::plain(title, &[
                Text(visit.say("Reader", "Lecteur")),
                Text(visit.say("Why: topics that match", "Raison\u{A0}: thèmes communs")),
            ], html! {
                @for reader in &found {
                    tr {
                        th scope="row" { a href=(Wanted::of_reader(reader.id).address(month, "mail")) { (reader.masked) } }
                        td { @if reader.topics.is_empty() { (visit.say("chose everything", "a tout choisi")) } @else { (reader.topics.join(", ")) } }
                    }
                }
            }))
        }
        @if !is_end {
            p { a.button.quiet href=(further(&wanted, month, last)) { (visit.say("Look further", "Continuer")) } }
        }
    }))
}

fn further(wanted: &Wanted, month: crate::issue::Month, after: Uuid) -> String {
    format!("{}&after={after}", wanted.address(month, "look/who"))
}

fn after(query: Option<&str>) -> Uuid {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let after = pairs.find(|(key, _)| key == "after");
    after
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or_default()
}

/// Whether a reader who may be written to gets just these, in any order.
fn gets(visit: &Visit, content: &Content, wanted: &Selection, reader: &Subscriber) -> bool {
    let now = visit.now;
    let is_there = reader.state == State::Active
        && reader.paused_until.is_none_or(|until| until <= now)
        && reader.consent_until.is_none_or(|until| until > now);
    let gets = look::selection(content, reader, visit.desk.config.on_nothing);
    let as_set = |selection: &Selection| {
        let mut set = selection.full.clone();
        set.sort_unstable();
        (selection.occasion, set)
    };
    is_there && gets.is_some_and(|gets| as_set(&gets) == as_set(wanted))
}

fn of_reader(
    visit: &Visit,
    content: &Content,
    selection: &Selection,
    reader: &Subscriber,
) -> Found {
    let items = selection
        .full
        .iter()
        .filter_map(|position| content.item(*position));
    let topics: Vec<String> = items.flat_map(|item| item.summary.topics.clone()).collect();
    let matching: Vec<String> = reader
        .topics
        .iter()
        .filter(|topic| topics.contains(topic))
        .cloned()
        .collect();
    Found {
        id: reader.id,
        masked: Address::parse(&reader.address).map_or_else(|_| String::new(), |a| a.masked()),
        topics: visit.desk.site.topic_names(visit.language(), &matching),
    }
}
