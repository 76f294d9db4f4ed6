//! Which other programs are told what happens, and what became of telling them.

use axum::extract::{Path, Query};
use axum::response::Response;
use maud::{Markup, html};
use uuid::Uuid;

use super::frame::Done;
use super::programs::{self, Adding, MENU, Wrong, secret_page, ticks};
use super::table::{self, Number, Text};
use super::{Answer, DeskError, Posted, Route, Visit};
use crate::admin::Role;
use crate::audit::Deed;
use crate::db::Tx;
use crate::outbox::{self, EVENTS, Event, Hook, LONGEST_URL, New, Told};
use crate::teller;

/// Events on a hook's page.
const SHOWN: i64 = 50;

/// Waiting ones are counted no further.
const COUNTED: i64 = 10_000;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/hooks", Role::Owner, list),
        Route::post("/desk/hooks", Role::Owner, add).fresh(),
        Route::get("/desk/hooks/{id}", Role::Owner, show),
        Route::post("/desk/hooks/{id}/test", Role::Owner, test),
        Route::post("/desk/hooks/{id}/end", Role::Owner, end),
    ]
}

fn event_name(visit: &Visit, event: Event) -> &str {
    match event {
        Event::Subscribed => visit.say("somebody subscribed", "quelqu’un s’est abonné"),
        Event::Unsubscribed => visit.say("somebody unsubscribed", "quelqu’un s’est désabonné"),
        Event::Bounced => visit.say(
            "an address bounced and gets no mail any more",
            "une adresse a été refusée et ne reçoit plus rien",
        ),
        Event::CampaignFinished => visit.say("a sending was finished", "un envoi est terminé"),
        Event::Test => visit.say("a test", "un essai"),
    }
}

async fn list(visit: Visit, Query(shown): Query<Done>) -> Answer {
    let done = match &*shown.done {
        "ended" => Some(visit.say(
            "It is told nothing more.",
            "Ce programme n’est plus averti de rien.",
        )),
        _ => None,
    };
    list_page(&visit, None, done).await
}

async fn list_page(visit: &Visit, wrong: Wrong<'_>, done: Option<&str>) -> Answer {
    let hooks = outbox::hooks(&mut visit.read().await?).await?;
    let title = visit.say("Programs that are told", "Programmes avertis");
    let content = html! {
        p.lead { (visit.say(
            "Another program can be told at once when readers come and go, or a sending is finished.",
            "Un autre programme peut être averti aussitôt des arrivées, des départs et des envois terminés.",
        )) }
        @if hooks.is_empty() {
            p { (visit.say("No program is told anything yet.", "Aucun programme n’est encore averti.")) }
        } @else {
            ul.cards {
                @for hook in &hooks {
                    li {
                        h2 { a href=(format!("/desk/hooks/{}", hook.id)) { (outbox::host(&hook.url)) } }
                        ul { @for event in hook.events() { li { (event_name(visit, event)) } } }
                    }
                }
            }
        }
        (adding(visit, wrong).show(visit))
    };
    Ok(programs::list_page(visit, title, done, wrong, content))
}

fn adding<'a>(visit: &'a Visit, wrong: Wrong<'a>) -> Adding<'a> {
    let posted = wrong.map(|(posted, _)| posted);
    let events = EVENTS.iter().map(|event| {
        let means = html! { span.name { (event_name(visit, *event)) } };
        (event.as_str(), means)
    });
    Adding {
        heading: visit.say("Tell a program", "Avertir un programme"),
        action: "/desk/hooks",
        wrong,
        fields: html! {
            div.field {
                label for="url" { (visit.say("Its address (https)", "Son adresse (https)")) }
                input #url type="url" name="url" value=(posted.map_or("", |posted| posted.get("url"))) required
                    maxlength=(LONGEST_URL) placeholder="https://" autocomplete="off";
            }
            (ticks(visit.say("It is told when", "Il est averti quand"), "event", wrong, events))
            label.choice {
                input type="checkbox" name="with_address" value="yes" checked[posted.is_some_and(|posted| posted.has("with_address"))];
                span {
                    span.name { (visit.say("Tell it readers’ addresses, too", "Lui dire aussi l’adresse des lecteurs")) }
                    span.about { (visit.say(
                        "Otherwise it learns only a number for each reader. Tick this only if readers know that the program learns their address.",
                        "Sinon, il n’apprend qu’un numéro par lecteur. Ne cochez que si les lecteurs savent que ce programme apprend leur adresse.",
                    )) }
                }
            }
        },
        button: visit.say("Tell it from now on", "L’avertir désormais"),
        means: visit.say(
            "The next page shows a secret, this once: by it the program knows that what comes is from here.",
            "La page suivante montre un secret, une seule fois : il permet au programme de reconnaître ce qui vient d’ici.",
        ),
    }
}

async fn add(visit: Visit, posted: Posted) -> Answer {
    let url = posted.get("url").trim();
    let events: Result<Vec<Event>, _> = posted.all("event").into_iter().map(str::parse).collect();
    let events = events
        .ok()
        .filter(|events| !events.is_empty() && events.iter().all(|event| EVENTS.contains(event)));
    let (Some(events), true) = (events, teller::is_url(url)) else {
        let wrong = visit.say(
            "An address that begins with https:// and has no password in it, and at least one thing to be told, are needed.",
            "Il faut une adresse commençant par https:// et sans mot de passe, et au moins un événement.",
        );
        return list_page(&visit, Some((&posted, wrong)), None).await;
    };
    let new = New {
        id: (visit.desk.site.new_id)(),
        url,
        events: &events,
        with_address: posted.has("with_address"),
        made_by: &visit.admin.name,
    };
    let mut tx = visit.begin().await?;
    let secret = outbox::add(&mut tx, &visit.desk.site.keys, &new, visit.now).await?;
    visit
        .audit(&mut tx, Deed::HookMade, outbox::host(url), 1)
        .await?;
    tx.commit().await?;
    Ok(made_page(&visit, new.id, &secret))
}

/// Shows a secret once: whoever has the database alone cannot read it.
fn made_page(visit: &Visit, id: Uuid, secret: &str) -> Response {
    let title = visit.say("The secret", "Le secret");
    let lead = html! { (visit.say(
        "Copy it now into the program’s settings: it is shown only here. What comes is signed with it as Standard Webhooks says.",
        "Copiez-le maintenant dans les réglages du programme : il n’est montré qu’ici. Les messages sont signés selon Standard Webhooks.",
    )) };
    let next = format!("/desk/hooks/{id}");
    secret_page(visit, title, lead, html! { pre { (secret) } }, &next)
}

async fn of_id(tx: &mut Tx, id: Uuid) -> Result<Hook, DeskError> {
    outbox::hook(tx, id).await?.ok_or(DeskError::NotFound)
}

async fn show(visit: Visit, Path(id): Path<Uuid>, Query(shown): Query<Done>) -> Answer {
    let mut tx = visit.read().await?;
    let hook = of_id(&mut tx, id).await?;
    let told = outbox::newest(&mut tx, id, SHOWN).await?;
    let waiting = outbox::waiting(&mut tx, id, COUNTED).await?;
    let done = (shown.done == "test").then(|| {
        visit.say(
            "A test is on its way: look again in some seconds.",
            "Un essai est en route : revenez voir dans quelques secondes.",
        )
    });
    let frame = visit.page(outbox::host(&hook.url)).under(MENU).wide();
    let post = |step: &str| format!("/desk/hooks/{id}/{step}");
    Ok(frame.done(done).show(html! {
        h1 { (outbox::host(&hook.url)) }
        dl.facts {
            dt { (visit.say("Address", "Adresse")) } dd { (hook.url) }
            dt { (visit.say("Told when", "Averti quand")) }
            dd { @for event in hook.events() { (event_name(&visit, event)) br; } }
            dt { (visit.say("Readers’ addresses", "Adresses des lecteurs")) }
            dd { @if hook.with_address { (visit.say("told, too", "transmises")) } @else { (visit.say("not told", "non transmises")) } }
            dt { (visit.say("Since", "Depuis")) } dd { (visit.shown(hook.made_at)) ", " (hook.made_by) }
            dt { (visit.say("Waiting", "En attente")) } dd { (waiting) }
        }
        form method="post" action=(post("test")) aria-label=(visit.say("Send a test", "Envoyer un essai")) {
            (visit.token())
            button { (visit.say("Send a test", "Envoyer un essai")) }
            p.means { (visit.say("It names no reader.", "Il ne nomme aucun lecteur.")) }
        }
        h2 { (visit.say("What it was told", "Ce qui lui a été dit")) }
        @if told.is_empty() {
            p { (visit.say("Nothing yet.", "Rien encore.")) }
        } @else { (table(&visit, &told)) }
        form method="post" action=(post("end")) aria-label=(visit.say("Tell it nothing more", "Ne plus l’avertir")) {
            (visit.token())
            button.grave { (visit.say("Tell it nothing more", "Ne plus l’avertir")) }
            p.means { (visit.say("What waits for it is dropped.", "Ce qui est en attente est abandonné.")) }
        }
    }))
}

fn table(visit: &Visit, told: &[Told]) -> Markup {
    let label = visit.say("What it was told", "Ce qui lui a été dit");
    html! {
        (table::plain(label, &[
            Text(visit.say("When", "Quand")), Text(visit.say("What", "Quoi")), Text(visit.say("State", "État")),
            Number(visit.say("Tries", "Essais")), Text(visit.say("Last answer", "Dernière réponse")),
        ], html! {
            @for one in told {
                tr {
                    td { (visit.shown(one.at)) }
                    td { (event_name(visit, one.event)) @if let Some(month) = &one.campaign { " (" (month) ")" } }
                    td { span.state { (state(visit, one)) } }
                    td.number { (one.attempts) }
                    td { (one.answer.as_deref().unwrap_or_default()) }
                }
            }
        }))
    }
}

fn state(visit: &Visit, told: &Told) -> String {
    match (told.is_taken, told.due_at) {
        (true, _) => visit.say("taken", "reçu").to_owned(),
        (false, None) => visit.say("given up", "abandonné").to_owned(),
        (false, Some(due)) if told.attempts > 0 => {
            let again = visit.say("again at", "nouvel essai à");
            format!("{again} {}", visit.shown(due))
        }
        (false, Some(_)) => visit.say("waits", "en attente").to_owned(),
    }
}

async fn test(visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let mut tx = visit.begin().await?;
    let hook = of_id(&mut tx, id).await?;
    outbox::test(&mut tx, hook.id, visit.now).await?;
    tx.commit().await?;
    Ok(visit.back_to(&format!("/desk/hooks/{id}?done=test")))
}

async fn end(visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let mut tx = visit.begin().await?;
    let hook = of_id(&mut tx, id).await?;
    outbox::end(&mut tx, id, visit.now).await?;
    visit
        .audit(&mut tx, Deed::HookEnded, outbox::host(&hook.url), 1)
        .await?;
    tx.commit().await?;
    Ok(visit.back_to("/desk/hooks?done=ended"))
}
