//! Where a session can stand. A state carries all that belongs to it, and nothing else.
//!
//! Deliberately absent: transitions, which all stand in the module above.

use std::rc::Rc;

use super::event::{Code, Request, RequestId};
use super::policy::{Call, EXPIRY_GRACE, FAILURES_TO_TELL, Instant, Phase, Policy};
use crate::protocol::{Person, Status};
use crate::view_model::{ScanState, ViewModel};

#[derive(Debug)]
pub(super) enum State {
    /// Not begun.
    Idle,
    /// Asking for a code.
    Loading(Call),
    /// The image of the code is on its way to the page.
    Showing { code: Code, expires_at: Instant, give_up_at: Instant },
    /// The code is on the page, and the server is asked about it.
    Waiting(Watch),
    /// The user approved, and the ticket is being exchanged.
    Exchanging { code: Code, person: Person, ticket: Rc<str>, call: Call },
    /// Nothing happens by itself any more.
    Ended(End),
    /// The page wanted no more.
    Destroyed,
}

/// How it ended.
#[derive(Debug)]
pub(super) enum End {
    /// The user approved.
    Confirmed { code: Code, person: Person },
    /// The page has to ask for a second factor.
    NeedsMfa(Code),
    /// The user declined.
    Cancelled(Code),
    /// The code is too old.
    Expired(Code),
    /// The page wants no more polls.
    Stopped(Code),
    /// It can't go on without a person.
    Failed { code: Option<Code>, detail: Option<String> },
}

/// A code that is on the page.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) code: Code,
    pub(super) expires_at: Instant,
    pub(super) progress: Progress,
    pub(super) call: Call,
}

/// How far a person has come with a code.
#[derive(Debug)]
pub(super) enum Progress {
    /// The server has not yet been heard. The first poll is not held: it shows that polling works.
    Unheard,
    Unused,
    Scanned(Person),
}

impl Progress {
    /// The status that a held request is to outlast.
    pub(super) fn status(&self) -> Option<Status> {
        match self {
            Self::Unheard => None,
            Self::Unused => Some(Status::Unused),
            Self::Scanned(_) => Some(Status::Scanned),
        }
    }
}

impl Watch {
    /// When the code has ended, whatever the network does.
    pub(super) fn ends_at(&self) -> Instant {
        self.expires_at + EXPIRY_GRACE
    }

    fn seconds_left(&self, now: Instant, policy: &Policy) -> Option<u32> {
        match self.progress {
            Progress::Unheard | Progress::Unused if policy.countdown => {
                let left = self.expires_at.since(now).as_millis().div_ceil(1000);
                Some(u32::try_from(left).unwrap_or(u32::MAX))
            }
            Progress::Unheard | Progress::Unused | Progress::Scanned(_) => None,
        }
    }

    /// When another number of seconds is to be shown.
    fn next_second(&self, now: Instant, policy: &Policy) -> Option<Instant> {
        let shown = u64::from(self.seconds_left(now, policy)?);
        let next = Instant(self.expires_at.0.saturating_sub(shown.saturating_sub(1) * 1000));
        (next > now).then_some(next)
    }

    fn view(&self, now: Instant, policy: &Policy) -> ViewModel {
        let state = match &self.progress {
            _ if self.call.failures >= FAILURES_TO_TELL => ScanState::Unreachable,
            Progress::Unheard | Progress::Unused => ScanState::Ready,
            Progress::Scanned(_) => ScanState::Scanned,
        };
        let person = match &self.progress {
            Progress::Unheard | Progress::Unused => None,
            Progress::Scanned(person) => Some(person.clone()),
        };
        ViewModel { person, seconds_left: self.seconds_left(now, policy), ..of_code(state, &self.code) }
    }
}

impl State {
    fn call(&self) -> Option<&Call> {
        match self {
            Self::Loading(call) | Self::Waiting(Watch { call, .. }) | Self::Exchanging { call, .. } => Some(call),
            Self::Idle | Self::Showing { .. } | Self::Ended(_) | Self::Destroyed => None,
        }
    }

    /// The request that is out.
    pub(super) fn in_flight(&self) -> Option<(RequestId, &Request)> {
        match &self.call()?.phase {
            Phase::InFlight { id, request, .. } => Some((*id, request)),
            Phase::Resting { .. } => None,
        }
    }

    /// When something has to happen by itself; `None` for ever.
    pub(super) fn deadline(&self, now: Instant, policy: &Policy, is_visible: bool) -> Option<Instant> {
        match self {
            Self::Loading(call) | Self::Exchanging { call, .. } => Some(call.deadline()),
            Self::Showing { give_up_at, .. } => Some(*give_up_at),
            Self::Waiting(watch) => {
                let next_second = if is_visible { watch.next_second(now, policy) } else { None };
                let deadline = watch.ends_at().min(watch.call.deadline());
                Some(next_second.map_or(deadline, |next| next.min(deadline)))
            }
            Self::Idle | Self::Ended(_) | Self::Destroyed => None,
        }
    }

    /// The code that is on the page.
    pub(super) fn into_code(self) -> Option<Code> {
        match self {
            Self::Showing { code, .. } | Self::Waiting(Watch { code, .. }) | Self::Exchanging { code, .. } => {
                Some(code)
            }
            Self::Ended(end) => end.into_code(),
            Self::Idle | Self::Loading(_) | Self::Destroyed => None,
        }
    }

    /// What a person sees.
    pub(super) fn view(&self, now: Instant, policy: &Policy) -> ViewModel {
        match self {
            Self::Idle => ViewModel::new(ScanState::Loading),
            Self::Loading(call) if call.failures > 0 => ViewModel::new(ScanState::Unreachable),
            Self::Loading(_) => ViewModel::new(ScanState::Loading),
            Self::Showing { code, .. } => of_code(ScanState::Loading, code),
            Self::Waiting(watch) => watch.view(now, policy),
            Self::Exchanging { code, person, .. } => {
                ViewModel { person: Some(person.clone()), ..of_code(ScanState::SigningIn, code) }
            }
            Self::Ended(end) => end.view(),
            Self::Destroyed => ViewModel::new(ScanState::Destroyed),
        }
    }
}

impl End {
    pub(super) fn into_code(self) -> Option<Code> {
        match self {
            Self::Confirmed { code, .. }
            | Self::NeedsMfa(code)
            | Self::Cancelled(code)
            | Self::Expired(code)
            | Self::Stopped(code) => Some(code),
            Self::Failed { code, .. } => code,
        }
    }

    fn view(&self) -> ViewModel {
        match self {
            Self::Confirmed { code, person } => {
                ViewModel { person: Some(person.clone()), ..of_code(ScanState::Confirmed, code) }
            }
            Self::NeedsMfa(code) => of_code(ScanState::NeedsMfa, code),
            Self::Cancelled(code) => of_code(ScanState::Cancelled, code),
            Self::Expired(code) => of_code(ScanState::Expired, code),
            Self::Stopped(code) => of_code(ScanState::Stopped, code),
            Self::Failed { code, detail } => {
                let view = match code {
                    Some(code) => of_code(ScanState::Failed, code),
                    None => ViewModel::new(ScanState::Failed),
                };
                ViewModel { detail: detail.clone(), ..view }
            }
        }
    }
}

fn of_code(state: ScanState, code: &Code) -> ViewModel {
    ViewModel { picture: code.picture.clone(), ..ViewModel::new(state) }
}
