//! The overview: what wants somebody, what is next, and what went out last.

use maud::{Markup, html};

use super::campaigns::why_paused;
use super::{Answer, Route, Visit};
use crate::admin::Role;
use crate::archive::{self, Listed};
use crate::campaign::{self, Campaign, State};
use crate::draft::{self, Line};
use crate::slot::{self, Noted};
use crate::subscription::Language;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/desk", Role::Viewer, show)]
}

/// Campaigns that are shown, the newest.
const SHOWN: usize = 3;

async fn show(visit: Visit) -> Answer {
    let mut tx = visit.read().await?;
    let issues = archive::list(&mut tx).await?;
    let campaigns = campaign::list(&mut tx).await?;
    let held = slot::held(&mut tx).await?;
    let drafts = draft::list(&mut tx).await?;
    drop(tx);
    let title = visit.say("Overview", "Vue d’ensemble");
    Ok(visit.page(title).under("/desk").wide().show(html! {
        h1 { (title) }
        (wants_somebody(&visit, &campaigns, &held))
        section.panel {
            h2 { (visit.say("Next", "À faire")) }
            (next(&visit, &issues, &campaigns, &drafts))
        }
        @if !campaigns.is_empty() {
            section {
                h2 { (visit.say("Sent", "Envois")) }
                ul.issues { @for campaign in campaigns.iter().take(SHOWN) { (sent(&visit, campaign)) } }
                p { a href="/desk/campaigns" { (visit.say("All that was sent", "Tous les envois")) } }
            }
        }
    }))
}

/// What does not go on by itself.
fn wants_somebody(visit: &Visit, campaigns: &[Campaign], held: &[Noted]) -> Markup {
    let missing = visit.desk.config.missing_identity();
    let paused = campaigns.iter().filter(|one| one.state == State::Paused);
    html! {
        @if !missing.is_empty() {
            div.notice {
                h2 { (visit.say("Nothing can be sent yet", "Rien ne peut encore être envoyé")) }
                p {
                    (visit.say(
                        "The law wants each mail to say who sends it. The operator has to set: ",
                        "La loi veut que chaque courriel dise qui l’envoie. L’exploitant doit régler : ",
                    ))
                    (missing.join(", ")) "."
                }
            }
        }
        @for campaign in paused {
            div.notice {
                h2 { (visit.say("Paused: ", "En pause : ")) (visit.month(&campaign.month)) }
                @if let Some(because) = &campaign.paused_because { p { (why_paused(visit, because)[0]) } }
                p { a href=(format!("/desk/campaigns/{}", campaign.month)) { (visit.say("Look at it, and let it go on or cancel it", "L’examiner, puis le reprendre ou l’annuler")) } }
            }
        }
        @for slot in held {
            @let month = slot.month.clone().unwrap_or_default();
            div.notice {
                h2 { (visit.say("Did not go out by itself: ", "N’est pas parti tout seul : ")) (visit.month(&month)) }
                p { (held_because(visit, &slot.note)) }
                p { a href=(format!("/desk/issues/{month}")) { (visit.say("Look at it, and send it", "L’examiner et l’envoyer")) } }
            }
        }
    }
}

/// Why a time of the schedule went by without its issue; `note` is how the scheduler put it.
fn held_because<'a>(visit: &'a Visit, note: &str) -> &'a str {
    match note.starts_with("nothing ran then") {
        true => visit.say(
            "The service did not run at that time, and came back later than schedule.grace allows.",
            "Le service ne tournait pas à ce moment-là et n’est revenu qu’après le délai de schedule.grace.",
        ),
        false => visit.say(
            "It is months old, and nothing newer was there.",
            "Il date de plusieurs mois, et rien de plus récent n’était prêt.",
        ),
    }
}

/// The one thing to do: go on with the newest issue, or begin the next.
fn next(visit: &Visit, issues: &[Listed], campaigns: &[Campaign], drafts: &[Line]) -> Markup {
    let draft = drafts.iter().find(|draft| draft.kept_at.is_none());
    let settled = |month: &str| campaigns.iter().any(|campaign| campaign.month == month);
    let unsent = issues.first().filter(|issue| !settled(&issue.month));
    html! {
        @match (draft, unsent) {
            (Some(draft), _) => {
                p.lead {
                    (visit.month(&draft.month))
                    (visit.say(" is being written.", " est en cours de rédaction."))
                }
                p.about { (visit.say("Last saved by ", "Dernier enregistrement : ")) (draft.made_by) ", " (visit.shown(draft.made_at)) "." }
                p { a.button href=(format!("/desk/issues/{}", draft.month)) {
                    (visit.say("Go on with ", "Continuer avec ")) (visit.month(&draft.month))
                } }
            }
            (None, Some(issue)) => {
                p.lead {
                    (visit.month(&issue.month))
                    (visit.say(" is in the archive and not sent yet.", " est dans les archives et n’est pas encore envoyé."))
                }
                p.about { (summaries(visit, issue.summaries)) }
                p { a.button href=(format!("/desk/issues/{}", issue.month)) {
                    (visit.say("Go on with ", "Continuer avec ")) (visit.month(&issue.month))
                } }
            }
            (None, None) => {
                p.lead { (visit.say(
                    "All that is written has been sent. The next month can be begun.",
                    "Tout ce qui est rédigé a été envoyé. Le mois suivant peut commencer.",
                )) }
                p { a.button href="/desk/issues" { (visit.say("To the issues", "Vers les numéros")) } }
            }
        }
        (by_rule(visit))
    }
}

fn by_rule(visit: &Visit) -> Markup {
    let schedule = visit.desk.config.schedule.as_ref();
    let slot = schedule.and_then(|schedule| schedule.next(visit.now));
    html! {
        p.about {
            @match slot {
                Some(slot) => {
                    (visit.say("By itself, an issue goes out next on ", "De lui-même, un numéro part la prochaine fois le "))
                    (visit.shown(slot.at)) ". "
                }
                None => (visit.say("Nothing goes out by itself: each issue is sent by its button. ", "Rien ne part tout seul : chaque numéro est envoyé par son bouton. ")),
            }
            a href="/desk/calendar" { (visit.say("Calendar", "Calendrier")) }
        }
    }
}

fn sent(visit: &Visit, campaign: &Campaign) -> Markup {
    let state = match campaign.state {
        State::Cancelled => visit.say("cancelled", "annulé"),
        State::Paused => visit.say("paused", "en pause"),
        State::Running if campaign.start_at > visit.now => visit.say("starts on ", "part le "),
        State::Running => visit.say("since ", "depuis le "),
    };
    html! {
        li {
            a href=(format!("/desk/campaigns/{}", campaign.month)) { (visit.month(&campaign.month)) }
            p { (state) @if campaign.state == State::Running { (visit.shown(campaign.start_at)) } }
        }
    }
}

fn summaries(visit: &Visit, count: i64) -> String {
    match (visit.language(), count) {
        (Language::English, 1) => "One summary.".to_owned(),
        (Language::English, count) => format!("{count} summaries."),
        (Language::French, 1) => "Un résumé.".to_owned(),
        (Language::French, count) => format!("{count} résumés."),
    }
}
