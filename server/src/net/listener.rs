//! Connections: how many there may be, what runs on each, how all of them end.
//!
//! In place of `axum::serve`, which takes any number and waits for ever. Deliberately absent: HTTP/2 and TLS, which are a
//! proxy's work.

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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::Service as _;

use crate::client::{is_trusted, network};
use crate::http::state::AppState;
use crate::net::timeout_stream::{PatientSocket, Stage};

/// The longest head of a request, and what is buffered of a connection either way.
const MAX_BUFFER_BYTES: usize = 16 * 1024;
/// How long nothing is accepted when the system can't give more.
const ACCEPT_REST: Duration = Duration::from_millis(500);

/// Serves `app` until `state` stops, and then ends as soon as every request is answered. Who drops it ends all of them
/// at once.
pub(crate) async fn serve(listener: TcpListener, app: Router, state: Arc<AppState>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(state.config.settings.limits.idle_timeout)
        .max_buf_size(MAX_BUFFER_BYTES);
    // All routes are made here once, and not at each request.
    let app = app.with_state::<()>(());
    let places = Places::default();
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
                // A full house says nothing: nobody could read it across origins, and words cost as much as a place.
                if let Some(place) = places.take(&state, peer.ip()) {
                    connections.spawn(connection(http.clone(), socket, peer, app.clone(), Arc::clone(&state), place));
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                sleep(ACCEPT_REST).await;
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
    _place: Place,
) {
    let stage = Stage::default();
    let answer = service_fn(|request: Request<Incoming>| {
        stage.answer();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answering = app.clone().call(request);
        async {
            let answer = answering.await;
            stage.rest();
            answer
        }
    });
    let socket = PatientSocket::new(socket, stage.clone(), &state.config.settings.limits);
    let mut connection = pin!(http.serve_connection(TokioIo::new(socket), answer));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(state.stopping()) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that the state is gone, and that is a reason to stop too.
    let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
}

/// Whether a connection was gone before it was accepted. Every other error is the system's, such as too many open files.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionRefused | K::ConnectionAborted | K::ConnectionReset)
}

/// The connections that there are.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    all: u32,
    by_network: HashMap<IpAddr, u32>,
}

impl Places {
    /// A place for one more from `peer`, if there is one.
    fn take(&self, state: &AppState, peer: IpAddr) -> Option<Place> {
        let config = &state.config;
        // Behind a proxy are many clients, whom it has to keep from taking all connections.
        let most = if is_trusted(peer.to_canonical(), &config.trusted_proxies) {
            config.max_connections
        } else {
            config.settings.limits.connections_per_address.get()
        };
        let network = network(peer);
        let mut taken = self.lock();
        let from_there = taken.by_network.get(&network).copied().unwrap_or_default();
        if taken.all >= config.max_connections || from_there >= most {
            tracing::debug!(all = taken.all, from_there, "a connection too many");
            return None;
        }
        taken.all += 1;
        taken.by_network.insert(network, from_there + 1);
        Some(Place { places: self.clone(), network })
    }

    // Numbers are changed in one step: after a panic elsewhere they are as good as before.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place, given back when it is dropped.
struct Place {
    places: Places,
    network: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        match taken.by_network.get_mut(&self.network) {
            Some(from_there) if *from_there > 1 => *from_there -= 1,
            _ => {
                taken.by_network.remove(&self.network);
            }
        }
    }
}
