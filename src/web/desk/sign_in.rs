//! Signing in and out, and setting a password.

use axum::extract::{Path, Query};
use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::{Answer, Desk, DeskError, Posted, Route, Visit};
use crate::admin::password::{self, SHORTEST, Weak};
use crate::admin::session;
use crate::admin::{self, Admin, Role, second};
use crate::audit::Deed;
use crate::db::Tx;
use crate::letter::{self, Letter, Says};
use crate::network::Network;
use crate::secret::random_token;
use crate::subscriber::Address;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/sign-in", Role::Viewer, show).open(),
        Route::post("/desk/sign-in", Role::Viewer, sign_in).open(),
        Route::post("/desk/sign-out", Role::Viewer, sign_out),
        Route::get("/desk/again", Role::Viewer, show_again),
        Route::post("/desk/again", Role::Viewer, prove_again),
        Route::get("/desk/forgotten", Role::Viewer, show_forgotten).open(),
        Route::post("/desk/forgotten", Role::Viewer, forgotten).open(),
        Route::get("/desk/set/{token}", Role::Viewer, show_set).open(),
        Route::post("/desk/set/{token}", Role::Viewer, set).open(),
    ]
}

/// Where to go afterwards.
#[derive(Default, Deserialize)]
struct Onward {
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: String,
}

/// Only a page of the desk: no link leads through here to elsewhere.
fn onward(next: &str) -> &str {
    let is_ours = next == "/desk" || next.starts_with("/desk/");
    let is_plain = next
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    match is_ours && is_plain && !next.contains("//") {
        true => next,
        false => "/desk",
    }
}

async fn show(visit: Visit, Query(onward_to): Query<Onward>) -> Answer {
    if visit.is_signed_in() {
        return Ok(visit.back_to(onward(&onward_to.next)));
    }
    if !visit.desk.may_take_passwords() {
        return Err(DeskError::NotSecure);
    }
    let done = (onward_to.done == "out")
        .then(|| visit.say("You are signed out.", "Vous êtes déconnecté."));
    Ok(sign_in_page(&visit, &onward_to.next, "", None, done))
}

async fn sign_in(visit: Visit, network: Network, posted: Posted) -> Answer {
    if !visit.desk.may_take_passwords() {
        return Err(DeskError::NotSecure);
    }
    let address = posted.get("address");
    let proved = prove(&visit, network, address, &posted).await?;
    let Some(admin) = proved else {
        let wrong = visit.say(
            "Address, password and code do not fit together. Look at each again.",
            "L’adresse, le mot de passe et le code ne vont pas ensemble. Vérifiez chacun.",
        );
        let mut page = sign_in_page(&visit, posted.get("next"), address, Some(wrong), None);
        *page.status_mut() = axum::http::StatusCode::UNAUTHORIZED;
        return Ok(page);
    };
    let response = visit.back_to(onward(posted.get("next")));
    begin_session(&visit, &admin, response).await
}

fn sign_in_page(
    visit: &Visit,
    next: &str,
    address: &str,
    wrong: Option<&str>,
    done: Option<&str>,
) -> Response {
    let mut frame = visit.page(visit.say("Sign in", "Se connecter"));
    if let Some(done) = done {
        frame = frame.done(done);
    }
    frame.show(html! {
        h1 { (visit.say("Sign in", "Se connecter")) }
        form method="post" action="/desk/sign-in" {
            (visit.token())
            input type="hidden" name="next" value=(onward(next));
            @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
            div.field {
                label for="address" { (visit.say("Your address", "Votre adresse")) }
                input #address type="email" name="address" value=(address) required autocomplete="email" maxlength="254";
            }
            (password_field(visit.say("Password", "Mot de passe"), "password", "current-password"))
            (code_field(visit))
            p.buttons { button { (visit.say("Sign in", "Se connecter")) } }
        }
        p { a href="/desk/forgotten" { (visit.say("Forgotten your password?", "Mot de passe oublié ?")) } }
    })
}

fn password_field(label: &str, name: &str, autocomplete: &str) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            input id=(name) type="password" name=(name) required autocomplete=(autocomplete) maxlength="256";
        }
    }
}

fn code_field(visit: &Visit) -> Markup {
    html! {
        div.field {
            label for="code" { (visit.say("Code", "Code")) }
            p.about id="code-hint" {
                (visit.say(
                    "If your account asks for one: the six digits that your phone shows, or one of the spare codes that you kept.",
                    "Si votre compte en demande un : les six chiffres affichés par votre téléphone, ou l’un des codes mis de côté.",
                ))
            }
            input #code type="text" name="code" autocomplete="one-time-code" maxlength="32" aria-describedby="code-hint";
        }
    }
}

/// Whether the form shows who somebody is: their password, and the second factor where the account has one. Whatever is
/// wrong, it is one answer after one time.
pub(super) async fn prove(
    visit: &Visit,
    network: Network,
    address: &str,
    posted: &Posted,
) -> Result<Option<Admin>, DeskError> {
    let desk = &visit.desk;
    let address = Address::parse(address).ok();
    let written = address.as_ref().map_or(String::new(), Address::normalised);
    let account = desk.site.keys.code_over("desk account", written.as_bytes());
    let begun = desk.guesses.begin(account, network, visit.now);
    begun.map_err(|seconds| DeskError::TooMany { seconds })?;
    let admin = match &address {
        Some(address) => {
            let mut tx = visit.read().await?;
            admin::of_address(&mut tx, address).await?
        }
        None => None,
    };
    let admin = admin.filter(|admin| !admin.has_ended());
    let kept = admin.as_ref().and_then(|admin| admin.password.clone());
    let is_right = desk.check_password(posted.get("password"), kept).await?;
    let Some(admin) = admin.filter(|_| is_right) else {
        return Ok(None);
    };
    let mut tx = visit.begin().await?;
    if !takes_second(visit, &mut tx, &admin, posted.get("code")).await? {
        return Ok(None);
    }
    tx.commit().await?;
    desk.guesses.right(account, network);
    Ok(Some(admin))
}

/// Whether the second factor is shown, where the account has one; a code is used up by it.
async fn takes_second(
    visit: &Visit,
    tx: &mut Tx,
    admin: &Admin,
    code: &str,
) -> Result<bool, DeskError> {
    if admin.second.is_none() {
        return Ok(true);
    }
    let Some(key) = admin.second_key(&visit.desk.site.keys) else {
        return Ok(admin::take_code(tx, admin.id, code).await?);
    };
    match second::step_of(&key, code, admin.second_step, visit.now) {
        Some(step) => Ok(admin::take_step(tx, admin.id, step).await?),
        None => Ok(admin::take_code(tx, admin.id, code).await?),
    }
}

impl Desk {
    /// Checks a password where a place is free, off the threads that serve pages.
    async fn check_password(
        &self,
        password: &str,
        kept: Option<String>,
    ) -> Result<bool, DeskError> {
        let place = self.checks.clone().acquire_owned().await;
        let place = place.map_err(|_| DeskError::Failed)?;
        let password = password.to_owned();
        let checked = tokio::task::spawn_blocking(move || {
            let _place = place;
            password.chars().count() <= password::LONGEST
                && password::is_right(&password, kept.as_deref())
        });
        checked.await.map_err(|_| DeskError::Failed)
    }

    /// What is kept of a new password.
    async fn hash_password(&self, password: &str) -> Result<String, DeskError> {
        let place = self.checks.clone().acquire_owned().await;
        let place = place.map_err(|_| DeskError::Failed)?;
        let password = password.to_owned();
        let hashed = tokio::task::spawn_blocking(move || {
            let _place = place;
            password::hash(&password)
        });
        hashed.await.map_err(|_| DeskError::Failed)
    }
}

/// Begins a new session of somebody who has proved who they are, and ends the one that they came with.
pub(super) async fn begin_session(visit: &Visit, admin: &Admin, mut response: Response) -> Answer {
    let token = random_token();
    let mut tx = visit.begin().await?;
    if let Some(old) = &visit.session {
        session::end(&mut tx, old).await?;
    }
    session::forget(&mut tx, visit.now).await?;
    session::begin(&mut tx, admin.id, &token, visit.now).await?;
    let visit = visit.as_admin(admin);
    visit.audit(&mut tx, Deed::SignedIn, "", 1).await?;
    tx.commit().await?;
    set_cookie(&visit.desk, &mut response, &token, "");
    Ok(response)
}

fn set_cookie(desk: &Desk, response: &mut Response, value: &str, more: &str) {
    let secure = if desk.is_https() { "; Secure" } else { "" };
    let name = desk.cookie_name();
    let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    let line = HeaderValue::from_str(&line).expect("a token is ASCII");
    response.headers_mut().append(SET_COOKIE, line);
}

async fn sign_out(visit: Visit) -> Answer {
    let mut tx = visit.begin().await?;
    if let Some(session) = &visit.session {
        session::end(&mut tx, session).await?;
    }
    visit.audit(&mut tx, Deed::SignedOut, "", 1).await?;
    tx.commit().await?;
    let mut response = visit.back_to("/desk/sign-in?done=out");
    set_cookie(&visit.desk, &mut response, "", "; Max-Age=0");
    Ok(response)
}

async fn show_again(visit: Visit, Query(onward_to): Query<Onward>) -> Answer {
    if visit.is_fresh {
        return Ok(visit.back_to(onward(&onward_to.next)));
    }
    Ok(again_page(&visit, &onward_to.next, None))
}

fn again_page(visit: &Visit, next: &str, wrong: Option<&str>) -> Response {
    let title = visit.say("Is it still you?", "Est-ce toujours vous ?");
    visit.page(title).show(html! {
        h1 { (title) }
        p.lead {
            (visit.say(
                "What comes next reaches many people or cannot be taken back. Please enter your password once more.",
                "La suite touche beaucoup de personnes ou ne peut être annulée. Veuillez saisir encore une fois votre mot de passe.",
            ))
        }
        form method="post" action="/desk/again" {
            (visit.token())
            input type="hidden" name="next" value=(onward(next));
            // So that a password store knows whose password it is.
            div.unseen { input type="text" name="username" value=(visit.admin.address) autocomplete="username" readonly tabindex="-1" aria-hidden="true"; }
            @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
            (password_field(visit.say("Password", "Mot de passe"), "password", "current-password"))
            @if visit.admin.second.is_some() { (code_field(visit)) }
            p.buttons { button { (visit.say("Go on", "Continuer")) } }
        }
    })
}

async fn prove_again(visit: Visit, network: Network, posted: Posted) -> Answer {
    let proved = prove(&visit, network, &visit.admin.address, &posted).await?;
    match proved {
        Some(admin) => {
            let response = visit.back_to(onward(posted.get("next")));
            begin_session(&visit, &admin, response).await
        }
        None => {
            let wrong = visit.say(
                "That is not right. Look at it again.",
                "Ce n’est pas exact. Vérifiez votre saisie.",
            );
            let mut page = again_page(&visit, posted.get("next"), Some(wrong));
            *page.status_mut() = axum::http::StatusCode::UNAUTHORIZED;
            Ok(page)
        }
    }
}

async fn show_forgotten(visit: Visit) -> Answer {
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
async fn forgotten(visit: Visit, network: Network, posted: Posted) -> Answer {
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

async fn show_set(visit: Visit, Path(token): Path<String>) -> Answer {
    let admin = of_link(&visit, &token).await?;
    Ok(set_page(&visit.as_admin(&admin), &token, None))
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
    visit.page(title).show(html! {
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

/// Sets the password. With a second factor, it still has to be shown: then the way leads over the sign-in page.
async fn set(visit: Visit, Path(token): Path<String>, posted: Posted) -> Answer {
    let admin = of_link(&visit, &token).await?;
    let visit = visit.as_admin(&admin);
    if let Some(wrong) = unfit(&visit, &posted) {
        let mut page = set_page(&visit, &token, Some(&wrong));
        *page.status_mut() = axum::http::StatusCode::BAD_REQUEST;
        return Ok(page);
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
pub(super) fn unfit(visit: &Visit, posted: &Posted) -> Option<String> {
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
            crate::subscription::Language::English => format!("It is too short: {SHORTEST} letters or signs at least."),
            crate::subscription::Language::French => format!("Il est trop court : au moins {SHORTEST} lettres ou signes."),
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

#[cfg(test)]
mod tests {
    use super::onward;

    #[test]
    fn nobody_is_led_elsewhere() {
        for (next, leads_to) in [
            ("/desk/readers/5", "/desk/readers/5"),
            ("/desk", "/desk"),
            ("//evil.test", "/desk"),
            ("/desk//evil.test", "/desk"),
            ("https://evil.test", "/desk"),
            ("/desk\\evil.test", "/desk"),
            ("/desk/a\r\nSet-Cookie: x", "/desk"),
            ("/deskevil", "/desk"),
            ("", "/desk"),
        ] {
            assert_eq!(onward(next), leads_to, "{next:?}");
        }
    }
}
