//! Starts of `serve` and `worker`: a sender that falls again and again before it gets anything done must not go on.

use std::time::Duration as Wait;

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::db::{Db, Tx, on};
use crate::standing::Standing;

/// So many starts that came to nothing, within so many minutes, are a restart loop.
const TOO_MANY: usize = 3;
const WITHIN_MINUTES: i64 = 10;

/// Starts are of no use to anybody after a day.
const KEPT_HOURS: i64 = 24;

/// How often a paused sender looks whether it may go on: clocks are set meanwhile.
const LOOK_AGAIN: Wait = Wait::from_secs(10);

/// Until when nothing may be sent because of a restart loop of this host; `None` when there is none.
///
/// A start of a process that still lives (`is_alive`) came to nothing yet, but may still.
pub async fn paused_until(
    tx: &mut Tx,
    now: DateTime<Utc>,
    is_alive: fn(&str) -> bool,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let fallen: Vec<(String, DateTime<Utc>)> = on!(tx, |conn| {
        sqlx::query_as(
        "SELECT process, started_at FROM sender_start \
         WHERE started_at > $1 AND started_at <= $2 AND NOT progressed AND NOT ended ORDER BY started_at DESC",
    )
    .bind(now - Duration::minutes(WITHIN_MINUTES))
    .bind(now)
    .fetch_all(conn)
    .await
    })?;
    let mut fallen = fallen
        .into_iter()
        .filter(|(process, _)| is_of_this_host(process) && !is_alive(process));
    let nth = fallen.nth(TOO_MANY - 1);
    Ok(nth.map(|(_, at)| at + Duration::minutes(WITHIN_MINUTES)))
}

/// Waits until a restart loop is over; says so once in the log, and in `standing` as long as it lasts. `false` when told
/// to stop meanwhile.
pub async fn wait_out(
    db: &Db,
    clock: &Clock,
    standing: &Standing,
    stop: &CancellationToken,
) -> sqlx::Result<bool> {
    let mut said = false;
    while !stop.is_cancelled() {
        let now = clock();
        let Some(until) = paused_until(&mut db.read().await?, now, is_alive).await? else {
            standing.hold(None);
            return Ok(true);
        };
        let why = format!(
            "sending is paused: {TOO_MANY} starts within {WITHIN_MINUTES} minutes fell before a single delivery was \
             settled. Look in the log for why; it goes on by itself at {}",
            until.to_rfc3339_opts(SecondsFormat::Secs, true)
        );
        standing.hold(Some(&why));
        if !std::mem::replace(&mut said, true) {
            tracing::error!("{why}");
        }
        let wait = (until - now).to_std().unwrap_or_default().min(LOOK_AGAIN);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(false)
}

/// Writes down that the sender of this number starts, in `process`.
pub async fn begin(
    tx: &mut Tx,
    sender: i64,
    process: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(&mut *tx, |conn| sqlx::query(
        "DELETE FROM sender_start WHERE started_at < $1"
    )
    .bind(now - Duration::hours(KEPT_HOURS))
    .execute(conn)
    .await
    .map(drop))?;
    on!(tx, |conn| {
        sqlx::query(
        "INSERT INTO sender_start (sender, process, started_at, progressed, ended) VALUES ($1, $2, $3, $4, $4)",
    )
    .bind(sender)
    .bind(process)
    .bind(now)
    .bind(false)
    .execute(conn)
    .await
    .map(drop)
    })
}

/// The sender has settled a delivery: whatever ends it now, it got something done. Does nothing for a sender whose
/// start was not written down.
pub async fn progressed(tx: &mut Tx, sender: i64) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE sender_start SET progressed = $2 WHERE sender = $1"
    )
    .bind(sender)
    .bind(true)
    .execute(conn)
    .await
    .map(drop))
}

/// The sender stopped as it should.
pub async fn ended(tx: &mut Tx, sender: i64) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE sender_start SET ended = $2 WHERE sender = $1"
    )
    .bind(sender)
    .bind(true)
    .execute(conn)
    .await
    .map(drop))
}

/// This process among all that ever ran: its host, its number, and when it started, for numbers come again.
pub fn this_process() -> String {
    let number = std::process::id();
    format!("{} {number} {}", host(), started(number))
}

/// Whether a process of this host still lives.
pub fn is_alive(process: &str) -> bool {
    let mut words = process.rsplit(' ');
    let (Some(start), Some(number)) = (words.next(), words.next()) else {
        return false;
    };
    number
        .parse()
        .is_ok_and(|number| !start.is_empty() && started(number) == start)
}

fn is_of_this_host(process: &str) -> bool {
    process
        .strip_prefix(&host())
        .is_some_and(|rest| rest.starts_with(' '))
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// When a process started, in ticks since the machine did; empty when there is none of that number. The 22nd field of
/// its line, counted from behind its name, which may hold anything (proc_pid_stat(5)).
fn started(number: u32) -> String {
    let line = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    let behind_its_name = line.rsplit(')').next().unwrap_or_default();
    let start = behind_its_name.split_whitespace().nth(19);
    start.unwrap_or_default().to_owned()
}
