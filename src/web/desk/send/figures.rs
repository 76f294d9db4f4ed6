//! What would go out, in numbers.

use maud::{Markup, html};

use super::super::Visit;
use super::page_of;
use crate::forecast::{Failed, Look};
use crate::issue::Month;
use crate::plan::Plan;

/// What would go out, as far as it has been counted.
pub(super) fn figures(visit: &Visit, month: Month, look: &Look) -> Markup {
    let counting = html! {
        p.working role="status" data-again="2" {
            (visit.say(
                "Counting who gets what. With very many readers that takes up to half a minute; this page comes again by itself.",
                "Calcul en cours : qui reçoit quoi. Avec un très grand nombre de lecteurs, cela prend jusqu’à une demi-minute ; la page se recharge d’elle-même.",
            ))
        }
    };
    let failed = match look.failed {
        Some(Failed::Empty) => Some(visit.say(
            "This issue has no summaries yet, so there is nothing to send.",
            "Ce numéro ne contient pas encore de résumé : il n’y a rien à envoyer.",
        )),
        Some(_) => Some(visit.say(
            "It could not be counted who gets what. Try again; if it stays so, the operator finds the reason in the log.",
            "Le calcul a échoué. Réessayez ; si cela persiste, l’exploitant en trouvera la raison dans le journal.",
        )),
        None => None,
    };
    html! {
        @if let Some(failed) = failed { div.notice role="alert" { p { (failed) } } }
        @if let Some(known) = &look.known { (counted(visit, month, &known.plan)) }
        @if look.counting_since.is_some() { (counting) }
        @if look.known.is_some() || look.failed.is_some() {
            form.inline method="post" action=(format!("{}/count", page_of(month))) aria-label=(visit.say("Count again", "Recalculer")) {
                (visit.token())
                @if let Some(known) = &look.known {
                    span.about { (visit.say("Counted on ", "Calculé le ")) (visit.shown(known.made_at)) ". " }
                }
                button.link { (visit.say("Count again", "Recalculer")) }
            }
        }
    }
}

/// The plan in numbers.
fn counted(visit: &Visit, month: Month, plan: &Plan) -> Markup {
    let number = |count: i64| visit.language().number(count);
    let left_out: i64 = plan.excluded.values().sum();
    html! {
        ul.sums {
            li { strong { (number(plan.recipients)) } " " (visit.many(plan.recipients, ["reader gets it", "readers get it"], ["lecteur le reçoit", "lecteurs le reçoivent"])) }
            li { strong { (number(plan.variants.len() as i64)) } " " (visit.many(plan.variants.len() as i64, ["mail", "different mails"], ["message", "messages différents"])) }
            li { strong { (number(left_out)) } " " (visit.many(left_out, ["gets nothing", "get nothing"], ["ne reçoit rien", "ne reçoivent rien"])) }
        }
        p { a href=(format!("/desk/issues/{month}")) { (visit.say("Look at every mail before it goes out", "Voir chaque message avant l’envoi")) } }
        @if !plan.excluded.is_empty() {
            details {
                summary { (visit.say("Who gets nothing, and why", "Qui ne reçoit rien, et pourquoi")) }
                dl.facts {
                    @for (reason, count) in &plan.excluded {
                        dt { (left_out_because(visit, reason)) } dd.number { (number(*count)) }
                    }
                }
            }
        }
        @if !plan.warnings.is_empty() {
            div.notice.calm {
                p {
                    (visit.say("Something in this issue is worth a look before it goes out: ", "Un point de ce numéro mérite d’être vérifié avant l’envoi : "))
                    a href=(format!("/desk/issues/{month}")) { (visit.say("see its checks", "voir ses vérifications")) } "."
                }
            }
        }
    }
}

/// A reason of the plan, in plain words.
fn left_out_because<'a>(visit: &Visit, reason: &'a str) -> &'a str {
    let language = visit.language();
    match reason {
        "suppressed" => language.pick(
            "their address gets no mail any more",
            "leur adresse ne reçoit plus de courrier",
        ),
        "pending" => language.pick("have not confirmed yet", "n’ont pas encore confirmé"),
        "ended" => language.pick("have left", "se sont désabonnés"),
        "consent_expired" => language.pick(
            "their implied consent has run out",
            "leur consentement tacite a expiré",
        ),
        "paused" => language.pick("pause", "ont suspendu leurs envois"),
        "not_this_month" => language.pick("get it by the quarter", "le reçoivent chaque trimestre"),
        "nothing_matched" => language.pick("nothing on their topics", "rien sur leurs sujets"),
        "already_sent" => language.pick("have had all of it before", "ont déjà tout reçu"),
        other => other,
    }
}
