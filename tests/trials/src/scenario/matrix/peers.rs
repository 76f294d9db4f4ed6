//! Relays that cannot be trusted, and relays that fall silent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use crate::ground::Ground;

/// What is wrong with a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rogue {
    WrongName,
    Expired,
    UnknownAuthority,
    /// It does not offer STARTTLS, as if somebody on the way had cut that line out.
    Stripped,
    /// It hangs up in the middle of the handshake.
    HandshakeCut,
    /// A second reply follows that to STARTTLS in plain, to be taken for the first one inside TLS.
    SlippedIn,
    SilentAtOnce,
    /// Silent after this command; `.` is the end of the message.
    SilentAt(&'static str),
}

/// An authority that the service trusts, one that it does not, and what they have signed.
pub struct Certificates {
    trusted: String,
    good: Arc<rustls::ServerConfig>,
    wrong_name: Arc<rustls::ServerConfig>,
    expired: Arc<rustls::ServerConfig>,
    unknown: Arc<rustls::ServerConfig>,
}

/// A rogue at work; ends when dropped.
pub struct Peer {
    address: SocketAddr,
    rogue: Rogue,
    betrayed: Arc<AtomicBool>,
    _serving: AbortOnDropHandle<()>,
}

impl Certificates {
    pub fn make() -> anyhow::Result<Certificates> {
        let (trusted, other) = (authority()?, authority()?);
        Ok(Certificates {
            good: server(&trusted, "localhost", false)?,
            wrong_name: server(&trusted, "elsewhere.test", false)?,
            expired: server(&trusted, "localhost", true)?,
            unknown: server(&other, "localhost", false)?,
            trusted: trusted.pem(),
        })
    }

    /// The authority that the service is told to trust.
    pub fn authority(&self) -> &str {
        &self.trusted
    }

    fn of(&self, rogue: Rogue) -> Arc<rustls::ServerConfig> {
        match rogue {
            Rogue::WrongName => self.wrong_name.clone(),
            Rogue::Expired => self.expired.clone(),
            Rogue::UnknownAuthority => self.unknown.clone(),
            _ => self.good.clone(),
        }
    }
}

impl Peer {
    pub fn start(
        ground: &Ground,
        rogue: Rogue,
        certificates: &Certificates,
    ) -> anyhow::Result<Peer> {
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let listener = ground.runtime.block_on(TcpListener::bind(any))?;
        let address = listener.local_addr()?;
        let betrayed = Arc::new(AtomicBool::new(false));
        let acceptor = TlsAcceptor::from(certificates.of(rogue));
        let serving = serve(listener, rogue, acceptor, betrayed.clone());
        Ok(Peer {
            address,
            rogue,
            betrayed,
            _serving: AbortOnDropHandle::new(ground.runtime.spawn(serving)),
        })
    }

    /// The relay as the service is told of it.
    pub fn url(&self) -> String {
        let scheme = match self.rogue {
            Rogue::SilentAtOnce | Rogue::SilentAt(_) => "smtp",
            _ => "smtp+starttls",
        };
        format!("{scheme}://localhost:{}", self.address.port())
    }

    /// Whether anybody named a sender or a reader in plain to a relay that should have had TLS.
    pub fn was_betrayed(&self) -> bool {
        self.betrayed.load(Ordering::Relaxed)
    }
}

async fn serve(
    listener: TcpListener,
    rogue: Rogue,
    acceptor: TlsAcceptor,
    betrayed: Arc<AtomicBool>,
) {
    let mut sessions = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, betrayed) = (acceptor.clone(), betrayed.clone());
        sessions.spawn(async move {
            // However a session ends: the service's record is what is looked at.
            let _ = session(stream, rogue, acceptor, betrayed).await;
        });
    }
}

async fn session(
    mut stream: TcpStream,
    rogue: Rogue,
    acceptor: TlsAcceptor,
    betrayed: Arc<AtomicBool>,
) -> std::io::Result<()> {
    if rogue == Rogue::SilentAtOnce {
        return silence().await;
    }
    let wants_tls = !matches!(rogue, Rogue::SilentAt(_));
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 rogue.test ESMTP\r\n").await?;
    let mut in_message = false;
    while let Some(line) = lines.next_line().await? {
        let verb = line.get(..4).unwrap_or(&line).to_ascii_uppercase();
        if in_message && line != "." {
            continue;
        }
        if rogue == Rogue::SilentAt("DATA") && verb == "DATA" || in_message {
            return silence().await;
        }
        let answer: &[u8] = match verb.as_str() {
            "EHLO" if rogue == Rogue::Stripped || !wants_tls => {
                b"250-rogue.test\r\n250 8BITMIME\r\n"
            }
            "EHLO" => b"250-rogue.test\r\n250-8BITMIME\r\n250 STARTTLS\r\n",
            "STAR" if rogue == Rogue::SlippedIn => b"220 go\r\n250 slipped in\r\n",
            "STAR" => b"220 go\r\n",
            "DATA" => {
                in_message = true;
                b"354 go\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        if wants_tls && matches!(verb.as_str(), "MAIL" | "RCPT" | "DATA" | "AUTH") {
            betrayed.store(true, Ordering::Relaxed);
        }
        write.write_all(answer).await?;
        match verb.as_str() {
            "QUIT" => return Ok(()),
            "STAR" if rogue == Rogue::HandshakeCut => {
                // The first of the handshake is read, and nothing said.
                let _ = lines.next_line().await;
                return Ok(());
            }
            "STAR" => {
                drop(lines);
                // Whoever goes on behind this has believed what must not be believed.
                acceptor.accept(stream).await?;
                return silence().await;
            }
            _ => {}
        }
    }
    Ok(())
}

async fn silence() -> std::io::Result<()> {
    tokio::time::sleep(Duration::from_secs(3600)).await;
    Ok(())
}

fn authority() -> anyhow::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?).context("an authority")
}

/// A server's side of TLS, with a certificate for `name` that may be over.
fn server(
    authority: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
    is_over: bool,
) -> anyhow::Result<Arc<rustls::ServerConfig>> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    if is_over {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?;
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate)],
            PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?,
        )?;
    Ok(Arc::new(config))
}
