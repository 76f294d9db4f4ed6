//! Readers: looking for them, one of them, and many at once.

mod add;
mod asked;
mod bulk;
mod choices;
mod export;
mod import;
mod list;
mod one;
pub(super) mod words;

use maud::Markup;
use uuid::Uuid;

use super::{DeskError, Route, Visit};
use crate::admin::Role;
use crate::db::Tx;
use crate::subscriber::{self, Subscriber};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/desk/readers", Role::Viewer, list::show),
        Route::post("/desk/readers", Role::Viewer, list::find),
        Route::get("/desk/readers/add", Role::Editor, add::show),
        Route::post("/desk/readers/add", Role::Editor, add::add),
        Route::get("/desk/readers/import", Role::Editor, import::show),
        Route::upload("/desk/readers/import", Role::Editor, import::begin),
        Route::get("/desk/readers/import/{id}", Role::Editor, import::progress),
        Route::get(
            "/desk/readers/import/{id}/refused.csv",
            Role::Editor,
            import::refused,
        ),
        Route::get("/desk/readers/export", Role::Editor, export::show).fresh(),
        Route::post("/desk/readers/export", Role::Editor, export::export).fresh(),
        Route::get("/desk/readers/bulk", Role::Editor, bulk::show).fresh(),
        Route::post("/desk/readers/bulk", Role::Editor, bulk::begin).fresh(),
        Route::get("/desk/readers/bulk/{id}", Role::Editor, bulk::progress),
        Route::post("/desk/readers/bulk/{id}/stop", Role::Editor, bulk::stop),
        Route::get("/desk/readers/{id}", Role::Editor, one::show),
        Route::post("/desk/readers/{id}", Role::Editor, one::keep),
        Route::post("/desk/readers/{id}/link", Role::Editor, one::mail_a_link),
        Route::post(
            "/desk/readers/{id}/unsubscribe",
            Role::Editor,
            one::unsubscribe,
        ),
        Route::get("/desk/readers/{id}/erase", Role::Editor, one::ask_to_erase),
        Route::post("/desk/readers/{id}/erase", Role::Editor, one::erase),
        Route::get("/desk/readers.js", Role::Viewer, script),
    ]
}

/// The reader of an address's id.
async fn of_id(tx: &mut Tx, id: &str) -> Result<Subscriber, DeskError> {
    let id: Uuid = id.parse().map_err(|_| DeskError::NotFound)?;
    let found = subscriber::by_id(tx, id).await?;
    found.ok_or(DeskError::NotFound)
}

/// A way back to the list, above a page.
fn crumb(visit: &Visit) -> Markup {
    maud::html! {
        p.crumb { a href="/desk/readers" { (visit.say("Readers", "Lecteurs")) } }
    }
}

/// Shows progress without loading the page anew.
async fn script() -> impl axum::response::IntoResponse {
    let headers = [
        (
            axum::http::header::CONTENT_TYPE,
            "text/javascript; charset=utf-8",
        ),
        (axum::http::header::CACHE_CONTROL, "private, max-age=3600"),
    ];
    (headers, include_str!("readers.js"))
}
