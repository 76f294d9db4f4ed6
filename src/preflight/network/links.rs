//! Whether what a link names is there: asked with HEAD, and with GET where HEAD is not answered. Names that lead into our own
//! network are not asked, nothing is followed anywhere else, and no body is read (T13).

use std::fmt;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{ACCEPT, HOST, USER_AGENT};
use axum::http::{Method, Request, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::deliver::tls::Trust;
use crate::network::public_address;

/// For name, connection, TLS and answer of one try.
const PATIENCE: Duration = Duration::from_secs(8);

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is there, or somebody there knows where; or they do not want to be asked by a machine.
    There,
    /// It answered that it is not.
    Status(u16),
    /// Its name leads nowhere in the world.
    NoPlace,
    /// No answer in time, or none at all.
    Silent,
    NoAddress,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::There => f.write_str("ok"),
            Answer::Status(status) => write!(f, "{status}"),
            Answer::NoPlace => f.write_str("no public address"),
            Answer::Silent => f.write_str("could not ask"),
            Answer::NoAddress => f.write_str("not a web address"),
        }
    }
}

/// Asks a link.
pub(super) async fn ask(link: &str) -> Answer {
    let Ok(uri) = link.parse::<Uri>() else {
        return Answer::NoAddress;
    };
    let first = once(&uri, Method::HEAD).await;
    match first {
        Answer::Status(_) => once(&uri, Method::GET).await,
        answer => answer,
    }
}

async fn once(uri: &Uri, method: Method) -> Answer {
    let asked = timeout(PATIENCE, at_leisure(uri, method)).await;
    match asked {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Answer::Silent,
    }
}

async fn at_leisure(uri: &Uri, method: Method) -> io::Result<Answer> {
    let is_safe = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Ok(Answer::NoAddress),
    };
    let Some(host) = uri.host() else {
        return Ok(Answer::NoAddress);
    };
    let port = uri.port_u16().unwrap_or(if is_safe { 443 } else { 80 });
    // A machine without a resolver cannot tell either.
    let Some(at) = public_address(host, port).await? else {
        return Ok(Answer::NoPlace);
    };
    let stream = TcpStream::connect(at).await?;
    let status = if is_safe {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let trust = Trust::load(&[]).map_err(io::Error::other)?;
        status(uri, method, trust.encrypt(name, stream).await?).await?
    } else {
        status(uri, method, stream).await?
    };
    Ok(match status {
        200..=399 | 401 | 403 | 405 | 429 => Answer::There,
        other => Answer::Status(other),
    })
}

async fn status<S>(uri: &Uri, method: Method, stream: S) -> io::Result<u16>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let shake = http1::handshake(TokioIo::new(stream)).await;
    let (mut client, connection) = shake.map_err(io::Error::other)?;
    let driving = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, host)
        .header(USER_AGENT, "Bulletin (checks the links of a newsletter)")
        .header(ACCEPT, "*/*")
        .body(Body::empty())
        .map_err(io::Error::other)?;
    let answer = client.send_request(request).await;
    driving.abort();
    answer
        .map(|answer| answer.status().as_u16())
        .map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_inside_our_own_network_is_asked() {
        for link in [
            "http://127.0.0.1:1/",
            "http://localhost:1/",
            "https://10.0.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]:1/",
            "http://[::ffff:127.0.0.1]:1/",
            "http://2130706433/",
            "http://0x7f.1/",
        ] {
            assert_eq!(ask(link).await, Answer::NoPlace, "{link}");
        }
    }

    #[tokio::test]
    async fn only_web_addresses_are_asked() {
        for link in [
            "file:///etc/passwd",
            "mailto:a@a.example",
            "x",
            "//host/",
            "gopher://a/",
        ] {
            assert_eq!(ask(link).await, Answer::NoAddress, "{link}");
        }
    }
}
