//! A storm of reports, half of them twice and in any order, while people sign up (F24).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::super::Trial;
use super::super::leavers::{free_port, wait_for_site};
use super::count;
use crate::dice::Dice;
use crate::lab::{Lab, MONTH, PATIENCE, Setup};

/// So many a minute, as F24 asks.
const REPORTS_A_MINUTE: u64 = 10_000;

/// Sessions that bring them.
const SESSIONS: usize = 20;

/// The slowest but one in a hundred sign-ups may take so long.
const SIGN_UP: Duration = Duration::from_millis(500);

/// A sign-up every so often.
const PAUSE: Duration = Duration::from_millis(50);

/// Every second reader's mailbox is gone, the others' are full.
pub fn storm(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    let readers = trial.readers(10_000);
    let mut setup = Setup {
        readers,
        ..Setup::default()
    };
    setup.connections = 16;
    let mut lab = Lab::new(trial.ground, trial.kind, &setup)?;
    let (door, site) = (free_port()?, free_port()?);
    lab.set("BOUNCE_LISTEN", &door.to_string());
    lab.set("BOUNCE_DOMAIN", "bounces.test");
    lab.set("SITE_LISTEN", &site.to_string());
    lab.set("SITE_URL", &format!("http://{site}"));
    lab.set("SITE_TRUSTED_PROXIES", "[\"127.0.0.1\"]");
    lab.plan(MONTH)?;
    lab.finish(MONTH)?;
    let reports = reports(trial, &lab)?;
    let mut server = lab.start(&["serve"])?;
    wait_for_site(site, &mut server)?;
    let began = Instant::now();
    let mut times = all_at_once(door, site, &reports)?;
    let took = began.elapsed();
    times.sort_unstable();
    ensure!(times.len() > 10, "only {} people signed up", times.len());
    let slowest = times[(times.len() * 99 / 100).min(times.len() - 1)];
    // A time says something of the size of the figure alone, built for speed, with nothing else on the machine.
    if trial.extent.readers.is_none() {
        let name = "people sign up while reports come";
        trial
            .tally
            .count(name, hold_pace(slowest, took, reports.len() as u32));
    }
    trial
        .tally
        .count("the state after the storm", judge(&lab, readers as i64));
    server.stop(PATIENCE)?;
    Ok(Some(format!(
        "{} reports of {readers} mails in {took:.1?}; of {} sign-ups, 99 in 100 took at most {slowest:.0?}",
        reports.len(),
        times.len()
    )))
}

/// The goals of F24: every report in its turn, and nobody waits long.
fn hold_pace(slowest: Duration, took: Duration, reports: u32) -> anyhow::Result<()> {
    ensure!(
        slowest < SIGN_UP,
        "sign-ups took {slowest:?} at the 99th percentile"
    );
    let fastest = Duration::from_secs(60) * reports / REPORTS_A_MINUTE as u32;
    ensure!(took < fastest * 5 / 4, "{reports} reports took {took:.1?}");
    Ok(())
}

/// Brings all reports while people sign up, and gives how long each of these waited.
fn all_at_once(
    door: SocketAddr,
    site: SocketAddr,
    reports: &[(String, String)],
) -> anyhow::Result<Vec<Duration>> {
    let (next, over, began) = (AtomicUsize::new(0), AtomicBool::new(false), Instant::now());
    std::thread::scope(|scope| {
        let bringing: Vec<_> = (0..SESSIONS)
            .map(|_| scope.spawn(|| bring(door, reports, &next, began)))
            .collect();
        let signing_up = scope.spawn(|| sign_up_until(site, &over));
        let mut brought = Ok(());
        for session in bringing {
            brought = brought.and(session.join().expect("no session panics"));
        }
        over.store(true, Ordering::Relaxed);
        let times = signing_up.join().expect("no sign-up panics");
        brought.and(times)
    })
}

/// A report of each mail that the relay took, half of them twice, shuffled: to whom, and the mail.
fn reports(trial: &Trial<'_>, lab: &Lab<'_>) -> anyhow::Result<Vec<(String, String)>> {
    let mut reports = Vec::new();
    for (number, taken) in lab.log()?.into_iter().enumerate() {
        let gone = number % 2 == 0;
        let report = (taken.return_path.clone(), report(&taken.recipient, gone));
        if number % 4 < 2 {
            reports.push(report.clone());
        }
        reports.push(report);
    }
    let mut dice = Dice::new(trial.extent.seed);
    for place in (1..reports.len()).rev() {
        let other = dice.below(place as u64 + 1) as usize;
        reports.swap(place, other);
    }
    Ok(reports)
}

fn report(of: &str, gone: bool) -> String {
    let (status, words) = match gone {
        true => ("5.1.1", "550 5.1.1 User unknown in virtual mailbox table"),
        false => ("4.2.2", "452 4.2.2 Mailbox full"),
    };
    format!(
        "From: MAILER-DAEMON@mx.test\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n\
         Message-ID: <{of}.report@mx.test>\r\nAuto-Submitted: auto-replied\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\n\r\n\
         Your message could not be delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.test\r\n\r\nFinal-Recipient: rfc822; {of}\r\nAction: failed\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; {words}\r\n\r\n--b--\r\n"
    )
}

/// Brings the next report as soon as its turn has come, until there is none.
fn bring(
    door: SocketAddr,
    reports: &[(String, String)],
    next: &AtomicUsize,
    began: Instant,
) -> anyhow::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(door)?);
    stream.get_ref().set_nodelay(true)?;
    hear(&mut stream, "220")?;
    say(&mut stream, "EHLO mx.test\r\n", "250")?;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some((to, mail)) = reports.get(number) else {
            return Ok(());
        };
        let turn = Duration::from_secs(60) * number as u32 / REPORTS_A_MINUTE as u32;
        std::thread::sleep(turn.saturating_sub(began.elapsed()));
        say(&mut stream, "MAIL FROM:<>\r\n", "250")?;
        say(&mut stream, &format!("RCPT TO:<{to}>\r\n"), "250")?;
        say(&mut stream, "DATA\r\n", "354")?;
        say(&mut stream, &format!("{mail}.\r\n"), "250")?;
    }
}

fn say(to: &mut BufReader<TcpStream>, words: &str, wanted: &str) -> anyhow::Result<()> {
    to.get_mut().write_all(words.as_bytes())?;
    hear(to, wanted)
}

fn hear(from: &mut BufReader<TcpStream>, wanted: &str) -> anyhow::Result<()> {
    let mut line = String::new();
    loop {
        line.clear();
        from.read_line(&mut line)?;
        if line.as_bytes().get(3) != Some(&b'-') {
            break;
        }
    }
    ensure!(
        line.starts_with(wanted),
        "the door said {line:?} and not {wanted}"
    );
    Ok(())
}

/// Signs people up until it is over; how long each of them waited for the answer to their form.
fn sign_up_until(site: SocketAddr, over: &AtomicBool) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let from = format!("10.{}.{}.1", times.len() / 200, times.len() % 200);
        let page = ask(site, &from, "GET", "")?;
        let ticket = page.split("name=\"token\" value=\"").nth(1);
        let ticket = ticket.and_then(|rest| rest.split('"').next());
        let ticket = ticket.context("the form has no ticket")?;
        let form = format!(
            "address=new{}%40peer.test&name=&website=&frequency=monthly&format=html&language=en&token={ticket}",
            times.len()
        );
        let began = Instant::now();
        let answer = ask(site, &from, "POST", &form)?;
        times.push(began.elapsed());
        ensure!(
            answer.starts_with("HTTP/1.1 200"),
            "{:?}",
            answer.lines().next()
        );
        std::thread::sleep(PAUSE);
    }
    Ok(times)
}

fn ask(site: SocketAddr, from: &str, method: &str, body: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(site)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} /subscribe HTTP/1.1\r\nHost: {site}\r\nConnection: close\r\nX-Forwarded-For: {from}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn judge(lab: &Lab<'_>, readers: i64) -> anyhow::Result<()> {
    let half = (readers + 1) / 2;
    for (what, wanted, sql) in [
        (
            "bounced",
            readers,
            "SELECT count(*) FROM delivery WHERE state = 'bounced' AND campaign_id <> 0",
        ),
        (
            "accepted in the books",
            0,
            "SELECT CAST(sum(accepted) AS bigint) FROM tally WHERE campaign_id <> 0",
        ),
        (
            "bounced in the books",
            readers,
            "SELECT CAST(sum(bounced) AS bigint) FROM tally WHERE campaign_id <> 0",
        ),
        ("suppressed", half, "SELECT count(*) FROM suppression"),
        ("kept once", readers, "SELECT count(*) FROM returned"),
        ("waiting for a person", 0, "SELECT count(*) FROM kept"),
    ] {
        let found = count(lab, sql)?;
        ensure!(found == wanted, "{found} are {what}, and not {wanted}");
    }
    Ok(())
}
