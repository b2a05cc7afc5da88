//! A CPU load on all cores, to find tests that depend on the speed of the machine.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Loads all cores until it is dropped. The threads belong to this process, so they also end with it.
pub(crate) struct Load {
    is_stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start() -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let spin = |is_stopped: Arc<AtomicBool>| {
            move || {
                while !is_stopped.load(Ordering::Relaxed) {
                    spin_loop();
                }
            }
        };
        let threads = (0..cores).map(|_| thread::spawn(spin(is_stopped.clone()))).collect();
        Self { is_stopped, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // The threads do not panic.
            let _ = thread.join();
        }
    }
}
