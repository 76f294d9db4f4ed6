//! Mailboxes that are looked into over IMAP (RFC 9051, RFC 3501): each mail is acted on, then put into another mailbox,
//! and never deleted unless the operator says so.

use std::io;
use std::time::Duration;

use async_imap::error::Error;
use async_imap::{Client, Session};
use futures_util::{StreamExt, TryStreamExt};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{MOST_BYTES, Receiver, Taken};
use crate::deliver::relay::{RelayError, host_and_port, percent_decoded};
use crate::deliver::tls::Trust;
use crate::returned::Way;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait for word of new mail before looking again; RFC 2177 asks for less than half an hour.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// The same where the server cannot send word.
const POLL: Duration = Duration::from_secs(60);

/// After a failure; doubled with each one more.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(10 * 60);

/// Mails that are acted on before it is looked anew.
const BATCH: usize = 100;

/// A mailbox, and how to reach it. `Debug` shows no password.
#[derive(Clone)]
pub struct Mailbox {
    security: Security,
    host: String,
    port: u16,
    user: String,
    password: String,
    name: String,
    /// Trusted beside this machine's own.
    authorities: Vec<CertificateDer<'static>>,
}

/// What becomes of a mail that was acted on.
#[derive(Clone, Debug)]
pub enum After {
    /// It goes into this mailbox, which is made where it is absent.
    MoveTo(String),
    Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    None,
    StartTls,
    Implicit,
}

/// Why a mailbox's URL cannot be used; it shows nothing of the URL, which has a password in it.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    #[error("begin it with imaps://, imap+starttls:// or imap://")]
    Scheme,
    #[error("give user and password, as in imaps://user:password@mail.example.org/INBOX")]
    Credentials,
    #[error("host, port or a letter written as %40 cannot be understood")]
    Unclear,
    #[error(
        "imap:// without TLS shows the password to the network: use imaps:// beyond this machine"
    )]
    Plain,
}

/// What can carry a session.
trait Connected: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug> Connected for S {}

type Wire = Box<dyn Connected>;

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

fn unclear(_: RelayError) -> MailboxError {
    MailboxError::Unclear
}

impl Mailbox {
    /// Reads `imaps://user:password@host:port/mailbox` (RFC 5092, with a password); `%40` is an @ in a user's name. The
    /// mailbox is INBOX where none is named, the port 993, or 143 without TLS from the start.
    pub fn parse(url: &str) -> Result<Mailbox, MailboxError> {
        let (scheme, rest) = url.split_once("://").ok_or(MailboxError::Scheme)?;
        let (security, usual_port) = match scheme {
            "imap" => (Security::None, 143),
            "imap+starttls" => (Security::StartTls, 143),
            "imaps" => (Security::Implicit, 993),
            _ => return Err(MailboxError::Scheme),
        };
        let (user, place) = rest.rsplit_once('@').ok_or(MailboxError::Credentials)?;
        let (user, password) = user.split_once(':').ok_or(MailboxError::Credentials)?;
        let (place, name) = place.split_once('/').unwrap_or((place, ""));
        let (host, port) = host_and_port(place).map_err(unclear)?;
        let decoded = |text: &str| percent_decoded(text).map_err(unclear);
        let (user, password, name) = (decoded(user)?, decoded(password)?, decoded(name)?);
        if user.is_empty() || password.is_empty() {
            return Err(MailboxError::Credentials);
        }
        if [&user, &password, &name]
            .iter()
            .any(|text| text.contains(char::is_control))
        {
            return Err(MailboxError::Unclear);
        }
        let is_here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1");
        if security == Security::None && !is_here {
            return Err(MailboxError::Plain);
        }
        Ok(Mailbox {
            security,
            host,
            port: port.unwrap_or(usual_port),
            user,
            password,
            name: match name.as_str() {
                "" => "INBOX".to_owned(),
                _ => name,
            },
            authorities: Vec::new(),
        })
    }

    /// Trusts these certificates too, for a server with a certificate of its own.
    pub fn trusting(mut self, authorities: Vec<CertificateDer<'static>>) -> Mailbox {
        self.authorities = authorities;
        self
    }

    /// Acts on what comes into the mailbox until `stop`; `number` names it in the log.
    pub async fn watch(
        &self,
        receiver: &Receiver,
        after: &After,
        number: usize,
        stop: &CancellationToken,
    ) {
        let mut pause = FIRST_PAUSE;
        while !stop.is_cancelled() {
            let watched = self.watch_once(receiver, after, stop, &mut pause).await;
            let Err(error) = watched else { return };
            tracing::warn!(
                mailbox = number,
                "a mailbox of bounce.imap cannot be looked into: {}; again in {} s",
                told(&error),
                pause.as_secs()
            );
            let _ = timeout(pause, stop.cancelled()).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Acts on all that is in the mailbox now; gives how many mails that were.
    pub async fn empty(&self, receiver: &Receiver, after: &After) -> Result<usize, Error> {
        let mut open = Open::new(self, after).await?;
        let mut acted = 0;
        loop {
            match open.batch(receiver, after).await? {
                Batch { acted: 0, .. } => break,
                batch => acted += batch.acted,
            }
        }
        open.session.logout().await?;
        Ok(acted)
    }

    async fn watch_once(
        &self,
        receiver: &Receiver,
        after: &After,
        stop: &CancellationToken,
        pause: &mut Duration,
    ) -> Result<(), Error> {
        let mut open = Open::new(self, after).await?;
        *pause = FIRST_PAUSE;
        while !stop.is_cancelled() {
            let batch = open.batch(receiver, after).await?;
            if batch.acted == 0 {
                open = open.wait(batch.is_early, stop).await?;
            }
        }
        open.session.logout().await
    }

    async fn connect(&self) -> Result<Client<Wire>, Error> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let plain = Box::new(stream);
        let mut client = match self.security {
            Security::Implicit => Client::new(self.encrypt(plain).await?),
            Security::None | Security::StartTls => Client::new(plain as Wire),
        };
        let greeting = client.read_response().await?;
        greeting.ok_or(Error::ConnectionLost)?;
        if self.security == Security::StartTls {
            client.run_command_and_check_ok("STARTTLS", None).await?;
            client = Client::new(self.encrypt(client.into_inner()).await?);
        }
        Ok(client)
    }

    async fn encrypt(&self, plain: Wire) -> io::Result<Wire> {
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let trust = Trust::load(&self.authorities).map_err(io::Error::other)?;
        Ok(Box::new(trust.encrypt(name, plain).await?))
    }
}

/// A session in its mailbox.
struct Open {
    session: Session<Wire>,
    can_move: bool,
    can_expunge_one: bool,
    can_idle: bool,
}

/// What a look into the mailbox came to.
struct Batch {
    acted: usize,
    /// A mail is about a delivery that is being sent just now.
    is_early: bool,
}

impl Open {
    async fn new(mailbox: &Mailbox, after: &After) -> Result<Open, Error> {
        let opening = async {
            let client = mailbox.connect().await?;
            let login = client.login(&mailbox.user, &mailbox.password).await;
            let mut session = login.map_err(|(error, _)| error)?;
            let can = session.capabilities().await?;
            let [can_move, can_expunge_one, can_idle] =
                ["MOVE", "UIDPLUS", "IDLE"].map(|what| can.has_str(what));
            if let After::MoveTo(name) = after {
                // It may be there already, and the server says so in its own way.
                let _ = session.create(name).await;
            }
            session.select(&mailbox.name).await?;
            Ok(Open {
                session,
                can_move,
                can_expunge_one,
                can_idle,
            })
        };
        patiently(opening).await
    }

    async fn batch(&mut self, receiver: &Receiver, after: &After) -> Result<Batch, Error> {
        let found = patiently(self.session.uid_search("UNDELETED")).await?;
        let mut uids: Vec<u32> = found.into_iter().collect();
        uids.sort_unstable();
        let mut batch = Batch {
            acted: 0,
            is_early: false,
        };
        for uid in uids.into_iter().take(BATCH) {
            let Some(mail) = patiently(self.mail(uid)).await? else {
                continue;
            };
            let taken = receiver.mail(&mail, None, Way::Mailbox).await;
            match taken.map_err(|error| io::Error::other(error.to_string()))? {
                Taken::TooEarly => batch.is_early = true,
                Taken::Acted(_) | Taken::Again | Taken::Kept => {
                    patiently(self.put_away(uid, after)).await?;
                    batch.acted += 1;
                }
            }
        }
        Ok(batch)
    }

    /// A mail's beginning, as far as it is read; `None` when it has gone meanwhile.
    async fn mail(&mut self, uid: u32) -> Result<Option<Vec<u8>>, Error> {
        let what = format!("(UID BODY.PEEK[]<0.{MOST_BYTES}>)");
        let fetched = self.session.uid_fetch(uid.to_string(), what).await?;
        let fetched: Vec<_> = fetched.try_collect().await?;
        let mut found = fetched.iter().filter(|fetched| fetched.uid == Some(uid));
        Ok(found.find_map(|fetched| fetched.body().map(<[u8]>::to_vec)))
    }

    /// Not before what it says is durable. A crash in between brings it again, and it changes nothing then.
    async fn put_away(&mut self, uid: u32, after: &After) -> Result<(), Error> {
        let uid = uid.to_string();
        if let After::MoveTo(name) = after {
            if self.can_move {
                return self.session.uid_mv(&uid, name).await;
            }
            self.session.uid_copy(&uid, name).await?;
        }
        let stored = self
            .session
            .uid_store(&uid, "+FLAGS.SILENT (\\Deleted)")
            .await?;
        stored.for_each(|_| std::future::ready(())).await;
        // Without UIDPLUS an EXPUNGE would also remove what others have marked: the mark must do.
        if self.can_expunge_one {
            let expunged = self.session.uid_expunge(&uid).await?;
            expunged.for_each(|_| std::future::ready(())).await;
        }
        Ok(())
    }

    /// Waits for word of new mail, for the time to look again, or for `stop`.
    async fn wait(mut self, is_early: bool, stop: &CancellationToken) -> Result<Open, Error> {
        if is_early || !self.can_idle {
            let while_ = if is_early { FIRST_PAUSE } else { POLL };
            let _ = timeout(while_, stop.cancelled()).await;
            patiently(self.session.noop()).await?;
            return Ok(self);
        }
        let mut idle = self.session.idle();
        patiently(idle.init()).await?;
        {
            let (word, _interrupt) = idle.wait_with_timeout(IDLE);
            tokio::select! {
                word = word => drop(word?),
                () = stop.cancelled() => {}
            }
        }
        self.session = patiently(idle.done()).await?;
        Ok(self)
    }
}

async fn patiently<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let answered = timeout(PATIENCE, asked).await;
    answered.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

/// The server's words may name the user: only what kind of trouble it is goes into the log.
pub fn told(error: &Error) -> String {
    match error {
        Error::Io(error) => error.to_string(),
        Error::No(_) => "the server says no: are user, password and mailbox right?".to_owned(),
        Error::Bad(_) => "the server does not understand us".to_owned(),
        Error::ConnectionLost => "the connection was lost".to_owned(),
        _ => "the server's answer is not understood".to_owned(),
    }
}
