//! What a reader is told from the sign-up to the goodbye.

use super::body::{Body, Lines, named};
use super::phrases::{
    asked_for, entered_on_the_sign_up_page, first_digest, how_often, once_within,
};
use super::{Asked, Latest, Letter};
use crate::clean::one_line;
use crate::contents::mention;
use crate::{Also, Date, Language};

pub(super) fn confirm(letter: &Letter, asked: &Asked, url: &str, days: u32) -> Body {
    let say = letter.language;
    let publication = named(letter);
    let sender = one_line(letter.sender.name);
    let subject = say.pick("Confirm your sign-up", "Confirmez votre inscription");
    let lines = Lines {
        subject,
        opening: say
            .pick(
                "One step is left: confirm that you want to get this digest.",
                "Il reste une étape\u{A0}: confirmez que vous souhaitez recevoir ce bulletin.",
            )
            .into(),
        headline: subject,
        why: entered_on_the_sign_up_page(say, &publication),
    };
    Body::of(letter, lines)
        .text(say.pick(
            format!(
                "Somebody, most likely you, asked for {publication} to come to this address. It is \
                 sent by {sender}."
            ),
            format!(
                "Quelqu’un, sans doute vous, a demandé à recevoir {publication} à cette adresse. \
                 Ce bulletin est envoyé par {sender}."
            ),
        ))
        .panel(
            say.pick("What was asked for", "Ce qui a été demandé"),
            asked_for(say, asked),
        )
        .button(
            say.pick("Confirm my sign-up", "Confirmer mon inscription"),
            url,
        )
        .text(once_within(say, days))
        .text(say.pick(
            "If it was not you, do nothing, and no digest will come. If it was, you can still \
             leave at any time, by a link in every digest.",
            "Si ce n’était pas vous, ne faites rien\u{A0}: aucun bulletin ne vous sera envoyé. Si \
             c’était vous, vous pourrez vous désabonner à tout moment, par un lien dans chaque \
             bulletin.",
        ))
}

pub(super) fn already_subscribed(letter: &Letter, url: &str) -> Body {
    let say = letter.language;
    let publication = named(letter);
    let lines = Lines {
        subject: say.pick("Already subscribed", "Adresse déjà inscrite"),
        opening: say
            .pick(
                "You get this digest already, and nothing has changed.",
                "Vous recevez déjà ce bulletin, et rien n’a changé.",
            )
            .into(),
        headline: say.pick(
            "You are already subscribed",
            "Votre adresse est déjà inscrite",
        ),
        why: entered_on_the_sign_up_page(say, &publication),
    };
    Body::of(letter, lines)
        .text(say.pick(
            format!(
                "Somebody, most likely you, signed up for {publication} with this address. It gets \
                 the digest already, so all stays as it was, your choices too."
            ),
            format!(
                "Quelqu’un, sans doute vous, a demandé à recevoir {publication} à cette adresse. \
                 Elle reçoit déjà le bulletin\u{A0}: tout reste comme avant, vos choix aussi."
            ),
        ))
        .button(
            say.pick("See or change my choices", "Voir ou modifier mes choix"),
            url,
        )
        .text(say.pick(
            "If it was not you, there is nothing you need to do.",
            "Si ce n’était pas vous, vous n’avez rien à faire.",
        ))
}

pub(super) fn welcome(letter: &Letter, asked: &Asked, latest: Option<&Latest>) -> Body {
    let say = letter.language;
    let publication = named(letter);
    let often = how_often(say, asked.frequency);
    let lines = Lines {
        subject: say.pick("Sign-up confirmed", "Inscription confirmée"),
        opening: say.pick(
            format!("Thank you: the digest will come to this address {often}."),
            format!("Merci\u{A0}: le bulletin arrivera à cette adresse {often}."),
        ),
        headline: say.pick("Welcome, and thank you", "Bienvenue, et merci"),
        why: say.pick(
            format!(
                "You get this mail because a sign-up for {publication} was confirmed from this \
                 address."
            ),
            format!(
                "Vous recevez ce courriel parce qu’une inscription à {publication} a été confirmée \
                 depuis cette adresse."
            ),
        ),
    };
    let begun = Body::of(letter, lines)
        .text(say.pick(
            format!(
                "You have signed up for {publication}. {}",
                first_digest(say, asked.frequency)
            ),
            format!(
                "Votre inscription à {publication} est faite. {}",
                first_digest(say, asked.frequency)
            ),
        ))
        .panel(
            say.pick("What you will get", "Ce que vous recevrez"),
            asked_for(say, asked),
        )
        .text(say.pick(
            "You can change this, or leave, at any time. The links for it are at the end of this \
             mail and of every digest.",
            "Vous pouvez modifier ces choix, ou vous désabonner, à tout moment. Les liens pour le \
             faire sont à la fin de ce courriel et de chaque bulletin.",
        ));
    match latest {
        Some(latest) => with_latest(begun, say, latest),
        None => begun,
    }
}

fn with_latest(body: Body, say: Language, latest: &Latest) -> Body {
    let month = say.month(latest.month);
    if latest.summaries.is_empty() {
        return body.text(say.pick(
            format!("The last issue, {month}, had nothing that fits your choices."),
            format!("Le dernier numéro, {month}, n’avait rien qui corresponde à vos choix."),
        ));
    }
    let heading = say.pick(
        format!("In the last issue, {month}"),
        format!("Dans le dernier numéro, {month}"),
    );
    let mentions = latest.summaries.iter().map(|also| mention(also, say));
    body.list(heading, mentions.collect())
}

pub(super) fn to_begin_with(letter: &Letter, summaries: &[Also]) -> Body {
    let say = letter.language;
    let publication = named(letter);
    let lines = Lines {
        subject: say.pick(
            "To begin with your new topics",
            "Pour commencer vos nouveaux thèmes",
        ),
        opening: say
            .pick(
                "The newest summaries on the topics that you added.",
                "Les résumés les plus récents sur les thèmes que vous avez ajoutés.",
            )
            .into(),
        headline: say.pick("To begin with", "Pour commencer"),
        why: say.pick(
            format!(
                "You get this mail because somebody, most likely you, asked for it on your page \
                 of choices for {publication}."
            ),
            format!(
                "Vous recevez ce courriel parce que quelqu’un, sans doute vous, l’a demandé sur la \
                 page de vos choix pour {publication}."
            ),
        ),
    };
    let mentions = summaries.iter().map(|also| mention(also, say));
    Body::of(letter, lines)
        .text(say.pick(
            "You asked for something to read on the topics that you added. New summaries on them \
             come with your digests from now on.",
            "Vous avez demandé de quoi lire sur les thèmes que vous avez ajoutés. Les nouveaux \
             résumés viendront désormais dans votre bulletin.",
        ))
        .list(
            say.pick("The newest so far", "Les plus récents à ce jour")
                .into(),
            mentions.collect(),
        )
}

pub(super) fn consent_ends(letter: &Letter, until: Date, url: &str) -> Body {
    let say = letter.language;
    let publication = named(letter);
    let sender = one_line(letter.sender.name);
    let date = say.date(until);
    let lines = Lines {
        subject: say.pick(
            "Your subscription ends soon",
            "Votre abonnement prend bientôt fin",
        ),
        opening: say.pick(
            format!("Digests stop on {date}, unless you say that they shall go on."),
            format!("Les envois cesseront le {date}, à moins que vous ne souhaitiez continuer."),
        ),
        headline: say.pick(
            "Shall digests go on coming?",
            "Souhaitez-vous continuer à recevoir le bulletin\u{A0}?",
        ),
        why: say.pick(
            format!(
                "You get this mail because {publication} comes to this address without your ever \
                 having told us in so many words that you want it."
            ),
            format!(
                "Vous recevez ce courriel parce que {publication} arrive à cette adresse sans que \
                 vous nous ayez jamais dit expressément que vous le souhaitiez."
            ),
        ),
    };
    Body::of(letter, lines)
        .text(say.pick(
            format!(
                "You get {publication} because of your connection with {sender}, and have never \
                 told us in so many words that you want it. The law allows that for a time only, \
                 so digests stop on {date}."
            ),
            format!(
                "Vous recevez {publication} en raison de vos liens avec {sender}, sans nous avoir \
                 jamais dit expressément que vous le souhaitiez. La loi ne le permet que pour un \
                 temps\u{A0}: les envois cesseront le {date}."
            ),
        ))
        .text(say.pick(
            "If you would like to go on reading it, please tell us. The link opens a page with one \
             last button; your choices stay as they are.",
            "Si vous souhaitez continuer à le lire, dites-le-nous. Le lien ouvre une page avec un \
             dernier bouton\u{A0}; vos choix restent les mêmes.",
        ))
        .button(
            say.pick("Yes, I would like to go on", "Oui, je souhaite continuer"),
            url,
        )
        .text(say.pick(
            "If not, do nothing, and nothing more comes after that day. If you stay, you can still \
             leave at any time, by a link in every digest.",
            "Sinon, ne faites rien\u{A0}: plus rien ne viendra après cette date. Si vous restez, \
             vous pourrez vous désabonner à tout moment, par un lien dans chaque bulletin.",
        ))
}

pub(super) fn goodbye(letter: &Letter, undo_url: &str) -> Body {
    let say = letter.language;
    let publication = named(letter);
    let lines = Lines {
        subject: say.pick("You are unsubscribed", "Désabonnement confirmé"),
        opening: say
            .pick(
                "Nothing more will come. If it was a mistake, you can undo it.",
                "Vous ne recevrez plus rien. En cas d’erreur, vous pouvez revenir.",
            )
            .into(),
        headline: say.pick(
            "Goodbye, and thank you for reading",
            "Au revoir, et merci de nous avoir lus",
        ),
        why: say.pick(
            format!("You get this mail because this address was unsubscribed from {publication}."),
            format!(
                "Vous recevez ce courriel parce que cette adresse a été désabonnée de \
                 {publication}."
            ),
        ),
    };
    Body::of(letter, lines)
        .text(say.pick(
            format!(
                "This address no longer gets {publication}, and this is the last mail from us."
            ),
            format!(
                "Cette adresse ne reçoit plus {publication}, et ce courriel est le dernier de \
                 notre part."
            ),
        ))
        .text(say.pick(
            "Did it happen by mistake? Then undo it: your topics and all your other choices will \
             be as they were.",
            "Est-ce une erreur\u{A0}? Reprenez le bulletin\u{A0}: vos thèmes et tous vos autres \
             choix seront comme avant.",
        ))
        .button(
            say.pick("Undo and keep the digest", "Reprendre le bulletin"),
            undo_url,
        )
}
