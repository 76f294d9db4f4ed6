//! Mails that came back, read by the program from a folder: how many in a second, on one processor.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};

use super::Bench;
use super::figures::Figures;
use super::goals::{Limit, Line};

/// Ten thousand a minute are to be acted on while the site stays quick: reading may be no more than a small part.
const AT_LEAST: f64 = 500.0;
/// Mails of one run.
const MAILS: usize = 5_000;

/// `bounce read` over copies of our samples.
pub fn bounces(bench: &Bench<'_>) -> anyhow::Result<Vec<Line>> {
    let folder = bench.services.folder.join("bounces");
    let mails = copies(&folder)?;
    let mut rates = Figures::default();
    for _ in 0..bench.options.rounds {
        let began = Instant::now();
        let output = Command::new(&bench.services.ground.bulletin)
            .args(["bounce", "read", "--json"])
            .arg(&folder)
            .current_dir(&bench.services.folder)
            .stderr(Stdio::inherit())
            .output()?;
        let took = began.elapsed();
        let lines = output.stdout.iter().filter(|byte| **byte == b'\n').count();
        ensure!(lines == mails, "{lines} of {mails} mails were read");
        rates.add(mails as f64 / took.as_secs_f64());
    }
    let what = "bounces read: mails a second, one processor";
    Ok(vec![
        Line::new("", what, Limit::AtLeast(AT_LEAST)).by_itself(rates),
    ])
}

/// The samples, over and over under other names; says how many.
fn copies(folder: &Path) -> anyhow::Result<usize> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/bounces");
    let samples: Vec<Vec<u8>> = std::fs::read_dir(&samples)
        .with_context(|| samples.display().to_string())?
        .map(|entry| std::fs::read(entry?.path()))
        .collect::<Result<_, _>>()?;
    std::fs::create_dir_all(folder)?;
    for (number, mail) in (0..MAILS).zip(samples.iter().cycle()) {
        std::fs::write(folder.join(format!("{number}.eml")), mail)?;
    }
    Ok(MAILS)
}
