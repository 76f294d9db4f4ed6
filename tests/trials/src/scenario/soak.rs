//! A long time with one fault after the other: R10.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::Trial;
use super::lasting::adds_up;
use super::storage::fail_writes;
use crate::checker::Moment;
use crate::dice::Dice;
use crate::ground::{Kind, need};
use crate::lab::{Lab, PATIENCE, Running, Setup};

/// Growth of memory over a soak, in percent.
const MOST_GROWTH: f64 = 5.0;

/// A shorter soak says nothing of memory: a database's caches fill as long as it grows, and are full after a while.
const SHORTEST: Duration = Duration::from_secs(30 * 60);

/// What may happen, by the database; each as often as the others.
#[derive(Clone, Copy, Debug)]
enum Fault {
    RelayAway,
    Asleep,
    Locked,
    BadDisk,
    Crash,
    KilledNeighbour,
}

/// The worker's memory, in KiB, so long after its start.
type Sample = (Duration, u64);

/// One worker, campaign after campaign, fault after fault, and a relay that puts some off and hangs up on others after
/// their final dot. The account is asked for after each fault, and everybody's mail after each campaign.
pub fn soak(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    let mut setup = Setup {
        readers: trial.readers(2000),
        ..Setup::default()
    };
    setup.manners.delay = 5;
    setup.manners.defer = 2;
    setup.manners.cut = 1;
    let mut lab = Lab::new(trial.ground, trial.kind, &setup)?;
    let mut dice = Dice::new(trial.extent.seed);
    let whole = Duration::from_secs(60 * trial.extent.minutes);
    let mut worker = lab.start(&["worker"])?;
    let (mut campaigns, mut hits, mut doubles, mut cuts) = (0, 0, 0, 0);
    let mut memory = Vec::new();
    while worker.began.elapsed() < whole {
        let month = format!("{}-{:02}", 2031 + campaigns / 12, 1 + campaigns % 12);
        if campaigns > 0 {
            lab.import_month(&month)?;
        }
        campaigns += 1;
        let first = lab.relay.taken();
        let mut faults = 0;
        let result = campaign(&mut lab, &month, &mut worker, &mut dice, &mut faults);
        let is_well = trial.tally.count(&format!("soak {month}"), result);
        hits += faults;
        cuts += lab.relay.cuts_since(first);
        doubles += lab.judge(&month, Moment::End)?.doubles;
        memory.push((worker.began.elapsed(), resident_kib(worker.id())?));
        if !is_well {
            // What follows would only say it again.
            break;
        }
    }
    worker.stop(PATIENCE)?;
    let growth = growth(&memory, whole);
    let name = format!("memory in a soak on {}", trial.kind);
    let result = match growth {
        Some(percent) if percent >= MOST_GROWTH => {
            Err(anyhow::anyhow!("it grew by {percent:.1} %: {memory:?}"))
        }
        _ => Ok(()),
    };
    trial.tally.count(&name, result);
    let grew = match growth {
        Some(percent) => format!("grew by {percent:.1} % to"),
        None => "(not judged in so short a time) came to".to_owned(),
    };
    Ok(Some(format!(
        "{} minutes, {campaigns} campaigns of {}, {hits} faults, {cuts} connections cut after the final dot: \
         doubles {doubles}, memory {grew} {} KiB",
        trial.extent.minutes,
        lab.readers,
        memory.last().map_or(0, |(_, kib)| *kib)
    )))
}

/// One campaign with its faults. `hits` counts them.
fn campaign(
    lab: &mut Lab<'_>,
    month: &str,
    worker: &mut Running,
    dice: &mut Dice,
    hits: &mut usize,
) -> anyhow::Result<()> {
    lab.begin_log()?;
    let start = lab.relay.taken();
    lab.plan(month)?;
    let allowed = |lab: &Lab<'_>, hits: usize| hits * lab.connections + lab.relay.cuts_since(start);
    while lab.relay.taken() < start + lab.readers as u64 * 3 / 4 {
        let more = 1 + dice.below(lab.readers as u64 / 4);
        lab.wait_for_taken(lab.relay.taken() + more, worker)?;
        let faults = faults(lab.kind);
        let fault = faults[dice.below(faults.len() as u64) as usize];
        *hits += 1;
        strike(lab, fault, worker, dice).with_context(|| format!("after {fault:?}"))?;
        let verdict = lab.judge(month, Moment::Midway)?;
        let held = verdict.hold(allowed(lab, *hits));
        held.with_context(|| format!("after {fault:?}"))?;
        adds_up(lab, &lab.status(month)?)?;
    }
    calm(lab, month, worker)?;
    let verdict = lab.judge(month, Moment::End)?;
    verdict.hold_for_everyone(allowed(lab, *hits))
}

fn faults(kind: Kind) -> &'static [Fault] {
    const SQLITE: [Fault; 4] = [
        Fault::RelayAway,
        Fault::Asleep,
        Fault::Locked,
        Fault::BadDisk,
    ];
    const POSTGRES: [Fault; 4] = [
        Fault::RelayAway,
        Fault::Asleep,
        Fault::Crash,
        Fault::KilledNeighbour,
    ];
    match kind {
        // Without strace the disk cannot be made to fail.
        Kind::Sqlite if need("strace").is_err() => &SQLITE[..3],
        Kind::Sqlite => &SQLITE,
        Kind::Postgres => &POSTGRES,
    }
}

/// One fault that the worker is to live through.
fn strike(
    lab: &mut Lab<'_>,
    fault: Fault,
    worker: &Running,
    dice: &mut Dice,
) -> anyhow::Result<()> {
    let how_long = dice.within(Duration::from_millis(100), Duration::from_secs(3));
    let ground = lab.ground;
    match fault {
        Fault::RelayAway => {
            ground.runtime.block_on(lab.relay.go_away());
            std::thread::sleep(how_long);
            Ok(ground.runtime.block_on(lab.relay.come_back())?)
        }
        Fault::Asleep => {
            worker.signal("STOP")?;
            std::thread::sleep(how_long);
            worker.signal("CONT")
        }
        Fault::Locked => lab.on_store(lab.store.hold_the_lock(how_long)),
        Fault::BadDisk => fail_writes(
            worker,
            ["EROFS", "EIO", "ENOSPC"][dice.below(3) as usize],
            how_long,
        ),
        Fault::Crash => ground.postgres()?.crash_and_restart(),
        Fault::KilledNeighbour => {
            let mut neighbour = lab.start(&["worker"])?;
            std::thread::sleep(how_long);
            neighbour.kill()
        }
    }
}

/// Waits until the campaign is through, hurrying what was put off.
fn calm(lab: &Lab<'_>, month: &str, worker: &mut Running) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        lab.wait_until_tried(month, worker)?;
        if lab.rows(month)?.iter().all(|row| row.state == "accepted") {
            return Ok(());
        }
        lab.hurry()?;
        std::thread::sleep(Duration::from_secs(1));
        if began.elapsed() > 5 * PATIENCE {
            bail!("{month} does not come to an end");
        }
    }
}

/// In percent, from the second fifth, when caches are filled, to the last: the middle of each, for single samples
/// depend on what was going on. `None` where a fifth has no sample, or all was over too soon.
fn growth(memory: &[Sample], whole: Duration) -> Option<f64> {
    if whole < SHORTEST {
        return None;
    }
    let middle = |from: Duration, to: Duration| {
        let within = memory.iter().filter(|(at, _)| (from..to).contains(at));
        let mut within: Vec<u64> = within.map(|(_, kib)| *kib).collect();
        within.sort_unstable();
        within.get(within.len() / 2).copied()
    };
    let settled = middle(whole / 5, whole * 2 / 5)?;
    let last = middle(whole * 4 / 5, Duration::MAX)?;
    Some((last as f64 / settled as f64 - 1.0) * 100.0)
}

fn resident_kib(process: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .context("/proc tells no memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_from_the_second_fifth_to_the_last() {
        let samples = |kib: fn(u64) -> u64| -> Vec<Sample> {
            (0..100)
                .map(|at| (SHORTEST.mul_f64(at as f64 / 100.0), kib(at)))
                .collect()
        };
        let whole = SHORTEST;
        let measured = |kib| growth(&samples(kib), whole).unwrap();
        assert!(
            measured(|at| 1000 + at.min(15) * 100).abs() < 0.1,
            "caches that fill"
        );
        assert!(
            measured(|at| 1000 + at) > MOST_GROWTH,
            "what grows and grows"
        );
        assert!(measured(|at| if at == 99 { 2000 } else { 1000 }).abs() < 0.1);
        assert_eq!(growth(&samples(|_| 1000)[..40], whole), None);
        assert_eq!(growth(&samples(|_| 1000), SHORTEST / 2), None);
    }
}
