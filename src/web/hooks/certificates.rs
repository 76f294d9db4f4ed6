//! The certificates of Amazon SNS, fetched from hosts that follow from the operator's setting, and kept.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::HOST;
use futures_util::StreamExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use crate::deliver::tls::Trust;
use crate::network::public_address;
use crate::webhook::sns::Place;

/// For all of it: name, connection, TLS, answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A certificate has two.
const MOST_BYTES: usize = 32 * 1024;
/// Amazon changes them once a year.
const MOST_KEPT: usize = 16;

/// Certificates that were asked for before.
#[derive(Default)]
pub struct Certificates(Mutex<HashMap<Place, Vec<u8>>>);

impl Certificates {
    /// The certificate at a place, in PEM.
    pub async fn get(&self, place: &Place) -> io::Result<Vec<u8>> {
        let known = self.kept().get(place).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let fetched = fetch(place).await?;
        self.keep(place, fetched.clone());
        Ok(fetched)
    }

    /// Keeps a certificate that is known already.
    pub fn keep(&self, place: &Place, certificate: Vec<u8>) {
        let mut kept = self.kept();
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(place.clone(), certificate);
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Place, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gets a page over HTTPS, from a public address, without following it anywhere else.
pub async fn fetch(place: &Place) -> io::Result<Vec<u8>> {
    let fetched = tokio::time::timeout(PATIENCE, fetch_at_leisure(place)).await;
    fetched.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn fetch_at_leisure(place: &Place) -> io::Result<Vec<u8>> {
    let at = resolved(&place.host).await?;
    let name = ServerName::try_from(place.host.clone()).map_err(io::Error::other)?;
    let trust = Trust::load(&[]).map_err(io::Error::other)?;
    let stream = trust.encrypt(name, TcpStream::connect(at).await?).await?;
    let (mut client, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let driving = tokio::spawn(connection);
    let request = Request::get(&place.path)
        .header(HOST, &place.host)
        .body(Body::empty())
        .map_err(io::Error::other)?;
    let answer = client
        .send_request(request)
        .await
        .map_err(io::Error::other)?;
    let status = answer.status();
    let body = read(Body::new(answer.into_body())).await;
    driving.abort();
    match status.as_u16() {
        200 => body,
        _ => Err(io::Error::other(format!("it answered {status}"))),
    }
}

async fn read(body: Body) -> io::Result<Vec<u8>> {
    let mut stream = body.into_data_stream();
    let mut read = Vec::new();
    while let Some(part) = stream.next().await {
        read.extend_from_slice(&part.map_err(io::Error::other)?);
        if read.len() > MOST_BYTES {
            return Err(io::Error::other("it is too large for a certificate"));
        }
    }
    Ok(read)
}

/// Looks the name up once; what is connected to is what was looked at.
async fn resolved(host: &str) -> io::Result<SocketAddr> {
    let found = public_address(host, 443).await?;
    found.ok_or_else(|| io::Error::other("the name has no public address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_into_our_own_network_is_not_connected_to() {
        for host in [
            "localhost",
            "127.0.0.1",
            "::1",
            "::ffff:10.0.0.1",
            "0x7f.1",
            "2130706433",
        ] {
            let place = Place {
                host: host.to_owned(),
                path: "/".to_owned(),
            };
            let error = fetch(&place).await.unwrap_err().to_string();
            assert!(error.contains("no public address"), "{host}: {error}");
        }
    }

    #[tokio::test]
    async fn no_more_is_read_than_a_certificate_has() {
        assert!(read(Body::from(vec![b'x'; MOST_BYTES])).await.is_ok());
        assert!(read(Body::from(vec![b'x'; MOST_BYTES + 1])).await.is_err());
    }
}
