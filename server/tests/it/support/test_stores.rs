//! Stores with delays or errors.

use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use scanlogin_server::secrets::Hash;
use scanlogin_server::store::notify::CodeNotifier;
use scanlogin_server::store::record::Record;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::store::{Account, KeyPurpose, Redemption, Revision, Store, StoreError, StoredKey};
use tokio::time::sleep;

/// Delays the results of `find` and `swap`. The operations themselves run before the delay.
pub(crate) struct SlowStore {
    pub(crate) store: SqliteStore,
    pub(crate) find_delay: Duration,
    pub(crate) swap_delay: Duration,
}

#[async_trait]
impl Store for SlowStore {
    async fn insert(&self, record: Arc<Record>) -> Result<(), StoreError> {
        self.store.insert(record).await
    }
    async fn find(&self, random: &str) -> Result<Option<(Arc<Record>, Revision)>, StoreError> {
        let found = self.store.find(random).await;
        sleep(self.find_delay).await;
        found
    }
    async fn find_by_ticket(&self, ticket: Hash) -> Result<Option<Arc<Record>>, StoreError> {
        self.store.find_by_ticket(ticket).await
    }
    async fn swap(&self, record: Arc<Record>, expected: Revision) -> Result<bool, StoreError> {
        let swapped = self.store.swap(record, expected).await;
        sleep(self.swap_delay).await;
        swapped
    }
    async fn redeem(&self, ticket: Hash, app_id: &str, now: Timestamp) -> Result<Redemption, StoreError> {
        self.store.redeem(ticket, app_id, now).await
    }
    async fn account(&self, user_pool_id: &str, user_id: &str) -> Result<Option<Account>, StoreError> {
        self.store.account(user_pool_id, user_id).await
    }
    async fn set_blocked(&self, pool: &str, user: &str, blocked: bool, now: Timestamp) -> Result<(), StoreError> {
        self.store.set_blocked(pool, user, blocked, now).await
    }
    async fn keys(&self, purpose: KeyPurpose) -> Result<Vec<StoredKey>, StoreError> {
        self.store.keys(purpose).await
    }
    async fn get_or_insert_key(&self, key: StoredKey) -> Result<StoredKey, StoreError> {
        self.store.get_or_insert_key(key).await
    }
    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError> {
        self.store.add_key(key).await
    }
    async fn delete_superseded_keys(
        &self,
        purpose: KeyPurpose,
        superseded_before: Timestamp,
    ) -> Result<usize, StoreError> {
        self.store.delete_superseded_keys(purpose, superseded_before).await
    }
    async fn purge_expired(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.store.purge_expired(now).await
    }
    async fn listen(&self, notifier: CodeNotifier) {
        self.store.listen(notifier).await;
    }
    async fn check_writable(&self) -> Result<(), StoreError> {
        self.store.check_writable().await
    }
}

/// The error of a [`BrokenStore`].
pub(crate) const BROKEN_STORE_ERROR: &str = "the disk is gone";

/// A store whose operations all fail.
pub(crate) struct BrokenStore {
    /// Whether an operation panics instead of returning an error.
    pub(crate) panics: bool,
}

impl BrokenStore {
    fn fail<T>(&self) -> Result<T, StoreError> {
        assert!(!self.panics, "the test store panics");
        Err(StoreError::new(BROKEN_STORE_ERROR))
    }
}

#[async_trait]
impl Store for BrokenStore {
    async fn insert(&self, _: Arc<Record>) -> Result<(), StoreError> {
        self.fail()
    }
    async fn find(&self, _: &str) -> Result<Option<(Arc<Record>, Revision)>, StoreError> {
        self.fail()
    }
    async fn find_by_ticket(&self, _: Hash) -> Result<Option<Arc<Record>>, StoreError> {
        self.fail()
    }
    async fn swap(&self, _: Arc<Record>, _: Revision) -> Result<bool, StoreError> {
        self.fail()
    }
    async fn redeem(&self, _: Hash, _: &str, _: Timestamp) -> Result<Redemption, StoreError> {
        self.fail()
    }
    async fn account(&self, _: &str, _: &str) -> Result<Option<Account>, StoreError> {
        self.fail()
    }
    async fn set_blocked(&self, _: &str, _: &str, _: bool, _: Timestamp) -> Result<(), StoreError> {
        self.fail()
    }
    async fn keys(&self, _: KeyPurpose) -> Result<Vec<StoredKey>, StoreError> {
        self.fail()
    }
    async fn get_or_insert_key(&self, _: StoredKey) -> Result<StoredKey, StoreError> {
        self.fail()
    }
    async fn add_key(&self, _: StoredKey) -> Result<(), StoreError> {
        self.fail()
    }
    async fn delete_superseded_keys(&self, _: KeyPurpose, _: Timestamp) -> Result<usize, StoreError> {
        self.fail()
    }
    async fn purge_expired(&self, _: Timestamp) -> Result<usize, StoreError> {
        self.fail()
    }
    async fn listen(&self, _: CodeNotifier) {
        core::future::pending().await
    }
    async fn check_writable(&self) -> Result<(), StoreError> {
        self.fail()
    }
}
