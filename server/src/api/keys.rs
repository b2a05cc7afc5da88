//! `GET /.well-known/jwks.json`: the keys by which others verify the tokens that `userinfo` hands out.
//!
//! It is a JSON Web Key Set as libraries expect it, not in the envelope.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::error::Refusal;
use crate::service::Service;
use crate::signing_keys::CACHED;

pub(super) async fn keys(State(service): State<Arc<Service>>) -> Result<impl IntoResponse, Refusal> {
    let keys = service.signing_keys.published().await?;
    Ok(([(header::CACHE_CONTROL, format!("public, max-age={}", CACHED.as_secs()))], Json(keys)))
}
