//! The error types of authentication.

use core::fmt;

/// Why a token is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenError {
    /// The check that failed.
    pub problem: TokenProblem,
    /// For the operator: the value in the token, and the value that the check expects. It contains values of claims, but
    /// never the token itself.
    pub explanation: String,
}

/// The check of a token that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenProblem {
    /// The request has no token.
    Missing,
    /// It is longer than 8 KB.
    TooLong,
    /// It is not a signed JSON Web Token.
    Malformed,
    /// `typ` is of another kind of token.
    UnsupportedType,
    /// `crit` names extensions. The server supports none.
    UnsupportedExtension,
    /// The server does not verify `alg`, or the issuer's entry does not allow it.
    UnsupportedAlgorithm,
    /// The settings have no entry for `iss`.
    UnknownIssuer,
    /// Not exactly one key of the issuer matches `kid` and `alg`.
    UnknownKey,
    /// The signature does not match the key.
    WrongSignature,
    /// `aud` does not contain an accepted audience.
    WrongAudience,
    /// A required claim is absent or has another value.
    WrongClaim,
    /// `exp` is absent, or a time is malformed.
    InvalidTime,
    /// `nbf` or `iat` is in the future.
    NotYetValid,
    /// The claim with the id of the user is absent, empty, or neither a string nor an integer.
    NoUserId,
    /// `exp` has passed.
    Expired,
    /// The server has no keys of the issuer, and could not fetch them.
    KeysUnavailable,
}

impl TokenProblem {
    /// The problems that the response to a phone names in `detail`: all but [`Expired`](Self::Expired) and
    /// [`KeysUnavailable`](Self::KeysUnavailable), which have reasons of their own.
    pub const DETAILS: [Self; 14] = [
        Self::Missing,
        Self::TooLong,
        Self::Malformed,
        Self::UnsupportedType,
        Self::UnsupportedExtension,
        Self::UnsupportedAlgorithm,
        Self::UnknownIssuer,
        Self::UnknownKey,
        Self::WrongSignature,
        Self::WrongAudience,
        Self::WrongClaim,
        Self::InvalidTime,
        Self::NotYetValid,
        Self::NoUserId,
    ];

    /// The stable name, in the log and in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing-token",
            Self::TooLong => "token-too-long",
            Self::Malformed => "malformed-token",
            Self::UnsupportedType => "unsupported-type",
            Self::UnsupportedExtension => "unsupported-extension",
            Self::UnsupportedAlgorithm => "unsupported-algorithm",
            Self::UnknownIssuer => "unknown-issuer",
            Self::UnknownKey => "unknown-key",
            Self::WrongSignature => "wrong-signature",
            Self::WrongAudience => "wrong-audience",
            Self::WrongClaim => "wrong-claim",
            Self::InvalidTime => "invalid-time",
            Self::NotYetValid => "not-yet-valid",
            Self::NoUserId => "no-user-id",
            Self::Expired => "expired",
            Self::KeysUnavailable => "keys-unavailable",
        }
    }

    /// The error with this explanation.
    pub(crate) fn because(self, explanation: impl Into<String>) -> TokenError {
        TokenError { problem: self, explanation: explanation.into() }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.problem.as_str(), self.explanation)
    }
}

impl core::error::Error for TokenError {}

/// Why a passkey can't be created or used. Only the demo has passkeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyError {
    /// Browsers have no passkeys at the address of the page, or the options could not be made.
    Unavailable,
    /// The user has no passkey.
    None,
    /// The answer of the browser is wrong, too late, or for another user.
    Rejected,
}

impl PasskeyError {
    /// The stable name, in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "passkeys-unavailable",
            Self::None => "no-passkey",
            Self::Rejected => "passkey-rejected",
        }
    }
}

/// The server has no key to sign with, or the signing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SigningError;

impl fmt::Display for SigningError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the token can't be signed")
    }
}

impl core::error::Error for SigningError {}
