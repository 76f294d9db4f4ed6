//! A mail server of the trial's own, and where it brings its reports.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs until it is dropped, or the trials die.
pub struct Server {
    daemon: Child,
    /// Where it takes the service's mail.
    pub relay: SocketAddr,
}

/// The way back to the service.
pub struct Back<'a> {
    /// The trial's folder.
    pub folder: &'a Path,
    /// The domain of the return paths.
    pub domain: &'a str,
    pub at: SocketAddr,
    pub by: By,
}

/// How reports are brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Smtp,
    Lmtp,
}

impl Server {
    /// Starts the daemon and waits for both of its doors: `receiver` is the server beyond the relay.
    pub fn start(
        command: &mut Command,
        relay: SocketAddr,
        receiver: SocketAddr,
        log: &Path,
    ) -> anyhow::Result<Server> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let daemon = command.stderr(Stdio::null()).spawn();
        let daemon = daemon.with_context(|| format!("{name} does not run"))?;
        let server = Server { daemon, relay };
        let began = Instant::now();
        for at in [relay, receiver] {
            while TcpStream::connect(at).is_err() {
                let words = || std::fs::read_to_string(log).unwrap_or_default();
                ensure!(
                    began.elapsed() < PATIENCE,
                    "the mail server does not start: {}",
                    words()
                );
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = self.daemon.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.daemon.wait();
    }
}
