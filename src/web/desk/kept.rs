//! Mails that came back and want a person: looked at as text, and decided.

use axum::extract::{Path, Query};
use maud::html;
use uuid::Uuid;

use super::frame::Done;
use super::table::{self, Number, Text};
use super::{Answer, DeskError, Posted, Route, Visit};
use crate::admin::Role;
use crate::audit::Deed;
use crate::feedback;
use crate::plain::is_plain;
use crate::record::What;
use crate::returned::Way;
use crate::returned::kept::{self, Kept};
use crate::subscriber::{self, Subscriber};
use crate::subscription::State;

/// So much of a mail is shown; the rest is rarely for a person.
const MOST_SHOWN: usize = 64 * 1024;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/kept", Role::Editor, list),
        Route::get("/desk/kept/{number}", Role::Editor, show),
        Route::post("/desk/kept/{number}", Role::Editor, decide),
    ]
}

fn way(visit: &Visit, way: Way) -> &str {
    match way {
        Way::Relay => visit.say("the mail server’s answer", "réponse du serveur"),
        Way::Listener | Way::Pipe | Way::Mailbox => visit.say("a mail", "un message"),
        Way::Webhook => visit.say("a provider’s event", "événement d’un prestataire"),
    }
}

async fn list(visit: Visit, Query(asked): Query<Done>) -> Answer {
    let all = kept::list(&mut visit.read().await?).await?;
    let mut tx = visit.begin().await?;
    let shown = all.len() as i64;
    visit.note(&mut tx, What::KeptMails, None, shown).await?;
    tx.commit().await?;
    let title = visit.say("Mails kept aside", "Messages mis de côté");
    let mut page = visit.page(title).under("/desk/readers").wide();
    if asked.done == "decided" {
        page = page.done(visit.say(
            "Decided; the mail is gone.",
            "C’est décidé ; le message est supprimé.",
        ));
    }
    Ok(page.show(html! {
        p.crumb { a href="/desk/readers" { (visit.say("Readers", "Lecteurs")) } }
        h1 { (title) }
        p.lead { (visit.say(
            "They came back and want a person: a machine could not tell what they mean. Each is kept for 90 days.",
            "Ils sont revenus et demandent une personne : une machine n’a pas su les comprendre. Chacun est gardé 90 jours.",
        )) }
        @if all.is_empty() { p { (visit.say("None waits for you.", "Aucun ne vous attend.")) } }
        @else {
            (table::stacked(title, &[
                Text(visit.say("When", "Quand")), Text(visit.say("Why it was kept", "Pourquoi il est gardé")),
                Text(visit.say("Came as", "Reçu par")), Number(visit.say("Bytes", "Octets")),
            ], html! {
                @for one in all.iter().rev() {
                    tr {
                        th scope="row" { a href=(format!("/desk/kept/{}", one.id)) { (visit.shown(one.at)) } }
                        td { (one.why) }
                        td { (way(&visit, one.way)) }
                        td.number { (visit.language().number(one.bytes)) }
                    }
                }
            }))
        }
    }))
}

/// A mail, and whose it is where that is known.
async fn of_number(visit: &Visit, number: &str) -> Result<(Kept, Option<Subscriber>), DeskError> {
    let number: i64 = number.parse().map_err(|_| DeskError::NotFound)?;
    let mut tx = visit.read().await?;
    let about = kept::by_id(&mut tx, number).await?;
    let about = about.ok_or(DeskError::NotFound)?;
    let writer: Option<Uuid> = kept::reader_of(&mut tx, number).await?;
    let reader = match writer {
        Some(id) => subscriber::by_id(&mut tx, id).await?,
        None => None,
    };
    Ok((about, reader))
}

async fn show(visit: Visit, Path(number): Path<String>) -> Answer {
    let (about, reader) = of_number(&visit, &number).await?;
    let mut tx = visit.begin().await?;
    let writer = reader.as_ref().map(|reader| reader.id);
    visit.note(&mut tx, What::KeptMail, writer, 1).await?;
    tx.commit().await?;
    let mail = kept::mail(&mut visit.read().await?, about.id).await?;
    let text = as_text(&mail.unwrap_or_default());
    let title = visit.say("A mail kept aside", "Un message mis de côté");
    let may_end = reader
        .as_ref()
        .filter(|reader| reader.state != State::Ended);
    Ok(visit.page(title).under("/desk/readers").wide().show(html! {
        p.crumb { a href="/desk/kept" { (visit.say("Mails kept aside", "Messages mis de côté")) } }
        h1 { (title) }
        dl.facts {
            dt { (visit.say("When", "Quand")) } dd { (visit.shown(about.at)) }
            dt { (visit.say("Why it was kept", "Pourquoi il est gardé")) } dd { (about.why) }
            dt { (visit.say("Whose", "De qui")) }
            dd {
                @match &reader {
                    Some(reader) => a href=(format!("/desk/readers/{}", reader.id)) { (reader.address) },
                    None => (visit.say("not known", "inconnu")),
                }
            }
        }
        form method="post" action=(format!("/desk/kept/{}", about.id)) {
            (visit.token())
            div.acts {
                @if may_end.is_some() {
                    button name="decided" value="unsubscribe" { (visit.say("Unsubscribe this reader, and throw the mail away", "Désabonner ce lecteur et jeter le message")) }
                }
                button.quiet name="decided" value="drop" { (visit.say("Throw the mail away", "Jeter le message")) }
            }
        }
        p.means { (visit.say(
            "Answer people from your own mailbox. The text below is as it came, and does nothing here.",
            "Répondez depuis votre propre messagerie. Le texte ci-dessous est tel que reçu et reste sans effet ici.",
        )) }
        pre.mail tabindex="0" role="region" aria-label=(visit.say("The mail as it came", "Le message tel que reçu")) { (text) }
    }))
}

/// Its letters and lines, with a mark for whatever would do anything.
fn as_text(mail: &[u8]) -> String {
    let text = String::from_utf8_lossy(&mail[..mail.len().min(MOST_SHOWN)]).replace('\r', "");
    let is_shown = |letter| is_plain(letter) || matches!(letter, '\n' | '\t');
    text.replace(|letter| !is_shown(letter), "\u{fffd}")
}

async fn decide(visit: Visit, Path(number): Path<String>, posted: Posted) -> Answer {
    let (about, reader) = of_number(&visit, &number).await?;
    let mut tx = visit.begin().await?;
    match (posted.get("decided"), reader) {
        ("drop", _) => {}
        ("unsubscribe", Some(reader)) => {
            let source = format!(
                "asked for by mail; ended at the desk by {}",
                visit.admin.name
            );
            if feedback::unsubscribe(&mut tx, &reader, &source, visit.now).await? {
                visit
                    .audit(&mut tx, Deed::ReaderUnsubscribed, "", 1)
                    .await?;
            }
        }
        _ => return Err(DeskError::NotFound),
    }
    if !kept::drop_it(&mut tx, about.id).await? {
        return Err(DeskError::NotFound);
    }
    visit.audit(&mut tx, Deed::KeptMailDropped, "", 1).await?;
    tx.commit().await?;
    Ok(visit.back_to("/desk/kept?done=decided"))
}
