//! Errors of the domain.

use core::fmt;

use scanlogin_protocol::lifecycle::TransitionError;

use crate::config::step_up::StepUp;
use crate::secrets::RandomError;
use crate::store::StoreError;

/// Why a code was not created, not found, or not acted on.
#[derive(Debug)]
pub enum CodeError {
    /// The code does not exist, or is no longer available.
    Unknown,
    /// The text of the code would be too long to be scanned well.
    TextTooLong {
        /// The length of the text in bytes.
        length: usize,
        /// The greatest length that is allowed.
        limit: usize,
    },
    /// The user is not in the user pool of the app.
    WrongPool,
    /// The code has no link for the device of the page.
    NoLink,
    /// The action is refused.
    Transition(TransitionError),
    /// The user's sign-in is not recent or not strong enough for a confirm at the app.
    StepUpRequired {
        /// The requirement of the app.
        required: StepUp,
        /// Compares the claims of the token with the requirement. Only for the log of the operator.
        explanation: String,
    },
    /// The user is blocked.
    Blocked,
    /// The store failed.
    Store(StoreError),
    /// JSON can't be written or read.
    Json(serde_json::Error),
    /// The system has no random numbers.
    Random(RandomError),
    /// The code changed more often than its states allow.
    Contention,
    /// The key for poll tokens in the store is not a key.
    BadKey,
}

impl fmt::Display for CodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => formatter.write_str("there is no such code"),
            Self::TextTooLong { length, limit } => {
                write!(formatter, "the text of the code is {length} bytes long; the limit is {limit}")
            }
            Self::WrongPool => formatter.write_str("the user is not in the user pool of the app"),
            Self::NoLink => formatter.write_str("the code has no link for the same device"),
            Self::Transition(error) => formatter.write_str(error.message()),
            Self::StepUpRequired { explanation, .. } => write!(formatter, "the app has step_up: {explanation}"),
            Self::Blocked => formatter.write_str("the user is blocked"),
            Self::Store(error) => write!(formatter, "the store failed: {error}"),
            Self::Json(error) => write!(formatter, "JSON can't be written or read: {error}"),
            Self::Random(error) => write!(formatter, "the system has no random numbers: {error}"),
            Self::Contention => formatter.write_str("a code changed more often than its states allow"),
            Self::BadKey => formatter.write_str("the key for poll tokens in the store is not a key"),
        }
    }
}

impl core::error::Error for CodeError {}

impl From<TransitionError> for CodeError {
    fn from(error: TransitionError) -> Self {
        Self::Transition(error)
    }
}

impl From<StoreError> for CodeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<serde_json::Error> for CodeError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl From<RandomError> for CodeError {
    fn from(error: RandomError) -> Self {
        Self::Random(error)
    }
}
