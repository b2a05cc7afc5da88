//! `GET /.well-known/jwks.json`: the keys by which others verify the tokens that `userinfo` hands out.
//!
//! It is a JSON Web Key Set as libraries expect it, not in the envelope.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::auth::signing_keys::CACHED;
use crate::http::error::ApiError;
use crate::http::state::AppState;

const KEY_SET: &str = "application/jwk-set+json";

/// The public keys of this server: RFC 7517.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "backend",
    responses((
        status = 200, body = Object, content_type = KEY_SET,
        description = "The keys that verify the `token` of a user, newest first",
    ))
)]
pub(super) async fn keys(State(state): State<Arc<AppState>>) -> Result<impl IntoResponse, ApiError> {
    let keys = state.signing_keys.published().await?;
    let headers = [
        (header::CONTENT_TYPE, KEY_SET.to_owned()),
        (header::CACHE_CONTROL, format!("public, max-age={}", CACHED.as_secs())),
    ];
    Ok((headers, Json(keys)))
}
