//! The words for what readers are, in both languages.

use super::super::Visit;
use crate::errand::Change;
use crate::feedback::timeline::Moment;
use crate::readers::Count;
use crate::subscription::{Act, Format, Frequency, State};
use crate::suppression::Reason;

pub(in crate::web::desk) fn state(visit: &Visit, state: State) -> &str {
    match state {
        State::Pending => visit.say("to confirm", "à confirmer"),
        State::Active => visit.say("subscribed", "abonné"),
        State::Ended => visit.say("left", "parti"),
    }
}

pub(super) fn frequency(visit: &Visit, frequency: Frequency) -> &str {
    match frequency {
        Frequency::Monthly => visit.say("each month", "chaque mois"),
        Frequency::Quarterly => visit.say("each quarter", "chaque trimestre"),
    }
}

pub(super) fn format(visit: &Visit, format: Format) -> &str {
    match format {
        Format::Html => visit.say("with layout (HTML)", "mis en page (HTML)"),
        Format::Text => visit.say("plain text", "texte seul"),
    }
}

pub(in crate::web::desk) fn reason(visit: &Visit, reason: Reason) -> &str {
    match reason {
        Reason::HardBounce => visit.say("there is no such mailbox", "la boîte n’existe pas"),
        Reason::SoftBounces => visit.say("mails failed again and again", "échecs répétés"),
        Reason::Complaint => visit.say(
            "reported a mail as spam",
            "a signalé un message comme indésirable",
        ),
        Reason::Erased => visit.say("asked to be forgotten", "a demandé l’effacement"),
        Reason::Left => visit.say("left, and is forgotten", "parti, puis oublié"),
        Reason::Manual => visit.say("entered here", "ajoutée à la main"),
    }
}

pub(super) fn act(visit: &Visit, act: Act) -> &str {
    match act {
        Act::Granted => visit.say("consent given", "consentement donné"),
        Act::Withdrawn => visit.say("consent withdrawn", "consentement retiré"),
        Act::Changed => visit.say("changed", "modifié"),
        Act::Erased => visit.say("erased", "effacé"),
    }
}

/// What a moment of the timeline is called.
pub(super) fn moment<'a>(visit: &'a Visit, moment: &'a Moment) -> &'a str {
    match moment.what.as_str() {
        // Of no message: the address itself.
        "suppressed" if moment.message.is_none() => {
            visit.say("gets no mail from here on", "ne reçoit plus rien")
        }
        "planned" => visit.say("planned", "prévu"),
        "offered" => visit.say("offered to the mail server", "proposé au serveur"),
        "accepted" => visit.say("accepted by the mail server", "accepté par le serveur"),
        "deferred" => visit.say("put off by the mail server", "différé par le serveur"),
        "bounced" => visit.say("bounced", "refusé"),
        "unknown" => visit.say("outcome unknown", "issue inconnue"),
        "in_flight" => visit.say("on its way", "en cours d’envoi"),
        "waiting" => visit.say("waits", "en attente"),
        "suppressed" => visit.say("not sent", "non envoyé"),
        "released" => visit.say("may have mail again", "peut à nouveau recevoir"),
        "came back" => visit.say("came back", "revenu"),
        "the relay said" => visit.say("the mail server said", "le serveur a répondu"),
        other => other,
    }
}

/// The words that go with it; the reason of a suppression comes first in them.
pub(super) fn of_moment(visit: &Visit, moment: &Moment) -> String {
    let (first, note) = moment.words.split_once(' ').unwrap_or((&moment.words, ""));
    match first.parse::<Reason>() {
        Ok(why) if moment.message.is_none() => format!("{}. {note}", reason(visit, why))
            .trim_end()
            .to_owned(),
        _ => moment.words.clone(),
    }
}

pub(super) fn count(visit: &Visit, count: Count) -> String {
    let language = visit.language();
    let number = |readers: usize| language.number(readers as i64);
    match (count, language) {
        (Count::Exactly(1), crate::subscription::Language::English) => "1 reader".to_owned(),
        (Count::Exactly(n @ (0 | 1)), crate::subscription::Language::French) => {
            format!("{n} lecteur")
        }
        (Count::Exactly(n), crate::subscription::Language::English) => {
            format!("{} readers", number(n))
        }
        (Count::Exactly(n), crate::subscription::Language::French) => {
            format!("{} lecteurs", number(n))
        }
        (Count::MoreThan(n), crate::subscription::Language::English) => {
            format!("more than {} readers", number(n))
        }
        (Count::MoreThan(n), crate::subscription::Language::French) => {
            format!("plus de {} lecteurs", number(n))
        }
    }
}

/// What an errand does, in a few words.
pub(super) fn change(visit: &Visit, change: &Change) -> String {
    let named = |slug: &String| {
        let names = visit
            .desk
            .site
            .topic_names(visit.language(), std::slice::from_ref(slug));
        names.into_iter().next().unwrap_or_else(|| slug.clone())
    };
    match change {
        Change::AddTopic(slug) => {
            let verb = visit.say("Add the topic", "Ajouter le thème");
            format!("{verb} {}", named(slug))
        }
        Change::RemoveTopic(slug) => {
            let verb = visit.say("Take away the topic", "Retirer le thème");
            format!("{verb} {}", named(slug))
        }
        Change::Unsubscribe => visit.say("Unsubscribe", "Désabonner").to_owned(),
        Change::Erase => visit.say("Erase", "Effacer").to_owned(),
    }
}
