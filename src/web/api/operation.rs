//! A row of the API's table.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::Method;
use serde_json::Value;

use super::call::Call;
use super::openapi::refusals;
use super::problem::{PROBLEM, PROBLEM_TYPE, Problem};
use super::schema::{Field, Schema};
use super::{ROOT, table};
use crate::token::Scope;
use crate::topic::Vocabulary;

type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What an operation comes to.
pub type Answer = Result<Reply, Problem>;

/// What comes in.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    Nothing,
    Json(&'static Schema),
    /// The editor's Markdown, or JSON.
    Markdown(&'static Schema),
}

/// One way in which an operation ends well.
#[derive(Clone, Copy, Debug)]
pub struct Gives {
    pub status: u16,
    pub content: Content,
    pub about: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub enum Content {
    Nothing,
    Json(&'static Schema),
    Markdown,
}

/// One method of one address.
pub struct Operation {
    pub method: Method,
    /// Behind `ROOT`.
    pub path: &'static str,
    pub scope: Scope,
    /// Names it in programs that are made from the description.
    pub id: &'static str,
    pub summary: &'static str,
    /// More than the summary says.
    pub about: &'static str,
    pub query: &'static [Field],
    pub body: Body,
    /// Whether it wants an `Idempotency-Key`.
    pub wants_key: bool,
    pub gives: Vec<Gives>,
    pub(super) handler: Arc<dyn Fn(Call) -> Answering + Send + Sync>,
}

/// The operation that answers a method of a whole path, if there is one.
pub fn operation_of(method: &str, path: &str) -> Option<Operation> {
    let path = path.split('?').next()?.strip_prefix(ROOT)?;
    let is_of = |operation: &Operation| {
        let (mut known, mut given) = (operation.path.split('/'), path.split('/'));
        let mut all = std::iter::from_fn(|| match (known.next(), given.next()) {
            (None, None) => None,
            (Some(known), Some(given)) => Some(known == given || known.starts_with('{')),
            _ => Some(false),
        });
        operation.method.as_str() == method && all.all(|one| one)
    };
    // A name of ours stands before a hole at the same place.
    let mut found: Vec<Operation> = table().into_iter().filter(is_of).collect();
    found.sort_by_key(|operation| operation.names().len());
    found.into_iter().next()
}

/// What a program is answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub said: Said,
    /// Header fields beside the usual ones.
    pub fields: Vec<(&'static str, String)>,
}

#[derive(Debug)]
pub enum Said {
    Nothing,
    Json(Value),
    Markdown(String),
}

impl Reply {
    pub fn json(value: impl serde::Serialize) -> Reply {
        let value = serde_json::to_value(value).expect("texts, numbers and times are JSON");
        Reply {
            status: 200,
            said: Said::Json(value),
            fields: Vec::new(),
        }
    }

    pub fn nothing() -> Reply {
        Reply {
            status: 204,
            said: Said::Nothing,
            fields: Vec::new(),
        }
    }

    pub fn status(self, status: u16) -> Reply {
        Reply { status, ..self }
    }

    pub fn field(mut self, name: &'static str, value: String) -> Reply {
        self.fields.push((name, value));
        self
    }
}

impl Operation {
    pub(super) fn new<F, A>(
        method: Method,
        path: &'static str,
        scope: Scope,
        [id, summary]: [&'static str; 2],
        handler: F,
    ) -> Operation
    where
        F: Fn(Call) -> A + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        Operation {
            method,
            path,
            scope,
            id,
            summary,
            about: "",
            query: &[],
            body: Body::Nothing,
            wants_key: false,
            gives: Vec::new(),
            handler: Arc::new(move |call| Box::pin(handler(call))),
        }
    }

    pub(super) fn about(self, about: &'static str) -> Operation {
        Operation { about, ..self }
    }

    pub(super) fn query(self, query: &'static [Field]) -> Operation {
        Operation { query, ..self }
    }

    pub(super) fn takes(self, body: Body) -> Operation {
        Operation { body, ..self }
    }

    /// What it does happens once for each key, however often it is asked.
    pub(super) fn wants_key(self) -> Operation {
        Operation {
            wants_key: true,
            ..self
        }
    }

    pub(super) fn gives(self, schema: &'static Schema) -> Operation {
        self.gives_as(200, Content::Json(schema), "")
    }

    pub(super) fn gives_as(
        mut self,
        status: u16,
        content: Content,
        about: &'static str,
    ) -> Operation {
        self.gives.push(Gives {
            status,
            content,
            about,
        });
        self
    }

    /// Whether it is a list that is told in parts.
    pub fn is_paged(&self) -> bool {
        self.query.iter().any(|field| field.name == "after")
    }

    /// What of an answer is not as the description has it; empty where all of it is.
    pub fn check_answer(
        &self,
        status: u16,
        header: &str,
        body: &str,
        vocabulary: &Vocabulary,
    ) -> String {
        let sort = format!("\n{}", header.to_lowercase());
        let is_of = |sort_of: &str| sort.contains(&format!("\ncontent-type: {sort_of}"));
        let fits = |schema: &Schema, sort: &str| {
            let json: Value = match serde_json::from_str(body) {
                Ok(json) if is_of(sort) => json,
                _ => return format!("it is no {sort}"),
            };
            let wrongs = schema.check(&json, vocabulary).into_iter();
            let told = wrongs.map(|wrong| format!("{} {}", wrong.pointer, wrong.says));
            told.collect::<Vec<_>>().join("; ")
        };
        let gives = self.gives.iter().find(|gives| gives.status == status);
        match gives.map(|gives| gives.content) {
            Some(Content::Nothing) if body.is_empty() => String::new(),
            Some(Content::Nothing) => "it is not empty".to_owned(),
            Some(Content::Markdown) if is_of("text/markdown") => String::new(),
            Some(Content::Markdown) => "it is no Markdown".to_owned(),
            Some(Content::Json(schema)) => fits(schema, "application/json"),
            None if refusals(self).iter().any(|(known, _)| *known == status) => {
                fits(&PROBLEM, PROBLEM_TYPE)
            }
            None => format!("the status {status} is not described"),
        }
    }

    /// The names in the path's braces.
    pub fn names(&self) -> Vec<&'static str> {
        let parts = self.path.split('/');
        let inner = |part: &'static str| part.strip_prefix('{')?.strip_suffix('}');
        parts.filter_map(inner).collect()
    }
}
