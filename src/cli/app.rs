//! What every command needs, opened once.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use anyhow::Context;
use bulletin::address_book;
use bulletin::alarm::Allowed;
use bulletin::archive;
use bulletin::audit::ON_THE_HOST;
use bulletin::clock;
use bulletin::config::Config;
use bulletin::db::Db;
use bulletin::deliver::quota::Quota;
use bulletin::deliver::relay::Relay;
use bulletin::deliver::{FIRST_PAUSE, Sender};
use bulletin::enrol::Enrolment;
use bulletin::feedback::acting::Terms;
use bulletin::issue::Month;
use bulletin::metrics::Metrics;
use bulletin::record::{self, What};
use bulletin::render::Renderer;
use bulletin::returned::score::Limit;
use bulletin::secret::Keys;
use bulletin::standing::Standing;
use bulletin::suggest::Suggester;
use bulletin::topic::Vocabulary;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::{NoContext, Timestamp, Uuid};

pub struct App {
    pub config: Config,
    pub db: Db,
    pub keys: Keys,
    pub vocabulary: Vocabulary,
    pub suggester: Suggester,
    pub json: bool,
    /// What the parts of this process tell of themselves.
    pub metrics: Metrics,
    pub standing: Standing,
}

impl App {
    pub async fn open(config: Config, json: bool) -> anyhow::Result<App> {
        let vocabulary = vocabulary(&config)?;
        let db = Db::open(&config.database_url.0).await?;
        archive::complete_search(&db).await?;
        address_book::complete(&db).await?;
        Ok(App {
            db,
            keys: Keys::open(&config.key_file)?,
            suggester: Suggester::new(&vocabulary),
            vocabulary,
            config,
            json,
            metrics: Metrics::default(),
            standing: Standing::default(),
        })
    }

    /// Prints a document as JSON, or whatever `people` prints.
    pub fn show(&self, document: &impl Serialize, people: impl FnOnce()) -> anyhow::Result<()> {
        if self.json {
            say!("{}", serde_json::to_string_pretty(document)?);
        } else {
            people();
        }
        Ok(())
    }

    /// Writes down that the user of this command is about to see something of readers: nothing is shown before that.
    pub async fn note(
        &self,
        what: What,
        subscriber: Option<Uuid>,
        readers: i64,
    ) -> anyhow::Result<()> {
        let shown = record::Shown {
            who: &self.who(),
            what,
            subscriber,
            readers,
        };
        let mut tx = self.db.begin().await?;
        record::note(&mut tx, &shown, clock::now()).await?;
        Ok(tx.commit().await?)
    }

    /// The host's user who gave this command; of one who became another (`sudo`), who they were when they came.
    pub fn who(&self) -> String {
        const NOBODY: u32 = u32::MAX;
        let came_as = std::fs::read_to_string("/proc/self/loginuid");
        let came_as = came_as.ok().and_then(|text| text.trim().parse().ok());
        let is = || std::fs::metadata("/proc/self").ok().map(|of| of.uid());
        let number: Option<u32> = came_as.filter(|uid| *uid != NOBODY).or_else(is);
        let Some(number) = number else {
            return "a user of this host".to_owned();
        };
        match name_of(number) {
            Some(name) => format!("{name}{ON_THE_HOST}"),
            None => format!("user {number}{ON_THE_HOST}"),
        }
    }

    /// A renderer that makes real mail: only with a complete identity of the sender.
    pub fn renderer(&self) -> anyhow::Result<Renderer> {
        Ok(Renderer::of(&self.config, &self.keys, &self.vocabulary)?)
    }

    /// A renderer to look with, while the sender's identity may still be incomplete.
    pub fn draft_renderer(&self) -> anyhow::Result<Renderer> {
        Ok(Renderer::draft(&self.config, &self.keys, &self.vocabulary)?)
    }

    /// What takes over readers out of a file.
    pub fn enrolment(&self) -> Enrolment<'_> {
        Enrolment {
            db: &self.db,
            keys: &self.keys,
            vocabulary: &self.vocabulary,
            now: clock::now(),
            implied_life: self.config.implied_life,
            new_id: &new_id,
        }
    }

    /// What delivers to the relay of the settings.
    pub fn sender(&self, renderer: Arc<Renderer>) -> anyhow::Result<Sender> {
        let terms = terms(&self.config);
        Ok(Sender {
            db: self.db.clone(),
            relay: Relay::of(&self.config)?,
            renderer,
            connections: self.config.smtp_connections,
            connections_per_domain: self.config.pace.per_domain,
            quota: Quota {
                per_hour: self.config.pace.per_hour,
                per_day: self.config.pace.per_day,
                warm_up: self.config.pace.warm_up.clone(),
            },
            life: self.config.delivery_life,
            lease: self
                .config
                .delivery_lease
                .to_std()
                .context("delivery.lease")?,
            clock: clock::system(),
            first_pause: FIRST_PAUSE,
            storm: terms.storm,
            soft: terms.soft,
            metrics: self.metrics.clone(),
            standing: self.standing.clone(),
        })
    }
}

/// A time as an operator writes it, of a whole day its beginning; `now` where nothing is written.
pub fn moment(written: &str, now: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    if written.is_empty() {
        return Ok(now);
    }
    let day = || {
        let day: NaiveDate = written.parse().ok()?;
        Some(day.and_hms_opt(0, 0, 0)?.and_utc())
    };
    let at = written.parse().ok().or_else(day);
    at.context("write a time as 2026-12-01 or 2026-12-01T09:00:00Z")
}

/// By what rules it is acted on what comes back.
pub fn terms(config: &Config) -> Terms {
    let bounce = &config.bounce;
    let [of_first_percent, of_all_percent] = bounce.storm_percent;
    Terms {
        valid: bounce.valid,
        soft: Limit {
            score: bounce.soft_limit,
            half_life: bounce.soft_half_life,
        },
        storm: config.pause_on_bounces.then_some(Allowed {
            of_first_percent,
            of_all_percent,
        }),
        goodbye: config.goodbye,
    }
}

/// What the host calls a user.
fn name_of(number: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let number = number.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, uid) = (fields.next()?, fields.nth(1)?);
        (uid == number).then(|| name.to_owned())
    })
}

/// What a command says of a month that nobody has imported.
pub fn no_issue(month: Month) -> String {
    format!("there is no issue {month}; `bulletin issue list` shows what there is")
}

pub fn vocabulary(config: &Config) -> anyhow::Result<Vocabulary> {
    let Some(path) = &config.vocabulary_file else {
        return Ok(Vocabulary::built_in());
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    Vocabulary::parse(&text).with_context(|| path.display().to_string())
}

/// Cancelled by Ctrl-C or SIGTERM.
pub fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        let mut terminate =
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(terminate) => terminate,
                Err(error) => {
                    tracing::error!(%error, "SIGTERM cannot be caught");
                    return;
                }
            };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("finishing what is on the wire; a second signal stops at once");
        stopped.cancel();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        std::process::exit(130);
    });
    stop
}

/// Sixty-four random bits that tell this process's claims from those of others.
pub fn sender_number() -> i64 {
    (Uuid::new_v4().as_u64_pair().0 >> 1) as i64
}

/// The id of a new subscriber, which rises with time.
pub fn new_id() -> Uuid {
    let now = clock::now();
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    let nanos = now.timestamp_subsec_nanos();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos))
}
