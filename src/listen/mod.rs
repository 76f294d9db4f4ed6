//! The receiving side of SMTP and LMTP: the demo's mail catcher, the tests' relays and the door
//! for bounces are all this one session with another [`Mailbox`] behind it.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::network::Network;

mod session;

pub use session::session;

/// What a server says of itself and what it puts up with.
#[derive(Clone)]
pub struct Settings {
    /// The name in the greeting.
    pub hostname: String,
    /// The EHLO keywords, without SIZE and STARTTLS, which follow from the fields below.
    pub extensions: Vec<String>,
    pub limits: Limits,
    /// Offers STARTTLS when set.
    pub starttls: Option<TlsAcceptor>,
}

impl Default for Settings {
    fn default() -> Settings {
        let extensions = ["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
        Settings {
            hostname: "localhost".to_owned(),
            extensions: extensions.map(str::to_owned).to_vec(),
            limits: Limits::default(),
            starttls: None,
        }
    }
}

/// Bounds for what a stranger may cost us.
#[derive(Clone, Debug)]
pub struct Limits {
    pub message_bytes: usize,
    pub recipients: usize,
    /// Of a command, its CRLF included; RFC 5321 section 4.5.3.1.4 asks for 512, extensions and
    /// AUTH for more.
    pub line_bytes: usize,
    /// How long a client may take for a whole command, and stay silent within a message; RFC 5321 section 4.5.3.2.7
    /// asks for five minutes.
    pub idle: Duration,
    /// How long a message may take from DATA to its end, however it drips; section 4.5.3.2.6 lets a client wait ten
    /// minutes for what comes after.
    pub message: Duration,
    /// How long a session may last. It then ends with 421 where a command would begin, and no mail is lost.
    pub life: Duration,
    /// Unknown, misplaced or malformed commands before the session ends with 421.
    pub errors: u32,
    /// Sessions at one time; further clients wait in the listener's queue.
    pub connections: usize,
    /// Of these, sessions of one network; more of them are sent away with 421.
    pub of_one_network: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message_bytes: 25 * 1024 * 1024,
            recipients: 100,
            line_bytes: 4096,
            idle: Duration::from_secs(300),
            message: Duration::from_secs(600),
            life: Duration::from_secs(3600),
            errors: 20,
            connections: 256,
            of_one_network: 256,
        }
    }
}

/// Who decides what a session answers.
pub trait Mailbox: Send + Sync + 'static {
    /// The answer to one step; [`Answer::usual`] is what a server with nothing against it says.
    ///
    /// The session waits for the answer, so a message is stored before its 250 is sent.
    fn answer(&self, step: Step<'_>) -> impl Future<Output = Answer> + Send;
}

/// A point of the session at which a [`Mailbox`] has its say.
#[derive(Debug)]
pub enum Step<'a> {
    /// The client has connected and waits for the greeting.
    Connected,
    /// HELO, EHLO or LHLO with the client's name. Anything but a refusal should stay usual, as
    /// the usual answer carries the extensions.
    Hello(&'a str),
    StartTls,
    /// AUTH with its mechanism, or a line that answers our 334; both as sent, undecoded.
    Auth(&'a str),
    Mail(&'a str),
    Rcpt(&'a str),
    Data,
    /// The first bytes of the message have come, but not its end.
    Body,
    Message(&'a Received),
    Reset,
    Quit,
}

/// A message with its envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The name the client gave itself.
    pub hello: String,
    pub return_path: String,
    pub recipients: Vec<String>,
    /// Exactly the bytes sent, without the stuffed dots and the final one.
    pub message: Vec<u8>,
    /// Whether the session was encrypted.
    pub secured: bool,
}

/// What to write, and whether the session goes on.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Raw bytes; none means the usual reply.
    reply: Option<Vec<u8>>,
    closes: bool,
}

impl Answer {
    pub fn usual() -> Answer {
        Answer {
            reply: None,
            closes: false,
        }
    }

    /// One reply line, such as `550 5.1.1 No such mailbox`. A refusal (4xx, 5xx) stops the step
    /// from having its effect, and 421 ends the session.
    pub fn reply(line: &str) -> Answer {
        Answer {
            reply: Some(format!("{line}\r\n").into_bytes()),
            closes: line.starts_with("421"),
        }
    }

    /// Exactly these bytes, be they a reply or not.
    pub fn raw(bytes: &[u8]) -> Answer {
        Answer {
            reply: Some(bytes.to_vec()),
            closes: false,
        }
    }

    /// Closes the connection without a word.
    pub fn close() -> Answer {
        Answer::raw(b"").then_close()
    }

    pub fn then_close(self) -> Answer {
        Answer {
            closes: true,
            ..self
        }
    }

    fn starts_with(&self, class: &[u8]) -> bool {
        self.reply
            .as_ref()
            .is_some_and(|reply| class.contains(reply.first().unwrap_or(&b' ')))
    }
}

/// Whatever a session can run over: TCP, TLS, a Unix socket or a pipe in memory.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Serves clients until `stop` is cancelled; then the sessions end at their next command.
pub async fn serve<M: Mailbox>(
    listener: TcpListener,
    mailbox: Arc<M>,
    settings: Settings,
    stop: CancellationToken,
) -> io::Result<()> {
    /// A session that is busy with a message may take this long to end it.
    const GRACE: Duration = Duration::from_secs(5);
    let settings = Arc::new(settings);
    let slots = Arc::new(Semaphore::new(settings.limits.connections));
    let guests = Arc::new(Guests::default());
    let mut sessions = JoinSet::new();
    loop {
        let next = async {
            let slot = slots.clone().acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            _ = stop.cancelled() => break,
            next = next => next,
        };
        // A client that has gone again is no reason to stop serving; nor is a lack of file
        // handles, but trying at once again would keep a core busy.
        let Ok((stream, from)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Some(guest) = guests.enter(from.ip().into(), settings.limits.of_one_network) else {
            sessions.spawn(send_away(stream));
            continue;
        };
        let (mailbox, settings, stop) = (mailbox.clone(), settings.clone(), stop.clone());
        sessions.spawn(async move {
            let _held = (slot, guest);
            // Replies are small and must not wait for an acknowledgement.
            let _ = stream.set_nodelay(true);
            if let Err(error) = session(stream, &*mailbox, &settings, &stop).await {
                tracing::debug!(%error, "an SMTP client was cut off");
            }
        });
        while sessions.try_join_next().is_some() {}
    }
    let drained = async { while sessions.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, drained).await;
    Ok(())
}

/// Who is in a session now.
#[derive(Default)]
struct Guests(Mutex<HashMap<Network, usize>>);

/// A session from a network; over when dropped.
struct Guest {
    guests: Arc<Guests>,
    from: Network,
}

impl Guests {
    /// `None` when that network has as many sessions as it may.
    fn enter(self: &Arc<Guests>, from: Network, most: usize) -> Option<Guest> {
        let mut here = self.here();
        let sessions = here.entry(from).or_default();
        if *sessions >= most {
            return None;
        }
        *sessions += 1;
        Some(Guest {
            guests: self.clone(),
            from,
        })
    }

    fn here(&self) -> MutexGuard<'_, HashMap<Network, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut here = self.guests.here();
        if let Some(sessions) = here.get_mut(&self.from) {
            *sessions -= 1;
            if *sessions == 0 {
                here.remove(&self.from);
            }
        }
    }
}

/// Whoever does not read this either is not waited for.
async fn send_away(mut stream: TcpStream) {
    let farewell = stream.write_all(b"421 4.7.0 Too many sessions from your network\r\n");
    let _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_share_its_sessions() {
        let guests = Arc::new(Guests::default());
        let from = |address: &str| address.parse::<std::net::IpAddr>().unwrap().into();
        let first = guests.enter(from("2001:db8::1"), 2);
        let second = guests.enter(from("2001:db8::2"), 2);
        assert!(first.is_some() && second.is_some());
        assert!(guests.enter(from("2001:db8::3"), 2).is_none());
        assert!(guests.enter(from("2001:db8:0:1::1"), 2).is_some());
        drop(first);
        assert!(guests.enter(from("2001:db8::3"), 2).is_some());
    }
}
