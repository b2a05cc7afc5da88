//! Rate limiting with the generic cell rate algorithm (GCRA). The state lives in a fixed-size table.
//!
//! Each key has a token bucket. GCRA stores only the time at which the bucket will be full.
//!
//! A map from keys to buckets, as in the crate `governor`, grows with the number of keys, and clients choose the keys: an
//! IPv6 allocation has more /64 networks than fit into memory. This table is set-associative instead. A key belongs to one
//! group of 8 buckets. A new key replaces the bucket of its group that is closest to full. That loses the least state, and
//! none if the bucket is full. No task has to remove old buckets.
//!
//! The table stores hashes of keys. The hash function has a random seed, so that a client can't choose keys of one group.

use core::hash::Hash;
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::config::limits::Rate;

/// The number of groups. Each has its own lock. With [`BUCKETS_PER_GROUP`] buckets each, they hold 32,768 keys in 0.5 MB.
const GROUPS: u64 = 4_096;
/// The number of buckets per group.
const BUCKETS_PER_GROUP: usize = 8;

/// The limit of a key is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimited {
    /// How long until the next request of the key passes.
    pub retry_after: Duration,
}

/// A rate limiter that applies the same [`Rate`] to every key.
pub(crate) struct RateLimiter {
    groups: Box<[Mutex<[Bucket; BUCKETS_PER_GROUP]>]>,
    hasher: RandomState,
    epoch: Instant,
    /// The time in which a bucket regains one request, in nanoseconds.
    emission_interval: u64,
    /// The time in which an empty bucket becomes full, in nanoseconds.
    burst_tolerance: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    /// The hash of the key.
    key: u64,
    /// The time at which the bucket is full, in nanoseconds after `epoch` of the rate limiter.
    full_at: u64,
}

impl RateLimiter {
    /// A rate limiter with full buckets.
    pub(crate) fn new(rate: Rate) -> Self {
        let emission_interval = (1_000_000_000 / u64::from(rate.per_second.get())).max(1);
        Self {
            groups: (0..GROUPS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            epoch: Instant::now(),
            emission_interval,
            burst_tolerance: emission_interval.saturating_mul(rate.burst.get().into()),
        }
    }

    /// Counts one request of `key`.
    ///
    /// # Errors
    ///
    /// [`RateLimited`] if the limit is exceeded. The request is not counted then.
    pub(crate) fn count(&self, key: impl Hash) -> Result<(), RateLimited> {
        let key = self.hasher.hash_one(key);
        #[expect(clippy::indexing_slicing, reason = "the remainder is less than the number of groups")]
        let group = &self.groups[(key % GROUPS) as usize];
        // A bucket changes in one assignment, so the buckets behind a poisoned lock are consistent.
        let mut group = group.lock().unwrap_or_else(PoisonError::into_inner);
        // The clock is read under the lock. A value from before could be earlier than that of the previous lock holder.
        let now = u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let order = |bucket: &Bucket| (bucket.key != key, bucket.full_at);
        let [first, others @ ..] = &mut *group;
        let bucket = others.iter_mut().fold(first, |best, other| if order(other) < order(best) { other } else { best });
        let full_at = if bucket.key == key { bucket.full_at.max(now) } else { now };
        let full_at = full_at.saturating_add(self.emission_interval);
        let too_early = full_at.saturating_sub(now).saturating_sub(self.burst_tolerance);
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

    fn meter(burst: u32, per_second: u32) -> RateLimiter {
        RateLimiter::new(Rate { burst: burst.try_into().unwrap(), per_second: per_second.try_into().unwrap() })
    }

    /// How many of `times` requests pass.
    fn passed(meter: &RateLimiter, key: u32, times: u32) -> u32 {
        (0..times).map(|_| u32::from(meter.count(key).is_ok())).sum()
    }

    #[tokio::test(start_paused = true)]
    async fn count_allows_the_burst_and_then_the_rate_per_second() {
        let meter = meter(10, 4);
        assert_eq!(passed(&meter, 1, 20), 10);
        advance(Duration::from_millis(249)).await;
        assert_eq!(passed(&meter, 1, 20), 0);
        advance(Duration::from_millis(1)).await;
        assert_eq!(passed(&meter, 1, 20), 1);
        advance(Duration::from_secs(1)).await;
        assert_eq!(passed(&meter, 1, 20), 4);
        advance(Duration::from_secs(1_000)).await;
        assert_eq!(passed(&meter, 1, 20), 10, "a bucket holds no more than the burst");
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_the_time_until_the_next_request_passes() {
        let meter = meter(3, 2);
        assert_eq!(passed(&meter, 1, 4), 3);
        let Err(RateLimited { retry_after }) = meter.count(1) else { panic!("the burst is used up") };
        assert_eq!(retry_after, Duration::from_millis(500));
        advance(retry_after).await;
        assert_eq!(passed(&meter, 1, 2), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_have_independent_limits() {
        let meter = meter(5, 1);
        for key in 0..1_000 {
            assert_eq!(passed(&meter, key, 9), 5, "{key}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_million_new_keys_do_not_evict_an_exhausted_bucket() {
        let meter = meter(100, 1);
        assert_eq!(passed(&meter, 0, 200), 100);
        for key in 1..1_000_000 {
            assert_eq!(passed(&meter, key, 1), 1, "the first request of a key passes");
        }
        assert_eq!(passed(&meter, 0, 200), 0);
    }
}
