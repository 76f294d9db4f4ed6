//! What a subscribed reader is told about what only they may do.

use super::Letter;
use super::body::{Body, Lines, named};
use super::phrases::{hours_long, once_within};
use crate::clean::one_line;

pub(super) fn fresh_link(letter: &Letter, url: &str, hours: u32) -> Body {
    let say = letter.language;
    let publication = named(letter);
    let time = hours_long(say, hours);
    let lines = Lines {
        subject: say.pick("Your private link", "Votre lien personnel"),
        opening: say.pick(
            format!("The link in this mail opens all of your subscription, for {time}."),
            format!("Le lien dans ce courriel ouvre tout votre abonnement, pendant {time}."),
        ),
        headline: say.pick("The link you asked for", "Le lien que vous avez demandé"),
        why: say.pick(
            format!(
                "You get this mail because a link for this address was asked for on the pages of \
                 {publication}."
            ),
            format!(
                "Vous recevez ce courriel parce qu’un lien a été demandé pour cette adresse sur \
                 les pages de {publication}."
            ),
        ),
    };
    Body::of(letter, lines)
        .text(say.pick(
            "With this link you can change your address, get a copy of what we hold about you, or \
             have it erased.",
            "Ce lien vous permet de changer d’adresse, d’obtenir une copie de ce que nous détenons \
             sur vous, ou de le faire effacer.",
        ))
        .button(
            say.pick("Open my subscription", "Ouvrir mon abonnement"),
            url,
        )
        .text(say.pick(
            format!(
                "The link works for {time}. Do not forward this mail: whoever has the link can do \
                 all this in your place."
            ),
            format!(
                "Le lien fonctionne pendant {time}. Ne transférez pas ce courriel\u{A0}: quiconque \
                 a le lien peut agir à votre place."
            ),
        ))
        .text(say.pick(
            "If you did not ask for it, do nothing, and nothing will change.",
            "Si vous n’avez rien demandé, ne faites rien\u{A0}: rien ne changera.",
        ))
}

pub(super) fn confirm_address(letter: &Letter, url: &str, days: u32) -> Body {
    let say = letter.language;
    let publication = named(letter);
    let subject = say.pick(
        "Confirm your new address",
        "Confirmez votre nouvelle adresse",
    );
    let lines = Lines {
        subject,
        opening: say
            .pick(
                "Once you confirm, the digest will come to this address.",
                "Dès que vous aurez confirmé, le bulletin arrivera à cette adresse.",
            )
            .into(),
        headline: subject,
        why: say.pick(
            format!(
                "You get this mail because this address was entered as the new address of a reader \
                 of {publication}."
            ),
            format!(
                "Vous recevez ce courriel parce que cette adresse a été saisie comme nouvelle \
                 adresse d’une personne qui reçoit {publication}."
            ),
        ),
    };
    Body::of(letter, lines)
        .text(say.pick(
            format!(
                "Somebody, most likely you, asked for {publication} to come to this address from \
                 now on. Until you confirm, it goes to the old one."
            ),
            format!(
                "Quelqu’un, sans doute vous, a demandé à recevoir désormais {publication} à cette \
                 adresse. Tant que vous n’avez pas confirmé, les envois vont à l’ancienne."
            ),
        ))
        .button(
            say.pick("Confirm this address", "Confirmer cette adresse"),
            url,
        )
        .text(once_within(say, days))
        .text(say.pick(
            "If it was not you, do nothing, and no digest will come here.",
            "Si ce n’était pas vous, ne faites rien\u{A0}: aucun bulletin n’arrivera ici.",
        ))
}

pub(super) fn address_changed(letter: &Letter, new_masked: &str) -> Body {
    let say = letter.language;
    let publication = named(letter);
    let masked = one_line(new_masked);
    let subject = say.pick("Your address was changed", "Votre adresse a été changée");
    let lines = Lines {
        subject,
        opening: say
            .pick(
                "The digest now goes to another address. Was it you?",
                "Le bulletin va désormais à une autre adresse. Était-ce vous\u{A0}?",
            )
            .into(),
        headline: subject,
        why: say.pick(
            format!("You get this mail because {publication} came to this address until now."),
            format!(
                "Vous recevez ce courriel parce que, jusqu’ici, {publication} arrivait à cette \
                 adresse."
            ),
        ),
    };
    Body::of(letter, lines)
        .text(say.pick(
            format!(
                "From now on {publication} goes to {masked} and no longer to this address. If it \
                 was you who changed it, all is well."
            ),
            format!(
                "Désormais, les envois de {publication} vont à {masked}, et non plus à cette \
                 adresse. Si le changement vient de vous, tout est en ordre."
            ),
        ))
        .tell_us(say.pick(
            "If it was not you, tell us at once:",
            "S’il ne vient pas de vous, prévenez-nous sans attendre\u{A0}:",
        ))
}

pub(super) fn export_ready(letter: &Letter, url: &str, hours: u32) -> Body {
    let say = letter.language;
    let publication = named(letter);
    let time = hours_long(say, hours);
    let subject = say.pick("Your data is ready", "Vos données sont prêtes");
    let lines = Lines {
        subject,
        opening: say.pick(
            format!("The link to your copy works for {time}."),
            format!("Le lien vers votre copie fonctionne pendant {time}."),
        ),
        headline: subject,
        why: say.pick(
            format!(
                "You get this mail because a copy of your data was asked for on the pages of \
                 {publication}."
            ),
            format!(
                "Vous recevez ce courriel parce qu’une copie de vos données a été demandée sur les \
                 pages de {publication}."
            ),
        ),
    };
    Body::of(letter, lines)
        .text(say.pick(
            "You asked for a copy of all that we hold about you. Here it is.",
            "Vous avez demandé une copie de tout ce que nous détenons sur vous. La voici.",
        ))
        .button(say.pick("Fetch my data", "Récupérer mes données"), url)
        .text(say.pick(
            "Do not forward this mail: whoever has the link can fetch the copy too.",
            "Ne transférez pas ce courriel\u{A0}: quiconque a le lien peut aussi récupérer la \
             copie.",
        ))
        .tell_us(say.pick(
            "If you did not ask for it, tell us at once:",
            "Si vous n’avez rien demandé, prévenez-nous sans attendre\u{A0}:",
        ))
}

pub(super) fn password_link(letter: &Letter, url: &str, hours: u32) -> Body {
    let say = letter.language;
    let publication = named(letter);
    let time = hours_long(say, hours);
    let subject = say.pick("Set your password", "Choisissez votre mot de passe");
    let lines = Lines {
        subject,
        opening: say.pick(
            format!("The link in this mail works once, within {time}."),
            format!("Le lien dans ce courriel fonctionne une fois, pendant {time}."),
        ),
        headline: subject,
        why: say.pick(
            format!(
                "You get this mail because this address has an account at the editor’s desk of \
                 {publication}."
            ),
            format!(
                "Vous recevez ce courriel parce que cette adresse a un compte à la rédaction de \
                 {publication}."
            ),
        ),
    };
    Body::of(letter, lines)
        .text(say.pick(
            format!(
                "Somebody, most likely you, asked for a new password for the editor’s desk of \
                 {publication}. Until you set one, the old one works."
            ),
            format!(
                "Quelqu’un, sans doute vous, a demandé un nouveau mot de passe pour la rédaction \
                 de {publication}. Tant que vous n’en choisissez pas, l’ancien reste valable."
            ),
        ))
        .button(
            say.pick("Set my password", "Choisir mon mot de passe"),
            url,
        )
        .text(say.pick(
            "Do not forward this mail: whoever has the link can sign in as you. If it was not you \
             who asked, do nothing, and nothing will change.",
            "Ne transférez pas ce courriel\u{A0}: quiconque a le lien peut se connecter à votre \
             place. Si ce n’est pas vous qui l’avez demandé, ne faites rien\u{A0}: rien ne changera.",
        ))
}
