//! Codes: creates and finds them, applies the actions of approvers, and completes sign-ins on the same device.
//!
//! The transitions between the states of a code are those of `scanlogin_protocol::lifecycle`. This module applies them by
//! compare-and-swap, and notifies the polls that wait.
//!
//! Invariant: nothing here knows HTTP. A function returns what happened; its caller responds and writes the audit log.

use core::time::Duration;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

use crate::clock::{Clock, later};
use crate::config::app::Apps;
use crate::config::current::Current;
use crate::secrets::{PollKey, RandomError};
use crate::store::notify::CodeNotifier;
use crate::telemetry::measured_store::MeasuredStore;
use crate::telemetry::metrics::Metrics;

pub(crate) mod act;
mod complete;
mod create;
pub mod error;
pub mod find;
pub(crate) mod number;
mod redeem;

/// How often a transition is tried when other callers change the code at the same time. A code has three transitions. A confirm
/// on the same device can be repeated, which the limit of an approver's calls per code bounds: 20 at once, by default.
const MAX_ATTEMPTS: usize = 32;

/// How often [`CodeService::watch_clock`] looks at the clock.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How far the clock may be ahead of the timers after one interval. A clock that is adjusted slowly stays below it.
const CLOCK_TOLERANCE: Duration = Duration::from_millis(500);

/// The codes of a server.
pub struct CodeService {
    store: MeasuredStore,
    /// Invariant: it does not go back by less than an hour, so that no code or ticket that has expired becomes valid again.
    clock: Clock,
    apps: Arc<Current<Apps>>,
    metrics: Arc<Metrics>,
    /// Polls that wait for a change of their code.
    pub notifier: CodeNotifier,
    /// Derives poll tokens. It is not stored.
    own_key: PollKey,
    /// Derives the poll tokens of apps with `compat.poll_without_token`. The servers on one store share it.
    shared_key: OnceCell<PollKey>,
}

impl CodeService {
    /// Keeps codes in `store`.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub(crate) fn new(
        store: MeasuredStore,
        clock: &Clock,
        apps: Arc<Current<Apps>>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, RandomError> {
        Ok(Self {
            store,
            clock: clock.steady(),
            apps,
            metrics,
            notifier: CodeNotifier::default(),
            own_key: PollKey::random()?,
            shared_key: OnceCell::new(),
        })
    }

    /// The time that decides which codes have expired.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Wakes all polls when the clock has been set forward, because their timers do not notice that. Never returns.
    pub async fn watch_clock(&self) {
        loop {
            let (before, begin) = (self.clock.now(), Instant::now());
            sleep(CLOCK_CHECK_INTERVAL).await;
            if self.clock.now() > later(before, begin.elapsed() + CLOCK_TOLERANCE) {
                self.notifier.wake_all();
            }
        }
    }
}
