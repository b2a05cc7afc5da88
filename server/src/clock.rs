//! The source of the current time. A test provides its own, so that it need not wait for an expiry.
//!
//! It has no timers. Code that waits uses tokio's timers, whose clock a test can pause and advance.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::time::Instant;

/// The longest step back that [`Clock::steady`] hides. The server has forgotten every code that expired earlier: a code is
/// remembered for 36 minutes at most.
const MAX_HIDDEN_STEP: Duration = Duration::from_secs(60 * 60);
/// A step back that is longer is written to the log.
const MAX_SILENT_STEP: Duration = Duration::from_secs(60);

/// A source of the current time, in milliseconds.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The clock of the system.
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// A clock that shows what `read` returns.
    pub fn new(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// A clock that shows `start` now and advances with tokio's clock, which a test can pause.
    pub fn starting_at(start: Timestamp) -> Self {
        let begin = Instant::now();
        Self::new(move || later(start, begin.elapsed()))
    }

    /// This clock, except that it does not go back, so that nothing that has expired becomes valid again.
    ///
    /// When this clock is set back, the steady clock runs at half speed until this clock has caught up. After a step of more
    /// than an hour it goes back at once: a wrong date must not stop the server for days.
    #[must_use]
    pub fn steady(&self) -> Self {
        let clock = self.clone();
        let last = Mutex::new((clock.0(), Instant::now(), false));
        Self::new(move || {
            // A poisoned lock is safe to use: the value is replaced by one assignment.
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            let (now, instant) = (clock.0(), Instant::now());
            let slow = later(last.0, instant.duration_since(last.1) / 2);
            let ahead = elapsed(now, slow).filter(|ahead| *ahead <= MAX_HIDDEN_STEP);
            let is_far_ahead = ahead.is_some_and(|ahead| ahead > MAX_SILENT_STEP);
            if is_far_ahead && !last.2 {
                tracing::warn!(
                    seconds = ahead.map(|ahead| ahead.as_secs()),
                    "the clock was set back; until it has caught up, other servers on this store do not know the codes of \
                     this one; a restart ends that"
                );
            }
            let shown = if ahead.is_some() { slow } else { now };
            *last = (shown, instant, is_far_ahead);
            shown
        })
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
    use core::sync::atomic::{AtomicI64, Ordering};

    use jiff::SignedDuration;

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

    #[tokio::test(start_paused = true)]
    async fn steady_clock_runs_at_half_speed_until_a_clock_that_was_set_back_has_caught_up() {
        let offset = Arc::<AtomicI64>::default();
        let (step, running) = (Arc::clone(&offset), Clock::starting_at(Timestamp::UNIX_EPOCH));
        let clock = Clock::new(move || running.now() + SignedDuration::from_secs(step.load(Ordering::Relaxed)));
        let steady = clock.steady();
        for (step, advance, expected) in [
            (0, 100, 100),
            (-60, 0, 100),
            (-60, 40, 120),
            (-60, 80, 160),
            (-60, 10, 170),
            (0, 0, 230),
            (-3_600, 2, 231),
            (-3_700, 0, -3_468),
        ] {
            offset.store(step, Ordering::Relaxed);
            tokio::time::advance(Duration::from_secs(advance)).await;
            assert_eq!(steady.now().as_second(), expected, "{step} {advance}");
        }
    }
}
