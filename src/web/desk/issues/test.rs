//! A test to a few addresses: the real mail, marked, counted nowhere.

use axum::extract::Path;
use maud::{Markup, html};
use uuid::Uuid;

use super::super::Posted;
use super::super::table::{self, Text};
use super::mail;
use super::steps::{Step, ahead_notice, crumb, onward, steps};
use super::{Answer, DeskError, MENU, Visit, current, month_of};
use crate::audit::Deed;
use crate::look;
use crate::proof::{self, MOST, Press, PressError, Proof, State};
use crate::render::NotReady;
use crate::subscriber::Address;
use crate::subscription::{Choice, Format, Frequency, Language};

/// The form, and what became of the tests before.
pub(super) async fn show(visit: Visit, Path(month): Path<String>) -> Answer {
    let month = month_of(&month)?;
    let mut tx = visit.read().await?;
    let current = current(&mut tx, month).await?;
    let proofs = proof::of_month(&mut tx, month).await?;
    let is_going = proofs
        .iter()
        .any(|proof| proof.stands(visit.now) == State::Going);
    let title = visit.say("Test", "Test");
    let mut frame = visit
        .page(format!("{title} – {}", visit.month_heading(month)))
        .under(MENU);
    if is_going {
        frame = frame.refresh(2);
    }
    let language = visit.language();
    Ok(frame.show(html! {
        (crumb(&visit, month))
        h1 { (visit.say("A test to your own inbox", "Un test dans votre propre boîte")) }
        (steps(&visit, month, Some(Step::Test)))
        (ahead_notice(&visit, month, &current))
        p.lead { (visit.say(
            "The whole mail, marked [Test] in its subject. It counts nowhere, and its links change nothing for anybody.",
            "Le message entier, marqué [Test] dans l’objet. Il ne compte nulle part, et ses liens ne changent rien pour personne.",
        )) }
        @if current.text.summaries.is_empty() {
            p { (visit.say("There is no summary to send yet.", "Il n’y a encore aucun résumé à envoyer.")) }
        } @else {
            form method="post" action=(Step::Test.path(month)) {
                (visit.token())
                div.field {
                    label for="to" { (visit.say("To whom, one to five addresses", "À qui, une à cinq adresses")) }
                    p.about #to-about { (visit.say("One a line, or with commas between.", "Une par ligne, ou séparées par des virgules.")) }
                    textarea #to name="to" rows="3" required maxlength="1500" aria-describedby="to-about" autocomplete="off" { (visit.admin.address) }
                }
                div.side-by-side {
                    div.field {
                        label for="language" { (visit.say("Language", "Langue")) }
                        select #language name="language" {
                            @for (one, name) in [(Language::English, "English"), (Language::French, "Français")] {
                                option value=(one) selected[one == language] { (name) }
                            }
                        }
                    }
                    div.field {
                        label for="format" { (visit.say("Form", "Forme")) }
                        select #format name="format" {
                            option value=(Format::Html) { (visit.say("HTML with text beside it", "HTML avec texte")) }
                            option value=(Format::Text) { (visit.say("text alone", "texte seul")) }
                        }
                    }
                }
                button { (visit.say("Send the test", "Envoyer le test")) }
                p.means { (visit.say("It goes at once, to these addresses alone. No reader gets anything.", "Il part aussitôt, à ces seules adresses. Aucun lecteur ne reçoit rien.")) }
            }
        }
        (table(&visit, &proofs))
        (onward(&visit, month, Step::Send, visit.say(
            "The button with the number in it stands there; this leads to it and sends nothing.",
            "Le bouton portant le nombre s’y trouve\u{A0}; ceci y mène et n’envoie rien.",
        )))
    }))
}

fn table(visit: &Visit, proofs: &[Proof]) -> Markup {
    let title = visit.say("Tests before", "Tests précédents");
    html! {
        @if !proofs.is_empty() {
            h2 { (title) }
            (table::plain(title, &[
                Text(visit.say("When", "Quand")), Text(visit.say("To", "À")), Text(visit.say("State", "État")),
                Text(visit.say("What the mail server said", "Réponse du serveur")),
            ], html! {
                @for proof in proofs {
                    tr {
                        td { (visit.shown(proof.asked_at)) }
                        th scope="row" { (proof.address) }
                        td { span.state { (state(visit, proof.stands(visit.now))) } }
                        td { (proof.reply) }
                    }
                }
            }))
        }
    }
}

fn state(visit: &Visit, state: State) -> &str {
    match state {
        State::Going => visit.say("going out", "en cours"),
        State::Accepted => visit.say("taken by the mail server", "accepté par le serveur"),
        State::Refused => visit.say("refused", "refusé"),
        State::Deferred => visit.say(
            "not now: try again later",
            "pas maintenant\u{A0}: réessayez plus tard",
        ),
        State::Unknown => visit.say("nobody can know", "impossible à savoir"),
    }
}

/// Sends it; the page does not wait.
pub(super) async fn send(visit: Visit, Path(month): Path<String>, posted: Posted) -> Answer {
    let month = month_of(&month)?;
    let to = addresses(&visit, posted.get("to"))?;
    let press = press(&visit)?;
    let mut tx = visit.begin().await?;
    let current = current(&mut tx, month).await?;
    let content = mail::content(&mut tx, &visit, month, &current).await?;
    let language = posted.get("language").parse().unwrap_or(visit.language());
    let everything = Choice::default();
    let mut reader = look::somebody(&everything, Frequency::Monthly, language, visit.now);
    reader.format = posted.get("format").parse().unwrap_or(Format::Html);
    let selection = content.select(&everything, content.this_month);
    let selection = selection.ok_or(DeskError::NotFound)?;
    let mut going = Vec::new();
    let mut noted: Vec<(Uuid, &Address)> = Vec::new();
    for address in &to {
        let id = (visit.desk.site.new_id)();
        let made = press.make(&content, &selection, &reader, address, id, visit.now);
        going.push(made.map_err(|_| DeskError::Failed)?);
        noted.push((id, address));
    }
    if !proof::begin(&mut tx, month, &noted, &visit.admin.name, visit.now).await? {
        return Err(DeskError::TooMany { seconds: 3600 });
    }
    let count = to.len() as i64;
    visit
        .audit(&mut tx, Deed::ProofSent, &month.to_string(), count)
        .await?;
    tx.commit().await?;
    let db = visit.desk.site.db.clone();
    tokio::spawn(async move { press.send(&db, going).await });
    Ok(visit.back_to(&Step::Test.path(month)))
}

fn addresses(visit: &Visit, written: &str) -> Result<Vec<Address>, DeskError> {
    let parts = written.split([',', ';', '\n', '\r']).map(str::trim);
    let mut addresses: Vec<Address> = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        let address = Address::parse(part).map_err(|_| {
            let wrong = visit.say(
                "One of these is no whole address; nothing was sent. Write each as ada@example.org.",
                "L’une d’elles n’est pas une adresse complète\u{A0}; rien n’est parti. Écrivez chacune comme ada@exemple.org.",
            );
            DeskError::BadForm(wrong.to_owned())
        })?;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() || addresses.len() > MOST {
        let wrong = visit.say(
            "A test goes to one to five addresses; nothing was sent.",
            "Un test part à une à cinq adresses\u{A0}; rien n’est parti.",
        );
        return Err(DeskError::BadForm(wrong.to_owned()));
    }
    Ok(addresses)
}

fn press(visit: &Visit) -> Result<Press, DeskError> {
    let site = &visit.desk.site;
    let press = Press::new(&visit.desk.config, &site.keys, &site.vocabulary);
    press.map_err(|error| match error {
        PressError::NotReady(NotReady::NoIdentity(missing)) => {
            let wrong = visit.say(
                "Nothing can be sent before the operator has set: ",
                "Rien ne peut partir avant que l’exploitant n’ait réglé\u{A0}: ",
            );
            DeskError::BadForm(format!("{wrong}{}.", missing.join(", ")))
        }
        error => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "no test can be sent");
            DeskError::Failed
        }
    })
}
