//! The description of the API (OpenAPI 3.1), made from its table: what is not in it is not served.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use super::forms::{KEY, of_path};
use super::operation::{Body, Content, Gives, Operation};
use super::problem::{PROBLEM, PROBLEM_TYPE};
use super::{ROOT, table};
use crate::token::Scope;
use crate::topic::Vocabulary;
use crate::web::desk::Desk;

const ABOUT: &str = "What the editor's desk can do, for other programs. Every call bears a token, made by an owner at \
    /desk/tokens with the scopes that it needs. A call that cannot be answered is told why, where, and what to do \
    (RFC 9457): 422 where something has not the form that stands here, 409 where it has and does not fit what there is. \
    Lists come in parts: the header field `Link` has the address of the next. A body has at most 1 MiB, and a token calls at \
    most 1,200 times in a minute: then 429, with the seconds to wait in `Retry-After`.";

pub(super) async fn document(State(desk): State<Desk>) -> impl IntoResponse {
    let described = described(&desk.site.vocabulary, &desk.site.url(ROOT));
    ([(CONTENT_TYPE, "application/json")], described.to_string())
}

/// The description, with the vocabulary's own topics and types; `server` is where the API stands.
pub fn described(vocabulary: &Vocabulary, server: &str) -> Value {
    let mut named = Map::new();
    let mut paths = Map::new();
    let problem = PROBLEM.json(vocabulary, &mut named);
    for operation in table() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        let method = operation.method.as_str().to_ascii_lowercase();
        path[method] = described_operation(&operation, vocabulary, &mut named, &problem);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Bulletin", "version": "1", "description": ABOUT},
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": named,
            "securitySchemes": {"token": {
                "type": "http", "scheme": "bearer", "description": scopes(),
            }},
        },
    })
}

fn scopes() -> String {
    format!(
        "A token of this service, `blt_…`. Scopes: {}.",
        Scope::words().join(", ")
    )
}

fn described_operation(
    operation: &Operation,
    vocabulary: &Vocabulary,
    named: &mut Map<String, Value>,
    problem: &Value,
) -> Value {
    let scope = format!("Wants the scope `{}`.", operation.scope);
    let about = format!("{} {scope}", operation.about);
    let mut responses = Map::new();
    for gives in &operation.gives {
        let response = response(operation, gives, vocabulary, named);
        responses.insert(gives.status.to_string(), response);
    }
    for (status, about) in refusals(operation) {
        let content = json!({PROBLEM_TYPE: {"schema": problem}});
        let mut refusal = json!({"description": about, "content": content});
        if let Some([name, sort]) = field_of(status) {
            refusal["headers"] = json!({name: {"schema": {"type": sort}}});
        }
        responses.insert(status.to_string(), refusal);
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": about.trim(),
        "tags": [operation.path.split('/').nth(1).unwrap_or_default()],
        "security": [{"token": [operation.scope]}],
        "parameters": parameters(operation, vocabulary, named),
        "responses": responses,
    });
    if let Some(content) = body(operation, vocabulary, named) {
        described["requestBody"] = json!({"required": true, "content": content});
    }
    described
}

fn parameters(
    operation: &Operation,
    vocabulary: &Vocabulary,
    named: &mut Map<String, Value>,
) -> Vec<Value> {
    let mut parameters = Vec::new();
    for name in operation.names() {
        let schema = of_path(name).json(vocabulary, named);
        parameters.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
    }
    for field in operation.query {
        let schema = field.schema.json(vocabulary, named);
        parameters.push(json!({
            "name": field.name, "in": "query", "required": field.is_needed, "schema": schema, "description": field.about,
        }));
    }
    if operation.wants_key {
        let about = "Thought up by the program, for each thing that is to be done: the same key, the same thing, once.";
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": true, "schema": KEY.json(vocabulary, named),
            "description": about,
        }));
    }
    parameters
}

fn body(
    operation: &Operation,
    vocabulary: &Vocabulary,
    named: &mut Map<String, Value>,
) -> Option<Value> {
    let schema = match operation.body {
        Body::Nothing => return None,
        Body::Json(schema) | Body::Markdown(schema) => schema.json(vocabulary, named),
    };
    let mut content = json!({"application/json": {"schema": schema}});
    if let Body::Markdown(_) = operation.body {
        content["text/markdown"] = json!({"schema": {"type": "string"}});
    }
    Some(content)
}

fn response(
    operation: &Operation,
    gives: &Gives,
    vocabulary: &Vocabulary,
    named: &mut Map<String, Value>,
) -> Value {
    let about = match gives.about {
        "" => operation.summary,
        about => about,
    };
    let mut response = json!({"description": about});
    match gives.content {
        Content::Nothing => {}
        Content::Json(schema) => {
            let schema = schema.json(vocabulary, named);
            response["content"] = json!({"application/json": {"schema": schema}});
        }
        Content::Markdown => {
            response["content"] = json!({"text/markdown": {"schema": {"type": "string"}}});
        }
    }
    if operation.is_paged() {
        response["headers"] = json!({"Link": {
            "description": "The address of the next part, where there is one (RFC 8288).", "schema": {"type": "string"},
        }});
    }
    response
}

/// The header field that comes with a refusal, and of what type it is.
fn field_of(status: u16) -> Option<[&'static str; 2]> {
    match status {
        401 => Some(["WWW-Authenticate", "string"]),
        429 | 503 => Some(["Retry-After", "integer"]),
        _ => None,
    }
}

/// What an operation may be refused with.
pub(super) fn refusals(operation: &Operation) -> Vec<(u16, &'static str)> {
    let takes_something = !matches!(operation.body, Body::Nothing);
    let mut refusals = vec![
        (401, "There is no token, or one that does not count."),
        (403, "The token may not do this."),
        (404, "There is no such thing."),
        (
            429,
            "The token has called too often; call again after as many seconds as Retry-After says.",
        ),
        (
            503,
            "Not now; ask again after as many seconds as Retry-After says.",
        ),
    ];
    if takes_something {
        refusals.extend([
            (400, "The body cannot be read."),
            (413, "The body is too large."),
            (415, "The body is of another type than is taken."),
        ]);
    }
    if takes_something || !operation.query.is_empty() || operation.wants_key {
        refusals.push((
            422,
            "Something has not the form that is described; `errors` says where.",
        ));
    }
    refusals.push((
        409,
        "It has the right form, and does not fit what there is.",
    ));
    refusals
}
