//! One reader: what they chose, what became of them, and what can be done for them.

use axum::extract::{Path, Query};
use axum::response::Response;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::super::frame::Done;
use super::super::table::{self, Text};
use super::super::{Answer, DeskError, Posted, Visit};
use super::choices::Choices;
use super::{crumb, list, of_id, words};
use crate::audit::Deed;
use crate::db::Tx;
use crate::feedback::{self, timeline};
use crate::plain::plain;
use crate::record::{self, Reading, What};
use crate::request::{self, Form, Kind, Request};
use crate::subscriber::{self, Address, Subscriber};
use crate::subscription::{self, Act, State};
use crate::suppression::{self, Suppression};

/// Moments that are shown at once; those before are folded away.
const MOMENTS: usize = 30;

/// All that a page says of a reader.
struct Story {
    reader: Subscriber,
    suppression: Option<Suppression>,
    /// The newest first.
    moments: Vec<Moment>,
    readings: Vec<Reading>,
}

/// A line of the timeline.
struct Moment {
    at: DateTime<Utc>,
    /// The month of the issue.
    message: Option<String>,
    what: String,
    words: String,
}

pub(super) async fn show(
    visit: Visit,
    Path(id): Path<String>,
    Query(asked): Query<Done>,
) -> Answer {
    let mut tx = visit.begin().await?;
    let reader = of_id(&mut tx, &id).await?;
    visit
        .note(&mut tx, What::Subscriber, Some(reader.id), 1)
        .await?;
    tx.commit().await?;
    let story = Story::read(&visit, &mut visit.read().await?, reader).await?;
    let choices = Choices::of(&story.reader);
    Ok(page(&visit, &story, &choices, &asked.done, None))
}

impl Story {
    async fn read(visit: &Visit, tx: &mut Tx, reader: Subscriber) -> sqlx::Result<Story> {
        let hash = &reader.address_hash;
        let consents = subscription::consents(tx, hash).await?;
        let consents = consents.into_iter().map(|consent| Moment {
            at: consent.at,
            message: None,
            what: words::act(visit, consent.act).to_owned(),
            words: match (&consent.file, consent.line) {
                (Some(file), Some(line)) => format!(
                    "{} ({} {line}, {file})",
                    consent.source,
                    visit.say("line", "ligne")
                ),
                _ => consent.source,
            },
        });
        let mails = timeline::of(tx, &reader).await?;
        let mails = mails.into_iter().map(|moment| Moment {
            at: moment.at,
            what: words::moment(visit, &moment).to_owned(),
            words: words::of_moment(visit, &moment),
            message: moment.message,
        });
        let mut moments: Vec<Moment> = consents.chain(mails).collect();
        moments.sort_by_key(|moment| std::cmp::Reverse(moment.at));
        let mut readings = record::of_reader(tx, reader.id).await?;
        readings.reverse();
        Ok(Story {
            suppression: suppression::of(tx, hash).await?,
            reader,
            moments,
            readings,
        })
    }
}

fn page(
    visit: &Visit,
    story: &Story,
    choices: &Choices,
    done: &str,
    wrong: Option<&str>,
) -> Response {
    let reader = &story.reader;
    let page = visit
        .page(visit.say("A reader", "Un lecteur"))
        .under("/desk/readers")
        .wide()
        .done(said(visit, done))
        .refused(wrong.is_some());
    page.show(html! {
        (crumb(visit))
        h1.address { (reader.address) }
        p { (list::standing(visit, reader, story.suppression.is_some())) }
        (notice(visit, story))
        (facts(visit, reader))
        (deeds(visit, reader))
        h2 { (visit.say("What became of it", "Historique")) }
        (timeline_of(visit, story))
        h2 { (visit.say("What they chose", "Ce qui a été choisi")) }
        details open[wrong.is_some()] {
            summary { (visit.say("Change it", "Le modifier")) }
            form method="post" action=(format!("/desk/readers/{}", reader.id)) aria-label=(visit.say("What they chose", "Ce qui a été choisi")) {
                (visit.token())
                @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
                (choices.fields(visit))
                p.buttons { button { (visit.say("Keep these choices", "Conserver ces choix")) } }
                p.means { (visit.say(
                    "It counts from the next issue on. The reader is not written to.",
                    "Valable dès le prochain numéro. Le lecteur n’en est pas averti.",
                )) }
            }
        }
        h2 { (visit.say("Who looked at this page", "Qui a consulté cette fiche")) }
        (readings(visit, story))
    })
}

fn said<'a>(visit: &'a Visit, word: &str) -> Option<&'a str> {
    Some(match word {
        "kept" => visit.say("The choices are kept.", "Les choix sont conservés."),
        "added" => visit.say("The reader is added.", "Le lecteur est ajouté."),
        "link" => visit.say(
            "A link to their own page goes to the reader by mail. It works for a day.",
            "Un lien vers sa page part par courriel. Il fonctionne pendant un jour.",
        ),
        "unsubscribed" => visit.say(
            "The subscription has ended, for what waits to be sent too.",
            "L’abonnement a pris fin, y compris pour ce qui attendait d’être envoyé.",
        ),
        _ => return None,
    })
}

fn notice(visit: &Visit, story: &Story) -> Markup {
    html! {
        @if let Some(found) = &story.suppression {
            div.notice {
                h2 { (visit.say("This address gets no mail", "Cette adresse ne reçoit rien")) }
                p { (words::reason(visit, found.reason)) ", " (visit.shown(found.since)) "." }
                @if !found.note.is_empty() { p { (plain(&found.note)) } }
                form method="post" action="/desk/suppressions/look" aria-label=(visit.say("Why no mail comes", "Pourquoi rien n’arrive")) {
                    (visit.token())
                    input type="hidden" name="address" value=(story.reader.address);
                    button.quiet { (visit.say("See what can be done", "Voir ce qu’on peut faire")) }
                }
            }
        }
    }
}

fn facts(visit: &Visit, reader: &Subscriber) -> Markup {
    html! {
        dl.facts {
            dt { (visit.say("Topics", "Thèmes")) } dd { (named(visit, &reader.topics)) }
            dt { (visit.say("Mails", "Messages")) }
            dd {
                (words::frequency(visit, reader.frequency)) ", " (words::format(visit, reader.format)) ", "
                (reader.language.own_name())
            }
            @if !reader.name.is_empty() { dt { (visit.say("Name", "Nom")) } dd { (reader.name) } }
            dt { (visit.say("Consent of", "Consentement du")) } dd { (visit.shown(reader.since)) }
            @if let Some(until) = reader.consent_until {
                dt { (visit.say("Implied; runs out", "Tacite ; expire")) } dd { (visit.shown(until)) }
            }
            @if let Some(until) = reader.paused_until.filter(|until| *until > visit.now) {
                dt { (visit.say("Pauses until", "En pause jusqu’au")) } dd { (visit.shown(until)) }
            }
        }
    }
}

/// The names of topics; none of them means all.
fn named(visit: &Visit, slugs: &[String]) -> String {
    match slugs.is_empty() {
        true => visit.say("all", "tous").to_owned(),
        false => {
            let site = &visit.desk.site;
            site.topic_names(visit.language(), slugs).join(", ")
        }
    }
}

fn deeds(visit: &Visit, reader: &Subscriber) -> Markup {
    let at = |step: &str| format!("/desk/readers/{}/{step}", reader.id);
    html! {
        div.acts {
            @if reader.state == State::Active {
                form method="post" action=(at("link")) aria-label=(visit.say("A link by mail", "Un lien par courriel")) {
                    (visit.token())
                    button.quiet { (visit.say("Mail them a link to their own page", "Lui envoyer un lien vers sa page")) }
                }
            }
            @if reader.state != State::Ended {
                form method="post" action=(at("unsubscribe")) aria-label=(visit.say("Unsubscribe", "Désabonner")) {
                    (visit.token())
                    button.quiet { (visit.say("Unsubscribe", "Désabonner")) }
                }
            }
            a href=(at("erase")) { (visit.say("Erase everything held of them…", "Effacer toutes ses données…")) }
        }
        p.means { (visit.say(
            "On their own page readers change topics, address and pauses themselves, and take their data along. Unsubscribing can be undone by them for four weeks; erasing cannot.",
            "Sur sa page, chacun change lui-même thèmes, adresse et pauses, et récupère ses données. Un désabonnement peut être annulé par le lecteur pendant quatre semaines ; un effacement, non.",
        )) }
    }
}

fn timeline_of(visit: &Visit, story: &Story) -> Markup {
    let (newest, before) = story.moments.split_at(story.moments.len().min(MOMENTS));
    html! {
        @if newest.is_empty() { p { (visit.say("Nothing yet.", "Rien pour l’instant.")) } }
        @else { (moments(visit, newest, visit.say("The newest", "Les plus récents"))) }
        @if !before.is_empty() {
            details {
                summary {
                    (visit.language().number(before.len() as i64))
                    (visit.say(" before that", " auparavant"))
                }
                (moments(visit, before, visit.say("Before that", "Auparavant")))
            }
        }
    }
}

fn moments(visit: &Visit, moments: &[Moment], title: &str) -> Markup {
    html! {
        (table::stacked(title, &[
            Text(visit.say("When", "Quand")), Text(visit.say("Message", "Message")), Text(visit.say("What", "Quoi")),
            Text(visit.say("Words", "Détail")),
        ], html! {
            @for moment in moments {
                tr {
                    th.when scope="row" { (visit.shown(moment.at)) }
                    td {
                        @match moment.message.as_deref() {
                            Some("letter") => (visit.say("letter", "lettre")),
                            Some(month) => (visit.month(month)),
                            None => "",
                        }
                    }
                    td { (moment.what) }
                    // Mail servers and strangers may have written this.
                    td { (plain(&moment.words)) }
                }
            }
        }))
    }
}

fn readings(visit: &Visit, story: &Story) -> Markup {
    html! {
        ul.readings {
            @for reading in story.readings.iter().take(20) {
                li { (visit.shown(reading.at)) ", " (plain(&reading.who)) }
            }
        }
    }
}

pub(super) async fn keep(visit: Visit, Path(id): Path<String>, posted: Posted) -> Answer {
    let mut tx = visit.begin().await?;
    let reader = of_id(&mut tx, &id).await?;
    let (choices, wrong) = Choices::read(&visit, &posted);
    if let Some(wrong) = wrong {
        visit
            .note(&mut tx, What::Subscriber, Some(reader.id), 1)
            .await?;
        tx.commit().await?;
        let story = Story::read(&visit, &mut visit.read().await?, reader).await?;
        return Ok(page(&visit, &story, &choices, "", Some(&wrong)));
    }
    subscription::prefer(&mut tx, reader.id, &choices.preferences).await?;
    subscriber::describe(&mut tx, reader.id, &choices.name, &choices.time_zone).await?;
    let source = format!("changed at the desk by {}", visit.admin.name);
    subscription::record(
        &mut tx,
        &reader.address_hash,
        Act::Changed,
        &source,
        visit.now,
    )
    .await?;
    visit.audit(&mut tx, Deed::ReaderChanged, "", 1).await?;
    tx.commit().await?;
    Ok(visit.back_to(&format!("/desk/readers/{}?done=kept", reader.id)))
}

/// A link to what wants more than the link of a digest, as the reader could ask for it on the site.
pub(super) async fn mail_a_link(visit: Visit, Path(id): Path<String>) -> Answer {
    let site = &visit.desk.site;
    let mut tx = visit.begin().await?;
    let reader = of_id(&mut tx, &id).await?;
    let address = Address::parse(&reader.address).map_err(|_| DeskError::NotFound)?;
    let form = Form {
        name: reader.name.clone(),
        topics: reader.topics.0.clone(),
        research_types: reader.research_types.0.clone(),
        frequency: reader.frequency,
        format: reader.format,
        language: reader.language,
        page: "/desk/readers".to_owned(),
        text: String::new(),
    };
    let id = (site.new_id)();
    let asked = Request::new(id, Kind::Manage, &address, &site.keys, form, visit.now);
    request::add(&mut tx, &asked).await?;
    tx.commit().await?;
    site.asked.notify_one();
    Ok(visit.back_to(&format!("/desk/readers/{}?done=link", reader.id)))
}

pub(super) async fn unsubscribe(visit: Visit, Path(id): Path<String>) -> Answer {
    let mut tx = visit.begin().await?;
    let reader = of_id(&mut tx, &id).await?;
    let source = format!("ended at the desk by {}", visit.admin.name);
    if feedback::unsubscribe(&mut tx, &reader, &source, visit.now).await? {
        visit
            .audit(&mut tx, Deed::ReaderUnsubscribed, "", 1)
            .await?;
    }
    tx.commit().await?;
    Ok(visit.back_to(&format!("/desk/readers/{}?done=unsubscribed", reader.id)))
}

pub(super) async fn ask_to_erase(visit: Visit, Path(id): Path<String>) -> Answer {
    let mut tx = visit.begin().await?;
    let reader = of_id(&mut tx, &id).await?;
    visit
        .note(&mut tx, What::Subscriber, Some(reader.id), 1)
        .await?;
    tx.commit().await?;
    Ok(erase_page(&visit, &reader, None))
}

fn erase_page(visit: &Visit, reader: &Subscriber, wrong: Option<&str>) -> Response {
    let title = visit.say("Erase this reader?", "Effacer ce lecteur ?");
    let page = visit.page(title).under("/desk/readers");
    page.refused(wrong.is_some()).show(html! {
        (crumb(visit))
        h1 { (title) }
        p.lead.address { (reader.address) }
        p { (visit.say(
            "What is held of them goes at once and for good: the address, the choices, the history, mails of theirs that were kept. What stays is a code made from the address, so that no list brings them back, and that consent was once given. Copies in backups go as the backups do.",
            "Tout ce qui est conservé à son sujet disparaît aussitôt et définitivement : adresse, choix, historique, messages gardés. Il ne reste qu’un code tiré de l’adresse, pour qu’aucune liste ne la ramène, et la trace d’un consentement donné. Les copies des sauvegardes disparaissent avec elles.",
        )) }
        form method="post" action=(format!("/desk/readers/{}/erase", reader.id)) {
            (visit.token())
            div.field {
                label for="typed" { (visit.say("Type the address to confirm", "Saisissez l’adresse pour confirmer")) }
                @if let Some(wrong) = wrong { p.wrong #typed-wrong role="alert" { (wrong) } }
                input #typed type="text" name="typed" required autocomplete="off" spellcheck="false" maxlength="254"
                    aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong.map(|_| "typed-wrong")];
            }
            p.buttons {
                button.grave { (visit.say("Erase", "Effacer")) }
                a href=(format!("/desk/readers/{}", reader.id)) { (visit.say("Leave as it is", "Ne rien faire")) }
            }
        }
    })
}

pub(super) async fn erase(visit: Visit, Path(id): Path<String>, posted: Posted) -> Answer {
    let mut tx = visit.begin().await?;
    let reader = of_id(&mut tx, &id).await?;
    let typed = posted.get("typed").trim().to_lowercase();
    if typed != reader.address.to_lowercase() {
        let wrong = visit.say(
            "That is not the address above. Nothing was changed.",
            "Ce n’est pas l’adresse ci-dessus. Rien n’a changé.",
        );
        return Ok(erase_page(&visit, &reader, Some(wrong)));
    }
    feedback::erase(&mut tx, &reader, visit.now).await?;
    visit.audit(&mut tx, Deed::ReaderErased, "", 1).await?;
    tx.commit().await?;
    Ok(visit.back_to("/desk/readers?done=erased"))
}
