//! The errors of the widget, with stable codes.
//!
//! JavaScript gets an [`Error`] as an `Error` object with `code`, `reason` and `fatal`. The messages are in English and
//! for the developer of the page. `js/i18n.js` and `src/web/messages.json` have the messages for the person.

use core::time::Duration;
use scanlogin_protocol::wire::code;

use crate::number::decimal;

/// The kind of an error: docs/protocol.md, "Error codes".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// An option has the wrong type or is out of range.
    InvalidOption,
    /// The page is in a frame of a page that is not in `frameAncestors`.
    Framed,
    /// The browser could not send the request, or got no response.
    Network,
    /// The request took longer than the option `timeout` allows.
    Timeout,
    /// The response does not match the protocol.
    BadAnswer,
    /// HTTP 429.
    RateLimited,
    /// HTTP 408, 425 or 5xx, or an envelope with `code` 5xx and no `reason`.
    Unavailable,
    /// The server refused the request.
    Refused,
    /// The text does not fit into a QR code.
    CodeTooLong,
    /// At the size of the widget, the modules of the code would be too small for a camera.
    CodeTooDense,
    /// The image of the code can't be loaded, and the widget can't draw the code.
    CodeImageFailed,
    /// A text is not that of a sign-in code.
    NotACode,
    /// The user approved, and the server refused the sign-in (status 5).
    SignInFailed,
}

impl ErrorCode {
    /// The stable kebab-case name: `code` of the JavaScript error.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidOption => "invalid-option",
            Self::Framed => "framed",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::BadAnswer => "bad-answer",
            Self::RateLimited => "rate-limited",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::CodeTooLong => "code-too-long",
            Self::CodeTooDense => "code-too-dense",
            Self::CodeImageFailed => "code-image-failed",
            Self::NotACode => "not-a-code",
            Self::SignInFailed => "sign-in-failed",
        }
    }
}

/// An error of the widget.
///
/// It is a pointer. Most functions of the crate return an error, and each move of a larger one would add code to the
/// wasm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Details>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Details {
    code: ErrorCode,
    message: String,
    reason: Option<String>,
    server_code: Option<i32>,
    retry_after: Option<Duration>,
    is_temporary: bool,
}

impl Error {
    /// A permanent error: a retry would fail too.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        let details =
            Details { code, message, reason: None, server_code: None, retry_after: None, is_temporary: false };
        Self(Box::new(details))
    }

    /// A temporary error: a retry may succeed.
    pub fn temporary(code: ErrorCode, message: impl Into<String>) -> Self {
        let mut error = Self::new(code, message);
        error.0.is_temporary = true;
        error
    }

    /// The same error with another message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// The kind of the error.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The message for the developer of the page. If the server refused a request, its own message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The `reason` of the envelope.
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The `code` of the envelope.
    pub fn server_code(&self) -> Option<i32> {
        self.0.server_code
    }

    /// The header `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same request may succeed later.
    pub fn is_temporary(&self) -> bool {
        self.0.is_temporary
    }

    /// The error of a response that is not a success. `envelope` is `None` if the body has no `code`.
    pub fn from_response(http_status: u16, retry_after: Option<Duration>, envelope: Option<ErrorEnvelope>) -> Self {
        let error_code = match (http_status, &envelope) {
            (429, _) => ErrorCode::RateLimited,
            (408 | 425 | 500..=599, _) => ErrorCode::Unavailable,
            (_, None) => ErrorCode::BadAnswer,
            // scanlogin-server sends a reason with every refusal. Other servers use these codes for their own faults.
            (_, Some(envelope)) if (500..600).contains(&envelope.code) && envelope.reason.is_none() => {
                ErrorCode::Unavailable
            }
            (_, Some(envelope)) if envelope.code == code::OK => ErrorCode::BadAnswer,
            (_, Some(_)) => ErrorCode::Refused,
        };
        // Firewalls, proxies and captive portals respond with any HTTP status and their own page, for a while. Only the
        // server refuses, in an envelope.
        let is_temporary = error_code != ErrorCode::Refused;
        let (message, reason, server_code) = match envelope {
            Some(envelope) => (envelope.message, envelope.reason, Some(envelope.code)),
            None => (None, None, None),
        };
        let message = message.filter(|message| !message.is_empty()).unwrap_or_else(|| {
            let status = decimal(http_status.into());
            if error_code == ErrorCode::BadAnswer {
                ["the response (HTTP ", &status, ") does not match the protocol: check the option `host`"].concat()
            } else {
                ["the server responded with HTTP ", &status].concat()
            }
        });
        Self(Box::new(Details { code: error_code, message, reason, server_code, retry_after, is_temporary }))
    }
}

/// The envelope of a response that is not a success.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorEnvelope {
    /// `code`.
    pub code: i32,
    /// `message`.
    pub message: Option<String>,
    /// `reason`.
    pub reason: Option<String>,
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;

    fn with_reason(code: i32) -> Option<ErrorEnvelope> {
        Some(ErrorEnvelope { code, message: Some("no".to_owned()), reason: Some("because".to_owned()) })
    }

    fn without_reason(code: i32) -> Option<ErrorEnvelope> {
        Some(ErrorEnvelope { reason: None, ..with_reason(code)? })
    }

    #[test]
    fn response_decides_error_code_and_whether_the_error_is_temporary() {
        let table = [
            (200, with_reason(1001), ErrorCode::Refused, false),
            (200, with_reason(2241), ErrorCode::Refused, false),
            (200, with_reason(500), ErrorCode::Refused, false),
            (200, without_reason(500), ErrorCode::Unavailable, true),
            (200, with_reason(200), ErrorCode::BadAnswer, true),
            (200, None, ErrorCode::BadAnswer, true),
            (400, with_reason(400), ErrorCode::Refused, false),
            (403, None, ErrorCode::BadAnswer, true),
            (404, None, ErrorCode::BadAnswer, true),
            (404, with_reason(200), ErrorCode::BadAnswer, true),
            (429, None, ErrorCode::RateLimited, true),
            (502, None, ErrorCode::Unavailable, true),
            (503, with_reason(503), ErrorCode::Unavailable, true),
        ];
        for (status, envelope, code, is_temporary) in table {
            let error = Error::from_response(status, None, envelope.clone());
            assert_eq!((error.code(), error.is_temporary()), (code, is_temporary), "HTTP {status} {envelope:?}");
        }
    }

    #[test]
    fn message_comes_from_the_envelope_or_names_the_http_status() {
        let error = Error::from_response(200, None, with_reason(1001));
        assert_eq!((error.message(), error.reason(), error.server_code()), ("no", Some("because"), Some(1001)));
        assert_eq!(Error::from_response(502, None, None).message(), "the server responded with HTTP 502");
        let message = "the response (HTTP 404) does not match the protocol: check the option `host`";
        assert_eq!(Error::from_response(404, None, None).message(), message);
    }
}
