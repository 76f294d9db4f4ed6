//! Earlier versions of a draft, and letting it go.

use axum::extract::Path;
use maud::html;

use super::super::table::{self, Number, Text};
use super::steps::{Step, crumb, steps};
use super::{Answer, DeskError, MENU, Visit, month_of, path};
use crate::admin::Role;
use crate::audit::Deed;
use crate::draft::{self, Save, Saved};
use crate::import;

/// What is kept of them, the newest first.
pub(super) async fn list(visit: Visit, Path(month): Path<String>) -> Answer {
    let month = month_of(&month)?;
    let mut tx = visit.read().await?;
    let current = super::current(&mut tx, month).await?;
    let versions = draft::versions(&mut tx, month).await?;
    let title = visit.say("Earlier versions", "Versions antérieures");
    Ok(visit.page(format!("{title} – {}", visit.month_heading(month))).under(MENU).show(html! {
        (crumb(&visit, month))
        h1 { (title) }
        (steps(&visit, month, None))
        @if versions.is_empty() {
            p.lead { (visit.say("There is no draft of this month: the archive alone has it.", "Ce mois n’a pas de brouillon\u{A0}: seules les archives le contiennent.")) }
        } @else {
            p.lead { (visit.say("The last fifty saves.", "Les cinquante derniers enregistrements.")) }
            (table::plain(title, &[
                Number(visit.say("Version", "Version")), Text(visit.say("Saved", "Enregistrée")),
                Text(visit.say("By", "Par")), Text(visit.say("State", "État")),
            ], html! {
                @for line in &versions {
                    tr {
                        th.number scope="row" { a href=(path(month, &format!("versions/{}", line.version))) { (line.version) } }
                        td { (visit.shown(line.made_at)) }
                        td { (line.made_by) }
                        td {
                            @if line.kept_at.is_some() { span.state { (visit.say("in the archive", "archivée")) } }
                            @else if line.by_itself { (visit.say("while writing", "en cours de rédaction")) }
                        }
                    }
                }
            }))
            @if visit.may(Role::Editor) {
                form method="post" action=(path(month, "discard")) {
                    (visit.token())
                    button.grave { (visit.say("Throw this draft away", "Jeter ce brouillon")) }
                    p.means {
                        @if current.in_archive { (visit.say(
                            "All its versions go. What the archive has stays as it is.",
                            "Toutes ses versions disparaissent. Les archives restent telles quelles.",
                        )) }
                        @else { (visit.say(
                            "All its versions go, and with them the month: the archive has nothing of it.",
                            "Toutes ses versions disparaissent, et le mois avec elles\u{A0}: les archives n’en ont rien.",
                        )) }
                    }
                }
            }
        }
    }))
}

/// One of them, to be read.
pub(super) async fn show(visit: Visit, Path((month, version)): Path<(String, i64)>) -> Answer {
    let month = month_of(&month)?;
    let mut tx = visit.read().await?;
    let found = draft::version(&mut tx, month, version).await?;
    let found = found.ok_or(DeskError::NotFound)?;
    let title = format!("{} {version}", visit.say("Version", "Version"));
    Ok(visit.page(format!("{title} – {}", visit.month_heading(month))).under(MENU).show(html! {
        nav.crumb aria-label=(visit.say("You are here", "Vous êtes ici")) {
            a href=(path(month, "")) { (visit.month_heading(month)) } " › "
            a href=(path(month, "versions")) { (visit.say("Earlier versions", "Versions antérieures")) }
        }
        h1 { (title) }
        p.lead { (found.made_by) ", " (visit.shown(found.made_at)) }
        @if visit.may(Role::Editor) {
            form method="post" action=(path(month, &format!("versions/{version}"))) {
                (visit.token())
                button { (visit.say("Take this one up again", "Reprendre celle-ci")) }
                p.means { (visit.say("It becomes the newest version. None of the others goes.", "Elle devient la plus récente. Aucune autre ne disparaît.")) }
            }
        }
        pre.source tabindex="0" { (import::markdown(&found.text.issue(month))) }
    }))
}

/// Makes an earlier version the newest.
pub(super) async fn take_up(visit: Visit, Path((month, version)): Path<(String, i64)>) -> Answer {
    let month = month_of(&month)?;
    let mut tx = visit.begin().await?;
    let found = draft::version(&mut tx, month, version).await?;
    let found = found.ok_or(DeskError::NotFound)?;
    let newest = draft::newest(&mut tx, month).await?;
    let save = Save {
        month,
        from: newest.map_or(0, |newest| newest.version),
        text: &found.text,
        who: &visit.admin.name,
        by_itself: false,
        now: visit.now,
    };
    let word = match draft::save(&mut tx, &save).await? {
        Saved::Same(_) => "same",
        _ => "saved",
    };
    tx.commit().await?;
    Ok(visit.back_to(&format!("{}?done={word}", Step::Write.path(month))))
}

/// Throws a draft away.
pub(super) async fn discard(visit: Visit, Path(month): Path<String>) -> Answer {
    let month = month_of(&month)?;
    let mut tx = visit.begin().await?;
    if draft::discard(&mut tx, month).await? {
        let subject = month.to_string();
        visit
            .audit(&mut tx, Deed::DraftDiscarded, &subject, 1)
            .await?;
    }
    tx.commit().await?;
    Ok(visit.back_to(MENU))
}
