//! Who may use the desk, and the record of what they did.

use axum::extract::{Path, Query};
use axum::response::Response;
use maud::{Markup, html};
use uuid::Uuid;

use super::frame::Done;
use super::table::{self, Text};
use super::{Answer, DeskError, Posted, Route, Visit};
use crate::admin::{self, Admin, New, Role};
use crate::audit::Deed;
use crate::subscriber::Address;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/people", Role::Owner, list),
        Route::post("/desk/people", Role::Owner, add).fresh(),
        Route::get("/desk/people/{id}", Role::Owner, show),
        Route::post("/desk/people/{id}/role", Role::Owner, set_role).fresh(),
        Route::post("/desk/people/{id}/link", Role::Owner, new_link).fresh(),
        Route::post("/desk/people/{id}/end", Role::Owner, end).fresh(),
        Route::post("/desk/people/{id}/begin", Role::Owner, begin).fresh(),
    ]
}

fn role_name(visit: &Visit, role: Role) -> &str {
    match role {
        Role::Viewer => visit.say("Viewer", "Lecture seule"),
        Role::Editor => visit.say("Editor", "Rédaction"),
        Role::Owner => visit.say("Owner", "Propriétaire"),
    }
}

fn role_means(visit: &Visit, role: Role) -> &str {
    match role {
        Role::Viewer => visit.say(
            "sees issues, campaigns and sums; no reader’s address, and changes nothing",
            "voit les numéros, les envois et les totaux ; ni les adresses, ni aucun changement",
        ),
        Role::Editor => visit.say(
            "writes, sends, and sees to readers",
            "rédige, envoie et s’occupe des lecteurs",
        ),
        Role::Owner => visit.say(
            "does all that, and decides who may use the desk",
            "fait tout cela et décide qui a accès à l’espace",
        ),
    }
}

fn role_choice(visit: &Visit, chosen: Role) -> Markup {
    html! {
        fieldset {
            legend { (visit.say("What they may do", "Droits")) }
            @for role in Role::ALL {
                label.choice {
                    input type="radio" name="role" value=(role) checked[*role == chosen];
                    span { span.name { (role_name(visit, *role)) } span.about { (role_means(visit, *role)) } }
                }
            }
        }
    }
}

async fn list(visit: Visit) -> Answer {
    list_page(&visit, None).await
}

async fn list_page(visit: &Visit, wrong: Option<(&Posted, &str)>) -> Answer {
    let admins = admin::list(&mut visit.read().await?).await?;
    let title = visit.say("People", "Équipe");
    let was = |name: &str| wrong.map_or("", |(posted, _)| posted.get(name)).to_owned();
    let frame = visit.page(title).under("/desk/people").wide();
    Ok(frame.refused(wrong.is_some()).show(html! {
        h1 { (title) }
        p.lead { (visit.say("Who may use this desk.", "Qui a accès à cet espace.")) }
        (table::stacked(title, &[
            Text(visit.say("Name", "Nom")), Text(visit.say("Address", "Adresse")), Text(visit.say("May", "Droits")),
            Text(visit.say("State", "État")),
        ], html! {
            @for admin in &admins {
                tr {
                    th scope="row" { a href=(format!("/desk/people/{}", admin.id)) { (admin.name) } }
                    td { (admin.address) }
                    td { (role_name(visit, admin.role)) }
                    td { span.state { (state(visit, admin)) } }
                }
            }
        }))
        h2 { (visit.say("Add somebody", "Ajouter quelqu’un")) }
        form method="post" action="/desk/people" {
            (visit.token())
            @if let Some((_, wrong)) = wrong { p.wrong role="alert" { (wrong) } }
            div.field {
                label for="name" { (visit.say("Name", "Nom")) }
                input #name type="text" name="name" value=(was("name")) required maxlength=(admin::LONGEST_NAME) autocomplete="off";
            }
            div.field {
                label for="address" { (visit.say("Address", "Adresse")) }
                input #address type="email" name="address" value=(was("address")) required maxlength="254" autocomplete="off";
            }
            (role_choice(visit, was("role").parse().unwrap_or(Role::Editor)))
            p.buttons { button { (visit.say("Add, and make a link for the password", "Ajouter et créer un lien pour le mot de passe")) } }
            p.means { (visit.say(
                "Nobody is written to. The next page shows a link that you hand over; by it they set their own password within a day.",
                "Aucun message n’est envoyé. La page suivante montre un lien à transmettre ; il permet de choisir son mot de passe dans la journée.",
            )) }
        }
    }))
}

fn state<'a>(visit: &'a Visit, admin: &Admin) -> &'a str {
    match (
        admin.has_ended(),
        admin.password.is_some(),
        admin.second.is_some(),
    ) {
        (true, _, _) => visit.say("ended", "terminé"),
        (_, false, _) => visit.say("no password yet", "pas encore de mot de passe"),
        (_, true, false) => visit.say("password alone", "mot de passe seul"),
        (_, true, true) => visit.say("password and code", "mot de passe et code"),
    }
}

async fn add(visit: Visit, posted: Posted) -> Answer {
    let (name, role) = (
        posted.get("name").trim(),
        posted.get("role").parse::<Role>(),
    );
    let address = Address::parse(posted.get("address"));
    let (Ok(address), Ok(role), true) = (address, role, admin::is_a_name(name)) else {
        let wrong = visit.say(
            "A name of one line with at most 100 letters, a whole address such as ada@example.org, and one of the three roles are needed.",
            "Il faut un nom d’une ligne et d’au plus 100 lettres, une adresse complète comme ada@example.org et l’un des trois rôles.",
        );
        return list_page(&visit, Some((&posted, wrong))).await;
    };
    let new = New {
        id: (visit.desk.site.new_id)(),
        address: &address,
        name,
        role,
        language: visit.language(),
        time_zone: visit.zone(),
    };
    let mut tx = visit.begin().await?;
    if admin::is_taken(&mut tx, name, new.id).await? {
        drop(tx);
        return list_page(&visit, Some((&posted, visit.name_is_taken()))).await;
    }
    if !admin::add(&mut tx, &new, visit.now).await? {
        drop(tx);
        let known = visit.say(
            "This address has an account already: it is in the list above.",
            "Cette adresse a déjà un compte : il est dans la liste ci-dessus.",
        );
        return list_page(&visit, Some((&posted, known))).await;
    }
    visit.audit(&mut tx, Deed::AdminAdded, name, 1).await?;
    let link = admin::new_link(&mut tx, new.id, visit.now).await?;
    visit
        .audit(&mut tx, Deed::PasswordLinkMade, name, 1)
        .await?;
    tx.commit().await?;
    Ok(link_page(&visit, name, link))
}

impl Visit {
    pub(super) fn name_is_taken(&self) -> &str {
        self.say(
            "Another account has this name: the record could not tell the two apart.",
            "Un autre compte porte ce nom : le registre ne pourrait pas les distinguer.",
        )
    }
}

/// Shows a link once: it is kept nowhere.
fn link_page(visit: &Visit, name: &str, link: Uuid) -> Response {
    let title = visit.say("A link for the password", "Un lien pour le mot de passe");
    let site = &visit.desk.site;
    let url = site.url(&admin::link_path(&site.keys, link));
    visit.page(title).under("/desk/people").show(html! {
        h1 { (title) }
        p.lead {
            (visit.say("Hand this to ", "À transmettre à ")) strong { (name) }
            (visit.say(
                " by a way that you trust. It works once, within a day, and is shown only here.",
                " par une voie sûre. Il fonctionne une fois, pendant un jour, et n’est montré qu’ici.",
            ))
        }
        pre { (url) }
        p { a.button href="/desk/people" { (visit.say("Done", "Terminé")) } }
    })
}

async fn of_id(visit: &Visit, id: Uuid) -> Result<Admin, DeskError> {
    let mut tx = visit.read().await?;
    admin::by_id(&mut tx, id).await?.ok_or(DeskError::NotFound)
}

async fn show(visit: Visit, Path(id): Path<Uuid>, Query(shown): Query<Done>) -> Answer {
    let admin = of_id(&visit, id).await?;
    let frame = visit.page(admin.name.clone()).under("/desk/people");
    let done = match &*shown.done {
        "role" => Some(visit.say(
            "What they may do has been changed, and they are signed out.",
            "Les droits ont été modifiés, et la personne est déconnectée.",
        )),
        "ended" => Some(visit.say("The account has ended.", "Le compte est terminé.")),
        _ => None,
    };
    let post = |step: &str| format!("/desk/people/{id}/{step}");
    Ok(frame.done(done).show(html! {
        h1 { (admin.name) }
        dl.facts {
            dt { (visit.say("Address", "Adresse")) } dd { (admin.address) }
            dt { (visit.say("May", "Droits")) } dd { (role_name(&visit, admin.role)) ": " (role_means(&visit, admin.role)) }
            dt { (visit.say("State", "État")) } dd { (state(&visit, &admin)) }
            dt { (visit.say("Since", "Depuis")) } dd { (visit.shown(admin.since)) }
        }
        @if admin.has_ended() {
            form method="post" action=(post("begin")) {
                (visit.token())
                button.quiet { (visit.say("Let the account begin again", "Rouvrir le compte")) }
                p.means { (visit.say("They set a new password by a link that the next page shows.", "La personne choisit un nouveau mot de passe par un lien que montre la page suivante.")) }
            }
        } @else {
            form method="post" action=(post("role")) aria-label=(visit.say("What they may do", "Droits")) {
                (visit.token())
                (role_choice(&visit, admin.role))
                button { (visit.say("Change what they may do", "Modifier les droits")) }
                p.means { (visit.say("They are signed out everywhere and sign in again.", "La personne est déconnectée partout et se reconnecte.")) }
            }
            form method="post" action=(post("link")) aria-label=(visit.say("A new link", "Un nouveau lien")) {
                (visit.token())
                button.quiet { (visit.say("Make a new link for the password", "Créer un nouveau lien pour le mot de passe")) }
                p.means { (visit.say("The old password works until a new one is set.", "L’ancien mot de passe reste valable tant que le nouveau n’est pas choisi.")) }
            }
            form method="post" action=(post("end")) aria-label=(visit.say("End the account", "Fermer le compte")) {
                (visit.token())
                button.grave { (visit.say("End this account", "Fermer ce compte")) }
                p.means { (visit.say("They are signed out at once and cannot sign in any more. What they did stays on the record.", "La personne est aussitôt déconnectée et ne peut plus se connecter. Ses actes restent au registre.")) }
            }
        }
    }))
}

/// An account that is about to lose owner's rights: one owner has to remain.
async fn keep_an_owner(
    visit: &Visit,
    tx: &mut crate::db::Tx,
    admin: &Admin,
) -> Result<(), DeskError> {
    if admin.role == Role::Owner && admin::owners(tx).await? <= 1 {
        let last = visit.say(
            "This is the last owner who can sign in. Make somebody else an owner first.",
            "C’est le dernier propriétaire qui puisse se connecter. Nommez d’abord un autre propriétaire.",
        );
        return Err(DeskError::Conflict(last.to_owned()));
    }
    Ok(())
}

async fn set_role(visit: Visit, Path(id): Path<Uuid>, posted: Posted) -> Answer {
    let role = posted.get("role").parse::<Role>();
    let role = role.map_err(|_| {
        DeskError::BadForm(
            visit
                .say(
                    "Choose one of the three roles.",
                    "Choisissez l’un des trois rôles.",
                )
                .to_owned(),
        )
    })?;
    let mut tx = visit.begin().await?;
    let admin = admin::by_id(&mut tx, id)
        .await?
        .ok_or(DeskError::NotFound)?;
    if role != Role::Owner {
        keep_an_owner(&visit, &mut tx, &admin).await?;
    }
    admin::set_role(&mut tx, id, role).await?;
    visit
        .audit(&mut tx, Deed::AdminChanged, &admin.name, 1)
        .await?;
    tx.commit().await?;
    Ok(visit.back_to(&format!("/desk/people/{id}?done=role")))
}

async fn new_link(visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let mut tx = visit.begin().await?;
    let admin = admin::by_id(&mut tx, id)
        .await?
        .ok_or(DeskError::NotFound)?;
    if admin.has_ended() {
        return Err(DeskError::NotFound);
    }
    link_for(&visit, tx, &admin).await
}

async fn link_for(visit: &Visit, mut tx: crate::db::Tx, admin: &Admin) -> Answer {
    let link = admin::new_link(&mut tx, admin.id, visit.now).await?;
    visit
        .audit(&mut tx, Deed::PasswordLinkMade, &admin.name, 1)
        .await?;
    tx.commit().await?;
    Ok(link_page(visit, &admin.name, link))
}

async fn end(visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let mut tx = visit.begin().await?;
    let admin = admin::by_id(&mut tx, id)
        .await?
        .ok_or(DeskError::NotFound)?;
    keep_an_owner(&visit, &mut tx, &admin).await?;
    admin::set_ended(&mut tx, id, Some(visit.now)).await?;
    visit
        .audit(&mut tx, Deed::AdminEnded, &admin.name, 1)
        .await?;
    tx.commit().await?;
    Ok(visit.back_to(&format!("/desk/people/{id}?done=ended")))
}

async fn begin(visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let mut tx = visit.begin().await?;
    let admin = admin::by_id(&mut tx, id)
        .await?
        .ok_or(DeskError::NotFound)?;
    admin::set_ended(&mut tx, id, None).await?;
    visit
        .audit(&mut tx, Deed::AdminChanged, &admin.name, 1)
        .await?;
    link_for(&visit, tx, &admin).await
}
