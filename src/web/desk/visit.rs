//! One visit to the desk: who asks, and what a page needs of them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY};
use axum::http::request::Parts;
use axum::response::Response;
use chrono::{DateTime, Datelike, Timelike, Utc};
use maud::{Markup, html};
use uuid::Uuid;

use super::enter::see_other;
use super::posted::TOKEN;
use super::{Desk, DeskError, Frame};
use crate::admin::session::Session;
use crate::admin::{Admin, Role};
use crate::audit::{self, Deed};
use crate::db::Tx;
use crate::issue::Month;
use crate::record::{self, Shown, What};
use crate::subscription::Language;

/// What a page of the desk gives.
pub type Answer = Result<Response, DeskError>;

/// A request to the desk, once it is known who makes it. Cheap to clone.
#[derive(Clone)]
pub struct Visit {
    pub desk: Desk,
    /// Who is signed in. On pages for anyone it may be nobody: then `is_signed_in` says so.
    pub admin: Arc<Admin>,
    pub now: DateTime<Utc>,
    /// Whether they have proved lately who they are.
    pub is_fresh: bool,
    pub(super) session: Option<Arc<Session>>,
    /// What forms of this session carry.
    pub(super) token: String,
    /// The address of the page.
    pub(super) path: String,
}

/// The desk's pages load our style sheet and our scripts, show mails in frames, and stand in frames of ours alone.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
     connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

impl FromRequestParts<Desk> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Visit, Infallible> {
        let visit = parts.extensions.get::<Visit>().cloned();
        Ok(visit.unwrap_or_else(|| Visit::of_nobody(desk, &parts.headers)))
    }
}

impl Visit {
    /// A visit of somebody who is not signed in.
    pub(super) fn of_nobody(desk: &Desk, headers: &HeaderMap) -> Visit {
        let now = (desk.site.clock)();
        let nobody = Admin {
            id: Uuid::nil(),
            address: String::new(),
            name: String::new(),
            role: Role::Viewer,
            language: Language::asked_for(headers),
            time_zone: "UTC".to_owned(),
            password: None,
            second: None,
            second_step: 0,
            since: now,
            ended_at: None,
        };
        Visit {
            desk: desk.clone(),
            admin: Arc::new(nobody),
            now,
            is_fresh: false,
            session: None,
            token: desk.form_token(b"nobody"),
            path: String::new(),
        }
    }

    pub fn is_signed_in(&self) -> bool {
        self.session.is_some()
    }

    pub fn language(&self) -> Language {
        self.admin.language
    }

    /// One of two wordings, by the admin's language.
    pub fn say<'a>(&self, english: &'a str, french: &'a str) -> &'a str {
        self.language().pick(english, french)
    }

    /// One wording for one and another for several: in English, then in French, where nothing is said as one is.
    pub fn many<'a>(&self, count: i64, english: [&'a str; 2], french: [&'a str; 2]) -> &'a str {
        match self.language() {
            Language::English => english[usize::from(count != 1)],
            Language::French => french[usize::from(count > 1)],
        }
    }

    /// Whether the admin may do what wants `role`.
    pub fn may(&self, role: Role) -> bool {
        self.is_signed_in() && self.admin.role >= role
    }

    /// The zone in which the admin reads and writes times.
    pub fn zone(&self) -> chrono_tz::Tz {
        self.admin.zone()
    }

    /// The same visit, made by somebody who has just shown who they are.
    pub(super) fn as_admin(&self, admin: &Admin) -> Visit {
        Visit {
            admin: Arc::new(admin.clone()),
            ..self.clone()
        }
    }

    /// A time on the admin's own clocks.
    pub fn shown(&self, at: DateTime<Utc>) -> String {
        self.clock(&at.with_timezone(&self.zone()))
    }

    /// What a calendar and a clock show: `3 March 2026, 09:05`, `3 mars 2026, 9 h 05`.
    pub fn clock(&self, at: &(impl Datelike + Timelike)) -> String {
        let (day, hour, minute) = (self.language().date(at), at.hour(), at.minute());
        match self.language() {
            Language::English => format!("{day}, {hour:02}:{minute:02}"),
            Language::French => format!("{day}, {hour}\u{A0}h\u{A0}{minute:02}"),
        }
    }

    /// The day of a time on the admin's own calendar.
    pub fn day(&self, at: DateTime<Utc>) -> String {
        self.language().date(&at.with_timezone(&self.zone()))
    }

    /// A month, as people write it.
    pub fn month(&self, month: impl ToString) -> String {
        let written = month.to_string();
        match written.parse::<Month>() {
            Ok(month) => self.language().month(month),
            Err(_) => written,
        }
    }

    /// The same as a heading has it.
    pub fn month_heading(&self, month: impl ToString) -> String {
        let name = self.month(month);
        let mut letters = name.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    }

    /// A page, before its content is known.
    pub fn page(&self, title: impl Into<String>) -> Frame {
        Frame::new(self, title.into())
    }

    /// The hidden field that every form carries which is sent by POST; in a form with files it comes first.
    pub fn token(&self) -> Markup {
        html! { input type="hidden" name=(TOKEN) value=(self.token); }
    }

    /// Leads to a page after something was done.
    pub fn back_to(&self, path: &str) -> Response {
        see_other(path)
    }

    /// A transaction that writes.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        self.desk.site.db.begin().await
    }

    /// A transaction that only reads.
    pub async fn read(&self) -> sqlx::Result<Tx> {
        self.desk.site.db.read().await
    }

    /// Writes down what this admin did, in the transaction that does it. `subject` is a month or an account, never a
    /// reader.
    pub async fn audit(
        &self,
        tx: &mut Tx,
        deed: Deed,
        subject: &str,
        count: i64,
    ) -> sqlx::Result<()> {
        let done = audit::Done {
            who: &self.admin.name,
            deed,
            subject,
            count,
        };
        audit::add(tx, &self.desk.site.keys, &done, self.now).await
    }

    /// Writes down that this admin is about to see what is held of readers: committed before anything is shown.
    pub async fn note(
        &self,
        tx: &mut Tx,
        what: What,
        subscriber: Option<Uuid>,
        readers: i64,
    ) -> sqlx::Result<()> {
        let who = format!("{} at the desk", self.admin.name);
        let shown = Shown {
            who: &who,
            what,
            subscriber,
            readers,
        };
        record::note(tx, &shown, self.now).await
    }

    /// A page that says why there is none.
    pub(super) fn refuse(&self, error: DeskError) -> Response {
        let [heading, sentence] = error.words(self.language());
        let page = self.page(heading.clone()).show(html! {
            h1 { (heading) }
            p.lead { (sentence) }
            @match error {
                DeskError::SignedOut => p {
                    a.button href="/desk/sign-in" target="_blank" { (self.say("Sign in", "Se connecter")) }
                },
                DeskError::NotFound | DeskError::NotAllowed => p {
                    a.button href="/desk" { (self.say("To the desk", "Retour à l’espace")) }
                },
                _ => {}
            }
        });
        let mut response = page;
        *response.status_mut() = error.status();
        if let DeskError::TooMany { seconds } = error {
            let seconds = HeaderValue::from(seconds);
            response
                .headers_mut()
                .insert(axum::http::header::RETRY_AFTER, seconds);
        }
        response
    }

    /// Sets what the browser may do with a page of the desk, where the page did not set it itself.
    pub(super) fn guarded(&self, mut response: Response) -> Response {
        let fields = [
            (CONTENT_SECURITY_POLICY, POLICY),
            // With `no-referrer` browsers would not say where a form was sent from.
            (REFERRER_POLICY, "same-origin"),
        ];
        for (name, value) in fields {
            let value = HeaderValue::from_static(value);
            response.headers_mut().entry(name).or_insert(value);
        }
        response
    }
}

impl Desk {
    /// What forms of a session carry: nobody who cannot read its pages knows it.
    pub(super) fn form_token(&self, session: &[u8]) -> String {
        let code = self.site.keys.code_over("desk form", session);
        data_encoding::BASE64URL_NOPAD.encode(&code[..18])
    }

    /// Where the site has no certificate, a cookie cannot ask for one.
    pub(super) fn cookie_name(&self) -> &'static str {
        match self.is_https() {
            true => "__Host-desk",
            false => "desk",
        }
    }

    pub(super) fn is_https(&self) -> bool {
        self.site.publisher.site_url.starts_with("https://")
    }

    pub(in crate::web) fn may_take_passwords(&self) -> bool {
        may_take_passwords(&self.site.publisher.site_url)
    }
}

/// Whether a password may go to an address: over TLS, or no further than this machine.
pub fn may_take_passwords(site_url: &str) -> bool {
    let open = site_url.strip_prefix("http://");
    let host = open.and_then(|rest| rest.split(['/', ':']).next());
    site_url.starts_with("https://") || matches!(host, Some("127.0.0.1" | "localhost"))
}
