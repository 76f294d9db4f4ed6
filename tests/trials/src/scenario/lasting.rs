//! What must hold all along: the account, backups, the rest when one row is bad.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::Trial;
use crate::checker::{Moment, hold_account};
use crate::ground::Kind;
use crate::lab::{Lab, MONTH, PATIENCE, Setup, address};
use crate::store::Store;

/// How long the relay is away.
const AWAY: Duration = Duration::from_secs(20);

/// The account is asked for all the time, by the service's own command and by SQL, and adds up each time.
pub fn balance(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    let mut setup = Setup {
        readers: trial.readers(3000),
        ..Setup::default()
    };
    setup.manners.reject = 3;
    setup.manners.defer = 5;
    setup.manners.cut = 1;
    setup.manners.delay = 5;
    let lab = Lab::new(trial.ground, trial.kind, &setup)?;
    lab.plan(MONTH)?;
    let mut worker = lab.start(&["worker"])?;
    let (mut samples, mut last) = (0_u64, String::new());
    let deadline = Instant::now() + 10 * PATIENCE;
    loop {
        samples += 1;
        let status = lab.status(MONTH)?;
        trial
            .tally
            .count("a sample by `campaign status`", adds_up(&lab, &status));
        let counts = lab.on_store(lab.store.counts(MONTH))?;
        let balanced = hold_account(&counts, lab.readers as i64);
        trial.tally.count("a sample by SQL", balanced);
        let left = |state: &str| status[state].as_i64().unwrap_or(-1);
        if left("waiting") == 0 && left("in_flight") == 0 {
            if left("deferred") + left("unknown") == 0 || Instant::now() > deadline {
                last = status.to_string();
                break;
            }
            lab.hurry()?;
        }
        ensure!(worker.is_running()?, "it ended: {}", worker.last_words());
        if Instant::now() > deadline + PATIENCE {
            break;
        }
    }
    worker.stop(PATIENCE)?;
    lab.finish(MONTH)?;
    let verdict = lab.judge(MONTH, Moment::End)?;
    let cuts = verdict.doubles;
    trial
        .tally
        .count("the end of balance", verdict.hold(lab.readers));
    Ok(Some(format!(
        "{samples} samples each way add up; {cuts} doubles by cut connections; at the end {}",
        last.replace(['"', '{', '}'], "")
    )))
}

/// The service's own account of a campaign, which must be of everybody.
pub fn adds_up(lab: &Lab<'_>, status: &serde_json::Value) -> anyhow::Result<()> {
    let number = |name: &str| {
        status[name]
            .as_i64()
            .with_context(|| format!("the account has no '{name}'"))
    };
    let mut sum = 0;
    for state in crate::checker::STATES {
        sum += number(state)?;
    }
    let planned = number("planned")?;
    ensure!(
        sum == planned && planned == lab.readers as i64,
        "the account does not balance: {status}"
    );
    Ok(())
}

/// The relay goes away and comes back: everybody waits, and nobody's attempts are used up.
pub fn relay_away(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    let mut setup = Setup {
        readers: trial.readers(3000),
        ..Setup::default()
    };
    setup.manners.delay = 10;
    let mut lab = Lab::new(trial.ground, trial.kind, &setup)?;
    lab.plan(MONTH)?;
    let mut worker = lab.start(&["worker"])?;
    let third = lab.readers as u64 / 3;
    lab.wait_for_taken(third, &mut worker)?;
    let ground = lab.ground;
    ground.runtime.block_on(lab.relay.go_away());
    let taken = lab.relay.taken();
    std::thread::sleep(AWAY);
    let meanwhile = lab.judge(MONTH, Moment::Midway)?;
    ground.runtime.block_on(lab.relay.come_back())?;
    let back = lab.wait_for_more(&mut worker)?;
    lab.wait_until_tried(MONTH, &mut worker)?;
    let rows = lab.rows(MONTH)?;
    let burnt = rows.iter().filter(|row| {
        row.attempts > 1 || matches!(row.state.as_str(), "deferred" | "unknown" | "bounced")
    });
    let burnt = burnt.count();
    worker.stop(PATIENCE)?;
    lab.finish(MONTH)?;
    let verdict = lab.judge(MONTH, Moment::End)?;
    let result = || -> anyhow::Result<()> {
        meanwhile.hold(0)?;
        verdict.hold_for_everyone(lab.connections)?;
        ensure!(
            burnt <= lab.connections,
            "{burnt} deliveries lost an attempt"
        );
        Ok(())
    };
    let name = format!("the relay away on {}", trial.kind);
    trial.tally.count(&name, result());
    Ok(Some(format!(
        "away for {AWAY:?} after {taken} of {} mails: back within {back:.1?}, {burnt} tries lost of {} on the wire, doubles {}",
        lab.readers, lab.connections, verdict.doubles
    )))
}

/// Backups in the middle of a send: each opens, and its account balances.
pub fn backup(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    if trial.kind == Kind::Postgres {
        return Ok(None);
    }
    let runs = trial.runs(20);
    let mut setup = Setup {
        readers: trial.readers(100 * (runs as usize + 1)),
        ..Setup::default()
    };
    setup.manners.delay = 10;
    let mut lab = Lab::new(trial.ground, trial.kind, &setup)?;
    lab.plan(MONTH)?;
    let mut worker = lab.start(&["worker"])?;
    let live = lab.store.clone();
    for run in 0..runs {
        lab.wait_for_more(&mut worker)?;
        let copy = lab.folder.join(format!("backup-{run}.db"));
        let sql = format!("VACUUM INTO '{}'", copy.display());
        lab.on_store(live.execute(&sql))?;
        let result = look_at_backup(&mut lab, &copy);
        trial.tally.count(&format!("backup {run}"), result);
        std::thread::sleep(Duration::from_millis(50));
    }
    point_at(&mut lab, live);
    lab.wait_until_tried(MONTH, &mut worker)?;
    worker.stop(PATIENCE)?;
    let verdict = lab.judge(MONTH, Moment::End)?;
    let name = "the send that was backed up";
    trial.tally.count(name, verdict.hold_for_everyone(0));
    Ok(Some(format!(
        "{runs} backups within {} mails open and balance",
        lab.readers
    )))
}

fn look_at_backup(lab: &mut Lab<'_>, copy: &Path) -> anyhow::Result<()> {
    let live = lab.store.clone();
    point_at(lab, Store::Sqlite(copy.to_owned()));
    let looked = || -> anyhow::Result<()> {
        adds_up(lab, &lab.status(MONTH)?)?;
        // What the relay took since the backup is not in it.
        let counts = lab.on_store(lab.store.counts(MONTH))?;
        hold_account(&counts, lab.readers as i64)?;
        let flying = counts.iter().find(|(state, _)| state == "in_flight");
        let flying = flying.map_or(0, |(_, count)| *count);
        ensure!(
            flying <= lab.connections as i64,
            "{flying} are in flight in a backup"
        );
        Ok(())
    };
    let result = looked();
    point_at(lab, live);
    result
}

fn point_at(lab: &mut Lab<'_>, store: Store) {
    if let Store::Sqlite(path) = &store {
        lab.set("DATABASE_URL", &format!("sqlite://{}", path.display()));
    }
    lab.store = store;
}

/// One row in a hundred cannot become a message, each kind in its own way: it fails alone.
pub fn poison(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    let setup = Setup {
        readers: trial.readers(1000),
        ..Setup::default()
    };
    let lab = Lab::new(trial.ground, trial.kind, &setup)?;
    lab.plan(MONTH)?;
    // What a reader's row can be made to hold. The address of one is what the log knows them by.
    let poisons = [
        ("content", "no selection"),
        ("content", ""),
        ("content", "999"),
        ("address", "no address at all"),
        ("address", "r@peer.test>\r\nRCPT TO:<x@peer.test"),
        ("address", "@"),
        ("time_zone", "Nowhere/Nothing"),
    ];
    let mut poisoned = Vec::new();
    for number in (0..lab.readers).step_by(100) {
        let (column, value) = poisons[number / 100 % poisons.len()];
        lab.on_store(lab.store.execute(&poisoning(number, column, value)))?;
        poisoned.push(number);
    }
    // A name of ten megabytes, for one more.
    let zeros = lab.on_store(lab.store.execute(&swelling(trial.kind, 50)))?;
    ensure!(zeros == 1, "nobody got the long name");
    // First by a worker, which knows no campaign by name; then asked for by name, as a person would.
    let mut worker = lab.start(&["worker"])?;
    let worked = lab.wait_until_tried(MONTH, &mut worker);
    worker.stop(PATIENCE)?;
    let mut sender = lab.start(&["send", MONTH, "--wait", "--json"])?;
    let status = sender.end(2 * PATIENCE)?;
    let asked = match status.success() {
        true => Ok(()),
        false => Err(anyhow::anyhow!("it ended badly: {}", sender.last_words())),
    };
    let name = format!("`send` with poisoned rows on {}", trial.kind);
    trial.tally.count(&name, asked);
    let rows = lab.rows(MONTH)?;
    let verdict = crate::checker::judge(&rows, &lab.log()?, Moment::End);
    let accepted = verdict.states.get("accepted").copied().unwrap_or(0);
    let result = || -> anyhow::Result<()> {
        worked?;
        verdict.hold(0)?;
        ensure!(
            accepted + poisoned.len() + 1 >= lab.readers,
            "healthy rows failed too: {verdict}"
        );
        let silent = rows
            .iter()
            .find(|row| row.state == "bounced" && row.reply.is_empty());
        ensure!(silent.is_none(), "a row failed without a reason");
        Ok(())
    };
    let name = format!("poisoned rows on {}", trial.kind);
    trial.tally.count(&name, result());
    Ok(Some(format!(
        "{} of {} rows poisoned, one with a name of 10 MB: {verdict}",
        poisoned.len() + 1,
        lab.readers
    )))
}

fn poisoning(reader: usize, column: &str, value: &str) -> String {
    let who = format!("address = '{}'", address(reader));
    match column {
        "content" => format!(
            "UPDATE delivery SET content = '{value}' WHERE subscriber_id IN (SELECT id FROM subscriber WHERE {who})"
        ),
        _ => format!("UPDATE subscriber SET {column} = '{value}' WHERE {who}"),
    }
}

fn swelling(kind: Kind, reader: usize) -> String {
    let name = match kind {
        Kind::Sqlite => "hex(zeroblob(5000000))",
        Kind::Postgres => "repeat('x', 10000000)",
    };
    format!(
        "UPDATE subscriber SET name = {name} WHERE address = '{}'",
        address(reader)
    )
}
