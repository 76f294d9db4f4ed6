//! How a subscription stands, where no digests come: since when, why, and the way back.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::Words;
use crate::subscriber::Subscriber;
use crate::subscription::State;
use crate::suppression::{Reason, Suppression};
use crate::web::Site;
use crate::web::layout::way_to;

/// Whether digests come as things stand at `now`.
pub(super) fn gets_mail(
    reader: &Subscriber,
    suppressed: Option<&Suppression>,
    now: DateTime<Utc>,
) -> bool {
    let agrees = reader.consent_until.is_none_or(|until| until > now);
    reader.state == State::Active && suppressed.is_none() && agrees && rests(reader, now).is_none()
}

/// Until when the reader pauses, if they do.
pub(super) fn rests(reader: &Subscriber, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let until = reader.paused_until.filter(|until| *until > now);
    until.filter(|_| reader.state == State::Active)
}

/// Why nothing comes; nothing is said where all is well. `may_come_back`: whether who left may still undo it here.
pub(super) fn notice(
    site: &Site,
    words: Words,
    reader: &Subscriber,
    suppressed: Option<&Suppression>,
    token: &str,
    may_come_back: bool,
    now: DateTime<Utc>,
) -> Markup {
    let (heading, content) = match (suppressed, reader.state) {
        (Some(found), _) => (words.you_get_none(), stopped(site, words, found, token)),
        (None, State::Ended) => (words.you_get_none(), ended(words, token, may_come_back)),
        (None, State::Pending) => (
            words.you_get_none(),
            html! { p { (words.not_confirmed()) } },
        ),
        (None, State::Active) => match (reader.consent_until, rests(reader, now)) {
            (Some(until), _) => runs_out(site, words, token, until, now),
            (None, Some(until)) => (words.you_pause(), pausing(words, token, until)),
            (None, None) => return html! {},
        },
    };
    // A break was the reader's own wish, and a consent that still holds is no fault.
    let is_calm = suppressed.is_none() && reader.state == State::Active;
    html! {
        section.notice.calm[is_calm] aria-labelledby="standing" {
            h2 #standing { (heading) }
            (content)
        }
    }
}

/// Who left long ago is to sign up again: somebody else may have the mail with the link by now.
fn ended(words: Words, token: &str, may_come_back: bool) -> Markup {
    html! {
        @if may_come_back {
            p { (words.has_ended()) }
            form method="post" action=(format!("/p/{token}/back")) { button { (words.come_back()) } }
        } @else {
            p { (words.too_late_to_undo()) }
            p.buttons { a.button href=(words.0.path("/subscribe")) { (words.0.subscribe()) } }
        }
    }
}

fn pausing(words: Words, token: &str, until: DateTime<Utc>) -> Markup {
    html! {
        p { (words.pauses_until(until)) }
        form method="post" action=(format!("/p/{token}/resume")) { button { (words.resume()) } }
    }
}

/// The reader never said in so many words that they want it; here they can.
fn runs_out(
    site: &Site,
    words: Words,
    token: &str,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> (&'static str, Markup) {
    let heading = match until > now {
        true => words.shall_they_go_on(),
        false => words.you_get_none(),
    };
    let content = html! {
        p { (words.consent_runs_out(until, now)) }
        p.small { (words.0.consent(&site.name, &site.publisher.name)) }
        form method="post" action=(format!("/p/{token}/stay")) { button { (words.let_them_go_on()) } }
    };
    (heading, content)
}

fn stopped(site: &Site, words: Words, found: &Suppression, token: &str) -> Markup {
    let says = match found.reason {
        Reason::HardBounce => words.has_bounced(found.since, &found.note),
        Reason::SoftBounces => words.has_failed_often(found.since),
        Reason::Complaint => words.has_complained(found.since),
        Reason::Erased | Reason::Left | Reason::Manual => words.was_stopped(found.since),
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
