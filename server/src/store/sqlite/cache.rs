//! An in-memory cache of the codes in a file. Browsers poll the same few codes repeatedly.
//!
//! Invariant: the cache is changed only by the thread that writes, directly after it changed the file. The cache therefore
//! agrees with the file as long as no other process changes codes.
//!
//! A read from the file does not fill the cache, because the code may have changed after the read.
//!
//! Deliberately absent: eviction. Codes live for minutes. When the cache is full, new codes are stored in the file only.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::store::Revision;
use crate::store::record::Record;

/// The maximum number of cached codes: five for each of 10,000 browsers. One code takes about 1 KB.
const CAPACITY: usize = 50_000;
/// The revision of a new code: the default of the column `revision` in the schema.
const FIRST: Revision = Revision(0);

type Codes = HashMap<String, (Arc<Record>, Revision)>;

/// The codes that this process has inserted and not yet purged, up to the capacity.
pub(super) struct Cache {
    codes: RwLock<Codes>,
    capacity: usize,
    /// The lock on the file, from [`claim`](super::file::claim). `None` for a database in memory and a disabled cache.
    _claim: Option<File>,
}

impl Cache {
    /// A cache for a database whose codes no other process changes. A file needs `claim`, a database in memory does not.
    pub(super) fn new(claim: Option<File>) -> Self {
        Self::with_capacity(CAPACITY, claim)
    }

    /// A cache that stays empty, for a file that a server may change meanwhile.
    pub(super) fn disabled() -> Self {
        Self::with_capacity(0, None)
    }

    fn with_capacity(capacity: usize, claim: Option<File>) -> Self {
        // Allocates the full capacity now. If the map grew later, every poll would wait for the reallocation.
        Self { codes: RwLock::new(HashMap::with_capacity(capacity)), capacity, _claim: claim }
    }

    /// The code `random`. `None` if it is not cached; it may still be in the file.
    pub(super) fn find(&self, random: &str) -> Option<(Arc<Record>, Revision)> {
        self.read().get(random).cloned()
    }

    /// Caches a code that was inserted into the file. Does nothing when the cache is full.
    pub(super) fn insert(&self, record: Arc<Record>) {
        let mut codes = self.write();
        if codes.len() < self.capacity {
            codes.insert(record.random.clone(), (record, FIRST));
        }
    }

    /// Replaces a cached code after the same change to the file. Does nothing if the code is not cached.
    pub(super) fn swap(&self, record: Arc<Record>, revision: Revision) {
        if let Some(code) = self.write().get_mut(&record.random) {
            *code = (record, revision);
        }
    }

    /// Removes a code that was deleted from the file.
    pub(super) fn remove(&self, random: &str) {
        self.write().remove(random);
    }

    // A poisoned lock is safe to use: each change is one operation on the map, so a panic leaves no partial change.
    fn read(&self) -> RwLockReadGuard<'_, Codes> {
        self.codes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Codes> {
        self.codes.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::record::tests::record;

    fn record_of(random: &str) -> Arc<Record> {
        Arc::new(Record { random: random.to_owned(), ..record() })
    }

    #[test]
    fn insert_into_a_full_cache_does_nothing_until_a_code_is_removed() {
        let cache = Cache::with_capacity(2, None);
        for random in ["first", "second", "third"] {
            cache.insert(record_of(random));
        }
        assert!(cache.find("second").is_some());
        assert_eq!(cache.find("third"), None);

        cache.swap(record_of("third"), Revision(1));
        assert_eq!(cache.find("third"), None, "swap does not add a code to a full cache");

        cache.remove("first");
        cache.insert(record_of("fourth"));
        assert_eq!(cache.find("fourth"), Some((record_of("fourth"), FIRST)));
    }
}
