//! The log: one line a request, what went wrong inside, and the events of [`crate::audit`].
//!
//! All that is logged while a request is served stands in the span `request`, whose `request_id` the answer has in
//! `x-request-id`. A line has the route, not the address: an address may hold the id of a code. What others write into
//! a request is logged as a quoted text, in which a line break is `\n`, and so can't look like a line. Deliberately
//! absent: headers, bodies and queries, in which the secrets are, and ids of requests that a client makes up.

use std::io::{self, IsTerminal as _};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::{Dispatch, Instrument as _};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;
use crate::error::{Outcome, Refusal};
use crate::secrets;

/// Names a request to whoever reads its answer.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Writes the log of this process to the standard error output.
pub fn write_to_stderr(format: LogFormat) {
    log_to(io::stderr, format, io::stderr().is_terminal()).init();
}

/// Writes a log to `writer`.
pub fn log_to<W>(writer: W, format: LogFormat, in_color: bool) -> Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_writer(writer).with_ansi(in_color).with_max_level(tracing::Level::INFO);
    match format {
        LogFormat::Text => lines.with_target(false).into(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).into(),
    }
}

/// Gives the request an id, and logs what was asked and what became of it.
pub(crate) async fn one_line_a_request(request: Request, next: Next) -> Response {
    let id = match secrets::request_id() {
        Ok(id) => id,
        Err(error) => return Refusal::from(error).into_response(),
    };
    let span = tracing::info_span!("request", request_id = %id);
    let mut response = answer(request, next).instrument(span).await;
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// What a request is called that came by `route`.
pub(crate) fn route_name(route: Option<&MatchedPath>) -> &str {
    route.map_or("(a file, or nothing)", MatchedPath::as_str)
}

async fn answer(request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;

    let route = route_name(route.as_ref());
    let outcome = response.extensions().get::<Outcome>().map_or("ok", |outcome| outcome.0);
    let status = response.status().as_u16();
    let milliseconds = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, route, status, milliseconds, outcome, "answered");
    response
}
