//! A round with the database: what became of some deliveries is written down and others are claimed, for all connections
//! together, in one transaction and one trip.
//!
//! A trip is what costs: on SQLite two switches between threads, on PostgreSQL two between processes. So a round is one
//! text of several statements on SQLite, and one statement made of several on PostgreSQL.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Row, SqliteConnection};

use super::settled::Settled;
use crate::bounce::{Class, Kind};
use crate::campaign::DeliveryState;
use crate::config::OnUnknown;
use crate::db::{Db, Rows, Tx, row};
use crate::letter::{self, Letter};
use crate::outbox::Event;
use crate::returned::{Did, Way};
use crate::subscriber::Subscriber;
use crate::subscription::State;
use crate::suppression::Reason;

/// A claimed delivery with its reader.
#[derive(Clone)]
pub struct Claimed {
    pub delivery: Due,
    pub subscriber: Subscriber,
}

row! {
    /// A delivery whose time had come.
    #[derive(Clone, Debug)]
    pub struct Due {
        pub id: i64 = "delivery_id",
        pub campaign_id: i64,
        pub content: String,
        /// This one included.
        pub attempts: i64,
        pub on_unknown: OnUnknown,
        /// Its life counts from here.
        pub first_tried_at: Option<DateTime<Utc>>,
        /// Where it stood before it was claimed.
        pub before: DeliveryState,
        /// Its reader's address must not be written to.
        pub suppressed: bool,
    }
}

impl Due {
    /// The letter that it is; `None` for a digest.
    pub fn letter(&self) -> Option<Letter> {
        let is_letter = self.campaign_id == letter::CAMPAIGN;
        is_letter.then(|| Letter::of(&self.content)).flatten()
    }
}

/// What a sender brings to a round, and what it asks for.
pub struct Round<'a> {
    pub sender: i64,
    pub settled: &'a [Settled],
    /// The campaign to claim from.
    pub campaign: i64,
    /// How many deliveries are claimed at most, the longest due first.
    pub wanted: usize,
    pub now: DateTime<Utc>,
}

/// What a round came to.
#[derive(Default)]
pub struct Done {
    /// Whether the sender is still known (PostgreSQL); if not, nothing was done.
    pub counts: bool,
    /// How many of `settled` were written down: a sender that lost a claim changes nothing of it.
    pub written: usize,
    pub claimed: Vec<Claimed>,
}

impl Claimed {
    /// Whether its reader may be written to, as it stood when it was claimed. A letter is for whoever asked for it, be
    /// they subscribed or not.
    pub fn may_be_offered(&self) -> bool {
        match self.delivery.letter() {
            Some(letter) => letter.asks_for_consent() || !self.delivery.suppressed,
            None => self.subscriber.state == State::Active && !self.delivery.suppressed,
        }
    }

    fn at(mut self, now: DateTime<Utc>) -> Claimed {
        self.delivery.attempts += 1;
        self.delivery.first_tried_at.get_or_insert(now);
        if let Some(elsewhere) = self.delivery.letter().and_then(|letter| letter.to) {
            self.subscriber.address = elsewhere;
        }
        self
    }
}

impl<'r, R: Row> FromRow<'r, R> for Claimed
where
    Due: FromRow<'r, R>,
    Subscriber: FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Claimed> {
        Ok(Claimed {
            delivery: Due::from_row(row)?,
            subscriber: Subscriber::from_row(row)?,
        })
    }
}

/// Says `sql` with what the round brings, on either driver.
macro_rules! ask {
    ($round:expr, $sql:expr, $settled:expr, $connection:expr $(, $more:expr)?) => {
        sqlx::query(AssertSqlSafe($sql.clone()))
            .bind($settled)
            .bind($round.sender)
            .bind($round.now)
            .bind($round.campaign)
            .bind($round.wanted as i64)
            $(.bind($more))?
            .fetch_all($connection)
            .await
    };
}

impl Round<'_> {
    /// A transaction of its own. On PostgreSQL nobody can declare the sender gone meanwhile.
    ///
    /// After an error it may have been durable all the same.
    pub async fn alone(&self, db: &Db) -> sqlx::Result<Done> {
        match db {
            Db::Sqlite { write, .. } => {
                let mut connection = write.acquire().await?;
                let done = self.on_sqlite(&mut connection, &ALONE_ON_SQLITE).await;
                if done.is_err() {
                    // sqlx knows nothing of this transaction: what is left of it goes with the connection.
                    drop(connection.close().await);
                }
                done
            }
            Db::Postgres(pool) => {
                let mut connection = pool.acquire().await?;
                self.on_postgres(&mut connection, &ALONE_ON_POSTGRES).await
            }
        }
    }

    /// As a part of a transaction, in which the caller has seen to it that the sender still counts.
    pub async fn within(&self, tx: &mut Tx) -> sqlx::Result<Done> {
        match tx {
            Tx::Sqlite(tx) => self.on_sqlite(tx, &WITHIN_ON_SQLITE).await,
            Tx::Postgres(tx) => self.on_postgres(tx, &WITHIN_ON_POSTGRES).await,
        }
    }

    async fn on_sqlite(
        &self,
        connection: &mut SqliteConnection,
        texts: &Texts,
    ) -> sqlx::Result<Done> {
        let rows = match self.accepted() {
            Some(accepted) => {
                let accepted: Vec<_> = accepted.collect();
                ask!(self, texts.accepted, Json(accepted), connection)?
            }
            None => ask!(self, texts.any, Json(self.settled), connection)?,
        };
        let (first, claimed) = rows.split_first().ok_or(sqlx::Error::RowNotFound)?;
        Ok(Done {
            counts: true,
            written: first.try_get::<i64, _>(0)?.unsigned_abs() as usize,
            claimed: claimed
                .iter()
                .map(|row| Ok(Claimed::from_row(row)?.at(self.now)))
                .collect::<sqlx::Result<_>>()?,
        })
    }

    async fn on_postgres(
        &self,
        connection: &mut PgConnection,
        texts: &Texts,
    ) -> sqlx::Result<Done> {
        let rows = match self.accepted() {
            Some(accepted) => {
                let (ids, replies): (Vec<i64>, Vec<Option<&str>>) = accepted.unzip();
                ask!(self, texts.accepted, ids, connection, replies)?
            }
            None => ask!(self, texts.any, Json(self.settled), connection)?,
        };
        let mut done = Done::default();
        for row in &rows {
            done.counts = row.try_get("counts")?;
            done.written = row.try_get::<i64, _>("written")?.unsigned_abs() as usize;
            if row.try_get::<Option<i64>, _>("delivery_id")?.is_some() {
                done.claimed.push(Claimed::from_row(row)?.at(self.now));
            }
        }
        Ok(done)
    }

    /// Each settled delivery with what the relay said, if all of them were accepted.
    fn accepted(&self) -> Option<impl Iterator<Item = (i64, Option<&str>)>> {
        let is_accepted = |one: &Settled| one.state == DeliveryState::Accepted;
        let all = self.settled.iter().all(is_accepted);
        all.then(|| {
            self.settled
                .iter()
                .map(|one| (one.id, one.reply.as_deref()))
        })
    }
}

/// What a round says. Whatever a statement could have to do is made ready for, whether there is anything or not: where all
/// mails were accepted, as nearly always, no more is said than that.
struct Texts {
    accepted: Arc<str>,
    any: Arc<str>,
}

static ALONE_ON_SQLITE: LazyLock<Texts> =
    LazyLock::new(|| on_sqlite(|round| format!("BEGIN IMMEDIATE; {round}; COMMIT")));
static WITHIN_ON_SQLITE: LazyLock<Texts> = LazyLock::new(|| on_sqlite(|round| round));
static ALONE_ON_POSTGRES: LazyLock<Texts> =
    LazyLock::new(|| on_postgres("SELECT id FROM sender WHERE id = $2 FOR KEY SHARE"));
static WITHIN_ON_POSTGRES: LazyLock<Texts> =
    LazyLock::new(|| on_postgres("SELECT CAST($2 AS bigint) AS id"));

/// What `Settled` writes, row by row.
fn settled(rows: Rows) -> String {
    format!(
        "SELECT {} AS id, {} AS campaign, {} AS state, {} AS due, {} AS reply, {} AS uncounted, \
         {} AS refused, {} AS class, {} AS reason, {} AS because, {} AS status, {} AS bad_address FROM {}",
        rows.integer("id"),
        rows.integer("campaign"),
        rows.text("state"),
        rows.time("due"),
        rows.text("reply"),
        rows.integer("uncounted"),
        rows.truth("refused"),
        rows.text("class"),
        rows.text("reason"),
        rows.text("because"),
        rows.text("status"),
        rows.text("bad_address"),
        rows.all(),
    )
}

/// Whose reader was erased meanwhile, or whose campaign was cancelled, is not tried again. `o` is what was settled.
const OUTCOME: &str = "claimed_by = NULL, changed_at = $3, attempts = attempts - o.uncounted, \
     first_tried_at = CASE WHEN o.state = 'waiting' AND attempts = 1 THEN NULL ELSE first_tried_at END, \
     reply = CASE WHEN subscriber_id IS NULL THEN NULL ELSE COALESCE(o.reply, delivery.reply) END, \
     state = CASE WHEN o.state IN ('waiting', 'deferred') AND (subscriber_id IS NULL AND letter >= 0 OR o.cancelled) \
       THEN 'suppressed' ELSE o.state END, \
     due_at = CASE WHEN subscriber_id IS NULL AND letter >= 0 OR o.cancelled THEN NULL ELSE o.due END";

const CLAIM: &str = "state = 'in_flight', due_at = NULL, attempts = attempts + 1, claimed_by = $2, \
     first_tried_at = COALESCE(first_tried_at, $3), changed_at = $3";

/// The rows that are due, by their index alone. `suppression` is read at every claim, and so is whether the campaign
/// still runs. (For the sake of a bare `LIMIT $5` SQLite would plan the statement anew each time: it looks at the number.)
const DUE: &str = "FROM delivery WHERE campaign_id = $4 AND due_at <= $3 \
     AND EXISTS (SELECT 1 FROM campaign WHERE id = $4 AND state = 'running') ORDER BY due_at LIMIT $5 + 0";

/// What belongs to a row that is due, `d`. A letter to somebody who is no reader brings its own address; the rest of a
/// reader is made up for it. Which row has no reader any more, is not due.
fn with_readers([nobody, no_hash, none]: [&str; 3]) -> String {
    format!(
        "d.id AS delivery_id, d.campaign_id, d.content, d.attempts, c.on_unknown, d.first_tried_at, \
         d.state AS before, x.address_hash IS NOT NULL AS suppressed, COALESCE(s.id, {nobody}) AS id, \
         COALESCE(s.address, '') AS address, COALESCE(s.address_hash, {no_hash}) AS address_hash, \
         COALESCE(s.name, '') AS name, COALESCE(s.state, 'ended') AS state, COALESCE(h.topics, {none}) AS topics, \
         COALESCE(h.research_types, {none}) AS research_types, COALESCE(s.frequency, 'monthly') AS frequency, \
         COALESCE(s.format, 'html') AS format, COALESCE(s.language, 'en') AS language, \
         COALESCE(s.time_zone, 'UTC') AS time_zone, s.on_nothing, COALESCE(s.since, $3) AS since, s.paused_until, \
         s.consent_until"
    )
}
const READERS: &str = "JOIN campaign c ON c.id = d.campaign_id LEFT JOIN subscriber s ON s.id = d.subscriber_id \
     LEFT JOIN choice h ON h.id = s.choice_id LEFT JOIN suppression x ON x.address_hash = s.address_hash \
     ORDER BY d.due_at";

const TALLY: &str =
    "INSERT INTO tally (campaign_id, sender, accepted, bounced, refused, first_at, last_at)";
const ENDED: &str = "count(*) FILTER (WHERE o.state = 'accepted'), count(*) FILTER (WHERE o.state = 'bounced'), \
     count(*) FILTER (WHERE o.refused)";
const ADDED: &str = "ON CONFLICT (campaign_id, sender) DO UPDATE SET \
     accepted = tally.accepted + excluded.accepted, bounced = tally.bounced + excluded.bounced, \
     refused = tally.refused + excluded.refused, last_at = excluded.last_at";

/// A refusal for good, or what was refused for now until its life was over. `domain` gives where an address is.
fn came_back(domain: &str) -> String {
    format!(
        "INSERT INTO returned (mark, at, way, kind, class, reason, because, status, delivery_id, subscriber_id, domain, did, \
         note) SELECT 'relay ' || o.id, $3, '{}', '{}', o.class, o.reason, o.because, o.status, o.id, s.id, {domain}, \
         CASE o.class WHEN '{}' THEN '{}' WHEN '{}' THEN '{}' ELSE '{}' END, ''",
        Way::Relay,
        Kind::Bounce,
        Class::Hard,
        Did::Suppressed,
        Class::Soft,
        Did::ToWeigh,
        Did::Warned
    )
}

/// What came back is kept once.
const ONCE: &str = "ON CONFLICT (mark) DO NOTHING";

/// No mailbox at all is a stronger reason than one that failed often; otherwise the first reason stays.
const STRONGER: &str = "ON CONFLICT (address_hash) DO UPDATE SET reason = excluded.reason, note = excluded.note, \
     since = excluded.since WHERE suppression.reason = 'soft_bounces'";

/// An address of which its server says that there is no such mailbox; once, whatever came together.
fn suppress() -> String {
    format!(
        "INSERT INTO suppression (address_hash, reason, note, since) SELECT s.address_hash, '{}', min(o.bad_address), $3",
        Reason::HardBounce
    )
}

/// Hooks are told whose address gets no mail any more, and which hooks that are. They stand first: while there are none,
/// nothing else is looked at.
fn told() -> [String; 2] {
    let event = Event::Bounced;
    [
        format!(
            "INSERT INTO hook_event (hook_id, event, at, subscriber_id, due_at, is_taken) \
             SELECT h.id, '{event}', $3, s.id, $3, FALSE"
        ),
        format!("h.ended_at IS NULL AND ' ' || h.events || ' ' LIKE '% {event} %'"),
    ]
}

// With `+`, in both, the index of claims is no alternative to finding each row by its id.

/// What becomes of an accepted delivery, `o`. An erased reader's leaves no words.
const ACCEPT: &str = "UPDATE delivery SET state = 'accepted', due_at = NULL, claimed_by = NULL, changed_at = $3, \
     reply = CASE WHEN subscriber_id IS NULL THEN NULL ELSE COALESCE(o.reply, delivery.reply) END";

/// One after the other. What a claim found is read before it is changed, for it tells where each row stood.
fn on_sqlite(whole: impl Fn(String) -> String) -> Texts {
    let with_readers = with_readers(["zeroblob(16)", "zeroblob(0)", "'[]'"]);
    let text = |settle: String| {
        whole(format!(
            "{settle}; SELECT changes(); \
             SELECT {with_readers} FROM (SELECT * {DUE}) d {READERS}; \
             UPDATE delivery SET {CLAIM} WHERE id IN (SELECT id {DUE})"
        ))
        .into()
    };
    Texts {
        accepted: text(accepted_on_sqlite()),
        any: text(any_on_sqlite()),
    }
}

/// Of `[id, reply]` each.
fn accepted_on_sqlite() -> String {
    let accepted = "SELECT value ->> 0 AS id, value ->> 1 AS reply FROM json_each($1)";
    format!(
        "{TALLY} SELECT d.campaign_id, $2, count(*), 0, 0, $3, $3 FROM ({accepted}) o JOIN delivery d ON d.id = o.id \
           WHERE +d.claimed_by = $2 GROUP BY d.campaign_id {ADDED}; \
         {ACCEPT} FROM ({accepted}) o WHERE delivery.id = o.id AND +delivery.claimed_by = $2"
    )
}

/// The last of them changes the deliveries themselves.
fn any_on_sqlite() -> String {
    let (settled, suppress, [told, wants]) = (settled(Rows::SQLITE), suppress(), told());
    let came_back = came_back("substr(s.address, instr(s.address, '@') + 1)");
    let ours = "JOIN delivery d ON d.id = o.id AND +d.claimed_by = $2";
    format!(
        "{TALLY} SELECT o.campaign, $2, {ENDED}, $3, $3 FROM ({settled}) o {ours} \
           WHERE o.state IN ('accepted', 'bounced') GROUP BY o.campaign {ADDED}; \
         {suppress} FROM ({settled}) o {ours} JOIN subscriber s ON s.id = d.subscriber_id \
           WHERE o.bad_address IS NOT NULL GROUP BY s.address_hash {STRONGER}; \
         {told} FROM hook h CROSS JOIN ({settled}) o {ours} JOIN subscriber s ON s.id = d.subscriber_id \
           WHERE o.bad_address IS NOT NULL AND {wants}; \
         {came_back} FROM ({settled}) o {ours} JOIN subscriber s ON s.id = d.subscriber_id \
           WHERE o.class IS NOT NULL {ONCE}; \
         UPDATE delivery SET {OUTCOME} \
           FROM (SELECT o.*, c.state = 'cancelled' AS cancelled FROM ({settled}) o JOIN campaign c ON c.id = o.campaign) o \
           WHERE delivery.id = o.id AND +delivery.claimed_by = $2"
    )
}

/// All at once, as of one instant. `sender` gives the sender's number, if it still counts.
fn on_postgres(sender: &str) -> Texts {
    let with_readers = with_readers([
        "CAST('00000000-0000-0000-0000-000000000000' AS uuid)",
        "CAST('' AS bytea)",
        "CAST('[]' AS jsonb)",
    ]);
    // What was settled is written down by the name of `written`.
    let text = |settle: String| {
        format!(
            "WITH me AS MATERIALIZED ({sender}), {settle}, \
             due AS MATERIALIZED (SELECT * {DUE} FOR UPDATE SKIP LOCKED), \
             taken AS (UPDATE delivery SET {CLAIM} WHERE id IN (SELECT due.id FROM due, me) RETURNING id), \
             readers AS (SELECT {with_readers} FROM due d JOIN me ON true {READERS}) \
             SELECT EXISTS (SELECT 1 FROM me) AS counts, (SELECT count(*) FROM written) AS written, readers.* \
             FROM (SELECT 1) one LEFT JOIN readers ON true"
        )
        .into()
    };
    Texts {
        accepted: text(accepted_on_postgres()),
        any: text(any_on_postgres()),
    }
}

fn accepted_on_postgres() -> String {
    format!(
        "written AS ({ACCEPT} FROM unnest(CAST($1 AS bigint[]), CAST($6 AS text[])) AS o(id, reply), me \
           WHERE delivery.id = o.id AND +delivery.claimed_by = me.id RETURNING delivery.campaign_id), \
         tallied AS ({TALLY} SELECT campaign_id, $2, count(*), 0, 0, $3, $3 FROM written GROUP BY campaign_id {ADDED})"
    )
}

fn any_on_postgres() -> String {
    let (settled, suppress, [told, wants]) = (settled(Rows::POSTGRES), suppress(), told());
    let came_back = came_back("split_part(s.address, '@', 2)");
    format!(
        "o AS MATERIALIZED (SELECT o.*, c.state = 'cancelled' AS cancelled FROM ({settled}) o \
           JOIN campaign c ON c.id = o.campaign), \
         written AS (UPDATE delivery SET {OUTCOME} FROM o, me WHERE delivery.id = o.id AND +delivery.claimed_by = me.id \
           RETURNING delivery.campaign_id, delivery.subscriber_id, o.*), \
         tallied AS ({TALLY} SELECT o.campaign_id, $2, {ENDED}, $3, $3 FROM written o \
           WHERE o.state IN ('accepted', 'bounced') GROUP BY o.campaign_id {ADDED}), \
         suppressed AS ({suppress} FROM written o JOIN subscriber s ON s.id = o.subscriber_id \
           WHERE o.bad_address IS NOT NULL GROUP BY s.address_hash {STRONGER}), \
         told AS ({told} FROM hook h CROSS JOIN written o JOIN subscriber s ON s.id = o.subscriber_id \
           WHERE o.bad_address IS NOT NULL AND {wants}), \
         came_back AS ({came_back} FROM written o JOIN subscriber s ON s.id = o.subscriber_id \
           WHERE o.class IS NOT NULL {ONCE})"
    )
}
