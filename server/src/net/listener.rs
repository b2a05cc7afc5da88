//! Accepts connections, limits their number, serves HTTP/1.1 on them, and closes them at shutdown.
//!
//! It replaces `axum::serve`, which has no connection limit and no timeouts.
//!
//! Deliberately absent: HTTP/2 and TLS. A proxy in front of the server provides them.

use core::pin::pin;
use core::time::Duration;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::Service as _;

use crate::client::{is_trusted, network};
use crate::http::state::AppState;
use crate::net::timeout_stream::{ConnectionPhase, TimeoutStream};

/// The longest request head, and the size of the read buffer and the write buffer of a connection.
const MAX_BUFFER_BYTES: usize = 16 * 1024;
/// The size of the system's send buffer of a connection, in bytes. Linux doubles it for its own overhead. By default Linux
/// lets the two buffers of a connection grow to 10 MB, which a client fills that sends requests and reads nothing.
/// A download of 2 MB at 10 Mbit/s with a round trip of 40 ms takes as long as with the default, and a quarter longer with
/// half of this size (docs/decisions/0091).
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// The most bytes in the send buffer that the system has not sent yet. A client that reads nothing fills only this and its
/// own buffer.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNSENT_BYTES: u32 = 16 * 1024;
/// The size of the system's receive buffer of a connection, in bytes. A request with the longest body still fits.
const RECEIVE_BUFFER_BYTES: usize = 16 * 1024;
/// The pause after the system failed to accept a connection, for example because too many files are open.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(500);

/// Serves `app` until `state` stops, and returns when every request in progress has its response. Dropping the future closes
/// all connections at once.
pub(crate) async fn serve(listener: TcpListener, app: Router, state: Arc<AppState>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(state.config.settings.limits.idle_timeout)
        .max_buf_size(MAX_BUFFER_BYTES);
    // This builds the routes once. Otherwise axum would build them for each request.
    let app = app.with_state::<()>(());
    let limiter = ConnectionLimiter::default();
    let mut connections = JoinSet::new();
    let mut stopped = pin!(stopped(state.stopping()));
    loop {
        let accepted = tokio::select! {
            () = &mut stopped => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                // A connection over the limit gets no response. A page of another origin could not read it, and sending
                // it would cost as much as serving the connection.
                if let Some(permit) = limiter.acquire(&state, peer.ip()) {
                    connections.spawn(connection(http.clone(), socket, peer, app.clone(), Arc::clone(&state), permit));
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    http: http1::Builder,
    socket: TcpStream,
    peer: SocketAddr,
    app: Router,
    state: Arc<AppState>,
    _permit: ConnectionPermit,
) {
    limit_buffers(&socket);
    let phase = ConnectionPhase::default();
    let service = service_fn(|request: Request<Incoming>| {
        phase.begin_response();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = app.clone().call(request);
        async {
            let response = response.await;
            phase.end_response();
            response
        }
    });
    let socket = TimeoutStream::new(socket, phase.clone(), &state.config.settings.limits);
    let mut connection = pin!(http.serve_connection(TokioIo::new(socket), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(state.stopping()) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection failed");
    }
}

/// Limits the buffers of the system for `socket`. They are the default ones if that fails.
fn limit_buffers(socket: &TcpStream) {
    let socket = SockRef::from(socket);
    let limited =
        socket.set_send_buffer_size(SEND_BUFFER_BYTES).and_then(|()| socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES));
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let limited = limited.and_then(|()| socket.set_tcp_notsent_lowat(UNSENT_BYTES));
    if let Err(error) = limited {
        tracing::debug!(%error, "the buffers of a connection can't be limited");
    }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // `wait_for` fails if the state is dropped. The server stops then, too.
    let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
}

/// Whether the error concerns only the connection that was to be accepted. Other errors concern the system, such as too
/// many open files.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionRefused | K::ConnectionAborted | K::ConnectionReset)
}

/// Limits the open connections, in total and per network.
#[derive(Clone, Default)]
struct ConnectionLimiter(Arc<Mutex<OpenConnections>>);

/// The numbers of open connections.
#[derive(Default)]
struct OpenConnections {
    all: u32,
    by_network: HashMap<IpAddr, u32>,
}

impl ConnectionLimiter {
    /// A permit for one more connection from `peer`. `None` if a limit is reached.
    fn acquire(&self, state: &AppState, peer: IpAddr) -> Option<ConnectionPermit> {
        let config = &state.config;
        // A trusted proxy connects for many clients. The proxy has to limit the connections of each.
        let most = if is_trusted(peer.to_canonical(), &config.trusted_proxies) {
            config.max_connections
        } else {
            config.settings.limits.connections_per_address.get()
        };
        let network = network(peer);
        let mut open = self.lock();
        let from_network = open.by_network.get(&network).copied().unwrap_or_default();
        if open.all >= config.max_connections || from_network >= most {
            tracing::debug!(all = open.all, from_network, "connection limit reached");
            return None;
        }
        open.all += 1;
        open.by_network.insert(network, from_network + 1);
        Some(ConnectionPermit { limiter: self.clone(), network })
    }

    // No code that holds the lock can panic, so the numbers behind a poisoned lock are consistent.
    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The permission for one open connection. Dropping it makes room for another connection.
struct ConnectionPermit {
    limiter: ConnectionLimiter,
    network: IpAddr,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limiter.lock();
        open.all -= 1;
        match open.by_network.get_mut(&self.network) {
            Some(from_network) if *from_network > 1 => *from_network -= 1,
            _ => {
                open.by_network.remove(&self.network);
            }
        }
    }
}
