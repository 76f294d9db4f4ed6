//! Everything that we hold about one reader, for them to take along.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use super::staying;
use crate::cell;
use crate::content::Selection;
use crate::db::{Tx, on, row};
use crate::letter;
use crate::record::{self, Reading};
use crate::request;
use crate::returned::{self, Returned, kept};
use crate::secret::Keys;
use crate::subscriber::{Address, Subscriber};
use crate::suppression::{self, Released};

/// All of it, table by table: what a new table has of a reader is to be added here.
#[derive(Debug, Serialize)]
pub struct Held {
    subscriber: Value,
    suppression: Vec<Suppressed>,
    consents: Vec<Consented>,
    digests: Vec<Delivery>,
    letters: Vec<Delivery>,
    requests: Vec<Asked>,
    returned: Vec<Returned>,
    released: Vec<Released>,
    /// Who of the operator's people looked at this reader.
    readings: Vec<Reading>,
    /// What other programs are to be told of this reader.
    told: Vec<Told>,
    /// What they wrote to an address of ours: the lines of each mail.
    mails: Vec<Vec<String>>,
}

row! {
    #[derive(Debug, Serialize)]
    pub struct Suppressed {
        pub reason: String,
        pub note: String,
        pub since: DateTime<Utc>,
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct Consented {
        pub act: String,
        pub at: DateTime<Utc>,
        pub source: String,
        pub recorded_at: DateTime<Utc>,
        /// What proves it (JSON).
        pub proof: Option<String>,
        /// The file that it came out of, where it was imported, and the line there.
        pub file: Option<String>,
        pub file_sha256: Option<String>,
        pub line: Option<i64>,
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct Told {
        pub event: String,
        pub at: DateTime<Utc>,
        pub url: String,
        pub with_address: bool,
    }
}

/// A message that was made for the reader, and what it holds.
#[derive(Debug, Serialize)]
pub struct Delivery {
    #[serde(flatten)]
    row: Delivered,
    holds: Value,
}

row! {
    #[derive(Debug, Serialize)]
    pub struct Delivered {
        pub id: i64,
        #[serde(skip)]
        pub campaign_id: i64,
        /// `None` for a letter.
        pub month: Option<String>,
        #[serde(skip)]
        pub content: String,
        pub state: String,
        pub attempts: i64,
        pub first_tried_at: Option<DateTime<Utc>>,
        pub due_at: Option<DateTime<Utc>>,
        pub changed_at: DateTime<Utc>,
        /// The mail server's last words.
        pub reply: Option<String>,
    }
}

row! {
    #[derive(Debug, Serialize)]
    pub struct Asked {
        pub kind: String,
        pub asked_at: DateTime<Utc>,
        pub seen_at: Option<DateTime<Utc>>,
        pub used_at: Option<DateTime<Utc>>,
        pub address: String,
        pub form: Option<Json<Value>>,
    }
}

/// Reads everything that names this reader, by their id, their address's hash, or their mailbox's.
pub async fn held(tx: &mut Tx, keys: &Keys, reader: &Subscriber) -> sqlx::Result<Held> {
    let titles = titles(tx, reader.id).await?;
    let deliveries = deliveries(tx, reader.id).await?.into_iter();
    let with_content = deliveries.map(|row| Delivery {
        holds: holds(&row, &titles),
        row,
    });
    let (letters, digests) =
        with_content.partition(|delivery| delivery.row.campaign_id == letter::CAMPAIGN);
    Ok(Held {
        subscriber: of(reader, staying::asked_at(tx, reader.id).await?),
        suppression: suppressions(tx, &reader.address_hash).await?,
        consents: consents(tx, &reader.address_hash).await?,
        digests,
        letters,
        requests: requests(tx, keys, reader).await?,
        returned: returned::of_reader(tx, reader.id).await?,
        released: suppression::releases(tx, &reader.address_hash).await?,
        readings: record::of_reader(tx, reader.id).await?,
        told: told(tx, reader.id).await?,
        mails: kept::of_reader(tx, reader.id, &reader.address_hash).await?,
    })
}

impl Held {
    /// As CSV: a line for each single thing, with the table, the number of its row, and the field that it stands in.
    pub fn csv(&self) -> String {
        let mut csv = cell::writer(Vec::new());
        let whole = serde_json::to_value(self).expect("texts, numbers and times are JSON");
        let mut lines = vec![["table", "row", "field", "value"].map(str::to_owned)];
        for (table, rows) in whole.as_object().into_iter().flatten() {
            let rows = rows
                .as_array()
                .map_or(std::slice::from_ref(rows), Vec::as_slice);
            for (number, row) in (1..).zip(rows) {
                flatten(row, &mut String::new(), &mut |field, value| {
                    lines.push([table.clone(), number.to_string(), field.to_owned(), value]);
                });
            }
        }
        for line in &lines {
            let fields = line.each_ref().map(|field| cell::not_a_formula(field));
            csv.write_record(fields.iter().map(|field| field.as_bytes()))
                .expect("memory can be written to");
        }
        let written = csv.into_inner().expect("memory can be written to");
        String::from_utf8(written).expect("it was made of texts")
    }
}

/// Tells each single thing within `value` by the path that leads there: `form.topics.1`.
fn flatten(value: &Value, path: &mut String, tell: &mut impl FnMut(&str, String)) {
    let mut within = |name: &str, value: &Value| {
        let length = path.len();
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        flatten(value, path, tell);
        path.truncate(length);
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                within(name, value);
            }
        }
        Value::Array(items) => {
            for (number, item) in (1..).zip(items) {
                within(&i32::to_string(&number), item);
            }
        }
        Value::Null => tell(path, String::new()),
        Value::String(text) => tell(path, text.clone()),
        other => tell(path, other.to_string()),
    }
}

fn of(reader: &Subscriber, reminded_at: Option<DateTime<Utc>>) -> Value {
    json!({
        "id": reader.id,
        "address": reader.address,
        "address_hash": HEXLOWER.encode(&reader.address_hash),
        "name": reader.name,
        "state": reader.state,
        "topics": reader.topics.0,
        "research_types": reader.research_types.0,
        "frequency": reader.frequency,
        "format": reader.format,
        "language": reader.language,
        "time_zone": reader.time_zone,
        "on_nothing": reader.on_nothing,
        "since": reader.since,
        "paused_until": reader.paused_until,
        "consent_until": reader.consent_until,
        "reminded_at": reminded_at,
    })
}

/// What a letter says, or which summaries a digest has in full.
fn holds(row: &Delivered, titles: &HashMap<(i64, i64), String>) -> Value {
    if row.campaign_id == letter::CAMPAIGN {
        return serde_json::from_str(&row.content).unwrap_or_default();
    }
    let selection: Option<Selection> = row.content.parse().ok();
    let positions = selection.map_or(Vec::new(), |selection| selection.full);
    let titles = positions
        .iter()
        .filter_map(|position| titles.get(&(row.campaign_id, *position as i64)));
    Value::from_iter(titles.cloned())
}

async fn suppressions(tx: &mut Tx, address_hash: &[u8]) -> sqlx::Result<Vec<Suppressed>> {
    on!(tx, |conn| sqlx::query_as(
        "SELECT reason, note, since FROM suppression WHERE address_hash = $1"
    )
    .bind(address_hash)
    .fetch_all(conn)
    .await)
}

async fn consents(tx: &mut Tx, address_hash: &[u8]) -> sqlx::Result<Vec<Consented>> {
    on!(tx, |conn| {
        sqlx::query_as(
        "SELECT c.act, c.at, c.source, c.recorded_at, c.proof, f.name AS file, f.sha256 AS file_sha256, c.line \
         FROM consent c LEFT JOIN consent_file f ON f.id = c.file_id WHERE c.address_hash = $1 ORDER BY c.id"
    )
    .bind(address_hash)
    .fetch_all(conn)
    .await
    })
}

async fn told(tx: &mut Tx, reader: Uuid) -> sqlx::Result<Vec<Told>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT e.event, e.at, h.url, h.with_address FROM hook_event e JOIN hook h ON h.id = e.hook_id \
             WHERE e.subscriber_id = $1 ORDER BY e.id",
        )
        .bind(reader)
        .fetch_all(conn)
        .await
    })
}

/// Digests and letters, the newest last.
async fn deliveries(tx: &mut Tx, reader: Uuid) -> sqlx::Result<Vec<Delivered>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT d.id, d.campaign_id, i.month, d.content, d.state, d.attempts, d.first_tried_at, d.due_at, \
             d.changed_at, d.reply FROM delivery d JOIN campaign c ON c.id = d.campaign_id \
             LEFT JOIN issue i ON i.id = c.issue_id WHERE d.subscriber_id = $1 ORDER BY d.id",
        )
        .bind(reader)
        .fetch_all(conn)
        .await
    })
}

/// The titles that the reader's digests chose from, by campaign and position.
async fn titles(tx: &mut Tx, reader: Uuid) -> sqlx::Result<HashMap<(i64, i64), String>> {
    let rows: Vec<(i64, i64, String)> = on!(tx, |conn| {
        sqlx::query_as(
            "SELECT l.campaign_id, l.position, s.title FROM campaign_summary l JOIN summary s ON s.id = l.summary_id \
             WHERE l.campaign_id IN (SELECT campaign_id FROM delivery WHERE subscriber_id = $1)",
        )
        .bind(reader)
        .fetch_all(conn)
        .await
    })?;
    let titles = rows.into_iter();
    Ok(titles
        .map(|(campaign, position, title)| ((campaign, position), title))
        .collect())
}

/// What was asked for by the reader, or about their mailbox; but not what another reader filled in.
async fn requests(tx: &mut Tx, keys: &Keys, reader: &Subscriber) -> sqlx::Result<Vec<Asked>> {
    let address = Address::parse(&reader.address);
    let mailbox = address.map(|address| request::mailbox_hash(&address, keys).to_vec());
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT kind, asked_at, seen_at, used_at, \
             CASE WHEN subscriber_id = $1 OR subscriber_id IS NULL THEN address ELSE '' END AS address, \
             CASE WHEN subscriber_id = $1 OR subscriber_id IS NULL THEN form END AS form \
             FROM request WHERE subscriber_id = $1 OR mailbox_hash = $2 ORDER BY asked_at, id",
        )
        .bind(reader.id)
        .bind(mailbox.unwrap_or_default())
        .fetch_all(conn)
        .await
    })
}
