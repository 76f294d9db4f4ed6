//! Imports beside the pages: each on a thread of its own, with its progress to be looked at.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use uuid::Uuid;

use super::refusals::Refusals;
use super::{EnrolError, Enrolled, Enrolment};
use crate::db::Db;
use crate::secret::Keys;
use crate::subscription::Language;
use crate::topic::Vocabulary;

/// How long the outcome of an import, and its list of refused lines, can be looked at.
const KEEP: Duration = Duration::from_secs(24 * 3600);

/// The imports of this process.
#[derive(Default)]
pub struct Imports {
    known: Mutex<BTreeMap<Uuid, Arc<Import>>>,
}

/// What an import needs beside the file.
#[derive(Clone)]
pub struct Means {
    /// What the consent record is to call the file, whatever folder it came out of.
    pub name: String,
    pub db: Db,
    pub keys: Keys,
    pub vocabulary: Arc<Vocabulary>,
    pub now: DateTime<Utc>,
    pub implied_life: chrono::Duration,
    pub new_id: fn() -> Uuid,
    /// In which it is said why lines were refused.
    pub language: Language,
}

/// One import.
pub struct Import {
    /// Of the file.
    pub bytes: u64,
    /// What is read and what is taken over: each byte counts twice.
    done: AtomicU64,
    state: watch::Sender<State>,
    /// The refused lines, in a file that has no name and is gone with the process.
    refusals: Mutex<Option<File>>,
}

/// Where an import stands.
#[derive(Clone, Debug)]
pub enum State {
    Running,
    Done(Enrolled),
    /// Readers that were added before stay.
    Failed(Arc<EnrolError>),
}

/// Why a file is not taken at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAList {
    #[error("the file is empty")]
    Empty,
    #[error(
        "the file is an archive or a workbook (zip); save the list as CSV (UTF-8) and try again"
    )]
    Zip,
    #[error("the file is compressed; unpack it and try again")]
    Compressed,
    #[error("the file is no text; save the list as CSV (UTF-8) and try again")]
    NoText,
}

/// Looks at the beginning of a file, and goes back to it.
pub fn examine(file: &mut File) -> io::Result<Result<(), NotAList>> {
    let mut head = Vec::new();
    file.rewind()?;
    file.take(4096).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(match head.as_slice() {
        [] => Err(NotAList::Empty),
        [b'P', b'K', 3 | 5 | 7, ..] => Err(NotAList::Zip),
        [0x1f, 0x8b, ..] | [b'B', b'Z', b'h', ..] | [0xfd, b'7', b'z', ..] => {
            Err(NotAList::Compressed)
        }
        head if head.contains(&0) => Err(NotAList::NoText),
        _ => Ok(()),
    })
}

impl Imports {
    /// Begins an import, which is known by `id` from now on.
    pub fn begin(self: &Arc<Self>, id: Uuid, file: File, means: Means) -> io::Result<Arc<Import>> {
        let import = Arc::new(Import {
            bytes: file.metadata()?.len(),
            done: AtomicU64::new(0),
            state: watch::Sender::new(State::Running),
            refusals: Mutex::new(None),
        });
        self.known().insert(id, import.clone());
        let (runtime, imports, running) = (
            tokio::runtime::Handle::current(),
            Arc::downgrade(self),
            import.clone(),
        );
        tokio::task::spawn_blocking(move || {
            let state = runtime.block_on(running.run(file, &means));
            running.state.send_replace(state);
            runtime.spawn(async move {
                tokio::time::sleep(KEEP).await;
                if let Some(imports) = imports.upgrade() {
                    imports.known().remove(&id);
                }
            });
        });
        Ok(import)
    }

    /// The import of an id, as long as this process knows it.
    pub fn get(&self, id: Uuid) -> Option<Arc<Import>> {
        self.known().get(&id).cloned()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<Uuid, Arc<Import>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Import {
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// How it ended, once it has.
    pub async fn ended(&self) -> State {
        let mut states = self.state.subscribe();
        let ended = states.wait_for(|state| !matches!(state, State::Running));
        ended.await.map_or(State::Running, |state| state.clone())
    }

    /// How much is done, of a hundred.
    pub fn percent(&self) -> u64 {
        let done = self.done.load(Ordering::Relaxed);
        (done * 50 / self.bytes.max(1)).min(100)
    }

    /// The list of refused lines from its beginning, where there are any.
    pub fn refusals(&self) -> io::Result<Option<File>> {
        let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &*refusals else {
            return Ok(None);
        };
        let mut copy = file.try_clone()?;
        copy.rewind()?;
        Ok(Some(copy))
    }

    async fn run(&self, file: File, means: &Means) -> State {
        match self.enrol(file, means).await {
            Ok(enrolled) => State::Done(enrolled),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an import failed");
                State::Failed(Arc::new(error))
            }
        }
    }

    async fn enrol(&self, file: File, means: &Means) -> Result<Enrolled, EnrolError> {
        let enrolment = Enrolment {
            db: &means.db,
            keys: &means.keys,
            vocabulary: &means.vocabulary,
            now: means.now,
            implied_life: means.implied_life,
            new_id: &means.new_id,
        };
        let list = tempfile::tempfile().map_err(EnrolError::Refusals)?;
        let mut refusals = Refusals::for_spreadsheets(list, means.language);
        let progress = |bytes| self.done.store(bytes, Ordering::Relaxed);
        let run = enrolment.run(
            &means.name,
            file,
            |refused| refusals.add(&refused),
            progress,
        );
        let enrolled = run.await;
        let list = refusals.end().map_err(EnrolError::Refusals)?;
        *self.refusals.lock().unwrap_or_else(PoisonError::into_inner) = Some(list);
        enrolled
    }
}
