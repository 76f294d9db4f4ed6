//! A file system that finds an error in itself and turns read-only, files open for writing or not, as ext4 does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::Trial;
use crate::checker::Moment;
use crate::ground::{Ground, is_root, need, succeed};
use crate::lab::{Lab, MONTH, PATIENCE, Setup};

/// What a worker says that cannot write.
const WAITS: &str = "the database cannot commit; sending waits";

/// A stop waits so long for what cannot be written down, and no longer.
const LONGEST_STOP: Duration = Duration::from_secs(30);

/// The worker waits, and sends nothing more; with the disk mended and mounted anew, the next one goes on.
pub fn turned_read_only(trial: &Trial<'_>) -> anyhow::Result<String> {
    let disk = Ext4::mount(trial.ground)?;
    let mut setup = Setup {
        readers: trial.readers(300),
        database_folder: Some(disk.place.clone()),
        ..Setup::default()
    };
    setup.manners.delay = 10;
    let lab = Lab::new(trial.ground, trial.kind, &setup)?;
    lab.plan(MONTH)?;
    let mut worker = lab.start(&["worker"])?;
    lab.wait_for_taken(lab.readers as u64 / 3, &mut worker)?;
    disk.turn_read_only()?;
    let began = Instant::now();
    while !worker.last_words().contains(WAITS) {
        ensure!(worker.is_running()?, "it ended: {}", worker.last_words());
        ensure!(began.elapsed() < PATIENCE, "it says nothing");
        std::thread::sleep(Duration::from_millis(5));
    }
    // What was on the wire when the disk failed is taken, at most one for each connection.
    std::thread::sleep(Duration::from_millis(200));
    let taken = lab.relay.taken();
    std::thread::sleep(Duration::from_secs(1));
    let more = lab.relay.taken() - taken;
    ensure!(more == 0, "{more} mails were sent without a record");
    let began = Instant::now();
    // A stop has to give up what it cannot write down; that takes its time, which a quick trial has not.
    let is_quick = trial.extent.runs.is_some();
    worker.signal(if is_quick { "KILL" } else { "TERM" })?;
    worker.end(LONGEST_STOP)?;
    let stopped = began.elapsed();
    disk.mend()?;
    lab.finish(MONTH)?;
    let verdict = lab.judge(MONTH, Moment::End)?;
    verdict.hold_for_everyone(lab.connections)?;
    Ok(format!(
        "an ext4 that turned read-only after {taken} of {} mails: ended within {stopped:.1?}, doubles {} of {} allowed",
        lab.readers, verdict.doubles, lab.connections
    ))
}

/// An ext4 of our own, in a file.
struct Ext4 {
    image: PathBuf,
    place: PathBuf,
}

impl Ext4 {
    fn mount(ground: &Ground) -> anyhow::Result<Ext4> {
        if !is_root() {
            bail!("left out: only root may mount");
        }
        let folder = ground.new_folder()?;
        let disk = Ext4 {
            image: folder.join("image"),
            place: folder.join("mounted"),
        };
        std::fs::create_dir_all(&disk.place)?;
        std::fs::File::create(&disk.image)?.set_len(64 << 20)?;
        succeed(Command::new(need("mkfs.ext4")?).arg("-q").arg(&disk.image))?;
        if disk.mount_again().is_err() {
            bail!("left out: an image cannot be mounted here");
        }
        if !disk.trigger()?.exists() {
            bail!("left out: this kernel's ext4 cannot be made to fail");
        }
        Ok(disk)
    }

    fn mount_again(&self) -> anyhow::Result<()> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "ext4", "-o", "loop,errors=remount-ro"]);
        succeed(mount.arg(&self.image).arg(&self.place))
    }

    /// As if it had found an error in itself.
    fn turn_read_only(&self) -> anyhow::Result<()> {
        std::fs::write(self.trigger()?, "1")?;
        let probe = std::fs::write(self.place.join("probe"), "x");
        ensure!(probe.is_err(), "the file system can still be written to");
        Ok(())
    }

    /// What a person does then: unmount it, check it, mount it.
    fn mend(&self) -> anyhow::Result<()> {
        succeed(Command::new("umount").arg(&self.place))?;
        let checked = Command::new(need("fsck.ext4")?)
            .args(["-f", "-p"])
            .arg(&self.image)
            .output()?;
        // 1: errors were found, and mended.
        let is_well = matches!(checked.status.code(), Some(0 | 1));
        ensure!(is_well, "fsck.ext4 ends with {}", checked.status);
        self.mount_again()
    }

    /// The kernel's switch for this file system and no other.
    fn trigger(&self) -> anyhow::Result<PathBuf> {
        let mounts = std::fs::read_to_string("/proc/self/mounts")?;
        let place = self.place.display().to_string();
        let device = mounts.lines().find_map(|line| {
            let (device, rest) = line.split_once(' ')?;
            (rest.split(' ').next()? == place).then_some(device)
        });
        let name = device.and_then(|device| Path::new(device).file_name());
        let name = name.context("the image is not mounted")?;
        // Never that of a disk of this machine.
        ensure!(
            name.to_string_lossy().starts_with("loop"),
            "the image is mounted from {name:?}"
        );
        Ok(Path::new("/sys/fs/ext4")
            .join(name)
            .join("trigger_fs_error"))
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        let _ = succeed(Command::new("umount").arg("-l").arg(&self.place));
    }
}
