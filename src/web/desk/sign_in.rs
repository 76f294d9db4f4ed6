//! Signing in and out, and setting a password.

mod proving;
mod setting;

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use self::proving::{prove, set_cookie};
use super::{Answer, DeskError, Posted, Route, Visit};
use crate::admin::{Role, session};
use crate::audit::Deed;
use crate::network::Network;

pub(super) use self::proving::begin_session;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/sign-in", Role::Viewer, show).open(),
        Route::post("/desk/sign-in", Role::Viewer, sign_in).open(),
        Route::post("/desk/sign-out", Role::Viewer, sign_out),
        Route::get("/desk/again", Role::Viewer, show_again),
        Route::post("/desk/again", Role::Viewer, prove_again),
        Route::get("/desk/forgotten", Role::Viewer, setting::show_forgotten).open(),
        Route::post("/desk/forgotten", Role::Viewer, setting::forgotten).open(),
        Route::get("/desk/set/{token}", Role::Viewer, setting::show_set).open(),
        Route::post("/desk/set/{token}", Role::Viewer, setting::set).open(),
    ]
}

/// Where to go afterwards.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Onward {
    next: String,
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
        *page.status_mut() = StatusCode::UNAUTHORIZED;
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
    let frame = visit.page(visit.say("Sign in", "Se connecter"));
    frame.done(done).show(html! {
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
            *page.status_mut() = StatusCode::UNAUTHORIZED;
            Ok(page)
        }
    }
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
