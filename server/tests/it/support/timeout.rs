//! Limits for waiting in a test, so that a defect of the server fails the test instead of blocking it.

use core::time::Duration;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use tokio::sync::oneshot;
use tokio::task::yield_now;

/// How long a test waits for the system before it fails. Passing tests never wait this long.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);

/// Awaits `work`. Panics if it takes longer than [`TIMEOUT`] in real time. `event` names what the test waits for.
///
/// A thread measures the time, because a timer of tokio would follow a paused clock. Tokio advances a paused clock to the
/// next timer whenever no task is runnable, even while bytes are in transit through a socket.
pub(crate) async fn within_timeout<T>(event: &str, work: impl Future<Output = T>) -> T {
    // The thread ends when this sender is dropped.
    let (_running, ended) = channel::<()>();
    let (expire, expired) = oneshot::channel();
    thread::spawn(move || {
        if ended.recv_timeout(TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            // An error is ignored, because the work may have ended at this moment.
            let _ = expire.send(());
        }
    });
    tokio::select! {
        value = work => value,
        Ok(()) = expired => panic!("timeout after {TIMEOUT:?}: {event}"),
    }
}

/// Yields until `condition` is true. A paused clock does not advance meanwhile. `event` names what the test waits for.
pub(crate) async fn yield_until(event: &str, condition: impl Fn() -> bool) {
    within_timeout(event, async {
        while !condition() {
            yield_now().await;
        }
    })
    .await;
}
