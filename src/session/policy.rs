//! Times and retries: docs/protocol.md, "Polling rules". All numbers of these rules are here.

use core::time::Duration;

use super::event::{Hold, RequestId};
use super::time::{Instant, milliseconds};
use scanlogin_protocol::wire::{Scene, Status};

use crate::error::{Error, ErrorCode};

/// The `wait` of the first poll of a code: how long the server holds it.
const WAIT: Duration = Duration::from_secs(25);
/// How much longer than its `wait` a held poll may take. After that, the connection is treated as lost.
const HOLD_GRACE: Duration = Duration::from_secs(3);
/// A held poll that fails earlier was not cut by a proxy for its duration.
const MIN_CUT: Duration = Duration::from_secs(2);
/// How many cuts in a row shorten the wait. A single one can be a change of the network or a restart of the server.
const CUTS_TO_SHORTEN: u32 = 2;
/// The delay after a cut. With jitter, so that the pages of a crashed server do not all send at the same time.
const CUT_DELAY: Duration = Duration::from_secs(1);
/// Polls are not held for less than this.
const MIN_WAIT: Duration = Duration::from_secs(1);
/// The least time between two requests of a hidden page.
const HIDDEN_INTERVAL: Duration = Duration::from_secs(10);
/// Each delay is varied by up to this percentage in both directions, so that pages do not send at the same time.
const JITTER_PERCENT: u32 = 20;

/// How often `gene` is tried. The delays between the attempts add up to about half a minute.
pub(super) const GENE_ATTEMPTS: u32 = 8;
/// How often an exchange is tried.
pub(super) const EXCHANGE_ATTEMPTS: u32 = 4;
/// A request for a code or an exchange is not retried if `Retry-After` is longer than this. A poll waits for
/// at most this long before it is retried.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);
/// How many requests for a code fail in a row before the view shows the problem.
pub(super) const GENE_FAILURE_THRESHOLD: u32 = 1;
/// How many polls or exchanges fail in a row before the view shows the problem.
pub(super) const POLL_FAILURE_THRESHOLD: u32 = 2;
/// How long the browser may take to load the image of a code.
pub(super) const IMAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the poll in flight goes on after the expiry of the code: the response to a scan in the last moment may be
/// under way.
pub(super) const EXPIRY_GRACE: Duration = Duration::from_secs(2);

/// The delay after `failures` failures in a row.
fn back_off(failures: u32) -> Duration {
    Duration::from_secs(match failures {
        0 | 1 => 1,
        2 => 2,
        3 => 4,
        4 => 8,
        _ => 10,
    })
}

/// Whether a request for a code or an exchange may be retried after `error`.
pub(super) fn is_retryable(error: &Error) -> bool {
    error.is_temporary() && error.retry_after().is_none_or(|delay| delay <= MAX_RETRY_AFTER)
}

/// The options that decide how a session behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The scene of the codes.
    pub scene: Scene,
    /// The time from the start of one poll to the start of the next.
    pub interval: Duration,
    /// Whether polls ask the server to hold them.
    pub long_poll: bool,
    /// Whether the page has `onResult`. The first poll of a code is then not held, so that its status is reported at
    /// once.
    pub reports_results: bool,
    /// How long a request may take that is not held.
    pub timeout: Duration,
    /// Whether the widget exchanges the ticket before it calls `onSuccess`.
    pub auto_exchange: bool,
    /// How many expired codes are replaced without a click.
    pub auto_refresh: u32,
    /// Whether a cancelled code is replaced without a click.
    pub refresh_on_cancel: bool,
    /// Whether the view shows how long the code is valid.
    pub countdown: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            scene: Scene::App,
            interval: Duration::from_millis(800),
            long_poll: true,
            reports_results: false,
            timeout: Duration::from_secs(10),
            auto_exchange: false,
            auto_refresh: 0,
            refresh_on_cancel: false,
            countdown: true,
        }
    }
}

/// The requests of a state that polls or retries: either one is in flight, or the next one is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestCycle {
    pub(super) failures: Failures,
    /// Whether the last request succeeded, and nothing suggests that the connection is another one since. Otherwise the
    /// next poll is not held: its response shows at once that polling works.
    pub(super) is_proven: bool,
    pub(super) phase: RequestPhase,
}

/// The failures in a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Failures {
    pub(super) count: u32,
    /// Whether the last response was a 429 or had a `Retry-After`.
    pub(super) is_busy: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestPhase {
    /// `hold` is set if the server holds the request. The request times out at `times_out_at`.
    InFlight { id: RequestId, hold: Option<Hold>, started_at: Instant, times_out_at: Instant },
    /// The next request starts at `at`. The server allows none before `not_before`.
    Scheduled { at: Instant, not_before: Instant },
}

/// How long polls of a code are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HoldLimit {
    wait: Duration,
    /// The held polls that were cut since the last one that was held for its whole `wait`.
    cuts: u32,
}

impl HoldLimit {
    pub(super) const INITIAL: Self = Self { wait: WAIT, cuts: 0 };

    /// A held poll was cut. `wait` is the one of [`RequestCycle::wait_after_cut`].
    pub(super) fn record_cut(&mut self, wait: Duration) {
        self.cuts = self.cuts.saturating_add(1);
        if self.cuts >= CUTS_TO_SHORTEN {
            self.wait = wait;
        }
    }

    /// `done` succeeded.
    pub(super) fn record_success(&mut self, now: Instant, done: &RequestCycle) {
        if let RequestPhase::InFlight { hold: Some(Hold { wait, .. }), started_at, .. } = done.phase
            && now.since(started_at) >= wait
        {
            self.cuts = 0;
        }
    }

    /// How the server holds a poll with this known status. `None` if the wait is too short.
    pub(super) fn hold(self, status: Status) -> Option<Hold> {
        (self.wait >= MIN_WAIT).then_some(Hold { status, wait: self.wait })
    }
}

impl RequestCycle {
    /// The cycle of a new code, whose first poll starts at once.
    pub(super) fn of_new_code(policy: &Policy, now: Instant) -> Self {
        let phase = RequestPhase::Scheduled { at: now, not_before: now };
        // The response of `gene` has proved the connection.
        Self { failures: Failures::default(), is_proven: !policy.reports_results, phase }
    }

    /// The cycle of a state whose first request starts at `at`.
    pub(super) fn scheduled(at: Instant) -> Self {
        let phase = RequestPhase::Scheduled { at, not_before: at };
        Self { failures: Failures::default(), is_proven: false, phase }
    }

    /// Whether a request is in flight that the server holds.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.phase, RequestPhase::InFlight { hold: Some(_), .. })
    }

    /// When the request in flight times out, or the next request starts.
    pub(super) fn deadline(&self) -> Instant {
        match self.phase {
            RequestPhase::InFlight { times_out_at, .. } => times_out_at,
            RequestPhase::Scheduled { at, .. } => at,
        }
    }

    /// Moves the next request to `now`, or to the end of `Retry-After` if that is later.
    pub(super) fn skip_delay(&mut self, now: Instant) {
        if let RequestPhase::Scheduled { at, not_before } = &mut self.phase {
            *at = now.max(*not_before);
        }
    }

    /// Drops the poll in flight, and moves the next one to `now`, or to the end of `Retry-After` if that is later.
    pub(super) fn ask_anew(&mut self, now: Instant) {
        self.is_proven = false;
        if let RequestPhase::InFlight { .. } = self.phase {
            self.phase = RequestPhase::Scheduled { at: now, not_before: now };
        }
        self.skip_delay(now);
    }

    /// Drops the poll in flight. Schedules the next one after [`HIDDEN_INTERVAL`].
    pub(super) fn postpone(&mut self, now: Instant) {
        self.is_proven = false;
        if let RequestPhase::InFlight { .. } = self.phase {
            self.phase = RequestPhase::Scheduled { at: now + HIDDEN_INTERVAL, not_before: now };
        }
    }

    /// Whether a request is in flight that started before `time`.
    pub(super) fn started_before(&self, time: Instant) -> bool {
        matches!(self.phase, RequestPhase::InFlight { started_at, .. } if started_at < time)
    }

    /// The wait that would have avoided the cut, if `error` only means that a proxy or a dead connection ended a held poll.
    /// `None` if it is a failure.
    pub(super) fn wait_after_cut(&self, now: Instant, error: &Error) -> Option<Duration> {
        let RequestPhase::InFlight { hold: Some(Hold { wait, .. }), started_at, .. } = self.phase else { return None };
        let held_for = now.since(started_at);
        if held_for < MIN_CUT || error.retry_after().is_some() {
            return None;
        }
        match error.code() {
            // Something dropped the connection at an unknown time.
            ErrorCode::Timeout => Some(wait / 2),
            ErrorCode::Network | ErrorCode::Unavailable => {
                Some(wait.min(Duration::from_secs(held_for.as_secs().saturating_sub(1))))
            }
            _ => None,
        }
    }
}

/// Chooses request ids and times. All randomness of a session is the jitter in here, so that a seed repeats a run.
#[derive(Debug)]
pub(super) struct PollSchedule {
    random: u32,
    last_id: u32,
}

impl PollSchedule {
    pub(super) fn new(seed: u32) -> Self {
        Self { random: seed, last_id: 0 }
    }

    /// A new request in flight. `failures` counts those before it.
    pub(super) fn send(
        &mut self,
        policy: &Policy,
        now: Instant,
        hold: Option<Hold>,
        failures: Failures,
    ) -> RequestCycle {
        self.last_id = self.last_id.wrapping_add(1);
        let id = RequestId(self.last_id);
        let timeout = hold.map_or(policy.timeout, |hold| hold.wait + HOLD_GRACE);
        let phase = RequestPhase::InFlight { id, hold, started_at: now, times_out_at: now + timeout };
        RequestCycle { failures, is_proven: false, phase }
    }

    /// Schedules the request after `done`, which succeeded. The interval counts from the start of `done`, so that the
    /// next request follows a held one at once.
    pub(super) fn after_success(
        &mut self,
        policy: &Policy,
        is_visible: bool,
        now: Instant,
        done: &RequestCycle,
    ) -> RequestCycle {
        let started_at = match done.phase {
            RequestPhase::InFlight { started_at, .. } => started_at,
            RequestPhase::Scheduled { .. } => now,
        };
        let interval = if is_visible { policy.interval } else { policy.interval.max(HIDDEN_INTERVAL) };
        let at = now.max(self.jittered(interval, started_at));
        let phase = RequestPhase::Scheduled { at, not_before: now };
        RequestCycle { failures: Failures::default(), is_proven: true, phase }
    }

    /// Schedules the request after `failed`.
    pub(super) fn after_failure(
        &mut self,
        is_visible: bool,
        now: Instant,
        failed: &RequestCycle,
        error: &Error,
    ) -> RequestCycle {
        let count = failed.failures.count.saturating_add(1);
        let back_off = if is_visible { back_off(count) } else { HIDDEN_INTERVAL };
        let not_before = now + error.retry_after().unwrap_or(Duration::ZERO).min(MAX_RETRY_AFTER);
        let at = not_before.max(self.jittered(back_off, now));
        let is_busy = error.code() == ErrorCode::RateLimited || error.retry_after().is_some();
        let phase = RequestPhase::Scheduled { at, not_before };
        RequestCycle { failures: Failures { count, is_busy }, is_proven: false, phase }
    }

    /// Schedules the poll after `cut`, a held poll whose end is no failure.
    pub(super) fn after_cut(&mut self, now: Instant, cut: &RequestCycle) -> RequestCycle {
        let phase = RequestPhase::Scheduled { at: self.jittered(CUT_DELAY, now), not_before: now };
        RequestCycle { failures: cut.failures, is_proven: false, phase }
    }

    /// `start` plus `duration`, with jitter.
    fn jittered(&mut self, duration: Duration, start: Instant) -> Instant {
        // A linear congruential generator (Numerical Recipes). Jitter needs no better one.
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

    /// The time from `NOW` to the next request or timeout, in milliseconds.
    fn delay(requests: &RequestCycle) -> u64 {
        requests.deadline().since(NOW).as_millis() as u64
    }

    fn sent(schedule: &mut PollSchedule, started_at: Instant) -> RequestCycle {
        schedule.send(&Policy::default(), started_at, None, Failures::default())
    }

    fn error() -> Error {
        Error::temporary(ErrorCode::Network, "no network")
    }

    #[test]
    fn back_off_doubles_from_1_s_to_10_s_with_20_percent_jitter() {
        for seed in 0..200 {
            let mut schedule = PollSchedule::new(seed);
            let mut requests = sent(&mut schedule, NOW);
            for expected in [1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000] {
                requests = schedule.after_failure(true, NOW, &requests, &error());
                let delay = delay(&requests);
                assert!((expected * 8 / 10..=expected * 12 / 10).contains(&delay), "{delay} is not about {expected}");
            }
        }
    }

    #[test]
    fn jitter_differs_by_seed() {
        let delays: std::collections::BTreeSet<u64> = (0..50)
            .map(|seed| {
                let mut schedule = PollSchedule::new(seed);
                let requests = sent(&mut schedule, NOW);
                delay(&schedule.after_success(&Policy::default(), true, NOW, &requests))
            })
            .collect();
        assert!(delays.len() > 20, "{delays:?}");
    }

    #[test]
    fn interval_counts_from_the_start_of_the_previous_request() {
        let mut schedule = PollSchedule::new(1);
        let requests = sent(&mut schedule, Instant(NOW.0 - 500));
        let delay = delay(&schedule.after_success(&Policy::default(), true, NOW, &requests));
        assert!((140..=460).contains(&delay), "{delay}");
    }

    #[test]
    fn request_after_a_held_one_starts_at_once() {
        let mut schedule = PollSchedule::new(1);
        let requests = sent(&mut schedule, Instant(NOW.0 - 25_000));
        assert_eq!(delay(&schedule.after_success(&Policy::default(), true, NOW, &requests)), 0);
    }

    #[test]
    fn skip_delay_does_not_start_before_retry_after() {
        let mut schedule = PollSchedule::new(1);
        let requests = sent(&mut schedule, NOW);
        let error = Error::from_response(503, Some(Duration::from_secs(30)), None);
        let mut requests = schedule.after_failure(true, NOW, &requests, &error);
        assert_eq!(delay(&requests), 30_000);
        requests.skip_delay(NOW);
        assert_eq!(delay(&requests), 30_000);
    }

    #[test]
    fn hidden_page_waits_about_10_s_after_success_and_failure() {
        let mut schedule = PollSchedule::new(1);
        let requests = sent(&mut schedule, NOW);
        assert!(delay(&schedule.after_success(&Policy::default(), false, NOW, &requests)) >= 8_000);
        assert!(delay(&schedule.after_failure(false, NOW, &requests, &error())) >= 8_000);
    }

    #[test]
    fn held_request_times_out_3_s_after_its_wait() {
        let mut schedule = PollSchedule::new(1);
        let policy = Policy::default();
        assert_eq!(delay(&schedule.send(&policy, NOW, None, Failures::default())), 10_000);
        for (wait, timeout) in [(25, 28_000), (4, 7_000)] {
            let hold = HoldLimit { wait: Duration::from_secs(wait), cuts: 0 }.hold(Status::Unused);
            assert_eq!(delay(&schedule.send(&policy, NOW, hold, Failures::default())), timeout);
        }
    }

    #[test]
    fn wait_after_cut_is_1_s_below_the_time_held_or_half_the_wait_after_a_timeout() {
        let mut schedule = PollSchedule::new(1);
        let hold = HoldLimit::INITIAL.hold(Status::Unused);
        let requests = schedule.send(&Policy::default(), NOW, hold, Failures::default());
        let timeout = Error::temporary(ErrorCode::Timeout, "no response");
        let gateway_timeout = Error::from_response(504, None, None);
        for (error, held_for, expected) in [
            (error(), 1_999, None),
            (error(), 2_000, Some(1_000)),
            (gateway_timeout.clone(), 5_100, Some(4_000)),
            (gateway_timeout, 90_000, Some(25_000)),
            (timeout, 28_000, Some(12_500)),
            (Error::from_response(503, Some(Duration::ZERO), None), 5_000, None),
            (Error::from_response(200, None, None), 5_000, None),
        ] {
            let wait = requests.wait_after_cut(NOW + Duration::from_millis(held_for), &error);
            assert_eq!(wait.map(|wait| wait.as_millis()), expected, "{error:?} after {held_for} ms");
        }
    }

    #[test]
    fn polls_are_not_held_for_less_than_1_s() {
        let limit = HoldLimit { wait: Duration::from_millis(999), cuts: 0 };
        assert_eq!(limit.hold(Status::Unused), None);
    }
}
