//! Responds when a handler panics, and logs the panic with the id of the request.

use core::convert::Infallible;
use core::panic::AssertUnwindSafe;

use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;

use crate::http::error::ApiError;

/// The response of `handler`, or [`ApiError::Internal`] if it panics.
pub(super) async fn respond(handler: impl Future<Output = Result<Response, Infallible>>) -> Response {
    match AssertUnwindSafe(handler).catch_unwind().await {
        Ok(Ok(response)) => response,
        Err(panic) => ApiError::of_panic(&*panic).into_response(),
    }
}
