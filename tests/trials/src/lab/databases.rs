//! The lab's database: saved, gone back to, and changed for another.

use std::fs::File;

use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::Lab;
use crate::store::Store;

impl Lab<'_> {
    /// Points the service at an empty database, and gives the one before.
    pub fn move_to_a_new_database(&mut self) -> anyhow::Result<Store> {
        let new = match &self.store {
            Store::Sqlite(path) => {
                let path = path.with_file_name("other.db");
                File::create(&path)?;
                Store::Sqlite(path)
            }
            Store::Postgres(_) => {
                self.database.push_str("_other");
                self.administer(&format!("CREATE DATABASE {}", self.database))?;
                Store::Postgres(self.ground.postgres()?.url(&self.database))
            }
        };
        let before = std::mem::replace(&mut self.store, new);
        self.settle_settings();
        Ok(before)
    }

    /// Keeps the database as it stands, to be gone back to. Nothing may run on it.
    pub fn save(&self) -> anyhow::Result<()> {
        match &self.store {
            Store::Sqlite(path) => {
                self.on_store(self.store.execute("PRAGMA wal_checkpoint(TRUNCATE)"))?;
                std::fs::copy(path, path.with_extension("saved"))?;
            }
            Store::Postgres(_) => {
                let name = &self.database;
                self.administer(&format!("DROP DATABASE IF EXISTS {name}_saved"))?;
                self.administer(&format!("CREATE DATABASE {name}_saved TEMPLATE {name}"))?;
            }
        }
        Ok(())
    }

    /// Goes back to what was saved, and begins a new account of the relay's log.
    pub fn restore(&self) -> anyhow::Result<()> {
        match &self.store {
            Store::Sqlite(path) => {
                for tail in ["-wal", "-shm"] {
                    let mut beside = path.clone().into_os_string();
                    beside.push(tail);
                    match std::fs::remove_file(beside) {
                        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                            return Err(error.into());
                        }
                        _ => {}
                    }
                }
                std::fs::copy(path.with_extension("saved"), path)?;
            }
            Store::Postgres(_) => {
                let name = &self.database;
                self.administer(&format!("DROP DATABASE {name} WITH (FORCE)"))?;
                self.administer(&format!("CREATE DATABASE {name} TEMPLATE {name}_saved"))?;
            }
        }
        self.begin_log()
    }

    pub(super) fn administer(&self, sql: &str) -> anyhow::Result<()> {
        let url = self.ground.postgres()?.url("postgres");
        self.ground.runtime.block_on(async {
            let options: sqlx::postgres::PgConnectOptions = url.parse()?;
            let mut connection = options.connect().await?;
            sqlx::query(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await?;
            connection.close().await?;
            anyhow::Ok(())
        })
    }
}
