//! Subscriptions: what readers asked for, and the record that they did.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::archive;
use crate::config::OnNothing;
use crate::db::{Tx, on, row, word};
use crate::topic::Vocabulary;

word! {
    /// Where a subscription stands.
    pub enum State {
        /// Asked for, not yet confirmed: gets no digest.
        Pending = "pending",
        Active = "active",
        Ended = "ended",
    }
}

word! {
    /// How often a digest comes.
    pub enum Frequency {
        Monthly = "monthly",
        /// One round-up with the issue of March, June, September and December.
        Quarterly = "quarterly",
    }
}

word! {
    /// What a mail is made of.
    pub enum Format {
        /// HTML with a text part beside it.
        Html = "html",
        Text = "text",
    }
}

word! {
    /// The language of the frame around the summaries.
    pub enum Language {
        English = "en",
        French = "fr",
    }
}

word! {
    /// What a line of the consent record says.
    pub enum Act {
        Granted = "granted",
        Withdrawn = "withdrawn",
        Changed = "changed",
        Erased = "erased",
    }
}

/// Which topics and types of research; none of either means all of them. Never changed: other choices are another `Choice`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    topics: Vec<String>,
    research_types: Vec<String>,
}

impl Choice {
    /// Slugs in any order, with any repeats.
    pub fn new(mut topics: Vec<String>, mut research_types: Vec<String>) -> Choice {
        for slugs in [&mut topics, &mut research_types] {
            slugs.sort_unstable();
            slugs.dedup();
        }
        Choice {
            topics,
            research_types,
        }
    }

    /// In their alphabetical order, each once.
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    pub fn research_types(&self) -> &[String] {
        &self.research_types
    }

    /// Its topics and its types of research, as they are kept.
    pub fn as_json(&self) -> [String; 2] {
        [&self.topics, &self.research_types]
            .map(|slugs| serde_json::to_string(slugs).expect("texts are JSON"))
    }

    /// The same for the same choices, so that it is found without asking the database.
    pub fn id(&self) -> Uuid {
        let text = format!(
            "{}|{}",
            self.topics.join(";"),
            self.research_types.join(";")
        );
        Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes())
    }
}

row! {
    /// One line of the consent record.
    #[derive(Clone, Debug)]
    pub struct Consent {
        pub act: Act,
        pub at: DateTime<Utc>,
        pub source: String,
        /// What it was given to, where a page of ours asked for it (JSON).
        pub proof: Option<String>,
        /// The file that it came out of, where it was imported.
        pub file: Option<String>,
        /// SHA-256 of that file, in hexadecimal digits.
        pub file_sha256: Option<String>,
        /// Where it stood there; the heading is line 1.
        pub line: Option<i64>,
    }
}

/// Makes sure that these choices are kept: their ids, topics and types, the two as JSON.
///
/// Each database has its own cheapest way to take a list of texts.
pub async fn keep_choices(tx: &mut Tx, choices: &[(Uuid, [&str; 2])]) -> sqlx::Result<()> {
    const INSERT: &str = "INSERT INTO choice (id, topics, research_types)";
    const UNLESS_KEPT: &str = "ON CONFLICT (id) DO NOTHING";
    /// More in one statement cost SQLite much memory.
    const AT_A_TIME: usize = 100;
    match tx {
        Tx::Sqlite(tx) => {
            for choices in choices.chunks(AT_A_TIME) {
                let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new(INSERT);
                query.push_values(choices, |mut row, (id, [topics, types])| {
                    row.push_bind(*id).push_bind(*topics).push_bind(*types);
                });
                query.push(UNLESS_KEPT).build().execute(&mut **tx).await?;
            }
        }
        Tx::Postgres(tx) => {
            let ids: Vec<Uuid> = choices.iter().map(|(id, _)| *id).collect();
            let [topics, types] = [0, 1].map(|which| {
                let texts = choices.iter().map(|(_, texts)| texts[which]);
                texts.collect::<Vec<_>>()
            });
            let sql = format!(
                "{INSERT} SELECT id, CAST(topics AS jsonb), CAST(types AS jsonb) \
                 FROM unnest($1, $2, $3) AS new (id, topics, types) {UNLESS_KEPT}"
            );
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(ids)
                .bind(topics)
                .bind(types)
                .execute(&mut **tx)
                .await?;
        }
    }
    Ok(())
}

/// Adds a line to the consent record of an address.
pub async fn record(
    tx: &mut Tx,
    address_hash: &[u8],
    act: Act,
    source: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
        "INSERT INTO consent (address_hash, act, at, source, recorded_at) VALUES ($1, $2, $3, $4, $3)",
    )
    .bind(address_hash)
    .bind(act.as_str())
    .bind(now)
    .bind(source)
    .execute(conn)
    .await
    .map(drop)
    })
}

/// The same for a consent that was given on a page and confirmed by mail, with what proves it (JSON).
pub async fn record_consent(
    tx: &mut Tx,
    address_hash: &[u8],
    source: &str,
    proof: &serde_json::Value,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO consent (address_hash, act, at, source, recorded_at, proof) VALUES ($1, $2, $3, $4, $3, $5)",
        )
        .bind(address_hash)
        .bind(Act::Granted.as_str())
        .bind(now)
        .bind(source)
        .bind(proof.to_string())
        .execute(conn)
        .await
        .map(drop)
    })
}

/// The consent record of an address, oldest first.
pub async fn consents(tx: &mut Tx, address_hash: &[u8]) -> sqlx::Result<Vec<Consent>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT c.act, c.at, c.source, c.proof, f.name AS file, f.sha256 AS file_sha256, c.line FROM consent c \
             LEFT JOIN consent_file f ON f.id = c.file_id WHERE c.address_hash = $1 ORDER BY c.id",
        )
        .bind(address_hash)
        .fetch_all(conn)
        .await
    })
}

/// Records a file that consents come out of, and gives its number. `sha256` is in hexadecimal digits.
pub async fn record_file(
    tx: &mut Tx,
    name: &str,
    sha256: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    on!(tx, |conn| sqlx::query_scalar(
        "INSERT INTO consent_file (name, sha256, recorded_at) VALUES ($1, $2, $3) RETURNING id"
    )
    .bind(name)
    .bind(sha256)
    .bind(now)
    .fetch_one(conn)
    .await)
}

/// Forgets what the record says of an address that no reader has, where it was written before `before`; gives how many
/// lines that were. While a reader has the address, the database refuses.
pub async fn forget_consents(
    tx: &mut Tx,
    address_hash: &[u8],
    before: DateTime<Utc>,
) -> sqlx::Result<i64> {
    on!(tx, |conn| {
        sqlx::query(
            "DELETE FROM consent WHERE address_hash = $1 AND recorded_at < $2 \
             AND NOT EXISTS (SELECT 1 FROM subscriber s WHERE s.address_hash = $1)",
        )
        .bind(address_hash)
        .bind(before)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() as i64)
    })
}

/// What a reader changes on their preferences page.
#[derive(Clone, Debug)]
pub struct Preferences {
    pub choice: Choice,
    pub frequency: Frequency,
    pub format: Format,
    pub language: Language,
    pub on_nothing: Option<OnNothing>,
}

impl Preferences {
    /// Of who says nothing: everything each month, as HTML.
    pub fn usual(language: Language) -> Preferences {
        Preferences {
            choice: Choice::default(),
            frequency: Frequency::Monthly,
            format: Format::Html,
            language,
            on_nothing: None,
        }
    }
}

/// Sets what a reader chose alone.
pub async fn choose(tx: &mut Tx, subscriber: Uuid, choice: &Choice) -> sqlx::Result<()> {
    let [topics, types] = choice.as_json();
    keep_choices(tx, &[(choice.id(), [&topics, &types])]).await?;
    on!(tx, |conn| sqlx::query(
        "UPDATE subscriber SET choice_id = $2 WHERE id = $1"
    )
    .bind(subscriber)
    .bind(choice.id())
    .execute(conn)
    .await
    .map(drop))
}

/// Sets a reader's preferences; the next plan reads them.
pub async fn prefer(tx: &mut Tx, subscriber: Uuid, preferences: &Preferences) -> sqlx::Result<()> {
    let choice = &preferences.choice;
    let [topics, types] = choice.as_json();
    keep_choices(tx, &[(choice.id(), [&topics, &types])]).await?;
    on!(tx, |conn| {
        sqlx::query(
        "UPDATE subscriber SET choice_id = $2, frequency = $3, format = $4, language = $5, on_nothing = $6 WHERE id = $1",
    )
    .bind(subscriber)
    .bind(preferences.choice.id())
    .bind(preferences.frequency.as_str())
    .bind(preferences.format.as_str())
    .bind(preferences.language.as_str())
    .bind(preferences.on_nothing.map(OnNothing::as_str))
    .execute(conn)
    .await
    .map(drop)
    })
}

/// Ends a subscription; `false` when it had ended before.
pub async fn end(tx: &mut Tx, subscriber: Uuid) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query(
        "UPDATE subscriber SET state = 'ended' WHERE id = $1 AND state <> 'ended'"
    )
    .bind(subscriber)
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1))
}

/// Takes up a subscription that has ended; `false` when it had not.
pub async fn take_up(tx: &mut Tx, subscriber: Uuid) -> sqlx::Result<bool> {
    on!(tx, |conn| {
        sqlx::query(
        "UPDATE subscriber SET state = 'active', paused_until = NULL, consent_until = NULL, reminded_at = NULL \
         WHERE id = $1 AND state = 'ended'"
    )
    .bind(subscriber)
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1)
    })
}

/// Begins a subscription, anew or for the first time.
pub async fn begin(tx: &mut Tx, subscriber: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
        "UPDATE subscriber SET state = 'active', since = $2, paused_until = NULL, consent_until = NULL, reminded_at = NULL WHERE id = $1"
    )
    .bind(subscriber)
    .bind(now)
    .execute(conn)
    .await
    .map(drop)
    })
}

/// Lets a subscription rest until then; `None` takes it up again at once.
pub async fn pause(
    tx: &mut Tx,
    subscriber: Uuid,
    until: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE subscriber SET paused_until = $2 WHERE id = $1"
    )
    .bind(subscriber)
    .bind(until)
    .execute(conn)
    .await
    .map(drop))
}

/// Makes of an implied consent one in so many words: it runs out no more.
pub async fn make_express(tx: &mut Tx, subscriber: Uuid) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE subscriber SET consent_until = NULL, reminded_at = NULL WHERE id = $1"
    )
    .bind(subscriber)
    .execute(conn)
    .await
    .map(drop))
}

/// When the consent of an address was last withdrawn, if it ever was.
pub async fn withdrawn_at(tx: &mut Tx, address_hash: &[u8]) -> sqlx::Result<Option<DateTime<Utc>>> {
    on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT at FROM consent WHERE address_hash = $1 AND act = 'withdrawn' ORDER BY id DESC LIMIT 1",
        )
        .bind(address_hash)
        .fetch_optional(conn)
        .await
    })
}

/// How many active subscribers chose what: (topics, number), one row for each distinct choice.
pub async fn chosen(tx: &mut Tx) -> sqlx::Result<Vec<(Json<Vec<String>>, i64)>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT c.topics, count(*) FROM subscriber s JOIN choice c ON c.id = s.choice_id \
         WHERE s.state = 'active' GROUP BY c.id, c.topics",
    )
    .fetch_all(conn)
    .await)
}

/// A topic as commands and the API show it.
#[derive(Debug, Serialize)]
pub struct ListedTopic {
    pub slug: String,
    pub name: String,
    pub aliases: Vec<String>,
    pub description: String,
    pub summaries: i64,
    /// Who chose it; who gets every topic is not counted.
    pub subscribers: i64,
}

/// Every topic, in the vocabulary's order.
pub async fn topics(tx: &mut Tx, vocabulary: &Vocabulary) -> sqlx::Result<Vec<ListedTopic>> {
    let summaries: HashMap<String, i64> = archive::topic_counts(tx).await?.into_iter().collect();
    let mut subscribers: HashMap<String, i64> = HashMap::new();
    for (topics, count) in chosen(tx).await? {
        for topic in topics.0 {
            *subscribers.entry(topic).or_default() += count;
        }
    }
    let topics = vocabulary.topics.iter().map(|topic| ListedTopic {
        slug: topic.slug.clone(),
        name: topic.name.clone(),
        aliases: topic.aliases.clone(),
        description: topic.description.clone(),
        summaries: summaries.get(&topic.slug).copied().unwrap_or(0),
        subscribers: subscribers.get(&topic.slug).copied().unwrap_or(0),
    });
    Ok(topics.collect())
}
