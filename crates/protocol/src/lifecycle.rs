//! The life of a code: every step that exists stands in this file, and no other file decides one.
//!
//! docs/protocol.md, "Life of a code". The server applies [`Life::apply`] inside a compare-and-swap; the widget takes its
//! deadlines from the constants. Deliberately absent: where a life is kept, and who tells a browser about it.

use core::time::Duration;

use crate::wire::{Status, code};

/// How long a code lives when nothing else is configured.
pub const CODE_LIFETIME: Duration = Duration::from_secs(120);
/// The shortest life that may be configured.
pub const MIN_CODE_LIFETIME: Duration = Duration::from_secs(10);
/// The longest life that may be configured.
pub const MAX_CODE_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// How much later than its expiry a code that was scanned in time may still be confirmed or cancelled.
pub const SCANNED_GRACE: Duration = Duration::from_secs(60);
/// How long a code is remembered after its end.
pub const REMEMBERED: Duration = Duration::from_secs(5 * 60);
/// How long a ticket lives when nothing else is configured.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(300);

/// Where a code stands. `O` is what the server keeps of the user who scanned it: the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life<O> {
    /// Nobody has scanned it.
    Unused,
    /// The owner has it on the screen of their phone.
    Scanned(O),
    /// The owner approved.
    Authorised(O),
    /// The owner declined.
    Cancelled(O),
    /// The owner approved, and the server refused.
    Failed(O),
}

/// What an approver asks of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// "I see this code."
    Scan,
    /// "Sign that page in as me."
    Confirm,
    /// "Do not."
    Cancel,
}

/// Why a call was refused. The word is stable, the number is the one that clients in the field know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Another user has scanned the code.
    AlreadyScanned,
    /// The code is authorised, cancelled or failed.
    AlreadyEnded,
    /// A code must be scanned before anything else.
    NotScanned,
    /// The code has been scanned by another user.
    WrongUser,
    /// Too late.
    Expired,
}

impl Reason {
    /// The stable word, in `reason` of the envelope.
    pub fn word(self) -> &'static str {
        match self {
            Self::AlreadyScanned => "already-scanned",
            Self::AlreadyEnded => "already-ended",
            Self::NotScanned => "not-scanned",
            Self::WrongUser => "wrong-user",
            Self::Expired => "expired",
        }
    }

    /// The number, in `code` of the envelope.
    pub fn code(self) -> i32 {
        code::FAILED
    }

    /// The sentence, in `message` of the envelope.
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

/// What an allowed action does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<O> {
    /// The code's life goes on here.
    Become(Life<O>),
    /// The owner repeats what they already did: success, and nothing changes.
    Stay,
}

impl<O: Clone> Life<O> {
    /// Decides what `action` of a user does to a code.
    ///
    /// `is_owner` tells whether the user is the one who scanned; `past_expiry` is how long ago the code expired, `None`
    /// while it lives.
    ///
    /// # Errors
    ///
    /// The [`Reason`] to refuse with. Expiry is looked at before anything else.
    pub fn apply(
        &self,
        action: Action,
        user: O,
        is_owner: impl Fn(&O) -> bool,
        past_expiry: Option<Duration>,
    ) -> Result<Step<O>, Reason> {
        if self.status(past_expiry) == Status::Expired {
            return Err(Reason::Expired);
        }
        match (self, action) {
            (Self::Unused, Action::Scan) => Ok(Step::Become(Self::Scanned(user))),
            (Self::Unused, Action::Confirm | Action::Cancel) => Err(Reason::NotScanned),

            (Self::Scanned(owner), Action::Scan) if is_owner(owner) => Ok(Step::Stay),
            (Self::Scanned(_), Action::Scan) => Err(Reason::AlreadyScanned),
            (Self::Scanned(owner), Action::Confirm) if is_owner(owner) => Ok(Step::Become(Self::Authorised(user))),
            (Self::Scanned(owner), Action::Cancel) if is_owner(owner) => Ok(Step::Become(Self::Cancelled(user))),
            (Self::Scanned(_), Action::Confirm | Action::Cancel) => Err(Reason::WrongUser),

            (Self::Authorised(owner), Action::Confirm) if is_owner(owner) => Ok(Step::Stay),
            (Self::Authorised(_), Action::Scan | Action::Confirm | Action::Cancel)
            | (Self::Cancelled(_) | Self::Failed(_), Action::Scan | Action::Confirm | Action::Cancel) => {
                Err(Reason::AlreadyEnded)
            }
        }
    }

    /// The user who scanned.
    pub fn owner(&self) -> Option<&O> {
        match self {
            Self::Unused => None,
            Self::Scanned(owner) | Self::Authorised(owner) | Self::Cancelled(owner) | Self::Failed(owner) => {
                Some(owner)
            }
        }
    }

    /// What `check` tells. `past_expiry` is how long ago the code expired, `None` while it lives.
    pub fn status(&self, past_expiry: Option<Duration>) -> Status {
        match (self, past_expiry) {
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

    type Table = Life<&'static str>;
    const ALICE: &str = "alice";
    const BOB: &str = "bob";

    fn apply(
        life: &Table,
        action: Action,
        user: &'static str,
        past: Option<u64>,
    ) -> Result<Step<&'static str>, Reason> {
        life.apply(action, user, |owner| *owner == user, past.map(Duration::from_secs))
    }

    #[test]
    fn the_table_of_the_contract_holds_line_by_line() {
        use Action::{Cancel, Confirm, Scan};
        use Life::{Authorised, Cancelled, Failed, Scanned, Unused};
        use Reason::{AlreadyEnded, AlreadyScanned, NotScanned, WrongUser};

        let table = [
            (Unused, Scan, ALICE, Ok(Step::Become(Scanned(ALICE)))),
            (Unused, Confirm, ALICE, Err(NotScanned)),
            (Unused, Cancel, ALICE, Err(NotScanned)),
            (Scanned(ALICE), Scan, ALICE, Ok(Step::Stay)),
            (Scanned(ALICE), Confirm, ALICE, Ok(Step::Become(Authorised(ALICE)))),
            (Scanned(ALICE), Cancel, ALICE, Ok(Step::Become(Cancelled(ALICE)))),
            (Scanned(ALICE), Scan, BOB, Err(AlreadyScanned)),
            (Scanned(ALICE), Confirm, BOB, Err(WrongUser)),
            (Scanned(ALICE), Cancel, BOB, Err(WrongUser)),
            (Authorised(ALICE), Scan, ALICE, Err(AlreadyEnded)),
            (Authorised(ALICE), Confirm, ALICE, Ok(Step::Stay)),
            (Authorised(ALICE), Cancel, ALICE, Err(AlreadyEnded)),
            (Authorised(ALICE), Confirm, BOB, Err(AlreadyEnded)),
            (Cancelled(ALICE), Scan, ALICE, Err(AlreadyEnded)),
            (Cancelled(ALICE), Confirm, ALICE, Err(AlreadyEnded)),
            (Cancelled(ALICE), Cancel, ALICE, Err(AlreadyEnded)),
            (Failed(ALICE), Scan, ALICE, Err(AlreadyEnded)),
            (Failed(ALICE), Confirm, ALICE, Err(AlreadyEnded)),
            (Failed(ALICE), Cancel, ALICE, Err(AlreadyEnded)),
        ];
        for (life, action, user, expected) in table {
            assert_eq!(apply(&life, action, user, None), expected, "{life:?} {action:?} {user}");
        }
    }

    #[test]
    fn an_expired_code_refuses_every_action() {
        for action in [Action::Scan, Action::Confirm, Action::Cancel] {
            assert_eq!(apply(&Life::Unused, action, ALICE, Some(0)), Err(Reason::Expired));
            assert_eq!(apply(&Life::Scanned(ALICE), action, ALICE, Some(60)), Err(Reason::Expired));
        }
    }

    #[test]
    fn a_code_scanned_in_time_may_be_decided_for_a_minute_more() {
        let scanned = Life::Scanned(ALICE);
        assert_eq!(apply(&scanned, Action::Confirm, ALICE, Some(59)), Ok(Step::Become(Life::Authorised(ALICE))));
        assert_eq!(apply(&scanned, Action::Cancel, ALICE, Some(59)), Ok(Step::Become(Life::Cancelled(ALICE))));
        assert_eq!(scanned.status(Some(Duration::from_secs(59))), Status::Scanned);
    }

    #[test]
    fn an_ended_code_keeps_its_status_after_its_expiry() {
        let past = Some(Duration::from_secs(200));
        assert_eq!(Life::Authorised(ALICE).status(past), Status::Authorised);
        assert_eq!(Life::Cancelled(ALICE).status(past), Status::Cancelled);
        assert_eq!(Life::<&str>::Failed(ALICE).status(past), Status::Failed);
    }
}
