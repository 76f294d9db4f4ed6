//! The machine's clock is wrong and is set right, while mail is sent and a schedule waits for its time.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, TimeDelta, Utc};

use super::Trial;
use crate::checker::Moment;
use crate::lab::{Lab, MONTH, PATIENCE, Running, Setup};

/// The next issue, which must come in its own time after all that.
const NEXT: &str = "2031-02";

const RULE: &str = "every day, 09:00";
const SLOT: &str = "2031-01-07T09:00:00Z";
const NEXT_SLOT: &str = "2031-02-01T09:00:00Z";

/// The most that NTP is expected to set a clock by at once.
const NTPS: TimeDelta = TimeDelta::seconds(2);

/// A step, and back: NTP's, a wrong hour, a wrong day.
const STEPS: [TimeDelta; 6] = [
    NTPS,
    TimeDelta::seconds(-2),
    TimeDelta::hours(1),
    TimeDelta::hours(-1),
    TimeDelta::days(1),
    TimeDelta::days(-1),
];

/// What can be shown of this without libfaketime.
const STORIES: &str = "left out: libfaketime is not installed (Debian's package faketime); with a clock that is handed \
     in, cargo test shows a_clock_that_steps_back_and_forth_sends_nothing_twice_and_leaves_nothing_out and \
     a_lease_that_is_nearly_over_by_any_clock_finishes_no_message";

/// How long a clock stays wrong while nothing is due by it.
const A_WHILE: Duration = Duration::from_millis(300);

/// How long the longest wait of the schedule is, and a bit: it looks at the clock at least so often.
const SURELY_LOOKED_AT: Duration = Duration::from_secs(31);

/// The clock steps live under a worker, and between the lives of one: nothing is lost, early, or sent twice.
pub fn clocks(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    let library = library().context(STORIES)?;
    let mut setup = Setup {
        readers: trial.readers(3000),
        ..Setup::default()
    };
    setup.manners.delay = 5;
    let mut lab = Lab::new(trial.ground, trial.kind, &setup)?;
    let mut clock = Clock::put_into(&mut lab, &library)?;
    lab.set("SCHEDULE_RULE", RULE);
    lab.set("DELIVERY_LEASE", "3s");
    let mut stood_still = 0;
    let result = live(trial, &lab, &mut clock).map(|times| stood_still = times);
    let name = format!("a clock that steps during a send on {}", trial.kind);
    trial.tally.count(&name, result);
    let name = format!("a clock that steps between starts on {}", trial.kind);
    trial.tally.count(&name, between_starts(&lab, &mut clock));
    let name = format!("the next issue after wrong clocks on {}", trial.kind);
    trial.tally.count(&name, next_issue(&lab, &mut clock));
    Ok(Some(format!(
        "{} steps of 2 s, 1 h and 1 d within {} mails, and of 1 h and 1 d between starts: each issue once and at its time; \
         while a clock was behind its start, the send stood still ({stood_still} times)",
        2 * STEPS.len(),
        lab.readers
    )))
}

/// How often the send stood still because by the clock it had not begun.
fn live(trial: &Trial<'_>, lab: &Lab<'_>, clock: &mut Clock) -> anyhow::Result<usize> {
    clock.turn_to(at(SLOT) - TimeDelta::seconds(2))?;
    let mut worker = lab.start(&["worker"])?;
    let started = "SELECT count(*) FROM schedule";
    while lab.on_store(lab.store.number(started))? == 0 {
        ensure!(worker.is_running()?, "it ended: {}", worker.last_words());
    }
    // The schedule's timer will be over before the time has come.
    clock.step(-NTPS)?;
    lab.wait_for_taken(1, &mut worker)?;
    hold_not_early(lab, clock, SLOT)?;
    let share = lab.readers as u64 / (2 * STEPS.len() as u64 + 2);
    // All of them at the full size, where there is time for it.
    let is_long = trial.extent.readers.is_none();
    let mut stood_still = 0;
    for step in STEPS {
        clock.step(step)?;
        if clock.now() < at(SLOT) {
            hold_still(lab, &mut worker)?;
            stood_still += 1;
        } else {
            go_on(lab, share, &mut worker)?;
        }
        if is_long && step.abs() > NTPS {
            std::thread::sleep(SURELY_LOOKED_AT);
        }
        clock.step(-step)?;
        go_on(lab, share, &mut worker)?;
    }
    lab.wait_until_tried(MONTH, &mut worker)?;
    lab.hurry()?;
    lab.wait_until_tried(MONTH, &mut worker)?;
    worker.stop(PATIENCE)?;
    lab.finish(MONTH)?;
    lab.judge(MONTH, Moment::End)?.hold_for_everyone(0)?;
    hold_slots(lab, 1)?;
    Ok(stood_still)
}

fn go_on(lab: &Lab<'_>, share: u64, worker: &mut Running) -> anyhow::Result<()> {
    let enough = (lab.relay.taken() + share).min(lab.readers as u64);
    lab.wait_for_taken(enough, worker)
}

/// What was on the wire is taken, and nothing more, for by this clock nothing is due.
fn hold_still(lab: &Lab<'_>, worker: &mut Running) -> anyhow::Result<()> {
    std::thread::sleep(A_WHILE / 2);
    let before = lab.relay.taken();
    std::thread::sleep(A_WHILE);
    let taken = lab.relay.taken() - before;
    ensure!(taken == 0, "{taken} mails were sent before their time");
    ensure!(worker.is_running()?, "it ended: {}", worker.last_words());
    lab.judge(MONTH, Moment::Midway)?.hold(0)
}

/// Started with a wrong clock, stopped, and started with a right one.
fn between_starts(lab: &Lab<'_>, clock: &mut Clock) -> anyhow::Result<()> {
    let before = lab.relay.taken();
    let large = STEPS.iter().filter(|step| step.abs() > NTPS);
    for step in large.copied() {
        for step in [step, -step] {
            clock.step(step)?;
            let mut worker = lab.start(&["worker"])?;
            // The schedule is looked at as soon as the worker is up; before that, a signal would kill it.
            let began = Instant::now();
            while !worker.last_words().contains("delivering") && began.elapsed() < PATIENCE {
                std::thread::sleep(A_WHILE / 10);
            }
            std::thread::sleep(A_WHILE);
            worker.stop(PATIENCE)?;
        }
    }
    let again = lab.relay.taken() - before;
    ensure!(again == 0, "{again} mails were sent again");
    hold_slots(lab, 1)
}

/// An issue that comes in later goes out in the first slot of its month.
fn next_issue(lab: &Lab<'_>, clock: &mut Clock) -> anyhow::Result<()> {
    lab.import_month(NEXT)?;
    lab.begin_log()?;
    let start = lab.relay.taken();
    clock.turn_to(at(NEXT_SLOT) - TimeDelta::seconds(2))?;
    let mut worker = lab.start(&["worker"])?;
    lab.wait_for_taken(start + 1, &mut worker)?;
    hold_not_early(lab, clock, NEXT_SLOT)?;
    lab.wait_until_tried(NEXT, &mut worker)?;
    worker.stop(PATIENCE)?;
    lab.finish(NEXT)?;
    lab.judge(NEXT, Moment::End)?.hold_for_everyone(0)?;
    hold_slots(lab, 2)
}

/// By the service's own clock, the first mail was taken after the slot's time.
fn hold_not_early(lab: &Lab<'_>, clock: &Clock, slot: &str) -> anyhow::Result<()> {
    let log = lab.log()?;
    let first = log.first().context("a mail was taken")?;
    let ago = lab.relay.micros().saturating_sub(first.micros);
    let taken_at = clock.now() - TimeDelta::microseconds(i64::try_from(ago)?);
    ensure!(
        taken_at >= at(slot),
        "the first mail of {slot} was taken at {taken_at}"
    );
    Ok(())
}

/// So many slots had an issue, each in its time; no issue waits for a person.
fn hold_slots(lab: &Lab<'_>, issues: i64) -> anyhow::Result<()> {
    let count = |which: &str| {
        let sql = format!("SELECT count(*) FROM slot WHERE {which}");
        lab.on_store(lab.store.number(&sql))
    };
    let settled = count("state = 'settled'")?;
    ensure!(settled == issues, "{settled} slots were settled");
    let held = count("state = 'held'")?;
    ensure!(held == 0, "{held} slots are held");
    let early = count("noted_at < at")?;
    ensure!(early == 0, "{early} slots were noted before their time");
    Ok(())
}

/// The clock of the service's programs alone: relay, trials and PostgreSQL keep the machine's.
struct Clock {
    file: PathBuf,
    ahead: TimeDelta,
}

impl Clock {
    /// From here on, the lab's programs go by this clock. Timers run on: they ask the monotonic one.
    fn put_into(lab: &mut Lab<'_>, library: &Path) -> anyhow::Result<Clock> {
        let file = lab.folder.join("clock");
        lab.surround("LD_PRELOAD", &library.display().to_string());
        lab.surround("FAKETIME_TIMESTAMP_FILE", &file.display().to_string());
        for name in [
            "FAKETIME_NO_CACHE",
            "FAKETIME_DONT_FAKE_MONOTONIC",
            "DONT_FAKE_MONOTONIC",
            "NO_FAKE_STAT",
        ] {
            lab.surround(name, "1");
        }
        let mut clock = Clock {
            file,
            ahead: TimeDelta::zero(),
        };
        clock.turn_to(at(SLOT) - TimeDelta::minutes(1))?;
        Ok(clock)
    }

    fn now(&self) -> DateTime<Utc> {
        bulletin::clock::now() + self.ahead
    }

    fn turn_to(&mut self, when: DateTime<Utc>) -> anyhow::Result<()> {
        let seconds = (when - bulletin::clock::now()).num_seconds();
        self.ahead = TimeDelta::seconds(seconds);
        self.write()
    }

    fn step(&mut self, by: TimeDelta) -> anyhow::Result<()> {
        self.ahead += by;
        self.write()
    }

    /// At once, or a reader might find half a number.
    fn write(&self) -> anyhow::Result<()> {
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{:+}\n", self.ahead.num_seconds()))?;
        Ok(std::fs::rename(new, &self.file)?)
    }
}

fn at(utc: &str) -> DateTime<Utc> {
    utc.parse().expect("a time as written above")
}

/// Where the distribution keeps the library for programs with threads.
fn library() -> anyhow::Result<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib")?.flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    match found.find(|library| library.exists()) {
        Some(library) => Ok(library),
        None => bail!("there is no libfaketimeMT.so.1 under /usr/lib"),
    }
}
