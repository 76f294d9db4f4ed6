//! Two people wrote one month at once: both texts side by side, and what may be done. Nothing of either is lost.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::super::Posted;
use super::steps::{Step, steps};
use super::write::{self, Shown, title_of};
use super::{Answer, DeskError, MENU, Visit, current, month_of, path};
use crate::campaign;
use crate::draft::{self, Draft, Save, Saved, Text, Written};
use crate::issue::Month;

/// Both texts. What is mine travels with the page.
pub(super) fn page(visit: &Visit, month: Month, mine: &Text, theirs: &Draft) -> Response {
    let title = visit.say(
        "Two people wrote this month at once",
        "Deux personnes ont rédigé ce mois en même temps",
    );
    let kept = serde_json::to_string(mine).expect("texts are JSON");
    let rows = mine.summaries.len().max(theirs.text.summaries.len());
    let mut page = visit.page(title).under(MENU).wide().show(html! {
        h1 { (title) }
        (steps(visit, month, Some(Step::Write)))
        p.lead {
            (theirs.made_by) " " (visit.say("saved on ", "a enregistré le ")) (visit.shown(theirs.made_at))
            (visit.say(", after you had opened the page. Nothing was overwritten. What differs is marked.", ", après que vous avez ouvert la page. Rien n’a été écrasé. Les différences sont signalées."))
        }
        form method="post" action=(path(month, "meanwhile")) {
            (visit.token())
            input type="hidden" name="from" value=(theirs.version);
            input type="hidden" name="mine" value=(kept);
            div.acts {
                button name="do" value="edit" { (visit.say("Go on with mine, on top of theirs", "Continuer avec le mien, par-dessus")) }
                button.quiet name="do" value="mine" { (visit.say("Take mine", "Garder le mien")) }
                a.button.quiet href=(Step::Write.path(month)) { (visit.say("Take theirs", "Garder le leur")) }
            }
            p.means { (visit.say(
                "Going on opens yours in the form and saves nothing yet. Taking mine saves it as the newest version; theirs stays among the earlier ones. Taking theirs lets yours go.",
                "Continuer ouvre votre texte dans le formulaire sans rien enregistrer. Garder le mien en fait la dernière version\u{A0}; le leur reste parmi les précédentes. Garder le leur abandonne votre texte.",
            )) }
        }
        div.table-scroll tabindex="0" role="region" aria-label=(title) {
            table.two-texts {
                thead { tr {
                    td {}
                    th scope="col" { (visit.say("Mine", "Le mien")) }
                    th scope="col" { (visit.say("Theirs", "Le leur")) " (" (theirs.made_by) ")" }
                } }
                tbody {
                    (row(visit, visit.say("Teaser", "Accroche"), mine.teaser.as_deref().unwrap_or_default(), theirs.text.teaser.as_deref().unwrap_or_default()))
                    @for place in 0..rows {
                        @let (one, other) = (mine.summaries.get(place), theirs.text.summaries.get(place));
                        (row(visit, &format!("{} {}", visit.say("Summary", "Résumé"), place + 1), &whole(visit, one), &whole(visit, other)))
                    }
                }
            }
        }
    });
    *page.status_mut() = StatusCode::CONFLICT;
    page
}

fn row(visit: &Visit, what: &str, mine: &str, theirs: &str) -> Markup {
    let differs = mine != theirs;
    html! {
        tr .differs[differs] {
            th scope="row" { (what) @if differs { br; span.state { (visit.say("differs", "diffère")) } } }
            @for text in [mine, theirs] { td { @for line in text.lines() { p { (line) } } } }
        }
    }
}

/// A summary as lines.
fn whole(visit: &Visit, written: Option<&Written>) -> String {
    let Some(written) = written else {
        return visit.say("(none)", "(aucun)").to_owned();
    };
    let summary = &written.summary;
    let mut lines = vec![title_of(visit, written).to_owned()];
    lines.extend(summary.citation.clone());
    lines.extend(summary.doi.clone());
    lines.extend(summary.summary.iter().cloned());
    lines.extend(summary.implications.iter().cloned());
    lines.push(summary.topics.join(", "));
    lines.extend(summary.research_type.clone());
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// What its author decided.
pub(super) async fn decide(visit: Visit, Path(month): Path<String>, posted: Posted) -> Answer {
    let month = month_of(&month)?;
    let from: i64 = posted.get("from").parse().unwrap_or(0);
    let mine: Text = serde_json::from_str(posted.get("mine")).map_err(|_| {
        let wrong = visit.say(
            "The form came without its text.",
            "Le formulaire est arrivé sans son texte.",
        );
        DeskError::BadForm(wrong.to_owned())
    })?;
    if posted.get("do") != "mine" {
        let mut tx = visit.read().await?;
        let current = current(&mut tx, month).await?;
        let is_settled = campaign::of_month(&mut tx, month).await?.is_some();
        let shown = Shown {
            month,
            text: &mine,
            from,
            current: &current,
            is_settled,
            missing: &[],
            done: Some(visit.say(
                "This is your text. It is not saved yet.",
                "Voici votre texte. Il n’est pas encore enregistré.",
            )),
        };
        return Ok(write::page(&visit, &shown));
    }
    let mut tx = visit.begin().await?;
    let save = Save {
        month,
        from,
        text: &mine,
        who: &visit.admin.name,
        by_itself: false,
        now: visit.now,
    };
    let saved = draft::save(&mut tx, &save).await?;
    tx.commit().await?;
    if let Saved::Meanwhile(theirs) = saved {
        return Ok(page(&visit, month, &mine, &theirs));
    }
    Ok(visit.back_to(&format!("{}?done=saved", Step::Write.path(month))))
}
