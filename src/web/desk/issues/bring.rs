//! Bringing months in: a file or a pasted text is read, what was understood is shown beside what was not, and only then is
//! anything kept.

use axum::extract::Path;
use maud::{Markup, html};
use uuid::Uuid;

use super::super::Posted;
use super::steps::Step;
use super::{Answer, DeskError, MENU, Visit};
use crate::audit::Deed;
use crate::brought::{self, Brought, Understood};
use crate::draft::Text;
use crate::import;
use crate::issue::Issue;

/// Asks for it.
pub(super) async fn ask(visit: Visit) -> Answer {
    let title = visit.say("Bring in what you have", "Apporter ce que vous avez");
    Ok(visit.page(title).under(MENU).show(html! {
        nav.crumb aria-label=(visit.say("You are here", "Vous êtes ici")) { a href=(MENU) { (visit.say("Issues", "Numéros")) } }
        h1 { (title) }
        p.lead { (visit.say(
            "A page of the archive as text or HTML, or Markdown from this desk. You see what was understood before anything is kept.",
            "Une page d’archives en texte ou en HTML, ou du Markdown de cet espace. Vous voyez ce qui a été compris avant que rien ne soit conservé.",
        )) }
        form method="post" action="/desk/issues/bring" enctype="multipart/form-data" {
            (visit.token())
            div.field.full {
                label for="file" { (visit.say("A file", "Un fichier")) }
                p.about #file-about { ".txt, .html, .md; " (visit.say("4 MB at most", "4 Mo au plus")) }
                input #file type="file" name="file" accept=".txt,.html,.htm,.md,.markdown,text/plain,text/html,text/markdown" aria-describedby="file-about";
            }
            div.field.full {
                label for="pasted" { (visit.say("Or the text itself", "Ou le texte lui-même")) }
                p.about #pasted-about { (visit.say("With a line such as ‘March 2026’ above its summaries.", "Avec une ligne comme «\u{A0}mars 2026\u{A0}» au-dessus des résumés.")) }
                textarea #pasted name="pasted" rows="10" aria-describedby="pasted-about" {}
            }
            button { (visit.say("Read it", "Le lire")) }
            p.means { (visit.say("Nothing is kept by that.", "Rien n’est encore conservé.")) }
        }
    }))
}

/// Takes the file or the text, and leads to what was understood of it.
pub(super) async fn take(visit: Visit, posted: Posted) -> Answer {
    let (file_name, bytes) = match posted.file("file") {
        Some(file) if file.bytes > import::LARGEST_BYTES => return Err(DeskError::TooLarge),
        Some(file) => {
            let bytes = std::fs::read(file.path()).map_err(|_| DeskError::Failed)?;
            (file.name.clone(), bytes)
        }
        None => (String::new(), posted.get("pasted").as_bytes().to_vec()),
    };
    if bytes.trim_ascii().is_empty() {
        let wrong = visit.say(
            "Choose a file, or paste a text.",
            "Choisissez un fichier ou collez un texte.",
        );
        return Err(DeskError::BadForm(wrong.to_owned()));
    }
    let id = (visit.desk.site.new_id)();
    let mut tx = visit.begin().await?;
    brought::add(
        &mut tx,
        id,
        &file_name,
        &bytes,
        &visit.admin.name,
        visit.now,
    )
    .await?;
    tx.commit().await?;
    Ok(visit.back_to(&format!("/desk/issues/brought/{id}")))
}

/// What was understood, beside what was not.
pub(super) async fn show(visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let found = of_id(&visit, id).await?;
    let title = visit.say("What was understood", "Ce qui a été compris");
    let what = match found.name.as_str() {
        "" => visit.say("The pasted text", "Le texte collé").to_owned(),
        name => name.to_owned(),
    };
    let page = visit.page(title).under(MENU).wide();
    let crumb = html! {
        nav.crumb aria-label=(visit.say("You are here", "Vous êtes ici")) {
            a href=(MENU) { (visit.say("Issues", "Numéros")) } " › "
            a href="/desk/issues/bring" { (visit.say("Bring in", "Apporter")) }
        }
    };
    let understood = match brought::understand(&found, &visit.desk.site.vocabulary) {
        Ok(understood) => understood,
        Err(error) => {
            let mut page = page.show(html! {
                (crumb)
                h1 { (visit.say("It could not be understood", "Impossible à comprendre")) }
                p.lead { (what) }
                div.notice role="alert" { p { (error.to_string()) } }
                p { a.button href="/desk/issues/bring" { (visit.say("Mend it and bring it in again", "Le corriger et l’apporter de nouveau")) } }
            });
            *page.status_mut() = axum::http::StatusCode::BAD_REQUEST;
            return Ok(page);
        }
    };
    Ok(page.show(html! {
        (crumb)
        h1 { (title) }
        p.lead { (what) (visit.say(": ", "\u{A0}: ")) (count(&visit, &understood)) }
        form method="post" action=(format!("/desk/issues/brought/{id}")) {
            (visit.token())
            div.understood {
                section aria-labelledby="understood" {
                    h2 #understood { (visit.say("Understood", "Compris")) }
                    @for issue in &understood.read.issues { (issue_part(&visit, issue)) }
                }
                section aria-labelledby="not" {
                    h2 #not { (visit.say("Not understood, or to be looked at", "Non compris, ou à regarder")) }
                    (not_understood(&visit, &understood))
                }
            }
            div.onward {
                div.acts {
                    button name="do" value="draft" { (visit.say("Take the ticked months over as drafts", "Reprendre les mois cochés comme brouillons")) }
                    button.quiet name="do" value="archive" { (visit.say("Straight into the archive", "Directement aux archives")) }
                }
                p.means { (visit.say(
                    "Drafts are seen by nobody but this desk; go through each and keep it. Straight into the archive is for months that were published before: they stand on the public pages at once. No mail goes out by either.",
                    "Les brouillons ne sont visibles qu’ici\u{A0}; parcourez-les, puis versez-les. Directement aux archives convient aux mois déjà publiés\u{A0}: ils paraissent aussitôt sur le site. Aucun message ne part.",
                )) }
            }
        }
    }))
}

fn count(visit: &Visit, understood: &Understood) -> String {
    let issues = &understood.read.issues;
    let summaries: usize = issues.iter().map(|issue| issue.summaries.len()).sum();
    let months = visit.say(if issues.len() == 1 { "month" } else { "months" }, "mois");
    let many = match summaries {
        1 => visit.say("summary", "résumé"),
        _ => visit.say("summaries", "résumés"),
    };
    format!("{} {months}, {summaries} {many}.", issues.len())
}

fn issue_part(visit: &Visit, issue: &Issue) -> Markup {
    html! {
        article.brought {
            h3 {
                label.choice {
                    input type="checkbox" name="month" value=(issue.month) checked;
                    span { (visit.month_heading(issue.month)) }
                }
            }
            @if let Some(teaser) = &issue.teaser { p.teaser { (teaser) } }
            ol { @for summary in &issue.summaries {
                li lang=(summary.language) {
                    p { strong { (summary.title) } }
                    @if let Some(citation) = &summary.citation { p.citation { (citation) } }
                    @else { p.citation { (visit.say("no citation", "pas de référence")) } }
                    p.about lang=(visit.language()) {
                        (visit.say("Paragraphs: ", "Paragraphes\u{A0}: ")) (summary.summary.len())
                        (visit.say(", of implications: ", ", d’implications\u{A0}: ")) (summary.implications.len())
                        @if let Some(doi) = &summary.doi { ", DOI " (doi) }
                    }
                    details {
                        summary { (visit.say("The text", "Le texte")) }
                        @for paragraph in &summary.summary { p { (paragraph) } }
                        @if !summary.implications.is_empty() { h4 { (visit.say("Practice implications", "Implications pour la pratique")) } }
                        @for paragraph in &summary.implications { p { (paragraph) } }
                    }
                }
            } }
        }
    }
}

fn not_understood(visit: &Visit, understood: &Understood) -> Markup {
    let line = |note: &import::Note| {
        html! { li { span.count { (visit.say("Line ", "Ligne ")) (note.line) } " " (note.text) } }
    };
    html! {
        @if understood.read.notes.is_empty() && understood.passed_over.is_empty() && understood.unknown.is_empty() {
            p { (visit.say("Nothing: every line found its place.", "Rien\u{A0}: chaque ligne a trouvé sa place.")) }
        }
        @if !understood.unknown.is_empty() {
            p { (visit.say("Topics or types that this desk does not know; they were left out:", "Thèmes ou types inconnus ici\u{A0}; ils ont été laissés\u{A0}:")) }
            ul { @for name in &understood.unknown { li { (name) } } }
        }
        @if !understood.read.notes.is_empty() { ul.plain.notes { @for note in &understood.read.notes { (line(note)) } } }
        @if !understood.passed_over.is_empty() {
            p { (visit.say("These lines went into no issue:", "Ces lignes n’ont trouvé aucune place\u{A0}:")) }
            ul.plain.notes { @for note in &understood.passed_over { (line(note)) } }
        }
    }
}

/// Keeps the months that were ticked, as drafts or in the archive.
pub(super) async fn keep(visit: Visit, Path(id): Path<Uuid>, posted: Posted) -> Answer {
    let found = of_id(&visit, id).await?;
    let understood = brought::understand(&found, &visit.desk.site.vocabulary);
    let understood = understood.map_err(|error| DeskError::BadForm(error.to_string()))?;
    let ticked = posted.all("month");
    let mut issues = understood.read.issues;
    issues.retain(|issue| ticked.contains(&issue.month.to_string().as_str()));
    let Some(first) = issues.first().map(|issue| issue.month) else {
        let wrong = visit.say("Tick at least one month.", "Cochez au moins un mois.");
        return Err(DeskError::BadForm(wrong.to_owned()));
    };
    let alone = issues.len() == 1;
    let count = issues.len() as i64;
    let is_draft = posted.get("do") != "archive";
    let mut tx = visit.begin().await?;
    for issue in issues {
        match is_draft {
            true => {
                let (month, text) = (issue.month, Text::of_issue(issue));
                brought::as_draft(&mut tx, month, &text, &visit.admin.name, visit.now).await?;
            }
            false => {
                let suggester = &visit.desk.suggester;
                crate::archive::keep(&mut tx, &issue, suggester, visit.now).await?;
            }
        }
    }
    let subject = if alone {
        first.to_string()
    } else {
        String::new()
    };
    visit
        .audit(&mut tx, Deed::IssuesBroughtIn, &subject, count)
        .await?;
    tx.commit().await?;
    Ok(visit.back_to(&match alone {
        true => format!("{}?done=brought", Step::Write.path(first)),
        false => MENU.to_owned(),
    }))
}

async fn of_id(visit: &Visit, id: Uuid) -> Result<Brought, DeskError> {
    let mut tx = visit.read().await?;
    brought::of_id(&mut tx, id)
        .await?
        .ok_or(DeskError::NotFound)
}
