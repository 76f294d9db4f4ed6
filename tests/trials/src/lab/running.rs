//! A process of the service while it runs.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::GLANCE;

/// A process of the service; killed when dropped, and when the trials die.
pub struct Running {
    pub(super) child: Child,
    pub began: Instant,
    pub(super) output: PathBuf,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends a signal by its name, as `TERM`.
    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.id().to_string())
            .status()?;
        ensure!(status.success(), "SIG{name} cannot be sent");
        Ok(())
    }

    /// Waits for its end.
    pub fn end(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(
                began.elapsed() < patience,
                "it has not ended within {patience:?}: {}",
                self.last_words()
            );
            std::thread::sleep(GLANCE);
        }
    }

    /// Asks it to stop, and waits until it has, well; says how long that took.
    pub fn stop(&mut self, patience: Duration) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.signal("TERM")?;
        let status = self.end(patience)?;
        ensure!(status.success(), "it stopped badly: {}", self.last_words());
        Ok(began.elapsed())
    }

    /// The end of what it printed.
    pub fn last_words(&self) -> String {
        let words = std::fs::read(&self.output).unwrap_or_default();
        let from = words.len().saturating_sub(800);
        String::from_utf8_lossy(&words[from..]).into_owned()
    }

    pub fn output(&self) -> &Path {
        &self.output
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
