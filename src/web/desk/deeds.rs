//! The record of what was done in the desk.

use axum::extract::Query;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use maud::html;
use serde::Deserialize;

use super::table::{self, Number, Text};
use super::{Answer, Route, Visit};
use crate::admin::Role;
use crate::audit::{self, Deed, Verdict};
use crate::cell;
use crate::subscription::Language;

/// Lines on a page.
const PAGE: i64 = 100;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/audit", Role::Owner, show),
        Route::get("/desk/audit/verified", Role::Owner, verified),
        Route::get("/desk/audit.csv", Role::Owner, csv),
    ]
}

#[derive(Default, Deserialize)]
struct From {
    before: Option<i64>,
}

async fn show(visit: Visit, Query(from): Query<From>) -> Answer {
    let mut tx = visit.read().await?;
    let lines = audit::newest(&mut tx, from.before, PAGE).await?;
    let title = visit.say("Record", "Registre");
    let oldest = lines.last().map(|line| line.id).filter(|id| *id > 1);
    Ok(visit.page(title).under("/desk/audit").wide().show(html! {
        h1 { (title) }
        p.lead { (visit.say(
            "Who did what at this desk, the newest first. It is only ever added to, and names no reader.",
            "Qui a fait quoi dans cet espace, du plus récent au plus ancien. On ne peut qu’y ajouter, et aucun lecteur n’y figure.",
        )) }
        div.acts {
            a.button.quiet href="/desk/audit/verified" { (visit.say("Check that it is whole", "Vérifier son intégrité")) }
            a.button.quiet href="/desk/audit.csv" { (visit.say("Download as CSV", "L’exporter en CSV")) }
        }
        (table::stacked(title, &[
            Text(visit.say("When", "Quand")), Text(visit.say("Who", "Qui")),
            Text(visit.say("What", "Quoi")), Text(visit.say("Of what", "Sujet")),
            Number(visit.say("How many", "Combien")), Number(visit.say("Line", "Ligne")),
        ], html! {
            @for line in &lines {
                tr {
                    th.when scope="row" { (visit.shown(line.at)) }
                    td { (line.who) }
                    td { (deed_name(&visit, line.deed)) }
                    td { (line.subject) }
                    td.number data-label=(visit.say("How many", "Combien")) { (line.count) }
                    td.number data-label=(visit.say("Line", "Ligne")) { (line.id) }
                }
            }
        }))
        @if lines.is_empty() { p { (visit.say("Nothing older.", "Rien de plus ancien.")) } }
        @if let Some(oldest) = oldest {
            p { a href=(format!("/desk/audit?before={oldest}")) { (visit.say("Older", "Plus anciens")) } }
        }
    }))
}

async fn verified(visit: Visit) -> Answer {
    let mut tx = visit.read().await?;
    let verdict = audit::verify(&mut tx, &visit.desk.site.keys).await?;
    let title = visit.say("Is the record whole?", "Le registre est-il intact ?");
    let says = match (verdict, visit.language()) {
        (Verdict::Whole(lines), Language::English) => {
            format!("Yes: all {lines} lines stand as they were written.")
        }
        (Verdict::Whole(lines), Language::French) => {
            format!("Oui : les {lines} lignes sont telles qu’elles ont été écrites.")
        }
        (Verdict::Broken(line), Language::English) => format!(
            "No: line {line} is not as it was written, or one is missing before it. Restore the database from the backup beside this one and compare the two."
        ),
        (Verdict::Broken(line), Language::French) => format!(
            "Non : la ligne {line} n’est pas telle qu’elle a été écrite, ou il en manque une avant. Restaurez la sauvegarde à côté et comparez les deux."
        ),
        (Verdict::CutOff(lines), Language::English) => format!(
            "No: lines are missing at the end; there were {lines}. Compare with the backup."
        ),
        (Verdict::CutOff(lines), Language::French) => format!(
            "Non : il manque des lignes à la fin ; il y en avait {lines}. Comparez avec la sauvegarde."
        ),
    };
    Ok(visit.page(title).under("/desk/audit").show(html! {
        h1 { (title) }
        p.lead { (says) }
        p { a.button href="/desk/audit" { (visit.say("Back to the record", "Retour au registre")) } }
    }))
}

/// The whole record, oldest first, for a spreadsheet.
async fn csv(visit: Visit) -> Answer {
    let mut written = cell::writer(Vec::new());
    let mut tx = visit.read().await?;
    let head = ["line", "at", "who", "deed", "subject", "count"];
    write(&mut written, head.map(str::to_owned));
    let mut last = 0;
    loop {
        let lines = audit::after(&mut tx, last).await?;
        let Some(end) = lines.last() else { break };
        last = end.id;
        for line in &lines {
            let texts =
                [&line.who, &line.subject].map(|text| cell::not_a_formula(text).into_owned());
            let [who, subject] = texts;
            let at = line.at.to_rfc3339();
            let record = [
                line.id.to_string(),
                at,
                who,
                line.deed.to_string(),
                subject,
                line.count.to_string(),
            ];
            write(&mut written, record);
        }
    }
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"record.csv\""),
        ),
    ];
    let written = written.into_inner().unwrap_or_default();
    Ok((headers, written).into_response())
}

fn write(to: &mut csv::Writer<Vec<u8>>, record: [String; 6]) {
    to.write_record(record)
        .expect("memory takes what is written");
}

fn deed_name(visit: &Visit, deed: Deed) -> &str {
    match deed {
        Deed::SignedIn => visit.say("signed in", "s’est connecté"),
        Deed::SignedOut => visit.say("signed out", "s’est déconnecté"),
        Deed::EndedSessions => {
            visit.say("ended their other sessions", "a fermé ses autres sessions")
        }
        Deed::AdminAdded => visit.say("added an account", "a ajouté un compte"),
        Deed::AdminChanged => visit.say("changed an account", "a modifié un compte"),
        Deed::AdminEnded => visit.say("ended an account", "a fermé un compte"),
        Deed::PasswordLinkMade => visit.say(
            "made a link for a password",
            "a créé un lien de mot de passe",
        ),
        Deed::PasswordSet => visit.say("set a password", "a choisi un mot de passe"),
        Deed::SecondFactorSet => visit.say("set up codes", "a configuré les codes"),
        Deed::SecondFactorRemoved => visit.say("removed codes", "a retiré les codes"),
        Deed::IssueKept => visit.say(
            "kept an issue in the archive",
            "a versé un numéro aux archives",
        ),
        Deed::TokenMade => visit.say("made a token", "a créé un jeton"),
        Deed::TokenRevoked => visit.say("revoked a token", "a révoqué un jeton"),
        Deed::HookMade => visit.say("had a program told", "a fait avertir un programme"),
        Deed::HookEnded => visit.say(
            "had a program told no more",
            "a cessé d’avertir un programme",
        ),
        Deed::DraftDiscarded => visit.say("threw a draft away", "a jeté un brouillon"),
        Deed::IssuesBroughtIn => visit.say("brought issues in", "a apporté des numéros"),
        Deed::ProofSent => visit.say("sent a test", "a envoyé un test"),
        Deed::ReaderAdded => visit.say("added a reader", "a ajouté un lecteur"),
        Deed::ReaderAsked => visit.say(
            "asked somebody by mail to confirm",
            "a demandé une confirmation par courriel",
        ),
        Deed::ReaderChanged => visit.say("changed a reader", "a modifié un lecteur"),
        Deed::ReaderUnsubscribed => visit.say("unsubscribed a reader", "a désabonné un lecteur"),
        Deed::ReaderErased => visit.say("erased a reader", "a effacé un lecteur"),
        Deed::ReadersImported => visit.say("imported readers", "a importé des lecteurs"),
        Deed::ReadersExported => visit.say("took readers out", "a exporté des lecteurs"),
        Deed::ErrandBegun => visit.say(
            "began to change many readers",
            "a lancé une modification de lecteurs",
        ),
        Deed::ErrandStopped => visit.say(
            "called off a change of readers",
            "a interrompu une modification de lecteurs",
        ),
        Deed::AddressSuppressed => visit.say(
            "kept an address from getting mail",
            "a exclu une adresse des envois",
        ),
        Deed::AddressReleased => visit.say(
            "let an address have mail again",
            "a réadmis une adresse aux envois",
        ),
        Deed::KeptMailDropped => visit.say(
            "threw away a mail kept aside",
            "a jeté un message mis de côté",
        ),
        Deed::SendAsked => visit.say("asked for a sending", "a demandé un envoi"),
        Deed::SendOrdered => visit.say("ordered a sending", "a ordonné un envoi"),
        Deed::SendTakenBack => visit.say("called a sending back", "a rappelé un envoi"),
        Deed::CampaignPaused => visit.say("paused a sending", "a suspendu un envoi"),
        Deed::CampaignResumed => visit.say("resumed a sending", "a repris un envoi"),
        Deed::CampaignCancelled => visit.say("cancelled a sending", "a annulé un envoi"),
        Deed::SentAgain => visit.say("sent again", "a relancé l’envoi"),
    }
}
