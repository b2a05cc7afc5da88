//! `GET /healthz` and `GET /readyz`: liveness and readiness.
//!
//! `/healthz` does not check the store: a restart of the server does not repair the store. `/readyz` writes to the store,
//! because no person can sign in while the store can only be read: a full disk, a Redis that is a replica or out of memory.

use std::sync::Arc;

use axum::extract::State;

use crate::http::api::{Success, run_to_end};
use crate::http::error::ApiError;
use crate::http::state::AppState;

/// Liveness: succeeds as long as the process runs.
#[utoipa::path(
    get, path = "/healthz", tag = "operations",
    responses((status = 200, body = String, content_type = "application/json", description = "The process runs"))
)]
pub(super) async fn healthz() -> Success<&'static str> {
    Success { message: "the server is running", data: "ok" }
}

/// Readiness: the store accepts writes, and the server is not shutting down.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses((status = 200, body = String, content_type = "application/json", description = "The server is ready"))
)]
pub(super) async fn readyz(State(state): State<Arc<AppState>>) -> Result<Success<&'static str>, ApiError> {
    if *state.stopping().borrow() {
        return Err(ApiError::Unavailable);
    }
    // In a task of its own: a client that disconnects during a check would otherwise cause another one.
    run_to_end(async move { state.readiness.check(&state.store).await }).await?;
    Ok(Success { message: "the server and its store respond", data: "ok" })
}
