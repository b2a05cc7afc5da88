//! Everything that can go wrong in the widget, under names that do not change.
//!
//! An [`Error`] reaches JavaScript as an `Error` object with `code`, `reason` and `fatal`. Deliberately absent: words
//! by language. Messages here are for the developer of the page; what a person reads stands in pkg/words.js.

use core::ops::{Deref, DerefMut};
use core::time::Duration;
use scanlogin_protocol::wire::code;

use crate::number::decimal;

/// What went wrong, for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// An option has the wrong type or is out of range.
    InvalidOption,
    /// The page is inside another one that may not show it.
    Framed,
    /// The server can't be reached.
    Network,
    /// The server did not answer in time.
    Timeout,
    /// What came back is not what the protocol describes.
    BadAnswer,
    /// Too many requests.
    RateLimited,
    /// The server has a fault of its own.
    Unavailable,
    /// The server understood and said no.
    Refused,
    /// The text is too long for a QR code.
    CodeTooLong,
    /// In its size, the modules of the code would be too small for a camera.
    CodeTooDense,
    /// The image of the code can't be shown, and there is nothing to draw it from.
    CodeImageFailed,
    /// The text is not that of a sign-in code.
    NotACode,
    /// The user approved, and the server refused to sign them in (status 5).
    SignInFailed,
}

impl ErrorCode {
    /// The stable kebab-case word: `code` of the JavaScript error.
    pub fn word(self) -> &'static str {
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
/// As wide as a pointer: what may fail returns one all over the crate, and each copy of a wider one would be code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Details>);

/// What is known of an [`Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// What went wrong, for a program.
    pub code: ErrorCode,
    /// What went wrong, for the developer of the page, or the server's own words.
    pub message: String,
    /// The server's stable word for a refusal.
    pub reason: Option<String>,
    /// The `code` of the server's envelope.
    pub server_code: Option<i32>,
    /// How long the server asks us to stay away.
    pub retry_after: Option<Duration>,
    /// Whether the same request may succeed later.
    pub is_temporary: bool,
}

impl Deref for Error {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Error {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

impl Error {
    /// An error that repeating does not mend.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        let details =
            Details { code, message, reason: None, server_code: None, retry_after: None, is_temporary: false };
        Self(Box::new(details))
    }

    /// An error that may be gone at the next try.
    pub fn temporary(code: ErrorCode, message: impl Into<String>) -> Self {
        let mut error = Self::new(code, message);
        error.is_temporary = true;
        error
    }

    /// What a reply means that is no success: its HTTP status, and what of its envelope could be read.
    pub fn of_reply(http_status: u16, retry_after: Option<Duration>, envelope: Option<Refusal>) -> Self {
        let is_success_status = (200..300).contains(&http_status);
        let error_code = match (http_status, &envelope) {
            (429, _) => ErrorCode::RateLimited,
            (408 | 425 | 500..=599, _) => ErrorCode::Unavailable,
            (_, None) => ErrorCode::BadAnswer,
            // Our server gives a reason with every refusal; one without is another server's fault.
            (_, Some(refusal)) if (500..600).contains(&refusal.code) && refusal.reason.is_none() => {
                ErrorCode::Unavailable
            }
            (_, Some(refusal)) if refusal.code == code::OK => ErrorCode::BadAnswer,
            (_, Some(_)) => ErrorCode::Refused,
        };
        let is_temporary = match error_code {
            ErrorCode::RateLimited | ErrorCode::Unavailable => true,
            // A captive portal answers 200 with its own page; a wrong address answers 404 for ever.
            ErrorCode::BadAnswer => is_success_status,
            _ => false,
        };
        let (message, reason, server_code) = match envelope {
            Some(refusal) => (refusal.message, refusal.reason, Some(refusal.code)),
            None => (None, None, None),
        };
        let message = message.filter(|message| !message.is_empty()).unwrap_or_else(|| {
            if is_success_status {
                "the server's answer is not what the protocol describes: is `host` right?".to_owned()
            } else {
                ["the server answered HTTP ", &decimal(http_status.into())].concat()
            }
        });
        Self(Box::new(Details { code: error_code, message, reason, server_code, retry_after, is_temporary }))
    }
}

/// What an envelope says that is no success.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// `code` of the envelope.
    pub code: i32,
    /// `message` of the envelope.
    pub message: Option<String>,
    /// `reason` of the envelope.
    pub reason: Option<String>,
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;

    fn refusal(code: i32) -> Option<Refusal> {
        Some(Refusal { code, message: Some("no".to_owned()), reason: Some("because".to_owned()) })
    }

    fn fault(code: i32) -> Option<Refusal> {
        Some(Refusal { reason: None, ..refusal(code)? })
    }

    #[test]
    fn replies_are_told_apart_by_whether_waiting_helps() {
        let table = [
            (200, refusal(1001), ErrorCode::Refused, false),
            (200, refusal(2241), ErrorCode::Refused, false),
            (200, refusal(500), ErrorCode::Refused, false),
            (200, fault(500), ErrorCode::Unavailable, true),
            (200, refusal(200), ErrorCode::BadAnswer, true),
            (200, None, ErrorCode::BadAnswer, true),
            (400, refusal(400), ErrorCode::Refused, false),
            (404, None, ErrorCode::BadAnswer, false),
            (429, None, ErrorCode::RateLimited, true),
            (502, None, ErrorCode::Unavailable, true),
            (503, refusal(503), ErrorCode::Unavailable, true),
        ];
        for (status, envelope, code, is_temporary) in table {
            let error = Error::of_reply(status, None, envelope.clone());
            assert_eq!((error.code, error.is_temporary), (code, is_temporary), "HTTP {status} {envelope:?}");
        }
    }

    #[test]
    fn the_servers_words_are_kept_and_their_absence_is_filled() {
        let error = Error::of_reply(200, None, refusal(1001));
        assert_eq!(
            (error.message.as_str(), error.reason.as_deref(), error.server_code),
            ("no", Some("because"), Some(1001))
        );
        assert_eq!(Error::of_reply(502, None, None).message, "the server answered HTTP 502");
    }
}
