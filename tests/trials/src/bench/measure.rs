//! What a program used: its time, its CPU time as the kernel counts it for a child (wait4), and its memory.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::ground::need;

const MEASURE: &str = include_str!("measure.py");

/// How often we look whether a program has ended; what is measured does not depend on it.
const GLANCE: Duration = Duration::from_millis(20);

/// What a program used from its start to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    pub seconds: f64,
    /// User and system time of the program alone, in seconds.
    pub cpu: f64,
    /// The most memory that it held (RSS), in MiB.
    pub memory: f64,
    /// The part of `cpu` that was spent in SQLite's own threads, to 50 ms.
    pub in_sqlite: f64,
}

/// A program that runs and is measured; killed when dropped.
pub struct Measured {
    child: Child,
    /// When it was started.
    pub began: Instant,
    report: PathBuf,
    output: PathBuf,
    name: String,
}

impl Measured {
    /// Starts `command`, whose first word is the program; `dress` gives it its folder and its environment.
    ///
    /// `name` keeps the files apart that this leaves in `folder`.
    pub fn start(
        folder: &Path,
        name: &str,
        command: &[String],
        dress: impl FnOnce(&mut Command),
    ) -> anyhow::Result<Measured> {
        let report = folder.join(format!("{name}.used"));
        let output = folder.join(format!("{name}.out"));
        let _ = std::fs::remove_file(&report);
        let printed = std::fs::File::create(&output)?;
        // Each of the two goes when whoever started it is gone.
        let mut wrapped = Command::new("setpriv");
        dress(&mut wrapped);
        wrapped
            .args(["--pdeathsig", "KILL", "--"])
            .arg(need("python3")?)
            .args(["-c", MEASURE])
            .arg(&report)
            .args(["setpriv", "--pdeathsig", "KILL", "--"])
            .args(command)
            .stdin(Stdio::null())
            .stdout(printed.try_clone()?)
            .stderr(printed);
        Ok(Measured {
            began: Instant::now(),
            child: wrapped.spawn().context("setpriv does not run")?,
            report,
            output,
            name: command.join(" "),
        })
    }

    /// Waits for a good end.
    pub fn end(mut self, patience: Duration) -> anyhow::Result<Usage> {
        while self.child.try_wait()?.is_none() {
            ensure!(
                self.began.elapsed() < patience,
                "{} has not ended within {patience:?}: {}",
                self.name,
                self.printed()
            );
            std::thread::sleep(GLANCE);
        }
        let status = self.child.wait()?;
        ensure!(
            status.success(),
            "{} failed ({status}): {}",
            self.name,
            self.printed()
        );
        read(&self.report)
    }

    fn printed(&self) -> String {
        let printed = std::fs::read(&self.output).unwrap_or_default();
        let from = printed.len().saturating_sub(600);
        String::from_utf8_lossy(&printed[from..]).into_owned()
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(report: &Path) -> anyhow::Result<Usage> {
    let text = std::fs::read_to_string(report).context("nothing was measured")?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    let &[seconds, cpu, kib, in_sqlite] = numbers.as_slice() else {
        anyhow::bail!("what was measured cannot be read: {text}");
    };
    Ok(Usage {
        seconds,
        cpu,
        memory: kib / 1024.0,
        in_sqlite,
    })
}
