//! Error responses: one enum, and in `body` one function that gives each error its HTTP status, `code`, `message` and
//! `reason`.
//!
//! docs/protocol.md, "Envelope": a business refusal has HTTP status 200, a transport refusal has a status of its own.
//! Both have the envelope. The server logs the cause of an error where it occurs. Clients never see it.

use core::any::Any;
use core::time::Duration;
use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scanlogin_protocol::lifecycle::TransitionError;
use scanlogin_protocol::wire::{Envelope, StepUp};

use self::body::ErrorBody;
use crate::auth::error::{PasskeyError, TokenProblem};

pub(crate) mod body;
mod conversions;

/// The value of `www-authenticate` at HTTP 401: the id and a secret of an app, encoded as UTF-8 (RFC 7617).
const BASIC: &str = "Basic realm=\"scanlogin\", charset=\"UTF-8\"";

/// Why the server refuses a request or fails to serve it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// A required parameter is absent or empty. Holds its name.
    MissingParameter(Cow<'static, str>),
    /// A parameter has a wrong type or value.
    InvalidParameter {
        /// The name of the parameter, or `body` or `query` when the error is not in a single one.
        name: Cow<'static, str>,
        /// The problem, as a part of `message`.
        problem: String,
    },
    /// The scene is one of WeChat. The server creates codes for `APP_AUTH` only.
    UnsupportedScene,
    /// The code does not exist, or is no longer remembered.
    UnknownCode,
    /// The action on the code is refused.
    Transition(TransitionError),
    /// No confirmed code of the app has this ticket, or it is no longer remembered.
    UnknownTicket,
    /// The ticket was exchanged before.
    TicketUsed,
    /// The ticket was not exchanged in time.
    TicketExpired,
    /// The request has no valid token of a user. Holds the check that failed.
    NotSignedIn(TokenProblem),
    /// The user's token has expired.
    LoginExpired,
    /// The user has to prove their identity again before a confirm. Holds what the app requires.
    StepUpRequired(StepUp),
    /// The user is not in the user pool of the app.
    WrongPool,
    /// An operator has blocked the user.
    Blocked,
    /// The username or the password is wrong. Only the demo has this error.
    WrongPassword,
    /// A passkey can't be created or used. Only the demo has this error.
    Passkey(PasskeyError),
    /// The poll token is missing or wrong, or the credentials of a backend are missing. Holds the `message`.
    Forbidden(&'static str),
    /// A backend sent an unknown app id, or a wrong secret of the app.
    WrongCredentials,
    /// The app id is unknown, or absent although the server has several apps.
    UnknownApp,
    /// The app does not list the origin of the page.
    OriginNotAllowed,
    /// The body is not JSON. Holds the message of the parser.
    MalformedJson(String),
    /// `content-type` is not JSON.
    UnsupportedMediaType,
    /// The body is longer than `limit` bytes.
    TooLarge {
        /// The maximum length of a body in bytes.
        limit: usize,
    },
    /// The body did not arrive completely.
    BrokenBody,
    /// The body did not arrive within `body_timeout`.
    SlowBody,
    /// There is no such path.
    UnknownRoute,
    /// The path has no such method.
    MethodNotAllowed,
    /// The file does not meet a condition of the request, such as `if-unmodified-since`.
    PreconditionFailed,
    /// The file does not have the requested range, or the request has several ranges.
    RangeNotSatisfiable,
    /// The request exceeds a rate limit.
    RateLimited {
        /// The time until the next request succeeds.
        retry_after: Duration,
    },
    /// The server can't serve the request now. A retry can succeed.
    Unavailable,
    /// A fault of the server.
    Internal,
}

/// A response extension: the `reason` of an error, for the log and the metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorReason(pub &'static str);

/// A response extension: the request has an unknown id, or a missing or wrong token or secret. The server limits how
/// many of these an address may send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrongGuess;

impl ApiError {
    /// The stable name of the error, in the envelope, the log and the metrics.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Transition(error) => error.as_str(),
            Self::MissingParameter(_) => "missing-parameter",
            Self::InvalidParameter { .. } => "invalid-parameter",
            Self::UnsupportedScene => "unsupported-scene",
            Self::UnknownCode => "unknown-code",
            Self::UnknownTicket => "unknown-ticket",
            Self::TicketUsed => "ticket-used",
            Self::TicketExpired => "ticket-expired",
            Self::NotSignedIn(_) => "not-signed-in",
            Self::LoginExpired => "login-expired",
            Self::StepUpRequired(_) => "step-up-required",
            Self::WrongPool => "wrong-pool",
            Self::Blocked => "blocked",
            Self::WrongPassword => "wrong-password",
            Self::Passkey(error) => error.as_str(),
            Self::Forbidden(_) => "forbidden",
            Self::WrongCredentials => "wrong-credentials",
            Self::UnknownApp => "unknown-app",
            Self::OriginNotAllowed => "origin-not-allowed",
            Self::MalformedJson(_) => "malformed-json",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::TooLarge { .. } => "too-large",
            Self::BrokenBody => "broken-body",
            Self::SlowBody => "timeout",
            Self::UnknownRoute => "unknown-route",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::PreconditionFailed => "precondition-failed",
            Self::RangeNotSatisfiable => "range-not-satisfiable",
            Self::RateLimited { .. } => "rate-limited",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The value of `retry-after` in seconds, rounded up. `None` for an error without this header.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after } => {
                Some(retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0))
            }
            Self::Unavailable => Some(1),
            _ => None,
        }
    }

    /// The error of a handler that panicked with the payload `panic`. Logs its message, so that the line has the id of the
    /// request. The panic hook has written the message and the place to standard error, without the id.
    pub(crate) fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let message = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("not a text");
        tracing::error!(panic = message, "a handler panicked");
        Self::Internal
    }

    fn is_wrong_guess(&self) -> bool {
        use ApiError as R;
        matches!(
            self,
            R::UnknownCode
                | R::UnknownTicket
                | R::NotSignedIn(_)
                | R::WrongPassword
                | R::Passkey(PasskeyError::Rejected)
                | R::Forbidden(_)
                | R::WrongCredentials
                | R::UnknownApp
                | R::Transition(TransitionError::WrongResponseCode)
        )
    }

    /// An example of each error in the OpenAPI document. The document describes neither the demo nor the files, so
    /// [`WrongPassword`](Self::WrongPassword), [`Passkey`](Self::Passkey), [`PreconditionFailed`](Self::PreconditionFailed) and
    /// [`RangeNotSatisfiable`](Self::RangeNotSatisfiable) are not included.
    pub(crate) fn each() -> Vec<Self> {
        use ApiError as R;
        use TransitionError as T;
        let transitions = [
            T::AlreadyScanned,
            T::AlreadyEnded,
            T::NotScanned,
            T::WrongUser,
            T::NumberRequired,
            T::WrongNumber,
            T::WrongResponseCode,
            T::Expired,
        ];
        let others = [
            R::MissingParameter("random".into()),
            R::InvalidParameter { name: "wait".into(), problem: "must be a whole number".to_owned() },
            R::UnsupportedScene,
            R::UnknownCode,
            R::UnknownTicket,
            R::TicketUsed,
            R::TicketExpired,
            R::NotSignedIn(TokenProblem::Missing),
            R::LoginExpired,
            R::StepUpRequired(StepUp { max_age: Some(60), amr: Vec::new(), acr_values: Vec::new() }),
            R::WrongPool,
            R::Blocked,
            R::Forbidden("this code belongs to another browser"),
            R::WrongCredentials,
            R::UnknownApp,
            R::OriginNotAllowed,
            R::MalformedJson("expected value at line 1 column 1".to_owned()),
            R::UnsupportedMediaType,
            R::TooLarge { limit: 16_384 },
            R::BrokenBody,
            R::SlowBody,
            R::UnknownRoute,
            R::MethodNotAllowed,
            R::RateLimited { retry_after: Duration::from_secs(1) },
            R::Unavailable,
            R::Internal,
        ];
        others.into_iter().chain(transitions.map(R::Transition)).collect()
    }
}

/// Whether responses with this status have the header `retry-after`.
pub(crate) fn is_for_now(http_status: StatusCode) -> bool {
    matches!(http_status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (retry_after, is_wrong_guess) = (self.retry_after(), self.is_wrong_guess());
        let ErrorBody { http_status, code, reason, detail, step_up, message } = self.body();
        let envelope = Envelope::<()> {
            code,
            message: Some(message.into_owned()),
            data: None,
            reason: Some(reason.to_owned()),
            detail: detail.map(str::to_owned),
            step_up,
        };
        let mut response = (http_status, [(header::CACHE_CONTROL, "no-store")], Json(envelope)).into_response();
        if http_status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(BASIC));
        }
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if is_wrong_guess {
            response.extensions_mut().insert(WrongGuess);
        }
        response.extensions_mut().insert(ErrorReason(reason));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn business_refusals_have_http_200_and_transport_refusals_their_own_status() {
        let step_up = StepUp { max_age: Some(60), amr: Vec::new(), acr_values: Vec::new() };
        for (refusal, http_status, code, reason) in [
            (ApiError::UnknownCode, 200, 2241, "unknown-code"),
            (ApiError::Transition(TransitionError::NotScanned), 200, 500, "not-scanned"),
            (ApiError::NotSignedIn(TokenProblem::Malformed), 200, 2020, "not-signed-in"),
            (ApiError::WrongPool, 200, 2036, "wrong-pool"),
            (ApiError::Blocked, 200, 1001, "blocked"),
            (ApiError::LoginExpired, 200, 2206, "login-expired"),
            (ApiError::StepUpRequired(step_up), 200, 2206, "step-up-required"),
            (ApiError::Forbidden("no"), 200, 1001, "forbidden"),
            (ApiError::MissingParameter("random".into()), 200, 2231, "missing-parameter"),
            (ApiError::MalformedJson(String::new()), 400, 400, "malformed-json"),
            (ApiError::WrongCredentials, 401, 401, "wrong-credentials"),
            (ApiError::UnknownRoute, 404, 404, "unknown-route"),
            (ApiError::SlowBody, 408, 408, "timeout"),
            (ApiError::RateLimited { retry_after: Duration::ZERO }, 429, 429, "rate-limited"),
            (ApiError::Unavailable, 503, 503, "unavailable"),
        ] {
            let body = refusal.body();
            assert_eq!((body.http_status.as_u16(), body.code, body.reason), (http_status, code, reason));
        }
    }

    #[test]
    fn retry_after_is_in_whole_seconds_rounded_up() {
        let too_often = |milliseconds| ApiError::RateLimited { retry_after: Duration::from_millis(milliseconds) };
        for (refusal, seconds) in [
            (ApiError::from(StoreError::new("disk full")), "1"),
            (too_often(1), "1"),
            (too_often(1_000), "1"),
            (too_often(1_001), "2"),
        ] {
            let response = refusal.into_response();
            assert_eq!(response.headers()["retry-after"], seconds);
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
    }
}
