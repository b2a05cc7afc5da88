//! The state machine of a widget: from the request for a code to the user.
//!
//! [`Session::handle`] takes an event and returns effects. Each event has a function `on_…` in `input.rs` or
//! `response.rs`. The steps that these functions share are in this file. Transitions do not command requests, the timer
//! or the view: [`Session::handle`] compares what the new state needs with what the host does already, and returns the
//! difference.
//!
//! Invariant: the state changes only in [`Session::handle`].

mod event;
mod input;
mod policy;
mod response;
mod state;
mod time;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;

use std::rc::Rc;

pub use event::{
    CheckResponse, Code, Context, Effects, Event, Hold, Link, Notification, Reply, Request, RequestEffect, RequestId,
    ScannedResult, StatusUpdate, TimerEffect,
};
pub use policy::Policy;
pub use time::Instant;

use scanlogin_protocol::wire::Person;

use crate::error::Error;
use crate::view_model::{FailureCause, Picture, ScanState, ViewModel};
use policy::{Failures, HoldLimit, IMAGE_TIMEOUT, PollSchedule, RequestCycle};
use state::{End, Progress, State, end_of_polling};

/// What the browser reports about the page when the session starts. Events report the changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageState {
    /// Whether the page is visible.
    pub is_visible: bool,
    /// Whether the browser is online.
    pub is_online: bool,
}

/// The state machine of one widget.
#[derive(Debug)]
pub struct Session<V> {
    policy: Policy,
    schedule: PollSchedule,
    state: State,
    page: PageState,
    /// [`Context::may_hold`] of the current event.
    may_hold: bool,
    /// [`Context::is_taken`] of the current event.
    is_taken: bool,
    /// Whether the page was left and is not visible again.
    has_left: bool,
    refreshes_left: u32,
    /// When the current code, or the one that is loading, was requested.
    loaded_at: Instant,
    notifications: Vec<Notification<V>>,
    // What the host does as a result of the last effects.
    in_flight: Option<RequestId>,
    wake_at: Option<Instant>,
    shown: Rc<ViewModel>,
}

impl<V> Session<V> {
    /// A session that waits for [`Event::Started`] or another event that starts it. `seed` decides the jitter.
    pub fn new(policy: Policy, page: PageState, seed: u32) -> Self {
        Self {
            refreshes_left: policy.auto_refresh,
            policy,
            schedule: PollSchedule::new(seed),
            state: State::Idle,
            page,
            may_hold: false,
            is_taken: false,
            has_left: false,
            loaded_at: Instant(0),
            notifications: Vec::new(),
            in_flight: None,
            wake_at: None,
            shown: ViewModel::new(ScanState::Loading).into(),
        }
    }

    /// Whether the server holds a poll of this session.
    pub fn is_held(&self) -> bool {
        self.state.is_held()
    }

    /// Handles an event, and returns what the host has to do.
    pub fn handle(&mut self, context: Context, event: Event<V>) -> Effects {
        let Context { now, may_hold, is_taken } = context;
        (self.may_hold, self.is_taken) = (may_hold, is_taken);
        match event {
            Event::Started => self.on_started(now, None),
            Event::StartedWith(code) => self.on_started(now, Some(code)),
            Event::StartedWithReply(reply) => self.on_started_with_reply(now, reply),
            Event::Replied(id, reply) => self.on_replied(now, id, reply),
            Event::ImageLoaded => self.on_image_loaded(now),
            Event::ImageFailed => self.on_image_failed(now),
            Event::TimerFired => {
                self.wake_at = None;
                self.on_timer_fired(now);
            }
            Event::Clicked(action) => self.on_clicked(now, action),
            Event::Refreshed => self.on_refreshed(now),
            Event::Stopped => self.on_stopped(),
            Event::VisibilityChanged { is_visible } => self.on_visibility_changed(now, is_visible),
            Event::PageShown { is_visible } => self.on_page_shown(now, is_visible),
            Event::ConnectionChanged { is_online } => {
                self.page.is_online = is_online;
                if is_online {
                    self.on_resumed(now);
                }
            }
            Event::Left => self.on_left(now),
            Event::Destroyed => self.on_destroyed(),
        }
        self.effects(now)
    }

    /// Returns the oldest notification that was not returned yet.
    pub fn next_notification(&mut self) -> Option<Notification<V>> {
        if self.notifications.is_empty() { None } else { Some(self.notifications.remove(0)) }
    }

    /// The state that the view shows.
    pub fn state(&self) -> ScanState {
        self.shown.state
    }

    /// The difference between what the host does and what the state needs.
    fn effects(&mut self, now: Instant) -> Effects {
        let id = self.state.in_flight();
        let request = if id == self.in_flight {
            RequestEffect::Keep
        } else {
            match self.state.request(&self.policy) {
                Some((id, request)) => RequestEffect::Send(id, request),
                None => RequestEffect::Abort,
            }
        };
        self.in_flight = id;

        let deadline = self.state.deadline(now);
        let timer = if deadline == self.wake_at {
            TimerEffect::Keep
        } else {
            deadline.map_or(TimerEffect::Clear, TimerEffect::Set)
        };
        self.wake_at = deadline;

        let view = self.state.view(now, &self.policy, self.page);
        let mut render = None;
        if view != *self.shown {
            self.shown = Rc::new(view);
            render = Some(self.shown.clone());
        }

        Effects { request, timer, render }
    }

    /// Requests a code.
    fn load(&mut self, now: Instant) {
        self.loaded_at = now;
        self.state = State::Loading { requests: self.first_request(now) };
    }

    /// Discards the code and requests a new one.
    fn replace(&mut self, now: Instant) {
        self.discard_code();
        self.load(now);
    }

    /// Replaces the code without a click, at the earliest one interval after the request for it. A server that ends each code
    /// at once would otherwise get requests without a pause.
    fn replace_without_click(&mut self, now: Instant) {
        let at = self.loaded_at + self.policy.interval;
        if now >= at {
            return self.replace(now);
        }
        self.discard_code();
        self.loaded_at = at;
        self.state = State::Loading { requests: RequestCycle::scheduled(at) };
    }

    fn discard_code(&mut self) {
        if let Some(code) = self.state.take_code() {
            self.notifications.push(Notification::CodeDestroyed { random: code.random });
        }
    }

    fn on_code(&mut self, now: Instant, code: Code) {
        self.notifications.push(Notification::CodeLoaded { random: code.random.clone(), url: code.url.clone() });
        let expires_at = now + code.lifetime;
        if code.response_code.is_some() {
            // Nobody scans it any more, so that it is not shown.
            self.poll(now, code, expires_at);
        } else if let Some(Picture::Image { .. }) = code.picture.as_deref() {
            let give_up_at = expires_at.min(now + IMAGE_TIMEOUT);
            self.state = State::LoadingImage { code, expires_at, give_up_at };
        } else {
            self.on_code_shown(now, code, expires_at);
        }
    }

    fn on_code_shown(&mut self, now: Instant, code: Code, expires_at: Instant) {
        self.notifications.push(Notification::CodeShown { random: code.random.clone(), url: code.url.clone() });
        self.poll(now, code, expires_at);
    }

    fn poll(&mut self, now: Instant, code: Code, expires_at: Instant) {
        self.notifications.push(Notification::PollingStarted);
        let progress = match &code.response_code {
            Some(response_code) => Progress::Returned { response_code: response_code.clone() },
            None => Progress::Unused,
        };
        let hold_limit = HoldLimit::INITIAL;
        let requests = RequestCycle::of_new_code(&self.policy, now);
        self.state = State::Polling { code, expires_at, progress, hold_limit, requests };
        self.send(now);
    }

    fn exchange(&mut self, now: Instant, person: Rc<Person>, ticket: Rc<str>) {
        let requests = self.first_request(now);
        if let Some(code) = self.state.take_code() {
            self.state = State::Exchanging { code, person, ticket, requests };
        }
    }

    /// The first request of a state.
    fn first_request(&mut self, now: Instant) -> RequestCycle {
        self.schedule.send(&self.policy, now, None, Failures::default())
    }

    /// Drops the poll in flight, and sends the next one as soon as the server allows.
    fn ask_anew(&mut self, now: Instant) {
        if let State::Polling { requests, .. } = &mut self.state {
            requests.ask_anew(now);
            self.on_timer_fired(now);
        }
    }

    /// Sends the scheduled request.
    fn send(&mut self, now: Instant) {
        let hold = self.hold(now);
        if let Some(requests) = self.state.requests_mut() {
            *requests = self.schedule.send(&self.policy, now, hold, requests.failures);
        }
    }

    /// How the server is to hold the next request. `None` if it is not to hold it.
    fn hold(&self, now: Instant) -> Option<Hold> {
        let State::Polling { expires_at, progress, hold_limit, requests, .. } = &self.state else { return None };
        // Held polls of hidden pages would take the connections of the visible one. The status of an expired code does
        // not change.
        let may_hold = self.policy.long_poll
            && self.page.is_visible
            && self.may_hold
            && requests.is_proven
            && now < end_of_polling(*expires_at);
        if may_hold { hold_limit.hold(progress.status()?) } else { None }
    }

    fn back_off(&mut self, now: Instant, error: Error) {
        if let Some(requests) = self.state.requests_mut() {
            *requests = self.schedule.after_failure(self.page.is_visible, now, requests, &error);
        }
        self.notifications.push(Notification::Failed { error, is_fatal: false });
    }

    fn confirm(&mut self, person: Rc<Person>, ticket: Rc<str>, user_info: V) {
        self.notifications.push(Notification::Succeeded { user_info, ticket });
        self.state.end(End::Confirmed { person });
    }

    fn cancel(&mut self, now: Instant) {
        self.notifications.push(Notification::Cancelled);
        if self.policy.refresh_on_cancel {
            return self.replace_without_click(now);
        }
        self.state.end(End::Cancelled);
    }

    fn expire(&mut self, now: Instant) {
        self.notifications.push(Notification::Expired);
        self.refresh_expired(now);
    }

    fn refresh_expired(&mut self, now: Instant) {
        if self.refreshes_left == 0 || !self.page.is_visible {
            return self.state.end(End::Expired);
        }
        self.refreshes_left -= 1;
        self.replace_without_click(now);
    }

    fn fail(&mut self, error: Error) {
        self.state.end(End::Failed { cause: FailureCause::of(&error) });
        self.notifications.push(Notification::Failed { error, is_fatal: true });
    }
}
