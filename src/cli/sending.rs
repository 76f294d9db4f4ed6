//! `send`.

use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use bulletin::campaign::{Campaign, State};
use bulletin::clock;
use bulletin::deliver::presence::PresenceError;
use bulletin::deliver::{SendError, Until};
use bulletin::instance::{self, Standing};
use bulletin::issue::Month;
use bulletin::plan::Plan;
use bulletin::render::Renderer;
use bulletin::sending;
use chrono::{DateTime, Utc};
use clap::Args;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::app::{App, sender_number, stop_on_signal};
use super::planning::{self, When};
use super::{Done, campaigns, progress};

#[derive(Args)]
pub struct Send {
    month: Month,
    /// Refuse if the plan is not the one with this fingerprint
    #[arg(long, value_name = "FINGERPRINT")]
    plan: Option<String>,
    #[command(flatten)]
    when: When,
    /// Deliver now, show progress, and end with the account
    #[arg(long)]
    wait: bool,
}

pub async fn send(app: &App, send: Send) -> anyhow::Result<Done> {
    let renderer = Arc::new(app.renderer()?);
    let began = Instant::now();
    let now = clock::now();
    let undo = match send.wait {
        true => chrono::Duration::zero(),
        false => app.config.undo,
    };
    let settings = planning::settings_for(app, &send.when, undo, now)?;
    if send.wait {
        instance::check(&app.db, Uuid::new_v4(), now).await?;
    } else if let Standing::Copied(copied) = instance::look(&app.db).await? {
        return Err(copied.into());
    }
    let mut tx = app.db.begin_apart().await?;
    let (id, plan) = sending::settle(&mut tx, send.month, &settings, send.plan.as_deref()).await?;
    sending::hold_back(&mut tx, id, &plan, clock::now() + undo).await?;
    tx.commit().await?;
    let campaign = campaigns::campaign_of(app, send.month).await?;
    if campaign.state == State::Cancelled {
        bail!(
            "the campaign {} was cancelled, which is for good",
            send.month
        );
    }
    if !app.json {
        announce(&plan, &campaign, !send.wait);
    }
    let sent = if send.wait {
        deliver(app, renderer, id, campaign.start_at).await
    } else {
        Ok(())
    };
    let status = campaigns::status(
        &app.db,
        &campaigns::campaign_of(app, send.month).await?,
        send.wait.then(|| began.elapsed()),
    )
    .await?;
    app.show(&status, || campaigns::print_status(&status))?;
    sent?;
    match status.paused_because {
        Some(because) if send.wait => bail!("{} is paused: {because}", send.month),
        _ => Ok(Done::Wholly),
    }
}

/// Sends in this process until nothing is due; where another process sends already, watches it.
async fn deliver(
    app: &App,
    renderer: Arc<Renderer>,
    campaign: i64,
    start_at: DateTime<Utc>,
) -> anyhow::Result<()> {
    let stop = stop_on_signal();
    if let Ok(wait) = (start_at - clock::now()).to_std() {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
    let watching = CancellationToken::new();
    let watch = tokio::spawn(progress::show(
        app.db.clone(),
        campaign,
        watching.clone(),
        app.json,
    ));
    let sent = app
        .sender(renderer)?
        .run(sender_number(), Until::NothingDue, stop.clone())
        .await;
    let sent = match sent {
        Err(SendError::Presence(PresenceError::Taken)) => {
            tracing::info!("another process sends from this database; watching it");
            progress::wait_until_tried(&app.db, campaign, &stop).await
        }
        other => other.map_err(anyhow::Error::from),
    };
    watching.cancel();
    watch.await?;
    sent
}

fn announce(plan: &Plan, campaign: &Campaign, can_be_undone: bool) {
    match (plan.settled, campaign.state) {
        (true, State::Paused) => say!(
            "{0} is paused; `bulletin campaign resume {0}` goes on.",
            plan.month
        ),
        (true, _) => say!(
            "{} has its campaign already; nobody gets it twice.",
            plan.month
        ),
        (false, _) => say!("{}: {}.", plan.month, planning::counts(plan)),
    }
    planning::print_span(plan);
    if campaign.start_at <= clock::now() {
        return;
    }
    say!(
        "The first goes out at {}.",
        planning::shown(campaign.start_at)
    );
    if can_be_undone {
        say!(
            "Until then `bulletin campaign cancel {}` calls it back, and nobody gets it.",
            plan.month
        );
    }
}
