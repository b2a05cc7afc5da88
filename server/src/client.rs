//! Where a request comes from: the socket's other end, or what a proxy that we trust says of it.
//!
//! Deliberately absent: the `Forwarded` header of RFC 7239. Proxies append to one header or the other, and hand on what
//! the client wrote into the one that they do not know.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;
use scanlogin_protocol::wire::Requester;

/// The address of the client; none for a request that came without a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

impl ClientAddress {
    /// Who sent `headers` through `proxies`, if any.
    pub fn of(extensions: &Extensions, headers: &HeaderMap, proxies: &[IpNet]) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical());
        Self(peer.map(|peer| behind(peer, headers, proxies)))
    }

    /// Whom limits take it for.
    pub fn network(self) -> Option<IpAddr> {
        self.0.map(network)
    }
}

/// The program that calls, as far as it says.
pub struct Browser {
    /// The origin of its page.
    pub origin: Option<String>,
    /// The address that it connects from.
    pub ip: String,
    /// What it calls itself.
    pub user_agent: Option<String>,
}

impl Browser {
    /// Who asks for a code that is made at `created_at`.
    pub fn requester(self, app_name: &str, created_at: String) -> Requester {
        Requester {
            app_name: app_name.to_owned(),
            origin: self.origin,
            ip: self.ip,
            user_agent: self.user_agent,
            created_at,
        }
    }
}

/// Whether `address` is one of `proxies`.
pub(crate) fn is_trusted(address: IpAddr, proxies: &[IpNet]) -> bool {
    proxies.iter().any(|proxy| proxy.contains(&address))
}

/// An IPv4 address, or the /64 of an IPv6 one: whoever has an address in it has all the others too.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// The right-most address that is no proxy's of ours: what stands left of it is only what a stranger says.
fn behind(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    if !is_trusted(peer, proxies) {
        return peer;
    }
    let mut client = peer;
    for line in headers.get_all("x-forwarded-for").iter().rev() {
        for entry in line.as_bytes().rsplit(|byte| *byte == b',') {
            let Some(address) = str::from_utf8(entry).ok().and_then(parse) else { return client };
            client = address;
            if !is_trusted(client, proxies) {
                return client;
            }
        }
    }
    client
}

/// An address as proxies write it: some add the port, and brackets with it.
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
    fn a_stranger_may_write_what_they_like() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("::ffff:192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    }

    #[test]
    fn a_proxy_of_ours_is_believed_and_so_are_those_before_it() {
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
    fn garbage_is_whose_proxy_it_let_through() {
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
    fn limits_take_a_64_for_one_and_an_ipv4_address_for_itself() {
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
}
