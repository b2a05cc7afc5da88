//! The queue of changes to the database, and the one connection that makes them.
//!
//! The changes run one after the other on a thread of tokio's blocking pool. The thread works until the queue is empty, so
//! a busy server does not switch threads for each change. A thread of its own would not do: the paused clock of tests waits
//! for the blocking pool only. New records that are in the queue together share a transaction.
//!
//! Invariant: a change that has begun is completed, also if its caller is dropped.

use core::mem::take;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::cache::Cache;
use super::codes;
use crate::store::StoreError;
use crate::store::record::Record;

/// The read-write connection and its queue. Clones share them.
#[derive(Clone)]
pub(super) struct Writer(Arc<Inner>);

struct Inner {
    /// Only the thread that works on the queue locks this.
    connection: Mutex<Connection>,
    cache: Arc<Cache>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    /// Whether a thread works on the queue. It takes the jobs that arrive meanwhile.
    is_running: bool,
}

enum Job {
    Insert(Insert),
    Change(Box<dyn FnOnce(&mut Connection) + Send>),
}

/// A new record, and the channel for the result of its insert.
struct Insert(Arc<Record>, oneshot::Sender<Result<(), StoreError>>);

impl Writer {
    pub(super) fn new(connection: Connection, cache: Arc<Cache>) -> Self {
        Self(Arc::new(Inner { connection: Mutex::new(connection), cache, queue: Mutex::default() }))
    }

    /// Inserts `record` into the database and the cache. Does nothing if the future is dropped before its turn.
    pub(super) async fn insert(&self, record: Arc<Record>) -> Result<(), StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.push(Job::Insert(Insert(record, sender)));
        receiver.await.map_err(StoreError::new)?
    }

    /// Runs `work` with the connection, and returns its result.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.push(Job::Change(Box::new(move |connection| {
            // `send` fails if the caller was dropped. Nobody needs the result then.
            let _ = sender.send(work(connection));
        })));
        Ok(receiver.await.map_err(StoreError::new)??)
    }

    /// Appends `job` to the queue. Starts a thread if none works on the queue.
    fn push(&self, job: Job) {
        let mut queue = lock(&self.0.queue);
        queue.jobs.push(job);
        if !queue.is_running {
            queue.is_running = true;
            let inner = Arc::clone(&self.0);
            spawn_blocking(move || inner.run_jobs());
        }
    }
}

impl Inner {
    /// Works on the queue until it is empty.
    fn run_jobs(&self) {
        let mut connection = lock(&self.connection);
        loop {
            let jobs = {
                let mut queue = lock(&self.queue);
                queue.is_running = !queue.jobs.is_empty();
                if !queue.is_running {
                    return;
                }
                take(&mut queue.jobs)
            };
            let mut inserts = Vec::new();
            for job in jobs {
                match job {
                    Job::Insert(insert) => inserts.push(insert),
                    Job::Change(change) => {
                        self.insert_together(&mut connection, take(&mut inserts));
                        catch_panic(|| change(&mut connection));
                    }
                }
            }
            self.insert_together(&mut connection, inserts);
        }
    }

    /// Inserts the records in one transaction, and sends each result to the task that waits for it. Skips the records whose
    /// task was cancelled.
    fn insert_together(&self, connection: &mut Connection, mut inserts: Vec<Insert>) {
        inserts.retain(|Insert(_, sender)| !sender.is_closed());
        if inserts.is_empty() {
            return;
        }
        catch_panic(|| {
            let records = inserts.iter().map(|Insert(record, _)| &**record);
            let outcomes = codes::insert_together(connection, records).unwrap_or_else(|error| {
                let error = StoreError::from(error);
                vec![Err(error); inserts.len()]
            });
            for (Insert(record, sender), outcome) in inserts.into_iter().zip(outcomes) {
                if outcome.is_ok() {
                    self.cache.insert(record);
                }
                let _ = sender.send(outcome);
            }
        });
    }
}

/// Runs `work`. A panic ends only `work`, not the thread. It drops the channel of its caller, who gets an error. A
/// transaction that it has begun is rolled back.
fn catch_panic(work: impl FnOnce()) {
    // The panic hook has logged it.
    let _ = catch_unwind(AssertUnwindSafe(work));
}

// A poisoned lock is safe to use: the queue is changed in single operations, and SQLite rolls back what a panic interrupts.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
