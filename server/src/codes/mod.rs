//! Codes: creates and finds them, and applies the actions of approvers.
//!
//! The transitions between the states of a code are those of `scanlogin_protocol::lifecycle`. This module applies them by
//! compare-and-swap, and notifies the polls that wait.
//!
//! Invariant: nothing here knows HTTP. A function returns what happened; its caller responds and writes the audit log.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::clock::Clock;
use crate::config::app::CurrentApps;
use crate::secrets::{PollKey, RandomError};
use crate::store::notify::CodeNotifier;
use crate::telemetry::measured_store::MeasuredStore;
use crate::telemetry::metrics::Metrics;

pub(crate) mod act;
mod create;
pub mod error;
pub mod find;
mod redeem;

/// The codes of a server.
pub struct CodeService {
    store: MeasuredStore,
    clock: Clock,
    apps: Arc<CurrentApps>,
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
        clock: Clock,
        apps: Arc<CurrentApps>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, RandomError> {
        Ok(Self {
            store,
            clock,
            apps,
            metrics,
            notifier: CodeNotifier::default(),
            own_key: PollKey::random()?,
            shared_key: OnceCell::new(),
        })
    }
}
