//! A new version is started for the first time, and dies while it changes the tables.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use super::Trial;
use crate::checker::{Moment, judge};
use crate::dice::Dice;
use crate::ground::{Kind, need};
use crate::lab::{Lab, MONTH, PATIENCE, Setup};
use crate::past;
use crate::relay::Taken;
use crate::store::Store;

/// The calls by which a database's files, or its server, are told something.
const CALLS: [&str; 5] = ["pwrite64", "fdatasync", "fsync", "ftruncate", "sendto"];

/// Any command brings the tables up to date before it does its work; this one has the least of its own.
const OPENS: [&str; 2] = ["campaign", "list"];

/// What the upgrade begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Nothing at all: the first start ever.
    Empty,
    /// The tables of the first version, in the middle of a campaign.
    First,
}

/// What holds after an upgrade that nobody disturbs.
struct Whole {
    schema: String,
    /// What the relay had taken before the upgrade.
    taken: Vec<Taken>,
}

/// Killed at the N-th call of each kind during the first start of this version; then started again.
pub fn upgrades(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    need("strace")?;
    let mut told = Vec::new();
    for before in [Before::Empty, Before::First] {
        told.push(upgrade(trial, before)?);
    }
    Ok(Some(told.join("; ")))
}

fn upgrade(trial: &Trial<'_>, before: Before) -> anyhow::Result<String> {
    let mut setup = Setup {
        readers: trial.readers(100),
        ..Setup::default()
    };
    // Some are put off, some refused, and the rest is slow enough to be stopped in the middle.
    setup.manners.defer = 10;
    setup.manners.reject = 5;
    setup.manners.delay = 5;
    let mut lab = Lab::new(trial.ground, trial.kind, &setup)?;
    let taken = match before {
        Before::Empty => {
            lab.move_to_a_new_database()?;
            Vec::new()
        }
        Before::First => {
            send_half(&lab)?;
            let taken = lab.log()?;
            let today = lab.move_to_a_new_database()?;
            lab.on_store(past::make(&lab.store, &today))?;
            taken
        }
    };
    lab.save()?;
    let points = points(&lab)?;
    lab.run(&OPENS)?;
    let whole = Whole {
        schema: lab.on_store(schema(&lab.store))?,
        taken,
    };
    let chosen = choose(&points, trial);
    let mut left_at: BTreeMap<i64, usize> = BTreeMap::new();
    for (call, number) in &chosen {
        let name = format!(
            "{before:?} on {} killed at {call} {number} of the upgrade",
            trial.kind
        );
        let result = cut(&lab, call, *number).and_then(|version| {
            if let Some(version) = version {
                *left_at.entry(version).or_default() += 1;
            }
            starts_well(&lab, before, &whole)
        });
        trial.tally.count(&name, result);
    }
    let cuts: usize = left_at.values().sum();
    ensure!(cuts > 0, "not one start was killed");
    let left_at: Vec<String> = left_at
        .iter()
        .map(|(version, times)| format!("{times} at {version}"))
        .collect();
    Ok(format!(
        "{before:?}: {cuts} of {} points, left with the tables of step {}",
        points.iter().map(|(_, count)| count).sum::<u64>(),
        left_at.join(", ")
    ))
}

/// A campaign in its middle, with deliveries in every state that a stop leaves.
fn send_half(lab: &Lab<'_>) -> anyhow::Result<()> {
    lab.plan(MONTH)?;
    let mut sender = lab.start(&["send", MONTH, "--wait", "--json"])?;
    lab.wait_for_taken(lab.readers as u64 / 2, &mut sender)?;
    if sender.is_running()? {
        sender.stop(PATIENCE)?;
    }
    Ok(())
}

/// How many calls of each kind any one thread makes, in a start that nobody disturbs.
fn points(lab: &Lab<'_>) -> anyhow::Result<Vec<(&'static str, u64)>> {
    let path = lab.folder.join("calls");
    let tracing = format!("trace={}", CALLS.join(","));
    let mut sender = lab.start_command(traced(lab, &path, &["-e", &tracing])?)?;
    let status = sender.end(PATIENCE)?;
    ensure!(status.success(), "{}", sender.last_words());
    let calls = std::fs::read_to_string(&path).context("strace wrote no trace")?;
    let mut counts: HashMap<(&str, &str), u64> = HashMap::new();
    for line in calls.lines() {
        let call = line.split_once(' ');
        let named = call.and_then(|(thread, rest)| Some((thread, rest.trim().split_once('(')?.0)));
        if let Some(call) = named {
            *counts.entry(call).or_default() += 1;
        }
    }
    lab.restore()?;
    let most = |name| {
        let of = counts.iter().filter(|((_, call), _)| *call == name);
        of.map(|(_, count)| *count).max().unwrap_or(0)
    };
    Ok(CALLS.map(|name| (name, most(name))).to_vec())
}

/// All of them, or as many of each kind as the extent says, by the seed.
fn choose(points: &[(&'static str, u64)], trial: &Trial<'_>) -> Vec<(&'static str, u64)> {
    let mut dice = Dice::new(trial.extent.seed);
    let mut chosen = Vec::new();
    for (call, count) in points {
        let wanted = trial.runs(*count).min(*count);
        // One in each of so many equal parts.
        chosen.extend((0..wanted).map(|part| {
            let (first, next) = (part * count / wanted, (part + 1) * count / wanted);
            (*call, 1 + first + dice.below(next - first))
        }));
    }
    chosen
}

/// Kills the first start at one call. Gives the step that the tables are at; `None` where this start came to its end
/// with fewer calls.
fn cut(lab: &Lab<'_>, call: &str, number: u64) -> anyhow::Result<Option<i64>> {
    lab.restore()?;
    let tracing = format!("trace={call}");
    let injecting = format!("inject={call}:signal=KILL:when={number}");
    let nowhere = Path::new("/dev/null");
    let options = ["-e", tracing.as_str(), "-e", injecting.as_str()];
    let mut sender = lab.start_command(traced(lab, nowhere, &options)?)?;
    if sender.end(PATIENCE)?.success() {
        return Ok(None);
    }
    let known = lab.on_store(lab.store.number(match lab.kind {
        Kind::Sqlite => "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
        Kind::Postgres => "SELECT count(*) FROM pg_tables WHERE tablename = '_sqlx_migrations'",
    }))?;
    let version =
        "SELECT CAST(COALESCE(max(version), 0) AS bigint) FROM _sqlx_migrations WHERE success";
    match known {
        0 => Ok(Some(0)),
        _ => lab.on_store(lab.store.number(version)).map(Some),
    }
}

/// The next start needs nobody: its tables are those of an upgrade that was not disturbed, and its work goes on.
fn starts_well(lab: &Lab<'_>, before: Before, whole: &Whole) -> anyhow::Result<()> {
    lab.run(&OPENS)?;
    let schema = lab.on_store(schema(&lab.store))?;
    ensure!(
        schema == whole.schema,
        "the tables are not whole:\n{schema}\n\nbut should be\n{}",
        whole.schema
    );
    if before == Before::Empty {
        return lab.import_month(MONTH);
    }
    lab.finish(MONTH)?;
    let log = [&whole.taken[..], &lab.log()?].concat();
    judge(&lab.rows(MONTH)?, &log, Moment::End).hold(0)
}

fn traced(lab: &Lab<'_>, output: &Path, options: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]);
    command.arg(need("strace")?).args(["-f", "-qq", "-o"]);
    command.arg(output).args(options);
    command.arg(&lab.ground.bulletin).args(OPENS);
    lab.dress(&mut command);
    Ok(command)
}

/// All tables, columns, indexes, triggers and constraints, as text.
async fn schema(store: &Store) -> sqlx::Result<String> {
    store
        .text(match store {
            Store::Sqlite(_) => {
                "SELECT group_concat(line, char(10)) FROM \
                 (SELECT COALESCE(sql, name) AS line FROM sqlite_master ORDER BY type, name)"
            }
            Store::Postgres(_) => {
                "SELECT string_agg(line, chr(10) ORDER BY line) FROM (\
                 SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type, is_nullable, column_default) \
                   FROM information_schema.columns WHERE table_schema = 'public' \
                 UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
                 UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint \
                   WHERE connamespace = 'public'::regnamespace \
                 UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal) AS t (line)"
            }
        })
        .await
}
