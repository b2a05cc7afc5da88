//! `GET /metrics` on its own listener.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::http::error::ApiError;
use crate::http::state::AppState;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The route that Prometheus scrapes.
pub fn routes(state: &Arc<AppState>) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(Arc::clone(state))
}

async fn metrics(State(state): State<Arc<AppState>>) -> Result<impl IntoResponse, ApiError> {
    let lines = state.metrics.encode(state.codes.notifier.len()).map_err(|error| {
        tracing::error!(%error, "can't encode the metrics");
        ApiError::Internal
    })?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], lines))
}

/// Serves the metrics until it is dropped.
pub struct Exporter {
    /// The bound address. If the configured port is 0, it has the port that the system chose.
    pub address: SocketAddr,
    server: JoinHandle<()>,
}

impl Exporter {
    /// Binds `address` and serves the metrics in a task.
    ///
    /// # Errors
    ///
    /// When the address can't be bound.
    pub async fn start(address: SocketAddr, state: &Arc<AppState>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("--metrics-listen {address}: {error}")))?;
        let address = listener.local_addr()?;
        let routes = routes(state);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "metrics listener failed");
            }
        });
        Ok(Self { address, server })
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.server.abort();
    }
}
