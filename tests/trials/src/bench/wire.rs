//! The parts that send: into `smtp-sink`, into our relay, slowly, with refusals, and by several senders.

use super::case::{By, Case, Signed, Sink};
use super::figures::Figures;
use super::goals::Limit::{self, AtLeast, AtMost};
use super::goals::{Line, cpu, of, rate};
use super::services::RSA;
use super::{Bench, Series, signatures};
use crate::ground::Kind::{self, Postgres, Sqlite};

/// Enough for a loop that sends some hundred in a second.
const SMTPLIB_MAILS: usize = 300;

/// P1 and the first half of P4: Postfix's own sink, which is the slower one.
pub fn sink(bench: &Bench<'_>) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for connections in [10, 20, 50, 100] {
        let senders = [By::Source, By::service(Sqlite), By::service(Postgres)];
        let cases =
            senders.map(|by| Case::new(by, Sink::SmtpSink, connections, bench.options.readers));
        let all = bench.play(&cases)?;
        let what = format!("smtp-sink, {connections} connections: rate over smtp-source's");
        lines.push(beside_source("P1", what, AtLeast(1.0), &all));
    }
    for signed in bench.rsa() {
        let senders = [
            By::Source,
            By::signed(Sqlite, signed),
            By::signed(Postgres, signed),
        ];
        let cases = senders.map(|by| Case::new(by, Sink::SmtpSink, 20, bench.options.fewer()));
        let all = bench.play(&cases)?;
        let what = format!("the same, 20 connections, {}", name(signed));
        lines.push(beside_source("P4", what, AtLeast(0.5), &all));
    }
    Ok(lines)
}

/// P2, P5, P6 and P10: our relay with no delay, 20 connections.
pub fn fast(bench: &Bench<'_>) -> anyhow::Result<Vec<Line>> {
    let (readers, fewer) = (bench.options.readers, bench.options.fewer());
    let case = |by, messages| Case::new(by, Sink::RELAY, 20, messages);
    let loop_over_smtplib = Case::new(By::Smtplib, Sink::RELAY, 1, SMTPLIB_MAILS.min(readers));
    let mut cases = vec![
        case(By::Source, readers),
        case(By::service(Sqlite), readers),
        case(By::service(Postgres), readers),
        case(By::Client, readers),
        case(By::one_domain(Sqlite), readers),
        case(By::one_domain(Postgres), readers),
        loop_over_smtplib,
        case(By::signed(Sqlite, Signed::Ed25519), fewer),
        case(By::signed(Postgres, Signed::Ed25519), fewer),
    ];
    for signed in bench.rsa() {
        cases.push(case(By::signed(Sqlite, signed), fewer));
        cases.push(case(By::signed(Postgres, signed), fewer));
    }
    let all = bench.play(&cases)?;
    let [
        source,
        sqlite,
        postgres,
        client,
        one_sqlite,
        one_postgres,
        smtplib,
        rest @ ..,
    ] = all.as_slice()
    else {
        anyhow::bail!("some cases were not played");
    };
    let both = |number, what: &str, limit, figures: [Figures; 2]| {
        let [sqlite, postgres] = figures;
        Line::new(number, what, limit)
            .on(Sqlite, sqlite)
            .on(Postgres, postgres)
    };
    let services = [sqlite, postgres];
    let mut lines = vec![
        both(
            "P2",
            "the relay, 20 connections: rate over smtp-source's",
            AtLeast(1.3),
            services.map(|one| rate(one).over(&rate(source))),
        ),
        both(
            "",
            "the same with all readers at one domain",
            AtLeast(1.3),
            [one_sqlite, one_postgres].map(|one| rate(one).over(&rate(source))),
        ),
        both(
            "P5",
            "rate over that of the same client with prebuilt bytes and no database",
            AtLeast(0.8),
            services.map(|one| rate(one).over(&rate(client))),
        ),
        both(
            "P6",
            "CPU of an unsigned mail over smtp-source's",
            AtMost(1.2),
            services.map(|one| cpu(one).over(&cpu(source))),
        ),
        both(
            "",
            "CPU of an unsigned mail, µs",
            AtMost(60.0),
            services.map(cpu),
        ),
        both(
            "P10",
            "unsigned: rate over the smtplib loop's",
            AtLeast(50.0),
            services.map(|one| rate(one).over(&rate(smtplib))),
        ),
    ];
    let signs = [Signed::Ed25519].into_iter().chain(bench.rsa());
    for (signed, pair) in signs.zip(rest.chunks_exact(2)) {
        lines.extend(signed_lines(bench, signed, [&pair[0], &pair[1]], smtplib)?);
    }
    Ok(lines)
}

fn signed_lines(
    bench: &Bench<'_>,
    signed: Signed,
    services: [&Series; 2],
    smtplib: &Series,
) -> anyhow::Result<Vec<Line>> {
    let line = |number, what: String, limit, figures: &dyn Fn(&Series) -> Figures| {
        Line::new(number, what, limit)
            .on(Sqlite, figures(services[0]))
            .on(Postgres, figures(services[1]))
    };
    let most = match signed {
        Signed::Ed25519 => 100.0,
        Signed::RsaFastest => 350.0,
        _ => 600.0,
    };
    let what = format!("CPU of a mail signed with {}, µs", name(signed));
    let mut lines = vec![line("P6", what, AtMost(most), &cpu)];
    if signed == Signed::Ed25519 {
        return Ok(lines);
    }
    let (library, bare) = match signed {
        Signed::RsaFastest => ("AWS-LC", bare(bench, signatures::by_aws_lc)?),
        _ => (
            "ring",
            bare(bench, |key| signatures::by_ring(key).map(Some))?,
        ),
    };
    if bare.median().is_some() {
        // What the goal says is meant for the fastest signer; with ring it is shown.
        let limit = match signed {
            Signed::RsaFastest => AtMost(1.5),
            _ => Limit::None,
        };
        let what = format!("the same over a bare signature by {library}");
        lines.push(line("", what, limit, &|one| cpu(one).over(&bare)));
        let what = format!("a bare RSA-2048 signature by {library}, CPU µs");
        lines.push(Line::new("", what, Limit::None).by_itself(bare.clone()));
    }
    let what = format!("{}: rate over the (unsigned) smtplib loop's", name(signed));
    let over_loop = |one: &Series| rate(one).over(&rate(smtplib));
    lines.push(line("P10", what, AtLeast(10.0), &over_loop));
    Ok(lines)
}

/// One figure for each round; none where the library is not built in.
fn bare(
    bench: &Bench<'_>,
    sign: impl Fn(&str) -> anyhow::Result<Option<f64>>,
) -> anyhow::Result<Figures> {
    let rounds = (0..bench.options.rounds).map(|_| sign(RSA));
    let figures: anyhow::Result<Vec<Option<f64>>> = rounds.collect();
    Ok(figures?.into_iter().flatten().collect())
}

/// P3 and the second half of P4: a relay that takes its time, 100 connections.
pub fn delay(bench: &Bench<'_>) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (delay, messages) in [(5, bench.options.readers), (30, bench.options.fewer())] {
        let senders = [By::Source, By::service(Sqlite), By::service(Postgres)];
        let cases = senders.map(|by| Case::new(by, Sink::slow(delay), 100, messages));
        let all = bench.play(&cases)?;
        let what = format!("replies take {delay} ms, 100 connections: rate over smtp-source's");
        lines.push(beside_source("P3", what, AtLeast(1.8), &all));
    }
    for signed in bench.rsa() {
        let senders = [
            By::Source,
            By::signed(Sqlite, signed),
            By::signed(Postgres, signed),
        ];
        let cases = senders.map(|by| Case::new(by, Sink::slow(5), 100, bench.options.fewer()));
        let all = bench.play(&cases)?;
        let what = format!("5 ms, 100 connections, {}", name(signed));
        lines.push(beside_source("P4", what, AtLeast(0.85), &all));
    }
    Ok(lines)
}

/// P12: every tenth recipient is refused for good.
pub fn rejects(bench: &Bench<'_>) -> anyhow::Result<Vec<Line>> {
    const CONNECTIONS: usize = 20;
    let refusing = Sink::Relay {
        delay: 0,
        reject: 10,
    };
    let mut rates = Line::new(
        "P12",
        "10 % of the recipients refused: rate over that with none",
        AtLeast(0.9),
    );
    let most = AtMost(CONNECTIONS as f64);
    let mut connections = Line::new("", "connections that this took, of 20 at once", most);
    for kind in [Sqlite, Postgres] {
        let sinks = [Sink::RELAY, refusing];
        let by = By::service(kind);
        let cases = sinks.map(|sink| Case::new(by, sink, CONNECTIONS, bench.options.readers));
        let all = bench.play(&cases)?;
        rates = rates.on(kind, rate(&all[1]).over(&rate(&all[0])));
        connections = connections.on(kind, of(&all[1], |sample| sample.connections));
    }
    Ok(vec![rates, connections])
}

/// What further senders bring on one PostgreSQL: held up by the network, and by this machine's cores.
pub fn workers(bench: &Bench<'_>) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (delay, connections, about) in [(5, 10, "replies take 5 ms"), (0, 10, "no delay")] {
        let senders = [1, 2, 3, 4];
        let case = |senders| {
            let messages = bench.options.readers / if delay == 0 { 1 } else { 2 };
            Case::new(
                By::senders(senders),
                Sink::slow(delay),
                connections,
                messages,
            )
        };
        let all = bench.play(&senders.map(case))?;
        for (senders, series) in senders.into_iter().zip(&all).skip(1) {
            let what = format!(
                "{senders} senders, {connections} connections each, {about}: rate over one's"
            );
            let figures = rate(series).over(&rate(&all[0]));
            lines.push(Line::new("", what, Limit::None).on(Postgres, figures));
        }
    }
    Ok(lines)
}

/// The service on both databases as a multiple of smtp-source, in this order in `all`.
fn beside_source(number: &'static str, what: String, limit: Limit, all: &[Series]) -> Line {
    let over = |at: usize| rate(&all[at]).over(&rate(&all[0]));
    let kinds: [(Kind, usize); 2] = [(Sqlite, 1), (Postgres, 2)];
    kinds
        .into_iter()
        .fold(Line::new(number, what, limit), |line, (kind, at)| {
            line.on(kind, over(at))
        })
}

fn name(signed: Signed) -> &'static str {
    match signed {
        Signed::Not => "nothing",
        Signed::Ed25519 => "Ed25519",
        Signed::Rsa => "RSA-2048 (ring, as by default)",
        Signed::RsaFastest => "RSA-2048 (AWS-LC)",
    }
}
