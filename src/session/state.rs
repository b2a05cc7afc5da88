//! The states of a session, and what each needs: a request, a timer, a view. The transitions are in
//! `input.rs`, `response.rs` and `mod.rs`.

use core::mem;
use std::rc::Rc;

use super::PageState;
use super::event::{Code, Request, RequestId};
use super::policy::{
    EXPIRY_GRACE, GENE_FAILURE_THRESHOLD, HoldLimit, POLL_FAILURE_THRESHOLD, Policy, RequestCycle, RequestPhase,
};
use super::time::Instant;
use crate::view_model::{ConnectionProblem, Countdown, FailureCause, ScanState, ViewModel};
use scanlogin_protocol::lifecycle::{RETENTION, SCANNED_GRACE};
use scanlogin_protocol::wire::{Person, Status};

#[derive(Debug)]
pub(super) enum State {
    /// Not started.
    Idle,
    /// Requests a code.
    Loading { requests: RequestCycle },
    /// The browser loads the image of the code, until `give_up_at` at the latest.
    LoadingImage { code: Code, expires_at: Instant, give_up_at: Instant },
    /// The code is on the page and is polled.
    Polling { code: Code, expires_at: Instant, progress: Progress, hold_limit: HoldLimit, requests: RequestCycle },
    /// The user approved, and the ticket is being exchanged for the user.
    Exchanging { code: Code, person: Rc<Person>, ticket: Rc<str>, requests: RequestCycle },
    /// Nothing happens without a click or a call of the page. `code` is `None` if the server gave none.
    Ended { code: Option<Code>, end: End },
    /// The widget has ended.
    Destroyed,
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The user approved.
    Confirmed { person: Rc<Person> },
    /// The user approved, and the page has to ask for a second factor.
    NeedsMfa,
    /// The user declined.
    Cancelled,
    /// The code has expired.
    Expired,
    /// The page ended the polling.
    Stopped,
    /// A fatal error.
    Failed { cause: FailureCause },
}

/// The last known status of a code that is polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// Also before the first response: the server has just made the code.
    Unused,
    Scanned {
        person: Rc<Person>,
        /// The two digits that the person chooses on the phone.
        number: Option<Rc<str>>,
    },
    /// The user has confirmed on the device of the page, and the page asks for the ticket with the response code.
    Returned { response_code: Rc<str> },
}

impl Progress {
    /// The status that the server knows too. `None` if the next request is no poll, which the server could hold.
    pub(super) fn status(&self) -> Option<Status> {
        match self {
            Self::Unused => Some(Status::Unused),
            Self::Scanned { .. } => Some(Status::Scanned),
            Self::Returned { .. } => None,
        }
    }
}

impl State {
    /// Removes the code. The state is [`State::Idle`] afterwards: the caller sets the next one.
    pub(super) fn take_code(&mut self) -> Option<Code> {
        match mem::replace(self, Self::Idle) {
            Self::LoadingImage { code, .. } | Self::Polling { code, .. } | Self::Exchanging { code, .. } => Some(code),
            Self::Ended { code, .. } => code,
            Self::Idle | Self::Loading { .. } | Self::Destroyed => None,
        }
    }

    pub(super) fn end(&mut self, end: End) {
        *self = Self::Ended { code: self.take_code(), end };
    }

    fn code(&self) -> Option<&Code> {
        match self {
            Self::LoadingImage { code, .. } | Self::Polling { code, .. } | Self::Exchanging { code, .. } => Some(code),
            Self::Ended { code, .. } => code.as_ref(),
            Self::Idle | Self::Loading { .. } | Self::Destroyed => None,
        }
    }

    pub(super) fn requests(&self) -> Option<&RequestCycle> {
        match self {
            Self::Loading { requests } | Self::Polling { requests, .. } | Self::Exchanging { requests, .. } => {
                Some(requests)
            }
            Self::Idle | Self::LoadingImage { .. } | Self::Ended { .. } | Self::Destroyed => None,
        }
    }

    pub(super) fn requests_mut(&mut self) -> Option<&mut RequestCycle> {
        match self {
            Self::Loading { requests } | Self::Polling { requests, .. } | Self::Exchanging { requests, .. } => {
                Some(requests)
            }
            Self::Idle | Self::LoadingImage { .. } | Self::Ended { .. } | Self::Destroyed => None,
        }
    }

    /// The request in flight.
    pub(super) fn in_flight(&self) -> Option<RequestId> {
        match self.requests()?.phase {
            RequestPhase::InFlight { id, .. } => Some(id),
            RequestPhase::Scheduled { .. } => None,
        }
    }

    /// Whether the server holds the request in flight.
    pub(super) fn is_held(&self) -> bool {
        self.requests().is_some_and(RequestCycle::is_held)
    }

    /// The request in flight and its content.
    pub(super) fn request(&self, policy: &Policy) -> Option<(RequestId, Request)> {
        let RequestPhase::InFlight { id, hold, .. } = self.requests()?.phase else { return None };
        let request = match self {
            Self::Loading { .. } => Request::Gene(policy.scene),
            Self::Polling { code, progress: Progress::Returned { response_code }, .. } => Request::Complete {
                random: code.random.clone(),
                response_code: response_code.clone(),
                poll_token: code.poll_token.clone(),
            },
            Self::Polling { code, .. } => {
                Request::Check { random: code.random.clone(), poll_token: code.poll_token.clone(), hold }
            }
            Self::Exchanging { code, ticket, .. } => {
                Request::Exchange { ticket: ticket.clone(), poll_token: code.poll_token.clone() }
            }
            Self::Idle | Self::LoadingImage { .. } | Self::Ended { .. } | Self::Destroyed => return None,
        };
        Some((id, request))
    }

    /// When the timer has to fire. `None` if nothing happens by itself.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        Some(match self {
            Self::Loading { requests } | Self::Exchanging { requests, .. } => requests.deadline(),
            Self::LoadingImage { give_up_at, .. } => *give_up_at,
            Self::Polling { expires_at, progress, requests, .. } => {
                let end = end_of_polling(*expires_at);
                let is_end_ahead = now < end || requests.started_before(end);
                requests.deadline().min(if is_end_ahead { end } else { forgotten_at(*expires_at, progress) })
            }
            Self::Idle | Self::Ended { .. } | Self::Destroyed => return None,
        })
    }

    /// The problem that the view shows.
    pub(super) fn connection_problem(&self, page: PageState) -> Option<ConnectionProblem> {
        let failures = self.requests()?.failures;
        let threshold = match self {
            Self::Loading { .. } => GENE_FAILURE_THRESHOLD,
            _ => POLL_FAILURE_THRESHOLD,
        };
        if !page.is_online {
            Some(ConnectionProblem::Offline)
        } else if failures.is_busy {
            Some(ConnectionProblem::Busy)
        } else {
            (failures.count >= threshold).then_some(ConnectionProblem::Unreachable)
        }
    }

    /// Whether the code has expired, and the server is asked what became of it.
    pub(super) fn is_past_end(&self, now: Instant) -> bool {
        matches!(self, Self::Polling { expires_at, .. } if now >= end_of_polling(*expires_at))
    }

    /// The countdown that the view shows.
    fn countdown(&self, now: Instant, policy: &Policy, page: PageState) -> Option<Countdown> {
        if !page.is_visible {
            return None;
        }
        match (self.connection_problem(page), self) {
            (Some(ConnectionProblem::Busy), _) => match self.requests()?.phase {
                RequestPhase::Scheduled { at, .. } => Some(Countdown::RetryAt(at.0)),
                RequestPhase::InFlight { .. } => None,
            },
            (None, Self::Polling { expires_at, progress: Progress::Unused, .. })
                if policy.countdown && !self.is_past_end(now) =>
            {
                Some(Countdown::ExpiresAt(expires_at.0))
            }
            (Some(ConnectionProblem::Unreachable | ConnectionProblem::Offline) | None, _) => None,
        }
    }

    pub(super) fn view(&self, now: Instant, policy: &Policy, page: PageState) -> ViewModel {
        let (mut person, mut number) = (None, None);
        let state = match self {
            Self::Idle | Self::Loading { .. } | Self::LoadingImage { .. } => ScanState::Loading,
            Self::Polling { progress: Progress::Returned { .. }, .. } => ScanState::SigningIn,
            Self::Polling { progress: Progress::Unused, .. } if self.is_past_end(now) => ScanState::Loading,
            Self::Polling { progress: Progress::Unused, .. } => ScanState::Ready,
            Self::Polling { progress: Progress::Scanned { person: scanned_by, number: shown }, .. } => {
                person = Some(scanned_by);
                number = shown.as_ref();
                ScanState::Scanned
            }
            Self::Exchanging { person: confirmed_by, .. } => {
                person = Some(confirmed_by);
                ScanState::SigningIn
            }
            Self::Ended { end, .. } => match end {
                End::Confirmed { person: confirmed_by } => {
                    person = Some(confirmed_by);
                    ScanState::Confirmed
                }
                End::NeedsMfa => ScanState::NeedsMfa,
                End::Cancelled => ScanState::Cancelled,
                End::Expired => ScanState::Expired,
                End::Stopped => ScanState::Stopped,
                End::Failed { cause } => ScanState::Failed(*cause),
            },
            Self::Destroyed => ScanState::Destroyed,
        };
        ViewModel {
            state: self.connection_problem(page).map_or(state, ScanState::Unreachable),
            picture: self.code().and_then(|code| code.picture.clone()),
            link: self.code().and_then(|code| code.link.clone()),
            is_expired: self.is_past_end(now),
            person: person.cloned(),
            number: number.cloned(),
            countdown: self.countdown(now, policy, page),
        }
    }
}

/// When polls of a code that expires at `expires_at` are no longer waited for. The first response to a later poll
/// decides.
pub(super) fn end_of_polling(expires_at: Instant) -> Instant {
    expires_at + EXPIRY_GRACE
}

/// When the server has forgotten a code that expires at `expires_at`, whatever became of it since the last poll: a code
/// that was last seen as unused may have been scanned before its expiry and approved up to [`SCANNED_GRACE`] after it.
pub(super) fn forgotten_at(expires_at: Instant, progress: &Progress) -> Instant {
    let last_decision = match progress {
        Progress::Unused => expires_at + SCANNED_GRACE,
        // `expires_at` contains the grace.
        Progress::Scanned { .. } => expires_at,
        // The server expires it as a scanned code.
        Progress::Returned { .. } => expires_at + SCANNED_GRACE,
    };
    last_decision + RETENTION
}
