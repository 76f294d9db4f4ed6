//! `campaign`: how it stands, and holding it up.

use std::time::Duration;

use anyhow::{Context, bail};
use bulletin::campaign::{self, Account, Campaign, State};
use bulletin::db::Db;
use bulletin::issue::Month;
use bulletin::sending::{
    self,
    status::{Stands, Status},
};
use bulletin::{clock, slot};
use clap::Subcommand;

use super::app::App;
use super::{Done, planning, scheduling};

#[derive(Subcommand)]
pub enum CampaignCommand {
    /// Every campaign with its account
    List,
    /// One campaign's account
    Status { month: Month },
    /// Offer nothing more for now
    Pause { month: Month },
    /// Go on
    Resume { month: Month },
    /// Offer nothing more, for good; what the relay has cannot be called back
    Cancel { month: Month },
}

pub async fn campaign(app: &App, command: CampaignCommand) -> anyhow::Result<Done> {
    let (month, state) = match command {
        CampaignCommand::List => return list(app).await,
        CampaignCommand::Status { month } => (month, None),
        CampaignCommand::Pause { month } => (month, Some(State::Paused)),
        CampaignCommand::Resume { month } => (month, Some(State::Running)),
        CampaignCommand::Cancel { month } => (month, Some(State::Cancelled)),
    };
    let found = campaign_of(app, month).await?;
    let mut tx = app.db.begin().await?;
    match state {
        Some(State::Cancelled) => campaign::cancel(&mut tx, found.id, clock::now()).await?,
        Some(state) if !campaign::set_state(&mut tx, found.id, state).await? => {
            bail!("the campaign {month} was cancelled, which is for good")
        }
        _ => {}
    }
    tx.commit().await?;
    let status = status(&app.db, &campaign_of(app, month).await?, None).await?;
    app.show(&status, || print_status(&status))?;
    Ok(Done::Wholly)
}

/// A campaign's account, as it is shown at the end of the demo's send.
pub fn show_account(
    app: &App,
    month: &str,
    account: &Account,
    took: Duration,
) -> anyhow::Result<()> {
    let status = Status {
        campaign: month.to_owned(),
        state: Stands::Running,
        paused_because: None,
        account: account.clone(),
        seconds: Some(in_seconds(took)),
        next_try_at: None,
        undo_until: None,
        per_second: None,
    };
    app.show(&status, || print_status(&status))
}

/// The campaign of this month, which must have been sent.
pub async fn campaign_of(app: &App, month: Month) -> anyhow::Result<Campaign> {
    let mut tx = app.db.read().await?;
    let found = campaign::of_month(&mut tx, month).await?;
    found.with_context(|| format!("{month} has not been sent; `bulletin send {month}` does it"))
}

pub async fn status(
    db: &Db,
    campaign: &Campaign,
    took: Option<Duration>,
) -> anyhow::Result<Status> {
    let mut tx = db.read().await?;
    let status = sending::status::status(&mut tx, campaign, clock::now()).await?;
    Ok(Status {
        seconds: took.map(in_seconds),
        ..status
    })
}

pub fn print_status(status: &Status) {
    say!("campaign {} ({})", status.campaign, status.state);
    if let Some(because) = &status.paused_because {
        say!("  Paused by itself: {because}.");
    }
    print_lines(&status.account);
    if let Some(seconds) = status.seconds {
        say!("  {seconds} seconds");
    }
    if let Some(rate) = status.per_second {
        say!("  {rate} a second, from the first to the last");
    }
    if let Some(next) = status.next_try_at {
        let due = match next > clock::now() {
            true => "is due at",
            false => "has been due since",
        };
        let next = planning::shown(next);
        say!("  The next {due} {next}; `bulletin serve`, `worker` or `send --wait` goes on.");
    }
}

async fn list(app: &App) -> anyhow::Result<Done> {
    let mut tx = app.db.read().await?;
    let campaigns = campaign::list(&mut tx).await?;
    let held = slot::held(&mut tx).await?;
    drop(tx);
    let mut statuses = Vec::new();
    for campaign in &campaigns {
        statuses.push(status(&app.db, campaign, None).await?);
    }
    app.show(&statuses, || {
        statuses.iter().for_each(print_status);
        if statuses.is_empty() {
            say!("Nothing has been sent yet.");
        }
        scheduling::print_alarms(&held);
    })?;
    Ok(Done::Wholly)
}

fn in_seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}

fn print_lines(account: &Account) {
    let lines = [
        ("planned", account.planned),
        ("accepted", account.accepted),
        ("waiting", account.waiting),
        ("deferred", account.deferred),
        ("in flight", account.in_flight),
        ("bounced", account.bounced),
        ("suppressed", account.suppressed),
        ("unknown", account.unknown),
    ];
    for (name, count) in lines {
        say!("  {name:<11}{count:>9}");
    }
}
