//! The preference centre: what a reader chose, to be changed, behind a link of each mail. What wants more than such a
//! link, which may be passed on, is asked for from here and answered by mail.

use std::collections::HashSet;

use axum::body::Bytes;
use axum::extract::{Path, State};
use maud::{Markup, html};
use serde_json::json;

use super::form::{self, Filled, Wrong};
use super::kept::{Changes, newest};
use super::preview::preview;
use super::standing::{gets_mail, notice};
use super::{Words, as_form, masked, page, reader_of};
use crate::db::Tx;
use crate::feedback;
use crate::request::Kind;
use crate::secret::Purpose;
use crate::subscriber::{self, Address, Subscriber};
use crate::subscription::{self, Act};
use crate::suppression::{self, Suppression};
use crate::web::words::CONSENT_TEXT;
use crate::web::{PageError, Site};

/// Titles in one mail of the newest on topics that were added.
const MOST_MAILED: usize = 12;

/// How many months a break may last.
const PAUSES: [u32; 3] = [1, 3, 6];

/// What the reader chose.
pub async fn show(
    State(site): State<Site>,
    Path(token): Path<String>,
) -> Result<Markup, PageError> {
    let mut tx = site.db.read().await?;
    let centre = Centre::open(&site, &mut tx, token).await?;
    Ok(centre.page(&Filled::of(&centre.reader), Shown::default()))
}

/// The same for an address to which a form was sent.
pub async fn show_again(
    site: State<Site>,
    Path((token, _)): Path<(String, String)>,
) -> Result<Markup, PageError> {
    show(site, Path(token)).await
}

/// Keeps what the form says, and tells what is different now.
pub async fn keep(
    State(site): State<Site>,
    Path(token): Path<String>,
    body: Bytes,
) -> Result<Markup, PageError> {
    let mut tx = site.db.begin().await?;
    let mut centre = Centre::open(&site, &mut tx, token).await?;
    let filled = centre.filled(&body)?;
    let wanted = match filled.checked() {
        Ok(wanted) => wanted,
        Err(wrong) => return Ok(centre.page(&filled, Shown::wrong(wrong))),
    };
    let words = Words(wanted.preferences.language);
    let changes = Changes::between(&site, words, &Filled::of(&centre.reader), &wanted);
    if !changes.is_empty() {
        centre.keep(&mut tx, &wanted).await?;
    }
    let offered = changes
        .to_begin_with(&site, &mut tx, words, &centre.token)
        .await?;
    tx.commit().await?;
    let said = html! { (changes.said(words, centre.gets_mail())) (offered) };
    Ok(centre.page(
        &wanted,
        Shown {
            said,
            ..Shown::default()
        },
    ))
}

/// What a button of the page asks for, beside keeping: nothing of it changes a choice.
pub async fn step(
    State(site): State<Site>,
    Path((token, step)): Path<(String, String)>,
    body: Bytes,
) -> Result<Markup, PageError> {
    match step.as_str() {
        "preview" => show_first(&site, token, &body).await,
        "link" => mail_a_link(&site, token, &body).await,
        "again" => start_again(&site, token).await,
        "back" => come_back(&site, token).await,
        "newest" => mail_newest(&site, token, &body).await,
        "pause" => pause(&site, token, &body).await,
        "resume" => resume(&site, token).await,
        "stay" => stay(&site, token).await,
        _ => Err(PageError::NotFound),
    }
}

/// What the newest issue has for the choices in the form. Changes nothing.
async fn show_first(site: &Site, token: String, body: &[u8]) -> Result<Markup, PageError> {
    let mut tx = site.db.read().await?;
    let centre = Centre::open(site, &mut tx, token).await?;
    let filled = centre.filled(body)?;
    let preview = preview(site, &mut tx, centre.words(), &filled).await?;
    Ok(centre.page(
        &filled,
        Shown {
            preview,
            ..Shown::default()
        },
    ))
}

/// A fresh link, to the reader's own address and nowhere else.
async fn mail_a_link(site: &Site, token: String, body: &[u8]) -> Result<Markup, PageError> {
    let kind = match body {
        b"for=manage" => Kind::Manage,
        b"for=data" => Kind::Data,
        _ => return Err(PageError::BadForm),
    };
    let mut tx = site.db.begin().await?;
    let centre = Centre::open(site, &mut tx, token).await?;
    centre.ask(tx, kind, "").await?;
    let words = centre.words();
    Ok(centre.mailed(words.a_link_goes_to(), &words.a_link_works()))
}

/// For somebody whose mail came back: they confirm by mail, as when they signed up.
async fn start_again(site: &Site, token: String) -> Result<Markup, PageError> {
    let mut tx = site.db.begin().await?;
    let centre = Centre::open(site, &mut tx, token).await?;
    centre.ask(tx, Kind::SignUp, CONSENT_TEXT).await?;
    let words = centre.words();
    Ok(centre.mailed(words.a_confirmation_goes_to(), words.once_a_day()))
}

/// Takes up a subscription that the reader had ended.
async fn come_back(site: &Site, token: String) -> Result<Markup, PageError> {
    let mut tx = site.db.begin().await?;
    let mut centre = Centre::open(site, &mut tx, token).await?;
    let source = "preferences page";
    let back = feedback::resubscribe(&mut tx, &centre.reader, source, (site.clock)()).await?;
    centre = Centre::open(site, &mut tx, centre.token).await?;
    tx.commit().await?;
    let words = centre.words();
    if !back && centre.reader.state == subscription::State::Ended {
        return Ok(centre.said(html! {}));
    }
    let said = html! { p.done role="status" { (words.welcome_back()) ". " (words.goes_on()) } };
    Ok(centre.page(
        &Filled::of(&centre.reader),
        Shown {
            said,
            ..Shown::default()
        },
    ))
}

/// The newest on topics that the reader added, by mail, each once.
async fn mail_newest(site: &Site, token: String, body: &[u8]) -> Result<Markup, PageError> {
    let mut topics = Vec::new();
    for (name, value) in form_urlencoded::parse(body) {
        match name.as_ref() {
            "topics" => topics.push(value.into_owned()),
            _ => return Err(PageError::BadForm),
        }
    }
    let mut tx = site.db.begin().await?;
    let centre = Centre::open(site, &mut tx, token).await?;
    topics.retain(|topic| centre.reader.topics.contains(topic));
    let newest = newest(site, &mut tx, &topics).await?;
    let entries = newest.into_iter().flat_map(|(_, entries)| entries);
    let mut seen = HashSet::new();
    let summaries: Vec<_> = entries
        .filter(|entry| seen.insert(entry.id))
        .take(MOST_MAILED)
        .map(|entry| (entry.id, entry.title, entry.language))
        .collect();
    if !summaries.is_empty() && centre.gets_mail() {
        feedback::send_to_begin_with(&mut tx, &centre.reader, summaries, (site.clock)()).await?;
        tx.commit().await?;
    }
    let words = centre.words();
    Ok(centre.mailed(words.they_come_by_mail(), words.one_such_mail_a_day()))
}

/// Lets digests rest for as many months as the button says.
async fn pause(site: &Site, token: String, body: &[u8]) -> Result<Markup, PageError> {
    let button = std::str::from_utf8(body).unwrap_or_default();
    let months = button
        .strip_prefix("months=")
        .and_then(|months| months.parse().ok());
    let months = months.filter(|months| PAUSES.contains(months));
    let months = months.ok_or(PageError::BadForm)?;
    let mut tx = site.db.begin().await?;
    let mut centre = Centre::open(site, &mut tx, token).await?;
    feedback::pause(&mut tx, &centre.reader, months, (site.clock)()).await?;
    centre = Centre::open(site, &mut tx, centre.token).await?;
    tx.commit().await?;
    Ok(centre.said(html! {}))
}

/// Ends the break before its time.
async fn resume(site: &Site, token: String) -> Result<Markup, PageError> {
    let mut tx = site.db.begin().await?;
    let mut centre = Centre::open(site, &mut tx, token).await?;
    if centre.reader.paused_until.is_some() {
        subscription::pause(&mut tx, centre.reader.id, None).await?;
        let source = "ended the break on the preferences page";
        let hash = &centre.reader.address_hash;
        subscription::record(&mut tx, hash, Act::Changed, source, (site.clock)()).await?;
    }
    centre = Centre::open(site, &mut tx, centre.token).await?;
    tx.commit().await?;
    let words = centre.words();
    Ok(centre
        .said(html! { p.done role="status" { (words.welcome_back()) ". " (words.goes_on()) } }))
}

/// The reader says in so many words that digests shall come: an implied consent becomes an express one.
async fn stay(site: &Site, token: String) -> Result<Markup, PageError> {
    let mut tx = site.db.begin().await?;
    let mut centre = Centre::open(site, &mut tx, token).await?;
    if centre.reader.consent_until.is_some() {
        let now = (site.clock)();
        subscription::make_express(&mut tx, centre.reader.id).await?;
        let proof = json!({ "text": CONSENT_TEXT, "language": centre.reader.language, "page": "/p", "confirmed_at": now });
        let source = "preferences page, behind the link of a mail";
        let hash = &centre.reader.address_hash;
        subscription::record_consent(&mut tx, hash, source, &proof, now).await?;
    }
    centre = Centre::open(site, &mut tx, centre.token).await?;
    tx.commit().await?;
    let words = centre.words();
    Ok(centre.said(html! { p.done role="status" { (words.goes_on()) } }))
}

/// One reader's page.
struct Centre<'a> {
    site: &'a Site,
    token: String,
    reader: Subscriber,
    suppressed: Option<Suppression>,
    /// Whether the reader, if they left, may undo it here.
    may_come_back: bool,
}

/// What stands on the page beside the choices.
struct Shown {
    said: Markup,
    wrong: Option<Wrong>,
    preview: Markup,
}

impl Default for Shown {
    fn default() -> Shown {
        Shown {
            said: html! {},
            wrong: None,
            preview: html! {},
        }
    }
}

impl Shown {
    fn wrong(wrong: Wrong) -> Shown {
        Shown {
            wrong: Some(wrong),
            ..Shown::default()
        }
    }
}

impl Centre<'_> {
    async fn open<'a>(site: &'a Site, tx: &mut Tx, token: String) -> Result<Centre<'a>, PageError> {
        let reader = reader_of(site, tx, Purpose::Preferences, &token).await?;
        let suppressed = suppression::of(tx, &reader.address_hash).await?;
        let has_ended = reader.state == subscription::State::Ended;
        let now = (site.clock)();
        Ok(Centre {
            site,
            token,
            may_come_back: has_ended && feedback::may_come_back(tx, &reader, now).await?,
            reader,
            suppressed,
        })
    }

    fn words(&self) -> Words {
        Words(self.reader.language)
    }

    fn gets_mail(&self) -> bool {
        gets_mail(&self.reader, self.suppressed.as_ref(), (self.site.clock)())
    }

    /// The reader left, and it is too late to undo that here: no choice would bring anything.
    fn is_over(&self) -> bool {
        let has_ended = self.reader.state == subscription::State::Ended;
        has_ended && !self.may_come_back && self.suppressed.is_none()
    }

    /// The page with the choices as they are, under what is said.
    fn said(&self, said: Markup) -> Markup {
        let shown = Shown {
            said,
            ..Shown::default()
        };
        self.page(&Filled::of(&self.reader), shown)
    }

    fn filled(&self, body: &[u8]) -> Result<Filled, PageError> {
        let vocabulary = &self.site.vocabulary;
        Filled::read(vocabulary, &self.reader, body).ok_or(PageError::BadForm)
    }

    /// Sets what the reader wants, with a line in the consent record.
    async fn keep(&mut self, tx: &mut Tx, wanted: &Filled) -> sqlx::Result<()> {
        let (reader, now) = (&self.reader, (self.site.clock)());
        subscription::prefer(tx, reader.id, &wanted.preferences).await?;
        subscriber::describe(tx, reader.id, &wanted.name, &wanted.time_zone).await?;
        let source = "preferences page";
        subscription::record(tx, &reader.address_hash, Act::Changed, source, now).await?;
        self.reader.language = wanted.preferences.language;
        Ok(())
    }

    /// Writes down what is to be asked of the reader's own address, and ends the transaction.
    async fn ask(&self, tx: Tx, kind: Kind, text: &str) -> Result<(), PageError> {
        let (site, reader) = (self.site, &self.reader);
        let Ok(address) = Address::parse(&reader.address) else {
            return Ok(());
        };
        let form = as_form(reader, "/p", text);
        site.ask(tx, kind, &address, form, Some(reader.id)).await?;
        Ok(())
    }

    fn mailed(&self, goes_to: &str, then: &str) -> Markup {
        let words = self.words();
        let heading = words.0.look_at_your_mail();
        let content = html! {
            h1 { (heading) }
            p.lead { (goes_to) " " strong.address { (masked(&self.reader)) } "." }
            p { (then) }
            p { a href=(format!("/p/{}", self.token)) { (words.back_to_choices()) } }
        };
        page(self.site, words.0, heading, content)
    }

    fn page(&self, filled: &Filled, shown: Shown) -> Markup {
        let (words, token) = (self.words(), &self.token);
        let suppressed = self.suppressed.as_ref();
        let content = html! {
            h1 { (words.what_you_get()) }
            p.lead { (words.digests_for()) " " strong.address { (masked(&self.reader)) } }
            (shown.said)
            @if shown.wrong.is_some() { p.wrong role="alert" { (words.nothing_kept_yet()) } }
            (notice(self.site, words, &self.reader, suppressed, token, self.may_come_back, (self.site.clock)()))
            @if !self.is_over() {
                form method="post" action=(format!("/p/{token}")) {
                    (form::fields(&self.site.vocabulary, words, filled, shown.wrong))
                    (shown.preview)
                    p.buttons {
                        button { (words.keep()) }
                        button.quiet formaction=(format!("/p/{token}/preview#preview")) { (words.show_first()) }
                    }
                }
            }
            @if suppressed.is_none() { (self.more()) }
        };
        page(self.site, words.0, words.what_you_get(), content)
    }

    /// What wants a fresh link; and a break and leaving, which do not.
    fn more(&self) -> Markup {
        let (words, reader) = (self.words(), self.reader.id);
        let leave = self.site.keys.link(Purpose::Unsubscribe, reader);
        html! {
            @if self.gets_mail() {
                section aria-labelledby="break" {
                    h2 #break { (words.take_a_break()) }
                    p { (words.take_a_break_how()) }
                    form.buttons method="post" action=(format!("/p/{}/pause", self.token)) {
                        @for months in PAUSES { button.quiet name="months" value=(months) { (words.months(months)) } }
                    }
                }
            }
            section aria-labelledby="more" {
                h2 #more { (words.more_than_choices()) }
                p { (words.wants_a_fresh_link()) }
                form.buttons method="post" action=(format!("/p/{}/link", self.token)) {
                    button.quiet name="for" value="manage" { (words.change_my_address()) }
                    button.quiet name="for" value="data" { (words.get_what_you_hold()) }
                    button.quiet name="for" value="manage" { (words.forget_me()) }
                }
            }
            @if self.reader.state == subscription::State::Active {
                @let feed = self.site.keys.link(Purpose::Feed, reader);
                p { a href=(format!("/f/{feed}")) type="application/atom+xml" { (words.own_feed()) } }
            }
            @if self.reader.state != subscription::State::Ended {
                p.leave { a href=(format!("/u/{leave}")) { (words.leave()) } }
            }
        }
    }
}
