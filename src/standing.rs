//! What keeps this process from sending, for whoever asks: `/ready` says it, and the sender sets it.

use std::sync::{Arc, Mutex, MutexGuard};

/// Where the sender writes its troubles down and others read them. Cheap to clone; all clones are one.
///
/// Setting one costs a lock that nobody holds for long: it may be done for every mail.
#[derive(Clone, Debug, Default)]
pub struct Standing(Arc<Mutex<Troubles>>);

#[derive(Debug, Default)]
struct Troubles {
    database: bool,
    relay: Option<RelayTrouble>,
    held: Option<String>,
    dead: Vec<&'static str>,
}

/// Why the relay takes nothing. Its own words may quote somebody's address and are not kept here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayTrouble {
    /// No connection could be made.
    Away,
    /// It refused us before it was told any recipient.
    Refuses,
}

/// A task that lives as long as this does; dropped before it has `ended`, it has died.
#[derive(Debug)]
pub struct Task {
    standing: Standing,
    name: &'static str,
    ended: bool,
}

impl Standing {
    /// Whether the last commit succeeded. After one that failed, nothing is sent until one does.
    pub fn database(&self, commits: bool) {
        self.troubles().database = !commits;
    }

    /// What the relay's trouble is: set when a connection fails, and cleared when it answers for a recipient, or when
    /// nothing is left to offer. (Cleared on a mere connection, a relay that lets us in and then refuses would flicker.)
    /// Says whether that is news.
    pub fn relay(&self, trouble: Option<RelayTrouble>) -> bool {
        let mut troubles = self.troubles();
        std::mem::replace(&mut troubles.relay, trouble) != trouble
    }

    /// Why everything is held, in words with the mend and without addresses; `None` to go on.
    pub fn hold(&self, why: Option<&str>) {
        self.troubles().held = why.map(str::to_owned);
    }

    /// Watches over a task.
    pub fn task(&self, name: &'static str) -> Task {
        Task {
            standing: self.clone(),
            name,
            ended: false,
        }
    }

    /// Runs a task under watch.
    pub fn watched<F: Future>(
        &self,
        name: &'static str,
        task: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        let watch = self.task(name);
        async move {
            let came_to = task.await;
            watch.ended();
            came_to
        }
    }

    /// What keeps us from sending, each with what to do; empty when nothing does.
    pub fn keeps_from_sending(&self) -> Vec<String> {
        let troubles = self.troubles();
        let mut words = Vec::new();
        if troubles.database {
            words.push(
                "the database cannot commit; sending waits and goes on by itself: look at its disk, or at its server"
                    .to_owned(),
            );
        }
        words.extend(troubles.relay.map(|trouble| trouble.to_string()));
        words.extend(troubles.held.clone());
        words
    }

    /// Tasks that died and will not come back before this process is started again.
    pub fn dead(&self) -> Vec<&'static str> {
        self.troubles().dead.clone()
    }

    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.0
            .lock()
            .expect("nothing panics while it holds the troubles")
    }
}

impl std::fmt::Display for RelayTrouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            RelayTrouble::Away => {
                "the relay cannot be reached; sending waits and goes on by itself: look at smtp.url and at the relay"
            }
            RelayTrouble::Refuses => {
                "the relay refuses us; sending waits and goes on by itself: its words are in the log, and \
                 `bulletin doctor` tries it"
            }
        })
    }
}

impl Task {
    /// It came to its end, as it should.
    pub fn ended(mut self) {
        self.ended = true;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.ended {
            self.standing.troubles().dead.push(self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_come_and_go_and_a_dead_task_stays_dead() {
        let standing = Standing::default();
        assert!(standing.keeps_from_sending().is_empty());
        standing.database(false);
        assert!(standing.relay(Some(RelayTrouble::Away)));
        let again = standing.clone().relay(Some(RelayTrouble::Away));
        assert!(!again, "every connection meets it, and it is said once");
        standing.hold(Some("paused: this database is a copy"));
        assert_eq!(standing.keeps_from_sending().len(), 3);
        standing.database(true);
        assert!(standing.relay(None));
        standing.hold(None);
        assert!(standing.clone().keeps_from_sending().is_empty());
        standing.task("one").ended();
        drop(standing.task("another"));
        assert_eq!(standing.dead(), ["another"]);
    }
}
