//! The error response for each error of the other layers.

use scanlogin_protocol::lifecycle::TransitionError;
use tokio::task::JoinError;

use super::ApiError;
use crate::auth::error::{PasskeyError, SigningError, TokenError, TokenProblem};
use crate::codes::error::CodeError;
use crate::rate_limit::gcra::RateLimited;
use crate::secrets::RandomError;
use crate::store::StoreError;

impl From<TransitionError> for ApiError {
    fn from(error: TransitionError) -> Self {
        Self::Transition(error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::Unavailable
    }
}

/// Only for JSON that the server writes or has stored. Malformed JSON of a client is [`ApiError::MalformedJson`].
impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        tracing::error!(%error, "can't serialize or deserialize JSON");
        Self::Internal
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error.problem {
            TokenProblem::Expired => Self::LoginExpired,
            TokenProblem::KeysUnavailable => Self::Unavailable,
            problem => Self::NotSignedIn(problem),
        }
    }
}

impl From<SigningError> for ApiError {
    fn from(_: SigningError) -> Self {
        Self::Internal
    }
}

impl From<PasskeyError> for ApiError {
    fn from(error: PasskeyError) -> Self {
        Self::Passkey(error)
    }
}

impl From<CodeError> for ApiError {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Unknown => Self::UnknownCode,
            CodeError::TextTooLong { length, limit } => Self::InvalidParameter {
                name: "customData".into(),
                problem: format!("makes the text of the code {length} bytes long; {limit} can be scanned well"),
            },
            CodeError::WrongPool => Self::WrongPool,
            CodeError::NoLink => Self::InvalidParameter {
                name: "sameDevice".into(),
                problem: "the code has no link for the same device".to_owned(),
            },
            CodeError::Transition(error) => Self::Transition(error),
            CodeError::StepUpRequired { required, explanation } => {
                tracing::info!(explanation, "a confirm needs a step-up of the user's sign-in");
                Self::StepUpRequired(required.to_wire())
            }
            CodeError::Blocked => Self::Blocked,
            CodeError::Store(error) => error.into(),
            CodeError::Json(error) => error.into(),
            CodeError::Random(error) => error.into(),
            CodeError::Contention | CodeError::BadKey => {
                tracing::error!(%error, "operation on a code failed");
                Self::Internal
            }
        }
    }
}

/// A task that panicked.
impl From<JoinError> for ApiError {
    fn from(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(panic) => Self::of_panic(&*panic),
            // The runtime shuts down.
            Err(_) => Self::Unavailable,
        }
    }
}

impl From<RateLimited> for ApiError {
    fn from(RateLimited { retry_after }: RateLimited) -> Self {
        Self::RateLimited { retry_after }
    }
}

impl From<RandomError> for ApiError {
    fn from(error: RandomError) -> Self {
        tracing::error!(%error, "the system has no random numbers");
        Self::Unavailable
    }
}
