//! Settings of what goes out: its pace, its patience with the relay, its signatures.

use std::path::PathBuf;

use chrono::Duration;

use super::duration;
use super::reader::Reader;

/// How fast mail goes out; what is not set does not limit.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// Connections that one receiving domain may have.
    pub per_domain: Option<usize>,
    /// Mails.
    pub per_hour: Option<u64>,
    pub per_day: Option<u64>,
    /// Mails on the first day of sending, on the second, and so on.
    pub warm_up: Vec<u64>,
}

/// How long to wait for the relay, step by step.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the TCP connection, and for the TLS handshake.
    pub connect: Duration,
    /// For the greeting and each command.
    pub command: Duration,
    /// For the reply to a whole message.
    pub dot: Duration,
}

/// Whose signatures the mails bear, and where their keys are: one, or two.
#[derive(Clone, Debug)]
pub struct Dkim {
    pub domain: String,
    pub keys: Vec<DkimKey>,
}

/// Where a signature's key is, and the name of its DNS record.
#[derive(Clone, Debug)]
pub struct DkimKey {
    pub selector: String,
    pub key_file: PathBuf,
}

pub(super) fn pace(from: &mut Reader<'_>) -> Pace {
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number > 0);
    let like = "a number above 0";
    let list = |text: &str| {
        let numbers = text.trim_matches(['[', ']']).split(',');
        numbers.map(|word| number(word.trim())).collect()
    };
    Pace {
        per_domain: from.parsed("pace.per_domain", like, |text| {
            number(text)?.try_into().ok()
        }),
        per_hour: from.parsed("pace.per_hour", like, number),
        per_day: from.parsed("pace.per_day", like, number),
        warm_up: from
            .parsed(
                "pace.warm_up",
                "mails for each day, as in [200, 500, 1000, 2000, 5000]",
                list,
            )
            .unwrap_or_default(),
    }
}

pub(super) fn timeouts(from: &mut Reader<'_>) -> Option<Timeouts> {
    let keys = ["connect", "command", "dot"].map(|step| format!("smtp.{step}_timeout"));
    let [connect, command, dot] = keys.map(|key| {
        from.parsed(&key, "a time from 1s to 1h", |text| {
            duration(text).filter(|time| (1..=3600).contains(&time.num_seconds()))
        })
    });
    Some(Timeouts {
        connect: connect?,
        command: command?,
        dot: dot?,
    })
}

pub(super) fn dkim(from: &mut Reader<'_>) -> Option<Dkim> {
    let first = from.together(["dkim.domain", "dkim.selector", "dkim.key_file"]);
    let second = from.together(["dkim.second_selector", "dkim.second_key_file"]);
    let Some([domain, selector, key_file]) = first else {
        if second.is_some() {
            from.mistakes
                .push("dkim.second_selector wants dkim.selector and its like first".to_owned());
        }
        return None;
    };
    let key = |selector, key_file: String| DkimKey {
        selector,
        key_file: key_file.into(),
    };
    let first = key(selector, key_file);
    let second = second.map(|[selector, key_file]| key(selector, key_file));
    Some(Dkim {
        domain,
        keys: [first].into_iter().chain(second).collect(),
    })
}
