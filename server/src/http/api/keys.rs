//! `GET /.well-known/jwks.json`: the public keys that verify the `token` of `userinfo`.
//!
//! The response is a bare JSON Web Key Set without the envelope, as JWT libraries expect it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::auth::signing_keys::KEY_SET_MAX_AGE;
use crate::http::error::ApiError;
use crate::http::state::AppState;

const KEY_SET: &str = "application/jwk-set+json";

/// Returns the public keys of this server as a JSON Web Key Set (RFC 7517).
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "backend",
    responses((
        status = 200, body = Object, content_type = KEY_SET,
        description = "The keys that verify the `token` of `userinfo`, newest first",
    ))
)]
pub(super) async fn keys(State(state): State<Arc<AppState>>) -> Result<impl IntoResponse, ApiError> {
    let keys = state.signing_keys.published().await?;
    let headers = [
        (header::CONTENT_TYPE, KEY_SET.to_owned()),
        (header::CACHE_CONTROL, format!("public, max-age={}", KEY_SET_MAX_AGE.as_secs())),
    ];
    Ok((headers, Json(keys)))
}
