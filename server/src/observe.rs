//! Around every request: its id, its line in the log, its place in the counts, its end when it takes too long, and an
//! answer when its handler panics.
//!
//! One layer does it all. axum clones and boxes what is below each layer at each request, so that several of them cost
//! more than the call that browsers repeat. Deliberately absent: what is written, counted and too much, which are
//! [`log`]'s, [`crate::metrics`]'s and [`crate::limits`]'s.

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::client_address::ClientAddress;
use crate::error::{Outcome, Refusal};
use crate::limits::hold;
use crate::log;
use crate::metrics::Waited;
use crate::secrets;
use crate::service::Service;

/// Answers a request, and tells those who run the server what became of it.
pub(crate) async fn observe(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let id = match secrets::request_id() {
        Ok(id) => id,
        Err(error) => return Refusal::from(error).into_response(),
    };
    let span = tracing::info_span!("request", request_id = %id);
    let mut response = answer(&service, request, next).instrument(span).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(log::REQUEST_ID, id);
    }
    response
}

async fn answer(service: &Service, request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let client = ClientAddress::of(request.extensions(), request.headers(), &service.config.trusted_proxies);
    let answering = AssertUnwindSafe(next.run(request)).catch_unwind();
    // What a panic says is for the log, where the panic hook has put it.
    let answering = answering.map(|answered| answered.unwrap_or_else(|_| Refusal::Internal.into_response()));
    let response = hold(service, client, answering).await;

    let route = route.as_ref().map_or("(a file, or nothing)", MatchedPath::as_str);
    let took = begin.elapsed();
    let waited = response.extensions().get::<Waited>();
    let waited_for = waited.map_or(Duration::ZERO, |waited| waited.0);
    service.metrics.count_answer(route, &response, took.saturating_sub(waited_for));
    let outcome = response.extensions().get::<Outcome>();
    // Every page that waits polls all the time: of that the counts are enough, unless it is refused.
    if waited.is_none() || outcome.is_some() {
        log::one_line(&method, route, response.status(), took, outcome);
    }
    response
}
