//! What is being settled, or undone.

use axum::response::Response;
use maud::{Markup, html};

use super::super::Visit;
use super::{page_of, title};
use crate::issue::Month;
use crate::sending::order::{Order, State};

pub(super) fn page(visit: &Visit, month: Month, order: &Order) -> Response {
    let title = title(visit, month);
    let frame = visit.page(title.clone()).under("/desk/issues");
    let readers = visit.language().number(order.recipients);
    let says = match order.state {
        State::Recalled => visit.say(
            "Calling it back. Nothing went out, and nothing will.",
            "Rappel en cours. Rien n’est parti, et rien ne partira.",
        ),
        _ => visit.say(
            "Settling who gets what. Nothing has gone out yet; with very many readers this takes up to half a minute.",
            "Préparation des envois. Rien n’est encore parti ; avec un très grand nombre de lecteurs, cela prend jusqu’à une demi-minute.",
        ),
    };
    frame.refresh(2).script("/desk/waiting.js").show(html! {
        h1 { (title) }
        p.working role="status" data-again="1" { (says) }
        dl.facts {
            dt { (visit.say("Readers", "Lecteurs")) } dd { (readers) }
            dt { (visit.say("Ordered by", "Ordonné par")) } dd { (order.asked_name) ", " (visit.shown(order.asked_at)) }
        }
        @if order.state == State::Placed { (back_form(visit, month)) }
    })
}

/// The button that calls it back.
pub(in crate::web::desk) fn back_form(visit: &Visit, month: Month) -> Markup {
    html! {
        form method="post" action=(format!("{}/back", page_of(month))) {
            (visit.token())
            button.grave { (visit.say("Call it back", "Rappeler l’envoi")) }
            p.means { (visit.say(
                "Nobody gets anything, and the issue can be mended and sent again.",
                "Personne ne reçoit rien, et le numéro peut être corrigé puis envoyé à nouveau.",
            )) }
        }
    }
}
