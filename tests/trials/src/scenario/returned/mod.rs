//! What comes back: real reports of real mail servers, and a storm of them.

mod exim;
mod postfix;
mod server;
mod storm;

use std::time::{Duration, Instant};

use anyhow::ensure;

use self::server::{Back, By, Server};
pub use self::storm::storm;
use super::Trial;
use super::leavers::{free_port, wait_for_site};
use crate::ground::Kind;
use crate::lab::{Lab, MONTH, PATIENCE, Setup};

const DOMAIN: &str = "bounces.test";

/// How long all reports may take to come back.
const ALL_BACK: Duration = Duration::from_secs(90);

/// How readers' names begin, what becomes of their mail, and what is done about the report of it.
type Fate = (&'static str, &'static str, &'static str);

const POSTFIX: &[Fate] = &[
    ("fine", "accepted", ""),
    ("gone", "bounced", "suppressed"),
    ("full", "bounced", "counted"),
    ("spam", "bounced", "warned"),
];

/// What Exim knows by itself (no route, a full mailbox, a program that fails, a closed mailbox, a delay) beside what
/// another server told it.
const EXIM: &[Fate] = &[
    ("fine", "accepted", ""),
    ("gone", "bounced", "suppressed"),
    ("lost", "bounced", "suppressed"),
    ("full", "bounced", "counted"),
    ("broken", "bounced", "counted"),
    ("closed", "bounced", "counted"),
    ("spam", "bounced", "warned"),
    ("late", "accepted", "noted"),
];

pub fn postfix(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    reports(trial, POSTFIX, postfix::start)
}

pub fn exim(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    reports(trial, EXIM, exim::start)
}

/// The server accepts everything, cannot deliver most of it, and says so: with one reader in ten whose address is not
/// ASCII (RFC 6533).
fn reports(
    trial: &Trial<'_>,
    fates: &[Fate],
    start: impl Fn(&Back<'_>) -> anyhow::Result<Server>,
) -> anyhow::Result<Option<String>> {
    let each = trial.readers(200) / fates.len();
    let mut lab = Lab::new(
        trial.ground,
        trial.kind,
        &Setup {
            readers: 1,
            ..Setup::default()
        },
    )?;
    let (at, site) = (free_port()?, free_port()?);
    // Either way on one of the databases.
    let (by, setting) = match trial.kind {
        Kind::Sqlite => (By::Lmtp, "BOUNCE_LMTP"),
        Kind::Postgres => (By::Smtp, "BOUNCE_LISTEN"),
    };
    let mail_server = start(&Back {
        folder: &lab.folder,
        domain: DOMAIN,
        at,
        by,
    })?;
    lab.set(setting, &at.to_string());
    lab.set("BOUNCE_DOMAIN", DOMAIN);
    lab.set("SMTP_URL", &format!("smtp://{}", mail_server.relay));
    lab.set("SITE_LISTEN", &site.to_string());
    // Most mails come back: that would be a storm.
    lab.set("DELIVERY_PAUSE_ON_BOUNCES", "false");
    enrol(&lab, fates, each)?;
    let mut server = lab.start(&["serve"])?;
    wait_for_site(site, &mut server)?;
    lab.plan(MONTH)?;
    let began = Instant::now();
    let wanted = with(fates, |did| !did.is_empty()) * each;
    while count(&lab, "SELECT count(*) FROM returned")? < wanted as i64 {
        ensure!(
            began.elapsed() < ALL_BACK,
            "{} of {wanted} reports came back: {}",
            count(&lab, "SELECT count(*) FROM returned")?,
            server.last_words()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let took = began.elapsed();
    for (begins, state, did) in fates {
        let result = judge(&lab, begins, state, did, each as i64);
        trial
            .tally
            .count(&format!("readers {begins} on {}", trial.kind), result);
    }
    let suppressed = with(fates, |did| did == "suppressed") * each;
    trial.tally.count(
        "nobody else is suppressed",
        judge_others(&lab, suppressed as i64),
    );
    server.stop(PATIENCE)?;
    Ok(Some(format!(
        "{wanted} reports by {by:?} of {} mails, a tenth of them to addresses that are not ASCII, all acted on {took:.1?} \
         after the plan",
        fates.len() * each
    )))
}

/// How many fates have such a report.
fn with(fates: &[Fate], is_meant: impl Fn(&str) -> bool) -> usize {
    fates.iter().filter(|(.., did)| is_meant(did)).count()
}

fn enrol(lab: &Lab<'_>, fates: &[Fate], each: usize) -> anyhow::Result<()> {
    let mut csv = "address,consent_at,consent_source\n".to_owned();
    for (begins, ..) in fates {
        for number in 0..each {
            let more = if number % 10 == 0 { "é" } else { "" };
            csv += &format!(
                "{begins}{more}{number}@peer-{}.test,2020-01-01,form\n",
                number % 7
            );
        }
    }
    std::fs::write(lab.folder.join("more.csv"), csv)?;
    lab.run(&["subscriber", "import", "more.csv"]).map(drop)
}

fn judge(lab: &Lab<'_>, begins: &str, state: &str, did: &str, each: i64) -> anyhow::Result<()> {
    let of = format!(
        "FROM delivery d JOIN subscriber s ON s.id = d.subscriber_id WHERE s.address LIKE '{begins}%'"
    );
    let standing = count(
        lab,
        &format!("SELECT count(*) {of} AND d.state = '{state}'"),
    )?;
    ensure!(standing == each, "{standing} of {each} are {state}");
    let acted = count(
        lab,
        &format!(
            "SELECT count(*) FROM returned r JOIN subscriber s ON s.id = r.subscriber_id \
             WHERE s.address LIKE '{begins}%' AND r.did = '{did}'"
        ),
    )?;
    let wanted = if did.is_empty() { 0 } else { each };
    ensure!(acted == wanted, "{acted} of {wanted} reports were {did}");
    Ok(())
}

fn judge_others(lab: &Lab<'_>, wanted: i64) -> anyhow::Result<()> {
    let suppressed = count(lab, "SELECT count(*) FROM suppression")?;
    ensure!(
        suppressed == wanted,
        "{suppressed} are suppressed and not {wanted}"
    );
    let kept = count(lab, "SELECT count(*) FROM kept")?;
    ensure!(kept == 0, "{kept} mails could not be acted on");
    Ok(())
}

fn count(lab: &Lab<'_>, sql: &str) -> anyhow::Result<i64> {
    lab.on_store(lab.store.number(sql))
}
