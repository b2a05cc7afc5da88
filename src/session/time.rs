//! Points in time and countdowns.

use core::ops::Add;
use core::time::Duration;

/// A point in time on a monotonic clock, in milliseconds. The host chooses the zero point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub u64);

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(milliseconds(duration)))
    }
}

impl Instant {
    /// The time from `earlier` to `self`. Zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// At most `u32::MAX` seconds. `Duration::as_millis` would bring 128-bit arithmetic into the wasm.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    duration.as_secs().min(u32::MAX.into()) * 1000 + u64::from(duration.subsec_millis())
}

/// The time from `now` to `at` in seconds, rounded up.
pub(super) fn seconds_until(now: Instant, at: Instant) -> u32 {
    u32::try_from(at.0.saturating_sub(now.0).div_ceil(1000)).unwrap_or(u32::MAX)
}

/// When [`seconds_until`] `at` changes next. `None` if it is zero.
pub(super) fn next_second(now: Instant, at: Instant) -> Option<Instant> {
    let next = u64::from(seconds_until(now, at)).saturating_sub(1) * 1000;
    Some(Instant(at.0.saturating_sub(next))).filter(|next| *next > now)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;

    #[test]
    fn adding_the_longest_duration_does_not_overflow() {
        let later = Instant(u64::MAX - 1) + Duration::MAX;
        assert_eq!(later, Instant(u64::MAX));
    }

    #[test]
    fn seconds_until_rounds_up_and_changes_at_next_second() {
        let at = Instant(10_000);
        // Now, seconds, time of the next change.
        let table = [
            (7_000, 3, Some(8_000)),
            (7_001, 3, Some(8_000)),
            (7_999, 3, Some(8_000)),
            (8_000, 2, Some(9_000)),
            (9_500, 1, Some(10_000)),
            (10_000, 0, None),
            (11_000, 0, None),
        ];
        for (now, seconds, next) in table {
            let now = Instant(now);
            assert_eq!((seconds_until(now, at), next_second(now, at)), (seconds, next.map(Instant)), "{now:?}");
        }
    }
}
