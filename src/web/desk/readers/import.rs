//! Importing a list: what it has to look like, how far it is, and what was refused.

use std::io::Read;

use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use uuid::Uuid;

use super::super::{Answer, DeskError, Posted, Visit};
use super::crumb;
use crate::audit::Deed;
use crate::enrol::beside::{self, Import, Means, NotAList, State};
use crate::enrol::{COLUMNS, EnrolError};
use crate::plain::plain;
use crate::record::What;
use crate::subscription::Language;

pub(super) async fn show(visit: Visit) -> Answer {
    Ok(page(&visit, None))
}

fn page(visit: &Visit, wrong: Option<&str>) -> Response {
    let title = visit.say("Import a list", "Importer une liste");
    let page = visit.page(title).under("/desk/readers");
    page.refused(wrong.is_some()).show(html! {
        (crumb(visit))
        h1 { (title) }
        p.lead { (visit.say(
            "A table saved as CSV (UTF-8), with a line for each reader and the consent that they gave.",
            "Un tableau enregistré en CSV (UTF-8), avec une ligne par lecteur et le consentement donné.",
        )) }
        form method="post" action="/desk/readers/import" enctype="multipart/form-data" {
            (visit.token())
            div.field {
                label for="file" { (visit.say("The file", "Le fichier")) }
                p.about #file-hint { (visit.say("At most 256 MB; a workbook or zip cannot be read.", "256 Mo au plus ; ni classeur, ni zip.")) }
                @if let Some(wrong) = wrong { p.wrong #file-wrong role="alert" { (wrong) } }
                input #file type="file" name="file" accept=".csv,text/csv,text/plain" required
                    aria-describedby=(if wrong.is_some() { "file-hint file-wrong" } else { "file-hint" }) aria-invalid=[wrong.map(|_| "true")];
            }
            p.buttons { button { (visit.say("Begin the import", "Lancer l’importation")) } }
            p.means { (visit.say(
                "Nobody is written to. Who is a reader already, has left, or is on the list of addresses that get no mail, is not touched. Refused lines can be taken out, mended and imported again.",
                "Aucun message ne part. Qui est déjà lecteur, est parti ou figure parmi les adresses sans envoi n’est pas touché. Les lignes refusées peuvent être récupérées, corrigées et importées de nouveau.",
            )) }
        }
        (columns(visit))
    })
}

fn columns(visit: &Visit) -> Markup {
    let must = visit.say("must be filled", "obligatoire");
    let lines = [
        (
            "address",
            visit.say("the mail address", "l’adresse électronique"),
            true,
        ),
        (
            "consent_at",
            visit.say(
                "the day of the consent, as 2026-05-03",
                "le jour du consentement, écrit 2026-05-03",
            ),
            true,
        ),
        (
            "consent_source",
            visit.say(
                "how it was given, in your words",
                "comment il a été donné, en vos mots",
            ),
            true,
        ),
        (
            "consent_kind",
            visit.say(
                "express (where empty) or implied, which runs out",
                "express (si vide) ou implied, qui expire",
            ),
            false,
        ),
        (
            "name",
            visit.say("the reader’s name", "le nom du lecteur"),
            false,
        ),
        (
            "topics",
            visit.say(
                "with ; between them; empty or * for all",
                "séparés par ; vide ou * pour tous",
            ),
            false,
        ),
        (
            "research_types",
            visit.say("the same way", "de la même façon"),
            false,
        ),
        ("frequency", "monthly, quarterly", false),
        ("format", "html, text", false),
        ("language", "en, fr", false),
        ("time_zone", "America/Toronto", false),
    ];
    let title = visit.say(
        "The columns, named in the first line",
        "Les colonnes, nommées à la première ligne",
    );
    html! {
        h2 { (title) }
        div.table-scroll tabindex="0" role="region" aria-label=(title) {
            table { tbody {
                @for (name, means, is_needed) in lines {
                    tr { th scope="row" { code { (name) } } td { (means) @if is_needed { " – " strong { (must) } } } }
                }
            } }
        }
    }
}

pub(super) async fn begin(visit: Visit, posted: Posted) -> Answer {
    let Some(sent) = posted.file("file") else {
        return Ok(page(&visit, Some(not_a_list(&visit, NotAList::Empty))));
    };
    let failed = |error: std::io::Error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "an upload cannot be read"
        );
        DeskError::Failed
    };
    let mut file = std::fs::File::open(sent.path()).map_err(failed)?;
    if let Err(why) = beside::examine(&mut file).map_err(failed)? {
        return Ok(page(&visit, Some(not_a_list(&visit, why))));
    }
    let (site, id) = (&visit.desk.site, Uuid::new_v4());
    let means = Means {
        name: file_name(&sent.name),
        db: site.db.clone(),
        keys: site.keys.clone(),
        vocabulary: site.vocabulary.clone(),
        now: visit.now,
        implied_life: visit.desk.config.implied_life,
        new_id: site.new_id,
        language: visit.language(),
    };
    let import = visit.desk.imports.begin(id, file, means).map_err(failed)?;
    tokio::spawn(write_down(visit.clone(), import));
    Ok(visit.back_to(&format!("/desk/readers/import/{id}")))
}

/// A browser may send a whole path, and anybody anything.
fn file_name(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    plain(last).chars().take(200).collect()
}

/// The record has how many there were.
async fn write_down(visit: Visit, import: std::sync::Arc<Import>) {
    let added = match import.ended().await {
        State::Done(enrolled) => enrolled.added,
        _ => 0,
    };
    let written = async {
        let mut tx = visit.begin().await?;
        visit
            .audit(&mut tx, Deed::ReadersImported, "", added as i64)
            .await?;
        tx.commit().await
    };
    if let Err(error) = written.await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "an import is not in the record"
        );
    }
}

fn not_a_list(visit: &Visit, why: NotAList) -> &str {
    match why {
        NotAList::Empty => visit.say("No file came, or it is empty.", "Aucun fichier reçu, ou il est vide."),
        NotAList::Zip => visit.say(
            "This is a workbook or a zip archive. Open it, save the table as CSV (UTF-8), and send that.",
            "C’est un classeur ou une archive zip. Ouvrez-le, enregistrez le tableau en CSV (UTF-8) et envoyez ce fichier.",
        ),
        NotAList::Compressed => visit.say(
            "This file is compressed. Unpack it and send the CSV inside.",
            "Ce fichier est compressé. Décompressez-le et envoyez le CSV qu’il contient.",
        ),
        NotAList::NoText => visit.say(
            "This is no text in UTF-8. Save the table as CSV (UTF-8) and send that.",
            "Ce n’est pas un texte en UTF-8. Enregistrez le tableau en CSV (UTF-8) et envoyez ce fichier.",
        ),
    }
}

pub(super) async fn progress(visit: Visit, Path(id): Path<String>) -> Answer {
    let import = of_id(&visit, &id)?;
    let title = visit.say("Import of a list", "Importation d’une liste");
    let state = import.state();
    let is_running = matches!(state, State::Running);
    let mut page = visit
        .page(title)
        .under("/desk/readers")
        .script("/desk/readers.js");
    if is_running {
        page = page.refresh(3);
    }
    Ok(page.show(html! {
        (crumb(&visit))
        h1 { (title) }
        div #progress data-running=[is_running.then_some("yes")] role="status" {
            @match &state {
                State::Running => {
                    (bar(&visit, import.percent()))
                    p { (visit.say(
                        "You may leave this page; the import goes on.",
                        "Vous pouvez quitter cette page ; l’importation continue.",
                    )) }
                }
                State::Done(enrolled) => (done(&visit, &id, enrolled.added, enrolled.refused)),
                State::Failed(error) => {
                    p.wrong { (visit.say("The import came to no end.", "L’importation n’a pas abouti.")) }
                    p { (failed_because(&visit, error)) }
                    p { (visit.say(
                        "Readers that were added before stay. Mend the file and import it again: nobody is added twice.",
                        "Les lecteurs déjà ajoutés restent. Corrigez le fichier et importez-le de nouveau : personne n’est ajouté deux fois.",
                    )) }
                    p { a.button href="/desk/readers/import" { (visit.say("Try again", "Réessayer")) } }
                }
            }
        }
    }))
}

/// The mistake of a list that was begun, with the mend.
fn failed_because(visit: &Visit, error: &EnrolError) -> String {
    match error {
        _ if visit.language() == Language::English => format!("{}.", plain(&error.to_string())),
        EnrolError::Csv(_) => "Le fichier ne peut être lu comme du CSV.".to_owned(),
        EnrolError::NoHeading => "Le fichier n’a pas d’en-tête ; la première ligne doit nommer les colonnes.".to_owned(),
        EnrolError::UnknownColumn { name } => {
            format!("Il n’y a pas de colonne « {} » ; les colonnes sont : {}.", plain(name), COLUMNS.join(", "))
        }
        EnrolError::MissingColumn(name) => {
            format!("La colonne « {name} » manque ; address, consent_at et consent_source sont obligatoires.")
        }
        EnrolError::ColumnTwice(name) => format!("La colonne « {} » figure deux fois.", plain(name)),
        EnrolError::Refusals(_) => "La liste des lignes refusées ne peut être écrite.".to_owned(),
        EnrolError::Sorting(_) => "Le fichier ne peut être trié : la place manque peut-être sur le disque.".to_owned(),
        EnrolError::Database(_) => {
            "La base de données n’a pas répondu ; importer de nouveau le fichier ajoute ceux qui manquent.".to_owned()
        }
    }
}

fn done(visit: &Visit, id: &str, added: u64, refused: u64) -> Markup {
    let number = |count: u64| visit.language().number(count as i64);
    html! {
        dl.facts {
            dt { (visit.say("Added", "Ajoutés")) } dd { strong { (number(added)) } }
            dt { (visit.say("Refused", "Refusés")) } dd { strong { (number(refused)) } }
        }
        div.acts {
            @if refused > 0 {
                a.button href=(format!("/desk/readers/import/{id}/refused.csv")) {
                    (visit.say("Take out the refused lines", "Récupérer les lignes refusées"))
                }
            }
            a.button.quiet href="/desk/readers" { (visit.say("To the readers", "Voir les lecteurs")) }
        }
        @if refused > 0 {
            p.means { (visit.say(
                "Each stands there with its reason. Mended, that file can be imported as it is. It is kept for a day.",
                "Chacune y figure avec son motif. Corrigé, ce fichier peut être importé tel quel. Il est gardé un jour.",
            )) }
        }
    }
}

/// How much is done.
pub(super) fn bar(visit: &Visit, percent: u64) -> Markup {
    let says = match visit.language() {
        Language::English => format!("{percent}% done"),
        Language::French => format!("{percent} % effectués"),
    };
    html! {
        p {
            progress max="100" value=(percent) aria-label=(visit.say("Progress", "Avancement")) {}
            " " (says)
        }
    }
}

pub(super) async fn refused(visit: Visit, Path(id): Path<String>) -> Answer {
    let import = of_id(&visit, &id)?;
    let failed = |_| DeskError::Failed;
    let Some(mut file) = import.refusals().map_err(failed)? else {
        return Err(DeskError::NotFound);
    };
    let mut tx = visit.begin().await?;
    let readers = match import.state() {
        State::Done(enrolled) => enrolled.refused,
        _ => 0,
    };
    visit
        .note(&mut tx, What::Subscribers, None, readers as i64)
        .await?;
    tx.commit().await?;
    let (send, receive) = tokio::sync::mpsc::channel::<std::io::Result<Vec<u8>>>(4);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut some = vec![0; 64 * 1024];
            let read = file.read(&mut some);
            let some = match read {
                Ok(0) => return,
                Ok(bytes) => {
                    some.truncate(bytes);
                    Ok(some)
                }
                Err(error) => Err(error),
            };
            if send.blocking_send(some).is_err() {
                return;
            }
        }
    });
    Ok(sheet("refused.csv", receive))
}

/// A sheet that is sent while it is made.
pub(super) fn sheet(
    name: &str,
    parts: tokio::sync::mpsc::Receiver<std::io::Result<Vec<u8>>>,
) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            CONTENT_DISPOSITION,
            HeaderValue::from_str(&disposition).expect("names of ours are ASCII"),
        ),
    ];
    let parts = futures_util::stream::unfold(parts, |mut parts| async {
        let part = parts.recv().await?;
        Some((part, parts))
    });
    (headers, Body::from_stream(parts)).into_response()
}

fn of_id(visit: &Visit, id: &str) -> Result<std::sync::Arc<Import>, DeskError> {
    let id: Uuid = id.parse().map_err(|_| DeskError::NotFound)?;
    visit.desk.imports.get(id).ok_or(DeskError::NotFound)
}
