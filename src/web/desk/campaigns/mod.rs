//! Campaigns: how one goes out, and what is told of it afterwards.

mod account;
mod domains;
mod live;
mod missed;
mod topics;

use axum::extract::{Path, Query};
use maud::{Markup, html};

use super::frame::Done;
use super::send::back_form;
use super::table::{self, Number, Text};
use super::{Answer, DeskError, Route, Visit, month_of};
use crate::admin::Role;
use crate::audit::Deed;
use crate::campaign::{self, Campaign, State};
use crate::db::Tx;
use crate::figures::campaign as figures;
use crate::issue::Month;
use crate::sending::order::{self, Order};
use crate::sending::progress::{Progress, overview, progress};
use crate::sending::status::{Stands, undo_until};
use crate::slot;

pub(super) fn routes() -> Vec<Route> {
    let own = vec![
        Route::get("/desk/campaigns", Role::Viewer, list),
        Route::get("/desk/campaigns/{month}", Role::Viewer, show),
        Route::post("/desk/campaigns/{month}/pause", Role::Editor, pause),
        Route::post("/desk/campaigns/{month}/resume", Role::Editor, resume),
        Route::post("/desk/campaigns/{month}/cancel", Role::Editor, cancel),
    ];
    let parts = [
        own,
        live::routes(),
        domains::routes(),
        missed::routes(),
        topics::routes(),
    ];
    parts.into_iter().flatten().collect()
}

fn page_of(month: Month) -> String {
    format!("/desk/campaigns/{month}")
}

/// The campaign that an address names, with its month.
async fn of_path(tx: &mut Tx, path: &str) -> Result<(Month, Campaign), DeskError> {
    let month = month_of(path)?;
    let found = campaign::of_month(tx, month).await?;
    Ok((month, found.ok_or(DeskError::NotFound)?))
}

fn state_name(visit: &Visit, stands: Stands, is_waiting: bool) -> &str {
    match stands {
        _ if is_waiting => visit.say("starts later", "commence plus tard"),
        Stands::Running => visit.say("going out", "envoi en cours"),
        Stands::Paused => visit.say("paused", "suspendu"),
        Stands::Cancelled => visit.say("cancelled", "annulé"),
        Stands::Finished => visit.say("finished", "terminé"),
    }
}

async fn list(visit: Visit) -> Answer {
    let mut tx = visit.read().await?;
    let rows = overview(&mut tx).await?;
    let asked = order::asked(&mut tx).await?;
    let held = slot::held(&mut tx).await?;
    drop(tx);
    let title = visit.say("Sent", "Envois");
    let number = |count: i64| visit.language().number(count);
    Ok(visit.page(title).under("/desk/campaigns").wide().show(html! {
        h1 { (title) }
        p.lead { (visit.say(
            "Every issue that went out, or is about to.",
            "Chaque numéro parti, ou sur le point de partir.",
        )) }
        p.acts {
            a.button.quiet href="/desk/calendar" { (visit.say("Calendar", "Calendrier")) }
            a.button.quiet href="/desk/growth" { (visit.say("Readers over time", "Lecteurs au fil du temps")) }
        }
        @for order in &asked { (asked_notice(&visit, order)) }
        @for noted in &held {
            div.notice {
                p { (visit.say("It was this issue’s turn on the schedule, and it waits for a person: ", "C’était son tour au calendrier, et il attend une personne : "))
                    @if let Some(month) = &noted.month { a href=(format!("/desk/issues/{month}/send")) { (month) } } }
            }
        }
        @if rows.is_empty() {
            p { (visit.say(
                "Nothing has been sent yet. Open an issue and follow its steps; the last one is the button.",
                "Rien n’a encore été envoyé. Ouvrez un numéro et suivez ses étapes ; la dernière est le bouton d’envoi.",
            )) }
            p { a.button href="/desk/issues" { (visit.say("To the issues", "Voir les numéros")) } }
        } @else {
            (table::plain(title, &[
                Text(visit.say("Issue", "Numéro")), Text(visit.say("State", "État")),
                Text(visit.say("Starts", "Début")), Number(visit.say("Readers", "Lecteurs")),
                Number(visit.say("Accepted", "Acceptés")), Number(visit.say("Bounced", "Rejetés")),
                Number(visit.say("Left", "Restants")),
            ], html! {
                @for far in &rows {
                    @let campaign = &far.campaign;
                    tr {
                        th scope="row" { a href=(format!("/desk/campaigns/{}", campaign.month)) { (visit.month(&campaign.month)) } }
                        td { span.state { (state_name(&visit, far.state, undo_until(campaign, visit.now).is_some())) } }
                        td { (visit.shown(campaign.start_at)) }
                        td.number { (number(far.planned)) }
                        td.number { (number(far.accepted)) }
                        td.number { (number(far.bounced)) }
                        td.number { (number(far.left)) }
                    }
                }
            }))
        }
    }))
}

fn asked_notice(visit: &Visit, order: &Order) -> Markup {
    html! {
        div.notice {
            p {
                (order.asked_name) " " (visit.say("asks for a second person to send", "demande l’accord d’une seconde personne pour envoyer")) " "
                a href=(format!("/desk/issues/{}/send", order.month)) { (order.month) }
            }
        }
    }
}

async fn show(visit: Visit, Path(path): Path<String>, Query(shown): Query<Done>) -> Answer {
    let mut tx = visit.read().await?;
    let (month, campaign) = of_path(&mut tx, &path).await?;
    let far = progress(&mut tx, &campaign).await?;
    let counted = figures::account(&mut tx, &campaign, visit.now).await?;
    let since = account::since(&mut tx, &campaign, visit.now).await?;
    let order = order::of_month(&mut tx, month).await?;
    let order = order.filter(|order| order.campaign_id == Some(campaign.id));
    drop(tx);
    let until = undo_until(&campaign, visit.now);
    let title = visit.month(&campaign.month);
    let frame = visit.page(title.clone()).under("/desk/campaigns").wide();
    let mut frame = frame.done(done(&visit, &shown.done));
    let is_open = matches!(far.state, Stands::Running | Stands::Paused);
    if is_open {
        frame = frame
            .refresh(5)
            .script("/desk/waiting.js")
            .script("/desk/progress.js");
    }
    Ok(frame.show(html! {
        h1 { (title) " " span.state { (state_name(&visit, far.state, until.is_some())) } }
        @if let Some(because) = &campaign.paused_because { (paused_by_itself(&visit, month, because)) }
        @match until {
            Some(until) => (countdown(&visit, month, until, &far, order.as_ref())),
            None => (live::panel(&visit, month, &campaign, &far)),
        }
        @if visit.may(Role::Editor) { (acts(&visit, month, &campaign, &far, until.is_some())) }
        (account::account(&visit, month, &far, counted.as_ref()))
        (account::told_since(&visit, month, &since))
        (account::further(&visit, month))
        @if let Some(order) = order { (ordered(&visit, &order)) }
    }))
}

fn done<'a>(visit: &'a Visit, done: &str) -> Option<&'a str> {
    Some(match done {
        "paused" => visit.say("Paused: nothing more goes out for now.", "Suspendu : rien ne part pour le moment."),
        "resumed" => visit.say("It goes on.", "L’envoi reprend."),
        "cancelled" => visit.say(
            "Cancelled: nothing more goes out, for good.",
            "Annulé : plus rien ne part, définitivement.",
        ),
        "begun" => visit.say(
            "It has begun, so it cannot be called back any more. You can pause or cancel it.",
            "L’envoi a commencé et ne peut plus être rappelé. Vous pouvez le suspendre ou l’annuler.",
        ),
        "again" => visit.say(
            "They are in the queue again, each with the same message.",
            "Ils sont de nouveau en file d’attente, chacun avec le même message.",
        ),
        _ => return None,
    })
}

/// Why the service paused a campaign, and what to do.
pub(super) fn why_paused<'a>(visit: &'a Visit, because: &str) -> [&'a str; 2] {
    match because.starts_with("a storm") {
        true => [
            visit.say(
                "Far more mails than usual were refused for good. Something may be wrong with the list of addresses, or with us.",
                "Bien plus de messages que d’habitude ont été refusés définitivement. La liste d’adresses, ou notre envoi, a peut-être un problème.",
            ),
            visit.say(
                "Look at what the servers said. If the addresses are fine, let it go on; otherwise cancel it.",
                "Regardez ce qu’ont répondu les serveurs. Si les adresses sont bonnes, laissez-le reprendre ; sinon, annulez-le.",
            ),
        ],
        false => [
            visit.say(
                "The service found that its own books do not agree, and sends nothing more before somebody has looked.",
                "Le service a constaté que ses propres comptes ne concordent pas et n’envoie plus rien avant une vérification.",
            ),
            visit.say(
                "Tell the operator before you let it go on.",
                "Prévenez l’exploitant avant de le laisser reprendre.",
            ),
        ],
    }
}

fn paused_by_itself(visit: &Visit, month: Month, because: &str) -> Markup {
    let [says, what] = why_paused(visit, because);
    html! {
        div.notice role="alert" {
            h2 { (visit.say("It was paused to protect your readers", "L’envoi a été suspendu pour protéger vos lecteurs")) }
            p { (says) " " (what) }
            p { a href=(format!("{}/domains", page_of(month))) { (visit.say("What the servers said", "Ce qu’ont dit les serveurs")) } }
            details {
                summary { (visit.say("In the service’s own words, for the operator", "Les mots du service, pour l’exploitant")) }
                p lang="en" { (because) }
            }
        }
    }
}

/// Before the first mail.
fn countdown(
    visit: &Visit,
    month: Month,
    until: chrono::DateTime<chrono::Utc>,
    far: &Progress,
    order: Option<&Order>,
) -> Markup {
    let seconds = (until - visit.now).num_seconds() + 1;
    let number = visit.language().number(far.planned);
    html! {
        section.panel {
            h2 { (visit.say("Nothing has gone out yet", "Rien n’est encore parti")) }
            p {
                @if seconds <= 600 {
                    (visit.say("The first of ", "Le premier des ")) (number)
                    (visit.say(" mails goes out in ", " messages part dans "))
                    strong data-seconds=(seconds) { (seconds) } (visit.say(" seconds.", " secondes."))
                } @else {
                    (visit.say("The first of ", "Le premier des ")) (number)
                    (visit.say(" mails goes out on ", " messages part le ")) strong { (visit.shown(until)) } "."
                }
            }
            @if visit.may(Role::Editor) && order.is_some() { (back_form(visit, month)) }
        }
    }
}

/// What can be done, and what each means.
fn acts(
    visit: &Visit,
    month: Month,
    campaign: &Campaign,
    far: &Progress,
    is_waiting: bool,
) -> Markup {
    let form = |step: &str, class: &str, label: &str, means: &str| {
        html! {
            li {
                form method="post" action=(format!("{}/{step}", page_of(month))) aria-label=(label) {
                    (visit.token())
                    button class=(class) { (label) }
                    p.means { (means) }
                }
            }
        }
    };
    let pause = form("pause", "quiet", visit.say("Pause", "Suspendre"), visit.say(
        "Offers nothing more for now. What is on its way arrives; the others wait, and nobody gets it twice.",
        "Plus rien ne part pour le moment. Ce qui est en route arrive ; les autres attendent, et personne ne le reçoit deux fois.",
    ));
    let resume = form(
        "resume",
        "quiet",
        visit.say("Go on", "Reprendre"),
        visit.say(
            "Goes on with those who have not got it yet.",
            "L’envoi reprend avec ceux qui ne l’ont pas encore reçu.",
        ),
    );
    let cancel = html! {
        li {
            details {
                summary { (visit.say("Cancel for good", "Annuler définitivement")) }
                form method="post" action=(format!("{}/cancel", page_of(month))) aria-label=(visit.say("Cancel", "Annuler")) {
                    (visit.token())
                    p.means { (visit.say(
                        "Who has it keeps it; who has not never gets it. It cannot be begun again.",
                        "Qui l’a reçu le garde ; les autres ne le recevront jamais. L’envoi ne peut pas être repris.",
                    )) }
                    button.grave {
                        (visit.say("Cancel: ", "Annuler : ")) (visit.language().number(far.left)) " "
                        (visit.many(far.left, ["reader does not get it", "readers do not get it"], ["lecteur ne le recevra pas", "lecteurs ne le recevront pas"]))
                    }
                }
            }
        }
    };
    html! {
        @if matches!(far.state, Stands::Running | Stands::Paused) && !is_waiting {
            ul.deeds {
                @match campaign.state {
                    State::Paused => (resume),
                    _ => (pause),
                }
                (cancel)
            }
        }
    }
}

fn ordered(visit: &Visit, order: &Order) -> Markup {
    html! {
        p.about {
            (visit.say("Ordered by ", "Ordonné par ")) (order.asked_name) ", " (visit.shown(order.asked_at))
            @if let Some(agreed) = &order.agreed_name { (visit.say("; agreed by ", " ; accord de ")) (agreed) }
            "."
        }
    }
}

async fn pause(visit: Visit, path: Path<String>) -> Answer {
    set(visit, path, State::Paused, Deed::CampaignPaused, "paused").await
}

async fn resume(visit: Visit, path: Path<String>) -> Answer {
    set(
        visit,
        path,
        State::Running,
        Deed::CampaignResumed,
        "resumed",
    )
    .await
}

async fn set(visit: Visit, Path(path): Path<String>, to: State, deed: Deed, done: &str) -> Answer {
    let mut tx = visit.begin().await?;
    let (month, campaign) = of_path(&mut tx, &path).await?;
    let is_recalled = order::of_month(&mut tx, month)
        .await?
        .is_some_and(|order| order.state == order::State::Recalled);
    if is_recalled || campaign.state == to || !campaign::set_state(&mut tx, campaign.id, to).await?
    {
        return Ok(visit.back_to(&page_of(month)));
    }
    visit.audit(&mut tx, deed, &month.to_string(), 0).await?;
    tx.commit().await?;
    Ok(visit.back_to(&format!("{}?done={done}", page_of(month))))
}

async fn cancel(visit: Visit, Path(path): Path<String>) -> Answer {
    let mut tx = visit.begin().await?;
    let (month, campaign) = of_path(&mut tx, &path).await?;
    if campaign.state == State::Cancelled {
        return Ok(visit.back_to(&page_of(month)));
    }
    let left = progress(&mut tx, &campaign).await?.left;
    campaign::cancel(&mut tx, campaign.id, visit.now).await?;
    visit
        .audit(&mut tx, Deed::CampaignCancelled, &month.to_string(), left)
        .await?;
    tx.commit().await?;
    Ok(visit.back_to(&format!("{}?done=cancelled", page_of(month))))
}
