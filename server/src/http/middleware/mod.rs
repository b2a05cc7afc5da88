//! The middleware around every route. Its parts, from the outside in:
//!
//! 1. [`request_id`]: gives the request an id, for the log and for the client.
//! 2. `x-content-type-options`, and the headers of [`crate::http::cors`] on routes that pages of other origins call.
//! 3. [`access_log`]: counts the response, and writes the log line.
//! 4. [`failed_auth`]: limits the failed attempts of an address.
//! 5. [`deadline`]: ends a response that takes too long.
//! 6. [`catch_panic`]: responds when the handler panics.
//!
//! Each part is a function on the future of the response, and [`Middleware`] is the only layer. axum boxes and clones
//! everything below a layer for each request. Four layers made 40 of the 118 allocations of a poll (docs/decisions/0075).

use core::convert::Infallible;
use core::pin::pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::future::BoxFuture;
use tower::{Layer, Service};
use tracing::Instrument as _;

use self::access_log::AccessLog;
use self::request_id::RequestId;
use crate::client::ClientAddress;
use crate::http::cors::CorsHeaders;
use crate::http::state::AppState;

pub(crate) mod access_log;
mod catch_panic;
mod deadline;
mod failed_auth;
pub(crate) mod request_id;

/// The layer. It is written by hand: `from_fn` would clone and box the inner service once more.
#[derive(Clone)]
pub(crate) struct Middleware {
    state: Arc<AppState>,
    is_for_pages: bool,
}

impl Middleware {
    /// For routes that no page of another origin reads, or that allow every origin themselves. Sets no CORS headers.
    pub(crate) fn new(state: &Arc<AppState>) -> Self {
        Self { state: Arc::clone(state), is_for_pages: false }
    }

    /// For routes that pages of apps call. Every response has CORS headers, so that a page can read HTTP 429 as well.
    pub(crate) fn for_pages(state: &Arc<AppState>) -> Self {
        Self { is_for_pages: true, ..Self::new(state) }
    }
}

impl<S> Layer<S> for Middleware {
    type Service = MiddlewareService<S>;

    fn layer(&self, inner: S) -> MiddlewareService<S> {
        MiddlewareService { inner, middleware: self.clone() }
    }
}

/// The service that [`Middleware`] makes of an inner service.
#[derive(Clone)]
pub(crate) struct MiddlewareService<S> {
    inner: S,
    middleware: Middleware,
}

impl<S> Service<Request> for MiddlewareService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let state = Arc::clone(&self.middleware.state);
        // The handler consumes the request, so everything that is needed later is read first.
        let cors = self.middleware.is_for_pages.then(|| CorsHeaders::of(&mut request, &state));
        let client = ClientAddress::of(request.extensions(), request.headers(), &state.config.trusted_proxies);
        let access_log = AccessLog::begin(&request);
        let handler = self.inner.call(request);

        Box::pin(async move {
            let id = RequestId::new();
            // The parts get a reference to the future of the handler: moving it into each would copy it each time.
            let handler = pin!(handler);
            let response = catch_panic::respond(handler);
            let response = deadline::enforce(state.config.settings.limits.response_timeout, response);
            let response = failed_auth::limit(&state.rate_limiters, client, response);
            let response = access_log.record(&state.metrics, response);
            let mut response = response.instrument(id.span()).await;

            let headers = response.headers_mut();
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            id.insert_into(headers);
            if let Some(cors) = cors {
                cors.insert_into(&mut response);
            }
            Ok(response)
        })
    }
}
