//! The log: one line for each request except successful polls, one for each rejected token, internal errors, and the events
//! of `crate::telemetry::audit`.
//!
//! Every line that is written during a request is in the span `request`, which has the id of the request.
//!
//! Values from a request are logged as quoted strings, in which a line break is `\n`. A client therefore can't forge a log
//! line.
//!
//! Deliberately absent: bodies, queries, and all headers except those in the audit log and the `origin` of a page that is
//! refused for its origin. They may contain secrets. The line of a rejected token has the claim that failed a check, but
//! never the token.

use std::io::{self, IsTerminal as _};

use tracing::Dispatch;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;

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
