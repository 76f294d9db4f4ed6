//! What comes back: real reports of a real mail server, and a storm of them.

mod postfix;
mod storm;

use std::time::{Duration, Instant};

use anyhow::ensure;

use self::postfix::{By, Postfix};
pub use self::storm::storm;
use super::Trial;
use super::leavers::{free_port, wait_for_site};
use crate::ground::Kind;
use crate::lab::{Lab, MONTH, PATIENCE, Setup};

const DOMAIN: &str = "bounces.test";

/// How long all reports may take to come back.
const ALL_BACK: Duration = Duration::from_secs(90);

/// How readers' names begin, what becomes of their mail, and what a report of it comes to.
const FATES: [(&str, &str, &str); 4] = [
    ("fine", "accepted", ""),
    ("gone", "bounced", "suppressed"),
    ("full", "bounced", "counted"),
    ("spam", "bounced", "warned"),
];

/// Postfix accepts everything, cannot deliver three quarters of it, and says so: with one reader in ten whose address is
/// not ASCII (RFC 6533).
pub fn reports(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    let each = trial.readers(200) / FATES.len();
    let mut lab = Lab::new(
        trial.ground,
        trial.kind,
        &Setup {
            readers: 1,
            ..Setup::default()
        },
    )?;
    let (back, site) = (free_port()?, free_port()?);
    // Either way on one of the databases.
    let (by, setting) = match trial.kind {
        Kind::Sqlite => (By::Lmtp, "BOUNCE_LMTP"),
        Kind::Postgres => (By::Smtp, "BOUNCE_LISTEN"),
    };
    let postfix = Postfix::start(&lab.folder, DOMAIN, back, by)?;
    lab.set(setting, &back.to_string());
    lab.set("BOUNCE_DOMAIN", DOMAIN);
    lab.set("SMTP_URL", &format!("smtp://{}", postfix.relay));
    lab.set("SITE_LISTEN", &site.to_string());
    // Three quarters would be a storm.
    lab.set("DELIVERY_PAUSE_ON_BOUNCES", "false");
    enrol(&lab, each)?;
    let mut server = lab.start(&["serve"])?;
    wait_for_site(site, &mut server)?;
    lab.plan(MONTH)?;
    let began = Instant::now();
    let wanted = (FATES.len() - 1) * each;
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
    for (begins, state, did) in FATES {
        let result = judge(&lab, begins, state, did, each as i64);
        trial
            .tally
            .count(&format!("readers {begins} on {}", trial.kind), result);
    }
    let suppressed = count(&lab, "SELECT count(*) FROM suppression")?;
    let wrong = || -> anyhow::Result<()> {
        ensure!(
            suppressed == each as i64,
            "{suppressed} are suppressed and not {each}"
        );
        let kept = count(&lab, "SELECT count(*) FROM kept")?;
        ensure!(kept == 0, "{kept} mails could not be acted on");
        Ok(())
    };
    trial.tally.count("nobody else is suppressed", wrong());
    server.stop(PATIENCE)?;
    Ok(Some(format!(
        "{wanted} reports by {by:?} of {} mails, a tenth of them to addresses that are not ASCII, all acted on {took:.1?} \
         after the plan",
        FATES.len() * each
    )))
}

fn enrol(lab: &Lab<'_>, each: usize) -> anyhow::Result<()> {
    let mut csv = "address,consent_at,consent_source\n".to_owned();
    for (begins, ..) in FATES {
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

fn count(lab: &Lab<'_>, sql: &str) -> anyhow::Result<i64> {
    lab.on_store(lab.store.number(sql))
}
