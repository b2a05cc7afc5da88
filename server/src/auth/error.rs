//! Errors of authentication.

use core::fmt;

/// Why a token is rejected, or can't be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthError {
    /// There is no token, or none that an issuer of ours has signed for us.
    NotSignedIn,
    /// The token has expired.
    LoginExpired,
    /// The keys of the issuer can't be fetched now.
    Unavailable,
    /// A token can't be signed.
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
