//! Sending an issue: one button with the number in it, what becomes of the order, and the way back.

mod agreeing;
mod choosing;
mod confirming;
mod figures;
mod ordering;
mod under_way;
mod when;

use std::time::Duration;

use axum::extract::{Path, Query};

use self::when::Wanted;
use super::{Answer, Route, Visit, month_of, script_file};
use crate::admin::Role;
use crate::campaign;
use crate::issue::Month;
use crate::plan::When;
use crate::sending::order::{self, Order, State};
use crate::subscription::Language;

pub(super) use self::under_way::back_form;

pub(super) fn routes() -> Vec<Route> {
    use Role::Editor;
    vec![
        Route::get("/desk/issues/{month}/send", Editor, show),
        Route::post("/desk/issues/{month}/send", Editor, ordering::send).fresh(),
        Route::post("/desk/issues/{month}/send/agree", Editor, agreeing::agree).fresh(),
        Route::post(
            "/desk/issues/{month}/send/back",
            Editor,
            ordering::take_back,
        ),
        Route::post("/desk/issues/{month}/send/count", Editor, count_again),
        Route::get("/desk/waiting.js", Role::Viewer, script),
    ]
}

/// A page waits so long for a count, which on a short list is done by then.
const PATIENCE: Duration = Duration::from_millis(60);

async fn script() -> impl axum::response::IntoResponse {
    script_file(include_str!("../waiting.js"))
}

fn page_of(month: Month) -> String {
    format!("/desk/issues/{month}/send")
}

async fn show(visit: Visit, Path(path): Path<String>, Query(wanted): Query<Wanted>) -> Answer {
    let month = month_of(&path)?;
    let mut tx = visit.read().await?;
    if campaign::of_month(&mut tx, month).await?.is_some()
        && !is_being_recalled(order::of_month(&mut tx, month).await?.as_ref())
    {
        return Ok(visit.back_to(&format!("/desk/campaigns/{month}")));
    }
    let order = order::of_month(&mut tx, month).await?;
    drop(tx);
    match order {
        Some(order) if order.state == State::Asked => agreeing::page(&visit, month, &order).await,
        Some(order) if matches!(order.state, State::Placed | State::Recalled) => {
            Ok(under_way::page(&visit, month, &order))
        }
        last => choosing::page(&visit, month, &wanted, last, None).await,
    }
}

fn is_being_recalled(order: Option<&Order>) -> bool {
    order.is_some_and(|order| order.state == State::Recalled)
}

fn title(visit: &Visit, month: Month) -> String {
    let month = visit.month(month);
    match visit.language() {
        Language::English => format!("Send {month}"),
        Language::French => format!("Envoyer {month}"),
    }
}

async fn count_again(visit: Visit, Path(path): Path<String>) -> Answer {
    let month = month_of(&path)?;
    visit.desk.forecasts.count(month, When::Now);
    Ok(visit.back_to(&page_of(month)))
}
