//! A service that falls again and again as it starts, under a supervisor that starts it again and again.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use chrono::SecondsFormat;

use super::Trial;
use super::leavers::{free_port, wait_for_site};
use crate::checker::Moment;
use crate::lab::{Lab, MONTH, PATIENCE, Running, Setup};

/// So many starts that came to nothing are a restart loop, and for so long: as `src/start.rs` has it.
const TOO_MANY: i64 = 3;
const PAUSED_FOR: chrono::Duration = chrono::Duration::minutes(10);

/// How often the worker is killed as it starts.
const CRASHES: i64 = 5;

/// What is left of the pause when its end is waited for: nobody can wait for ten minutes.
const REST: chrono::Duration = chrono::Duration::seconds(3);

/// What the service says, in its log and on its status page.
const PAUSED: &str = "sending is paused: 3 starts within 10 minutes";

/// After three falls, nothing is sent; the site is up and says why; when its time has come, all goes on by itself.
pub fn restart_loop(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    let mut setup = Setup {
        readers: trial.readers(300),
        ..Setup::default()
    };
    // No delivery is settled before its worker is killed.
    setup.manners.delay = 100;
    let mut lab = Lab::new(trial.ground, trial.kind, &setup)?;
    let site = free_port()?;
    lab.set("SITE_LISTEN", &site.to_string());
    lab.set("SITE_URL", &format!("http://{site}"));
    lab.plan(MONTH)?;
    for crash in 0..CRASHES {
        fall(&lab, crash)?;
    }
    let paused = stays_paused(&lab, site);
    let name = format!("`serve` after {CRASHES} crashes on {}", trial.kind);
    trial.tally.count(&name, paused);
    let before = lab.relay.taken();
    let back = goes_on(&lab, site)?;
    let verdict = lab.judge(MONTH, Moment::End)?;
    let allowed = TOO_MANY as usize * lab.connections;
    let name = format!("the end of a restart loop on {}", trial.kind);
    trial.tally.count(&name, verdict.hold_for_everyone(allowed));
    Ok(Some(format!(
        "killed {CRASHES} times at start: paused after {TOO_MANY}, {before} of {} mails taken meanwhile, the site up and \
         saying so; {:.1?} after its time all were on their way, doubles {}",
        lab.readers, back, verdict.doubles
    )))
}

/// A worker is killed as soon as its start is on record, or once it says that it waits.
fn fall(lab: &Lab<'_>, crash: i64) -> anyhow::Result<()> {
    let before = starts(lab)?;
    ensure!(
        before == crash.min(TOO_MANY),
        "{before} starts are on record after {crash} crashes"
    );
    let mut worker = lab.start(&["worker"])?;
    let is_paused = crash >= TOO_MANY;
    wait_until("a start", || {
        ensure!(worker.is_running()?, "it ended: {}", worker.last_words());
        match is_paused {
            true => Ok(worker.last_words().contains(PAUSED)),
            false => Ok(starts(lab)? > before),
        }
    })?;
    worker.kill()
}

/// `serve` sends nothing, shows its pages, and says on one of them what it waits for.
fn stays_paused(lab: &Lab<'_>, site: SocketAddr) -> anyhow::Result<()> {
    let mut server = lab.start(&["serve"])?;
    wait_until_ready_says(site, &mut server, 503, PAUSED)?;
    let (status, _) = get(site, "/")?;
    ensure!(status == 200, "the site answers {status}");
    let taken = lab.relay.taken();
    std::thread::sleep(Duration::from_millis(500));
    ensure!(
        lab.relay.taken() == taken,
        "something is sent in a restart loop"
    );
    lab.judge(MONTH, Moment::Midway)?
        .hold(TOO_MANY as usize * lab.connections)?;
    server.stop(PATIENCE).map(drop)
}

/// How long after the pause's end everything was sent.
fn goes_on(lab: &Lab<'_>, site: SocketAddr) -> anyhow::Result<Duration> {
    let fell = bulletin::clock::now() - PAUSED_FOR + REST;
    let fell = fell.to_rfc3339_opts(SecondsFormat::Micros, false);
    let sql = format!("UPDATE sender_start SET started_at = '{fell}'");
    lab.on_store(lab.store.execute(&sql))?;
    let began = Instant::now();
    let mut server = lab.start(&["serve"])?;
    wait_until_ready_says(site, &mut server, 503, PAUSED)?;
    wait_until_ready_says(site, &mut server, 200, "ready")?;
    let paused = began.elapsed();
    let told = REST.to_std()?;
    // The statement that moved the starts took a moment too.
    ensure!(
        paused + Duration::from_millis(500) > told,
        "it went on after {paused:?} of {told:?}"
    );
    lab.wait_until_tried(MONTH, &mut server)?;
    lab.hurry()?;
    lab.wait_until_tried(MONTH, &mut server)?;
    server.stop(PATIENCE)?;
    lab.finish(MONTH)?;
    Ok(began.elapsed().saturating_sub(told))
}

/// How many starts of senders are on record.
fn starts(lab: &Lab<'_>) -> anyhow::Result<i64> {
    lab.on_store(lab.store.number("SELECT count(*) FROM sender_start"))
}

fn wait_until_ready_says(
    site: SocketAddr,
    server: &mut Running,
    status: u16,
    words: &str,
) -> anyhow::Result<()> {
    wait_for_site(site, server)?;
    let mut last = (0, String::new());
    let said = wait_until("an answer", || {
        ensure!(server.is_running()?, "it ended: {}", server.last_words());
        last = get(site, "/ready")?;
        Ok(last.0 == status && last.1.contains(words))
    });
    said.with_context(|| format!("/ready says {last:?}, and not {status} with {words:?}"))
}

fn wait_until(what: &str, mut holds: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let began = Instant::now();
    while !holds()? {
        if began.elapsed() > PATIENCE {
            bail!("{what} was waited for in vain");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// A page's status and text.
fn get(site: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(site)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {site}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.with_context(|| format!("no answer of a site: {answer:?}"))?;
    let text = answer.split_once("\r\n\r\n").map_or("", |(_, text)| text);
    Ok((status, text.to_owned()))
}
