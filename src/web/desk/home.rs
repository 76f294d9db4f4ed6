//! The overview: what is next, and what went out last.

use maud::html;

use super::{Answer, Route, Visit};
use crate::admin::Role;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/desk", Role::Viewer, show)]
}

async fn show(visit: Visit) -> Answer {
    let title = visit.say("Overview", "Vue d’ensemble");
    Ok(visit.page(title).under("/desk").wide().show(html! {
        h1 { (title) }
    }))
}
