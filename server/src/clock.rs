//! The source of the current time. A test provides its own, so that it need not wait for an expiry.
//!
//! It has no timers. Code that waits uses tokio's timers, whose clock a test can pause and advance.

use core::time::Duration;
use std::sync::Arc;

use jiff::Timestamp;

/// A source of the current time, in milliseconds.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The clock of the system.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that shows `start` now and advances with tokio's clock, which a test can pause.
    pub fn starting_at(start: Timestamp) -> Self {
        let begin = tokio::time::Instant::now();
        Self(Arc::new(move || later(start, begin.elapsed())))
    }

    /// The current time, truncated to milliseconds: the precision of times in the protocol.
    pub fn now(&self) -> Timestamp {
        let now = self.0();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

/// `time` plus `duration`; [`Timestamp::MAX`] if that overflows.
pub fn later(time: Timestamp, duration: Duration) -> Timestamp {
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// The time from `earlier` to `later`; `None` if `later` is before `earlier`.
pub fn elapsed(earlier: Timestamp, later: Timestamp) -> Option<Duration> {
    let elapsed = later.duration_since(earlier);
    (!elapsed.is_negative()).then(|| elapsed.unsigned_abs())
}

/// RFC 3339 in UTC with exactly three decimals: `2019-12-27T11:53:41.260Z`.
pub fn rfc3339(time: Timestamp) -> String {
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_writes_exactly_three_decimals() {
        for (text, expected) in [
            ("2019-12-27T11:53:41.26Z", "2019-12-27T11:53:41.260Z"),
            ("2019-12-27T11:53:41Z", "2019-12-27T11:53:41.000Z"),
        ] {
            assert_eq!(rfc3339(text.parse().unwrap()), expected);
        }
    }

    #[test]
    fn elapsed_is_none_if_later_is_before_earlier() {
        let early: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let late = later(early, Duration::from_secs(3));
        assert_eq!(elapsed(early, late), Some(Duration::from_secs(3)));
        assert_eq!(elapsed(early, early), Some(Duration::ZERO));
        assert_eq!(elapsed(late, early), None);
    }

    #[tokio::test(start_paused = true)]
    async fn starting_at_advances_with_the_clock_of_tokio() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::starting_at(start);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(rfc3339(clock.now()), "2026-01-01T00:01:30.000Z");
    }
}
