//! The style sheet and the icon: all that a page loads.

use std::sync::LazyLock;

use axum::extract::RawQuery;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};

const STYLE: &str = include_str!("style.css");
const ICON: &str = include_str!("icon.svg");

/// A year: the address changes with the text.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const AN_HOUR: &str = "public, max-age=3600";

/// Which style sheet this is, so that browsers keep it until there is another.
static EDITION: LazyLock<String> =
    LazyLock::new(|| HEXLOWER.encode(&digest(&SHA256, STYLE.as_bytes()).as_ref()[..6]));

/// Where pages find the style sheet.
pub(super) fn path() -> String {
    format!("/style.css?{}", *EDITION)
}

pub(super) async fn style(RawQuery(edition): RawQuery) -> impl IntoResponse {
    let is_this = edition.as_ref() == Some(&*EDITION);
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, if is_this { FOR_EVER } else { AN_HOUR }),
    ];
    (headers, STYLE)
}

pub(super) async fn icon() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, AN_HOUR)];
    (headers, ICON)
}
