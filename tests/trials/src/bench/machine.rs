//! The machine on which the figures were taken.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use super::figures::Figures;

/// How many writes are timed.
const WRITES: usize = 200;

/// One line on the processor, the memory and the system.
pub fn describe() -> String {
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kib: f64 = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .unwrap_or(0.0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    format!(
        "{processor}, {cores} cores, {:.0} GiB, Linux {}, load before the start {}",
        kib / 1048576.0,
        kernel.trim(),
        load.join(" ")
    )
}

/// How long the disk under `folder` takes to make 4 KiB at the end of a file durable (fdatasync), in milliseconds.
pub fn sync_times(folder: &Path) -> std::io::Result<Figures> {
    let path = folder.join("sync-times");
    let mut file = fs::File::create(&path)?;
    let mut times = Figures::default();
    for _ in 0..WRITES {
        file.write_all(&[7; 4096])?;
        let began = Instant::now();
        file.sync_data()?;
        times.add(began.elapsed().as_secs_f64() * 1e3);
    }
    fs::remove_file(path)?;
    Ok(times)
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
