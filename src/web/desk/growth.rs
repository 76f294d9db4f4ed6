//! Growth and loss of readers over the months.

use maud::html;

use super::plot::{Columns, with_numbers};
use super::table::{self, Number, Text};
use super::{Answer, Route, Visit, csv_file};
use crate::admin::Role;
use crate::figures::readers::{MonthOfReaders, months, newest_day};
use crate::subscription::Language;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/growth", Role::Viewer, show),
        Route::get("/desk/growth.csv", Role::Viewer, csv),
    ]
}

/// So many months are drawn; the table has all.
const DRAWN: usize = 36;

fn lost(one: &MonthOfReaders) -> i64 {
    one.withdrawn + one.erased
}

async fn show(visit: Visit) -> Answer {
    let mut tx = visit.read().await?;
    let months = months(&mut tx).await?;
    let newest = newest_day(&mut tx).await?;
    drop(tx);
    let title = visit.say("Readers over time", "Lecteurs au fil du temps");
    let number = |count: i64| visit.language().number(count);
    let drawn = &months[months.len().saturating_sub(DRAWN)..];
    let most = drawn.iter().map(|one| one.granted.max(lost(one))).max();
    let columns = Columns {
        id: "growth",
        title,
        description: description(&visit, drawn),
        series: [
            visit.say("joined", "arrivées"),
            visit.say("left", "départs"),
        ],
        columns: drawn
            .iter()
            .map(|one| (one.month.clone(), one.granted, lost(one)))
            .collect(),
        most: number(most.unwrap_or(0)),
    };
    Ok(visit.page(title).under("/desk/campaigns").wide().show(html! {
        h1 { (title) }
        @if let Some((day, active, suppressed)) = newest {
            ul.sums {
                li { strong { (number(active)) } " " (visit.say("readers", "lecteurs")) }
                li { strong { (number(suppressed)) } " " (visit.say("addresses that get no mail any more", "adresses qui ne reçoivent plus de courrier")) }
            }
            p.about { (visit.say("Counted on ", "Comptés le ")) (day) "." }
        }
        @if months.is_empty() {
            p { (visit.say(
                "Nobody has joined or left yet. Once readers are there, each month stands here.",
                "Aucune arrivée ni aucun départ pour l’instant. Dès qu’il y aura des lecteurs, chaque mois figurera ici.",
            )) }
        } @else {
            (with_numbers(&visit, columns.show(), table::plain(title, &[
                Text(visit.say("Month", "Mois")), Number(visit.say("Joined", "Arrivées")),
                Number(visit.say("Unsubscribed", "Désabonnements")), Number(visit.say("Forgotten", "Effacements")),
                Number(visit.say("Readers at its end", "Lecteurs à la fin")),
            ], html! {
                @for one in months.iter().rev() {
                    tr {
                        th scope="row" { (one.month) }
                        td.number { (number(one.granted)) }
                        td.number { (number(one.withdrawn)) }
                        td.number { (number(one.erased)) }
                        td.number { (one.active.map_or_else(|| "–".to_owned(), number)) }
                    }
                }
            }), "/desk/growth.csv"))
            p.about { (visit.say(
                "Who joined counts when the consent was recorded: an imported list counts in the month of its import, and who comes back counts again.",
                "Une arrivée compte au moment où le consentement est enregistré : une liste importée compte au mois de son importation, et qui revient compte à nouveau.",
            )) }
        }
    }))
}

fn description(visit: &Visit, drawn: &[MonthOfReaders]) -> String {
    let joined = visit
        .language()
        .number(drawn.iter().map(|one| one.granted).sum());
    let left = visit.language().number(drawn.iter().map(lost).sum());
    match visit.language() {
        Language::English => format!(
            "A column for each of {} months: {joined} joined (upwards) and {left} left (downwards). The table beneath holds every number.",
            drawn.len()
        ),
        Language::French => format!(
            "Une colonne pour chacun des {} mois : {joined} arrivées (vers le haut) et {left} départs (vers le bas). Le tableau ci-dessous contient tous les chiffres.",
            drawn.len()
        ),
    }
}

async fn csv(visit: Visit) -> Answer {
    let mut tx = visit.read().await?;
    let months = months(&mut tx).await?;
    let rows = months.iter().map(|one| {
        vec![
            one.month.clone(),
            one.granted.to_string(),
            one.withdrawn.to_string(),
            one.erased.to_string(),
            one.active
                .map_or_else(String::new, |active| active.to_string()),
        ]
    });
    let head = [
        "month",
        "joined",
        "unsubscribed",
        "forgotten",
        "readers_at_its_end",
    ];
    Ok(csv_file("readers.csv", &head, rows))
}
