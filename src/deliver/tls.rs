//! TLS towards the relay: rustls on ring, TLS 1.2 or newer, the name always checked.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::wire::Stream;

/// Whom we trust: this machine's certificate authorities, and those the operator has added.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

/// Why there is nobody to trust.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("the CA file {path} cannot be read: give a PEM file with the relay's CA")]
    Unreadable {
        path: String,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error("the CA file {path} has no certificate in it: give a PEM file with the relay's CA")]
    Empty { path: String },
    #[error("a certificate of the CA file cannot be used")]
    Unusable(#[source] rustls::Error),
    #[error("this machine has no CA certificates: install ca-certificates or name a CA file")]
    Nobody,
}

impl Trust {
    /// Reads the machine's authorities anew, which takes some milliseconds: once per relay.
    pub fn load(extra: &[CertificateDer<'static>]) -> Result<Trust, TrustError> {
        let mut roots = RootCertStore::empty();
        // Some machines hold a certificate that rustls refuses; the others still count.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for certificate in extra {
            roots
                .add(certificate.clone())
                .map_err(TrustError::Unusable)?;
        }
        if roots.is_empty() {
            return Err(TrustError::Nobody);
        }
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .expect("ring has the cipher suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Trust(Arc::new(config)))
    }

    /// The handshake; fails unless the server proves that it is `name`.
    pub async fn encrypt<S: Stream>(
        &self,
        name: ServerName<'static>,
        plain: S,
    ) -> io::Result<TlsStream<S>> {
        let connector = TlsConnector::from(self.0.clone());
        connector.connect(name, plain).await
    }
}

/// The certificates of a PEM file.
pub fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let unreadable = |source| TrustError::Unreadable {
        path: path.display().to_string(),
        source,
    };
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(unreadable)?;
    if found.is_empty() {
        return Err(TrustError::Empty {
            path: path.display().to_string(),
        });
    }
    Ok(found)
}
