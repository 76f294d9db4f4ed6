//! The site: what a reader of the archive, or of a mail, meets. Every route stands in `routes`, and what supervisors and
//! Prometheus ask in `status`.

mod archive;
mod error;
mod layout;
pub mod status;
mod subscription;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

pub use self::error::PageError;
pub use self::layout::page;
use crate::clock::Clock;
use crate::db::Db;
use crate::metrics::Metrics;
use crate::secret::Keys;
use crate::topic::Vocabulary;

/// What the pages need. Cheap to clone.
#[derive(Clone)]
pub struct Site {
    pub db: Db,
    pub keys: Keys,
    pub vocabulary: Arc<Vocabulary>,
    pub name: String,
    pub clock: Clock,
    /// Where those who leave are counted.
    pub metrics: Metrics,
}

/// Pages load nothing but our own style sheet, run no script, and stand in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Nothing that a reader sends us is larger.
const MOST_BYTES: usize = 64 * 1024;

/// The readers' pages. No GET changes anything: mail scanners follow every link.
pub fn routes(site: Site) -> Router {
    Router::new()
        .route("/", get(archive::list))
        .route("/issues", get(archive::list))
        .route("/issues/{month}", get(archive::issue))
        .route("/summaries/{id}", get(archive::summary))
        .route(
            "/p/{token}",
            get(subscription::preferences).post(subscription::prefer),
        )
        .route(
            "/u/{token}",
            get(subscription::leaving).post(subscription::leave),
        )
        .route("/u/{token}/undo", post(subscription::come_back))
        .route("/style.css", get(style))
        .fallback(|| async { PageError::NotFound })
        .with_state(site)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
}

/// Sets on every response what a page of ours needs for its safety, where the page did not set it itself.
pub fn guarded(routes: Router) -> Router {
    routes.layer(middleware::from_fn(guard))
}

async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let wanted: [(HeaderName, &'static str); 4] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in wanted {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn style() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "max-age=3600"),
    ];
    (headers, include_str!("style.css"))
}
