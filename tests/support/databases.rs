//! Databases for tests: a file of one's own, or a database of one's own on a PostgreSQL that the tests start.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use bulletin::db::Db;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// An empty database with its tables, gone when dropped.
pub struct Database {
    pub db: Db,
    pub url: String,
    _folder: Option<TempDir>,
}

/// A copy of one that was migrated once for all tests.
pub async fn sqlite() -> Database {
    static MIGRATED: OnceCell<Vec<u8>> = OnceCell::const_new();
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("test.db");
    let url = format!("sqlite://{}", file.display());
    let migrated = MIGRATED.get_or_init(async || {
        migrate(&url).await;
        std::fs::read(&file).expect("the new database is a file")
    });
    std::fs::write(&file, migrated.await).expect("a temporary file");
    Database {
        db: Db::open(&url).await.expect("a new database opens"),
        url,
        _folder: Some(folder),
    }
}

/// `None`, and a word about it, where there is no PostgreSQL. A copy of one that was migrated once for all tests.
pub async fn postgres() -> Option<Database> {
    static MIGRATED: OnceCell<()> = OnceCell::const_new();
    let server = server()?;
    let migrated = MIGRATED.get_or_init(async || {
        server.make("migrated", "template1");
        migrate(&server.url("migrated")).await;
    });
    migrated.await;
    let url = server.make_new("migrated");
    Some(Database {
        db: Db::open(&url).await.expect("a new database opens"),
        url,
        _folder: None,
    })
}

/// The address of a new, empty database.
pub fn new_postgres_url() -> Option<String> {
    Some(server()?.make_new("template1"))
}

async fn migrate(url: &str) {
    let db = Db::open(url).await.expect("a new database opens");
    db.close().await;
}

struct Server {
    binaries: PathBuf,
    folder: PathBuf,
}

/// One server for all tests of the process.
fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER
        .get_or_init(|| {
            let Some(binaries) = binaries() else {
                super::left_out(
                    "PostgreSQL is not installed (no initdb was found), so its half of the tests",
                );
                return None;
            };
            let folder = std::env::temp_dir().join(format!("bulletin-pg-{}", std::process::id()));
            let server = Server { binaries, folder };
            server.start();
            Some(server)
        })
        .as_ref()
}

impl Server {
    /// A database by a name of its own, made after the model; its address.
    fn make_new(&self, model: &str) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.make(&name, model);
        self.url(&name)
    }

    fn make(&self, name: &str, model: &str) {
        let sql = format!("CREATE DATABASE {name} TEMPLATE {model}");
        let made = self
            .command("psql")
            .args(["-qd", "postgres", "-c", &sql])
            .status();
        assert!(made.expect("psql runs").success(), "a database is made");
    }

    fn url(&self, name: &str) -> String {
        let folder = self.folder.display();
        format!("postgres://postgres@localhost/{name}?host={folder}")
    }

    fn start(&self) {
        std::fs::create_dir_all(&self.folder).expect("a folder for PostgreSQL");
        self.end_with_this_process();
        if is_root() {
            let owned = Command::new("chown")
                .arg("postgres")
                .arg(&self.folder)
                .status();
            assert!(
                owned.expect("chown runs").success(),
                "the folder is PostgreSQL's own"
            );
        }
        let cluster = self.folder.join("cluster");
        let cluster = cluster.to_str().expect("a plain path");
        let mut made = self.command("initdb");
        made.args(["-A", "trust", "-U", "postgres", "--no-sync", "-D", cluster]);
        assert!(
            made.stdout(Stdio::null())
                .status()
                .expect("initdb runs")
                .success(),
            "a cluster is made"
        );
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off -c max_connections=400",
            self.folder.display()
        );
        let log = self.folder.join("log");
        let log = log.to_str().expect("a plain path");
        let mut start = self.command("pg_ctl");
        start.args(["-w", "-D", cluster, "-l", log, "-o", &options, "start"]);
        assert!(
            start
                .stdout(Stdio::null())
                .status()
                .expect("pg_ctl runs")
                .success(),
            "PostgreSQL starts"
        );
    }

    /// A child that outlives us by the time it needs to stop the server, however we end: its input ends with us.
    fn end_with_this_process(&self) {
        let folder = self.folder.display();
        let as_user = if is_root() {
            "runuser -u postgres --"
        } else {
            ""
        };
        let stop = format!(
            "cat >/dev/null; cd /; {as_user} {}/pg_ctl -D {folder}/cluster -m immediate stop; rm -rf {folder}",
            self.binaries.display()
        );
        let child = Command::new("setsid")
            .args(["sh", "-c", &stop])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setsid and sh run");
        // Its input stays open as long as this process lives.
        std::mem::forget(child);
    }

    fn command(&self, name: &str) -> Command {
        let program = self.binaries.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        if name == "psql" {
            command.arg("-h").arg(&self.folder).args(["-U", "postgres"]);
        }
        command.current_dir("/");
        command
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// The newest PostgreSQL whose server programs are here.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    let number = |path: &Path| -> u32 {
        path.parent()
            .and_then(|p| p.file_name())
            .and_then(|n| n.to_str())
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    };
    found.sort_by_key(|path| std::cmp::Reverse(number(path)));
    found.extend(
        std::env::var_os("PATH")
            .iter()
            .flat_map(std::env::split_paths),
    );
    found
        .into_iter()
        .find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
}
