//! What a response changes.

use scanlogin_protocol::lifecycle::SCANNED_GRACE;
use scanlogin_protocol::wire::code;

use super::event::{CheckResponse, Notification, Reply, RequestId, StatusUpdate};
use super::policy::{EXCHANGE_ATTEMPTS, GENE_ATTEMPTS, RequestCycle, is_retryable};
use super::state::{End, Progress, State, end_of_polling};
use super::{Instant, Session};
use crate::error::{Error, ErrorCode};

impl<V> Session<V> {
    pub(super) fn on_replied(&mut self, now: Instant, id: RequestId, reply: Result<Reply<V>, Error>) {
        if self.state.in_flight() != Some(id) {
            return;
        }
        // The request has completed, so that there is nothing to abort.
        self.in_flight = None;
        // A browser reports a machine with only a local network as offline. A response proves a connection.
        self.page.is_online |= !matches!(&reply, Err(error) if error.code() == ErrorCode::Network);
        match (&self.state, reply) {
            (State::Loading { .. }, Ok(Reply::Code(code))) => self.on_code(now, code),
            (State::Polling { .. }, Ok(Reply::Checked(checked))) => self.on_checked(now, checked),
            (State::Exchanging { person, ticket, .. }, Ok(Reply::User(user_info))) => {
                let (person, ticket) = (person.clone(), ticket.clone());
                self.confirm(person, ticket, user_info);
            }
            (_, Ok(Reply::Code(_) | Reply::Checked(_) | Reply::User(_))) => {
                let error = Error::temporary(ErrorCode::BadAnswer, "the response belongs to another request");
                self.on_request_failed(now, error);
            }
            (_, Err(error)) => self.on_request_failed(now, error),
        }
    }

    fn on_checked(&mut self, now: Instant, checked: CheckResponse<V>) {
        let State::Polling { expires_at, progress, hold_limit, requests, .. } = &mut self.state else { return };
        let CheckResponse { update, person, user_info, has_token, raw } = checked;
        hold_limit.record_success(now, requests);
        // The next poll starts at once if the server is to hold it. It waits for the interval if this one was to be held
        // and has no news: the server may ignore `wait`.
        let mut is_next_early = !requests.is_held();
        self.notifications.push(Notification::Checked(raw));
        match (update, &*progress) {
            (StatusUpdate::Unknown | StatusUpdate::Unused, _)
            | (StatusUpdate::Scanned { .. }, Progress::Scanned { .. } | Progress::Returned { .. }) => {}
            (StatusUpdate::Scanned { number }, Progress::Unused) => {
                is_next_early = true;
                self.notifications.push(Notification::Scanned(user_info));
                *progress = Progress::Scanned { person, number };
                *expires_at = *expires_at + SCANNED_GRACE;
            }
            // The other page calls `onSuccess`.
            (StatusUpdate::Authorised { .. }, _) if self.is_taken => return self.state.end(End::Stopped),
            (StatusUpdate::Authorised { ticket }, _) => {
                if has_token || !self.policy.auto_exchange {
                    return self.confirm(person, ticket, user_info);
                }
                return self.exchange(now, person, ticket);
            }
            (StatusUpdate::Cancelled, _) => return self.cancel(now),
            (StatusUpdate::Expired, _) => return self.expire(now),
            (StatusUpdate::NeedsMfa(result), _) => {
                self.notifications.push(Notification::MfaNeeded(result));
                return self.state.end(End::NeedsMfa);
            }
            (StatusUpdate::Failed(result), _) => {
                let message = result.and_then(|result| result.message);
                let message = message.unwrap_or_else(|| "the server refused the sign-in".to_owned());
                return self.fail(Error::new(ErrorCode::SignInFailed, message));
            }
        }
        let end = end_of_polling(*expires_at);
        if now >= end && !requests.started_before(end) {
            return self.expire(now);
        }
        *requests = self.schedule.after_success(&self.policy, self.page.is_visible, now, requests);
        if is_next_early && self.hold(now).is_some() {
            self.send(now);
        }
    }

    pub(super) fn on_request_failed(&mut self, now: Instant, error: Error) {
        if let State::Polling { hold_limit, requests, .. } = &mut self.state
            && let Some(wait) = requests.wait_after_cut(now, &error)
        {
            hold_limit.record_cut(wait);
            *requests = self.schedule.after_cut(now, requests);
            return;
        }
        let Some(RequestCycle { failures, .. }) = self.state.requests() else { return };
        let may_retry = |attempts| is_retryable(&error) && failures.count + 1 < attempts;
        match &self.state {
            State::Loading { .. } if may_retry(GENE_ATTEMPTS) => self.back_off(now, error),
            State::Loading { .. } => {
                self.notifications.push(Notification::CodeLoadFailed(error.message().to_owned()));
                self.fail(error);
            }
            // A response code that is refused can't sign in any more.
            State::Polling { progress: Progress::Returned { .. }, .. } if !error.is_temporary() => {
                self.notifications.push(Notification::Failed { error, is_fatal: false });
                self.expire(now);
            }
            State::Polling { .. } if error.server_code() == Some(code::UNKNOWN_CODE) => {
                // The server has purged the code. For a person this is the same as expired.
                self.notifications.push(Notification::Failed { error, is_fatal: false });
                self.expire(now);
            }
            State::Polling { .. } if error.is_temporary() => self.back_off(now, error),
            State::Exchanging { .. } if may_retry(EXCHANGE_ATTEMPTS) => self.back_off(now, error),
            State::Polling { .. } | State::Exchanging { .. } => self.fail(error),
            State::Idle | State::LoadingImage { .. } | State::Ended { .. } | State::Destroyed => {}
        }
    }
}
