//! Sending an issue: what the plan would come to, and the order to send it. The same order as at the desk: it is settled
//! into a campaign afterwards, once, however often it is asked for.

use std::time::Duration;

use axum::http::Method;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Call;
use super::forms::{COUNT, FINGERPRINT, ID, LINE, MONTH, SLUGS, TIME, WALL};
use super::issues::no_issue;
use super::operation::{Answer, Body, Content, Operation, Reply};
use super::problem::{Kind, Problem};
use super::schema::{Field, Schema, field, fields, optional};
use crate::audit::Deed;
use crate::content::Occasion;
use crate::db::Tx;
use crate::forecast::{Failed, Forecast};
use crate::issue::Month;
use crate::plan::{When, wall};
use crate::sending::order::{self, Asked, Because, New, Order, Rules, State};
use crate::token::Scope;

/// How long a call waits for a plan to be counted; a million readers take seconds.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn operations() -> Vec<Operation> {
    use Scope::{CampaignsRead as Read, CampaignsSend as Send};
    const ORDER_PATH: &str = "/issues/{month}/order";
    vec![
        Operation::new(
            Method::GET,
            "/issues/{month}/plan",
            Read,
            ["plan_get", "Who would get what, were the issue sent"],
            plan,
        )
        .about("Changes nothing. Its fingerprint names exactly this content for exactly these readers.")
        .query(&[AT, READERS_CLOCKS])
        .gives(&PLAN),
        Operation::new(
            Method::POST,
            "/issues/{month}/send",
            Send,
            ["issue_send", "Order an issue to be sent"],
            send,
        )
        .about(
            "Sends nothing unless the plan has the fingerprint that is given, with the same time. The order is settled \
             into a campaign afterwards; until its first mail it can be taken back. Asked again with the same key, it \
             gives the same order and sends nothing more; an issue is never sent twice to the same reader.",
        )
        .takes(Body::Json(&SEND))
        .wants_key()
        .gives_as(202, Content::Json(&ORDER), "It is written down, and will be settled."),
        Operation::new(Method::GET, ORDER_PATH, Read, ["order_get", "The newest order of an issue"], show)
            .gives(&ORDER),
        Operation::new(
            Method::DELETE,
            ORDER_PATH,
            Send,
            ["order_take_back", "Take an order back, before its first mail"],
            take_back,
        )
        .about("The issue can be mended and sent afterwards. What has begun to go out is held up as a campaign.")
        .gives_as(202, Content::Json(&ORDER), "Nothing of it goes out."),
    ]
}

const AT: Field = optional("at", TIME, "Not before this moment.");
const READERS_CLOCKS: Field = optional(
    "readers_clocks",
    WALL,
    "Each reader's when the clocks in their own time zone show this; not together with `at`.",
);

const SEND: Schema = Schema::Named(
    "Send",
    &Schema::Object(&[&[
        field(
            "fingerprint",
            FINGERPRINT,
            "Of the plan that was looked at.",
        ),
        AT,
        READERS_CLOCKS,
    ]]),
);

const PLAN: Schema = Schema::Named(
    "Plan",
    &Schema::Object(&[fields! {
        field month: MONTH;
        field recipients: COUNT;
        field variants: Schema::List(&VARIANT, 100_000), "Every distinct mail.";
        field nothing_matched: COUNT, "Readers whom nothing matched, whatever they get.";
        field excluded: Schema::Map(&COUNT), "How many are left out, by reason.";
        field warnings: SLUGS;
        field due: Schema::Maybe(&SPAN), "When the first and the last are due.";
        field fingerprint: LINE;
        field settled: Schema::Flag, "Whether the issue has its campaign already: then this is what it settled.";
    }]),
);

const SPAN: Schema = Schema::Object(&[fields! {
    field first: TIME;
    field last: TIME;
}]);

const VARIANT: Schema = Schema::Named(
    "Variant",
    &Schema::Object(&[&[
        field("summaries", SLUGS, "Titles, in the issue's order."),
        field("subscribers", COUNT, ""),
        field(
            "occasion",
            Schema::Word(Occasion::words),
            "Whether it matched, or what is sent where nothing did.",
        ),
        field(
            "orders",
            Schema::List(
                &Schema::Object(&[fields! {
                    field selection: LINE;
                    field subscribers: COUNT;
                }]),
                100_000,
            ),
            "In which orders it goes out.",
        ),
    ]]),
);

const ORDER: Schema = Schema::Named(
    "Order",
    &Schema::Object(&[fields! {
        field id: ID;
        field month: MONTH;
        field state: Schema::Word(State::words),
            "`asked`: waits for a second person. `placed`: is to be settled. `settled`: has its campaign. `recalled`, \
            `withdrawn`: taken back. `refused`: nothing was sent.";
        field fingerprint: LINE;
        field recipients: COUNT;
        field asked_by: LINE;
        field asked_at: TIME;
        field agreed_by: Schema::Maybe(&LINE), "Where a second person has to agree.";
        field because: Schema::Maybe(&Schema::Word(Because::words)), "Why nothing was sent.";
    }]),
);

#[derive(Deserialize)]
struct Sent {
    fingerprint: String,
    at: Option<DateTime<Utc>>,
    readers_clocks: Option<String>,
}

async fn plan(call: Call) -> Answer {
    let at = call.text("at").and_then(|at| at.parse().ok());
    let when = when(at, call.text("readers_clocks"))?;
    let forecast = forecast(&call, call.month()?, when).await?;
    Ok(Reply::json(&forecast.plan))
}

async fn send(call: Call) -> Answer {
    let (month, sent) = (call.month()?, call.body::<Sent>()?);
    let when = when(sent.at, sent.readers_clocks.as_deref())?;
    let id = key_of(&call);
    if let Some(known) = order::by_id(&mut call.reading().await?, id).await? {
        return again(&known, month, &sent.fingerprint, when);
    }
    let missing = call.desk.config.missing_identity();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(Problem::conflict(format!(
            "nothing can be sent before these settings are made: {missing}"
        )));
    }
    let forecast = forecast(&call, month, when).await?;
    if forecast.plan.settled {
        return Err(sent_already(month));
    }
    if forecast.plan.fingerprint != sent.fingerprint {
        return Err(Problem::does_not_fit(
            "body /fingerprint",
            format!(
                "the plan has changed: it was {} and is {}; nothing was sent, look at it and ask again",
                sent.fingerprint, forecast.plan.fingerprint
            ),
        ));
    }
    ask(&call, id, month, when, &forecast).await
}

/// Writes the order down, unless somebody else was quicker.
async fn ask(call: &Call, id: Uuid, month: Month, when: When, forecast: &Forecast) -> Answer {
    let (name, plan) = (call.token.who(), &forecast.plan);
    let new = New {
        id,
        month,
        fingerprint: &plan.fingerprint,
        recipients: plan.recipients,
        when,
        by: call.token.id,
        name: &name,
    };
    let rules = Rules::of(&call.desk.config);
    let mut tx = call.begin().await?;
    let order = match order::ask(&mut tx, &new, &rules, call.now).await? {
        Asked::New(order) => order,
        Asked::Known(known) if known.id == id => {
            return again(&known, month, &plan.fingerprint, when);
        }
        Asked::Known(known) => {
            return Err(Problem::conflict(format!(
                "{month} has an order already, by {}, which stands at '{}'; GET /api/v1/issues/{month}/order shows it",
                known.asked_name, known.state
            )));
        }
        Asked::Sent => return Err(sent_already(month)),
        Asked::TooMany(already) => {
            return Err(Problem::conflict(format!(
                "{already} readers were sent to within a day; {} more are more than desk.most_per_day allows",
                plan.recipients
            )));
        }
    };
    call.audit(&mut tx, order.deed(), &order.month, order.recipients)
        .await?;
    tx.commit().await?;
    call.desk.placed.notify_one();
    Ok(Reply::json(shown(&order)).status(202))
}

async fn show(call: Call) -> Answer {
    let mut tx = call.reading().await?;
    Ok(Reply::json(shown(&of_month(&mut tx, call.month()?).await?)))
}

async fn take_back(call: Call) -> Answer {
    let month = call.month()?;
    let mut tx = call.begin().await?;
    let order = of_month(&mut tx, month).await?;
    let is_back = match order.state {
        State::Recalled | State::Withdrawn => return Ok(Reply::json(shown(&order)).status(202)),
        State::Asked | State::Placed => order::withdraw(&mut tx, order.id).await?,
        State::Settled => order::recall(&mut tx, order.id, call.now).await?,
        State::Refused => false,
    };
    if !is_back {
        return Err(Problem::conflict(format!(
            "it is too late to take this back: it stands at '{}'; POST /api/v1/campaigns/{month}/cancel ends what goes out",
            order.state
        )));
    }
    let (subject, count) = (&order.month, order.recipients);
    call.audit(&mut tx, Deed::SendTakenBack, subject, count)
        .await?;
    let order = of_month(&mut tx, month).await?;
    tx.commit().await?;
    call.desk.placed.notify_one();
    Ok(Reply::json(shown(&order)).status(202))
}

async fn of_month(tx: &mut Tx, month: Month) -> Result<Order, Problem> {
    let found = order::of_month(tx, month).await?;
    found.ok_or_else(|| Problem::not_found(format!("nobody has ordered {month} to be sent")))
}

/// The order that a key of this token names.
fn key_of(call: &Call) -> Uuid {
    let key = call.key.as_deref().unwrap_or_default();
    Uuid::new_v5(&call.token.id, key.as_bytes())
}

/// The same key was used before.
fn again(known: &Order, month: Month, fingerprint: &str, when: When) -> Answer {
    let is_same = known.month == month.to_string()
        && (known.fingerprint == fingerprint || known.agreed_name.is_some())
        && known.due.0 == when;
    match is_same {
        true => Ok(Reply::json(shown(known)).status(202)),
        false => Err(Problem::does_not_fit(
            "header Idempotency-Key",
            "this key was used for something else; think up another one for each thing to be done",
        )),
    }
}

fn sent_already(month: Month) -> Problem {
    Problem::conflict(format!(
        "{month} has its campaign already; GET /api/v1/campaigns/{month} shows how it stands"
    ))
}

/// The plan as it is now, once it has been counted.
async fn forecast(
    call: &Call,
    month: Month,
    when: When,
) -> Result<std::sync::Arc<Forecast>, Problem> {
    let look = call.desk.forecasts.look(month, when, PATIENCE).await?;
    match (look.known, look.failed) {
        (Some(known), _) if look.is_current => Ok(known),
        (_, Some(Failed::NoIssue)) => Err(no_issue(month)),
        (_, Some(Failed::Empty)) => Err(Problem::conflict(format!(
            "the issue {month} has no summaries; PUT them in first"
        ))),
        _ => Err(Problem::later(
            Kind::Unavailable,
            "the plan is being counted, which takes longer the more readers there are; ask again",
            5,
        )),
    }
}

fn when(at: Option<DateTime<Utc>>, clocks: Option<&str>) -> Result<When, Problem> {
    match (at, clocks.and_then(wall)) {
        (Some(_), Some(_)) => Err(Problem::conflict(
            "give 'at' or 'readers_clocks', not both: they are two ways of saying when",
        )),
        (Some(at), None) => Ok(When::At(at)),
        (None, Some(wall)) => Ok(When::OnReadersClocks(wall)),
        (None, None) => Ok(When::Now),
    }
}

/// An order as programs see it.
fn shown(order: &Order) -> Value {
    json!({
        "id": order.id,
        "month": order.month,
        "state": order.state,
        "fingerprint": order.fingerprint,
        "recipients": order.recipients,
        "asked_by": order.asked_name,
        "asked_at": order.asked_at,
        "agreed_by": order.agreed_name,
        "because": order.because,
    })
}
