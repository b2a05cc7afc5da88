//! What the page, the person, the browser and the timer change.

use core::mem;

use super::event::{Code, Notification, Reply};
use super::policy::RequestPhase;
use super::state::{End, State, end_of_polling, forgotten_at};
use super::{Instant, Session};
use crate::error::{Error, ErrorCode};
use crate::view_model::{Action, ConnectionProblem, Picture};

impl<V> Session<V> {
    pub(super) fn on_started(&mut self, now: Instant, code: Option<Code>) {
        match (&self.state, code) {
            (State::Idle, Some(code)) => {
                let expires_at = now + code.lifetime;
                self.poll(now, code, expires_at);
            }
            (State::Idle, None) => self.load(now),
            (
                State::Loading { .. }
                | State::LoadingImage { .. }
                | State::Polling { .. }
                | State::Exchanging { .. }
                | State::Ended { .. }
                | State::Destroyed,
                _,
            ) => {}
        }
    }

    /// As if the session had sent the request, and the reply had come at once.
    pub(super) fn on_started_with_reply(&mut self, now: Instant, reply: Result<Reply<V>, Error>) {
        if let State::Idle = self.state {
            self.load(now);
            if let Some(id) = self.state.in_flight() {
                self.on_replied(now, id, reply);
            }
        }
    }

    pub(super) fn on_image_loaded(&mut self, now: Instant) {
        match mem::replace(&mut self.state, State::Idle) {
            State::LoadingImage { code, expires_at, .. } => self.on_code_shown(now, code, expires_at),
            other => self.state = other,
        }
    }

    pub(super) fn on_image_failed(&mut self, now: Instant) {
        let State::LoadingImage { code, .. } = &mut self.state else { return };
        if let Some(Picture::Image { fallback: Some(drawn), .. }) = code.picture.as_deref() {
            code.picture = Some(drawn.clone());
            return self.on_image_loaded(now);
        }
        let error = Error::new(ErrorCode::CodeImageFailed, "the image of the code can't be shown");
        self.notifications.push(Notification::CodeLoadFailed(error.message().to_owned()));
        self.fail(error);
    }

    pub(super) fn on_timer_fired(&mut self, now: Instant) {
        match &self.state {
            State::LoadingImage { give_up_at, .. } if now >= *give_up_at => self.on_image_failed(now),
            State::Polling { expires_at, progress, .. } if now >= forgotten_at(*expires_at, progress) => {
                self.expire(now);
            }
            // The server may know of an approval that the page missed. So a code expires by a poll from after its end.
            State::Polling { expires_at, requests, .. }
                if now >= end_of_polling(*expires_at) && requests.started_before(end_of_polling(*expires_at)) =>
            {
                self.ask_anew(now);
            }
            State::Loading { requests } | State::Polling { requests, .. } | State::Exchanging { requests, .. }
                if now >= requests.deadline() =>
            {
                match requests.phase {
                    RequestPhase::Scheduled { .. } => self.send(now),
                    RequestPhase::InFlight { .. } => {
                        let error = Error::temporary(ErrorCode::Timeout, "the server did not respond in time");
                        self.on_request_failed(now, error);
                    }
                }
            }
            State::Idle
            | State::Loading { .. }
            | State::LoadingImage { .. }
            | State::Polling { .. }
            | State::Exchanging { .. }
            | State::Ended { .. }
            | State::Destroyed => {}
        }
    }

    /// Ignores a click on a button that is no longer shown.
    pub(super) fn on_clicked(&mut self, now: Instant, action: Action) {
        match (action, &self.state) {
            (
                Action::NewCode,
                State::Ended { end: End::Cancelled | End::Expired | End::Stopped | End::Failed { .. }, .. },
            )
            | (Action::ScanAgain, State::Polling { .. }) => {
                self.notifications.push(Notification::Retried);
                self.replace(now);
            }
            (Action::NewCode, State::Polling { .. })
                if self.state.is_past_end(now)
                    && matches!(
                        self.state.connection_problem(self.page),
                        Some(ConnectionProblem::Unreachable | ConnectionProblem::Busy)
                    ) =>
            {
                self.notifications.push(Notification::Retried);
                self.replace(now);
            }
            (Action::TryNow, State::Loading { .. }) if self.state.in_flight().is_none() => {
                self.notifications.push(Notification::Retried);
                self.on_resumed(now);
            }
            (Action::TryNow, State::Polling { .. } | State::Exchanging { .. }) => self.on_resumed(now),
            (
                Action::NewCode | Action::ScanAgain | Action::TryNow,
                State::Idle
                | State::Loading { .. }
                | State::LoadingImage { .. }
                | State::Polling { .. }
                | State::Exchanging { .. }
                | State::Ended { .. }
                | State::Destroyed,
            ) => {}
        }
    }

    pub(super) fn on_refreshed(&mut self, now: Instant) {
        match &self.state {
            State::Loading { .. }
            | State::LoadingImage { .. }
            | State::Polling { .. }
            | State::Ended { end: End::Cancelled | End::Expired | End::Stopped | End::Failed { .. }, .. } => {
                self.replace(now);
            }
            // `onSuccess` is called once at most, so that no new code follows an approval.
            State::Idle
            | State::Exchanging { .. }
            | State::Ended { end: End::Confirmed { .. } | End::NeedsMfa, .. }
            | State::Destroyed => {}
        }
    }

    pub(super) fn on_visibility_changed(&mut self, now: Instant, is_visible: bool) {
        self.page.is_visible = is_visible;
        if is_visible {
            self.has_left = false;
            self.on_resumed(now);
        }
    }

    /// Ignores a page that was not left, because it was loaded and not restored, and one that is known to be visible again.
    pub(super) fn on_page_shown(&mut self, now: Instant, is_visible: bool) {
        if self.has_left {
            self.on_visibility_changed(now, is_visible);
        }
    }

    /// The page is visible or online again, or the person wants no delay: the next request starts as soon as the server
    /// allows. A poll in flight may have lost its connection without a sign, and is sent anew. An exchange is not: the
    /// server may have received the ticket, which works once.
    pub(super) fn on_resumed(&mut self, now: Instant) {
        match &mut self.state {
            State::Polling { .. } => self.ask_anew(now),
            State::Loading { requests } | State::Exchanging { requests, .. } => {
                requests.skip_delay(now);
                self.on_timer_fired(now);
            }
            State::Ended { end: End::Expired, .. } => self.refresh_expired(now),
            State::Idle
            | State::LoadingImage { .. }
            | State::Ended {
                end: End::Confirmed { .. } | End::NeedsMfa | End::Cancelled | End::Stopped | End::Failed { .. },
                ..
            }
            | State::Destroyed => {}
        }
    }

    /// Drops the poll in flight: a browser may discard a page that receives a response after the person has left it.
    pub(super) fn on_left(&mut self, now: Instant) {
        self.has_left = true;
        if let State::Polling { requests, .. } = &mut self.state {
            requests.postpone(now);
        }
    }

    pub(super) fn on_stopped(&mut self) {
        match &self.state {
            State::LoadingImage { .. } | State::Polling { .. } => self.state.end(End::Stopped),
            // These states do not poll.
            State::Idle | State::Loading { .. } | State::Exchanging { .. } | State::Ended { .. } | State::Destroyed => {
            }
        }
    }

    pub(super) fn on_destroyed(&mut self) {
        self.discard_code();
        self.state = State::Destroyed;
    }
}
