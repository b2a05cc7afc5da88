//! A store for codes, accounts and keys in one SQLite file.
//!
//! - One connection writes, behind a lock, because SQLite allows one writer at a time.
//! - Another connection reads at the same time. The write-ahead log (WAL) allows this.
//! - A server locks the file against other servers and keeps its codes in a `cache` too.
//! - Every change is one statement or one transaction, so a command can use the file while a server runs. New records that
//!   arrive at the same time share a transaction.
//! - The store refuses to open a file that a newer version of the server wrote.
//!
//! Deliberately absent: several servers on one file. Each server would need a notification of every change. Use Redis.

use core::mem::take;
use core::time::Duration;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::oneshot;

use self::cache::Cache;
use self::file::is_busy;
use super::{Account, KeyPurpose, Redeemed, Redemption, Revision, Store, StoreError, StoredKey};
use crate::secrets::Hash;
use crate::store::notify::CodeNotifier;
use crate::store::record::Record;

/// How long [`SqliteStore::open`] waits for another server on the same file to end.
pub const DEFAULT_TAKEOVER_TIMEOUT: Duration = Duration::from_secs(5);

mod accounts;
mod cache;
mod codes;
mod columns;
mod file;
mod keys;

/// A [`Store`] in one SQLite file, or in memory.
#[derive(Clone)]
pub struct SqliteStore {
    /// The read-only connection. `None` for a store in memory, which has one connection.
    reader: Option<Arc<Mutex<Connection>>>,
    /// The read-write connection. The lock is tokio's, so a task that waits for it does not block a thread.
    writer: Arc<tokio::sync::Mutex<Connection>>,
    /// The queue of pending inserts. The next [`insert`](Store::insert) that gets the writer stores all of them.
    inserts: Arc<Mutex<Vec<Insert>>>,
    cache: Arc<Cache>,
}

/// A new record, and the channel for the result of its insert.
type Insert = (Arc<Record>, oneshot::Sender<Result<(), StoreError>>);

/// A record in the queue of inserts. Dropping it removes the record: a cancelled insert must not stay in the queue.
struct QueuedInsert<'a> {
    store: &'a SqliteStore,
    /// `None` when the record has left the queue.
    record: Option<Arc<Record>>,
}

impl Drop for QueuedInsert<'_> {
    fn drop(&mut self) {
        if let Some(record) = &self.record {
            self.store.inserts().retain(|(queued, _)| !Arc::ptr_eq(queued, record));
        }
    }
}

impl SqliteStore {
    /// Opens the file at `path` as its only server. Creates a missing file and migrates a file of an older version. If
    /// another server uses the file, waits up to [`DEFAULT_TAKEOVER_TIMEOUT`] for that server to end.
    ///
    /// # Errors
    ///
    /// Fails if another server still uses the file, if the file can't be opened, is not an SQLite database, or was written
    /// by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::take_over(path, DEFAULT_TAKEOVER_TIMEOUT)
    }

    /// Opens the file like [`open`](Self::open), but waits up to `timeout` for another server to end.
    ///
    /// # Errors
    ///
    /// The same as [`open`](Self::open).
    pub fn take_over(path: &Path, timeout: Duration) -> Result<Self, StoreError> {
        let claim = file::claim(path, timeout)?;
        let writer = file::open(path)?;
        Ok(Self::new(writer, Some(file::open_reader(path)?), Cache::new(Some(claim))))
    }

    /// Opens the file like [`open`](Self::open), but does not lock it, so a server may use the file at the same time.
    ///
    /// Use this store for accounts and keys only. A running server does not notice changes to codes made here.
    ///
    /// # Errors
    ///
    /// The same as [`open`](Self::open), except that another server on the file is no error.
    pub fn open_shared(path: &Path) -> Result<Self, StoreError> {
        let writer = file::open(path)?;
        Ok(Self::new(writer, Some(file::open_reader(path)?), Cache::disabled()))
    }

    /// Creates a store in memory. Its data is lost when the last clone is dropped.
    ///
    /// # Errors
    ///
    /// Fails if SQLite can't allocate memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self::new(file::prepare(Connection::open_in_memory()?)?, None, Cache::new(None)))
    }

    fn new(writer: Connection, reader: Option<Connection>, cache: Cache) -> Self {
        Self {
            reader: reader.map(|reader| Arc::new(Mutex::new(reader))),
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            inserts: Arc::default(),
            cache: Arc::new(cache),
        }
    }

    /// Waits for the writer, then runs `work` with it on a thread of tokio's blocking pool.
    async fn with_writer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut connection = Arc::clone(&self.writer).lock_owned().await;
        Ok(tokio::task::spawn_blocking(move || work(&mut connection)).await.map_err(StoreError::new)??)
    }

    // A poisoned lock is safe to use: each change is one operation on the list, so a panic leaves no partial change.
    fn inserts(&self) -> MutexGuard<'_, Vec<Insert>> {
        self.inserts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work`, which must only read, on the current thread. A read takes microseconds, less than a switch to another
    /// thread and back.
    ///
    /// In WAL mode a reader does not wait for the writer. A read can still be refused as busy, for example while another
    /// process recovers the file after a crash. Then `work` runs with the writer on a thread that may block. A store in
    /// memory always reads this way.
    async fn with_reader<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if let Some(reader) = &self.reader {
            // A poisoned lock is safe to use: a read changes nothing.
            let result = work(&reader.lock().unwrap_or_else(PoisonError::into_inner));
            if !is_busy(&result) {
                return Ok(result?);
            }
        }
        self.with_writer(move |connection| work(connection)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn insert(&self, record: Arc<Record>) -> Result<(), StoreError> {
        let (sender, mut receiver) = oneshot::channel();
        self.inserts().push((Arc::clone(&record), sender));
        let mut queued = QueuedInsert { store: self, record: Some(record) };
        let mut connection = tokio::select! {
            biased;
            // Another task has inserted the record in its own transaction.
            outcome = &mut receiver => {
                queued.record = None;
                return outcome.map_err(StoreError::new)?;
            }
            connection = Arc::clone(&self.writer).lock_owned() => connection,
        };
        queued.record = None;
        let inserts = take(&mut *self.inserts());
        let cache = Arc::clone(&self.cache);
        let inserting = tokio::task::spawn_blocking(move || insert_all(&mut connection, &cache, inserts));
        inserting.await.map_err(StoreError::new)?;
        receiver.await.map_err(StoreError::new)?
    }

    async fn find(&self, random: &str) -> Result<Option<(Arc<Record>, Revision)>, StoreError> {
        if let Some(found) = self.cache.find(random) {
            return Ok(Some(found));
        }
        let random = random.to_owned();
        self.with_reader(move |connection| codes::find(connection, &random)).await
    }

    async fn find_by_ticket(&self, ticket: Hash) -> Result<Option<Arc<Record>>, StoreError> {
        self.with_reader(move |connection| codes::find_by_ticket(connection, ticket)).await
    }

    async fn swap(&self, record: Arc<Record>, expected: Revision) -> Result<bool, StoreError> {
        let cache = Arc::clone(&self.cache);
        self.with_writer(move |connection| {
            let is_swapped = codes::swap(connection, &record, expected)?;
            if is_swapped {
                cache.swap(record, Revision(expected.0 + 1));
            }
            Ok(is_swapped)
        })
        .await
    }

    async fn redeem(&self, ticket: Hash, app_id: &str, now: Timestamp) -> Result<Redemption, StoreError> {
        let app_id = app_id.to_owned();
        self.with_writer(move |connection| codes::redeem(connection, ticket, &app_id, now)).await
    }

    async fn account(&self, user_pool_id: &str, user_id: &str) -> Result<Option<Account>, StoreError> {
        let (user_pool_id, user_id) = (user_pool_id.to_owned(), user_id.to_owned());
        self.with_reader(move |connection| accounts::read(connection, &user_pool_id, &user_id)).await
    }

    async fn set_blocked(
        &self,
        user_pool_id: &str,
        user_id: &str,
        blocked: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (user_pool_id, user_id) = (user_pool_id.to_owned(), user_id.to_owned());
        self.with_writer(move |connection| accounts::set_blocked(connection, &user_pool_id, &user_id, blocked, now))
            .await
    }

    async fn keys(&self, purpose: KeyPurpose) -> Result<Vec<StoredKey>, StoreError> {
        self.with_reader(move |connection| keys::read(connection, purpose)).await
    }

    async fn get_or_insert_key(&self, key: StoredKey) -> Result<StoredKey, StoreError> {
        self.with_writer(move |connection| keys::get_or_insert(connection, key)).await
    }

    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError> {
        self.with_writer(move |connection| keys::write(connection, &key)).await
    }

    async fn delete_superseded_keys(
        &self,
        purpose: KeyPurpose,
        superseded_before: Timestamp,
    ) -> Result<usize, StoreError> {
        self.with_writer(move |connection| keys::delete_superseded(connection, purpose, superseded_before)).await
    }

    async fn purge_expired(&self, now: Timestamp) -> Result<usize, StoreError> {
        let cache = Arc::clone(&self.cache);
        self.with_writer(move |connection| {
            let purged = codes::purge_expired(connection, now)?;
            purged.iter().for_each(|random| cache.remove(random));
            Ok(purged.len())
        })
        .await
    }

    async fn listen(&self, _: CodeNotifier) {
        core::future::pending().await
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        // SQLite writes the header of the file for this, although the value does not change.
        self.with_writer(|connection| connection.pragma_update(None, "application_id", 0)).await
    }
}

/// Inserts the records of `inserts` into the file and the cache. Sends each result to the task that waits for it.
fn insert_all(connection: &mut Connection, cache: &Cache, inserts: Vec<Insert>) {
    let (records, senders): (Vec<_>, Vec<_>) = inserts.into_iter().unzip();
    let outcomes = codes::insert_together(connection, &records).unwrap_or_else(|error| {
        let error = StoreError::from(error);
        vec![Err(error); records.len()]
    });
    for ((record, sender), outcome) in records.into_iter().zip(senders).zip(outcomes) {
        if outcome.is_ok() {
            cache.insert(record);
        }
        // `send` fails if the waiting task was cancelled. Nobody needs the result then.
        let _ = sender.send(outcome);
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(error)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::store::record::tests::record;

    #[tokio::test]
    async fn cancelled_insert_leaves_the_queue_and_is_not_stored() {
        let store = SqliteStore::in_memory().unwrap();
        let writer = store.writer.lock().await;
        let mut insert = store.insert(Arc::new(record()));
        assert_eq!((&mut insert).now_or_never(), None, "the insert waits for the writer");
        assert_eq!(store.inserts().len(), 1);
        drop(insert);
        assert_eq!(store.inserts().len(), 0, "inserts in the queue");
        drop(writer);
        let other = Record { random: "other".to_owned(), ticket_hash: Hash::of("other"), ..record() };
        store.insert(Arc::new(other)).await.unwrap();
        assert_eq!(store.find("r").await, Ok(None));
        assert!(store.find("other").await.unwrap().is_some());
    }
}
