//! What is run: who sends how much, into what, over how many connections.

use std::fmt;

use crate::ground::Kind;

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    pub by: By,
    pub into: Sink,
    pub connections: usize,
    pub messages: usize,
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Postfix's `smtp-source -d`.
    Source,
    /// Our client alone, with bytes made beforehand.
    Client,
    /// A loop over Python's smtplib.
    Smtplib,
    Service(Service),
}

/// The service, as a stranger would run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    pub kind: Kind,
    pub signed: Signed,
    pub one_domain: bool,
    /// How many processes send at once; more than one only on PostgreSQL.
    pub senders: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    Not,
    Ed25519,
    Rsa,
    /// By a program that has the fastest signer built in.
    RsaFastest,
}

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    SmtpSink,
    /// Our relay: milliseconds before each batch of replies, and percent of the recipients refused.
    Relay {
        delay: u64,
        reject: u64,
    },
}

impl Case {
    pub fn new(by: By, into: Sink, connections: usize, messages: usize) -> Case {
        Case {
            by,
            into,
            connections,
            messages,
        }
    }
}

impl By {
    /// The service on `kind`, unsigned, its readers at fifty domains.
    pub fn service(kind: Kind) -> By {
        By::signed(kind, Signed::Not)
    }

    pub fn signed(kind: Kind, signed: Signed) -> By {
        By::Service(Service {
            kind,
            signed,
            one_domain: false,
            senders: 1,
        })
    }

    pub fn one_domain(kind: Kind) -> By {
        By::Service(Service {
            kind,
            signed: Signed::Not,
            one_domain: true,
            senders: 1,
        })
    }

    pub fn senders(senders: usize) -> By {
        By::Service(Service {
            kind: Kind::Postgres,
            signed: Signed::Not,
            one_domain: false,
            senders,
        })
    }
}

impl Sink {
    pub const RELAY: Sink = Sink::Relay {
        delay: 0,
        reject: 0,
    };

    pub fn slow(delay: u64) -> Sink {
        Sink::Relay { delay, reject: 0 }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            By::Source => f.write_str("smtp-source -d")?,
            By::Client => f.write_str("our client, prebuilt bytes")?,
            By::Smtplib => f.write_str("smtplib loop")?,
            By::Service(service) => service.fmt(f)?,
        }
        match self.into {
            Sink::SmtpSink => f.write_str(" into smtp-sink")?,
            Sink::Relay {
                delay: 0,
                reject: 0,
            } => f.write_str(" into the relay")?,
            Sink::Relay { delay, reject: 0 } => write!(f, " into the relay, {delay} ms")?,
            Sink::Relay { reject, .. } => write!(f, " into the relay, {reject} % refused")?,
        }
        let plural = if self.connections == 1 { "" } else { "s" };
        write!(
            f,
            ", {} connection{plural}, {} messages",
            self.connections, self.messages
        )
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bulletin on {}", self.kind)?;
        f.write_str(match self.signed {
            Signed::Not => "",
            Signed::Ed25519 => ", Ed25519",
            Signed::Rsa => ", RSA-2048",
            Signed::RsaFastest => ", RSA-2048 by the fastest signer",
        })?;
        if self.one_domain {
            f.write_str(", one domain")?;
        }
        if self.senders > 1 {
            write!(f, ", {} senders", self.senders)?;
        }
        Ok(())
    }
}
