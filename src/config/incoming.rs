//! Settings of what comes back: bounces by mail, and providers' posts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::Duration;

use super::reader::Reader;
use super::{Secret, duration};

/// What comes back: where it is received, and what it comes to.
#[derive(Clone, Debug)]
pub struct Bounce {
    /// Where mail for the bounce domain is taken by SMTP, and where by LMTP.
    pub listen: Option<SocketAddr>,
    pub lmtp: Option<SocketAddr>,
    /// The certificate and the key for STARTTLS there, PEM files.
    pub tls: Option<[PathBuf; 2]>,
    /// Mailboxes that are looked into, and where mails go that were acted on; `None`: they are deleted.
    pub imap: Vec<Secret>,
    pub imap_done: Option<String>,
    /// Whether mail for the bounce domain reaches us by another way.
    pub arrives: bool,
    /// How long after it was offered a delivery's return path is believed.
    pub valid: Duration,
    /// The score of soft failures that suppresses, 0 for none, and after how long a failure counts half.
    pub soft_limit: u32,
    pub soft_half_life: Duration,
    /// Per cent of a campaign's first 500 mails, and later of all, beyond which refusals pause it.
    pub storm_percent: [i64; 2],
}

impl Bounce {
    /// Whether what a reader's mail program writes to the bounce domain reaches us.
    pub fn reaches_us(&self) -> bool {
        let is_listened_for = self.listen.is_some() || self.lmtp.is_some();
        self.arrives || is_listened_for || !self.imap.is_empty()
    }
}

/// Providers whose events are taken: what was agreed on with each.
#[derive(Clone, Debug, Default)]
pub struct Webhook {
    /// Topics of Amazon SNS, by ARN.
    pub ses_topics: Vec<String>,
    /// By the provider's word in `/hooks/…`: a key that its signatures are checked with.
    pub keys: BTreeMap<&'static str, Secret>,
    /// The same: a secret that it sends along.
    pub secrets: BTreeMap<&'static str, Secret>,
}

pub(super) fn bounce(from: &mut Reader<'_>) -> Option<Bounce> {
    let listen_like = "an IP address and a port, as in 0.0.0.0:25";
    let percent = |text: &str| text.parse().ok().filter(|of| (1..=100).contains(of));
    let storm_percent = ["bounce.storm_first_percent", "bounce.storm_percent"]
        .map(|key| from.parsed(key, "per cent, from 1 to 100", percent));
    let like = "a time such as 30d";
    let [valid, soft_half_life] = ["bounce.valid", "bounce.soft_half_life"]
        .map(|key| from.parsed(key, like, |text| duration(text).filter(|d| !d.is_zero())));
    let tls = from.together(["bounce.tls_cert", "bounce.tls_key"]);
    let soft_limit = from.parsed("bounce.soft_limit", "a number from 0 to 1000", |text| {
        text.parse().ok().filter(|limit| *limit <= 1000)
    });
    let imap = from.parsed("bounce.imap", "a list of URLs", texts);
    let imap_done = from.text("bounce.imap_done");
    let [is_deleted, arrives]: [Option<bool>; 2] =
        ["bounce.imap_delete", "bounce.arrives"].map(|key| from.optional(key, "true or false"));
    let [listen, lmtp] =
        ["bounce.listen", "bounce.lmtp"].map(|key| from.optional(key, listen_like));
    is_deleted?;
    Some(Bounce {
        imap: imap?.into_iter().map(Secret).collect(),
        imap_done: imap_done.filter(|_| is_deleted == Some(false)),
        listen,
        lmtp,
        tls: tls.map(|paths| paths.map(PathBuf::from)),
        arrives: arrives?,
        valid: valid?,
        soft_limit: soft_limit?,
        soft_half_life: soft_half_life?,
        storm_percent: match storm_percent {
            [Some(first), Some(all)] => [first, all],
            _ => return None,
        },
    })
}

pub(super) fn webhook(from: &mut Reader<'_>) -> Option<Webhook> {
    let mut found = |words: &[&'static str], end: &str| -> Option<BTreeMap<&'static str, Secret>> {
        let mut secrets = BTreeMap::new();
        for word in words {
            let key = format!("webhook.{word}_{end}");
            if from.text(&key).is_some() {
                let like = "16 letters or more";
                let long = |text: &str| (text.len() >= 16).then(|| Secret(text.to_owned()));
                secrets.insert(*word, from.parsed(&key, like, long)?);
            }
        }
        Some(secrets)
    };
    let keys = found(&["sendgrid", "mailgun"], "key");
    let secrets = found(&["postmark", "sparkpost", "brevo", "mailjet"], "secret");
    let ses_topics = from.parsed("webhook.ses_topics", "a list of ARNs", texts);
    Some(Webhook {
        ses_topics: ses_topics?,
        keys: keys?,
        secrets: secrets?,
    })
}

/// `["one", "two"]`, as in a file; in the environment one alone may stand without brackets.
fn texts(list: &str) -> Option<Vec<String>> {
    if !list.starts_with('[') {
        return Some(vec![list.to_owned()]);
    }
    let table: toml::Table = format!("list = {list}").parse().ok()?;
    let texts = table.get("list")?.as_array()?.iter();
    texts.map(|text| text.as_str().map(str::to_owned)).collect()
}
