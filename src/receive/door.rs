//! The door for bounces: a listener for SMTP and one for LMTP that take mail for our signed addresses and for nothing
//! else, and answer 250 once what it says is committed.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::{MOST_BYTES, Receiver, Taken};
use crate::listen::{Answer, Limits, Mailbox, Received, Settings, Step};
use crate::returned::Way;
use crate::verp;

/// Why the door's certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error(
        "{path} cannot be read: give a PEM file, bounce.tls_cert with a certificate and bounce.tls_key with its key"
    )]
    Unreadable {
        path: String,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error("bounce.tls_cert and bounce.tls_key do not belong together, or cannot be used")]
    Unusable(#[source] rustls::Error),
}

/// What stands at the door.
#[derive(Clone)]
pub struct Door {
    pub receiver: Receiver,
}

/// What the door puts up with; `name` is what it calls itself.
pub fn settings(name: &str, starttls: Option<TlsAcceptor>) -> Settings {
    Settings {
        hostname: name.to_owned(),
        limits: Limits {
            message_bytes: MOST_BYTES,
            recipients: 20,
            line_bytes: 2048,
            errors: 10,
            connections: 64,
            of_one_network: 40,
            ..Limits::default()
        },
        starttls,
        ..Settings::default()
    }
}

/// What offers STARTTLS by these PEM files.
pub fn starttls(certificate: &Path, key: &Path) -> Result<TlsAcceptor, CertificateError> {
    let unreadable = |path: &Path| {
        let path = path.display().to_string();
        move |source| CertificateError::Unreadable { path, source }
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(unreadable(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .expect("ring has the cipher suites of TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(CertificateError::Unusable)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Mailbox for Door {
    async fn answer(&self, step: Step<'_>) -> Answer {
        match step {
            Step::Rcpt(to) if !self.is_ours(to) => {
                Answer::reply("550 5.1.1 There is no such mailbox here")
            }
            Step::Message(received) => self.take(received).await,
            _ => Answer::usual(),
        }
    }
}

impl Door {
    /// Whether it is a return path of ours, or an address that ends a subscription. By its signature alone: who asks
    /// learns nothing of what is in the database.
    fn is_ours(&self, to: &str) -> bool {
        let keys = &self.receiver.keys;
        verp::delivery(keys, to).is_some() || to.contains('@') && verp::leaving(keys, to).is_some()
    }

    /// One mail, for each of its recipients: answered once all of it is committed. What was done already changes nothing
    /// when the mail comes again.
    async fn take(&self, received: &Received) -> Answer {
        for to in &received.recipients {
            let taken = self
                .receiver
                .mail(&received.message, Some(to), Way::Listener);
            match taken.await {
                Ok(Taken::TooEarly) => {
                    return Answer::reply("451 4.3.0 Not yet, come again in a moment");
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "what came back cannot be written down; its server will bring it again"
                    );
                    return Answer::reply("451 4.3.0 It cannot be kept now, come again later");
                }
            }
        }
        Answer::usual()
    }
}
