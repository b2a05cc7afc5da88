//! What goes into a session and what comes out of it.
//!
//! Events say what happened, effects are commands. `V` is a value that is handed through unread: the user, a whole
//! status object. Deliberately absent: any behaviour.

use core::time::Duration;
use std::rc::Rc;

use super::Instant;
use scanlogin_protocol::wire::{Person, Scene, Status};
use scanlogin_qr::Drawing;

use crate::error::Error;
use crate::view_model::{Action, ViewModel};

/// Something that happened to the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<V> {
    /// The page asked for the session to begin.
    Started,
    /// The page has a code and shows it by itself; the session is to begin with polling.
    StartedWith(Code),
    /// A request came to its end. A reply to any other request than the one in flight is stale and dropped.
    Replied(RequestId, Result<Reply<V>, Error>),
    /// The image of the code is on the page.
    PictureShown,
    /// The image of the code can't be shown.
    PictureFailed,
    /// The time of the last [`Effects::wake_at`] has come.
    Woke,
    /// A person pressed the button.
    Clicked(Action),
    /// The page asked for a new code.
    Refreshed,
    /// The page wants no more polls of the code that is there.
    Stopped,
    /// The page came into sight or went out of it.
    VisibilityChanged {
        /// Whether a person can see it.
        is_visible: bool,
    },
    /// The browser lost its network or found it again.
    ConnectionChanged {
        /// Whether it has one.
        is_online: bool,
    },
    /// The page wants no more of this.
    Destroyed,
}

/// What the host has to do, in this order. What is `None` goes on as it is. Then it tells the page its
/// [notes](super::Session::next_notification): last, so that the page sees the result of all that.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// Abort the request in flight, if there is one, and send this.
    pub request: Option<Option<(RequestId, Request)>>,
    /// Report [`Event::Woke`] at this time, and at no other.
    pub wake_at: Option<Option<Instant>>,
    /// Show this.
    pub render: Option<Rc<ViewModel>>,
}

/// Tells a request from those before it.
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
        /// What `gene` gave to prove that the code is ours.
        poll_token: Option<Rc<str>>,
        /// Asks the server to answer as soon as the status is another than this one. `None` asks for an answer at once.
        hold: Option<Status>,
    },
    /// `POST userinfo`.
    Exchange {
        /// The ticket of the success.
        ticket: Rc<str>,
        /// What `gene` gave to prove that the code is ours.
        poll_token: Option<Rc<str>>,
    },
}

/// The success of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply<V> {
    /// To [`Request::Gene`].
    Code(Code),
    /// To [`Request::Check`].
    Checked(CheckResponse<V>),
    /// To [`Request::Exchange`]: the user.
    User(V),
}

/// A code that the server made for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Its id.
    pub random: Rc<str>,
    /// The address of its image; empty when the server has none.
    pub url: Rc<str>,
    /// How long it lives from now.
    pub lifetime: Duration,
    /// Proves to `check` that the code is ours.
    pub poll_token: Option<Rc<str>>,
    /// How it is shown; `None` when the page does that.
    pub picture: Option<Rc<Picture>>,
}

/// How a code is shown.
#[derive(Debug, PartialEq, Eq)]
pub enum Picture {
    /// Drawn by us.
    Drawn(Symbol),
    /// An image of the server's.
    Image {
        /// Its address.
        url: Rc<str>,
        /// Drawn by us from what we know, if the image can't be shown.
        fallback: Option<Rc<Picture>>,
    },
}

/// A drawing, and what lies on it.
#[derive(Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The modules.
    pub drawing: Drawing,
    /// The address of the picture in the middle.
    pub logo: Option<Rc<str>>,
}

/// What `check` answered.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckResponse<V> {
    /// What is new.
    pub update: StatusUpdate<V>,
    /// What the page may show of the user.
    pub person: Rc<Person>,
    /// The user, as the server sent it.
    pub user_info: V,
    /// Whether the user came with a token: then there is nothing left to exchange.
    pub has_token: bool,
    /// The whole answer, as the server sent it.
    pub raw: V,
}

/// A status, with what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub enum StatusUpdate<V> {
    /// A status that we do not know: no news.
    Unknown,
    /// [`Status::Expired`].
    Expired,
    /// [`Status::Unused`].
    Unused,
    /// [`Status::Scanned`].
    Scanned,
    /// [`Status::Authorised`].
    Authorised {
        /// Exchanged for the user.
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
    /// Its `code`.
    pub code: Option<i32>,
    /// Its text, under whichever name it came.
    pub message: Option<String>,
    /// Its `data`.
    pub data: Option<V>,
    /// All of it, as the server sent it.
    pub raw: V,
}

/// What the page is told: its callbacks (docs/protocol.md, "Callbacks").
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
    /// `onCodeLoadFailed`: why.
    CodeLoadFailed(String),
    /// `onStart`: the first poll of a code leaves.
    PollingStarted,
    /// `onResult`: the whole answer of a good poll.
    Checked(V),
    /// `onScanned`: what the page may know of the user.
    Scanned(V),
    /// `onSuccess`.
    Succeeded {
        /// The user, as far as the page may know them.
        user_info: V,
        /// Exchanged for the user by the site's backend.
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
        /// What went wrong.
        error: Error,
        /// Whether the session ended by it.
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
