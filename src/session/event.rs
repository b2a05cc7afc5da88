//! The input and the output of a session.
//!
//! The session passes a value of type `V` on without reading it: a user, or the `data` of a response.

use core::time::Duration;
use std::rc::Rc;

use super::time::Instant;
use scanlogin_protocol::wire::{Person, Scene, Status};

use crate::error::Error;
use crate::view_model::{Action, Picture, ViewModel};

/// The circumstances in which the host passes an event to the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Never earlier than in the call before.
    pub now: Instant,
    /// Whether the page has a connection to spare for a poll that the server holds.
    pub may_hold: bool,
    /// Whether another page of this browser has taken the sign-in with the code: the approver returned to that page.
    pub is_taken: bool,
}

/// What the page, the person, the browser or the server did.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<V> {
    /// The page requested a code.
    Started,
    /// The page shows this code itself, and wants it to be polled.
    StartedWith(Code),
    /// The page requested a code before the session existed. This is the reply.
    StartedWithReply(Result<Reply<V>, Error>),
    /// A request completed or failed. The session ignores it unless the request is the one in flight.
    Replied(RequestId, Result<Reply<V>, Error>),
    /// The browser has loaded the image of the code.
    ImageLoaded,
    /// The browser can't load the image of the code.
    ImageFailed,
    /// The timer of the last [`TimerEffect::Set`] fired.
    TimerFired,
    /// The person pressed the button.
    Clicked(Action),
    /// The page requested a new code.
    Refreshed,
    /// The page ended the polling of the code.
    Stopped,
    /// The page became visible or hidden.
    VisibilityChanged {
        /// Whether the page is visible now.
        is_visible: bool,
    },
    /// The browser went online or offline.
    ConnectionChanged {
        /// Whether the browser is online now.
        is_online: bool,
    },
    /// The page is being left. The browser may keep it in its back/forward cache.
    Left,
    /// The browser has loaded the page, or has restored it from its back/forward cache.
    PageShown {
        /// Whether the page is visible now.
        is_visible: bool,
    },
    /// The widget ends.
    Destroyed,
}

/// What the host has to do, in the order of the fields. After that it delivers the
/// [notifications](super::Session::next_notification), so that callbacks see the new view.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// What happens to the one request slot.
    pub request: RequestEffect,
    /// What happens to the one timer.
    pub timer: TimerEffect,
    /// The view to show. `None` if it is unchanged.
    pub render: Option<Rc<ViewModel>>,
}

/// A change of the request slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestEffect {
    /// No change.
    Keep,
    /// Abort the request in flight.
    Abort,
    /// Abort the request in flight, if there is one, and send this one.
    Send(RequestId, Request),
}

/// A change of the timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimerEffect {
    /// No change.
    Keep,
    /// Stop the timer.
    Clear,
    /// Set the timer to this time: it reports [`Event::TimerFired`] then.
    Set(Instant),
}

/// Distinguishes the requests of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub(super) u32);

/// A request to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `POST gene`.
    Gene(Scene),
    /// `GET check`.
    Check {
        /// The id of the code.
        random: Rc<str>,
        /// The poll token of the code.
        poll_token: Option<Rc<str>>,
        /// `None` requests an immediate response.
        hold: Option<Hold>,
    },
    /// `POST complete`.
    Complete {
        /// The id of the code.
        random: Rc<str>,
        /// The response code with which the approver returned to the page.
        response_code: Rc<str>,
        /// The poll token of the code.
        poll_token: Option<Rc<str>>,
    },
    /// `POST userinfo`.
    Exchange {
        /// The ticket from the response with [`StatusUpdate::Authorised`].
        ticket: Rc<str>,
        /// The poll token of the code.
        poll_token: Option<Rc<str>>,
    },
}

/// The parameters of a long poll: the server responds when the status differs from `status`, and after `wait` at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// The known status.
    pub status: Status,
    /// How long the server may hold the poll.
    pub wait: Duration,
}

/// The content of a successful response.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply<V> {
    /// To [`Request::Gene`].
    Code(Code),
    /// To [`Request::Check`] and [`Request::Complete`].
    Checked(CheckResponse<V>),
    /// To [`Request::Exchange`]: the user.
    User(V),
}

/// A code that the server made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The id.
    pub random: Rc<str>,
    /// The address of the image. Empty if the server has none.
    pub url: Rc<str>,
    /// The time until the code expires, from the response of `gene`.
    pub lifetime: Duration,
    /// Proves to the server that the page received this code.
    pub poll_token: Option<Rc<str>>,
    /// What the view shows. `None` if the page shows the code itself, and for a code that needs no scan any more.
    pub picture: Option<Rc<Picture>>,
    /// Opens the approver on the device of the page. `None` if the server gave none.
    pub link: Option<Rc<Link>>,
    /// The response code with which the approver returned to the page: the user has confirmed on this device. `None` for a code
    /// that can be scanned.
    pub response_code: Option<Rc<str>>,
}

/// A link for the device that shows the page: docs/protocol.md, "Return on the same device".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The address.
    pub address: Rc<str>,
    /// The response of `gene`, as JSON. The browser keeps it when the person opens the link.
    pub response: Rc<str>,
}

/// The content of a response of `check`.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckResponse<V> {
    /// The status of the code.
    pub update: StatusUpdate<V>,
    /// What the view may show of the user.
    pub person: Rc<Person>,
    /// `userInfo`. An empty object if it is absent.
    pub user_info: V,
    /// Whether `userInfo` has a token. If so, the ticket is not exchanged.
    pub has_token: bool,
    /// The whole `data`.
    pub raw: V,
}

/// A [`Status`] with the data that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub enum StatusUpdate<V> {
    /// A number that this version does not know. It counts as no change.
    Unknown,
    /// [`Status::Expired`].
    Expired,
    /// [`Status::Unused`].
    Unused,
    /// [`Status::Scanned`].
    Scanned {
        /// The two digits that the person chooses on the phone. `None` if the phone does not ask for them.
        number: Option<Rc<str>>,
    },
    /// [`Status::Authorised`].
    Authorised {
        /// The backend of the site exchanges it for the user.
        ticket: Rc<str>,
    },
    /// [`Status::Cancelled`].
    Cancelled,
    /// [`Status::NeedsMfa`].
    NeedsMfa(Option<ScannedResult<V>>),
    /// [`Status::Failed`].
    Failed(Option<ScannedResult<V>>),
}

/// `scannedResult` of `check`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScannedResult<V> {
    /// `code`.
    pub code: Option<i32>,
    /// `message`, otherwise `errmsg`. `None` if both are empty or absent.
    pub message: Option<String>,
    /// `data`.
    pub data: Option<V>,
    /// The whole object.
    pub raw: V,
}

/// A call of the page's callbacks (docs/protocol.md, "Callbacks").
#[derive(Debug, Clone, PartialEq)]
pub enum Notification<V> {
    /// `onCodeLoaded`.
    CodeLoaded {
        /// The id of the code.
        random: Rc<str>,
        /// The address of its image.
        url: Rc<str>,
    },
    /// `onCodeShow`.
    CodeShown {
        /// The id of the code.
        random: Rc<str>,
        /// The address of its image.
        url: Rc<str>,
    },
    /// `onCodeLoadFailed`, with the message of the error.
    CodeLoadFailed(String),
    /// `onStart`.
    PollingStarted,
    /// `onResult`, with the `data` of `check`.
    Checked(V),
    /// `onScanned`, with `userInfo`.
    Scanned(V),
    /// `onSuccess`.
    Succeeded {
        /// `userInfo`, or the user for whom the ticket was exchanged.
        user_info: V,
        /// The backend of the site exchanges it for the user.
        ticket: Rc<str>,
    },
    /// `onCancel`.
    Cancelled,
    /// `onExpired`.
    Expired,
    /// `onMfa`, then `onAuthFlow`.
    MfaNeeded(Option<ScannedResult<V>>),
    /// `onError`.
    Failed {
        /// The error.
        error: Error,
        /// Whether the session ended with it.
        is_fatal: bool,
    },
    /// `onRetry`.
    Retried,
    /// `onCodeDestroyed`.
    CodeDestroyed {
        /// The id of the code.
        random: Rc<str>,
    },
}
