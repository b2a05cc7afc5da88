//! A reference model of the session, written from docs/protocol.md ("Callbacks", "Polling rules").
//!
//! The model predicts the state, the callbacks and the content of each request. The host tells it what the session
//! chooses: when a request is sent, and when the timer fires.

use core::mem;
use core::time::Duration;

use scanlogin_protocol::lifecycle::{RETENTION, SCANNED_GRACE};
use scanlogin_protocol::wire::{Scene, Status};

use super::host::Sent;
use crate::error::{Error, ErrorCode};
use crate::session::{CheckResponse, Code, Event, Hold, Instant, Policy, Reply, Request, StatusUpdate};
use crate::view_model::{Action, ConnectionProblem, FailureCause, Picture, ScanState};

/// How long the first held poll of a code is held.
const WAIT: Duration = Duration::from_secs(25);

/// The state, without connection problems.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Loading,
    LoadingImage {
        since: Instant,
    },
    Ready,
    Scanned,
    /// The user has confirmed on the device of the page.
    Returned,
    SigningIn,
    Ended(ScanState),
}

#[derive(Debug)]
pub(super) struct Model {
    policy: Policy,
    stage: Stage,
    /// The time of the last event.
    now: Instant,
    /// The code on the page, and when the page received it.
    code: Option<(Code, Instant)>,
    /// Whether the last poll succeeded over the present connection.
    is_proven: bool,
    /// How long polls of the code can be held.
    wait: Duration,
    /// The held polls that were cut since the last one that was held for its whole wait.
    cuts: u32,
    is_visible: bool,
    has_left: bool,
    is_online: bool,
    /// The failed requests in a row, and whether the last one had a 429 or `Retry-After`.
    failures: (u32, bool),
    refreshes_left: u32,
    /// Whether another page has taken the sign-in.
    pub(super) is_taken: bool,
    callbacks: Vec<String>,
}

impl Model {
    /// A session after [`Event::Started`].
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            refreshes_left: policy.auto_refresh,
            policy,
            stage: Stage::Loading,
            now: Instant(0),
            code: None,
            is_proven: false,
            wait: WAIT,
            cuts: 0,
            is_visible: true,
            has_left: false,
            is_online: true,
            failures: (0, false),
            is_taken: false,
            callbacks: Vec::new(),
        }
    }

    pub(super) fn state(&self) -> ScanState {
        let threshold = if self.stage == Stage::Loading { 1 } else { 2 };
        let (failures, is_busy) = self.failures;
        let state = match self.stage {
            Stage::LoadingImage { .. } => return ScanState::Loading,
            Stage::Ended(state) => return state,
            Stage::Loading => ScanState::Loading,
            Stage::Ready if self.is_past_end(self.now) => ScanState::Loading,
            Stage::Ready => ScanState::Ready,
            Stage::Scanned => ScanState::Scanned,
            Stage::Returned | Stage::SigningIn => ScanState::SigningIn,
        };
        match (self.is_online, is_busy) {
            (false, _) => ScanState::Unreachable(ConnectionProblem::Offline),
            (true, true) => ScanState::Unreachable(ConnectionProblem::Busy),
            (true, false) if failures >= threshold => ScanState::Unreachable(ConnectionProblem::Unreachable),
            (true, false) => state,
        }
    }

    pub(super) fn shows_code(&self) -> bool {
        self.code.as_ref().is_some_and(|(code, _)| code.picture.is_some())
    }

    pub(super) fn shows_person(&self) -> bool {
        matches!(self.stage, Stage::Scanned | Stage::SigningIn | Stage::Ended(ScanState::Confirmed))
    }

    /// The request that the session sends in this state. `None` if it sends none.
    pub(super) fn request(&self, may_hold: bool) -> Option<Request> {
        let may_hold = may_hold
            && self.policy.long_poll
            && self.is_visible
            && self.is_proven
            && self.wait >= Duration::from_secs(1)
            && !self.is_past_end(self.now);
        let status = match self.stage {
            Stage::Loading => return Some(Request::Gene(Scene::App)),
            Stage::LoadingImage { .. } | Stage::Ended(_) => return None,
            Stage::Scanned => Status::Scanned,
            Stage::Ready | Stage::Returned | Stage::SigningIn => Status::Unused,
        };
        let (Code { random, poll_token, response_code, .. }, _) = self.code.clone()?;
        Some(match self.stage {
            Stage::Returned => Request::Complete { random, response_code: response_code?, poll_token },
            Stage::SigningIn => Request::Exchange { ticket: "ticket".into(), poll_token },
            _ => Request::Check { random, poll_token, hold: may_hold.then_some(Hold { status, wait: self.wait }) },
        })
    }

    /// When the page no longer waits for polls of the code, and when the server has forgotten it. The second time does
    /// not depend on what the page knows: the code may have been scanned and approved since the last poll.
    fn end(&self) -> Option<(Instant, Instant)> {
        let (code, received_at) = self.code.as_ref()?;
        let unused_until = *received_at + code.lifetime;
        let scanned_until = unused_until + SCANNED_GRACE;
        let expires_at = if self.stage == Stage::Scanned { scanned_until } else { unused_until };
        Some((expires_at + Duration::from_secs(2), scanned_until + RETENTION))
    }

    fn is_past_end(&self, time: Instant) -> bool {
        self.end().is_some_and(|(end, _)| time >= end)
    }

    /// Handles `event`, and returns the expected callbacks. `in_flight` is the request in flight before it.
    pub(super) fn handle(&mut self, now: Instant, event: &Event<String>, in_flight: Option<&Sent>) -> Vec<String> {
        self.now = now;
        match event {
            Event::Started | Event::StartedWith(_) | Event::StartedWithReply(_) => {}
            Event::Replied(id, reply) => {
                if let Some(sent) = in_flight.filter(|sent| sent.id == *id) {
                    self.on_reply(now, reply, sent);
                }
            }
            Event::ImageLoaded => {
                if let Stage::LoadingImage { .. } = self.stage {
                    self.show_code();
                }
            }
            Event::ImageFailed => {
                if let Stage::LoadingImage { .. } = self.stage {
                    self.on_image_failed();
                }
            }
            Event::TimerFired => self.on_time(now, in_flight),
            Event::Clicked(action) => self.on_click(now, *action, in_flight),
            Event::Refreshed => {
                let is_approved = matches!(
                    self.stage,
                    Stage::SigningIn | Stage::Ended(ScanState::Confirmed | ScanState::NeedsMfa | ScanState::Destroyed)
                );
                if !is_approved {
                    self.replace();
                }
            }
            Event::Stopped => {
                if self.is_polled() || matches!(self.stage, Stage::LoadingImage { .. }) {
                    self.stage = Stage::Ended(ScanState::Stopped);
                }
            }
            Event::PageShown { .. } if !self.has_left => {}
            Event::VisibilityChanged { is_visible } | Event::PageShown { is_visible } => {
                self.is_visible = *is_visible;
                if *is_visible {
                    self.has_left = false;
                    self.on_resumed(now, in_flight);
                }
            }
            Event::ConnectionChanged { is_online } => {
                self.is_online = *is_online;
                if *is_online {
                    self.on_resumed(now, in_flight);
                }
            }
            Event::Left => {
                self.has_left = true;
                if self.is_polled() {
                    self.is_proven = false;
                }
            }
            Event::Destroyed => {
                self.destroy_code();
                self.stage = Stage::Ended(ScanState::Destroyed);
            }
        }
        mem::take(&mut self.callbacks)
    }

    fn on_reply(&mut self, now: Instant, reply: &Result<Reply<String>, Error>, sent: &Sent) {
        self.is_online |= !matches!(reply, Err(error) if error.code() == ErrorCode::Network);
        match (self.stage, reply) {
            (Stage::Loading, Ok(Reply::Code(code))) => {
                self.call(&format!("onCodeLoaded {}", code.random));
                self.code = Some((code.clone(), now));
                match (&code.response_code, code.picture.as_deref()) {
                    (Some(_), _) => self.start_polling(Stage::Returned),
                    (None, Some(Picture::Image { .. })) => self.stage = Stage::LoadingImage { since: now },
                    (None, _) => self.show_code(),
                }
            }
            (Stage::Ready | Stage::Scanned | Stage::Returned, Ok(Reply::Checked(response))) => {
                self.on_status(response, sent)
            }
            (Stage::SigningIn, Ok(Reply::User(user))) => self.succeed(user),
            (_, Ok(_)) => {
                let message = "the response belongs to another request";
                self.on_request_failed(now, &Error::temporary(ErrorCode::BadAnswer, message), sent);
            }
            (_, Err(error)) => self.on_request_failed(now, error, sent),
        }
    }

    fn on_status(&mut self, response: &CheckResponse<String>, sent: &Sent) {
        self.failures = (0, false);
        self.is_proven = true;
        if let Request::Check { hold: Some(hold), .. } = &sent.request
            && self.now >= sent.at + hold.wait
        {
            self.cuts = 0;
        }
        self.call(&format!("onResult {}", response.raw));
        match (&response.update, self.stage) {
            (StatusUpdate::Scanned { .. }, Stage::Ready) => {
                self.call("onScanned alice");
                self.stage = Stage::Scanned;
            }
            (StatusUpdate::Unknown | StatusUpdate::Unused | StatusUpdate::Scanned { .. }, _) => {}
            (StatusUpdate::Authorised { .. }, _) if self.is_taken => self.stage = Stage::Ended(ScanState::Stopped),
            (StatusUpdate::Authorised { .. }, _) if self.policy.auto_exchange && !response.has_token => {
                self.stage = Stage::SigningIn;
            }
            (StatusUpdate::Authorised { .. }, _) => self.succeed("alice"),
            (StatusUpdate::Cancelled, _) => {
                self.call("onCancel");
                if self.policy.refresh_on_cancel {
                    self.replace();
                } else {
                    self.stage = Stage::Ended(ScanState::Cancelled);
                }
            }
            (StatusUpdate::Expired, _) => self.expire(),
            (StatusUpdate::NeedsMfa(_), _) => {
                self.call("onMfa");
                self.stage = Stage::Ended(ScanState::NeedsMfa);
            }
            (StatusUpdate::Failed(_), _) => self.fail(ErrorCode::SignInFailed, None),
        }
        if self.is_polled() && self.is_past_end(sent.at) {
            self.expire();
        }
    }

    fn on_request_failed(&mut self, now: Instant, error: &Error, sent: &Sent) {
        if let (Stage::Ready | Stage::Scanned, Request::Check { hold: Some(hold), .. }) = (self.stage, &sent.request)
            && now >= sent.at + Duration::from_secs(2)
            && error.retry_after().is_none()
        {
            let whole_seconds = Duration::from_secs(now.since(sent.at).as_secs());
            let wait = match error.code() {
                ErrorCode::Timeout => Some(hold.wait / 2),
                ErrorCode::Network | ErrorCode::Unavailable => Some(whole_seconds - Duration::from_secs(1)),
                _ => None,
            };
            if let Some(wait) = wait {
                self.cuts += 1;
                if self.cuts > 1 {
                    self.wait = wait.min(hold.wait);
                }
                self.is_proven = false;
                return;
            }
        }
        let is_soon = error.retry_after().is_none_or(|delay| delay <= Duration::from_secs(120));
        let attempts = self.failures.0 + 1;
        let is_retried = error.is_temporary()
            && match self.stage {
                Stage::Loading => is_soon && attempts < 8,
                Stage::SigningIn => is_soon && attempts < 4,
                _ => true,
            };
        if is_retried {
            self.failures = (attempts, error.code() == ErrorCode::RateLimited || error.retry_after().is_some());
            self.is_proven = false;
            self.call(&format!("onError {}", error.code().as_str()));
        } else if self.stage == Stage::Returned || self.is_polled() && error.server_code() == Some(2241) {
            self.call(&format!("onError {}", error.code().as_str()));
            self.expire();
        } else {
            if self.stage == Stage::Loading {
                self.call(&format!("onCodeLoadFailed {}", error.message()));
            }
            self.fail(error.code(), error.server_code());
        }
    }

    fn on_image_failed(&mut self) {
        if let Some((Code { picture: Some(picture), .. }, _)) = &self.code
            && let Picture::Image { fallback: None, .. } = &**picture
        {
            self.call("onCodeLoadFailed the image of the code can't be shown");
            self.fail(ErrorCode::CodeImageFailed, None);
        } else {
            self.show_code();
        }
    }

    /// Ends what is overdue.
    fn on_time(&mut self, now: Instant, in_flight: Option<&Sent>) {
        let expires_at = self.code.as_ref().map(|(code, received_at)| *received_at + code.lifetime);
        match self.stage {
            Stage::LoadingImage { since } => {
                if now >= since + Duration::from_secs(10) || expires_at.is_some_and(|at| now >= at) {
                    self.on_image_failed();
                }
                return;
            }
            Stage::Ready | Stage::Scanned | Stage::Returned => {
                if self.end().is_some_and(|(_, forgotten_at)| now >= forgotten_at) {
                    return self.expire();
                }
                if let Some(sent) = in_flight
                    && self.is_past_end(now)
                    && !self.is_past_end(sent.at)
                {
                    // It is dropped, and the server is asked anew.
                    self.is_proven = false;
                    return;
                }
            }
            _ => {}
        }
        if let Some(sent) = in_flight {
            let timeout = match &sent.request {
                Request::Check { hold: Some(hold), .. } => hold.wait + Duration::from_secs(3),
                Request::Gene(_) | Request::Check { .. } | Request::Complete { .. } | Request::Exchange { .. } => {
                    Duration::from_secs(10)
                }
            };
            if now >= sent.at + timeout {
                let error = Error::temporary(ErrorCode::Timeout, "the server did not respond in time");
                self.on_request_failed(now, &error, sent);
            }
        }
    }

    fn on_click(&mut self, now: Instant, action: Action, in_flight: Option<&Sent>) {
        match (action, self.stage) {
            (
                Action::NewCode,
                Stage::Ended(ScanState::Cancelled | ScanState::Expired | ScanState::Stopped | ScanState::Failed(_)),
            )
            | (Action::ScanAgain, Stage::Ready | Stage::Scanned | Stage::Returned) => {
                self.call("onRetry");
                self.replace();
            }
            (Action::NewCode, Stage::Ready | Stage::Scanned | Stage::Returned)
                if self.is_past_end(now)
                    && matches!(
                        self.state(),
                        ScanState::Unreachable(ConnectionProblem::Busy | ConnectionProblem::Unreachable)
                    ) =>
            {
                self.call("onRetry");
                self.replace();
            }
            (Action::TryNow, Stage::Loading) if in_flight.is_none() => self.call("onRetry"),
            (Action::TryNow, Stage::Ready | Stage::Scanned | Stage::Returned | Stage::SigningIn) => {
                self.on_resumed(now, in_flight)
            }
            _ => {}
        }
    }

    fn on_resumed(&mut self, now: Instant, in_flight: Option<&Sent>) {
        match self.stage {
            Stage::Loading | Stage::SigningIn => self.on_time(now, in_flight),
            Stage::Ready | Stage::Scanned | Stage::Returned => {
                // The poll in flight is dropped, and the server is asked anew.
                self.is_proven = false;
                self.on_time(now, None);
            }
            Stage::Ended(ScanState::Expired) => self.refresh_expired(),
            Stage::LoadingImage { .. } | Stage::Ended(_) => {}
        }
    }

    fn show_code(&mut self) {
        if let Some((code, _)) = &self.code {
            self.callbacks.push(format!("onCodeShow {}", code.random));
        }
        self.start_polling(Stage::Ready);
    }

    fn start_polling(&mut self, stage: Stage) {
        self.call("onStart");
        self.failures = (0, false);
        self.is_proven = !self.policy.reports_results;
        self.wait = WAIT;
        self.cuts = 0;
        self.stage = stage;
    }

    fn is_polled(&self) -> bool {
        matches!(self.stage, Stage::Ready | Stage::Scanned | Stage::Returned)
    }

    fn destroy_code(&mut self) {
        if let Some((code, _)) = self.code.take() {
            self.call(&format!("onCodeDestroyed {}", code.random));
        }
    }

    fn replace(&mut self) {
        self.destroy_code();
        self.failures = (0, false);
        self.stage = Stage::Loading;
    }

    fn expire(&mut self) {
        self.call("onExpired");
        self.refresh_expired();
    }

    fn refresh_expired(&mut self) {
        if self.refreshes_left > 0 && self.is_visible {
            self.refreshes_left -= 1;
            self.replace();
        } else {
            self.stage = Stage::Ended(ScanState::Expired);
        }
    }

    fn succeed(&mut self, user: &str) {
        self.call(&format!("onSuccess {user} ticket"));
        self.stage = Stage::Ended(ScanState::Confirmed);
    }

    fn fail(&mut self, code: ErrorCode, server_code: Option<i32>) {
        self.call(&format!("onError {} fatal", code.as_str()));
        let cause = match (code, server_code) {
            (ErrorCode::Refused, Some(1001)) => FailureCause::SiteProblem,
            (ErrorCode::SignInFailed, _) => FailureCause::AccountRefused,
            (ErrorCode::Refused | ErrorCode::CodeImageFailed, _) => FailureCause::Other,
            _ => FailureCause::NoConnection,
        };
        self.stage = Stage::Ended(ScanState::Failed(cause));
    }

    fn call(&mut self, callback: &str) {
        self.callbacks.push(callback.to_owned());
    }
}
