//! Stores that are slow, or broken.

use core::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use scanlogin_server::record::Record;
use scanlogin_server::secrets::Hash;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::store::{Redemption, Revision, Store, StoreError};
use tokio::time::sleep;

/// A store that takes its time to say what it has found, and that it has swapped.
pub(crate) struct SlowStore {
    pub(crate) store: SqliteStore,
    pub(crate) after_find: Duration,
    pub(crate) after_swap: Duration,
}

#[async_trait]
impl Store for SlowStore {
    async fn insert(&self, record: Record) -> Result<(), StoreError> {
        self.store.insert(record).await
    }
    async fn find(&self, random: &str) -> Result<Option<(Record, Revision)>, StoreError> {
        let found = self.store.find(random).await;
        sleep(self.after_find).await;
        found
    }
    async fn find_by_ticket(&self, ticket: Hash) -> Result<Option<Record>, StoreError> {
        self.store.find_by_ticket(ticket).await
    }
    async fn swap(&self, record: Record, expected: Revision) -> Result<bool, StoreError> {
        let swapped = self.store.swap(record, expected).await;
        sleep(self.after_swap).await;
        swapped
    }
    async fn redeem(&self, ticket: Hash, app_id: &str, now: Timestamp) -> Result<Redemption, StoreError> {
        self.store.redeem(ticket, app_id, now).await
    }
    async fn forget(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.store.forget(now).await
    }
}

/// A store whose disk is gone, or worse.
pub(crate) struct BrokenStore {
    pub(crate) panics: bool,
}

impl BrokenStore {
    fn fail<T>(&self) -> Result<T, StoreError> {
        assert!(!self.panics, "the store has a fault of its own");
        Err(StoreError::new("the disk is gone"))
    }
}

#[async_trait]
impl Store for BrokenStore {
    async fn insert(&self, _: Record) -> Result<(), StoreError> {
        self.fail()
    }
    async fn find(&self, _: &str) -> Result<Option<(Record, Revision)>, StoreError> {
        self.fail()
    }
    async fn find_by_ticket(&self, _: Hash) -> Result<Option<Record>, StoreError> {
        self.fail()
    }
    async fn swap(&self, _: Record, _: Revision) -> Result<bool, StoreError> {
        self.fail()
    }
    async fn redeem(&self, _: Hash, _: &str, _: Timestamp) -> Result<Redemption, StoreError> {
        self.fail()
    }
    async fn forget(&self, _: Timestamp) -> Result<usize, StoreError> {
        self.fail()
    }
}
