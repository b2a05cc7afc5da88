//! `GET /healthz` and `GET /readyz`: liveness and readiness.
//!
//! `/healthz` does not check the store: a restart of the server does not repair the store.

use std::sync::Arc;

use axum::extract::State;

use crate::http::api::Success;
use crate::http::error::ApiError;
use crate::http::state::AppState;

/// Liveness: the server answers as long as its process runs.
#[utoipa::path(
    get, path = "/healthz", tag = "operations",
    responses((status = 200, body = String, content_type = "application/json", description = "The process runs"))
)]
pub(super) async fn lives() -> Success<&'static str> {
    Success { message: "the server lives", data: "ok" }
}

/// Readiness: the store answers, and the server is not shutting down.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses((status = 200, body = String, content_type = "application/json", description = "The server is ready"))
)]
pub(super) async fn is_ready(State(state): State<Arc<AppState>>) -> Result<Success<&'static str>, ApiError> {
    if *state.stopping().borrow() {
        return Err(ApiError::Unavailable);
    }
    state.store.call("ping", |store| store.ping()).await?;
    Ok(Success { message: "the server and its store answer", data: "ok" })
}
