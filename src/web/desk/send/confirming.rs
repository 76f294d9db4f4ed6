//! The button: what it says, what has to be typed before it, and whether it was pressed for what stands now.

use std::sync::Arc;
use std::time::Duration;

use maud::{Markup, html};
use uuid::Uuid;

use super::super::{Posted, Visit};
use crate::forecast::Forecast;
use crate::issue::Month;
use crate::plan::{Plan, When};
use crate::subscription::Language;

/// A form with the button.
pub(super) struct Confirm<'a> {
    pub action: String,
    /// Names what is ordered: pressed twice, it is one order.
    pub key: Uuid,
    pub plan: &'a Plan,
    pub label: String,
    pub means: String,
}

impl Confirm<'_> {
    /// With `fields` of its own beside the usual ones.
    pub(super) fn form(&self, visit: &Visit, fields: Markup) -> Markup {
        html! {
            form.send method="post" action=(self.action) aria-label=(self.label) {
                (visit.token())
                input type="hidden" name="key" value=(self.key);
                input type="hidden" name="fingerprint" value=(self.plan.fingerprint);
                (fields)
                @if has_to_be_typed(visit, self.plan.recipients) { (typed_field(visit, self.plan.recipients)) }
                button.send { (self.label) }
                p.means { (self.means) }
            }
        }
    }
}

/// The plan that the button was pressed for; `None` if it has changed since.
pub(super) async fn confirmed(
    visit: &Visit,
    month: Month,
    when: When,
    posted: &Posted,
) -> sqlx::Result<Option<Arc<Forecast>>> {
    let forecasts = &visit.desk.forecasts;
    let look = forecasts.look(month, when, Duration::ZERO).await?;
    let fingerprint = posted.get("fingerprint");
    Ok(look
        .known
        .filter(|known| known.plan.fingerprint == fingerprint))
}

/// Whether the number of readers was typed, where it has to be.
pub(super) fn is_typed(visit: &Visit, posted: &Posted, readers: i64) -> bool {
    let typed = posted.get("typed").chars();
    let typed: String = typed.filter(char::is_ascii_digit).collect();
    !has_to_be_typed(visit, readers) || typed == readers.to_string()
}

/// The button bears the number.
pub(super) fn button_text(visit: &Visit, readers: i64, when: When, second_person: bool) -> String {
    let verb = match (second_person, when) {
        (true, _) => visit.say("Ask to send to", "Demander l’envoi à"),
        (false, When::Now) => visit.say("Send to", "Envoyer à"),
        (false, _) => visit.say("Plan it for", "Planifier pour"),
    };
    let number = visit.language().number(readers);
    let noun = visit.many(readers, ["reader", "readers"], ["lecteur", "lecteurs"]);
    format!("{verb} {number} {noun}")
}

pub(super) fn means(visit: &Visit, when: When, second_person: bool) -> String {
    let undo = visit.desk.config.undo.num_seconds();
    let english = visit.language() == Language::English;
    if second_person {
        return visit
            .say(
                "Nothing goes out yet: another editor has to agree first.",
                "Rien ne part encore : une autre personne de la rédaction doit d’abord donner son accord.",
            )
            .to_owned();
    }
    match when {
        When::At(at) if english => format!(
            "It goes out on {}; until then it can be called back.",
            visit.shown(at)
        ),
        When::At(at) => format!(
            "L’envoi part le {} ; jusque-là, il peut être rappelé.",
            visit.shown(at)
        ),
        When::OnReadersClocks(wall) if english => format!(
            "Each reader gets it when their own clock shows {}; before the first of them it can be called back.",
            visit.clock(&wall)
        ),
        When::OnReadersClocks(wall) => format!(
            "Chaque lecteur le reçoit quand son horloge indique {} ; avant le premier, l’envoi peut être rappelé.",
            visit.clock(&wall)
        ),
        When::Now if english => format!(
            "After you press it you have {undo} seconds to call it back. Then it goes out, once to each of them, and cannot be taken back."
        ),
        When::Now => format!(
            "Vous aurez ensuite {undo} secondes pour rappeler l’envoi. Puis il part, une fois à chacun, et ne peut plus être repris."
        ),
    }
}

fn has_to_be_typed(visit: &Visit, readers: i64) -> bool {
    let from = visit.desk.config.desk.typed_from;
    from > 0 && readers >= from
}

fn typed_field(visit: &Visit, readers: i64) -> Markup {
    html! {
        div.field {
            label for="typed" { (visit.say("How many readers? Type the number", "Combien de lecteurs ? Saisissez le nombre")) }
            p.about #typed-about { (visit.say("So many get it: ", "Nombre de destinataires : ")) (visit.language().number(readers)) }
            input #typed type="text" inputmode="numeric" name="typed" required autocomplete="off" aria-describedby="typed-about";
        }
    }
}
