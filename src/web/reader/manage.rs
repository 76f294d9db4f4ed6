//! Behind a fresh link: the whole address, another one, everything that we hold, and being erased.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::{Words, as_form, page};
use crate::db::Tx;
use crate::feedback::held::held;
use crate::feedback::{self, requests};
use crate::request::Kind;
use crate::secret::Purpose;
use crate::subscriber::{Address, Subscriber};
use crate::subscription::Language;
use crate::web::fields::Line;
use crate::web::{PageError, Site};

/// What the link is for. Opening it changes nothing, and does not use it up.
pub async fn show(
    State(site): State<Site>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Markup, PageError> {
    let mut tx = site.db.read().await?;
    Ok(match Found::open(&site, &mut tx, token, &headers).await? {
        Ok(found) => found.page("", None),
        Err(over) => over,
    })
}

/// One of the pages and files below it.
pub async fn part(
    State(site): State<Site>,
    Path((token, part)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let mut tx = site.db.read().await?;
    let found = match Found::open(&site, &mut tx, token, &headers).await? {
        Ok(found) => found,
        Err(over) => return Ok(over.into_response()),
    };
    match part.as_str() {
        "data.json" => found.json(&mut tx).await,
        "data.csv" => found.csv(&mut tx).await,
        "erase" => Ok(found.last_question().into_response()),
        "address" => Ok(found.page("", None).into_response()),
        _ => Err(PageError::NotFound),
    }
}

/// Does what a button asks for.
pub async fn step(
    State(site): State<Site>,
    Path((token, step)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Markup, PageError> {
    let mut tx = site.db.begin().await?;
    let found = match Found::open(&site, &mut tx, token, &headers).await? {
        Ok(found) => found,
        Err(over) => return Ok(over),
    };
    match step.as_str() {
        "address" => found.ask_address(tx, &body).await,
        "erase" => found.erase(tx).await,
        _ => Err(PageError::NotFound),
    }
}

/// A link that works, and its reader.
struct Found<'a> {
    site: &'a Site,
    token: String,
    kind: Kind,
    reader: Subscriber,
}

impl Found<'_> {
    /// `Err` is the page of a link that is over: too old, or mailed to an address that is not the reader's any more.
    async fn open<'a>(
        site: &'a Site,
        tx: &mut Tx,
        token: String,
        headers: &HeaderMap,
    ) -> Result<Result<Found<'a>, Markup>, PageError> {
        let id = site.keys.reader(Purpose::Manage, &token);
        let id = id.ok_or(PageError::BadLink)?;
        let usable = requests::usable(tx, id, (site.clock)()).await?;
        let own = usable.filter(|(request, _, reader)| {
            let is_fresh = matches!(request.kind, Kind::Manage | Kind::Data);
            is_fresh && request.is_about(&reader.address, &site.keys)
        });
        Ok(match own {
            Some((request, _, reader)) => Ok(Found {
                site,
                token,
                kind: request.kind,
                reader,
            }),
            None => Err(over(site, Language::asked_for(headers))),
        })
    }

    fn words(&self) -> Words {
        Words(self.reader.language)
    }

    fn path(&self, part: &str) -> String {
        format!("/m/{}/{part}", self.token)
    }

    /// `written` stands in the field for another address; `wrong` says what is to be mended there.
    fn page(&self, written: &str, wrong: Option<&str>) -> Markup {
        let words = self.words();
        let choices = self.site.keys.link(Purpose::Preferences, self.reader.id);
        let heading = words.more_than_choices();
        let content = html! {
            h1 { (heading) }
            p.lead { (words.your_address_is()) " " strong.address { (self.reader.address) } }
            @if self.kind == Kind::Data { (self.what_we_hold()) }
            section aria-labelledby="another" {
                h2 #another { (words.another_address()) }
                p { (words.another_address_how()) }
                form method="post" action=(self.path("address")) {
                    (Line::address(words.new_address(), written, wrong).markup())
                    p.buttons { button { (words.ask_it()) } }
                }
            }
            @if self.kind != Kind::Data { (self.what_we_hold()) }
            section aria-labelledby="erased" {
                h2 #erased { (words.forget_me()) }
                p { (words.be_erased_how()) }
                p.buttons { a.button.quiet href=(self.path("erase")) { (words.erase()) } }
            }
            p { a href=(format!("/p/{choices}")) { (words.what_you_get()) } }
        };
        page(self.site, words.0, heading, content)
    }

    fn what_we_hold(&self) -> Markup {
        let words = self.words();
        html! {
            section aria-labelledby="held" {
                h2 #held { (words.what_we_hold()) }
                p { (words.what_we_hold_all()) }
                p.buttons {
                    a.button.quiet href=(self.path("data.csv")) download { (words.as_csv()) }
                    a.button.quiet href=(self.path("data.json")) download { (words.as_json()) }
                }
            }
        }
    }

    async fn json(&self, tx: &mut Tx) -> Result<Response, PageError> {
        let held = held(tx, &self.site.keys, &self.reader).await?;
        let text = serde_json::to_string_pretty(&held).expect("texts, numbers and times are JSON");
        Ok(file("application/json", "my-data.json", text + "\n"))
    }

    async fn csv(&self, tx: &mut Tx) -> Result<Response, PageError> {
        let held = held(tx, &self.site.keys, &self.reader).await?;
        Ok(file("text/csv; charset=utf-8", "my-data.csv", held.csv()))
    }

    /// Asks the new address. What is said is the same whoever it belongs to.
    async fn ask_address(&self, tx: Tx, body: &[u8]) -> Result<Markup, PageError> {
        let words = self.words();
        let mut written = String::new();
        for (name, value) in form_urlencoded::parse(body) {
            match name.as_ref() {
                "address" => written = value.trim().to_owned(),
                _ => return Err(PageError::BadForm),
            }
        }
        let Ok(address) = Address::parse(&written) else {
            return Ok(self.page(&written, Some(words.0.not_an_address())));
        };
        let site = self.site;
        let form = as_form(&self.reader, "/m", "");
        site.ask(tx, Kind::Address, &address, form, Some(self.reader.id))
            .await?;
        let heading = words.0.look_at_your_mail();
        let content = html! {
            h1 { (heading) }
            p.lead { (words.it_was_asked()) " " strong.address { (address.as_str()) } "." }
            p { (words.it_was_asked_then()) }
        };
        Ok(page(site, words.0, heading, content))
    }

    /// What goes and what stays, and one button.
    fn last_question(&self) -> Markup {
        let words = self.words();
        let heading = words.shall_we_forget();
        let content = html! {
            h1 { (heading) }
            p.lead { (words.what_goes()) }
            p { (words.what_stays()) }
            ul { @for what in words.these_stay() { li { (what) } } }
            form method="post" action=(self.path("erase")) {
                p.buttons { button.grave { (words.erase_me()) } }
            }
            p { a href=(format!("/m/{}", self.token)) { (words.rather_not()) } }
        };
        page(self.site, words.0, heading, content)
    }

    async fn erase(&self, mut tx: Tx) -> Result<Markup, PageError> {
        feedback::erase(&mut tx, &self.reader, (self.site.clock)()).await?;
        tx.commit().await?;
        let words = self.words();
        let heading = words.you_are_erased();
        let content = html! { h1 { (heading) } p.lead { (words.you_are_erased_so()) } };
        Ok(page(self.site, words.0, heading, content))
    }
}

fn over(site: &Site, language: Language) -> Markup {
    let words = Words(language);
    let content = html! {
        h1 { (words.link_is_over()) }
        p.lead { (words.link_is_over_why()) }
        p { a.button href=(language.path("/manage")) { (words.get_a_fresh_link()) } }
    };
    page(site, language, words.link_is_over(), content)
}

fn file(kind: &'static str, name: &str, text: String) -> Response {
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, text).into_response()
}
