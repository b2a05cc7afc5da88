//! Finds codes.

use core::time::Duration;
use std::sync::Arc;

use jiff::Timestamp;

use crate::clock::later;
use crate::codes::CodeService;
use crate::codes::error::CodeError;
use crate::config::app::App;
use crate::secrets::Hash;
use crate::store::Revision;
use crate::store::record::Record;

/// How far the clocks of the servers on one store may differ. Times in tokens have the same tolerance.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);

/// A code that was found.
pub struct Found {
    /// The code.
    pub record: Arc<Record>,
    /// The revision of the record.
    pub revision: Revision,
    /// The app that the code signs in to.
    pub app: Arc<App>,
    /// The time at which it was found.
    pub now: Timestamp,
}

impl CodeService {
    /// Finds the code `random`.
    ///
    /// # Errors
    ///
    /// [`CodeError::Unknown`] when there is none, its app is gone, it is no longer remembered, or it is from the future.
    pub async fn find(&self, random: &str) -> Result<Found, CodeError> {
        let (record, revision) =
            self.store.call("find", |store| store.find(random)).await?.ok_or(CodeError::Unknown)?;
        let app = self.apps.get().find(&record.app_id).cloned().ok_or(CodeError::Unknown)?;
        let now = self.clock.now();
        let is_visible = now < record.visible_until() && !is_from_the_future(&record, now);
        if is_visible { Ok(Found { record, revision, app, now }) } else { Err(CodeError::Unknown) }
    }

    /// Finds the authorised code of a ticket. `None` if there is no such code, or it is from the future.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn find_by_ticket(&self, ticket: Hash) -> Result<Option<Arc<Record>>, CodeError> {
        let found = self.store.call("find_by_ticket", |store| store.find_by_ticket(ticket)).await?;
        Ok(found.filter(|record| !is_from_the_future(record, self.clock.now())))
    }
}

/// Whether a code was created after `now`: the clock has been set back by more than [`Clock::steady`](crate::clock::Clock)
/// hides, or the server was restarted with an earlier time. Such a code could live for longer than its app allows.
fn is_from_the_future(record: &Record, now: Timestamp) -> bool {
    record.created_at > later(now, MAX_CLOCK_DIFFERENCE)
}
