//! The codes of a file in memory: browsers that wait ask for the same few again and again.
//!
//! Whoever holds the lock of the writer changes it right after the file, in the same order. So it says what the file says,
//! as long as no other server writes there. What is read from the file is not put here, since it may have changed since.
//! Deliberately absent: making room. Codes live for minutes; when there are too many, new ones are in the file alone.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::store::Revision;
use crate::store::record::Record;

/// In codes: five for each browser that one process is meant for, at about a kilobyte.
const CAPACITY: usize = 50_000;
/// What the schema gives to a new code.
const FIRST: Revision = Revision(0);

type Codes = HashMap<String, (Box<Record>, Revision)>;

/// The codes that this process has made, and that are not forgotten.
pub(super) struct Cache {
    codes: RwLock<Codes>,
    capacity: usize,
    /// Keeps other servers from the file.
    _claim: Option<File>,
}

impl Cache {
    /// For a file that nobody else can write to, which `claim` sees to if there is need.
    pub(super) fn new(claim: Option<File>) -> Self {
        Self::with_capacity(CAPACITY, claim)
    }

    /// For a file that others write to: it stays empty.
    pub(super) fn disabled() -> Self {
        Self::with_capacity(0, None)
    }

    fn with_capacity(capacity: usize, claim: Option<File>) -> Self {
        // All of it at once: every poll would wait while it grows.
        Self { codes: RwLock::new(HashMap::with_capacity(capacity)), capacity, _claim: claim }
    }

    /// The code `random`, unless it is in the file alone.
    pub(super) fn find(&self, random: &str) -> Option<(Record, Revision)> {
        self.read().get(random).map(|(record, revision)| (Record::clone(record), *revision))
    }

    /// The file has a new code.
    pub(super) fn insert(&self, record: Record) {
        let mut codes = self.write();
        if codes.len() < self.capacity {
            codes.insert(record.random.clone(), (Box::new(record), FIRST));
        }
    }

    /// The file has `record` in the place of what it had of that code.
    pub(super) fn swap(&self, record: Record, revision: Revision) {
        if let Some(code) = self.write().get_mut(&record.random) {
            *code = (Box::new(record), revision);
        }
    }

    /// The file has no such code any more.
    pub(super) fn forget(&self, random: &str) {
        self.write().remove(random);
    }

    // A map whose holder panicked is still a map: no operation on it stops half-way.
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

    fn record_of(random: &str) -> Record {
        Record { random: random.to_owned(), ..record() }
    }

    #[test]
    fn a_code_for_which_there_is_no_room_is_in_the_file_alone() {
        let cache = Cache::with_capacity(2, None);
        for random in ["first", "second", "third"] {
            cache.insert(record_of(random));
        }
        assert!(cache.find("second").is_some());
        assert_eq!(cache.find("third"), None);

        cache.swap(record_of("third"), Revision(1));
        assert_eq!(cache.find("third"), None, "a step makes no room");

        cache.forget("first");
        cache.insert(record_of("fourth"));
        assert_eq!(cache.find("fourth"), Some((record_of("fourth"), FIRST)));
    }
}
