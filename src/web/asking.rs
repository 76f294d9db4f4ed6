//! Forms that lead to a letter to whatever address stands in them: what they carry so that programs find them dear, what
//! keeps them from being taken, and the request that they become.

use axum::http::HeaderValue;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use uuid::Uuid;

use super::limits::May;
use super::ticket::{self, Came};
use super::{POLICY, PageError, Site};
use crate::db::Tx;
use crate::network::Network;
use crate::request::{self, Form, Kind, Request};
use crate::subscriber::Address;
use crate::subscription::Language;

/// What such a form carries beside what it asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Carried {
    /// Nobody sees this field; programs fill in everything.
    website: String,
    ticket: String,
    /// What a script found by working.
    nonce: String,
}

/// Why a form that is filled in rightly is not taken yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotYet {
    PressAgain,
    ManyAreAsking,
}

impl NotYet {
    pub(super) fn words(self, language: Language) -> &'static str {
        match self {
            NotYet::PressAgain => language.press_again(),
            NotYet::ManyAreAsking => language.many_are_asking(),
        }
    }
}

impl Carried {
    /// For a form that is made now.
    pub(super) fn new(site: &Site) -> Carried {
        Carried {
            ticket: ticket::new(&site.keys, (site.new_id)()),
            ..Carried::default()
        }
    }

    /// Takes the field `name` if it is one of these; what is added by others on the way is passed over.
    pub(super) fn take(&mut self, name: &str, value: &str) {
        let field = match name {
            "website" => &mut self.website,
            "token" => &mut self.ticket,
            "nonce" => &mut self.nonce,
            _ => return,
        };
        value.clone_into(field);
    }

    /// Whether what filled it in was no person. It is told what a person is told.
    pub(super) fn is_a_programs(&self) -> bool {
        !self.website.is_empty()
    }

    /// What keeps the form from being taken: its time, and how many there are. Counts this one.
    pub(super) fn not_yet(
        &mut self,
        site: &Site,
        network: Network,
        address: &str,
    ) -> Result<Option<NotYet>, PageError> {
        let now = (site.clock)();
        let has_waited = match ticket::read(&site.keys, &self.ticket, now) {
            Came::InTime { has_waited } => has_waited,
            // The ticket goes on ageing: whoever presses again has waited meanwhile.
            Came::TooSoon => return Ok(Some(NotYet::PressAgain)),
            Came::TooLate => {
                *self = Carried::new(site);
                return Ok(Some(NotYet::PressAgain));
            }
        };
        let has_worked = || ticket::is_worked_for(&self.ticket, address, &self.nonce);
        match site.limits.count(network, now) {
            May::Freely => Ok(None),
            May::WithWork if has_waited || has_worked() => Ok(None),
            May::WithWork => {
                self.nonce.clear();
                Ok(Some(NotYet::ManyAreAsking))
            }
            May::NotBefore(at) => Err(PageError::TooMany {
                seconds: (at - now).num_seconds().max(1).unsigned_abs(),
            }),
        }
    }

    /// The fields that nobody sees.
    pub(super) fn fields(&self, language: Language) -> Markup {
        html! {
            input type="hidden" name="token" value=(self.ticket);
            input type="hidden" name="nonce" value=(self.nonce);
            p.trap aria-hidden="true" {
                label for="website" { (language.leave_this_empty()) }
                input #website type="text" name="website" value=(self.website) tabindex="-1" autocomplete="off";
            }
        }
    }
}

/// How many zero bits of work a form asks of a script.
pub(super) fn work(not_yet: Option<NotYet>) -> Option<u32> {
    (not_yet == Some(NotYet::ManyAreAsking)).then_some(ticket::BITS)
}

/// The page with such a form. The one script that there is may run where the form asks for work, and nowhere else.
pub(super) fn with_form(page: Markup, work: Option<u32>) -> Response {
    let mut response = page.into_response();
    if work.is_some() {
        let policy = HeaderValue::from_str(&format!("{POLICY}; script-src 'self'"));
        let policy = policy.expect("the policy is ASCII");
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

impl Site {
    /// Writes down what is asked for, ends the transaction, and wakes who settles it. `reader` is whom the page's link
    /// names, if it has one.
    pub(super) async fn ask(
        &self,
        mut tx: Tx,
        kind: Kind,
        address: &Address,
        form: Form,
        reader: Option<Uuid>,
    ) -> sqlx::Result<()> {
        let (id, now) = ((self.new_id)(), (self.clock)());
        let mut request = Request::new(id, kind, address, &self.keys, form, now);
        request.subscriber_id = reader;
        request::add(&mut tx, &request).await?;
        tx.commit().await?;
        self.asked.notify_one();
        Ok(())
    }
}
