//! What lets a visitor of the desk in: their session, their role, and, for what changes anything, that the form is ours
//! and was sent from a page of ours.

use std::sync::Arc;

use axum::extract::{OriginalUri, Request, State};
use axum::http::header::{CONTENT_TYPE, COOKIE, ORIGIN};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::posted::{self, Posted};
use super::route::{Kind, Who};
use super::visit::Visit;
use super::{Desk, DeskError};
use crate::admin::session::{self, Session};
use crate::admin::{self, Admin, Role};
use crate::secret::{is_same, token_hash};

/// What one row of the table wants.
#[derive(Clone)]
pub(super) struct Door {
    pub desk: Desk,
    pub who: Who,
    pub kind: Kind,
}

/// Where an owner sets the second factor up, without which they do nothing else.
pub(super) const SECOND: &str = "/desk/me/second";

/// Runs the handler for who may, with a `Visit` and, for a form, what was `Posted`.
pub(super) async fn enter(
    State(door): State<Door>,
    OriginalUri(uri): OriginalUri,
    mut request: Request,
    next: Next,
) -> Response {
    let path = uri.path().to_owned();
    let mut visit = match Visit::of(&door.desk, request.headers()).await {
        Ok(visit) => visit,
        Err(error) => return Visit::of_nobody(&door.desk, request.headers()).refuse(error),
    };
    let whole = uri.path_and_query().map_or(&*path, PathAndQuery::as_str);
    if whole.contains("%00") {
        // Nobody can type the letter, and PostgreSQL takes no text that has it.
        return visit.refuse(DeskError::NotFound);
    }
    if let Some(refused) = may_not(&door, &visit, &path, whole) {
        return refused;
    }
    if door.kind != Kind::Page {
        let posted = match taken(&door, &visit, &mut request).await {
            Ok(posted) => posted,
            Err(error) => return visit.refuse(error),
        };
        request.extensions_mut().insert(Arc::new(posted));
    }
    visit.path = path;
    request.extensions_mut().insert(visit.clone());
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<DeskError>() {
        Some(error) => visit.refuse(error),
        None if is_bare(&response) => visit.refuse(DeskError::NotFound),
        None => visit.guarded(response),
    }
}

/// Whether the framework refused an address by itself, because a part of it or of its query has not the form that the page
/// wants: in English, and with what was asked in it.
fn is_bare(response: &Response) -> bool {
    let sort = response.headers().get(CONTENT_TYPE);
    let is_text = sort.is_some_and(|sort| sort.as_bytes().starts_with(b"text/plain"));
    response.status().is_client_error() && is_text
}

/// What somebody is told who may not, if they may not. `whole` is the address with what is asked of it.
fn may_not(door: &Door, visit: &Visit, path: &str, whole: &str) -> Option<Response> {
    if door.who == Who::Anyone {
        return None;
    }
    let is_page = door.kind == Kind::Page;
    if !visit.is_signed_in() {
        return Some(match is_page {
            true => see_other(&format!("/desk/sign-in?{}", leads_to(whole))),
            false => visit.refuse(DeskError::SignedOut),
        });
    }
    let (Who::Admin(role) | Who::Fresh(role)) = door.who else {
        return None;
    };
    let admin = &visit.admin;
    if admin.role < role {
        return Some(visit.refuse(DeskError::NotAllowed));
    }
    let lacks_second = admin.role == Role::Owner && admin.second.is_none();
    if lacks_second && path != SECOND {
        return Some(see_other(SECOND));
    }
    let is_stale = matches!(door.who, Who::Fresh(_)) && !visit.is_fresh;
    is_stale.then(|| match is_page {
        true => see_other(&format!("/desk/again?{}", leads_to(whole))),
        false => visit.refuse(DeskError::Stale),
    })
}

/// The form, once it is known to be ours.
async fn taken(door: &Door, visit: &Visit, request: &mut Request) -> Result<Posted, DeskError> {
    let site = &door.desk.site.publisher.site_url;
    if !was_sent_from(site, request.method(), request.headers()) {
        return Err(DeskError::NotOurs);
    }
    let mut whole = Request::new(std::mem::take(request.body_mut()));
    *whole.headers_mut() = request.headers().clone();
    *whole.extensions_mut() = request.extensions().clone();
    let posted = posted::read(door.kind, whole, |given| {
        is_same(given.as_bytes(), visit.token.as_bytes())
    });
    posted.await
}

/// Whether a page of ours sent this: browsers say so twice, and neither may be missing.
fn was_sent_from(site: &str, method: &Method, headers: &HeaderMap) -> bool {
    let field = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_ours = field(ORIGIN.as_str()).is_some_and(|origin| origin == site);
    let is_same_origin = field("sec-fetch-site").is_some_and(|from| from == "same-origin");
    *method == Method::POST && is_ours && is_same_origin
}

impl Visit {
    /// Who comes, by the session of their cookie; nobody where there is none that counts.
    async fn of(desk: &Desk, headers: &HeaderMap) -> Result<Visit, DeskError> {
        let nobody = Visit::of_nobody(desk, headers);
        let Some(cookie) = cookie(headers, desk.cookie_name()) else {
            return Ok(nobody);
        };
        let now = nobody.now;
        let mut tx = desk.site.db.read().await?;
        let Some((session, admin)) = signed_in(&mut tx, &cookie, now).await? else {
            return Ok(nobody);
        };
        drop(tx);
        if session.is_to_be_seen(now) {
            let mut tx = desk.site.db.begin().await?;
            session::seen(&mut tx, &session, now).await?;
            tx.commit().await?;
        }
        Ok(Visit {
            token: desk.form_token(&token_hash(&cookie)),
            is_fresh: session.is_fresh(now),
            admin: Arc::new(admin),
            session: Some(Arc::new(session)),
            ..nobody
        })
    }
}

async fn signed_in(
    tx: &mut crate::db::Tx,
    cookie: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> sqlx::Result<Option<(Session, Admin)>> {
    let Some(session) = session::of_token(tx, cookie).await? else {
        return Ok(None);
    };
    let admin = admin::by_id(tx, session.admin_id).await?;
    Ok(admin
        .filter(|admin| !admin.has_ended() && session.counts(admin.role, now))
        .map(|admin| (session, admin)))
}

/// The value of a cookie. Two of one name are none: somebody else set one of them.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(COOKIE).into_iter();
    let mut values = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(given, _)| *given == name)
        .map(|(_, value)| value.to_owned());
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// Where to go on after signing in, as a query.
fn leads_to(whole: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", whole);
    query.finish()
}

pub(super) fn see_other(path: &str) -> Response {
    Redirect::to(path).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_comes_from_a_page_of_ours_or_not_at_all() {
        let sent = |fields: &[(&'static str, &'static str)]| {
            let fields = fields.iter().map(|(name, value)| {
                (
                    axum::http::HeaderName::from_static(name),
                    axum::http::HeaderValue::from_static(value),
                )
            });
            let headers = HeaderMap::from_iter(fields);
            was_sent_from("https://news.example.org", &Method::POST, &headers)
        };
        let (ours, same) = (
            ("origin", "https://news.example.org"),
            ("sec-fetch-site", "same-origin"),
        );
        assert!(sent(&[ours, same]));
        for fields in [
            &[][..],
            &[ours],
            &[same],
            &[("origin", "null"), same],
            &[("origin", "https://news.example.org.evil.test"), same],
            &[("origin", "http://news.example.org"), same],
            &[ours, ("sec-fetch-site", "same-site")],
            &[ours, ("sec-fetch-site", "cross-site")],
            &[ours, ("sec-fetch-site", "none")],
        ] {
            assert!(!sent(fields), "{fields:?}");
        }
    }

    #[test]
    fn of_two_cookies_of_one_name_neither_counts() {
        let cookies = |line: &'static str| {
            HeaderMap::from_iter([(COOKIE, axum::http::HeaderValue::from_static(line))])
        };
        assert_eq!(cookie(&cookies("a=1; desk=x"), "desk"), Some("x".into()));
        assert_eq!(cookie(&cookies("desk=x; desk=y"), "desk"), None);
        assert_eq!(cookie(&cookies("xdesk=x"), "desk"), None);
    }
}
