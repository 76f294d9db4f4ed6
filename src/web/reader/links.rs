//! Fresh links: asked for by whoever enters an address, answered by mail to that address alone. The page and its time
//! are the same for every address.

use axum::body::Bytes;
use axum::extract::State;
use maud::{Markup, html};

use super::Words;
use crate::request::{self, Form, Kind, Request};
use crate::subscriber::Address;
use crate::subscription::{Format, Frequency, Language};
use crate::web::limits::{May, Network};
use crate::web::ticket::{self, Came};
use crate::web::{Page, PageError, Site};

/// What stands in the form.
struct Filled {
    address: String,
    /// Nobody sees this field; programs fill in everything.
    website: String,
    ticket: String,
}

/// Where a link can be asked for.
pub async fn open(State(site): State<Site>, language: Language) -> Markup {
    asking(&site, language, "", None)
}

/// Writes down that a link is wanted, or says what to mend.
pub async fn ask(
    State(site): State<Site>,
    language: Language,
    network: Network,
    body: Bytes,
) -> Result<Markup, PageError> {
    let filled = Filled::read(&body).ok_or(PageError::BadForm)?;
    let Ok(address) = Address::parse(&filled.address) else {
        let wrong = Some(language.not_an_address());
        return Ok(asking(&site, language, &filled.address, wrong));
    };
    // What fills in a field that nobody sees believes that it was heard.
    if filled.website.is_empty() {
        if let Some(wrong) = in_the_way(&site, language, network, &filled)? {
            return Ok(asking(&site, language, &filled.address, Some(wrong)));
        }
        write_down(&site, language, &address).await?;
    }
    let words = Words(language);
    let heading = language.look_at_your_mail();
    Ok(Page::new(&site, language, heading).unlisted().show(html! {
        h1 { (heading) }
        p.lead { (words.if_it_is_subscribed()) }
        p { (words.a_link_works()) }
    }))
}

impl Filled {
    /// `None` when a field is none of the form's.
    fn read(body: &[u8]) -> Option<Filled> {
        let [mut address, mut website, mut ticket] = [const { String::new() }; 3];
        for (name, value) in form_urlencoded::parse(body) {
            match name.as_ref() {
                "address" => address = value.trim().to_owned(),
                "website" => website = value.into_owned(),
                "ticket" => ticket = value.into_owned(),
                _ => return None,
            }
        }
        Some(Filled {
            address,
            website,
            ticket,
        })
    }
}

/// What keeps a form from being taken: its time, and how many there are. Whoever waits does as much as whoever works.
fn in_the_way(
    site: &Site,
    language: Language,
    network: Network,
    filled: &Filled,
) -> Result<Option<&'static str>, PageError> {
    let now = (site.clock)();
    let Came::InTime { has_waited } = ticket::read(&site.keys, &filled.ticket, now) else {
        return Ok(Some(language.press_again()));
    };
    match site.limits.count(network, now) {
        May::Freely => Ok(None),
        May::WithWork if has_waited => Ok(None),
        May::WithWork => Ok(Some(Words(language).many_are_asking())),
        May::NotBefore(at) => Err(PageError::TooMany {
            seconds: (at - now).num_seconds().max(1).unsigned_abs(),
        }),
    }
}

async fn write_down(site: &Site, language: Language, address: &Address) -> sqlx::Result<()> {
    let form = Form {
        name: String::new(),
        topics: Vec::new(),
        research_types: Vec::new(),
        frequency: Frequency::Monthly,
        format: Format::Html,
        language,
        page: language.path("/manage"),
        text: String::new(),
    };
    let (id, now) = ((site.new_id)(), (site.clock)());
    let request = Request::new(id, Kind::Manage, address, &site.keys, form, now);
    let mut tx = site.db.begin().await?;
    request::add(&mut tx, &request).await?;
    tx.commit().await?;
    site.asked.notify_one();
    Ok(())
}

fn asking(site: &Site, language: Language, written: &str, wrong: Option<&str>) -> Markup {
    let words = Words(language);
    let heading = words.your_subscription();
    let page = Page::new(site, language, heading).at("/manage");
    page.show(html! {
        h1 { (heading) }
        p.lead { (words.a_link_instead_of_a_password()) }
        form method="post" action=(language.path("/manage")) {
            input type="hidden" name="ticket" value=(ticket::new(&site.keys, (site.new_id)()));
            (address_field("address", words.0.address(), written, wrong))
            p.trap aria-hidden="true" {
                label for="website" { (language.leave_this_empty()) }
                input #website type="text" name="website" tabindex="-1" autocomplete="off";
            }
            p.buttons { button { (words.mail_me_a_link()) } }
        }
    })
}

/// A field for an address, with what is wrong about the one in it.
pub(super) fn address_field(name: &str, label: &str, written: &str, wrong: Option<&str>) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            @if let Some(wrong) = wrong { p.wrong id="address-wrong" role="alert" { (wrong) } }
            input id=(name) type="email" name=(name) value=(written) required autocomplete="email" maxlength="254"
                aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong.map(|_| "address-wrong")];
        }
    }
}
