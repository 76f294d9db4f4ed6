//! A large list: imported, planned beside the plainest INSERT ... SELECT on the same store, and sent, with an eye on
//! the memory (P8, P9).

use std::time::{Duration, Instant};

use super::case::{By, Case, Sink};
use super::edition::MONTH;
use super::figures::Figures;
use super::goals::Limit::{self, AtLeast, AtMost};
use super::goals::{Line, of};
use super::measure::Measured;
use super::services::{Wanted, go_back};
use super::{Bench, Series};
use crate::ground::Kind::{self, Postgres, Sqlite};
use crate::lab::Lab;
use crate::store::Store;

const CONNECTIONS: usize = 50;
const MORE_CONNECTIONS: usize = 200;

/// Going back to a list of a million takes longer than what is measured then.
const MOST_ROUNDS: usize = 3;

/// What planning came to on one database.
struct Planned {
    imported: Figures,
    seconds: Figures,
    over_bare: Figures,
    memory: Figures,
}

pub fn large(bench: &Bench<'_>) -> anyhow::Result<Vec<Line>> {
    let list = bench.options.list;
    let titles: [(&'static str, String, Limit); 8] = [
        (
            "",
            format!("{list} readers imported: rows a second"),
            AtLeast(50_000.0),
        ),
        (
            "P8",
            format!("{list} deliveries planned: time over a bare INSERT ... SELECT"),
            AtMost(3.0),
        ),
        ("", "the same, in seconds".to_owned(), AtMost(10.0)),
        (
            "",
            "memory of the process that plans, MiB".to_owned(),
            AtMost(64.0),
        ),
        (
            "P9",
            format!("{list} mails sent, {CONNECTIONS} connections: memory, MiB"),
            AtMost(64.0),
        ),
        (
            "",
            "from the start to the first of them, seconds".to_owned(),
            AtMost(2.0),
        ),
        ("", "mails a second".to_owned(), Limit::None),
        (
            "",
            "the rate in their last quarter over that in the second".to_owned(),
            AtLeast(0.8),
        ),
    ];
    let mut lines = titles.map(|(number, what, limit)| Line::new(number, what, limit));
    for kind in [Sqlite, Postgres] {
        let planned = plan(bench, kind)?;
        let case = Case::new(By::service(kind), Sink::RELAY, CONNECTIONS, list);
        let sent = bench.once(&case)?;
        bench.services.forget(list);
        let figures = [
            planned.imported,
            planned.over_bare,
            planned.seconds,
            planned.memory,
            of(&sent, |sample| sample.memory),
            of(&sent, |sample| sample.first),
            of(&sent, |sample| sample.rate),
            of(&sent, |sample| sample.steadiness),
        ];
        for (line, figures) in lines.iter_mut().zip(figures) {
            *line = line.clone().on(kind, figures);
        }
    }
    let mut lines = lines.to_vec();
    lines.extend(memory(bench)?);
    Ok(lines)
}

/// Imports the list and plans it several times; leaves it planned and kept.
fn plan(bench: &Bench<'_>, kind: Kind) -> anyhow::Result<Planned> {
    let wanted = Wanted {
        kind,
        readers: bench.options.list,
        one_domain: false,
    };
    let (lab, imported) = bench.services.enrolled(wanted)?;
    lab.save()?;
    let (mut seconds, mut bare, mut memory) = Default::default();
    let add = |figures: &mut Figures, figure| figures.add(figure);
    for round in 0..bench.options.rounds.min(MOST_ROUNDS) {
        go_back(&lab)?;
        add(&mut bare, plainest(&lab)?);
        let planning =
            Measured::start(&bench.services.folder, "plan", &command(bench), |wrapped| {
                lab.dress(wrapped);
            })?;
        let usage = planning.end(Duration::from_secs(600))?;
        add(&mut seconds, usage.seconds);
        add(&mut memory, usage.memory);
        eprintln!("{} planned on {kind}: {:.2} s", round + 1, usage.seconds);
    }
    lab.save()?;
    bench.services.keep(wanted, lab);
    Ok(Planned {
        imported: Figures::from_iter([imported]),
        over_bare: seconds.over(&bare),
        seconds,
        memory,
    })
}

fn command(bench: &Bench<'_>) -> Vec<String> {
    let program = bench.services.ground.bulletin.display().to_string();
    [&program, "send", MONTH].map(String::from).to_vec()
}

/// Seconds for the same rows into a table without any index.
fn plainest(lab: &Lab<'_>) -> anyhow::Result<f64> {
    let (key, time) = match lab.store {
        Store::Sqlite(_) => ("BLOB", "TEXT"),
        Store::Postgres(_) => ("uuid", "timestamptz"),
    };
    let run = |sql: &str| lab.on_store(lab.store.execute(sql));
    run(&format!(
        "CREATE TABLE bare (campaign_id bigint, subscriber_id {key}, content TEXT, state TEXT, due_at {time}, \
         attempts INTEGER, changed_at {time})"
    ))?;
    let now = match lab.store {
        Store::Sqlite(_) => "'2032-02-01T09:00:00+00:00'",
        Store::Postgres(_) => "CAST('2032-02-01T09:00:00Z' AS timestamptz)",
    };
    let began = Instant::now();
    run(&format!(
        "INSERT INTO bare SELECT 1, id, 'matched:0,1,2', 'waiting', {now}, 0, {now} FROM subscriber \
         WHERE state = 'active'"
    ))?;
    let seconds = began.elapsed().as_secs_f64();
    run("DROP TABLE bare")?;
    Ok(seconds)
}

/// Shorter lists beside the long one, and more connections.
fn memory(bench: &Bench<'_>) -> anyhow::Result<Vec<Line>> {
    let list = bench.options.list;
    let mut lines = Vec::new();
    let shortest = list / 100;
    for readers in [shortest, list / 10] {
        let what = format!("{readers} mails sent, {CONNECTIONS} connections: memory, MiB");
        let mut line = Line::new("P9", what, AtMost(64.0));
        for kind in [Sqlite, Postgres] {
            let case = Case::new(By::service(kind), Sink::RELAY, CONNECTIONS, readers);
            let sent = bench.once(&case)?;
            line = line.on(kind, of(&sent, |sample| sample.memory));
        }
        lines.push(line);
        if readers != shortest {
            bench.services.forget(readers);
        }
    }
    let mut line = Line::new("", "memory of each further connection, KiB", AtMost(200.0));
    for kind in [Sqlite, Postgres] {
        let case = |connections| Case::new(By::service(kind), Sink::RELAY, connections, shortest);
        let all = bench.play(&[case(CONNECTIONS), case(MORE_CONNECTIONS)])?;
        let [few, many] = [&all[0], &all[1]].map(|one: &Series| of(one, |sample| sample.memory));
        line = line.on(
            kind,
            few.growth_to(&many, (MORE_CONNECTIONS - CONNECTIONS) as f64 / 1024.0),
        );
    }
    lines.push(line);
    Ok(lines)
}
