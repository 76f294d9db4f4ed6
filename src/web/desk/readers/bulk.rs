//! Changing many readers at once: the number first, then the change, then how far it is.

use axum::extract::{Path, Query};
use axum::response::Response;
use maud::{Markup, html};
use uuid::Uuid;

use super::super::{Answer, DeskError, Posted, Visit};
use super::asked::Asked;
use super::{crumb, import, list, words};
use crate::audit::Deed;
use crate::errand::{self, Change, Errand, State};
use crate::readers::{self, Count};

/// From so many readers on, the number has to be typed.
const TYPED_FROM: usize = 100;

pub(super) async fn show(visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let asked = asked.opened(&visit);
    let wanted = asked.wanted(&visit);
    let mut tx = visit.read().await?;
    let count = readers::count(&mut tx, &visit.desk.book, &wanted, visit.now).await?;
    let running = errand::running(&mut tx).await?;
    Ok(page(&visit, &asked, count, &running, None))
}

fn page(
    visit: &Visit,
    asked: &Asked,
    count: usize,
    running: &[Errand],
    wrong: Option<&str>,
) -> Response {
    let title = visit.say("Change many readers", "Modifier plusieurs lecteurs");
    let number = words::count(visit, Count::Exactly(count));
    let is_all = asked.wanted(visit).is_all();
    let page = visit.page(title).under("/desk/readers");
    page.refused(wrong.is_some()).show(html! {
        (crumb(visit))
        h1 { (title) }
        p.lead {
            (visit.say("This is about ", "Cela concerne ")) strong { (number) }
            @if is_all { (visit.say(": all of them.", " : tous.")) } @else { "." }
        }
        p { a href=(asked.link("/desk/readers", &[])) { (visit.say("Look at them again", "Les revoir")) } }
        @for errand in running {
            p.done { a href=(format!("/desk/readers/bulk/{}", errand.id)) { (visit.say("A change is being made just now: ", "Une modification est en cours : ")) (words::change(visit, &errand.change)) } }
        }
        @if count > 0 {
            form method="post" action="/desk/readers/bulk" {
                (visit.token())
                (asked.hidden())
                input type="hidden" name="count" value=(count);
                @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
                (changes(visit))
                @if count >= TYPED_FROM { (typed(visit, count)) }
                p.buttons {
                    button.grave { (visit.say("Change ", "Modifier ")) (number) }
                    a href=(asked.link("/desk/readers", &[])) { (visit.say("Leave as it is", "Ne rien faire")) }
                }
                p.means { (visit.say(
                    "It is done in portions; you can watch it and call it off. What is done by then stays done.",
                    "Cela se fait par portions ; vous pouvez suivre et interrompre. Ce qui est fait reste fait.",
                )) }
            }
        }
    })
}

fn changes(visit: &Visit) -> Markup {
    let all = [
        (
            "add",
            visit.say("Add a topic", "Ajouter un thème"),
            visit.say(
                "who gets every topic has it already",
                "qui reçoit tous les thèmes l’a déjà",
            ),
        ),
        (
            "remove",
            visit.say("Take a topic away", "Retirer un thème"),
            visit.say(
                "who chose no other, or gets every topic, is left as they are",
                "qui n’en a pas d’autre, ou les reçoit tous, n’est pas touché",
            ),
        ),
        (
            "unsubscribe",
            visit.say("Unsubscribe", "Désabonner"),
            visit.say(
                "no more mail, from now on; they can come back by themselves",
                "plus aucun message dès maintenant ; ils peuvent revenir d’eux-mêmes",
            ),
        ),
        (
            "erase",
            visit.say("Erase", "Effacer"),
            visit.say(
                "all that is held of them, for good; nothing brings them back",
                "tout ce qui est conservé, définitivement",
            ),
        ),
    ];
    let (vocabulary, language) = (&visit.desk.site.vocabulary, visit.language());
    let topics = vocabulary.topics.iter().map(|topic| {
        let name = language.pick(&topic.name, &topic.name_fr);
        (topic.slug.as_str(), name.as_str())
    });
    html! {
        fieldset {
            legend { (visit.say("What is to happen to each of them", "Que faire pour chacun")) }
            @for (word, name, about) in all {
                label.choice {
                    input type="radio" name="change" value=(word) required;
                    span { span.name { (name) } span.about { (about) } }
                }
            }
            (list::select("slug", visit.say("Which topic, if it is one", "Quel thème, le cas échéant"), "–", "", topics))
        }
    }
}

fn typed(visit: &Visit, count: usize) -> Markup {
    let label = match visit.language() {
        crate::subscription::Language::English => format!("Type the number {count} to confirm"),
        crate::subscription::Language::French => {
            format!("Saisissez le nombre {count} pour confirmer")
        }
    };
    html! {
        div.field {
            label for="typed" { (label) }
            input #typed type="text" name="typed" inputmode="numeric" required autocomplete="off" maxlength="12";
        }
    }
}

fn change_of(visit: &Visit, posted: &Posted) -> Option<Change> {
    let vocabulary = &visit.desk.site.vocabulary;
    let known = vocabulary
        .topics
        .iter()
        .find(|topic| topic.slug == posted.get("slug"));
    let slug = known.map(|topic| topic.slug.clone());
    match posted.get("change") {
        "add" => slug.map(Change::AddTopic),
        "remove" => slug.map(Change::RemoveTopic),
        "unsubscribe" => Some(Change::Unsubscribe),
        "erase" => Some(Change::Erase),
        _ => None,
    }
}

pub(super) async fn begin(visit: Visit, posted: Posted) -> Answer {
    let asked = Asked::posted(&visit, &posted);
    let wanted = asked.wanted(&visit);
    let mut tx = visit.begin().await?;
    let count = readers::count(&mut tx, &visit.desk.book, &wanted, visit.now).await?;
    if posted.get("count") != count.to_string() {
        let why = visit.say(
            "There are more of them now, or fewer. Nothing was changed: go back to the list and look again.",
            "Leur nombre a changé. Rien n’a été modifié : revenez à la liste et regardez de nouveau.",
        );
        return Err(DeskError::Conflict(why.to_owned()));
    }
    let digits: String = posted
        .get("typed")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let wrong = if count >= TYPED_FROM && digits != count.to_string() {
        Some(visit.say(
            "The number that was typed is another one.",
            "Le nombre saisi n’est pas le bon.",
        ))
    } else {
        None
    };
    let change = change_of(&visit, &posted);
    let (Some(change), None) = (change, wrong) else {
        let wrong = wrong.unwrap_or(visit.say(
            "Choose what is to happen, and the topic where it is one.",
            "Choisissez ce qu’il faut faire, et le thème s’il s’agit d’un thème.",
        ));
        let running = errand::running(&mut tx).await?;
        return Ok(page(&visit, &asked, count, &running, Some(wrong)));
    };
    let id = (visit.desk.site.new_id)();
    errand::begin(&mut tx, id, &change, &wanted, count, visit.now).await?;
    visit
        .audit(&mut tx, Deed::ErrandBegun, subject(&change), count as i64)
        .await?;
    tx.commit().await?;
    visit.desk.called.notify_one();
    Ok(visit.back_to(&format!("/desk/readers/bulk/{id}")))
}

fn subject(change: &Change) -> &str {
    match change {
        Change::AddTopic(slug) | Change::RemoveTopic(slug) => slug,
        Change::Unsubscribe => "unsubscribe",
        Change::Erase => "erase",
    }
}

pub(super) async fn progress(visit: Visit, Path(id): Path<String>) -> Answer {
    let id: Uuid = id.parse().map_err(|_| DeskError::NotFound)?;
    let mut tx = visit.read().await?;
    let errand = errand::by_id(&mut tx, id)
        .await?
        .ok_or(DeskError::NotFound)?;
    let title = words::change(&visit, &errand.change);
    let is_running = errand.state == State::Running;
    let mut page = visit
        .page(title.clone())
        .under("/desk/readers")
        .script("/desk/readers.js");
    if is_running {
        page = page.refresh(3);
    }
    let percent = (errand.seen * 100 / errand.readers.max(1)).clamp(0, 100) as u64;
    let number = |count| visit.language().number(count);
    Ok(page.show(html! {
        (crumb(&visit))
        h1 { (title) }
        div #progress data-running=[is_running.then_some("yes")] role="status" {
            @match errand.state {
                State::Running => (import::bar(&visit, percent)),
                State::Done => p.lead { (visit.say("Done.", "C’est fait.")) },
                State::Stopped => p.lead { (visit.say("Called off. What was done stays so.", "Interrompu. Ce qui est fait reste fait.")) },
            }
            dl.facts {
                dt { (visit.say("Readers", "Lecteurs")) } dd { (number(errand.readers)) }
                dt { (visit.say("Looked at", "Examinés")) } dd { (number(errand.seen)) }
                dt { (visit.say("Changed", "Modifiés")) } dd { (number(errand.changed)) }
            }
            @if is_running {
                form method="post" action=(format!("/desk/readers/bulk/{id}/stop")) {
                    (visit.token())
                    button.quiet { (visit.say("Call it off", "Interrompre")) }
                }
            }
        }
        p { a href="/desk/readers" { (visit.say("To the readers", "Voir les lecteurs")) } }
    }))
}

pub(super) async fn stop(visit: Visit, Path(id): Path<String>) -> Answer {
    let id: Uuid = id.parse().map_err(|_| DeskError::NotFound)?;
    let mut tx = visit.begin().await?;
    if errand::stop(&mut tx, id, visit.now).await? {
        visit.audit(&mut tx, Deed::ErrandStopped, "", 1).await?;
    }
    tx.commit().await?;
    Ok(visit.back_to(&format!("/desk/readers/bulk/{id}")))
}
