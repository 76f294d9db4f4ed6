//! The sender dies, or is told to stop, in the middle of a send.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::Trial;
use crate::checker::Moment;
use crate::dice::Dice;
use crate::ground::need;
use crate::lab::{Lab, MONTH, PATIENCE, Setup};

/// Start to first message, and stop to end with a healthy relay: R9.
const LONGEST_START: Duration = Duration::from_secs(10);
const LONGEST_STOP: Duration = Duration::from_secs(30);

/// `kill -9` at a random instant of each send; restarted until done.
pub fn kills(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    let setup = Setup {
        readers: trial.readers(5000),
        ..Setup::default()
    };
    let lab = Lab::new(trial.ground, trial.kind, &setup)?;
    lab.plan(MONTH)?;
    lab.save()?;
    let (whole, undisturbed) = time_of_a_send(&lab)?;
    let name = format!("a send on {} that nobody disturbs", trial.kind);
    trial.tally.count(&name, undisturbed);
    let mut dice = Dice::new(trial.extent.seed);
    let (mut doubles, mut most) = (0, 0);
    let runs = trial.runs(100);
    for run in 0..runs {
        let instant = dice.within(Duration::ZERO, whole);
        let name = format!("kill {run} on {} after {instant:?}", trial.kind);
        let mut repeats = 0;
        let result = kill(&lab, instant).map(|seen| repeats = seen);
        trial.tally.count(&name, result);
        doubles += repeats;
        most = most.max(repeats);
    }
    Ok(Some(format!(
        "{runs} kills within {whole:?} of {} mails: doubles {doubles}, {:.2} a kill, at most {most} of {} allowed",
        lab.readers,
        doubles as f64 / runs.max(1) as f64,
        lab.connections
    )))
}

/// How long a whole send takes, and whether one command was enough for it.
fn time_of_a_send(lab: &Lab<'_>) -> anyhow::Result<(Duration, anyhow::Result<()>)> {
    let mut sender = lab.start(&["send", MONTH, "--wait", "--json"])?;
    let status = sender.end(10 * PATIENCE)?;
    ensure!(status.success(), "{}", sender.last_words());
    let undisturbed = lab.judge(MONTH, Moment::End)?.hold_for_everyone(0);
    lab.finish(MONTH)?;
    Ok((sender.began.elapsed(), undisturbed))
}

fn kill(lab: &Lab<'_>, instant: Duration) -> anyhow::Result<usize> {
    lab.restore()?;
    let mut sender = lab.start(&["send", MONTH, "--wait", "--json"])?;
    std::thread::sleep(instant.saturating_sub(sender.began.elapsed()));
    sender.kill()?;
    lab.judge(MONTH, Moment::Midway)?.hold(0)?;
    lab.finish(MONTH)?;
    let verdict = lab.judge(MONTH, Moment::End)?;
    verdict.hold_for_everyone(lab.connections)?;
    Ok(verdict.doubles)
}

/// Killed at the N-th call of each kind that makes something durable or says something, until N is beyond the end.
pub fn points(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    const CALLS: [&str; 4] = ["fdatasync", "fsync", "sendto", "pwrite64"];
    let strace = need("strace")?;
    let setup = Setup {
        readers: trial.readers(20),
        connections: 1,
        ..Setup::default()
    };
    let lab = Lab::new(trial.ground, trial.kind, &setup)?;
    lab.plan(MONTH)?;
    lab.save()?;
    let every = trial.extent.every.max(1);
    let (mut points, mut doubles) = (0, 0);
    for call in CALLS {
        let mut number = 1 + trial.extent.seed % every;
        loop {
            let mut traced = Command::new("setpriv");
            traced.args(["--pdeathsig", "KILL", "--"]).arg(&strace);
            traced.args(["-f", "-qq", "-o", "/dev/null", "-e"]);
            traced.arg(format!("trace={call}")).arg("-e");
            traced.arg(format!("inject={call}:signal=KILL:when={number}"));
            traced.arg(&lab.ground.bulletin);
            traced.args(["send", MONTH, "--wait", "--json"]);
            lab.dress(&mut traced);
            lab.restore()?;
            let mut sender = lab.start_command(traced)?;
            if sender.end(PATIENCE)?.success() {
                break;
            }
            points += 1;
            let name = format!("{} killed at {call} {number}", trial.kind);
            let mut repeats = 0;
            let result = go_on(&lab).map(|seen| repeats = seen);
            trial.tally.count(&name, result);
            doubles += repeats;
            number += every;
        }
    }
    ensure!(points > 0, "not one point was found");
    Ok(Some(format!(
        "{points} crash points of {} mails over one connection: doubles {doubles}",
        lab.readers
    )))
}

/// What a crash left is listed, and the next sender makes it good.
fn go_on(lab: &Lab<'_>) -> anyhow::Result<usize> {
    lab.judge(MONTH, Moment::Midway)?.hold(0)?;
    lab.finish(MONTH)?;
    let verdict = lab.judge(MONTH, Moment::End)?;
    verdict.hold_for_everyone(1)?;
    Ok(verdict.doubles)
}

/// SIGTERM at random instants of one long send, and started again each time.
pub fn stops(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    let runs = trial.runs(100);
    let mut setup = Setup {
        readers: trial.readers(100 * runs as usize),
        ..Setup::default()
    };
    // So that there always is something on the wire.
    setup.manners.delay = 5;
    let lab = Lab::new(trial.ground, trial.kind, &setup)?;
    lab.plan(MONTH)?;
    let mut dice = Dice::new(trial.extent.seed);
    let (mut slowest_start, mut slowest_stop) = (Duration::ZERO, Duration::ZERO);
    for run in 0..runs {
        let batch = dice.below(2 * lab.readers as u64 / (runs + 1).max(1)) + 1;
        let result = stop(&lab, batch).map(|(start, stop)| {
            slowest_start = slowest_start.max(start);
            slowest_stop = slowest_stop.max(stop);
        });
        let name = format!("stop {run} on {} after {batch} mails", trial.kind);
        trial.tally.count(&name, result);
    }
    lab.finish(MONTH)?;
    let verdict = lab.judge(MONTH, Moment::End)?;
    verdict.hold_for_everyone(0)?;
    Ok(Some(format!(
        "{runs} stops within {} mails: doubles {}, start to first message at most {slowest_start:.1?}, stop at most {slowest_stop:.1?}",
        lab.readers, verdict.doubles
    )))
}

fn stop(lab: &Lab<'_>, batch: u64) -> anyhow::Result<(Duration, Duration)> {
    let before = lab.relay.taken();
    if before as usize >= lab.readers {
        return Ok((Duration::ZERO, Duration::ZERO));
    }
    let mut sender = lab.start(&["send", MONTH, "--wait", "--json"])?;
    lab.wait_for_taken(before + 1, &mut sender)?;
    let start = sender.began.elapsed();
    lab.wait_for_taken(before + batch, &mut sender)?;
    let began = Instant::now();
    if sender.is_running()? {
        sender.stop(LONGEST_STOP)?;
    }
    let stop = began.elapsed();
    ensure!(start <= LONGEST_START, "the first message took {start:?}");
    let verdict = lab.judge(MONTH, Moment::Midway)?;
    verdict.hold(0)?;
    for state in ["in_flight", "unknown"] {
        let left = verdict.states.get(state).copied().unwrap_or(0);
        ensure!(left == 0, "a stop left {left} {state}");
    }
    Ok((start, stop))
}
