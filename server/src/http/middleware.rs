//! Around every request: its id, its line in the log, its place in the counts, its end when it takes too long, and an
//! answer when its handler panics.
//!
//! It also sets the headers that all answers have. One layer does it all: axum clones and boxes what is below each layer at
//! each request, so that several of them cost more than the call that browsers repeat. Deliberately absent: what is
//! written, counted, too much, and read across origins, which are [`log`]'s, [`crate::telemetry::metrics`]'s, [`crate::rate_limit`]'s
//! and [`crate::http::cors`]'s.

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

/// Observes what is below it. A layer by hand: `from_fn` clones and boxes what is below once more.
#[derive(Clone)]
pub(crate) struct Observe {
    state: Arc<AppState>,
    is_for_pages: bool,
}

impl Observe {
    /// For what pages of other origins do not read, or any may.
    pub(crate) fn new(state: &Arc<AppState>) -> Self {
        Self { state: Arc::clone(state), is_for_pages: false }
    }

    /// For what the pages of apps may read, even that they have to wait.
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

/// What is observed.
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

/// Left on the answer to a poll: how long it waited for news, which says nothing of the server's speed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Waited(pub(crate) Duration);

/// What is told of a request when it is answered.
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

/// Answers a request, and tells those who run the server what became of it.
async fn answer(
    state: &AppState,
    Asked { method, route, client }: Asked,
    answering: impl Future<Output = Result<Response, Infallible>>,
) -> Response {
    let begin = Instant::now();
    // What a panic says is for the log, where the panic hook has put it.
    let answering = AssertUnwindSafe(answering).catch_unwind();
    let answering =
        answering.map(|answered| answered.map_or_else(|_| ApiError::Internal.into_response(), |Ok(answer)| answer));
    let response = hold(state, client, answering).await;

    let route = route.as_ref().map_or("(a file, or nothing)", MatchedPath::as_str);
    let took = begin.elapsed();
    let waited = response.extensions().get::<Waited>();
    let waited_for = waited.map_or(Duration::ZERO, |waited| waited.0);
    let reason = response.extensions().get::<Outcome>().map(|Outcome(reason)| *reason);
    state.metrics.count_request(route, response.status().as_u16(), reason, took.saturating_sub(waited_for));
    // Every page that waits polls all the time: of that the counts are enough, unless it is refused.
    if waited.is_none() || reason.is_some() {
        log::one_line(&method, route, response.status(), took, reason);
    }
    response
}

/// Ends what takes too long to answer `client`, and tells whoever guesses too much nothing but to wait.
async fn hold(state: &AppState, client: ClientAddress, answering: impl Future<Output = Response>) -> Response {
    let Ok(response) = timeout(state.config.settings.limits.answer_timeout, answering).await else {
        tracing::error!("an answer took too long");
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
