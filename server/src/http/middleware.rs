//! The layer around every request. It sets the request id and the headers of all responses, writes the log line, counts
//! the request, limits wrong guesses, ends a response that takes too long, and responds when the handler panics.
//!
//! One layer does all of this, because axum clones and boxes everything below a layer for each request. Four layers
//! made 40 of the 118 allocations of a poll (docs/decisions/0075). The parts are in [`log`],
//! [`crate::telemetry::metrics`], [`crate::rate_limit`] and [`crate::http::cors`].

use core::convert::Infallible;
use core::panic::AssertUnwindSafe;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, timeout};
use tower::Layer;
use tracing::Instrument as _;

use crate::client::ClientAddress;
use crate::http::cors::Reader;
use crate::http::error::{ApiError, Outcome, WrongGuess};
use crate::http::state::AppState;
use crate::secrets;
use crate::telemetry::log;

/// The layer. It is written by hand: `from_fn` would clone and box the inner service once more.
#[derive(Clone)]
pub(crate) struct Observe {
    state: Arc<AppState>,
    is_for_pages: bool,
}

impl Observe {
    /// For routes that no page of another origin reads, or that allow every origin themselves. Sets no CORS headers.
    pub(crate) fn new(state: &Arc<AppState>) -> Self {
        Self { state: Arc::clone(state), is_for_pages: false }
    }

    /// For routes that pages of apps call. Every response has CORS headers, so that a page can read HTTP 429 as well.
    pub(crate) fn for_pages(state: &Arc<AppState>) -> Self {
        Self { is_for_pages: true, ..Self::new(state) }
    }
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { inner, observe: self.clone() }
    }
}

/// The service that [`Observe`] makes of an inner service.
#[derive(Clone)]
pub(crate) struct Observed<S> {
    inner: S,
    observe: Observe,
}

impl<S> tower::Service<Request> for Observed<S>
where
    S: tower::Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let state = Arc::clone(&self.observe.state);
        let reader = self.observe.is_for_pages.then(|| Reader::of(request.headers(), &state));
        let asked = Asked::of(&request, &state);
        let answering = self.inner.call(request);
        Box::pin(async move {
            let id = secrets::request_id();
            let span = tracing::info_span!("request", request_id = %id);
            let mut response = answer(&state, asked, answering).instrument(span).await;
            let headers = response.headers_mut();
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            if let Ok(id) = HeaderValue::try_from(id) {
                headers.insert(log::REQUEST_ID, id);
            }
            if let Some(reader) = reader {
                reader.allow(headers);
            }
            Ok(response)
        })
    }
}

/// A response extension of every poll: how long the server held it. The duration in the metrics excludes this time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Waited(pub(crate) Duration);

/// Data of a request for the log, the metrics and the rate limit, read before the handler consumes the request.
struct Asked {
    method: Method,
    route: Option<MatchedPath>,
    client: ClientAddress,
}

impl Asked {
    fn of(request: &Request, state: &AppState) -> Self {
        Self {
            method: request.method().clone(),
            route: request.extensions().get().cloned(),
            client: ClientAddress::of(request.extensions(), request.headers(), &state.config.trusted_proxies),
        }
    }
}

/// Runs the handler, applies the limits, and counts and logs the response.
async fn answer(
    state: &AppState,
    Asked { method, route, client }: Asked,
    answering: impl Future<Output = Result<Response, Infallible>>,
) -> Response {
    let begin = Instant::now();
    // The panic hook has already written the panic message to standard error.
    let answering = AssertUnwindSafe(answering).catch_unwind();
    let answering =
        answering.map(|answered| answered.map_or_else(|_| ApiError::Internal.into_response(), |Ok(answer)| answer));
    let response = enforce_limits(state, client, answering).await;

    let route = route.as_ref().map_or("(a file, or nothing)", MatchedPath::as_str);
    let took = begin.elapsed();
    let waited = response.extensions().get::<Waited>();
    let waited_for = waited.map_or(Duration::ZERO, |waited| waited.0);
    let reason = response.extensions().get::<Outcome>().map(|Outcome(reason)| *reason);
    state.metrics.count_request(route, response.status().as_u16(), reason, took.saturating_sub(waited_for));
    // Pages poll all the time. A successful poll is counted and not logged.
    if waited.is_none() || reason.is_some() {
        log::one_line(&method, route, response.status(), took, reason);
    }
    response
}

/// Waits for the response up to `answer_timeout`. If it is a wrong guess above the rate limit, returns HTTP 429
/// instead.
async fn enforce_limits(
    state: &AppState,
    client: ClientAddress,
    answering: impl Future<Output = Response>,
) -> Response {
    let Ok(response) = timeout(state.config.settings.limits.answer_timeout, answering).await else {
        tracing::error!("no response within answer_timeout");
        return ApiError::Unavailable.into_response();
    };
    if response.extensions().get::<WrongGuess>().is_none() {
        return response;
    }
    match state.rate_limiters.wrong_guess(client.network()) {
        Ok(()) => response,
        Err(limited) => ApiError::from(limited).into_response(),
    }
}
