//! One's own account: name, language, time zone, second factor, sessions.

use std::collections::BTreeMap;

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};

use super::enter::SECOND;
use super::frame::Done;
use super::sign_in::begin_session;
use super::{Answer, DeskError, Posted, Route, Visit};
use crate::admin::{self, Role, second, session};
use crate::audit::Deed;
use crate::subscription::Language;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/me", Role::Viewer, show),
        Route::post("/desk/me", Role::Viewer, keep),
        Route::post("/desk/me/password", Role::Viewer, new_password).fresh(),
        Route::post("/desk/me/sessions", Role::Viewer, end_sessions),
        Route::get(SECOND, Role::Viewer, show_second).fresh(),
        Route::post(SECOND, Role::Viewer, set_second).fresh(),
        Route::post("/desk/me/second/remove", Role::Viewer, remove_second).fresh(),
    ]
}

async fn show(visit: Visit, Query(shown): Query<Done>) -> Answer {
    let mut tx = visit.read().await?;
    let sessions = session::of_admin(&mut tx, visit.admin.id).await?;
    let counting = sessions
        .iter()
        .filter(|session| session.counts(visit.admin.role, visit.now))
        .count();
    let frame = visit
        .page(visit.say("Your account", "Votre compte"))
        .under("/desk/me");
    let done = match &*shown.done {
        "kept" => Some(visit.say("Saved.", "Enregistré.")),
        "sessions" => Some(visit.say(
            "All others are signed out.",
            "Toutes les autres sessions sont fermées.",
        )),
        "removed" => Some(visit.say(
            "From now on the password is enough.",
            "Le mot de passe suffit désormais.",
        )),
        _ => None,
    };
    Ok(frame.done(done).show(html! {
        h1 { (visit.say("Your account", "Votre compte")) }
        (manner_form(&visit))
        (second_part(&visit))
        h2 { (visit.say("Password", "Mot de passe")) }
        form method="post" action="/desk/me/password" aria-label=(visit.say("Password", "Mot de passe")) {
            (visit.token())
            button.quiet { (visit.say("Set a new password", "Choisir un nouveau mot de passe")) }
            p.means { (visit.say("You are signed out everywhere else once it is set.", "Vous serez déconnecté partout ailleurs une fois le mot de passe choisi.")) }
        }
        h2 { (visit.say("Where you are signed in", "Vos sessions")) }
        p { @match counting {
            1 => (visit.say("Only here.", "Ici seulement.")),
            count => (match visit.language() {
                Language::English => format!("In {count} browsers, with this one."),
                Language::French => format!("Dans {count} navigateurs, avec celui-ci."),
            }),
        } }
        div.acts {
            @if counting > 1 {
                form method="post" action="/desk/me/sessions" aria-label=(visit.say("Other sessions", "Autres sessions")) {
                    (visit.token())
                    button.quiet { (visit.say("Sign out everywhere else", "Fermer les autres sessions")) }
                }
            }
            form method="post" action="/desk/sign-out" aria-label=(visit.say("Sign out", "Se déconnecter")) {
                (visit.token())
                button { (visit.say("Sign out", "Se déconnecter")) }
            }
        }
    }))
}

fn manner_form(visit: &Visit) -> Markup {
    html! {
        form method="post" action="/desk/me" aria-label=(visit.say("You", "Vous")) {
            (visit.token())
            div.field {
                label for="name" { (visit.say("Your name, as the record shows it", "Votre nom, tel qu’au registre")) }
                input #name type="text" name="name" value=(visit.admin.name) required maxlength=(admin::LONGEST_NAME) autocomplete="name";
            }
            div.field {
                label for="language" { (visit.say("Language of the desk", "Langue de l’espace")) }
                select #language name="language" {
                    @for language in Language::ALL {
                        option value=(language) lang=(language) selected[*language == visit.language()] { (language.own_name()) }
                    }
                }
            }
            div.field {
                label for="time_zone" { (visit.say("Time zone", "Fuseau horaire")) }
                (zones(visit.zone()))
            }
            p.buttons { button { (visit.say("Save", "Enregistrer")) } }
        }
    }
}

/// All time zones, by the part of the earth.
fn zones(chosen: chrono_tz::Tz) -> Markup {
    let mut areas: BTreeMap<&str, Vec<chrono_tz::Tz>> = BTreeMap::new();
    for zone in chrono_tz::TZ_VARIANTS {
        let area = zone.name().split_once('/').map_or("UTC", |(area, _)| area);
        areas.entry(area).or_default().push(zone);
    }
    html! {
        select #time_zone name="time_zone" {
            @for (area, zones) in &areas {
                optgroup label=(area) {
                    @for zone in zones { option selected[*zone == chosen] { (zone.name()) } }
                }
            }
        }
    }
}

fn second_part(visit: &Visit) -> Markup {
    let has = visit.admin.second.is_some();
    html! {
        h2 { (visit.say("Code from your phone", "Code de votre téléphone")) }
        @if has {
            p { (visit.say("You sign in with a password and a code.", "Vous vous connectez avec un mot de passe et un code.")) }
            div.acts {
                a.button.quiet href=(SECOND) { (visit.say("Set it up anew", "Le configurer de nouveau")) }
                @if visit.admin.role != Role::Owner {
                    form method="post" action="/desk/me/second/remove" aria-label=(visit.say("Without a code", "Sans code")) {
                        (visit.token())
                        button.quiet { (visit.say("Do without", "Y renoncer")) }
                    }
                }
            }
        } @else {
            p { (visit.say(
                "Whoever learns your password can sign in as you. A code that your phone makes anew each half minute prevents that.",
                "Quiconque apprend votre mot de passe peut se connecter à votre place. Un code que votre téléphone renouvelle chaque demi-minute l’empêche.",
            )) }
            p { a.button href=(SECOND) { (visit.say("Set it up", "Le configurer")) } }
        }
    }
}

async fn keep(visit: Visit, posted: Posted) -> Answer {
    let name = posted.get("name").trim();
    let language = posted.get("language").parse::<Language>();
    let zone = posted.get("time_zone").parse::<chrono_tz::Tz>();
    let (Ok(language), Ok(zone), true) = (language, zone, admin::is_a_name(name)) else {
        let wrong = visit.say(
            "A name of one line with at most 100 letters, one of the two languages and a time zone of the list are needed.",
            "Il faut un nom d’une ligne et d’au plus 100 lettres, l’une des deux langues et un fuseau de la liste.",
        );
        return Err(DeskError::BadForm(wrong.to_owned()));
    };
    let mut tx = visit.begin().await?;
    if admin::is_taken(&mut tx, name, visit.admin.id).await? {
        return Err(DeskError::Conflict(visit.name_is_taken().to_owned()));
    }
    admin::set_manner(&mut tx, visit.admin.id, name, language, zone).await?;
    visit.audit(&mut tx, Deed::AdminChanged, name, 1).await?;
    tx.commit().await?;
    Ok(visit.back_to("/desk/me?done=kept"))
}

/// Leads to the page on which a link sets the password: the same for who is new and who changes theirs.
async fn new_password(visit: Visit) -> Answer {
    let mut tx = visit.begin().await?;
    let link = admin::new_link(&mut tx, visit.admin.id, visit.now).await?;
    tx.commit().await?;
    Ok(visit.back_to(&admin::link_path(&visit.desk.site.keys, link)))
}

async fn end_sessions(visit: Visit) -> Answer {
    let mut tx = visit.begin().await?;
    let ended = session::end_all(&mut tx, visit.admin.id).await?;
    visit.audit(&mut tx, Deed::EndedSessions, "", ended).await?;
    tx.commit().await?;
    let response = visit.back_to("/desk/me?done=sessions");
    begin_session(&visit, &visit.admin.clone(), response).await
}

async fn show_second(visit: Visit) -> Answer {
    Ok(second_page(&visit, &second::new_key(), None))
}

/// The key stands in the form, sealed: it counts only once a code has shown that the phone has it.
fn second_page(visit: &Visit, key: &[u8], wrong: Option<&str>) -> Response {
    let title = visit.say(
        "Set up codes on your phone",
        "Configurer les codes sur votre téléphone",
    );
    let site = &visit.desk.site;
    let url = second::url(key, &site.name, &visit.admin.address);
    let sealed = data_encoding::BASE64URL_NOPAD.encode(&site.keys.seal("second factor form", key));
    let page = visit.page(title).under("/desk/me");
    page.refused(wrong.is_some()).show(html! {
        h1 { (title) }
        @if visit.admin.role == Role::Owner && visit.admin.second.is_none() {
            p.lead { (visit.say(
                "An owner decides who may do what here, and so needs more than a password. This takes a minute, once.",
                "Un propriétaire décide ici des droits de chacun ; un mot de passe ne suffit donc pas. Cela prend une minute, une seule fois.",
            )) }
        }
        ol {
            li { (visit.say(
                "Open an app for such codes on your phone: the one for passwords that it came with, or another.",
                "Ouvrez sur votre téléphone une application pour ces codes : celle des mots de passe déjà présente, ou une autre.",
            )) }
            li {
                (visit.say("Let it read this picture, or type the key in.", "Faites-lui lire cette image, ou saisissez la clé."))
                (qr(&url, visit.say("The key as a picture for the phone; it is written below", "La clé sous forme d’image pour le téléphone ; elle est écrite ci-dessous")))
                p { code { (second::written(key)) } }
            }
            li { (visit.say("Enter the six digits that it shows now.", "Saisissez les six chiffres qu’elle affiche maintenant.")) }
        }
        form method="post" action=(SECOND) {
            (visit.token())
            input type="hidden" name="key" value=(sealed);
            @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
            div.field {
                label for="code" { "Code" }
                input #code type="text" name="code" required inputmode="numeric" autocomplete="one-time-code" maxlength="12";
            }
            p.buttons { button { (visit.say("Set it up", "Configurer")) } }
        }
    })
}

/// Our own picture: a square for each dark module, with the quiet edge that readers of such pictures want.
fn qr(text: &str, label: &str) -> Markup {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else {
        return html! {};
    };
    let size = code.size();
    let mut dark = String::new();
    for (x, y) in (0..size).flat_map(|y| (0..size).map(move |x| (x, y))) {
        if code.get_module(x, y) {
            dark += &format!("M{x} {y}h1v1h-1z");
        }
    }
    html! {
        svg.qr viewBox=(format!("0 0 {size} {size}")) role="img" aria-label=(label) shape-rendering="crispEdges" {
            path d=(dark) fill="#000" {}
        }
    }
}

async fn set_second(visit: Visit, posted: Posted) -> Answer {
    let keys = &visit.desk.site.keys;
    let sealed = data_encoding::BASE64URL_NOPAD.decode(posted.get("key").as_bytes());
    let key = sealed
        .ok()
        .and_then(|sealed| keys.open_sealed("second factor form", &sealed));
    let key = key.ok_or_else(|| {
        DeskError::BadForm(
            visit
                .say("Load the page anew.", "Rechargez la page.")
                .to_owned(),
        )
    })?;
    let Some(step) = second::step_of(&key, posted.get("code"), 0, visit.now) else {
        let wrong = visit.say(
            "This is not the code of now. Wait for the next one and enter that; look whether the phone's clock is right.",
            "Ce n’est pas le code du moment. Attendez le suivant et saisissez-le ; vérifiez l’heure du téléphone.",
        );
        return Ok(second_page(&visit, &key, Some(wrong)));
    };
    let mut tx = visit.begin().await?;
    let codes = admin::set_second(&mut tx, keys, visit.admin.id, Some(&key), step).await?;
    visit.audit(&mut tx, Deed::SecondFactorSet, "", 1).await?;
    tx.commit().await?;
    begin_session(&visit, &visit.admin.clone(), codes_page(&visit, &codes)).await
}

fn codes_page(visit: &Visit, codes: &[String]) -> Response {
    let title = visit.say("Keep these codes safe", "Mettez ces codes de côté");
    visit.page(title).under("/desk/me").show(html! {
        h1 { (title) }
        p.lead { (visit.say(
            "If your phone is lost or broken, each of these stands for a code, once. Print them, or write them down; they are shown only now.",
            "Si votre téléphone est perdu ou cassé, chacun remplace un code, une fois. Imprimez-les ou notez-les ; ils ne sont montrés que maintenant.",
        )) }
        ul.codes { @for code in codes { li { (code) } } }
        p { a.button href="/desk" { (visit.say("I have kept them", "C’est fait")) } }
    })
}

async fn remove_second(visit: Visit) -> Answer {
    if visit.admin.role == Role::Owner {
        return Err(DeskError::NotAllowed);
    }
    let mut tx = visit.begin().await?;
    admin::set_second(&mut tx, &visit.desk.site.keys, visit.admin.id, None, 0).await?;
    visit
        .audit(&mut tx, Deed::SecondFactorRemoved, "", 1)
        .await?;
    tx.commit().await?;
    let response = visit.back_to("/desk/me?done=removed");
    begin_session(&visit, &visit.admin.clone(), response).await
}
