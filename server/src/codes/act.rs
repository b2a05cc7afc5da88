//! Applies the actions of approvers to codes.

use std::sync::Arc;

use scanlogin_protocol::lifecycle::{Action, CodeState, Transition};

use crate::codes::CodeService;
use crate::codes::error::CodeError;
use crate::codes::find::Found;
use crate::store::record::Record;
use crate::store::user::User;

/// A code has two transitions at most. A caller that loses this many races therefore finds a code that has ended.
const MAX_ATTEMPTS: usize = 3;

/// The result of an action.
#[derive(Debug)]
pub struct Attempt {
    /// The code before the action. `None` when there is no such code.
    pub code: Option<Arc<Record>>,
    /// The code after the action, or why nothing happened.
    pub outcome: Result<Arc<Record>, CodeError>,
}

impl CodeService {
    /// Applies `action` of `user` to the code `random`, if its state allows that, and notifies the polls that wait for it.
    /// Of several callers at once one succeeds, and the others find the code changed.
    ///
    /// The outcome is [`CodeError::Blocked`] for a confirm by a blocked user; the code has then failed.
    pub async fn act(&self, action: Action, random: &str, user: &User) -> Attempt {
        let mut code = None;
        for _ in 0..MAX_ATTEMPTS {
            let found = match self.find(random).await {
                Ok(found) => found,
                Err(error) => return Attempt { code, outcome: Err(error) },
            };
            code = Some(Arc::clone(&found.record));
            // A code whose requester can't be shown to a person must not change.
            if let Err(error) = found.record.requester.read() {
                return Attempt { code, outcome: Err(error.into()) };
            }
            match self.try_once(action, found, user).await {
                Ok(Some(record)) => return Attempt { code, outcome: Ok(record) },
                Ok(None) => {}
                Err(error) => return Attempt { code, outcome: Err(error) },
            }
        }
        Attempt { code, outcome: Err(CodeError::Contention) }
    }

    /// Returns the code after the action; `None` when another caller has changed it meanwhile.
    async fn try_once(&self, action: Action, found: Found, user: &User) -> Result<Option<Arc<Record>>, CodeError> {
        let Found { record, revision, app, now } = found;
        if user.user_pool_id != app.user_pool_id {
            return Err(CodeError::WrongPool);
        }
        let is_owner = |owner: &User| owner.is(user);
        let state = match record.state.apply(action, user.clone(), is_owner, record.expired_for(now))? {
            Transition::Unchanged => return Ok(Some(record)),
            Transition::To(state) => self.fail_if_blocked(state).await?,
        };
        let record = Arc::new(record.with_state(state, now, app.ticket_lifetime));
        if !self.store.call("swap", |store| store.swap(Arc::clone(&record), revision)).await? {
            return Ok(None);
        }
        self.notifier.wake(&record.random);
        self.metrics.count_code(&record);
        if matches!(record.state, CodeState::Failed(_)) { Err(CodeError::Blocked) } else { Ok(Some(record)) }
    }

    /// Turns the confirm of a blocked user into a failure.
    async fn fail_if_blocked(&self, state: CodeState<User>) -> Result<CodeState<User>, CodeError> {
        let CodeState::Authorised(user) = state else { return Ok(state) };
        let account = self.store.call("account", |store| store.account(&user.user_pool_id, &user.id)).await?;
        let is_blocked = account.is_some_and(|account| account.is_blocked);
        Ok(if is_blocked { CodeState::Failed(user) } else { CodeState::Authorised(user) })
    }
}
