//! `GET /healthz` and `/readyz`: what a supervisor asks before it restarts the server, or sends it requests.
//!
//! Deliberately absent from the first: the store. A store that is away is no reason to restart what waits for it.

use std::sync::Arc;

use axum::extract::State;

use crate::http::api::Answer;
use crate::http::error::ApiError;
use crate::http::state::AppState;

/// Whether the process lives.
#[utoipa::path(
    get, path = "/healthz", tag = "operations",
    responses((status = 200, body = String, content_type = "application/json", description = "It does"))
)]
pub(super) async fn lives() -> Answer<&'static str> {
    Answer { message: "the server lives", data: "ok" }
}

/// Whether the server can do its work: the store answers, and the server does not stop.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses((status = 200, body = String, content_type = "application/json", description = "It can"))
)]
pub(super) async fn is_ready(State(state): State<Arc<AppState>>) -> Result<Answer<&'static str>, ApiError> {
    if *state.stopping().borrow() {
        return Err(ApiError::Unavailable);
    }
    state.store.ping().await?;
    Ok(Answer { message: "the server and its store answer", data: "ok" })
}
