//! The log: one line for each request except successful polls, internal errors, and the events of
//! [`crate::telemetry::audit`].
//!
//! Every line that is written during a request is in the span `request`. The `request_id` of the span is in the
//! `x-request-id` header of the response. The server ignores request ids that a client sends.
//!
//! A line has the route, not the path: a path may contain the id of a code. Values from a request are logged as quoted
//! strings, in which a line break is `\n`. A client therefore can't forge a log line.
//!
//! Deliberately absent: bodies, queries, and all headers except those in the audit log. They may contain secrets.

use core::time::Duration;
use std::io::{self, IsTerminal as _};

use axum::http::{HeaderName, Method, StatusCode};
use tracing::Dispatch;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;

/// The response header with the id of the request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Installs the log of this process. It writes to standard error, in color if that is a terminal.
pub fn write_to_stderr(format: LogFormat) {
    log_to(io::stderr, format, io::stderr().is_terminal()).init();
}

/// A log that writes events of level `INFO` and above to `writer`. `in_color` applies to [`LogFormat::Text`].
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

/// Writes the log line of a finished request. `reason` is the reason of an error, `None` for a success.
pub(crate) fn one_line(method: &Method, route: &str, status: StatusCode, took: Duration, reason: Option<&str>) {
    let outcome = reason.unwrap_or("ok");
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, route, status = status.as_u16(), milliseconds, outcome, "answered");
}
