//! Looking: every distinct mail with its readers, who gets none, and the way to each preview.

use std::time::Duration;

use axum::extract::{Path, RawQuery};
use maud::{Markup, html};

use super::super::Posted;
use super::super::table::{self, Number, Text};
use super::mail::Wanted;
use super::steps::{Step, ahead_notice, crumb, onward, steps};
use super::{Answer, DeskError, MENU, Visit, current, month_of, path};
use crate::admin::Role;
use crate::content::Occasion;
use crate::forecast::{Failed, Look};
use crate::issue::Month;
use crate::plan::{Plan, Variant, When};
use crate::subscriber::{self, Address};

/// How long a page waits for a count: on a short list it is done by then.
const PATIENCE: Duration = Duration::from_millis(60);

/// The table of mails.
pub(super) async fn show(
    visit: Visit,
    Path(month): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let month = month_of(&month)?;
    let mut tx = visit.read().await?;
    let current = current(&mut tx, month).await?;
    drop(tx);
    let look = visit
        .desk
        .forecasts
        .look(month, When::Now, PATIENCE)
        .await?;
    let title = format!(
        "{} – {}",
        Step::Look.name(&visit),
        visit.month_heading(month)
    );
    let mut frame = visit.page(title).under(MENU).wide();
    if query.as_deref() == Some("done=kept") {
        frame = frame.done(visit.say(
            "The archive has it now, and so do the public pages. No mail has gone out.",
            "C’est versé aux archives et visible sur le site. Aucun message n’est parti.",
        ));
    }
    if query.as_deref() == Some("done=nobody") {
        frame = frame.done(visit.say(
            "No reader has that address.",
            "Aucun lecteur n’a cette adresse.",
        ));
    }
    if look.counting_since.is_some() {
        frame = frame.refresh(3);
    }
    Ok(frame.show(html! {
        (crumb(&visit, month))
        h1 { (visit.say("What goes out, and to whom", "Ce qui part, et à qui")) }
        (steps(&visit, month, Some(Step::Look)))
        (ahead_notice(&visit, month, &current))
        (counted(&visit, month, &look))
        @if let Some(known) = &look.known { (mails(&visit, month, &known.plan)) }
        (as_somebody(&visit, month))
        (onward(&visit, month, Step::Check, visit.say(
            "Everything that can be checked by a machine, in one list.",
            "Tout ce qu’une machine peut vérifier, en une liste.",
        )))
    }))
}

/// Where the numbers come from, and a way to have them anew.
fn counted(visit: &Visit, month: Month, look: &Look) -> Markup {
    html! {
        div.counted {
            @match (&look.known, look.counting_since) {
                (_, Some(since)) => p role="status" {
                    (visit.say("The readers are being counted, since ", "Les lecteurs sont en train d’être comptés, depuis "))
                    (visit.shown(since)) ". "
                    (visit.say("A long list takes some seconds; load the page anew to see.", "Une longue liste prend quelques secondes\u{A0}; rechargez la page pour voir."))
                },
                (Some(known), None) => p.means {
                    (visit.say("Counted on ", "Compté le ")) (visit.shown(known.made_at)) ". "
                    @if known.plan.settled { (visit.say("The campaign is settled: this is what it has.", "L’envoi est arrêté\u{A0}: voici ce qu’il contient.")) }
                    @else if !look.is_current { (visit.say("Something has changed since.", "Quelque chose a changé depuis.")) }
                },
                (None, None) => p { (not_counted(visit, look.failed)) },
            }
            form method="post" action=(path(month, "look/count")) aria-label=(visit.say("Count", "Compter")) {
                (visit.token())
                button.quiet { (visit.say("Count again", "Recompter")) }
            }
        }
    }
}

fn not_counted(visit: &Visit, failed: Option<Failed>) -> &str {
    match failed {
        Some(Failed::NoIssue) => visit.say(
            "There is nothing to count before the archive has this month.",
            "Rien à compter tant que ce mois n’est pas aux archives.",
        ),
        Some(Failed::Empty) => visit.say(
            "The issue has no summaries: nobody would get anything.",
            "Le numéro n’a aucun résumé\u{A0}: personne ne recevrait rien.",
        ),
        Some(Failed::Database) => visit.say(
            "The count failed; the operator finds the cause in the log.",
            "Le comptage a échoué\u{A0}; l’exploitant trouvera la cause dans le journal.",
        ),
        None => visit.say("Not counted yet.", "Pas encore compté."),
    }
}

fn mails(visit: &Visit, month: Month, plan: &Plan) -> Markup {
    let title = visit.say("The distinct mails", "Les messages distincts");
    html! {
        p.lead {
            strong { (visit.language().number(plan.recipients)) } " "
            (visit.say(if plan.recipients == 1 { "reader" } else { "readers" }, if plan.recipients < 2 { "lecteur" } else { "lecteurs" })) ", "
            strong { (plan.variants.len()) } " "
            (visit.say(if plan.variants.len() == 1 { "distinct mail" } else { "distinct mails" }, if plan.variants.len() < 2 { "message distinct" } else { "messages distincts" }))
            "."
        }
        div.table-scroll tabindex="0" role="region" aria-label=(title) {
            table {
                caption { (title) }
                thead { tr {
                    th scope="col" { (visit.say("What it holds", "Contenu")) }
                    th.number scope="col" { (visit.say("Readers", "Lecteurs")) }
                    th scope="col" { (visit.say("Look", "Regarder")) }
                } }
                tbody { @for (number, variant) in (1..).zip(&plan.variants) { (variant_row(visit, month, number, variant)) } }
            }
        }
        (nobody(visit, plan))
    }
}

fn variant_row(visit: &Visit, month: Month, number: usize, variant: &Variant) -> Markup {
    let first = variant.orders.first().map_or("", |order| &order.selection);
    let what = match variant.occasion {
        Occasion::Matched => None,
        Occasion::Note => Some(visit.say(
            "Nothing matched: a note with the titles",
            "Rien ne convient\u{A0}: un mot avec les titres",
        )),
        Occasion::Pick => Some(visit.say(
            "Nothing matched: the editor’s pick",
            "Rien ne convient\u{A0}: le choix de la rédaction",
        )),
    };
    let label = |word: &str| format!("{word} {number}");
    html! {
        tr {
            th.wraps scope="row" {
                @if let Some(what) = what { p { (what) } }
                ul.plain { @for title in &variant.summaries { li { (title) } } }
                @if variant.orders.len() > 1 {
                    p.means { (variant.orders.len()) " " (visit.say("orders: the best match stands first", "ordres\u{A0}: le plus proche d’abord")) }
                }
            }
            td.number { (visit.language().number(variant.subscribers)) }
            td {
                a href=(Wanted::of_selection(first).address(month, "mail")) aria-label=(label(visit.say("Open mail", "Ouvrir le message"))) { (visit.say("Open", "Ouvrir")) }
                @if visit.may(Role::Editor) {
                    " · "
                    a href=(Wanted::of_selection(first).address(month, "look/who")) aria-label=(label(visit.say("Who gets mail", "Qui reçoit le message"))) { (visit.say("Who", "Qui")) }
                }
            }
        }
    }
}

/// Who gets nothing, and why.
fn nobody(visit: &Visit, plan: &Plan) -> Markup {
    let title = visit.say(
        "Who gets nothing, and why",
        "Qui ne reçoit rien, et pourquoi",
    );
    html! {
        h2 { (title) }
        @if plan.excluded.is_empty() {
            p { @if plan.settled { (visit.say("What was left out is not counted any more once a campaign is settled.", "Ceux qui ont été écartés ne sont plus comptés une fois l’envoi arrêté.")) }
                @else { (visit.say("Nobody: every reader gets a mail.", "Personne\u{A0}: chaque lecteur reçoit un message.")) } }
        } @else {
            (table::plain(title, &[
                Text(visit.say("Why", "Raison")), Number(visit.say("Readers", "Lecteurs")),
            ], html! {
                @for (reason, count) in &plan.excluded {
                    tr { th.wraps scope="row" { (why(visit, reason)) } td.number { (visit.language().number(*count)) } }
                }
            }))
        }
    }
}

fn why<'a>(visit: &'a Visit, reason: &'a str) -> &'a str {
    match reason {
        "suppressed" => visit.say(
            "their address gets no mail: it bounced, or they complained",
            "leur adresse ne reçoit plus rien\u{A0}: rejet ou plainte",
        ),
        "pending" => visit.say(
            "they have not confirmed yet",
            "inscription pas encore confirmée",
        ),
        "ended" => visit.say("they have left", "ils se sont désabonnés"),
        "consent_expired" => visit.say(
            "their implied consent has run out",
            "leur consentement tacite a expiré",
        ),
        "paused" => visit.say("they are pausing", "ils ont fait une pause"),
        "not_this_month" => visit.say(
            "they get a digest at the quarter’s end",
            "ils reçoivent un recueil en fin de trimestre",
        ),
        "nothing_matched" => visit.say(
            "nothing matched what they chose",
            "rien ne correspond à leurs choix",
        ),
        "already_sent" => visit.say("they had all of it before", "ils ont déjà tout reçu"),
        other => other,
    }
}

/// As anybody: one reader by their address, or nobody in particular with some topics.
fn as_somebody(visit: &Visit, month: Month) -> Markup {
    let topics = &visit.desk.site.vocabulary.topics;
    html! {
        h2 { (visit.say("See it as somebody gets it", "Le voir comme quelqu’un le reçoit")) }
        div.side-by-side {
            @if visit.may(Role::Editor) {
                form method="post" action=(path(month, "look/as")) aria-label=(visit.say("As a reader", "Comme un lecteur")) {
                    (visit.token())
                    div.field {
                        label for="address" { (visit.say("A reader, by their whole address", "Un lecteur, par son adresse complète")) }
                        p.about #address-about { (visit.say("It is noted that you looked.", "Il est noté que vous avez regardé.")) }
                        div.line {
                            input #address type="email" name="address" required maxlength="254" autocomplete="off" aria-describedby="address-about";
                            button { (visit.say("Look", "Regarder")) }
                        }
                    }
                }
            }
            form method="get" action=(path(month, "mail")) aria-label=(visit.say("By topics", "Par thèmes")) {
                details {
                    summary { (visit.say("Somebody who chose these topics", "Quelqu’un qui a choisi ces thèmes")) }
                    fieldset.choices {
                        legend { (visit.say("Topics", "Thèmes")) }
                        @for topic in topics {
                            label.choice {
                                input type="checkbox" name="topic" value=(topic.slug);
                                span { (visit.say(&topic.name, &topic.name_fr)) }
                            }
                        }
                    }
                    p.about { (visit.say("None ticked is everything.", "Aucun coché\u{A0}: tous.")) }
                }
                button.quiet { (visit.say("See what they get", "Voir ce qui leur parvient")) }
            }
        }
    }
}

/// Counts again.
pub(super) async fn count(visit: Visit, Path(month): Path<String>) -> Answer {
    let month = month_of(&month)?;
    visit.desk.forecasts.count(month, When::Now);
    Ok(visit.back_to(&Step::Look.path(month)))
}

/// From an address to the preview of its reader; the address goes into no link.
pub(super) async fn find(visit: Visit, Path(month): Path<String>, posted: Posted) -> Answer {
    let month = month_of(&month)?;
    let address = Address::parse(posted.get("address")).map_err(|_| {
        let wrong = visit.say(
            "That is no whole address: write it as ada@example.org.",
            "Ce n’est pas une adresse complète\u{A0}: écrivez ada@exemple.org.",
        );
        DeskError::BadForm(wrong.to_owned())
    })?;
    let hash = address.hash(&visit.desk.site.keys);
    let mut tx = visit.read().await?;
    let reader = subscriber::by_address(&mut tx, &hash).await?;
    Ok(visit.back_to(&match reader {
        Some(reader) => Wanted::of_reader(reader.id).address(month, "mail"),
        None => format!("{}?done=nobody", Step::Look.path(month)),
    }))
}
