//! `plan`, and when a campaign is to start.

use anyhow::{Context, bail};
use bulletin::content::Occasion;
use bulletin::issue::Month;
use bulletin::plan::{self, Plan, Settings, Terms};
use bulletin::{clock, schedule};
use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use clap::Args;

use super::Done;
use super::app::App;

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

pub async fn plan(app: &App, month: Month, when: When) -> anyhow::Result<Done> {
    let settings = settings_for(app, &when, chrono::Duration::zero(), clock::now())?;
    let apart = app.db.apart().await?;
    let mut tx = apart.read().await?;
    let mut plan = plan::forecast(&mut tx, month, &settings).await?;
    drop(tx);
    apart.close().await;
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

/// The operator's settings for a campaign planned now, with what was said of the time. A campaign can be called back for
/// `undo` before its first mail.
pub fn settings_for(
    app: &App,
    when: &When,
    undo: chrono::Duration,
    now: DateTime<Utc>,
) -> anyhow::Result<Settings> {
    let terms = Terms {
        undo,
        ..Terms::of(&app.config)
    };
    Ok(terms.settings(read_when(app, when, now)?, now))
}

fn read_when(app: &App, when: &When, now: DateTime<Utc>) -> anyhow::Result<plan::When> {
    let Some(written) = &when.at else {
        return Ok(plan::When::Now);
    };
    let (at, wall) = read_time(app, written, now)?;
    if !when.readers_zone {
        return Ok(plan::When::At(at));
    }
    let wall = wall.context(
        "--readers-zone needs a local time, as in --at '2026-12-01 09:00', or --at next",
    )?;
    Ok(plan::When::OnReadersClocks(wall))
}

pub fn print_plan(plan: &Plan) {
    let settled = if plan.settled {
        " (settled by its campaign)"
    } else {
        ""
    };
    say!("{}: {}{settled}.\n", plan.month, counts(plan));
    for variant in &plan.variants {
        let what = match variant.occasion {
            Occasion::Note => "nothing matched: a note with the titles".to_owned(),
            Occasion::Pick => format!(
                "nothing matched: the editor's pick, {}",
                variant.summaries.join(" + ")
            ),
            Occasion::Matched => variant.summaries.join(" + "),
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

/// How many readers get how many mails.
pub fn counts(plan: &Plan) -> String {
    let many = |count: i64| if count == 1 { "" } else { "s" };
    let (readers, mails) = (plan.recipients, plan.variants.len());
    format!(
        "{readers} reader{}, {mails} distinct mail{}",
        many(readers),
        many(mails as i64)
    )
}

/// Where readers get it at different times.
pub fn print_span(plan: &Plan) {
    if let Some(due) = plan.due.filter(|due| due.first < due.last) {
        say!(
            "Due on readers' own clocks, from {} to {}.",
            shown(due.first),
            shown(due.last)
        );
    }
}

pub fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
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
