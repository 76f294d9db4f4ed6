//! The register of incidents: what went wrong with readers' personal data, how the risk was judged, who was told and when.
//! Laws want it kept for two to five years; it is only ever added to, and nothing of it goes. It holds no address.

use std::borrow::Cow;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use crate::db::{Tx, on, row, word};
use crate::mask::masked;

/// How soon the authority wants to be told of what may harm somebody (GDPR article 33).
pub const TELL_WITHIN: Duration = Duration::hours(72);

word! {
    /// What a line adds to an incident.
    pub enum Kind {
        /// Somebody was told: the authority, the readers, the police.
        Told = "told",
        /// The risk was judged anew.
        Risk = "risk",
        /// What was found out, or done against it.
        Note = "note",
        /// Nothing more is to be done.
        Closed = "closed",
    }
}

row! {
    /// An incident as it was first written down.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct Incident {
        pub id: i64,
        pub what: String,
        /// A day or a period, in words.
        pub happened: String,
        pub noticed_at: DateTime<Utc>,
        /// Whom it concerned, and what of theirs.
        pub concerned: String,
        pub readers: i64,
        /// How the risk of harm was judged, and by what.
        pub risk: String,
        pub who: String,
        pub written_at: DateTime<Utc>,
    }
}

row! {
    /// What was added to an incident.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct Line {
        pub kind: Kind,
        /// When it took place.
        pub at: DateTime<Utc>,
        pub words: String,
        pub who: String,
        pub written_at: DateTime<Utc>,
    }
}

/// An incident with all that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    #[serde(flatten)]
    pub incident: Incident,
    pub lines: Vec<Line>,
}

/// What is known of an incident when it is written down; addresses in it are masked.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub what: &'a str,
    pub happened: &'a str,
    pub noticed_at: DateTime<Utc>,
    pub concerned: &'a str,
    pub readers: i64,
    pub risk: &'a str,
    /// Who writes it down.
    pub who: &'a str,
}

/// What is to be added; addresses in it are masked.
#[derive(Clone, Copy, Debug)]
pub struct Added<'a> {
    pub kind: Kind,
    pub at: DateTime<Utc>,
    pub words: &'a str,
    /// Who writes it down.
    pub who: &'a str,
}

impl Account {
    pub fn is_open(&self) -> bool {
        !self.has(Kind::Closed)
    }

    /// Until when the authority wants to be told, while nobody has been.
    pub fn tell_by(&self) -> Option<DateTime<Utc>> {
        let waits = self.is_open() && !self.has(Kind::Told);
        waits.then(|| self.incident.noticed_at + TELL_WITHIN)
    }

    fn has(&self, kind: Kind) -> bool {
        self.lines.iter().any(|line| line.kind == kind)
    }
}

/// Writes an incident down; gives its number.
pub async fn add(tx: &mut Tx, new: &New<'_>, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let [what, happened, concerned, risk] =
        [new.what, new.happened, new.concerned, new.risk].map(clean);
    on!(tx, |conn| {
        sqlx::query_scalar(
            "INSERT INTO incident (what, happened, noticed_at, concerned, readers, risk, who, written_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        )
        .bind(what)
        .bind(happened)
        .bind(new.noticed_at)
        .bind(concerned)
        .bind(new.readers)
        .bind(risk)
        .bind(new.who)
        .bind(now)
        .fetch_one(conn)
        .await
    })
}

/// Adds to an incident; `false` when there is none of that number.
pub async fn append(
    tx: &mut Tx,
    incident: i64,
    added: &Added<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    on!(tx, |conn| {
        sqlx::query(
            "INSERT INTO incident_line (incident_id, kind, at, words, who, written_at) \
             SELECT id, $2, $3, $4, $5, $6 FROM incident WHERE id = $1",
        )
        .bind(incident)
        .bind(added.kind.as_str())
        .bind(added.at)
        .bind(clean(added.words))
        .bind(added.who)
        .bind(now)
        .execute(conn)
        .await
        .map(|done| done.rows_affected() == 1)
    })
}

/// All incidents, the newest first.
pub async fn list(tx: &mut Tx) -> sqlx::Result<Vec<Account>> {
    let incidents: Vec<Incident> = on!(&mut *tx, |conn| {
        sqlx::query_as(
            "SELECT id, what, happened, noticed_at, concerned, readers, risk, who, written_at FROM incident \
             ORDER BY id DESC",
        )
        .fetch_all(conn)
        .await
    })?;
    let mut accounts = Vec::new();
    for incident in incidents {
        let lines = lines(tx, incident.id).await?;
        accounts.push(Account { incident, lines });
    }
    Ok(accounts)
}

/// The incident of a number.
pub async fn by_id(tx: &mut Tx, id: i64) -> sqlx::Result<Option<Account>> {
    let incident: Option<Incident> = on!(&mut *tx, |conn| {
        sqlx::query_as(
            "SELECT id, what, happened, noticed_at, concerned, readers, risk, who, written_at FROM incident WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(conn)
        .await
    })?;
    let Some(incident) = incident else {
        return Ok(None);
    };
    let lines = lines(tx, id).await?;
    Ok(Some(Account { incident, lines }))
}

async fn lines(tx: &mut Tx, incident: i64) -> sqlx::Result<Vec<Line>> {
    on!(tx, |conn| {
        sqlx::query_as(
        "SELECT kind, at, words, who, written_at FROM incident_line WHERE incident_id = $1 ORDER BY id"
    )
    .bind(incident)
    .fetch_all(conn)
    .await
    })
}

fn clean(text: &str) -> Cow<'_, str> {
    masked(text.trim())
}
