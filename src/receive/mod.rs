//! Receiving what comes back, by whatever way: read, acted on in one transaction, and told once that is committed. A mail
//! that cannot be read, or that a person wrote, is kept aside and does not stop the others.

pub mod door;
pub mod imap;

use std::time::{Duration, Instant};

use crate::bounce::{self, Class, Kind, Reading};
use crate::clock::Clock;
use crate::db::{Db, Tx};
use crate::feedback::acting::{self, Acted, Came, Done, Terms};
use crate::metrics::{Back, Metrics};
use crate::returned::kept::{self, New};
use crate::returned::{self, Did, Way};
use crate::secret::Keys;
use crate::subscriber::Address;
use crate::verp;

/// No mail is read beyond this.
pub const MOST_BYTES: usize = 1024 * 1024;

/// Fields are looked for within so much of a mail's beginning.
const MOST_HEADER: usize = 64 * 1024;

/// What receives. Cheap to clone.
#[derive(Clone)]
pub struct Receiver {
    pub db: Db,
    pub keys: Keys,
    pub terms: Terms,
    pub clock: Clock,
    pub metrics: Metrics,
    /// How long it waits for what the relay said of a delivery to be written down; `PATIENCE` but in tests.
    pub patience: Duration,
}

/// A mail server on the same machine reports what it cannot deliver before our own commit is through; who is sent away
/// comes again after minutes.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What became of a mail or an event; it is durable by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This was done.
    Acted(Did),
    /// It came before.
    Again,
    /// It waits for a person.
    Kept,
    /// Its delivery is being sent just now: let it come again in a moment.
    TooEarly,
}

impl Receiver {
    /// Takes a mail; `to` is the envelope's recipient, where it is known.
    pub async fn mail(&self, mail: &[u8], to: Option<&str>, way: Way) -> sqlx::Result<Taken> {
        let mail = &mail[..mail.len().min(MOST_BYTES)];
        let header = Header::of(mail);
        let id = header.message_id.map_or(mail, str::as_bytes);
        let came = Came { way, id };
        let Some(reading) = self.read(mail, to).await else {
            return self
                .keep(mail, &header, None, "it cannot be read", came)
                .await;
        };
        let leaving = match reading.kind {
            Kind::Bounce | Kind::Complaint | Kind::Report | Kind::Autoreply => None,
            _ => self.leaving(to, &header),
        };
        if let Some(delivery) = leaving {
            return self.leaves(delivery, came).await;
        }
        if reading.kind == Kind::None {
            let why = "an ordinary mail";
            return self.keep(mail, &header, reading.delivery, why, came).await;
        }
        let taken = self.event(&reading, came).await?;
        let is_a_wish = matches!(reading.kind, Kind::Complaint | Kind::Unsubscribe);
        if is_a_wish && taken == Taken::Acted(Did::Noted) {
            let why = "somebody complains or wants to leave, and it cannot be acted on";
            return self.keep(mail, &header, reading.delivery, why, came).await;
        }
        Ok(taken)
    }

    /// Acts on what a mail or a provider's event says.
    pub async fn event(&self, reading: &Reading, came: Came<'_>) -> sqlx::Result<Taken> {
        let began = Instant::now();
        loop {
            let taken = self.event_now(reading, came).await?;
            if taken != Taken::TooEarly || began.elapsed() >= self.patience {
                return Ok(taken);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn event_now(&self, reading: &Reading, came: Came<'_>) -> sqlx::Result<Taken> {
        let mut tx = self.db.begin().await?;
        let now = (self.clock)();
        let acted = acting::act(&mut tx, &self.keys, &self.terms, reading, came, now).await?;
        self.close(tx, acted).await
    }

    /// Acts on a provider's event. The provider is believed, so the address that it names leads to the delivery where
    /// it passes on nothing else that does.
    pub async fn posted(&self, mut reading: Reading, id: &[u8]) -> sqlx::Result<Taken> {
        let came = Came {
            way: Way::Webhook,
            id,
        };
        let named = reading
            .recipients
            .iter()
            .find_map(|one| one.address.as_deref());
        let named = named.and_then(|named| Address::parse(named).ok());
        if let (None, Some(address)) = (reading.delivery, named) {
            let mut tx = self.db.read().await?;
            reading.delivery = returned::newest_sent(&mut tx, &address.hash(&self.keys)).await?;
        }
        self.event(&reading, came).await
    }

    async fn leaves(&self, delivery: i64, came: Came<'_>) -> sqlx::Result<Taken> {
        let mut tx = self.db.begin().await?;
        let (terms, now) = (&self.terms, (self.clock)());
        let acted = acting::leave_by_mail(&mut tx, &self.keys, terms, delivery, came, now).await?;
        self.close(tx, acted).await
    }

    async fn close(&self, tx: Tx, acted: Acted) -> sqlx::Result<Taken> {
        match acted {
            Acted::Done(done) => {
                tx.commit().await?;
                self.tell(&done);
                Ok(Taken::Acted(done.did))
            }
            Acted::Again => {
                self.metrics.came_back(Back::Again);
                Ok(Taken::Again)
            }
            Acted::TooEarly => Ok(Taken::TooEarly),
        }
    }

    /// Reads it on a thread of its own; `None` when that fails in a way that it never should.
    async fn read(&self, mail: &[u8], to: Option<&str>) -> Option<Reading> {
        let (mail, to, keys) = (mail.to_vec(), to.map(str::to_owned), self.keys.clone());
        let reading =
            tokio::task::spawn_blocking(move || bounce::read(&mail, to.as_deref(), &keys));
        reading.await.ok()
    }

    /// Whose subscription a signed address or subject of ours ends.
    fn leaving(&self, to: Option<&str>, header: &Header<'_>) -> Option<i64> {
        let written = to.into_iter().chain(header.recipients.iter().copied());
        written
            .chain(header.subject)
            .find_map(|written| verp::leaving(&self.keys, written.trim().trim_start_matches('<')))
    }

    async fn keep(
        &self,
        mail: &[u8],
        header: &Header<'_>,
        delivery: Option<i64>,
        why: &str,
        came: Came<'_>,
    ) -> sqlx::Result<Taken> {
        let writer = header.from.and_then(|from| Address::parse(from).ok());
        let mut tx = self.db.begin().await?;
        let new = New {
            mark: &self.keys.mark(came.id),
            at: (self.clock)(),
            way: came.way,
            why,
            delivery,
            address_hash: writer.map(|writer| writer.hash(&self.keys)),
            mail,
        };
        kept::add(&mut tx, &new).await?;
        tx.commit().await?;
        self.metrics.came_back(Back::Kept);
        tracing::info!(delivery, "a mail came back that wants a person: {why}");
        Ok(Taken::Kept)
    }

    /// Says in the metrics and in the log what was done, without any address.
    fn tell(&self, done: &Done) {
        let what = told(done);
        self.metrics.came_back(what);
        if let Some(domain) = &done.domain {
            self.metrics.domain_came_back(domain, what);
        }
        if done.has_left {
            self.metrics.unsubscribed();
        }
        if let Some(raised) = &done.raised {
            raised.report(&self.metrics);
        }
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    delivery = done.delivery,
                    kind = done.kind.as_str(),
                    class = done.class.map(Class::as_str),
                    reason = done.reason,
                    did = done.did.as_str(),
                    "came back"
                )
            };
        }
        match done.did {
            Did::Warned => line!(warn),
            Did::Noted => line!(debug),
            _ => line!(info),
        }
    }
}

/// What metrics call it.
fn told(done: &Done) -> Back {
    match (done.did, done.class, done.kind) {
        (Did::Noted, ..) => Back::Noted,
        (_, _, Kind::Complaint) => Back::Complaint,
        (_, _, Kind::Unsubscribe) => Back::Unsubscribe,
        (_, Some(Class::Hard), _) => Back::Hard,
        (_, Some(Class::Block), _) => Back::Block,
        _ => Back::Soft,
    }
}

/// What of a mail's own header is looked at here.
#[derive(Default)]
struct Header<'a> {
    message_id: Option<&'a str>,
    from: Option<&'a str>,
    subject: Option<&'a str>,
    /// Where it went, as servers on the way wrote down.
    recipients: Vec<&'a str>,
}

impl<'a> Header<'a> {
    /// Reads as far as the first empty line; a field that is not UTF-8, or folded, is cut or passed over.
    fn of(mail: &'a [u8]) -> Header<'a> {
        let mut header = Header::default();
        let beginning = &mail[..mail.len().min(MOST_HEADER)];
        for line in lines(beginning).take_while(|line| !line.is_empty()) {
            if let Ok(line) = std::str::from_utf8(line) {
                header.note(line);
            }
        }
        header
    }

    fn note(&mut self, line: &'a str) {
        let Some((name, value)) = line.split_once(':') else {
            return;
        };
        let value = value.trim();
        match name.trim_end().to_ascii_lowercase().as_str() {
            "message-id" if !value.is_empty() => {
                self.message_id.get_or_insert(value);
            }
            "subject" => self.subject = Some(value),
            "from" => self.from = Some(address_in(value)),
            "to" | "delivered-to" | "x-original-to" | "envelope-to" => {
                self.recipients.push(address_in(value));
            }
            _ => {}
        }
    }
}

/// Lines that end in CRLF, LF or CR, without their ends.
fn lines(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|byte| b"\r\n".contains(byte));
        let end = end.unwrap_or(rest.len());
        let (line, behind) = rest.split_at(end);
        rest = match behind {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
            [] => behind,
        };
        Some(line)
    })
}

/// The address in `Name <address>`, or all of it.
fn address_in(value: &str) -> &str {
    match value.rsplit_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_whatever_ends_the_lines() {
        let text = "From a@b Mon Jan  1 10:00:00 2026\nMessage-ID: <1@x>\nFrom: A <a@peer.test>\nTo: <leave-x@y>\n\nSubject: no\n";
        for end in ["\n", "\r\n", "\r"] {
            let mail = text.replace('\n', end);
            let header = Header::of(mail.as_bytes());
            assert_eq!(header.message_id, Some("<1@x>"));
            assert_eq!(header.from, Some("a@peer.test"));
            assert_eq!(header.recipients, ["leave-x@y"]);
            assert_eq!(header.subject, None);
        }
    }
}
