//! An Exim of the trial's own: it fails in its own ways, by readers' names, and asks a second one beside it, which refuses
//! some; its reports go back to the service.
//!
//! Its package cannot be installed beside Postfix's, so the program comes out of the unpacked one. It looks for the user
//! Debian-exim, whom no package has made here: it runs as that user in a view of the machine's files in which there is
//! one.

use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::server::{Back, By, Server};
use crate::ground::{is_root, need};
use crate::scenario::leavers::free_port;

/// The number of its user, and of the user's group; of nobody else.
const USER: u32 = 31_425;

/// Runs what follows as that user; `$1` and `$2` are the lists of users and groups.
const AS_THAT_USER: &str = "mount --bind \"$1\" /etc/passwd && mount --bind \"$2\" /etc/group && user=$3 && shift 3 && \
     exec setpriv --pdeathsig KILL --reuid \"$user\" --regid \"$user\" --clear-groups -- \"$@\"";

/// Starts it; its reports go back.
pub fn start(back: &Back<'_>) -> anyhow::Result<Server> {
    let program = program()?;
    ensure!(is_root(), "left out: an Exim of one's own wants root");
    let (relay, receiver) = (free_port()?, free_port()?);
    let folder = back.folder.join("exim");
    for path in ["spool", "boxes", "log"] {
        let path = folder.join(path);
        std::fs::create_dir_all(&path)?;
        chown(&path, Some(USER), Some(USER))?;
    }
    // A copy of its own needs no rights of root, and no way to it that others may walk.
    let exim = folder.join("exim4");
    std::fs::copy(program, &exim)?;
    std::fs::set_permissions(&exim, PermissionsExt::from_mode(0o755))?;
    let [users, groups] = ["passwd", "group"].map(|list| with_its_user(&folder, list));
    let configuration = folder.join("exim.conf");
    std::fs::write(&configuration, written(&folder, back, relay, receiver))?;
    let mut daemon = Command::new("unshare");
    daemon.args(["--mount", "sh", "-c", AS_THAT_USER, "sh"]);
    daemon.args([users?, groups?]).arg(USER.to_string());
    daemon.arg(&exim).arg("-C").arg(&configuration);
    let daemon = daemon.args(["-bdf", "-q1s"]);
    Server::start(daemon, relay, receiver, &folder.join("log/panic"))
}

/// Installed, or unpacked by `tests/run` beside what is built.
fn program() -> anyhow::Result<PathBuf> {
    let unpacked = std::env::current_exe()?;
    let unpacked = unpacked.ancestors().nth(2).context("a folder of builds")?;
    let unpacked = unpacked.join("exim/usr/sbin/exim4");
    match unpacked.exists() {
        true => Ok(unpacked),
        false => need("exim4"),
    }
}

/// The machine's list of users, or of groups, with Exim's in it.
fn with_its_user(folder: &Path, list: &str) -> anyhow::Result<PathBuf> {
    let known = std::fs::read_to_string(Path::new("/etc").join(list))?;
    let known = known.lines().filter(|one| !one.starts_with("Debian-exim:"));
    let rest = match list {
        "passwd" => format!("{USER}::/nonexistent:/usr/sbin/nologin"),
        _ => String::new(),
    };
    let mut lines: Vec<&str> = known.collect();
    let own = format!("Debian-exim:x:{USER}:{rest}\n");
    lines.push(&own);
    let path = folder.join(list);
    std::fs::write(&path, lines.join("\n"))?;
    Ok(path)
}

/// What stands at the port `beyond` refuses the gone, the late and the spam; the other fates are the relay's own.
fn written(folder: &Path, back: &Back<'_>, relay: SocketAddr, beyond: SocketAddr) -> String {
    let place = folder.display();
    let (relay, beyond) = (relay.port(), beyond.port());
    let protocol = match back.by {
        By::Smtp => "smtp",
        By::Lmtp => "lmtp",
    };
    let (domain, port) = (back.domain, back.at.port());
    format!(
        r#"
primary_hostname = relay.test
exim_path = {place}/exim4
spool_directory = {place}/spool
log_file_path = {place}/log/%s
pid_file_path = {place}/log/pid
keep_environment =
local_interfaces = <; [127.0.0.1]:{relay} ; [127.0.0.1]:{beyond}
disable_ipv6
host_lookup =
rfc1413_hosts =
tls_advertise_hosts =
smtputf8_advertise_hosts = *
allow_utf8_domains = true
smtp_accept_max = 200
smtp_accept_queue_per_connection = 0
deliver_drop_privilege
delay_warning = 1s:1d
delay_warning_condition = yes
acl_smtp_rcpt = recipient
acl_smtp_data = content

begin acl
recipient:
  accept condition = ${{if eq{{$received_port}}{{{relay}}}}}
  deny   message = 5.1.1 <$local_part@$domain>: no such person here
         local_parts = ^gone
  defer  message = 4.2.1 Try again later
         local_parts = ^late
  accept
content:
  accept condition = ${{if eq{{$received_port}}{{{relay}}}}}
  deny   message = 5.7.1 This message looks like spam
         condition = ${{if match{{$recipients}}{{^spam}}}}
  accept

begin routers
back:
  driver = manualroute
  domains = {domain}
  route_data = 127.0.0.1
  self = send
  transport = back
arrived:
  driver = accept
  condition = ${{if eq{{$received_port}}{{{beyond}}}}}
  transport = arrived
full:
  driver = accept
  local_parts = ^full
  transport = full
broken:
  driver = accept
  local_parts = ^broken
  transport = broken
closed:
  driver = redirect
  local_parts = ^closed
  allow_fail
  data = :fail: this mailbox is disabled
others:
  driver = manualroute
  local_parts = !^lost
  route_data = 127.0.0.1
  self = send
  transport = beyond

begin transports
back:
  driver = smtp
  protocol = {protocol}
  port = {port}
beyond:
  driver = smtp
  port = {beyond}
arrived:
  driver = appendfile
  file = /dev/null
  user = {USER}
  group = {USER}
full:
  driver = appendfile
  file = {place}/boxes/full
  quota = 1K
  user = {USER}
  group = {USER}
broken:
  driver = pipe
  command = /bin/false
  user = {USER}
  group = {USER}

begin retry
* quota
* * F,1h,2s
"#
    )
}
