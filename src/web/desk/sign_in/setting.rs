//! Setting a password, by a link that an owner handed over or that was mailed.

use axum::extract::Path;
use axum::response::Response;
use maud::html;

use super::super::{Answer, DeskError, Posted, Visit};
use super::password_field;
use super::proving::begin_session;
use crate::admin::password::{self, SHORTEST, Weak};
use crate::admin::{self, Admin};
use crate::audit::Deed;
use crate::letter::{self, Letter, Says};
use crate::network::Network;
use crate::subscriber::Address;
use crate::subscription::Language;

pub(super) async fn show_forgotten(visit: Visit) -> Answer {
    let title = visit.say("Forgotten your password?", "Mot de passe oublié ?");
    Ok(visit.page(title).show(html! {
        h1 { (title) }
        p.lead { (visit.say(
            "Enter the address of your account, and a link by which you set a new one is mailed there.",
            "Saisissez l’adresse de votre compte : un lien pour en choisir un nouveau y sera envoyé.",
        )) }
        form method="post" action="/desk/forgotten" {
            (visit.token())
            div.field {
                label for="address" { (visit.say("Your address", "Votre adresse")) }
                input #address type="email" name="address" required autocomplete="email" maxlength="254";
            }
            p.buttons { button { (visit.say("Mail me a link", "M’envoyer un lien")) } }
        }
    }))
}

/// Answers alike whether there is such an account; the letter is written meanwhile.
pub(super) async fn forgotten(visit: Visit, network: Network, posted: Posted) -> Answer {
    let address = Address::parse(posted.get("address"));
    let written = address.as_ref().map_or(String::new(), Address::normalised);
    let desk = &visit.desk;
    let asked = desk
        .site
        .keys
        .code_over("desk forgotten", written.as_bytes());
    let begun = desk.guesses.begin(asked, network, visit.now);
    begun.map_err(|seconds| DeskError::TooMany { seconds })?;
    if let Ok(address) = address {
        let visit = visit.clone();
        tokio::spawn(async move {
            if let Err(error) = mail_link(&visit, &address).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a link for a password cannot be mailed");
            }
        });
    }
    let title = visit.say("Look into your mail", "Consultez votre messagerie");
    Ok(visit.page(title).show(html! {
        h1 { (title) }
        p.lead { (visit.say(
            "If the address has an account here, a link is on its way to it. It works once, within a day.",
            "Si l’adresse a un compte ici, un lien lui est envoyé. Il fonctionne une fois, pendant un jour.",
        )) }
        p { (visit.say(
            "Nothing came within ten minutes? Look into the folder for spam, look whether the address was right, or ask an owner of the desk.",
            "Rien au bout de dix minutes ? Regardez dans les indésirables, vérifiez l’adresse, ou adressez-vous à un propriétaire de l’espace.",
        )) }
    }))
}

pub(super) async fn show_set(visit: Visit, Path(token): Path<String>) -> Answer {
    let admin = of_link(&visit, &token).await?;
    Ok(set_page(&visit.as_admin(&admin), &token, None))
}

/// Sets the password. With a second factor, it still has to be shown: then the way leads over the sign-in page.
pub(super) async fn set(visit: Visit, Path(token): Path<String>, posted: Posted) -> Answer {
    let admin = of_link(&visit, &token).await?;
    let visit = visit.as_admin(&admin);
    if let Some(wrong) = unfit(&visit, &posted) {
        return Ok(set_page(&visit, &token, Some(&wrong)));
    }
    let hashed = visit.desk.hash_password(posted.get("password")).await?;
    let mut tx = visit.begin().await?;
    // Of two who use one link at the same time, the second finds it spent.
    if admin::of_link(&mut tx, &visit.desk.site.keys, &token, visit.now)
        .await?
        .is_none()
    {
        return Err(DeskError::NotFound);
    }
    admin::set_password(&mut tx, admin.id, &hashed).await?;
    visit
        .audit(&mut tx, Deed::PasswordSet, &admin.name, 1)
        .await?;
    tx.commit().await?;
    if admin.second.is_some() {
        return Ok(visit.back_to("/desk/sign-in"));
    }
    let response = visit.back_to("/desk");
    begin_session(&visit, &admin, response).await
}

/// Why a new password is not taken, with the mend.
fn unfit(visit: &Visit, posted: &Posted) -> Option<String> {
    let password = posted.get("password");
    if password != posted.get("repeated") {
        let differ = visit.say(
            "The two are not the same. Enter both again.",
            "Les deux saisies diffèrent. Saisissez-les de nouveau.",
        );
        return Some(differ.to_owned());
    }
    let (admin, site) = (&visit.admin, &visit.desk.site);
    let own = [&*admin.address, &*admin.name, &*site.name];
    let why = password::check(password, &own).err()?;
    Some(match why {
        Weak::TooShort => match visit.language() {
            Language::English => format!("It is too short: {SHORTEST} letters or signs at least."),
            Language::French => format!("Il est trop court : au moins {SHORTEST} lettres ou signes."),
        },
        Weak::TooLong => visit
            .say("It is too long: 256 letters or signs at most.", "Il est trop long : 256 lettres ou signes au plus.")
            .to_owned(),
        Weak::Worn => visit
            .say(
                "This is among the first that a stranger would try. Take words that do not belong together.",
                "C’est l’un des premiers qu’un inconnu essaierait. Prenez des mots sans rapport entre eux.",
            )
            .to_owned(),
        Weak::Own => visit
            .say(
                "It is little more than your own name or address. Take words that have nothing to do with you.",
                "Il se réduit presque à votre nom ou à votre adresse. Prenez des mots sans lien avec vous.",
            )
            .to_owned(),
    })
}

async fn mail_link(visit: &Visit, address: &Address) -> sqlx::Result<()> {
    let mut tx = visit.begin().await?;
    let Some(admin) = admin::of_address(&mut tx, address).await? else {
        return Ok(());
    };
    if admin.has_ended() {
        return Ok(());
    }
    let link = admin::new_link(&mut tx, admin.id, visit.now).await?;
    let letter = Letter {
        at: visit.now,
        language: admin.language,
        to: None,
        says: Says::PasswordLink { link },
    };
    letter::queue_to(&mut tx, address, link, letter, visit.now).await?;
    let visit = visit.as_admin(&admin);
    visit
        .audit(&mut tx, Deed::PasswordLinkMade, &admin.name, 1)
        .await?;
    tx.commit().await
}

/// Whose password a link sets. Of one that is spent or made up, nothing is told.
async fn of_link(visit: &Visit, token: &str) -> Result<Admin, DeskError> {
    if !visit.desk.may_take_passwords() {
        return Err(DeskError::NotSecure);
    }
    let mut tx = visit.read().await?;
    let admin = admin::of_link(&mut tx, &visit.desk.site.keys, token, visit.now).await?;
    admin.ok_or_else(|| {
        let spent = visit.say(
            "This link has been used, or is older than a day. Ask for a new one under 'Forgotten your password?' on the sign-in page, or from an owner of the desk.",
            "Ce lien a déjà servi ou date de plus d’un jour. Demandez-en un nouveau sous « Mot de passe oublié ? » sur la page de connexion, ou à un propriétaire de l’espace.",
        );
        DeskError::Conflict(spent.to_owned())
    })
}

fn set_page(visit: &Visit, token: &str, wrong: Option<&str>) -> Response {
    let title = visit.say("Set your password", "Choisir votre mot de passe");
    visit.page(title).refused(wrong.is_some()).show(html! {
        h1 { (title) }
        p { (visit.say("For the account of ", "Pour le compte de ")) strong { (visit.admin.address) } "." }
        form method="post" action=(format!("/desk/set/{token}")) {
            (visit.token())
            div.unseen { input type="text" name="username" value=(visit.admin.address) autocomplete="username" readonly tabindex="-1" aria-hidden="true"; }
            @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
            p.about {
                (visit.say(
                    "At least fifteen letters or signs. Four or five words that do not belong together are easy to remember and hard to guess.",
                    "Au moins quinze lettres ou signes. Quatre ou cinq mots sans rapport entre eux se retiennent bien et se devinent mal.",
                ))
            }
            (password_field(visit.say("New password", "Nouveau mot de passe"), "password", "new-password"))
            (password_field(visit.say("The same once more", "Le même encore une fois"), "repeated", "new-password"))
            p.buttons { button { (visit.say("Set the password and sign in", "Enregistrer et se connecter")) } }
        }
    })
}
