//! Limits how many failed attempts an address may make: unknown ids, and missing or wrong tokens and secrets.

use axum::response::{IntoResponse as _, Response};

use crate::client::ClientAddress;
use crate::http::error::{ApiError, WrongGuess};
use crate::rate_limit::RateLimiters;

/// The response. If it is a failed attempt above the rate limit, HTTP 429 instead.
pub(super) async fn limit(
    rate_limiters: &RateLimiters,
    client: ClientAddress,
    response: impl Future<Output = Response>,
) -> Response {
    let response = response.await;
    if response.extensions().get::<WrongGuess>().is_none() {
        return response;
    }
    match rate_limiters.wrong_guess(client.network()) {
        Ok(()) => response,
        Err(limited) => ApiError::from(limited).into_response(),
    }
}
