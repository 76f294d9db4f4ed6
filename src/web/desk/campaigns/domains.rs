//! A campaign by receiving domain, with the servers' own words and what they mean.

use axum::extract::Path;
use maud::{Markup, html};

use super::super::table::{self, Number, Text};
use super::{of_path, page_of};
use crate::admin::Role;
use crate::bounce::meaning::meaning;
use crate::figures::campaign::{Domain, Refusal, SMALL, STATES, counted_at, domains, refusals};
use crate::plain;
use crate::web::desk::plot::as_csv;
use crate::web::desk::{Answer, Route, Visit, csv_file};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/campaigns/{month}/domains", Role::Viewer, show),
        Route::get("/desk/campaigns/{month}/domains.csv", Role::Viewer, csv),
    ]
}

fn domain_name<'a>(visit: &'a Visit, domain: &'a str) -> &'a str {
    match domain {
        SMALL => visit.say("all small ones together", "tous les petits ensemble"),
        domain => domain,
    }
}

async fn show(visit: Visit, Path(path): Path<String>) -> Answer {
    let mut tx = visit.read().await?;
    let (month, campaign) = of_path(&mut tx, &path).await?;
    let domains = domains(&mut tx, campaign.id).await?;
    let said = refusals(&mut tx, campaign.id, None).await?;
    let at = counted_at(&mut tx, campaign.id).await?;
    drop(tx);
    let title = visit.say("By receiving domain", "Par domaine destinataire");
    let number = |count: i64| visit.language().number(count);
    Ok(visit.page(title).under("/desk/campaigns").wide().show(html! {
        p.crumb { a href=(page_of(month)) { (visit.month(&campaign.month)) } }
        h1 { (title) }
        @match at {
            Some(at) => p.lead { (visit.say("Counted on ", "Compté le ")) (visit.shown(at)) ". "
                (visit.say(
                    "A domain with fewer than five of your readers has no line of its own.",
                    "Un domaine de moins de cinq lecteurs n’a pas de ligne à lui.",
                )) },
            None => p.lead { (visit.say(
                "It is being counted, and stands here in some seconds.",
                "Il est en cours de calcul et figurera ici dans quelques secondes.",
            )) },
        }
        @if !domains.is_empty() {
            (table::plain(title, &[
                Text(visit.say("Domain", "Domaine")), Number(visit.say("Mails", "Messages")),
                Number(visit.say("Accepted", "Acceptés")), Number(visit.say("Deferred", "Différés")),
                Number(visit.say("Bounced", "Rejetés")), Number(visit.say("Others", "Autres")),
            ], html! {
                @for one in &domains {
                    tr {
                        th scope="row" { (domain_name(&visit, &one.domain)) }
                        td.number { (number(one.sum())) }
                        td.number { (number(one.accepted)) }
                        td.number { (number(one.deferred)) }
                        td.number { (number(one.bounced)) }
                        td.number { (number(others(one))) }
                    }
                }
            }))
            (as_csv(&visit, &format!("{}/domains.csv", page_of(month))))
        }
        h2 { (visit.say("What the servers said", "Ce qu’ont dit les serveurs")) }
        @if said.is_empty() { p { (visit.say(
            "No server refused anything.",
            "Aucun serveur n’a refusé quoi que ce soit.",
        )) } }
        @for one in alike(&said) { (words(&visit, &one)) }
    }))
}

fn others(one: &Domain) -> i64 {
    one.waiting + one.in_flight + one.suppressed + one.unknown
}

/// What means the same, the most frequent first.
fn alike(said: &[Refusal]) -> Vec<Vec<&Refusal>> {
    let mut groups: Vec<Vec<&Refusal>> = Vec::new();
    for one in said {
        let is_alike = |group: &&mut Vec<&Refusal>| {
            group.first().is_some_and(|first| {
                (&first.kind, &first.class, &first.status) == (&one.kind, &one.class, &one.status)
            })
        };
        match groups.iter_mut().find(is_alike) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups.sort_by_key(|group| -group.iter().map(|one| one.mails).sum::<i64>());
    groups
}

fn words(visit: &Visit, group: &[&Refusal]) -> Markup {
    let Some(first) = group.first() else {
        return html! {};
    };
    let number = |count: i64| visit.language().number(count);
    let mails = group.iter().map(|one| one.mails).sum();
    let [english, french] = meaning(&first.kind, &first.class, &first.status);
    html! {
        article.said {
            h3 {
                (number(mails)) " " (visit.many(mails, ["mail", "mails"], ["message", "messages"]))
                @if !first.status.is_empty() { " " span.state { (first.status) } }
                @if first.kind == "deferred" { " " span.state { (visit.say("tried again", "réessayés")) } }
            }
            p { (visit.say(english, french)) }
            details {
                summary { (visit.say("Where, and in the servers’ own words", "Où, et avec les mots des serveurs")) }
                ul {
                    @for one in group {
                        li {
                            (number(one.mails)) " × " strong { (domain_name(visit, &one.domain)) }
                            @if !one.words.is_empty() { blockquote { p { (plain::plain(&one.words)) } } }
                        }
                    }
                }
            }
        }
    }
}

async fn csv(visit: Visit, Path(path): Path<String>) -> Answer {
    let mut tx = visit.read().await?;
    let (month, campaign) = of_path(&mut tx, &path).await?;
    let head = [&["domain"], STATES.as_slice()].concat();
    let domains = domains(&mut tx, campaign.id).await?;
    let rows = domains.iter().map(|one| {
        let mut row = vec![match &*one.domain {
            SMALL => "(others)".to_owned(),
            domain => domain.to_owned(),
        }];
        row.extend(one.counts().map(|count| count.to_string()));
        row
    });
    Ok(csv_file(&format!("domains-{month}.csv"), &head, rows))
}
