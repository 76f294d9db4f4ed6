//! A Postfix of the trial's own: it relays what the service sends to a receiving Postfix beside it, which refuses readers
//! by their names, and brings its reports back to the service.

use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::ground::{is_root, need, succeed};
use crate::scenario::leavers::free_port;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs until it is dropped, or the trials die.
pub struct Postfix {
    master: Child,
    /// Where it takes the service's mail.
    pub relay: SocketAddr,
}

/// How it brings its reports back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Smtp,
    Lmtp,
}

/// What becomes of readers whose names begin so.
const RECIPIENTS: &str = "/^gone/ 550 5.1.1 User unknown in virtual mailbox table\n\
     /^full/ 552 5.2.2 Mailbox is full\n\
     /^spam/ 554 5.7.1 Message rejected as spam by content filtering\n\
     /./ OK\n";

const SERVICES: &str = "pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
     rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
     trace unix - - n - 0 bounce\nproxymap unix - - n - - proxymap\nsmtp unix - - n - - smtp\n\
     lmtp unix - - n - - lmtp\nerror unix - - n - - error\nretry unix - - n - - error\n\
     discard unix - - n - - discard\nanvil unix - - n - 1 anvil\nscache unix - - n - 1 scache\n\
     postlog unix-dgram n - n - 1 postlogd\n";

impl Postfix {
    /// Reports for `domain` go to `back`.
    pub fn start(folder: &Path, domain: &str, back: SocketAddr, by: By) -> anyhow::Result<Postfix> {
        let postfix = need("postfix")?;
        ensure!(is_root(), "left out: a Postfix of one's own wants root");
        let (relay, receiver) = (free_port()?, free_port()?);
        let folder = folder.join("postfix");
        let etc = folder.join("etc");
        for path in [&etc, &folder.join("spool"), &folder.join("own")] {
            std::fs::create_dir_all(path)?;
        }
        chown(folder.join("own"), Some(number_of("postfix")?), None)?;
        let next = match by {
            By::Smtp => format!("smtp:[{}]:{}", back.ip(), back.port()),
            By::Lmtp => format!("lmtp:inet:{back}"),
        };
        std::fs::write(
            etc.join("main.cf"),
            main_cf(&folder, domain, &next, receiver),
        )?;
        std::fs::write(etc.join("master.cf"), master_cf(&folder, relay, receiver))?;
        std::fs::write(etc.join("recipients"), RECIPIENTS)?;
        succeed(Command::new(postfix).arg("-c").arg(&etc).arg("check"))?;
        let mut starting = Command::new("setpriv");
        starting.args([
            "--pdeathsig",
            "KILL",
            "--",
            "/usr/lib/postfix/sbin/master",
            "-d",
            "-c",
        ]);
        starting.arg(&etc).stdin(Stdio::null());
        starting.stdout(Stdio::null()).stderr(Stdio::null());
        let master = starting.spawn().context("setpriv does not run")?;
        let running = Postfix { master, relay };
        running.wait_for(receiver, &folder)?;
        Ok(running)
    }

    fn wait_for(&self, receiver: SocketAddr, folder: &Path) -> anyhow::Result<()> {
        let began = Instant::now();
        for at in [self.relay, receiver] {
            while std::net::TcpStream::connect(at).is_err() {
                let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                ensure!(
                    began.elapsed() < PATIENCE,
                    "Postfix does not start: {}",
                    log()
                );
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let id = self.master.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.master.wait();
    }
}

/// `next` is where mail for `domain` goes; all other mail goes to `receiver`.
fn main_cf(folder: &Path, domain: &str, next: &str, receiver: SocketAddr) -> String {
    let place = folder.display();
    format!(
        "compatibility_level = 3.6\nqueue_directory = {place}/spool\ndata_directory = {place}/own\n\
         maillog_file_prefixes = {place}\nmaillog_file = {place}/log\ndaemon_directory = /usr/lib/postfix/sbin\n\
         command_directory = /usr/sbin\nmail_owner = postfix\nsetgid_group = postdrop\nmyhostname = relay.test\n\
         mydestination =\nmynetworks = 127.0.0.0/8\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n\
         smtp_host_lookup = native\nsmtputf8_enable = yes\nalias_maps =\nalias_database =\n\
         local_recipient_maps =\nin_flow_delay = 0\nqueue_run_delay = 5s\nminimal_backoff_time = 5s\n\
         smtpd_relay_restrictions = permit_mynetworks, reject\n\
         transport_maps = inline:{{{{{domain}={next}}}}}\ndefault_transport = smtp:[127.0.0.1]:{}\n",
        receiver.port()
    )
}

fn master_cf(folder: &Path, relay: SocketAddr, receiver: SocketAddr) -> String {
    format!(
        "{relay} inet n - n - - smtpd\n{receiver} inet n - n - - smtpd\n  -o myhostname=mx.peer.test\n  \
         -o smtpd_recipient_restrictions=check_recipient_access,regexp:{}/etc/recipients\n  \
         -o content_filter=discard:\n{SERVICES}",
        folder.display()
    )
}

fn number_of(user: &str) -> anyhow::Result<u32> {
    let output = Command::new("id").args(["-u", user]).output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let number = printed.trim().parse();
    number.with_context(|| format!("there is no user {user}"))
}
