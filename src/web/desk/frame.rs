//! The frame that all pages of the desk share.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use super::{Visit, style};
use crate::admin::Role;

/// A page of the desk, before its content is known.
pub struct Frame {
    visit: Visit,
    title: String,
    under: String,
    scripts: Vec<String>,
    is_wide: bool,
    done: Option<String>,
    refresh_seconds: Option<u32>,
    status: StatusCode,
}

/// What was just done, as the address of the page that follows says it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    pub done: String,
}

/// Where an entry of the menu leads, its names, and who sees it.
struct Entry {
    path: &'static str,
    english: &'static str,
    french: &'static str,
    role: Role,
}

const MENU: [Entry; 7] = [
    Entry {
        path: "/desk",
        english: "Overview",
        french: "Vue d’ensemble",
        role: Role::Viewer,
    },
    Entry {
        path: "/desk/issues",
        english: "Issues",
        french: "Numéros",
        role: Role::Viewer,
    },
    Entry {
        path: "/desk/readers",
        english: "Readers",
        french: "Lecteurs",
        role: Role::Viewer,
    },
    Entry {
        path: "/desk/campaigns",
        english: "Sent",
        french: "Envois",
        role: Role::Viewer,
    },
    Entry {
        path: "/desk/people",
        english: "People",
        french: "Équipe",
        role: Role::Owner,
    },
    Entry {
        path: "/desk/tokens",
        english: "Programs",
        french: "Programmes",
        role: Role::Owner,
    },
    Entry {
        path: "/desk/audit",
        english: "Record",
        french: "Registre",
        role: Role::Owner,
    },
];

impl Frame {
    pub(super) fn new(visit: &Visit, title: String) -> Frame {
        Frame {
            visit: visit.clone(),
            title,
            under: String::new(),
            scripts: Vec::new(),
            is_wide: false,
            done: None,
            refresh_seconds: None,
            status: StatusCode::OK,
        }
    }

    /// Marks an entry of the menu as the one under which the page stands.
    pub fn under(mut self, path: &str) -> Frame {
        path.clone_into(&mut self.under);
        self
    }

    /// A script of ours, by its address; the page works without it.
    pub fn script(mut self, path: &str) -> Frame {
        self.scripts.push(path.to_owned());
        self
    }

    /// The page has more than a text to be read from top to bottom.
    pub fn wide(mut self) -> Frame {
        self.is_wide = true;
        self
    }

    /// A notice at the top, of something that was just done, if anything was.
    pub fn done<'a>(mut self, text: impl Into<Option<&'a str>>) -> Frame {
        self.done = text.into().map(str::to_owned);
        self
    }

    /// Answers a form that could not be taken, if it could not.
    pub fn refused(mut self, is_refused: bool) -> Frame {
        if is_refused {
            self.status = StatusCode::BAD_REQUEST;
        }
        self
    }

    /// Where there is no script, the page comes anew after so many seconds.
    pub fn refresh(mut self, seconds: u32) -> Frame {
        self.refresh_seconds = Some(seconds);
        self
    }

    /// The whole page around its content, which opens with its one `h1`.
    pub fn show(&self, content: Markup) -> Response {
        let visit = &self.visit;
        let page = html! {
            (DOCTYPE)
            html lang=(visit.language()) {
                (self.head())
                body.desk {
                    (self.header())
                    main #content .wide[self.is_wide] {
                        @if let Some(done) = &self.done { p.done role="status" { (done) } }
                        (content)
                    }
                }
            }
        };
        visit.guarded((self.status, page).into_response())
    }

    fn head(&self) -> Markup {
        let site = &self.visit.desk.site;
        html! {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                @if let Some(seconds) = self.refresh_seconds {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
                title { (self.title) " – " (site.name) }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href=(super::super::style::path());
                link rel="stylesheet" href=(style::path());
                @for script in &self.scripts { script src=(script) defer {} }
            }
        }
    }

    fn header(&self) -> Markup {
        let visit = &self.visit;
        let site = &visit.desk.site;
        html! {
            header.masthead {
                a.skip href="#content" { (visit.say("Skip to the content", "Aller au contenu")) }
                div {
                    p.name { a href="/desk" { (site.name) } " " span.tag { (visit.say("Desk", "Rédaction")) } }
                    @if visit.is_signed_in() { (self.menu()) }
                }
            }
        }
    }

    fn menu(&self) -> Markup {
        let visit = &self.visit;
        let entries = MENU.iter().filter(|entry| visit.may(entry.role));
        html! {
            nav aria-label=(visit.say("Desk", "Rédaction")) {
                ul {
                    @for entry in entries {
                        li {
                            a href=(entry.path) aria-current=[(entry.path == self.under).then_some("page")] {
                                (visit.say(entry.english, entry.french))
                            }
                        }
                    }
                    li.other {
                        a href="/desk/me" aria-current=[(self.under == "/desk/me").then_some("page")] { (visit.admin.name) }
                    }
                }
            }
        }
    }
}
