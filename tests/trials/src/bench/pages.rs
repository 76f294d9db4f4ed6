//! The site with a long archive and many readers: how long each page takes.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::Bench;
use super::edition;
use super::figures::Figures;
use super::goals::Limit::AtMost;
use super::goals::Line;
use super::services::Wanted;
use crate::dice::Dice;
use crate::ground::Kind::{Postgres, Sqlite};
use crate::lab::{Lab, PATIENCE};

const READERS: usize = 100_000;
const MONTHS: usize = 500;
const SUMMARIES_OF_A_MONTH: usize = 4;

/// How often each page is asked for, over two connections at once.
const REQUESTS: usize = 100;

/// What is asked for. None is answered from a browser's memory: nothing is said of what is there already.
const PATHS: [&str; 16] = [
    "/",
    "/fr",
    "/issues",
    "/issues/1990-05",
    "/summaries/1000",
    "/summaries/1000/cite.bib",
    "/topics",
    "/topics/attachment",
    "/search?q=alliance",
    "/search?q=therapist+figure&topic=attachment&type=survey",
    "/search?q=zzz",
    "/feed.atom",
    "/topics/attachment/feed.json",
    "/sitemap.xml",
    "/subscribe",
    "/privacy",
];

const TOPICS: [&str; 5] = [
    "attachment",
    "empathy",
    "training",
    "depression-and-depressive-symptoms",
    "therapist-factors",
];

const TYPES: [&str; 3] = ["survey", "meta-analysis", "qualitative-study"];

/// Asks for every page of the site, on either database.
pub fn pages(bench: &Bench<'_>) -> anyhow::Result<Vec<Line>> {
    let title = |path: &&str| format!("{path}: ms, {READERS} readers, 2,000 summaries");
    let mut lines: Vec<Line> = PATHS
        .iter()
        .map(|path| Line::new("", title(path), AtMost(50.0)))
        .collect();
    for kind in [Sqlite, Postgres] {
        let wanted = Wanted {
            kind,
            readers: READERS,
            one_domain: false,
        };
        let (mut lab, _) = bench.services.enrolled(wanted)?;
        import_archive(&lab)?;
        let at = free_address()?;
        lab.set("SITE_LISTEN", &at.to_string());
        let mut service = lab.start(&["serve"])?;
        wait_for(at, || service.is_running())?;
        for (line, path) in lines.iter_mut().zip(PATHS) {
            let times = ask(at, path)?;
            eprintln!("{path} on {kind}: {times} ms");
            *line = line.clone().on(kind, times);
        }
        service.stop(PATIENCE)?;
    }
    Ok(lines)
}

/// Months from 1950 on, each in a file of its own, of summaries as long as real ones.
fn import_archive(lab: &Lab<'_>) -> anyhow::Result<()> {
    let folder = lab.folder.join("archive");
    std::fs::create_dir(&folder)?;
    let mut dice = Dice::new(7);
    for number in 0..MONTHS {
        let month = format!("{:04}-{:02}", 1950 + number / 12, 1 + number % 12);
        let mut page = format!("+++\nmonth = \"{month}\"\n+++\n");
        for summary in 0..SUMMARIES_OF_A_MONTH {
            let at = number * SUMMARIES_OF_A_MONTH + summary;
            let (topic, kind) = (TOPICS[at % TOPICS.len()], TYPES[at % TYPES.len()]);
            let mut text = || edition::paragraphs(&mut dice, 10);
            write!(
                page,
                "\n# Study {at} of alliance and change\n\n> Sample, A., & Other, B. ({}). Study {at}. Journal of Imagined \
                 Psychotherapy, {at}(1), 1-2. https://doi.org/10.1000/sample.{at}\n\nType: {kind}\nTopics: {topic}\n\n{}\
                 ## Practice implications\n\n{}",
                1950 + number / 12,
                text(),
                text(),
            )?;
        }
        std::fs::write(folder.join(format!("{month}.md")), page)?;
    }
    lab.run(&["import", "archive"]).map(drop)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn wait_for(
    at: SocketAddr,
    mut is_running: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let began = Instant::now();
    while TcpStream::connect(at).is_err() {
        ensure!(is_running()?, "the service ended");
        if began.elapsed() > PATIENCE {
            bail!("the service does not listen");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Milliseconds from the request to the last byte.
fn ask(at: SocketAddr, path: &str) -> anyhow::Result<Figures> {
    let one = || -> anyhow::Result<Vec<f64>> {
        let mut stream = BufReader::new(TcpStream::connect(at)?);
        stream.get_ref().set_nodelay(true)?;
        (0..REQUESTS / 2).map(|_| once(&mut stream, path)).collect()
    };
    let both = std::thread::scope(|scope| {
        let asking = [scope.spawn(one), scope.spawn(one)];
        asking.map(|one| one.join().expect("asking does not panic"))
    });
    let mut figures = Figures::default();
    for times in both {
        times?.into_iter().for_each(|time| figures.add(time));
    }
    Ok(figures)
}

fn once(stream: &mut BufReader<TcpStream>, path: &str) -> anyhow::Result<f64> {
    let began = Instant::now();
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
    stream.get_mut().write_all(request.as_bytes())?;
    let (mut length, mut line) = (None, String::new());
    stream.read_line(&mut line)?;
    ensure!(line.starts_with("HTTP/1.1 200"), "{path}: {line}");
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = Some(value.trim().parse::<usize>()?);
        }
    }
    let mut body = vec![0; length.context("an answer without a length")?];
    stream.read_exact(&mut body)?;
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}
