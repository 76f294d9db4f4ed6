//! A row of the desk's table: an address, and who may.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};

use super::{Desk, enter};
use crate::admin::Role;

/// Who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Also who is not signed in.
    Anyone,
    /// An admin with at least that role.
    Admin(Role),
    /// The same, and they have proved who they are within the last ten minutes.
    Fresh(Role),
}

/// What comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: the page is only looked at.
    Page,
    /// A form.
    Form,
    /// A form with files.
    Upload,
}

/// One address of the desk for one method.
pub struct Route {
    pub path: &'static str,
    pub who: Who,
    pub kind: Kind,
    handler: MethodRouter<Desk>,
}

impl Route {
    /// A page to look at: it changes nothing.
    pub(super) fn get<H, T>(path: &'static str, role: Role, handler: H) -> Route
    where
        H: Handler<T, Desk>,
        T: 'static,
    {
        Route::of(path, role, Kind::Page, get(handler))
    }

    /// A form that is sent: its token, and where it was sent from, have been looked at before the handler runs.
    pub(super) fn post<H, T>(path: &'static str, role: Role, handler: H) -> Route
    where
        H: Handler<T, Desk>,
        T: 'static,
    {
        Route::of(path, role, Kind::Form, post(handler))
    }

    /// The same with files, which lie in temporary ones.
    pub(super) fn upload<H, T>(path: &'static str, role: Role, handler: H) -> Route
    where
        H: Handler<T, Desk>,
        T: 'static,
    {
        Route::of(path, role, Kind::Upload, post(handler))
    }

    fn of(path: &'static str, role: Role, kind: Kind, handler: MethodRouter<Desk>) -> Route {
        Route {
            path,
            who: Who::Admin(role),
            kind,
            handler,
        }
    }

    /// Wants a proof of who one is that is at most ten minutes old.
    pub(super) fn fresh(self) -> Route {
        let who = match self.who {
            Who::Admin(role) => Who::Fresh(role),
            other => other,
        };
        Route { who, ..self }
    }

    /// Also for who is not signed in.
    pub(super) fn open(self) -> Route {
        Route {
            who: Who::Anyone,
            ..self
        }
    }

    pub fn method(&self) -> Method {
        match self.kind {
            Kind::Page => Method::GET,
            Kind::Form | Kind::Upload => Method::POST,
        }
    }

    /// Adds the row to what is served, behind what lets visitors in.
    pub(super) fn into_router(self, router: Router<Desk>, desk: &Desk) -> Router<Desk> {
        let door = enter::Door {
            desk: desk.clone(),
            who: self.who,
            kind: self.kind,
        };
        let guarded = self
            .handler
            .route_layer(middleware::from_fn_with_state(door, enter::enter));
        router.route(self.path, guarded)
    }
}
