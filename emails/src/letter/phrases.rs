//! What several letters say.

use super::{Asked, Frequency};
use crate::Language;
use crate::clean::lines;

/// The reader's choices, a line for each.
pub(super) fn asked_for(say: Language, asked: &Asked) -> Vec<String> {
    let names = |names: &[&str]| match lines(names.iter().copied()) {
        none if none.is_empty() => say.pick("all", "tous").to_owned(),
        names => names.join(" · "),
    };
    let types = say.pick("Types of research:", "Types de recherche\u{A0}:");
    let often = say.pick("How often:", "Fréquence\u{A0}:");
    vec![
        format!("{} {}", say.topics(), names(asked.topics)),
        format!("{types} {}", names(asked.research_types)),
        format!("{often} {}", how_often(say, asked.frequency)),
    ]
}

pub(super) fn how_often(say: Language, frequency: Frequency) -> &'static str {
    match frequency {
        Frequency::Monthly => say.pick("once a month", "une fois par mois"),
        Frequency::Quarterly => say.pick("every three months", "tous les trois mois"),
    }
}

/// When the first digest is to be expected.
pub(super) fn first_digest(say: Language, frequency: Frequency) -> &'static str {
    match frequency {
        Frequency::Monthly => say.pick(
            "Your first digest comes with the next issue, within a month or so.",
            "Votre premier bulletin arrivera avec le prochain numéro, d’ici un mois environ.",
        ),
        Frequency::Quarterly => say.pick(
            "Your first digest comes at the end of the quarter, within three months or so.",
            "Votre premier bulletin arrivera à la fin du trimestre, d’ici trois mois environ.",
        ),
    }
}

pub(super) fn once_within(say: Language, days: u32) -> String {
    let time = number_of(days, say.pick(["day", "days"], ["jour", "jours"]), say);
    say.pick(
        format!("The link works once, and for {time}. It opens a page with one last button."),
        format!(
            "Le lien ne sert qu’une fois, et pendant {time}. Il ouvre une page avec un dernier \
             bouton."
        ),
    )
}

pub(super) fn entered_on_the_sign_up_page(say: Language, publication: &str) -> String {
    say.pick(
        format!(
            "You get this mail because this address was entered on the sign-up page of \
             {publication}."
        ),
        format!(
            "Vous recevez ce courriel parce que cette adresse a été saisie sur la page \
             d’inscription de {publication}."
        ),
    )
}

pub(super) fn hours_long(say: Language, hours: u32) -> String {
    number_of(hours, say.pick(["hour", "hours"], ["heure", "heures"]), say)
}

fn number_of(number: u32, [one, many]: [&str; 2], say: Language) -> String {
    let is_one = say.is_one(usize::try_from(number).unwrap_or(usize::MAX));
    let unit = if is_one { one } else { many };
    format!("{number} {unit}")
}
