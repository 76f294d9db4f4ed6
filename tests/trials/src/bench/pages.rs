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

/// The same at a glance.
const FEWER_READERS: usize = 2_000;
const FEWER_MONTHS: usize = 50;

/// How often each page is asked for, over two connections at once.
const REQUESTS: usize = 100;

/// What a page is asked for, and the form that is sent with it, if one is.
type Asked = (&'static str, Option<&'static str>);

/// What is asked for. None is answered from a browser's memory: nothing is said of what is there already.
const PUBLIC: [Asked; 27] = [
    ("/", None),
    ("/fr", None),
    ("/issues", None),
    ("/fr/issues", None),
    ("/issues/1952-05", None),
    ("/summaries/100", None),
    ("/fr/summaries/100", None),
    ("/summaries/100/cite.bib", None),
    ("/summaries/100/cite.ris", None),
    ("/topics", None),
    ("/topics/attachment", None),
    ("/search", None),
    ("/search?page=10", None),
    ("/search?q=alliance", None),
    ("/search?topic=attachment&type=survey", None),
    (
        "/search?q=therapist+figure&topic=attachment&type=survey",
        None,
    ),
    ("/search?q=zzz", None),
    ("/feed.atom", None),
    ("/feed.json", None),
    ("/topics/attachment/feed.atom", None),
    ("/topics/attachment/feed.json", None),
    ("/sitemap.xml", None),
    ("/robots.txt", None),
    ("/privacy", None),
    ("/manage", None),
    ("/subscribe", None),
    (
        "/subscribe",
        Some("topics=attachment&frequency=monthly&format=html&language=en&action=show"),
    ),
];

/// Pages of one reader: `TOKEN` stands for what their own address has there.
const OWN: [Asked; 5] = [
    ("/p/TOKEN", None),
    (
        "/p/TOKEN/preview",
        Some("topics=attachment&frequency=monthly&format=html&language=en"),
    ),
    ("/u/TOKEN", None),
    ("/s/TOKEN/100/more", None),
    ("/f/TOKEN", None),
];

/// Whose pages those are.
const READER: &str = "r7@d7.test";

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
    let (readers, months) = match bench.options.quick {
        true => (FEWER_READERS, FEWER_MONTHS),
        false => (READERS, MONTHS),
    };
    let all: Vec<Asked> = PUBLIC.into_iter().chain(OWN).collect();
    let summaries = months * SUMMARIES_OF_A_MONTH;
    let title = |(path, form): &Asked| {
        let how = if form.is_some() { " (POST)" } else { "" };
        format!("{path}{how}: ms, {readers} readers, {summaries} summaries")
    };
    let mut lines: Vec<Line> = all
        .iter()
        .map(|asked| Line::new("", title(asked), AtMost(50.0)))
        .collect();
    for kind in [Sqlite, Postgres] {
        let wanted = Wanted {
            kind,
            readers,
            one_domain: false,
        };
        let (mut lab, _) = bench.services.enrolled(wanted)?;
        import_archive(&lab, months)?;
        let mail = lab.run(&["preview", edition::MONTH, "--as", READER])?;
        let at = free_address()?;
        lab.set("SITE_LISTEN", &at.to_string());
        let mut service = lab.start(&["serve"])?;
        wait_for(at, || service.is_running())?;
        let own = own_links(at, &mail)?;
        for (line, (path, form)) in lines.iter_mut().zip(&all) {
            let token = own.iter().find(|(page, _)| path.starts_with(page));
            let path = token.map_or_else(
                || (*path).to_owned(),
                |(_, token)| path.replace("TOKEN", token),
            );
            let times = ask(at, &path, *form)?;
            eprintln!("{} on {kind}: {times} ms", line.what);
            *line = line.clone().on(kind, times);
        }
        service.stop(PATIENCE)?;
    }
    Ok(lines)
}

/// Where the reader's own pages begin, and what follows there: by the links of their mail, and one of their page.
fn own_links(at: SocketAddr, mail: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut links = Vec::new();
    for page in ["/p/", "/u/", "/s/"] {
        links.push((page, token(mail, page)?));
    }
    let mut stream = BufReader::new(TcpStream::connect(at)?);
    let (_, choices) = once(&mut stream, &format!("/p/{}", links[0].1), None)?;
    links.push(("/f/", token(&choices, "/f/")?));
    Ok(links)
}

fn token(text: &str, page: &str) -> anyhow::Result<String> {
    let is_of_a_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let pieces = text.split(page).skip(1);
    let mut tokens = pieces.map(|rest| rest.split(|c| !is_of_a_token(c)).next().unwrap_or(""));
    let token = tokens.find(|token| token.len() > 30);
    token
        .map(str::to_owned)
        .with_context(|| format!("no link with {page}"))
}

/// Months from 1950 on, each in a file of its own, of summaries as long as real ones.
pub(super) fn import_archive(lab: &Lab<'_>, months: usize) -> anyhow::Result<()> {
    let folder = lab.folder.join("archive");
    std::fs::create_dir(&folder)?;
    let mut dice = Dice::new(7);
    for number in 0..months {
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

pub(super) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

pub(super) fn wait_for(
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
fn ask(at: SocketAddr, path: &str, form: Option<&str>) -> anyhow::Result<Figures> {
    let one = || -> anyhow::Result<Vec<f64>> {
        let mut stream = BufReader::new(TcpStream::connect(at)?);
        stream.get_ref().set_nodelay(true)?;
        (0..REQUESTS / 2)
            .map(|_| once(&mut stream, path, form).map(|(time, _)| time))
            .collect()
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

/// Asks once; gives the milliseconds and the page.
fn once(
    stream: &mut BufReader<TcpStream>,
    path: &str,
    form: Option<&str>,
) -> anyhow::Result<(f64, String)> {
    let began = Instant::now();
    let request = match form {
        None => format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n"),
        Some(form) => format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        ),
    };
    stream.get_mut().write_all(request.as_bytes())?;
    let length = head(stream).with_context(|| path.to_owned())?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let time = began.elapsed().as_secs_f64() * 1000.0;
    Ok((time, String::from_utf8_lossy(&body).into_owned()))
}

/// Reads an answer up to its body, and gives the length of that.
fn head(stream: &mut BufReader<TcpStream>) -> anyhow::Result<usize> {
    let (mut length, mut line) = (None, String::new());
    stream.read_line(&mut line)?;
    ensure!(line.starts_with("HTTP/1.1 200"), "{line}");
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = Some(value.trim().parse()?);
        }
    }
    length.context("an answer without a length")
}
