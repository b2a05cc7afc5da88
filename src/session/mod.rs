//! What happens between the moment a page asks for a code and the moment it has a user.
//!
//! [`Session::handle`] is the only place where the state changes: an event and the time go in, effects come out. Every
//! transition stands in this file, one function an event, each with a line for every state. Requests, the timer and the
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

use core::mem;
use std::rc::Rc;

pub use event::{Checked, Code, Effect, Event, HostEvent, News, Outcome, Picture, Reply, Request, RequestId, Symbol};
pub use policy::{Instant, Policy, WAIT};

use crate::error::{Error, ErrorCode};
use crate::lifecycle::SCANNED_GRACE;
use crate::protocol::{Person, code};
use crate::view_model::{Action, ScanState, ViewModel};
use policy::{Call, EXCHANGE_ATTEMPTS, Failures, GENE_ATTEMPTS, PICTURE_TIMEOUT, Pace, Phase, is_worth_waiting};
use state::{End, Progress, State, Watch};

/// What a session knows of the page around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
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
    pace: Pace,
    state: State,
    page: Page,
    refreshes_left: u32,
    notes: Vec<HostEvent<V>>,
    // What the host was last told to do.
    sent: Option<RequestId>,
    wake_at: Option<Instant>,
    shown: ViewModel,
}

impl<V> Session<V> {
    /// A session that waits for [`Event::Started`]. `seed` feeds the jitter and nothing that matters to security.
    pub fn new(policy: Policy, page: Page, seed: u64) -> Self {
        Self {
            refreshes_left: policy.auto_refresh,
            policy,
            pace: Pace::new(seed),
            state: State::Idle,
            page,
            notes: Vec::new(),
            sent: None,
            wake_at: None,
            shown: ViewModel::new(ScanState::Loading),
        }
    }

    /// Says whether the page has a connection to spare for a poll that the server holds.
    pub fn allow_holding(&mut self, may_hold: bool) {
        self.page.may_hold = may_hold;
    }

    /// Takes in what happened at `now`, and tells what to do about it.
    ///
    /// `now` never goes back between two calls.
    pub fn handle(&mut self, now: Instant, event: Event<V>) -> Vec<Effect<V>> {
        let state = mem::replace(&mut self.state, State::Destroyed);
        self.state = match event {
            Event::Started => self.on_started(now, state, None),
            Event::StartedWith(code) => self.on_started(now, state, Some(code)),
            Event::Replied(id, reply) => self.on_replied(now, state, id, reply),
            Event::PictureShown => self.on_picture_shown(now, state),
            Event::PictureFailed => self.on_picture_failed(now, state),
            Event::Woke => {
                self.wake_at = None;
                self.on_woke(now, state)
            }
            Event::Clicked(action) => self.on_clicked(now, state, action),
            Event::Refreshed => self.on_refreshed(now, state),
            Event::Stopped => self.on_stopped(state),
            Event::VisibilityChanged { is_visible } => {
                self.page.is_visible = is_visible;
                if is_visible { self.on_resumed(now, state) } else { state }
            }
            Event::ConnectionChanged { is_online } => {
                self.page.is_online = is_online;
                if is_online { self.on_resumed(now, state) } else { state }
            }
            Event::Destroyed => self.on_destroyed(state),
        };
        self.effects(now)
    }

    /// What is going on.
    pub fn state(&self) -> ScanState {
        self.shown.state
    }

    /// The difference between what the host does and what the state needs.
    fn effects(&mut self, now: Instant) -> Vec<Effect<V>> {
        let mut effects = Vec::new();

        let in_flight = self.state.in_flight();
        let id = in_flight.map(|(id, _)| id);
        if id != self.sent {
            effects.push(match in_flight {
                Some((id, request)) => Effect::Send(id, request.clone()),
                None => Effect::Abort,
            });
            self.sent = id;
        }

        let wake_at = self.state.deadline(now, &self.policy, self.page);
        if wake_at != self.wake_at {
            effects.push(Effect::WakeAt(wake_at));
            self.wake_at = wake_at;
        }

        let view = self.state.view(now, &self.policy, self.page);
        if view != self.shown {
            effects.push(Effect::Render(view.clone()));
            self.shown = view;
        }

        effects.extend(self.notes.drain(..).map(Effect::Notify));
        effects
    }

    fn on_started(&mut self, now: Instant, state: State, code: Option<Code>) -> State {
        match state {
            State::Idle => match code {
                Some(code) => self.watch(now, now + code.lifetime, code),
                None => self.load(now),
            },
            State::Loading(_)
            | State::Showing { .. }
            | State::Waiting(_)
            | State::Exchanging { .. }
            | State::Ended(_)
            | State::Destroyed => state,
        }
    }

    fn on_replied(&mut self, now: Instant, state: State, id: RequestId, reply: Result<Reply<V>, Error>) -> State {
        if state.in_flight().map(|(id, _)| id) != Some(id) {
            return state;
        }
        // The request has ended by itself: there is nothing to abort.
        self.sent = None;
        // Browsers take a machine with a local network only for one that is offline: an answer proves more.
        self.page.is_online |= !matches!(&reply, Err(error) if error.code == ErrorCode::Network);
        match (state, reply) {
            (State::Loading(_), Ok(Reply::Code(code))) => self.show(now, code),
            (State::Waiting(watch), Ok(Reply::Checked(checked))) => self.on_checked(now, watch, checked),
            (State::Exchanging { code, person, ticket, .. }, Ok(Reply::User(user_info))) => {
                self.confirm(code, person, user_info, ticket)
            }
            (state, Ok(Reply::Code(_) | Reply::Checked(_) | Reply::User(_))) => {
                let error = Error::temporary(ErrorCode::BadAnswer, "the answer belongs to another request");
                self.on_call_failed(now, state, error)
            }
            (state, Err(error)) => self.on_call_failed(now, state, error),
        }
    }

    fn on_checked(&mut self, now: Instant, mut watch: Watch, checked: Checked<V>) -> State {
        let Checked { news, person, user_info, has_token, raw } = checked;
        self.notes.push(HostEvent::Checked(raw));
        match (news, &watch.progress) {
            (News::Unknown | News::Unused, Progress::Unheard) => watch.progress = Progress::Unused,
            (News::Unknown | News::Unused, Progress::Unused | Progress::Scanned(_)) => {}
            (News::Scanned, Progress::Scanned(_)) => {}
            (News::Scanned, Progress::Unheard | Progress::Unused) => {
                self.notes.push(HostEvent::Scanned(user_info));
                watch.progress = Progress::Scanned(person);
                watch.expires_at = watch.expires_at + SCANNED_GRACE;
            }
            (News::Authorised { ticket }, _) if self.policy.auto_exchange && !has_token => {
                let call = self.pace.send(&self.policy, now, exchange(&watch.code, &ticket), Failures::default());
                return State::Exchanging { code: watch.code, person, ticket, call };
            }
            (News::Authorised { ticket }, _) => return self.confirm(watch.code, person, user_info, ticket),
            (News::Cancelled, _) => return self.cancel(now, watch.code),
            (News::Expired, _) => return self.expire(now, watch.code),
            (News::NeedsMfa(outcome), _) => {
                self.notes.push(HostEvent::MfaNeeded(outcome));
                return State::Ended(End::NeedsMfa(watch.code));
            }
            (News::Failed(outcome), _) => {
                let message = outcome.and_then(|outcome| outcome.message);
                let message = message.unwrap_or_else(|| "the server refused the sign-in".to_owned());
                return self.fail(Some(watch.code), Error::new(ErrorCode::SignInFailed, message));
            }
        }
        watch.call = self.pace.after_success(&self.policy, self.page.is_visible, now, &watch.call);
        State::Waiting(watch)
    }

    fn on_call_failed(&mut self, now: Instant, state: State, error: Error) -> State {
        match state {
            State::Loading(call) if is_worth_waiting(&error) && call.failures.count + 1 < GENE_ATTEMPTS => {
                State::Loading(self.back_off(now, &call, error))
            }
            State::Loading(_) => {
                self.notes.push(HostEvent::CodeLoadFailed(error.clone()));
                self.fail(None, error)
            }
            State::Waiting(watch) if error.server_code == Some(code::UNKNOWN_CODE) => {
                // The server has forgotten the code: to a person that is the same as expired.
                self.notes.push(HostEvent::Failed { error, is_fatal: false });
                self.expire(now, watch.code)
            }
            State::Waiting(watch) if error.is_temporary => {
                let call = self.back_off(now, &watch.call, error);
                State::Waiting(Watch { call, ..watch })
            }
            State::Waiting(watch) => self.fail(Some(watch.code), error),
            State::Exchanging { code, person, ticket, call }
                if is_worth_waiting(&error) && call.failures.count + 1 < EXCHANGE_ATTEMPTS =>
            {
                let call = self.back_off(now, &call, error);
                State::Exchanging { code, person, ticket, call }
            }
            State::Exchanging { code, .. } => self.fail(Some(code), error),
            State::Idle | State::Showing { .. } | State::Ended(_) | State::Destroyed => state,
        }
    }

    fn on_picture_shown(&mut self, now: Instant, state: State) -> State {
        match state {
            State::Showing { code, expires_at, .. } => self.shown(now, expires_at, code),
            State::Idle
            | State::Loading(_)
            | State::Waiting(_)
            | State::Exchanging { .. }
            | State::Ended(_)
            | State::Destroyed => state,
        }
    }

    fn on_picture_failed(&mut self, now: Instant, state: State) -> State {
        match state {
            State::Showing { mut code, expires_at, .. } => {
                if let Some(Picture::Image { fallback: Some(symbol), .. }) = code.picture {
                    code.picture = Some(Picture::Drawn(symbol));
                    return self.shown(now, expires_at, code);
                }
                let error = Error::new(ErrorCode::CodeImageFailed, "the image of the code can't be shown");
                self.notes.push(HostEvent::CodeLoadFailed(error.clone()));
                self.fail(Some(code), error)
            }
            State::Idle
            | State::Loading(_)
            | State::Waiting(_)
            | State::Exchanging { .. }
            | State::Ended(_)
            | State::Destroyed => state,
        }
    }

    fn on_woke(&mut self, now: Instant, state: State) -> State {
        let gene = Request::Gene(self.policy.scene);
        match state {
            State::Loading(call) => match self.due(now, &call, || gene) {
                Due::Nothing => State::Loading(call),
                Due::Next(call) => State::Loading(call),
                Due::TimedOut(error) => self.on_call_failed(now, State::Loading(call), error),
            },
            State::Showing { give_up_at, .. } if now >= give_up_at => self.on_picture_failed(now, state),
            State::Waiting(watch) if now >= watch.ends_at() => self.expire(now, watch.code),
            State::Waiting(watch) => {
                // Held polls of pages that nobody sees would use up the connections of the one that somebody looks at.
                let may_hold = self.policy.long_poll && self.page.is_visible && self.page.may_hold;
                match self.due(now, &watch.call, || check(&watch, may_hold)) {
                    Due::Nothing => State::Waiting(watch),
                    Due::Next(call) => State::Waiting(Watch { call, ..watch }),
                    Due::TimedOut(error) => self.on_call_failed(now, State::Waiting(watch), error),
                }
            }
            State::Exchanging { code, person, ticket, call } => match self.due(now, &call, || exchange(&code, &ticket))
            {
                Due::Nothing => State::Exchanging { code, person, ticket, call },
                Due::Next(call) => State::Exchanging { code, person, ticket, call },
                Due::TimedOut(error) => {
                    self.on_call_failed(now, State::Exchanging { code, person, ticket, call }, error)
                }
            },
            State::Idle | State::Showing { .. } | State::Ended(_) | State::Destroyed => state,
        }
    }

    /// A click that comes too late for the button it was meant for changes nothing.
    fn on_clicked(&mut self, now: Instant, state: State, action: Action) -> State {
        match (action, state) {
            (
                Action::NewCode,
                State::Ended(end @ (End::Cancelled(_) | End::Expired(_) | End::Stopped(_) | End::Failed { .. })),
            ) => {
                self.notes.push(HostEvent::Retried);
                self.replace(now, end.into_code())
            }
            (Action::ScanAgain, State::Waiting(watch)) => {
                self.notes.push(HostEvent::Retried);
                self.replace(now, Some(watch.code))
            }
            (Action::TryNow, state @ State::Loading(Call { phase: Phase::Resting { .. }, .. })) => {
                self.notes.push(HostEvent::Retried);
                self.on_resumed(now, state)
            }
            (Action::TryNow, state @ (State::Waiting(_) | State::Exchanging { .. })) => self.on_resumed(now, state),
            (
                Action::NewCode | Action::ScanAgain | Action::TryNow,
                state @ (State::Idle
                | State::Loading(_)
                | State::Showing { .. }
                | State::Waiting(_)
                | State::Exchanging { .. }
                | State::Ended(_)
                | State::Destroyed),
            ) => state,
        }
    }

    fn on_refreshed(&mut self, now: Instant, state: State) -> State {
        match state {
            State::Loading(_)
            | State::Showing { .. }
            | State::Waiting(_)
            | State::Ended(End::Cancelled(_) | End::Expired(_) | End::Stopped(_) | End::Failed { .. }) => {
                let code = state.into_code();
                self.replace(now, code)
            }
            // "Once" is a promise: after a success there is no second one.
            State::Idle
            | State::Exchanging { .. }
            | State::Ended(End::Confirmed { .. } | End::NeedsMfa(_))
            | State::Destroyed => state,
        }
    }

    /// The page is seen again or has its network back: whatever rests goes on at once.
    fn on_resumed(&mut self, now: Instant, state: State) -> State {
        match state {
            State::Loading(call) => self.on_woke(now, State::Loading(call.hurry(now))),
            State::Waiting(watch) => {
                let call = watch.call.hurry(now);
                self.on_woke(now, State::Waiting(Watch { call, ..watch }))
            }
            State::Exchanging { code, person, ticket, call } => {
                let call = call.hurry(now);
                self.on_woke(now, State::Exchanging { code, person, ticket, call })
            }
            State::Ended(End::Expired(code)) => self.refresh_expired(now, code),
            State::Idle
            | State::Showing { .. }
            | State::Ended(
                End::Confirmed { .. } | End::NeedsMfa(_) | End::Cancelled(_) | End::Stopped(_) | End::Failed { .. },
            )
            | State::Destroyed => state,
        }
    }

    fn on_stopped(&mut self, state: State) -> State {
        match state {
            State::Showing { code, .. } | State::Waiting(Watch { code, .. }) => State::Ended(End::Stopped(code)),
            // What is not polled goes on: a code on its way, a ticket that is being exchanged.
            State::Idle | State::Loading(_) | State::Exchanging { .. } | State::Ended(_) | State::Destroyed => state,
        }
    }

    fn on_destroyed(&mut self, state: State) -> State {
        if let Some(code) = state.into_code() {
            self.notes.push(HostEvent::CodeDestroyed { random: code.random });
        }
        State::Destroyed
    }

    fn load(&mut self, now: Instant) -> State {
        State::Loading(self.pace.send(&self.policy, now, Request::Gene(self.policy.scene), Failures::default()))
    }

    fn replace(&mut self, now: Instant, code: Option<Code>) -> State {
        if let Some(code) = code {
            self.notes.push(HostEvent::CodeDestroyed { random: code.random });
        }
        self.load(now)
    }

    fn show(&mut self, now: Instant, code: Code) -> State {
        self.notes.push(HostEvent::CodeLoaded { random: code.random.clone(), url: code.url.clone() });
        let expires_at = now + code.lifetime;
        match code.picture {
            Some(Picture::Drawn(_)) | None => self.shown(now, expires_at, code),
            Some(Picture::Image { .. }) => {
                State::Showing { code, expires_at, give_up_at: expires_at.min(now + PICTURE_TIMEOUT) }
            }
        }
    }

    fn shown(&mut self, now: Instant, expires_at: Instant, code: Code) -> State {
        self.notes.push(HostEvent::CodeShown { random: code.random.clone(), url: code.url.clone() });
        self.watch(now, expires_at, code)
    }

    fn watch(&mut self, now: Instant, expires_at: Instant, code: Code) -> State {
        self.notes.push(HostEvent::PollingStarted);
        let first = Request::Check { random: code.random.clone(), poll_token: code.poll_token.clone(), hold: None };
        let call = self.pace.send(&self.policy, now, first, Failures::default());
        State::Waiting(Watch { code, expires_at, progress: Progress::Unheard, call })
    }

    fn confirm(&mut self, code: Code, person: Person, user_info: V, ticket: Rc<str>) -> State {
        let poll_token = code.poll_token.clone();
        self.notes.push(HostEvent::Succeeded { user_info, ticket, poll_token });
        State::Ended(End::Confirmed { code, person })
    }

    fn cancel(&mut self, now: Instant, code: Code) -> State {
        self.notes.push(HostEvent::Cancelled);
        if self.policy.refresh_on_cancel {
            return self.replace(now, Some(code));
        }
        State::Ended(End::Cancelled(code))
    }

    fn expire(&mut self, now: Instant, code: Code) -> State {
        self.notes.push(HostEvent::Expired);
        self.refresh_expired(now, code)
    }

    fn refresh_expired(&mut self, now: Instant, code: Code) -> State {
        if self.refreshes_left == 0 || !self.page.is_visible {
            return State::Ended(End::Expired(code));
        }
        self.refreshes_left -= 1;
        self.replace(now, Some(code))
    }

    fn fail(&mut self, code: Option<Code>, error: Error) -> State {
        // The server's own words are for people; those of our other errors are for developers.
        let is_for_people = matches!(error.code, ErrorCode::Refused | ErrorCode::SignInFailed);
        let detail = is_for_people.then(|| error.message.clone());
        self.notes.push(HostEvent::Failed { error, is_fatal: true });
        State::Ended(End::Failed { code, detail })
    }

    fn back_off(&mut self, now: Instant, call: &Call, error: Error) -> Call {
        let rest = self.pace.after_failure(self.page.is_visible, now, call, &error);
        self.notes.push(HostEvent::Failed { error, is_fatal: false });
        rest
    }

    fn due(&mut self, now: Instant, call: &Call, next: impl FnOnce() -> Request) -> Due {
        if now < call.deadline() {
            return Due::Nothing;
        }
        match call.phase {
            Phase::Resting { .. } => Due::Next(self.pace.send(&self.policy, now, next(), call.failures)),
            Phase::InFlight { .. } => {
                Due::TimedOut(Error::temporary(ErrorCode::Timeout, "the server did not answer in time"))
            }
        }
    }
}

/// What the time asks of a call.
enum Due {
    Nothing,
    Next(Call),
    TimedOut(Error),
}

fn check(watch: &Watch, may_hold: bool) -> Request {
    // A request after a failure is not held: its answer tells a person that the trouble is over.
    let may_hold = may_hold && watch.call.failures.count == 0;
    Request::Check {
        random: watch.code.random.clone(),
        poll_token: watch.code.poll_token.clone(),
        hold: watch.progress.status().filter(|_| may_hold),
    }
}

fn exchange(code: &Code, ticket: &Rc<str>) -> Request {
    Request::Exchange { ticket: ticket.clone(), poll_token: code.poll_token.clone() }
}
