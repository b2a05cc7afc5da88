//! Codes in one SQLite file.
//!
//! One connection writes, behind a lock, since SQLite writes one at a time anyway. Others read meanwhile, which a
//! write-ahead log allows. A server has the file to itself, and its codes in a `cache` too. Every change is one statement
//! or one transaction, so that commands may work on the file meanwhile; new records that come at once share a transaction.
//! A file written by a newer version of this server is refused at the start. Deliberately absent: other servers, who would
//! have to hear of every change. They share a Redis.

use core::mem::take;
use core::time::Duration;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::oneshot;

use self::cache::Cache;
use self::file::{Readers, is_busy};
use super::{Account, KeyPurpose, Redeemed, Redemption, Revision, Store, StoreError, StoredKey};
use crate::secrets::Hash;
use crate::store::notify::CodeNotifier;
use crate::store::record::Record;

/// How long a server waits for another one on the same file to end, unless told otherwise.
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
    /// None for a store in memory, which has one connection.
    readers: Option<Arc<Readers>>,
    /// Its lock is tokio's: whoever waits for it takes no thread.
    writer: Arc<tokio::sync::Mutex<Connection>>,
    /// What is to be inserted by whoever writes next.
    inserts: Arc<Mutex<Vec<Insert>>>,
    cache: Arc<Cache>,
}

/// A new record, and who is to be told that it is kept.
type Insert = (Record, oneshot::Sender<Result<(), StoreError>>);

impl SqliteStore {
    /// Opens the file at `path` as its only server, brings one of an older version up to date, and makes it when it is not
    /// there. Waits for [`DEFAULT_TAKEOVER_TIMEOUT`] for another server to end.
    ///
    /// # Errors
    ///
    /// When another server uses it, it can't be opened, is no SQLite file, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::take_over(path, DEFAULT_TAKEOVER_TIMEOUT)
    }

    /// Opens the file like [`open`](Self::open), and waits for `timeout` for another server to end.
    ///
    /// # Errors
    ///
    /// Those of `open`.
    pub fn take_over(path: &Path, timeout: Duration) -> Result<Self, StoreError> {
        let claim = file::claim(path, timeout)?;
        Ok(Self::new(file::open(path)?, Some(Readers::new(path)), Cache::new(Some(claim))))
    }

    /// Opens the file like [`open`](Self::open), beside a server that may use it. For accounts and keys: of codes that are
    /// changed here the server learns nothing.
    ///
    /// # Errors
    ///
    /// Those of `open`, but for the server.
    pub fn open_shared(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::new(file::open(path)?, Some(Readers::new(path)), Cache::disabled()))
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    ///
    /// When SQLite has no memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self::new(file::prepare(Connection::open_in_memory()?)?, None, Cache::new(None)))
    }

    fn new(writer: Connection, readers: Option<Readers>, cache: Cache) -> Self {
        Self {
            readers: readers.map(Arc::new),
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            inserts: Arc::default(),
            cache: Arc::new(cache),
        }
    }

    /// Runs `work` on a thread that may block.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut connection = Arc::clone(&self.writer).lock_owned().await;
        Ok(tokio::task::spawn_blocking(move || work(&mut connection)).await.map_err(StoreError::new)??)
    }

    // A list whose holder panicked is still a list.
    fn inserts(&self) -> MutexGuard<'_, Vec<Insert>> {
        self.inserts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work`, which only reads, here and now: it takes microseconds, and a way to another thread and back takes
    /// longer. A reader does not wait for those who write. When it would have to all the same, which is while somebody
    /// recovers the file after a crash, it waits with them on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if let Some(readers) = &self.readers {
            let result = readers.with(&work);
            if !is_busy(&result) {
                return Ok(result?);
            }
        }
        self.run(move |connection| work(connection)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn insert(&self, record: Record) -> Result<(), StoreError> {
        let (tell, mut told) = oneshot::channel();
        self.inserts().push((record, tell));
        let mut connection = tokio::select! {
            biased;
            // Somebody has kept it together with theirs.
            outcome = &mut told => return outcome.map_err(StoreError::new)?,
            connection = Arc::clone(&self.writer).lock_owned() => connection,
        };
        let inserts = take(&mut *self.inserts());
        let cache = Arc::clone(&self.cache);
        let inserting = tokio::task::spawn_blocking(move || insert_all(&mut connection, &cache, inserts));
        inserting.await.map_err(StoreError::new)?;
        told.await.map_err(StoreError::new)?
    }

    async fn find(&self, random: &str) -> Result<Option<(Record, Revision)>, StoreError> {
        if let Some(found) = self.cache.find(random) {
            return Ok(Some(found));
        }
        let random = random.to_owned();
        self.read(move |connection| codes::find(connection, &random)).await
    }

    async fn find_by_ticket(&self, ticket: Hash) -> Result<Option<Record>, StoreError> {
        self.read(move |connection| codes::find_by_ticket(connection, ticket)).await
    }

    async fn swap(&self, record: Record, expected: Revision) -> Result<bool, StoreError> {
        let cache = Arc::clone(&self.cache);
        self.run(move |connection| {
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
        self.run(move |connection| codes::redeem(connection, ticket, &app_id, now)).await
    }

    async fn account(&self, user_pool_id: &str, user_id: &str) -> Result<Option<Account>, StoreError> {
        let (user_pool_id, user_id) = (user_pool_id.to_owned(), user_id.to_owned());
        self.read(move |connection| accounts::read(connection, &user_pool_id, &user_id)).await
    }

    async fn set_blocked(
        &self,
        user_pool_id: &str,
        user_id: &str,
        blocked: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (user_pool_id, user_id) = (user_pool_id.to_owned(), user_id.to_owned());
        self.run(move |connection| accounts::set_blocked(connection, &user_pool_id, &user_id, blocked, now)).await
    }

    async fn keys(&self, purpose: KeyPurpose) -> Result<Vec<StoredKey>, StoreError> {
        self.read(move |connection| keys::read(connection, purpose)).await
    }

    async fn key_or(&self, key: StoredKey) -> Result<StoredKey, StoreError> {
        self.run(move |connection| keys::newest_or(connection, key)).await
    }

    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError> {
        self.run(move |connection| keys::write(connection, &key)).await
    }

    async fn drop_keys(&self, purpose: KeyPurpose, superseded_before: Timestamp) -> Result<usize, StoreError> {
        self.run(move |connection| keys::drop_superseded(connection, purpose, superseded_before)).await
    }

    async fn forget(&self, now: Timestamp) -> Result<usize, StoreError> {
        let cache = Arc::clone(&self.cache);
        self.run(move |connection| {
            let forgotten = codes::forget(connection, now)?;
            forgotten.iter().for_each(|random| cache.forget(random));
            Ok(forgotten.len())
        })
        .await
    }

    async fn listen(&self, _: CodeNotifier) {
        core::future::pending().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // By a reader: a server that is busy writing is ready.
        self.read(|connection| connection.query_row("SELECT EXISTS (SELECT 1 FROM codes)", [], |_| Ok(()))).await
    }
}

/// Keeps what can be kept of `inserts`, and tells each what became of it.
fn insert_all(connection: &mut Connection, cache: &Cache, inserts: Vec<Insert>) {
    let (records, tells): (Vec<_>, Vec<_>) = inserts.into_iter().unzip();
    let outcomes = codes::insert_together(connection, &records).unwrap_or_else(|error| {
        let error = StoreError::from(error);
        vec![Err(error); records.len()]
    });
    for ((record, tell), outcome) in records.into_iter().zip(tells).zip(outcomes) {
        if outcome.is_ok() {
            cache.insert(record);
        }
        // Who has gone away needs no answer.
        let _ = tell.send(outcome);
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(error)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn ping_returns_while_another_task_holds_the_writer() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("codes.db")).unwrap();
        let writer = store.writer.lock().await;
        tokio::time::pause();
        assert_eq!(timeout(Duration::from_secs(1), store.ping()).await, Ok(Ok(())));
        drop(writer);
    }
}
