//! Fresh links: asked for by whoever enters an address, answered by mail to that address alone. The page and its time
//! are the same for every address.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::Words;
use crate::network::Network;
use crate::request::{Form, Kind};
use crate::subscriber::Address;
use crate::subscription::{Format, Frequency, Language};
use crate::web::asking::{self, Carried, NotYet};
use crate::web::fields::Line;
use crate::web::{Page, PageError, Site};

/// What stands in the form.
struct Filled {
    address: String,
    carried: Carried,
}

/// What has to be mended before the form can be taken.
#[derive(Clone, Copy)]
enum Wrong {
    Address,
    NotYet(NotYet),
}

/// Where a link can be asked for.
pub async fn open(State(site): State<Site>, language: Language) -> Response {
    let filled = Filled {
        address: String::new(),
        carried: Carried::new(&site),
    };
    page(&site, language, &filled, None)
}

/// Writes down that a link is wanted, or says what to mend.
pub async fn ask(
    State(site): State<Site>,
    language: Language,
    network: Network,
    body: Bytes,
) -> Result<Response, PageError> {
    let mut filled = Filled::read(&body);
    let Ok(address) = Address::parse(&filled.address) else {
        return Ok(page(&site, language, &filled, Some(Wrong::Address)));
    };
    if !filled.carried.is_a_programs() {
        let not_yet = filled.carried.not_yet(&site, network, &filled.address)?;
        if let Some(not_yet) = not_yet {
            return Ok(page(&site, language, &filled, Some(Wrong::NotYet(not_yet))));
        }
        let tx = site.db.begin().await?;
        site.ask(tx, Kind::Manage, &address, form(language), None)
            .await?;
    }
    Ok(asked(&site, language).into_response())
}

impl Filled {
    /// `None` when a field is none of the form's.
    fn read(body: &[u8]) -> Filled {
        let (mut address, mut carried) = (String::new(), Carried::default());
        for (name, value) in form_urlencoded::parse(body) {
            match name.as_ref() {
                "address" => address = value.trim().to_owned(),
                _ => carried.take(&name, &value),
            }
        }
        Filled { address, carried }
    }
}

/// What a request for a link keeps: that it came from here.
fn form(language: Language) -> Form {
    Form {
        name: String::new(),
        topics: Vec::new(),
        research_types: Vec::new(),
        frequency: Frequency::Monthly,
        format: Format::Html,
        language,
        page: language.path("/manage"),
        text: String::new(),
    }
}

/// What everybody is told.
fn asked(site: &Site, language: Language) -> Markup {
    let words = Words(language);
    let heading = language.look_at_your_mail();
    Page::new(site, language, heading).unlisted().show(html! {
        h1 { (heading) }
        p.lead { (words.if_it_is_subscribed()) }
        p { (words.a_link_works()) }
    })
}

/// The page with the form on it.
fn page(site: &Site, language: Language, filled: &Filled, wrong: Option<Wrong>) -> Response {
    let words = Words(language);
    let heading = words.your_subscription();
    let (address_wrong, not_yet) = match wrong {
        Some(Wrong::Address) => (Some(language.not_an_address()), None),
        Some(Wrong::NotYet(why)) => (None, Some(why)),
        None => (None, None),
    };
    let work = asking::work(not_yet);
    let shown = Page::new(site, language, heading).at("/manage").show(html! {
        h1 { (heading) }
        p.lead { (words.a_link_instead_of_a_password()) }
        form method="post" action=(language.path("/manage")) data-work=[work] {
            @if let Some(why) = not_yet { div.wrong role="alert" { p { (why.words(language)) } } }
            (filled.carried.fields(language))
            (Line::address(language.address(), &filled.address, address_wrong).markup())
            p.buttons { button { (words.mail_me_a_link()) } }
        }
        @if work.is_some() { script src="/work.js" {} }
    });
    asking::with_form(shown, work)
}
