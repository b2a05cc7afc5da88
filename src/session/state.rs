//! Where a session stands, and what that needs: a request, a wake-up, a view.
//!
//! Deliberately absent: transitions, which all stand in the module above.

use std::rc::Rc;

use super::PageState;
use super::event::{Code, Request, RequestId};
use super::policy::{Call, EXPIRY_GRACE, GENE_FAILURE_THRESHOLD, Instant, POLL_FAILURE_THRESHOLD, Phase, Policy};
use crate::view_model::{ConnectionProblem, Countdown, ScanState, ViewModel};
use scanlogin_protocol::wire::{Person, Status};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not begun.
    Idle,
    /// Asking for a code.
    Loading,
    /// The image of the code is on its way to the page.
    Showing,
    /// The code is on the page, and the server is asked about it.
    Waiting(Progress),
    /// The user approved, and the ticket is being exchanged.
    Exchanging,
    /// Nothing happens by itself any more.
    Ended(End),
    /// The page wanted no more.
    Destroyed,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The user approved.
    Confirmed,
    /// The page has to ask for a second factor.
    NeedsMfa,
    /// The user declined.
    Cancelled,
    /// The code is too old.
    Expired,
    /// The page wants no more polls.
    Stopped,
    /// It can't go on without a person.
    Failed,
}

/// How far a person has come with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The server has not yet been heard. The first poll is not held: it shows that polling works.
    Unheard,
    Unused,
    Scanned,
}

/// A stage, and beside it what several stages need: so that nothing has to be moved when one follows another. What a
/// stage does not need is not looked at while it lasts.
#[derive(Debug)]
pub(super) struct State {
    pub(super) stage: Stage,
    /// The code that is on the page, or on its way there.
    pub(super) code: Option<Code>,
    pub(super) expires_at: Instant,
    /// When [`Stage::Showing`] has taken too long.
    pub(super) give_up_at: Instant,
    /// Who scanned, from [`Progress::Scanned`] on.
    pub(super) person: Option<Rc<Person>>,
    /// What [`Stage::Exchanging`] exchanges.
    pub(super) ticket: Rc<str>,
    /// The line to the server in the stages that have one: see [`State::call`].
    pub(super) call: Call,
    /// The server's own words about [`End::Failed`].
    pub(super) detail: Option<Rc<str>>,
}

/// What a person waits for, and when it comes.
type Awaited = (fn(u32) -> Countdown, Instant);

impl State {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Idle,
            code: None,
            expires_at: Instant(0),
            give_up_at: Instant(0),
            person: None,
            ticket: Rc::default(),
            call: Call::default(),
            detail: None,
        }
    }

    fn call(&self) -> Option<&Call> {
        match self.stage {
            Stage::Loading | Stage::Waiting(_) | Stage::Exchanging => Some(&self.call),
            Stage::Idle | Stage::Showing | Stage::Ended(_) | Stage::Destroyed => None,
        }
    }

    /// The request that is out.
    pub(super) fn in_flight(&self) -> Option<RequestId> {
        match self.call()?.phase {
            Phase::InFlight { id, .. } => Some(id),
            Phase::Resting { .. } => None,
        }
    }

    /// Whether the server holds the request that is out.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.call(), Some(Call { phase: Phase::InFlight { is_held: true, .. }, .. }))
    }

    /// What the server is to be asked.
    pub(super) fn request(&self, policy: &Policy, page: PageState) -> Option<Request> {
        match (self.stage, &self.code) {
            (Stage::Loading, _) => Some(Request::Gene(policy.scene)),
            (Stage::Waiting(_), Some(Code { random, poll_token, .. })) => Some(Request::Check {
                random: random.clone(),
                poll_token: poll_token.clone(),
                hold: self.hold(policy, page),
            }),
            (Stage::Exchanging, Some(Code { poll_token, .. })) => {
                Some(Request::Exchange { ticket: self.ticket.clone(), poll_token: poll_token.clone() })
            }
            (
                Stage::Idle
                | Stage::Showing
                | Stage::Waiting(_)
                | Stage::Exchanging
                | Stage::Ended(_)
                | Stage::Destroyed,
                _,
            ) => None,
        }
    }

    /// The status that a held request is to outlast.
    pub(super) fn hold(&self, policy: &Policy, page: PageState) -> Option<Status> {
        // Held polls of pages that nobody sees would use up the connections of the one that somebody looks at. A request
        // after a failure is not held: its answer tells a person that the trouble is over.
        let may_hold = policy.long_poll && page.is_visible && page.may_hold && self.call.failures.count == 0;
        match self.stage {
            Stage::Waiting(Progress::Unused) if may_hold => Some(Status::Unused),
            Stage::Waiting(Progress::Scanned) if may_hold => Some(Status::Scanned),
            Stage::Idle
            | Stage::Loading
            | Stage::Showing
            | Stage::Waiting(Progress::Unheard | Progress::Unused | Progress::Scanned)
            | Stage::Exchanging
            | Stage::Ended(_)
            | Stage::Destroyed => None,
        }
    }

    /// When the code has ended, whatever the network does.
    pub(super) fn ends_at(&self) -> Instant {
        self.expires_at + EXPIRY_GRACE
    }

    /// When something has to happen by itself; `None` for ever.
    pub(super) fn deadline(&self, now: Instant, policy: &Policy, page: PageState) -> Option<Instant> {
        let deadline = match self.stage {
            Stage::Loading | Stage::Exchanging => self.call.deadline(),
            Stage::Showing => self.give_up_at,
            Stage::Waiting(_) => self.ends_at().min(self.call.deadline()),
            Stage::Idle | Stage::Ended(_) | Stage::Destroyed => return None,
        };
        let next_second = if page.is_visible { self.awaited(policy, page) } else { None };
        let next_second = next_second.and_then(|(_, at)| second_before(now, at));
        Some(next_second.map_or(deadline, |next| next.min(deadline)))
    }

    /// What keeps it from going on, as far as a person should know.
    fn trouble(&self, page: PageState) -> Option<ConnectionProblem> {
        let patience = if self.stage == Stage::Loading { GENE_FAILURE_THRESHOLD } else { POLL_FAILURE_THRESHOLD };
        self.call()?.trouble(patience, page.is_online)
    }

    /// What a person can see coming.
    fn awaited(&self, policy: &Policy, page: PageState) -> Option<Awaited> {
        match (self.trouble(page), self.stage) {
            (Some(ConnectionProblem::Busy), _) => Some((Countdown::RetryIn, self.call.resumes_at()?)),
            (None, Stage::Waiting(Progress::Unheard | Progress::Unused)) if policy.countdown => {
                Some((Countdown::ExpiresIn, self.expires_at))
            }
            (Some(ConnectionProblem::Unreachable | ConnectionProblem::Offline) | None, _) => None,
        }
    }

    /// What a person sees.
    pub(super) fn view(&self, now: Instant, policy: &Policy, page: PageState) -> ViewModel {
        let (state, is_scanned) = match self.stage {
            Stage::Idle | Stage::Loading | Stage::Showing => (ScanState::Loading, false),
            Stage::Waiting(Progress::Unheard | Progress::Unused) => (ScanState::Ready, false),
            Stage::Waiting(Progress::Scanned) => (ScanState::Scanned, true),
            Stage::Exchanging => (ScanState::SigningIn, true),
            Stage::Ended(End::Confirmed) => (ScanState::Confirmed, true),
            Stage::Ended(End::NeedsMfa) => (ScanState::NeedsMfa, false),
            Stage::Ended(End::Cancelled) => (ScanState::Cancelled, false),
            Stage::Ended(End::Expired) => (ScanState::Expired, false),
            Stage::Ended(End::Stopped) => (ScanState::Stopped, false),
            Stage::Ended(End::Failed) => (ScanState::Failed, false),
            Stage::Destroyed => (ScanState::Destroyed, false),
        };
        let trouble = self.trouble(page);
        ViewModel {
            state: if trouble.is_some() { ScanState::Unreachable } else { state },
            picture: self.code.as_ref().and_then(|code| code.picture.clone()),
            person: self.person.clone().filter(|_| is_scanned),
            trouble: trouble.unwrap_or_default(),
            countdown: self.awaited(policy, page).map(|(countdown, at)| countdown(seconds_until(now, at))),
            detail: self.detail.clone().filter(|_| state == ScanState::Failed),
        }
    }
}

/// The time until `at`, in seconds begun.
fn seconds_until(now: Instant, at: Instant) -> u32 {
    u32::try_from(at.0.saturating_sub(now.0).div_ceil(1000)).unwrap_or(u32::MAX)
}

/// When [`seconds_until`] `at` becomes another number.
fn second_before(now: Instant, at: Instant) -> Option<Instant> {
    let next = u64::from(seconds_until(now, at)).saturating_sub(1) * 1000;
    Some(Instant(at.0.saturating_sub(next))).filter(|next| *next > now)
}
