//! What only the network knows: whether links answer, and what the DNS says of the sender's domain. Everything has a
//! deadline, and nothing inside our own network is asked.

mod dns;
mod links;

use std::net::SocketAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use sqlx::types::Json;

use super::{Check, Finding, Level};
use crate::db::{Tx, on};
use crate::issue::Month;

pub use self::dns::{Asking, DnsError, servers};
pub use self::links::Answer;

/// For all of it together.
const PATIENCE: Duration = Duration::from_secs(20);

/// Links that are asked at a time, and at most.
const AT_A_TIME: usize = 4;
const MOST_LINKS: usize = 40;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Addresses that mails lead to.
    pub links: Vec<String>,
    /// The domain of the sender's address.
    pub from: Option<String>,
    /// The domain of the return paths.
    pub bounce: Option<String>,
    /// The records that our signatures need: name and content.
    pub keys: Vec<(String, String)>,
}

/// What was found, and when.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: DateTime<Utc>,
    pub found: Vec<Finding>,
}

/// Asks everything, in bounded time: what could not be asked is a warning that says so.
pub async fn ask(question: &Question, dns: &Asking) -> Vec<Finding> {
    let until = tokio::time::Instant::now() + PATIENCE;
    let links = links_answer(&question.links, until);
    let records = records(question, dns, until);
    let (links, mut found) = tokio::join!(links, records);
    found.insert(0, links);
    found
}

/// Keeps what was found for a month, in the place of what was found before.
pub async fn keep(
    tx: &mut Tx,
    month: Month,
    found: &[Finding],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO asked_network (month, at, found) VALUES ($1, $2, $3) \
             ON CONFLICT (month) DO UPDATE SET at = excluded.at, found = excluded.found",
        )
        .bind(month.to_string())
        .bind(now)
        .bind(Json(found))
        .execute(conn)
        .await
        .map(drop)
    })
}

/// What was found for a month when it was asked last.
pub async fn kept(tx: &mut Tx, month: Month) -> sqlx::Result<Option<Asked>> {
    let found: Option<(DateTime<Utc>, Json<Vec<Finding>>)> = on!(tx, |conn| sqlx::query_as(
        "SELECT at, found FROM asked_network WHERE month = $1"
    )
    .bind(month.to_string())
    .fetch_optional(conn)
    .await)?;
    Ok(found.map(|(at, Json(found))| Asked { at, found }))
}

async fn links_answer(links: &[String], until: tokio::time::Instant) -> Finding {
    let asked = links.iter().take(MOST_LINKS).cloned();
    let asked = asked.map(|link| async move {
        let answer = tokio::time::timeout_at(until, links::ask(&link)).await;
        (link, answer.unwrap_or(Answer::Silent))
    });
    let answers: Vec<(String, Answer)> = futures_util::stream::iter(asked)
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    let mut bad: Vec<String> = answers
        .into_iter()
        .filter(|(_, answer)| *answer != Answer::There)
        .map(|(link, answer)| format!("{link} ({answer})"))
        .collect();
    bad.sort();
    Finding::warn_of(Check::LinksAnswer, bad)
}

async fn records(question: &Question, dns: &Asking, until: tokio::time::Instant) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, wanted) in &question.keys {
        found.push(dkim(name, wanted, &texts(dns, name, until).await));
    }
    if let Some(domain) = &question.bounce {
        found.push(spf(domain, &texts(dns, domain, until).await));
    }
    if let Some(domain) = &question.from {
        let mut answers = Vec::new();
        for name in policies(domain) {
            answers.push(texts(dns, &name, until).await);
        }
        found.push(dmarc(domain, &answers));
    }
    found
}

async fn texts(dns: &Asking, name: &str, until: tokio::time::Instant) -> Texts {
    let asked = tokio::time::timeout_at(until, dns.texts(name)).await;
    asked.unwrap_or(Err(DnsError::Silent))
}

/// Where the policy of a domain may stand: at itself, or at a domain above it, up to the one below a top level (RFC 9989
/// asks each in turn).
fn policies(domain: &str) -> Vec<String> {
    const MOST: usize = 5;
    let mut names = Vec::new();
    let mut name = domain;
    while name.contains('.') && names.len() < MOST {
        names.push(format!("_dmarc.{name}"));
        name = name.split_once('.').map_or("", |(_, above)| above);
    }
    names
}

type Texts = Result<Vec<String>, DnsError>;

fn finding(check: Check, level: Level, name: &str, said: impl ToString) -> Finding {
    Finding::new(check, level, vec![name.to_owned(), said.to_string()])
}

/// The key must be the one that signs (RFC 6376 section 3.6.1).
fn dkim(name: &str, wanted: &str, answer: &Texts) -> Finding {
    let texts = match answer {
        Ok(texts) => texts,
        Err(error) => return finding(Check::Dkim, Level::Warn, name, error),
    };
    let key = |record: &str| tag(record, "p");
    let is_ours = texts
        .iter()
        .any(|text| key(text) == key(wanted) && key(text).is_some());
    match (is_ours, texts.first()) {
        (true, _) => finding(Check::Dkim, Level::Pass, name, ""),
        (false, Some(_)) => finding(Check::Dkim, Level::Block, name, "another key"),
        (false, None) => finding(Check::Dkim, Level::Block, name, "no record"),
    }
}

/// RFC 7208: exactly one record, that does not let everybody in.
fn spf(domain: &str, answer: &Texts) -> Finding {
    let texts = match answer {
        Ok(texts) => texts,
        Err(error) => return finding(Check::Spf, Level::Warn, domain, error),
    };
    let is_spf = |text: &&String| *text == "v=spf1" || text.starts_with("v=spf1 ");
    let records: Vec<&String> = texts.iter().filter(is_spf).collect();
    match records.as_slice() {
        [] => finding(Check::Spf, Level::Warn, domain, "no record"),
        [one] if one.split(' ').any(|term| matches!(term, "+all" | "all")) => {
            finding(Check::Spf, Level::Warn, domain, "+all")
        }
        [_] => finding(Check::Spf, Level::Pass, domain, ""),
        _ => finding(Check::Spf, Level::Warn, domain, "two records"),
    }
}

/// The first policy that is found counts.
fn dmarc(domain: &str, answers: &[Texts]) -> Finding {
    for answer in answers {
        let texts = match answer {
            Ok(texts) => texts,
            Err(error) => return finding(Check::Dmarc, Level::Warn, domain, error),
        };
        if let Some(record) = texts.iter().find(|text| text.starts_with("v=DMARC1")) {
            let policy = tag(record, "p").unwrap_or_default();
            return finding(Check::Dmarc, Level::Pass, domain, format!("p={policy}"));
        }
    }
    finding(Check::Dmarc, Level::Warn, domain, "no record")
}

/// The value of a tag in a record such as `v=DKIM1; k=rsa; p=MIIB…`, without white space.
fn tag(record: &str, name: &str) -> Option<String> {
    let mut tags = record.split(';').filter_map(|tag| tag.split_once('='));
    let (_, value) = tags.find(|(key, _)| key.trim() == name)?;
    let value: String = value.split_whitespace().collect();
    (!value.is_empty()).then_some(value)
}

/// The name servers of this machine.
pub fn of_this_machine() -> Vec<SocketAddr> {
    let listed = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    servers(&listed)
}

/// A number that nobody can guess, for a question.
pub fn number() -> u16 {
    let random: [u8; 2] = crate::secret::random();
    u16::from_be_bytes(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(texts: &[&str]) -> Texts {
        Ok(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn a_record_is_held_against_what_signs() {
        let wanted = "v=DKIM1; k=rsa; p=ABC";
        let level = |texts: &Texts| dkim("s._domainkey.a.example", wanted, texts).level;
        assert_eq!(level(&said(&["v=DKIM1; p=A BC"])), Level::Pass);
        assert_eq!(level(&said(&["v=DKIM1; p=XYZ"])), Level::Block);
        assert_eq!(level(&said(&["v=DKIM1; p="])), Level::Block);
        assert_eq!(level(&said(&[])), Level::Block);
        assert_eq!(level(&Err(DnsError::Silent)), Level::Warn);
    }

    #[test]
    fn an_spf_record_that_lets_everybody_in_is_none() {
        let level = |texts: &[&str]| spf("a.example", &said(texts)).level;
        assert_eq!(level(&["other", "v=spf1 mx -all"]), Level::Pass);
        for bad in [
            &["v=spf1 +all"][..],
            &["v=spf1 a", "v=spf1 mx"],
            &["v=spf10"],
            &[],
        ] {
            assert_eq!(level(bad), Level::Warn, "{bad:?}");
        }
    }

    #[test]
    fn a_policy_of_the_domain_above_counts() {
        let names = ["_dmarc.news.a.example", "_dmarc.a.example"];
        assert_eq!(policies("news.a.example"), names);
        let answers = [said(&["v=spf1"]), said(&["v=DMARC1; p=reject"])];
        let found = dmarc("news.a.example", &answers);
        assert_eq!(
            (found.level, found.about[1].as_str()),
            (Level::Pass, "p=reject")
        );
        assert_eq!(dmarc("a.example", &answers[..1]).level, Level::Warn);
    }
}
