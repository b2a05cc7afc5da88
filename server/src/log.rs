//! The log: one line a request, and what went wrong inside.
//!
//! A line has the route, not the address: an address may hold the id of a code. Deliberately absent: headers, bodies and
//! queries, in which the secrets are.

use std::io::{self, IsTerminal as _};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

use crate::config::LogFormat;
use crate::error::Outcome;

/// Writes the log of this process to the standard error output.
pub fn write_to_stderr(format: LogFormat) {
    let lines = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_max_level(tracing::Level::INFO);
    match format {
        LogFormat::Text => lines.with_target(false).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// Logs what was asked and what became of it.
pub(crate) async fn one_line_a_request(request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;

    let route = route.as_ref().map_or("(a file, or nothing)", MatchedPath::as_str);
    let outcome = response.extensions().get::<Outcome>().map_or("ok", |outcome| outcome.0);
    let status = response.status().as_u16();
    let milliseconds = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, route, status, milliseconds, outcome, "answered");
    response
}
