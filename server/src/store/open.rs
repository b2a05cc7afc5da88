//! Opens the store at a [`StoreAddress`].

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use crate::store::address::StoreAddress;
use crate::store::redis::RedisStore;
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};

/// Opens the store at `address`. `open_file` opens an SQLite file; it may block. `redis_timeout` applies to Redis only.
pub(crate) async fn open_store(
    address: &StoreAddress,
    redis_timeout: Duration,
    open_file: impl FnOnce(&Path) -> Result<SqliteStore, StoreError> + Send + 'static,
) -> Result<Arc<dyn Store>, StoreError> {
    let opened: Result<Arc<dyn Store>, StoreError> = match address.clone() {
        StoreAddress::Sqlite(path) => {
            let opening = tokio::task::spawn_blocking(move || open_file(&path));
            opening.await.map_err(StoreError::new)?.map(|store| Arc::new(store) as _)
        }
        StoreAddress::SqliteInMemory => SqliteStore::in_memory().map(|store| Arc::new(store) as _),
        StoreAddress::Redis(address) => {
            RedisStore::open(&address, redis_timeout).await.map(|store| Arc::new(store) as _)
        }
    };
    opened.map_err(|error| StoreError::new(format_args!("--store {address}: {error}")))
}
