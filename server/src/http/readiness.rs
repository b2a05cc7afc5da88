//! Whether the store accepts writes, for `/readyz`.

use core::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::http::error::ApiError;
use crate::telemetry::measured_store::MeasuredStore;

/// The minimum time between two checks of the store.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The last check of the store. Requests within [`CHECK_INTERVAL`] share one check, so that they can't load the store.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<LastCheck>>);

struct LastCheck {
    ended_at: Instant,
    outcome: Result<(), ApiError>,
}

impl Readiness {
    /// Writes to `store`, or returns the outcome of the last write if that is recent.
    ///
    /// # Errors
    ///
    /// [`ApiError::Unavailable`] if the store does not accept the write.
    pub(crate) async fn check(&self, store: &MeasuredStore) -> Result<(), ApiError> {
        let requested_at = Instant::now();
        let mut last = self.0.lock().await;
        // All requests that waited for a check get its outcome, however long it took.
        if let Some(LastCheck { ended_at, outcome }) = &*last
            && (*ended_at > requested_at || ended_at.elapsed() < CHECK_INTERVAL)
        {
            return outcome.clone();
        }
        let outcome = store.call("check_writable", |store| store.check_writable()).await.map_err(ApiError::from);
        *last = Some(LastCheck { ended_at: Instant::now(), outcome: outcome.clone() });
        outcome
    }
}
