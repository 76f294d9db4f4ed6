//! A Postfix of the trial's own: it relays what the service sends to a receiving Postfix beside it, which refuses readers
//! by their names, and brings its reports back to the service.

use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use super::server::{Back, By, Server};
use crate::ground::{is_root, need, succeed};
use crate::scenario::leavers::free_port;

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

/// Starts it; its reports go back.
pub fn start(back: &Back<'_>) -> anyhow::Result<Server> {
    let postfix = need("postfix")?;
    ensure!(is_root(), "left out: a Postfix of one's own wants root");
    let (relay, receiver) = (free_port()?, free_port()?);
    let folder = back.folder.join("postfix");
    let etc = folder.join("etc");
    for path in [&etc, &folder.join("spool"), &folder.join("own")] {
        std::fs::create_dir_all(path)?;
    }
    chown(folder.join("own"), Some(number_of("postfix")?), None)?;
    let next = match back.by {
        By::Smtp => format!("smtp:[{}]:{}", back.at.ip(), back.at.port()),
        By::Lmtp => format!("lmtp:inet:{}", back.at),
    };
    std::fs::write(
        etc.join("main.cf"),
        main_cf(&folder, back.domain, &next, receiver),
    )?;
    std::fs::write(etc.join("master.cf"), master_cf(&folder, relay, receiver))?;
    std::fs::write(etc.join("recipients"), RECIPIENTS)?;
    succeed(Command::new(postfix).arg("-c").arg(&etc).arg("check"))?;
    let mut master = Command::new("setpriv");
    master.args(["--pdeathsig", "KILL", "--"]);
    master.args(["/usr/lib/postfix/sbin/master", "-d", "-c"]);
    Server::start(master.arg(&etc), relay, receiver, &folder.join("log"))
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
