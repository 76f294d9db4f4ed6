//! What browsers and proxies may keep of the public pages, and how they learn that it is still right.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use ring::digest::{SHA256, digest};

use super::PageError;

/// An editor sees a change at once after a reload; others at most so many seconds later.
const KEPT_FOR: &str = "public, max-age=120, must-revalidate";

/// Marks a page with a tag made of its bytes, and answers 304 to who has them (RFC 9110 section 13). For pages that
/// are the same for everybody: a personal one must never come here.
pub(super) async fn tagged(request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let asked = request.headers().clone();
    let response = next.run(request).await;
    if !is_read || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        // Our own pages are whole in memory: there is nothing to fail.
        return PageError::NotFound.into_response();
    };
    let sum = digest(&SHA256, &bytes);
    let tag = format!("\"{}\"", BASE64URL_NOPAD.encode(&sum.as_ref()[..15]));
    parts
        .headers
        .insert(CACHE_CONTROL, HeaderValue::from_static(KEPT_FOR));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        parts.headers.insert(ETAG, tag);
    }
    if !is_known(&asked, &tag, &parts.headers) {
        return Response::from_parts(parts, Body::from(bytes));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

/// Whether who asks has the page already. A date counts only where no tag was sent (RFC 9110 section 13.2.2).
fn is_known(asked: &HeaderMap, tag: &str, given: &HeaderMap) -> bool {
    let mut tags = asked.get_all(IF_NONE_MATCH).iter().peekable();
    if tags.peek().is_some() {
        let known = |list: &str| {
            let mut tags = list.split(',').map(str::trim);
            tags.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
        };
        return tags.any(|list| list.to_str().is_ok_and(known));
    }
    let date = |headers: &HeaderMap, name| {
        let text = headers.get(name)?.to_str().ok()?;
        chrono::DateTime::parse_from_rfc2822(text).ok()
    };
    let since = date(asked, IF_MODIFIED_SINCE);
    let changed = date(given, LAST_MODIFIED);
    matches!((since, changed), (Some(since), Some(changed)) if changed <= since)
}
