//! A month in the desk, from an empty page to what goes out: writing, looking, checking, testing.

mod bring;
mod check;
mod check_words;
mod export;
mod form;
mod keep;
mod list;
mod look;
mod mail;
mod meanwhile;
mod steps;
mod summary;
mod test;
mod versions;
mod who;
mod write;

use super::{Answer, DeskError, Route, Visit, month_of};
use crate::admin::Role;
use crate::db::Tx;
use crate::draft::{self, Current};
use crate::issue::Month;

/// The entry of the menu under which all of this stands.
const MENU: &str = "/desk/issues";

pub(super) fn routes() -> Vec<Route> {
    use Role::{Editor, Viewer};
    vec![
        Route::get("/desk/issues", Viewer, list::list),
        Route::post("/desk/issues", Editor, list::begin),
        Route::get("/desk/issues.md", Viewer, export::all),
        Route::get("/desk/issues/bring", Editor, bring::ask),
        Route::upload("/desk/issues/bring", Editor, bring::take),
        Route::get("/desk/issues/brought/{id}", Editor, bring::show),
        Route::post("/desk/issues/brought/{id}", Editor, bring::keep),
        Route::get("/desk/issues/write.js", Viewer, write::script),
        Route::get("/desk/issues/{month}", Viewer, list::month),
        Route::get("/desk/issues/{month}/issue.md", Viewer, export::one),
        Route::get("/desk/issues/{month}/write", Viewer, write::show),
        Route::post("/desk/issues/{month}/write", Editor, write::save),
        Route::post("/desk/issues/{month}/meanwhile", Editor, meanwhile::decide),
        Route::get("/desk/issues/{month}/versions", Viewer, versions::list),
        Route::get(
            "/desk/issues/{month}/versions/{version}",
            Viewer,
            versions::show,
        ),
        Route::post(
            "/desk/issues/{month}/versions/{version}",
            Editor,
            versions::take_up,
        ),
        Route::post("/desk/issues/{month}/discard", Editor, versions::discard),
        Route::get("/desk/issues/{month}/look", Viewer, look::show),
        Route::post("/desk/issues/{month}/look/count", Viewer, look::count),
        Route::post("/desk/issues/{month}/look/as", Editor, look::find),
        Route::get("/desk/issues/{month}/look/who", Editor, who::show),
        Route::get("/desk/issues/{month}/mail", Viewer, mail::show),
        Route::get("/desk/issues/{month}/mail/frame", Viewer, mail::frame),
        Route::get("/desk/issues/{month}/check", Viewer, check::show),
        Route::post("/desk/issues/{month}/check", Editor, check::ask_network),
        Route::get("/desk/issues/{month}/test", Editor, test::show),
        Route::post("/desk/issues/{month}/test", Editor, test::send),
    ]
}

/// The text of a month that there is.
async fn current(tx: &mut Tx, month: Month) -> Result<Current, DeskError> {
    draft::current(tx, month).await?.ok_or(DeskError::NotFound)
}

fn path(month: Month, step: &str) -> String {
    match step {
        "" => format!("/desk/issues/{month}"),
        step => format!("/desk/issues/{month}/{step}"),
    }
}
