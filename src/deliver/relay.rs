//! The mail server that takes our messages: where it is, and how a session with it is opened.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::OnceLock;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS, Mechanism};
use lettre::transport::smtp::commands::Auth;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::dialogue::{Dialogue, Phase, Trouble};
use super::offers::Offers;
use super::reply::Reply;
use super::smtp::Session;
use super::tls::{Trust, TrustError, read_authorities};
use crate::config::Config;

pub use super::dialogue::Deadlines;
pub use super::wire::Stream;

/// Where the relay is and how to speak with it. Its `Debug` shows neither user nor password.
pub struct Relay {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    /// What we call ourselves in EHLO; without it, by our address.
    hello: Option<String>,
    deadlines: Deadlines,
    authorities: Vec<CertificateDer<'static>>,
    trust: OnceLock<Trust>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    None,
    /// Plain until STARTTLS, and no message before it.
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
}

/// What is wrong with the relay's settings. No part of the URL is shown, as any may be secret.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("smtp.url must begin with smtp://, smtp+starttls:// or smtps://")]
    Scheme,
    #[error("smtp.url names no host: write, say, smtps://user:password@relay.example:465")]
    Host,
    #[error("smtp.url has a port that is no number from 1 to 65535")]
    Port,
    #[error("smtp.url ends with the port: nothing may follow it")]
    Tail,
    #[error("smtp.url has a user without a password: write user:password@host")]
    Password,
    #[error("smtp.url has a `%` that is not followed by two hexadecimal digits: write % as %25")]
    Percent,
    #[error("smtp.url has a control character in user or password")]
    Control,
    #[error("the relay is to be greeted by a host name: letters, digits, hyphens and dots")]
    Hello,
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// Why no session came about. No delivery has been touched by it.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("cannot reach {relay}: is it running, and is the port right?")]
    Unreachable {
        relay: String,
        #[source]
        source: io::Error,
    },
    #[error("{relay}: {trouble}")]
    Trouble { relay: String, trouble: Trouble },
    #[error("{relay} refused in {phase}: {reply}")]
    Refused {
        relay: String,
        phase: Phase,
        reply: Reply,
    },
    #[error("{relay} offers no STARTTLS: use smtps:// if it has TLS on another port")]
    NoStartTls { relay: String },
    #[error("{relay} cannot prove its name by TLS: check the host in smtp.url and the CA file")]
    Tls {
        relay: String,
        #[source]
        source: io::Error,
    },
    #[error("no TLS towards {relay}")]
    Trust {
        relay: String,
        #[source]
        source: TrustError,
    },
    #[error("no password is sent to {relay} in plain: use smtp+starttls:// or smtps://")]
    PlainPassword { relay: String },
    #[error("{relay} offers neither AUTH PLAIN nor AUTH LOGIN: is the password needed at all?")]
    NoMechanism { relay: String },
}

impl ConnectError {
    pub fn phase(&self) -> Phase {
        match self {
            ConnectError::Unreachable { .. } => Phase::Connect,
            ConnectError::Trouble { trouble, .. } => trouble.phase(),
            ConnectError::Refused { phase, .. } => *phase,
            ConnectError::NoStartTls { .. } => Phase::StartTls,
            ConnectError::Tls { .. } | ConnectError::Trust { .. } => Phase::Tls,
            ConnectError::PlainPassword { .. } | ConnectError::NoMechanism { .. } => Phase::Auth,
        }
    }
}

impl Relay {
    /// The relay of the settings.
    pub fn of(config: &Config) -> Result<Relay, RelayError> {
        let timeouts = config.smtp_timeouts;
        let [connect, command, after_dot] = [timeouts.connect, timeouts.command, timeouts.dot]
            .map(|time| time.to_std().unwrap_or_default());
        let relay = Relay::parse(&config.smtp_url.0)?.with_deadlines(Deadlines {
            connect,
            command,
            after_dot,
        });
        match &config.smtp_ca_file {
            Some(path) => relay.with_ca_file(path),
            None => Ok(relay),
        }
    }

    /// Reads `smtp://`, `smtp+starttls://` or `smtps://`, with user, password and port as wanted;
    /// the ports are 25, 587 and 465 where none is given.
    pub fn parse(url: &str) -> Result<Relay, RelayError> {
        let (scheme, rest) = url.split_once("://").ok_or(RelayError::Scheme)?;
        let (security, usual_port) = match scheme.to_ascii_lowercase().as_str() {
            "smtp" => (Security::None, 25),
            "smtp+starttls" => (Security::StartTls, 587),
            "smtps" => (Security::Implicit, 465),
            _ => return Err(RelayError::Scheme),
        };
        // The last @, as people forget to write one in a password as %40.
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let (host, port) = host_and_port(place)?;
        Ok(Relay {
            host,
            port: port.unwrap_or(usual_port),
            security,
            credentials: user.map(credentials).transpose()?,
            hello: None,
            deadlines: Deadlines::default(),
            authorities: Vec::new(),
            trust: OnceLock::new(),
        })
    }

    /// Greets the relay by this host name.
    pub fn with_hello(mut self, name: &str) -> Result<Relay, RelayError> {
        if !is_host_name(name) {
            return Err(RelayError::Hello);
        }
        self.hello = Some(name.to_owned());
        Ok(self)
    }

    pub fn with_deadlines(mut self, deadlines: Deadlines) -> Relay {
        self.deadlines = deadlines;
        self
    }

    /// Trusts the certificates of a PEM file too, for a relay with a certificate of its own.
    pub fn with_ca_file(self, path: &Path) -> Result<Relay, RelayError> {
        Ok(self.with_authorities(read_authorities(path)?))
    }

    pub fn with_authorities(mut self, found: Vec<CertificateDer<'static>>) -> Relay {
        self.authorities.extend(found);
        self.trust = OnceLock::new();
        self
    }

    pub fn security(&self) -> Security {
        self.security
    }

    /// Opens a session: TCP, TLS where wanted, greeting, EHLO, STARTTLS and AUTH, each under its
    /// deadline. Nothing falls back to plain text.
    pub async fn connect(&self) -> Result<Session, ConnectError> {
        let tcp = self.reach().await?;
        // Checked on the address reached, not on the name, which may point anywhere.
        let stays_here = tcp
            .peer_addr()
            .is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
        if self.credentials.is_some() && self.security == Security::None && !stays_here {
            let relay = self.to_string();
            return Err(ConnectError::PlainPassword { relay });
        }
        let local = tcp.local_addr().ok().map(|address| address.ip());
        self.begin(Box::new(tcp), local).await
    }

    /// Opens a session over a connection that was made elsewhere, from the first byte on.
    ///
    /// Whoever made it vouches that a password may travel over it: nothing shows where it leads.
    pub async fn converse(&self, stream: impl Stream + 'static) -> Result<Session, ConnectError> {
        self.begin(Box::new(stream), None).await
    }

    async fn begin(
        &self,
        mut stream: Box<dyn Stream>,
        local: Option<IpAddr>,
    ) -> Result<Session, ConnectError> {
        let hello = self.hello_command(local);
        if self.security == Security::Implicit {
            stream = self.encrypt(stream).await?;
        }
        let mut dialogue = Dialogue::begin(stream);
        let greeting = dialogue.heard(Phase::Greeting, self.deadlines.command);
        let greeting = greeting.await.map(|_| dialogue.reply());
        self.granted(Phase::Greeting, greeting)?;
        let mut offers = self.introduce(&mut dialogue, &hello).await?;
        if self.security == Security::StartTls {
            dialogue = self.starttls(dialogue, &offers).await?;
            // What was offered in plain is not to be believed (RFC 3207 section 4.2).
            offers = self.introduce(&mut dialogue, &hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            self.authenticate(&mut dialogue, &offers, credentials)
                .await?;
        }
        Ok(Session::new(dialogue, offers, self.deadlines))
    }

    /// Tries the relay's addresses one after the other. Each gets its share of the time, so that
    /// one that swallows packets (IPv6 without a route, often) does not use up the others'.
    async fn reach(&self) -> Result<TcpStream, ConnectError> {
        let deadline = self.deadlines.connect;
        let unreachable = |source| ConnectError::Unreachable {
            relay: self.to_string(),
            source,
        };
        let looking_up = timeout(deadline, lookup_host((self.host.as_str(), self.port))).await;
        let found = looking_up.map_err(|_| unreachable(io::ErrorKind::TimedOut.into()))?;
        let addresses: Vec<SocketAddr> = found.map_err(unreachable)?.collect();
        let share = deadline / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
        let mut failure = io::ErrorKind::NotFound.into();
        for address in addresses {
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => {
                    // Else a small write waits some 40 ms for an acknowledgement.
                    tcp.set_nodelay(true).map_err(unreachable)?;
                    return Ok(tcp);
                }
                Ok(Err(error)) => failure = error,
                Err(_) => failure = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(unreachable(failure))
    }

    async fn encrypt(&self, plain: Box<dyn Stream>) -> Result<Box<dyn Stream>, ConnectError> {
        let relay = || self.to_string();
        let trust = self.trust().map_err(|source| ConnectError::Trust {
            relay: relay(),
            source,
        })?;
        let failed = |source| ConnectError::Tls {
            relay: relay(),
            source,
        };
        let name = ServerName::try_from(self.host.clone())
            .map_err(|error| failed(io::Error::other(error)))?;
        match timeout(self.deadlines.connect, trust.encrypt(name, plain)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Err(self.trouble(Trouble::Silent {
                phase: Phase::Tls,
                deadline: self.deadlines.connect,
            })),
        }
    }

    /// The authorities are read when TLS is first wanted, and kept.
    fn trust(&self) -> Result<&Trust, TrustError> {
        if let Some(trust) = self.trust.get() {
            return Ok(trust);
        }
        let loaded = Trust::load(&self.authorities)?;
        Ok(self.trust.get_or_init(|| loaded))
    }

    async fn introduce(
        &self,
        dialogue: &mut Dialogue,
        hello: &str,
    ) -> Result<Offers, ConnectError> {
        let reply = dialogue.command(Phase::Hello, hello, self.deadlines.command);
        self.granted(Phase::Hello, reply.await)?;
        Ok(Offers::read(dialogue.wire().reply_texts()))
    }

    async fn starttls(
        &self,
        mut dialogue: Dialogue,
        offers: &Offers,
    ) -> Result<Dialogue, ConnectError> {
        if !offers.starttls {
            let relay = self.to_string();
            return Err(ConnectError::NoStartTls { relay });
        }
        // A reply slipped in behind this one in plain is an error here: it would otherwise pass
        // for the first reply inside TLS.
        let reply = dialogue.command(Phase::StartTls, "STARTTLS\r\n", self.deadlines.command);
        self.granted(Phase::StartTls, reply.await)?;
        let encrypted = self.encrypt(dialogue.into_stream()).await?;
        Ok(Dialogue::begin(encrypted))
    }

    /// AUTH PLAIN, or LOGIN with its two questions (RFC 4954).
    async fn authenticate(
        &self,
        dialogue: &mut Dialogue,
        offers: &Offers,
        credentials: &Credentials,
    ) -> Result<(), ConnectError> {
        const QUESTIONS: usize = 4;
        let phase = Phase::Auth;
        let malformed = || self.trouble(Trouble::Malformed { phase });
        let offered = |mechanism: &&Mechanism| offers.mechanisms.contains(mechanism);
        let Some(mechanism) = DEFAULT_MECHANISMS.iter().find(offered).copied() else {
            let relay = self.to_string();
            return Err(ConnectError::NoMechanism { relay });
        };
        let mut question = None;
        for _ in 0..QUESTIONS {
            let said = Auth::new(mechanism, credentials.clone(), question.take());
            let line = said.map_err(|_| malformed())?.to_string();
            let reply = dialogue.command(phase, &line, self.deadlines.command).await;
            let reply = reply.map_err(|trouble| self.trouble(trouble))?;
            if reply.code != 334 {
                return self.granted(phase, Ok(without_echo(reply, &line)));
            }
            question = Some(decoded(&reply.text).ok_or_else(malformed)?);
        }
        Err(malformed())
    }

    fn granted(&self, phase: Phase, heard: Result<Reply, Trouble>) -> Result<(), ConnectError> {
        let reply = heard.map_err(|trouble| self.trouble(trouble))?;
        let relay = self.to_string();
        match reply.code / 100 {
            2 => Ok(()),
            3 => Err(self.trouble(Trouble::OutOfStep { phase, reply })),
            _ => Err(ConnectError::Refused {
                relay,
                phase,
                reply,
            }),
        }
    }

    fn trouble(&self, trouble: Trouble) -> ConnectError {
        let relay = self.to_string();
        ConnectError::Trouble { relay, trouble }
    }

    /// EHLO with our name or, without one, our address (RFC 5321 section 4.1.4).
    fn hello_command(&self, local: Option<IpAddr>) -> String {
        let literal = || match local.map(|address| address.to_canonical()) {
            Some(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
            Some(IpAddr::V4(address)) => format!("[{address}]"),
            None => "localhost".to_owned(),
        };
        let name = self.hello.clone().unwrap_or_else(literal);
        format!("EHLO {name}\r\n")
    }
}

impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if self.credentials.is_some() {
            "with"
        } else {
            "without"
        };
        write!(f, "Relay({self}, {:?}, {known} password)", self.security)
    }
}

/// `mail.example.org:25`, `[::1]`: a host's name or address, and the port where one is given.
pub(crate) fn host_and_port(place: &str) -> Result<(String, Option<u16>), RelayError> {
    let place = place.strip_suffix('/').unwrap_or(place);
    if place.contains(['/', '?', '#']) {
        return Err(RelayError::Tail);
    }
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or(RelayError::Host)?;
            let _: std::net::Ipv6Addr = host.parse().map_err(|_| RelayError::Host)?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(RelayError::Tail),
            }
        }
        None => {
            let (host, port) = match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            };
            if !is_host_name(host) {
                return Err(RelayError::Host);
            }
            (host, port)
        }
    };
    let number = |port: &str| port.parse().ok().filter(|port| *port != 0);
    let port = port.map(|port| number(port).ok_or(RelayError::Port));
    Ok((host.to_owned(), port.transpose()?))
}

fn is_host_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=253).contains(&name.len()) && name.bytes().all(fits)
}

fn credentials(user: &str) -> Result<Credentials, RelayError> {
    let (user, password) = user.split_once(':').ok_or(RelayError::Password)?;
    let (user, password) = (percent_decoded(user)?, percent_decoded(password)?);
    if user.is_empty() || password.is_empty() {
        return Err(RelayError::Password);
    }
    // AUTH PLAIN parts its fields by NUL.
    if user.chars().chain(password.chars()).any(char::is_control) {
        return Err(RelayError::Control);
    }
    Ok(Credentials::new(user, password))
}

/// `%40` and the like (RFC 3986 section 2.1).
pub(crate) fn percent_decoded(text: &str) -> Result<String, RelayError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let is_hex = |hex: &&str| hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hex = part.get(..2).filter(is_hex).ok_or(RelayError::Percent)?;
        bytes.push(u8::from_str_radix(hex, 16).map_err(|_| RelayError::Percent)?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).map_err(|_| RelayError::Percent)
}

/// A server's question in AUTH, which it asks in base64.
fn decoded(question: &str) -> Option<String> {
    let word = question.split_whitespace().next()?;
    let bytes = data_encoding::BASE64.decode(word.as_bytes()).ok()?;
    String::from_utf8(bytes).ok()
}

/// Drops the text of a reply that repeats what we have just said, as that was the password.
fn without_echo(reply: Reply, said: &str) -> Reply {
    let secret = said.split_whitespace().last().unwrap_or_default();
    if reply.text.contains(secret) {
        return Reply::new(reply.code, "");
    }
    reply
}
