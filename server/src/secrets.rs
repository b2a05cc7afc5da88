//! Everything secret that the server makes, and how it is kept: ids, poll tokens, tickets.
//!
//! What signs somebody in is never at rest, and all that the process remembers is one key made at its start:
//!
//! - `pollToken = HMAC(key, "poll-token" ‖ random)`. The browser gets it; the store gets its SHA-256. A browser that comes
//!   back with it after a restart, or to another server, is recognised by that hash, though the key is another one there.
//! - `ticket = HMAC(pollToken, "ticket" ‖ random)`. The store gets its SHA-256 when the code is made, and it is worth
//!   nothing before the code is authorised. `check` makes it again from the poll token that the browser brings.
//! - A client that brings no poll token (`compat.poll_without_token`) is served by making the poll token again. For such
//!   apps, and for them only, the key is one that all servers share: it is in the store, and who reads the store can make
//!   their tickets.
//!
//! A plain SHA-256 is enough for these hashes, since what is hashed has 256 bits of entropy and can't be guessed.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

const HASH_PREFIX: &str = "sha256:";

/// The system's random number generator failed.
pub type RandomError = getrandom::Error;

/// A secret text. `Debug` does not print it, and [`is`](Self::is) is the only way to compare it:
///
/// ```compile_fail,E0369
/// use scanlogin_server::secrets::Secret;
/// let _ = Secret::new("a") == Secret::new("b");
/// ```
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being printed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A new one with 256 bits from the system's generator.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn random() -> Result<Self, RandomError> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?)))
    }

    /// The text itself, for the one who must send or sign with it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `candidate` is this secret, without telling by the time it takes how much of it was right.
    pub fn is(&self, candidate: &str) -> bool {
        Hash::of(&self.0).is_of(candidate)
    }

    /// The length in bytes.
    pub fn length(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// The SHA-256 of a secret: all that is stored of it. As text, `sha256:` and 43 characters of base64url. It is compared
/// in constant time.
#[derive(Debug, Clone, Copy, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// Hashes `secret`.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// A hash that was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What is stored.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is the hash of `candidate`, in constant time.
    pub fn is_of(&self, candidate: &str) -> bool {
        *self == Self::of(candidate)
    }
}

impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{HASH_PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        text.strip_prefix(HASH_PREFIX)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok())
            .map(Self)
            .ok_or("a hash is written sha256: and 43 characters of base64url")
    }
}

/// A key from which poll tokens are made.
pub struct PollKey([u8; 32]);

impl PollKey {
    /// A new key.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn random() -> Result<Self, RandomError> {
        Ok(Self(random_bytes()?))
    }

    /// A key that was stored; `None` when that was not one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// What is stored.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What proves that a browser is the one that asked for the code `random`.
    pub fn poll_token(&self, random: &str) -> Secret {
        authenticate(&self.0, "poll-token", random)
    }
}

/// What the site's backend exchanges for the user who authorised the code `random`.
pub fn ticket(poll_token: &Secret, random: &str) -> Secret {
    authenticate(poll_token.0.as_bytes(), "ticket", random)
}

/// A new id of a code: 192 bits from the system's generator, and nothing of a clock or a counter.
///
/// # Errors
///
/// When the system has no random numbers.
pub fn random_id() -> Result<String, RandomError> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes::<24>()?))
}

/// A new name for a request: 128 bits in hexadecimal. Nothing is kept secret by it, so that the system is not asked.
pub fn request_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// Bytes from the system's generator.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn authenticate(key: &[u8], purpose: &str, random: &str) -> Secret {
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(key) else { unreachable!("HMAC takes keys of any length") };
    hmac.update(purpose.as_bytes());
    hmac.update(random.as_bytes());
    Secret(URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_have_only_characters_that_a_url_takes_and_never_repeat() {
        let ids: HashSet<String> = (0..1_000).map(|_| random_id().unwrap()).collect();
        assert_eq!(ids.len(), 1_000);
        for id in ids {
            assert_eq!(id.len(), 32);
            assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'), "{id}");
        }
    }

    #[test]
    fn poll_tokens_and_tickets_differ_by_code_by_key_and_from_each_other() {
        let (key, other_key) = (PollKey([1; 32]), PollKey([2; 32]));
        let poll_token = key.poll_token("a");
        let secrets = [
            poll_token.clone(),
            key.poll_token("b"),
            other_key.poll_token("a"),
            ticket(&poll_token, "a"),
            ticket(&poll_token, "b"),
        ];
        let distinct: HashSet<&str> = secrets.iter().map(Secret::expose).collect();
        assert_eq!(distinct.len(), secrets.len());
        let again = ticket(&key.poll_token("a"), "a");
        assert!(again.is(ticket(&poll_token, "a").expose()), "and can be made again");
    }

    #[test]
    fn a_hash_knows_its_secret_and_no_other() {
        let hash = Hash::of("secret");
        assert!(hash.is_of("secret"));
        assert!(!hash.is_of("secreT"));
        assert!(!hash.is_of(""));
        assert_eq!(Hash::from_bytes(*hash.as_bytes()), hash);
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new("hush")), "Secret(…)");
    }
}
