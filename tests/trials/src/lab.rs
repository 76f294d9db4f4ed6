//! One service on trial: its folder, its database, its relay, and the commands that a stranger would type.

mod databases;
mod running;
mod waits;

use std::cell::Cell;
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

pub use self::running::Running;
use crate::checker::{self, Moment, Verdict};
use crate::ground::{Ground, Kind};
use crate::relay::{Manners, Relay, Taken};
use crate::store::{Row, Store};

/// The month that most trials send.
pub const MONTH: &str = "2031-01";

/// How long anything may take that has no figure of its own.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often the trials look whether something has happened.
const GLANCE: Duration = Duration::from_millis(2);

pub struct Lab<'g> {
    pub ground: &'g Ground,
    pub kind: Kind,
    pub folder: PathBuf,
    pub store: Store,
    pub relay: Relay,
    /// Open connections to the relay: C in what is promised.
    pub connections: usize,
    /// Deliveries of the campaign.
    pub readers: usize,
    settings: Vec<(String, String)>,
    database: String,
    /// Where the log stood when this trial began.
    log_start: Cell<u64>,
    outputs: Cell<u32>,
}

/// How a lab is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    pub readers: usize,
    pub connections: usize,
    pub manners: Manners,
    /// The database's folder, where it is not the lab's own.
    pub database_folder: Option<PathBuf>,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            readers: 1000,
            connections: 8,
            manners: Manners {
                hash_body: true,
                ..Manners::default()
            },
            database_folder: None,
        }
    }
}

/// The address of a reader. They live in many places, as readers do: a single one gets its mail at its own pace.
pub fn address(number: usize) -> String {
    format!("r{number}@peer-{}.test", number % 101)
}

impl<'g> Lab<'g> {
    /// A service with its issue imported, its readers enrolled and nothing sent.
    pub fn new(ground: &'g Ground, kind: Kind, setup: &Setup) -> anyhow::Result<Lab<'g>> {
        let folder = ground.new_folder()?;
        let database = format!(
            "lab_{}",
            folder
                .file_name()
                .and_then(|name| name.to_str())
                .map_or("x", |name| name.trim_start_matches("lab-"))
        );
        let store = match kind {
            Kind::Sqlite => {
                let place = setup.database_folder.as_ref().unwrap_or(&folder);
                Store::Sqlite(place.join("bulletin.db"))
            }
            Kind::Postgres => Store::Postgres(ground.postgres()?.url(&database)),
        };
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let log = folder.join("relay.log");
        let starting = Relay::start(any, &log, setup.manners.clone());
        let relay = ground.runtime.block_on(starting)?;
        let mut lab = Lab {
            ground,
            kind,
            store,
            relay,
            connections: setup.connections,
            readers: setup.readers,
            settings: Vec::new(),
            database,
            log_start: Cell::new(0),
            outputs: Cell::new(0),
            folder,
        };
        lab.settle_settings();
        if kind == Kind::Postgres {
            lab.administer(&format!("CREATE DATABASE {}", lab.database))?;
        }
        // A time to think again before the first mail would only make every trial longer.
        if lab.knows("DELIVERY_UNDO", "0s") {
            lab.set("DELIVERY_UNDO", "0s");
        }
        lab.import_month(MONTH)?;
        lab.enrol(setup.readers)?;
        Ok(lab)
    }

    fn settle_settings(&mut self) {
        let url = match &self.store {
            Store::Sqlite(path) => format!("sqlite://{}", path.display()),
            Store::Postgres(url) => url.clone(),
        };
        self.set("DATABASE_URL", &url);
        self.set("SMTP_URL", &format!("smtp://{}", self.relay.address));
        self.set("SMTP_CONNECTIONS", &self.connections.to_string());
        self.set("SENDER_FROM", "Research News <news@example.org>");
        self.set("SENDER_REPLY_TO", "editor@example.org");
        self.set("SENDER_POSTAL_ADDRESS", "1 Sample Street");
        self.set("SENDER_CONTACT", "editor@example.org");
    }

    /// Sets a setting of the service, by its name in the environment without `BULLETIN_`.
    pub fn set(&mut self, name: &str, value: &str) {
        let name = format!("BULLETIN_{name}");
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, value.to_owned()));
    }

    /// Sets a variable of the environment that is none of the service's.
    pub fn surround(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Imports an issue of this month with one short summary.
    pub fn import_month(&self, month: &str) -> anyhow::Result<()> {
        let page = format!(
            "+++\nmonth = \"{month}\"\n+++\n\n# What {month} brought\n\n> Sample, A. (2030). What {month} brought. \
             Journal of Imagined Psychotherapy, 1(1), 1-2.\n\nType: review\nTopics: depression-and-depressive-symptoms\n\n\
             Nothing that a trial of faults could not do without.\n\n## Practice implications\n\nThere are none.\n"
        );
        let file = format!("{month}.md");
        std::fs::write(self.folder.join(&file), page)?;
        self.run(&["import", &file]).map(drop)
    }

    fn enrol(&self, readers: usize) -> anyhow::Result<()> {
        let mut csv = "address,consent_at,consent_source\n".to_owned();
        for number in 0..readers {
            csv.push_str(&format!("{},2020-01-01,form\n", address(number)));
        }
        std::fs::write(self.folder.join("readers.csv"), csv)?;
        self.run(&["subscriber", "import", "readers.csv"]).map(drop)
    }

    /// What the relay took before counts no more.
    pub fn begin_log(&self) -> anyhow::Result<()> {
        self.log_start.set(self.relay.log_end()?);
        Ok(())
    }

    /// A command of the service, to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        // It gets the signal when the thread that starts it is gone.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]);
        command.arg(&self.ground.bulletin).args(arguments);
        self.dress(&mut command);
        command
    }

    /// Gives a command the folder and the environment of the service, and nothing else.
    pub fn dress(&self, command: &mut Command) {
        command
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", &self.folder)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
    }

    /// Runs a command of the service to its end, which must be a good one, and gives what it printed.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments).output();
        let output = output.context("setpriv does not run")?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "bulletin {} failed: {printed}{said}",
            arguments.join(" ")
        );
        Ok(printed)
    }

    /// Starts a command of the service.
    pub fn start(&self, arguments: &[&str]) -> anyhow::Result<Running> {
        self.start_command(self.command(arguments))
    }

    pub fn start_command(&self, mut command: Command) -> anyhow::Result<Running> {
        let number = self.outputs.replace(self.outputs.get() + 1);
        let path = self.folder.join(format!("output-{number}"));
        let output = File::create(&path)?;
        let child = command
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("the service cannot be started")?;
        Ok(Running {
            child,
            began: Instant::now(),
            output: path,
        })
    }

    /// Plans the campaign; nothing is sent by it.
    pub fn plan(&self, month: &str) -> anyhow::Result<()> {
        self.run(&["send", month]).map(drop)
    }

    /// The campaign's account, as the service tells it.
    pub fn status(&self, month: &str) -> anyhow::Result<Value> {
        let printed = self.run(&["campaign", "status", month, "--json"])?;
        Ok(serde_json::from_str(&printed)?)
    }

    /// Makes due what was put off.
    pub fn hurry(&self) -> anyhow::Result<u64> {
        self.on_store(self.store.hurry())
    }

    /// Runs something on the database, waiting for it.
    pub fn on_store<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> anyhow::Result<T> {
        Ok(self.ground.runtime.block_on(work)?)
    }

    pub fn rows(&self, month: &str) -> anyhow::Result<Vec<Row>> {
        self.on_store(self.store.rows(month))
    }

    /// What the relay took in this trial.
    pub fn log(&self) -> anyhow::Result<Vec<Taken>> {
        self.relay.log_since(self.log_start.get())
    }

    /// Holds the record against the log, for what is true at any moment too.
    pub fn judge(&self, month: &str, moment: Moment) -> anyhow::Result<Verdict> {
        let counts = self.on_store(self.store.counts(month))?;
        checker::hold_account(&counts, self.readers as i64)?;
        let before = self.log()?;
        let rows = self.rows(month)?;
        Ok(checker::judge_live(&rows, &before, &self.log()?, moment))
    }

    /// Whether the service knows this setting: what is still to come cannot be tried.
    pub fn knows(&self, name: &str, value: &str) -> bool {
        let mut command = self.command(&["campaign", "list"]);
        let asked = command.env(format!("BULLETIN_{name}"), value).output();
        asked.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Lab<'_> {
    fn drop(&mut self) {
        if self.kind == Kind::Postgres {
            for name in [self.database.clone(), format!("{}_saved", self.database)] {
                let _ = self.administer(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            }
        }
        // Some gigabytes of logs and databases would come together in a long tier.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
