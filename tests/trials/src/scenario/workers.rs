//! Several senders on one database.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::Trial;
use crate::checker::{Moment, judge};
use crate::dice::Dice;
use crate::ground::Kind;
use crate::lab::{Lab, MONTH, PATIENCE, Running, Setup};
use crate::relay::Relay;

/// Short enough that a trial need not wait for long.
const LEASE: Duration = Duration::from_secs(3);

/// On PostgreSQL, the more workers the better, and nobody gets a mail twice; on SQLite, the second sender refuses.
pub fn workers(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    if trial.kind == Kind::Sqlite {
        let result = second_sender_refuses(trial);
        trial.tally.count("a second sender on sqlite", result);
        return Ok(Some("a second sender refuses to start".to_owned()));
    }
    let setup = Setup {
        readers: trial.readers(50_000),
        ..Setup::default()
    };
    let mut lab = Lab::new(trial.ground, trial.kind, &setup)?;
    lab.plan(MONTH)?;
    lab.save()?;
    let mut told = Vec::new();
    let most = trial.runs(4);
    for count in 1..=most {
        let mut rates = Vec::new();
        let result = together(&mut lab, count).map(|found| rates = found);
        trial
            .tally
            .count(&format!("{count} workers at once"), result);
        let sum: f64 = rates.iter().sum();
        let each: Vec<String> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
        told.push(format!("{count}: {sum:.0}/s ({})", each.join(" + ")));
    }
    let told = told.join(", ");
    Ok(Some(format!(
        "{} mails by so many workers: {told}",
        lab.readers
    )))
}

/// The rate of each, in messages a second. Each has a relay of its own, to be told apart by.
fn together(lab: &mut Lab<'_>, count: u64) -> anyhow::Result<Vec<f64>> {
    lab.restore()?;
    let manners = lab.relay.manners().clone();
    let (mut relays, mut workers) = (Vec::new(), Vec::new());
    let usual = format!("smtp://{}", lab.relay.address);
    for number in 0..count {
        let log = lab.folder.join(format!("worker-{count}-{number}.log"));
        let any = ([127, 0, 0, 1], 0).into();
        let starting = Relay::start(any, &log, manners.clone());
        relays.push(lab.ground.runtime.block_on(starting)?);
    }
    for relay in &relays {
        lab.set("SMTP_URL", &format!("smtp://{}", relay.address));
        workers.push(lab.start(&["worker"])?);
    }
    lab.set("SMTP_URL", &usual);
    let first = workers.first_mut().context("there is a worker")?;
    wait_until_tried(lab, &relays, first)?;
    let mut logs = Vec::new();
    for (relay, worker) in relays.iter().zip(&mut workers) {
        worker.stop(PATIENCE)?;
        logs.push(relay.log_since(0)?);
    }
    let rates = logs.iter().map(|log| rate(log)).collect();
    judge(&lab.rows(MONTH)?, &logs.concat(), Moment::End).hold_for_everyone(0)?;
    Ok(rates)
}

fn wait_until_tried(lab: &Lab<'_>, relays: &[Relay], worker: &mut Running) -> anyhow::Result<()> {
    let taken = || relays.iter().map(Relay::taken).sum::<u64>();
    let mut progress = (Instant::now(), 0);
    loop {
        let counts = lab.on_store(lab.store.counts(MONTH))?;
        crate::checker::hold_account(&counts, lab.readers as i64)?;
        if counts.iter().all(|(state, _)| state == "accepted") {
            return Ok(());
        }
        ensure!(worker.is_running()?, "it ended: {}", worker.last_words());
        if taken() != progress.1 {
            progress = (Instant::now(), taken());
        }
        ensure!(
            progress.0.elapsed() < PATIENCE,
            "they stand still: {counts:?}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn rate(log: &[crate::relay::Taken]) -> f64 {
    let (Some(first), Some(last)) = (log.first(), log.last()) else {
        return 0.0;
    };
    log.len() as f64 / ((last.micros - first.micros).max(1) as f64 / 1e6)
}

fn second_sender_refuses(trial: &Trial<'_>) -> anyhow::Result<()> {
    let mut setup = Setup {
        readers: 500,
        ..Setup::default()
    };
    setup.manners.delay = 20;
    let lab = Lab::new(trial.ground, trial.kind, &setup)?;
    lab.plan(MONTH)?;
    let mut first = lab.start(&["worker"])?;
    lab.wait_for_taken(10, &mut first)?;
    let mut second = lab.start(&["worker"])?;
    let status = second.end(PATIENCE)?;
    ensure!(!status.success(), "a second sender ran beside the first");
    let words = second.last_words();
    ensure!(
        words.contains("another process is sending"),
        "it does not say why: {words}"
    );
    lab.wait_until_tried(MONTH, &mut first)?;
    first.stop(PATIENCE)?;
    lab.judge(MONTH, Moment::End)?.hold_for_everyone(0)
}

/// A worker is stopped as a paused virtual machine is, for longer than its lease, while another goes on; then it wakes.
pub fn pauses(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    if trial.kind == Kind::Sqlite {
        return Ok(None);
    }
    let mut setup = Setup {
        readers: trial.readers(3000),
        connections: 4,
        ..Setup::default()
    };
    setup.manners.delay = 20;
    let mut lab = Lab::new(trial.ground, trial.kind, &setup)?;
    let lease = format!("{}s", LEASE.as_secs());
    if !lab.knows("DELIVERY_LEASE", &lease) {
        bail!("left out: there is no setting delivery.lease yet");
    }
    lab.set("DELIVERY_LEASE", &lease);
    lab.plan(MONTH)?;
    lab.save()?;
    let runs = trial.runs(20);
    let mut dice = Dice::new(trial.extent.seed);
    let (mut doubles, mut most) = (0, 0);
    for run in 0..runs {
        let before = dice.below(lab.readers as u64 / 3);
        let mut seen = 0;
        let result = pause(&lab, before).map(|repeats| seen = repeats);
        let name = format!("pause {run} after {before} mails");
        trial.tally.count(&name, result);
        doubles += seen;
        most = most.max(seen);
    }
    Ok(Some(format!(
        "{runs} pauses of {:?} with a lease of {LEASE:?}: doubles {doubles}, at most {most} of {} allowed",
        LEASE + Duration::from_secs(5),
        lab.connections
    )))
}

fn pause(lab: &Lab<'_>, before: u64) -> anyhow::Result<usize> {
    lab.restore()?;
    let start = lab.relay.taken();
    let mut sleeper = lab.start(&["worker"])?;
    let mut other = lab.start(&["worker"])?;
    lab.wait_for_taken(start + before, &mut other)?;
    sleeper.signal("STOP")?;
    std::thread::sleep(LEASE + Duration::from_secs(5));
    lab.judge(MONTH, Moment::Midway)?.hold(lab.connections)?;
    sleeper.signal("CONT")?;
    lab.wait_until_tried(MONTH, &mut other)?;
    lab.hurry()?;
    lab.wait_until_tried(MONTH, &mut other)?;
    sleeper.stop(PATIENCE)?;
    other.stop(PATIENCE)?;
    lab.finish(MONTH)?;
    let verdict = lab.judge(MONTH, Moment::End)?;
    verdict.hold_for_everyone(lab.connections)?;
    Ok(verdict.doubles)
}
