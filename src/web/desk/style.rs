//! The desk's own style sheet, on top of the site's.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use ring::digest::{SHA256, digest};

use super::Route;
use crate::admin::Role;

const STYLE: &str = include_str!("desk.css");

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/desk/style.css", Role::Viewer, style).open()]
}

/// Where it stands; another one stands elsewhere, so that a browser may keep it.
pub(super) fn path() -> &'static str {
    static PATH: LazyLock<String> = LazyLock::new(|| {
        let hash = digest(&SHA256, STYLE.as_bytes());
        let short = data_encoding::HEXLOWER.encode(&hash.as_ref()[..6]);
        format!("/desk/style.css?{short}")
    });
    &PATH
}

async fn style() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, STYLE)
}
