//! The states of a code and the transitions between them: docs/protocol.md, "Life of a code".
//!
//! The server calls [`CodeState::apply`] inside a compare-and-swap. The widget takes its deadlines from the constants.
//!
//! Invariant: this file decides every transition but one. The server turns the confirm of a blocked user into
//! [`CodeState::Failed`].
//!
//! A code whose link is opened on the device that shows the page goes from [`CodeState::Opened`] to
//! [`CodeState::Returning`], and only the page itself can authorise it: docs/protocol.md, "Same device".

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
    /// The owner has opened its link on the device that shows the page, and has not decided.
    Opened(O),
    /// The owner confirmed on the device that shows the page. The page has to present the response code of the last confirm.
    Returning(O),
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
    /// Mark the code as scanned by the user, through its link and on the device that shows the page.
    Open,
    /// Sign the page in as the user.
    Confirm(NumberChoice),
    /// Decline.
    Cancel,
}

/// The number that a person chose at a confirm: docs/protocol.md, "Number matching".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberChoice {
    /// The app does not ask for a number.
    NotAsked,
    /// The app asks for a number, and the confirm has none.
    Missing,
    /// It is not the number that the page shows.
    Wrong,
    /// It is the number that the page shows.
    Right,
}

/// Why an action on a code is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransitionError {
    /// A scan of a code that another user owns, or through the link for the device of the page after a usual scan.
    AlreadyScanned,
    /// The owner has confirmed already, or the code has ended.
    AlreadyEnded,
    /// A confirm or a cancel of a code that nobody has scanned.
    NotScanned,
    /// A confirm or a cancel of a code that another user owns.
    WrongUser,
    /// A confirm without a number, although the app asks for one.
    NumberRequired,
    /// A confirm with another number than the page shows.
    WrongNumber,
    /// A wrong response code, or one for a code that was not confirmed on the same device.
    WrongResponseCode,
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
            Self::NumberRequired => "number-required",
            Self::WrongNumber => "wrong-number",
            Self::WrongResponseCode => "wrong-response-code",
            Self::Expired => "expired",
        }
    }

    /// The `code` of the envelope.
    pub fn code(self) -> i32 {
        match self {
            Self::NumberRequired => code::INVALID_PARAMETER,
            Self::WrongResponseCode => code::FORBIDDEN,
            Self::AlreadyScanned
            | Self::AlreadyEnded
            | Self::NotScanned
            | Self::WrongUser
            | Self::WrongNumber
            | Self::Expired => code::FAILED,
        }
    }

    /// The `message` of the envelope. It may change between versions.
    pub fn message(self) -> &'static str {
        match self {
            Self::AlreadyScanned => "this code has already been scanned; ask the page for a new one",
            Self::AlreadyEnded => "this code has already been used; ask the page for a new one",
            Self::NotScanned => "this code must be scanned before it is confirmed or cancelled",
            Self::WrongUser => "this code was scanned by another user",
            Self::NumberRequired => "number is missing: the person has to choose the number that the page shows",
            Self::WrongNumber => "the page shows another number; the code is cancelled",
            Self::WrongResponseCode => "the response code is wrong, or the code was not confirmed on this device",
            Self::Expired => "this code has expired; ask the page for a new one",
        }
    }
}

/// The effect of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition<O> {
    /// The code gets this state.
    To(CodeState<O>),
    /// The code gets this state, and the action is refused.
    Refused(CodeState<O>, TransitionError),
    /// The last action is repeated: a success without a change.
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
            (Self::Unused, Action::Open) => Ok(Transition::To(Self::Opened(user))),
            (Self::Unused, Action::Confirm(_) | Action::Cancel) => Err(TransitionError::NotScanned),

            // The first scan decides whether the approver is on the device of the page. A success would tell the approver that
            // the confirm is bound to this device, but it would sign in the page without a response code.
            (Self::Scanned(_), Action::Open) => Err(TransitionError::AlreadyScanned),
            (Self::Scanned(owner), Action::Scan) | (Self::Opened(owner), Action::Scan | Action::Open) => {
                if is_owner(owner) { Ok(Transition::Unchanged) } else { Err(TransitionError::AlreadyScanned) }
            }
            (Self::Scanned(owner) | Self::Opened(owner), Action::Confirm(_) | Action::Cancel) if !is_owner(owner) => {
                Err(TransitionError::WrongUser)
            }
            (Self::Scanned(_) | Self::Opened(_), Action::Cancel) => Ok(Transition::To(Self::Cancelled(user))),
            (Self::Scanned(_), Action::Confirm(number)) => match number {
                NumberChoice::NotAsked | NumberChoice::Right => Ok(Transition::To(Self::Authorised(user))),
                NumberChoice::Missing => Err(TransitionError::NumberRequired),
                NumberChoice::Wrong => Ok(Transition::Refused(Self::Cancelled(user), TransitionError::WrongNumber)),
            },
            // The response code binds the confirm to the browser of the page, so no number is needed.
            (Self::Opened(_), Action::Confirm(_)) => Ok(Transition::To(Self::Returning(user))),

            // Each confirm has a response code of its own. The last one counts, so that the owner can repeat a confirm whose
            // response was lost.
            (Self::Returning(owner), Action::Confirm(_)) if is_owner(owner) => {
                Ok(Transition::To(Self::Returning(user)))
            }
            (Self::Authorised(owner), Action::Confirm(_)) if is_owner(owner) => Ok(Transition::Unchanged),
            (Self::Returning(_) | Self::Authorised(_) | Self::Cancelled(_) | Self::Failed(_), _) => {
                Err(TransitionError::AlreadyEnded)
            }
        }
    }

    /// Decides what the right response code does to a code.
    ///
    /// # Errors
    ///
    /// [`TransitionError::WrongResponseCode`] if the code has no response code that can be right. Expiry is checked first.
    pub fn complete(&self, expired_for: Option<Duration>) -> Result<Transition<O>, TransitionError> {
        if self.status(expired_for) == Status::Expired {
            return Err(TransitionError::Expired);
        }
        match self {
            Self::Returning(owner) => Ok(Transition::To(Self::Authorised(owner.clone()))),
            Self::Authorised(_) => Ok(Transition::Unchanged),
            Self::Unused | Self::Scanned(_) | Self::Opened(_) | Self::Cancelled(_) | Self::Failed(_) => {
                Err(TransitionError::WrongResponseCode)
            }
        }
    }

    /// The user who scanned the code. `None` when nobody has.
    pub fn owner(&self) -> Option<&O> {
        match self {
            Self::Unused => None,
            Self::Scanned(owner)
            | Self::Opened(owner)
            | Self::Returning(owner)
            | Self::Authorised(owner)
            | Self::Cancelled(owner)
            | Self::Failed(owner) => Some(owner),
        }
    }

    /// The user who signs in at the page. `None` unless the code is authorised.
    pub fn authorised_user(&self) -> Option<&O> {
        match self {
            Self::Authorised(user) => Some(user),
            Self::Unused
            | Self::Scanned(_)
            | Self::Opened(_)
            | Self::Returning(_)
            | Self::Cancelled(_)
            | Self::Failed(_) => None,
        }
    }

    /// The status that `check` returns. `expired_for` is how long ago the code expired; `None` before that.
    pub fn status(&self, expired_for: Option<Duration>) -> Status {
        match (self, expired_for) {
            (Self::Unused, Some(_)) => Status::Expired,
            (Self::Scanned(_) | Self::Opened(_) | Self::Returning(_), Some(past)) if past >= SCANNED_GRACE => {
                Status::Expired
            }
            (Self::Unused, None) => Status::Unused,
            (Self::Scanned(_) | Self::Opened(_) | Self::Returning(_), _) => Status::Scanned,
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

    const NO_NUMBER: Action = Action::Confirm(NumberChoice::NotAsked);
    const ACTIONS: [Action; 7] = [
        Action::Scan,
        Action::Open,
        NO_NUMBER,
        Action::Confirm(NumberChoice::Missing),
        Action::Confirm(NumberChoice::Wrong),
        Action::Confirm(NumberChoice::Right),
        Action::Cancel,
    ];

    #[test]
    fn apply_follows_the_table_in_protocol_md() {
        use Action::{Cancel, Open, Scan};
        use CodeState::{Authorised, Cancelled, Failed, Opened, Returning, Scanned, Unused};
        use TransitionError::{AlreadyEnded, AlreadyScanned, NotScanned, WrongUser};

        let table = [
            (Unused, Scan, ALICE, Ok(Transition::To(Scanned(ALICE)))),
            (Unused, Open, ALICE, Ok(Transition::To(Opened(ALICE)))),
            (Unused, NO_NUMBER, ALICE, Err(NotScanned)),
            (Unused, Cancel, ALICE, Err(NotScanned)),
            (Scanned(ALICE), Scan, ALICE, Ok(Transition::Unchanged)),
            (Scanned(ALICE), Open, ALICE, Err(AlreadyScanned)),
            (Scanned(ALICE), NO_NUMBER, ALICE, Ok(Transition::To(Authorised(ALICE)))),
            (Scanned(ALICE), Cancel, ALICE, Ok(Transition::To(Cancelled(ALICE)))),
            (Scanned(ALICE), Scan, BOB, Err(AlreadyScanned)),
            (Scanned(ALICE), Open, BOB, Err(AlreadyScanned)),
            (Scanned(ALICE), NO_NUMBER, BOB, Err(WrongUser)),
            (Scanned(ALICE), Cancel, BOB, Err(WrongUser)),
            (Opened(ALICE), Scan, ALICE, Ok(Transition::Unchanged)),
            (Opened(ALICE), Open, ALICE, Ok(Transition::Unchanged)),
            (Opened(ALICE), NO_NUMBER, ALICE, Ok(Transition::To(Returning(ALICE)))),
            (Opened(ALICE), Cancel, ALICE, Ok(Transition::To(Cancelled(ALICE)))),
            (Opened(ALICE), Scan, BOB, Err(AlreadyScanned)),
            (Opened(ALICE), Open, BOB, Err(AlreadyScanned)),
            (Opened(ALICE), NO_NUMBER, BOB, Err(WrongUser)),
            (Opened(ALICE), Cancel, BOB, Err(WrongUser)),
            (Returning(ALICE), Scan, ALICE, Err(AlreadyEnded)),
            (Returning(ALICE), Open, ALICE, Err(AlreadyEnded)),
            (Returning(ALICE), NO_NUMBER, ALICE, Ok(Transition::To(Returning(ALICE)))),
            (Returning(ALICE), Cancel, ALICE, Err(AlreadyEnded)),
            (Returning(ALICE), Scan, BOB, Err(AlreadyEnded)),
            (Returning(ALICE), NO_NUMBER, BOB, Err(AlreadyEnded)),
            (Returning(ALICE), Cancel, BOB, Err(AlreadyEnded)),
            (Authorised(ALICE), Scan, ALICE, Err(AlreadyEnded)),
            (Authorised(ALICE), Open, ALICE, Err(AlreadyEnded)),
            (Authorised(ALICE), NO_NUMBER, ALICE, Ok(Transition::Unchanged)),
            (Authorised(ALICE), Cancel, ALICE, Err(AlreadyEnded)),
            (Authorised(ALICE), NO_NUMBER, BOB, Err(AlreadyEnded)),
        ];
        for (state, action, user, expected) in table {
            assert_eq!(apply(&state, action, user, None), expected, "{state:?} {action:?} {user}");
        }
        for state in [Cancelled(ALICE), Failed(ALICE)] {
            for action in ACTIONS {
                assert_eq!(apply(&state, action, ALICE, None), Err(AlreadyEnded), "{state:?} {action:?}");
            }
        }
    }

    #[test]
    fn number_is_decided_only_for_the_owner_of_a_scanned_code() {
        use CodeState::{Authorised, Cancelled, Opened, Returning, Scanned, Unused};
        use TransitionError::{AlreadyEnded, NotScanned, NumberRequired, WrongNumber, WrongUser};

        let cancelled = Transition::Refused(Cancelled(ALICE), WrongNumber);
        for (number, expected) in [
            (NumberChoice::Missing, Err(NumberRequired)),
            (NumberChoice::Wrong, Ok(cancelled)),
            (NumberChoice::Right, Ok(Transition::To(Authorised(ALICE)))),
        ] {
            let confirm = Action::Confirm(number);
            assert_eq!(apply(&Scanned(ALICE), confirm, ALICE, None), expected, "{number:?}");
            assert_eq!(apply(&Scanned(ALICE), confirm, BOB, None), Err(WrongUser), "{number:?}");
            assert_eq!(apply(&Unused, confirm, ALICE, None), Err(NotScanned), "{number:?}");
            assert_eq!(apply(&Opened(ALICE), confirm, ALICE, None), Ok(Transition::To(Returning(ALICE))), "{number:?}");
            assert_eq!(apply(&Authorised(ALICE), confirm, ALICE, None), Ok(Transition::Unchanged), "{number:?}");
            assert_eq!(apply(&Authorised(ALICE), confirm, BOB, None), Err(AlreadyEnded), "{number:?}");
        }
    }

    #[test]
    fn only_a_returning_code_is_completed() {
        use CodeState::{Authorised, Cancelled, Failed, Opened, Returning, Scanned, Unused};

        assert_eq!(Returning(ALICE).complete(None), Ok(Transition::To(Authorised(ALICE))));
        assert_eq!(Authorised(ALICE).complete(None), Ok(Transition::Unchanged));
        for state in [Unused, Scanned(ALICE), Opened(ALICE), Cancelled(ALICE), Failed(ALICE)] {
            assert_eq!(state.complete(None), Err(TransitionError::WrongResponseCode), "{state:?}");
        }
        let at = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(Returning(ALICE).complete(at(59)), Ok(Transition::To(Authorised(ALICE))));
        assert_eq!(Returning(ALICE).complete(at(60)), Err(TransitionError::Expired));
        assert_eq!(Authorised(ALICE).complete(at(60)), Ok(Transition::Unchanged));
        assert_eq!(CodeState::<&str>::Unused.complete(at(0)), Err(TransitionError::Expired));
    }

    #[test]
    fn expired_code_refuses_every_action() {
        for action in ACTIONS {
            assert_eq!(apply(&CodeState::Unused, action, ALICE, Some(0)), Err(TransitionError::Expired));
            for state in [CodeState::Scanned(ALICE), CodeState::Opened(ALICE), CodeState::Returning(ALICE)] {
                assert_eq!(apply(&state, action, ALICE, Some(60)), Err(TransitionError::Expired), "{state:?}");
            }
        }
    }

    #[test]
    fn scanned_code_can_be_decided_until_60_s_after_expiry() {
        let scanned = CodeState::Scanned(ALICE);
        assert_eq!(apply(&scanned, NO_NUMBER, ALICE, Some(59)), Ok(Transition::To(CodeState::Authorised(ALICE))));
        assert_eq!(apply(&scanned, Action::Cancel, ALICE, Some(59)), Ok(Transition::To(CodeState::Cancelled(ALICE))));
        for state in [scanned, CodeState::Opened(ALICE), CodeState::Returning(ALICE)] {
            assert_eq!(state.status(Some(Duration::from_secs(59))), Status::Scanned, "{state:?}");
        }
    }

    #[test]
    fn ended_code_keeps_its_status_after_expiry() {
        let past = Some(Duration::from_secs(200));
        assert_eq!(CodeState::Authorised(ALICE).status(past), Status::Authorised);
        assert_eq!(CodeState::Cancelled(ALICE).status(past), Status::Cancelled);
        assert_eq!(CodeState::<&str>::Failed(ALICE).status(past), Status::Failed);
    }
}
