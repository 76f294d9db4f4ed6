//! The two sinks: Postfix's `smtp-sink`, and our own relay in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::ground::{is_root, need};
use crate::relay::{Taken, read_log};

/// Postfix's test server: takes and forgets. Killed when dropped.
pub struct SmtpSink {
    child: Child,
    pub address: SocketAddr,
}

/// Our relay in a process of its own; ends when dropped.
pub struct FastSink {
    child: Child,
    pub address: SocketAddr,
    log: PathBuf,
    /// When its clock read zero, to a millisecond or so.
    began: Instant,
}

/// What a sink has to say about a run.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    pub log: Vec<Taken>,
    /// From the first message to the last, in seconds.
    pub stretch: f64,
    /// When the first came.
    pub first: Option<Instant>,
}

impl SmtpSink {
    pub fn start() -> anyhow::Result<SmtpSink> {
        // Whoever takes the port in between makes the start fail, and nothing worse.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if is_root() {
            // It refuses to run as root; its own -u would make it forget to end with us.
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        }
        command.arg("--").arg(need("smtp-sink")?);
        command.args([&address.to_string(), "1024"]);
        let child = command.stdin(Stdio::null()).spawn()?;
        let mut sink = SmtpSink { child, address };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            ensure!(sink.child.try_wait()?.is_none(), "smtp-sink ended at once");
            ensure!(
                began.elapsed() < Duration::from_secs(10),
                "smtp-sink does not listen"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(sink)
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl FastSink {
    /// Waits `delay` milliseconds before each batch of replies, and refuses `reject` percent of the recipients.
    pub fn start(folder: &Path, delay: u64, reject: u64) -> anyhow::Result<FastSink> {
        let log = folder.join("sink.log");
        let _ = std::fs::remove_file(&log);
        let mut child = Command::new(std::env::current_exe()?)
            .args(["relay", "--until-input-ends", "--log"])
            .arg(&log)
            .args([
                "--delay",
                &delay.to_string(),
                "--reject",
                &reject.to_string(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the relay cannot be started")?;
        let mut line = String::new();
        let printed = child.stdout.as_mut().context("the relay has no output")?;
        BufReader::new(printed).read_line(&mut line)?;
        let began = Instant::now();
        let Some(address) = line.trim().strip_prefix("listening at ") else {
            bail!("the relay does not listen: {line}");
        };
        Ok(FastSink {
            address: address.parse()?,
            child,
            log,
            began,
        })
    }

    /// Ends it, and tells what it took.
    pub fn end(mut self) -> anyhow::Result<Heard> {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        if let Some(printed) = self.child.stdout.as_mut() {
            printed.read_to_string(&mut rest)?;
        }
        ensure!(self.child.wait()?.success(), "the relay failed: {rest}");
        let log = read_log(&self.log)?;
        let times = || log.iter().map(|taken| taken.micros);
        let first = times().min();
        let micros = times().max().unwrap_or(0) - first.unwrap_or(0);
        Ok(Heard {
            stretch: micros as f64 / 1e6,
            first: first.map(|micros| self.began + Duration::from_micros(micros)),
            log,
        })
    }
}

impl Drop for FastSink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
