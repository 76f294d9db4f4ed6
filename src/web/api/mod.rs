//! The HTTP API: what the desk can do, for other programs, by tokens that may do only what they were made for.
//!
//! Every address is a row of a table, as at the desk: method, path, what the token must be allowed, what comes in and what
//! goes out. The description (`openapi`) is made from the same table, and nothing else is served.

mod call;
mod campaigns;
mod forms;
mod hooks;
mod issues;
mod openapi;
mod operation;
mod paging;
mod problem;
mod readers;
pub mod schema;
mod sending;
mod suppressions;
mod topics;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, RawPathParams, Request, State};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, any, get, on};

use super::desk::Desk;

pub use self::openapi::described;
pub use self::operation::{Body, Operation, operation_of};
use self::problem::Problem;

/// Where the API stands. What no longer fits what programs rely on would stand under another number.
pub const ROOT: &str = "/api/v1";

/// A body is no larger.
pub const MOST_BYTES: usize = 1024 * 1024;

/// Everything that the API does.
pub fn table() -> Vec<Operation> {
    let parts = [
        issues::operations(),
        topics::operations(),
        sending::operations(),
        campaigns::operations(),
        readers::operations(),
        suppressions::operations(),
        hooks::operations(),
    ];
    parts.into_iter().flatten().collect()
}

/// The API as it is served.
pub fn routes(desk: Desk) -> Router {
    let mut methods: BTreeMap<&'static str, Vec<Operation>> = BTreeMap::new();
    for operation in table() {
        methods.entry(operation.path).or_default().push(operation);
    }
    let mut router = Router::new();
    for (path, operations) in methods {
        router = router.route(&format!("{ROOT}{path}"), served(operations));
    }
    router
        .route(
            &format!("{ROOT}/openapi.json"),
            get(openapi::document).fallback(|| async { Problem::no_such_method("GET") }),
        )
        .route("/api", any(nothing))
        .route("/api/{*rest}", any(nothing))
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(
            desk.site.clone(),
            super::secured,
        ))
        .with_state(desk)
}

/// One address with all its methods; any other is refused.
fn served(operations: Vec<Operation>) -> MethodRouter<Desk> {
    let names = operations.iter().map(|operation| operation.method.as_str());
    let allowed = names.collect::<Vec<_>>().join(", ");
    let mut router = MethodRouter::new();
    for operation in operations {
        let filter = MethodFilter::try_from(operation.method.clone());
        let filter = filter.expect("the table has usual methods");
        let operation = Arc::new(operation);
        let answer = move |State(desk): State<Desk>, path: RawPathParams, request: Request| {
            call::answer(desk, operation.clone(), path, request)
        };
        router = router.merge(on(filter, answer));
    }
    router.fallback(move || {
        let refused = Problem::no_such_method(&allowed);
        async move { refused }
    })
}

async fn nothing() -> Response {
    let problem = Problem::not_found(format!(
        "there is no such address; {ROOT}/openapi.json describes those that there are"
    ));
    problem.into_response()
}
