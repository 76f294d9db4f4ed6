//! Where a second person has to agree.

use axum::extract::Path;
use maud::{Markup, html};

use super::super::{Answer, DeskError, Posted, Visit, month_of};
use super::confirming::{Confirm, button_text, confirmed, is_typed, means};
use super::figures::figures;
use super::ordering::{settled_soon, too_many};
use super::under_way::back_form;
use super::{PATIENCE, page_of, title, when};
use crate::audit::Deed;
use crate::forecast::Forecast;
use crate::issue::Month;
use crate::plan::When;
use crate::sending::order::{self, Agreed, Order, Rules};

/// What waits for a second person.
pub(super) async fn page(visit: &Visit, month: Month, order: &Order) -> Answer {
    let title = title(visit, month);
    let is_own = order.asked_by == visit.admin.id;
    let sqlx::types::Json(when) = order.due;
    let look = visit.desk.forecasts.look(month, when, PATIENCE).await?;
    let mut frame = visit.page(title.clone()).under("/desk/issues");
    if look.counting_since.is_some() {
        frame = frame.refresh(2).script("/desk/waiting.js");
    }
    Ok(frame.show(html! {
        h1 { (title) }
        p.lead {
            (order.asked_name) " " (visit.say("asked for this on", "l’a demandé le")) " " (visit.shown(order.asked_at)) ". "
            @if is_own { (visit.say(
                "It waits for another editor: nobody agrees to their own sending.",
                "Il faut l’accord d’une autre personne : nul n’approuve son propre envoi.",
            )) } @else { (visit.say(
                "It goes out if you agree. Look at it first.",
                "L’envoi part si vous êtes d’accord. Regardez-le d’abord.",
            )) }
        }
        (figures(visit, month, &look))
        @if let Some(known) = look.known.as_ref().filter(|_| !is_own && look.counting_since.is_none()) { (agree_form(visit, month, when, order, known)) }
        (back_form(visit, month))
    }))
}

pub(super) async fn agree(visit: Visit, Path(path): Path<String>, posted: Posted) -> Answer {
    let month = month_of(&path)?;
    let order = order::of_month(&mut visit.read().await?, month).await?;
    let order = order.ok_or(DeskError::NotFound)?;
    let known = confirmed(&visit, month, order.due.0, &posted).await?;
    let Some(known) = known.filter(|_| posted.get("key") == order.id.to_string()) else {
        return Ok(visit.back_to(&page_of(month)));
    };
    let plan = (known.plan.fingerprint.as_str(), known.plan.recipients);
    if !is_typed(&visit, &posted, plan.1) {
        return Ok(visit.back_to(&page_of(month)));
    }
    let by = (visit.admin.id, visit.admin.name.as_str());
    let rules = Rules::of(&visit.desk.config);
    let mut tx = visit.begin().await?;
    match order::agree(&mut tx, order.id, by, plan, &rules, visit.now).await? {
        Agreed::Yes => {
            let subject = month.to_string();
            visit
                .audit(&mut tx, Deed::SendOrdered, &subject, plan.1)
                .await?;
            tx.commit().await?;
            settled_soon(&visit, order.id).await?;
            Ok(visit.back_to(&page_of(month)))
        }
        Agreed::Over => Ok(visit.back_to(&page_of(month))),
        Agreed::Own => {
            let own = visit.say(
                "Nobody agrees to their own sending. Ask another editor.",
                "Nul n’approuve son propre envoi. Adressez-vous à une autre personne.",
            );
            Err(DeskError::Conflict(own.to_owned()))
        }
        Agreed::TooMany(already) => Err(DeskError::Conflict(too_many(&visit, already, plan.1))),
    }
}

fn agree_form(visit: &Visit, month: Month, when: When, order: &Order, known: &Forecast) -> Markup {
    let readers = known.plan.recipients;
    if !visit.is_fresh {
        return html! { p { a.button href=(when::again(visit, month, When::Now)) { (visit.say("Go on to the button", "Continuer vers l’envoi")) } } };
    }
    let button = button_text(visit, readers, when, false);
    let confirm = Confirm {
        action: format!("{}/agree", page_of(month)),
        key: order.id,
        plan: &known.plan,
        label: format!("{}{button}", visit.say("Agree: ", "D’accord : ")),
        means: means(visit, when, false),
    };
    confirm.form(visit, html! {})
}
