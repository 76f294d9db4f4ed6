//! What is logged while a story is told.

use std::io::Write;
use std::sync::{Arc, Mutex};

use bulletin::db::Db;

use super::databases;

/// What was logged.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Looks for what must not stand in it, in capitals or not. Something of these levels must.
    pub fn names_none_of(&self, secrets: impl IntoIterator<Item = String>, levels: &[&str]) {
        let log = String::from_utf8_lossy(&self.0.lock().unwrap()).to_lowercase();
        for level in levels {
            assert!(log.contains(*level), "nothing of {level} was logged: {log}");
        }
        for secret in secrets {
            if let Some(at) = log.find(&secret.to_lowercase()) {
                panic!(
                    "{secret} stands in the log: {}",
                    &log[at.saturating_sub(300)..at + 50]
                );
            }
        }
    }
}

/// Tells a story on each database, with every level of the log kept. The log is the thread's own, so one thread does
/// everything. While there is one subscriber alone, `tracing` asks the thread that meets a callsite first whether anybody
/// wants it, and that may be the thread of another test, which has none: a second subscriber makes it ask them all.
pub fn logged(story: impl AsyncFn(Db, &Log)) {
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    for is_postgres in [false, true] {
        let log = Log::default();
        let to = log.clone();
        let keeping = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || to.clone())
            .finish();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        tracing::subscriber::with_default(keeping, || {
            runtime.block_on(async {
                let database = match is_postgres {
                    false => Some(databases::sqlite().await),
                    true => databases::postgres().await,
                };
                if let Some(database) = database {
                    story(database.db.clone(), &log).await;
                }
            });
        });
    }
}
