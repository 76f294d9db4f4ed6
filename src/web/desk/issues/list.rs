//! Every month, and one of them with what is to be done.

use std::collections::BTreeMap;

use axum::extract::Path;
use maud::{Markup, html};

use super::super::Posted;
use super::super::table::{self, Number, Text};
use super::steps::{Step, steps};
use super::{Answer, DeskError, MENU, Visit, current, month_of, path};
use crate::admin::Role;
use crate::campaign::{self, Campaign};
use crate::draft::{self, Current, Line, Save, Saved};
use crate::issue::Month;
use crate::{archive, preflight};

/// What is known of a month without opening it.
#[derive(Default)]
struct Known {
    summaries: Option<i64>,
    draft: Option<Line>,
    is_settled: bool,
}

impl Known {
    fn is_ahead(&self) -> bool {
        self.draft
            .as_ref()
            .is_some_and(|draft| draft.kept_at.is_none())
    }

    fn state<'a>(&self, visit: &'a Visit) -> &'a str {
        match (self.is_settled, self.summaries.is_some(), self.is_ahead()) {
            (true, _, true) => visit.say(
                "sent; the draft is ahead",
                "envoyé\u{A0}; brouillon en avance",
            ),
            (true, _, false) => visit.say("sent or being sent", "envoyé ou en cours d’envoi"),
            (false, true, true) => visit.say(
                "in the archive; the draft is ahead",
                "archivé\u{A0}; brouillon en avance",
            ),
            (false, true, false) => visit.say("in the archive, not sent", "archivé, non envoyé"),
            (false, false, _) => visit.say("draft", "brouillon"),
        }
    }
}

/// All months, the newest first.
pub(super) async fn list(visit: Visit) -> Answer {
    let mut tx = visit.read().await?;
    let mut months: BTreeMap<String, Known> = BTreeMap::new();
    for issue in archive::list(&mut tx).await? {
        months.entry(issue.month).or_default().summaries = Some(issue.summaries);
    }
    for line in draft::list(&mut tx).await? {
        let month = line.month.clone();
        months.entry(month).or_default().draft = Some(line);
    }
    for campaign in campaign::list(&mut tx).await? {
        months.entry(campaign.month).or_default().is_settled = true;
    }
    let title = visit.say("Issues", "Numéros");
    let next = next_month(&visit, months.keys().next_back());
    Ok(visit.page(title).under(MENU).wide().show(html! {
        h1 { (title) }
        @if visit.may(Role::Editor) {
            div.begin {
                form method="post" action=(MENU) {
                    (visit.token())
                    div.field {
                        label for="month" { (visit.say("Begin a month", "Commencer un mois")) }
                        p.about #month-about { (visit.say("As year and month: 2026-03.", "Année et mois\u{A0}: 2026-03.")) }
                        div.line {
                            input #month type="month" name="month" value=(next) required aria-describedby="month-about";
                            button { (visit.say("Begin", "Commencer")) }
                        }
                    }
                }
                p.means {
                    (visit.say("Or ", "Ou "))
                    a href="/desk/issues/bring" { (visit.say("bring in a page or a Markdown file", "apporter une page ou un fichier Markdown")) }
                    (visit.say(" that you have already.", " que vous avez déjà."))
                }
            }
        }
        @if months.is_empty() {
            p.lead { (visit.say("Nothing is here yet.", "Il n’y a encore rien ici.")) }
        } @else {
            (table::stacked(title, &[
                Text(visit.say("Month", "Mois")), Text(visit.say("State", "État")),
                Number(visit.say("Summaries", "Résumés")), Text(visit.say("Last written by", "Dernière rédaction")),
            ], html! {
                @for (month, known) in months.iter().rev() { (line(&visit, month, known)) }
            }))
            p { a href="/desk/issues.md" { (visit.say("Take all issues of the archive along, as Markdown", "Emporter tous les numéros archivés, en Markdown")) } }
        }
    }))
}

fn line(visit: &Visit, month: &str, known: &Known) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(format!("/desk/issues/{month}")) { (visit.month_heading(month)) } }
            td { span.state { (known.state(visit)) } }
            td.number data-label=(visit.say("Summaries", "Résumés")) { @if let Some(summaries) = known.summaries { (summaries) } }
            td { @if let Some(draft) = &known.draft { (draft.made_by) ", " (visit.shown(draft.made_at)) } }
        }
    }
}

/// The month behind the newest; with none at all, the one that it is.
fn next_month(visit: &Visit, newest: Option<&String>) -> String {
    let newest: Option<Month> = newest.and_then(|month| month.parse().ok());
    let next = match newest {
        Some(Month { year, month: 12 }) => Month {
            year: year + 1,
            month: 1,
        },
        Some(Month { year, month }) => Month {
            year,
            month: month + 1,
        },
        None => {
            return visit
                .now
                .with_timezone(&visit.zone())
                .format("%Y-%m")
                .to_string();
        }
    };
    next.to_string()
}

/// Begins a draft, and leads to it; to the one that there is, where there is one.
pub(super) async fn begin(visit: Visit, posted: Posted) -> Answer {
    let month: Month = posted.get("month").trim().parse().map_err(|_| {
        let wrong = visit.say(
            "That is no month: write it as 2026-03.",
            "Ce n’est pas un mois\u{A0}: écrivez 2026-03.",
        );
        DeskError::BadForm(wrong.to_owned())
    })?;
    let mut tx = visit.begin().await?;
    if draft::current(&mut tx, month).await?.is_none() {
        let save = Save {
            month,
            from: 0,
            text: &draft::Text::default(),
            who: &visit.admin.name,
            by_itself: true,
            now: visit.now,
        };
        if let Saved::As(_) = draft::save(&mut tx, &save).await? {
            tx.commit().await?;
        }
    }
    Ok(visit.back_to(&Step::Write.path(month)))
}

/// A month with where it stands in its five steps.
pub(super) async fn month(visit: Visit, Path(month): Path<String>) -> Answer {
    let month = month_of(&month)?;
    let mut tx = visit.read().await?;
    let current = current(&mut tx, month).await?;
    let campaign = campaign::of_month(&mut tx, month).await?;
    let asked = preflight::network::kept(&mut tx, month).await?;
    let tests = crate::proof::of_month(&mut tx, month).await?;
    let title = visit.month_heading(month);
    let next = next_step(&current, campaign.as_ref());
    Ok(visit.page(title.as_str()).under(MENU).show(html! {
        nav.crumb aria-label=(visit.say("You are here", "Vous êtes ici")) { a href=(MENU) { (visit.say("Issues", "Numéros")) } }
        h1 { (title) }
        (steps(&visit, month, None))
        p.lead { (stands(&visit, &current, campaign.as_ref())) }
        p.buttons { a.button href=(next.path(month)) { (visit.say("Next: ", "Suite\u{A0}: ")) (next.name(&visit)) } }
        dl.facts {
            dt { (visit.say("Summaries", "Résumés")) }
            dd {
                @if current.text.summaries.is_empty() { (visit.say("none yet", "aucun pour l’instant")) }
                @else { ul.plain { @for written in &current.text.summaries { li lang=(written.summary.language) { (titled(&visit, &written.summary.title)) } } } }
            }
            dt { (visit.say("Links and DNS", "Liens et DNS")) }
            dd {
                @match &asked {
                    Some(asked) => { (visit.say("asked ", "interrogés le ")) (visit.shown(asked.at)) },
                    None => (visit.say("not asked yet", "pas encore interrogés")),
                }
            }
            dt { (visit.say("Tests", "Tests")) }
            dd {
                @match tests.first() {
                    Some(test) => { (visit.say("last ", "dernier le ")) (visit.shown(test.asked_at)) },
                    None => (visit.say("none yet", "aucun pour l’instant")),
                }
            }
        }
        ul.plain.links {
            @if current.in_archive {
                li { a href=(format!("/issues/{month}")) { (visit.say("The public page", "La page publique")) } }
            }
            li { a href=(path(month, "versions")) { (visit.say("Earlier versions", "Versions antérieures")) } }
            li { a href=(path(month, "issue.md")) { (visit.say("Take it along as Markdown", "L’emporter en Markdown")) } }
        }
    }))
}

pub(super) fn titled<'a>(visit: &'a Visit, title: &'a str) -> &'a str {
    match title {
        "" => visit.say("(no title yet)", "(sans titre pour l’instant)"),
        title => title,
    }
}

fn next_step(current: &Current, campaign: Option<&Campaign>) -> Step {
    match (current.in_archive && current.ahead.is_none(), campaign) {
        (_, Some(_)) => Step::Send,
        (false, None) => Step::Write,
        (true, None) => Step::Look,
    }
}

fn stands<'a>(visit: &'a Visit, current: &Current, campaign: Option<&Campaign>) -> &'a str {
    match (current.in_archive, &current.ahead, campaign) {
        (_, _, Some(_)) => visit.say(
            "Its campaign is settled: what goes out is frozen. Changes reach the archive alone.",
            "Son envoi est arrêté\u{A0}: ce qui part est figé. Les changements ne touchent que les archives.",
        ),
        (false, ..) => visit.say(
            "A draft. Nobody sees it but this desk.",
            "Un brouillon, visible seulement dans cet espace.",
        ),
        (true, Some(_), None) => visit.say(
            "The archive has it, and the draft is ahead of it.",
            "Il est archivé, et le brouillon est en avance.",
        ),
        (true, None, None) => visit.say(
            "The archive has it. No mail has gone out.",
            "Il est archivé. Aucun message n’est parti.",
        ),
    }
}
