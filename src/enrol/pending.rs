//! Lines on their way in: set down in a temporary table as they are read, then taken over many at a time.
//!
//! Address hashes and choices come in no order, and an index that is written all over costs more the longer it gets.
//! A batch that was sorted first writes each index from one end to the other.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::db::{Db, Tx, Value, on};
use crate::subscriber::NewSubscriber;

/// Choices that are known to be set down already are remembered up to this number, 16 bytes each.
const REMEMBERED: usize = 100_000;

/// Refused lines that are held in memory at a time.
const PAGE: i64 = 5_000;

/// A line that reads well; whether its address may come in, the database knows.
pub(super) struct Line {
    pub number: u64,
    pub new: NewSubscriber,
    /// The fields as they stand in the file, as JSON, should it be refused after all.
    pub fields: String,
}

/// The temporary tables, and the connection that has them.
pub(super) struct Pending {
    db: Db,
    choices: HashSet<Uuid>,
}

/// In SQLite a column's type decides how it is compared: any other than that of `subscriber` would pass by its index.
const SQLITE: [&str; 2] = [
    "CREATE TEMPORARY TABLE pending_choice (id BLOB, topics TEXT, research_types TEXT)",
    "CREATE TEMPORARY TABLE pending (line INTEGER, address_hash BLOB, address TEXT, name TEXT, choice_id BLOB, \
     frequency TEXT, format TEXT, language TEXT, time_zone TEXT, consent_at TEXT, consent_source TEXT, \
     fields TEXT, refused TEXT)",
];
const POSTGRES: [&str; 2] = [
    "CREATE TEMPORARY TABLE pending_choice (id UUID, topics JSONB, research_types JSONB)",
    "CREATE TEMPORARY TABLE pending (line BIGINT, address_hash BYTEA, address TEXT, name TEXT, choice_id UUID, \
     frequency TEXT, format TEXT, language TEXT, time_zone TEXT, consent_at TIMESTAMPTZ, consent_source TEXT, \
     fields TEXT, refused TEXT)",
];

impl Pending {
    pub async fn open(db: &Db) -> sqlx::Result<Pending> {
        let db = db.apart().await?;
        let mut tx = db.read().await?;
        let tables = match tx {
            Tx::Sqlite(_) => SQLITE,
            Tx::Postgres(_) => POSTGRES,
        };
        for table in tables {
            execute(&mut tx, table).await?;
        }
        tx.commit().await?;
        Ok(Pending {
            db,
            choices: HashSet::new(),
        })
    }

    /// Sets lines down. The database itself is not written to, and nobody waits.
    pub async fn set_down(mut self, lines: Vec<Line>) -> sqlx::Result<Pending> {
        let mut tx = self.db.read().await?;
        let mut choices = Vec::new();
        let mut rows = Vec::with_capacity(lines.len());
        for line in lines {
            let choice = line.new.choice.id();
            if self.choices.len() >= REMEMBERED {
                self.choices.clear();
            }
            if self.choices.insert(choice) {
                choices.push([
                    Value::Uuid(choice),
                    json(line.new.choice.topics()),
                    json(line.new.choice.research_types()),
                ]);
            }
            rows.push(as_row(line, choice));
        }
        tx.add_rows("pending_choice", "id, topics, research_types", choices)
            .await?;
        tx.add_rows(
            "pending",
            "line, address_hash, address, name, choice_id, frequency, format, language, time_zone, consent_at, \
             consent_source, fields",
            rows,
        )
        .await?;
        tx.commit().await?;
        Ok(self)
    }

    /// Takes over what was set down, in one transaction: marks who is suppressed or known, adds the others as active
    /// with the consent they gave, and hands every marked line to `refuse`. Gives how many were added.
    ///
    /// The new ids begin with the digits of `id` and rise in the order of the address hashes.
    pub async fn take_over<E: From<sqlx::Error>>(
        &mut self,
        id: Uuid,
        now: DateTime<Utc>,
        mut refuse: impl FnMut(u64, String, Vec<String>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut tx = self.db.begin().await?;
        let marked = mark(&mut tx, "suppression", super::SUPPRESSED).await?
            + mark(&mut tx, "subscriber", super::KNOWN).await?;
        execute(
            &mut tx,
            "INSERT INTO choice (id, topics, research_types) SELECT id, topics, research_types FROM pending_choice \
             ORDER BY id ON CONFLICT (id) DO NOTHING",
        )
        .await?;
        let added = add(&mut tx, id).await?;
        record_granted(&mut tx, now).await?;
        let mut page = if marked > 0 {
            refused(&mut tx, 0).await?
        } else {
            Vec::new()
        };
        while let Some((after, ..)) = page.last() {
            let next = refused(&mut tx, *after).await?;
            for (line, reason, fields) in std::mem::replace(&mut page, next) {
                let fields = serde_json::from_str(&fields).expect("`Line` has them as JSON");
                refuse(line as u64, reason, fields)?;
            }
        }
        let empty = if tx.on_postgres("postgres").is_empty() {
            ["DELETE FROM pending", "DELETE FROM pending_choice"]
        } else {
            ["TRUNCATE pending", "TRUNCATE pending_choice"]
        };
        for statement in empty {
            execute(&mut tx, statement).await?;
        }
        tx.commit().await?;
        self.choices.clear();
        Ok(added)
    }

    /// Ends the import. PostgreSQL counts its tables again, so that the next plan knows how long they have become.
    pub async fn close(self, added: u64) -> sqlx::Result<()> {
        let mut tx = self.db.read().await?;
        let analyze = tx.on_postgres("ANALYZE subscriber, choice, consent");
        if added > 0 && !analyze.is_empty() {
            execute(&mut tx, analyze).await?;
        }
        tx.commit().await?;
        self.db.close().await;
        Ok(())
    }
}

async fn execute(tx: &mut Tx, sql: &'static str) -> sqlx::Result<()> {
    on!(tx, |conn| sqlx::query(sql).execute(conn).await.map(drop))
}

fn json(slugs: &[String]) -> Value {
    Value::Text(serde_json::to_string(slugs).expect("texts are JSON"))
}

fn as_row(line: Line, choice: Uuid) -> [Value; 12] {
    let new = line.new;
    [
        Value::Integer(line.number as i64),
        Value::Bytes(new.address_hash),
        Value::Text(new.address.into_string()),
        Value::Text(new.name),
        Value::Uuid(choice),
        Value::Word(new.frequency.as_str()),
        Value::Word(new.format.as_str()),
        Value::Word(new.language.as_str()),
        Value::Text(new.time_zone),
        Value::Time(new.consent_at),
        Value::Text(new.consent_source),
        Value::Text(line.fields),
    ]
}

/// Refuses the lines whose address stands in a table of ours.
async fn mark(tx: &mut Tx, table: &'static str, reason: &str) -> sqlx::Result<u64> {
    let sql = format!(
        "UPDATE pending SET refused = $1 WHERE refused IS NULL AND address_hash IN (SELECT address_hash FROM {table})"
    );
    on!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(reason)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))
}

async fn add(tx: &mut Tx, id: Uuid) -> sqlx::Result<u64> {
    let digits = id.simple().to_string();
    let row_id = if tx.on_postgres("postgres").is_empty() {
        "unhex($1 || printf('%08x', row_number() OVER (ORDER BY address_hash)))"
    } else {
        "CAST($1 || lpad(to_hex(row_number() OVER (ORDER BY address_hash)), 8, '0') AS uuid)"
    };
    let sql = format!(
        "INSERT INTO subscriber (id, address, address_hash, name, state, choice_id, frequency, format, language, \
         time_zone, since) SELECT {row_id}, address, address_hash, name, 'active', choice_id, frequency, format, \
         language, time_zone, consent_at FROM pending WHERE refused IS NULL"
    );
    on!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(&digits[..24])
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))
}

/// Records the consent that came with each line.
async fn record_granted(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<()> {
    on!(tx, |conn| {
        sqlx::query(
        "INSERT INTO consent (address_hash, act, at, source, recorded_at) \
         SELECT address_hash, 'granted', consent_at, consent_source, $1 FROM pending WHERE refused IS NULL \
         ORDER BY address_hash",
    )
    .bind(now)
    .execute(conn)
    .await
    .map(drop)
    })
}

/// The marked lines after line `after`, in the order of the file.
async fn refused(tx: &mut Tx, after: i64) -> sqlx::Result<Vec<(i64, String, String)>> {
    on!(tx, |conn| {
        sqlx::query_as(
        "SELECT line, refused, fields FROM pending WHERE refused IS NOT NULL AND line > $1 ORDER BY line LIMIT $2",
    )
    .bind(after)
    .bind(PAGE)
    .fetch_all(conn)
    .await
    })
}
