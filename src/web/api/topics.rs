//! Topics, with how many summaries and readers each has.

use axum::http::Method;

use super::call::Call;
use super::forms::{COUNT, LINE, SLUGS};
use super::operation::{Answer, Operation, Reply};
use super::schema::{Schema, field, fields};
use crate::subscription;
use crate::token::Scope;

pub(super) fn operations() -> Vec<Operation> {
    let names = [
        "topic_list",
        "Every topic, with how many summaries and subscribers it has",
    ];
    vec![
        Operation::new(Method::GET, "/topics", Scope::IssuesRead, names, list)
            .gives(&Schema::List(&TOPIC, 10_000)),
    ]
}

const TOPIC: Schema = Schema::Named(
    "Topic",
    &Schema::Object(&[fields! {
        field slug: LINE;
        field name: LINE;
        field aliases: SLUGS, "Other names that files may use.";
        field description: LINE;
        field summaries: COUNT;
        field subscribers: COUNT, "Who chose it; who gets every topic is not counted.";
    }]),
);

async fn list(call: Call) -> Answer {
    let mut tx = call.reading().await?;
    let listed = subscription::topics(&mut tx, &call.desk.site.vocabulary).await?;
    Ok(Reply::json(listed))
}
