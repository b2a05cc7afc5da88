//! A TCP port that stays reserved for one test while the servers of that test stop and start.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// A port of this machine that the system assigns to no other process until this is dropped.
///
/// The system can reassign a port as soon as a server has closed it. This socket prevents that: it is bound to the
/// port, but never listens. A server that sets `SO_REUSEADDR`, as Redis, tokio and the standard library do, can still
/// bind the port. Linux allows that while no other socket listens on it; see `SO_REUSEADDR` in socket(7).
pub(crate) struct ReservedPort {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl ReservedPort {
    pub(crate) fn new() -> Self {
        let socket = bind((Ipv4Addr::LOCALHOST, 0).into());
        Self { address: socket.local_addr().unwrap(), _socket: socket }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A listener on the port, for a server in this process.
    pub(crate) fn listen(&self) -> TcpListener {
        bind(self.address).listen(128).unwrap()
    }
}

fn bind(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}
