//! Many rows at a time.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};
use uuid::Uuid;

use super::{Tx, time};

/// Rows in one statement of `add_rows` on SQLite, which takes 32766 values at most; more rows were no faster.
const ROWS_AT_A_TIME: usize = 100;

/// Bytes that `add_rows` sends to PostgreSQL at a time.
const SENT_AT_A_TIME: usize = 128 << 10;

/// What `Tx::add_rows` puts into a column.
pub(crate) enum Value {
    Integer(i64),
    Text(String),
    Word(&'static str),
    Bytes(Vec<u8>),
    Uuid(Uuid),
    Time(DateTime<Utc>),
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
        rows: Vec<[Value; N]>,
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

    /// An id that the row has in hexadecimal digits.
    pub(crate) fn uuid(self, name: &str) -> String {
        self.cast(
            name,
            "CAST(r.value ->> '{}' AS uuid)",
            "unhex(r.value ->> '{}')",
        )
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

    /// A list that the row has as JSON.
    pub(crate) fn json(self, name: &str) -> String {
        self.cast(name, "r.value -> '{}'", "r.value -> '{}'")
    }

    fn cast(self, name: &str, postgres: &str, sqlite: &str) -> String {
        (if self.postgres { postgres } else { sqlite }).replace("{}", name)
    }
}

type SqliteQuery<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

impl Value {
    fn bind<'q>(self, query: SqliteQuery<'q>) -> SqliteQuery<'q> {
        match self {
            Value::Integer(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
            Value::Word(word) => query.bind(word),
            Value::Bytes(bytes) => query.bind(bytes),
            Value::Uuid(id) => query.bind(id),
            Value::Time(at) => query.bind(at),
        }
    }

    /// As a field of COPY's text format: a tab, a line's end or a backslash is written behind a backslash.
    fn write(&self, to: &mut String) {
        match self {
            Value::Integer(number) => to.push_str(&number.to_string()),
            Value::Text(text) => escape(text, to),
            Value::Word(word) => to.push_str(word),
            Value::Bytes(bytes) => {
                to.push_str("\\\\x");
                HEXLOWER.encode_append(bytes, to);
            }
            Value::Uuid(id) => {
                to.push_str(id.simple().encode_lower(&mut Uuid::encode_buffer()));
            }
            Value::Time(at) => to.push_str(&time(*at)),
        }
    }
}

fn escape(text: &str, to: &mut String) {
    for character in text.chars() {
        match character {
            '\\' => to.push_str("\\\\"),
            '\t' => to.push_str("\\t"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            other => to.push(other),
        }
    }
}

async fn insert<const N: usize>(
    tx: &mut Transaction<'static, Sqlite>,
    table: &str,
    columns: &str,
    rows: Vec<[Value; N]>,
) -> sqlx::Result<()> {
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let row = format!("({})", ["?"; N].join(","));
        let list = vec![row; rows.len().min(ROWS_AT_A_TIME)].join(",");
        let sql = format!("INSERT INTO {table} ({columns}) VALUES {list}");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in rows.by_ref().take(ROWS_AT_A_TIME).flatten() {
            query = value.bind(query);
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

async fn copy<const N: usize>(
    tx: &mut Transaction<'static, Postgres>,
    table: &str,
    columns: &str,
    rows: Vec<[Value; N]>,
) -> sqlx::Result<()> {
    let mut copy = tx
        .copy_in_raw(&format!("COPY {table} ({columns}) FROM STDIN"))
        .await?;
    let mut text = String::with_capacity(SENT_AT_A_TIME * 2);
    for row in &rows {
        for (place, value) in row.iter().enumerate() {
            text.push_str(if place == 0 { "" } else { "\t" });
            value.write(&mut text);
        }
        text.push('\n');
        if text.len() >= SENT_AT_A_TIME {
            copy.send(text.as_bytes()).await?;
            text.clear();
        }
    }
    copy.send(text.as_bytes()).await?;
    copy.finish().await.map(drop)
}
