//! The checker: the relay's log on one side, the service's record on the other. The log is the truth.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use anyhow::ensure;

use crate::relay::Taken;
use crate::store::Row;

/// The states that ARCHITECTURE.md lists. A crash must leave no other.
pub const STATES: [&str; 7] = [
    "waiting",
    "in_flight",
    "accepted",
    "deferred",
    "bounced",
    "suppressed",
    "unknown",
];

/// What joining the two sides came to. Rows are named by their numbers, never by an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub planned: usize,
    /// Deliveries that the relay took at least once.
    pub taken: usize,
    /// What it took beyond the first time.
    pub doubles: usize,
    /// Planned, not taken, and in no state that explains it.
    pub lost: Vec<i64>,
    /// On record as accepted, but the relay never took it.
    pub never_taken: Vec<i64>,
    /// Taken, but on record as something that denies it.
    pub denied: Vec<i64>,
    /// In a state that no document lists.
    pub unlisted: Vec<i64>,
    /// Taken twice, and not as the same message.
    pub differing: Vec<i64>,
    /// Messages taken for somebody to whom nothing was owed.
    pub unowed: usize,
    /// Deliveries in each state.
    pub states: HashMap<String, usize>,
}

/// At which moment the record is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Work is left: waiting, deferred, in flight and unknown all say why a mail has not been taken.
    Midway,
    /// Nothing is left to do.
    End,
}

/// Joins the rows of one campaign with what the relay took for it.
pub fn judge(rows: &[Row], log: &[Taken], moment: Moment) -> Verdict {
    let mut taken: HashMap<&str, Vec<&Taken>> = HashMap::new();
    for one in log {
        taken.entry(&one.recipient).or_default().push(one);
    }
    let mut verdict = Verdict {
        planned: rows.len(),
        ..Verdict::default()
    };
    let mut known = BTreeSet::new();
    for row in rows {
        *verdict.states.entry(row.state.clone()).or_default() += 1;
        known.insert(row.address.as_str());
        let copies = taken
            .get(row.address.as_str())
            .map_or(&[][..], Vec::as_slice);
        verdict.judge_row(row, copies, moment);
    }
    verdict.unowed = log
        .iter()
        .filter(|one| !known.contains(one.recipient.as_str()))
        .count();
    verdict
}

/// Judges while mail is being sent: the record may deny nothing that was taken before it was read, and admit nothing
/// that has not been taken after.
pub fn judge_live(rows: &[Row], before: &[Taken], after: &[Taken], moment: Moment) -> Verdict {
    let later = judge(rows, after, moment);
    Verdict {
        never_taken: later.never_taken,
        lost: later.lost,
        ..judge(rows, before, moment)
    }
}

impl Verdict {
    fn judge_row(&mut self, row: &Row, copies: &[&Taken], moment: Moment) {
        let state = row.state.as_str();
        if !STATES.contains(&state) {
            self.unlisted.push(row.id);
        }
        let Some((first, repeats)) = copies.split_first() else {
            let explained = match moment {
                Moment::Midway => state != "accepted",
                Moment::End => matches!(state, "bounced" | "suppressed"),
            };
            match state {
                "accepted" => self.never_taken.push(row.id),
                _ if !explained => self.lost.push(row.id),
                _ => {}
            }
            return;
        };
        self.taken += 1;
        self.doubles += repeats.len();
        let is_same = |copy: &&Taken| {
            (&copy.message_id, copy.bytes, copy.hash)
                == (&first.message_id, first.bytes, first.hash)
        };
        if !repeats.iter().all(is_same) {
            self.differing.push(row.id);
        }
        let admitted = match state {
            "accepted" | "unknown" => true,
            // Its outcome is not on record yet.
            "in_flight" => moment == Moment::Midway,
            _ => false,
        };
        // A row in doubt may be offered again and be put off then: the doubt stays, though the state has gone on.
        let was_in_doubt = matches!(state, "deferred" | "bounced") && row.attempts > 1;
        if !(admitted || was_in_doubt) {
            self.denied.push(row.id);
        }
    }

    /// Fails unless nothing is lost or wrong, and repeats are at most `doubles`.
    pub fn hold(&self, doubles: usize) -> anyhow::Result<()> {
        ensure!(self.lost.is_empty(), "lost {}: {self}", self.lost.len());
        let wrong = [
            (&self.never_taken, "recorded as accepted, but never taken"),
            (&self.denied, "taken, but recorded otherwise"),
            (&self.unlisted, "in a state that is not listed"),
            (&self.differing, "repeated as another message"),
        ];
        for (rows, what) in wrong {
            ensure!(rows.is_empty(), "{} {what}: {self}", rows.len());
        }
        ensure!(self.unowed == 0, "{} mails owed to nobody", self.unowed);
        ensure!(
            self.doubles <= doubles,
            "{} doubles where {doubles} are allowed",
            self.doubles
        );
        Ok(())
    }

    /// Fails unless every mail was taken and is on record as accepted.
    pub fn hold_for_everyone(&self, doubles: usize) -> anyhow::Result<()> {
        self.hold(doubles)?;
        let accepted = self.states.get("accepted").copied().unwrap_or(0);
        ensure!(
            accepted == self.planned && self.taken == self.planned,
            "not everybody got their mail: {self}"
        );
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut states: Vec<_> = self.states.iter().collect();
        states.sort();
        write!(f, "planned {}, taken {}", self.planned, self.taken)?;
        states
            .iter()
            .try_for_each(|(state, count)| write!(f, ", {state} {count}"))?;
        let named = [
            ("lost", &self.lost),
            ("never taken", &self.never_taken),
            ("denied", &self.denied),
            ("unlisted", &self.unlisted),
            ("differing", &self.differing),
        ];
        for (name, rows) in named.iter().filter(|(_, rows)| !rows.is_empty()) {
            write!(f, "; {name}: {:?}", &rows[..rows.len().min(5)])?;
        }
        Ok(())
    }
}

/// The seven states add up to what was planned, at any moment.
pub fn hold_account(counts: &[(String, i64)], planned: i64) -> anyhow::Result<()> {
    let sum: i64 = counts
        .iter()
        .filter(|(state, _)| STATES.contains(&state.as_str()))
        .map(|(_, count)| count)
        .sum();
    ensure!(
        sum == planned,
        "the states add up to {sum} and not to the {planned} planned: {counts:?}"
    );
    Ok(())
}

/// A check that cannot fail is no check: each kind of mistake is made here once, and must be found.
#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, state: &str) -> Row {
        Row {
            id,
            state: state.to_owned(),
            address: format!("r{id}@peer.test"),
            attempts: 1,
            first_tried_at: None,
            reply: String::new(),
        }
    }

    fn taken(id: i64) -> Taken {
        Taken {
            micros: 0,
            connection: 1,
            return_path: "b@news.test".to_owned(),
            recipient: format!("r{id}@peer.test"),
            message_id: format!("<{id}@news.test>"),
            bytes: 100,
            hash: Some(1),
            leave: None,
        }
    }

    fn fair() -> (Vec<Row>, Vec<Taken>) {
        let rows = vec![row(1, "accepted"), row(2, "accepted"), row(3, "bounced")];
        (rows, vec![taken(1), taken(2)])
    }

    #[test]
    fn an_honest_record_passes() {
        let (rows, log) = fair();
        let verdict = judge(&rows, &log, Moment::End);
        verdict.hold(0).unwrap();
        assert_eq!((verdict.planned, verdict.taken), (3, 2));
        assert!(verdict.hold_for_everyone(0).is_err(), "one was refused");
    }

    #[test]
    fn a_lost_mail_is_found_in_every_state_that_explains_nothing() {
        let (mut rows, log) = fair();
        for state in ["waiting", "deferred", "in_flight", "unknown"] {
            rows[2] = row(3, state);
            let verdict = judge(&rows, &log, Moment::End);
            assert_eq!(verdict.lost, [3], "{state}");
            assert!(verdict.hold(9).is_err());
            judge(&rows, &log, Moment::Midway).hold(0).unwrap();
        }
    }

    #[test]
    fn a_mail_recorded_as_accepted_that_was_never_taken_is_found() {
        let (rows, mut log) = fair();
        log.pop();
        for moment in [Moment::Midway, Moment::End] {
            let verdict = judge(&rows, &log, moment);
            assert_eq!(verdict.never_taken, [2]);
            assert!(verdict.hold(9).is_err());
        }
    }

    #[test]
    fn a_mail_that_was_taken_and_is_denied_is_found() {
        let (mut rows, log) = fair();
        for state in ["waiting", "deferred", "bounced", "suppressed"] {
            rows[1] = row(2, state);
            let verdict = judge(&rows, &log, Moment::Midway);
            assert_eq!(verdict.denied, [2], "{state}");
            assert!(verdict.hold(9).is_err());
        }
        rows[1] = row(2, "in_flight");
        judge(&rows, &log, Moment::Midway).hold(0).unwrap();
        assert!(judge(&rows, &log, Moment::End).hold(0).is_err());
    }

    #[test]
    fn what_is_taken_while_the_record_is_read_is_no_mistake() {
        let rows = vec![row(1, "accepted"), row(2, "waiting"), row(3, "accepted")];
        let before = vec![taken(1)];
        let after = vec![taken(1), taken(2), taken(3)];
        judge_live(&rows, &before, &after, Moment::Midway)
            .hold(0)
            .unwrap();
        let denied = judge_live(&rows, &after, &after, Moment::Midway);
        assert_eq!(denied.denied, [2]);
        let never = judge_live(&rows, &before, &before, Moment::Midway);
        assert_eq!(never.never_taken, [3]);
    }

    #[test]
    fn doubles_are_counted_and_must_be_the_same_message() {
        let (rows, mut log) = fair();
        log.push(taken(1));
        let verdict = judge(&rows, &log, Moment::End);
        assert_eq!(verdict.doubles, 1);
        verdict.hold(1).unwrap();
        assert!(verdict.hold(0).is_err());
        let changes: [fn(&mut Taken); 3] = [
            |copy| copy.message_id.push('x'),
            |copy| copy.bytes += 1,
            |copy| copy.hash = Some(2),
        ];
        for change in changes {
            let mut log = log.clone();
            change(&mut log[2]);
            let verdict = judge(&rows, &log, Moment::End);
            assert_eq!(verdict.differing, [1]);
            assert!(verdict.hold(9).is_err());
        }
    }

    #[test]
    fn a_state_that_is_not_listed_is_found() {
        let (mut rows, log) = fair();
        rows[2] = row(3, "somewhere");
        let verdict = judge(&rows, &log, Moment::Midway);
        assert_eq!(verdict.unlisted, [3]);
        assert!(verdict.hold(9).is_err());
    }

    #[test]
    fn a_mail_to_somebody_who_is_owed_none_is_found() {
        let (rows, mut log) = fair();
        log.push(taken(99));
        assert!(judge(&rows, &log, Moment::End).hold(9).is_err());
    }

    #[test]
    fn an_account_that_does_not_balance_is_found() {
        let counts = |waiting| vec![("accepted".to_owned(), 3), ("waiting".to_owned(), waiting)];
        hold_account(&counts(2), 5).unwrap();
        assert!(hold_account(&counts(1), 5).is_err());
        let mut strange = counts(1);
        strange.push(("somewhere".to_owned(), 1));
        assert!(hold_account(&strange, 5).is_err());
    }

    #[test]
    fn the_states_are_those_that_the_architecture_lists() {
        let document = include_str!("../../../ARCHITECTURE.md");
        for state in STATES {
            assert!(document.contains(&format!("`{state}`")), "{state}");
        }
    }
}
