//! What passed and what failed.

use std::fmt::Display;
use std::sync::Mutex;
use std::time::Duration;

/// Counts trials, and prints each result as it comes in.
#[derive(Default)]
pub struct Tally {
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    passed: u64,
    failed: u64,
    lines: Vec<String>,
    left_out: u64,
}

impl Tally {
    /// One trial: what it showed, or why it failed.
    pub fn count(&self, name: &str, result: anyhow::Result<()>) -> bool {
        let mut counts = self.lock();
        match result {
            Ok(()) => {
                counts.passed += 1;
                true
            }
            Err(error) => {
                counts.failed += 1;
                let line = format!("FAILED {name}: {error:#}");
                println!("{line}");
                counts.lines.push(line);
                false
            }
        }
    }

    /// The line that sums a scenario up.
    pub fn sum_up(&self, line: impl Display, took: Duration) {
        let line = format!("{line} ({:.0} s)", took.as_secs_f64());
        println!("{line}");
        self.lock().lines.push(line);
    }

    /// What this machine cannot show.
    pub fn left_out(&self, why: impl Display) {
        println!("left out: {why}");
        let mut counts = self.lock();
        counts.left_out += 1;
        counts.lines.push(format!("left out: {why}"));
    }

    /// Prints every line again, one below the other, and the counts; says whether nothing failed.
    pub fn close(&self, strict: bool) -> bool {
        let counts = self.lock();
        println!("\n== the trials");
        counts.lines.iter().for_each(|line| println!("{line}"));
        let failed = counts.failed + if strict { counts.left_out } else { 0 };
        println!("{} passed, {failed} failed", counts.passed);
        failed == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
