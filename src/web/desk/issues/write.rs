//! Writing a month.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::json;

use super::super::Posted;
use super::super::frame::Done;
use super::form::{self, Act, Sent};
use super::list::titled;
use super::steps::{Step, crumb, steps};
use super::{Answer, MENU, Visit, current, keep, meanwhile, month_of, path, summary};
use crate::admin::Role;
use crate::campaign;
use crate::draft::{self, Current, Missing, Save, Saved, Text, Written};
use crate::issue::Month;

/// What the form shows, and what is to be said above it.
pub(super) struct Shown<'a> {
    pub month: Month,
    pub text: &'a Text,
    /// The version that the text was made from.
    pub from: i64,
    pub current: &'a Current,
    pub is_settled: bool,
    pub missing: &'a [Missing],
    pub done: Option<&'a str>,
}

/// The form. Who may not write sees it too, and can change nothing.
pub(super) async fn show(
    visit: Visit,
    Path(month): Path<String>,
    Query(asked): Query<Done>,
) -> Answer {
    let month = month_of(&month)?;
    let mut tx = visit.read().await?;
    let current = current(&mut tx, month).await?;
    let is_settled = campaign::of_month(&mut tx, month).await?.is_some();
    let done = match asked.done.as_str() {
        "saved" => Some(visit.say("Saved.", "Enregistré.")),
        "kept" => Some(visit.say(
            "The archive has it now, and so do the public pages. No mail has gone out.",
            "C’est versé aux archives et visible sur le site. Aucun message n’est parti.",
        )),
        "same" => Some(visit.say("Nothing had changed.", "Rien n’avait changé.")),
        "brought" => Some(visit.say(
            "It was brought in as a draft. Look through it, then keep it in the archive.",
            "Il a été apporté comme brouillon. Parcourez-le, puis versez-le aux archives.",
        )),
        _ => None,
    };
    let shown = Shown {
        month,
        text: &current.text,
        from: current.version,
        current: &current,
        is_settled,
        missing: &[],
        done,
    };
    Ok(page(&visit, &shown))
}

/// Saves, and does what the button says. A save upon what somebody else has replaced shows both.
pub(super) async fn save(visit: Visit, Path(month): Path<String>, posted: Posted) -> Answer {
    let month = month_of(&month)?;
    let mut sent = form::read(&posted);
    suggest(&visit, &mut sent);
    let mut tx = visit.begin().await?;
    current(&mut tx, month).await?;
    let save = Save {
        month,
        from: sent.from,
        text: &sent.text,
        who: &visit.admin.name,
        by_itself: sent.by_itself,
        now: visit.now,
    };
    let saved = draft::save(&mut tx, &save).await?;
    tx.commit().await?;
    if sent.by_itself {
        return Ok(for_the_script(&saved));
    }
    let (version, word) = match saved {
        Saved::Meanwhile(theirs) => return Ok(meanwhile::page(&visit, month, &sent.text, &theirs)),
        Saved::As(version) => (version, "saved"),
        Saved::Same(version) => (version, "same"),
    };
    if sent.act == Act::Keep {
        return keep::keep(&visit, month, version).await;
    }
    let word = if sent.act == Act::Save { word } else { "" };
    let place = sent.act.lands(sent.text.summaries.len());
    let anchor = place.map_or(String::new(), |place| format!("#s{place}"));
    let query = if word.is_empty() {
        String::new()
    } else {
        format!("?done={word}")
    };
    Ok(visit.back_to(&format!("{}{query}{anchor}", Step::Write.path(month))))
}

fn for_the_script(saved: &Saved) -> Response {
    match saved {
        Saved::As(version) | Saved::Same(version) => {
            Json(json!({ "version": version })).into_response()
        }
        Saved::Meanwhile(theirs) => {
            let by = json!({ "by": theirs.made_by });
            (StatusCode::CONFLICT, Json(by)).into_response()
        }
    }
}

/// Ticks what is suggested where nothing is ticked, if that was asked for.
fn suggest(visit: &Visit, sent: &mut Sent) {
    let suggester = &visit.desk.suggester;
    let places = match sent.act {
        Act::Suggested(place) => place..place + 1,
        Act::AllSuggested => 0..sent.text.summaries.len(),
        _ => return,
    };
    for written in &mut sent.text.summaries[places] {
        let summary = &mut written.summary;
        if summary.topics.is_empty() || matches!(sent.act, Act::Suggested(_)) {
            let topics = suggester
                .topics(summary)
                .into_iter()
                .map(|topic| topic.slug);
            summary.topics.extend(topics);
            summary.topics.sort_unstable();
            summary.topics.dedup();
        }
        if summary.research_type.is_none() {
            let mut kinds = suggester.research_types(summary).into_iter();
            summary.research_type = kinds.next().map(|kind| kind.slug);
        }
    }
}

pub(super) fn page(visit: &Visit, shown: &Shown<'_>) -> Response {
    let month = shown.month;
    let title = format!(
        "{} – {}",
        Step::Write.name(visit),
        visit.month_heading(month)
    );
    let mut frame = visit.page(title).under(MENU).wide();
    frame = frame.done(shown.done).refused(!shown.missing.is_empty());
    if visit.may(Role::Editor) {
        frame = frame.script("/desk/issues/write.js");
    }
    let count = shown.text.summaries.len();
    frame.show(html! {
        (crumb(visit, month))
        h1 { (visit.month_heading(month)) }
        (steps(visit, month, Some(Step::Write)))
        (settled(visit, shown))
        (missing(visit, shown))
        p.means { (standing(visit, shown.current)) }
        form.writing method="post" action=(Step::Write.path(month)) data-saved=(visit.say("Saved", "Enregistré"))
            data-saving=(visit.say("Saving …", "Enregistrement…"))
            data-unsaved=(visit.say("Not saved yet", "Pas encore enregistré"))
            data-failed=(visit.say("Could not be saved; it will be tried again", "Échec de l’enregistrement\u{A0}; nouvel essai bientôt"))
            data-meanwhile=(visit.say("Somebody else saved meanwhile. Press Save to see both.", "Quelqu’un d’autre a enregistré entre-temps. Appuyez sur Enregistrer pour voir les deux.")) {
            (visit.token())
            input type="hidden" name="from" value=(shown.from);
            (bar(visit))
            div.field.full {
                label for="teaser" { (visit.say("The line that announces the month", "La ligne qui annonce le mois")) }
                textarea #teaser name="teaser" rows="2" maxlength="1000" aria-describedby="teaser-about" { (shown.text.teaser.as_deref().unwrap_or_default()) }
                p.about #teaser-about { (visit.say("It stands at the head of the mail and in the list of issues.", "Elle ouvre le message et figure dans la liste des numéros.")) }
                button.quiet name="do" value="teaser" { (visit.say("Make it from the titles", "La composer avec les titres")) }
            }
            div.summaries {
                @for (place, written) in shown.text.summaries.iter().enumerate() {
                    (summary::fields(visit, place, count, written, shown))
                }
            }
            div.acts {
                button.quiet name="do" value="add" { (visit.say("Add a summary", "Ajouter un résumé")) }
                @if count > 0 {
                    button.quiet name="do" value="all" { (visit.say("Tick all that is suggested", "Cocher tout ce qui est suggéré")) }
                }
            }
            (keeping(visit, shown))
        }
        ul.plain.links {
            li { a href=(path(month, "versions")) { (visit.say("Earlier versions", "Versions antérieures")) } }
            li { a href=(path(month, "issue.md")) { (visit.say("Take it along as Markdown", "L’emporter en Markdown")) } }
        }
    })
}

fn settled(visit: &Visit, shown: &Shown<'_>) -> Markup {
    html! {
        @if shown.is_settled {
            div.notice {
                h2 { (visit.say("What goes out by mail is frozen", "Ce qui part par courriel est figé")) }
                p { (visit.say(
                    "The campaign of this month is settled. Changes here reach the archive and its public pages, and no mail.",
                    "L’envoi de ce mois est arrêté. Les changements faits ici touchent les archives et le site, mais aucun message.",
                )) }
            }
        }
    }
}

fn standing(visit: &Visit, current: &Current) -> String {
    match (&current.ahead, current.in_archive) {
        (Some(line), in_archive) => {
            let at = visit.shown(line.made_at);
            let by = &line.made_by;
            let ahead = match in_archive {
                true => visit.say(" It is ahead of the archive.", " Il est en avance sur les archives."),
                false => visit.say(" The archive has nothing of it yet.", " Les archives n’en ont encore rien."),
            };
            let saved = visit.say("Draft, saved by ", "Brouillon, enregistré par ");
            let when = visit.say(" on ", " le ");
            format!("{saved}{by}{when}{at}.{ahead}")
        }
        (None, _) => visit
            .say(
                "This is what the archive has. The first change begins a draft; the archive changes when you keep it there.",
                "Voici ce que contiennent les archives. Le premier changement ouvre un brouillon\u{A0}; elles changent quand vous l’y versez.",
            )
            .to_owned(),
    }
}

fn missing(visit: &Visit, shown: &Shown<'_>) -> Markup {
    html! {
        @if !shown.missing.is_empty() {
            div.notice role="alert" {
                h2 { (visit.say("Saved, but the archive does not take it yet", "Enregistré, mais pas encore versable aux archives")) }
                ul { @for missing in shown.missing { li { (lack(visit, *missing)) } } }
            }
        }
    }
}

fn lack(visit: &Visit, missing: Missing) -> Markup {
    let (place, english, french) = match missing {
        Missing::Summaries => {
            return html! { (visit.say("There is no summary: add one.", "Il n’y a aucun résumé\u{A0}: ajoutez-en un.")) };
        }
        Missing::Title(place) => (place, "has no title", "n’a pas de titre"),
        Missing::Words(place) => (place, "has no text", "n’a pas de texte"),
        Missing::OtherTitle(place) => (
            place,
            "has the title of an earlier one",
            "a le titre d’un résumé précédent",
        ),
    };
    html! {
        a href=(format!("#s{}", place - 1)) { (visit.say("Summary ", "Le résumé ")) (place) }
        " " (visit.say(english, french)) "."
    }
}

fn bar(visit: &Visit) -> Markup {
    html! {
        @if visit.may(Role::Editor) {
            div.bar {
                button name="do" value="save" { (visit.say("Save", "Enregistrer")) }
                p.saving role="status" {}
            }
        }
    }
}

fn keeping(visit: &Visit, shown: &Shown<'_>) -> Markup {
    let ahead = shown.current.ahead.is_some() || !shown.current.in_archive;
    html! {
        @if visit.may(Role::Editor) {
            div.onward {
                div.acts {
                    button name="do" value="keep" { (visit.say("Keep in the archive", "Verser aux archives")) }
                    @if !ahead { a.button.quiet href=(Step::Look.path(shown.month)) { (visit.say("Next: ", "Suite\u{A0}: ")) (Step::Look.name(visit)) } }
                }
                p.means { (visit.say(
                    "It is saved, and stands on the public pages from then on. No mail goes out: that is the last step.",
                    "Le texte est enregistré et paraît dès lors sur le site. Aucun message ne part\u{A0}: c’est la dernière étape.",
                )) }
            }
        }
    }
}

/// A title, or that there is none yet.
pub(super) fn title_of<'a>(visit: &'a Visit, written: &'a Written) -> &'a str {
    titled(visit, &written.summary.title)
}

/// Saves while somebody types, and moves summaries by drag. The page works without it.
pub(super) async fn script() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, include_str!("write.js"))
}
