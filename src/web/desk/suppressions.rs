//! Addresses that get no mail: looking one up, adding one, letting one have mail again.

use axum::extract::Query;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use maud::{Markup, html};
use serde::Deserialize;

use super::readers::words;
use super::table::{self, Text};
use super::{Answer, DeskError, Posted, Route, Visit};
use crate::admin::Role;
use crate::audit::Deed;
use crate::mask::masked;
use crate::plain::plain;
use crate::record::What;
use crate::subscriber::{self, Address};
use crate::suppression::{self, Listed, Reason, Released, Suppression};
use crate::web::fields::Line;

/// Addresses on a page.
const PAGE: i64 = 50;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/suppressions", Role::Editor, list),
        Route::post("/desk/suppressions", Role::Editor, add),
        Route::post("/desk/suppressions/look", Role::Editor, look),
        Route::post("/desk/suppressions/lift", Role::Editor, lift),
    ]
}

/// Behind which the list goes on: a time in microseconds, and an address hash.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    since: String,
    hash: String,
    done: String,
}

impl Asked {
    fn behind(&self) -> Option<(DateTime<Utc>, Vec<u8>)> {
        let since = DateTime::from_timestamp_micros(self.since.parse().ok()?)?;
        Some((since, HEXLOWER.decode(self.hash.as_bytes()).ok()?))
    }
}

async fn list(visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let listed = {
        let mut tx = visit.read().await?;
        // No time is later than this, whatever the clock of who wrote it.
        let end = (visit.now + TimeDelta::days(36_500), Vec::new());
        let (since, hash) = asked.behind().unwrap_or(end);
        suppression::older(&mut tx, (since, &hash), PAGE).await?
    };
    let mut tx = visit.begin().await?;
    let shown = listed.len() as i64;
    visit.note(&mut tx, What::Suppressions, None, shown).await?;
    tx.commit().await?;
    Ok(page(&visit, &listed, &asked, None))
}

fn page(visit: &Visit, listed: &[Listed], asked: &Asked, wrong: Option<&str>) -> Response {
    let title = visit.say("Addresses that get no mail", "Adresses sans envoi");
    let done = match asked.done.as_str() {
        "added" => Some(visit.say(
            "The address gets no mail any more.",
            "L’adresse ne reçoit plus rien.",
        )),
        "lifted" => Some(visit.say(
            "The address may have mail again. A subscription that had ended stays so.",
            "L’adresse peut à nouveau recevoir. Un abonnement terminé le reste.",
        )),
        _ => None,
    };
    let page = visit.page(title).under("/desk/readers").wide().done(done);
    page.refused(wrong.is_some()).show(html! {
        p.crumb { a href="/desk/readers" { (visit.say("Readers", "Lecteurs")) } }
        h1 { (title) }
        p.lead { (visit.say(
            "Because a mailbox is gone, somebody complained, or asked for it. No list and no send gets past this.",
            "Parce qu’une boîte n’existe plus, ou que quelqu’un s’est plaint ou l’a demandé. Aucune liste et aucun envoi ne passe outre.",
        )) }
        (look_form(visit, wrong))
        (table(visit, listed))
        (onwards(visit, listed, asked))
        (add_form(visit))
    })
}

fn look_form(visit: &Visit, wrong: Option<&str>) -> Markup {
    html! {
        form method="post" action="/desk/suppressions/look" aria-label=(visit.say("Look an address up", "Chercher une adresse")) {
            (visit.token())
            (Line {
                autocomplete: "off",
                hint: Some(visit.say(
                    "The whole address: of most only a code is kept, which cannot be read back.",
                    "L’adresse entière : de la plupart, il ne reste qu’un code illisible.",
                )),
                ..Line::address(visit.say("Look an address up", "Chercher une adresse"), "", wrong)
            }.markup())
            p.buttons { button { (visit.say("Look it up", "Chercher")) } }
        }
    }
}

fn table(visit: &Visit, listed: &[Listed]) -> Markup {
    let title = visit.say("The newest", "Les plus récentes");
    html! {
        h2 { (title) }
        @if listed.is_empty() { p { (visit.say("None.", "Aucune.")) } }
        @else {
            (table::stacked(title, &[
                Text(visit.say("Since", "Depuis")), Text(visit.say("Address", "Adresse")),
                Text(visit.say("Why", "Pourquoi")), Text(visit.say("Note", "Note")),
            ], html! {
                @for one in listed {
                    tr {
                        th.when scope="row" { (visit.shown(one.since)) }
                        td {
                            @match &one.address {
                                Some(address) => (address),
                                None => (visit.say("only a code is kept", "seul un code est conservé")),
                            }
                        }
                        td { (words::reason(visit, one.reason)) }
                        td { (plain(&one.note)) }
                    }
                }
            }))
        }
    }
}

fn onwards(visit: &Visit, listed: &[Listed], asked: &Asked) -> Markup {
    let last = listed.last().filter(|_| listed.len() as i64 == PAGE);
    let link = last.map(|last| {
        let hash = HEXLOWER.encode(&last.address_hash);
        format!(
            "/desk/suppressions?since={}&hash={hash}",
            last.since.timestamp_micros()
        )
    });
    html! {
        @if link.is_some() || !asked.since.is_empty() {
            nav.pages aria-label=(visit.say("Pages of the list", "Pages de la liste")) {
                @if !asked.since.is_empty() { a href="/desk/suppressions" { (visit.say("To the beginning", "Au début")) } }
                @if let Some(link) = &link { a href=(link) { (visit.say("Older ones", "Plus anciennes")) } }
            }
        }
    }
}

fn add_form(visit: &Visit) -> Markup {
    html! {
        h2 { (visit.say("Add an address", "Ajouter une adresse")) }
        form method="post" action="/desk/suppressions" aria-label=(visit.say("Add an address", "Ajouter une adresse")) {
            (visit.token())
            div.field {
                label for="add-address" { (visit.say("Address", "Adresse")) }
                input #add-address type="email" name="address" required maxlength="254" autocomplete="off";
            }
            div.field {
                label for="note" { (visit.say("Why", "Pourquoi")) }
                input #note type="text" name="note" required maxlength="200" autocomplete="off";
            }
            p.buttons { button.quiet { (visit.say("It gets no mail any more", "Ne plus rien lui envoyer")) } }
            p.means { (visit.say(
                "It counts at once, for what waits to be sent too. Do not write the address into the note.",
                "Valable aussitôt, y compris pour ce qui attend. N’écrivez pas l’adresse dans la note.",
            )) }
        }
    }
}

fn address_of(visit: &Visit, posted: &Posted) -> Result<Address, DeskError> {
    Address::parse(posted.get("address")).map_err(|_| {
        let why = visit.say(
            "This is no whole address: it should look like ann@example.org.",
            "Cette adresse est incomplète : elle devrait ressembler à ann@example.org.",
        );
        DeskError::BadForm(why.to_owned())
    })
}

async fn add(visit: Visit, posted: Posted) -> Answer {
    let hash = address_of(&visit, &posted)?.hash(&visit.desk.site.keys);
    let note = masked(posted.get("note").trim()).into_owned();
    let mut tx = visit.begin().await?;
    suppression::suppress(&mut tx, &hash, Reason::Manual, &note, visit.now).await?;
    visit.audit(&mut tx, Deed::AddressSuppressed, "", 1).await?;
    tx.commit().await?;
    Ok(visit.back_to("/desk/suppressions?done=added"))
}

/// What is known of one address.
async fn look(visit: Visit, posted: Posted) -> Answer {
    let address = address_of(&visit, &posted)?;
    let hash = address.hash(&visit.desk.site.keys);
    let mut tx = visit.begin().await?;
    let reader = subscriber::by_address(&mut tx, &hash)
        .await?
        .map(|reader| reader.id);
    visit.note(&mut tx, What::Suppressions, reader, 1).await?;
    tx.commit().await?;
    let mut tx = visit.read().await?;
    let found = suppression::of(&mut tx, &hash).await?;
    let releases = suppression::releases(&mut tx, &hash).await?;
    Ok(found_page(
        &visit,
        &address,
        found.as_ref(),
        &releases,
        reader,
    ))
}

fn found_page(
    visit: &Visit,
    address: &Address,
    found: Option<&Suppression>,
    releases: &[Released],
    reader: Option<uuid::Uuid>,
) -> Response {
    let title = match found {
        Some(_) => visit.say("This address gets no mail", "Cette adresse ne reçoit rien"),
        None => visit.say("This address may get mail", "Cette adresse peut recevoir"),
    };
    visit.page(title).under("/desk/readers").show(html! {
        p.crumb { a href="/desk/suppressions" { (visit.say("Addresses that get no mail", "Adresses sans envoi")) } }
        h1 { (title) }
        p.lead.address { (address.as_str()) }
        @if let Some(reader) = reader {
            p { a href=(format!("/desk/readers/{reader}")) { (visit.say("Open this reader", "Ouvrir la fiche du lecteur")) } }
        } @else {
            p { (visit.say("It is no reader’s.", "Ce n’est pas celle d’un lecteur.")) }
        }
        @if let Some(found) = found {
            dl.facts {
                dt { (visit.say("Why", "Pourquoi")) } dd { (words::reason(visit, found.reason)) }
                dt { (visit.say("Since", "Depuis")) } dd { (visit.shown(found.since)) }
                @if !found.note.is_empty() { dt { (visit.say("Note", "Note")) } dd { (plain(&found.note)) } }
            }
            (lift_form(visit, address, found.reason))
        }
        @for one in releases {
            p.means {
                (visit.shown(one.released_at)) ": "
                (visit.say("let have mail again: ", "réadmise : ")) (plain(&one.because))
            }
        }
    })
}

/// Who complained, or asked to be forgotten, is to ask for mail themselves.
fn lift_form(visit: &Visit, address: &Address, reason: Reason) -> Markup {
    html! {
        @if matches!(reason, Reason::Complaint | Reason::Erased | Reason::Left) {
            p.notice { (visit.say(
                "They said so themselves. If they want mail again, they sign up on the site; that lifts it where it may be. Lift it by hand only when they have asked you to, and say how.",
                "C’est leur choix. S’ils veulent à nouveau recevoir, ils s’inscrivent sur le site, ce qui suffit quand c’est permis. Ne réadmettez à la main que s’ils vous l’ont demandé, et dites comment.",
            )) }
        }
        form method="post" action="/desk/suppressions/lift" aria-label=(visit.say("Lift it", "La lever")) {
            (visit.token())
            input type="hidden" name="address" value=(address.as_str());
            div.field {
                label for="because" { (visit.say("Why it may have mail again", "Pourquoi la réadmettre")) }
                input #because type="text" name="because" required maxlength="200" autocomplete="off";
            }
            p.buttons { button { (visit.say("Let it have mail again", "La réadmettre")) } }
            p.means { (visit.say("What was, and why it was lifted, is kept.", "Ce qui était, et le motif, sont conservés.")) }
        }
    }
}

async fn lift(visit: Visit, posted: Posted) -> Answer {
    let address = address_of(&visit, &posted)?;
    let because = posted.get("because").trim();
    if because.is_empty() {
        let why = visit.say(
            "Say why: ‘the mailbox works again, by telephone’. Go back and fill it in.",
            "Dites pourquoi : « la boîte fonctionne, par téléphone ». Revenez et remplissez le champ.",
        );
        return Err(DeskError::BadForm(why.to_owned()));
    }
    let hash = address.hash(&visit.desk.site.keys);
    let mut tx = visit.begin().await?;
    let released = suppression::release(&mut tx, &hash, &masked(because), visit.now).await?;
    if released.is_none() {
        let why = visit.say(
            "This address may have mail already: somebody else was quicker.",
            "Cette adresse peut déjà recevoir : quelqu’un a été plus rapide.",
        );
        return Err(DeskError::Conflict(why.to_owned()));
    }
    visit.audit(&mut tx, Deed::AddressReleased, "", 1).await?;
    tx.commit().await?;
    Ok(visit.back_to("/desk/suppressions?done=lifted"))
}
