//! One POST over HTTPS to an address that somebody entered: never into our own network, and led nowhere else.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use axum::http::{Request, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use crate::deliver::tls::{Trust, TrustError};
use crate::network::public_address;
use crate::outbox::LONGEST_URL;

/// For all of it: name, connection, TLS, answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// By what way hooks are reached, and whom they must prove to be.
#[derive(Clone)]
pub struct Reach {
    trust: Trust,
    /// Where every host is, instead of where its name leads: for tests, whose hosts have none.
    at: Option<SocketAddr>,
}

impl Reach {
    /// Out in the world, where this machine's authorities are trusted.
    pub fn world() -> Result<Reach, TrustError> {
        Ok(Reach {
            trust: Trust::load(&[])?,
            at: None,
        })
    }

    /// Everything stands at one place.
    pub fn at(place: SocketAddr, trust: Trust) -> Reach {
        Reach {
            trust,
            at: Some(place),
        }
    }

    /// Gives the status of the answer, whose body nobody reads.
    pub(super) async fn post(
        &self,
        url: &str,
        fields: &[(&'static str, String)],
        body: &str,
    ) -> io::Result<u16> {
        let posting = self.post_at_leisure(url, fields, body);
        let answered = tokio::time::timeout(PATIENCE, posting).await;
        answered.map_err(|_| io::Error::other("no answer within 15 seconds"))?
    }

    async fn post_at_leisure(
        &self,
        url: &str,
        fields: &[(&'static str, String)],
        body: &str,
    ) -> io::Result<u16> {
        let (uri, host) =
            parts(url).ok_or_else(|| io::Error::other("its address is no https URL"))?;
        let at = self.place(&host, uri.port_u16().unwrap_or(443)).await?;
        let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
        let stream = TcpStream::connect(at)
            .await
            .map_err(told("no connection"))?;
        let stream = self
            .trust
            .encrypt(name, stream)
            .await
            .map_err(told("no TLS"))?;
        let (mut client, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let driving = tokio::spawn(connection);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = uri
            .authority()
            .map_or(&*host, |authority| authority.as_str());
        let mut request = Request::post(path)
            .header(HOST, authority)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "Bulletin");
        for (name, value) in fields {
            request = request.header(*name, value);
        }
        let request = request
            .body(Body::from(body.to_owned()))
            .map_err(io::Error::other)?;
        let answer = client.send_request(request).await;
        driving.abort();
        let answer = answer.map_err(|_| io::Error::other("the connection was lost"))?;
        Ok(answer.status().as_u16())
    }

    /// Looked up once: what is connected to is what was looked at.
    async fn place(&self, host: &str, port: u16) -> io::Result<SocketAddr> {
        if let Some(at) = self.at {
            return Ok(at);
        }
        let found = public_address(host, port).await;
        let found = found.map_err(|_| io::Error::other("its name cannot be looked up"))?;
        found.ok_or_else(|| io::Error::other("its name has no public address"))
    }
}

/// Whether a text is the address of a hook: https, a host, no password in it.
pub fn is_url(text: &str) -> bool {
    text.chars().count() <= LONGEST_URL && parts(text).is_some()
}

fn parts(url: &str) -> Option<(Uri, String)> {
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?;
    let is_ours = uri.scheme_str() == Some("https") && !authority.as_str().contains('@');
    let host = authority.host();
    let bare = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    (is_ours && !bare.is_empty()).then_some((uri, bare))
}

/// What failed, with what the system says: it names no more than the address that was entered.
fn told(what: &'static str) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::other(format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_an_https_address_without_a_password() {
        for url in [
            "https://a.test",
            "https://a.test:8443/x?y=1",
            "https://[2600::1]/x",
        ] {
            assert!(is_url(url), "{url}");
        }
        for url in [
            "",
            "a.test",
            "http://a.test/",
            "https://",
            "https://u:p@a.test/",
            "https://a b/",
            "file:///etc",
        ] {
            assert!(!is_url(url), "{url}");
        }
    }

    #[tokio::test]
    async fn nothing_is_posted_into_our_own_network() {
        let reach = Reach::world().unwrap();
        for host in [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "169.254.169.254",
            "2130706433",
        ] {
            let url = format!("https://{host}/");
            let error = reach.post(&url, &[], "{}").await.unwrap_err().to_string();
            assert!(error.contains("no public address"), "{host}: {error}");
        }
    }
}
