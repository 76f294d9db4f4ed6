//! By what other programs come in over the API, and what each may do there.

use axum::extract::{Path, Query};
use axum::response::Response;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use maud::{Markup, html};
use uuid::Uuid;

use super::frame::Done;
use super::programs::{self, Adding, MENU, Wrong, secret_page, ticks};
use super::table::{self, Text};
use super::{Answer, DeskError, Posted, Route, Visit};
use crate::admin::Role;
use crate::audit::Deed;
use crate::token::{self, LONGEST_NAME, New, Scope, Token};
use crate::web::api;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/tokens", Role::Owner, list),
        Route::post("/desk/tokens", Role::Owner, add).fresh(),
        Route::post("/desk/tokens/{id}/revoke", Role::Owner, revoke),
    ]
}

fn scope_means(visit: &Visit, scope: Scope) -> &str {
    match scope {
        Scope::IssuesRead => visit.say("read issues and topics", "lire les numéros et les thèmes"),
        Scope::IssuesWrite => visit.say("take issues in", "enregistrer des numéros"),
        Scope::CampaignsRead => visit.say(
            "see what would be sent, and how it went",
            "voir ce qui serait envoyé et où en sont les envois",
        ),
        Scope::CampaignsSend => visit.say(
            "send to all readers, pause and cancel",
            "envoyer à tous les lecteurs, suspendre et annuler",
        ),
        Scope::ReadersRead => visit.say(
            "see readers, with their addresses",
            "voir les lecteurs, avec leur adresse",
        ),
        Scope::ReadersWrite => visit.say(
            "add, change and erase readers",
            "ajouter, modifier et effacer des lecteurs",
        ),
        Scope::SuppressionsRead => visit.say(
            "see which addresses get no mail",
            "voir quelles adresses ne reçoivent rien",
        ),
        Scope::SuppressionsWrite => visit.say(
            "decide which addresses get no mail",
            "décider quelles adresses ne reçoivent rien",
        ),
        Scope::HooksWrite => visit.say(
            "decide which programs are told what happens",
            "décider quels programmes sont avertis",
        ),
    }
}

async fn list(visit: Visit, Query(shown): Query<Done>) -> Answer {
    let done = match &*shown.done {
        "revoked" => Some(visit.say(
            "The token is worth nothing any more.",
            "Le jeton n’a plus aucune valeur.",
        )),
        _ => None,
    };
    list_page(&visit, None, done).await
}

async fn list_page(visit: &Visit, wrong: Wrong<'_>, done: Option<&str>) -> Answer {
    let tokens = token::list(&mut visit.read().await?).await?;
    let title = visit.say("Programs", "Programmes");
    let content = html! {
        p.lead { (visit.say(
            "Other programs can do what this desk does, each with a token that may do only what you allow it.",
            "D’autres programmes peuvent faire ce que fait cet espace, chacun avec un jeton qui ne permet que ce que vous autorisez.",
        )) }
        div.acts {
            a.button.quiet href="/desk/hooks" { (visit.say("Programs that are told what happens", "Programmes avertis de ce qui se passe")) }
            a.button.quiet href=(format!("{}/openapi.json", api::ROOT)) { (visit.say("Description for programmers (OpenAPI)", "Description pour programmeurs (OpenAPI)")) }
        }
        @if tokens.is_empty() {
            p { (visit.say("There are no tokens yet.", "Il n’y a pas encore de jeton.")) }
        } @else { (table(visit, &tokens)) }
        (adding(visit, wrong).show(visit))
    };
    Ok(programs::list_page(visit, title, done, wrong, content))
}

fn table(visit: &Visit, tokens: &[Token]) -> Markup {
    let label = visit.say("Tokens", "Jetons");
    html! {
        (table::stacked(label, &[
            Text(visit.say("Name", "Nom")), Text(visit.say("May", "Droits")), Text(visit.say("Made", "Création")),
            Text(visit.say("Last used", "Dernier usage")), Text(visit.say("State", "État")),
        ], html! {
            @for token in tokens { (row(visit, token)) }
        }))
    }
}

fn row(visit: &Visit, token: &Token) -> Markup {
    let revoke = visit.say("Revoke", "Révoquer");
    html! {
        tr {
            th scope="row" { (token.name) }
            td { @for scope in token.scopes() { code { (scope) } " " } }
            td data-label=(visit.say("Made", "Création")) { (visit.shown(token.made_at)) br; (token.made_by) }
            td data-label=(visit.say("Last used", "Dernier usage")) {
                @match token.used_at {
                    Some(at) => { (visit.shown(at)) }
                    None => { (visit.say("never", "jamais")) }
                }
            }
            td {
                span.state { (state(visit, token)) }
                @if token.counts(visit.now) {
                    form method="post" action=(format!("/desk/tokens/{}/revoke", token.id)) {
                        (visit.token())
                        button.quiet aria-label=(format!("{revoke}: {}", token.name)) { (revoke) }
                    }
                }
            }
        }
    }
}

fn state(visit: &Visit, token: &Token) -> String {
    match (token.revoked_at, token.ends_at) {
        (Some(_), _) => visit.say("revoked", "révoqué").to_owned(),
        (None, Some(end)) if end <= visit.now => visit.say("ended", "expiré").to_owned(),
        (None, Some(end)) => {
            let until = visit.say("until", "jusqu’au");
            format!("{until} {}", visit.shown(end))
        }
        (None, None) => visit.say("works", "valable").to_owned(),
    }
}

fn adding<'a>(visit: &'a Visit, wrong: Wrong<'a>) -> Adding<'a> {
    let was = |name: &str| wrong.map_or("", |(posted, _)| posted.get(name));
    let scopes = Scope::ALL.iter().map(|scope| {
        let means =
            html! { span.name { (scope_means(visit, *scope)) } span.about { code { (scope) } } };
        (scope.as_str(), means)
    });
    Adding {
        heading: visit.say("Make a token", "Créer un jeton"),
        action: "/desk/tokens",
        wrong,
        fields: html! {
            div.field {
                label for="name" { (visit.say("Name of the program", "Nom du programme")) }
                input #name type="text" name="name" value=(was("name")) required maxlength=(LONGEST_NAME) autocomplete="off";
            }
            (ticks(visit.say("What it may do", "Droits"), "scope", wrong, scopes))
            div.field {
                label for="ends" { (visit.say("Last day on which it works (may stay empty)", "Dernier jour de validité (facultatif)")) }
                input #ends type="date" name="ends" value=(was("ends"));
            }
        },
        button: visit.say("Make the token", "Créer le jeton"),
        means: visit.say(
            "The next page shows it, this once. Whoever has it can do what you tick here, until it ends or you revoke it.",
            "La page suivante le montre, une seule fois. Quiconque le possède peut faire ce que vous cochez, jusqu’à son terme ou sa révocation.",
        ),
    }
}

async fn add(visit: Visit, posted: Posted) -> Answer {
    let name = posted.get("name").trim();
    let scopes: Result<Vec<Scope>, _> = posted.all("scope").into_iter().map(str::parse).collect();
    let (Ok(scopes), Ok(ends_at), true) = (
        scopes,
        end(&visit, posted.get("ends")),
        token::is_a_name(name),
    ) else {
        let wrong = visit.say(
            "A name of one line, and an empty end or a day to come, are needed.",
            "Il faut un nom d’une ligne, et une date vide ou à venir.",
        );
        return list_page(&visit, Some((&posted, wrong)), None).await;
    };
    if scopes.is_empty() {
        let wrong = visit.say(
            "Tick at least one thing that it may do.",
            "Cochez au moins un droit.",
        );
        return list_page(&visit, Some((&posted, wrong)), None).await;
    }
    let new = New {
        id: (visit.desk.site.new_id)(),
        name,
        scopes: &scopes,
        made_by: &visit.admin.name,
        ends_at,
    };
    let mut tx = visit.begin().await?;
    let Some(made) = token::add(&mut tx, &new, visit.now).await? else {
        drop(tx);
        let wrong = visit.say(
            "Another token has this name: the record could not tell them apart.",
            "Un autre jeton porte ce nom : le registre ne pourrait pas les distinguer.",
        );
        return list_page(&visit, Some((&posted, wrong)), None).await;
    };
    visit.audit(&mut tx, Deed::TokenMade, name, 1).await?;
    tx.commit().await?;
    Ok(made_page(&visit, name, &made))
}

/// When the day is over on the admin's own clocks. Nothing is no end.
fn end(visit: &Visit, day: &str) -> Result<Option<DateTime<Utc>>, ()> {
    if day.is_empty() {
        return Ok(None);
    }
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| ())?;
    let after = day.checked_add_days(Days::new(1)).ok_or(())?;
    let end = crate::schedule::instant(after.and_time(NaiveTime::MIN), visit.zone());
    match end > visit.now {
        true => Ok(Some(end)),
        false => Err(()),
    }
}

/// Shows a token once: it is kept nowhere.
fn made_page(visit: &Visit, name: &str, made: &str) -> Response {
    let title = visit.say("A new token", "Un nouveau jeton");
    let lead = html! {
        (visit.say("For ", "Pour ")) strong { (name) }
        (visit.say(
            ". Copy it now into the program’s settings: it is shown only here, and nobody can look it up later.",
            ". Copiez-le maintenant dans les réglages du programme : il n’est montré qu’ici et ne peut être retrouvé.",
        ))
    };
    let secret = html! {
        pre { (made) }
        p { (visit.say("The program sends it with every call:", "Le programme l’envoie à chaque appel :")) }
        pre { "Authorization: Bearer " (made) }
    };
    secret_page(visit, title, lead, secret, MENU)
}

async fn revoke(visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let mut tx = visit.begin().await?;
    let token = token::by_id(&mut tx, id)
        .await?
        .ok_or(DeskError::NotFound)?;
    if token::revoke(&mut tx, id, visit.now).await? {
        visit
            .audit(&mut tx, Deed::TokenRevoked, &token.name, 1)
            .await?;
    }
    tx.commit().await?;
    Ok(visit.back_to("/desk/tokens?done=revoked"))
}
