//! Addresses that get no mail.

use axum::http::Method;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::forms::{ADDRESS, HASH, LINE, SOURCE, TIME};
use super::operation::{Answer, Body, Operation, Reply};
use super::paging::{LIMIT, MOST, cut};
use super::problem::Problem;
use super::readers::address_of;
use super::schema::{Field, Schema, field, fields, optional};
use crate::audit::Deed;
use crate::mask::masked;
use crate::record::What;
use crate::suppression::{self, Listed, Reason};
use crate::token::Scope;

pub(super) fn operations() -> Vec<Operation> {
    use Scope::{SuppressionsRead as Read, SuppressionsWrite as Write};
    vec![
        Operation::new(
            Method::GET,
            "/suppressions",
            Read,
            ["suppression_list", "Every address that gets no mail"],
            list,
        )
        .about(
            "Only a keyed hash is known of who is no reader any more. In the order of the hashes.",
        )
        .query(&[AFTER, LIMIT])
        .gives(&Schema::List(&LISTED, MOST)),
        Operation::new(
            Method::POST,
            "/suppressions",
            Write,
            ["suppression_add", "Keep an address from getting mail"],
            add,
        )
        .takes(Body::Json(&ADDED))
        .gives(&WAS_ADDED),
        Operation::new(
            Method::POST,
            "/suppressions/lift",
            Write,
            ["suppression_lift", "Let one address have mail again"],
            lift,
        )
        .about(
            "What it was suppressed for is kept with the note. A subscription that ended stays so.",
        )
        .takes(Body::Json(&LIFTED))
        .gives(&WAS_LIFTED),
    ]
}

const REASON: Schema = Schema::Word(Reason::words);

const AFTER: Field = optional("after", HASH, "Goes on behind this hash.");

const WAS_ADDED: Schema = Schema::Object(&[fields! {
    field added: Schema::Flag, "False if it got none before.";
}]);

const WAS_LIFTED: Schema = Schema::Object(&[fields! {
    field released: REASON, "What it had been suppressed for.";
}]);

const LISTED: Schema = Schema::Named(
    "Suppression",
    &Schema::Object(&[fields! {
        field address: Schema::Maybe(&LINE), "Where a reader still has it.";
        field address_hash: HASH;
        field reason: REASON;
        field since: TIME;
        field note: LINE;
    }]),
);

const ADDED: Schema = Schema::Object(&[fields! {
    field address: ADDRESS;
    optional note: SOURCE, "Why; addresses in it are masked.";
}]);

const LIFTED: Schema = Schema::Object(&[fields! {
    field address: ADDRESS;
    field note: SOURCE, "Why; addresses in it are masked.";
}]);

#[derive(Deserialize)]
struct Given {
    address: String,
    #[serde(default)]
    note: String,
}

async fn list(call: Call) -> Answer {
    let after = call.text("after").unwrap_or_default();
    let after = HEXLOWER.decode(after.as_bytes()).unwrap_or_default();
    let mut tx = call.reading().await?;
    let mut found = suppression::page(&mut tx, &after, call.limit() + 1).await?;
    drop(tx);
    let is_more = cut(&mut found, call.limit());
    let next = found.last().map(|last| HEXLOWER.encode(&last.address_hash));
    call.note(What::Suppressions, None, found.len()).await?;
    let listed: Vec<Value> = found.iter().map(listed).collect();
    Ok(call.part(listed, next.filter(|_| is_more)))
}

fn listed(one: &Listed) -> Value {
    json!({
        "address": one.address,
        "address_hash": HEXLOWER.encode(&one.address_hash),
        "reason": one.reason,
        "since": one.since,
        "note": one.note,
    })
}

async fn add(call: Call) -> Answer {
    let given: Given = call.body()?;
    let hash = address_of(&given.address)?.hash(&call.desk.site.keys);
    let mut tx = call.begin().await?;
    let before = suppression::of(&mut tx, &hash).await?;
    suppression::suppress(
        &mut tx,
        &hash,
        Reason::Manual,
        &masked(&given.note),
        call.now,
    )
    .await?;
    if before.is_none() {
        call.audit(&mut tx, Deed::AddressSuppressed, "", 1).await?;
    }
    tx.commit().await?;
    Ok(Reply::json(json!({ "added": before.is_none() })))
}

async fn lift(call: Call) -> Answer {
    let given: Given = call.body()?;
    let hash = address_of(&given.address)?.hash(&call.desk.site.keys);
    let mut tx = call.begin().await?;
    let released = suppression::release(&mut tx, &hash, &masked(&given.note), call.now).await?;
    let found = released.ok_or_else(|| Problem::not_found("the address is not suppressed"))?;
    call.audit(&mut tx, Deed::AddressReleased, "", 1).await?;
    tx.commit().await?;
    Ok(Reply::json(json!({ "released": found.reason })))
}
