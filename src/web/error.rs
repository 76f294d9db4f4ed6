//! What a page says when it cannot do what was asked.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, html};

/// Why there is no page. `Display` is for the visitor; the cause goes to the log.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    #[error("There is no such page.")]
    NotFound,
    #[error(
        "This link is not one of ours. It may have been cut in two on its way; copy it from the mail again."
    )]
    BadLink,
    #[error("The form could not be understood. Go back and try again.")]
    BadForm,
    #[error(
        "Our database does not work just now, so nothing was changed. Try again in a few minutes."
    )]
    Database(#[from] sqlx::Error),
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let status = match &self {
            PageError::NotFound | PageError::BadLink => StatusCode::NOT_FOUND,
            PageError::BadForm => StatusCode::BAD_REQUEST,
            PageError::Database(error) => {
                tracing::error!(error = error as &dyn std::error::Error, "a page failed");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        let text = self.to_string();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (text) }
                    link rel="stylesheet" href="/style.css";
                }
                body { main { h1 { (text) } p { a href="/" { "To the archive" } } } }
            }
        };
        let mut response = (status, page).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            // A mail program that unsubscribes for its reader (RFC 8058) may come again.
            let later = HeaderValue::from_static("300");
            response.headers_mut().insert(RETRY_AFTER, later);
        }
        response
    }
}
