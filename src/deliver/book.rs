//! What is going on between the ledger and its connections.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use chrono::{DateTime, Duration, Utc};
use tokio::sync::oneshot;

use super::pace::{self, Pace};
use super::round::{Claimed, Due};
use super::settled::Settled;
use super::smtp::Outcome;

/// How long a connection without work is kept open.
const LINGER: std::time::Duration = std::time::Duration::from_secs(5);

/// What a connection asks of the ledger.
pub(super) struct Asked {
    /// Which connection it is.
    pub(super) connection: usize,
    /// What became of the delivery that it held.
    pub(super) settled: Option<(Due, Outcome)>,
    pub(super) wants: Wants,
    pub(super) answer: oneshot::Sender<Answer>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    /// To be told when something is due.
    Notice,
    /// A delivery.
    Work,
    /// Only to have its outcome written down.
    Nothing,
}

pub(super) enum Answer {
    Work(Box<Claimed>),
    /// Something is due.
    Due,
    /// Nothing has been due for a while: hang up and ask for notice.
    NothingNow,
    /// The outcome is written down.
    Written,
    /// The sender ends.
    Over,
}

/// Who asked and waits, and who holds what.
#[derive(Default)]
pub(super) struct Book {
    /// Questions that have no answer yet, with the moment they came.
    waiting: Vec<(Asked, Instant)>,
    /// What the connections hold: to which domain, and since when.
    held: HashMap<i64, (String, Instant)>,
    /// What was claimed and goes back to the queue with the next round.
    returned: Vec<Settled>,
    /// Connections that were told that something is due and have not come back yet.
    arriving: HashSet<usize>,
}

impl Book {
    /// Takes questions in. What an outcome shows of its domain counts before the next claim.
    pub(super) fn take_in(&mut self, new: Vec<Asked>, pace: &mut Pace) {
        let at = Instant::now();
        for asked in new {
            self.arriving.remove(&asked.connection);
            if let Some((due, outcome)) = &asked.settled
                && let Some((domain, since)) = self.held.get(&due.id)
            {
                pace.settled(domain, *since, at, outcome.verdict());
            }
            self.waiting.push((asked, at));
        }
    }

    pub(super) fn is_waited_for(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether of the deliveries that are held, at least half wait to be written down.
    pub(super) fn is_half_back(&self) -> bool {
        let back = self.waiting.iter();
        back.filter(|(asked, _)| asked.settled.is_some()).count() * 2 >= self.held.len()
    }

    /// Whether nobody holds a delivery, is on the way to ask for one, or has one to give back.
    pub(super) fn is_idle(&self) -> bool {
        self.held.is_empty() && self.arriving.is_empty() && self.returned.is_empty()
    }

    /// How many deliveries go back to the queue with the next round.
    pub(super) fn returned(&self) -> usize {
        self.returned.len()
    }

    pub(super) fn how_many_want(&self, wants: Wants) -> usize {
        let of = self.waiting.iter();
        of.filter(|(asked, _)| asked.wants == wants).count()
    }

    /// How many connections have been told that something is due, and have not come back yet.
    pub(super) fn arriving(&self) -> usize {
        self.arriving.len()
    }

    /// What the next round is to write down.
    pub(super) fn settled(&self, life: Duration, now: DateTime<Utc>) -> Vec<Settled> {
        let asked = self.waiting.iter();
        let outcomes = asked.filter_map(|(asked, _)| asked.settled.as_ref());
        let settled = outcomes.map(|(due, outcome)| Settled::by(due, outcome, life, now));
        settled.chain(self.returned.iter().cloned()).collect()
    }

    /// The deliveries that this sender has claimed and not written down.
    pub(super) fn claimed(&self) -> Vec<i64> {
        let returned = self.returned.iter().map(|returned| returned.id);
        self.held.keys().copied().chain(returned).collect()
    }

    /// What was to be written down is; gives how many outcomes that were.
    pub(super) fn forget_settled(&mut self) -> usize {
        self.returned.clear();
        let mut outcomes = 0;
        for (asked, _) in &mut self.waiting {
            if let Some((due, _)) = asked.settled.take() {
                outcomes += 1;
                self.held.remove(&due.id);
            }
        }
        outcomes
    }

    /// Sorts what was claimed: gives what may be offered now; the rest goes back to the queue, with when the last of those without room
    /// is to be looked at again.
    pub(super) fn sort_out(
        &mut self,
        claimed: Vec<Claimed>,
        pace: &mut Pace,
        now: DateTime<Utc>,
    ) -> (Vec<Claimed>, Option<DateTime<Utc>>) {
        let at = Instant::now();
        let (mut offered, mut last) = (Vec::with_capacity(claimed.len()), None);
        for claimed in claimed {
            let domain = pace::domain(&claimed.subscriber.address);
            if !claimed.may_be_offered() {
                self.returned.push(Settled::left_out(&claimed.delivery));
            } else if pace.room(domain, at) == 0 {
                let turn = pace.turn(domain, now);
                last = last.max(Some(turn));
                self.returned
                    .push(Settled::put_off(&claimed.delivery, turn));
                pace.put_off(1);
            } else {
                pace.offered(domain, at, now);
                let held = (domain.to_owned(), at);
                self.held.insert(claimed.delivery.id, held);
                offered.push(claimed);
            }
        }
        (offered, last)
    }

    /// Answers whoever can be answered. Who gets nothing goes on waiting, or hears that there is nothing, or that it is
    /// over. `more` is how many deliveries are due besides.
    pub(super) fn answer(&mut self, offered: Vec<Claimed>, mut more: usize, over: bool) {
        let mut offered = offered.into_iter();
        for (asked, since) in std::mem::take(&mut self.waiting) {
            let answer = match asked.wants {
                Wants::Nothing => Answer::Written,
                Wants::Work => match offered.next() {
                    Some(claimed) => Answer::Work(Box::new(claimed)),
                    None if over => Answer::Over,
                    None if since.elapsed() > LINGER => Answer::NothingNow,
                    None => {
                        self.waiting.push((asked, since));
                        continue;
                    }
                },
                Wants::Notice if over => Answer::Over,
                Wants::Notice if more > 0 => {
                    more -= 1;
                    self.arriving.insert(asked.connection);
                    Answer::Due
                }
                Wants::Notice => {
                    self.waiting.push((asked, since));
                    continue;
                }
            };
            // A connection's task that died asks no more; its claim is recovered like any other.
            drop(asked.answer.send(answer));
        }
    }

    /// Tells everybody who waits that it is over.
    pub(super) fn dismiss(&mut self) {
        for (asked, _) in self.waiting.drain(..) {
            drop(asked.answer.send(Answer::Over));
        }
    }
}
