//! When an issue is to go out: asked for, shown, and carried along by the pages up to the button.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::{Posted, Visit};
use super::page_of;
use crate::issue::Month;
use crate::plan::{WALL, When, wall};
use crate::schedule::instant;

/// When it is to go out, as the address of the page says it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    pub when: String,
    /// On the editor's clocks, as browsers write it.
    pub at: String,
    pub done: String,
}

/// `Err` with what is wrong, in words.
pub(super) fn when(visit: &Visit, wanted: &Wanted) -> Result<When, &'static str> {
    let at = |to: fn((NaiveDateTime, DateTime<Utc>)) -> When| match local(visit, &wanted.at) {
        None => Err(visit.language().pick(
            "Say the day and the time at which it is to go out.",
            "Indiquez le jour et l’heure de l’envoi.",
        )),
        Some((_, at)) if at <= visit.now => Err(visit.language().pick(
            "That time is past. Choose one to come, or “now”.",
            "Cette heure est passée. Choisissez-en une à venir, ou « maintenant ».",
        )),
        Some(time) => Ok(to(time)),
    };
    match &*wanted.when {
        "at" => at(|(_, at)| When::At(at)),
        "readers" => at(|(wall, _)| When::OnReadersClocks(wall)),
        _ => Ok(When::Now),
    }
}

/// Now, or when.
pub(super) fn form(visit: &Visit, month: Month, wanted: &Wanted, wrong: Option<&str>) -> Markup {
    let is = |name: &str| wanted.when == name || (name == "now" && wanted.when.is_empty());
    let choices = [
        (
            "now",
            visit.say("Now", "Maintenant"),
            visit.say(
                "as soon as the time to call it back is over",
                "dès que le délai de rappel est écoulé",
            ),
        ),
        (
            "at",
            visit.say("At a time", "À une heure donnée"),
            visit.say("everybody at once", "tout le monde en même temps"),
        ),
        (
            "readers",
            visit.say(
                "At that time of each reader’s clock",
                "À cette heure chez chaque lecteur",
            ),
            visit.say(
                "whoever named no zone gets it by the schedule’s",
                "sans fuseau connu, celui du calendrier s’applique",
            ),
        ),
    ];
    html! {
        details open[!is("now") || wrong.is_some()] {
            summary { (visit.say("When: ", "Quand : ")) (choices.iter().find(|(name, ..)| is(name)).map_or("", |(_, label, _)| label)) }
            form.panel method="get" action=(page_of(month)) aria-label=(visit.say("When", "Quand")) {
                @if let Some(wrong) = wrong { p.wrong role="alert" #wrong-time { (wrong) } }
                fieldset {
                    legend { (visit.say("When is it to go out?", "Quand doit-il partir ?")) }
                    @for (name, label, about) in choices {
                        label.choice {
                            input type="radio" name="when" value=(name) checked[is(name)];
                            span { span.name { (label) } " " span.about { (about) } }
                        }
                    }
                }
                div.field {
                    label for="at" { (visit.say("Day and time", "Jour et heure")) " (" (visit.zone().name()) ")" }
                    input #at type="datetime-local" name="at" value=(wanted.at)
                        aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong.map(|_| "wrong-time")];
                }
                button.quiet { (visit.say("Take this time", "Choisir cette heure")) }
            }
        }
    }
}

/// The same as hidden fields of the form with the button.
pub(super) fn fields(when: When) -> Markup {
    let (kind, at) = match when {
        When::Now => ("now", String::new()),
        When::At(at) => ("at", at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        When::OnReadersClocks(wall) => ("readers", wall.format(WALL).to_string()),
    };
    html! {
        input type="hidden" name="when" value=(kind);
        input type="hidden" name="at" value=(at);
    }
}

/// What those fields say.
pub(super) fn posted(posted: &Posted) -> Option<When> {
    let at = posted.get("at");
    match posted.get("when") {
        "now" => Some(When::Now),
        "at" => Some(When::At(DateTime::parse_from_rfc3339(at).ok()?.to_utc())),
        "readers" => Some(When::OnReadersClocks(wall(at)?)),
        _ => None,
    }
}

/// Where it is asked once more who this is, and what follows.
pub(super) fn again(visit: &Visit, month: Month, when: When) -> String {
    let (kind, wall) = match when {
        When::Now => ("now", None),
        When::At(at) => ("at", Some(at.with_timezone(&visit.zone()).naive_local())),
        When::OnReadersClocks(wall) => ("readers", Some(wall)),
    };
    let page = format!("{}?", page_of(month));
    let start = page.len();
    let mut back = form_urlencoded::Serializer::for_suffix(page, start);
    back.append_pair("when", kind);
    if let Some(wall) = wall {
        back.append_pair("at", &wall.format(WALL).to_string());
    }
    let next = [("next", back.finish())];
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(next)
        .finish();
    format!("/desk/again?{query}")
}

/// A time on the editor's clocks; `None` for a text that is none.
fn local(visit: &Visit, at: &str) -> Option<(NaiveDateTime, DateTime<Utc>)> {
    let wall = wall(at)?;
    Some((wall, instant(wall, visit.zone())))
}
