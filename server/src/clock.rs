//! What time it is: handed in, so that a test of an expiry need not wait for it.
//!
//! Deliberately absent: timers. Whoever waits does so with tokio, whose own clock a test can stop and push.

use core::time::Duration;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time in UTC, to the millisecond.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that shows `start` now and goes on with tokio's, which stands still in a test that pauses it.
    pub fn starting_at(start: Timestamp) -> Self {
        let begin = tokio::time::Instant::now();
        Self(Arc::new(move || later(start, begin.elapsed())))
    }

    /// The time now, without the part of it that the wire can't show.
    pub fn now(&self) -> Timestamp {
        let now = self.0();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

/// `time` and `duration` more.
pub fn later(time: Timestamp, duration: Duration) -> Timestamp {
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// How long after `earlier` the time `later` is, `None` when it is before.
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
    fn times_are_written_with_exactly_three_decimals() {
        for (text, expected) in [
            ("2019-12-27T11:53:41.26Z", "2019-12-27T11:53:41.260Z"),
            ("2019-12-27T11:53:41Z", "2019-12-27T11:53:41.000Z"),
        ] {
            assert_eq!(rfc3339(text.parse().unwrap()), expected);
        }
    }

    #[test]
    fn elapsed_time_is_told_from_time_to_come() {
        let early: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let late = later(early, Duration::from_secs(3));
        assert_eq!(elapsed(early, late), Some(Duration::from_secs(3)));
        assert_eq!(elapsed(early, early), Some(Duration::ZERO));
        assert_eq!(elapsed(late, early), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_test_pushes_the_clock() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::starting_at(start);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(rfc3339(clock.now()), "2026-01-01T00:01:30.000Z");
    }
}
