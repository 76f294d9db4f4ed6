//! Who did not get a campaign, and why; and another try.

use axum::extract::{Path, Query};
use maud::{Markup, html};
use serde::Deserialize;

use super::{of_path, page_of};
use crate::admin::Role;
use crate::audit::Deed;
use crate::bounce::meaning::meaning;
use crate::campaign::{DeliveryState, State};
use crate::figures::campaign::can_go_again;
use crate::issue::Month;
use crate::mask::masked;
use crate::plain;
use crate::record::What;
use crate::sending::missed::{Again, CanGoAgain, Missed, go_again, missed};
use crate::subscriber::Address;
use crate::subscription::Language;
use crate::web::desk::{Answer, DeskError, Posted, Route, Visit};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/campaigns/{month}/missed", Role::Editor, show),
        Route::post("/desk/campaigns/{month}/again", Role::Editor, again).fresh(),
    ]
}

/// Readers on a page.
const PAGE: i64 = 50;

/// The states in which somebody has not got it.
const STATES: [DeliveryState; 4] = [
    DeliveryState::Bounced,
    DeliveryState::Deferred,
    DeliveryState::Suppressed,
    DeliveryState::Unknown,
];

#[derive(Default, Deserialize)]
struct Shown {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: i64,
}

fn state_name(visit: &Visit, state: DeliveryState) -> &str {
    match state {
        DeliveryState::Bounced => visit.say("Bounced", "Rejetés"),
        DeliveryState::Deferred => visit.say("Deferred", "Différés"),
        DeliveryState::Suppressed => visit.say("Held back", "Retenus"),
        _ => visit.say("Unknown", "Incertains"),
    }
}

async fn show(visit: Visit, Path(path): Path<String>, Query(shown): Query<Shown>) -> Answer {
    let state = STATES
        .into_iter()
        .find(|state| state.as_str() == shown.state);
    let state = state.unwrap_or(DeliveryState::Bounced);
    // The record of who looked at readers is committed before anything of them is shown.
    let mut tx = visit.begin().await?;
    let (month, campaign) = of_path(&mut tx, &path).await?;
    let mut found = missed(&mut tx, campaign.id, state, shown.after, PAGE + 1).await?;
    let can = can_go_again(&mut tx, campaign.id, visit.now).await?;
    let more = found.len() as i64 > PAGE;
    found.truncate(PAGE as usize);
    if !found.is_empty() {
        visit
            .note(&mut tx, What::Subscribers, None, found.len() as i64)
            .await?;
    }
    tx.commit().await?;
    let title = visit.say(
        "Who did not get it, and why",
        "Qui ne l’a pas reçu, et pourquoi",
    );
    let link = |state: DeliveryState| format!("{}/missed?state={state}", page_of(month));
    let last = found.last().map_or(0, |one| one.delivery_id);
    Ok(visit.page(title).under("/desk/campaigns").wide().show(html! {
        p.crumb { a href=(page_of(month)) { (visit.month(&campaign.month)) } }
        h1 { (title) }
        @if campaign.state != State::Cancelled { (tries(&visit, month, can)) }
        nav.tabs aria-label=(visit.say("By state", "Par état")) {
            ul { @for one in STATES { li {
                a href=(link(one)) aria-current=[(one == state).then_some("page")] { (state_name(&visit, one)) }
            } } }
        }
        h2 { (state_name(&visit, state)) }
        @if found.is_empty() { p { (visit.say("Nobody.", "Personne.")) } } @else { (listed(&visit, &found)) }
        @if more {
            p { a.button.quiet href=(format!("{}&after={last}", link(state))) { (visit.say("The next 50", "Les 50 suivants")) } }
        }
    }))
}

/// Addresses are masked: who is needed whole is found among the readers.
fn listed(visit: &Visit, found: &[Missed]) -> Markup {
    html! {
        ul.missed {
            @for one in found {
                li {
                    strong.address { (address(visit, one)) }
                    p { (why(visit, one)) }
                    @if let Some(words) = &one.words { blockquote { p { (plain::plain(&masked(words))) } } }
                    p.about { (tried(visit, one)) }
                }
            }
        }
    }
}

/// How often it was tried, and when it is or was the last time.
fn tried(visit: &Visit, one: &Missed) -> String {
    let when = visit.shown(one.due_at.unwrap_or(one.changed_at));
    let tries = one.attempts;
    match (visit.language(), one.due_at.is_some()) {
        (Language::English, true) => format!("Tries: {tries}. The next at {when}."),
        (Language::English, false) => format!("Tries: {tries}. So since {when}."),
        (Language::French, true) => format!("Essais : {tries}. Le prochain à {when}."),
        (Language::French, false) => format!("Essais : {tries}. État depuis {when}."),
    }
}

fn address(visit: &Visit, one: &Missed) -> String {
    let masked = |written: &String| Address::parse(written).ok().map(|address| address.masked());
    let known = one.address.as_ref().and_then(masked);
    known.unwrap_or_else(|| visit.say("(erased)", "(effacé)").to_owned())
}

fn why<'a>(visit: &'a Visit, one: &Missed) -> &'a str {
    let words = one.words.as_deref().unwrap_or_default();
    if one.class.is_none() && one.status.is_none() {
        for (begins, says) in OURS {
            if words.starts_with(begins) {
                return visit.say(says[0], says[1]);
            }
        }
    }
    let kind = if one.due_at.is_some() {
        "deferred"
    } else {
        "bounce"
    };
    let class = one.class.as_deref().unwrap_or_default();
    let [english, french] = meaning(kind, class, one.status.as_deref().unwrap_or_default());
    visit.say(english, french)
}

/// Words of ours that stand where a server's would, and what they say.
const OURS: [(&str, [&str; 2]); 8] = [
    (
        "the reader unsubscribed",
        [
            "They unsubscribed before it went out.",
            "Désabonnement avant l’envoi.",
        ],
    ),
    (
        "the reader pauses",
        ["They pause.", "Envois suspendus par le lecteur."],
    ),
    (
        "the reader was erased",
        [
            "They asked to be forgotten.",
            "Le lecteur a demandé l’effacement.",
        ],
    ),
    (
        "the reader left or is suppressed",
        [
            "They had left, or their address gets no mail any more.",
            "Désabonné, ou l’adresse ne reçoit plus de courrier.",
        ],
    ),
    (
        "the campaign was cancelled",
        [
            "The sending was cancelled before their turn.",
            "L’envoi a été annulé avant leur tour.",
        ],
    ),
    (
        "the sender stopped",
        [
            "Our sender stopped at the last moment: nobody can know whether they have it.",
            "Notre service s’est arrêté au dernier moment : nul ne sait s’ils l’ont reçu.",
        ],
    ),
    (
        "given up, its life being over",
        [
            "It was tried for days, and their server never took it.",
            "Après des jours d’essais, leur serveur ne l’a jamais accepté.",
        ],
    ),
    (
        "the connection",
        [
            "The connection to the mail server broke.",
            "La connexion au serveur s’est rompue.",
        ],
    ),
];

/// What can be tried again, each with its number and what it means.
fn tries(visit: &Visit, month: Month, can: CanGoAgain) -> Markup {
    let offers = Again::ALL.iter().filter(|which| can.of(**which) > 0);
    let offers: Vec<&Again> = offers.collect();
    html! {
        @if !offers.is_empty() {
            section.panel {
                h2 { (visit.say("Another try", "Nouvelle tentative")) }
                ul.deeds {
                    @for which in offers {
                        li {
                            form method="post" action=(format!("{}/again", page_of(month))) {
                                (visit.token())
                                input type="hidden" name="which" value=(which);
                                button.quiet { (label(visit, can.of(*which))) }
                                p.means { (means(visit, *which)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn label(visit: &Visit, count: i64) -> String {
    let number = visit.language().number(count);
    match visit.language() {
        Language::English => format!("Try {number} again"),
        Language::French => format!("Réessayer {number}"),
    }
}

fn means(visit: &Visit, which: Again) -> &str {
    match which {
        Again::Refused => visit.say(
            "Refused for a reason that may have passed, or for the sender’s sake. No server ever took it, so nobody gets it twice.",
            "Refusés pour une raison peut-être passée, ou à cause de l’expéditeur. Aucun serveur ne l’a jamais accepté : personne ne le recevra deux fois.",
        ),
        Again::Unknown => visit.say(
            "Nobody can know whether they have it. It is the same message with the same number: who has it already mostly sees it once.",
            "Nul ne sait s’ils l’ont reçu. C’est le même message, avec le même numéro : qui l’a déjà ne le verra en général qu’une fois.",
        ),
        Again::Lifted => visit.say(
            "Their address got no mail then, and has been let go since.",
            "Leur adresse était bloquée à ce moment et a été débloquée depuis.",
        ),
    }
}

async fn again(visit: Visit, Path(path): Path<String>, posted: Posted) -> Answer {
    let which: Again = posted
        .get("which")
        .parse()
        .map_err(|_| DeskError::NotOurs)?;
    let mut tx = visit.begin().await?;
    let (month, campaign) = of_path(&mut tx, &path).await?;
    let again = go_again(&mut tx, campaign.id, which, visit.now).await?;
    if again > 0 {
        visit
            .audit(&mut tx, Deed::SentAgain, &month.to_string(), again)
            .await?;
    }
    tx.commit().await?;
    Ok(visit.back_to(&format!("{}?done=again", page_of(month))))
}
