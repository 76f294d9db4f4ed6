//! Sending an issue: one button with the number in it, what becomes of the order, and the way back.

use std::time::Duration;

use axum::extract::{Path, Query};
use axum::response::Response;
use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

use super::{Answer, DeskError, Posted, Route, Visit};
use crate::admin::Role;
use crate::audit::Deed;
use crate::campaign;
use crate::forecast::{Failed, Forecast, Look};
use crate::issue::Month;
use crate::plan::{Plan, When};
use crate::schedule::instant;
use crate::sending::order::{self, Agreed, Asked, Because, New, Order, Rules, State};
use crate::subscription::Language;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/issues/{month}/send", Role::Editor, show),
        Route::post("/desk/issues/{month}/send", Role::Editor, send).fresh(),
        Route::post("/desk/issues/{month}/send/agree", Role::Editor, agree).fresh(),
        Route::post("/desk/issues/{month}/send/back", Role::Editor, take_back),
        Route::post("/desk/issues/{month}/send/count", Role::Editor, count_again),
        Route::get("/desk/waiting.js", Role::Viewer, script),
    ]
}

/// A page waits so long for a count, which on a short list is done by then.
const PATIENCE: Duration = Duration::from_millis(60);

/// How long the page that follows the button waits for a short list to be settled.
const SETTLING: Duration = Duration::from_millis(400);

async fn script() -> impl axum::response::IntoResponse {
    super::script_file(include_str!("waiting.js"))
}

/// When it is to go out, as the address of the page says it.
#[derive(Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    when: String,
    /// On the editor's clocks, as browsers write it.
    #[serde(default)]
    at: String,
    #[serde(default)]
    done: String,
}

pub(super) fn month_of(path: &str) -> Result<Month, DeskError> {
    path.parse().map_err(|_| DeskError::NotFound)
}

fn page_of(month: Month) -> String {
    format!("/desk/issues/{month}/send")
}

/// A time on the editor's clocks; `None` for a text that is none.
fn local(visit: &Visit, at: &str) -> Option<(NaiveDateTime, DateTime<Utc>)> {
    let wall = NaiveDateTime::parse_from_str(at, "%Y-%m-%dT%H:%M").ok()?;
    Some((wall, instant(wall, visit.zone())))
}

/// `Err` with what is wrong, in words.
fn when(visit: &Visit, wanted: &Wanted) -> Result<When, &'static str> {
    let at = |to: fn((NaiveDateTime, DateTime<Utc>)) -> When| match local(visit, &wanted.at) {
        None => Err(visit.language().pick(
            "Say the day and the time at which it is to go out.",
            "Indiquez le jour et l’heure de l’envoi.",
        )),
        Some((_, at)) if at <= visit.now => Err(visit.language().pick(
            "That time is past. Choose one to come, or “now”.",
            "Cette heure est passée. Choisissez-en une à venir, ou « maintenant ».",
        )),
        Some(time) => Ok(to(time)),
    };
    match &*wanted.when {
        "at" => at(|(_, at)| When::At(at)),
        "readers" => at(|(wall, _)| When::OnReadersClocks(wall)),
        _ => Ok(When::Now),
    }
}

async fn show(visit: Visit, Path(path): Path<String>, Query(wanted): Query<Wanted>) -> Answer {
    let month = month_of(&path)?;
    let mut tx = visit.read().await?;
    if campaign::of_month(&mut tx, month).await?.is_some()
        && !is_being_recalled(order::of_month(&mut tx, month).await?.as_ref())
    {
        return Ok(visit.back_to(&format!("/desk/campaigns/{month}")));
    }
    let order = order::of_month(&mut tx, month).await?;
    drop(tx);
    match order {
        Some(order) if order.state == State::Asked => waiting_page(&visit, month, &order).await,
        Some(order) if matches!(order.state, State::Placed | State::Recalled) => {
            Ok(under_way_page(&visit, month, &order))
        }
        last => choosing_page(&visit, month, &wanted, last, None).await,
    }
}

fn is_being_recalled(order: Option<&Order>) -> bool {
    order.is_some_and(|order| order.state == State::Recalled)
}

fn title(visit: &Visit, month: Month) -> String {
    let month = visit.language().month(month);
    match visit.language() {
        Language::English => format!("Send {month}"),
        Language::French => format!("Envoyer {month}"),
    }
}

/// The page with the button.
async fn choosing_page(
    visit: &Visit,
    month: Month,
    wanted: &Wanted,
    last: Option<Order>,
    wrong: Option<&str>,
) -> Answer {
    let (when, wrong_time) = match when(visit, wanted) {
        Ok(when) => (when, None),
        Err(wrong) => (When::Now, Some(wrong)),
    };
    let look = visit.desk.forecasts.look(month, when, PATIENCE).await?;
    if look.failed == Some(Failed::NoIssue) {
        let not_yet = visit.say(
            "This month is not in the archive yet, and only what is there can be sent. Go back, write it, and press “Keep in the archive”.",
            "Ce mois n’est pas encore dans les archives, et seul ce qui s’y trouve peut être envoyé. Revenez en arrière, rédigez-le, puis appuyez sur « Verser aux archives ».",
        );
        return Err(DeskError::Conflict(not_yet.to_owned()));
    }
    let title = title(visit, month);
    let is_counting = look.counting_since.is_some();
    let mut frame = visit.page(title.clone()).under("/desk/issues");
    if is_counting {
        frame = frame.refresh(2).script("/desk/waiting.js");
    }
    if wanted.done == "withdrawn" {
        frame = frame.done(visit.say(
            "Called back: nobody gets anything. You can mend the issue and send it again.",
            "Envoi rappelé : personne ne recevra rien. Vous pouvez corriger le numéro et l’envoyer à nouveau.",
        ));
    }
    let mut page = frame.show(html! {
        h1 { (title) }
        (why_not(visit, last.as_ref(), wanted))
        @if let Some(wrong) = wrong { div.notice role="alert" { p { (wrong) } } }
        (figures(visit, month, &look))
        (when_form(visit, month, wanted, wrong_time))
        @if let Some(known) = look.known.as_ref().filter(|_| wrong_time.is_none() && !is_counting) {
            (button(visit, month, when, known))
        }
    });
    if wrong.is_some() {
        *page.status_mut() = axum::http::StatusCode::CONFLICT;
    }
    Ok(page)
}

/// Why the last order came to nothing.
fn why_not(visit: &Visit, last: Option<&Order>, wanted: &Wanted) -> Markup {
    let because = last
        .filter(|order| order.state == State::Refused)
        .and_then(|order| order.because);
    let changed = visit.say(
        "Nothing was sent. After you looked, a reader came, left or chose other topics, or the issue was edited. The numbers below are new: look at them and press the button again.",
        "Rien n’a été envoyé. Depuis votre lecture, quelqu’un s’est abonné, désabonné ou a changé de sujets, ou le numéro a été modifié. Les chiffres ci-dessous sont à jour : vérifiez-les et appuyez de nouveau.",
    );
    let says = match because {
        Some(Because::PlanChanged) => changed,
        Some(Because::NoIssue) => visit.say(
            "Nothing was sent: the issue had no summaries any more.",
            "Rien n’a été envoyé : le numéro ne contenait plus aucun résumé.",
        ),
        Some(Because::Failed) => visit.say(
            "Nothing was sent: the service was not fit to send. Its operator finds the reason in the log.",
            "Rien n’a été envoyé : le service n’était pas en état d’envoyer. Son exploitant en trouvera la raison dans le journal.",
        ),
        Some(Because::SentAlready) | None if wanted.done == "changed" => changed,
        Some(Because::SentAlready) | None => return html! {},
    };
    html! { div.notice role="alert" { p { (says) } } }
}

/// Now, or when.
fn when_form(visit: &Visit, month: Month, wanted: &Wanted, wrong: Option<&str>) -> Markup {
    let is = |name: &str| wanted.when == name || (name == "now" && wanted.when.is_empty());
    let choices = [
        (
            "now",
            visit.say("Now", "Maintenant"),
            visit.say(
                "as soon as the time to call it back is over",
                "dès que le délai de rappel est écoulé",
            ),
        ),
        (
            "at",
            visit.say("At a time", "À une heure donnée"),
            visit.say("everybody at once", "tout le monde en même temps"),
        ),
        (
            "readers",
            visit.say(
                "At that time of each reader’s clock",
                "À cette heure chez chaque lecteur",
            ),
            visit.say(
                "whoever named no zone gets it by the schedule’s",
                "sans fuseau connu, celui du calendrier s’applique",
            ),
        ),
    ];
    html! {
        details open[!is("now") || wrong.is_some()] {
            summary { (visit.say("When: ", "Quand : ")) (choices.iter().find(|(name, ..)| is(name)).map_or("", |(_, label, _)| label)) }
            form.panel method="get" action=(page_of(month)) {
                @if let Some(wrong) = wrong { p.wrong role="alert" #wrong-time { (wrong) } }
                fieldset {
                    legend { (visit.say("When is it to go out?", "Quand doit-il partir ?")) }
                    @for (name, label, about) in choices {
                        label.choice {
                            input type="radio" name="when" value=(name) checked[is(name)];
                            span { span.name { (label) } " " span.about { (about) } }
                        }
                    }
                }
                div.field {
                    label for="at" { (visit.say("Day and time", "Jour et heure")) " (" (visit.zone().name()) ")" }
                    input #at type="datetime-local" name="at" value=(wanted.at)
                        aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong.map(|_| "wrong-time")];
                }
                button.quiet { (visit.say("Take this time", "Choisir cette heure")) }
            }
        }
    }
}

/// What would go out, as far as it has been counted.
fn figures(visit: &Visit, month: Month, look: &Look) -> Markup {
    let counting = html! {
        p.working role="status" data-again="2" {
            (visit.say(
                "Counting who gets what. With very many readers that takes up to half a minute; this page comes again by itself.",
                "Calcul en cours : qui reçoit quoi. Avec un très grand nombre de lecteurs, cela prend jusqu’à une demi-minute ; la page se recharge d’elle-même.",
            ))
        }
    };
    let failed = match look.failed {
        Some(Failed::Empty) => Some(visit.say(
            "This issue has no summaries yet, so there is nothing to send.",
            "Ce numéro ne contient pas encore de résumé : il n’y a rien à envoyer.",
        )),
        Some(_) => Some(visit.say(
            "It could not be counted who gets what. Try again; if it stays so, the operator finds the reason in the log.",
            "Le calcul a échoué. Réessayez ; si cela persiste, l’exploitant en trouvera la raison dans le journal.",
        )),
        None => None,
    };
    html! {
        @if let Some(failed) = failed { div.notice role="alert" { p { (failed) } } }
        @if let Some(known) = &look.known { (counted(visit, month, &known.plan)) }
        @if look.counting_since.is_some() { (counting) }
        @if look.known.is_some() || look.failed.is_some() {
            form.inline method="post" action=(format!("{}/count", page_of(month))) {
                (visit.token())
                @if let Some(known) = &look.known {
                    span.about { (visit.say("Counted at ", "Calculé à ")) (visit.shown(known.made_at)) ". " }
                }
                button.link { (visit.say("Count again", "Recalculer")) }
            }
        }
    }
}

/// The plan in numbers.
fn counted(visit: &Visit, month: Month, plan: &Plan) -> Markup {
    let number = |count: i64| visit.language().number(count);
    let left_out: i64 = plan.excluded.values().sum();
    html! {
        ul.sums {
            li { strong { (number(plan.recipients)) } " " (visit.many(plan.recipients, ["reader gets it", "readers get it"], ["lecteur le reçoit", "lecteurs le reçoivent"])) }
            li { strong { (number(plan.variants.len() as i64)) } " " (visit.many(plan.variants.len() as i64, ["mail", "different mails"], ["message", "messages différents"])) }
            li { strong { (number(left_out)) } " " (visit.many(left_out, ["gets nothing", "get nothing"], ["ne reçoit rien", "ne reçoivent rien"])) }
        }
        p { a href=(format!("/desk/issues/{month}")) { (visit.say("Look at every mail before it goes out", "Voir chaque message avant l’envoi")) } }
        @if !plan.excluded.is_empty() {
            details {
                summary { (visit.say("Who gets nothing, and why", "Qui ne reçoit rien, et pourquoi")) }
                dl.facts {
                    @for (reason, count) in &plan.excluded {
                        dt { (left_out_because(visit, reason)) } dd.number { (number(*count)) }
                    }
                }
            }
        }
        @if !plan.warnings.is_empty() {
            div.notice.calm {
                p {
                    (visit.say("Something in this issue is worth a look before it goes out: ", "Un point de ce numéro mérite d’être vérifié avant l’envoi : "))
                    a href=(format!("/desk/issues/{month}")) { (visit.say("see its checks", "voir ses vérifications")) } "."
                }
            }
        }
    }
}

/// A reason of the plan, in plain words.
pub(super) fn left_out_because<'a>(visit: &Visit, reason: &'a str) -> &'a str {
    let language = visit.language();
    match reason {
        "suppressed" => language.pick(
            "their address gets no mail any more",
            "leur adresse ne reçoit plus de courrier",
        ),
        "pending" => language.pick("have not confirmed yet", "n’ont pas encore confirmé"),
        "ended" => language.pick("have left", "se sont désabonnés"),
        "consent_expired" => language.pick(
            "their implied consent has run out",
            "leur consentement tacite a expiré",
        ),
        "paused" => language.pick("pause", "ont suspendu leurs envois"),
        "not_this_month" => language.pick("get it by the quarter", "le reçoivent chaque trimestre"),
        "nothing_matched" => language.pick("nothing on their topics", "rien sur leurs sujets"),
        "already_sent" => language.pick("have had all of it before", "ont déjà tout reçu"),
        other => other,
    }
}

/// The button that sends, with its number, or what stands in its way.
fn button(visit: &Visit, month: Month, when: When, known: &Forecast) -> Markup {
    let plan = &known.plan;
    let missing = visit.desk.config.missing_identity();
    if !missing.is_empty() {
        return html! { div.notice role="alert" { p {
            (visit.say("Nothing can be sent before the operator has set ", "Rien ne peut partir avant que l’exploitant n’ait réglé "))
            (missing.join(", ")) "."
        } } };
    }
    if plan.recipients == 0 {
        return html! { div.notice { p { (visit.say(
            "Nobody gets this issue, so there is nothing to send. Look at its topics, or add readers.",
            "Personne ne recevrait ce numéro : il n’y a rien à envoyer. Vérifiez ses sujets ou ajoutez des lecteurs.",
        )) } } };
    }
    if !visit.is_fresh {
        return html! {
            p.means { (visit.say(
                "Sending reaches many people, so you are asked for your password once more before the button.",
                "Un envoi touche beaucoup de personnes : votre mot de passe vous est redemandé avant le bouton.",
            )) }
            p { a.button href=(again(visit, month, when)) { (visit.say("Go on to the button", "Continuer vers l’envoi")) } }
        };
    }
    let rules = visit.desk.config.desk;
    let is_typed = rules.typed_from > 0 && plan.recipients >= rules.typed_from;
    html! {
        form.send method="post" action=(page_of(month)) {
            (visit.token())
            input type="hidden" name="key" value=((visit.desk.site.new_id)());
            input type="hidden" name="fingerprint" value=(plan.fingerprint);
            (when_fields(when))
            @if is_typed { (typed_field(visit, plan.recipients)) }
            button.send { (button_text(visit, plan.recipients, when, rules.second_person)) }
            p.means { (means(visit, when, rules.second_person)) }
        }
    }
}

/// Where it is asked once more who this is, and what follows.
fn again(visit: &Visit, month: Month, when: When) -> String {
    let (kind, wall) = match when {
        When::Now => ("now", None),
        When::At(at) => ("at", Some(at.with_timezone(&visit.zone()).naive_local())),
        When::OnReadersClocks(wall) => ("readers", Some(wall)),
    };
    let page = format!("{}?", page_of(month));
    let start = page.len();
    let mut back = form_urlencoded::Serializer::for_suffix(page, start);
    back.append_pair("when", kind);
    if let Some(wall) = wall {
        back.append_pair("at", &wall.format("%Y-%m-%dT%H:%M").to_string());
    }
    let next = [("next", back.finish())];
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(next)
        .finish();
    format!("/desk/again?{query}")
}

fn when_fields(when: When) -> Markup {
    let (kind, at) = match when {
        When::Now => ("now", String::new()),
        When::At(at) => ("at", at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        When::OnReadersClocks(wall) => ("readers", wall.format("%Y-%m-%dT%H:%M").to_string()),
    };
    html! {
        input type="hidden" name="when" value=(kind);
        input type="hidden" name="at" value=(at);
    }
}

fn typed_field(visit: &Visit, readers: i64) -> Markup {
    html! {
        div.field {
            label for="typed" { (visit.say("How many readers? Type the number", "Combien de lecteurs ? Saisissez le nombre")) }
            p.about #typed-about { (visit.say("So many get it: ", "Nombre de destinataires : ")) (visit.language().number(readers)) }
            input #typed type="text" inputmode="numeric" name="typed" required autocomplete="off" aria-describedby="typed-about";
        }
    }
}

/// The button bears the number.
fn button_text(visit: &Visit, readers: i64, when: When, second_person: bool) -> String {
    let verb = match (second_person, when) {
        (true, _) => visit.say("Ask to send to", "Demander l’envoi à"),
        (false, When::Now) => visit.say("Send to", "Envoyer à"),
        (false, _) => visit.say("Plan it for", "Planifier pour"),
    };
    let number = visit.language().number(readers);
    let noun = visit.many(readers, ["reader", "readers"], ["lecteur", "lecteurs"]);
    format!("{verb} {number} {noun}")
}

fn means(visit: &Visit, when: When, second_person: bool) -> String {
    let undo = visit.desk.config.undo.num_seconds();
    let english = visit.language() == Language::English;
    if second_person {
        return visit
            .say(
                "Nothing goes out yet: another editor has to agree first.",
                "Rien ne part encore : une autre personne de la rédaction doit d’abord donner son accord.",
            )
            .to_owned();
    }
    match when {
        When::At(at) if english => format!(
            "It goes out at {}; until then it can be called back.",
            visit.shown(at)
        ),
        When::At(at) => format!(
            "L’envoi part à {} ; jusque-là, il peut être rappelé.",
            visit.shown(at)
        ),
        When::OnReadersClocks(wall) if english => format!(
            "Each reader gets it when their own clock shows {}; before the first of them it can be called back.",
            wall.format("%Y-%m-%d %H:%M")
        ),
        When::OnReadersClocks(wall) => format!(
            "Chaque lecteur le reçoit quand son horloge indique {} ; avant le premier, l’envoi peut être rappelé.",
            wall.format("%Y-%m-%d %H h %M")
        ),
        When::Now if english => format!(
            "After you press it you have {undo} seconds to call it back. Then it goes out, once to each of them, and cannot be taken back."
        ),
        When::Now => format!(
            "Vous aurez ensuite {undo} secondes pour rappeler l’envoi. Puis il part, une fois à chacun, et ne peut plus être repris."
        ),
    }
}

async fn send(visit: Visit, Path(path): Path<String>, posted: Posted) -> Answer {
    let month = month_of(&path)?;
    let wanted = Wanted {
        when: posted.get("when").to_owned(),
        ..Wanted::default()
    };
    let (Ok(id), Some(when)) = (posted.get("key").parse::<Uuid>(), posted_when(&posted)) else {
        return Err(DeskError::NotOurs);
    };
    let look = visit
        .desk
        .forecasts
        .look(month, when, Duration::ZERO)
        .await?;
    let fingerprint = posted.get("fingerprint");
    let known = look
        .known
        .filter(|known| known.plan.fingerprint == fingerprint);
    let mut tx = visit.read().await?;
    // Whoever comes back with a key that was used is shown what became of it.
    if order::by_id(&mut tx, id).await?.is_some() {
        return Ok(visit.back_to(&page_of(month)));
    }
    drop(tx);
    let Some(known) = known else {
        return Ok(visit.back_to(&format!("{}?done=changed", page_of(month))));
    };
    let readers = known.plan.recipients;
    let rules = visit.desk.config.desk;
    let typed: String = posted
        .get("typed")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    if rules.typed_from > 0 && readers >= rules.typed_from && typed != readers.to_string() {
        let wrong = visit.say(
            "The number that you typed is not the number of readers, so nothing was sent. Look at it again.",
            "Le nombre saisi n’est pas celui des lecteurs ; rien n’a été envoyé. Vérifiez-le.",
        );
        return choosing_page(&visit, month, &wanted, None, Some(wrong)).await;
    }
    if readers == 0 || !visit.desk.config.missing_identity().is_empty() {
        return Ok(visit.back_to(&page_of(month)));
    }
    let new = New {
        id,
        month,
        fingerprint,
        recipients: readers,
        when,
        by: visit.admin.id,
        name: &visit.admin.name,
    };
    let mut tx = visit.begin().await?;
    match order::ask(&mut tx, &new, &rules_of(&visit), visit.now).await? {
        Asked::New(order) => {
            let deed = match order.state {
                State::Asked => Deed::SendAsked,
                _ => Deed::SendOrdered,
            };
            visit
                .audit(&mut tx, deed, &month.to_string(), readers)
                .await?;
            tx.commit().await?;
            visit.desk.placed.notify_one();
            settled_soon(&visit, order.id).await?;
            Ok(visit.back_to(&page_of(month)))
        }
        Asked::Known(_) | Asked::Sent => Ok(visit.back_to(&page_of(month))),
        Asked::TooMany(already) => {
            drop(tx);
            let wrong = too_many(&visit, already, readers);
            choosing_page(&visit, month, &wanted, None, Some(&wrong)).await
        }
    }
}

fn posted_when(posted: &Posted) -> Option<When> {
    let at = posted.get("at");
    match posted.get("when") {
        "now" => Some(When::Now),
        "at" => Some(When::At(DateTime::parse_from_rfc3339(at).ok()?.to_utc())),
        "readers" => Some(When::OnReadersClocks(
            NaiveDateTime::parse_from_str(at, "%Y-%m-%dT%H:%M").ok()?,
        )),
        _ => None,
    }
}

fn rules_of(visit: &Visit) -> Rules {
    let desk = visit.desk.config.desk;
    Rules {
        second_person: desk.second_person,
        most_per_day: desk.most_per_day,
    }
}

fn too_many(visit: &Visit, already: i64, readers: i64) -> String {
    let number = |count| visit.language().number(count);
    let most = visit.desk.config.desk.most_per_day;
    match visit.language() {
        Language::English => format!(
            "Nothing was sent: at most {} readers may be sent to within a day, {} were already, and these are {}. Wait, or ask the operator for more.",
            number(most),
            number(already),
            number(readers)
        ),
        Language::French => format!(
            "Rien n’a été envoyé : {} lecteurs au plus par jour, {} déjà servis, et ceux-ci sont {}. Attendez, ou demandez à l’exploitant de relever la limite.",
            number(most),
            number(already),
            number(readers)
        ),
    }
}

/// A short list is settled by the time the next page comes.
async fn settled_soon(visit: &Visit, order: Uuid) -> sqlx::Result<()> {
    let until = tokio::time::Instant::now() + SETTLING;
    while tokio::time::Instant::now() < until {
        let order = order::by_id(&mut visit.read().await?, order).await?;
        let waits =
            order.is_some_and(|order| matches!(order.state, State::Placed | State::Recalled));
        if !waits {
            break;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    Ok(())
}

/// What is being settled, or undone.
fn under_way_page(visit: &Visit, month: Month, order: &Order) -> Response {
    let title = title(visit, month);
    let frame = visit.page(title.clone()).under("/desk/issues");
    let readers = visit.language().number(order.recipients);
    let says = match order.state {
        State::Recalled => visit.say(
            "Calling it back. Nothing went out, and nothing will.",
            "Rappel en cours. Rien n’est parti, et rien ne partira.",
        ),
        _ => visit.say(
            "Settling who gets what. Nothing has gone out yet; with very many readers this takes up to half a minute.",
            "Préparation des envois. Rien n’est encore parti ; avec un très grand nombre de lecteurs, cela prend jusqu’à une demi-minute.",
        ),
    };
    frame.refresh(2).script("/desk/waiting.js").show(html! {
        h1 { (title) }
        p.working role="status" data-again="1" { (says) }
        dl.facts {
            dt { (visit.say("Readers", "Lecteurs")) } dd { (readers) }
            dt { (visit.say("Ordered by", "Ordonné par")) } dd { (order.asked_name) ", " (visit.shown(order.asked_at)) }
        }
        @if order.state == State::Placed { (back_form(visit, month)) }
    })
}

/// The button that calls it back.
pub(super) fn back_form(visit: &Visit, month: Month) -> Markup {
    html! {
        form method="post" action=(format!("{}/back", page_of(month))) {
            (visit.token())
            button.grave { (visit.say("Call it back", "Rappeler l’envoi")) }
            p.means { (visit.say(
                "Nobody gets anything, and the issue can be mended and sent again.",
                "Personne ne reçoit rien, et le numéro peut être corrigé puis envoyé à nouveau.",
            )) }
        }
    }
}

/// What waits for a second person.
async fn waiting_page(visit: &Visit, month: Month, order: &Order) -> Answer {
    let title = title(visit, month);
    let is_own = order.asked_by == visit.admin.id;
    let sqlx::types::Json(when) = order.due;
    let look = visit.desk.forecasts.look(month, when, PATIENCE).await?;
    let mut frame = visit.page(title.clone()).under("/desk/issues");
    if look.counting_since.is_some() {
        frame = frame.refresh(2).script("/desk/waiting.js");
    }
    Ok(frame.show(html! {
        h1 { (title) }
        p.lead {
            (order.asked_name) " " (visit.say("asked for this on", "l’a demandé le")) " " (visit.shown(order.asked_at)) ". "
            @if is_own { (visit.say(
                "It waits for another editor: nobody agrees to their own sending.",
                "Il faut l’accord d’une autre personne : nul n’approuve son propre envoi.",
            )) } @else { (visit.say(
                "It goes out if you agree. Look at it first.",
                "L’envoi part si vous êtes d’accord. Regardez-le d’abord.",
            )) }
        }
        (figures(visit, month, &look))
        @if let Some(known) = look.known.as_ref().filter(|_| !is_own && look.counting_since.is_none()) { (agree_form(visit, month, when, order, known)) }
        (back_form(visit, month))
    }))
}

fn agree_form(visit: &Visit, month: Month, when: When, order: &Order, known: &Forecast) -> Markup {
    let readers = known.plan.recipients;
    if !visit.is_fresh {
        return html! { p { a.button href=(again(visit, month, When::Now)) { (visit.say("Go on to the button", "Continuer vers l’envoi")) } } };
    }
    let desk = visit.desk.config.desk;
    html! {
        form.send method="post" action=(format!("{}/agree", page_of(month))) {
            (visit.token())
            input type="hidden" name="key" value=(order.id);
            input type="hidden" name="fingerprint" value=(known.plan.fingerprint);
            @if desk.typed_from > 0 && readers >= desk.typed_from { (typed_field(visit, readers)) }
            button.send { (visit.say("Agree: ", "D’accord : ")) (button_text(visit, readers, when, false)) }
            p.means { (means(visit, when, false)) }
        }
    }
}

async fn agree(visit: Visit, Path(path): Path<String>, posted: Posted) -> Answer {
    let month = month_of(&path)?;
    let mut tx = visit.read().await?;
    let order = order::of_month(&mut tx, month)
        .await?
        .ok_or(DeskError::NotFound)?;
    drop(tx);
    let sqlx::types::Json(when) = order.due;
    let look = visit
        .desk
        .forecasts
        .look(month, when, Duration::ZERO)
        .await?;
    let fingerprint = posted.get("fingerprint");
    let known = look
        .known
        .filter(|known| known.plan.fingerprint == fingerprint);
    let Some(known) = known.filter(|_| posted.get("key") == order.id.to_string()) else {
        return Ok(visit.back_to(&page_of(month)));
    };
    let readers = known.plan.recipients;
    let desk = visit.desk.config.desk;
    let typed: String = posted
        .get("typed")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    if desk.typed_from > 0 && readers >= desk.typed_from && typed != readers.to_string() {
        return Ok(visit.back_to(&page_of(month)));
    }
    let by = (visit.admin.id, visit.admin.name.as_str());
    let mut tx = visit.begin().await?;
    let rules = rules_of(&visit);
    match order::agree(
        &mut tx,
        order.id,
        by,
        (fingerprint, readers),
        &rules,
        visit.now,
    )
    .await?
    {
        Agreed::Yes => {
            visit
                .audit(&mut tx, Deed::SendOrdered, &month.to_string(), readers)
                .await?;
            tx.commit().await?;
            visit.desk.placed.notify_one();
            settled_soon(&visit, order.id).await?;
            Ok(visit.back_to(&page_of(month)))
        }
        Agreed::Over => Ok(visit.back_to(&page_of(month))),
        Agreed::Own => Err(DeskError::Conflict(
            visit
                .say(
                    "Nobody agrees to their own sending. Ask another editor.",
                    "Nul n’approuve son propre envoi. Adressez-vous à une autre personne.",
                )
                .to_owned(),
        )),
        Agreed::TooMany(already) => Err(DeskError::Conflict(too_many(&visit, already, readers))),
    }
}

/// Takes an order back, or calls its campaign back before the first mail.
async fn take_back(visit: Visit, Path(path): Path<String>) -> Answer {
    let month = month_of(&path)?;
    let mut tx = visit.begin().await?;
    let order = order::of_month(&mut tx, month)
        .await?
        .ok_or(DeskError::NotFound)?;
    let withdrawn = order::withdraw(&mut tx, order.id).await?;
    let recalled = !withdrawn && order::recall(&mut tx, order.id, visit.now).await?;
    if withdrawn || recalled {
        visit
            .audit(
                &mut tx,
                Deed::SendTakenBack,
                &month.to_string(),
                order.recipients,
            )
            .await?;
        tx.commit().await?;
        visit.desk.placed.notify_one();
        settled_soon(&visit, order.id).await?;
        return Ok(visit.back_to(&format!("{}?done=withdrawn", page_of(month))));
    }
    Ok(visit.back_to(&format!("/desk/campaigns/{month}?done=begun")))
}

async fn count_again(visit: Visit, Path(path): Path<String>) -> Answer {
    let month = month_of(&path)?;
    visit.desk.forecasts.count(month, When::Now);
    Ok(visit.back_to(&page_of(month)))
}
