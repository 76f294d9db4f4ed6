//! One call: who makes it, what they ask, and how it is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body;
use axum::extract::{RawPathParams, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::MOST_BYTES;
use super::forms::{KEY, of_path};
use super::operation::{Body, Operation, Reply, Said};
use super::problem::{Kind, Place, Problem};
use super::schema::Wrong;
use crate::audit::{self, Deed};
use crate::db::Tx;
use crate::issue::Month;
use crate::record::{self, Shown, What};
use crate::token::{self, Token};
use crate::web::desk::Desk;
use crate::web::limits::MOST_CALLS;

/// A call that may be answered: its token may ask it, and all that came with it has the form that is described.
pub struct Call {
    pub desk: Desk,
    pub token: Token,
    pub now: DateTime<Utc>,
    /// As it stands in the table, with its names filled in.
    pub path: String,
    pub names: BTreeMap<String, String>,
    pub query: Map<String, Value>,
    pub body: Taken,
    /// What names this call, so that it is done once.
    pub key: Option<String>,
}

/// What came in.
pub enum Taken {
    Nothing,
    Json(Value),
    Markdown(Vec<u8>),
}

/// Looks at a call, and has it answered.
pub(super) async fn answer(
    desk: Desk,
    operation: Arc<Operation>,
    path: RawPathParams,
    request: Request,
) -> Response {
    let answered = async {
        let call = Call::read(desk, &operation, &path, request).await?;
        (operation.handler)(call).await
    };
    match answered.await {
        Ok(reply) => reply.into_response(),
        Err(problem) => problem.into_response(),
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let content = |sort: &'static str| [(CONTENT_TYPE, sort)];
        let mut response = match self.said {
            Said::Nothing => status.into_response(),
            Said::Json(value) => {
                (status, content("application/json"), value.to_string()).into_response()
            }
            Said::Markdown(text) => {
                (status, content("text/markdown; charset=utf-8"), text).into_response()
            }
        };
        for (name, value) in self.fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                let name = HeaderName::from_static(name);
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

impl Call {
    async fn read(
        desk: Desk,
        operation: &Operation,
        path: &RawPathParams,
        request: Request,
    ) -> Result<Call, Problem> {
        let now = (desk.site.clock)();
        let (parts, body) = request.into_parts();
        let token = admitted(&desk, operation, &parts.headers, now).await?;
        let mut wrongs = Vec::new();
        let names = names(&desk, path)?;
        let query = query(&desk, operation, parts.uri.query(), &mut wrongs);
        let key = key(&desk, operation, &parts.headers, &mut wrongs);
        let body = taken(&desk, operation, &parts.headers, body, &mut wrongs).await?;
        if !wrongs.is_empty() {
            return Err(Problem::invalid(wrongs));
        }
        let mut whole = operation.path.to_owned();
        for (name, value) in &names {
            whole = whole.replace(&format!("{{{name}}}"), value);
        }
        Ok(Call {
            desk,
            token,
            now,
            path: whole,
            names,
            query,
            body,
            key,
        })
    }

    /// The body, whose form has been looked at.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let value = match &self.body {
            Taken::Json(value) => value.clone(),
            _ => Value::Null,
        };
        serde_json::from_value(value).map_err(|error| {
            // What the schema lets through and the type does not is a mistake of ours, but still no one else's trouble.
            let place = Place {
                at: "body".to_owned(),
                says: error.to_string(),
            };
            Problem::invalid(vec![place])
        })
    }

    pub fn month(&self) -> Result<Month, Problem> {
        let text = self.names.get("month").map_or("", String::as_str);
        text.parse::<Month>()
            .map_err(|error| Problem::not_found(error.to_string()))
    }

    pub fn id(&self) -> Result<Uuid, Problem> {
        let text = self.names.get("id").map_or("", String::as_str);
        text.parse()
            .map_err(|_| Problem::not_found(format!("'{text}' is no id")))
    }

    /// What the query says under a name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(Value::as_str)
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.query.get(name).and_then(Value::as_i64)
    }

    pub async fn begin(&self) -> sqlx::Result<Tx> {
        self.desk.site.db.begin().await
    }

    pub async fn reading(&self) -> sqlx::Result<Tx> {
        self.desk.site.db.read().await
    }

    /// Writes down what the token was used for, in the transaction that does it. `subject` names no reader.
    pub async fn audit(
        &self,
        tx: &mut Tx,
        deed: Deed,
        subject: &str,
        count: i64,
    ) -> sqlx::Result<()> {
        let who = self.token.who();
        let done = audit::Done {
            who: &who,
            deed,
            subject,
            count,
        };
        audit::add(tx, &self.desk.site.keys, &done, self.now).await
    }

    /// Writes down that something held of readers is about to be shown, and commits it.
    pub async fn note(
        &self,
        what: What,
        subscriber: Option<Uuid>,
        readers: usize,
    ) -> sqlx::Result<()> {
        let who = self.token.who();
        let shown = Shown {
            who: &who,
            what,
            subscriber,
            readers: readers as i64,
        };
        let mut tx = self.begin().await?;
        record::note(&mut tx, &shown, self.now).await?;
        tx.commit().await
    }
}

/// The token, if it may make this call.
async fn admitted(
    desk: &Desk,
    operation: &Operation,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Result<Token, Problem> {
    if !desk.may_take_passwords() {
        return Err(Problem::new(
            Kind::NotAllowed,
            "A token is not to go over an open line: the operator has to put a server with a certificate in front, \
             and set site.url to its https address.",
        ));
    }
    let given = bearer(headers).ok_or_else(|| {
        Problem::no_token("Send the header field 'Authorization: Bearer blt_…'; an owner makes tokens at /desk/tokens.")
    })?;
    let mut tx = desk.site.db.read().await?;
    let found = token::of_text(&mut tx, given).await?;
    drop(tx);
    let found = found.filter(|token| token.counts(now)).ok_or_else(|| {
        Problem::no_token("This token is not known, was revoked, or has come to its end; an owner makes another at /desk/tokens.")
    })?;
    desk.calls.count(found.id, now).map_err(|seconds| {
        let detail = format!("This token has called {MOST_CALLS} times within a minute; nothing was done. Call again in {seconds} seconds.");
        Problem::later(Kind::TooMany, detail, seconds)
    })?;
    if found.is_to_be_seen(now) {
        let mut tx = desk.site.db.begin().await?;
        token::seen(&mut tx, found.id, now).await?;
        tx.commit().await?;
    }
    if !found.may(operation.scope) {
        let detail = format!(
            "This wants a token with the scope {}; this one has {}.",
            operation.scope, found.scopes
        );
        return Err(Problem::new(Kind::NotAllowed, detail));
    }
    Ok(found)
}

/// What stands behind `Bearer` (RFC 6750). Two fields are none.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut fields = headers.get_all(AUTHORIZATION).into_iter();
    let (first, second) = (fields.next()?, fields.next());
    let (scheme, token) = first.to_str().ok()?.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer") && second.is_none();
    is_bearer.then_some(token.trim())
}

fn names(desk: &Desk, path: &RawPathParams) -> Result<BTreeMap<String, String>, Problem> {
    let mut names = BTreeMap::new();
    for (name, value) in path {
        let wrongs = of_path(name).check(&value.into(), &desk.site.vocabulary);
        if let Some(wrong) = wrongs.first() {
            return Err(Problem::not_found(format!(
                "there is no such address: {name} {}",
                wrong.says
            )));
        }
        names.insert(name.to_owned(), value.to_owned());
    }
    Ok(names)
}

fn query(
    desk: &Desk,
    operation: &Operation,
    text: Option<&str>,
    wrongs: &mut Vec<Place>,
) -> Map<String, Value> {
    let mut query = Map::new();
    for (name, value) in form_urlencoded::parse(text.unwrap_or_default().as_bytes()) {
        let wrong = |says: String| Place {
            at: format!("query {name}"),
            says,
        };
        let Some(field) = operation.query.iter().find(|field| field.name == name) else {
            let known = operation.query.iter().map(|field| field.name);
            let known = known.collect::<Vec<_>>().join(", ");
            wrongs.push(wrong(format!("is not known here; there are: {known}")));
            continue;
        };
        let value = field.schema.read(&value);
        let found = field.schema.check(&value, &desk.site.vocabulary);
        wrongs.extend(found.into_iter().map(|found| wrong(found.says)));
        if query.insert(field.name.to_owned(), value).is_some() {
            wrongs.push(wrong("is given twice".to_owned()));
        }
    }
    query
}

fn key(
    desk: &Desk,
    operation: &Operation,
    headers: &HeaderMap,
    wrongs: &mut Vec<Place>,
) -> Option<String> {
    if !operation.wants_key {
        return None;
    }
    let given = headers.get("idempotency-key");
    let given = given
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let found = KEY.check(&given.into(), &desk.site.vocabulary);
    wrongs.extend(found.into_iter().map(|found| Place {
        at: "header Idempotency-Key".to_owned(),
        says: found.says,
    }));
    Some(given.to_owned())
}

async fn taken(
    desk: &Desk,
    operation: &Operation,
    headers: &HeaderMap,
    body: axum::body::Body,
    wrongs: &mut Vec<Place>,
) -> Result<Taken, Problem> {
    let schema = match operation.body {
        Body::Nothing => return Ok(Taken::Nothing),
        Body::Json(schema) | Body::Markdown(schema) => schema,
    };
    let sort = sort(headers);
    let takes_markdown = matches!(operation.body, Body::Markdown(_));
    let is_markdown = takes_markdown && sort == "text/markdown";
    if !is_markdown && sort != "application/json" {
        let other = if takes_markdown {
            " or text/markdown"
        } else {
            ""
        };
        let detail =
            format!("send the body as application/json{other}, and say so by Content-Type");
        return Err(Problem::new(Kind::WrongType, detail));
    }
    let bytes = body::to_bytes(body, MOST_BYTES).await.map_err(|_| {
        Problem::new(
            Kind::TooLarge,
            format!("a body has at most {MOST_BYTES} bytes, and has to come whole"),
        )
    })?;
    if is_markdown {
        return Ok(Taken::Markdown(bytes.into()));
    }
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
        let detail = format!("the body is not JSON: {error}");
        Problem::new(Kind::Unreadable, detail)
    })?;
    let found = schema.check(&value, &desk.site.vocabulary);
    wrongs.extend(found.into_iter().map(|Wrong { pointer, says }| Place {
        at: format!("body {pointer}").trim_end().to_owned(),
        says,
    }));
    Ok(Taken::Json(value))
}

/// What the body is said to be, without its parameters.
fn sort(headers: &HeaderMap) -> String {
    let sort = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let sort = sort
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    sort.trim().to_ascii_lowercase()
}
