//! The site: what a reader of the archive, or of a mail, meets. Every route stands in `routes`, and what supervisors and
//! Prometheus ask in `status`.

pub mod api;
mod archive;
mod asking;
mod caching;
pub mod desk;
mod error;
mod feeds;
mod fields;
pub mod hooks;
mod language;
mod layout;
pub mod limits;
mod privacy;
mod reader;
mod robots;
pub mod server;
mod sign_up;
pub mod status;
mod style;
mod ticket;
mod visitor;
mod words;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{Redirect, Response};
use axum::routing::get;

use tokio::sync::Notify;
use uuid::Uuid;

pub use self::error::PageError;
pub use self::layout::Page;
use self::limits::Limits;
pub use self::privacy::Privacy;
use self::reader::{leaving, like, links, manage, preferences};
use crate::clock::Clock;
use crate::config::Retention;
use crate::db::Db;
use crate::metrics::Metrics;
use crate::secret::Keys;
use crate::subscription::Language;
use crate::topic::Vocabulary;

/// What the pages need. Cheap to clone.
#[derive(Clone)]
pub struct Site {
    pub db: Db,
    pub keys: Keys,
    pub vocabulary: Arc<Vocabulary>,
    /// What the publication is called.
    pub name: String,
    pub publisher: Publisher,
    pub clock: Clock,
    /// Makes ids, which nobody can guess.
    pub new_id: fn() -> Uuid,
    /// Told when a request was written down.
    pub asked: Arc<Notify>,
    /// Whether a reader who leaves gets a last letter.
    pub goodbye: bool,
    /// What was asked for lately, and by whom.
    pub limits: Arc<Limits>,
    /// Web servers before ours, whose word for a visitor's address is taken.
    pub trusted_proxies: Arc<[IpAddr]>,
    /// How long what names a reader is kept, as the privacy page says.
    pub retention: Retention,
    /// Where those who leave are counted.
    pub metrics: Metrics,
}

/// Who publishes, as the foot of every page says. What is not set is empty, and left out.
#[derive(Clone, Debug, Default)]
pub struct Publisher {
    pub name: String,
    pub postal_address: String,
    /// A mail address, a site or a telephone number.
    pub contact: String,
    /// Where the readers' pages are, without a slash at the end.
    pub site_url: String,
    pub privacy: Privacy,
}

impl Site {
    /// The whole address of a path of ours.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.publisher.site_url)
    }

    /// Names of topics in a language, in the vocabulary's order.
    pub(crate) fn topic_names(&self, language: Language, slugs: &[String]) -> Vec<String> {
        let topics = self.vocabulary.topics.iter();
        topics
            .filter(|topic| slugs.contains(&topic.slug))
            .map(|topic| language.pick(&topic.name, &topic.name_fr).clone())
            .collect()
    }
}

/// Pages load nothing but our own style sheet and icon, run no script, and stand in nobody's frame. (With no script
/// there is nobody to connect; the word lets auditors read robots.txt from the page.)
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// No other site gets hold of a window of ours, or of what it shows.
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Nothing that a reader sends us is larger.
const MOST_BYTES: usize = 64 * 1024;

/// The readers' pages. No GET changes anything: mail scanners follow every link.
pub fn routes(site: Site) -> Router {
    Router::new()
        .merge(public())
        .merge(public_files())
        .nest(language::FRENCH, public())
        .route(
            "/fr/",
            get(|| async { Redirect::permanent(language::FRENCH) }),
        )
        .merge(own())
        .route(
            "/c/{token}",
            get(sign_up::confirming).post(sign_up::confirm),
        )
        .route("/f/{token}", get(feeds::own))
        .route("/work.js", get(sign_up::work))
        .route("/style.css", get(style::style))
        .route("/icon.svg", get(style::icon))
        .fallback(|| async { PageError::NotFound })
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(middleware::from_fn_with_state(site.clone(), error::framed))
        .layer(middleware::from_fn_with_state(site.clone(), secured))
        .with_state(site)
}

/// Where the site's address is https, browsers are to ask for nothing else for two years (RFC 6797).
async fn secured(State(site): State<Site>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if site.publisher.site_url.starts_with("https://") {
        let value = HeaderValue::from_static("max-age=63072000");
        response
            .headers_mut()
            .insert(STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// Pages that are the same for everybody, in the language of their address.
fn public() -> Router<Site> {
    Router::new()
        .route("/", get(archive::home::home))
        .route("/issues", get(archive::issues::list))
        .route("/issues/{month}", get(archive::issues::issue))
        .route("/summaries/{id}", get(archive::summary::summary))
        .route("/topics", get(archive::topics::list))
        .route("/topics/{slug}", get(archive::topics::topic))
        .route("/topics/{slug}/feed.atom", get(feeds::topic_atom))
        .route("/topics/{slug}/feed.json", get(feeds::topic_json))
        .route("/search", get(archive::search::search))
        .route("/privacy", get(privacy::page))
        .route("/feed.atom", get(feeds::all_atom))
        .route("/feed.json", get(feeds::all_json))
        .route_layer(middleware::from_fn(caching::tagged))
        .route("/subscribe", get(sign_up::open).post(sign_up::take))
        .route("/manage", get(links::open).post(links::ask))
}

/// A reader's own pages, in the language that they chose. An address to which a form was sent shows the form again.
fn own() -> Router<Site> {
    Router::new()
        .route("/p/{token}", get(preferences::show).post(preferences::keep))
        .route(
            "/p/{token}/{step}",
            get(preferences::show_again).post(preferences::step),
        )
        .route("/u/{token}", get(leaving::show).post(leaving::leave))
        .route(
            "/u/{token}/{step}",
            get(leaving::show_again).post(leaving::step),
        )
        .route("/m/{token}", get(manage::show))
        .route("/m/{token}/{step}", get(manage::part).post(manage::step))
        .route(
            "/s/{token}/{summary}/{wish}",
            get(like::show).post(like::change),
        )
}

/// What stands once, whatever the language.
fn public_files() -> Router<Site> {
    Router::new()
        .route("/summaries/{id}/cite.bib", get(archive::cite::bibtex))
        .route("/summaries/{id}/cite.ris", get(archive::cite::ris))
        .route("/robots.txt", get(robots::robots))
        .route("/sitemap.xml", get(robots::sitemap))
        .route_layer(middleware::from_fn(caching::tagged))
}

/// Sets on every response what a page of ours needs for its safety, where the page did not set it itself.
pub fn guarded(routes: Router) -> Router {
    routes.layer(middleware::from_fn(guard))
}

async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let wanted: [(HeaderName, &'static str); 6] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in wanted {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    let frames = frames(response.headers());
    response.headers_mut().insert(X_FRAME_OPTIONS, frames);
    response
}

/// What the policy says of frames once more, as browsers and auditors knew it before there were policies (RFC 7034).
fn frames(headers: &HeaderMap) -> HeaderValue {
    let policy = headers.get(CONTENT_SECURITY_POLICY);
    let policy = policy.map_or(&b""[..], HeaderValue::as_bytes);
    let ours = b"frame-ancestors 'self'";
    match policy.windows(ours.len()).any(|part| part == ours) {
        true => HeaderValue::from_static("SAMEORIGIN"),
        false => HeaderValue::from_static("DENY"),
    }
}
