//! What is known of a reader, why, for how long, and what they can do about it: from the settings and from what the
//! service really does.

use axum::extract::State;
use maud::{Markup, html};

use super::{Page, Site, layout};
use crate::subscription::Language;

/// What the operator tells on the privacy page besides who publishes. What is not set is left out.
#[derive(Clone, Debug, Default)]
pub struct Privacy {
    /// Who answers for personal data, and how they are reached.
    pub officer: String,
    /// Who handles mails on the publisher's behalf, and in which country.
    pub processors: String,
    /// To whom a reader can complain.
    pub complaints: String,
}

/// The privacy page.
pub async fn page(State(site): State<Site>, language: Language) -> Markup {
    let (publisher, privacy) = (&site.publisher, &site.publisher.privacy);
    let own = [
        (language.privacy_officer(), &privacy.officer),
        (language.privacy_processors(), &privacy.processors),
        (language.privacy_complaints(), &privacy.complaints),
    ];
    Page::new(&site, language, language.privacy())
        .at("/privacy")
        .described(language.privacy_lead())
        .show(html! {
            h1 { (language.privacy()) }
            p.lead { (language.privacy_lead()) }
            h2 { (language.privacy_who()) }
            address {
                p { strong { (publisher.name) } }
                @if !publisher.postal_address.is_empty() {
                    p { @for line in publisher.postal_address.lines() { (line) br; } }
                }
                @if !publisher.contact.is_empty() { p { (language.contact()) " " (layout::way_to(&publisher.contact)) } }
            }
            @for (heading, text) in own {
                @if !text.is_empty() {
                    h2 { (heading) }
                    p { @for line in text.lines() { (line) br; } }
                }
            }
            @for (heading, points) in language.privacy_facts(&site.retention) {
                h2 { (heading) }
                ul { @for point in points { li { (point) } } }
            }
            p { a.button href=(language.path("/manage")) { (language.privacy_manage()) } }
        })
}
