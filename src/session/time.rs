//! Points in time.

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

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;

    #[test]
    fn adding_the_longest_duration_does_not_overflow() {
        let later = Instant(u64::MAX - 1) + Duration::MAX;
        assert_eq!(later, Instant(u64::MAX));
    }
}
