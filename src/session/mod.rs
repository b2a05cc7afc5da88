//! What happens between the moment a page asks for a code and the moment it has a user.
//!
//! [`Session::handle`] is the only place where the state changes: an event and the time go in, effects come out. Every
//! transition stands in this file, one function an event, each with a line for every stage. Requests, the timer and the
//! view are not commanded step by step: after a transition [`Session::handle`] compares what the new state needs with
//! what the host already does, and the difference becomes effects. So a state that has no request can't leave one
//! running.
//!
//! Deliberately absent: a clock, a network, a DOM, and the numbers of polling (in `policy`).

mod event;
mod policy;
mod state;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;

use std::rc::Rc;

pub use event::{
    CheckResponse, Code, Effects, Event, Notification, Picture, Reply, Request, RequestId, ScannedResult, StatusUpdate,
    Symbol,
};
pub use policy::{Instant, Policy, WAIT};

use scanlogin_protocol::lifecycle::SCANNED_GRACE;
use scanlogin_protocol::wire::code;

use crate::error::{Error, ErrorCode};
use crate::view_model::{Action, ScanState, ViewModel};
use policy::{EXCHANGE_ATTEMPTS, Failures, GENE_ATTEMPTS, PICTURE_TIMEOUT, Phase, PollSchedule, is_worth_waiting};
use state::{End, Progress, Stage, State};

/// What a session knows of the page around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageState {
    /// Whether a person can see it.
    pub is_visible: bool,
    /// Whether the browser says that it has a network.
    pub is_online: bool,
    /// Whether it has a connection to spare for a poll that the server holds.
    pub may_hold: bool,
}

/// The state machine of one widget.
#[derive(Debug)]
pub struct Session<V> {
    policy: Policy,
    schedule: PollSchedule,
    state: State,
    page: PageState,
    refreshes_left: u32,
    notifications: Vec<Notification<V>>,
    // What the host was last told to do.
    sent: Option<RequestId>,
    wake_at: Option<Instant>,
    shown: Rc<ViewModel>,
}

impl<V> Session<V> {
    /// A session that waits for [`Event::Started`]. `seed` feeds the jitter and nothing that matters to security.
    pub fn new(policy: Policy, page: PageState, seed: u32) -> Self {
        Self {
            refreshes_left: policy.auto_refresh,
            policy,
            schedule: PollSchedule::new(seed),
            state: State::new(),
            page,
            notifications: Vec::new(),
            sent: None,
            wake_at: None,
            shown: ViewModel::new(ScanState::Loading).into(),
        }
    }

    /// Says whether the page has a connection to spare for a poll that the server holds.
    pub fn allow_holding(&mut self, may_hold: bool) {
        self.page.may_hold = may_hold;
    }

    /// Whether the server holds a poll of this session.
    pub fn is_held(&self) -> bool {
        self.state.is_held()
    }

    /// Takes in what happened at `now`, and tells what to do about it.
    ///
    /// `now` never goes back between two calls.
    pub fn handle(&mut self, now: Instant, event: Event<V>) -> Effects {
        match event {
            Event::Started => self.on_started(now, None),
            Event::StartedWith(code) => self.on_started(now, Some(code)),
            Event::Replied(id, reply) => self.on_replied(now, id, reply),
            Event::PictureShown => self.on_picture_shown(now),
            Event::PictureFailed => self.on_picture_failed(now),
            Event::Woke => {
                self.wake_at = None;
                self.on_woke(now);
            }
            Event::Clicked(action) => self.on_clicked(now, action),
            Event::Refreshed => self.on_refreshed(now),
            Event::Stopped => self.on_stopped(),
            Event::VisibilityChanged { is_visible } => {
                self.page.is_visible = is_visible;
                if is_visible {
                    self.on_resumed(now);
                }
            }
            Event::ConnectionChanged { is_online } => {
                self.page.is_online = is_online;
                if is_online {
                    self.on_resumed(now);
                }
            }
            Event::Destroyed => self.on_destroyed(),
        }
        self.effects(now)
    }

    /// What the page is to be told next, in the order in which it happened.
    pub fn next_notification(&mut self) -> Option<Notification<V>> {
        if self.notifications.is_empty() { None } else { Some(self.notifications.remove(0)) }
    }

    /// What is going on.
    pub fn state(&self) -> ScanState {
        self.shown.state
    }

    /// The difference between what the host does and what the state needs.
    fn effects(&mut self, now: Instant) -> Effects {
        let id = self.state.in_flight();
        let request = (id != self.sent).then(|| Some((id?, self.state.request(&self.policy, self.page)?)));
        self.sent = id;

        let deadline = self.state.deadline(now, &self.policy, self.page);
        let wake_at = (deadline != self.wake_at).then_some(deadline);
        self.wake_at = deadline;

        let view = self.state.view(now, &self.policy, self.page);
        let mut render = None;
        if view != *self.shown {
            self.shown = Rc::new(view);
            render = Some(self.shown.clone());
        }

        Effects { request, wake_at, render }
    }

    fn on_started(&mut self, now: Instant, code: Option<Code>) {
        match (self.state.stage, code) {
            (Stage::Idle, Some(code)) => {
                self.accept(now, code);
                self.watch(now);
            }
            (Stage::Idle, None) => self.load(now),
            (
                Stage::Loading
                | Stage::Showing
                | Stage::Waiting(_)
                | Stage::Exchanging
                | Stage::Ended(_)
                | Stage::Destroyed,
                _,
            ) => {}
        }
    }

    fn on_replied(&mut self, now: Instant, id: RequestId, reply: Result<Reply<V>, Error>) {
        if self.state.in_flight() != Some(id) {
            return;
        }
        // The request has ended by itself: there is nothing to abort.
        self.sent = None;
        // Browsers take a machine with a local network only for one that is offline: an answer proves more.
        self.page.is_online |= !matches!(&reply, Err(error) if error.code == ErrorCode::Network);
        match (self.state.stage, reply) {
            (Stage::Loading, Ok(Reply::Code(code))) => self.show(now, code),
            (Stage::Waiting(progress), Ok(Reply::Checked(checked))) => self.on_checked(now, progress, checked),
            (Stage::Exchanging, Ok(Reply::User(user_info))) => self.confirm(user_info),
            (_, Ok(Reply::Code(_) | Reply::Checked(_) | Reply::User(_))) => {
                let error = Error::temporary(ErrorCode::BadAnswer, "the answer belongs to another request");
                self.on_call_failed(now, error);
            }
            (_, Err(error)) => self.on_call_failed(now, error),
        }
    }

    fn on_checked(&mut self, now: Instant, progress: Progress, checked: CheckResponse<V>) {
        let CheckResponse { update, person, user_info, has_token, raw } = checked;
        self.notifications.push(Notification::Checked(raw));
        match (update, progress) {
            (StatusUpdate::Unknown | StatusUpdate::Unused, Progress::Unheard) => {
                self.state.stage = Stage::Waiting(Progress::Unused)
            }
            (StatusUpdate::Unknown | StatusUpdate::Unused, Progress::Unused | Progress::Scanned) => {}
            (StatusUpdate::Scanned, Progress::Scanned) => {}
            (StatusUpdate::Scanned, Progress::Unheard | Progress::Unused) => {
                self.notifications.push(Notification::Scanned(user_info));
                self.state.stage = Stage::Waiting(Progress::Scanned);
                self.state.person = Some(person);
                self.state.expires_at = self.state.expires_at + SCANNED_GRACE;
            }
            (StatusUpdate::Authorised { ticket }, _) => {
                self.state.person = Some(person);
                self.state.ticket = ticket;
                if has_token || !self.policy.auto_exchange {
                    return self.confirm(user_info);
                }
                self.state.stage = Stage::Exchanging;
                return self.send(now, Failures::default());
            }
            (StatusUpdate::Cancelled, _) => return self.cancel(now),
            (StatusUpdate::Expired, _) => return self.expire(now),
            (StatusUpdate::NeedsMfa(outcome), _) => {
                self.notifications.push(Notification::MfaNeeded(outcome));
                self.state.stage = Stage::Ended(End::NeedsMfa);
                return;
            }
            (StatusUpdate::Failed(outcome), _) => {
                let message = outcome.and_then(|outcome| outcome.message);
                let message = message.unwrap_or_else(|| "the server refused the sign-in".to_owned());
                return self.fail(Error::new(ErrorCode::SignInFailed, message));
            }
        }
        self.state.call = self.schedule.after_success(&self.policy, self.page.is_visible, now, &self.state.call);
    }

    fn on_call_failed(&mut self, now: Instant, error: Error) {
        let may_try = |attempts| is_worth_waiting(&error) && self.state.call.failures.count + 1 < attempts;
        match self.state.stage {
            Stage::Loading if may_try(GENE_ATTEMPTS) => self.back_off(now, error),
            Stage::Loading => {
                self.notifications.push(Notification::CodeLoadFailed(error.message.clone()));
                self.fail(error);
            }
            Stage::Waiting(_) if error.server_code == Some(code::UNKNOWN_CODE) => {
                // The server has forgotten the code: to a person that is the same as expired.
                self.notifications.push(Notification::Failed { error, is_fatal: false });
                self.expire(now);
            }
            Stage::Waiting(_) if error.is_temporary => self.back_off(now, error),
            Stage::Exchanging if may_try(EXCHANGE_ATTEMPTS) => self.back_off(now, error),
            Stage::Waiting(_) | Stage::Exchanging => self.fail(error),
            Stage::Idle | Stage::Showing | Stage::Ended(_) | Stage::Destroyed => {}
        }
    }

    fn on_picture_shown(&mut self, now: Instant) {
        match self.state.stage {
            Stage::Showing => self.shown(now),
            Stage::Idle
            | Stage::Loading
            | Stage::Waiting(_)
            | Stage::Exchanging
            | Stage::Ended(_)
            | Stage::Destroyed => {}
        }
    }

    fn on_picture_failed(&mut self, now: Instant) {
        match (self.state.stage, &mut self.state.code) {
            (Stage::Showing, Some(Code { picture: Some(picture), .. })) => {
                if let Picture::Image { fallback: Some(drawn), .. } = &**picture {
                    *picture = drawn.clone();
                    return self.shown(now);
                }
                let error = Error::new(ErrorCode::CodeImageFailed, "the image of the code can't be shown");
                self.notifications.push(Notification::CodeLoadFailed(error.message.clone()));
                self.fail(error);
            }
            (
                Stage::Idle
                | Stage::Loading
                | Stage::Showing
                | Stage::Waiting(_)
                | Stage::Exchanging
                | Stage::Ended(_)
                | Stage::Destroyed,
                _,
            ) => {}
        }
    }

    fn on_woke(&mut self, now: Instant) {
        match self.state.stage {
            Stage::Showing if now >= self.state.give_up_at => self.on_picture_failed(now),
            Stage::Waiting(_) if now >= self.state.ends_at() => self.expire(now),
            Stage::Loading | Stage::Waiting(_) | Stage::Exchanging if now >= self.state.call.deadline() => {
                match self.state.call.phase {
                    Phase::Resting { .. } => self.send(now, self.state.call.failures),
                    Phase::InFlight { .. } => {
                        let error = Error::temporary(ErrorCode::Timeout, "the server did not answer in time");
                        self.on_call_failed(now, error);
                    }
                }
            }
            Stage::Idle
            | Stage::Loading
            | Stage::Showing
            | Stage::Waiting(_)
            | Stage::Exchanging
            | Stage::Ended(_)
            | Stage::Destroyed => {}
        }
    }

    /// A click that comes too late for the button it was meant for changes nothing.
    fn on_clicked(&mut self, now: Instant, action: Action) {
        match (action, self.state.stage) {
            (Action::NewCode, Stage::Ended(End::Cancelled | End::Expired | End::Stopped | End::Failed))
            | (Action::ScanAgain, Stage::Waiting(_)) => {
                self.notifications.push(Notification::Retried);
                self.replace(now);
            }
            (Action::TryNow, Stage::Loading) if self.state.in_flight().is_none() => {
                self.notifications.push(Notification::Retried);
                self.on_resumed(now);
            }
            (Action::TryNow, Stage::Waiting(_) | Stage::Exchanging) => self.on_resumed(now),
            (
                Action::NewCode | Action::ScanAgain | Action::TryNow,
                Stage::Idle
                | Stage::Loading
                | Stage::Showing
                | Stage::Waiting(_)
                | Stage::Exchanging
                | Stage::Ended(_)
                | Stage::Destroyed,
            ) => {}
        }
    }

    fn on_refreshed(&mut self, now: Instant) {
        match self.state.stage {
            Stage::Loading
            | Stage::Showing
            | Stage::Waiting(_)
            | Stage::Ended(End::Cancelled | End::Expired | End::Stopped | End::Failed) => self.replace(now),
            // "Once" is a promise: after a success there is no second one.
            Stage::Idle | Stage::Exchanging | Stage::Ended(End::Confirmed | End::NeedsMfa) | Stage::Destroyed => {}
        }
    }

    /// The page is seen again or has its network back: whatever rests goes on at once.
    fn on_resumed(&mut self, now: Instant) {
        match self.state.stage {
            Stage::Loading | Stage::Waiting(_) | Stage::Exchanging => {
                self.state.call.hurry(now);
                self.on_woke(now);
            }
            Stage::Ended(End::Expired) => self.refresh_expired(now),
            Stage::Idle
            | Stage::Showing
            | Stage::Ended(End::Confirmed | End::NeedsMfa | End::Cancelled | End::Stopped | End::Failed)
            | Stage::Destroyed => {}
        }
    }

    fn on_stopped(&mut self) {
        match self.state.stage {
            Stage::Showing | Stage::Waiting(_) => self.state.stage = Stage::Ended(End::Stopped),
            // What is not polled goes on: a code on its way, a ticket that is being exchanged.
            Stage::Idle | Stage::Loading | Stage::Exchanging | Stage::Ended(_) | Stage::Destroyed => {}
        }
    }

    fn on_destroyed(&mut self) {
        self.discard();
        self.state.stage = Stage::Destroyed;
    }

    fn send(&mut self, now: Instant, failures: Failures) {
        let is_held = self.state.hold(&self.policy, self.page).is_some();
        self.state.call = self.schedule.send(&self.policy, now, is_held, failures);
    }

    fn load(&mut self, now: Instant) {
        self.state.stage = Stage::Loading;
        self.send(now, Failures::default());
    }

    fn replace(&mut self, now: Instant) {
        self.discard();
        self.load(now);
    }

    /// Has no code any more.
    fn discard(&mut self) {
        if let Some(code) = self.state.code.take() {
            self.notifications.push(Notification::CodeDestroyed { random: code.random });
        }
    }

    /// Has this code from now on.
    fn accept(&mut self, now: Instant, code: Code) {
        self.state.expires_at = now + code.lifetime;
        self.state.code = Some(code);
    }

    fn show(&mut self, now: Instant, code: Code) {
        self.notifications.push(Notification::CodeLoaded { random: code.random.clone(), url: code.url.clone() });
        let is_image = matches!(code.picture.as_deref(), Some(Picture::Image { .. }));
        self.accept(now, code);
        if !is_image {
            return self.shown(now);
        }
        self.state.stage = Stage::Showing;
        self.state.give_up_at = self.state.expires_at.min(now + PICTURE_TIMEOUT);
    }

    fn shown(&mut self, now: Instant) {
        if let Some(code) = &self.state.code {
            self.notifications.push(Notification::CodeShown { random: code.random.clone(), url: code.url.clone() });
        }
        self.watch(now);
    }

    fn watch(&mut self, now: Instant) {
        self.notifications.push(Notification::PollingStarted);
        self.state.stage = Stage::Waiting(Progress::Unheard);
        self.send(now, Failures::default());
    }

    fn confirm(&mut self, user_info: V) {
        self.notifications.push(Notification::Succeeded { user_info, ticket: self.state.ticket.clone() });
        self.state.stage = Stage::Ended(End::Confirmed);
    }

    fn cancel(&mut self, now: Instant) {
        self.notifications.push(Notification::Cancelled);
        if self.policy.refresh_on_cancel {
            return self.replace(now);
        }
        self.state.stage = Stage::Ended(End::Cancelled);
    }

    fn expire(&mut self, now: Instant) {
        self.notifications.push(Notification::Expired);
        self.refresh_expired(now);
    }

    fn refresh_expired(&mut self, now: Instant) {
        if self.refreshes_left == 0 || !self.page.is_visible {
            self.state.stage = Stage::Ended(End::Expired);
            return;
        }
        self.refreshes_left -= 1;
        self.replace(now);
    }

    fn fail(&mut self, error: Error) {
        // The server's own words are for people; those of our other errors are for developers.
        let is_for_people = matches!(error.code, ErrorCode::Refused | ErrorCode::SignInFailed);
        self.state.detail = is_for_people.then(|| error.message.as_str().into());
        self.state.stage = Stage::Ended(End::Failed);
        self.notifications.push(Notification::Failed { error, is_fatal: true });
    }

    fn back_off(&mut self, now: Instant, error: Error) {
        self.state.call = self.schedule.after_failure(self.page.is_visible, now, &self.state.call, &error);
        self.notifications.push(Notification::Failed { error, is_fatal: false });
    }
}
