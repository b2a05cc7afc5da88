//! The log: one line a request but for polls that are answered, what went wrong inside, and the events of [`crate::telemetry::audit`].
//!
//! All that is logged while a request is served stands in the span `request`, whose `request_id` the answer has in
//! `x-request-id`. A line has the route, not the address: an address may hold the id of a code. What others write into
//! a request is logged as a quoted text, in which a line break is `\n`, and so can't look like a line. Deliberately
//! absent: headers, bodies and queries, in which the secrets are, and ids of requests that a client makes up.

use core::time::Duration;
use std::io::{self, IsTerminal as _};

use axum::http::{HeaderName, Method, StatusCode};
use tracing::Dispatch;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;

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

/// Writes the line of a request that was answered; `reason` is that of an error.
pub(crate) fn one_line(method: &Method, route: &str, status: StatusCode, took: Duration, reason: Option<&str>) {
    let outcome = reason.unwrap_or("ok");
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, route, status = status.as_u16(), milliseconds, outcome, "answered");
}
