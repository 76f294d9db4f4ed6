//! The certificates of Amazon SNS, fetched from hosts that follow from the operator's setting, and kept.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
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
    let mut found = tokio::net::lookup_host((host, 443)).await?;
    found
        .find(|at| is_public(at.ip()))
        .ok_or_else(|| io::Error::other("the name has no public address"))
}

/// Whether an address is out in the world, and neither this machine, nor its neighbours, nor what a cloud shows to its
/// machines alone (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_special = a == 0
                || a >= 240
                || (a, b, c) == (192, 0, 0)
                || (a, b) == (198, 18)
                || (a, b) == (198, 19);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || is_shared
                || is_special)
        }
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// Global unicast alone (2000::/3), without documentation and the ways of writing an IPv4 address in it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_global = first & 0xe000 == 0x2000;
    let is_old_in_new = first == 0x2002 || (first == 0x2001 && second < 0x200);
    let is_documentation = (first == 0x2001 && second == 0xdb8) || first & 0xfff0 == 0x3ff0;
    is_global && !is_old_in_new && !is_documentation
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

    #[test]
    fn only_what_is_out_in_the_world_is_connected_to() {
        for inside in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "100::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in [
            "1.1.1.1",
            "54.240.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "2600:1f14::1",
            "2a00:1450::1",
        ] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }
}
