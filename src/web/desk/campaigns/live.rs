//! A campaign as it goes out: by server-sent events, or by a page that comes again.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::Path;
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use futures_util::stream::{self, Stream};
use maud::{Markup, html};

use super::{of_path, page_of};
use crate::admin::Role;
use crate::campaign::Campaign;
use crate::issue::Month;
use crate::sending::progress::{COUNTED_UP_TO, Progress, progress};
use crate::sending::status::Stands;
use crate::subscription::Language;
use crate::web::desk::{Answer, Route, Visit, script_file};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/campaigns/{month}/live", Role::Viewer, live),
        Route::get("/desk/progress.js", Role::Viewer, script),
    ]
}

/// How often it is told.
const EACH: Duration = Duration::from_secs(1);

/// So often on one connection; the browser comes again by itself, and is looked at anew.
const TIMES: u32 = 25;

/// The rate is told over the last of so many looks.
const LOOKS: usize = 10;

async fn script() -> impl IntoResponse {
    script_file(include_str!("progress.js"))
}

/// How far it is, each second.
async fn live(visit: Visit, Path(path): Path<String>) -> Answer {
    let mut tx = visit.read().await?;
    of_path(&mut tx, &path).await?;
    drop(tx);
    Ok(Sse::new(events(visit, path)).into_response())
}

fn events(visit: Visit, path: String) -> impl Stream<Item = Result<Event, Infallible>> {
    let looks: Vec<(tokio::time::Instant, i64)> = Vec::new();
    stream::unfold(
        (visit, path, looks, 0),
        async |(visit, path, mut looks, times)| {
            if times >= TIMES {
                return None;
            }
            if times > 0 {
                tokio::time::sleep(EACH).await;
            }
            let (campaign, far) = look(&visit, &path).await?;
            looks.push((tokio::time::Instant::now(), far.accepted + far.bounced));
            if looks.len() > LOOKS {
                looks.remove(0);
            }
            let told = told(&visit, &campaign, &far, lately(&looks));
            let event = Event::default()
                .event("progress")
                .retry(EACH)
                .json_data(told)
                .unwrap_or_default();
            Some((Ok(event), (visit, path, looks, times + 1)))
        },
    )
}

async fn look(visit: &Visit, path: &str) -> Option<(Campaign, Progress)> {
    let mut tx = visit.read().await.ok()?;
    let (_, campaign) = of_path(&mut tx, path).await.ok()?;
    let far = progress(&mut tx, &campaign).await.ok()?;
    Some((campaign, far))
}

/// Mails that came to their end in a second, over these looks.
fn lately(looks: &[(tokio::time::Instant, i64)]) -> Option<f64> {
    let ((first, then), (last, now)) = (looks.first()?, looks.last()?);
    let seconds = (*last - *first).as_secs_f64();
    (seconds > 0.5).then(|| (now - then) as f64 / seconds)
}

/// What is told, by the names that the page's script knows it under.
fn told(
    visit: &Visit,
    campaign: &Campaign,
    far: &Progress,
    per_second: Option<f64>,
) -> BTreeMap<&'static str, String> {
    let number = |count: i64| visit.language().number(count);
    let up_to = |count: i64| match count >= COUNTED_UP_TO {
        true => format!("> {}", number(count)),
        false => number(count),
    };
    let rate = per_second.or(far.per_second);
    BTreeMap::from([
        (
            "state",
            format!("{}{}", far.state, campaign.paused_because.is_some()),
        ),
        ("ended", (far.planned - far.left).to_string()),
        ("accepted", number(far.accepted)),
        ("bounced", number(far.bounced)),
        ("deferred", up_to(far.deferred)),
        ("unknown", up_to(far.unknown)),
        ("suppressed", up_to(far.suppressed)),
        ("left", number(far.left)),
        (
            "rate",
            rate.map_or_else(|| "–".to_owned(), |rate| number(rate.round() as i64)),
        ),
        ("time", time_left(visit.language(), far, rate)),
    ])
}

/// About how long it takes yet, in words.
fn time_left(language: Language, far: &Progress, rate: Option<f64>) -> String {
    let nothing = language.pick("–", "–").to_owned();
    let waits = far.left - far.deferred;
    match rate {
        _ if far.state != Stands::Running => nothing,
        _ if far.left == 0 => language.pick("done", "terminé").to_owned(),
        _ if waits <= 0 => language
            .pick(
                "until the deferred ones are tried again",
                "jusqu’aux nouveaux essais des différés",
            )
            .to_owned(),
        Some(rate) if rate > 0.1 => {
            let seconds = (waits as f64 / rate) as i64;
            match seconds {
                ..60 => language
                    .pick("less than a minute", "moins d’une minute")
                    .to_owned(),
                60..5400 => format!("{} min", (seconds + 59) / 60),
                _ => format!("{} h", (seconds + 1800) / 3600),
            }
        }
        _ => nothing,
    }
}

/// The panel that the script keeps up to date.
pub(super) fn panel(visit: &Visit, month: Month, campaign: &Campaign, far: &Progress) -> Markup {
    let told = told(visit, campaign, far, None);
    let lines = [
        ("accepted", visit.say("accepted", "acceptés")),
        ("left", visit.say("left", "restants")),
        ("deferred", visit.say("to be tried again", "à réessayer")),
        ("bounced", visit.say("bounced", "rejetés")),
    ];
    let is_open = matches!(far.state, Stands::Running | Stands::Paused);
    html! {
        section.panel data-live=[is_open.then(|| format!("{}/live", page_of(month)))] data-state=(told["state"]) {
            h2 { (visit.say("How far it is", "Où en est l’envoi")) }
            progress data-of="ended" value=(told["ended"]) max=(far.planned.max(1)) aria-label=(visit.say("Mails that came to their end", "Messages arrivés à leur terme")) {}
            ul.sums {
                @for (name, label) in lines { li { strong data-of=(name) { (told[name]) } " " (label) } }
            }
            @if far.state == Stands::Running {
                p.about {
                    span data-of="rate" { (told["rate"]) } " " (visit.say("a second; time left: ", "par seconde ; temps restant : "))
                    span data-of="time" { (told["time"]) }
                }
            }
        }
    }
}
