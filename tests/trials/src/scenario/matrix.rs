//! Every answer of a relay at every command, TLS gone wrong, and silence: each ends within its deadline, in the right
//! state, and nobody is given up who could have had their mail.

mod peers;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use self::peers::{Certificates, Peer, Rogue};
use super::Trial;
use crate::checker::Moment;
use crate::ground::{is_root, need};
use crate::lab::{Lab, MONTH, Setup};
use crate::relay::Manners;

/// The deadlines that the service is given here; the documented ones would take hours.
const CONNECT: Duration = Duration::from_secs(3);
const COMMAND: Duration = Duration::from_secs(2);
const DOT: Duration = Duration::from_secs(3);

/// A send that is waited for gives up after a few tries with pauses between them.
const DEADLINE: Duration = Duration::from_secs(60);

/// Cells that are tried at the same time; they mostly wait.
const ABREAST: usize = 12;

const READERS: usize = 3;

/// One fault of the relay.
#[derive(Clone, Debug)]
struct Cell {
    name: String,
    fault: Fault,
    wanted: Wanted,
}

#[derive(Clone, Debug)]
enum Fault {
    /// An option of smtp-sink, and the command it is for.
    Sink(&'static str, &'static str),
    Tls(Rogue),
    Late(Rogue),
    /// Each reply comes late, but within its deadline.
    Slow,
}

/// What must have become of every delivery when the send has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// The relay took it.
    Accepted,
    /// It may be tried again.
    Later,
    /// Only a person may know; it may be tried again.
    Unknown,
    /// The relay refused this message for good.
    Bounced,
}

/// 36 answers, 6 failures of TLS, 4 delays.
pub fn matrix(trial: &Trial<'_>) -> anyhow::Result<Option<String>> {
    let sink = need("smtp-sink")?;
    let certificates = Certificates::make()?;
    let cells: Vec<Cell> = answers().into_iter().chain(rogues()).collect();
    let next = AtomicUsize::new(0);
    let slowest = Mutex::new((Duration::ZERO, String::new()));
    std::thread::scope(|scope| {
        for _ in 0..ABREAST {
            scope.spawn(|| {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let bench = Bench {
                        trial,
                        sink: &sink,
                        certificates: &certificates,
                    };
                    let result = bench.try_cell(cell).map(|took| {
                        let mut slowest =
                            slowest.lock().expect("no cell panics while it holds this");
                        if took > slowest.0 {
                            *slowest = (took, cell.name.clone());
                        }
                    });
                    let name = format!("{} on {}", cell.name, trial.kind);
                    trial.tally.count(&name, result);
                }
            });
        }
    });
    let (took, name) = slowest.into_inner()?;
    Ok(Some(format!(
        "{} faults of the relay, the slowest ended after {took:.1?} ({name})",
        cells.len()
    )))
}

/// smtp-sink: hang up, 421 and hang up, 4xx, 5xx, at each command.
fn answers() -> Vec<Cell> {
    const COMMANDS: [&str; 9] = [
        "CONNECT", "HELO", "EHLO", "MAIL", "RCPT", "DATA", ".", "RSET", "QUIT",
    ];
    const OPTIONS: [(&str, &str); 4] = [
        ("-q", "hang up"),
        ("-Q", "421"),
        ("-r", "4xx"),
        ("-f", "5xx"),
    ];
    let mut cells = Vec::new();
    for command in COMMANDS {
        for (option, answer) in OPTIONS {
            let wanted = match (command, option) {
                // We say neither without need, and QUIT when all is done.
                ("HELO" | "RSET" | "QUIT", _) => Wanted::Accepted,
                (".", "-q") => Wanted::Unknown,
                ("RCPT" | "DATA" | ".", "-f") => Wanted::Bounced,
                _ => Wanted::Later,
            };
            cells.push(Cell {
                name: format!("{answer} at {command}"),
                fault: Fault::Sink(option, command),
                wanted,
            });
        }
    }
    cells
}

fn rogues() -> Vec<Cell> {
    let tls = [
        ("a certificate for another name", Rogue::WrongName),
        ("an expired certificate", Rogue::Expired),
        (
            "a certificate of an unknown authority",
            Rogue::UnknownAuthority,
        ),
        ("STARTTLS stripped", Rogue::Stripped),
        ("the handshake cut", Rogue::HandshakeCut),
        ("a reply slipped in before TLS", Rogue::SlippedIn),
    ];
    let late = [
        (
            "silence instead of a greeting",
            Rogue::SilentAtOnce,
            Wanted::Later,
        ),
        ("silence after DATA", Rogue::SilentAt("DATA"), Wanted::Later),
        (
            "silence after the final dot",
            Rogue::SilentAt("."),
            Wanted::Unknown,
        ),
    ];
    let tls = tls.into_iter().map(|(name, rogue)| Cell {
        name: name.to_owned(),
        fault: Fault::Tls(rogue),
        wanted: Wanted::Later,
    });
    let late = late.into_iter().map(|(name, rogue, wanted)| Cell {
        name: name.to_owned(),
        fault: Fault::Late(rogue),
        wanted,
    });
    let slow = Cell {
        name: "each reply late, within its deadline".to_owned(),
        fault: Fault::Slow,
        wanted: Wanted::Accepted,
    };
    tls.chain(late).chain([slow]).collect()
}

struct Bench<'b, 'g> {
    trial: &'b Trial<'g>,
    sink: &'b std::path::Path,
    certificates: &'b Certificates,
}

impl Bench<'_, '_> {
    /// How long the send took to end. Then the relay is well again, and everybody must get what was not refused.
    fn try_cell(&self, cell: &Cell) -> anyhow::Result<Duration> {
        let slow = matches!(cell.fault, Fault::Slow);
        let manners = Manners {
            delay: if slow { 1000 } else { 0 },
            hash_body: true,
            ..Manners::default()
        };
        let setup = Setup {
            readers: READERS,
            connections: 1,
            manners,
            database_folder: None,
        };
        let mut lab = Lab::new(self.trial.ground, self.trial.kind, &setup)?;
        lab.set("SMTP_CONNECT_TIMEOUT", &format!("{}s", CONNECT.as_secs()));
        lab.set("SMTP_COMMAND_TIMEOUT", &format!("{}s", COMMAND.as_secs()));
        lab.set("SMTP_DOT_TIMEOUT", &format!("{}s", DOT.as_secs()));
        lab.plan(MONTH)?;
        let healthy = format!("smtp://{}", lab.relay.address);
        let (mut sink, mut peer) = (None, None);
        match &cell.fault {
            Fault::Sink(option, command) => {
                let (child, address) = self.start_sink(option, command)?;
                sink = Some(child);
                lab.set("SMTP_URL", &format!("smtp://{address}"));
            }
            Fault::Tls(rogue) | Fault::Late(rogue) => {
                let started = peer.insert(Peer::start(lab.ground, *rogue, self.certificates)?);
                lab.set("SMTP_URL", &started.url());
                let authority = lab.folder.join("authority.pem");
                std::fs::write(&authority, self.certificates.authority())?;
                lab.set("SMTP_CA_FILE", &authority.display().to_string());
            }
            Fault::Slow => {}
        }
        let mut sender = lab.start(&["send", MONTH, "--wait", "--json"])?;
        sender.end(DEADLINE)?;
        let took = sender.began.elapsed();
        let at = |problem| format!("{problem}: {}", sender.last_words());
        judge_states(&lab, cell.wanted).with_context(|| at("after the fault"))?;
        if let Some(peer) = &peer {
            ensure!(
                !peer.was_betrayed(),
                "a message was told to a relay without TLS"
            );
        }
        drop(peer);
        if let Some(mut sink) = sink {
            sink.kill()?;
            sink.wait()?;
            if cell.wanted == Wanted::Accepted {
                return Ok(took);
            }
        }
        lab.set("SMTP_URL", &healthy);
        lab.finish(MONTH)?;
        judge_end(&lab, cell.wanted).with_context(|| at("after the relay was well again"))?;
        Ok(took)
    }

    /// smtp-sink with a fault, and where it listens.
    fn start_sink(&self, option: &str, command: &str) -> anyhow::Result<(Child, SocketAddr)> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut sink = Command::new("setpriv");
        sink.args(["--pdeathsig", "KILL", "--"]).arg(self.sink);
        if is_root() {
            // It gives up root before it serves.
            sink.args(["-u", "nobody"]);
        }
        sink.args([option, command, &address.to_string(), "16"]);
        sink.current_dir("/").stdin(Stdio::null());
        let child = sink.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            ensure!(began.elapsed() < DEADLINE, "smtp-sink does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok((child, address))
    }
}

/// Every delivery is where the fault must have left it, and no reader is suppressed for a fault of the relay.
fn judge_states(lab: &Lab<'_>, wanted: Wanted) -> anyhow::Result<()> {
    let rows = lab.rows(MONTH)?;
    ensure!(rows.len() == READERS, "there are {} rows", rows.len());
    for row in &rows {
        let state = row.state.as_str();
        let right = match wanted {
            Wanted::Accepted => state == "accepted",
            Wanted::Later => matches!(state, "waiting" | "deferred"),
            // A connection is in doubt about one row only; the rest waits or is in doubt as well.
            Wanted::Unknown => matches!(state, "unknown" | "waiting"),
            Wanted::Bounced => state == "bounced",
        };
        ensure!(right, "{state} where {wanted:?} is right: {}", row.reply);
    }
    if wanted == Wanted::Unknown {
        let any = rows.iter().any(|row| row.state == "unknown");
        ensure!(any, "nothing is unknown");
    }
    let counted = "UPDATE suppression SET note = note";
    let suppressed = lab.on_store(lab.store.execute(counted))?;
    ensure!(suppressed == 0, "{suppressed} readers are suppressed");
    Ok(())
}

fn judge_end(lab: &Lab<'_>, wanted: Wanted) -> anyhow::Result<()> {
    if wanted == Wanted::Bounced {
        return judge_states(lab, wanted);
    }
    // smtp-sink and the rogues keep no log: what they took is not counted as a double here.
    lab.judge(MONTH, Moment::End)?.hold_for_everyone(0)
}
