//! Measures the duration and counts the failures of store operations.
//!
//! It does not count the results of operations. [`crate::codes`] counts them in `crate::telemetry::metrics`.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::store::{Store, StoreError};
use crate::telemetry::metrics::{OperationLabels, StoreMetrics};

/// A store whose operations are measured. Clones share the store and the metrics.
#[derive(Clone)]
pub struct MeasuredStore {
    store: Arc<dyn Store>,
    metrics: StoreMetrics,
}

impl MeasuredStore {
    pub(crate) fn new(store: Arc<dyn Store>, metrics: StoreMetrics) -> Self {
        Self { store, metrics }
    }

    /// A store whose measurements are not exported, for a command that runs once.
    pub fn unexported(store: Arc<dyn Store>) -> Self {
        Self::new(store, StoreMetrics::default())
    }

    /// The store itself. Calls to it are not measured.
    pub fn unmeasured(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Calls the store and measures the call. `operation` is the label in the metrics: the name of the called method.
    ///
    /// # Errors
    ///
    /// The error of the call.
    pub(crate) async fn call<'a, T>(
        &'a self,
        operation: &'static str,
        call: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let begin = Instant::now();
        let outcome = call(&*self.store).await;
        let operation = OperationLabels { operation };
        self.metrics.seconds.get_or_create(&operation).observe(begin.elapsed().as_secs_f64());
        if outcome.is_err() {
            self.metrics.errors.get_or_create(&operation).inc();
        }
        outcome
    }
}
