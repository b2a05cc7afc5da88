//! How often somebody does something: buckets that fill again with time, in a table that never grows.
//!
//! Each key has a bucket (GCRA: all that is kept of it is when it will be full). A map of them grows with the keys that
//! strangers bring, and an IPv6 network has more of those than any memory; governor's is one. Here a new key takes the
//! place of the bucket among a few that is nearest to full, and so forgets the least, most often nothing. Nothing has to
//! be swept. Hashes stand for keys, under a key of this process, so that nobody can choose whose neighbour they are.
//! Deliberately absent: other processes. Each counts what comes to itself.

use core::hash::Hash;
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::config::limits::Rate;

/// The groups of buckets, each behind a lock of its own. With [`NEIGHBOURS`] in each they hold 32,768 keys in 0.5 MB.
const GROUPS: u64 = 4_096;
/// How many buckets a new key chooses from.
const NEIGHBOURS: usize = 8;

/// The caller must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimited {
    /// How long until the call is allowed again.
    pub retry_after: Duration,
}

/// Holds every key to the same [`Rate`].
pub struct Meter {
    groups: Box<[Mutex<[Bucket; NEIGHBOURS]>]>,
    hasher: RandomState,
    begin: Instant,
    /// How long a bucket takes to fill by one, in nanoseconds.
    cost: u64,
    /// How long it takes to fill when it is empty.
    depth: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    key: u64,
    /// In nanoseconds from the meter's begin.
    full_at: u64,
}

impl Meter {
    /// All buckets are full.
    pub fn new(rate: Rate) -> Self {
        let cost = (1_000_000_000 / u64::from(rate.per_second.get())).max(1);
        Self {
            groups: (0..GROUPS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            begin: Instant::now(),
            cost,
            depth: cost.saturating_mul(rate.burst.get().into()),
        }
    }

    /// Counts one time more for `key`.
    ///
    /// # Errors
    ///
    /// [`RateLimited`] when that is too often; it is not counted then.
    pub fn count(&self, key: impl Hash) -> Result<(), RateLimited> {
        let key = self.hasher.hash_one(key);
        #[expect(clippy::indexing_slicing, reason = "the remainder is less than the number of groups")]
        let group = &self.groups[(key % GROUPS) as usize];
        // A bucket is changed in one step: after a panic elsewhere it is as good as before.
        let mut group = group.lock().unwrap_or_else(PoisonError::into_inner);
        // Not before: whoever had the lock until now may have seen a later time.
        let now = u64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let order = |bucket: &Bucket| (bucket.key != key, bucket.full_at);
        let [first, others @ ..] = &mut *group;
        let bucket = others.iter_mut().fold(first, |best, other| if order(other) < order(best) { other } else { best });
        let full_at = if bucket.key == key { bucket.full_at.max(now) } else { now };
        let full_at = full_at.saturating_add(self.cost);
        let too_early = full_at.saturating_sub(now).saturating_sub(self.depth);
        if too_early > 0 {
            return Err(RateLimited { retry_after: Duration::from_nanos(too_early) });
        }
        *bucket = Bucket { key, full_at };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn meter(burst: u32, per_second: u32) -> Meter {
        Meter::new(Rate { burst: burst.try_into().unwrap(), per_second: per_second.try_into().unwrap() })
    }

    /// How many of `times` are let through.
    fn passed(meter: &Meter, key: u32, times: u32) -> u32 {
        (0..times).map(|_| u32::from(meter.count(key).is_ok())).sum()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_from_then_on_so_many_a_second() {
        let meter = meter(10, 4);
        assert_eq!(passed(&meter, 1, 20), 10);
        advance(Duration::from_millis(249)).await;
        assert_eq!(passed(&meter, 1, 20), 0);
        advance(Duration::from_millis(1)).await;
        assert_eq!(passed(&meter, 1, 20), 1);
        advance(Duration::from_secs(1)).await;
        assert_eq!(passed(&meter, 1, 20), 4);
        advance(Duration::from_secs(1_000)).await;
        assert_eq!(passed(&meter, 1, 20), 10, "no more than the burst is saved up");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_says_when_and_is_right() {
        let meter = meter(3, 2);
        assert_eq!(passed(&meter, 1, 4), 3);
        let Err(RateLimited { retry_after }) = meter.count(1) else { panic!("it is too early") };
        assert_eq!(retry_after, Duration::from_millis(500));
        advance(retry_after).await;
        assert_eq!(passed(&meter, 1, 2), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_do_not_pay_for_each_other() {
        let meter = meter(5, 1);
        for key in 0..1_000 {
            assert_eq!(passed(&meter, key, 9), 5, "{key}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_keys_does_not_make_the_meter_forget_who_has_gone_too_far() {
        let meter = meter(100, 1);
        assert_eq!(passed(&meter, 0, 200), 100);
        for key in 1..1_000_000 {
            assert_eq!(passed(&meter, key, 1), 1, "and all of them pass");
        }
        assert_eq!(passed(&meter, 0, 200), 0);
    }
}
