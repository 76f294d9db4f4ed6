//! Many rows at a time.

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};
use uuid::Uuid;

use super::Tx;

/// Rows in one statement of `add_rows` on SQLite, which takes 32766 values at most; more rows were no faster.
const ROWS_AT_A_TIME: usize = 100;

/// Bytes that `add_rows` sends to PostgreSQL at a time.
const SENT_AT_A_TIME: usize = 128 << 10;

/// What opens COPY's binary format: its signature, and no flags and no extension.
const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What closes it, where the next row's number of fields would stand.
const COPY_END: [u8; 2] = (-1_i16).to_be_bytes();

/// PostgreSQL counts microseconds from the beginning of the year 2000.
const POSTGRES_EPOCH: DateTime<Utc> =
    DateTime::from_timestamp(946_684_800, 0).expect("a time that chrono knows");

/// What `Tx::add_rows` puts into a column, which on PostgreSQL has exactly its type.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Uuid(Uuid),
    Time(DateTime<Utc>),
    Null,
}

/// Many rows in one statement: as one JSON array of objects, bound as `$1`, which costs a small part of binding each
/// value by itself. The two databases differ in how they unpack it; the rest of the statement is the same.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    postgres: bool,
}

impl Tx {
    /// Adds rows in the way that costs least: a statement for each hundred on SQLite, COPY on PostgreSQL.
    pub(crate) async fn add_rows<const N: usize>(
        &mut self,
        table: &'static str,
        columns: &'static str,
        rows: &[[Value<'_>; N]],
    ) -> sqlx::Result<()> {
        match self {
            Tx::Sqlite(tx) => insert(tx, table, columns, rows).await,
            Tx::Postgres(tx) => copy(tx, table, columns, rows).await,
        }
    }

    /// How this database takes many rows in one statement.
    pub(crate) fn rows(&self) -> Rows {
        match self {
            Tx::Sqlite(_) => Rows::SQLITE,
            Tx::Postgres(_) => Rows::POSTGRES,
        }
    }
}

impl Rows {
    pub(crate) const SQLITE: Rows = Rows { postgres: false };
    pub(crate) const POSTGRES: Rows = Rows { postgres: true };

    /// What goes behind FROM.
    pub(crate) fn all(self) -> &'static str {
        if self.postgres {
            "jsonb_array_elements($1) AS r(value)"
        } else {
            "jsonb_each($1) AS r"
        }
    }

    /// A text of each row, or a word.
    pub(crate) fn text(self, name: &str) -> String {
        format!("r.value ->> '{name}'")
    }

    /// A whole number of each row.
    pub(crate) fn integer(self, name: &str) -> String {
        format!("CAST(r.value ->> '{name}' AS bigint)")
    }

    /// A yes or no of each row.
    pub(crate) fn truth(self, name: &str) -> String {
        self.cast(
            name,
            "CAST(r.value ->> '{}' AS boolean)",
            "r.value ->> '{}'",
        )
    }

    /// The row itself, where the array holds whole numbers and no objects.
    pub(crate) fn number(self) -> &'static str {
        "CAST(r.value AS bigint)"
    }

    /// Bytes that the row has in hexadecimal digits.
    pub(crate) fn bytes(self, name: &str) -> String {
        self.cast(
            name,
            "decode(r.value ->> '{}', 'hex')",
            "unhex(r.value ->> '{}')",
        )
    }

    /// A time that the row has as `time` writes it.
    pub(crate) fn time(self, name: &str) -> String {
        self.cast(
            name,
            "CAST(r.value ->> '{}' AS timestamptz)",
            "r.value ->> '{}'",
        )
    }

    fn cast(self, name: &str, postgres: &str, sqlite: &str) -> String {
        (if self.postgres { postgres } else { sqlite }).replace("{}", name)
    }
}

type SqliteQuery<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

impl Value<'_> {
    fn bind<'q>(self, query: SqliteQuery<'q>) -> SqliteQuery<'q> {
        match self {
            Value::Integer(number) => query.bind(number),
            Value::Text(text) => query.bind(text.to_owned()),
            Value::Bytes(bytes) => query.bind(bytes.to_owned()),
            Value::Uuid(id) => query.bind(id),
            Value::Time(at) => query.bind(at),
            Value::Null => query.bind(None::<String>),
        }
    }

    /// As a field of COPY's binary format, behind its length.
    fn write(self, to: &mut Vec<u8>) {
        let number;
        let bytes = match &self {
            Value::Integer(integer) => {
                number = integer.to_be_bytes();
                &number[..]
            }
            Value::Text(text) => text.as_bytes(),
            Value::Bytes(bytes) => bytes,
            Value::Uuid(id) => id.as_bytes(),
            Value::Time(at) => {
                number = (at.timestamp_micros() - POSTGRES_EPOCH.timestamp_micros()).to_be_bytes();
                &number[..]
            }
            // A length of -1, and no bytes.
            Value::Null => return to.extend_from_slice(&u32::MAX.to_be_bytes()),
        };
        to.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        to.extend_from_slice(bytes);
    }
}

/// What all rows of a statement have in common is bound once: binding costs SQLite more than writing.
async fn insert<const N: usize>(
    tx: &mut Transaction<'static, Sqlite>,
    table: &str,
    columns: &str,
    rows: &[[Value<'_>; N]],
) -> sqlx::Result<()> {
    for rows in rows.chunks(ROWS_AT_A_TIME) {
        let in_common: [bool; N] =
            std::array::from_fn(|column| rows.iter().all(|row| row[column] == rows[0][column]));
        let list = parameters(in_common, rows.len());
        let sql = format!("INSERT INTO {table} ({columns}) VALUES {list}");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        // Those in common first, then row by row the others.
        for (rows, common) in [(&rows[..1], true), (rows, false)] {
            for (value, is_common) in rows.iter().flat_map(|row| row.iter().zip(in_common)) {
                if is_common == common {
                    query = value.bind(query);
                }
            }
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// The rows of a statement, each value as the number of its parameter: first come those that all rows have in common.
fn parameters<const N: usize>(in_common: [bool; N], rows: usize) -> String {
    let mut list = String::with_capacity(rows * N * 6);
    let mut own = in_common.iter().filter(|is_common| **is_common).count();
    for row in 0..rows {
        let mut common = 0;
        for (column, is_common) in in_common.into_iter().enumerate() {
            let number = if is_common { &mut common } else { &mut own };
            *number += 1;
            let before = match (row, column) {
                (0, 0) => "(?",
                (_, 0) => "),(?",
                _ => ",?",
            };
            list.push_str(before);
            list.push_str(&number.to_string());
        }
    }
    list + ")"
}

async fn copy<const N: usize>(
    tx: &mut Transaction<'static, Postgres>,
    table: &str,
    columns: &str,
    rows: &[[Value<'_>; N]],
) -> sqlx::Result<()> {
    let mut copy = tx
        .copy_in_raw(&format!(
            "COPY {table} ({columns}) FROM STDIN (FORMAT binary)"
        ))
        .await?;
    let mut bytes = Vec::with_capacity(SENT_AT_A_TIME * 2);
    bytes.extend_from_slice(COPY_HEADER);
    for row in rows {
        bytes.extend_from_slice(&(N as i16).to_be_bytes());
        for value in row {
            value.write(&mut bytes);
        }
        if bytes.len() >= SENT_AT_A_TIME {
            copy.send(&bytes[..]).await?;
            bytes.clear();
        }
    }
    bytes.extend_from_slice(&COPY_END);
    copy.send(&bytes[..]).await?;
    copy.finish().await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rows_have_in_common_is_bound_once() {
        assert_eq!(parameters([false, true, false], 2), "(?2,?1,?3),(?4,?1,?5)");
        assert_eq!(parameters([true, true], 2), "(?1,?2),(?1,?2)");
        assert_eq!(parameters([false], 1), "(?1)");
    }
}
