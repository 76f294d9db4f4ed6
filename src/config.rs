//! Settings: the file and the environment, read once, every mistake reported together.

mod desk;
mod incoming;
mod outgoing;
mod reader;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use chrono::Duration;
use chrono_tz::Tz;
use lettre::message::Mailbox;

pub use self::desk::Desk;
use self::desk::desk;
pub use self::incoming::{Bounce, Webhook};
use self::incoming::{bounce, webhook};
pub use self::outgoing::{Dkim, DkimKey, Pace, Timeouts};
use self::outgoing::{dkim, pace, timeouts};
use self::reader::Reader;
use crate::db::word;
use crate::schedule::{Rule, Schedule};

word! {
    /// What becomes of a delivery that the relay may or may not have taken.
    pub enum OnUnknown {
        /// It is offered again under the same Message-ID.
        Retry = "retry",
        /// It waits for a person.
        Hold = "hold",
    }
}

word! {
    /// What a reader gets in a month in which nothing matched their choices.
    pub enum OnNothing {
        Skip = "skip",
        /// A line that says so, with the titles of the month.
        Note = "note",
        /// The editor's pick.
        Pick = "pick",
    }
}

word! {
    /// How log lines are written.
    pub enum LogFormat {
        /// For a person who reads along.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

/// Every setting, checked. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Config {
    pub database_url: Secret,
    pub smtp_url: Secret,
    /// How many connections to the relay are kept open.
    pub smtp_connections: usize,
    /// How long the relay may take; RFC 5321 section 4.5.3.2 where nothing is set.
    pub smtp_timeouts: Timeouts,
    /// A PEM file with a certificate authority of one's own, for a relay inside the house.
    pub smtp_ca_file: Option<PathBuf>,
    /// Where the readers' pages are, without a slash at the end.
    pub site_url: String,
    pub site_name: String,
    /// Where `serve` listens.
    pub site_listen: SocketAddr,
    /// Web servers before ours, whose word for a visitor's address is taken.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether a reader who leaves gets a last letter, with a way back.
    pub goodbye: bool,
    /// Where `/health`, `/ready` and `/metrics` are answered to whoever can reach it.
    pub status_listen: Option<SocketAddr>,
    pub log_format: LogFormat,
    pub sender: Identity,
    /// What the privacy page tells besides: who answers for personal data, who handles mails for us, where to complain.
    pub privacy: [String; 3],
    /// The domain of the return paths; the sender's own when not set.
    pub bounce_domain: Option<String>,
    /// Rules for the words of mail servers, tried before the built-in ones.
    pub bounce_rules: Option<PathBuf>,
    pub bounce: Bounce,
    pub webhook: Webhook,
    pub dkim: Option<Dkim>,
    pub key_file: PathBuf,
    pub on_unknown: OnUnknown,
    /// How long a deferred delivery is tried again before it counts as bounced.
    pub delivery_life: Duration,
    /// How long other senders take one for alive without hearing of it (PostgreSQL).
    pub delivery_lease: Duration,
    pub pace: Pace,
    /// Whether a campaign pauses by itself when too many of its mails are refused for good.
    pub pause_on_bounces: bool,
    /// What a reader gets whom nothing matched, unless they chose for themselves.
    pub on_nothing: OnNothing,
    /// How long a campaign that nobody waits for can still be called back before its first mail.
    pub undo: Duration,
    /// When an issue goes out by itself.
    pub schedule: Option<Schedule>,
    /// The zone of that schedule, and of local times that the operator writes.
    pub schedule_time_zone: Tz,
    /// How late a scheduled issue may still go out.
    pub schedule_grace: Duration,
    /// Whether readers get a scheduled issue at that time of their own clocks.
    pub readers_zone: bool,
    /// How long a consent lasts that was only implied.
    pub implied_life: Duration,
    /// What is kept of readers, and how long.
    pub retention: Retention,
    pub desk: Desk,
    /// Topics and types of research of another organisation.
    pub vocabulary_file: Option<PathBuf>,
}

/// Who sends. The law wants all four before anything goes out.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    pub from: Option<Mailbox>,
    pub reply_to: Option<Mailbox>,
    pub postal_address: Option<String>,
    pub contact: Option<String>,
}

/// How long what names a reader is kept once nothing needs it any more.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Address and choices of somebody who left, or whose implied consent ran out.
    pub left: Duration,
    /// The same of somebody whose mailbox takes no mail, since we stopped.
    pub unreachable: Duration,
    /// Which digests went to whom.
    pub history: Duration,
    /// That something was asked for on a page, by a keyed hash.
    pub requests: Duration,
    /// What proves the consents of an address, once no reader has it.
    pub consents: Duration,
}

/// A setting that may hold a password.
#[derive(Clone)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    /// Names the line and not its text, which may hold a password.
    #[error("{}:{line} is not TOML: {message}", path.display())]
    NotToml {
        path: PathBuf,
        line: usize,
        message: String,
    },
    #[error("{}", .0.join("\n"))]
    Mistakes(Vec<String>),
}

/// The key, its default as written in a file, and what it means. The sample configuration is checked against this list.
pub const KEYS: &[(&str, Option<&str>)] = &[
    ("database.url", Some("sqlite://bulletin.db")),
    ("smtp.url", Some("smtp://127.0.0.1:25")),
    ("smtp.connections", Some("10")),
    ("smtp.connect_timeout", Some("30s")),
    ("smtp.command_timeout", Some("5m")),
    ("smtp.dot_timeout", Some("10m")),
    ("smtp.ca_file", None),
    ("site.url", Some("http://127.0.0.1:8080")),
    ("site.name", Some("Research digest")),
    ("site.listen", Some("127.0.0.1:8080")),
    ("site.trusted_proxies", Some("[]")),
    ("site.goodbye", Some("true")),
    ("status.listen", None),
    ("log.format", Some("text")),
    ("sender.from", None),
    ("sender.reply_to", None),
    ("sender.postal_address", None),
    ("sender.contact", None),
    ("privacy.officer", None),
    ("privacy.processors", None),
    ("privacy.complaints", None),
    ("bounce.domain", None),
    ("bounce.rules", None),
    ("bounce.listen", None),
    ("bounce.lmtp", None),
    ("bounce.tls_cert", None),
    ("bounce.tls_key", None),
    ("bounce.imap", Some("[]")),
    ("bounce.imap_done", Some("Bulletin")),
    ("bounce.imap_delete", Some("false")),
    ("bounce.arrives", Some("false")),
    ("bounce.valid", Some("30d")),
    ("bounce.soft_limit", Some("3")),
    ("bounce.soft_half_life", Some("180d")),
    ("bounce.storm_first_percent", Some("5")),
    ("bounce.storm_percent", Some("2")),
    ("webhook.ses_topics", Some("[]")),
    ("webhook.sendgrid_key", None),
    ("webhook.mailgun_key", None),
    ("webhook.postmark_secret", None),
    ("webhook.sparkpost_secret", None),
    ("webhook.brevo_secret", None),
    ("webhook.mailjet_secret", None),
    ("dkim.domain", None),
    ("dkim.selector", None),
    ("dkim.key_file", None),
    ("dkim.second_selector", None),
    ("dkim.second_key_file", None),
    ("secret.key_file", Some("bulletin.key")),
    ("delivery.on_unknown", Some("retry")),
    ("delivery.life", Some("5d")),
    ("delivery.lease", Some("30s")),
    ("pace.per_domain", None),
    ("pace.per_hour", None),
    ("pace.per_day", None),
    ("pace.warm_up", None),
    ("delivery.undo", Some("10s")),
    ("delivery.pause_on_bounces", Some("true")),
    ("digest.on_nothing", Some("skip")),
    ("consent.implied_life", Some("730d")),
    ("retention.left", Some("28d")),
    ("retention.unreachable", Some("180d")),
    ("retention.history", Some("365d")),
    ("retention.requests", Some("365d")),
    ("retention.consents", Some("1096d")),
    ("schedule.rule", None),
    ("schedule.time_zone", Some("UTC")),
    ("schedule.grace", Some("2h")),
    ("schedule.readers_zone", Some("false")),
    ("desk.second_person", Some("false")),
    ("desk.most_per_day", Some("0")),
    ("desk.typed_from", Some("1000")),
    ("topics.file", None),
];

/// The file that is read when `--config` names none.
pub const DEFAULT_FILE: &str = "bulletin.toml";

impl Config {
    /// Reads `file` (or `bulletin.toml` where it exists) and then the environment, which wins.
    pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
        let path = file.or_else(|| Some(Path::new(DEFAULT_FILE)).filter(|path| path.exists()));
        let text = match path {
            Some(path) => {
                std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
                    path: path.into(),
                    source,
                })?
            }
            None => String::new(),
        };
        let name = path.unwrap_or(Path::new("the settings"));
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the environment"
        )]
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Config::read(name, &text, &environment)
    }

    /// Reads settings out of `text` and `environment` (a variable's name to its value).
    pub fn read(
        name: &Path,
        text: &str,
        environment: &BTreeMap<String, String>,
    ) -> Result<Config, ConfigError> {
        let table: toml::Table =
            text.parse()
                .map_err(|error: toml::de::Error| ConfigError::NotToml {
                    path: name.into(),
                    line: 1 + text[..error.span().map_or(0, |span| span.start)]
                        .matches('\n')
                        .count(),
                    message: error.message().to_owned(),
                })?;
        let mut from = Reader {
            name,
            table: &table,
            environment,
            mistakes: Vec::new(),
        };
        from.refuse_unknown_keys();
        from.refuse_unknown_variables();
        let config = config(&mut from);
        match (config, from.mistakes) {
            (Some(config), mistakes) if mistakes.is_empty() => Ok(config),
            (_, mistakes) => Err(ConfigError::Mistakes(mistakes)),
        }
    }

    /// The keys that are still empty although nothing may be sent without them.
    pub fn missing_identity(&self) -> Vec<&'static str> {
        let sender = &self.sender;
        [
            ("sender.from", sender.from.is_none()),
            ("sender.reply_to", sender.reply_to.is_none()),
            ("sender.postal_address", sender.postal_address.is_none()),
            ("sender.contact", sender.contact.is_none()),
        ]
        .into_iter()
        .filter_map(|(key, missing)| missing.then_some(key))
        .collect()
    }
}

/// `None` when something needed could not be read; the mistakes are in `from` then.
fn config(from: &mut Reader<'_>) -> Option<Config> {
    let dkim = dkim(from);
    let bounce = bounce(from);
    let webhook = webhook(from);
    let sender = Identity {
        from: from.optional("sender.from", "Research Digest <digest@example.org>"),
        reply_to: from.optional("sender.reply_to", "editor@example.org"),
        postal_address: from.text("sender.postal_address"),
        contact: from.text("sender.contact"),
    };
    let database_url = from.text("database.url").map(Secret);
    let smtp_url = from.text("smtp.url").map(Secret);
    let connections = from.parsed("smtp.connections", "a number from 1 to 500", |text| {
        text.parse()
            .ok()
            .filter(|number| (1..=500).contains(number))
    });
    let smtp_timeouts = timeouts(from);
    let site_url = from.parsed(
        "site.url",
        "https://news.example.org, without a path",
        site_url,
    );
    let site_listen = from.optional("site.listen", "127.0.0.1:8080");
    let trusted_proxies = from.parsed(
        "site.trusted_proxies",
        "IP addresses, as in [\"127.0.0.1\", \"::1\"]",
        addresses,
    );
    let goodbye = from.optional("site.goodbye", "true or false");
    let status_listen = from.optional("status.listen", "127.0.0.1:9090");
    let log_format = from.optional("log.format", "text or json");
    let on_unknown = from.optional("delivery.on_unknown", "retry or hold");
    let delivery_life = from.parsed("delivery.life", "a time such as 5d or 12h", duration);
    let lease_like = "a time from 2s to 10m";
    let delivery_lease = from.parsed("delivery.lease", lease_like, |text| {
        duration(text).filter(|lease| (2..=600).contains(&lease.num_seconds()))
    });
    let pace = pace(from);
    let undo = from.parsed("delivery.undo", "a time such as 10s or 5m", duration);
    let pause_on_bounces = from.optional("delivery.pause_on_bounces", "true or false");
    let on_nothing = from.optional("digest.on_nothing", "skip, note or pick");
    let schedule_time_zone =
        from.optional("schedule.time_zone", "an IANA name such as America/Toronto");
    let schedule = schedule_time_zone.and_then(|zone| schedule(from, zone));
    let schedule_grace = from.parsed("schedule.grace", "a time such as 2h or 30m", duration);
    let readers_zone = from.optional("schedule.readers_zone", "true or false");
    let implied_life = from.parsed("consent.implied_life", "a time such as 730d", duration);
    let retention = retention(from);
    let desk = desk(from);
    Some(Config {
        database_url: database_url?,
        smtp_url: smtp_url?,
        smtp_connections: connections?,
        smtp_timeouts: smtp_timeouts?,
        smtp_ca_file: from.text("smtp.ca_file").map(PathBuf::from),
        site_url: site_url?,
        site_name: from.text("site.name")?,
        site_listen: site_listen?,
        trusted_proxies: trusted_proxies?,
        goodbye: goodbye?,
        status_listen,
        log_format: log_format?,
        sender,
        privacy: ["officer", "processors", "complaints"]
            .map(|key| from.text(&format!("privacy.{key}")).unwrap_or_default()),
        bounce_domain: from.text("bounce.domain"),
        bounce_rules: from.text("bounce.rules").map(PathBuf::from),
        bounce: bounce?,
        webhook: webhook?,
        dkim,
        key_file: from.text("secret.key_file").map(PathBuf::from)?,
        on_unknown: on_unknown?,
        delivery_life: delivery_life?,
        delivery_lease: delivery_lease?,
        pace,
        pause_on_bounces: pause_on_bounces?,
        on_nothing: on_nothing?,
        undo: undo?,
        schedule,
        schedule_time_zone: schedule_time_zone?,
        schedule_grace: schedule_grace?,
        readers_zone: readers_zone?,
        implied_life: implied_life?,
        retention: retention?,
        desk: desk?,
        vocabulary_file: from.text("topics.file").map(PathBuf::from),
    })
}

fn addresses(list: &str) -> Option<Vec<IpAddr>> {
    let words = list.trim_matches(['[', ']']).split(',');
    let words = words.map(|word| word.trim().trim_matches('"').trim());
    words
        .filter(|word| !word.is_empty())
        .map(|word| word.parse().ok())
        .collect()
}

/// A day at least: what left at noon is not taken away at one.
fn retention(from: &mut Reader<'_>) -> Option<Retention> {
    let mut time = |what: &str| {
        from.parsed(
            &format!("retention.{what}"),
            "a time of a day or more, such as 28d",
            |text| duration(text).filter(|time| time.num_days() >= 1),
        )
    };
    let [left, unreachable, history, requests, consents] = [
        time("left"),
        time("unreachable"),
        time("history"),
        time("requests"),
        time("consents"),
    ];
    Some(Retention {
        left: left?,
        unreachable: unreachable?,
        history: history?,
        requests: requests?,
        consents: consents?,
    })
}

fn schedule(from: &mut Reader<'_>, zone: Tz) -> Option<Schedule> {
    let (written, place) = from.found("schedule.rule")?;
    match written.parse::<Rule>() {
        Ok(rule) => Some(Schedule { rule, zone }),
        Err(error) => {
            from.mistakes.push(format!("{place}: {error}"));
            None
        }
    }
}

/// The site stands at the root of its host; without a slash at the end, so that paths can be put behind it.
fn site_url(text: &str) -> Option<String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))?;
    let plain = rest
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}?#".contains(&byte));
    let host = rest.trim_end_matches('/');
    (plain && !host.is_empty() && !host.contains('/'))
        .then(|| text.trim_end_matches('/').to_owned())
}

/// `90s`, `30m`, `2h` or `5d`.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text
        .trim()
        .split_at_checked(text.trim().len().checked_sub(1)?)?;
    let number: i64 = number
        .trim()
        .parse()
        .ok()
        .filter(|number| (0..=1_000_000).contains(number))?;
    match unit {
        "s" => Some(Duration::seconds(number)),
        "m" => Some(Duration::minutes(number)),
        "h" => Some(Duration::hours(number)),
        "d" => Some(Duration::days(number)),
        _ => None,
    }
}
