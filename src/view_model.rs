//! What a person sees, as data.
//!
//! The view draws a [`ViewModel`] and knows nothing else of the session. Deliberately absent: pixels, and the words
//! themselves, which pkg/words.js has. Here they have the names that they have among the `tips` of docs/protocol.md, "Options".

use std::rc::Rc;

use crate::session::Picture;
use scanlogin_protocol::wire::Person;

/// The names of all messages that the view shows. A page replaces them with the option `tips`.
pub const MESSAGE_NAMES: [&str; 21] = [
    "title",
    "scanned",
    "middleTitle",
    "referText",
    "signingIn",
    "succeed",
    "needsMfa",
    "canceled",
    "expired",
    "retry",
    "failed",
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

/// What is going on, for the page and for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanState {
    /// A code is on its way.
    Loading,
    /// The code can be scanned.
    Ready,
    /// Somebody has scanned the code and has not decided.
    Scanned,
    /// The user approved, and the ticket is being exchanged.
    SigningIn,
    /// The user approved.
    Confirmed,
    /// The user declined.
    Cancelled,
    /// The code is too old.
    Expired,
    /// The page wants no more polls, so that a scan would go unheard.
    Stopped,
    /// The server can't be asked now; it is tried again by itself. [`ConnectionProblem`] tells why.
    Unreachable,
    /// The user approved, and the page has to ask for a second factor.
    NeedsMfa,
    /// It can't go on without a click.
    Failed,
    /// The page wanted no more.
    Destroyed,
}

impl ScanState {
    /// The stable kebab-case word: `state` of the JavaScript handle.
    pub fn word(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Ready => "ready",
            Self::Scanned => "scanned",
            Self::SigningIn => "signing-in",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Stopped => "stopped",
            Self::Unreachable => "unreachable",
            Self::NeedsMfa => "needs-mfa",
            Self::Failed => "failed",
            Self::Destroyed => "destroyed",
        }
    }
}

/// Why it does not go on, in a person's terms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConnectionProblem {
    /// The server does not answer, or not with sense.
    #[default]
    Unreachable,
    /// The server asks for patience.
    Busy,
    /// The browser has no network.
    Offline,
}

/// How long something still takes, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Countdown {
    /// The code can be scanned for so long.
    ExpiresIn(u32),
    /// The server is asked again after so long, because it wants that.
    RetryIn(u32),
}

impl Countdown {
    /// The word that says so, and the seconds in it.
    pub fn word(self) -> (&'static str, u32) {
        match self {
            Self::ExpiresIn(seconds) => ("expiresIn", seconds),
            Self::RetryIn(seconds) => ("retryIn", seconds),
        }
    }
}

/// What the one button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Asks for a new code.
    NewCode,
    /// Asks for a new code because the wrong person scanned this one.
    ScanAgain,
    /// Ends the rest before the next request.
    TryNow,
}

impl Action {
    /// The word on the button.
    pub fn word(self) -> &'static str {
        match self {
            Self::NewCode => "retry",
            Self::ScanAgain => "referText",
            Self::TryNow => "tryNow",
        }
    }
}

/// What a person sees. What is `None` is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewModel {
    /// What is going on.
    pub state: ScanState,
    /// The code.
    pub picture: Option<Rc<Picture>>,
    /// Who scanned.
    pub person: Option<Rc<Person>>,
    /// Why it does not go on, at [`ScanState::Unreachable`].
    pub trouble: ConnectionProblem,
    /// What a person can wait for.
    pub countdown: Option<Countdown>,
    /// The server's own words about a failure.
    pub detail: Option<Rc<str>>,
}

impl ViewModel {
    /// A view with nothing in it but its state.
    pub fn new(state: ScanState) -> Self {
        Self {
            state,
            picture: None,
            person: None,
            trouble: ConnectionProblem::default(),
            countdown: None,
            detail: None,
        }
    }

    /// Whether the code can be scanned now. One that can't is shown faded.
    pub fn is_scannable(&self) -> bool {
        match self.state {
            ScanState::Ready => true,
            ScanState::Unreachable => self.picture.is_some() && self.person.is_none(),
            ScanState::Loading
            | ScanState::Scanned
            | ScanState::SigningIn
            | ScanState::Confirmed
            | ScanState::Cancelled
            | ScanState::Expired
            | ScanState::Stopped
            | ScanState::NeedsMfa
            | ScanState::Failed
            | ScanState::Destroyed => false,
        }
    }

    /// The word that says what is going on.
    pub fn headline(&self) -> Option<&'static str> {
        Some(match self.state {
            ScanState::Loading => "loading",
            ScanState::Ready => "title",
            ScanState::Scanned => "scanned",
            ScanState::SigningIn => "signingIn",
            ScanState::Confirmed => "succeed",
            ScanState::Cancelled => "canceled",
            // Whether time or the page ended it: to a person it is a code that is over.
            ScanState::Expired | ScanState::Stopped => "expired",
            ScanState::Unreachable => match self.trouble {
                ConnectionProblem::Unreachable => "unreachable",
                ConnectionProblem::Busy => "busy",
                ConnectionProblem::Offline => "offline",
            },
            ScanState::NeedsMfa => "needsMfa",
            ScanState::Failed => "failed",
            ScanState::Destroyed => return None,
        })
    }

    /// The word below it, where [`ViewModel::detail`] is not.
    pub fn hint(&self) -> Option<&'static str> {
        match self.state {
            ScanState::Scanned => Some("middleTitle"),
            ScanState::Unreachable => match self.trouble {
                ConnectionProblem::Unreachable => Some("reconnecting"),
                ConnectionProblem::Busy => None,
                ConnectionProblem::Offline => Some("offlineHint"),
            },
            ScanState::Loading
            | ScanState::Ready
            | ScanState::SigningIn
            | ScanState::Confirmed
            | ScanState::Cancelled
            | ScanState::Expired
            | ScanState::Stopped
            | ScanState::NeedsMfa
            | ScanState::Failed
            | ScanState::Destroyed => None,
        }
    }

    /// What the button does; `None` is no button.
    pub fn action(&self) -> Option<Action> {
        match self.state {
            ScanState::Scanned => Some(Action::ScanAgain),
            ScanState::Cancelled | ScanState::Expired | ScanState::Stopped | ScanState::Failed => Some(Action::NewCode),
            ScanState::Unreachable => match self.trouble {
                ConnectionProblem::Unreachable => Some(Action::TryNow),
                // A server that wants patience is not asked before its time, and without a network nobody is.
                ConnectionProblem::Busy | ConnectionProblem::Offline => None,
            },
            ScanState::Loading
            | ScanState::Ready
            | ScanState::SigningIn
            | ScanState::Confirmed
            | ScanState::NeedsMfa
            | ScanState::Destroyed => None,
        }
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_one_that_a_page_may_replace_and_all_of_them_are_said() {
        let mut words = vec!["codeName", Countdown::ExpiresIn(0).word().0, Countdown::RetryIn(0).word().0];
        for state in [
            ScanState::Loading,
            ScanState::Ready,
            ScanState::Scanned,
            ScanState::SigningIn,
            ScanState::Confirmed,
            ScanState::Cancelled,
            ScanState::Expired,
            ScanState::Stopped,
            ScanState::Unreachable,
            ScanState::NeedsMfa,
            ScanState::Failed,
            ScanState::Destroyed,
        ] {
            for trouble in [ConnectionProblem::Unreachable, ConnectionProblem::Busy, ConnectionProblem::Offline] {
                let view = ViewModel { trouble, ..ViewModel::new(state) };
                words.extend([view.headline(), view.hint(), view.action().map(Action::word)].into_iter().flatten());
            }
        }
        let mut tips = MESSAGE_NAMES.to_vec();
        for list in [&mut words, &mut tips] {
            list.sort_unstable();
            list.dedup();
        }
        assert_eq!(words, tips);
    }
}
