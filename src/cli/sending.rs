//! `plan`, `send` and `campaign`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bulletin::campaign::{self, Account, Campaign, State};
use bulletin::clock;
use bulletin::db::Db;
use bulletin::deliver::presence::PresenceError;
use bulletin::deliver::{SendError, Until, queue};
use bulletin::instance::{self, Standing};
use bulletin::issue::Month;
use bulletin::plan::{self, Plan, ReadersTime, Settings};
use bulletin::render::Renderer;
use bulletin::{schedule, slot, tally};
use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Done;
use super::app::{App, sender_number, stop_on_signal};
use super::scheduling;

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

/// When the mails are due; at once, if nothing is said.
#[derive(Args)]
pub struct When {
    /// Not before: 2026-12-01T09:00:00Z, '2026-12-01 09:00' in schedule.time_zone, or 'next' by schedule.rule
    #[arg(long, value_name = "WHEN")]
    at: Option<String>,
    /// Each reader's when clocks in their own time zone show that time
    #[arg(long, requires = "at")]
    readers_zone: bool,
}

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

#[derive(Serialize)]
struct Status {
    campaign: String,
    state: String,
    /// Why the service paused it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_because: Option<String>,
    #[serde(flatten)]
    account: Account,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_at: Option<DateTime<Utc>>,
    /// Until then the campaign can be cancelled before its first mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo_until: Option<DateTime<Utc>>,
    /// Mails that came to their end, on average from the first to the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_second: Option<f64>,
}

pub async fn plan(app: &App, month: Month, when: When) -> anyhow::Result<Done> {
    let settings = settings_for(app, &when, chrono::Duration::zero(), clock::now())?;
    let mut tx = app.db.begin_apart().await?;
    // Planned for real and rolled back: what is shown is what `send` would settle.
    let (_, mut plan) = plan::settle(&mut tx, month, &settings).await?;
    drop(tx);
    let missing = app.config.missing_identity();
    if !missing.is_empty() {
        plan.warnings.push(format!(
            "nothing can be sent before these are set: {}",
            missing.join(", ")
        ));
    }
    app.show(&plan, || print_plan(&plan))?;
    Ok(Done::Wholly)
}

pub async fn send(app: &App, send: Send) -> anyhow::Result<Done> {
    let renderer = Arc::new(app.renderer()?);
    let began = Instant::now();
    let now = clock::now();
    let undo = match send.wait {
        true => chrono::Duration::zero(),
        false => app.config.undo,
    };
    let settings = settings_for(app, &send.when, undo, now)?;
    if send.wait {
        instance::check(&app.db, Uuid::new_v4(), now).await?;
    } else if let Standing::Copied(copied) = instance::look(&app.db).await? {
        return Err(copied.into());
    }
    let mut tx = app.db.begin_apart().await?;
    let (id, plan) = plan::settle(&mut tx, send.month, &settings).await?;
    if let Some(wanted) = send.plan.filter(|wanted| *wanted != plan.fingerprint) {
        bail!(
            "the plan has changed: it was {wanted} and is {}; nothing was sent, look at it with `bulletin plan {}`",
            plan.fingerprint,
            send.month
        );
    }
    if !plan.settled {
        campaign::not_before(&mut tx, id, clock::now() + undo).await?;
    }
    tx.commit().await?;
    let campaign = campaign_of(app, send.month).await?;
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
    let status = status(
        &app.db,
        &campaign_of(app, send.month).await?,
        send.wait.then(|| began.elapsed()),
    )
    .await?;
    app.show(&status, || print_status(&status))?;
    sent?;
    match status.paused_because {
        Some(because) if send.wait => bail!("{} is paused: {because}", send.month),
        _ => Ok(Done::Wholly),
    }
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

/// The operator's settings for a campaign planned now.
pub fn settings(app: &App, now: DateTime<Utc>) -> Settings {
    Settings {
        on_nothing: app.config.on_nothing,
        on_unknown: app.config.on_unknown,
        now,
        start_at: now,
        readers_time: None,
    }
}

/// The same, with what was said of the time. A campaign can be called back for `undo` before its first mail.
fn settings_for(
    app: &App,
    when: &When,
    undo: chrono::Duration,
    now: DateTime<Utc>,
) -> anyhow::Result<Settings> {
    let plain = settings(app, now);
    let soonest = now + undo;
    let Some(written) = &when.at else {
        return Ok(Settings {
            start_at: soonest,
            ..plain
        });
    };
    let (at, wall) = read_time(app, written, now)?;
    if !when.readers_zone {
        return Ok(Settings {
            start_at: at.max(soonest),
            ..plain
        });
    }
    let wall = wall.context(
        "--readers-zone needs a local time, as in --at '2026-12-01 09:00', or --at next",
    )?;
    Ok(Settings {
        start_at: soonest,
        readers_time: Some(ReadersTime {
            wall,
            fallback: app.config.schedule_time_zone,
        }),
        ..plain
    })
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
    let watch = tokio::spawn(show_progress(
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
            wait_until_tried(&app.db, campaign, &stop).await
        }
        other => other.map_err(anyhow::Error::from),
    };
    watching.cancel();
    watch.await?;
    sent
}

async fn wait_until_tried(db: &Db, campaign: i64, stop: &CancellationToken) -> anyhow::Result<()> {
    loop {
        let mut tx = db.read().await?;
        let account = campaign::account(&mut tx, Some(campaign)).await?;
        let running = campaign::state(&mut tx, campaign).await? == State::Running;
        drop(tx);
        let tried = account.in_flight == 0 && (account.waiting == 0 || !running);
        if tried || stop.is_cancelled() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// A bar of what has come to its end, on a terminal alone. It reads the tally, which is short however long the list is.
pub async fn show_progress(db: Db, campaign: i64, until: CancellationToken, quiet: bool) {
    let bar = ProgressBar::new(0);
    if quiet || bar.is_hidden() {
        return;
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len}, {per_sec}, {eta} left  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    if let Ok(account) = read_account(&db, campaign).await {
        bar.set_length(account.planned.unsigned_abs());
    }
    while !until.is_cancelled() {
        if let Ok(ended) = read_totals(&db, campaign).await {
            bar.set_position((ended.accepted + ended.bounced).unsigned_abs());
            bar.set_message(format!("{} bounced", ended.bounced));
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(300)) => {}
            () = until.cancelled() => {}
        }
    }
    bar.finish_and_clear();
}

async fn read_account(db: &Db, campaign: i64) -> sqlx::Result<Account> {
    campaign::account(&mut db.read().await?, Some(campaign)).await
}

async fn read_totals(db: &Db, campaign: i64) -> sqlx::Result<tally::Totals> {
    tally::totals(&mut db.read().await?, campaign).await
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

async fn status(db: &Db, campaign: &Campaign, took: Option<Duration>) -> anyhow::Result<Status> {
    let mut tx = db.read().await?;
    let account = campaign::account(&mut tx, Some(campaign.id)).await?;
    let next_due = queue::next_due(&mut tx, campaign.id).await?;
    let per_second = tally::totals(&mut tx, campaign.id).await?.per_second();
    let is_over = campaign.state == State::Running && next_due.is_none() && account.in_flight == 0;
    Ok(Status {
        campaign: campaign.month.clone(),
        state: if is_over {
            "finished".to_owned()
        } else {
            campaign.state.to_string()
        },
        paused_because: campaign.paused_because.clone(),
        account,
        seconds: took.map(in_seconds),
        next_try_at: next_due.filter(|_| campaign.state == State::Running),
        undo_until: Some(campaign.start_at)
            .filter(|start| *start > clock::now() && campaign.state != State::Cancelled),
        per_second,
    })
}

async fn campaign_of(app: &App, month: Month) -> anyhow::Result<Campaign> {
    let mut tx = app.db.read().await?;
    let found = campaign::of_month(&mut tx, month).await?;
    found.with_context(|| format!("{month} has not been sent; `bulletin send {month}` does it"))
}

/// A moment with an offset, a local time in `schedule.time_zone`, or `next`; with what clocks there show, but for the
/// first.
fn read_time(
    app: &App,
    written: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<(DateTime<Utc>, Option<NaiveDateTime>)> {
    if written == "next" {
        let schedule = app.config.schedule.as_ref();
        let slot = schedule
            .context("'next' needs schedule.rule to be set")?
            .next(now)
            .context("schedule.rule is never due again")?;
        return Ok((slot.at, Some(slot.wall)));
    }
    let at = schedule::moment(written, app.config.schedule_time_zone)
        .context("write the time as 2026-12-01T09:00:00Z or '2026-12-01 09:00'")?;
    if at < now {
        bail!("{at} is past; leave --at out to send now");
    }
    Ok((at, schedule::local(written)))
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
        (false, _) => say!(
            "{}: readers: {}, different mails: {}.",
            plan.month,
            plan.recipients,
            plan.variants.len()
        ),
    }
    print_span(plan);
    if campaign.start_at <= clock::now() {
        return;
    }
    say!("The first goes out at {}.", shown(campaign.start_at));
    if can_be_undone {
        say!(
            "Until then `bulletin campaign cancel {}` calls it back, and nobody gets it.",
            plan.month
        );
    }
}

/// Where readers get it at different times.
fn print_span(plan: &Plan) {
    if let Some(due) = plan.due.filter(|due| due.first < due.last) {
        say!(
            "Due on readers' own clocks, from {} to {}.",
            shown(due.first),
            shown(due.last)
        );
    }
}

pub fn print_plan(plan: &Plan) {
    let settled = if plan.settled {
        " (settled by its campaign)"
    } else {
        ""
    };
    say!(
        "{}: {} readers get {} different mails{settled}.\n",
        plan.month,
        plan.recipients,
        plan.variants.len()
    );
    for variant in &plan.variants {
        let what = match variant.occasion {
            "note" => "nothing matched: a note with the titles".to_owned(),
            "pick" => format!(
                "nothing matched: the editor's pick, {}",
                variant.summaries.join(" + ")
            ),
            _ => variant.summaries.join(" + "),
        };
        say!("{:>8}  {what}", variant.subscribers);
    }
    say!("");
    if !plan.settled {
        print_span(plan);
    }
    for (reason, count) in &plan.excluded {
        say!("{count:>8}  left out: {}", reason.replace('_', " "));
    }
    for warning in &plan.warnings {
        say!("warning: {warning}");
    }
    say!("\nfingerprint {}", plan.fingerprint);
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
        state: State::Running.to_string(),
        paused_because: None,
        account: account.clone(),
        seconds: Some(in_seconds(took)),
        next_try_at: None,
        undo_until: None,
        per_second: None,
    };
    app.show(&status, || print_status(&status))
}

fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn in_seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}

fn print_status(status: &Status) {
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
        say!(
            "  The next is due at {}; `bulletin serve`, `worker` or `send --wait` goes on.",
            next.to_rfc3339()
        );
    }
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
