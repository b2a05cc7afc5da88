//! The client of a request: its address, and what it sends about itself.
//!
//! The address is that of the TCP peer, or, if the peer is a trusted proxy, one that `X-Forwarded-For` contains.
//!
//! Deliberately absent: the header `Forwarded` of RFC 7239. A proxy appends to one of the two headers, and forwards the
//! other one as the client wrote it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, header};
use ipnet::IpNet;
use scanlogin_protocol::display::display_name;
use scanlogin_protocol::wire::Requester;

/// The IP address of the client. `None` if the request did not come through a socket, as in tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientAddress(pub Option<IpAddr>);

impl ClientAddress {
    /// The client that sent `headers`, directly or through `proxies`.
    pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, proxies: &[IpNet]) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical());
        Self(peer.map(|peer| behind(peer, headers, proxies).address))
    }

    /// The address that rate limits count: an IPv4 address, or the /64 network of an IPv6 address.
    pub(crate) fn network(self) -> Option<IpAddr> {
        self.0.map(network)
    }
}

/// The client program of a request, for the approver and for the audit log.
pub struct Browser {
    /// The header `origin`, shortened and without invisible characters. `None` if the client sent none.
    pub origin: Option<String>,
    /// The IP address, or `unknown`.
    pub ip: String,
    /// The header `user-agent`, shortened and without invisible characters. `None` if the client sent none.
    pub user_agent: Option<String>,
}

impl Browser {
    /// The description that an approver gets of the browser that created a code of `app_name` at `created_at`.
    pub fn requester(self, app_name: &str, created_at: String) -> Requester {
        Requester {
            app_name: display_name(app_name),
            origin: self.origin,
            ip: self.ip,
            user_agent: self.user_agent,
            created_at,
        }
    }
}

/// Whether `address` is in one of the networks `proxies`.
pub(crate) fn is_trusted(address: IpAddr, proxies: &[IpNet]) -> bool {
    proxies.iter().any(|proxy| proxy.contains(&address))
}

/// Whether [`ClientAddress`] is that of a proxy which is not in `proxies`, as far as the request shows it. All clients behind
/// such a proxy have its address. A client that writes the headers itself looks the same.
pub(crate) fn is_behind_unknown_proxy(extensions: &Extensions, headers: &HeaderMap, proxies: &[IpNet]) -> bool {
    let Some(peer) = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical()) else {
        return false;
    };
    let is_forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key(header::FORWARDED);
    let client = behind(peer, headers, proxies);
    is_forwarded && (client.address == peer || !client.is_first || is_trusted(client.address, proxies))
}

/// An IPv4 address, or the /64 network of an IPv6 address: one client usually has all addresses of a /64.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// Whether two clients have the same address, as rate limits count it. `None` if that can't be known: an address is `unknown`,
/// or one is of IPv4 and the other of IPv6, as those of two devices in one network may be.
pub(crate) fn is_same_network(one: &str, other: &str) -> Option<bool> {
    let (one, other) = (network(one.parse().ok()?), network(other.parse().ok()?));
    (one.is_ipv4() == other.is_ipv4()).then_some(one == other)
}

/// The right-most address in `X-Forwarded-For` that is not a trusted proxy. The addresses to its left are not trustworthy.
///
/// A malformed entry ends the search: the client is then the proxy that added this entry.
fn behind(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> Behind {
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let mut entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let mut address = peer;
    while is_trusted(address, proxies) {
        let Some(entry) = entries.next() else { break };
        let Some(next) = str::from_utf8(entry).ok().and_then(parse) else {
            return Behind { address, is_first: false };
        };
        address = next;
    }
    Behind { address, is_first: entries.next().is_none() }
}

/// The result of [`behind`].
struct Behind {
    address: IpAddr,
    /// Whether no entry is to the left of that of the address.
    is_first: bool,
}

/// Parses the address of an entry. Some proxies add the port, and write an IPv6 address in brackets.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().or_else(|_| entry.parse::<SocketAddr>().map(|address| address.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, forwarded_for: &[&'static str]) -> String {
        let proxies = ["10.0.0.0/8".parse().unwrap(), "2001:db8:aaaa::/48".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in forwarded_for {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        ClientAddress::of(&extensions, &headers, &proxies).0.unwrap().to_string()
    }

    #[test]
    fn x_forwarded_for_of_an_untrusted_peer_is_ignored() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("::ffff:192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    }

    #[test]
    fn client_is_the_right_most_address_that_is_not_a_trusted_proxy() {
        for (forwarded_for, expected) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            (&["203.0.113.1, 198.51.100.7"], "198.51.100.7"),
            (&["203.0.113.1, 198.51.100.7,10.2.3.4 , 10.5.6.7"], "198.51.100.7"),
            (&["203.0.113.1, 198.51.100.7", "10.2.3.4"], "198.51.100.7"),
            (&["203.0.113.1", "198.51.100.7"], "198.51.100.7"),
            (&["198.51.100.7:4711"], "198.51.100.7"),
            (&["[2001:db8::7]:4711"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["2001:db8::7, 2001:db8:aaaa::1"], "2001:db8::7"),
            (&["::ffff:198.51.100.7, ::ffff:10.2.3.4"], "198.51.100.7"),
        ] {
            assert_eq!(client("10.0.0.1", forwarded_for), expected, "{forwarded_for:?}");
            assert_eq!(client("::ffff:10.0.0.1", forwarded_for), expected, "{forwarded_for:?}");
        }
    }

    #[test]
    fn search_stops_at_a_malformed_entry_and_returns_the_proxy_that_added_it() {
        for (forwarded_for, expected) in [
            (&[][..], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            (&["198.51.100.7, unknown"], "10.0.0.1"),
            (&["198.51.100.7,"], "10.0.0.1"),
            (&["198.51.100.7, \u{e9}"], "10.0.0.1"),
            (&["198.51.100.7, unknown, 10.2.3.4"], "10.2.3.4"),
            (&["10.2.3.4"], "10.2.3.4"),
        ] {
            assert_eq!(client("10.0.0.1", forwarded_for), expected, "{forwarded_for:?}");
        }
    }

    #[test]
    fn network_is_the_64_of_an_ipv6_address_and_a_single_ipv4_address() {
        for (address, expected) in [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
            ("2001:db8:1:3::", "2001:db8:1:3::"),
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(network(address.parse().unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn same_network_is_the_same_ipv4_address_or_the_same_64() {
        for (one, other, expected) in [
            ("192.0.2.1", "192.0.2.1", Some(true)),
            ("::ffff:192.0.2.1", "192.0.2.1", Some(true)),
            ("192.0.2.1", "192.0.2.2", Some(false)),
            ("2001:db8:1:2::3", "2001:db8:1:2:ffff::", Some(true)),
            ("2001:db8:1:2::3", "2001:db8:1:3::3", Some(false)),
            ("2001:db8:1:2::3", "192.0.2.1", None),
            ("unknown", "192.0.2.1", None),
            ("unknown", "unknown", None),
        ] {
            assert_eq!(is_same_network(one, other), expected, "{one} {other}");
            assert_eq!(is_same_network(other, one), expected, "{other} {one}");
        }
    }
}
