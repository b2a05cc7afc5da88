//! When to ask again.
//!
//! The only place with the numbers of polling. Deliberately absent: what is asked, and what an answer means.

use core::ops::Add;
use core::time::Duration;

use super::event::RequestId;
use scanlogin_protocol::wire::Scene;

use crate::error::{Error, ErrorCode};
use crate::view_model::ConnectionProblem;

/// How long `check` is asked to hold a request.
pub const WAIT: Duration = Duration::from_secs(25);
/// The least time between two requests of a page that nobody sees.
const HIDDEN_INTERVAL: Duration = Duration::from_secs(10);
/// A rest is up to this many percent shorter or longer, so that a thousand pages do not knock together.
const JITTER_PERCENT: u32 = 20;

/// How often `gene` is tried before a person is asked: a server away for half a minute goes unnoticed.
pub(super) const GENE_ATTEMPTS: u32 = 8;
/// How often an exchange is tried. A ticket lives minutes, and a person is waiting.
pub(super) const EXCHANGE_ATTEMPTS: u32 = 4;
/// The longest that a person is asked to wait because the server wants it. After that there is a button.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);
/// How many requests for a code fail before a person is told: there is nothing else to see.
pub(super) const GENE_FAILURE_THRESHOLD: u32 = 1;
/// How many polls in a row fail before a person is told. One is a hiccup.
pub(super) const POLL_FAILURE_THRESHOLD: u32 = 2;
/// How long an image of the code may take to appear.
pub(super) const PICTURE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long after its expiry a code waits for the server's own word: a scan in the last moment may be on its way.
pub(super) const EXPIRY_GRACE: Duration = Duration::from_secs(2);

/// The rest after so many failures in a row: twice as long each time, and ten seconds at most.
fn back_off(failures: u32) -> Duration {
    Duration::from_secs(match failures {
        0 | 1 => 1,
        2 => 2,
        3 => 4,
        4 => 8,
        _ => 10,
    })
}

/// Whether the same request is worth another try by itself, while a person waits.
pub(super) fn is_worth_waiting(error: &Error) -> bool {
    error.is_temporary && error.retry_after.is_none_or(|rest| rest <= MAX_RETRY_AFTER)
}

/// A point on a clock that only goes forward, in milliseconds from a start of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub u64);

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(milliseconds(duration)))
    }
}

/// Not by `as_millis`, which counts in 128 bits: a rest of more seconds than 32 can hold is for ever.
fn milliseconds(duration: Duration) -> u64 {
    duration.as_secs().min(u32::MAX.into()) * 1000 + u64::from(duration.subsec_millis())
}

impl Instant {
    /// The time from `earlier` to here; zero when that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// How a session behaves: the options that it needs, see docs/protocol.md, "Polling rules".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Who is to scan.
    pub scene: Scene,
    /// The time from the start of one poll to the start of the next.
    pub interval: Duration,
    /// Whether `check` is asked to hold requests.
    pub long_poll: bool,
    /// How long a request may take that is not held.
    pub timeout: Duration,
    /// Whether the ticket is exchanged before the page is told of the success.
    pub auto_exchange: bool,
    /// How many expired codes are replaced without a click.
    pub auto_refresh: u32,
    /// Whether a cancelled code is replaced at once.
    pub refresh_on_cancel: bool,
    /// Whether the remaining seconds are shown.
    pub countdown: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            scene: Scene::App,
            interval: Duration::from_millis(800),
            long_poll: true,
            timeout: Duration::from_secs(10),
            auto_exchange: false,
            auto_refresh: 0,
            refresh_on_cancel: false,
            countdown: true,
        }
    }
}

/// The one line to the server: a request in flight, or a rest until the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) failures: Failures,
    pub(super) phase: Phase,
}

/// The requests in a row that have failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Failures {
    pub(super) count: u32,
    /// Whether the last of them failed because the server wants patience.
    pub(super) is_busy: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    InFlight { id: RequestId, is_held: bool, started_at: Instant, due_at: Instant },
    Resting { until: Instant, not_before: Instant },
}

impl Default for Call {
    fn default() -> Self {
        Self { failures: Failures::default(), phase: Phase::Resting { until: Instant(0), not_before: Instant(0) } }
    }
}

impl Call {
    /// When something has to happen.
    pub(super) fn deadline(&self) -> Instant {
        match self.phase {
            Phase::InFlight { due_at, .. } => due_at,
            Phase::Resting { until, .. } => until,
        }
    }

    /// What a person should know of it, who bears with `patience` failures.
    pub(super) fn trouble(&self, patience: u32, is_online: bool) -> Option<ConnectionProblem> {
        if !is_online {
            Some(ConnectionProblem::Offline)
        } else if self.failures.is_busy {
            Some(ConnectionProblem::Busy)
        } else {
            (self.failures.count >= patience).then_some(ConnectionProblem::Unreachable)
        }
    }

    /// When the server is asked again; `None` while it is.
    pub(super) fn resumes_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::InFlight { .. } => None,
            Phase::Resting { until, .. } => Some(until),
        }
    }

    /// Ends the rest as soon as the server allows.
    pub(super) fn hurry(&mut self, now: Instant) {
        if let Phase::Resting { until, not_before } = &mut self.phase {
            *until = now.max(*not_before);
        }
    }
}

/// Chooses times. Everything random comes from here, so that a seed repeats a run.
#[derive(Debug)]
pub(super) struct PollSchedule {
    random: u32,
    last_id: u32,
}

impl PollSchedule {
    pub(super) fn new(seed: u32) -> Self {
        Self { random: seed, last_id: 0 }
    }

    pub(super) fn send(&mut self, policy: &Policy, now: Instant, is_held: bool, failures: Failures) -> Call {
        self.last_id = self.last_id.wrapping_add(1);
        let timeout = policy.timeout + if is_held { WAIT } else { Duration::ZERO };
        Call {
            failures,
            phase: Phase::InFlight { id: RequestId(self.last_id), is_held, started_at: now, due_at: now + timeout },
        }
    }

    /// The rest after a success. A held request has already taken its time, and the next follows at once.
    pub(super) fn after_success(&mut self, policy: &Policy, is_visible: bool, now: Instant, done: &Call) -> Call {
        let started_at = match done.phase {
            Phase::InFlight { started_at, .. } => started_at,
            Phase::Resting { .. } => now,
        };
        let interval = if is_visible { policy.interval } else { policy.interval.max(HIDDEN_INTERVAL) };
        let until = now.max(self.after_about(interval, started_at));
        Call { failures: Failures::default(), phase: Phase::Resting { until, not_before: now } }
    }

    /// The rest after a failure.
    pub(super) fn after_failure(&mut self, is_visible: bool, now: Instant, failed: &Call, error: &Error) -> Call {
        let count = failed.failures.count.saturating_add(1);
        let back_off = if is_visible { back_off(count) } else { HIDDEN_INTERVAL };
        let not_before = now + error.retry_after.unwrap_or(Duration::ZERO);
        let until = not_before.max(self.after_about(back_off, now));
        let is_busy = error.code == ErrorCode::RateLimited || error.retry_after.is_some();
        Call { failures: Failures { count, is_busy }, phase: Phase::Resting { until, not_before } }
    }

    fn after_about(&mut self, duration: Duration, start: Instant) -> Instant {
        // A linear congruential generator (Numerical Recipes): all that it has to do is to keep pages apart.
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let percent = 100 - JITTER_PERCENT + (self.random >> 16) % (2 * JITTER_PERCENT + 1);
        Instant(start.0.saturating_add(milliseconds(duration) * u64::from(percent) / 100))
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;

    const NOW: Instant = Instant(1_000_000);

    fn rest(call: &Call) -> u64 {
        call.deadline().since(NOW).as_millis() as u64
    }

    fn sent(pace: &mut PollSchedule, started_at: Instant) -> Call {
        pace.send(&Policy::default(), started_at, false, Failures::default())
    }

    fn error() -> Error {
        Error::temporary(ErrorCode::Network, "no network")
    }

    #[test]
    fn back_off_doubles_from_one_second_to_ten_and_stays_within_its_jitter() {
        for seed in 0..200 {
            let mut pace = PollSchedule::new(seed);
            let mut call = sent(&mut pace, NOW);
            for expected in [1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000] {
                call = pace.after_failure(true, NOW, &call, &error());
                let rest = rest(&call);
                assert!((expected * 8 / 10..=expected * 12 / 10).contains(&rest), "{rest} is not about {expected}");
            }
        }
    }

    #[test]
    fn rests_differ_from_page_to_page() {
        let rests: std::collections::BTreeSet<u64> = (0..50)
            .map(|seed| {
                let mut pace = PollSchedule::new(seed);
                let call = sent(&mut pace, NOW);
                rest(&pace.after_success(&Policy::default(), true, NOW, &call))
            })
            .collect();
        assert!(rests.len() > 20, "{rests:?}");
    }

    #[test]
    fn the_interval_counts_from_the_start_of_the_request_before() {
        let mut pace = PollSchedule::new(1);
        let call = sent(&mut pace, Instant(NOW.0 - 500));
        let rest = rest(&pace.after_success(&Policy::default(), true, NOW, &call));
        assert!((140..=460).contains(&rest), "{rest}");
    }

    #[test]
    fn after_a_held_request_the_next_follows_at_once() {
        let mut pace = PollSchedule::new(1);
        let call = sent(&mut pace, Instant(NOW.0 - 25_000));
        assert_eq!(rest(&pace.after_success(&Policy::default(), true, NOW, &call)), 0);
    }

    #[test]
    fn retry_after_is_obeyed_even_when_the_page_is_in_a_hurry() {
        let mut pace = PollSchedule::new(1);
        let call = sent(&mut pace, NOW);
        let mut error = error();
        error.retry_after = Some(Duration::from_secs(30));
        let mut call = pace.after_failure(true, NOW, &call, &error);
        assert_eq!(rest(&call), 30_000);
        call.hurry(NOW);
        assert_eq!(rest(&call), 30_000);
    }

    #[test]
    fn a_hidden_page_asks_less_often() {
        let mut pace = PollSchedule::new(1);
        let call = sent(&mut pace, NOW);
        assert!(rest(&pace.after_success(&Policy::default(), false, NOW, &call)) >= 8_000);
        assert!(rest(&pace.after_failure(false, NOW, &call, &error())) >= 8_000);
    }

    #[test]
    fn a_held_request_may_take_longer_than_another() {
        let mut pace = PollSchedule::new(1);
        let policy = Policy::default();
        assert_eq!(rest(&pace.send(&policy, NOW, false, Failures::default())), 10_000);
        assert_eq!(rest(&pace.send(&policy, NOW, true, Failures::default())), 35_000);
    }
}
