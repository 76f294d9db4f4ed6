//! What the API says when it cannot do what was asked (RFC 9457): what is wrong, where, and what to do.

use axum::http::header::{
    ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::schema::{Field, Schema, field, optional};
use crate::plain::plain;

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    kind: Kind,
    detail: String,
    errors: Vec<Place>,
    field: Option<Box<(HeaderName, HeaderValue)>>,
}

/// Where something is wrong.
#[derive(Clone, Debug)]
pub struct Place {
    /// `body`, with a JSON pointer behind it; or `query`, `path`, `header` and a name.
    pub at: String,
    pub says: String,
}

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Unreadable,
    NoToken,
    NotAllowed,
    NotFound,
    NoSuchMethod,
    Conflict,
    TooLarge,
    WrongType,
    Invalid,
    TooMany,
    Unavailable,
}

pub const PROBLEM_TYPE: &str = "application/problem+json";

/// What every problem has.
pub const PROBLEM: Schema = Schema::Named("Problem", &Schema::Object(&[FIELDS]));

const FIELDS: &[Field] = &[
    field("type", TEXT, "Names the kind of problem."),
    field("title", TEXT, "The kind in words."),
    field(
        "status",
        Schema::Whole {
            least: 400,
            most: 599,
        },
        "",
    ),
    field("detail", TEXT, "What is wrong, and what to do about it."),
    optional(
        "errors",
        Schema::List(&PLACE, 100),
        "Each place where something is wrong.",
    ),
];

const PLACE: Schema = Schema::Object(&[&[
    field(
        "at",
        TEXT,
        "`body` and a JSON pointer (RFC 6901), or `query`, `path`, `header` and a name.",
    ),
    field("detail", TEXT, ""),
]]);

/// Longest sentence, in characters.
const MOST_SHOWN: usize = 5_000;

const TEXT: Schema = Schema::Text {
    least: 0,
    most: 10_000,
};

impl Kind {
    pub fn status(self) -> StatusCode {
        match self {
            Kind::Unreadable => StatusCode::BAD_REQUEST,
            Kind::NoToken => StatusCode::UNAUTHORIZED,
            Kind::NotAllowed => StatusCode::FORBIDDEN,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::WrongType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn names(self) -> [&'static str; 2] {
        match self {
            Kind::Unreadable => ["unreadable", "The request cannot be read"],
            Kind::NoToken => ["no-token", "A token is needed"],
            Kind::NotAllowed => ["not-allowed", "The token may not do this"],
            Kind::NotFound => ["not-found", "There is no such thing"],
            Kind::NoSuchMethod => ["no-such-method", "This address does not take the method"],
            Kind::Conflict => ["conflict", "It does not fit what there is"],
            Kind::TooLarge => ["too-large", "The body is too large"],
            Kind::WrongType => ["wrong-type", "The body is of another type than is taken"],
            Kind::Invalid => [
                "invalid",
                "The request does not have the form that is described",
            ],
            Kind::TooMany => ["too-many", "The token calls too often"],
            Kind::Unavailable => ["unavailable", "Not now"],
        }
    }
}

impl Problem {
    pub fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        Problem {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            field: None,
        }
    }

    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(Kind::NotFound, detail)
    }

    pub fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(Kind::Conflict, detail)
    }

    /// One place in the body whose form is right, and which does not fit all the same.
    pub fn does_not_fit(at: impl Into<String>, says: impl Into<String>) -> Problem {
        let says = says.into();
        Problem {
            errors: vec![Place {
                at: at.into(),
                says: says.clone(),
            }],
            ..Problem::new(Kind::Conflict, says)
        }
    }

    /// Places that do not have the form that is described.
    pub fn invalid(errors: Vec<Place>) -> Problem {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.at, one.says),
            many => format!(
                "{} places do not have the form that is described",
                many.len()
            ),
        };
        Problem {
            errors,
            ..Problem::new(Kind::Invalid, detail)
        }
    }

    pub fn no_token(detail: &str) -> Problem {
        let challenge = HeaderValue::from_static("Bearer");
        Problem {
            field: Some(Box::new((WWW_AUTHENTICATE, challenge))),
            ..Problem::new(Kind::NoToken, detail)
        }
    }

    pub fn no_such_method(allowed: &str) -> Problem {
        let detail = format!("this address takes {allowed}");
        Problem {
            field: HeaderValue::from_str(allowed)
                .ok()
                .map(|allowed| Box::new((ALLOW, allowed))),
            ..Problem::new(Kind::NoSuchMethod, detail)
        }
    }

    /// To be asked again after so many seconds.
    pub fn later(kind: Kind, detail: impl Into<String>, seconds: u32) -> Problem {
        Problem {
            field: Some(Box::new((RETRY_AFTER, seconds.into()))),
            ..Problem::new(kind, detail)
        }
    }

    fn json(&self) -> Value {
        let [name, title] = self.kind.names();
        let mut json = json!({
            "type": format!("urn:bulletin:problem:{name}"),
            "title": title,
            "status": self.kind.status().as_u16(),
            "detail": shown(&self.detail),
        });
        if !self.errors.is_empty() {
            let errors = self.errors.iter();
            let errors =
                errors.map(|place| json!({"at": shown(&place.at), "detail": shown(&place.says)}));
            json["errors"] = errors.collect();
        }
        json
    }
}

/// What was sent stands in it: no controls, and no more of it than shows what is meant.
fn shown(text: &str) -> String {
    plain(text).chars().take(MOST_SHOWN).collect()
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Problem {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a call of the API failed"
        );
        Problem::later(
            Kind::Unavailable,
            "The database does not answer; nothing was changed. The operator finds the cause in the log.",
            60,
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.json().to_string();
        let content = [(CONTENT_TYPE, PROBLEM_TYPE)];
        let mut response = (self.kind.status(), content, body).into_response();
        let no_store = HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, no_store);
        if let Some((name, value)) = self.field.map(|field| *field) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
