//! Captures the server's log for tests.

use std::cell::RefCell;
use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, Once};

use scanlogin_server::config::LogFormat;
use scanlogin_server::telemetry::log::log_to;
use serde_json::Value;
use tracing::dispatcher::{DefaultGuard, set_default, with_default};

thread_local! {
    /// The log of this test. Each test runs on its own thread, and its in-process handlers run on the same thread.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct ThreadWriter;

impl io::Write for ThreadWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Installs a subscriber for all tests. Without it, tracing caches for the whole process that log lines are disabled.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log = tracing_subscriber::fmt().with_writer(|| ThreadWriter).with_max_level(tracing::Level::TRACE);
        log.with_ansi(false).init();
    });
}

/// Returns and deletes the lines that this thread has logged since the last call. A test also calls this first, because
/// with `--test-threads=1` all tests share one thread.
pub(crate) fn take_lines() -> String {
    String::from_utf8(LINES.take()).unwrap()
}

/// Runs `work`, and sends each line of its JSON log to `sender` immediately.
pub(crate) fn with_log_sent_to<T>(sender: Sender<String>, work: impl FnOnce() -> T) -> T {
    install();
    with_default(&log_to(move || ChannelWriter(sender.clone()), LogFormat::Json, false), work)
}

struct ChannelWriter(Sender<String>);

impl io::Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Errors are ignored, because a test may drop the receiver before the work ends.
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of one test, in a format of `--log-format`.
pub(crate) struct CapturedLog {
    bytes: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

impl CapturedLog {
    pub(crate) fn new(format: LogFormat) -> Self {
        install();
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let writer = Arc::clone(&bytes);
        let dispatch = log_to(move || BufferWriter(Arc::clone(&writer)), format, false);
        Self { bytes, _guard: set_default(&dispatch) }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
    }

    /// The parsed lines of a JSON log.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The audit events of a JSON log.
    pub(crate) fn audit_events(&self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["target"] == "audit").collect()
    }
}

struct BufferWriter(Arc<Mutex<Vec<u8>>>);

impl io::Write for BufferWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
