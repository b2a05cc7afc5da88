//! The calls in docs/protocol.md, "Calls": the seven of the protocol, the image of a code, the public keys, the files about
//! native apps, the health checks and the OpenAPI document.
//!
//! A handler reads a request, calls the parts of [`AppState`], and puts the result into the envelope. The rules of
//! signing in are in [`crate::codes`].

use std::sync::Arc;

use axum::body::Body;
use axum::handler::Handler as _;
use axum::http::{HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use scanlogin_protocol::wire::{Envelope, code};
use serde::Serialize;
use serde_json::Value;
use tracing::Instrument as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::cors;
use crate::http::error::ApiError;
use crate::http::middleware::Middleware;
use crate::http::openapi;
use crate::http::state::AppState;

mod approver;
mod check;
mod complete;
pub(crate) mod gene;
mod health;
mod image;
mod keys;
mod native_apps;
mod shown_data;
mod userinfo;

/// The initial capacity of a response body. Most bodies are shorter.
const INITIAL_BODY_CAPACITY: usize = 512;
/// The initial capacity for headers. It includes those that [`Middleware`] adds.
const INITIAL_HEADER_CAPACITY: usize = 8;

/// The routes of all calls, below the address of the server. One `Middleware` layer surrounds each.
pub fn routes(state: &Arc<AppState>) -> Router {
    let description = Json(description(&state.config.base_url()));
    let calls = Router::from(calls())
        // A preflight request has the method OPTIONS. No route has it, so that the fallback gets the request.
        .method_not_allowed_fallback(
            method_not_allowed
                .layer(cors::preflights(state))
                .layer(from_fn_with_state(Arc::clone(state), cors::mark_refused_preflights)),
        )
        .layer(Middleware::for_pages(state));
    let rest = Router::from(rest().merge(health()))
        .route("/openapi.json", get(async move || description))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(Middleware::new(state));
    calls.merge(rest).with_state(Arc::clone(state))
}

/// The OpenAPI 3.1 document of a server at `base_url`.
pub fn description(base_url: &str) -> Value {
    openapi::document(&calls().merge(rest()).merge(health()).into_openapi(), base_url)
}

fn calls() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(gene::gene))
        .routes(routes!(check::check))
        .routes(routes!(approver::scanned))
        .routes(routes!(approver::confirm))
        .routes(routes!(approver::cancel))
        .routes(routes!(complete::complete))
        .routes(routes!(userinfo::userinfo))
}

/// Calls without the CORS headers of the seven: the keys are for backends, the files about native apps for systems of phones,
/// and any page may show an image.
fn rest() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(image::image))
        .routes(routes!(keys::keys))
        .routes(routes!(native_apps::assetlinks))
        .routes(routes!(native_apps::apple_app_site_association))
}

fn health() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(health::healthz)).routes(routes!(health::readyz))
}

/// Runs `work` to its end in a task of its own. When the client disconnects, the polls of the page are still notified,
/// and the audit event is still written.
///
/// # Errors
///
/// Those of `work`, and [`ApiError::Internal`] when it panics.
async fn run_to_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::spawn(work.in_current_span()).await?
}

/// The response to a method that a route does not have.
pub(crate) async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}

/// A success. Its response is the envelope with `code` 200.
pub(crate) struct Success<T> {
    /// The `message` of the envelope, for people.
    pub(crate) message: &'static str,
    /// The `data` of the envelope.
    pub(crate) data: T,
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        let envelope = Envelope {
            code: code::OK,
            message: Some(self.message.to_owned()),
            data: Some(self.data),
            reason: None,
            detail: None,
            step_up: None,
        };
        // axum's `Json` starts with a buffer of 128 bytes and must grow it. It takes twice as long.
        let mut body = Vec::with_capacity(INITIAL_BODY_CAPACITY);
        if let Err(error) = serde_json::to_writer(&mut body, &envelope) {
            return ApiError::from(error).into_response();
        }
        let mut response = Response::new(Body::from(body));
        let headers = response.headers_mut();
        headers.reserve(INITIAL_HEADER_CAPACITY);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
