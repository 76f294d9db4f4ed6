//! Topics asked for and topics delivered, as a plot, a table and a file.

use axum::extract::Path;
use maud::html;

use super::super::table::{self, Number, Text};
use super::{of_path, page_of};
use crate::admin::Role;
use crate::figures::FEWEST;
use crate::figures::campaign::{ALL_TOPICS, Topic, topics};
use crate::subscription::Language;
use crate::web::desk::plot::{Bars, Row, with_numbers};
use crate::web::desk::{Answer, Route, Visit, csv_file};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/campaigns/{month}/topics", Role::Viewer, show),
        Route::get("/desk/campaigns/{month}/topics.csv", Role::Viewer, csv),
    ]
}

/// A number as it is told: a small group is not, for who is in it could be guessed. Nobody is nobody.
fn told(count: i64) -> Option<i64> {
    (count == 0 || count >= FEWEST).then_some(count)
}

fn written(visit: &Visit, count: i64) -> String {
    match told(count) {
        Some(count) => visit.language().number(count),
        None => format!("< {FEWEST}"),
    }
}

fn topic_name(visit: &Visit, slug: &str) -> String {
    if slug == ALL_TOPICS {
        return visit.say("Every topic", "Tous les sujets").to_owned();
    }
    let topics = &visit.desk.site.vocabulary.topics;
    let found = topics.iter().find(|topic| topic.slug == slug);
    found.map_or_else(
        || slug.to_owned(),
        |topic| visit.language().pick(&topic.name, &topic.name_fr).clone(),
    )
}

async fn show(visit: Visit, Path(path): Path<String>) -> Answer {
    let mut tx = visit.read().await?;
    let (month, campaign) = of_path(&mut tx, &path).await?;
    let topics = topics(&mut tx, campaign.id).await?;
    drop(tx);
    let title = visit.say(
        "Topics asked for and delivered",
        "Sujets demandés et livrés",
    );
    let series = [
        visit.say("readers who asked for it", "lecteurs qui l’ont demandé"),
        visit.say(
            "readers who got a summary on it",
            "lecteurs qui ont reçu un résumé",
        ),
    ];
    let bars = Bars {
        id: "topics",
        title,
        description: description(&visit, &topics),
        series,
        rows: topics.iter().map(|one| row(&visit, one)).collect(),
    };
    Ok(visit.page(title).under("/desk/campaigns").wide().show(html! {
        p.crumb { a href=(page_of(month)) { (visit.month(&campaign.month)) } }
        h1 { (title) }
        p.lead { (visit.say(
            "How many readers had chosen each topic when this issue went out, and how many were sent a summary on it. Who opens or clicks is not watched, and groups of fewer than five are not told.",
            "Combien de lecteurs avaient choisi chaque sujet à l’envoi de ce numéro, et combien ont reçu un résumé à son propos. Ni ouvertures ni clics ne sont observés, et les groupes de moins de cinq ne sont pas indiqués.",
        )) }
        @if topics.is_empty() {
            p { (visit.say(
                "It is being counted, and stands here in some seconds.",
                "Le calcul est en cours et figurera ici dans quelques secondes.",
            )) }
        } @else {
            (with_numbers(&visit, bars.show(), table::plain(title, &[
                Text(visit.say("Topic", "Sujet")), Number(visit.say("Asked for", "Demandé")),
                Number(visit.say("Delivered", "Livré")),
            ], html! {
                @for one in &topics {
                    tr {
                        th scope="row" { (topic_name(&visit, &one.topic)) }
                        td.number { (written(&visit, one.asked)) }
                        td.number { (delivered(&visit, one)) }
                    }
                }
            }), &format!("{}/topics.csv", page_of(month))))
        }
    }))
}

/// Who chose every topic is sent summaries of each: that line has no number of its own.
fn delivered(visit: &Visit, one: &Topic) -> String {
    match &*one.topic {
        ALL_TOPICS => "–".to_owned(),
        _ => written(visit, one.delivered),
    }
}

fn row(visit: &Visit, one: &Topic) -> Row {
    Row {
        label: topic_name(visit, &one.topic),
        values: [told(one.asked), told(one.delivered)],
        written: [written(visit, one.asked), delivered(visit, one)],
    }
}

fn description(visit: &Visit, topics: &[Topic]) -> String {
    let named = topics.iter().filter(|one| one.topic != ALL_TOPICS);
    let Some(most) = named.max_by_key(|one| one.asked) else {
        return String::new();
    };
    let (name, asked) = (topic_name(visit, &most.topic), written(visit, most.asked));
    match visit.language() {
        Language::English => format!(
            "Two bars for each of {} topics; most asked for is {name}, by {asked} readers. The table beneath holds every number.",
            topics.len()
        ),
        Language::French => format!(
            "Deux barres pour chacun des {} sujets ; le plus demandé est {name}, par {asked} lecteurs. Le tableau ci-dessous contient tous les chiffres.",
            topics.len()
        ),
    }
}

async fn csv(visit: Visit, Path(path): Path<String>) -> Answer {
    let mut tx = visit.read().await?;
    let (month, campaign) = of_path(&mut tx, &path).await?;
    let topics = topics(&mut tx, campaign.id).await?;
    let cell =
        |count: i64| told(count).map_or_else(|| format!("<{FEWEST}"), |count| count.to_string());
    let rows = topics
        .iter()
        .map(|one| vec![one.topic.clone(), cell(one.asked), cell(one.delivered)]);
    Ok(csv_file(
        &format!("topics-{month}.csv"),
        &["topic", "asked", "delivered"],
        rows,
    ))
}
