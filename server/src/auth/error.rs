//! The error type of authentication.

use core::fmt;

/// Why a token is rejected, or can't be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthError {
    /// The token is malformed, or it is not a valid token that a trusted issuer signed for this server.
    NotSignedIn,
    /// The `exp` of the token has passed.
    LoginExpired,
    /// The server has no keys of the issuer, and could not fetch them.
    Unavailable,
    /// The server has no key to sign with, or the signing failed.
    Signing,
}

impl fmt::Display for AuthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotSignedIn => "the token is not valid",
            Self::LoginExpired => "the token has expired",
            Self::Unavailable => "the keys of the issuer are not available",
            Self::Signing => "the token can't be signed",
        })
    }
}

impl core::error::Error for AuthError {}
