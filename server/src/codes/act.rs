//! Applies the actions of approvers to codes.

use core::mem::discriminant;
use std::sync::Arc;

use scanlogin_protocol::lifecycle::{Action, CodeState, Transition};

use crate::auth::authentication::{Authentication, VerifiedUser};
use crate::codes::error::CodeError;
use crate::codes::find::Found;
use crate::codes::number::{Number, choice, seed};
use crate::codes::{CodeService, MAX_ATTEMPTS};
use crate::config::app::App;
use crate::secrets::{Hash, Secret};
use crate::store::record::Record;
use crate::store::user::User;

/// An action that an approver requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApproverAction {
    /// Mark the code as scanned.
    Scan,
    /// Mark the code as scanned, through its link and on the device of the page.
    Open,
    /// Sign the page in. Holds the number that the person chose, if any.
    Confirm(Option<Number>),
    /// Decline.
    Cancel,
}

/// The result of an attempt to apply an action.
#[derive(Debug)]
pub struct Attempt {
    /// The code before the action. `None` when there is no such code.
    pub code: Option<Arc<Record>>,
    /// The effect of the action, or why it was refused.
    pub outcome: Result<Applied, CodeError>,
}

/// The effect of an action.
#[derive(Debug)]
pub struct Applied {
    /// The code after the action.
    pub record: Arc<Record>,
    /// The app that the code signs in to.
    pub app: Arc<App>,
    /// The response code of a confirm on the device of the page. It is not stored.
    pub response_code: Option<Secret>,
}

impl CodeService {
    /// Applies `action` of `approver` to the code `random`, if its state allows that, and notifies the polls that wait for it.
    /// Of several callers at once one succeeds, and the others find the code changed.
    ///
    /// The outcome is [`CodeError::Blocked`] for a confirm by a blocked user, and the code has then failed. It is
    /// [`TransitionError::WrongNumber`](scanlogin_protocol::lifecycle::TransitionError::WrongNumber) for a confirm with a wrong
    /// number, and the code is then cancelled.
    pub async fn act(&self, action: ApproverAction, random: &str, approver: &VerifiedUser) -> Attempt {
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
            match self.try_once(action, found, approver).await {
                Ok(Some(applied)) => return Attempt { code, outcome: Ok(applied) },
                Ok(None) => {}
                Err(error) => return Attempt { code, outcome: Err(error) },
            }
        }
        Attempt { code, outcome: Err(CodeError::Contention) }
    }

    /// Returns the effect of the action; `None` when another caller has changed the code meanwhile.
    async fn try_once(
        &self,
        action: ApproverAction,
        found: Found,
        approver: &VerifiedUser,
    ) -> Result<Option<Applied>, CodeError> {
        let Found { record, revision, app, now } = found;
        let VerifiedUser { user, authentication } = approver;
        if user.user_pool_id != app.user_pool_id {
            return Err(CodeError::WrongPool);
        }
        let action = match action {
            ApproverAction::Scan => Action::Scan,
            // Without a link, the confirm could not be bound to the browser of the page.
            ApproverAction::Open if record.return_url.is_none() => return Err(CodeError::NoLink),
            ApproverAction::Open => Action::Open,
            ApproverAction::Confirm(number) => Action::Confirm(choice(&app, &record, number)),
            ApproverAction::Cancel => Action::Cancel,
        };
        let is_owner = |owner: &User| owner.is(user);
        let transition = record.state.apply(action, user.clone(), is_owner, record.expired_for(now))?;
        // Before a wrong number cancels the code. The repetition of a confirm that has signed the page in grants nothing more.
        if matches!(action, Action::Confirm(_)) && transition != Transition::Unchanged {
            check_step_up(authentication, &app)?;
        }
        let (state, refusal) = match transition {
            Transition::Unchanged => return Ok(Some(Applied { record, app, response_code: None })),
            Transition::To(state) => (self.fail_if_blocked(state).await?, None),
            Transition::Refused(state, refusal) => (state, Some(refusal)),
        };
        let response_code = match state {
            CodeState::Returning(_) => Some(Secret::random()?),
            _ => None,
        };
        let is_repeated = discriminant(&state) == discriminant(&record.state);
        let record = Arc::new(Record {
            response_code_hash: response_code.as_ref().map(|code| Hash::of(code.expose())),
            number_seed: seed(&app, &state)?,
            ..record.with_state(state, now, app.ticket_lifetime)
        });
        if !self.store.call("swap", |store| store.swap(Arc::clone(&record), revision)).await? {
            return Ok(None);
        }
        self.notifier.wake(&record.random);
        if !is_repeated {
            self.metrics.count_code(&record);
        }
        match (refusal, &record.state) {
            (Some(refusal), _) => Err(refusal.into()),
            (None, CodeState::Failed(_)) => Err(CodeError::Blocked),
            (None, _) => Ok(Some(Applied { record, app, response_code })),
        }
    }

    /// Turns the confirm of a blocked user into a failure.
    async fn fail_if_blocked(&self, state: CodeState<User>) -> Result<CodeState<User>, CodeError> {
        let (CodeState::Authorised(user) | CodeState::Returning(user)) = &state else { return Ok(state) };
        let account = self.store.call("account", |store| store.account(&user.user_pool_id, &user.id)).await?;
        let is_blocked = account.is_some_and(|account| account.is_blocked);
        Ok(if is_blocked { CodeState::Failed(user.clone()) } else { state })
    }
}

/// Checks that a sign-in is recent and strong enough for a confirm at `app`.
fn check_step_up(authentication: &Authentication, app: &App) -> Result<(), CodeError> {
    let Some(required) = &app.step_up else { return Ok(()) };
    authentication
        .meets(required)
        .map_err(|explanation| CodeError::StepUpRequired { required: required.clone(), explanation })
}
