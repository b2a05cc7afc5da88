//! Finds codes.

use std::sync::Arc;

use jiff::Timestamp;

use crate::codes::CodeService;
use crate::codes::error::CodeError;
use crate::config::app::App;
use crate::secrets::Hash;
use crate::store::Revision;
use crate::store::record::Record;

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
    /// [`CodeError::Unknown`] when there is none, its app is gone, or it is no longer remembered.
    pub async fn find(&self, random: &str) -> Result<Found, CodeError> {
        let (record, revision) =
            self.store.call("find", |store| store.find(random)).await?.ok_or(CodeError::Unknown)?;
        let app = self.apps.get().find(&record.app_id).cloned().ok_or(CodeError::Unknown)?;
        let now = self.clock.now();
        if now < record.visible_until() { Ok(Found { record, revision, app, now }) } else { Err(CodeError::Unknown) }
    }

    /// Finds the code of a ticket.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn find_by_ticket(&self, ticket: Hash) -> Result<Option<Arc<Record>>, CodeError> {
        Ok(self.store.call("find_by_ticket", |store| store.find_by_ticket(ticket)).await?)
    }
}
