//! The ground on which trials take place: a folder, the program on trial, and a PostgreSQL, all gone with this
//! process, however it ends.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use tokio::runtime::Runtime;

/// The two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Which of them a trial runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Which {
    Sqlite,
    Postgres,
    Both,
}

pub struct Ground {
    pub runtime: Runtime,
    /// The program on trial.
    pub bulletin: PathBuf,
    folder: PathBuf,
    durable: bool,
    postgres: OnceLock<Postgres>,
    labs: AtomicU32,
}

/// A server of the trials' own.
pub struct Postgres {
    binaries: PathBuf,
    folder: PathBuf,
}

impl Which {
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Which::Sqlite => &[Kind::Sqlite],
            Which::Postgres => &[Kind::Postgres],
            Which::Both => &[Kind::Sqlite, Kind::Postgres],
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Sqlite => "sqlite",
            Kind::Postgres => "postgres",
        })
    }
}

impl Ground {
    /// Without `bulletin`, the program is the one beside ours. With `durable`, PostgreSQL flushes what it commits.
    pub fn prepare(bulletin: Option<&Path>, durable: bool) -> anyhow::Result<Ground> {
        static GROUNDS: AtomicU32 = AtomicU32::new(0);
        let beside = || anyhow::Ok(std::env::current_exe()?.with_file_name("bulletin"));
        let bulletin = bulletin.map_or_else(beside, |path| Ok(path.to_owned()))?;
        let bulletin = bulletin
            .canonicalize()
            .with_context(|| format!("{} is not there; build it first", bulletin.display()))?;
        let (process, number) = (std::process::id(), GROUNDS.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(format!("bulletin-trials-{process}-{number}"));
        std::fs::create_dir_all(&folder)?;
        let ground = Ground {
            runtime: Runtime::new()?,
            bulletin,
            folder,
            durable,
            postgres: OnceLock::new(),
            labs: AtomicU32::new(0),
        };
        ground.end_with_this_process()?;
        Ok(ground)
    }

    /// A new folder for one trial.
    pub fn new_folder(&self) -> anyhow::Result<PathBuf> {
        let number = self.labs.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(format!("lab-{number}"));
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The server, started when it is first asked for.
    pub fn postgres(&self) -> anyhow::Result<&Postgres> {
        if let Some(postgres) = self.postgres.get() {
            return Ok(postgres);
        }
        let postgres = Postgres::start(self.folder.join("pg"), self.durable)?;
        Ok(self.postgres.get_or_init(|| postgres))
    }

    /// A child that tidies up after us: its input ends with us. It stops the server by the number in its own file.
    fn end_with_this_process(&self) -> anyhow::Result<()> {
        let folder = self.folder.display();
        let tidy = format!(
            "cat >/dev/null; cd /; [ -e {folder}/pg/cluster/postmaster.pid ] && \
             kill -QUIT \"$(head -1 {folder}/pg/cluster/postmaster.pid)\"; \
             for mounted in {folder}/*/mounted; do umount -l \"$mounted\"; done; sleep 1; rm -rf {folder}"
        );
        let child = Command::new("setsid")
            .args(["sh", "-c", &tidy])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("setsid and sh do not run")?;
        // Its input stays open as long as this process lives.
        std::mem::forget(child);
        Ok(())
    }
}

impl Postgres {
    /// The address of a database on this server.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.display();
        format!("postgres://postgres@localhost/{database}?host={folder}")
    }

    /// As after a power cut: nothing is finished, and the log is replayed.
    pub fn crash_and_restart(&self) -> anyhow::Result<()> {
        self.control(&["-w", "-m", "immediate", "restart"])
    }

    fn start(folder: PathBuf, durable: bool) -> anyhow::Result<Postgres> {
        let binaries = binaries().context("PostgreSQL is not installed: there is no initdb")?;
        std::fs::create_dir_all(&folder)?;
        if is_root() {
            succeed(Command::new("chown").arg("postgres").arg(&folder))?;
        }
        let server = Postgres { binaries, folder };
        let cluster = server.folder.join("cluster");
        let mut made = server.command("initdb");
        made.args(["-A", "trust", "-U", "postgres", "--no-sync", "-D"]);
        succeed(made.arg(&cluster))?;
        let mut settings = std::fs::File::options()
            .append(true)
            .open(cluster.join("postgresql.conf"))?;
        writeln!(
            settings,
            "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 200\nfsync = {}",
            server.folder.display(),
            if durable { "on" } else { "off" }
        )?;
        server.control(&["-w", "start"])?;
        Ok(server)
    }

    fn control(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut control = self.command("pg_ctl");
        control.arg("-D").arg(self.folder.join("cluster"));
        control.arg("-l").arg(self.folder.join("log"));
        succeed(control.args(arguments))
    }

    fn command(&self, name: &str) -> Command {
        let program = self.binaries.join(name);
        let mut command = Command::new("runuser");
        if is_root() {
            command.args(["-u", "postgres", "--"]).arg(program);
        } else {
            command = Command::new(program);
        }
        command.current_dir("/");
        command
    }
}

/// Runs a command that must succeed, and shows what it said if it did not.
pub fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    // The server inherits our output: with pipes, we would wait for its end.
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let status = status.with_context(|| format!("{name} does not run"))?;
    ensure!(status.success(), "{name} failed: {command:?}");
    Ok(())
}

pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// Says no, and why, where this machine cannot do what a trial needs.
pub fn need(program: &str) -> anyhow::Result<PathBuf> {
    let places = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"];
    let found = places.iter().map(|place| Path::new(place).join(program));
    match found.into_iter().find(|path| path.exists()) {
        Some(path) => Ok(path),
        None => bail!("left out: there is no {program} here"),
    }
}

/// The newest PostgreSQL whose server programs are here.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let number = |path: &Path| -> Option<u32> { path.file_name()?.to_str()?.parse().ok() };
    let newest = versions
        .flatten()
        .map(|version| version.path())
        .max_by_key(|path| number(path))?;
    Some(newest.join("bin")).filter(|folder| folder.join("initdb").exists())
}
