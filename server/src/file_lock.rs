//! Waits for the lock of a file.

use core::time::Duration;
use std::fs::{File, TryLockError};
use std::io;
use std::thread::sleep;
use std::time::Instant;

/// The interval between two attempts to lock a file.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Locks `file` until it is closed. While another program holds the lock, retries for `timeout` and blocks the thread, after
/// one call of `before_wait`. Returns whether `file` is locked.
///
/// # Errors
///
/// If the file can't be locked at all.
pub(crate) fn lock_within(file: &File, timeout: Duration, before_wait: impl FnOnce()) -> io::Result<bool> {
    let begin = Instant::now();
    let mut before_wait = Some(before_wait);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begin.elapsed() >= timeout => return Ok(false),
            Err(TryLockError::WouldBlock) => {
                if let Some(before_wait) = before_wait.take() {
                    before_wait();
                }
                sleep(RETRY_INTERVAL);
            }
        }
    }
}
