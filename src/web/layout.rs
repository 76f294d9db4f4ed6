//! The frame that all pages share.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::{Publisher, Site, style};
use crate::subscription::Language;

/// A page of the site, before its content is known.
pub struct Page<'a> {
    site: &'a Site,
    language: Language,
    title: String,
    description: Option<String>,
    path: Option<String>,
    unlisted: bool,
    is_wide: bool,
    /// English paths and titles.
    feeds: Vec<(String, String)>,
    structured: Option<Value>,
}

impl<'a> Page<'a> {
    /// A page in `language`. `title` is what tabs and search engines show, beside the publication's name.
    pub fn new(site: &'a Site, language: Language, title: impl Into<String>) -> Page<'a> {
        Page {
            site,
            language,
            title: title.into(),
            description: None,
            path: None,
            unlisted: false,
            is_wide: false,
            feeds: vec![(String::new(), site.name.clone())],
            structured: None,
        }
    }

    /// The page stands in both languages; `english` is its path in English, where it is known to search engines.
    pub fn at(mut self, english: impl Into<String>) -> Self {
        self.path = Some(english.into());
        self
    }

    /// What search engines show under the title.
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Search engines are to pass the page over: it is one reader's own, or one of endlessly many.
    pub fn unlisted(mut self) -> Self {
        self.unlisted = true;
        self
    }

    /// The page has more than a text to be read from top to bottom.
    pub fn wide(mut self) -> Self {
        self.is_wide = true;
        self
    }

    /// Feeds of its own stand under the page's English path.
    pub fn with_feeds(mut self, english: &str, title: &str) -> Self {
        let title = format!("{title} – {}", self.site.name);
        self.feeds.insert(0, (english.to_owned(), title));
        self
    }

    /// What machines read of the page, as JSON-LD.
    pub fn structured(mut self, described: Value) -> Self {
        self.structured = Some(described);
        self
    }

    /// The whole page around its content, which opens with its one `h1`.
    pub fn show(&self, content: Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang=(self.language) {
                (self.head())
                body {
                    (self.header())
                    main #content .wide[self.is_wide] { (content) }
                    (self.footer())
                }
            }
        }
    }

    fn head(&self) -> Markup {
        let Page { site, language, .. } = self;
        let title = match self.title == site.name {
            true => site.name.clone(),
            false => format!("{} – {}", self.title, site.name),
        };
        let description = self.description.clone();
        let description = description.unwrap_or_else(|| language.what_this_is(&site.name));
        html! {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                meta name="description" content=(description);
                @if self.unlisted { meta name="robots" content="noindex"; }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href=(style::path());
                @if let Some(path) = &self.path { (self.twins(path)) (self.shared(path, &title, &description)) }
                @for (path, title) in &self.feeds { (feed_links(*language, path, title)) }
                @if let Some(described) = &self.structured {
                    script type="application/ld+json" { (PreEscaped(within_script(described))) }
                }
            }
        }
    }

    /// Where the page stands in either language.
    fn twins(&self, path: &str) -> Markup {
        let url = |language: Language| self.site.url(&language.path(path));
        html! {
            link rel="canonical" href=(url(self.language));
            @for language in Language::ALL {
                link rel="alternate" hreflang=(language) href=(url(*language));
            }
        }
    }

    /// What those show who pass a link on.
    fn shared(&self, path: &str, title: &str, description: &str) -> Markup {
        let about = [
            ("og:site_name", self.site.name.clone()),
            ("og:title", title.to_owned()),
            ("og:description", description.to_owned()),
            (
                "og:type",
                self.structured
                    .as_ref()
                    .map_or("website", |_| "article")
                    .to_owned(),
            ),
            ("og:url", self.site.url(&self.language.path(path))),
        ];
        html! { @for (property, content) in about { meta property=(property) content=(content); } }
    }

    fn header(&self) -> Markup {
        let language = self.language;
        let here = self.path.as_deref();
        let links = [
            ("/issues", language.archive()),
            ("/topics", language.topics()),
            ("/search", language.search()),
            ("/subscribe", language.subscribe()),
        ];
        html! {
            header.masthead {
                a.skip href="#content" { (language.skip()) }
                div {
                    p.name { a href=(language.path("/")) { (self.site.name) } }
                    nav aria-label=(language.site_nav()) {
                        ul {
                            @for (path, name) in links {
                                li { a href=(language.path(path)) aria-current=[(here.is_some_and(|here| is_at(here, path))).then_some("page")] { (name) } }
                            }
                            @if let Some(path) = here { li.other { (to_the_other(language, path)) } }
                        }
                    }
                }
            }
        }
    }

    fn footer(&self) -> Markup {
        let Publisher {
            name,
            postal_address,
            contact,
            ..
        } = &self.site.publisher;
        let language = self.language;
        html! {
            footer.colophon {
                div {
                    address {
                        p { (language.published_by()) " " strong { (name) } }
                        @if !postal_address.is_empty() {
                            p { @for line in postal_address.lines() { (line) br; } }
                        }
                        @if !contact.is_empty() { p { (language.contact()) " " (way_to(contact)) } }
                    }
                    ul {
                        li { a href=(language.path("/manage")) { (language.your_subscription()) } }
                        li { a href=(language.path("/privacy")) { (language.privacy()) } }
                        li { a href=(language.path("/feed.atom")) { "Atom" } }
                        li { a href=(language.path("/feed.json")) { "JSON Feed" } }
                    }
                    p.promise { (language.no_watching()) }
                }
            }
        }
    }
}

/// Whether a page stands at an address of the site's own links, whatever was asked of it.
fn is_at(page: &str, path: &str) -> bool {
    page.split('?').next() == Some(path)
}

fn feed_links(language: Language, path: &str, title: &str) -> Markup {
    let kinds = [
        ("atom", "application/atom+xml"),
        ("json", "application/feed+json"),
    ];
    html! {
        @for (end, kind) in kinds {
            link rel="alternate" type=(kind) title=(title) href=(language.path(&format!("{path}/feed.{end}")));
        }
    }
}

/// JSON that ends no script element, whatever texts it holds; browsers run nothing of this type.
fn within_script(described: &Value) -> String {
    let text = described.to_string();
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

fn to_the_other(language: Language, path: &str) -> Markup {
    let other = language.other();
    html! { a href=(other.path(path)) lang=(other) hreflang=(other) { (other.own_name()) } }
}

/// A mail address or a site as a link; a telephone number as it is written.
pub(super) fn way_to(contact: &str) -> Markup {
    let is_site = contact.starts_with("https://") || contact.starts_with("http://");
    let is_address = contact.contains('@') && !contact.contains(char::is_whitespace);
    html! {
        @if is_site { a href=(contact) { (contact) } }
        @else if is_address { a href=(format!("mailto:{contact}")) { (contact) } }
        @else { (contact) }
    }
}
