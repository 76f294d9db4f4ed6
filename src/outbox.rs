//! What other programs are told: hooks, each an address that listens, and the events that wait to be told to it. An event
//! is written in the transaction in which it happens, and told afterwards (`teller`).

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::db::{Tx, on, row, word};
use crate::secret::{Keys, random};

word! {
    /// What happens, and hooks can be told.
    pub enum Event {
        /// Somebody became a reader, or came back; not by an import.
        Subscribed = "subscribed",
        Unsubscribed = "unsubscribed",
        /// A mail came back, and their address gets no mail any more.
        Bounced = "bounced",
        CampaignFinished = "campaign_finished",
        /// The button on the hook's page.
        Test = "test",
    }
}

row! {
    /// An address that listens.
    #[derive(Clone, Serialize)]
    pub struct Hook {
        pub id: Uuid,
        pub url: String,
        /// Words with spaces between them.
        pub events: String,
        /// Whether it is told readers' addresses.
        pub with_address: bool,
        /// Sealed.
        #[serde(skip)]
        pub secret: Vec<u8>,
        pub made_by: String,
        pub made_at: DateTime<Utc>,
        pub ended_at: Option<DateTime<Utc>>,
    }
}

row! {
    /// Something that a hook is told, or was.
    #[derive(Clone, Debug)]
    pub struct Told {
        pub id: i64,
        pub event: Event,
        pub at: DateTime<Utc>,
        /// Until they are erased, or it has been told.
        pub subscriber_id: Option<Uuid>,
        /// The month of the campaign that it is about.
        pub campaign: Option<String>,
        pub attempts: i64,
        pub due_at: Option<DateTime<Utc>>,
        pub answer: Option<String>,
        pub answered_at: Option<DateTime<Utc>>,
        pub is_taken: bool,
    }
}

/// A hook to be.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub id: Uuid,
    pub url: &'a str,
    pub events: &'a [Event],
    pub with_address: bool,
    pub made_by: &'a str,
}

/// Events that a hook can choose.
pub const EVENTS: [Event; 4] = [
    Event::Subscribed,
    Event::Unsubscribed,
    Event::Bounced,
    Event::CampaignFinished,
];

/// Longest address of a hook, in characters.
pub const LONGEST_URL: usize = 500;

/// Under this label the secret of a hook is sealed.
const SECRET: &str = "hook";

/// How long it is kept what was told, for the page.
const KEEP: Duration = Duration::days(30);

const HOOKS: &str =
    "SELECT id, url, events, with_address, secret, made_by, made_at, ended_at FROM hook";

const TOLD: &str = "SELECT id, event, at, subscriber_id, campaign, attempts, due_at, answer, answered_at, is_taken \
     FROM hook_event";

impl Hook {
    pub fn events(&self) -> Vec<Event> {
        let words = self.events.split(' ');
        words.filter_map(|word| word.parse().ok()).collect()
    }

    /// The key of its signatures; `None` where the key file is another one than when it was made.
    pub fn key(&self, keys: &Keys) -> Option<Vec<u8>> {
        keys.open_sealed(SECRET, &self.secret)
    }
}

/// Makes a hook, and gives its secret as Standard Webhooks writes it: it is shown this once.
pub async fn add(
    tx: &mut Tx,
    keys: &Keys,
    new: &New<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<String> {
    let secret: [u8; 32] = random();
    let events: Vec<&str> = new.events.iter().map(|event| event.as_str()).collect();
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO hook (id, url, events, with_address, secret, made_by, made_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(new.id)
        .bind(new.url)
        .bind(events.join(" "))
        .bind(new.with_address)
        .bind(keys.seal(SECRET, &secret))
        .bind(new.made_by)
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
    })?;
    let secret = data_encoding::BASE64.encode(&secret);
    Ok(format!("whsec_{secret}"))
}

/// Hooks that have not ended, the oldest first.
pub async fn hooks(tx: &mut Tx) -> sqlx::Result<Vec<Hook>> {
    let sql = format!("{HOOKS} WHERE ended_at IS NULL ORDER BY made_at, id");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(conn)
        .await)
}

/// A hook that has not ended.
pub async fn hook(tx: &mut Tx, id: Uuid) -> sqlx::Result<Option<Hook>> {
    let sql = format!("{HOOKS} WHERE id = $1 AND ended_at IS NULL");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .fetch_optional(conn)
        .await)
}

/// Ends a hook, with what waits for it.
pub async fn end(tx: &mut Tx, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(&mut *tx, |conn| sqlx::query(
        "DELETE FROM hook_event WHERE hook_id = $1"
    )
    .bind(id)
    .execute(conn)
    .await
    .map(drop))?;
    on!(tx, |conn| sqlx::query(
        "UPDATE hook SET ended_at = $2 WHERE id = $1"
    )
    .bind(id)
    .bind(now)
    .execute(conn)
    .await
    .map(drop))
}

/// Writes down that something happened to the reader of an address, for each hook that is told such things.
pub async fn tell(
    tx: &mut Tx,
    event: Event,
    address_hash: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO hook_event (hook_id, event, at, subscriber_id, due_at, is_taken) \
             SELECT h.id, $1, $2, s.id, $2, $3 FROM hook h JOIN subscriber s ON s.address_hash = $4 \
             WHERE h.ended_at IS NULL AND ' ' || h.events || ' ' LIKE '% ' || $1 || ' %'",
        )
        .bind(event.as_str())
        .bind(now)
        .bind(false)
        .bind(address_hash)
        .execute(conn)
        .await
        .map(drop)
    })
}

/// The same for one hook and nobody, as a test.
pub async fn test(tx: &mut Tx, hook: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO hook_event (hook_id, event, at, due_at, is_taken) VALUES ($1, $2, $3, $3, $4)",
        )
        .bind(hook)
        .bind(Event::Test.as_str())
        .bind(now)
        .bind(false)
        .execute(conn)
        .await
        .map(drop)
    })
}

/// Writes down that a campaign has come to its end: once, for each hook that is told such things.
pub async fn campaign_finished(
    tx: &mut Tx,
    campaign: i64,
    month: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let is_new = on!(&mut *tx, |conn| sqlx::query(
        "INSERT INTO hook_campaign (campaign_id) VALUES ($1) ON CONFLICT DO NOTHING"
    )
    .bind(campaign)
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1))?;
    if !is_new {
        return Ok(());
    }
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO hook_event (hook_id, event, at, campaign, due_at, is_taken) \
             SELECT h.id, $1, $2, $3, $2, $4 FROM hook h \
             WHERE h.ended_at IS NULL AND ' ' || h.events || ' ' LIKE '% ' || $1 || ' %'",
        )
        .bind(Event::CampaignFinished.as_str())
        .bind(now)
        .bind(month)
        .bind(false)
        .execute(conn)
        .await
        .map(drop)
    })
}

/// Campaigns, with their months, whose end has not been noticed yet.
pub async fn unfinished(tx: &mut Tx) -> sqlx::Result<Vec<(i64, String)>> {
    on!(tx, |conn| {
        sqlx::query_as(
            "SELECT c.id, i.month FROM campaign c JOIN issue i ON i.id = c.issue_id WHERE c.state = 'running' \
             AND NOT EXISTS (SELECT 1 FROM hook_campaign k WHERE k.campaign_id = c.id) ORDER BY c.id",
        )
        .fetch_all(conn)
        .await
    })
}

/// What a hook is to be told next, if it is due: later ones wait behind it, so that they come in order.
pub async fn next(tx: &mut Tx, hook: Uuid, now: DateTime<Utc>) -> sqlx::Result<Option<Told>> {
    let sql = format!("{TOLD} WHERE hook_id = $1 AND due_at IS NOT NULL ORDER BY id LIMIT 1");
    let first: Option<Told> = on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(hook)
        .fetch_optional(conn)
        .await)?;
    Ok(first.filter(|told| told.due_at.is_some_and(|due| due <= now)))
}

/// Takes it to be told, until `until`; `false` when somebody else has.
pub async fn claim(tx: &mut Tx, told: &Told, until: DateTime<Utc>) -> sqlx::Result<bool> {
    on!(tx, |conn| sqlx::query(
        "UPDATE hook_event SET due_at = $3, attempts = attempts + 1 WHERE id = $1 AND due_at = $2"
    )
    .bind(told.id)
    .bind(told.due_at)
    .bind(until)
    .execute(conn)
    .await
    .map(|done| done.rows_affected() == 1))
}

/// Writes down what came of it. With no `again` it has come to its end, and names nobody any more.
pub async fn answered(
    tx: &mut Tx,
    id: i64,
    (answer, is_taken): (&str, bool),
    again: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "UPDATE hook_event SET answer = $2, is_taken = $3, due_at = $4, answered_at = $5, \
             subscriber_id = CASE WHEN $6 THEN subscriber_id END WHERE id = $1",
        )
        .bind(id)
        .bind(answer)
        .bind(is_taken)
        .bind(again)
        .bind(now)
        .bind(again.is_some())
        .execute(conn)
        .await
        .map(drop)
    })
}

/// What a hook was told lately and is to be told, the newest first.
pub async fn newest(tx: &mut Tx, hook: Uuid, limit: i64) -> sqlx::Result<Vec<Told>> {
    let sql = format!("{TOLD} WHERE hook_id = $1 ORDER BY id DESC LIMIT $2");
    on!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(hook)
        .bind(limit)
        .fetch_all(conn)
        .await)
}

/// How much waits for a hook, counted no further than `most`.
pub async fn waiting(tx: &mut Tx, hook: Uuid, most: i64) -> sqlx::Result<i64> {
    on!(tx, |conn| {
        sqlx::query_scalar(
            "SELECT count(*) FROM (SELECT 1 FROM hook_event WHERE hook_id = $1 AND due_at IS NOT NULL LIMIT $2) w",
        )
        .bind(hook)
        .bind(most)
        .fetch_one(conn)
        .await
    })
}

/// Takes an erased reader out of everything.
pub async fn forget_reader(tx: &mut Tx, reader: Uuid) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "UPDATE hook_event SET subscriber_id = NULL WHERE subscriber_id = $1"
    )
    .bind(reader)
    .execute(conn)
    .await
    .map(drop))
}

/// Forgets what was told long ago.
pub async fn tidy(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(
        "DELETE FROM hook_event WHERE due_at IS NULL AND answered_at < $1"
    )
    .bind(now - KEEP)
    .execute(conn)
    .await
    .map(drop))
}

/// What records have of a hook's address: its path may hold a secret.
pub fn host(url: &str) -> &str {
    let rest = url.strip_prefix("https://").unwrap_or(url);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}
