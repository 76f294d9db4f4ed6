//! Readers leave by one click (RFC 8058) while their mail is being sent.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};

use super::Trial;
use crate::checker::Moment;
use crate::dice::Dice;
use crate::lab::{Lab, MONTH, PATIENCE, Running, Setup, address};

/// The issue before, whose mails hold the links.
const BEFORE: &str = "2030-12";

/// How long a mail may be on its way: taken later than so long after the click, it was sent after it.
const ON_ITS_WAY: Duration = Duration::from_secs(2);

/// A reader's click, when its 200 was read.
struct Click {
    at: DateTime<Utc>,
    /// On the clock of the relay's log.
    micros: u64,
}

/// No mail is claimed after its reader has left.
pub fn leavers(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    let leaving = trial.runs(1000) as usize;
    let mut setup = Setup {
        readers: trial.readers(4 * leaving),
        ..Setup::default()
    };
    setup.manners.log_links = true;
    setup.manners.delay = 4;
    let mut lab = Lab::new(trial.ground, trial.kind, &setup)?;
    let site = free_port()?;
    lab.set("SITE_LISTEN", &site.to_string());
    lab.set("SITE_URL", &format!("http://{site}"));
    // The trial counts digests: a goodbye is a letter.
    lab.set("SITE_GOODBYE", "false");
    let links = links(&lab)?;
    lab.begin_log()?;
    lab.plan(MONTH)?;
    let mut server = lab.start(&["serve"])?;
    let clicks = click_all(trial, &lab, &mut server, site, &links, leaving)?;
    lab.wait_until_tried(MONTH, &mut server)?;
    server.stop(PATIENCE)?;
    let verdict = lab.judge(MONTH, Moment::End)?;
    let suppressed = judge_leavers(trial, &lab, &clicks)?;
    trial
        .tally
        .count("the end of the leavers' campaign", verdict.hold(0));
    Ok(Some(format!(
        "{} left in the middle of {} mails: {suppressed} were spared theirs, none was claimed after",
        clicks.len(),
        lab.readers
    )))
}

/// Where each reader leaves, as the mails of the issue before say.
fn links(lab: &Lab<'_>) -> anyhow::Result<HashMap<String, String>> {
    lab.import_month(BEFORE)?;
    lab.plan(BEFORE)?;
    lab.finish(BEFORE)?;
    let links: HashMap<String, String> = lab
        .log()?
        .into_iter()
        .filter_map(|taken| Some((taken.recipient, taken.leave?)))
        .filter(|(_, link)| !link.is_empty())
        .collect();
    ensure!(
        links.len() == lab.readers,
        "only {} of {} mails say where their reader leaves",
        links.len(),
        lab.readers
    );
    Ok(links)
}

/// Lets readers leave while the relay takes mail, each as soon as so many have been taken as the dice say.
fn click_all(
    trial: &Trial<'_>,
    lab: &Lab<'_>,
    server: &mut Running,
    site: SocketAddr,
    links: &HashMap<String, String>,
    leaving: usize,
) -> anyhow::Result<HashMap<String, Click>> {
    let mut dice = Dice::new(trial.extent.seed);
    let start = lab.relay.taken();
    let last = (lab.readers - leaving).max(1) as u64;
    let mut instants: Vec<u64> = (0..leaving).map(|_| dice.below(last)).collect();
    instants.sort_unstable();
    let mut clicks = HashMap::new();
    wait_for_site(site, server)?;
    for instant in instants {
        lab.wait_for_taken(start + instant, server)?;
        let mut reader = address(dice.below(lab.readers as u64) as usize);
        while clicks.contains_key(&reader) {
            reader = address(dice.below(lab.readers as u64) as usize);
        }
        let link = links.get(&reader).context("every reader has a link")?;
        one_click(site, link)?;
        let click = Click {
            at: bulletin::clock::now(),
            micros: lab.relay.micros(),
        };
        clicks.insert(reader, click);
    }
    Ok(clicks)
}

/// How many were not mailed. Whoever was must have been claimed before they left.
fn judge_leavers(
    trial: &Trial<'_>,
    lab: &Lab<'_>,
    clicks: &HashMap<String, Click>,
) -> anyhow::Result<usize> {
    let taken: HashMap<String, u64> = lab
        .log()?
        .into_iter()
        .map(|taken| (taken.recipient, taken.micros))
        .collect();
    let mut suppressed = 0;
    for row in lab.rows(MONTH)? {
        let Some(click) = clicks.get(&row.address) else {
            continue;
        };
        suppressed += usize::from(row.state == "suppressed");
        let judged = || -> anyhow::Result<()> {
            ensure!(
                matches!(row.state.as_str(), "suppressed" | "accepted"),
                "the delivery {} is {} although its reader left",
                row.id,
                row.state
            );
            let late = row.first_tried_at.filter(|claimed| *claimed > click.at);
            ensure!(
                late.is_none(),
                "the delivery {} was claimed after its reader had left",
                row.id
            );
            let after = taken
                .get(&row.address)
                .map_or(0, |at| at.saturating_sub(click.micros));
            ensure!(
                Duration::from_micros(after) < ON_ITS_WAY,
                "the delivery {} was taken {after} microseconds after its reader had left",
                row.id
            );
            Ok(())
        };
        trial.tally.count("a reader who left", judged());
    }
    Ok(suppressed)
}

pub fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

pub fn wait_for_site(site: SocketAddr, server: &mut Running) -> anyhow::Result<()> {
    while TcpStream::connect(site).is_err() {
        ensure!(server.is_running()?, "it ended: {}", server.last_words());
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// What a mail program does when its unsubscribe button is pressed.
fn one_click(site: SocketAddr, link: &str) -> anyhow::Result<()> {
    const BODY: &str = "List-Unsubscribe=One-Click";
    let Some(path) = link.strip_prefix(&format!("http://{site}")) else {
        bail!("the link leads elsewhere");
    };
    let mut stream = TcpStream::connect(site)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {site}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(
        answer.starts_with("HTTP/1.1 200"),
        "the click was answered {:?}",
        answer.lines().next()
    );
    Ok(())
}
