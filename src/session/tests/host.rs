//! A host without a browser, and test data.

use core::iter;
use core::time::Duration;
use std::rc::Rc;

use scanlogin_protocol::wire::{Person, Status};
use scanlogin_qr::{Level, Modules};

use crate::error::{Error, ErrorCode, ErrorEnvelope};
use crate::session::{
    CheckResponse, Code, Context, Event, Instant, Notification, PageState, Policy, Reply, Request, RequestEffect,
    RequestId, Session, StatusUpdate, TimerEffect,
};
use crate::view_model::{Picture, ScanState, Symbol, ViewModel};

/// Performs the effects of a session on a clock that the test moves.
pub(super) struct Host {
    pub(super) session: Session<String>,
    pub(super) now: Instant,
    pub(super) may_hold: bool,
    pub(super) is_taken: bool,
    pub(super) in_flight: Option<Sent>,
    pub(super) wake_at: Option<Instant>,
    pub(super) view: Rc<ViewModel>,
    /// The callbacks of the page with their arguments, such as `onCodeShow r1`.
    pub(super) callbacks: Vec<String>,
    /// All requests.
    pub(super) sent: Vec<Sent>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sent {
    pub(super) id: RequestId,
    pub(super) request: Request,
    pub(super) at: Instant,
}

impl Host {
    pub(super) fn new(policy: Policy) -> Self {
        Self::with_seed(policy, 7)
    }

    pub(super) fn with_seed(policy: Policy, seed: u32) -> Self {
        Self {
            session: Session::new(policy, PageState { is_visible: true, is_online: true }, seed),
            now: Instant(50_000),
            may_hold: true,
            is_taken: false,
            in_flight: None,
            wake_at: None,
            view: ViewModel::new(ScanState::Loading).into(),
            callbacks: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// A host that has requested a code.
    pub(super) fn loading(policy: Policy) -> Self {
        let mut host = Self::new(policy);
        host.event(Event::Started);
        host
    }

    /// A host whose code `r1` is on the page and was polled once. Callbacks and requests up to here are not recorded.
    pub(super) fn polling(policy: Policy) -> Self {
        let mut host = Self::loading(policy);
        host.reply(Ok(Reply::Code(drawn_code("r1", 120))));
        host.reply(Ok(checked(StatusUpdate::Unused)));
        host.callbacks.clear();
        host.sent.clear();
        host
    }

    /// [`Host::polling`] with the second poll in flight.
    pub(super) fn polling_again(policy: Policy) -> Self {
        let mut host = Self::polling(policy);
        host.wait_for_request();
        host
    }

    pub(super) fn event(&mut self, event: Event<String>) {
        match &event {
            Event::TimerFired => self.wake_at = None,
            // The request has completed.
            Event::Replied(id, _) if self.in_flight.as_ref().is_some_and(|sent| sent.id == *id) => {
                self.in_flight = None;
            }
            _ => {}
        }
        let context = Context { now: self.now, may_hold: self.may_hold, is_taken: self.is_taken };
        let effects = self.session.handle(context, event);
        match effects.request {
            RequestEffect::Keep => {}
            RequestEffect::Abort => assert!(self.in_flight.take().is_some(), "there is no request to abort"),
            RequestEffect::Send(id, request) => {
                let sent = Sent { id, request, at: self.now };
                self.sent.push(sent.clone());
                self.in_flight = Some(sent);
            }
        }
        match effects.timer {
            TimerEffect::Keep => {}
            TimerEffect::Clear => self.wake_at = None,
            TimerEffect::Set(at) => self.wake_at = Some(at),
        }
        if let Some(view) = effects.render {
            self.view = view;
        }
        self.callbacks.extend(iter::from_fn(|| self.session.next_notification()).map(|next| callback(&next)));
    }

    /// Completes the request in flight.
    pub(super) fn reply(&mut self, reply: Result<Reply<String>, Error>) {
        let id = self.in_flight.as_ref().expect("a request in flight").id;
        self.event(Event::Replied(id, reply));
    }

    /// Advances the clock until the timer fires.
    pub(super) fn fire_timer(&mut self) {
        self.now = self.now.max(self.wake_at.expect("a timer"));
        self.event(Event::TimerFired);
    }

    /// Advances the clock, and the timer fires late.
    pub(super) fn fire_timer_after(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.event(Event::TimerFired);
    }

    /// Advances the clock until a request is in flight.
    pub(super) fn wait_for_request(&mut self) -> Request {
        for _ in 0..1_000 {
            match &self.in_flight {
                Some(sent) => return sent.request.clone(),
                None => self.fire_timer(),
            }
        }
        panic!("no request is sent");
    }

    pub(super) fn state(&self) -> ScanState {
        self.session.state()
    }
}

fn callback(notification: &Notification<String>) -> String {
    match notification {
        Notification::CodeLoaded { random, .. } => format!("onCodeLoaded {random}"),
        Notification::CodeShown { random, .. } => format!("onCodeShow {random}"),
        Notification::CodeLoadFailed(message) => format!("onCodeLoadFailed {message}"),
        Notification::PollingStarted => "onStart".to_owned(),
        Notification::Checked(raw) => format!("onResult {raw}"),
        Notification::Scanned(user) => format!("onScanned {user}"),
        Notification::Succeeded { user_info, ticket } => format!("onSuccess {user_info} {ticket}"),
        Notification::Cancelled => "onCancel".to_owned(),
        Notification::Expired => "onExpired".to_owned(),
        Notification::MfaNeeded(_) => "onMfa".to_owned(),
        Notification::Failed { error, is_fatal } => {
            format!("onError {}{}", error.code().as_str(), if *is_fatal { " fatal" } else { "" })
        }
        Notification::Retried => "onRetry".to_owned(),
        Notification::CodeDestroyed { random } => format!("onCodeDestroyed {random}"),
    }
}

pub(super) fn drawing() -> Rc<Picture> {
    let modules = Modules::new("text", Level::M).unwrap();
    Rc::new(Picture::Drawn(Symbol { modules, logo: None }))
}

/// A code that the widget draws.
pub(super) fn drawn_code(random: &str, seconds: u64) -> Code {
    let picture = Some(drawing());
    let lifetime = Duration::from_secs(seconds);
    Code {
        random: random.into(),
        url: "u".into(),
        lifetime,
        poll_token: Some("t".into()),
        picture,
        link: None,
        response_code: None,
    }
}

/// A code that the user has confirmed on the device of the page.
pub(super) fn returned_code(random: &str) -> Code {
    Code { picture: None, response_code: Some("response".into()), ..drawn_code(random, 120) }
}

/// A code with an image of the server.
pub(super) fn image_code(random: &str, fallback: Option<Rc<Picture>>) -> Code {
    let picture = Some(Rc::new(Picture::Image { url: "u".into(), fallback }));
    Code { picture, ..drawn_code(random, 120) }
}

/// A response to a poll. Its `raw` is the number of the status.
pub(super) fn checked(update: StatusUpdate<String>) -> Reply<String> {
    let raw = match &update {
        StatusUpdate::Unknown => "?",
        StatusUpdate::Expired => "-1",
        StatusUpdate::Unused => "0",
        StatusUpdate::Scanned { .. } => "1",
        StatusUpdate::Authorised { .. } => "2",
        StatusUpdate::Cancelled => "3",
        StatusUpdate::NeedsMfa(_) => "4",
        StatusUpdate::Failed(_) => "5",
    };
    let person = Person { nickname: Some("Alice".to_owned()), photo: None }.into();
    Reply::Checked(CheckResponse {
        update,
        person,
        user_info: "alice".to_owned(),
        has_token: false,
        raw: raw.to_owned(),
    })
}

pub(super) fn scanned() -> StatusUpdate<String> {
    StatusUpdate::Scanned { number: None }
}

pub(super) fn authorised() -> Reply<String> {
    checked(StatusUpdate::Authorised { ticket: "ticket".into() })
}

/// A user who has a token already.
pub(super) fn authorised_with_token() -> Reply<String> {
    match authorised() {
        Reply::Checked(response) => Reply::Checked(CheckResponse { has_token: true, ..response }),
        other => other,
    }
}

pub(super) fn network_error() -> Error {
    Error::temporary(ErrorCode::Network, "offline")
}

pub(super) fn rate_limited(retry_after: Option<u64>) -> Error {
    Error::from_response(429, retry_after.map(Duration::from_secs), None)
}

pub(super) fn unavailable(retry_after: u64) -> Error {
    Error::from_response(503, Some(Duration::from_secs(retry_after)), None)
}

pub(super) fn refused(code: i32) -> Error {
    let envelope = ErrorEnvelope { code, message: Some("no".to_owned()), reason: Some("because".to_owned()) };
    Error::from_response(200, None, Some(envelope))
}

/// The status for which the server holds `request`.
pub(super) fn held_status(request: &Request) -> Option<Status> {
    match request {
        Request::Check { hold, .. } => hold.map(|hold| hold.status),
        Request::Gene(_) | Request::Complete { .. } | Request::Exchange { .. } => None,
    }
}
