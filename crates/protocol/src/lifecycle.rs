//! The states of a code and the transitions between them: docs/protocol.md, "Life of a code".
//!
//! The server calls [`CodeState::apply`] inside a compare-and-swap. The widget takes its deadlines from the constants.
//!
//! Invariant: this file decides every transition but one. The server turns the confirm of a blocked user into
//! [`CodeState::Failed`].

use core::time::Duration;

use crate::wire::{Status, code};

/// The default time from the creation of a code to its expiry.
pub const CODE_LIFETIME: Duration = Duration::from_secs(120);
/// The shortest lifetime of a code that an app may have.
pub const MIN_CODE_LIFETIME: Duration = Duration::from_secs(10);
/// The longest lifetime of a code that an app may have.
pub const MAX_CODE_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// How much later a scanned code expires than an unused one: the owner has this time to decide.
pub const SCANNED_GRACE: Duration = Duration::from_secs(60);
/// How long a code is remembered after it has expired or was authorised, cancelled or failed. Also how long a ticket is
/// remembered after it has expired.
pub const RETENTION: Duration = Duration::from_secs(5 * 60);
/// The default time from the confirm to the expiry of the ticket.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(300);

/// The state of a code. `O` is the data of the owner, the user who scanned the code. Whether a code is expired is not
/// part of its state: it follows from the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeState<O> {
    /// Nobody has scanned it.
    Unused,
    /// The owner has scanned it and has not decided.
    Scanned(O),
    /// The owner confirmed.
    Authorised(O),
    /// The owner declined.
    Cancelled(O),
    /// The owner confirmed, and the server refused the sign-in.
    Failed(O),
}

/// An action of an approver on a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Mark the code as scanned by the user.
    Scan,
    /// Sign the page in as the user.
    Confirm,
    /// Decline.
    Cancel,
}

/// Why the state of a code does not allow an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransitionError {
    /// A scan of a code that another user owns.
    AlreadyScanned,
    /// The code is authorised, cancelled or failed already.
    AlreadyEnded,
    /// A confirm or a cancel of a code that nobody has scanned.
    NotScanned,
    /// A confirm or a cancel of a code that another user owns.
    WrongUser,
    /// The code has expired.
    Expired,
}

impl TransitionError {
    /// The `reason` of the envelope. It is stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyScanned => "already-scanned",
            Self::AlreadyEnded => "already-ended",
            Self::NotScanned => "not-scanned",
            Self::WrongUser => "wrong-user",
            Self::Expired => "expired",
        }
    }

    /// The `code` of the envelope: 500 for each reason.
    pub fn code(self) -> i32 {
        code::FAILED
    }

    /// The `message` of the envelope. It may change between versions.
    pub fn message(self) -> &'static str {
        match self {
            Self::AlreadyScanned => "this code has already been scanned by someone else",
            Self::AlreadyEnded => "this code has already been used; ask the page for a new one",
            Self::NotScanned => "this code must be scanned before it is confirmed or cancelled",
            Self::WrongUser => "this code was scanned by another user",
            Self::Expired => "this code has expired; ask the page for a new one",
        }
    }
}

/// The effect of an action that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition<O> {
    /// The code gets this state.
    To(CodeState<O>),
    /// The owner repeats the last action: a success without a change.
    Unchanged,
}

impl<O: Clone> CodeState<O> {
    /// Decides what `action` of `user` does to a code.
    ///
    /// `is_owner` returns whether `user` is the given owner. `expired_for` is how long ago the code expired; `None`
    /// before that.
    ///
    /// # Errors
    ///
    /// The [`TransitionError`] why the action is not allowed. Expiry is checked first.
    pub fn apply(
        &self,
        action: Action,
        user: O,
        is_owner: impl Fn(&O) -> bool,
        expired_for: Option<Duration>,
    ) -> Result<Transition<O>, TransitionError> {
        if self.status(expired_for) == Status::Expired {
            return Err(TransitionError::Expired);
        }
        match (self, action) {
            (Self::Unused, Action::Scan) => Ok(Transition::To(Self::Scanned(user))),
            (Self::Unused, Action::Confirm | Action::Cancel) => Err(TransitionError::NotScanned),

            (Self::Scanned(owner), Action::Scan) if is_owner(owner) => Ok(Transition::Unchanged),
            (Self::Scanned(_), Action::Scan) => Err(TransitionError::AlreadyScanned),
            (Self::Scanned(owner), Action::Confirm) if is_owner(owner) => Ok(Transition::To(Self::Authorised(user))),
            (Self::Scanned(owner), Action::Cancel) if is_owner(owner) => Ok(Transition::To(Self::Cancelled(user))),
            (Self::Scanned(_), Action::Confirm | Action::Cancel) => Err(TransitionError::WrongUser),

            (Self::Authorised(owner), Action::Confirm) if is_owner(owner) => Ok(Transition::Unchanged),
            (Self::Authorised(_), Action::Scan | Action::Confirm | Action::Cancel)
            | (Self::Cancelled(_) | Self::Failed(_), Action::Scan | Action::Confirm | Action::Cancel) => {
                Err(TransitionError::AlreadyEnded)
            }
        }
    }

    /// The user who scanned the code. `None` when nobody has.
    pub fn owner(&self) -> Option<&O> {
        match self {
            Self::Unused => None,
            Self::Scanned(owner) | Self::Authorised(owner) | Self::Cancelled(owner) | Self::Failed(owner) => {
                Some(owner)
            }
        }
    }

    /// The user who confirmed. `None` unless the code is authorised.
    pub fn authorised_user(&self) -> Option<&O> {
        match self {
            Self::Authorised(user) => Some(user),
            Self::Unused | Self::Scanned(_) | Self::Cancelled(_) | Self::Failed(_) => None,
        }
    }

    /// The status that `check` returns. `expired_for` is how long ago the code expired; `None` before that.
    pub fn status(&self, expired_for: Option<Duration>) -> Status {
        match (self, expired_for) {
            (Self::Unused, Some(_)) => Status::Expired,
            (Self::Scanned(_), Some(past)) if past >= SCANNED_GRACE => Status::Expired,
            (Self::Unused, None) => Status::Unused,
            (Self::Scanned(_), _) => Status::Scanned,
            (Self::Authorised(_), _) => Status::Authorised,
            (Self::Cancelled(_), _) => Status::Cancelled,
            (Self::Failed(_), _) => Status::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Table = CodeState<&'static str>;
    const ALICE: &str = "alice";
    const BOB: &str = "bob";

    fn apply(
        state: &Table,
        action: Action,
        user: &'static str,
        past: Option<u64>,
    ) -> Result<Transition<&'static str>, TransitionError> {
        state.apply(action, user, |owner| *owner == user, past.map(Duration::from_secs))
    }

    #[test]
    fn apply_follows_the_table_in_protocol_md() {
        use Action::{Cancel, Confirm, Scan};
        use CodeState::{Authorised, Cancelled, Failed, Scanned, Unused};
        use TransitionError::{AlreadyEnded, AlreadyScanned, NotScanned, WrongUser};

        let table = [
            (Unused, Scan, ALICE, Ok(Transition::To(Scanned(ALICE)))),
            (Unused, Confirm, ALICE, Err(NotScanned)),
            (Unused, Cancel, ALICE, Err(NotScanned)),
            (Scanned(ALICE), Scan, ALICE, Ok(Transition::Unchanged)),
            (Scanned(ALICE), Confirm, ALICE, Ok(Transition::To(Authorised(ALICE)))),
            (Scanned(ALICE), Cancel, ALICE, Ok(Transition::To(Cancelled(ALICE)))),
            (Scanned(ALICE), Scan, BOB, Err(AlreadyScanned)),
            (Scanned(ALICE), Confirm, BOB, Err(WrongUser)),
            (Scanned(ALICE), Cancel, BOB, Err(WrongUser)),
            (Authorised(ALICE), Scan, ALICE, Err(AlreadyEnded)),
            (Authorised(ALICE), Confirm, ALICE, Ok(Transition::Unchanged)),
            (Authorised(ALICE), Cancel, ALICE, Err(AlreadyEnded)),
            (Authorised(ALICE), Confirm, BOB, Err(AlreadyEnded)),
            (Cancelled(ALICE), Scan, ALICE, Err(AlreadyEnded)),
            (Cancelled(ALICE), Confirm, ALICE, Err(AlreadyEnded)),
            (Cancelled(ALICE), Cancel, ALICE, Err(AlreadyEnded)),
            (Failed(ALICE), Scan, ALICE, Err(AlreadyEnded)),
            (Failed(ALICE), Confirm, ALICE, Err(AlreadyEnded)),
            (Failed(ALICE), Cancel, ALICE, Err(AlreadyEnded)),
        ];
        for (state, action, user, expected) in table {
            assert_eq!(apply(&state, action, user, None), expected, "{state:?} {action:?} {user}");
        }
    }

    #[test]
    fn expired_code_refuses_every_action() {
        for action in [Action::Scan, Action::Confirm, Action::Cancel] {
            assert_eq!(apply(&CodeState::Unused, action, ALICE, Some(0)), Err(TransitionError::Expired));
            assert_eq!(apply(&CodeState::Scanned(ALICE), action, ALICE, Some(60)), Err(TransitionError::Expired));
        }
    }

    #[test]
    fn scanned_code_can_be_decided_until_60_s_after_expiry() {
        let scanned = CodeState::Scanned(ALICE);
        assert_eq!(apply(&scanned, Action::Confirm, ALICE, Some(59)), Ok(Transition::To(CodeState::Authorised(ALICE))));
        assert_eq!(apply(&scanned, Action::Cancel, ALICE, Some(59)), Ok(Transition::To(CodeState::Cancelled(ALICE))));
        assert_eq!(scanned.status(Some(Duration::from_secs(59))), Status::Scanned);
    }

    #[test]
    fn ended_code_keeps_its_status_after_expiry() {
        let past = Some(Duration::from_secs(200));
        assert_eq!(CodeState::Authorised(ALICE).status(past), Status::Authorised);
        assert_eq!(CodeState::Cancelled(ALICE).status(past), Status::Cancelled);
        assert_eq!(CodeState::<&str>::Failed(ALICE).status(past), Status::Failed);
    }
}
