//! A store for codes, accounts and keys in one SQLite file.
//!
//! - One connection writes, behind a queue, because SQLite allows one writer at a time.
//! - Another connection reads at the same time. The write-ahead log (WAL) allows this.
//! - A server locks the file against other servers and keeps its codes in a `cache` too.
//! - Every change is one statement or one transaction, so a command can use the file while a server runs. New records that
//!   arrive at the same time share a transaction.
//! - The store refuses to open a file that a newer version of the server wrote.
//!
//! Deliberately absent: several servers on one file. Each server would need a notification of every change. Use Redis.

use core::time::Duration;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;

use self::cache::Cache;
use self::file::is_busy;
use self::writer::Writer;
use super::{Account, KeyPurpose, Redeemed, Redemption, Revision, Store, StoreError, StoredKey};
use crate::secrets::Hash;
use crate::store::notify::CodeNotifier;
use crate::store::record::Record;

/// How long [`SqliteStore::open`] waits for another server on the same file to end.
pub const DEFAULT_TAKEOVER_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum number of codes that one transaction deletes. Other writes can run between two such transactions.
const PURGE_BATCH: u32 = 500;

mod accounts;
mod cache;
mod codes;
mod columns;
mod file;
mod keys;
mod writer;

/// A [`Store`] in one SQLite file, or in memory.
#[derive(Clone)]
pub struct SqliteStore {
    /// The read-only connection. `None` for a store in memory, which has one connection.
    reader: Option<Arc<Mutex<Connection>>>,
    writer: Writer,
    cache: Arc<Cache>,
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
        let cache = Arc::new(cache);
        Self {
            reader: reader.map(|reader| Arc::new(Mutex::new(reader))),
            writer: Writer::new(writer, Arc::clone(&cache)),
            cache,
        }
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
        self.writer.run(move |connection| work(connection)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn insert(&self, record: Arc<Record>) -> Result<(), StoreError> {
        self.writer.insert(record).await
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
        self.writer
            .run(move |connection| {
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
        self.writer.run(move |connection| codes::redeem(connection, ticket, &app_id, now)).await
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
        self.writer
            .run(move |connection| accounts::set_blocked(connection, &user_pool_id, &user_id, blocked, now))
            .await
    }

    async fn keys(&self, purpose: KeyPurpose) -> Result<Vec<StoredKey>, StoreError> {
        self.with_reader(move |connection| keys::read(connection, purpose)).await
    }

    async fn get_or_insert_key(&self, key: StoredKey) -> Result<StoredKey, StoreError> {
        self.writer.run(move |connection| keys::get_or_insert(connection, key)).await
    }

    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError> {
        self.writer.run(move |connection| keys::write(connection, &key)).await
    }

    async fn delete_superseded_keys(
        &self,
        purpose: KeyPurpose,
        superseded_before: Timestamp,
    ) -> Result<usize, StoreError> {
        self.writer.run(move |connection| keys::delete_superseded(connection, purpose, superseded_before)).await
    }

    async fn purge_expired(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut total = 0;
        loop {
            let cache = Arc::clone(&self.cache);
            let purge = move |connection: &mut Connection| {
                let purged = codes::purge_expired(connection, now, PURGE_BATCH)?;
                purged.iter().for_each(|random| cache.remove(random));
                Ok(purged.len())
            };
            let purged = self.writer.run(purge).await?;
            if purged == 0 {
                return Ok(total);
            }
            total += purged;
        }
    }

    async fn listen(&self, _: CodeNotifier) {
        core::future::pending().await
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        // SQLite writes the header of the file for this, although the value does not change.
        self.writer.run(|connection| connection.pragma_update(None, "application_id", 0)).await
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(error)
    }
}

#[cfg(test)]
mod tests {
    use core::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::store::raw_json::RawJson;
    use crate::store::record::tests::record;

    #[tokio::test]
    async fn cancelled_insert_is_not_stored() {
        let store = SqliteStore::in_memory().unwrap();
        // The writer is occupied until the test continues it.
        let (resume, is_resumed) = std::sync::mpsc::channel();
        let mut blocked = pin!(store.writer.run(move |_| Ok(is_resumed.recv().is_ok())));
        assert_eq!((&mut blocked).now_or_never(), None);
        let mut insert = store.insert(Arc::new(record()));
        assert_eq!((&mut insert).now_or_never(), None, "the insert waits for the writer");
        drop(insert);
        resume.send(()).unwrap();
        assert_eq!(blocked.await, Ok(true));
        let other = Record { random: "other".to_owned(), ticket_hash: Hash::of("other"), ..record() };
        store.insert(Arc::new(other)).await.unwrap();
        assert_eq!(store.find("r").await, Ok(None));
        assert!(store.find("other").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn full_disk_within_a_transaction_stores_none_of_its_codes() {
        let store = SqliteStore::in_memory().unwrap();
        let few_pages = |connection: &mut Connection| {
            let pages: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            connection.pragma_update(None, "max_page_count", pages + 8)
        };
        store.writer.run(few_pages).await.unwrap();
        let named = |name: &str| Record { random: name.to_owned(), ticket_hash: Hash::of(name), ..record() };
        let large = RawJson::of(&[("text".to_owned(), "x".repeat(100_000).into())].into_iter().collect()).unwrap();
        // The writer is occupied until all three are in its queue.
        let (resume, is_resumed) = std::sync::mpsc::channel();
        let mut blocked = pin!(store.writer.run(move |_| Ok(is_resumed.recv().is_ok())));
        assert_eq!((&mut blocked).now_or_never(), None);
        let mut inserts: Vec<_> =
            [named("before"), Record { custom_data: Some(large), ..named("large") }, named("after")]
                .map(|record| store.insert(Arc::new(record)))
                .into_iter()
                .collect();
        for insert in &mut inserts {
            assert!(insert.now_or_never().is_none(), "the insert waits for the writer");
        }
        resume.send(()).unwrap();
        for insert in inserts {
            assert!(insert.await.is_err());
        }
        for random in ["before", "large", "after"] {
            assert_eq!(store.find(random).await, Ok(None), "{random}");
        }
        let count = "SELECT count(*) FROM codes";
        let stored = store.writer.run(move |connection| connection.query_row(count, [], |row| row.get::<_, u32>(0)));
        assert_eq!(stored.await, Ok(0));
    }

    #[tokio::test]
    async fn panic_of_a_change_fails_only_that_change() {
        let store = SqliteStore::in_memory().unwrap();
        let change = |connection: &mut Connection| -> rusqlite::Result<()> {
            let _transaction = connection.transaction()?;
            panic!("a test panics in a change");
        };
        assert!(store.writer.run(change).await.is_err());
        store.insert(Arc::new(record())).await.unwrap();
    }

    #[tokio::test]
    async fn purge_deletes_a_bounded_number_of_codes_between_two_other_writes() {
        let store = SqliteStore::in_memory().unwrap();
        let expired = 2 * PURGE_BATCH + 1;
        for number in 0..expired {
            let random = format!("code {number}");
            let ticket_hash = Hash::of(&random);
            store.insert(Arc::new(Record { random, ticket_hash, ..record() })).await.unwrap();
        }
        let count = async || {
            let count = "SELECT count(*) FROM codes";
            store.writer.run(move |connection| connection.query_row(count, [], |row| row.get::<_, u32>(0))).await
        };
        // The writer is occupied until the test continues it.
        let (resume, is_resumed) = std::sync::mpsc::channel();
        let mut blocked = pin!(store.writer.run(move |_| Ok(is_resumed.recv().is_ok())));
        assert_eq!((&mut blocked).now_or_never(), None);
        // The purge is polled once. Its next batch is queued when it is polled again, after `check_writable`.
        let mut purge = store.purge_expired(record().purge_at());
        assert_eq!((&mut purge).now_or_never(), None);
        resume.send(()).unwrap();
        assert_eq!(blocked.await, Ok(true));
        store.check_writable().await.unwrap();
        assert_eq!(count().await, Ok(expired - PURGE_BATCH), "codes after the first batch");
        assert_eq!(purge.await, Ok(usize::try_from(expired).unwrap()));
        assert_eq!(count().await, Ok(0));
    }
}
