//! The database goes away, is locked, or cannot write. Sending waits, and goes on by itself.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use super::{Trial, ext4};
use crate::checker::Moment;
use crate::dice::Dice;
use crate::ground::{Kind, is_root, need, succeed};
use crate::lab::{Lab, MONTH, PATIENCE, Running, Setup};

/// Back at work after the trouble has ended, without a person: R6.
const BACK_WITHIN: Duration = Duration::from_secs(60);

/// What went wrong, at one round, and how it was mended.
type Fault<'f> = &'f dyn Fn(&Lab<'_>, &mut Running, &mut Dice) -> anyhow::Result<()>;

/// PostgreSQL dies at once and comes back.
pub fn restarts(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    if trial.kind == Kind::Sqlite {
        return Ok(None);
    }
    let lab = lab(trial, 50, None)?;
    let restart: Fault = &|lab, _, _| lab.ground.postgres()?.crash_and_restart();
    rounds(trial, &lab, 50, "crash and restart", restart)
}

/// Another process holds the file for seconds.
pub fn locks(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    if trial.kind == Kind::Postgres {
        return Ok(None);
    }
    let lab = lab(trial, 20, None)?;
    let long = trial.extent.runs.is_none();
    let lock: Fault = &|lab, _, dice| {
        // Some of them longer than any statement waits for a lock.
        let longest = if long && dice.below(5) == 0 { 60 } else { 4 };
        let longest = Duration::from_secs(longest);
        let how_long = dice.within(longest - Duration::from_secs(2), longest);
        lab.on_store(lab.store.hold_the_lock(how_long))
    };
    rounds(trial, &lab, 20, "lock", lock)
}

/// A file takes all the room there is, for seconds.
pub fn full_disks(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    if trial.kind == Kind::Postgres {
        return Ok(None);
    }
    if !is_root() {
        bail!("left out: only root may mount");
    }
    need("mount")?;
    let disk = Disk::mount(trial.ground.new_folder()?)?;
    let lab = lab(trial, 20, Some(disk.place.clone()))?;
    let fill: Fault = &|_, _, dice| {
        let ballast = disk.fill()?;
        std::thread::sleep(dice.within(Duration::from_secs(1), Duration::from_secs(5)));
        Ok(std::fs::remove_file(ballast)?)
    };
    rounds(trial, &lab, 20, "full disk", fill)
}

/// The disk refuses what is written: for a while, and for good.
pub fn read_only(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    if trial.kind == Kind::Postgres {
        return Ok(None);
    }
    let told = for_a_while(trial)?;
    let mut for_good = String::new();
    match ext4::turned_read_only(trial) {
        Err(error) if error.to_string().starts_with("left out: ") => {
            let why = error.to_string();
            let why = why.trim_start_matches("left out: ");
            trial
                .tally
                .left_out(format!("a disk that turns read-only: {why}"));
        }
        result => {
            let result = result.map(|line| for_good = line);
            trial.tally.count("a disk that turned read-only", result);
        }
    }
    Ok(told.map(|told| format!("{told}; {for_good}")))
}

/// Every write fails with EROFS or EIO, for seconds. (A file system with files open for writing cannot be mounted
/// anew as read-only, so the calls are made to fail instead.)
fn for_a_while(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    need("strace")?;
    let lab = lab(trial, 10, None)?;
    let fail: Fault = &|_, sender, dice| {
        let error = ["EROFS", "EIO"][dice.below(2) as usize];
        let how_long = dice.within(Duration::from_secs(1), Duration::from_secs(5));
        fail_writes(sender, error, how_long)
    };
    rounds(trial, &lab, 10, "read-only disk", fail)
}

/// Every call of the sender that writes to a file ends with this error, for so long.
pub fn fail_writes(sender: &Running, error: &str, how_long: Duration) -> anyhow::Result<()> {
    let mut tracer = Command::new("setpriv");
    tracer
        .args(["--pdeathsig", "KILL", "--"])
        .arg(need("strace")?);
    tracer.args([
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=pwrite64,fdatasync,ftruncate",
    ]);
    tracer.args([
        "-e",
        &format!("inject=pwrite64,fdatasync,ftruncate:error={error}"),
    ]);
    tracer.arg("-p").arg(sender.id().to_string());
    let tracer = tracer.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    std::thread::sleep(how_long);
    // It lets go of the sender when asked to end.
    succeed(Command::new("kill").arg(tracer.id().to_string()))?;
    let mut tracer = tracer;
    tracer.wait()?;
    Ok(())
}

/// Enough readers that the send lasts for all rounds.
fn lab<'g>(
    trial: &Trial<'g>,
    usual_runs: u64,
    database_folder: Option<PathBuf>,
) -> anyhow::Result<Lab<'g>> {
    let runs = trial.runs(usual_runs) as usize;
    let mut setup = Setup {
        readers: trial.readers(150 * (runs + 1)),
        database_folder,
        ..Setup::default()
    };
    setup.manners.delay = 10;
    let lab = Lab::new(trial.ground, trial.kind, &setup)?;
    lab.plan(MONTH)?;
    Ok(lab)
}

/// One worker lives through fault after fault.
fn rounds(
    trial: &Trial<'_>,
    lab: &Lab<'_>,
    usual_runs: u64,
    what: &str,
    fault: Fault<'_>,
) -> anyhow::Result<Option<String>> {
    let runs = trial.runs(usual_runs);
    let mut dice = Dice::new(trial.extent.seed);
    let mut worker = lab.start(&["worker"])?;
    let (mut slowest, mut before, mut most) = (Duration::ZERO, 0, 0);
    for run in 0..runs {
        let name = format!("{what} {run} on {}", trial.kind);
        let mut round = || -> anyhow::Result<()> {
            let share = lab.readers as u64 / (runs + 1);
            let enough = lab.relay.taken() + 1 + dice.below(share / 2);
            lab.wait_for_taken(enough.min(lab.readers as u64), &mut worker)?;
            fault(lab, &mut worker, &mut dice)?;
            slowest = slowest.max(back(lab, &mut worker)?);
            let verdict = lab.judge(MONTH, Moment::Midway)?;
            verdict.hold(before + lab.connections)?;
            most = most.max(verdict.doubles - before);
            before = verdict.doubles;
            Ok(())
        };
        let went_on = round();
        if !trial.tally.count(&name, went_on) {
            // What is wrong with the record stays wrong; more rounds would only say it again.
            break;
        }
    }
    lab.wait_until_tried(MONTH, &mut worker)?;
    worker.stop(PATIENCE)?;
    lab.finish(MONTH)?;
    let verdict = lab.judge(MONTH, Moment::End)?;
    let allowed = runs as usize * lab.connections;
    trial.tally.count(
        &format!("the end of {what} on {}", trial.kind),
        verdict.hold_for_everyone(allowed),
    );
    Ok(Some(format!(
        "{runs} times {what} within {} mails: doubles {}, at most {most} of {} allowed each, back within {slowest:.1?}",
        lab.readers, verdict.doubles, lab.connections
    )))
}

/// How long it takes to be at work again, if there is work left.
fn back(lab: &Lab<'_>, worker: &mut Running) -> anyhow::Result<Duration> {
    let (began, before) = (Instant::now(), lab.relay.taken());
    while lab.relay.taken() == before {
        ensure!(worker.is_running()?, "it ended: {}", worker.last_words());
        let counts = lab.on_store(lab.store.counts(MONTH))?;
        if !counts.iter().any(|(state, _)| state == "waiting") {
            break;
        }
        ensure!(
            began.elapsed() < BACK_WITHIN,
            "not back within {BACK_WITHIN:?}: {}",
            worker.last_words()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(began.elapsed())
}

/// A file system in memory that is soon full.
struct Disk {
    place: PathBuf,
}

impl Disk {
    fn mount(folder: PathBuf) -> anyhow::Result<Disk> {
        let place = folder.join("mounted");
        std::fs::create_dir_all(&place)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]);
        if succeed(mount.arg(&place)).is_err() {
            bail!("left out: tmpfs cannot be mounted here");
        }
        Ok(Disk { place })
    }

    /// Writes a file until there is no room left.
    fn fill(&self) -> anyhow::Result<PathBuf> {
        let path = self.place.join("ballast");
        let mut ballast = File::create(&path)?;
        for piece in [64 * 1024, 4096, 1] {
            while ballast.write_all(&vec![0; piece]).is_ok() {}
        }
        ensure!(is_full(&self.place), "the disk is not full");
        Ok(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = succeed(Command::new("umount").arg("-l").arg(&self.place));
    }
}

fn is_full(place: &Path) -> bool {
    let probe = place.join("probe");
    let full = std::fs::write(&probe, vec![1; 8192]).is_err();
    let _ = std::fs::remove_file(probe);
    full
}
