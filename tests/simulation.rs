//! Thousands of sessions with a server that fails in every way, over a pipe in memory and by a clock that is advanced
//! by hand. The server knows what it has accepted; no outcome may say otherwise.
//!
//! `BULLETIN_SIM_SESSIONS` says how many, `BULLETIN_SIM_SEED` where to begin. Each session has a seed of its own, and
//! a failure names it: with that seed and one session, the same happens again.

mod plan;
mod server;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bulletin::deliver::relay::Relay;
use bulletin::deliver::smtp::{Envelope, Outcome, Phase, Session};
use bulletin::pieces::Body;
use tokio::time::{Instant, timeout};

use self::plan::{DEADLINES, Fault, Plan, Point};
use self::server::{Record, Recorded, Server, Truth};
use crate::support::dice::Dice;
use crate::support::setting;

#[test]
fn no_outcome_says_what_the_server_knows_to_be_wrong() {
    let first = setting("BULLETIN_SIM_SEED").unwrap_or(1);
    let sessions = setting("BULLETIN_SIM_SESSIONS").unwrap_or(10_000);
    let mut outcomes = BTreeMap::new();
    for seed in (first..).take(sessions as usize) {
        let story = Story::play(seed);
        if let Err(wrong) = story.check() {
            let said = &story.said;
            panic!("BULLETIN_SIM_SEED={seed} BULLETIN_SIM_SESSIONS=1: {wrong}\n{story:#?}\n{said}");
        }
        for told in &story.told {
            *outcomes.entry(told.name()).or_insert(0_u64) += 1;
        }
    }
    eprintln!("{sessions} sessions: {outcomes:?}");
    // Else the server does not do what it is there for.
    if sessions >= 1_000 {
        for name in [
            "accepted",
            "deferred",
            "bounced",
            "unknown",
            "unfinished",
            "dropped",
        ] {
            assert!(
                outcomes
                    .get(name)
                    .is_some_and(|times| *times > sessions / 1_000),
                "{name}"
            );
        }
    }
}

#[test]
fn a_seed_always_tells_the_same_story() {
    for seed in 1..100 {
        let (one, other) = (Story::play(seed), Story::play(seed));
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }
}

/// A session as it went.
#[derive(Debug)]
struct Story {
    plan: Plan,
    truth: Truth,
    opened: Result<(), String>,
    told: Vec<Told>,
    /// What the client has said in all.
    said: String,
    overdue: Vec<String>,
}

/// A message as its sender sees it.
#[derive(Debug)]
struct Told {
    message: usize,
    /// None when the sender has dropped it half way.
    outcome: Option<Outcome>,
    /// Its sender said that it may not be finished.
    is_forbidden: bool,
    is_usable: bool,
    /// The last bytes that the client had said until then.
    last_said: Vec<u8>,
}

impl Story {
    fn play(seed: u64) -> Story {
        let plan = Plan::draw(&mut Dice::new(seed));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(Story::of(plan))
    }

    async fn of(plan: Plan) -> Story {
        let truth = Rc::new(RefCell::new(Truth::default()));
        let record = Arc::new(Mutex::new(Record {
            said: Vec::new(),
            waits_since: Instant::now(),
        }));
        let (near, far) = tokio::io::duplex(plan.pipe_bytes);
        let server = Server::new(&plan, far, truth.clone(), record.clone());
        let mut client = Client {
            plan: &plan,
            record: record.clone(),
            told: Vec::new(),
            overdue: Vec::new(),
        };
        let (opened, ()) = tokio::join!(client.converse(near), server.run());
        let Client { told, overdue, .. } = client;
        let said = String::from_utf8_lossy(&record.lock().unwrap().said).into_owned();
        let truth = truth.take();
        Story {
            plan,
            truth,
            opened,
            told,
            said,
            overdue,
        }
    }

    fn check(&self) -> Result<(), String> {
        if let Some(late) = self.overdue.first() {
            return Err(late.clone());
        }
        if !self.truth.damaged.is_empty() {
            return Err(format!("messages {:?} came damaged", self.truth.damaged));
        }
        let misleads = self.plan.misleads();
        if self.truth.misunderstood > 0 && !misleads {
            return Err("the client said what is no command".to_owned());
        }
        if let (Err(failure), true) = (&self.opened, self.plan.is_clean(0)) {
            return Err(format!("no session came about: {failure}"));
        }
        self.told.iter().try_for_each(|told| {
            let message = told.message;
            let wrong = self.wrong(told);
            wrong.map_or(Ok(()), |wrong| Err(format!("message {message}: {wrong}")))
        })?;
        let known: Vec<_> = self.told.iter().map(|told| told.message).collect();
        match self
            .truth
            .accepted
            .iter()
            .find(|taken| !known.contains(taken))
        {
            Some(stray) => Err(format!("message {stray} was never sent and yet accepted")),
            None => Ok(()),
        }
    }

    /// What is wrong about an outcome.
    fn wrong(&self, told: &Told) -> Option<&'static str> {
        let message = told.message;
        let times = self
            .truth
            .accepted
            .iter()
            .filter(|taken| **taken == message)
            .count();
        let verdict = self
            .truth
            .told
            .iter()
            .find(|known| known.0 == message)
            .map(|known| known.1);
        let misleads = self.plan.misleads();
        let wrong = match &told.outcome {
            Some(Outcome::Accepted { .. }) if times != 1 => "it was not accepted",
            Some(Outcome::Accepted { .. }) if verdict.is_none_or(|code| code / 100 != 2) => {
                "nobody said that it was accepted"
            }
            Some(Outcome::Deferred { .. } | Outcome::Bounced { .. }) if times > 0 => {
                "it was accepted"
            }
            Some(Outcome::Unknown { .. }) if !has_begun_to_end(&told.last_said) => {
                "the final dot has not left"
            }
            Some(Outcome::Unknown { .. })
                if !misleads && verdict.is_some_and(|code| code / 100 != 3) =>
            {
                "the server has told what became of it"
            }
            Some(Outcome::Deferred { .. } | Outcome::Unknown { .. })
                if !misleads && verdict.is_some_and(|code| code / 100 == 2) =>
            {
                "the server has said that it was accepted"
            }
            Some(Outcome::Accepted { .. } | Outcome::Unknown { .. }) if told.is_forbidden => {
                "it was not to be finished"
            }
            Some(Outcome::Deferred {
                phase: Phase::Body, ..
            })
            | None
                if told.is_usable =>
            {
                "the connection is still used"
            }
            Some(outcome) if Story::is_over(outcome) && told.is_usable => {
                "the connection is still used, though it has ended"
            }
            Some(outcome) if self.plan.is_clean(message) => match outcome {
                Outcome::Accepted { .. } if told.is_usable => return None,
                Outcome::Accepted { .. } => "the connection is not used again",
                _ => "nothing was in its way",
            },
            Some(Outcome::Deferred { .. } | Outcome::Bounced { .. })
                if !told.is_usable && self.is_plain_refusal(message) =>
            {
                "the connection is given up for a refusal"
            }
            _ => return None,
        };
        Some(wrong)
    }

    /// Whether the server says no to a message, once and clearly, and nothing else is out of order.
    fn is_plain_refusal(&self, message: usize) -> bool {
        let plan = &self.plan;
        let [(nth, point, Fault::Say(reply))] = plan.faults[..] else {
            return false;
        };
        let is_step = matches!(point, Point::Mail | Point::Rcpt | Point::Data | Point::Dot);
        let is_refusal = reply.starts_with(['4', '5']) && !reply.starts_with("421");
        // A message for somebody that was never announced: only hanging up is safe.
        let is_trap = point == Point::Mail && plan.careless && plan.pipelining;
        let is_cut = plan.cut_heard.is_some() || plan.cut_said.is_some();
        let is_stopped = plan.leases[message].is_some() || plan.dropped.is_some();
        nth == message && is_step && is_refusal && !is_trap && !is_cut && !is_stopped
    }

    /// Whether the connection cannot go on behind this.
    fn is_over(outcome: &Outcome) -> bool {
        let reply = match outcome {
            Outcome::Accepted { reply } | Outcome::Bounced { reply, .. } => Some(reply),
            Outcome::Deferred { reply, .. } => reply.as_ref(),
            Outcome::Unknown { .. } => None,
        };
        reply.is_none_or(|reply| reply.is_farewell())
    }
}

impl Told {
    fn name(&self) -> &'static str {
        match &self.outcome {
            _ if self.is_forbidden => "unfinished",
            Some(outcome) => outcome.name(),
            None => "dropped",
        }
    }
}

/// The sender's side.
struct Client<'p> {
    plan: &'p Plan,
    record: Arc<Mutex<Record>>,
    told: Vec<Told>,
    overdue: Vec<String>,
}

impl Client<'_> {
    async fn converse(&mut self, pipe: tokio::io::DuplexStream) -> Result<(), String> {
        let user = if self.plan.password {
            "anna:secret@"
        } else {
            ""
        };
        let relay = Relay::parse(&format!("smtp://{user}sim.test"));
        let relay = relay.unwrap().with_deadlines(DEADLINES);
        let record = self.record.clone();
        let opened = relay.converse(Recorded { pipe, record }).await;
        self.look_at_the_clock("the opening");
        let mut session = opened.map_err(|failure| failure.to_string())?;
        for message in 0..self.plan.messages {
            if !self.send(&mut session, message).await {
                return Ok(());
            }
        }
        session.quit().await;
        self.look_at_the_clock("the farewell");
        Ok(())
    }

    /// Sends one message, and says whether the connection may be used again.
    async fn send(&mut self, session: &mut Session, message: usize) -> bool {
        let return_path = format!("bounce+{message}@news.test");
        let envelope = Envelope {
            return_path: &return_path,
            recipient: "reader@peer.test",
        };
        let asked = Cell::new(0);
        let lease = self.plan.leases[message];
        let is_over = || lease.is_some_and(|end| asked.get() > end);
        let may_finish = || {
            asked.set(asked.get() + 1);
            !is_over()
        };
        // In pieces of other lengths for each message, some of them in one.
        let (text, mut body) = (&self.plan.bodies[message], Body::default());
        for piece in text.chunks(1 + text.len() / (1 + message % 5)) {
            body.add_new(piece);
        }
        let sending = session.send_body(&envelope, &body, may_finish);
        let outcome = match self.plan.dropped {
            Some((nth, after)) if nth == message => timeout(after, sending).await.ok(),
            _ => Some(sending.await),
        };
        self.look_at_the_clock("a message");
        let is_usable = session.is_usable();
        self.told.push(Told {
            message,
            outcome,
            is_forbidden: is_over(),
            is_usable,
            last_said: last(&self.record.lock().unwrap().said),
        });
        is_usable
    }

    /// Notes a step that took longer than it may.
    fn look_at_the_clock(&mut self, step: &str) {
        let record = self.record.lock().unwrap();
        let limit = match has_begun_to_end(&record.said) {
            true => DEADLINES.after_dot,
            false => DEADLINES.command,
        };
        let waited = record.waits_since.elapsed();
        if waited > limit + Duration::from_millis(10) {
            self.overdue.push(format!("{step} waited for {waited:?}"));
        }
    }
}

/// Whether a message's final dot may be seen in what was said last.
fn has_begun_to_end(said: &[u8]) -> bool {
    [&b"\r\n."[..], b"\r\n.\r", b"\r\n.\r\n"]
        .iter()
        .any(|end| said.ends_with(end))
}

fn last(said: &[u8]) -> Vec<u8> {
    said[said.len().saturating_sub(5)..].to_vec()
}
