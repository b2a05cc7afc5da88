//! The HTTP status and the envelope of each error.

use std::borrow::Cow;

use axum::http::StatusCode;
use scanlogin_protocol::wire::{StepUp, code};

use super::ApiError;
use crate::auth::error::{PasskeyError, TokenProblem};

/// The HTTP status and the envelope of an error response.
pub(crate) struct ErrorBody {
    pub(crate) http_status: StatusCode,
    pub(crate) code: i32,
    pub(crate) reason: &'static str,
    /// The check of the token that failed.
    pub(crate) detail: Option<&'static str>,
    /// The requirement for the user's sign-in, for a confirm.
    pub(crate) step_up: Option<StepUp>,
    pub(crate) message: Cow<'static, str>,
}

impl ApiError {
    pub(crate) fn body(self) -> ErrorBody {
        use ApiError as R;
        let reason = self.reason();
        let detail = match &self {
            R::NotSignedIn(problem) => Some(problem.as_str()),
            _ => None,
        };
        let business = |code, message: Cow<'static, str>| ErrorBody {
            http_status: StatusCode::OK,
            code,
            reason,
            detail,
            step_up: None,
            message,
        };
        let transport = |http_status: StatusCode, message: Cow<'static, str>| ErrorBody {
            http_status,
            code: i32::from(http_status.as_u16()),
            reason,
            detail,
            step_up: None,
            message,
        };
        match self {
            R::MissingParameter(name) => business(code::INVALID_PARAMETER, format!("{name} is missing").into()),
            R::InvalidParameter { name, problem } => {
                business(code::INVALID_PARAMETER, format!("{name}: {problem}").into())
            }
            R::UnsupportedScene => business(
                code::INVALID_PARAMETER,
                "scene: this server creates codes for APP_AUTH only, not for WeChat".into(),
            ),
            R::UnknownCode => business(code::UNKNOWN_CODE, "the code is unknown or no longer available".into()),
            R::Transition(error) => business(error.code(), error.message().into()),
            R::UnknownTicket => {
                business(code::INVALID_PARAMETER, "the ticket is unknown or no longer available".into())
            }
            R::TicketUsed => business(code::INVALID_PARAMETER, "this ticket has already been exchanged".into()),
            R::TicketExpired => business(code::INVALID_PARAMETER, "this ticket has expired".into()),
            R::NotSignedIn(problem) => business(code::NOT_SIGNED_IN, not_signed_in_message(problem).into()),
            R::LoginExpired => business(code::LOGIN_EXPIRED, "the login has expired; sign in again".into()),
            R::StepUpRequired(required) => ErrorBody {
                step_up: Some(required),
                ..business(code::LOGIN_EXPIRED, "the app requires that the user proves their identity again".into())
            },
            R::WrongPool => business(code::WRONG_POOL, "the user is not in this user pool".into()),
            R::Blocked => business(code::FORBIDDEN, "this user is blocked".into()),
            R::WrongPassword => business(code::NOT_SIGNED_IN, "the username or the password is wrong".into()),
            R::Passkey(error) => business(passkey_code(error), passkey_message(error).into()),
            R::Forbidden(message) => business(code::FORBIDDEN, message.into()),
            R::UnknownApp => business(code::FORBIDDEN, "this server does not know the app".into()),
            R::OriginNotAllowed => business(
                code::FORBIDDEN,
                "the app does not allow this origin; add it to allowed_origins in the server's scanlogin.toml".into(),
            ),
            R::WrongCredentials => transport(StatusCode::UNAUTHORIZED, "the app id or the app secret is wrong".into()),
            R::MalformedJson(problem) => {
                transport(StatusCode::BAD_REQUEST, format!("the body is not JSON: {problem}").into())
            }
            R::UnsupportedMediaType => transport(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body must be JSON, sent with content-type: application/json".into(),
            ),
            R::TooLarge { limit } => {
                transport(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {limit} bytes").into())
            }
            R::BrokenBody => transport(StatusCode::BAD_REQUEST, "the body is incomplete".into()),
            R::SlowBody => transport(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time".into()),
            R::UnknownRoute => transport(StatusCode::NOT_FOUND, "there is no such path".into()),
            R::MethodNotAllowed => {
                transport(StatusCode::METHOD_NOT_ALLOWED, "this path does not support this method".into())
            }
            R::PreconditionFailed => {
                transport(StatusCode::PRECONDITION_FAILED, "the file does not meet a condition of the request".into())
            }
            R::RangeNotSatisfiable => {
                transport(StatusCode::RANGE_NOT_SATISFIABLE, "the file does not have the requested range".into())
            }
            R::RateLimited { .. } => {
                transport(StatusCode::TOO_MANY_REQUESTS, "too many requests; try again later".into())
            }
            R::Unavailable => {
                transport(StatusCode::SERVICE_UNAVAILABLE, "the server is unavailable; try again soon".into())
            }
            R::Internal => transport(StatusCode::INTERNAL_SERVER_ERROR, "internal error of the server".into()),
        }
    }
}

fn passkey_code(error: PasskeyError) -> i32 {
    match error {
        PasskeyError::Rejected => code::NOT_SIGNED_IN,
        PasskeyError::Unavailable | PasskeyError::None => code::FORBIDDEN,
    }
}

fn passkey_message(error: PasskeyError) -> &'static str {
    match error {
        PasskeyError::Unavailable => "passkeys need a page at https or localhost, with a domain name",
        PasskeyError::None => "the user has no passkey",
        PasskeyError::Rejected => "the passkey was not accepted",
    }
}

/// A description of the problem. It contains nothing of the settings.
fn not_signed_in_message(problem: TokenProblem) -> &'static str {
    match problem {
        TokenProblem::Missing => "no user is signed in",
        TokenProblem::TooLong => "the token is too long",
        TokenProblem::Malformed => "the token is not a signed JSON Web Token",
        TokenProblem::UnsupportedType => "the server does not accept this type of token",
        TokenProblem::UnsupportedExtension => "the server does not support an extension that the token requires",
        TokenProblem::UnsupportedAlgorithm => "the server does not accept the algorithm of the token",
        TokenProblem::UnknownIssuer => "the server does not trust the issuer of the token",
        TokenProblem::UnknownKey => "the server does not know the key of the token",
        TokenProblem::WrongSignature => "the signature of the token is not valid",
        TokenProblem::WrongAudience => "the token is for another service",
        TokenProblem::WrongClaim => "a claim of the token does not have the required value",
        TokenProblem::InvalidTime => "the token has no valid times",
        TokenProblem::NotYetValid => "the token is not valid yet; check that the clock of this device is right",
        TokenProblem::NoUserId => "the token has no id of a user",
        TokenProblem::Expired => "the token has expired",
        TokenProblem::KeysUnavailable => "the keys of the issuer are not available",
    }
}
