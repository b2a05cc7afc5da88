//! Records that were read from Redis. A poll of a cached code reads only the revision, which is a tenth of the work.
//!
//! Invariant: a cached record is used only if Redis has just returned its revision on the connection that the record was
//! read from. When Redis loses changes in a crash, another change can get the same revision; the connection is then another
//! one. After a manual `REPLICAOF`, an operator has to end the connections (server/README.md).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::connection::Generation;
use crate::store::Revision;
use crate::store::record::Record;

/// The maximum number of records: five for each of 10,000 browsers. One takes 1 to 10 KB, by its custom data.
const CAPACITY: usize = 50_000;

/// A record, its revision, and the connection that it was read from.
#[derive(Clone)]
pub(super) struct CachedRecord {
    pub(super) record: Arc<Record>,
    pub(super) revision: Revision,
    pub(super) generation: Generation,
}

/// The cached records, by the id (`random`) of their code.
#[derive(Default)]
pub(super) struct RecordCache(Mutex<HashMap<String, CachedRecord>>);

impl RecordCache {
    pub(super) fn find(&self, random: &str) -> Option<CachedRecord> {
        self.lock().get(random).cloned()
    }

    /// Adds or replaces a record. When the cache is full, it adds nothing until [`purge_expired`](Self::purge_expired) makes
    /// room.
    pub(super) fn insert(&self, cached: CachedRecord) {
        let mut records = self.lock();
        let random = &cached.record.random;
        if records.len() < CAPACITY || records.contains_key(random) {
            records.insert(random.clone(), cached);
        }
    }

    /// Removes the records that Redis has deleted at `now`.
    pub(super) fn purge_expired(&self, now: Timestamp) {
        self.lock().retain(|_, cached| cached.record.purge_at() > now);
    }

    // A poisoned lock is safe to use: each change is one operation on the map, so a panic leaves no partial change.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, CachedRecord>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
