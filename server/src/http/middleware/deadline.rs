//! Ends a response that takes longer than `response_timeout`.

use core::time::Duration;

use axum::response::{IntoResponse as _, Response};
use tokio::time::timeout;

use crate::http::error::ApiError;

/// The response, or [`ApiError::Unavailable`] if it takes longer than `limit`.
pub(super) async fn enforce(limit: Duration, response: impl Future<Output = Response>) -> Response {
    match timeout(limit, response).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("no response within response_timeout");
            ApiError::Unavailable.into_response()
        }
    }
}
