//! How a subscription stands, where no digests come: since when, why, and the way back.

use maud::{Markup, html};

use super::Words;
use crate::subscriber::Subscriber;
use crate::subscription::State;
use crate::suppression::{Reason, Suppression};
use crate::web::Site;
use crate::web::layout::way_to;

/// Whether the next digest will come.
pub(super) fn gets_mail(reader: &Subscriber, suppressed: Option<&Suppression>) -> bool {
    reader.state == State::Active && suppressed.is_none()
}

/// Why nothing comes; nothing is said where all is well.
pub(super) fn notice(
    site: &Site,
    words: Words,
    reader: &Subscriber,
    suppressed: Option<&Suppression>,
    token: &str,
) -> Markup {
    let content = match (suppressed, reader.state) {
        (Some(found), _) => stopped(site, words, found, token),
        (None, State::Ended) => html! {
            p { (words.has_ended()) }
            form method="post" action=(format!("/p/{token}/back")) { button { (words.come_back()) } }
        },
        (None, State::Pending) => html! { p { (words.not_confirmed()) } },
        (None, State::Active) => return html! {},
    };
    html! {
        section.notice aria-labelledby="standing" {
            h2 #standing { (words.you_get_none()) }
            (content)
        }
    }
}

fn stopped(site: &Site, words: Words, found: &Suppression, token: &str) -> Markup {
    let says = match found.reason {
        Reason::HardBounce => words.has_bounced(found.since, &found.note),
        Reason::SoftBounces => words.has_failed_often(found.since),
        Reason::Complaint => words.has_complained(found.since),
        Reason::Erased | Reason::Manual => words.was_stopped(found.since),
    };
    let contact = &site.publisher.contact;
    html! {
        p { (says) }
        @if matches!(found.reason, Reason::HardBounce | Reason::SoftBounces) {
            p { (words.start_again_how()) }
            p.small { (words.0.consent(&site.name, &site.publisher.name)) }
            form method="post" action=(format!("/p/{token}/again")) { button { (words.start_again()) } }
        } @else if !contact.is_empty() {
            p { (way_to(contact)) }
        }
    }
}
