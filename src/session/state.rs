//! Where a session can stand. A state carries all that belongs to it, and nothing else.
//!
//! Deliberately absent: transitions, which all stand in the module above.

use std::rc::Rc;

use super::Page;
use super::event::{Code, Request, RequestId};
use super::policy::{Call, EXPIRY_GRACE, GENE_PATIENCE, Instant, POLL_PATIENCE, Phase, Policy};
use crate::protocol::{Person, Status};
use crate::view_model::{Countdown, ScanState, Trouble, ViewModel};

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

    fn view(&self) -> ViewModel {
        let (state, person) = match &self.progress {
            Progress::Unheard | Progress::Unused => (ScanState::Ready, None),
            Progress::Scanned(person) => (ScanState::Scanned, Some(person.clone())),
        };
        ViewModel { person, ..of_code(state, &self.code) }
    }
}

/// What a person waits for, and when it comes.
type Awaited = (fn(u32) -> Countdown, Instant);

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
    pub(super) fn deadline(&self, now: Instant, policy: &Policy, page: Page) -> Option<Instant> {
        let deadline = match self {
            Self::Loading(call) | Self::Exchanging { call, .. } => call.deadline(),
            Self::Showing { give_up_at, .. } => *give_up_at,
            Self::Waiting(watch) => watch.ends_at().min(watch.call.deadline()),
            Self::Idle | Self::Ended(_) | Self::Destroyed => return None,
        };
        let next_second = if page.is_visible { self.awaited(policy, page) } else { None };
        let next_second = next_second.and_then(|(_, at)| second_before(now, at));
        Some(next_second.map_or(deadline, |next| next.min(deadline)))
    }

    /// What keeps it from going on, as far as a person should know.
    fn trouble(&self, page: Page) -> Option<Trouble> {
        match self {
            Self::Loading(call) => call.trouble(GENE_PATIENCE, page.is_online),
            Self::Waiting(watch) => watch.call.trouble(POLL_PATIENCE, page.is_online),
            Self::Exchanging { call, .. } => call.trouble(POLL_PATIENCE, page.is_online),
            Self::Idle | Self::Showing { .. } | Self::Ended(_) | Self::Destroyed => None,
        }
    }

    /// What a person can see coming.
    fn awaited(&self, policy: &Policy, page: Page) -> Option<Awaited> {
        match (self.trouble(page), self) {
            (Some(Trouble::Busy), _) => Some((Countdown::RetryIn, self.call()?.resumes_at()?)),
            (Some(Trouble::Unreachable | Trouble::Offline), _) => None,
            (None, Self::Waiting(watch)) => match watch.progress {
                Progress::Unheard | Progress::Unused if policy.countdown => {
                    Some((Countdown::ExpiresIn, watch.expires_at))
                }
                Progress::Unheard | Progress::Unused | Progress::Scanned(_) => None,
            },
            (
                None,
                Self::Idle
                | Self::Loading(_)
                | Self::Showing { .. }
                | Self::Exchanging { .. }
                | Self::Ended(_)
                | Self::Destroyed,
            ) => None,
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
    pub(super) fn view(&self, now: Instant, policy: &Policy, page: Page) -> ViewModel {
        let view = match self {
            Self::Idle | Self::Loading(_) => ViewModel::new(ScanState::Loading),
            Self::Showing { code, .. } => of_code(ScanState::Loading, code),
            Self::Waiting(watch) => watch.view(),
            Self::Exchanging { code, person, .. } => {
                ViewModel { person: Some(person.clone()), ..of_code(ScanState::SigningIn, code) }
            }
            Self::Ended(end) => end.view(),
            Self::Destroyed => ViewModel::new(ScanState::Destroyed),
        };
        let countdown = self.awaited(policy, page).map(|(countdown, at)| countdown(seconds_until(now, at)));
        match self.trouble(page) {
            Some(trouble) => ViewModel { state: ScanState::Unreachable, trouble, countdown, ..view },
            None => ViewModel { countdown, ..view },
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

/// The time until `at`, in seconds begun.
fn seconds_until(now: Instant, at: Instant) -> u32 {
    u32::try_from(at.since(now).as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

/// When [`seconds_until`] `at` becomes another number.
fn second_before(now: Instant, at: Instant) -> Option<Instant> {
    let next = u64::from(seconds_until(now, at)).saturating_sub(1) * 1000;
    Some(Instant(at.0.saturating_sub(next))).filter(|next| *next > now)
}
