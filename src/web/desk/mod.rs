//! The editor's desk: the pages on which one person, who need be no engineer, runs the publication.
//!
//! Every page is a row of a table: its method, its address, and who may. Nothing else is served, and nothing of it
//! before its row has let the visitor in (`enter`).

mod calendar;
mod campaigns;
mod deeds;
mod enter;
mod error;
mod frame;
mod growth;
mod guesses;
mod home;
mod hooks;
mod issues;
mod kept;
mod me;
mod people;
mod plot;
mod posted;
mod programs;
mod readers;
mod route;
mod send;
mod sign_in;
mod style;
mod suppressions;
mod table;
mod tokens;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use tokio::sync::{Notify, Semaphore};

use super::Site;
use super::limits::Calls;
use crate::address_book::AddressBook;
use crate::cell;
use crate::config::Config;
use crate::enrol::beside::Imports;
use crate::errand::Errands;
use crate::figures::Counting;
use crate::forecast::Forecasts;
use crate::issue::Month;
use crate::plan::Terms;
use crate::render::Renderer;
use crate::sending::orders::Orders;
use crate::suggest::Suggester;

pub use self::error::DeskError;
pub use self::frame::Frame;
pub use self::guesses::Guesses;
pub use self::posted::{File, Posted};
pub use self::route::{Kind, Route, Who};
pub use self::visit::{Answer, Visit, may_take_passwords};

/// What the desk needs. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    pub site: Site,
    pub config: Arc<Config>,
    pub suggester: Arc<Suggester>,
    /// For looking at mails; what goes out is rendered by a sender.
    pub renderer: Arc<Renderer>,
    /// What plans would come to.
    pub forecasts: Arc<Forecasts>,
    pub guesses: Arc<Guesses>,
    /// What programs have asked lately.
    pub calls: Arc<Calls>,
    /// Places for passwords that are being checked: each takes 19 MiB and a good part of a processor.
    pub checks: Arc<Semaphore>,
    /// Where a part of an address is looked for.
    pub book: Arc<AddressBook>,
    /// The lists that are being imported.
    pub imports: Arc<Imports>,
    /// Told when many readers are to be changed.
    pub called: Arc<Notify>,
    /// Told when an order was written down.
    pub placed: Arc<Notify>,
}

/// Passwords that are checked at once.
const CHECKS: usize = 2;

impl Desk {
    pub fn new(site: Site, config: Config, suggester: Suggester, renderer: Renderer) -> Desk {
        let terms = Terms::of(&config);
        let forecasts = Forecasts::new(site.db.clone(), terms, site.clock.clone());
        Desk {
            forecasts,
            placed: Arc::default(),
            site,
            config: Arc::new(config),
            suggester: Arc::new(suggester),
            renderer: Arc::new(renderer),
            guesses: Arc::default(),
            calls: Arc::default(),
            checks: Arc::new(Semaphore::new(CHECKS)),
            book: Arc::default(),
            imports: Arc::default(),
            called: Arc::default(),
        }
    }

    /// What changes many readers, beside the pages.
    pub fn errands(&self) -> Errands {
        Errands {
            db: self.site.db.clone(),
            book: self.book.clone(),
            clock: self.site.clock.clone(),
            called: self.called.clone(),
        }
    }

    /// What settles the orders of this desk.
    pub fn orders(&self) -> Orders {
        Orders {
            db: self.site.db.clone(),
            terms: Terms::of(&self.config),
            clock: self.site.clock.clone(),
            placed: self.placed.clone(),
        }
    }

    /// What counts the figures that its pages show.
    pub fn counting(&self) -> Counting {
        Counting {
            db: self.site.db.clone(),
            clock: self.site.clock.clone(),
        }
    }
}

impl FromRef<Desk> for Site {
    fn from_ref(desk: &Desk) -> Site {
        desk.site.clone()
    }
}

/// All pages of the desk.
pub fn table() -> Vec<Route> {
    let parts = [
        home::routes(),
        issues::routes(),
        sign_in::routes(),
        me::routes(),
        people::routes(),
        tokens::routes(),
        hooks::routes(),
        readers::routes(),
        suppressions::routes(),
        kept::routes(),
        deeds::routes(),
        send::routes(),
        campaigns::routes(),
        calendar::routes(),
        growth::routes(),
        style::routes(),
    ];
    parts.into_iter().flatten().collect()
}

/// The desk as it is served. What it does not know, it does not show.
pub fn routes(desk: Desk) -> Router {
    let mut router = Router::new();
    for route in table() {
        router = route.into_router(router, &desk);
    }
    router
        // The limits are those of `Posted`.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(
            desk.site.clone(),
            super::secured,
        ))
        .with_state(desk)
}

/// The month that an address names.
fn month_of(path: &str) -> Result<Month, DeskError> {
    path.parse().map_err(|_| DeskError::NotFound)
}

/// A script of ours. Pages name it by its address alone, so a browser asks again each hour.
fn script_file(script: &'static str) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "private, max-age=3600"),
    ];
    (headers, script)
}

/// A table as a file for spreadsheets.
fn csv_file(name: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Response {
    let mut written = cell::writer(Vec::new());
    let head = head.iter().map(|cell| (*cell).to_owned()).collect();
    for row in std::iter::once(head).chain(rows) {
        let cells = row
            .iter()
            .map(|cell| cell::not_a_formula(cell).into_owned());
        written
            .write_record(cells.collect::<Vec<_>>())
            .expect("memory takes what is written");
    }
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, written.into_inner().unwrap_or_default()).into_response()
}
