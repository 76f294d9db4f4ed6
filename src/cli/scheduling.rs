//! What goes out by itself: `schedule`, `adopt`, and the duty of `serve` and `worker`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bulletin::clock;
use bulletin::config::Config;
use bulletin::db::Db;
use bulletin::deliver::presence::PresenceError;
use bulletin::deliver::{SendError, Sender, Until};
use bulletin::instance::{self, InstanceError, Standing};
use bulletin::slot::{self, Noted, Scheduler, Terms};
use bulletin::start;
use clap::Subcommand;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Done;
use super::app::{App, sender_number};

#[derive(Subcommand)]
pub enum ScheduleCommand {
    /// The rule as understood, when it is next due, and what became of the slots before
    List,
}

/// How many slots that have come, and that are to come, are shown.
const SHOWN: i64 = 24;
pub const TO_COME: usize = 3;

/// A backup is older than the database that it came from by so much at least, or is as good as that one.
const NEW_TOKEN: Duration = Duration::from_secs(600);

/// How often a site whose database is a copy looks whether it was adopted.
const ADOPTED_YET: Duration = Duration::from_secs(2);

/// What `/ready` says of a copy. Anybody may ask that page: where the copies lie is for the log alone.
const COPIED: &str = "this database was copied, restored or moved, so nothing is sent from it: the log says from where, \
     and `bulletin adopt` makes it the one that sends";

#[derive(Serialize)]
struct Listed {
    rule: Option<String>,
    time_zone: String,
    readers_zone: bool,
    next: Vec<Next>,
    /// Those whose issue waits for a person.
    held: Vec<Noted>,
    slots: Vec<Noted>,
}

#[derive(Serialize)]
struct Next {
    wall_time: String,
    at: chrono::DateTime<chrono::Utc>,
}

pub async fn schedule(app: &App, command: ScheduleCommand) -> anyhow::Result<Done> {
    let ScheduleCommand::List = command;
    let config = &app.config;
    let slots = config.schedule.iter().flat_map(|schedule| {
        let slots = schedule.upcoming(clock::now(), TO_COME);
        slots.into_iter().map(|slot| Next {
            wall_time: slot.name(),
            at: slot.at,
        })
    });
    let mut tx = app.db.read().await?;
    let listed = Listed {
        rule: config.schedule.as_ref().map(|s| s.rule.to_string()),
        time_zone: config.schedule_time_zone.name().to_owned(),
        readers_zone: config.readers_zone,
        next: slots.collect(),
        held: slot::held(&mut tx).await?,
        slots: slot::list(&mut tx, SHOWN).await?,
    };
    app.show(&listed, || print(&listed))?;
    Ok(Done::Wholly)
}

fn print(listed: &Listed) {
    match &listed.rule {
        Some(rule) => say!("{rule}, {}", listed.time_zone),
        None => say!("schedule.rule is not set: nothing goes out by itself."),
    }
    if listed.rule.is_some() && listed.readers_zone {
        say!("Each reader gets it at that time of their own zone.");
    }
    for next in &listed.next {
        say!("  {}  to come", next.wall_time);
    }
    for noted in &listed.slots {
        let month = noted.month.as_deref().unwrap_or("       ");
        say!(
            "  {}  {:<8}{month}  {}",
            noted.wall_time,
            noted.state.as_str(),
            noted.note
        );
    }
    print_alarms(&listed.held);
}

/// What waits for a person.
pub fn print_alarms(held: &[Noted]) {
    for noted in held {
        say!("held: {}", noted.alarm());
    }
}

/// Makes this copy of the database the one that sends.
pub async fn adopt(app: &App) -> anyhow::Result<Done> {
    let before = instance::look(&app.db).await?;
    instance::adopt(&app.db, Uuid::new_v4(), clock::now()).await?;
    let adopted = serde_json::json!({ "adopted": matches!(before, Standing::Copied(_)) });
    app.show(&adopted, || match before {
        Standing::Copied(copied) => say!(
            "This database sends now: {}. See that no other copy of it does ({}).",
            copied.here,
            copied.marked
        ),
        Standing::Sends => say!("This database is the one that sends already."),
        Standing::NeverSent => say!("This database is the one that sends."),
    })?;
    Ok(Done::Wholly)
}

/// The settings of what goes out by itself.
fn terms(config: &Config) -> Terms {
    Terms {
        grace: config.schedule_grace,
        undo: config.undo,
        readers_zone: config.readers_zone,
        on_nothing: config.on_nothing,
        on_unknown: config.on_unknown,
    }
}

/// The delivery, with the schedule beside it.
pub struct Duty {
    sender: Sender,
    scheduler: Option<Scheduler>,
    /// Whether a database that must be adopted first is waited for, or is an error.
    waits_for_adoption: bool,
}

impl Duty {
    pub fn of(app: &App, waits_for_adoption: bool) -> anyhow::Result<Duty> {
        let scheduler = app.config.schedule.clone().map(|schedule| Scheduler {
            db: app.db.clone(),
            schedule,
            terms: terms(&app.config),
            clock: clock::system(),
        });
        Ok(Duty {
            sender: app.sender(Arc::new(app.renderer()?))?,
            scheduler,
            waits_for_adoption,
        })
    }

    /// Until told to stop.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let db = self.sender.db.clone();
        let clock = self.sender.clock.clone();
        let standing = self.sender.standing.clone();
        let goes_on =
            self.may_send(&stop).await? && start::wait_out(&db, &clock, &standing, &stop).await?;
        if !goes_on {
            return Ok(());
        }
        let number = sender_number();
        let mut tx = db.begin().await?;
        start::begin(&mut tx, number, &start::this_process(), clock()).await?;
        tx.commit().await?;
        let schedule_stop = stop.child_token();
        let standing = self.sender.standing.clone();
        let scheduling = self.scheduler.map(|scheduler| {
            let scheduling = scheduler.run(schedule_stop.clone());
            tokio::spawn(standing.watched("the schedule", scheduling))
        });
        let marking = keep_marking(db.clone(), schedule_stop.clone());
        let marking = tokio::spawn(standing.watched("the mark of this database", marking));
        let sent = self.sender.run(number, Until::Stopped, stop).await;
        schedule_stop.cancel();
        if let Some(scheduling) = scheduling {
            scheduling.await.context("the schedule's task failed")?;
        }
        marking
            .await
            .context("the task that marks the database failed")?;
        if matches!(
            sent,
            Ok(()) | Err(SendError::Presence(PresenceError::Taken))
        ) {
            let mut tx = db.begin().await?;
            start::ended(&mut tx, number).await?;
            tx.commit().await?;
        }
        Ok(sent?)
    }

    /// `false` when told to stop before this database may send.
    async fn may_send(&self, stop: &CancellationToken) -> Result<bool, InstanceError> {
        let mut said = false;
        while !stop.is_cancelled() {
            match instance::check(&self.sender.db, Uuid::new_v4(), (self.sender.clock)()).await {
                Err(InstanceError::Copied(copied)) if self.waits_for_adoption => {
                    if !std::mem::replace(&mut said, true) {
                        tracing::error!("{copied}");
                    }
                    self.sender.standing.hold(Some(COPIED));
                }
                checked => {
                    self.sender.standing.hold(None);
                    return checked.map(|()| true);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(ADOPTED_YET) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(false)
    }
}

/// Changes the database's token now and then, and at the end: so a backup is known for one, wherever it is put.
async fn keep_marking(db: Db, stop: CancellationToken) {
    let mut over = false;
    while !std::mem::replace(&mut over, stop.is_cancelled()) {
        tokio::select! {
            () = tokio::time::sleep(NEW_TOKEN) => {}
            () = stop.cancelled() => {}
        }
        if let Err(error) = instance::check(&db, Uuid::new_v4(), clock::now()).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the database's token cannot be changed");
        }
    }
}

/// What `doctor` says of the schedule.
pub async fn examine(config: &Config) -> anyhow::Result<String> {
    let mut held = Vec::new();
    if let Ok(db) = Db::open(&config.database_url.0).await {
        held = slot::held(&mut db.read().await?).await?;
        db.close().await;
    }
    let alarms: Vec<String> = held.iter().map(Noted::alarm).collect();
    anyhow::ensure!(alarms.is_empty(), "{}", alarms.join("; "));
    let Some(schedule) = &config.schedule else {
        return Ok("none: `bulletin send` is what sends".to_owned());
    };
    let next = schedule.upcoming(clock::now(), TO_COME);
    let next: Vec<String> = next
        .iter()
        .map(|slot| {
            format!(
                "{} ({})",
                slot.name(),
                slot.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
            )
        })
        .collect();
    let zone = if config.readers_zone {
        "on each reader's own clock".to_owned()
    } else {
        schedule.zone.name().to_owned()
    };
    Ok(format!(
        "{}, {zone}; next: {}",
        schedule.rule,
        next.join(", ")
    ))
}

/// What `doctor` says of this copy of the database.
pub async fn examine_copy(config: &Config) -> anyhow::Result<String> {
    let db = Db::open(&config.database_url.0).await?;
    let standing = instance::look(&db).await?;
    db.close().await;
    match standing {
        Standing::Copied(copied) => Err(copied.into()),
        Standing::Sends => Ok("is the one that sends".to_owned()),
        Standing::NeverSent => Ok("has not sent yet".to_owned()),
    }
}
