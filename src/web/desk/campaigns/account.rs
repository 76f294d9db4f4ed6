//! The account of a campaign, and what came of it since.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::page_of;
use crate::campaign::Campaign;
use crate::db::{Tx, on};
use crate::figures::campaign::{Counted, Refusal, refusals};
use crate::figures::readers::{Moves, moves};
use crate::issue::Month;
use crate::sending::progress::Progress;
use crate::subscription::Language;
use crate::web::desk::Visit;

/// What readers did after a campaign began, until the next one or for a month.
pub(super) struct Since {
    moves: Moves,
    complaints: i64,
    bounces: i64,
    until: DateTime<Utc>,
}

/// So long what readers do is told with a campaign, unless the next one comes.
const TOLD_FOR: TimeDelta = TimeDelta::days(31);

pub(super) async fn since(
    tx: &mut Tx,
    campaign: &Campaign,
    now: DateTime<Utc>,
) -> sqlx::Result<Since> {
    let next: Option<DateTime<Utc>> = on!(&mut *tx, |conn| sqlx::query_scalar(
        "SELECT min(start_at) FROM campaign WHERE start_at > $1 AND issue_id IS NOT NULL"
    )
    .bind(campaign.start_at)
    .fetch_one(conn)
    .await)?;
    let until = (campaign.start_at + TOLD_FOR).min(next.unwrap_or(now).max(campaign.start_at));
    let until = until.min(now.max(campaign.start_at));
    let told = refusals(tx, campaign.id, None).await?;
    let sum = |kind: &str| -> i64 {
        let of_kind = |one: &&Refusal| one.kind == kind;
        told.iter().filter(of_kind).map(|one| one.mails).sum()
    };
    Ok(Since {
        moves: moves(tx, campaign.start_at, until).await?,
        complaints: sum("complaint"),
        bounces: sum("bounce"),
        until,
    })
}

/// Each state with its number and what it means; and the sum, which must be what was planned.
pub(super) fn account(
    visit: &Visit,
    month: Month,
    far: &Progress,
    counted: Option<&Counted>,
) -> Markup {
    let heading = visit.say("The account", "Le compte");
    let Some(Counted { account, at }) = counted else {
        return html! {
            section {
                h2 { (heading) }
                p { (visit.say(
                    "It is being counted, and stands here in some seconds.",
                    "Il est en cours de calcul et figurera ici dans quelques secondes.",
                )) }
            }
        };
    };
    let number = |count: i64| visit.language().number(count);
    let missed = |state: &str| Some(format!("{}/missed?state={state}", page_of(month)));
    let rows = [
        (
            visit.say("Accepted", "Acceptés"),
            account.accepted,
            visit.say(
                "their mail server took it",
                "leur serveur l’a pris en charge",
            ),
            None,
        ),
        (
            visit.say("Waiting", "En attente"),
            account.waiting,
            visit.say("not offered yet", "pas encore présentés"),
            None,
        ),
        (
            visit.say("On their way", "En cours"),
            account.in_flight,
            visit.say("being offered at this moment", "présentés en ce moment"),
            None,
        ),
        (
            visit.say("Deferred", "Différés"),
            account.deferred,
            visit.say(
                "refused for now, and tried again by itself",
                "refusés pour l’instant, réessayés automatiquement",
            ),
            missed("deferred"),
        ),
        (
            visit.say("Bounced", "Rejetés"),
            account.bounced,
            visit.say(
                "refused for good, or for too long",
                "refusés définitivement, ou trop longtemps",
            ),
            missed("bounced"),
        ),
        (
            visit.say("Held back", "Retenus"),
            account.suppressed,
            visit.say(
                "who left or must not be written to, or it was cancelled",
                "désabonnés, à ne pas contacter, ou envoi annulé",
            ),
            missed("suppressed"),
        ),
        (
            visit.say("Unknown", "Incertains"),
            account.unknown,
            visit.say(
                "the connection broke at the last moment: nobody can know whether they have it",
                "la connexion s’est rompue au dernier moment : nul ne sait s’ils l’ont reçu",
            ),
            missed("unknown"),
        ),
    ];
    let balances = account.sum() == account.planned;
    html! {
        section {
            h2 { (heading) }
            div.table-scroll tabindex="0" role="region" aria-label=(heading) {
                table.account {
                    thead { tr {
                        th scope="col" { (visit.say("Mails", "Messages")) }
                        th.number scope="col" { (visit.say("How many", "Combien")) }
                    } }
                    tbody {
                        @for (name, count, means, link) in rows {
                            tr {
                                th scope="row" {
                                    @match link.filter(|_| count > 0) {
                                        Some(link) => a href=(link) { (name) },
                                        None => (name),
                                    }
                                    span.about { (means) }
                                }
                                td.number { (number(count)) }
                            }
                        }
                    }
                    tfoot { tr {
                        th scope="row" {
                            (visit.say("Sum", "Total"))
                            @if balances {
                                span.about { (visit.say("as planned: nobody is lost", "conforme au prévu : personne n’est perdu")) }
                            } @else {
                                span.wrong { " " (number(account.planned)) " " (visit.say("were planned: tell the operator", "étaient prévus : prévenez l’exploitant")) }
                            }
                        }
                        td.number { (number(account.sum())) }
                    } }
                }
            }
            p.about {
                (visit.say("Counted on ", "Compté le ")) (visit.shown(*at)) "."
                @if far.left > 0 { " " (visit.say("It is counted again while it goes out.", "Le compte est refait pendant l’envoi.")) }
            }
        }
    }
}

pub(super) fn told_since(visit: &Visit, month: Month, since: &Since) -> Markup {
    let number = |count: i64| visit.language().number(count);
    html! {
        section {
            h2 { (visit.say("Since then", "Depuis")) }
            ul.sums {
                li { strong { (number(since.moves.withdrawn)) } " " (visit.say("unsubscribed", "désabonnements")) }
                li { strong { (number(since.complaints)) } " " (visit.say("called it spam", "l’ont signalé comme indésirable")) }
                li { strong { (number(since.bounces)) } " " (visit.say("came back", "sont revenus")) }
            }
            p.about { (told_until(visit, since.until)) " "
                a href=(format!("{}/domains", page_of(month))) { (visit.say("What the servers said", "Ce qu’ont dit les serveurs")) } }
        }
    }
}

fn told_until(visit: &Visit, until: DateTime<Utc>) -> String {
    match visit.language() {
        Language::English => format!("Until {}.", visit.shown(until)),
        Language::French => format!("Jusqu’au {}.", visit.shown(until)),
    }
}

/// Where more is told.
pub(super) fn further(visit: &Visit, month: Month) -> Markup {
    let page = page_of(month);
    let further = [
        (
            "domains",
            visit.say("By receiving domain", "Par domaine destinataire"),
            visit.say(
                "how it went at each mail provider, in their own words",
                "le résultat chez chaque fournisseur, avec ses propres mots",
            ),
        ),
        (
            "missed",
            visit.say(
                "Who did not get it, and why",
                "Qui ne l’a pas reçu, et pourquoi",
            ),
            visit.say(
                "and another try for those who never had it",
                "et une nouvelle tentative pour ceux qui ne l’ont jamais eu",
            ),
        ),
        (
            "topics",
            visit.say(
                "Topics asked for and delivered",
                "Sujets demandés et livrés",
            ),
            visit.say(
                "as a plot, a table and a file",
                "en graphique, en tableau et en fichier",
            ),
        ),
    ];
    html! {
        ul.cards {
            @for (step, name, about) in further {
                li { h2 { a href=(format!("{page}/{step}")) { (name) } } p.means { (about) } }
            }
        }
    }
}
