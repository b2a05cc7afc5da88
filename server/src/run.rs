//! A server that runs: its socket, its sweeping, its end.
//!
//! Deliberately absent: signals, which belong to `main`.

use core::fmt;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::app;
use crate::config::{Config, ConfigError};
use crate::http::metrics_endpoint::Exporter;
use crate::http::state::AppState;
use crate::net::listener::serve;
use crate::store::StoreError;

/// How often codes are looked through for those to be forgotten, and keys for new ones.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// How long a request may take to finish once the server is to end.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// Opens the store and serves the whole [`app()`] at `listener`. Without a public address in `config`, the server goes by
/// the one that it listens on.
///
/// # Errors
///
/// When the store can't be opened.
pub async fn start(config: Config, listener: TcpListener) -> Result<Running, StartError> {
    start_with(config, listener, |app| app).await
}

/// As [`start`], with layers of the caller's around the [`app()`]: a test may so break the network between the two ends.
///
/// # Errors
///
/// When the store can't be opened.
pub async fn start_with(
    mut config: Config,
    listener: TcpListener,
    wrap: impl FnOnce(Router) -> Router,
) -> Result<Running, StartError> {
    config.listen = listener.local_addr()?;
    let state = AppState::open(config).await?;
    state.signing_keys.refresh().await?;
    let exporter = match state.config.metrics_listen {
        Some(address) => Some(Exporter::start(address, &state).await?),
        None => None,
    };
    let app = wrap(app(&state));
    let (store, waiters) = (Arc::clone(&state.store), state.codes.waiters.clone());
    Ok(Running {
        url: state.config.base_url(),
        exporter,
        server: tokio::spawn(serve(listener, app, Arc::clone(&state))),
        sweeper: tokio::spawn(sweep(Arc::clone(&state))),
        listener: tokio::spawn(async move { store.listen(waiters).await }),
        state,
    })
}

/// A server that runs until it is shut down or dropped.
#[must_use = "a server that is dropped stops at once"]
pub struct Running {
    /// The address that others reach it by.
    pub url: String,
    /// Where its metrics are read.
    pub exporter: Option<Exporter>,
    /// What it works with.
    pub state: Arc<AppState>,
    server: JoinHandle<()>,
    sweeper: JoinHandle<()>,
    listener: JoinHandle<()>,
}

impl Running {
    /// Takes no more connections, answers the polls that wait, and lets the other requests finish.
    pub async fn shutdown(mut self) {
        self.state.stop();
        match timeout(SHUTDOWN_GRACE, &mut self.server).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the server ended badly"),
            Err(_) => tracing::warn!("some requests did not finish in time"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
        self.sweeper.abort();
        self.listener.abort();
    }
}

async fn sweep(state: Arc<AppState>) {
    let mut ticks = interval(SWEEP_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        state.identity.refresh();
        if let Err(error) = state.signing_keys.refresh().await {
            tracing::error!(%error, "the signing keys can't be read again");
        }
        match state.store.forget(state.clock.now()).await {
            Ok(0) => {}
            Ok(codes) => tracing::info!(codes, "forgotten"),
            Err(error) => tracing::error!(%error, "old codes can't be forgotten"),
        }
    }
}

/// Why the server does not start.
#[derive(Debug)]
pub enum StartError {
    /// A value is wrong.
    Config(ConfigError),
    /// The store can't be opened.
    Store(StoreError),
    /// The address can't be listened on.
    Listen(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(formatter),
            Self::Store(error) => error.fmt(formatter),
            Self::Listen(error) => error.fmt(formatter),
        }
    }
}

impl core::error::Error for StartError {}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Listen(error)
    }
}
