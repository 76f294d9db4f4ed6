//! What a page says when it cannot do what was asked.

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::{Page, Site};
use crate::subscription::Language;

/// Why there is no page. The visitor reads it in their language; the cause goes to the log.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    #[error("there is no such page")]
    NotFound,
    #[error("the link is not one of ours")]
    BadLink,
    #[error("the link stands in a test of the editor's")]
    OfATest,
    #[error("what the link led to is no more")]
    Gone,
    #[error("the form could not be understood")]
    BadForm,
    #[error("there were too many requests")]
    TooMany { seconds: u64 },
    #[error("the database fails")]
    Database(#[from] sqlx::Error),
}

/// What was refused, for `framed` to put into words.
#[derive(Clone, Copy)]
enum Refusal {
    NotFound,
    BadLink,
    OfATest,
    Gone,
    BadForm,
    NotSo,
    TooLarge,
    TooMany,
    Database,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, refusal) = match &self {
            PageError::NotFound => (StatusCode::NOT_FOUND, Refusal::NotFound),
            PageError::BadLink => (StatusCode::NOT_FOUND, Refusal::BadLink),
            PageError::OfATest => (StatusCode::NOT_FOUND, Refusal::OfATest),
            PageError::Gone => (StatusCode::GONE, Refusal::Gone),
            PageError::BadForm => (StatusCode::BAD_REQUEST, Refusal::BadForm),
            PageError::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, Refusal::TooMany),
            PageError::Database(error) => {
                tracing::error!(error = error as &dyn std::error::Error, "a page failed");
                (StatusCode::SERVICE_UNAVAILABLE, Refusal::Database)
            }
        };
        let mut response = (status, format!("{self}\n")).into_response();
        response.extensions_mut().insert(refusal);
        // A mail program that unsubscribes for its reader (RFC 8058) may come again.
        let later = match self {
            PageError::TooMany { seconds } => Some(seconds),
            PageError::Database(_) => Some(300),
            _ => None,
        };
        if let Some(seconds) = later {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Gives every refusal its page, ours and the router's own, in the language of the address or of the browser.
pub(super) async fn framed(State(site): State<Site>, request: Request, next: Next) -> Response {
    let language = match Language::of_path(request.uri().path()) {
        Language::French => Language::French,
        Language::English => Language::asked_for(request.headers()),
    };
    let mut response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let refusal = response.extensions().get::<Refusal>().copied();
    let page = refusal.unwrap_or(Refusal::of(status)).page(&site, language);
    *response.body_mut() = page.into_string().into();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

impl Refusal {
    /// For what the router refuses by itself.
    fn of(status: StatusCode) -> Refusal {
        match status {
            StatusCode::NOT_FOUND => Refusal::NotFound,
            StatusCode::GONE => Refusal::Gone,
            StatusCode::METHOD_NOT_ALLOWED => Refusal::NotSo,
            StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge,
            status if status.is_server_error() => Refusal::Database,
            _ => Refusal::BadForm,
        }
    }

    fn page(self, site: &Site, language: Language) -> maud::Markup {
        let [heading, sentence] = match self {
            Refusal::NotFound => language.no_such_page(),
            Refusal::BadLink => language.bad_link(),
            Refusal::OfATest => language.of_a_test(),
            Refusal::Gone => language.no_more(),
            Refusal::BadForm => language.bad_form(),
            Refusal::NotSo => language.not_so(),
            Refusal::TooLarge => language.too_large(),
            Refusal::TooMany => language.too_many(),
            Refusal::Database => language.database_fails(),
        };
        Page::new(site, language, heading).unlisted().show(html! {
            h1 { (heading) }
            p.lead { (sentence) }
            p { a.button href=(language.path("/issues")) { (language.to_the_archive()) } }
        })
    }
}
