//! What the view shows, as data. The view draws a [`ViewModel`] and knows nothing else of the session.
//!
//! Texts are message names here (docs/protocol.md, "Options", `tips`). `js/i18n.js` and `src/web/messages.json` have
//! the messages by language.

use std::rc::Rc;

use scanlogin_protocol::wire::{Person, code};
use scanlogin_qr::Modules;

use crate::error::{Error, ErrorCode};
use crate::session::Link;

/// The names of all messages that the view shows. A page replaces them with the option `tips`.
pub const MESSAGE_NAMES: [&str; 30] = [
    "title",
    "openApp",
    "otherDevice",
    "otherBrowser",
    "scanned",
    "number",
    "middleTitle",
    "referText",
    "signingIn",
    "succeed",
    "needsMfa",
    "canceled",
    "expired",
    "retry",
    "failed",
    "siteProblem",
    "refused",
    "otherAccount",
    "signInExpired",
    "checkConnection",
    "loading",
    "unreachable",
    "reconnecting",
    "tryNow",
    "busy",
    "retryIn",
    "offline",
    "offlineHint",
    "expiresIn",
    "codeName",
];

/// The state of a widget, for the page and for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanState {
    /// A code is being requested, or its image is being loaded.
    Loading,
    /// The code can be scanned.
    Ready,
    /// A user has scanned the code and has not decided.
    Scanned,
    /// The user approved, and the page gets or exchanges the ticket.
    SigningIn,
    /// The user approved.
    Confirmed,
    /// The user declined.
    Cancelled,
    /// The code has expired.
    Expired,
    /// The page ended the polling, so that a scan would have no effect.
    Stopped,
    /// Requests fail and are retried.
    Unreachable(ConnectionProblem),
    /// The user approved, and the page has to ask for a second factor.
    NeedsMfa,
    /// A fatal error.
    Failed(FailureCause),
    /// The widget has ended.
    Destroyed,
}

impl ScanState {
    /// The stable kebab-case name: `state` of the JavaScript handle.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Ready => "ready",
            Self::Scanned => "scanned",
            Self::SigningIn => "signing-in",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Stopped => "stopped",
            Self::Unreachable(_) => "unreachable",
            Self::NeedsMfa => "needs-mfa",
            Self::Failed(_) => "failed",
            Self::Destroyed => "destroyed",
        }
    }
}

/// Why the widget can't reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionProblem {
    /// Requests fail.
    Unreachable,
    /// The server responded with 429 or `Retry-After`.
    Busy,
    /// The browser is offline.
    Offline,
}

/// The cause of a fatal error, as far as it decides what the person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureCause {
    /// The page or the server is set up wrongly. A new code would fail too.
    SiteProblem,
    /// The server refused the user who approved. Another user may succeed.
    AccountRefused,
    /// The ticket is no longer valid.
    SignInExpired,
    /// The server could not be reached.
    NoConnection,
    /// Any other cause.
    Other,
}

impl FailureCause {
    /// The cause of a session that ends with `error`: docs/protocol.md, "Error codes".
    pub fn of(error: &Error) -> Self {
        match error.code() {
            ErrorCode::Refused => match (error.reason(), error.server_code()) {
                (Some("blocked"), _) => Self::AccountRefused,
                (Some("unknown-ticket" | "ticket-used" | "ticket-expired"), _) => Self::SignInExpired,
                // Request Timeout, Too Early and Too Many Requests are for a while.
                (_, Some(408 | 425 | 429)) => Self::Other,
                (_, Some(code::FORBIDDEN | code::INVALID_PARAMETER | 400..500)) => Self::SiteProblem,
                _ => Self::Other,
            },
            ErrorCode::SignInFailed => Self::AccountRefused,
            ErrorCode::InvalidOption | ErrorCode::Framed | ErrorCode::CodeTooLong | ErrorCode::CodeTooDense => {
                Self::SiteProblem
            }
            ErrorCode::Network
            | ErrorCode::Timeout
            | ErrorCode::BadAnswer
            | ErrorCode::RateLimited
            | ErrorCode::Unavailable => Self::NoConnection,
            ErrorCode::CodeImageFailed | ErrorCode::NotACode => Self::Other,
        }
    }
}

/// A countdown to a time, in milliseconds on the clock of the host. The view counts the seconds, so that the session does
/// not wake for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Countdown {
    /// Until the code expires.
    ExpiresAt(u64),
    /// Until the next request to a server that is [`ConnectionProblem::Busy`].
    RetryAt(u64),
}

impl Countdown {
    /// The name of its message, and its end.
    pub fn message(self) -> (&'static str, u64) {
        match self {
            Self::ExpiresAt(end) => ("expiresIn", end),
            Self::RetryAt(end) => ("retryIn", end),
        }
    }
}

/// What the button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Requests a new code.
    NewCode,
    /// Requests a new code because the wrong person scanned this one.
    ScanAgain,
    /// Sends the next request at once.
    TryNow,
}

impl Action {
    /// The name of the message on the button.
    pub fn message(self) -> &'static str {
        match self {
            Self::NewCode => "retry",
            Self::ScanAgain => "referText",
            Self::TryNow => "tryNow",
        }
    }
}

/// How the view shows a code.
#[derive(Debug, PartialEq, Eq)]
pub enum Picture {
    /// Drawn by the widget.
    Drawn(Symbol),
    /// An image of the server.
    Image {
        /// Its address.
        url: Rc<str>,
        /// Replaces an image that can't be loaded. `None` if the widget can't draw the code.
        fallback: Option<Rc<Picture>>,
    },
}

/// A drawn code.
#[derive(Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The modules.
    pub modules: Modules,
    /// The address of the image in the middle of the code.
    pub logo: Option<Rc<str>>,
}

/// Everything that the view shows. A field that is `None` is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewModel {
    /// The state.
    pub state: ScanState,
    /// The code.
    pub picture: Option<Rc<Picture>>,
    /// The link for the device of the page. The view shows it while the code can be scanned.
    pub link: Option<Rc<Link>>,
    /// Whether the code has expired, and the server is asked what became of it.
    pub is_expired: bool,
    /// The user who scanned the code.
    pub person: Option<Rc<Person>>,
    /// The two digits that the person chooses on the phone.
    pub number: Option<Rc<str>>,
    /// How long the person has to wait, or has left. `None` in a hidden page.
    pub countdown: Option<Countdown>,
}

impl ViewModel {
    /// A view that shows only `state`.
    pub fn new(state: ScanState) -> Self {
        Self { state, picture: None, link: None, is_expired: false, person: None, number: None, countdown: None }
    }

    /// Whether the code can be scanned now. Otherwise the view fades it.
    pub fn is_scannable(&self) -> bool {
        match self.state {
            ScanState::Ready => true,
            ScanState::Unreachable(_) => self.picture.is_some() && self.person.is_none() && !self.is_expired,
            ScanState::Loading
            | ScanState::Scanned
            | ScanState::SigningIn
            | ScanState::Confirmed
            | ScanState::Cancelled
            | ScanState::Expired
            | ScanState::Stopped
            | ScanState::NeedsMfa
            | ScanState::Failed(_)
            | ScanState::Destroyed => false,
        }
    }

    /// The name of the message about the state.
    pub fn headline(&self) -> Option<&'static str> {
        Some(match self.state {
            ScanState::Loading => "loading",
            ScanState::Ready if self.link.is_some() => "otherDevice",
            ScanState::Ready => "title",
            ScanState::Scanned => "scanned",
            ScanState::SigningIn => "signingIn",
            ScanState::Confirmed => "succeed",
            ScanState::Cancelled => "canceled",
            // A person need not know whether the time or the page ended the code.
            ScanState::Expired | ScanState::Stopped => "expired",
            ScanState::Unreachable(ConnectionProblem::Unreachable) => "unreachable",
            ScanState::Unreachable(ConnectionProblem::Busy) => "busy",
            ScanState::Unreachable(ConnectionProblem::Offline) => "offline",
            ScanState::NeedsMfa => "needsMfa",
            ScanState::Failed(FailureCause::AccountRefused) => "refused",
            ScanState::Failed(FailureCause::SignInExpired) => "signInExpired",
            ScanState::Failed(FailureCause::NoConnection) => "unreachable",
            ScanState::Failed(FailureCause::SiteProblem | FailureCause::Other) => "failed",
            ScanState::Destroyed => return None,
        })
    }

    /// The name of the message below the headline.
    pub fn hint(&self) -> Option<&'static str> {
        match self.state {
            ScanState::Scanned if self.number.is_some() => Some("number"),
            ScanState::Scanned => Some("middleTitle"),
            ScanState::Unreachable(ConnectionProblem::Offline) => Some("offlineHint"),
            ScanState::Unreachable(ConnectionProblem::Unreachable | ConnectionProblem::Busy) if self.is_expired => {
                Some("expired")
            }
            ScanState::Unreachable(ConnectionProblem::Unreachable) => Some("reconnecting"),
            ScanState::Failed(FailureCause::SiteProblem) => Some("siteProblem"),
            ScanState::Failed(FailureCause::AccountRefused) => Some("otherAccount"),
            ScanState::Failed(FailureCause::NoConnection) => Some("checkConnection"),
            ScanState::Loading
            | ScanState::Ready
            | ScanState::SigningIn
            | ScanState::Confirmed
            | ScanState::Cancelled
            | ScanState::Expired
            | ScanState::Stopped
            | ScanState::Unreachable(ConnectionProblem::Busy)
            | ScanState::NeedsMfa
            | ScanState::Failed(FailureCause::SignInExpired | FailureCause::Other)
            | ScanState::Destroyed => None,
        }
    }

    /// What the button does. `None` if there is no button.
    pub fn action(&self) -> Option<Action> {
        match self.state {
            ScanState::Scanned => Some(Action::ScanAgain),
            ScanState::Cancelled | ScanState::Expired | ScanState::Stopped => Some(Action::NewCode),
            ScanState::Failed(cause) => (cause != FailureCause::SiteProblem).then_some(Action::NewCode),
            // The server may know of an approval, but the person need not wait for its response.
            ScanState::Unreachable(ConnectionProblem::Unreachable | ConnectionProblem::Busy) if self.is_expired => {
                Some(Action::NewCode)
            }
            ScanState::Unreachable(ConnectionProblem::Unreachable) => Some(Action::TryNow),
            ScanState::Loading
            | ScanState::Ready
            | ScanState::SigningIn
            | ScanState::Confirmed
            // Before the end of `Retry-After`, or without a network, a request would be useless.
            | ScanState::Unreachable(ConnectionProblem::Busy | ConnectionProblem::Offline)
            | ScanState::NeedsMfa
            | ScanState::Destroyed => None,
        }
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::error::ErrorEnvelope;

    #[test]
    fn view_uses_exactly_the_names_in_message_names() {
        // The first three are those of `js/shell.js`.
        let mut used = vec!["codeName", "openApp", "otherBrowser"];
        used.extend([Countdown::ExpiresAt(0), Countdown::RetryAt(0)].map(|countdown| countdown.message().0));
        for state in [
            ScanState::Loading,
            ScanState::Ready,
            ScanState::Scanned,
            ScanState::SigningIn,
            ScanState::Confirmed,
            ScanState::Cancelled,
            ScanState::Expired,
            ScanState::Stopped,
            ScanState::Unreachable(ConnectionProblem::Unreachable),
            ScanState::Unreachable(ConnectionProblem::Busy),
            ScanState::Unreachable(ConnectionProblem::Offline),
            ScanState::NeedsMfa,
            ScanState::Failed(FailureCause::SiteProblem),
            ScanState::Failed(FailureCause::AccountRefused),
            ScanState::Failed(FailureCause::SignInExpired),
            ScanState::Failed(FailureCause::NoConnection),
            ScanState::Failed(FailureCause::Other),
            ScanState::Destroyed,
        ] {
            let plain = ViewModel::new(state);
            let link = Some(Rc::new(Link { address: "https://a.test".into(), response: "{}".into() }));
            for view in [ViewModel { link, number: Some("47".into()), ..plain.clone() }, plain] {
                used.extend([view.headline(), view.hint(), view.action().map(Action::message)].into_iter().flatten());
            }
        }
        let mut names = MESSAGE_NAMES.to_vec();
        for list in [&mut used, &mut names] {
            list.sort_unstable();
            list.dedup();
        }
        assert_eq!(used, names);
    }

    #[test]
    fn reason_of_a_refusal_decides_what_the_person_can_do() {
        let refusal = |code, reason: &str| {
            let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
            Error::from_response(200, None, Some(ErrorEnvelope { code, message: Some("no".to_owned()), reason }))
        };
        let table = [
            (refusal(1001, "blocked"), "refused", Some("otherAccount"), Some("retry")),
            (refusal(1001, "unknown-app"), "failed", Some("siteProblem"), None),
            (refusal(1001, "origin-not-allowed"), "failed", Some("siteProblem"), None),
            (refusal(1001, "forbidden"), "failed", Some("siteProblem"), None),
            (refusal(2231, "unsupported-scene"), "failed", Some("siteProblem"), None),
            (refusal(404, "unknown-route"), "failed", Some("siteProblem"), None),
            (refusal(2231, "ticket-expired"), "signInExpired", None, Some("retry")),
            (refusal(2231, "ticket-used"), "signInExpired", None, Some("retry")),
            (refusal(2231, "unknown-ticket"), "signInExpired", None, Some("retry")),
            (refusal(2005, ""), "failed", None, Some("retry")),
            (Error::new(ErrorCode::SignInFailed, "no"), "refused", Some("otherAccount"), Some("retry")),
            (Error::new(ErrorCode::CodeTooDense, "no"), "failed", Some("siteProblem"), None),
            (Error::new(ErrorCode::CodeImageFailed, "no"), "failed", None, Some("retry")),
            (Error::temporary(ErrorCode::Network, "no"), "unreachable", Some("checkConnection"), Some("retry")),
            (Error::from_response(503, None, None), "unreachable", Some("checkConnection"), Some("retry")),
        ];
        for (error, headline, hint, button) in table {
            let view = ViewModel::new(ScanState::Failed(FailureCause::of(&error)));
            let shown = (view.headline(), view.hint(), view.action().map(Action::message));
            assert_eq!(shown, (Some(headline), hint, button), "{error:?}");
        }
    }
}
