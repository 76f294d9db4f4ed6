//! Campaigns: how they stand, and holding them up.

use axum::http::Method;
use serde_json::{Value, json};

use super::call::Call;
use super::forms::{COUNT, LINE, MONTH, TIME};
use super::operation::{Answer, Operation, Reply};
use super::paging::{LIMIT, MOST, cut};
use super::problem::Problem;
use super::schema::{Field, Schema, field, fields, optional};
use crate::audit::Deed;
use crate::campaign::{self, Campaign, State};
use crate::db::Tx;
use crate::issue::Month;
use crate::sending::status::{Stands, status};
use crate::token::Scope;

pub(super) fn operations() -> Vec<Operation> {
    use Scope::{CampaignsRead as Read, CampaignsSend as Send};
    let acts = [
        (
            "/campaigns/{month}/pause",
            ["campaign_pause", "Offer nothing more for now"],
            State::Paused,
        ),
        (
            "/campaigns/{month}/resume",
            ["campaign_resume", "Go on"],
            State::Running,
        ),
        (
            "/campaigns/{month}/cancel",
            [
                "campaign_cancel",
                "Offer nothing more, for good; what the relay has cannot be called back",
            ],
            State::Cancelled,
        ),
    ];
    let acts = acts.map(|(path, names, state)| {
        let act = move |call| set(call, state);
        Operation::new(Method::POST, path, Send, names, act).gives(&STATUS)
    });
    let mut operations = vec![
        Operation::new(Method::GET, "/campaigns", Read, ["campaign_list", "Every campaign, the newest issue first"], list)
            .query(&[AFTER, LIMIT])
            .gives(&Schema::List(&LISTED, MOST)),
        Operation::new(
            Method::GET,
            "/campaigns/{month}",
            Read,
            ["campaign_get", "How a campaign stands, with its account"],
            show,
        )
        .about("Accepted, waiting, deferred, in flight, bounced, suppressed and unknown add up to planned, at every instant.")
        .gives(&STATUS),
    ];
    operations.extend(acts);
    operations
}

const AFTER: Field = optional("after", MONTH, "Goes on behind this month.");

const LISTED: Schema = Schema::Named(
    "ListedCampaign",
    &Schema::Object(&[fields! {
        field campaign: MONTH;
        field state: Schema::Word(State::words), "`running` also once nothing is left to do; its account tells that.";
        field paused_because: Schema::Maybe(&LINE), "Why the service paused it by itself.";
        field fingerprint: LINE;
        field planned_at: TIME;
        field start_at: TIME, "Nothing of it is due before.";
    }]),
);

const STATUS: Schema = Schema::Named(
    "Campaign",
    &Schema::Object(&[fields! {
        field campaign: MONTH;
        field state: Schema::Word(Stands::words);
        optional paused_because: LINE, "Why the service paused it by itself.";
        field planned: COUNT;
        field accepted: COUNT;
        field waiting: COUNT;
        field deferred: COUNT;
        field in_flight: COUNT;
        field bounced: COUNT;
        field suppressed: COUNT;
        field unknown: COUNT, "Nobody can know whether the relay has it.";
        optional seconds: Schema::Number;
        optional next_try_at: TIME;
        optional undo_until: TIME, "Until then its order can be taken back.";
        optional per_second: Schema::Number, "Mails that came to their end, on average.";
    }]),
);

async fn list(call: Call) -> Answer {
    let mut campaigns = campaign::list(&mut call.reading().await?).await?;
    if let Some(after) = call.text("after") {
        campaigns.retain(|campaign| campaign.month.as_str() < after);
    }
    let is_more = cut(&mut campaigns, call.limit());
    let next = campaigns.last().map(|last| last.month.clone());
    let listed: Vec<Value> = campaigns.iter().map(listed).collect();
    Ok(call.part(listed, next.filter(|_| is_more)))
}

/// A campaign without its account, which has to be counted.
fn listed(campaign: &Campaign) -> Value {
    json!({
        "campaign": campaign.month,
        "state": campaign.state,
        "paused_because": campaign.paused_because,
        "fingerprint": campaign.fingerprint,
        "planned_at": campaign.planned_at,
        "start_at": campaign.start_at,
    })
}

async fn show(call: Call) -> Answer {
    let mut tx = call.reading().await?;
    let found = of_month(&mut tx, call.month()?).await?;
    Ok(Reply::json(status(&mut tx, &found, call.now).await?))
}

async fn set(call: Call, state: State) -> Answer {
    let month = call.month()?;
    let mut tx = call.begin().await?;
    let found = of_month(&mut tx, month).await?;
    if found.state != state {
        change(&call, &mut tx, &found, state).await?;
    }
    tx.commit().await?;
    show(call).await
}

async fn change(call: &Call, tx: &mut Tx, found: &Campaign, state: State) -> Result<(), Problem> {
    let deed = match state {
        State::Running => Deed::CampaignResumed,
        State::Paused => Deed::CampaignPaused,
        State::Cancelled => Deed::CampaignCancelled,
    };
    if state == State::Cancelled {
        campaign::cancel(tx, found.id, call.now).await?;
    } else if !campaign::set_state(tx, found.id, state).await? {
        let gone = format!(
            "the campaign {} was cancelled, which is for good",
            found.month
        );
        return Err(Problem::conflict(gone));
    }
    call.audit(tx, deed, &found.month, 0).await?;
    Ok(())
}

async fn of_month(tx: &mut Tx, month: Month) -> Result<Campaign, Problem> {
    let found = campaign::of_month(tx, month).await?;
    found.ok_or_else(|| {
        Problem::not_found(format!(
            "{month} has no campaign; POST /api/v1/issues/{month}/send orders one"
        ))
    })
}
