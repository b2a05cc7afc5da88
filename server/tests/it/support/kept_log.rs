//! What the server logs, kept for a test to read.

use std::cell::RefCell;
use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, Once};

use scanlogin_server::config::LogFormat;
use scanlogin_server::telemetry::log::log_to;
use serde_json::Value;
use tracing::dispatcher::{DefaultGuard, set_default, with_default};

thread_local! {
    /// What this test has logged: each runs on a thread of its own, and so do the handlers that it calls.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps the log, of all tests alike: tracing remembers for the whole process which lines nobody wants.
pub(crate) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log = tracing_subscriber::fmt().with_writer(|| Lines).with_max_level(tracing::Level::TRACE);
        log.with_ansi(false).init();
    });
}

/// The lines that this thread has logged since the last call. A test also calls this first: with `--test-threads=1` all tests run on
/// one thread.
pub(crate) fn taken() -> String {
    String::from_utf8(LINES.take()).unwrap()
}

/// Does `work`, and sends each line that it logs as soon as it is logged.
pub(crate) fn sent_to<T>(sender: Sender<String>, work: impl FnOnce() -> T) -> T {
    keep();
    with_default(&log_to(move || Sent(sender.clone()), LogFormat::Text, false), work)
}

struct Sent(Sender<String>);

impl io::Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A test that has ended needs no more lines.
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of one test, as `--log-format` writes it.
pub(crate) struct Log {
    bytes: Arc<Mutex<Vec<u8>>>,
    _until_dropped: DefaultGuard,
}

impl Log {
    pub(crate) fn new(format: LogFormat) -> Self {
        keep();
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let writer = Arc::clone(&bytes);
        let dispatch = log_to(move || Shared(Arc::clone(&writer)), format, false);
        Self { bytes, _until_dropped: set_default(&dispatch) }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
    }

    /// What each line says, of a log for programs.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The events of the audit.
    pub(crate) fn audit(&self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["target"] == "audit").collect()
    }
}

struct Shared(Arc<Mutex<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
