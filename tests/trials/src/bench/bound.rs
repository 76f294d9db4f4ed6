//! What the strict bound costs: how often the disk is flushed, and how many mails one flush serves.

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::Bench;
use super::case::{By, Case, Sink};
use super::edition::MONTH;
use super::figures::Figures;
use super::goals::{Limit, Line};
use super::measure::Measured;
use super::peers::FastSink;
use super::services::Wanted;
use crate::ground::{Kind, need};
use crate::lab::Lab;
use crate::store::Store;

/// Few connections get little out of a flush, many get much.
const CONNECTIONS: [usize; 3] = [1, 20, 100];

/// With so many, a commit has about so many mails.
const OF_RESULTS: usize = 20;
const BATCH: usize = 8;

const PATIENCE: Duration = Duration::from_secs(1200);

/// One sender with each number of connections, its flushes counted, beside the same without counting.
pub fn bound(bench: &Bench<'_>) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for connections in CONNECTIONS {
        let messages = match connections {
            1 => bench.options.fewer(),
            _ => bench.options.readers,
        };
        let kinds = [Kind::Sqlite, Kind::Postgres];
        let cases =
            kinds.map(|kind| Case::new(By::service(kind), Sink::RELAY, connections, messages));
        let all = bench.play(&cases)?;
        let what = |measure: &str| format!("strict bound, {connections} connections: {measure}");
        let mut each = Line::new("", what("mails for each flush of the disk"), Limit::None);
        let mut rate = Line::new("", what("flushes a second"), Limit::None);
        for (kind, series) in kinds.into_iter().zip(&all) {
            let flushes = flushes(bench, kind, connections, messages)?;
            each = each.on(kind, Figures::from_iter([messages as f64 / flushes]));
            let rates = super::goals::rate(series);
            rate = rate.on(kind, rates.map(|mails| mails * flushes / messages as f64));
        }
        lines.extend([each, rate]);
        if connections == OF_RESULTS {
            let services: Vec<Figures> = all.iter().map(super::goals::cpu).collect();
            lines.extend(results(bench, [&services[0], &services[1]], messages)?);
        }
    }
    Ok(lines)
}

/// P7: the CPU time of claims and results by themselves, less that of claims by themselves, beside a whole send's.
fn results(
    bench: &Bench<'_>,
    services: [&Figures; 2],
    messages: usize,
) -> anyhow::Result<[Line; 2]> {
    let what = format!("results: % of the CPU of a send, {BATCH} mails in a commit");
    let mut share = Line::new("P7", what, Limit::AtMost(10.0));
    let mut cost = Line::new("", "the same, µs for each mail", Limit::None);
    for (kind, service) in [Kind::Sqlite, Kind::Postgres].into_iter().zip(services) {
        let mut micros = Figures::default();
        for _ in 0..bench.options.rounds {
            let claims = ledger(bench, kind, messages, false)?;
            let both = ledger(bench, kind, messages, true)?;
            micros.add((both - claims) * 1e6 / messages as f64);
        }
        share = share.on(kind, micros.over(service).map(|part| 100.0 * part));
        cost = cost.on(kind, micros);
    }
    Ok([share, cost])
}

/// CPU seconds for all claims of a campaign, with or without results.
fn ledger(bench: &Bench<'_>, kind: Kind, readers: usize, results: bool) -> anyhow::Result<f64> {
    let lab = bench.services.planned(Wanted {
        kind,
        readers,
        one_domain: false,
    })?;
    let url = match &lab.store {
        Store::Sqlite(path) => format!("sqlite://{}", path.display()),
        Store::Postgres(url) => url.clone(),
    };
    let ourselves = std::env::current_exe()?.display().to_string();
    let mut command = vec![ourselves, "ledger".to_owned(), url, BATCH.to_string()];
    command.extend(results.then(|| "--results".to_owned()));
    let running = Measured::start(&bench.services.folder, "ledger", &command, |_| {})?;
    Ok(running.end(PATIENCE)?.cpu)
}

/// How many flushes one send has, in a run by itself: counting them slows it down a little.
fn flushes(
    bench: &Bench<'_>,
    kind: Kind,
    connections: usize,
    messages: usize,
) -> anyhow::Result<f64> {
    let lab = bench.services.planned(Wanted {
        kind,
        readers: messages,
        one_domain: false,
    })?;
    let sink = FastSink::start(&bench.services.folder, 0, 0)?;
    let counts = bench.services.folder.join("flushes");
    let program = bench.services.ground.bulletin.display().to_string();
    let mut command = [&program, "send", MONTH, "--wait", "--json"]
        .map(String::from)
        .to_vec();
    if kind == Kind::Sqlite {
        let strace = need("strace")?.display().to_string();
        let counts = counts.display().to_string();
        let traced = [
            &strace,
            "-f",
            "--seccomp-bpf",
            "-c",
            "-e",
            "trace=fdatasync,fsync",
            "-o",
            &counts,
        ];
        command.splice(..0, traced.map(str::to_owned));
    }
    let before = server_flushes(&lab)?;
    let running = Measured::start(&bench.services.folder, "flushing", &command, |wrapped| {
        lab.dress(wrapped);
        wrapped
            .env("BULLETIN_SMTP_URL", format!("smtp://{}", sink.address))
            .env("BULLETIN_SMTP_CONNECTIONS", connections.to_string())
            .envs(
                bench
                    .options
                    .set
                    .iter()
                    .map(|(name, value)| (format!("BULLETIN_{name}"), value)),
            );
    })?;
    running.end(PATIENCE)?;
    sink.end()?;
    let counted = match kind {
        Kind::Sqlite => counted(&std::fs::read_to_string(counts)?),
        Kind::Postgres => server_flushes(&lab)? - before,
    };
    Ok(counted.max(1.0))
}

/// The calls in the summary of `strace -c`.
fn counted(summary: &str) -> f64 {
    let calls = |line: &str| -> Option<f64> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_a_flush = words.last().is_some_and(|name| name.ends_with("sync"));
        words.get(3).filter(|_| is_a_flush)?.parse().ok()
    };
    summary.lines().filter_map(calls).sum()
}

/// How often the whole server has flushed its log; the trials have it to themselves.
fn server_flushes(lab: &Lab<'_>) -> anyhow::Result<f64> {
    let Store::Postgres(url) = &lab.store else {
        return Ok(0.0);
    };
    let asked = lab.on_store(async {
        let mut connection = PgConnectOptions::from_str(url)?.connect().await?;
        // Sessions tell their figures when they end, at the latest.
        let found: (i64,) = sqlx::query_as("SELECT CAST(wal_sync AS bigint) FROM pg_stat_wal")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok(found.0)
    });
    Ok(asked.context("PostgreSQL tells no flushes; 14 to 17 do")? as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_are_read_from_the_summary() {
        let summary = "% time     seconds  usecs/call     calls    errors syscall\n\
                       ------ ----------- ----------- --------- --------- ----------------\n\
                       99.00    0.500000         100        41           fdatasync\n\
                        1.00    0.000100         100         1         1 fsync\n\
                       ------ ----------- ----------- --------- --------- ----------------\n\
                       100.00    0.500100         100        42         1 total\n";
        assert_eq!(counted(summary), 42.0);
    }
}
