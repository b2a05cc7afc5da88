//! Completes a sign-in on the device of the page.

use std::sync::Arc;

use scanlogin_protocol::lifecycle::{Transition, TransitionError};

use crate::codes::error::CodeError;
use crate::codes::find::Found;
use crate::codes::{CodeService, MAX_ATTEMPTS};
use crate::secrets::Secret;
use crate::store::record::Record;

impl CodeService {
    /// Authorises the code `found` if `response_code` is that of the last confirm, and returns the code. A repetition with the
    /// same response code changes nothing. The caller has checked the poll token.
    ///
    /// # Errors
    ///
    /// [`TransitionError::WrongResponseCode`] or [`TransitionError::Expired`], and when the store fails.
    pub async fn complete(&self, mut found: Found, response_code: &Secret) -> Result<Arc<Record>, CodeError> {
        for _ in 0..MAX_ATTEMPTS {
            let Found { record, revision, app, now } = found;
            let transition = record.state.complete(record.expired_for(now))?;
            if !record.response_code_hash.is_some_and(|hash| hash.is_of(response_code.expose())) {
                return Err(TransitionError::WrongResponseCode.into());
            }
            let state = match transition {
                Transition::Unchanged => return Ok(record),
                Transition::To(state) => state,
                Transition::Refused(_, refusal) => return Err(refusal.into()),
            };
            let completed = Arc::new(record.with_state(state, now, app.ticket_lifetime));
            if self.store.call("swap", |store| store.swap(Arc::clone(&completed), revision)).await? {
                self.notifier.wake(&completed.random);
                self.metrics.count_code(&completed);
                return Ok(completed);
            }
            found = self.find(&record.random).await?;
        }
        Err(CodeError::Contention)
    }
}
