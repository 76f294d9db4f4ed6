//! The fields of one summary in the form of a month.

use maud::{Markup, html};

use super::Visit;
use super::write::Shown;
use crate::citation;
use crate::draft::{Missing, Written};
use crate::import;
use crate::issue::Summary;
use crate::suggest::Suggestion;
use crate::topic::Topic;

pub(super) fn fields(
    visit: &Visit,
    place: usize,
    count: usize,
    written: &Written,
    shown: &Shown<'_>,
) -> Markup {
    let Written { id, summary } = written;
    let field = |name: &str| format!("s{place}.{name}");
    let html_id = |name: &str| format!("s{place}-{name}");
    let act = |word: &str| format!("{word}.{place}");
    let number = place + 1;
    html! {
        section.summary id=(format!("s{place}")) aria-labelledby=(html_id("heading")) {
            div.summary-head {
                h2 id=(html_id("heading")) {
                    span.handle aria-hidden="true" title=(visit.say("Drag to move", "Glisser pour déplacer")) { "⠿" }
                    (visit.say("Summary ", "Résumé ")) span.place { (number) }
                }
                div.moves {
                    button.quiet.small-button name="do" value=(act("up")) disabled[place == 0]
                        aria-label=(format!("{} {number}", visit.say("Up: summary", "Monter\u{A0}: résumé"))) { (visit.say("Up", "Monter")) }
                    button.quiet.small-button name="do" value=(act("down")) disabled[number == count]
                        aria-label=(format!("{} {number}", visit.say("Down: summary", "Descendre\u{A0}: résumé"))) { (visit.say("Down", "Descendre")) }
                    button.quiet.small-button name="do" value=(act("out"))
                        aria-label=(format!("{} {number}", visit.say("Take out: summary", "Retirer le résumé"))) { (visit.say("Take out", "Retirer")) }
                }
            }
            @if let Some(id) = id { input type="hidden" name=(field("id")) value=(id); }
            div.field.full {
                label for=(html_id("title")) { (visit.say("Title", "Titre")) }
                input id=(html_id("title")) type="text" name=(field("title")) value=(summary.title) maxlength="500" aria-invalid=[is_wrong(shown, number).then_some("true")];
            }
            div.field.full {
                label for=(html_id("citation")) { (visit.say("Citation, or its DOI alone", "Référence, ou son DOI seul")) }
                p.about id=(html_id("citation-about")) { (visit.say("As published. What it says of the study is read from it.", "Telle que publiée. Ce qu’elle dit de l’étude en est tiré.")) }
                textarea id=(html_id("citation")) name=(field("citation")) rows="3" maxlength="4000" aria-describedby=(html_id("citation-about")) { (summary.citation.as_deref().unwrap_or_default()) }
                (read_from(visit, summary))
            }
            div.side-by-side {
                div.field {
                    label for=(html_id("doi")) { "DOI" }
                    input id=(html_id("doi")) type="text" name=(field("doi")) value=(summary.doi.as_deref().unwrap_or_default()) maxlength="300";
                }
                div.field {
                    label for=(html_id("language")) { (visit.say("Written in", "Rédigé en")) }
                    select id=(html_id("language")) name=(field("language")) {
                        @for (code, name) in languages(&summary.language) {
                            option value=(code) selected[code == summary.language] { (name) }
                        }
                    }
                }
            }
            div.field.full {
                label for=(html_id("summary")) { (visit.say("Summary", "Résumé")) }
                p.about id=(html_id("summary-about")) { (visit.say("An empty line between paragraphs.", "Une ligne vide entre les paragraphes.")) }
                textarea id=(html_id("summary")) name=(field("summary")) rows="8" aria-describedby=(html_id("summary-about")) { (import::text(&summary.summary)) }
            }
            div.field.full {
                label for=(html_id("implications")) { (visit.say("Practice implications", "Implications pour la pratique")) }
                textarea id=(html_id("implications")) name=(field("implications")) rows="4" { (import::text(&summary.implications)) }
            }
            (topics(visit, place, summary))
            (kinds(visit, place, summary))
        }
    }
}

fn is_wrong(shown: &Shown<'_>, number: usize) -> bool {
    let wrong = [Missing::Title(number), Missing::OtherTitle(number)];
    wrong.iter().any(|missing| shown.missing.contains(missing))
}

fn languages(now: &str) -> Vec<(&str, &str)> {
    let mut known = vec![("en", "English"), ("fr", "Français")];
    if !now.is_empty() && known.iter().all(|(code, _)| *code != now) {
        known.push((now, now));
    }
    known
}

/// What the citation says, so that its author sees whether it is read rightly.
fn read_from(visit: &Visit, summary: &Summary) -> Markup {
    let Some(citation) = &summary.citation else {
        return html! {};
    };
    let read = citation::read(citation);
    let year = read.year.map(|year| year.to_string());
    let parts = [
        (visit.say("Authors", "Auteurs"), read.authors),
        (visit.say("Year", "Année"), year),
        (visit.say("Title", "Titre"), read.title),
        (visit.say("Journal", "Revue"), read.journal),
    ];
    html! {
        dl.facts.read {
            @for (name, part) in parts {
                dt { (name) }
                dd { @match part { Some(part) => (part), None => span.quiet-text { (visit.say("not found", "introuvable")) } } }
            }
        }
        @if read.doi_was_damaged && summary.doi.is_none() {
            p.wrong { (visit.say("The DOI in it is damaged: write it into its own field.", "Le DOI y est abîmé\u{A0}: écrivez-le dans son propre champ.")) }
        }
    }
}

/// Ticked and suggested topics with the words behind them; the others in a fold.
fn topics(visit: &Visit, place: usize, summary: &Summary) -> Markup {
    let suggested = visit.desk.suggester.topics(summary);
    let of = |slug: &str| suggested.iter().find(|topic| topic.slug == slug);
    let all = &visit.desk.site.vocabulary.topics;
    let (near, far): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|topic| summary.topics.contains(&topic.slug) || of(&topic.slug).is_some());
    let choice = |topic: &Topic| {
        let name = visit.say(&topic.name, &topic.name_fr);
        let is_ticked = summary.topics.contains(&topic.slug);
        ticked(
            visit,
            &format!("s{place}.topic"),
            &topic.slug,
            name,
            is_ticked,
            of(&topic.slug),
        )
    };
    let unticked = suggested
        .iter()
        .any(|topic| !summary.topics.contains(&topic.slug));
    html! {
        fieldset.topics-field {
            legend { (visit.say("Topics", "Thèmes")) }
            p.about { (visit.say(
                "Readers get a summary by its topics. Those with words behind them are suggested; tick what is right.",
                "Les lecteurs reçoivent un résumé d’après ses thèmes. Ceux suivis de mots sont suggérés\u{A0}; cochez ce qui convient.",
            )) }
            @if !near.is_empty() { div.choices { @for topic in near { (choice(topic)) } } }
            @if unticked {
                button.quiet name="do" value=(format!("suggested.{place}")) { (visit.say("Tick the suggested ones", "Cocher les suggestions")) }
            }
            details {
                summary { (visit.say("All other topics", "Tous les autres thèmes")) }
                div.choices { @for topic in far { (choice(topic)) } }
            }
        }
    }
}

fn ticked(
    visit: &Visit,
    name: &str,
    slug: &str,
    label: &str,
    is_ticked: bool,
    suggestion: Option<&Suggestion>,
) -> Markup {
    html! {
        label.choice {
            input type="checkbox" name=(name) value=(slug) checked[is_ticked];
            span {
                span.name { (label) }
                @if let Some(suggestion) = suggestion { span.about { (because(visit, suggestion)) } }
            }
        }
    }
}

fn because(visit: &Visit, suggestion: &Suggestion) -> String {
    let gap = visit.say(": ", "\u{A0}: ");
    match suggestion.because.is_empty() {
        true => visit
            .say("suggested, for want of another", "suggéré, faute d’autre")
            .to_owned(),
        false => format!(
            "{}{gap}{}",
            visit.say("suggested by", "suggéré par"),
            suggestion.because.join(", ")
        ),
    }
}

fn kinds(visit: &Visit, place: usize, summary: &Summary) -> Markup {
    let id = format!("s{place}-type");
    let suggested = visit
        .desk
        .suggester
        .research_types(summary)
        .into_iter()
        .next();
    let kinds = &visit.desk.site.vocabulary.research_types;
    let name = |slug: &str| {
        let kind = kinds.iter().find(|kind| kind.slug == slug);
        kind.map_or(slug.to_owned(), |kind| {
            visit.say(&kind.name, &kind.name_fr).to_owned()
        })
    };
    let chosen = summary.research_type.as_deref().unwrap_or_default();
    html! {
        div.field {
            label for=(id) { (visit.say("Type of research", "Type de recherche")) }
            @if let Some(suggestion) = &suggested {
                p.about { (name(&suggestion.slug)) " – " (because(visit, suggestion)) }
            }
            select id=(id) name=(format!("s{place}.type")) {
                option value="" { (visit.say("as suggested", "comme suggéré")) }
                @for kind in kinds {
                    option value=(kind.slug) selected[kind.slug == chosen] { (visit.say(&kind.name, &kind.name_fr)) }
                }
            }
        }
    }
}
