//! `GET /healthz` and `/readyz`: what a supervisor asks before it restarts the server, or sends it requests.
//!
//! Deliberately absent from the first: the store. A store that is away is no reason to restart what waits for it.

use std::sync::Arc;

use axum::extract::State;

use crate::api::Answer;
use crate::error::Refusal;
use crate::service::Service;

pub(super) async fn lives() -> Answer<&'static str> {
    Answer { message: "the server lives", data: "ok" }
}

pub(super) async fn is_ready(State(service): State<Arc<Service>>) -> Result<Answer<&'static str>, Refusal> {
    if *service.stopping().borrow() {
        return Err(Refusal::Unavailable);
    }
    service.store.ping().await?;
    Ok(Answer { message: "the server and its store answer", data: "ok" })
}
