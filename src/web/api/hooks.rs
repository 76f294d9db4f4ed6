//! Which other programs are told what happens.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Call;
use super::forms::{ID, LINE, TIME};
use super::operation::{Answer, Body, Content, Operation, Reply};
use super::problem::Problem;
use super::schema::{Form, Schema, field, fields, optional};
use crate::audit::Deed;
use crate::db::Tx;
use crate::outbox::{self, EVENTS, Event, Hook, New};
use crate::teller;
use crate::token::Scope;

pub(super) fn operations() -> Vec<Operation> {
    use Scope::HooksWrite as Write;
    vec![
        Operation::new(Method::GET, "/hooks", Write, ["hook_list", "Programs that are told what happens"], list)
            .gives(&Schema::List(&HOOK, 1_000)),
        Operation::new(Method::POST, "/hooks", Write, ["hook_add", "Have a program told what happens"], add)
            .about(
                "Told at least once, in order, by a POST that is signed as Standard Webhooks says; again for three days \
                 where it is not answered by 2xx. Only public addresses, and no redirects.",
            )
            .takes(Body::Json(&GIVEN))
            .gives_as(201, Content::Json(&MADE), "The secret is shown this once."),
        Operation::new(Method::POST, "/hooks/{id}/test", Write, ["hook_test", "Tell a hook something to try it out"], test)
            .gives_as(202, Content::Json(&HOOK), "It will be told within some seconds."),
        Operation::new(Method::DELETE, "/hooks/{id}", Write, ["hook_end", "Tell a hook nothing more"], end)
            .gives_as(204, Content::Nothing, "What waited for it is gone, too."),
    ]
}

const URL: Schema = Schema::Form(&Form {
    pattern: "^https://[a-z0-9]{1,30}(-[a-z0-9]{1,20})?\\.[a-z]{2,20}(/[A-Za-z0-9._~!$&'()*+,;=:@%-]{0,60})*(\\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,60})?$",
    format: None,
    most: outbox::LONGEST_URL,
    is: teller::is_url,
    mend: "must be an https address without a password in it, such as https://example.org/bulletin",
});

const EVENT: Schema = Schema::Word(|| EVENTS.iter().map(|word| word.as_str()).collect());

const GIVEN: Schema = Schema::Named(
    "HookGiven",
    &Schema::Object(&[fields! {
        field url: URL;
        field events: Schema::List(&EVENT, 4), "What it is told; nothing: tests alone.";
        optional with_address: Schema::Flag, "Whether it is told readers' addresses, not only their ids.";
    }]),
);

const HOOK: Schema = Schema::Named(
    "Hook",
    &Schema::Object(&[fields! {
        field id: ID;
        field url: LINE;
        field events: Schema::List(&EVENT, 4);
        field with_address: Schema::Flag;
        field made_by: LINE;
        field made_at: TIME;
    }]),
);

const MADE: Schema = Schema::Object(&[fields! {
    field id: ID;
    field secret: LINE, "`whsec_` and the key of the signatures in Base64.";
}]);

#[derive(Deserialize)]
struct Given {
    url: String,
    events: Vec<Event>,
    #[serde(default)]
    with_address: bool,
}

async fn list(call: Call) -> Answer {
    let hooks = outbox::hooks(&mut call.reading().await?).await?;
    let hooks: Vec<Value> = hooks.iter().map(shown).collect();
    Ok(Reply::json(hooks))
}

async fn add(call: Call) -> Answer {
    let mut given: Given = call.body()?;
    given.events.sort_unstable();
    given.events.dedup();
    let who = call.token.who();
    let new = New {
        id: (call.desk.site.new_id)(),
        url: &given.url,
        events: &given.events,
        with_address: given.with_address,
        made_by: &who,
    };
    let mut tx = call.begin().await?;
    let secret = outbox::add(&mut tx, &call.desk.site.keys, &new, call.now).await?;
    call.audit(&mut tx, Deed::HookMade, outbox::host(&given.url), 1)
        .await?;
    tx.commit().await?;
    Ok(Reply::json(json!({"id": new.id, "secret": secret})).status(201))
}

async fn test(call: Call) -> Answer {
    let mut tx = call.begin().await?;
    let hook = of_id(&mut tx, call.id()?).await?;
    outbox::test(&mut tx, hook.id, call.now).await?;
    tx.commit().await?;
    Ok(Reply::json(shown(&hook)).status(202))
}

async fn end(call: Call) -> Answer {
    let mut tx = call.begin().await?;
    let hook = of_id(&mut tx, call.id()?).await?;
    outbox::end(&mut tx, hook.id, call.now).await?;
    call.audit(&mut tx, Deed::HookEnded, outbox::host(&hook.url), 1)
        .await?;
    tx.commit().await?;
    Ok(Reply::nothing())
}

async fn of_id(tx: &mut Tx, id: Uuid) -> Result<Hook, Problem> {
    let hook = outbox::hook(tx, id).await?;
    hook.ok_or_else(|| Problem::not_found("there is no such hook; it may have ended"))
}

fn shown(hook: &Hook) -> Value {
    json!({
        "id": hook.id,
        "url": hook.url,
        "events": hook.events(),
        "with_address": hook.with_address,
        "made_by": hook.made_by,
        "made_at": hook.made_at,
    })
}
