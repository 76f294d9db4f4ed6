//! The page with the button.

use maud::{Markup, html};

use super::super::{Answer, DeskError, Visit};
use super::confirming::{Confirm, button_text, means};
use super::figures::figures;
use super::when::{self, Wanted, when};
use super::{PATIENCE, page_of, title};
use crate::forecast::{Failed, Forecast};
use crate::issue::Month;
use crate::plan::When;
use crate::sending::order::{Because, Order, State};

/// The page with the button.
pub(super) async fn page(
    visit: &Visit,
    month: Month,
    wanted: &Wanted,
    last: Option<Order>,
    wrong: Option<&str>,
) -> Answer {
    let (when, wrong_time) = match when(visit, wanted) {
        Ok(when) => (when, None),
        Err(wrong) => (When::Now, Some(wrong)),
    };
    let look = visit.desk.forecasts.look(month, when, PATIENCE).await?;
    if look.failed == Some(Failed::NoIssue) {
        let not_yet = visit.say(
            "This month is not in the archive yet, and only what is there can be sent. Go back, write it, and press “Keep in the archive”.",
            "Ce mois n’est pas encore dans les archives, et seul ce qui s’y trouve peut être envoyé. Revenez en arrière, rédigez-le, puis appuyez sur « Verser aux archives ».",
        );
        return Err(DeskError::Conflict(not_yet.to_owned()));
    }
    let title = title(visit, month);
    let is_counting = look.counting_since.is_some();
    let mut frame = visit.page(title.clone()).under("/desk/issues");
    if is_counting {
        frame = frame.refresh(2).script("/desk/waiting.js");
    }
    if wanted.done == "withdrawn" {
        frame = frame.done(visit.say(
            "Called back: nobody gets anything. You can mend the issue and send it again.",
            "Envoi rappelé : personne ne recevra rien. Vous pouvez corriger le numéro et l’envoyer à nouveau.",
        ));
    }
    let mut page = frame.show(html! {
        h1 { (title) }
        (why_not(visit, last.as_ref(), wanted))
        @if let Some(wrong) = wrong { div.notice role="alert" { p { (wrong) } } }
        (figures(visit, month, &look))
        (when::form(visit, month, wanted, wrong_time))
        @if let Some(known) = look.known.as_ref().filter(|_| wrong_time.is_none() && !is_counting) {
            (button(visit, month, when, known))
        }
    });
    if wrong.is_some() {
        *page.status_mut() = axum::http::StatusCode::CONFLICT;
    }
    Ok(page)
}

/// Why the last order came to nothing.
fn why_not(visit: &Visit, last: Option<&Order>, wanted: &Wanted) -> Markup {
    let because = last
        .filter(|order| order.state == State::Refused)
        .and_then(|order| order.because);
    let changed = visit.say(
        "Nothing was sent. After you looked, a reader came, left or chose other topics, or the issue was edited. The numbers below are new: look at them and press the button again.",
        "Rien n’a été envoyé. Depuis votre lecture, quelqu’un s’est abonné, désabonné ou a changé de sujets, ou le numéro a été modifié. Les chiffres ci-dessous sont à jour : vérifiez-les et appuyez de nouveau.",
    );
    let says = match because {
        Some(Because::PlanChanged) => changed,
        Some(Because::NoIssue) => visit.say(
            "Nothing was sent: the issue had no summaries any more.",
            "Rien n’a été envoyé : le numéro ne contenait plus aucun résumé.",
        ),
        Some(Because::Failed) => visit.say(
            "Nothing was sent: the service was not fit to send. Its operator finds the reason in the log.",
            "Rien n’a été envoyé : le service n’était pas en état d’envoyer. Son exploitant en trouvera la raison dans le journal.",
        ),
        Some(Because::SentAlready) | None if wanted.done == "changed" => changed,
        Some(Because::SentAlready) | None => return html! {},
    };
    html! { div.notice role="alert" { p { (says) } } }
}

/// The button that sends, with its number, or what stands in its way.
fn button(visit: &Visit, month: Month, when: When, known: &Forecast) -> Markup {
    let plan = &known.plan;
    let missing = visit.desk.config.missing_identity();
    if !missing.is_empty() {
        return html! { div.notice role="alert" { p {
            (visit.say("Nothing can be sent before the operator has set ", "Rien ne peut partir avant que l’exploitant n’ait réglé "))
            (missing.join(", ")) "."
        } } };
    }
    if plan.recipients == 0 {
        return html! { div.notice { p { (visit.say(
            "Nobody gets this issue, so there is nothing to send. Look at its topics, or add readers.",
            "Personne ne recevrait ce numéro : il n’y a rien à envoyer. Vérifiez ses sujets ou ajoutez des lecteurs.",
        )) } } };
    }
    if !visit.is_fresh {
        return html! {
            p.means { (visit.say(
                "Sending reaches many people, so you are asked for your password once more before the button.",
                "Un envoi touche beaucoup de personnes : votre mot de passe vous est redemandé avant le bouton.",
            )) }
            p { a.button href=(when::again(visit, month, when)) { (visit.say("Go on to the button", "Continuer vers l’envoi")) } }
        };
    }
    let second_person = visit.desk.config.desk.second_person;
    let confirm = Confirm {
        action: page_of(month),
        key: (visit.desk.site.new_id)(),
        plan,
        label: button_text(visit, plan.recipients, when, second_person),
        means: means(visit, when, second_person),
    };
    confirm.form(visit, when::fields(when))
}
