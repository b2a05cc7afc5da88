//! A running server: its start, its background tasks and its shutdown. `main` handles signals.

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

/// The interval at which the server removes old codes, reads its signing keys, and refreshes the keys of issuers.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// How long a shutdown waits for requests in progress.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// Opens the store and serves [`app()`] on `listener`. Without a public URL in `config`, the server uses the address of
/// `listener`.
///
/// # Errors
///
/// If the store or the signing keys can't be read, or the listener of the metrics can't be opened.
pub async fn start(config: Config, listener: TcpListener) -> Result<Running, StartError> {
    start_with(config, listener, |app| app).await
}

/// Like [`start`], but serves `wrap` of [`app()`]. A test can add layers that simulate faults of the network.
///
/// # Errors
///
/// As for [`start`].
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
    let (store, notifier) = (Arc::clone(state.store.unmeasured()), state.codes.notifier.clone());
    Ok(Running {
        url: state.config.base_url(),
        exporter,
        server: tokio::spawn(serve(listener, app, Arc::clone(&state))),
        sweeper: tokio::spawn(sweep(Arc::clone(&state))),
        clock_watcher: tokio::spawn(watch_clock(Arc::clone(&state))),
        listener: tokio::spawn(async move { store.listen(notifier).await }),
        state,
    })
}

/// A running server. Dropping it stops it at once.
#[must_use = "a server that is dropped stops at once"]
pub struct Running {
    /// The URL that clients use.
    pub url: String,
    /// The listener of the metrics. `None` without `metrics_listen` in the configuration.
    pub exporter: Option<Exporter>,
    /// The state that the handlers share.
    pub state: Arc<AppState>,
    server: JoinHandle<()>,
    sweeper: JoinHandle<()>,
    clock_watcher: JoinHandle<()>,
    listener: JoinHandle<()>,
}

impl Running {
    /// Stops accepting connections, answers the held polls, and waits up to 10 s for the other requests.
    pub async fn shutdown(mut self) {
        self.state.stop();
        match timeout(SHUTDOWN_GRACE, &mut self.server).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the server task failed"),
            Err(_) => tracing::warn!("some requests did not finish in time"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
        self.sweeper.abort();
        self.clock_watcher.abort();
        self.listener.abort();
    }
}

async fn watch_clock(state: Arc<AppState>) {
    state.codes.watch_clock().await;
}

async fn sweep(state: Arc<AppState>) {
    let mut ticks = interval(SWEEP_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        state.identity.refresh();
        if let Err(error) = state.signing_keys.refresh().await {
            tracing::error!(%error, "the signing keys can't be reloaded");
        }
        let now = state.clock.now();
        match state.store.call("purge_expired", |store| store.purge_expired(now)).await {
            Ok(0) => {}
            Ok(codes) => tracing::info!(codes, "removed old codes"),
            Err(error) => tracing::error!(%error, "old codes can't be removed"),
        }
    }
}

/// Why the server does not start, or stops.
#[derive(Debug)]
pub enum StartError {
    /// The configuration is rejected.
    Config(ConfigError),
    /// The store can't be opened or read.
    Store(StoreError),
    /// A listener or a signal handler failed.
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
