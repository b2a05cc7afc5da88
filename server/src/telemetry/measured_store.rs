//! A wrapper around a store that measures the duration and counts the failures of each operation.
//!
//! The wrapper does not count results. [`crate::codes`] counts them in [`crate::telemetry::metrics`].

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::secrets::Hash;
use crate::store::notify::CodeNotifier;
use crate::store::record::Record;
use crate::store::{Account, KeyPurpose, Redemption, Revision, Store, StoreError, StoredKey};
use crate::telemetry::metrics::{Operation, StoreMetrics};

/// Measures every operation of another store except [`Store::listen`], which never returns.
pub(crate) struct MeasuredStore {
    store: Arc<dyn Store>,
    metrics: StoreMetrics,
}

impl MeasuredStore {
    pub(crate) fn new(store: Arc<dyn Store>, metrics: StoreMetrics) -> Self {
        Self { store, metrics }
    }

    async fn measure<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let begin = Instant::now();
        let outcome = work.await;
        let operation = Operation { operation };
        self.metrics.seconds.get_or_create(&operation).observe(begin.elapsed().as_secs_f64());
        if outcome.is_err() {
            self.metrics.errors.get_or_create(&operation).inc();
        }
        outcome
    }
}

#[async_trait]
impl Store for MeasuredStore {
    async fn insert(&self, record: Record) -> Result<(), StoreError> {
        self.measure("insert", self.store.insert(record)).await
    }

    async fn find(&self, random: &str) -> Result<Option<(Record, Revision)>, StoreError> {
        self.measure("find", self.store.find(random)).await
    }

    async fn find_by_ticket(&self, ticket: Hash) -> Result<Option<Record>, StoreError> {
        self.measure("find_by_ticket", self.store.find_by_ticket(ticket)).await
    }

    async fn swap(&self, record: Record, expected: Revision) -> Result<bool, StoreError> {
        self.measure("swap", self.store.swap(record, expected)).await
    }

    async fn redeem(&self, ticket: Hash, app_id: &str, now: Timestamp) -> Result<Redemption, StoreError> {
        self.measure("redeem", self.store.redeem(ticket, app_id, now)).await
    }

    async fn account(&self, user_pool_id: &str, user_id: &str) -> Result<Option<Account>, StoreError> {
        self.measure("account", self.store.account(user_pool_id, user_id)).await
    }

    async fn set_blocked(
        &self,
        user_pool_id: &str,
        user_id: &str,
        blocked: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.measure("set_blocked", self.store.set_blocked(user_pool_id, user_id, blocked, now)).await
    }

    async fn keys(&self, purpose: KeyPurpose) -> Result<Vec<StoredKey>, StoreError> {
        self.measure("keys", self.store.keys(purpose)).await
    }

    async fn key_or(&self, key: StoredKey) -> Result<StoredKey, StoreError> {
        self.measure("key_or", self.store.key_or(key)).await
    }

    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError> {
        self.measure("add_key", self.store.add_key(key)).await
    }

    async fn drop_keys(&self, purpose: KeyPurpose, superseded_before: Timestamp) -> Result<usize, StoreError> {
        self.measure("drop_keys", self.store.drop_keys(purpose, superseded_before)).await
    }

    async fn forget(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.measure("forget", self.store.forget(now)).await
    }

    async fn listen(&self, waiters: CodeNotifier) {
        self.store.listen(waiters).await;
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.measure("ping", self.store.ping()).await
    }
}
