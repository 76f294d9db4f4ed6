//! The calendar: when the schedule is next due, on the editor's clocks and on the schedule's, and what it sends then.

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::table::{self, Text};
use super::{Answer, Route, Visit};
use crate::admin::Role;
use crate::campaign::{self, Campaign};
use crate::issue::Month;
use crate::schedule::{Schedule, Slot};
use crate::slot::{self, Ahead};
use crate::subscription::Language;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/calendar", Role::Viewer, show),
        Route::get("/desk/calendar.ics", Role::Viewer, ics),
    ]
}

/// So many times to come are shown.
const SHOWN: usize = 6;

async fn show(visit: Visit) -> Answer {
    let mut tx = visit.read().await?;
    let campaigns = campaign::list(&mut tx).await?;
    let ahead = ahead(&visit, &mut tx).await?;
    drop(tx);
    let to_start: Vec<&Campaign> = campaigns
        .iter()
        .filter(|one| one.start_at > visit.now && one.state != campaign::State::Cancelled)
        .collect();
    let title = visit.say("Calendar", "Calendrier");
    Ok(visit.page(title).under("/desk/campaigns").wide().show(html! {
        h1 { (title) }
        @if !to_start.is_empty() { (planned(&visit, &to_start)) }
        @match &visit.desk.config.schedule {
            Some(schedule) => (by_rule(&visit, schedule, &ahead)),
            None => {
                p.lead { (visit.say(
                    "No schedule is set: nothing goes out by itself. Each issue is sent by its button, at once or at a time that you choose.",
                    "Aucun calendrier n’est réglé : rien ne part tout seul. Chaque numéro est envoyé par son bouton, tout de suite ou à l’heure choisie.",
                )) }
                p.about { (visit.say(
                    "The operator can set one, as “first Tuesday of the month, 09:00”.",
                    "L’exploitant peut en régler un, par exemple « premier mardi du mois, 9 h ».",
                )) }
            }
        }
    }))
}

fn planned(visit: &Visit, to_start: &[&Campaign]) -> Markup {
    html! {
        section.panel {
            h2 { (visit.say("Planned by hand", "Planifié à la main")) }
            ul { @for campaign in to_start {
                li { a href=(format!("/desk/campaigns/{}", campaign.month)) { (visit.month(&campaign.month)) } ", " (visit.shown(campaign.start_at)) }
            } }
        }
    }
}

fn by_rule(visit: &Visit, schedule: &Schedule, ahead: &[(Slot, Ahead)]) -> Markup {
    let zone = schedule.zone.name();
    html! {
        p.lead { (schedule.rule) ", " (zone) }
        @if visit.desk.config.readers_zone {
            p { (visit.say(
                "Each reader gets it when the clock in their own time zone shows that time.",
                "Chaque lecteur le reçoit quand l’horloge de son propre fuseau indique cette heure.",
            )) }
        }
        (table::plain(visit.say("The next times", "Prochaines dates"), &[
            Text(&format!("{} ({})", visit.say("Your time", "Votre heure"), visit.zone().name())),
            Text(&format!("{} ({})", visit.say("Readers’ time", "Heure des lecteurs"), zone)),
            Text(visit.say("What it sends", "Ce qui part")),
        ], html! {
            @for (slot, ahead) in ahead {
                tr {
                    th scope="row" { time datetime=(slot.at.to_rfc3339()) { (visit.shown(slot.at)) } }
                    td { (visit.clock(&slot.wall)) }
                    td { (sends(visit, *ahead)) }
                }
            }
        }))
        p { a.button.quiet href="/desk/calendar.ics" { (visit.say("Take these into your calendar (.ics)", "Les ajouter à votre agenda (.ics)")) } }
    }
}

fn sends(visit: &Visit, ahead: Ahead) -> Markup {
    let link =
        |month: Month| html! { a href=(format!("/desk/issues/{month}")) { (visit.month(month)) } };
    html! {
        @match ahead {
            Ahead::Sends(month) => { (link(month)) },
            Ahead::Awaits(month) => {
                (visit.month(month)) " "
                span.about { (visit.say("if it is written by then", "s’il est écrit d’ici là")) }
            },
            Ahead::TooOld(month) => {
                (visit.say("nothing: ", "rien : ")) (link(month)) " "
                (visit.say("is too old to go out by itself", "est trop ancien pour partir tout seul"))
            },
        }
    }
}

async fn ahead(visit: &Visit, tx: &mut crate::db::Tx) -> sqlx::Result<Vec<(Slot, Ahead)>> {
    let Some(schedule) = &visit.desk.config.schedule else {
        return Ok(Vec::new());
    };
    let mut ahead = Vec::new();
    let mut taken = None;
    for slot in schedule.upcoming(visit.now, SHOWN) {
        let sends = slot::ahead(tx, &slot, taken).await?;
        if let Ahead::Sends(month) = sends {
            taken = Some(month);
        }
        ahead.push((slot, sends));
    }
    Ok(ahead)
}

/// The same for a calendar program (RFC 5545).
async fn ics(visit: Visit) -> Answer {
    let mut tx = visit.read().await?;
    let ahead = ahead(&visit, &mut tx).await?;
    let site = &visit.desk.site;
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//Bulletin//Calendar//EN".to_owned(),
    ];
    for (slot, _) in &ahead {
        let stamp = |at: DateTime<Utc>| at.format("%Y%m%dT%H%M%SZ").to_string();
        let summary = match visit.language() {
            Language::English => format!("{} goes out", site.name),
            Language::French => format!("Envoi de {}", site.name),
        };
        lines.extend([
            "BEGIN:VEVENT".to_owned(),
            format!("UID:{}@{}", stamp(slot.at), host(&site.publisher.site_url)),
            format!("DTSTAMP:{}", stamp(visit.now)),
            format!("DTSTART:{}", stamp(slot.at)),
            format!("DTEND:{}", stamp(slot.at + TimeDelta::minutes(30))),
            format!("SUMMARY:{}", escaped(&summary)),
            format!("URL:{}", site.url("/desk/calendar")),
            "END:VEVENT".to_owned(),
        ]);
    }
    lines.push("END:VCALENDAR".to_owned());
    let text: String = lines.iter().map(|line| folded(line)).collect();
    let headers = [
        (CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"calendar.ics\""),
    ];
    Ok((headers, text).into_response())
}

fn host(url: &str) -> &str {
    url.split("//").nth(1).unwrap_or(url)
}

/// A text as a value (RFC 5545 section 3.3.11).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | ';' | ',' => escaped.extend(['\\', letter]),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A line of at most 75 octets, going on behind a space (RFC 5545 section 3.1).
fn folded(line: &str) -> String {
    let (mut folded, mut octets) = (String::with_capacity(line.len() + 2), 0);
    for letter in line.chars() {
        if octets + letter.len_utf8() > 73 {
            folded.push_str("\r\n ");
            octets = 1;
        }
        octets += letter.len_utf8();
        folded.push(letter);
    }
    folded + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::{escaped, folded};

    #[test]
    fn a_calendar_line_is_folded_and_no_name_ends_it() {
        let line = folded(&format!("SUMMARY:{}", "é".repeat(80)));
        assert!(line.split("\r\n").all(|part| part.len() <= 75));
        assert_eq!(escaped("A; B,\r\nEND:VEVENT"), "A\\; B\\,  END:VEVENT");
    }
}
