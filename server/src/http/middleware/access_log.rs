//! The log line and the metrics of a request.
//!
//! A line has the route, not the path: a path may contain the id of a code.

use core::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use tokio::time::Instant;

use crate::http::error::{ApiError, ErrorReason};
use crate::http::extract::shown;
use crate::telemetry::metrics::Metrics;

/// A response extension of every poll: how long the server held it. The logged and measured duration excludes this time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HeldFor(pub(crate) Duration);

/// The data of a request that its log line has.
pub(super) struct AccessLog {
    method: Method,
    origin: Option<HeaderValue>,
    route: Option<MatchedPath>,
}

impl AccessLog {
    pub(super) fn begin(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            origin: request.headers().get(header::ORIGIN).cloned(),
            route: request.extensions().get().cloned(),
        }
    }

    /// Counts the response. Writes its log line, unless it is a successful poll: pages poll all the time.
    pub(super) async fn record(self, metrics: &Metrics, response: impl Future<Output = Response>) -> Response {
        let begin = Instant::now();
        let response = response.await;
        let took = begin.elapsed();

        let route = self.route.as_ref().map_or("(static file)", MatchedPath::as_str);
        let status = response.status().as_u16();
        let held_for = response.extensions().get::<HeldFor>().map(|HeldFor(held_for)| *held_for);
        let reason = response.extensions().get::<ErrorReason>().map(|ErrorReason(reason)| *reason);
        metrics.count_request(route, status, reason, took.saturating_sub(held_for.unwrap_or_default()));
        if held_for.is_none() || reason.is_some() {
            let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            let outcome = reason.unwrap_or("ok");
            // The operator needs the origin to decide whether an app should allow it.
            let is_of_interest = reason == Some(ApiError::OriginNotAllowed.reason());
            let origin = self.origin.filter(|_| is_of_interest).as_ref().and_then(shown);
            tracing::info!(method = %self.method, route, status, milliseconds, outcome, origin, "request completed");
        }
        response
    }
}
