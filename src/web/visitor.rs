//! Where a visitor comes from.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::Site;
use crate::network::Network;

impl<S: Sync> FromRequestParts<S> for Network
where
    Site: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Network, Infallible> {
        let site = Site::from_ref(state);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        Ok(visitor(peer, &parts.headers, &site.trusted_proxies).into())
    }
}

/// The last address that a trusted proxy vouches for. What stands before it in X-Forwarded-For, anybody may have written.
fn visitor(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let forwarded = headers.get_all("x-forwarded-for").into_iter();
    let hops: Vec<&str> = forwarded
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .collect();
    let mut visitor = peer.to_canonical();
    for hop in hops.iter().rev() {
        let Ok(hop) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        if !trusted.contains(&visitor) {
            break;
        }
        visitor = hop.to_canonical();
    }
    visitor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_says_who_comes() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let proxy = [ip("127.0.0.1"), ip("10.0.0.1")];
        for (peer, forwarded, trusted, visitor_is) in [
            ("192.0.2.1", "198.51.100.7", &proxy[..], "192.0.2.1"),
            ("127.0.0.1", "198.51.100.7", &proxy[..], "198.51.100.7"),
            (
                "127.0.0.1",
                "1.1.1.1, 198.51.100.7",
                &proxy[..],
                "198.51.100.7",
            ),
            (
                "127.0.0.1",
                "198.51.100.7, 10.0.0.1",
                &proxy[..],
                "198.51.100.7",
            ),
            (
                "::ffff:127.0.0.1",
                "198.51.100.7",
                &proxy[..],
                "198.51.100.7",
            ),
            ("127.0.0.1", "198.51.100.7", &[], "127.0.0.1"),
            ("127.0.0.1", "", &proxy[..], "127.0.0.1"),
            ("127.0.0.1", "not an address", &proxy[..], "127.0.0.1"),
            ("127.0.0.1", "1.1.1.1, x, 10.0.0.1", &proxy[..], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            let found = visitor(ip(peer), &headers, trusted);
            assert_eq!(found, ip(visitor_is), "{peer} {forwarded}");
        }
    }
}
