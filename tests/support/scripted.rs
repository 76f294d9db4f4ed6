//! Peers of an SMTP session that do as a script says at every point, and what a test says to them.

use std::future::pending;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bulletin::deliver::relay::{ConnectError, Deadlines, Relay};
use bulletin::deliver::smtp::{Envelope, Outcome, Phase, Session};
use bulletin::listen::{Answer, Mailbox, Received, Settings, Step, serve, session};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub const MESSAGE: &[u8] = b"Subject: Ants\r\n\r\nThey walk.\r\n";

pub const ENVELOPE: Envelope<'static> = Envelope {
    return_path: "bounce+1@news.test",
    recipient: "reader@peer.test",
};

/// A point of the session at which a script may step in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Connected,
    Hello,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Body,
    Message,
    Reset,
    Quit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Say(&'static str),
    Raw(&'static [u8]),
    Cut,
    ReplyAndCut(&'static str),
    Silent,
}

/// A mailbox that answers as it is told, and remembers.
#[derive(Default)]
pub struct Script {
    pub acts: Vec<(Place, Act)>,
    pub is_once: bool,
    pub seen: Mutex<Vec<Place>>,
    pub taken: Mutex<Vec<Received>>,
    pub user: Mutex<String>,
    pub done: AtomicUsize,
}

impl Script {
    pub fn at(place: Place, act: Act) -> Script {
        Script {
            acts: vec![(place, act)],
            ..Script::default()
        }
    }

    /// The act happens the first time only.
    pub fn once(mut self) -> Script {
        self.is_once = true;
        self
    }

    /// Whether some answer never comes, or not to its end.
    pub fn leaves_waiting(&self) -> bool {
        self.acts.iter().any(|(_, act)| match act {
            Act::Silent => true,
            Act::Raw(bytes) => !bytes.contains(&b'\n'),
            _ => false,
        })
    }

    pub fn count(&self, place: Place) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|found| **found == place).count()
    }

    pub fn taken(&self) -> Vec<Received> {
        self.taken.lock().unwrap().clone()
    }

    /// Lets in anna with the password `p@ss:word`, by PLAIN or LOGIN.
    pub fn judge_password(&self, said: &str) -> Answer {
        let mut user = self.user.lock().unwrap();
        match said {
            "AUTH PLAIN AGFubmEAcEBzczp3b3Jk" => Answer::reply("235 2.7.0 in"),
            "AUTH LOGIN" => Answer::reply("334 VXNlcm5hbWU6"),
            "YW5uYQ==" => {
                *user = said.to_owned();
                Answer::reply("334 UGFzc3dvcmQ6")
            }
            "cEBzczp3b3Jk" if *user == "YW5uYQ==" => Answer::reply("235 2.7.0 in"),
            _ => Answer::reply(&format!("535 5.7.8 no {said}")),
        }
    }
}

impl std::fmt::Display for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.acts)
    }
}

impl Mailbox for Script {
    async fn answer(&self, step: Step<'_>) -> Answer {
        let place = match &step {
            Step::Connected => Place::Connected,
            Step::Hello(_) => Place::Hello,
            Step::StartTls => Place::StartTls,
            Step::Auth(_) => Place::Auth,
            Step::Mail(_) => Place::Mail,
            Step::Rcpt(_) => Place::Rcpt,
            Step::Data => Place::Data,
            Step::Body => Place::Body,
            Step::Message(_) => Place::Message,
            Step::Reset => Place::Reset,
            Step::Quit => Place::Quit,
        };
        self.seen.lock().unwrap().push(place);
        let act = self.acts.iter().find(|(at, _)| *at == place);
        let Some((_, act)) =
            act.filter(|_| !self.is_once || self.done.fetch_add(1, Ordering::Relaxed) == 0)
        else {
            return match step {
                Step::Message(received) => {
                    self.taken.lock().unwrap().push(received.clone());
                    Answer::usual()
                }
                Step::Auth(said) => self.judge_password(said),
                _ => Answer::usual(),
            };
        };
        match *act {
            Act::Say(line) => Answer::reply(line),
            Act::Raw(bytes) => Answer::raw(bytes),
            Act::Cut => Answer::close(),
            Act::ReplyAndCut(line) => Answer::reply(line).then_close(),
            Act::Silent => pending().await,
        }
    }
}

/// A scripted relay on a socket.
pub struct Peer {
    pub script: Arc<Script>,
    pub address: SocketAddr,
    pub scheme: &'static str,
    pub user: &'static str,
    pub authorities: Vec<CertificateDer<'static>>,
    pub stop: CancellationToken,
}

impl Peer {
    pub async fn start(script: Script) -> Peer {
        Peer::with(script, Settings::default()).await
    }

    pub async fn with(script: Script, settings: Settings) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (script, stop) = (Arc::new(script), CancellationToken::new());
        tokio::spawn(serve(listener, script.clone(), settings, stop.clone()));
        Peer {
            script,
            address,
            scheme: "smtp",
            user: "",
            authorities: Vec::new(),
            stop,
        }
    }

    pub fn relay(&self) -> Relay {
        let url = format!("{}://{}{}", self.scheme, self.user, self.address);
        let relay = Relay::parse(&url).unwrap();
        // Short only where it is sure to pass, as a busy machine may be slow.
        let relay = match self.script.leaves_waiting() {
            true => relay.with_deadlines(Deadlines {
                connect: Duration::from_secs(10),
                command: Duration::from_millis(300),
                after_dot: Duration::from_millis(400),
            }),
            false => relay.with_deadlines(patient()),
        };
        relay.with_authorities(self.authorities.clone())
    }

    pub async fn connect(&self) -> Result<Session, ConnectError> {
        self.relay().connect().await
    }

    pub async fn try_once(&self, message: &[u8]) -> String {
        try_once(&self.relay(), message).await
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// One attempt over a new session, in words.
pub async fn try_once(relay: &Relay, message: &[u8]) -> String {
    let begun = Instant::now();
    let mut session = match relay.connect().await {
        Ok(session) => session,
        Err(failure) => {
            let reason = match &failure {
                ConnectError::Refused { reply, .. } => reply.code.to_string(),
                ConnectError::Trouble { trouble, .. } => short(&trouble.to_string()),
                other => other.to_string(),
            };
            return format!("no session in {}: {reason}", failure.phase());
        }
    };
    let outcome = session.send(&ENVELOPE, message, always).await;
    assert!(begun.elapsed() < Duration::from_secs(30));
    let told = match outcome {
        Outcome::Accepted { reply } => format!("accepted: {}", reply.code),
        Outcome::Deferred {
            phase,
            reason,
            reply,
        } => {
            let reason = reply.map_or(short(&reason), |reply| reply.code.to_string());
            format!("deferred in {phase}: {reason}")
        }
        Outcome::Bounced { phase, reply } => format!("bounced in {phase}: {}", reply.code),
        Outcome::Unknown { reason } => format!("unknown in {}: {}", Phase::Dot, short(&reason)),
    };
    let state = if session.is_usable() {
        "usable"
    } else {
        "unusable"
    };
    format!("{told}, {state}")
}

/// The reason without its place and its figures.
pub fn short(reason: &str) -> String {
    let reasons = [
        "connection lost",
        "no answer",
        "no SMTP reply",
        "a reply that does not belong",
    ];
    let found = reasons.iter().find(|known| reason.starts_with(**known));
    found.map_or(reason, |known| known).to_owned()
}

pub fn relay(scheme: &str, address: SocketAddr) -> Relay {
    let relay = Relay::parse(&format!("{scheme}://{address}")).unwrap();
    relay.with_deadlines(patient())
}

/// A sender whose claim never runs out.
pub fn always() -> bool {
    true
}

/// What a session says at once to a relay that offers PIPELINING.
pub const GROUP: &str = "MAIL FROM:<bounce+1@news.test>\r\nRCPT TO:<reader@peer.test>\r\nDATA\r\n";

/// One attempt with a relay that gives these replies in turn, each to what it hears at once; at `cut` it hangs up.
/// Also what it has heard, from MAIL on.
pub async fn group_with(pipelining: bool, replies: &[String]) -> (String, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = relay("smtp", listener.local_addr().unwrap());
    let serving = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut chunk = vec![0; 4096];
        tcp.write_all(b"220 peer\r\n").await.unwrap();
        let hello = tcp.read(&mut chunk).await.unwrap();
        assert!(chunk[..hello].starts_with(b"EHLO"));
        let offer = if pipelining { "250-pipelining\r\n" } else { "" };
        let offers = format!("250-peer\r\n{offer}250 HELP\r\n");
        tcp.write_all(offers.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        for reply in replies {
            let length = tcp.read(&mut chunk).await.unwrap();
            heard.push(String::from_utf8_lossy(&chunk[..length]).into_owned());
            let (said, cut) = match reply.strip_suffix("cut\r\n") {
                Some(said) => (said, true),
                None => (reply.as_str(), false),
            };
            tcp.write_all(said.as_bytes()).await.unwrap();
            if cut {
                tcp.shutdown().await.unwrap();
            }
        }
        let mut rest = String::new();
        tcp.read_to_string(&mut rest).await.unwrap();
        heard.push(rest);
        heard
    };
    tokio::join!(try_once(&relay, MESSAGE), serving)
}

pub fn settings(pipelining: bool) -> Settings {
    let mut settings = Settings::default();
    settings
        .extensions
        .retain(|word| pipelining || word != "PIPELINING");
    settings
}

pub fn patient() -> Deadlines {
    let long = Duration::from_secs(20);
    Deadlines {
        connect: long,
        command: long,
        after_dot: long,
    }
}

/// A certificate authority for one test.
pub struct Authority(pub CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A server that proves to be `name`.
    pub fn settings(&self, name: &str) -> Settings {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Settings {
            starttls: Some(TlsAcceptor::from(Arc::new(config))),
            ..Settings::default()
        }
    }
}

/// Postfix's smtp-sink on a free port, ended with the test.
pub struct Sink {
    pub child: Child,
    pub address: SocketAddr,
}

impl Sink {
    pub async fn start(option: &str, place: &str) -> Option<Sink> {
        let program = ["/usr/sbin/smtp-sink", "/usr/bin/smtp-sink"];
        let program = program
            .iter()
            .find(|path| std::path::Path::new(path).exists())?;
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut command = Command::new(program);
        if !option.is_empty() {
            command.args([option, place]);
        }
        // As root it insists on being told whom to become.
        if std::fs::metadata("/proc/self").is_ok_and(|me| {
            use std::os::unix::fs::MetadataExt;
            me.uid() == 0
        }) {
            command.args(["-u", "nobody"]);
        }
        command.args([address.to_string(), "16".to_owned()]);
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        let sink = Sink { child, address };
        // It has no other way to say that it is ready.
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "smtp-sink starts"
            );
            tokio::task::yield_now().await;
        }
        Some(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A whole session with one message in it.
pub fn letter(message: &str) -> String {
    format!(
        "EHLO c.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n{message}\r\n.\r\nQUIT\r\n"
    )
    .replace("\r\n\r\n.\r\nQUIT", "\r\n.\r\nQUIT")
}

/// Says all at once, and gives what the receiving side says until it hangs up.
pub async fn converse(script: &Script, settings: &Settings, sent: &str) -> String {
    let (mut client, server): (DuplexStream, DuplexStream) = tokio::io::duplex(64 * 1024);
    let stop = CancellationToken::new();
    let mut said = Vec::new();
    let talking = async {
        client.write_all(sent.as_bytes()).await.unwrap();
        client.read_to_end(&mut said).await.unwrap();
    };
    let (served, ()) = tokio::join!(session(server, script, settings, &stop), talking);
    served.unwrap();
    String::from_utf8(said).unwrap()
}
