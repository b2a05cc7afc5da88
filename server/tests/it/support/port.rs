//! A port that stays a test's own, whichever server of the test listens on it.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// A port of this machine that the system gives to nobody else until this is dropped.
///
/// A port that a server has given back can be given to a neighbour at once. So this socket is bound to the port and
/// never listens: a server that sets `SO_REUSEADDR`, as Redis, tokio and the standard library do, can still bind it.
/// Linux allows that as long as nobody listens; see `SO_REUSEADDR` in socket(7).
pub(crate) struct Port {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl Port {
    pub(crate) fn new() -> Self {
        let socket = bind((Ipv4Addr::LOCALHOST, 0).into());
        Self { address: socket.local_addr().unwrap(), _socket: socket }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens on it, for a server of this process.
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
